/* sim_hash.c: two lanes of multiply and rotate over 8-octet words.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_hash.h"

#include "tools/sim/sim_random.h"

#define FIRST UINT64_C(0xd6e8feb86659fd93)
#define SECOND UINT64_C(0xa0761d6478bd642f)

static inline uint64_t
rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

/* Lane a is a bijection of each word and of the state before it; b sees the words otherwise. */
static inline void
absorb(struct sim_hash *hash, uint64_t word)
{
    hash->a = rotate((hash->a ^ word) * FIRST, 29);
    hash->b = (rotate(hash->b, 23) + word) * SECOND;
}

static inline uint64_t
load(const uint8_t *at)
{
    uint64_t word = 0;
    for (unsigned i = 0; i < 8; i++)
        word |= (uint64_t)at[i] << (8 * i);
    return word;
}

struct sim_hash
sim_hash_begin(uint64_t key)
{
    return (struct sim_hash){.a = sim_mix(key, 1), .b = sim_mix(key, 2)};
}

static void
add_octet(struct sim_hash *hash, uint8_t octet)
{
    unsigned filled = (unsigned)(hash->size % 8);
    hash->pending |= (uint64_t)octet << (8 * filled);
    hash->size++;
    if (filled == 7) {
        absorb(hash, hash->pending);
        hash->pending = 0;
    }
}

void
sim_hash_add(struct sim_hash *hash, const void *data, size_t size)
{
    const uint8_t *at = data;
    unsigned filled = (unsigned)(hash->size % 8);
    for (; size >= 8; at += 8, size -= 8, hash->size += 8) {
        uint64_t word = load(at);
        if (filled == 0) {
            absorb(hash, word);
            continue;
        }
        absorb(hash, hash->pending | word << (8 * filled));
        hash->pending = word >> (64 - 8 * filled);
    }
    for (; size > 0; at++, size--)
        add_octet(hash, *at);
}

void
sim_hash_add_u64(struct sim_hash *hash, uint64_t value)
{
    uint8_t octets[8];
    for (unsigned i = 0; i < 8; i++)
        octets[i] = (uint8_t)(value >> (8 * i));
    sim_hash_add(hash, octets, sizeof octets);
}

uint64_t
sim_hash_result(const struct sim_hash *hash)
{
    return sim_mix(hash->a ^ hash->pending, sim_mix(hash->b + hash->pending, hash->size));
}
