/* town_ways.c: how messages find their way through a town, by the topologies' next_hop.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "town_internal.h"

#include <assert.h>

#define HOPS_MAX 40

/* The node that |node| sends a message for |id| to; itself when it is for it; SIZE_MAX when
 * nowhere. */
static size_t
next_of(struct town *town, size_t node, const struct reload_node_id *id, bool is_resource,
        size_t from)
{
    struct reload_node *here = &town->nodes[node];
    struct reload_node *exact = town_find_node(town, id);
    if (!is_resource && exact == here)
        return node;
    if (!is_resource && exact && town_link_between(here, exact->index))
        return exact->index;
    struct town_link *came = from == SIZE_MAX ? NULL : town_link_between(here, from);
    struct reload_node_id next;
    switch (town->ops->next_hop(here->state, id, came ? came->number : 0, &next)) {
    case RELOAD_HOP_SELF:
        return is_resource ? node : SIZE_MAX;
    case RELOAD_HOP_LINK:
        exact = town_find_node(town, &next);
        assert(exact && town_link_between(here, exact->index));
        assert(!came || exact->index != from);
        return exact->index;
    default:
        return SIZE_MAX;
    }
}

static size_t
walk(struct town *town, size_t node, size_t from, const struct reload_node_id *id, bool is_resource,
     unsigned *hops)
{
    for (; *hops < HOPS_MAX; ++*hops) {
        size_t next = next_of(town, node, id, is_resource, from);
        if (next == node || next == SIZE_MAX)
            return next;
        if (!town_reach(town, node, next))
            return SIZE_MAX;
        from = node;
        node = next;
    }
    return SIZE_MAX;
}

size_t
town_walk(struct town *town, size_t node, const struct reload_node_id *id, unsigned *hops)
{
    *hops = 0;
    return walk(town, node, SIZE_MAX, id, true, hops);
}

/* Where a request ends. |*last| gets the node that handed it over. */
size_t
town_travel(struct town *town, const struct town_event *event, unsigned *hops)
{
    size_t node = event->source, from = SIZE_MAX;
    const struct reload_route *route = &event->route;
    if (route->first_link) {
        const struct town_link *first = NULL;
        for (size_t i = 0; i < TOWN_LINKS_MAX; i++)
            if (town->nodes[node].links[i].number == route->first_link)
                first = &town->nodes[node].links[i];
        if (first && !town_reach(town, node, first->other))
            return SIZE_MAX;
        if (first) {
            from = node;
            node = first->other;
            ++*hops;
        }
    }
    for (size_t i = 0; i < route->count; i++) {
        const struct reload_destination *entry = &route->entries[i];
        bool is_resource = entry->type == RELOAD_DESTINATION_TYPE_RESOURCE;
        struct reload_node_id id = is_resource
                                       ? reload_node_id_of(entry->destination_data.resource_id)
                                       : entry->destination_data.node_id;
        size_t before = node;
        node = walk(town, node, from, &id, is_resource, hops);
        if (node == SIZE_MAX)
            return SIZE_MAX;
        if (node != before)
            from = SIZE_MAX;
    }
    return node;
}
