/* arbitrary.h: random values for the generated reload_x_arbitrary functions: for tests.
 *
 * An arena is a writer: what a value borrows is taken from it. When it is used up, lists and octets
 * get short.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_WIRE_ARBITRARY_H
#define RELOAD_WIRE_ARBITRARY_H

#include "reload/base/prng.h"
#include "reload/wire/context.h"

/* reload_arbitrary_uint returns a number of |size| octets, often one at an edge: 0, the largest, or
 * beside a power of two. */
uint64_t reload_arbitrary_uint(struct reload_prng *prng, size_t size);

/* reload_arbitrary_bytes takes |min| to |max| random octets from |arena|, mostly few. */
struct reload_bytes reload_arbitrary_bytes(struct reload_prng *prng, struct reload_writer *arena,
                                           size_t min, size_t max);

struct reload_node_id reload_arbitrary_node_id(struct reload_prng *prng,
                                               const struct reload_wire *wire);

/* reload_arbitrary_kind returns a registered Kind-ID, or rarely any. */
uint32_t reload_arbitrary_kind(struct reload_prng *prng);

/* reload_arbitrary_tag returns one of |count| |known| tags; when |is_open|, rarely a value between
 * 100 and 119, which no enum has. */
uint8_t reload_arbitrary_tag(struct reload_prng *prng, const uint8_t *known, size_t count,
                             bool is_open);

/* reload_arbitrary_split cuts |arena| in halves and returns the second one: a place for a list
 * while its elements take from the first. */
struct reload_writer reload_arbitrary_split(struct reload_writer *arena);

#endif
