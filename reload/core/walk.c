/* walk.c: a request whose way is asked for, peer by peer.
 *
 * D50. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/walk.h"

#include "reload/core/job.h"
#include "reload/core/node_internal.h"

#include <assert.h>

#define STEPS_MAX 32
#define DEADLINE (15 * RELOAD_SECOND) /* for the way; the request then has its own */
#define PATH_MAX_ENTRIES (RELOAD_ROUTE_ENTRIES_MAX - 1)

struct walk {
    struct reload_job job; /* must be first */
    uint64_t number;
    struct reload_destination target;
    struct reload_node_id met[STEPS_MAX];
    size_t steps;
    struct reload_route path; /* the peers on the way, the last one is asked next */
    uint64_t request;         /* under way; 0: none */
    bool attaching;           /* it cannot be called back ... */
    bool ended;               /* ... so what is over waits for its end */
    struct reload_alarm alarm;
    reload_time begun_at;
    uint16_t code;
    reload_result_fn *done;
    void *argument;
    size_t body_size;
    uint8_t resource[255];
    uint8_t body[];
};

/* ---- life ----------------------------------------------------------------------------------- */

static void
release(struct reload_job *job)
{
    reload_alarm_clear(&job->node->alarms, &((struct walk *)job)->alarm);
}

/* Nobody waits for |walk| any more. */
static void
forget(struct walk *walk)
{
    struct reload_node *node = walk->job.node;
    if (walk->request)
        reload_node_cancel(node, walk->request);
    walk->request = 0;
    walk->ended = true;
    reload_alarm_clear(&node->alarms, &walk->alarm);
    if (!walk->attaching)
        reload_job_free(&walk->job);
}

static void
end(struct walk *walk, const struct reload_result *result, reload_time now)
{
    reload_result_fn *done = walk->done;
    void *argument = walk->argument;
    struct reload_result told = *result;
    told.elapsed_ns = now - walk->begun_at;
    forget(walk);
    if (done)
        done(argument, &told, now);
}

static void
fail(struct walk *walk, int error, reload_time now)
{
    struct reload_result result = {.error = error};
    end(walk, &result, now);
}

static void
too_late(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    (void)owner;
    fail((struct walk *)((char *)alarm - offsetof(struct walk, alarm)), RELOAD_E_TIMEOUT, now);
}

/* ---- the request ---------------------------------------------------------------------------- */

static void
answered(void *argument, const struct reload_result *result, reload_time now)
{
    struct walk *walk = argument;
    walk->request = 0;
    end(walk, result, now);
}

/* The last peer is the one who should have it: the target is behind it, or is itself. */
static int
send_request(struct walk *walk, reload_time now)
{
    struct reload_route route = walk->path;
    struct reload_request request = {.code = walk->code, .body = {walk->body, walk->body_size}};
    bool is_there = walk->target.type == RELOAD_DESTINATION_TYPE_NODE &&
                    reload_node_id_equal(&route.entries[route.count - 1].destination_data.node_id,
                                         &walk->target.destination_data.node_id);
    if (!is_there)
        route.entries[route.count++] = walk->target;
    reload_alarm_clear(&walk->job.node->alarms, &walk->alarm);
    return reload_transaction_start(walk->job.node, &route, &request, answered, walk, now,
                                    &walk->request);
}

/* ---- the way -------------------------------------------------------------------------------- */

static reload_result_fn told_way;

static int
ask(struct walk *walk, reload_time now)
{
    struct reload_node *node = walk->job.node;
    uint8_t data[1 + 2 + 255 + 2];
    struct reload_writer body = reload_writer_of(data, sizeof data);
    struct reload_route_query_req query = {.destination = walk->target};
    reload_route_query_req_encode(&body, &node->wire, &query);
    if (body.failed)
        return RELOAD_E_USAGE;
    struct reload_request request = {.code = RELOAD_MESSAGE_ROUTE_QUERY_REQ,
                                     .body = reload_writer_written(&body)};
    return reload_transaction_start(node, &walk->path, &request, told_way, walk, now,
                                    &walk->request);
}

/* Begins a path at |id|, which is linked. */
static void
begin_path(struct walk *walk, const struct reload_node_id *id)
{
    walk->path = reload_route_to_node(id);
    walk->path.first_link = reload_node_link_to(walk->job.node, id);
}

static void
attached(void *argument, int error, uint32_t link, const struct reload_node_id *node_id,
         reload_time now)
{
    struct walk *walk = argument;
    (void)link;
    walk->attaching = false;
    if (walk->ended) {
        reload_job_free(&walk->job);
        return;
    }
    if (!error)
        begin_path(walk, node_id);
    if (!error)
        error = ask(walk, now);
    if (error)
        fail(walk, error, now);
}

/* |id| is the next one to ask. */
static int
go_to(struct walk *walk, const struct reload_node_id *id, reload_time now)
{
    struct reload_node *node = walk->job.node;
    walk->met[walk->steps++] = *id;
    if (reload_node_link_to(node, id)) {
        begin_path(walk, id);
        return ask(walk, now);
    }
    if (walk->path.count < PATH_MAX_ENTRIES) {
        bool fits = reload_route_append_node(&walk->path, id);
        assert(fits);
        (void)fits;
        return ask(walk, now);
    }
    struct reload_route route = walk->path;
    bool fits = reload_route_append_node(&route, id);
    assert(fits);
    (void)fits;
    int error = reload_node_attach(node, &route, false, attached, walk, now);
    walk->attaching = error == 0;
    return error;
}

/* Whether |id| was on the way before: the peers lead us in a circle, or to ourselves. */
static bool
is_circle(const struct walk *walk, const struct reload_node_id *id)
{
    if (reload_node_id_equal(id, &walk->job.node->id) || walk->steps == STEPS_MAX)
        return true;
    for (size_t i = 0; i < walk->steps; i++)
        if (reload_node_id_equal(&walk->met[i], id))
            return true;
    return false;
}

static int
follow(struct walk *walk, const struct reload_node_id *next, reload_time now)
{
    bool to_node = walk->target.type == RELOAD_DESTINATION_TYPE_NODE;
    if (to_node && reload_node_id_equal(next, &walk->target.destination_data.node_id))
        return send_request(walk, now);
    if (reload_node_id_equal(next, &walk->met[walk->steps - 1])) /* it is its own */
        return to_node ? RELOAD_E_UNREACHABLE : send_request(walk, now);
    return is_circle(walk, next) ? RELOAD_E_UNREACHABLE : go_to(walk, next, now);
}

static void
told_way(void *argument, const struct reload_result *result, reload_time now)
{
    struct walk *walk = argument;
    struct reload_node *node = walk->job.node;
    struct reload_node_id next;
    walk->request = 0;
    if (result->error) {
        end(walk, result, now);
        return;
    }
    int error = node->topology->query_answer(node->topology_state,
                                             result->message->contents.message_body, &next);
    if (!error)
        error = follow(walk, &next, now);
    if (error)
        fail(walk, error, now);
}

/* ---- starting ------------------------------------------------------------------------------- */

static int
make(struct reload_node *node, const struct reload_destination *target,
     const struct reload_request *request, struct walk **made, reload_time now)
{
    void *memory;
    int error = reload_job_new(node, sizeof(struct walk) + request->body.size, release, &memory);
    if (error)
        return error;
    struct walk *walk = memory;
    node->env->random(node->env->context, &walk->number, sizeof walk->number);
    walk->begun_at = now;
    walk->code = request->code;
    walk->target = *target;
    if (target->type == RELOAD_DESTINATION_TYPE_RESOURCE) {
        struct reload_bytes resource = target->destination_data.resource_id;
        assert(resource.size <= sizeof walk->resource);
        memcpy(walk->resource, resource.data, resource.size);
        walk->target.destination_data.resource_id.data = walk->resource;
    }
    walk->body_size = request->body.size;
    if (request->body.size)
        memcpy(walk->body, request->body.data, request->body.size);
    *made = walk;
    return 0;
}

int
reload_walk_start(struct reload_node *node, const struct reload_route *route,
                  const struct reload_request *request, reload_result_fn *done, void *argument,
                  reload_time now, uint64_t *number)
{
    const struct reload_destination *target = &route->entries[0];
    bool to_node = target->type == RELOAD_DESTINATION_TYPE_NODE;
    struct reload_node_id id, next;
    if (route->count != 1 || route->first_link || route->copies > 1 || request->extensions.size ||
        request->certificate_count || !node->topology->query_answer ||
        (!to_node && (target->type != RELOAD_DESTINATION_TYPE_RESOURCE ||
                      target->destination_data.resource_id.size > 255)))
        return RELOAD_E_USAGE;
    id = to_node ? target->destination_data.node_id
                 : reload_node_id_of(target->destination_data.resource_id);
    bool is_near =
        (to_node && (reload_node_id_equal(&id, &node->id) || reload_node_link_to(node, &id))) ||
        node->topology->next_hop(node->topology_state, &id, 0, &next) != RELOAD_HOP_LINK;
    if (is_near) /* nobody to ask */
        return reload_transaction_start(node, route, request, done, argument, now, number);
    struct walk *walk;
    int error = make(node, target, request, &walk, now);
    if (error)
        return error;
    error = reload_alarm_set(&node->alarms, &walk->alarm, now + DEADLINE, too_late);
    if (!error)
        error = go_to(walk, &next, now);
    if (error) {
        reload_job_free(&walk->job);
        return error;
    }
    walk->done = done;
    walk->argument = argument;
    if (number)
        *number = walk->number;
    return 0;
}

void
reload_walk_cancel(struct reload_node *node, uint64_t number)
{
    for (struct reload_job *job = node->pushes.jobs; job; job = job->next) {
        struct walk *walk = (struct walk *)job;
        if (job->fini != release || walk->number != number || walk->ended)
            continue;
        forget(walk);
        return;
    }
}
