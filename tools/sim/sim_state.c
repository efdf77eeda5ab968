/* sim_state.c: digests of what a node knows.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_state.h"

#include "reload/core/node_internal.h"
#include "tools/sim/sim_hash.h"
#include "tools/sim/sim_invariant.h"

static void
add_bytes(struct sim_hash *hash, struct reload_bytes bytes)
{
    sim_hash_add_u64(hash, bytes.size);
    sim_hash_add(hash, bytes.data, bytes.size);
}

static void
add_kind(struct sim_hash *hash, const struct reload_stored_kind *kind, bool generations)
{
    sim_hash_add_u64(hash, kind->row->kind);
    sim_hash_add_u64(hash, generations ? kind->generation : 0);
    const struct reload_stored *stored = reload_stored_from(kind, (struct reload_bytes){0});
    for (; stored; stored = reload_stored_after(kind, stored->entry.key)) {
        add_bytes(hash, stored->entry.key);
        sim_hash_add_u64(hash, stored->storage_time);
        sim_hash_add_u64(hash, stored->exists);
        add_bytes(hash, stored->payload);
        if (stored->entry.key.size == 0)
            break; /* the only one; what is behind an empty key is not looked for */
    }
}

uint64_t
sim_state_of_storage(struct reload_node *node, bool generations)
{
    struct sim_hash hash = sim_hash_begin(0x57a7e);
    const struct reload_resource *resource =
        reload_storage_after(&node->storage, (struct reload_bytes){0});
    for (; resource;
         resource = reload_storage_after(&node->storage, reload_resource_id(resource))) {
        add_bytes(&hash, reload_resource_id(resource));
        for (const struct reload_stored_kind *kind = resource->kinds; kind; kind = kind->next)
            add_kind(&hash, kind, generations);
    }
    return sim_hash_result(&hash);
}

uint64_t
sim_state_of_node(struct sim *sim, uint32_t node)
{
    struct reload_node *real = sim_node(sim, node);
    struct sim_hash hash = sim_hash_begin(0x57a7e);
    struct reload_node_id successors[SIM_SUCCESSORS_MAX];
    size_t count = sim_successors(sim)(reload_node_topology(real), successors, SIM_SUCCESSORS_MAX);
    sim_hash_add_u64(&hash, sim_state_of_storage(real, true));
    for (size_t i = 0; i < count; i++)
        sim_hash_add(&hash, successors[i].octets, sizeof successors[i].octets);
    size_t cursor = 0;
    for (struct reload_link_info link; reload_node_link_next(real, &cursor, &link);)
        sim_hash_add(&hash, link.node_id.octets, sizeof link.node_id.octets);
    return sim_hash_result(&hash);
}
