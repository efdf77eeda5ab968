/* structures.h: all structures in one table, by their RFC names: for reload decode, tests and
 * fuzzing. Programs that know what they decode call reload_x_decode.
 *
 * RFC 6940, RFC 7904. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_WIRE_STRUCTURES_H
#define RELOAD_WIRE_STRUCTURES_H

#include "reload/wire/context.h"

/* No structure is larger in memory. */
#define RELOAD_STRUCTURE_SIZE_MAX 512

/* Room for one structure of any type. */
struct reload_structure_value {
    _Alignas(max_align_t) uint8_t memory[RELOAD_STRUCTURE_SIZE_MAX];
};

/* One structure's functions, as wire.h describes them; |value| points to a struct reload_x. The
 * data model is only looked at when |is_modelled|. */
struct reload_structure {
    const char *name;
    size_t size;
    bool is_modelled;
    int (*decode)(struct reload_reader *reader, const struct reload_wire *wire, uint8_t model,
                  void *value);
    void (*encode)(struct reload_writer *writer, const struct reload_wire *wire, const void *value);
    bool (*equal)(const void *a, const void *b);
    void (*print)(struct reload_json *json, const struct reload_wire *wire, const void *value);
    void (*arbitrary)(struct reload_prng *prng, struct reload_writer *arena,
                      const struct reload_wire *wire, uint8_t model, void *value);
};

extern const struct reload_structure reload_structures[];
extern const size_t reload_structure_count;

/* reload_structure_find returns the structure that the RFC calls |name|, NULL when there is none.
 */
const struct reload_structure *reload_structure_find(const char *name);

/* reload_structure_of_message returns the structure of the body of messages with |message_code|
 * in an overlay with CHORD-RELOAD; NULL when it is not known. RFC 6940 6.3.3, 14.8. */
const struct reload_structure *reload_structure_of_message(uint16_t message_code);

#endif
