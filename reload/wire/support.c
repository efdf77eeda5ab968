/* support.c: what the generated decoders share, and Node-IDs on the wire.
 *
 * RFC 6940 6.3.1.1. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/wire/support.h"

#include <assert.h>

#include "reload/wire/wire.h"

const char reload_wire_unknown[] = "unknown";

int
reload_wire_fail(const struct reload_wire *wire, const struct reload_reader *at, int error,
                 const char *structure, const char *field)
{
    if (wire->error)
        *wire->error = (struct reload_wire_error){reload_reader_offset(at), structure, field};
    return error;
}

/* The Kinds that RFC 6940 14.6 and RFC 7904 9.1 register. */
static uint8_t
registered_model(uint32_t kind_id)
{
    switch (kind_id) {
    case RELOAD_KIND_SIP_REGISTRATION:
        return RELOAD_DATA_MODEL_DICTIONARY;
    case RELOAD_KIND_TURN_SERVICE:
        return RELOAD_DATA_MODEL_SINGLE_VALUE;
    case RELOAD_KIND_CERTIFICATE_BY_NODE:
    case RELOAD_KIND_CERTIFICATE_BY_USER:
        return RELOAD_DATA_MODEL_ARRAY;
    default:
        return 0;
    }
}

uint8_t
reload_wire_kind_model(const struct reload_wire *wire, uint32_t kind_id)
{
    if (!wire->kind_model)
        return registered_model(kind_id);
    return (uint8_t)wire->kind_model(wire->kinds, kind_id);
}

int
reload_node_id_read(struct reload_reader *reader, const struct reload_wire *wire,
                    struct reload_node_id *value)
{
    assert(wire->node_id_length >= RELOAD_NODE_ID_SIZE_MIN);
    assert(wire->node_id_length <= RELOAD_NODE_ID_SIZE_MAX);
    struct reload_bytes bytes;
    int error = reload_reader_bytes(reader, wire->node_id_length, &bytes);
    if (error)
        return error;
    *value = reload_node_id_of(bytes);
    return 0;
}

void
reload_node_id_encode(struct reload_writer *writer, const struct reload_wire *wire,
                      const struct reload_node_id *value)
{
    reload_writer_bytes(writer, reload_node_id_bytes(value, wire->node_id_length));
}
