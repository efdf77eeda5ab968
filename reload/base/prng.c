/* prng.c: xoshiro256** seeded by splitmix64.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/base/prng.h"

#include <assert.h>

static uint64_t
splitmix(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

struct reload_prng
reload_prng_of(uint64_t seed)
{
    struct reload_prng prng;
    for (size_t i = 0; i < 4; i++)
        prng.state[i] = splitmix(&seed);
    return prng;
}

static uint64_t
rotate_left(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

uint64_t
reload_prng_next(struct reload_prng *prng)
{
    uint64_t *s = prng->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t
reload_prng_below(struct reload_prng *prng, uint64_t bound)
{
    assert(bound > 0);
    /* What is below 2^64 mod bound would make small results more probable: draw again. */
    uint64_t least = (0 - bound) % bound;
    uint64_t value = reload_prng_next(prng);
    while (value < least)
        value = reload_prng_next(prng);
    return value % bound;
}

void
reload_prng_fill(struct reload_prng *prng, void *data, size_t size)
{
    uint8_t *at = data;
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++, value >>= 8) {
        if (i % 8 == 0)
            value = reload_prng_next(prng);
        at[i] = (uint8_t)value;
    }
}
