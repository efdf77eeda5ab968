/* push.c: what is stored here goes to other peers.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/push.h"

#include "reload/core/node_internal.h"
#include "reload/core/transfer.h"

#include <assert.h>

/* ---- after a Store -------------------------------------------------------------------------- */

static void
replicated(void *argument, struct reload_resource *resource, int error, reload_time now)
{
    (void)resource;
    if (error)
        reload_sweep_retry(argument, now);
}

/* RFC6940 10.4: to the successors, incrementing the replica number for each. Who does not take it
 * is asked again by a sweep. */
void
reload_push_replicas(struct reload_node *node, const struct reload_resource *resource,
                     uint64_t since, reload_time now)
{
    struct reload_node_id id = reload_node_id_of(reload_resource_id(resource));
    struct reload_node_id replicas[RELOAD_REPLICAS_MAX];
    size_t count = node->topology->replicas(node->topology_state, &id, replicas);
    for (size_t i = 0; i < count; i++) {
        struct reload_transfer_options options = {.resource = resource,
                                                  .target = &replicas[i],
                                                  .number = (uint8_t)(i + 1),
                                                  .since = since,
                                                  .done = replicated,
                                                  .argument = node};
        int error = reload_transfer(node, &options, now);
        if (error && error != RELOAD_E_NOT_FOUND)
            reload_sweep_retry(node, now);
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
pushed(void *argument, struct reload_resource *resource, int error, reload_time now)
{
    struct reload_push *push = argument;
    (void)resource;
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
 * error of the push, not an end of it; when the link with the target is gone it ends: the rest
 * would be waited for in vain, part by part. */
static void
go_on(struct reload_push *push, reload_time now)
{
    struct reload_node *node = push->node;
    reload_storage_expire(&node->storage, now);
    if (push->was_linked && !push->exhausted && !reload_node_link_to(node, &push->target)) {
        push->exhausted = true;
        push->error = push->error ? push->error : RELOAD_E_CLOSED;
    }
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
                                 .was_linked = reload_node_link_to(node, target) != 0,
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
