/* town.c: many topologies in one process.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "town_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define LIFETIME (15 * RELOAD_SECOND)
#define RETRY (3 * RELOAD_SECOND)

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

struct town_event *
town_schedule(struct town *town, enum town_kind kind, reload_time at)
{
    struct town_event *event = calloc(1, sizeof *event);
    assert(event && town->event_count < TOWN_EVENTS_MAX);
    event->kind = kind;
    event->at = at;
    event->sequence = ++town->sequence;
    town->events[town->event_count++] = event;
    return event;
}

bool
town_reach(const struct town *town, size_t a, size_t b)
{
    return town->nodes[a].alive && town->nodes[b].alive && (!town->split || a % 2 == b % 2);
}

struct reload_node *
town_find_node(struct town *town, const struct reload_node_id *id)
{
    for (size_t i = 0; i < town->count; i++)
        if (reload_node_id_equal(&town->nodes[i].id, id))
            return &town->nodes[i];
    return NULL;
}

/* ---- links ---------------------------------------------------------------------------------- */

struct town_link *
town_link_between(struct reload_node *node, size_t other)
{
    for (size_t i = 0; i < TOWN_LINKS_MAX; i++)
        if (node->links[i].number && node->links[i].other == other)
            return &node->links[i];
    return NULL;
}

static uint32_t
set_link(struct reload_node *node, size_t other)
{
    struct town_link *link = town_link_between(node, other);
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

void
town_end_link(struct town *town, size_t node, size_t other)
{
    struct town_link *link = town_link_between(&town->nodes[node], other);
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
    town_end_link(town, a, b);
    town_end_link(town, b, a);
}

void
town_kill(struct town *town, size_t node)
{
    town->nodes[node].alive = false;
    for (size_t i = 0; i < TOWN_LINKS_MAX; i++) {
        if (!town->nodes[node].links[i].number)
            continue;
        struct town_event *event =
            town_schedule(town, TOWN_LINK_END, town->now + 3 * RELOAD_SECOND);
        event->source = town->nodes[node].links[i].other;
        event->target = node;
    }
}

/* ---- requests ------------------------------------------------------------------------------- */

int
town_deliver(struct town *town, size_t node, size_t over, size_t signer, uint16_t code,
             struct reload_bytes body)
{
    struct reload_node *here = &town->nodes[node];
    struct town_link *link = town_link_between(here, over);
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
    struct town_link *link = town_link_between(source, event->target);
    if (event->attach) {
        int error = event->error;
        if (!error && !town_reach(town, event->source, event->target))
            error = RELOAD_E_TIMEOUT;
        if (!error && town->apart[event->source][event->target])
            error = RELOAD_E_UNREACHABLE;
        if (!error) {
            town_link(town, event->source, event->target, event->send_update);
            link = town_link_between(source, event->target);
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
                                   .link = link ? link->number : 0,
                                   .elapsed_ns = town->now - event->begun};
    event->done(event->argument, &result, town->now);
}

static struct town_event *
again(struct town *town, const struct town_event *event, enum town_kind kind, reload_time at)
{
    struct town_event *copy = town_schedule(town, kind, at);
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
    size_t target = town_travel(town, event, &hops);
    if (target != SIZE_MAX && !(event->attach && target == event->source)) {
        event->target = target;
        town->hops += hops;
        (void)again(town, event, TOWN_ARRIVAL, town->now + hops * town->hop_delay);
    } else if (town->now + RETRY > event->begun + LIFETIME) {
        event->error = RELOAD_E_TIMEOUT;
        event->target = event->source;
        complete(town, event);
    } else {
        (void)again(town, event, TOWN_REQUEST, town->now + RETRY);
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
    case RELOAD_E_IN_PROGRESS:
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
    struct town_event *answer = again(town, event, TOWN_ANSWER, town->now + town->hop_delay);
    answer->error = error ? RELOAD_E_REFUSED : 0;
    answer->error_code = code_of(error);
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
    if (!town_reach(town, node, bootstrap)) {
        here->failures++;
        struct town_event *event = town_schedule(town, TOWN_JOIN, town->now + 2 * RELOAD_SECOND);
        event->source = node;
        event->target = bootstrap;
        return;
    }
    here->joining = true;
    here->joins++;
    if (!town_link_between(here, bootstrap))
        town_link(town, node, bootstrap, false);
    town->ops->join(here->state, town_link_between(here, bootstrap)->number, town->now);
}

static void
act(struct town *town, struct town_event *event)
{
    struct reload_node *source = &town->nodes[event->source];
    switch (event->kind) {
    case TOWN_REQUEST:
        depart(town, event);
        break;
    case TOWN_ARRIVAL:
        arrive(town, event);
        break;
    case TOWN_ANSWER:
        complete(town, event);
        break;
    case TOWN_LINK_END:
        town_end_link(town, event->source, event->target);
        break;
    case TOWN_JOIN:
        if (source->alive)
            begin_join(town, event->source, event->target);
        break;
    case TOWN_BOOTSTRAP:
        if (!source->alive)
            break;
        if (event->target != event->source && town_reach(town, event->source, event->target)) {
            if (!town_link_between(source, event->target))
                town_link(town, event->source, event->target, false);
            event->attached(event->argument, 0, town_link_between(source, event->target)->number,
                            &town->nodes[event->target].id, town->now);
        } else {
            event->attached(event->argument, RELOAD_E_UNREACHABLE, 0, &source->id, town->now);
        }
        break;
    case TOWN_PUSHED:
        if (source->alive)
            event->pushed(event->argument, event->error, town->now);
        break;
    }
}

void
town_part(struct town *town, size_t a, size_t b, bool apart)
{
    town->apart[a][b] = town->apart[b][a] = apart;
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
        town_end_link(town, i, node);
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
