/* structure.c: what the generated fuzz targets do with their input.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/fuzz/structure.h"

#include <stdlib.h>

#include "reload/base/json.h"
#include "reload/wire/structures.h"
#include "reload/wire/wire.h"

static void
require(bool condition)
{
    if (!condition)
        abort();
}

/* The octets that were read encode to themselves, and so does what they decode to again. */
static void
check_decoded(const struct reload_structure *structure, const struct reload_wire *wire,
              uint8_t model, const struct reload_structure_value *value, struct reload_bytes bytes)
{
    uint8_t *copy = malloc(bytes.size + 1);
    require(copy != NULL);
    struct reload_writer writer = reload_writer_of(copy, bytes.size);
    structure->encode(&writer, wire, value);
    require(!writer.failed && reload_bytes_equal(reload_writer_written(&writer), bytes));
    struct reload_reader reader = reload_reader_of(reload_writer_written(&writer));
    struct reload_structure_value again;
    require(structure->decode(&reader, wire, model, &again) == 0);
    require(structure->equal(value, &again));
    struct reload_json json = reload_json_growing(NULL, NULL);
    structure->print(&json, wire, value);
    require(!json.failed);
    reload_json_free(&json);
    free(copy);
}

int
fuzz_structure(const char *name, const uint8_t *data, size_t size)
{
    const struct reload_structure *structure = reload_structure_find(name);
    require(structure != NULL);
    struct reload_wire_error error = {0};
    struct reload_wire wire = {.node_id_length = RELOAD_NODE_ID_SIZE_MIN, .error = &error};
    struct reload_structure_value value;
    for (uint8_t model = 0; model <= (structure->is_modelled ? 3 : 0); model++) {
        struct reload_reader reader = reload_reader_of((struct reload_bytes){data, size});
        if (structure->decode(&reader, &wire, model, &value) == 0)
            check_decoded(structure, &wire, model, &value,
                          (struct reload_bytes){data, reload_reader_offset(&reader)});
        else
            require(error.structure && error.field && error.offset <= size && reader.at == data);
    }
    return 0;
}
