/* world_single.c: a topology without opinions.
 *
 * RFC 6940 6.4.1. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/core/world.h"

static int
single_init(void *state, struct reload_node *node, reload_time now)
{
    (void)now;
    ((struct world_topology *)state)->node = node;
    return 0;
}

static void
single_fini(void *state)
{
    (void)state;
}

static void
single_join(void *state, uint32_t link, reload_time now)
{
    (void)link;
    reload_topology_joined(((struct world_topology *)state)->node, now);
}

static void
single_found(void *state, reload_time now)
{
    reload_topology_joined(((struct world_topology *)state)->node, now);
}

static void
single_leave(void *state, reload_time now)
{
    struct world_topology *topology = state;
    topology->leaves++;
    topology->left_at = now;
}

static enum reload_hop
single_next_hop(void *state, const struct reload_node_id *id, uint32_t from,
                struct reload_node_id *next)
{
    struct world_topology *topology = state;
    (void)id, (void)from;
    if (topology->responsible)
        return RELOAD_HOP_SELF;
    *next = topology->next;
    return topology->has_next ? RELOAD_HOP_LINK : RELOAD_HOP_NONE;
}

static bool
single_is_responsible(void *state, const struct reload_node_id *id)
{
    (void)id;
    return ((struct world_topology *)state)->responsible;
}

static bool
single_yes(void *state, const struct reload_node_id *id, const struct reload_node_id *other)
{
    (void)state, (void)id, (void)other;
    return true;
}

static bool
single_is_plausible(void *state, const struct reload_node_id *id,
                    const struct reload_node_id *responder)
{
    (void)id, (void)responder;
    return !((struct world_topology *)state)->implausible;
}

static bool
single_keeps(void *state, const struct reload_node_id *id)
{
    (void)state, (void)id;
    return true;
}

static size_t
single_replicas(void *state, const struct reload_node_id *id, struct reload_node_id *node_ids)
{
    (void)state, (void)id, (void)node_ids;
    return 0;
}

static int
single_resource_id(void *state, struct reload_bytes name, uint8_t *resource, size_t *size)
{
    (void)state;
    *size = 16;
    memset(resource, (int)name.size, 16);
    return 0;
}

static uint32_t
single_ppb(void *state)
{
    (void)state;
    return 0;
}

static void
single_link_up(void *state, uint32_t link, const struct reload_node_id *node_id, bool wants_update,
               reload_time now)
{
    struct world_topology *topology = state;
    (void)node_id, (void)wants_update;
    topology->ups++;
    if (topology->close_when_up)
        reload_node_close(topology->node, link, now);
}

static void
single_link_down(void *state, uint32_t link, const struct reload_node_id *node_id, int error,
                 reload_time now)
{
    struct world_topology *topology = state;
    (void)link, (void)node_id, (void)now;
    topology->downs++;
    topology->last_error = error;
}

static void
single_link_suspect(void *state, uint32_t link, const struct reload_node_id *node_id, bool suspect,
                    reload_time now)
{
    struct world_topology *topology = state;
    (void)node_id;
    if (suspect)
        topology->suspected++;
    else
        topology->trusted++;
    if (topology->close_when_suspect)
        reload_node_close(topology->node, link, now);
}

static int
single_recv(void *state, const struct reload_incoming *incoming, struct reload_writer *answer,
            reload_time now)
{
    const struct world_topology *topology = state;
    (void)now;
    if (incoming->message->contents.message_code != RELOAD_MESSAGE_ROUTE_QUERY_REQ ||
        (!topology->responsible && !topology->has_next))
        return RELOAD_E_NOT_FOUND;
    const struct reload_node_id *next =
        topology->responsible ? reload_node_id(topology->node) : &topology->next;
    reload_writer_bytes(answer, reload_node_id_bytes(next, 16));
    return 0;
}

static int
single_query_answer(void *state, struct reload_bytes body, struct reload_node_id *next)
{
    (void)state;
    if (body.size != 16)
        return RELOAD_E_MALFORMED;
    *next = reload_node_id_of(body);
    return 0;
}

static reload_time
single_next_timeout(void *state)
{
    (void)state;
    return RELOAD_NEVER;
}

static void
single_timeout(void *state, reload_time now)
{
    (void)state, (void)now;
}

const struct reload_topology_ops world_single = {
    .name = "TEST-SINGLE",
    .size = sizeof(struct world_topology),
    .init = single_init,
    .fini = single_fini,
    .join = single_join,
    .found = single_found,
    .leave = single_leave,
    .next_hop = single_next_hop,
    .is_responsible = single_is_responsible,
    .is_plausible = single_is_plausible,
    .replicas = single_replicas,
    .accepts_replica = single_yes,
    .keeps = single_keeps,
    .resource_id = single_resource_id,
    .responsible_ppb = single_ppb,
    .link_up = single_link_up,
    .link_down = single_link_down,
    .link_suspect = single_link_suspect,
    .recv = single_recv,
    .query_answer = single_query_answer,
    .next_timeout = single_next_timeout,
    .timeout = single_timeout,
};

struct world_topology *
world_topology_of(struct world_host *host)
{
    return reload_node_topology(host->node);
}
