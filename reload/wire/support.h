/* support.h: what the generated files share. Nobody else needs it.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_WIRE_SUPPORT_H
#define RELOAD_WIRE_SUPPORT_H

#include "reload/wire/context.h"

struct reload_forwarding_header;

/* reload_wire_fail tells |wire->error| that |field| of |structure|, at |at|, is wrong, and returns
 * |error|. */
int reload_wire_fail(const struct reload_wire *wire, const struct reload_reader *at, int error,
                     const char *structure, const char *field);

/* reload_wire_tag8 and reload_wire_tag16 read an enum whose value 0 is invalid.
 * Return 0, RELOAD_E_TRUNCATED or RELOAD_E_MALFORMED. RFC 6940 6.3.1.1. */
static inline int
reload_wire_tag8(struct reload_reader *reader, uint8_t *value)
{
    if (reload_reader_left(reader) && *reader->at == 0)
        return RELOAD_E_MALFORMED;
    return reload_reader_u8(reader, value);
}

static inline int
reload_wire_tag16(struct reload_reader *reader, uint16_t *value)
{
    struct reload_reader copy = *reader;
    int error = reload_reader_u16(&copy, value);
    if (error == 0 && *value == 0)
        return RELOAD_E_MALFORMED;
    if (error == 0)
        *reader = copy;
    return error;
}

/* reload_wire_tag8_up_to reads an enum whose values end at |largest|. */
static inline int
reload_wire_tag8_up_to(struct reload_reader *reader, uint8_t largest, uint8_t *value)
{
    if (reload_reader_left(reader) && *reader->at > largest)
        return RELOAD_E_MALFORMED;
    return reload_reader_u8(reader, value);
}

/* reload_node_id_read reads a Node-ID of the overlay's length. Returns 0 or RELOAD_E_TRUNCATED. */
int reload_node_id_read(struct reload_reader *reader, const struct reload_wire *wire,
                        struct reload_node_id *value);

/* reload_forwarding_header_check is the part of reload_forwarding_header_decode that the
 * presentation language cannot say: token, and what may stand where in the lists (6.3.2.2), whose
 * elements it decodes (once: this is the forwarding path).
 * |reader| still stands at the header's begin. Returns 0 or RELOAD_E_MALFORMED. */
int reload_forwarding_header_check(const struct reload_reader *reader,
                                   const struct reload_wire *wire,
                                   const struct reload_forwarding_header *header);

/* reload_forwarding_header_settle changes a random header so that it passes the check. */
void reload_forwarding_header_settle(struct reload_prng *prng, struct reload_writer *arena,
                                     const struct reload_wire *wire,
                                     struct reload_forwarding_header *header);

/* The name of what has none: "unknown". */
extern const char reload_wire_unknown[];

/* reload_wire_print_ipv4 and reload_wire_print_ipv6 print an address as people write it. */
void reload_wire_print_ipv4(struct reload_json *json, uint32_t address);
void reload_wire_print_ipv6(struct reload_json *json, const uint8_t address[16]);

/* reload_wire_print_text prints text as a string, other octets as {"hex": "..."}. */
void reload_wire_print_text(struct reload_json *json, struct reload_bytes bytes);

/* reload_wire_print_name prints |name|, or |value| when it is reload_wire_unknown. */
void reload_wire_print_name(struct reload_json *json, const char *name, uint32_t value);

#endif
