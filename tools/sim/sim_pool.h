/* sim_pool.h: the memory of events and nodes. There are very many of a few sizes, which come and
 * go: what was just given back is still in the processor's cache when it is taken again, and all
 * lies in few, large pages.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_POOL_H
#define RELOAD_TOOLS_SIM_POOL_H

#include <stddef.h>
#include <stdint.h>

#define SIM_POOL_CLASSES 40 /* of 64 octets, 128, ... */

struct sim_pool_chunk;

/* Zero-initialised it is empty. */
struct sim_pool {
    struct sim_pool_chunk *chunks;
    uint8_t *at;
    size_t left, chunk_size;
    void *free[SIM_POOL_CLASSES];
};

/* sim_pool_fini frees all that came from |pool|, given back or not. Only large blocks must have
 * been given back before. */
void sim_pool_fini(struct sim_pool *pool);

/* sim_pool_get returns |size| octets, aligned for anything. Ends the process when memory ends. */
void *sim_pool_get(struct sim_pool *pool, size_t size);

/* sim_pool_put gives |block| of |size| octets back; NULL is allowed. */
void sim_pool_put(struct sim_pool *pool, void *block, size_t size);

/* sim_pool_resize returns a block of |size| octets with what was in |block|, which had |old_size|.
 */
void *sim_pool_resize(struct sim_pool *pool, void *block, size_t old_size, size_t size);

#endif
