/* sweep.c: the walk over all that is stored.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/sweep.h"

#include "reload/core/node_internal.h"
#include "reload/core/transfer.h"

#include <assert.h>

#define PAUSE (20 * RELOAD_SECOND) /* the ring has settled by then, pushes are done */
/* The responsible peer's own copies come first, and tell us that it has them. */
#define HAND_OVER_PAUSE (30 * RELOAD_SECOND)
#define RETRY_FIRST (5 * RELOAD_SECOND) /* doubled each time */
#define RETRY_LAST (600 * RELOAD_SECOND)
#define STEP 64 /* resources looked at in one turn */
/* Who took it may die, and its replicas with it: then somebody else has to take it (D118). */
#define TAKEN_MAX (10 * RELOAD_SECOND)
#define LEAVE_MAX (600 * RELOAD_SECOND) /* for somebody to take what must not be kept */

static void sweep(struct reload_alarm *alarm, void *owner, uint64_t now);

/* ---- when ----------------------------------------------------------------------------------- */

static void
wake(struct reload_node *node, reload_time at)
{
    reload_ignore(reload_alarm_set(&node->alarms, &node->pushes.sweep.alarm, at, sweep));
}

int
reload_sweep_init(struct reload_node *node)
{
    struct reload_sweep *state = &node->pushes.sweep;
    state->first = state->last = RELOAD_NEVER;
    state->pause = RETRY_FIRST;
    return reload_alarm_set(&node->alarms, &state->alarm, RELOAD_NEVER, sweep);
}

/* A walk is to begin at |at|; one that begins earlier will do only if it is not the last. */
static void
wish(struct reload_node *node, reload_time at)
{
    struct reload_sweep *state = &node->pushes.sweep;
    if (at < state->first)
        state->first = at;
    if (state->last == RELOAD_NEVER || at > state->last)
        state->last = at;
    if (!state->walking)
        wake(node, state->first);
}

void
reload_topology_changed(struct reload_node *node, reload_time now)
{
    struct reload_sweep *state = &node->pushes.sweep;
    state->pause = RETRY_FIRST;
    if (state->hand_over_at == 0)
        state->hand_over_at = now + HAND_OVER_PAUSE;
    wish(node, now + PAUSE);
    wish(node, state->hand_over_at);
}

void
reload_sweep_retry(struct reload_node *node, reload_time now)
{
    struct reload_sweep *state = &node->pushes.sweep;
    if (state->walking)
        state->failed = true;
    else
        wish(node, now + state->pause);
}

/* ---- who must have it ----------------------------------------------------------------------- */

/* The peers that must have a copy of |resource|. |*responsible|: they are its replicas, not the one
 * who is responsible. */
static size_t
choose(struct reload_node *node, const struct reload_resource *resource, bool *responsible,
       struct reload_node_id *peers)
{
    const struct reload_topology_ops *topology = node->topology;
    void *state = node->topology_state;
    struct reload_node_id id = reload_node_id_of(reload_resource_id(resource));
    *responsible = topology->is_responsible(state, &id);
    if (!*responsible)
        return topology->owner && topology->owner(state, &id, peers) ? 1 : 0;
    size_t count = topology->replicas(state, &id, peers);
    return count < RELOAD_HOLDERS_MAX ? count : RELOAD_HOLDERS_MAX;
}

static bool
has_all(struct reload_node *node, const struct reload_resource *resource,
        const struct reload_node_id *peer)
{
    uint32_t link = reload_node_link_to(node, peer);
    return reload_holders_stamp(&resource->holders, link) >= resource->stamp;
}

void
reload_sweep_stored(struct reload_node *node, const struct reload_resource *resource,
                    reload_time now)
{
    struct reload_sweep *state = &node->pushes.sweep;
    struct reload_node_id peers[RELOAD_REPLICAS_MAX];
    bool responsible;
    if (choose(node, resource, &responsible, peers) == 0 || has_all(node, resource, &peers[0]))
        return;
    if (state->hand_over_at == 0)
        state->hand_over_at = now + HAND_OVER_PAUSE;
    wish(node, state->hand_over_at);
}

/* ---- one resource --------------------------------------------------------------------------- */

static void
answered(void *argument, struct reload_resource *resource, int error, reload_time now)
{
    struct reload_node *node = argument;
    struct reload_sweep *state = &node->pushes.sweep;
    (void)resource;
    assert(state->outstanding > 0 && state->walking);
    state->outstanding--;
    state->failed |= error != 0;
    if (state->alarm.at == RELOAD_NEVER)
        wake(node, now);
}

/* Whether somebody took all of |resource| so lately that it can be relied on (D118). */
static bool
is_taken(const struct reload_resource *resource, reload_time now)
{
    return resource->elsewhere >= resource->stamp && now <= resource->elsewhere_at + TAKEN_MAX;
}

/* The same, of what is to be dropped then: at once, when its time has come. The next walk may come
 * by too late for TAKEN_MAX, if this one is slow, and would send all of it again (D144). */
static void
left(void *argument, struct reload_resource *resource, int error, reload_time now)
{
    struct reload_node *node = argument;
    answered(node, resource, error, now);
    node->pushes.sweep.meeting |= error == RELOAD_E_REFUSED;
    if (error)
        return;
    struct reload_node_id id = {{0}};
    if (resource)
        id = reload_node_id_of(reload_resource_id(resource));
    if (resource && resource->leave_at != 0 && now >= resource->leave_at &&
        is_taken(resource, now) && !node->topology->keeps(node->topology_state, &id))
        reload_storage_drop(&node->storage, resource, now);
    else
        wish(node, now + RETRY_FIRST);
}

static void
send(struct reload_node *node, struct reload_transfer_options *options, reload_time now)
{
    struct reload_sweep *state = &node->pushes.sweep;
    options->argument = node;
    int error = reload_transfer(node, options, now);
    if (error == 0)
        state->outstanding++;
    else if (error != RELOAD_E_NOT_FOUND) /* nothing of it has any lifetime left */
        state->failed = true;
}

/* What stays here is where else it must be. */
static void
look_after(struct reload_node *node, struct reload_resource *resource, reload_time now)
{
    struct reload_sweep *state = &node->pushes.sweep;
    const struct reload_topology_ops *topology = node->topology;
    struct reload_node_id peers[RELOAD_REPLICAS_MAX];
    bool responsible;
    size_t count = choose(node, resource, &responsible, peers);
    resource->leave_at = 0;
    /* Whoever took it before is not the one to rely on when it must go another time. */
    resource->elsewhere = 0;
    if (!responsible && !state->handing_over)
        return;
    for (size_t i = 0; i < count; i++) {
        if (has_all(node, resource, &peers[i]))
            continue;
        if (topology->copies_later && topology->copies_later(node->topology_state, &peers[i])) {
            state->failed = true; /* if that fails, we see it then */
            continue;
        }
        uint32_t link = reload_node_link_to(node, &peers[i]);
        struct reload_transfer_options options = {
            .resource = resource,
            .target = &peers[i],
            .number = (uint8_t)(i + 1),
            .done = answered,
            .since = reload_holders_stamp(&resource->holders, link)};
        send(node, &options, now);
    }
}

/* Whether the responsible peer, as we know the ring, has it. It lies between the resource and us:
 * no two peers can rely on each other like that and both let go. */
static bool
owner_has_all(struct reload_node *node, const struct reload_resource *resource)
{
    struct reload_node_id peers[RELOAD_REPLICAS_MAX];
    bool responsible;
    size_t count = choose(node, resource, &responsible, peers);
    return !responsible && count == 1 && has_all(node, resource, &peers[0]);
}

/* RFC6940 6.4.2.3: a peer that is no longer responsible MUST attempt to store a copy at the correct
 * node, unless that is known to have one; then the data goes (10.7.3). Not at once: who sent a
 * replica may have noticed before us that somebody between is gone. */
static void
leave_to_others(struct reload_node *node, struct reload_resource *resource, reload_time now)
{
    if (resource->leave_at == 0) {
        resource->leave_at = now + PAUSE;
        wish(node, resource->leave_at);
    }
    bool has_another = is_taken(resource, now) || owner_has_all(node, resource);
    if (now >= resource->leave_at + (has_another ? 0 : LEAVE_MAX)) {
        reload_storage_drop(&node->storage, resource, now);
        return;
    }
    if (has_another)
        return;
    struct reload_transfer_options options = {.resource = resource, .number = 1, .done = left};
    send(node, &options, now);
}

/* ---- the walk ------------------------------------------------------------------------------- */

static void
begin(struct reload_node *node, reload_time now)
{
    struct reload_sweep *state = &node->pushes.sweep;
    state->walking = true;
    state->failed = state->meeting = false;
    state->cursor = (struct reload_node_id){{0}};
    state->handing_over = state->hand_over_at != 0 && state->hand_over_at <= now;
    if (state->handing_over)
        state->hand_over_at = 0;
    if (state->last <= now)
        state->last = RELOAD_NEVER;
    state->first = state->last;
}

static void
end(struct reload_node *node, reload_time now)
{
    struct reload_sweep *state = &node->pushes.sweep;
    state->walking = false;
    /* Of two tries at whoever refuses, the second comes soon, when we have met. */
    state->met = state->meeting && !state->met;
    reload_time pause = state->met ? RETRY_FIRST : state->pause;
    if (state->failed) {
        wish(node, now + pause);
        if (state->handing_over && state->hand_over_at == 0)
            state->hand_over_at = now + pause;
        if (!state->met)
            state->pause = state->pause < RETRY_LAST / 2 ? state->pause * 2 : RETRY_LAST;
    } else {
        state->pause = RETRY_FIRST;
    }
    wake(node, state->first);
}

static struct reload_bytes
position(const struct reload_node *node, const struct reload_node_id *id)
{
    return (struct reload_bytes){id->octets, node->storage.resource_size};
}

static void
sweep(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    struct reload_node *node = owner;
    struct reload_sweep *state = &node->pushes.sweep;
    (void)alarm;
    wake(node, RELOAD_NEVER);
    if (!state->walking)
        begin(node, now);
    reload_storage_expire(&node->storage, now);
    struct reload_resource *resource =
        reload_storage_after(&node->storage, position(node, &state->cursor));
    for (int i = 0; resource && i < STEP && state->outstanding < RELOAD_PUSH_WINDOW; i++) {
        state->cursor = reload_node_id_of(reload_resource_id(resource));
        if (node->topology->keeps(node->topology_state, &state->cursor))
            look_after(node, resource, now);
        else
            leave_to_others(node, resource, now);
        resource = reload_storage_after(&node->storage, position(node, &state->cursor));
    }
    reload_storage_arm(node);
    if (resource && state->outstanding < RELOAD_PUSH_WINDOW)
        wake(node, now + RELOAD_MS);
    else if (!resource && state->outstanding == 0)
        end(node, now);
}
