/* copies.c: one request sent in several copies.
 *
 * D50. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/copies.h"

#include "reload/core/job.h"
#include "reload/core/node_internal.h"

#include <assert.h>

#define GRACE_MIN (50 * RELOAD_MS)

struct copies;

struct copy {
    struct copies *of;
    uint64_t request; /* 0: ended */
};

struct copies {
    struct reload_job job; /* must be first */
    uint64_t number;
    struct copy each[RELOAD_COPIES_MAX];
    size_t count, outstanding;
    const struct reload_copies_ops *ops;
    void *argument;
    bool any_good;
    struct reload_result worst; /* how the last one failed; a refusal rather than silence */
    struct reload_alarm alarm;
    reload_time sent_at;
    /* reload_copies_request */
    reload_result_fn *done;
    void *done_argument;
};

/* ---- life ----------------------------------------------------------------------------------- */

static void
release(struct reload_job *job)
{
    reload_alarm_clear(&job->node->alarms, &((struct copies *)job)->alarm);
}

static void
cancel_all(struct copies *copies)
{
    for (size_t i = 0; i < copies->count; i++)
        if (copies->each[i].request)
            reload_node_cancel(copies->job.node, copies->each[i].request);
}

static void
end(struct copies *copies, const struct reload_result *result, reload_time now)
{
    const struct reload_copies_ops *ops = copies->ops;
    void *argument = copies->argument;
    reload_result_fn *done = copies->done;
    cancel_all(copies);
    if (done)
        argument = copies->done_argument;
    reload_job_free(&copies->job);
    if (done)
        done(argument, result, now);
    else if (ops->end)
        ops->end(argument, result, now);
}

static void
end_without(struct copies *copies, reload_time now)
{
    struct reload_result result = copies->worst;
    if (copies->any_good)
        result = (struct reload_result){0};
    result.elapsed_ns = now - copies->sent_at;
    end(copies, &result, now);
}

static void
grace_over(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    (void)owner;
    end_without((struct copies *)((char *)alarm - offsetof(struct copies, alarm)), now);
}

/* ---- answers -------------------------------------------------------------------------------- */

static void
note_failure(struct copies *copies, const struct reload_result *result)
{
    if (copies->worst.error == RELOAD_E_REFUSED)
        return;
    copies->worst = (struct reload_result){.error = result->error,
                                           .error_code = result->error_code,
                                           .responder_id = result->responder_id,
                                           .link = result->link};
    if (!result->error) /* an answer that was no good */
        copies->worst.error = RELOAD_E_MALFORMED;
}

/* The first good one: the others get as long again. */
static void
begin_grace(struct copies *copies, reload_time now)
{
    struct reload_node *node = copies->job.node;
    reload_time grace = now - copies->sent_at;
    copies->any_good = true;
    if (grace < GRACE_MIN)
        grace = GRACE_MIN;
    /* Without memory for the alarm the last copy ends it. */
    reload_ignore(reload_alarm_set(&node->alarms, &copies->alarm, now + grace, grace_over));
}

static void
answered(void *argument, const struct reload_result *result, reload_time now)
{
    struct copy *copy = argument;
    struct copies *copies = copy->of;
    assert(copy->request && copies->outstanding > 0);
    copy->request = 0;
    copies->outstanding--;
    switch (copies->ops->judge(copies->argument, result, now)) {
    case RELOAD_COPIES_ENOUGH:
        end(copies, result, now);
        return;
    case RELOAD_COPIES_GOOD:
        if (!copies->any_good)
            begin_grace(copies, now);
        break;
    case RELOAD_COPIES_BAD:
        note_failure(copies, result);
        break;
    }
    if (copies->outstanding == 0)
        end_without(copies, now);
}

/* ---- first hops ----------------------------------------------------------------------------- */

static bool
is_in(const struct reload_node_id *ids, size_t count, const struct reload_node_id *id)
{
    for (size_t i = 0; i < count; i++)
        if (reload_node_id_equal(&ids[i], id))
            return true;
    return false;
}

/* Linked nodes in no order, when the topology does not know of better ones. Each of them is as
 * likely as any other. */
static size_t
random_hops(struct reload_node *node, struct reload_node_id *hops, size_t max)
{
    size_t cursor = 0, seen = 0;
    struct reload_link_info info;
    while (reload_node_link_next(node, &cursor, &info)) {
        if (info.suspect)
            continue;
        size_t at = seen < max ? seen : reload_prng_next(&node->storage.prng) % (seen + 1);
        if (at < max)
            hops[at] = info.node_id;
        seen++;
    }
    return seen < max ? seen : max;
}

size_t
reload_copies_first_hops(struct reload_node *node, const struct reload_route *route,
                         struct reload_node_id *hops)
{
    assert(route->copies > 0 && route->copies <= RELOAD_COPIES_MAX);
    struct reload_node_id found[RELOAD_COPIES_MAX + 2], usual[2];
    const struct reload_destination *first = &route->entries[0];
    bool to_node = first->type == RELOAD_DESTINATION_TYPE_NODE;
    struct reload_node_id id = to_node ? first->destination_data.node_id
                                       : reload_node_id_of(first->destination_data.resource_id);
    size_t usual_count = 0, count = 0;
    enum reload_hop hop =
        node->topology->next_hop(node->topology_state, &id, 0, &usual[usual_count]);
    if (hop == RELOAD_HOP_SELF)
        return 0; /* nobody stands in the way */
    usual_count += hop == RELOAD_HOP_LINK;
    if (to_node)
        usual[usual_count++] = id;
    size_t wanted = route->copies - 1u, max = wanted + usual_count;
    assert(max <= sizeof found / sizeof found[0]);
    size_t found_count = node->topology->first_hops
                             ? node->topology->first_hops(node->topology_state, &id, found, max)
                             : random_hops(node, found, max);
    for (size_t i = 0; i < found_count && count < wanted; i++)
        if (!is_in(usual, usual_count, &found[i]))
            hops[count++] = found[i];
    return count;
}

static struct reload_route
route_through(const struct reload_route *route, const struct reload_node_id *hop)
{
    struct reload_route through = {.any_responder = route->any_responder};
    bool fits = reload_route_append_node(&through, hop);
    for (size_t i = 0; i < route->count; i++)
        through.entries[through.count++] = route->entries[i];
    assert(fits);
    (void)fits;
    return through;
}

/* ---- starting ------------------------------------------------------------------------------- */

static int
send_copy(struct copies *copies, const struct reload_route *route,
          const struct reload_request *request, reload_time now)
{
    struct copy *copy = &copies->each[copies->count];
    struct reload_route single = *route;
    single.copies = 0;
    copy->of = copies;
    int error = reload_transaction_start(copies->job.node, &single, request, answered, copy, now,
                                         &copy->request);
    if (error)
        return error;
    copies->count++;
    copies->outstanding++;
    return 0;
}

static int
start(struct reload_node *node, const struct reload_route *route,
      const struct reload_request *request, reload_time now, struct copies **started)
{
    if (route->count == 0 || route->count >= RELOAD_ROUTE_ENTRIES_MAX ||
        route->copies > RELOAD_COPIES_MAX)
        return RELOAD_E_USAGE;
    void *memory;
    int error = reload_job_new(node, sizeof(struct copies), release, &memory);
    if (error)
        return error;
    struct copies *copies = memory;
    struct reload_node_id hops[RELOAD_COPIES_MAX];
    node->env->random(node->env->context, &copies->number, sizeof copies->number);
    copies->sent_at = now;
    error = send_copy(copies, route, request, now);
    size_t count = route->copies > 1 && !error ? reload_copies_first_hops(node, route, hops) : 0;
    for (size_t i = 0; i < count; i++) {
        struct reload_route through = route_through(route, &hops[i]);
        if (send_copy(copies, &through, request, now) != 0)
            break; /* one fewer */
    }
    if (error) {
        reload_job_free(&copies->job);
        return error;
    }
    *started = copies;
    return 0;
}

int
reload_copies_start(struct reload_node *node, const struct reload_route *route,
                    const struct reload_request *request, const struct reload_copies_ops *ops,
                    void *argument, reload_time now, uint64_t *number)
{
    struct copies *copies = NULL;
    int error = start(node, route, request, now, &copies);
    if (error)
        return error;
    copies->ops = ops;
    copies->argument = argument;
    if (number)
        *number = copies->number;
    return 0;
}

static enum reload_copies_verdict
judge_any(void *argument, const struct reload_result *result, reload_time now)
{
    (void)argument, (void)now;
    return result->error ? RELOAD_COPIES_BAD : RELOAD_COPIES_ENOUGH;
}

static void
nobody_asks(void *argument, const struct reload_result *result, reload_time now)
{
    (void)argument, (void)result, (void)now;
}

int
reload_copies_request(struct reload_node *node, const struct reload_route *route,
                      const struct reload_request *request, reload_result_fn *done, void *argument,
                      reload_time now, uint64_t *number)
{
    static const struct reload_copies_ops any = {.judge = judge_any};
    struct copies *copies = NULL;
    int error = start(node, route, request, now, &copies);
    if (error)
        return error;
    copies->ops = &any;
    copies->done = done ? done : nobody_asks;
    copies->done_argument = argument;
    if (number)
        *number = copies->number;
    return 0;
}

void
reload_copies_cancel(struct reload_node *node, uint64_t number)
{
    for (struct reload_job *job = node->pushes.jobs; job; job = job->next) {
        struct copies *copies = (struct copies *)job;
        if (job->fini != release || copies->number != number)
            continue;
        cancel_all(copies);
        reload_job_free(job);
        return;
    }
}
