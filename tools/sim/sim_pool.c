/* sim_pool.c: blocks of a multiple of 64 octets, cut from chunks, with a list of free ones each.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_pool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define UNIT 64                        /* a line of the processor's cache */
#define CHUNK_FIRST ((size_t)64 << 10) /* small worlds are made often; then twice as much ... */
#define CHUNK_MAX ((size_t)32 << 20)
#define PAGE_LARGE ((size_t)2 << 20)

struct sim_pool_chunk {
    struct sim_pool_chunk *next;
};

/* Each block by itself, so that a sanitizer sees who uses what is not his. */
#ifdef __SANITIZE_ADDRESS__
#define POOLED_MAX 0
#else
#define POOLED_MAX (SIM_POOL_CLASSES * UNIT)
#endif

static void *
need(void *block)
{
    if (!block)
        abort();
    return block;
}

static size_t
class_of(size_t size)
{
    return size ? (size - 1) / UNIT : 0;
}

void
sim_pool_fini(struct sim_pool *pool)
{
    while (pool->chunks) {
        struct sim_pool_chunk *chunk = pool->chunks;
        pool->chunks = chunk->next;
        free(chunk);
    }
    *pool = (struct sim_pool){0};
}

/* What is left of the last chunk is lost. */
static void
add_chunk(struct sim_pool *pool)
{
    size_t size = pool->chunk_size ? 2 * pool->chunk_size : CHUNK_FIRST;
    size = size < CHUNK_MAX ? size : CHUNK_MAX;
    struct sim_pool_chunk *chunk = need(aligned_alloc(size < PAGE_LARGE ? UNIT : PAGE_LARGE, size));
    if (size >= PAGE_LARGE)
        (void)madvise(chunk, size, MADV_HUGEPAGE); /* faster, if it can be had */
    chunk->next = pool->chunks;
    pool->chunks = chunk;
    pool->chunk_size = size;
    pool->at = (uint8_t *)chunk + UNIT;
    pool->left = size - UNIT;
}

void *
sim_pool_get(struct sim_pool *pool, size_t size)
{
    if (size > POOLED_MAX)
        return need(malloc(size));
    size_t class = class_of(size), whole = (class + 1) * UNIT;
    void *block = pool->free[class];
    if (block) {
        memcpy(&pool->free[class], block, sizeof block);
        return block;
    }
    if (pool->left < whole)
        add_chunk(pool);
    block = pool->at;
    pool->at += whole;
    pool->left -= whole;
    return block;
}

void
sim_pool_put(struct sim_pool *pool, void *block, size_t size)
{
    if (!block)
        return;
    if (size > POOLED_MAX) {
        free(block);
        return;
    }
    size_t class = class_of(size);
    memcpy(block, &pool->free[class], sizeof block);
    pool->free[class] = block;
}

void *
sim_pool_resize(struct sim_pool *pool, void *block, size_t old_size, size_t size)
{
    if (old_size > POOLED_MAX && size > POOLED_MAX)
        return need(realloc(block, size));
    if (old_size <= POOLED_MAX && size <= POOLED_MAX && class_of(old_size) == class_of(size))
        return block;
    void *moved = sim_pool_get(pool, size);
    memcpy(moved, block, old_size < size ? old_size : size);
    sim_pool_put(pool, block, old_size);
    return moved;
}
