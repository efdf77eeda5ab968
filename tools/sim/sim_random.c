/* sim_random.c: splitmix64 streams.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_random.h"

#include <assert.h>
#include <string.h>

#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)

static uint64_t
finish(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint64_t
sim_mix(uint64_t a, uint64_t b)
{
    return finish(finish(a + GOLDEN) ^ (b * GOLDEN + 1));
}

struct sim_random
sim_random_fork(uint64_t seed, uint64_t purpose)
{
    return (struct sim_random){sim_mix(seed, purpose)};
}

uint64_t
sim_random_next(struct sim_random *random)
{
    random->state += GOLDEN;
    return finish(random->state);
}

uint64_t
sim_random_below(struct sim_random *random, uint64_t bound)
{
    /* The bias of a product's upper half is below 2^-32 for the bounds used here. */
    return (uint64_t)((unsigned __int128)sim_random_next(random) * bound >> 64);
}

uint64_t
sim_random_between(struct sim_random *random, uint64_t low, uint64_t high)
{
    assert(low <= high && high - low < UINT64_MAX);
    return low + sim_random_below(random, high - low + 1);
}

void
sim_random_fill(struct sim_random *random, void *data, size_t size)
{
    uint8_t *at = data;
    while (size > 0) {
        uint64_t word = sim_random_next(random);
        size_t part = size < sizeof word ? size : sizeof word;
        for (size_t i = 0; i < part; i++)
            at[i] = (uint8_t)(word >> (8 * i));
        at += part;
        size -= part;
    }
}
