/* town_verbs.c: the verbs that a topology may call, in a town.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "town_internal.h"

#include <assert.h>

static int
request(struct reload_node *node, const struct reload_route *route, struct town_event **event)
{
    struct town *town = node->town;
    *event = town_schedule(town, TOWN_REQUEST, town->now);
    (*event)->source = node->index;
    (*event)->begun = town->now;
    (*event)->number = ++town->number;
    (*event)->route = *route;
    struct reload_destination *last = &(*event)->route.entries[route->count - 1];
    if (last->type == RELOAD_DESTINATION_TYPE_RESOURCE) {
        memcpy((*event)->resource, last->destination_data.resource_id.data,
               last->destination_data.resource_id.size);
        last->destination_data.resource_id.data = (*event)->resource;
    }
    town->requests++;
    return 0;
}

struct reload_route
reload_route_to_node(const struct reload_node_id *node_id)
{
    struct reload_route route = {.count = 1};
    route.entries[0].type = RELOAD_DESTINATION_TYPE_NODE;
    route.entries[0].destination_data.node_id = *node_id;
    return route;
}

struct reload_route
reload_route_to_resource(struct reload_bytes resource)
{
    struct reload_route route = {.count = 1};
    route.entries[0].type = RELOAD_DESTINATION_TYPE_RESOURCE;
    route.entries[0].destination_data.resource_id = resource;
    return route;
}

bool
reload_route_append_node(struct reload_route *route, const struct reload_node_id *node_id)
{
    struct reload_route one = reload_route_to_node(node_id);
    route->entries[route->count++] = one.entries[0];
    return true;
}

bool
reload_route_append_resource(struct reload_route *route, struct reload_bytes resource)
{
    struct reload_route one = reload_route_to_resource(resource);
    route->entries[route->count++] = one.entries[0];
    return true;
}

int
reload_node_request(struct reload_node *node, const struct reload_route *route, uint16_t code,
                    struct reload_bytes body, reload_result_fn *done, void *argument,
                    reload_time now, uint64_t *number)
{
    struct town_event *event;
    (void)now;
    if (node->town->watch)
        node->town->watch(node, route, code);
    int error = request(node, route, &event);
    assert(body.size <= sizeof event->body);
    memcpy(event->body, body.data, body.size);
    event->size = body.size;
    event->code = code;
    event->done = done;
    event->argument = argument;
    if (number)
        *number = event->number;
    return error;
}

void
reload_node_cancel(struct reload_node *node, uint64_t number)
{
    for (size_t i = 0; i < node->town->event_count; i++)
        if (node->town->events[i]->number == number)
            node->town->events[i]->cancelled = true;
}

int
reload_node_attach(struct reload_node *node, const struct reload_route *route, bool send_update,
                   reload_attach_fn *done, void *argument, reload_time now)
{
    struct town_event *event;
    (void)now;
    if (node->town->watch)
        node->town->watch(node, route, RELOAD_MESSAGE_ATTACH_REQ);
    int error = request(node, route, &event);
    event->attach = true;
    event->send_update = send_update;
    event->attached = done;
    event->argument = argument;
    return error;
}

void
reload_node_close(struct reload_node *node, uint32_t link, reload_time now)
{
    (void)now;
    for (size_t i = 0; i < TOWN_LINKS_MAX; i++)
        if (node->links[i].number == link) {
            struct town_event *event =
                town_schedule(node->town, TOWN_LINK_END, node->town->now + node->town->hop_delay);
            event->source = node->links[i].other;
            event->target = node->index;
            town_end_link(node->town, node->index, node->links[i].other);
            return;
        }
}

bool
reload_node_link_next(const struct reload_node *node, size_t *cursor, struct reload_link_info *info)
{
    for (; *cursor < TOWN_LINKS_MAX; ++*cursor) {
        const struct town_link *link = &node->links[*cursor];
        if (!link->number)
            continue;
        *info = (struct reload_link_info){
            .link = link->number, .node_id = node->town->nodes[link->other].id, .up = true};
        ++*cursor;
        return true;
    }
    return false;
}

uint32_t
reload_node_link_to(const struct reload_node *node, const struct reload_node_id *node_id)
{
    for (size_t i = 0; i < TOWN_LINKS_MAX; i++)
        if (node->links[i].number &&
            reload_node_id_equal(&node->town->nodes[node->links[i].other].id, node_id))
            return node->links[i].number;
    return 0;
}

const struct reload_env *
reload_node_env(const struct reload_node *node)
{
    return &node->env;
}

const struct reload_config *
reload_node_config(const struct reload_node *node)
{
    return &node->town->config;
}

struct reload_keyring *
reload_node_keyring(const struct reload_node *node)
{
    return &node->town->keyring;
}

const struct reload_wire *
reload_node_wire(const struct reload_node *node)
{
    return &node->town->wire;
}

const struct reload_node_id *
reload_node_id(const struct reload_node *node)
{
    return &node->id;
}

bool
reload_node_joined(const struct reload_node *node)
{
    return node->joined;
}

bool
reload_node_is_client(const struct reload_node *node)
{
    return node->client;
}

void
reload_topology_joined(struct reload_node *node, reload_time now)
{
    (void)now;
    assert(node->stays_client ? node->joined : node->joining && !node->joined);
    node->joining = node->stays_client = false;
    node->joined = true;
}

void
reload_topology_stays_client(struct reload_node *node, const struct reload_node_id *unreachable,
                             reload_time now)
{
    (void)now;
    assert(node->joining || node->joined);
    node->joining = false;
    node->joined = node->stays_client = true;
    node->unreachable = *unreachable;
}

void
reload_topology_peer_met(struct reload_node *node, reload_time now)
{
    (void)node, (void)now; /* it tries every second */
}

void
reload_topology_mark_peer(struct reload_node *node, uint32_t link, bool is_peer)
{
    (void)node, (void)link, (void)is_peer; /* its bootstrap node stays */
}

static void
try_later(struct reload_node *node)
{
    struct town_event *event =
        town_schedule(node->town, TOWN_JOIN, node->town->now + RELOAD_SECOND);
    event->source = node->index;
    event->target = 0;
    node->joined = node->joining = node->stays_client = false;
}

void
reload_topology_failed(struct reload_node *node, int error, reload_time now)
{
    (void)error, (void)now;
    assert(node->joining);
    node->failures++;
    try_later(node);
}

bool
reload_topology_holds_data(const struct reload_node *node)
{
    return node->value_count > 0;
}

void
reload_topology_rejoin(struct reload_node *node, reload_time now)
{
    (void)now;
    node->rejoins++;
    try_later(node);
}

int
reload_topology_bootstrap(struct reload_node *node, reload_attach_fn *done, void *argument,
                          reload_time now)
{
    struct town_event *event =
        town_schedule(node->town, TOWN_BOOTSTRAP, now + node->town->hop_delay);
    event->source = node->index;
    event->target = node->index == 0 ? node->town->count - 1 : 0;
    event->attached = done;
    event->argument = argument;
    return 0;
}

static bool
in_range(const struct reload_node_id *id, const struct reload_node_id *after,
         const struct reload_node_id *upto)
{
    bool above = reload_node_id_compare(id, after) > 0,
         below = reload_node_id_compare(id, upto) <= 0;
    if (reload_node_id_equal(after, upto))
        return true;
    return reload_node_id_compare(after, upto) < 0 ? above && below : above || below;
}

static bool
has_value(const struct reload_node *node, const struct reload_node_id *id)
{
    for (size_t i = 0; i < node->value_count; i++)
        if (reload_node_id_equal(&node->values[i], id))
            return true;
    return false;
}

int
reload_topology_push(struct reload_node *node, const struct reload_node_id *target,
                     const struct reload_node_id *after, const struct reload_node_id *upto,
                     uint8_t replica_number, reload_push_fn *done, void *argument, reload_time now)
{
    struct reload_node *to = town_find_node(node->town, target);
    struct town_event *event =
        town_schedule(node->town, TOWN_PUSHED, now + 4 * node->town->hop_delay);
    event->source = node->index;
    event->pushed = done;
    event->argument = argument;
    if (!to || !town_link_between(node, to->index) ||
        !town_reach(node->town, node->index, to->index)) {
        event->error = RELOAD_E_TIMEOUT;
        return 0;
    }
    for (size_t i = 0; i < node->value_count; i++) {
        const struct reload_node_id *id = &node->values[i];
        if (!in_range(id, after, upto) || has_value(to, id))
            continue;
        bool accepted = replica_number == 0
                            ? node->town->ops->is_responsible(to->state, id)
                            : node->town->ops->accepts_replica(to->state, id, &node->id);
        node->town->pushes_refused += !accepted;
        if (!accepted)
            event->error = RELOAD_E_REFUSED;
        else
            to->values[to->value_count++] = *id;
    }
    return 0;
}

void
reload_topology_changed(struct reload_node *node, reload_time now)
{
    (void)now;
    node->changes++;
}

void
reload_topology_probe(struct reload_node *node, uint32_t link, reload_time limit_ns,
                      reload_time now)
{
    (void)node, (void)link, (void)limit_ns, (void)now;
}

void
reload_topology_watch(struct reload_node *node, uint32_t link, reload_time limit_ns,
                      reload_time now)
{
    (void)node, (void)link, (void)limit_ns, (void)now;
}
