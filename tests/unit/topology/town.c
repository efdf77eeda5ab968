/* town.c: many topologies in one process.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "town.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define LIFETIME (15 * RELOAD_SECOND)
#define RETRY (3 * RELOAD_SECOND)
#define HOPS_MAX 40

enum kind {
    REQUEST,  /* leaves its sender, or is tried again */
    ARRIVAL,  /* reaches |target| */
    ANSWER,   /* is back */
    LINK_END, /* |source| sees that its link to |target| is gone */
    JOIN,     /* |source| begins to join through |target| */
    BOOTSTRAP,
    PUSHED,
};

struct town_event {
    reload_time at;
    uint64_t sequence;
    enum kind kind;
    size_t source, target;
    uint64_t number;
    bool attach, send_update, cancelled;
    struct reload_route route;
    uint8_t resource[RELOAD_NODE_ID_SIZE_MAX];
    uint16_t code, error_code;
    int error;
    uint32_t link;
    reload_time begun;
    uint8_t body[4096];
    size_t size;
    reload_result_fn *done;
    reload_attach_fn *attached;
    reload_push_fn *pushed;
    void *argument;
};

/* ---- world ---------------------------------------------------------------------------------- */

static void *
allocate(void *context, void *data, size_t size)
{
    (void)context;
    if (size == 0) {
        free(data);
        return NULL;
    }
    return realloc(data, size);
}

static void
randomize(void *context, void *data, size_t size)
{
    struct town *town = context;
    reload_prng_fill(&town->prng, data, size);
}

static void
log_line(void *context, enum reload_log_level level, const char *text)
{
    struct town *town = context;
    (void)level;
    if (getenv("TOWN_LOG"))
        printf("%10.3f %s\n", (double)town->now / 1e9, text);
}

struct town *
town_new(const struct reload_topology_ops *ops, uint64_t seed)
{
    struct town *town = calloc(1, sizeof *town);
    assert(town);
    town->ops = ops;
    town->prng = reload_prng_of(seed);
    town->wire.node_id_length = 16;
    town->config.node_id_length = 16;
    town->config.chord_update_interval_s = 60;
    town->config.chord_ping_interval_s = 120;
    town->config.chord_reactive = true;
    town->hop_delay = 5 * RELOAD_MS;
    town->now = RELOAD_SECOND;
    return town;
}

void
town_free(struct town *town)
{
    for (size_t i = 0; i < town->count; i++) {
        town->ops->fini(town->nodes[i].state);
        free(town->nodes[i].state);
    }
    for (size_t i = 0; i < town->event_count; i++)
        free(town->events[i]);
    free(town);
}

size_t
town_add(struct town *town, bool client)
{
    assert(town->count < TOWN_NODES_MAX);
    struct reload_node *node = &town->nodes[town->count];
    *node =
        (struct reload_node){.town = town, .index = town->count, .alive = true, .client = client};
    node->env = (struct reload_env){
        .context = town, .random = randomize, .allocate = allocate, .log = log_line};
    reload_prng_fill(&town->prng, node->id.octets, 16);
    node->state = calloc(1, town->ops->size);
    assert(node->state);
    int error = town->ops->init(node->state, node, town->now);
    assert(error == 0);
    return town->count++;
}

static struct town_event *
schedule(struct town *town, enum kind kind, reload_time at)
{
    struct town_event *event = calloc(1, sizeof *event);
    assert(event && town->event_count < TOWN_EVENTS_MAX);
    event->kind = kind;
    event->at = at;
    event->sequence = ++town->sequence;
    town->events[town->event_count++] = event;
    return event;
}

static bool
reach(const struct town *town, size_t a, size_t b)
{
    return town->nodes[a].alive && town->nodes[b].alive && (!town->split || a % 2 == b % 2);
}

static struct reload_node *
find_node(struct town *town, const struct reload_node_id *id)
{
    for (size_t i = 0; i < town->count; i++)
        if (reload_node_id_equal(&town->nodes[i].id, id))
            return &town->nodes[i];
    return NULL;
}

/* ---- links ---------------------------------------------------------------------------------- */

static struct town_link *
link_between(struct reload_node *node, size_t other)
{
    for (size_t i = 0; i < TOWN_LINKS_MAX; i++)
        if (node->links[i].number && node->links[i].other == other)
            return &node->links[i];
    return NULL;
}

static uint32_t
set_link(struct reload_node *node, size_t other)
{
    struct town_link *link = link_between(node, other);
    for (size_t i = 0; i < TOWN_LINKS_MAX && !link; i++)
        if (!node->links[i].number)
            link = &node->links[i];
    assert(link);
    *link = (struct town_link){++node->town->last_link, other};
    return link->number;
}

void
town_link(struct town *town, size_t a, size_t b, bool wants_update)
{
    uint32_t one = set_link(&town->nodes[a], b), other = set_link(&town->nodes[b], a);
    town->ops->link_up(town->nodes[b].state, other, &town->nodes[a].id, wants_update, town->now);
    town->ops->link_up(town->nodes[a].state, one, &town->nodes[b].id, false, town->now);
}

static void
end_link(struct town *town, size_t node, size_t other)
{
    struct town_link *link = link_between(&town->nodes[node], other);
    if (!link || !town->nodes[node].alive)
        return;
    uint32_t number = link->number;
    link->number = 0;
    town->ops->link_down(town->nodes[node].state, number, &town->nodes[other].id, RELOAD_E_LINK,
                         town->now);
}

void
town_cut(struct town *town, size_t a, size_t b)
{
    end_link(town, a, b);
    end_link(town, b, a);
}

void
town_kill(struct town *town, size_t node)
{
    town->nodes[node].alive = false;
    for (size_t i = 0; i < TOWN_LINKS_MAX; i++) {
        if (!town->nodes[node].links[i].number)
            continue;
        struct town_event *event = schedule(town, LINK_END, town->now + 3 * RELOAD_SECOND);
        event->source = town->nodes[node].links[i].other;
        event->target = node;
    }
}

/* ---- ways ----------------------------------------------------------------------------------- */

/* The node that |node| sends a message for |id| to; itself when it is for it; SIZE_MAX when
 * nowhere. */
static size_t
next_of(struct town *town, size_t node, const struct reload_node_id *id, bool is_resource,
        size_t from)
{
    struct reload_node *here = &town->nodes[node];
    struct reload_node *exact = find_node(town, id);
    if (!is_resource && exact == here)
        return node;
    if (!is_resource && exact && link_between(here, exact->index))
        return exact->index;
    struct town_link *came = from == SIZE_MAX ? NULL : link_between(here, from);
    struct reload_node_id next;
    switch (town->ops->next_hop(here->state, id, came ? came->number : 0, &next)) {
    case RELOAD_HOP_SELF:
        return is_resource ? node : SIZE_MAX;
    case RELOAD_HOP_LINK:
        exact = find_node(town, &next);
        assert(exact && link_between(here, exact->index));
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
        if (!reach(town, node, next))
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
static size_t
travel(struct town *town, const struct town_event *event, unsigned *hops)
{
    size_t node = event->source, from = SIZE_MAX;
    const struct reload_route *route = &event->route;
    if (route->first_link) {
        const struct town_link *first = NULL;
        for (size_t i = 0; i < TOWN_LINKS_MAX; i++)
            if (town->nodes[node].links[i].number == route->first_link)
                first = &town->nodes[node].links[i];
        if (first && !reach(town, node, first->other))
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

/* ---- requests ------------------------------------------------------------------------------- */

int
town_deliver(struct town *town, size_t node, size_t over, size_t signer, uint16_t code,
             struct reload_bytes body)
{
    struct reload_node *here = &town->nodes[node];
    struct town_link *link = link_between(here, over);
    struct reload_message message = {.contents = {.message_code = code, .message_body = body}};
    struct reload_incoming incoming = {.message = &message,
                                       .signer_id = town->nodes[signer].id,
                                       .link = link ? link->number : 0,
                                       .link_id = town->nodes[over].id,
                                       .from_signer = link && over == signer};
    uint8_t data[2048];
    struct reload_writer answer = reload_writer_of(data, sizeof data);
    if (code == RELOAD_MESSAGE_PING_REQ || code == RELOAD_MESSAGE_PROBE_REQ)
        return 0;
    if (code == RELOAD_MESSAGE_UPDATE_REQ)
        town->updates++;
    int error = town->ops->recv(here->state, &incoming, &answer, town->now);
    assert(!answer.failed);
    return error;
}

static void
complete(struct town *town, struct town_event *event)
{
    struct reload_node *source = &town->nodes[event->source];
    if (!source->alive || event->cancelled)
        return;
    struct town_link *link = link_between(source, event->target);
    if (event->attach) {
        int error = event->error;
        if (!error && !reach(town, event->source, event->target))
            error = RELOAD_E_TIMEOUT;
        if (!error) {
            town_link(town, event->source, event->target, event->send_update);
            link = link_between(source, event->target);
        }
        event->attached(event->argument, error, error ? 0 : link->number,
                        &town->nodes[event->target].id, town->now);
        return;
    }
    if (!event->done)
        return;
    struct reload_result result = {.error = event->error,
                                   .error_code = event->error_code,
                                   .responder_id = town->nodes[event->target].id,
                                   .link = link ? link->number : 0};
    event->done(event->argument, &result, town->now);
}

static struct town_event *
again(struct town *town, const struct town_event *event, enum kind kind, reload_time at)
{
    struct town_event *copy = schedule(town, kind, at);
    uint64_t sequence = copy->sequence;
    *copy = *event;
    copy->kind = kind;
    copy->at = at;
    copy->sequence = sequence;
    if (event->route.count) {
        struct reload_destination *last = &copy->route.entries[copy->route.count - 1];
        if (last->type == RELOAD_DESTINATION_TYPE_RESOURCE)
            last->destination_data.resource_id.data = copy->resource;
    }
    return copy;
}

static void
depart(struct town *town, struct town_event *event)
{
    unsigned hops = 0;
    if (!town->nodes[event->source].alive || event->cancelled)
        return;
    size_t target = travel(town, event, &hops);
    if (target != SIZE_MAX && !(event->attach && target == event->source)) {
        event->target = target;
        town->hops += hops;
        (void)again(town, event, ARRIVAL, town->now + hops * town->hop_delay);
    } else if (town->now + RETRY > event->begun + LIFETIME) {
        event->error = RELOAD_E_TIMEOUT;
        event->target = event->source;
        complete(town, event);
    } else {
        (void)again(town, event, REQUEST, town->now + RETRY);
    }
}

/* The error codes that the topologies return, as the core maps them. */
static uint16_t
code_of(int error)
{
    switch (error) {
    case RELOAD_E_FORBIDDEN:
        return RELOAD_ERROR_FORBIDDEN;
    case RELOAD_E_NOT_FOUND:
        return RELOAD_ERROR_NOT_FOUND;
    case RELOAD_E_BUSY:
        return RELOAD_ERROR_IN_PROGRESS;
    default:
        return RELOAD_ERROR_INVALID_MESSAGE;
    }
}

static void
arrive(struct town *town, struct town_event *event)
{
    if (!town->nodes[event->target].alive || event->cancelled)
        return;
    int error = 0;
    if (!event->attach) {
        struct reload_bytes body = {event->body, event->size};
        error = town_deliver(town, event->target, event->source, event->source, event->code, body);
    }
    struct town_event *answer = again(town, event, ANSWER, town->now + town->hop_delay);
    answer->error = error ? RELOAD_E_REFUSED : 0;
    answer->error_code = code_of(error);
}

static int
request(struct reload_node *node, const struct reload_route *route, struct town_event **event)
{
    struct town *town = node->town;
    *event = schedule(town, REQUEST, town->now);
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

/* ---- time ----------------------------------------------------------------------------------- */

static struct town_event *
take_next(struct town *town, reload_time until)
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < town->event_count; i++) {
        const struct town_event *event = town->events[i];
        if (event->at > until)
            continue;
        if (best == SIZE_MAX || event->at < town->events[best]->at ||
            (event->at == town->events[best]->at && event->sequence < town->events[best]->sequence))
            best = i;
    }
    if (best == SIZE_MAX)
        return NULL;
    struct town_event *event = town->events[best];
    town->events[best] = town->events[--town->event_count];
    return event;
}

static size_t
next_timer(const struct town *town, reload_time *at)
{
    size_t node = SIZE_MAX;
    *at = RELOAD_NEVER;
    for (size_t i = 0; i < town->count; i++) {
        reload_time due =
            town->nodes[i].alive ? town->ops->next_timeout(town->nodes[i].state) : RELOAD_NEVER;
        if (due < *at) {
            *at = due;
            node = i;
        }
    }
    return node;
}

static void
begin_join(struct town *town, size_t node, size_t bootstrap)
{
    struct reload_node *here = &town->nodes[node];
    if (!reach(town, node, bootstrap)) {
        here->failures++;
        struct town_event *event = schedule(town, JOIN, town->now + 2 * RELOAD_SECOND);
        event->source = node;
        event->target = bootstrap;
        return;
    }
    here->joining = true;
    here->joins++;
    if (!link_between(here, bootstrap))
        town_link(town, node, bootstrap, false);
    town->ops->join(here->state, link_between(here, bootstrap)->number, town->now);
}

static void
act(struct town *town, struct town_event *event)
{
    struct reload_node *source = &town->nodes[event->source];
    switch (event->kind) {
    case REQUEST:
        depart(town, event);
        break;
    case ARRIVAL:
        arrive(town, event);
        break;
    case ANSWER:
        complete(town, event);
        break;
    case LINK_END:
        end_link(town, event->source, event->target);
        break;
    case JOIN:
        if (source->alive)
            begin_join(town, event->source, event->target);
        break;
    case BOOTSTRAP:
        if (!source->alive)
            break;
        if (event->target != event->source && reach(town, event->source, event->target)) {
            if (!link_between(source, event->target))
                town_link(town, event->source, event->target, false);
            event->attached(event->argument, 0, link_between(source, event->target)->number,
                            &town->nodes[event->target].id, town->now);
        } else {
            event->attached(event->argument, RELOAD_E_UNREACHABLE, 0, &source->id, town->now);
        }
        break;
    case PUSHED:
        if (source->alive)
            event->pushed(event->argument, event->error, town->now);
        break;
    }
}

void
town_run(struct town *town, reload_time span)
{
    reload_time until = town->now + span;
    for (;;) {
        reload_time at;
        size_t node = next_timer(town, &at);
        struct town_event *event = take_next(town, at < until ? at : until);
        if (event) {
            town->now = event->at > town->now ? event->at : town->now;
            act(town, event);
            free(event);
        } else if (at <= until) {
            town->now = at > town->now ? at : town->now;
            town->ops->timeout(town->nodes[node].state, town->now);
        } else {
            break;
        }
    }
    town->now = until;
}

void
town_found(struct town *town, size_t node)
{
    town->nodes[node].may_found = true;
    town->nodes[node].joining = true;
    town->ops->found(town->nodes[node].state, town->now);
}

void
town_join(struct town *town, size_t node, size_t bootstrap)
{
    begin_join(town, node, bootstrap);
}

void
town_leave(struct town *town, size_t node)
{
    town->nodes[node].joined = false;
    town->ops->leave(town->nodes[node].state, town->now);
    town_run(town, RELOAD_SECOND);
    town->nodes[node].alive = false;
    for (size_t i = 0; i < town->count; i++)
        end_link(town, i, node);
}

size_t
town_owner(const struct town *town, const struct reload_node_id *id)
{
    size_t best = SIZE_MAX, first = SIZE_MAX;
    for (size_t i = 0; i < town->count; i++) {
        const struct reload_node *node = &town->nodes[i];
        if (!node->alive || !node->joined || node->client)
            continue;
        if (first == SIZE_MAX || reload_node_id_compare(&node->id, &town->nodes[first].id) < 0)
            first = i;
        if (reload_node_id_compare(&node->id, id) >= 0 &&
            (best == SIZE_MAX || reload_node_id_compare(&node->id, &town->nodes[best].id) < 0))
            best = i;
    }
    return best == SIZE_MAX ? first : best;
}

/* ---- the verbs that a topology may call ---------------------------------------------------------
 */

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
                schedule(node->town, LINK_END, node->town->now + node->town->hop_delay);
            event->source = node->links[i].other;
            event->target = node->index;
            end_link(node->town, node->index, node->links[i].other);
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
    assert(node->joining && !node->joined);
    node->joining = false;
    node->joined = true;
}

static void
try_later(struct reload_node *node)
{
    struct town_event *event = schedule(node->town, JOIN, node->town->now + RELOAD_SECOND);
    event->source = node->index;
    event->target = 0;
    node->joined = node->joining = false;
}

void
reload_topology_failed(struct reload_node *node, int error, reload_time now)
{
    (void)error, (void)now;
    assert(node->joining);
    node->failures++;
    try_later(node);
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
    struct town_event *event = schedule(node->town, BOOTSTRAP, now + node->town->hop_delay);
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
    struct reload_node *to = find_node(node->town, target);
    struct town_event *event = schedule(node->town, PUSHED, now + 4 * node->town->hop_delay);
    event->source = node->index;
    event->pushed = done;
    event->argument = argument;
    if (!to || !link_between(node, to->index) || !reach(node->town, node->index, to->index)) {
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
