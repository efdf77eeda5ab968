/* gen_small.h: structures of RFC 9999: small.
 *
 * The functions' contract is in reload/wire/wire.h. Made by tools/wiregen.py; do not edit.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_WIRE_GEN_SMALL_H
#define RELOAD_WIRE_GEN_SMALL_H

#include "reload/wire/context.h"

/* Colour: RFC 9999 1. */
enum reload_colour {
    RELOAD_COLOUR_RED = 1,
    RELOAD_COLOUR_DARK_GREEN = 2,
};

/* The name of a value, "unknown" when it has none. */
const char *reload_colour_name(uint8_t value);

/* Name: RFC 9999 1. */
RELOAD_CHECKED int reload_name_decode(struct reload_reader *reader, const struct reload_wire *wire,
                                      struct reload_bytes *value);
bool reload_name_next(struct reload_reader *list, const struct reload_wire *wire,
                      struct reload_bytes *value);
RELOAD_CHECKED int reload_name_list_check(struct reload_reader list,
                                          const struct reload_wire *wire);
void reload_name_list_print(struct reload_json *json, const struct reload_wire *wire,
                            struct reload_bytes list);
struct reload_bytes reload_name_list_arbitrary(struct reload_prng *prng,
                                               struct reload_writer *arena,
                                               const struct reload_wire *wire, size_t size_min);

/* Point: RFC 9999 1. */
struct reload_point {
    uint16_t x;
    uint8_t wide[16]; /* of no use */
};
RELOAD_CHECKED int reload_point_decode(struct reload_reader *reader, const struct reload_wire *wire,
                                       struct reload_point *value);
void reload_point_encode(struct reload_writer *writer, const struct reload_wire *wire,
                         const struct reload_point *value);
bool reload_point_equal(const struct reload_point *a, const struct reload_point *b);
void reload_point_print(struct reload_json *json, const struct reload_wire *wire,
                        const struct reload_point *value);
void reload_point_arbitrary(struct reload_prng *prng, struct reload_writer *arena,
                            const struct reload_wire *wire, struct reload_point *value);

/* Pattern: RFC 9999 2.1. */
struct reload_pattern {
    uint8_t colour; /* enum reload_colour */
    union {
        struct {
            struct reload_bytes names; /* a list of Name */
            uint64_t time;             /* ms since 1970 */
        } dark_green;
        struct reload_bytes unknown; /* when colour is none of these */
    } shade;
};
RELOAD_CHECKED int reload_pattern_decode(struct reload_reader *reader,
                                         const struct reload_wire *wire,
                                         struct reload_pattern *value);
void reload_pattern_encode(struct reload_writer *writer, const struct reload_wire *wire,
                           const struct reload_pattern *value);
bool reload_pattern_equal(const struct reload_pattern *a, const struct reload_pattern *b);
void reload_pattern_print(struct reload_json *json, const struct reload_wire *wire,
                          const struct reload_pattern *value);
void reload_pattern_arbitrary(struct reload_prng *prng, struct reload_writer *arena,
                              const struct reload_wire *wire, struct reload_pattern *value);
bool reload_pattern_next(struct reload_reader *list, const struct reload_wire *wire,
                         struct reload_pattern *value);
RELOAD_CHECKED int reload_pattern_list_check(struct reload_reader list,
                                             const struct reload_wire *wire);
void reload_pattern_list_print(struct reload_json *json, const struct reload_wire *wire,
                               struct reload_bytes list);
struct reload_bytes reload_pattern_list_arbitrary(struct reload_prng *prng,
                                                  struct reload_writer *arena,
                                                  const struct reload_wire *wire, size_t size_min);

/* Carpet: RFC 9999 2.1. */
struct reload_carpet {
    struct reload_point corner;
    struct reload_bytes patterns; /* a list of Pattern */
};
RELOAD_CHECKED int reload_carpet_decode(struct reload_reader *reader,
                                        const struct reload_wire *wire,
                                        struct reload_carpet *value);
void reload_carpet_encode(struct reload_writer *writer, const struct reload_wire *wire,
                          const struct reload_carpet *value);
bool reload_carpet_equal(const struct reload_carpet *a, const struct reload_carpet *b);
void reload_carpet_print(struct reload_json *json, const struct reload_wire *wire,
                         const struct reload_carpet *value);
void reload_carpet_arbitrary(struct reload_prng *prng, struct reload_writer *arena,
                             const struct reload_wire *wire, struct reload_carpet *value);

#endif
