/* sim_hash.c: two lanes of multiply and rotate, each over every other 8-octet word.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_hash.h"

#include "tools/sim/sim_random.h"

#include <endian.h>
#include <string.h>

#define BLOCK 16
#define FIRST UINT64_C(0xd6e8feb86659fd93)
#define SECOND UINT64_C(0xa0761d6478bd642f)

static inline uint64_t
rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

/* Each lane is a bijection of its word and of the state before it. */
static inline void
absorb(struct sim_hash *hash, uint64_t first, uint64_t second)
{
    hash->a = rotate((hash->a ^ first) * FIRST, 29);
    hash->b = rotate((hash->b ^ second) * SECOND, 31);
}

static inline uint64_t
load(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return le64toh(word);
}

struct sim_hash
sim_hash_begin(uint64_t key)
{
    return (struct sim_hash){.a = sim_mix(key, 1), .b = sim_mix(key, 2)};
}

void
sim_hash_add(struct sim_hash *hash, const void *data, size_t size)
{
    const uint8_t *at = data;
    if (size == 0)
        return;
    size_t filled = (size_t)(hash->size % BLOCK);
    hash->size += size;
    if (filled > 0) {
        size_t part = size < BLOCK - filled ? size : BLOCK - filled;
        memcpy(hash->tail + filled, at, part);
        if (filled + part < BLOCK)
            return;
        absorb(hash, load(hash->tail), load(hash->tail + 8));
        at += part;
        size -= part;
    }
    for (; size >= BLOCK; at += BLOCK, size -= BLOCK)
        absorb(hash, load(at), load(at + 8));
    if (size > 0)
        memcpy(hash->tail, at, size);
}

void
sim_hash_add_u64(struct sim_hash *hash, uint64_t value)
{
    uint64_t octets = htole64(value);
    sim_hash_add(hash, &octets, sizeof octets);
}

uint64_t
sim_hash_result(const struct sim_hash *hash)
{
    struct sim_hash last = *hash;
    size_t filled = (size_t)(hash->size % BLOCK);
    memset(last.tail + filled, 0, BLOCK - filled);
    absorb(&last, load(last.tail), load(last.tail + 8));
    return sim_mix(last.a, sim_mix(last.b, last.size));
}
