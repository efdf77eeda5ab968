/* prng.h: a deterministic source of random numbers for tests and simulations: xoshiro256**
 * (Blackman, Vigna), seeded by splitmix64. Never for keys or identifiers.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_BASE_PRNG_H
#define RELOAD_BASE_PRNG_H

#include <stddef.h>
#include <stdint.h>

struct reload_prng {
    uint64_t state[4];
};

/* reload_prng_of begins the sequence that belongs to |seed|. */
struct reload_prng reload_prng_of(uint64_t seed);

/* reload_prng_next returns the next 64 random bits. */
uint64_t reload_prng_next(struct reload_prng *prng);

/* reload_prng_below returns a number in 0..|bound|-1, all equally probable; |bound| must not be
 * 0. */
uint64_t reload_prng_below(struct reload_prng *prng, uint64_t bound);

/* reload_prng_fill fills |size| octets. */
void reload_prng_fill(struct reload_prng *prng, void *data, size_t size);

#endif
