/* fuzz_whole_message.c: fuzzes whole messages with their bodies.
 *
 * RFC 6940 6.3. SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "reload/wire/structures.h"
#include "reload/wire/wire.h"
#include "tests/fuzz/structure.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reload_wire_error error;
    struct reload_wire wire = {.node_id_length = RELOAD_NODE_ID_SIZE_MIN, .error = &error};
    struct reload_message message;
    if (reload_message_decode((struct reload_bytes){data, size}, &wire, &message))
        return 0;
    uint8_t *copy = malloc(size);
    struct reload_writer writer = reload_writer_of(copy, size);
    reload_message_encode(&writer, &wire, &message);
    if (!copy || writer.failed || writer.size != size || memcmp(copy, data, size) != 0)
        abort();
    free(copy);
    const struct reload_structure *body =
        reload_structure_of_message(message.contents.message_code);
    struct reload_bytes bytes = message.contents.message_body;
    return body ? fuzz_structure(body->name, bytes.data, bytes.size) : 0;
}
