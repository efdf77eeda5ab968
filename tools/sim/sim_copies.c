/* sim_copies.c: who holds what.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_copies.h"

#include "reload/core/node_internal.h"

/* The storage time of what |node| holds at |resource|, 0 when it holds nothing. */
static uint64_t
held(struct reload_node *node, struct reload_bytes resource)
{
    const struct reload_resource *found = reload_storage_find(&node->storage, resource);
    for (const struct reload_stored_kind *kind = found ? found->kinds : NULL; kind;
         kind = kind->next) {
        if (kind->row->kind != SIM_KIND_SLOT)
            continue;
        const struct reload_stored *stored = reload_stored_from(kind, (struct reload_bytes){0});
        return stored ? stored->storage_time : 0;
    }
    return 0;
}

uint64_t
sim_copy_at(struct sim *sim, uint32_t node, struct reload_bytes resource)
{
    struct reload_node *real = sim_is_alive(sim, node) ? sim_node(sim, node) : NULL;
    return real ? held(real, resource) : 0;
}

uint32_t
sim_copies(struct sim *sim, struct reload_bytes resource, uint64_t since_ms, uint64_t *newest_ms)
{
    uint32_t copies = 0;
    uint64_t newest = 0;
    for (uint32_t i = 0; i < sim_node_count(sim); i++) {
        uint64_t time = sim_copy_at(sim, i, resource);
        copies += time > 0 && time >= since_ms;
        newest = time > newest ? time : newest;
    }
    if (newest_ms)
        *newest_ms = newest;
    return copies;
}
