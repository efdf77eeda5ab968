/* context.h: what decoding a structure depends on besides its bytes.
 *
 * RFC 6940 6.3.1.1 (NodeIdLength), 7.2 (data models). SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_WIRE_CONTEXT_H
#define RELOAD_WIRE_CONTEXT_H

#include "reload/base/bytes.h"
#include "reload/base/error.h"
#include "reload/base/reader.h"
#include "reload/base/writer.h"
#include "reload/wire/node_id.h"

struct reload_json;
struct reload_prng;

/* Where decoding failed: |offset| in the outermost buffer that the reader was made for, of
 * |field| in |structure|, both as the RFC calls them (static strings). */
struct reload_wire_error {
    size_t offset;
    const char *structure;
    const char *field;
};

/* |node_id_length| is the overlay's, 16..20. |kind_model| tells the enum reload_data_model of a
 * Kind, 0 when it is unknown; |kinds| is its own. NULL: the Kinds of RFC 6940 and RFC 7904.
 * |error|, when not NULL, is filled whenever a decoder fails. */
struct reload_wire {
    uint8_t node_id_length;
    int (*kind_model)(const void *kinds, uint32_t kind_id);
    const void *kinds;
    struct reload_wire_error *error;
};

/* reload_wire_kind_model returns the data model of Kind |kind_id| (enum reload_data_model), 0 when
 * it is unknown. */
uint8_t reload_wire_kind_model(const struct reload_wire *wire, uint32_t kind_id);

/* reload_node_id_encode writes a Node-ID of the overlay's length. */
void reload_node_id_encode(struct reload_writer *writer, const struct reload_wire *wire,
                           const struct reload_node_id *value);

/* reload_node_id_print prints a Node-ID in hex. */
void reload_node_id_print(struct reload_json *json, const struct reload_wire *wire,
                          const struct reload_node_id *value);

#endif
