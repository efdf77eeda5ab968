/* push.c: what is stored here goes to other peers.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/push.h"

#include "reload/core/node_internal.h"
#include "reload/core/transfer.h"

#include <assert.h>

#define SWEEP_PAUSE (20 * RELOAD_SECOND) /* the ring has settled by then, pushes are done */
#define SWEEP_STEP 64                    /* resources looked at in one turn */
#define SWEEP_TRIES 3

/* ---- after a Store -------------------------------------------------------------------------- */

/* RFC6940 10.4: to the successors, incrementing the replica number for each. One that does not take
 * it gets it from the topology's next push. */
void
reload_push_replicas(struct reload_node *node, const struct reload_resource *resource,
                     uint64_t stamp, reload_time now)
{
    struct reload_node_id id = reload_node_id_of(reload_resource_id(resource));
    struct reload_node_id replicas[RELOAD_REPLICAS_MAX];
    size_t count = node->topology->replicas(node->topology_state, &id, replicas);
    for (size_t i = 0; i < count; i++) {
        struct reload_transfer_options options = {.resource = resource,
                                                  .target = &replicas[i],
                                                  .number = (uint8_t)(i + 1),
                                                  .stamp = stamp};
        reload_ignore(reload_transfer(node, &options, now));
    }
}

/* ---- ranges --------------------------------------------------------------------------------- */

static struct reload_bytes
position(const struct reload_node *node, const struct reload_node_id *id)
{
    return (struct reload_bytes){id->octets, node->storage.resource_size};
}

/* The resource behind the push's cursor, in ring order up to |upto|; NULL at the end. */
static struct reload_resource *
next_resource(struct reload_push *push)
{
    struct reload_node *node = push->node;
    struct reload_bytes cursor = position(node, &push->cursor);
    struct reload_resource *resource = reload_storage_after(&node->storage, cursor);
    if (push->wraps && !push->wrapped && !resource) {
        push->wrapped = true;
        resource = reload_storage_after(&node->storage, (struct reload_bytes){0});
    }
    if (!resource || (push->wraps && !push->wrapped))
        return resource;
    bool inside =
        reload_ordered_compare(reload_resource_id(resource), position(node, &push->upto)) <= 0;
    return inside ? resource : NULL;
}

static void go_on(struct reload_push *push, reload_time now);

static void
pushed(void *argument, int error, reload_time now)
{
    struct reload_push *push = argument;
    assert(push->outstanding > 0);
    push->outstanding--;
    if (!push->error)
        push->error = error;
    go_on(push, now);
}

static void
finish(struct reload_push *push, reload_time now)
{
    struct reload_node *node = push->node;
    reload_push_fn *done = push->done;
    void *argument = push->argument;
    int error = push->error;
    reload_alarm_clear(&node->alarms, &push->alarm);
    node->pushes.all[push->slot] = NULL;
    (void)reload_node_allocate(node, push, 0);
    if (done)
        done(argument, error, now);
}

/* Keeps the window full; ends the push when all are answered. Values that cannot be sent now are an
 * error of the push, not an end of it. */
static void
go_on(struct reload_push *push, reload_time now)
{
    struct reload_node *node = push->node;
    reload_storage_expire(&node->storage, now);
    while (!push->exhausted && push->outstanding < RELOAD_PUSH_WINDOW) {
        const struct reload_resource *resource = next_resource(push);
        if (!resource) {
            push->exhausted = true;
            break;
        }
        push->cursor = reload_node_id_of(reload_resource_id(resource));
        struct reload_transfer_options options = {.resource = resource,
                                                  .target = &push->target,
                                                  .number = push->number,
                                                  .to_owner = push->to_owner,
                                                  .done = pushed,
                                                  .argument = push};
        int error = reload_transfer(node, &options, now);
        if (!error)
            push->outstanding++;
        else if (error != RELOAD_E_NOT_FOUND && !push->error)
            push->error = error;
    }
    if (push->exhausted && push->outstanding == 0)
        finish(push, now);
}

static void
begin(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    (void)owner;
    go_on((struct reload_push *)((char *)alarm - offsetof(struct reload_push, alarm)), now);
}

int
reload_topology_push(struct reload_node *node, const struct reload_node_id *target,
                     const struct reload_node_id *after, const struct reload_node_id *upto,
                     uint8_t replica_number, reload_push_fn *done, void *argument, reload_time now)
{
    struct reload_node_id id;
    size_t slot = 0;
    while (slot < RELOAD_PUSHES_MAX && node->pushes.all[slot])
        slot++;
    if (slot == RELOAD_PUSHES_MAX)
        return RELOAD_E_BUSY;
    struct reload_push *push = reload_node_allocate(node, NULL, sizeof *push);
    if (!push)
        return RELOAD_E_NOMEM;
    /* Learns the size of Resource-IDs, if nothing was stored yet. */
    reload_ignore(reload_resource_check(node, (struct reload_bytes){0}, &id));
    *push = (struct reload_push){.node = node,
                                 .slot = slot,
                                 .target = *target,
                                 .upto = *upto,
                                 .cursor = *after,
                                 /* The wire's 0 means that a node stores its own data (7.4.1.1). */
                                 .number = replica_number ? replica_number : 1,
                                 .to_owner = replica_number == 0,
                                 .done = done,
                                 .argument = argument};
    push->wraps = reload_ordered_compare(position(node, after), position(node, upto)) >= 0;
    /* |done| must not be called from here, so it begins in a turn of its own. */
    int error = reload_alarm_set(&node->alarms, &push->alarm, now, begin);
    if (error)
        (void)reload_node_allocate(node, push, 0);
    else
        node->pushes.all[slot] = push;
    return error;
}

/* ---- what must not be kept ------------------------------------------------------------------ */

static void sweep(struct reload_alarm *alarm, void *owner, uint64_t now);

static void
wake(struct reload_node *node, reload_time at)
{
    reload_ignore(reload_alarm_set(&node->alarms, &node->pushes.sweep.alarm, at, sweep));
}

static void
stored_elsewhere(void *argument, int error, reload_time now)
{
    struct reload_node *node = argument;
    struct reload_sweep *state = &node->pushes.sweep;
    assert(state->outstanding > 0);
    state->outstanding--;
    /* Refused is an answer, too: the peer who should have it knows of it. What failed otherwise is
     * tried again by the next walk. */
    if (error && error != RELOAD_E_REFUSED)
        state->again = true;
    if (!state->alarm.slot)
        wake(node, now);
}

static bool
is_kept(struct reload_node *node, struct reload_resource *resource)
{
    struct reload_node_id id = reload_node_id_of(reload_resource_id(resource));
    if (node->topology->is_responsible(node->topology_state, &id)) {
        /* Whoever was to have it before is not the one to rely on when it is not ours any more. */
        resource->elsewhere = false;
        resource->tries = 0;
    }
    return node->topology->keeps(node->topology_state, &id);
}

/* RFC6940 6.4.2.3: a peer that is no longer responsible MUST attempt to store a copy at the correct
 * node, unless that is known to have one; then the data goes (10.7.3). */
static void
leave_to_others(struct reload_node *node, struct reload_resource *resource, reload_time now)
{
    struct reload_sweep *state = &node->pushes.sweep;
    if (resource->elsewhere || resource->tries >= SWEEP_TRIES) {
        reload_storage_drop(&node->storage, resource, now);
        return;
    }
    struct reload_transfer_options options = {
        .resource = resource, .number = 1, .done = stored_elsewhere, .argument = node};
    resource->tries++;
    state->again = true; /* to drop it */
    if (reload_transfer(node, &options, now) == 0)
        state->outstanding++;
}

static void
sweep(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    struct reload_node *node = owner;
    struct reload_sweep *state = &node->pushes.sweep;
    (void)alarm;
    if (!state->walking) {
        state->walking = true;
        state->again = false;
        state->cursor = (struct reload_node_id){{0}};
    }
    reload_storage_expire(&node->storage, now);
    struct reload_bytes cursor = position(node, &state->cursor);
    struct reload_resource *resource = reload_storage_after(&node->storage, cursor);
    for (int i = 0; resource && i < SWEEP_STEP && state->outstanding < RELOAD_PUSH_WINDOW; i++) {
        state->cursor = reload_node_id_of(reload_resource_id(resource));
        if (!is_kept(node, resource))
            leave_to_others(node, resource, now);
        resource = reload_storage_after(&node->storage, position(node, &state->cursor));
    }
    reload_storage_arm(node);
    if (resource && state->outstanding < RELOAD_PUSH_WINDOW) {
        wake(node, now + RELOAD_MS);
    } else if (!resource && state->outstanding == 0) {
        state->walking = false;
        if (state->again)
            wake(node, now + SWEEP_PAUSE);
    }
}

void
reload_topology_changed(struct reload_node *node, reload_time now)
{
    struct reload_sweep *state = &node->pushes.sweep;
    if (state->walking)
        state->again = true;
    else
        wake(node, now + SWEEP_PAUSE);
}

void
reload_pushes_fini(struct reload_node *node)
{
    struct reload_pushes *pushes = &node->pushes;
    while (pushes->jobs)
        reload_job_free(pushes->jobs);
    for (size_t i = 0; i < RELOAD_PUSHES_MAX; i++) {
        if (!pushes->all[i])
            continue;
        reload_alarm_clear(&node->alarms, &pushes->all[i]->alarm);
        (void)reload_node_allocate(node, pushes->all[i], 0);
        pushes->all[i] = NULL;
    }
    reload_alarm_clear(&node->alarms, &pushes->sweep.alarm);
}
