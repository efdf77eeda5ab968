/* sim_ring.c: the state of a ring, seen from outside of the nodes.
 *
 * RFC 6940 10.1. SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_internal.h"

#include <inttypes.h>
#include <stdlib.h>

/* The live peers of one overlay in the order of their Node-IDs. */
struct ring {
    struct sim_host **peers;
    uint32_t count;
    bool all_joined;
};

static int
by_node_id(const void *a, const void *b)
{
    const struct sim_host *const *left = a, *const *right = b;
    return reload_node_id_compare(&(*left)->node_id, &(*right)->node_id);
}

static struct ring
survey(const struct sim *sim, uint32_t overlay)
{
    struct ring ring = {.all_joined = true};
    ring.peers = malloc((sim->host_count + 1) * sizeof(struct sim_host *));
    if (!ring.peers)
        abort();
    for (uint32_t i = 0; i < sim->host_count; i++) {
        struct sim_host *host = sim->hosts[i];
        if (!host->node || host->options.client || host->options.overlay != overlay)
            continue;
        if (host->joined)
            ring.peers[ring.count++] = host;
        else if (!host->options.idle)
            ring.all_joined = false;
    }
    qsort(ring.peers, ring.count, sizeof(struct sim_host *), by_node_id);
    return ring;
}

static void
complain(FILE *why, const struct sim_host *host, const char *what)
{
    if (why)
        fprintf(why, "node %" PRIu32 ": %s\n", host->index, what);
}

static bool
follows(const struct sim *sim, struct sim_host *host, const struct sim_host *next, FILE *why)
{
    struct reload_node_id successor;
    if (!sim->options.successor)
        return true;
    bool any = sim->options.successor(reload_node_topology(host->node), &successor);
    if (next == host ? !any : any && reload_node_id_equal(&successor, &next->node_id))
        return true;
    complain(why, host, any ? "its successor is not the next peer" : "it has no successor");
    return false;
}

/* Responsible for its own place, and no longer for that of the peer before it. */
static bool
shares(const struct sim *sim, struct sim_host *host, const struct sim_host *before, FILE *why)
{
    const struct reload_topology_ops *ops = sim->options.topology;
    void *state = reload_node_topology(host->node);
    if (!ops->is_responsible(state, &host->node_id)) {
        complain(why, host, "it is not responsible for its own place");
        return false;
    }
    if (before != host && ops->is_responsible(state, &before->node_id)) {
        complain(why, host, "it is responsible for the place of the peer before it");
        return false;
    }
    return true;
}

static void
complain_of_outsiders(const struct sim *sim, uint32_t overlay, FILE *why)
{
    for (uint32_t i = 0; i < sim->host_count; i++)
        if (sim->hosts[i]->node && !sim->hosts[i]->options.client && !sim->hosts[i]->joined &&
            sim->hosts[i]->options.overlay == overlay)
            complain(why, sim->hosts[i], "it has not joined");
}

static void
describe(const struct sim *sim, uint32_t overlay, FILE *out)
{
    for (uint32_t i = 0; i < sim->host_count && sim->options.describe; i++) {
        const struct sim_host *host = sim->hosts[i];
        if (!host->node || host->options.overlay != overlay)
            continue;
        fprintf(out, "%3" PRIu32 ":", i);
        sim->options.describe(reload_node_topology(host->node), out);
    }
}

bool
sim_ring_is_whole(struct sim *sim, uint32_t overlay, FILE *why)
{
    struct ring ring = survey(sim, overlay);
    bool whole = ring.all_joined && ring.count > 0;
    if (!whole)
        complain_of_outsiders(sim, overlay, why);
    for (uint32_t i = 0; i < ring.count && whole; i++)
        whole = follows(sim, ring.peers[i], ring.peers[(i + 1) % ring.count], why) &&
                shares(sim, ring.peers[i], ring.peers[(i + ring.count - 1) % ring.count], why);
    if (!whole && why)
        describe(sim, overlay, why);
    free(ring.peers);
    return whole;
}

bool
sim_is_whole(struct sim *sim, void *argument)
{
    (void)argument;
    for (uint32_t i = 0; i < sim->options.overlays; i++)
        if (!sim_ring_is_whole(sim, i, NULL))
            return false;
    return true;
}

uint32_t
sim_responsible(struct sim *sim, uint32_t overlay, struct reload_bytes resource)
{
    struct reload_node_id place = reload_node_id_of(resource);
    struct ring ring = survey(sim, overlay);
    assert(ring.count > 0);
    uint32_t found = ring.peers[0]->index;
    for (uint32_t i = ring.count; i-- > 0;)
        if (reload_node_id_compare(&place, &ring.peers[i]->node_id) <= 0)
            found = ring.peers[i]->index;
    free(ring.peers);
    return found;
}

uint32_t
sim_successor_of(struct sim *sim, uint32_t node, uint32_t steps)
{
    struct ring ring = survey(sim, sim_overlay_of(sim, node));
    uint32_t found = SIM_NOBODY;
    for (uint32_t i = 0; i < ring.count; i++)
        if (ring.peers[i]->index == node)
            found = ring.peers[(i + steps) % ring.count]->index;
    free(ring.peers);
    return found;
}

uint8_t
sim_slot_at(struct sim *sim, uint32_t owner, uint32_t responsible)
{
    for (unsigned slot = 1; slot <= SIM_SLOTS_MAX; slot++) {
        uint8_t resource[16];
        sim_slot_resource(sim, owner, (uint8_t)slot, resource);
        if (sim_responsible(sim, sim_overlay_of(sim, owner), (struct reload_bytes){resource, 16}) ==
            responsible)
            return (uint8_t)slot;
    }
    return 0;
}

sim_successors_fn *
sim_predecessors(const struct sim *sim)
{
    return sim->options.predecessors;
}
