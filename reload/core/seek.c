/* seek.c: one request sent to the peers that hold a resource.
 *
 * RFC 6940 10.4; D92. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/seek.h"

#include "reload/core/job.h"
#include "reload/core/node_internal.h"

#include <assert.h>

#define ERRANDS_MAX 64
#define PLACES_MAX 24
#define WITNESSES_FIRST 5 /* asked when the time for Pings is over, nearest first */
#define WITNESSES_MAX 8   /* with those who are met later */
#define STEPS_MAX 8       /* of one witness: peers that it may name */
#define HOLDERS_MAX (WITNESSES_MAX * (STEPS_MAX + 1) + LINKED_MAX)
#define LINKED_MAX 4 /* asked when hardly anybody is met */
#define WAYS 4       /* first hops, in turn: who swallows what it gets stands in one of them */
#define TIMES_MAX 2  /* a peer gets the request, by different ways */
#define GRACE_MIN (50 * RELOAD_MS)

struct seek;

enum errand_type {
    ERRAND_PING,    /* who is there? */
    ERRAND_QUERY,   /* who is before |below|? */
    ERRAND_REQUEST, /* what we are here for */
};

/* A peer, and the first hop on the way to it. */
struct contact {
    struct reload_node_id id;
    struct reload_node_id via;
    bool has_via; /* else as the topology says */
};

/* A request of ours under way. */
struct errand {
    struct seek *of;
    uint64_t request; /* 0: the slot is free */
    enum errand_type type;
    struct contact whom;
    struct reload_node_id below; /* QUERY */
    unsigned steps;              /* QUERY: answered before by this witness */
};

struct holder {
    struct reload_node_id id;
    uint8_t times;
    bool answered;
};

struct seek {
    struct reload_job job; /* must be first */
    uint64_t number;
    struct reload_node_id resource;
    struct contact met[PLACES_MAX]; /* answered a Ping, nearest behind the resource first */
    size_t met_count, witness_count;
    bool is_asking;
    struct holder holders[HOLDERS_MAX];
    size_t holder_count;
    struct errand errands[ERRANDS_MAX];
    size_t outstanding, pings;
    const struct reload_copies_ops *ops;
    void *argument;
    bool any_good;
    struct reload_alarm alarm; /* for the Pings, then for other good answers */
    struct reload_alarm deadline;
    reload_time begun_at;
    uint16_t code;
    size_t body_size;
    uint8_t body[];
};

/* ---- life ----------------------------------------------------------------------------------- */

static void
release(struct reload_job *job)
{
    struct seek *seek = (struct seek *)job;
    reload_alarm_clear(&job->node->alarms, &seek->alarm);
    reload_alarm_clear(&job->node->alarms, &seek->deadline);
}

static void
forget(struct seek *seek)
{
    for (size_t i = 0; i < ERRANDS_MAX; i++)
        if (seek->errands[i].request)
            reload_node_cancel(seek->job.node, seek->errands[i].request);
    reload_job_free(&seek->job);
}

static void
end(struct seek *seek, reload_time now)
{
    const struct reload_copies_ops *ops = seek->ops;
    void *argument = seek->argument;
    struct reload_result result = {.error = seek->any_good ? 0 : RELOAD_E_TIMEOUT,
                                   .elapsed_ns = now - seek->begun_at};
    forget(seek);
    ops->end(argument, &result, now);
}

static void
too_late(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    (void)owner;
    end((struct seek *)((char *)alarm - offsetof(struct seek, deadline)), now);
}

/* ---- errands -------------------------------------------------------------------------------- */

static reload_result_fn answered;

/* Nobody waits for one that could not be sent. */
static void
send(struct seek *seek, const struct errand *wanted, const struct reload_route *route,
     const struct reload_request *request, reload_time now)
{
    size_t i = 0;
    while (i < ERRANDS_MAX && seek->errands[i].request)
        i++;
    if (i == ERRANDS_MAX)
        return;
    struct errand *errand = &seek->errands[i];
    *errand = *wanted;
    errand->of = seek;
    if (reload_transaction_start(seek->job.node, route, request, answered, errand, now,
                                 &errand->request) != 0) {
        errand->request = 0;
        return;
    }
    seek->outstanding++;
    seek->pings += errand->type == ERRAND_PING;
}

static struct reload_destination
resource_of(const struct seek *seek, const struct reload_node_id *place)
{
    struct reload_destination destination = {.type = RELOAD_DESTINATION_TYPE_RESOURCE};
    destination.destination_data.resource_id =
        reload_node_id_bytes(place, seek->job.node->wire.node_id_length);
    return destination;
}

static struct reload_route
route_by(const struct contact *contact)
{
    return contact->has_via ? reload_route_to_node(&contact->via) : (struct reload_route){0};
}

static struct reload_route
route_to(const struct contact *contact)
{
    struct reload_route route = route_by(contact);
    bool fits = reload_route_append_node(&route, &contact->id);
    assert(fits);
    (void)fits;
    return route;
}

/* |way| is a contact without its Node-ID. */
static void
ping(struct seek *seek, const struct reload_node_id *place, const struct contact *way,
     reload_time now)
{
    static const uint8_t no_padding[2] = {0};
    const struct reload_request request = {.code = RELOAD_MESSAGE_PING_REQ,
                                           .body = {no_padding, sizeof no_padding}};
    struct reload_route route = route_by(way);
    route.entries[route.count++] = resource_of(seek, place);
    send(seek, &(struct errand){.type = ERRAND_PING, .whom = *way}, &route, &request, now);
}

/* Asks |errand->whom| for the peer before |errand->below|. */
static void
query(struct seek *seek, const struct errand *errand, reload_time now)
{
    struct reload_node *node = seek->job.node;
    uint8_t data[1 + 2 + 255 + 2];
    struct reload_node_id place =
        node->topology->place_before(node->topology_state, &errand->below);
    struct reload_route_query_req asked = {.destination = resource_of(seek, &place)};
    struct reload_writer body = reload_writer_of(data, sizeof data);
    reload_route_query_req_encode(&body, &node->wire, &asked);
    assert(!body.failed);
    struct reload_request request = {.code = RELOAD_MESSAGE_ROUTE_QUERY_REQ,
                                     .body = reload_writer_written(&body)};
    struct reload_route route = route_to(&errand->whom);
    send(seek, errand, &route, &request, now);
}

/* ---- those who hold it ---------------------------------------------------------------------- */

static struct holder *
find_holder(struct seek *seek, const struct reload_node_id *id)
{
    for (size_t i = 0; i < seek->holder_count; i++)
        if (reload_node_id_equal(&seek->holders[i].id, id))
            return &seek->holders[i];
    return NULL;
}

/* Sends the request to |id|, whom |witness| named: through it, since the two are linked. */
static void
request_from(struct seek *seek, const struct reload_node_id *id, const struct contact *witness,
             reload_time now)
{
    struct reload_node *node = seek->job.node;
    struct holder *holder = find_holder(seek, id);
    if (!holder && seek->holder_count < HOLDERS_MAX) {
        holder = &seek->holders[seek->holder_count++];
        *holder = (struct holder){.id = *id};
    }
    if (!holder || holder->answered || holder->times == TIMES_MAX)
        return;
    holder->times++;
    struct reload_route route = route_to(witness);
    if (reload_node_id_equal(id, &node->id) || reload_node_link_to(node, id))
        route = reload_route_to_node(id);
    else if (!reload_node_id_equal(id, &witness->id)) {
        bool fits = reload_route_append_node(&route, id);
        assert(fits);
        (void)fits;
    }
    struct reload_request request = {.code = seek->code, .body = {seek->body, seek->body_size}};
    send(seek, &(struct errand){.type = ERRAND_REQUEST, .whom.id = *id}, &route, &request, now);
}

/* ---- those who know them -------------------------------------------------------------------- */

static bool
is_nearer(const struct seek *seek, const struct reload_node_id *a, const struct reload_node_id *b)
{
    const struct reload_node *node = seek->job.node;
    return node->topology->is_nearer(node->topology_state, &seek->resource, a, b);
}

/* The |i|-th of those met is a witness: it holds the resource itself, perhaps, and knows who is
 * before the one met before it. */
static void
begin_witness(struct seek *seek, size_t i, reload_time now)
{
    const struct contact *witness = &seek->met[i];
    seek->witness_count++;
    request_from(seek, &witness->id, witness, now);
    if (i > 0)
        query(
            seek,
            &(struct errand){.type = ERRAND_QUERY, .whom = *witness, .below = seek->met[i - 1].id},
            now);
}

/* Hardly anybody is met: the ring may be so small that we are linked with those who hold it. */
static void
ask_linked(struct seek *seek, reload_time now)
{
    struct reload_node *node = seek->job.node;
    struct contact nearest[LINKED_MAX] = {{.id = node->id}};
    size_t cursor = 0, count = 1;
    struct reload_link_info info;
    while (reload_node_link_next(node, &cursor, &info)) {
        size_t at = count < LINKED_MAX ? count++ : LINKED_MAX;
        for (; at > 0 && is_nearer(seek, &info.node_id, &nearest[at - 1].id); at--)
            if (at < LINKED_MAX)
                nearest[at] = nearest[at - 1];
        if (at < LINKED_MAX)
            nearest[at] = (struct contact){.id = info.node_id};
    }
    for (size_t i = 0; i < count; i++)
        request_from(seek, &nearest[i].id, &nearest[i], now);
}

static void
begin_asking(struct seek *seek, reload_time now)
{
    seek->is_asking = true;
    reload_alarm_clear(&seek->job.node->alarms, &seek->alarm);
    for (size_t i = 0; i < seek->met_count && i < WITNESSES_FIRST; i++)
        begin_witness(seek, i, now);
    if (seek->met_count < 2)
        ask_linked(seek, now);
}

static void
pinged_long_enough(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    (void)owner;
    begin_asking((struct seek *)((char *)alarm - offsetof(struct seek, alarm)), now);
}

/* Sorted in; somebody late is a witness as long as there are few. */
static void
meet(struct seek *seek, const struct contact *contact, reload_time now)
{
    size_t at = 0;
    while (at < seek->met_count && is_nearer(seek, &seek->met[at].id, &contact->id))
        at++;
    if (at < seek->met_count && reload_node_id_equal(&seek->met[at].id, &contact->id))
        return;
    assert(seek->met_count < PLACES_MAX); /* one for each place */
    memmove(&seek->met[at + 1], &seek->met[at], (seek->met_count - at) * sizeof seek->met[0]);
    seek->met[at] = *contact;
    seek->met_count++;
    if (seek->is_asking && at < WITNESSES_FIRST && seek->witness_count < WITNESSES_MAX)
        begin_witness(seek, at, now);
}

/* |errand->whom| says that |next| is before |errand->below|. */
static void
follow(struct seek *seek, const struct errand *errand, const struct reload_node_id *next,
       reload_time now)
{
    if (!is_nearer(seek, next, &errand->below)) /* nobody else is behind the resource */
        return;
    request_from(seek, next, &errand->whom, now);
    struct errand further = *errand;
    further.below = *next;
    if (++further.steps < STEPS_MAX)
        query(seek, &further, now);
}

/* ---- answers -------------------------------------------------------------------------------- */

static void
told_next(struct seek *seek, const struct errand *errand, const struct reload_result *result,
          reload_time now)
{
    const struct reload_node *node = seek->job.node;
    struct reload_node_id next;
    if (!result->error &&
        node->topology->query_answer(node->topology_state, result->message->contents.message_body,
                                     &next) == 0)
        follow(seek, errand, &next, now);
}

static void
grace_over(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    (void)owner;
    end((struct seek *)((char *)alarm - offsetof(struct seek, alarm)), now);
}

/* The first good one: others, who may have newer values, get as long again. */
static void
begin_grace(struct seek *seek, reload_time now)
{
    reload_time grace = now - seek->begun_at;
    seek->any_good = true;
    if (grace < GRACE_MIN)
        grace = GRACE_MIN;
    /* Without memory for the alarm the last answer ends it. */
    reload_ignore(reload_alarm_set(&seek->job.node->alarms, &seek->alarm, now + grace, grace_over));
}

static enum reload_copies_verdict
judge(struct seek *seek, const struct errand *errand, const struct reload_result *result,
      reload_time now)
{
    struct holder *holder = find_holder(seek, &errand->whom.id);
    assert(holder);
    holder->answered |= result->error == 0;
    enum reload_copies_verdict verdict = seek->ops->judge(seek->argument, result, now);
    if (verdict == RELOAD_COPIES_GOOD && !seek->any_good)
        begin_grace(seek, now);
    return verdict;
}

static void
answered(void *argument, const struct reload_result *result, reload_time now)
{
    struct errand *slot = argument, errand = *slot;
    struct seek *seek = errand.of;
    assert(slot->request && seek->outstanding > 0);
    slot->request = 0;
    seek->outstanding--;
    bool is_enough = false;
    switch (errand.type) {
    case ERRAND_PING:
        seek->pings--;
        errand.whom.id = result->responder_id;
        if (reload_node_id_equal(&errand.whom.via, &errand.whom.id))
            errand.whom.has_via = false;
        if (!result->error)
            meet(seek, &errand.whom, now);
        break;
    case ERRAND_QUERY:
        told_next(seek, &errand, result, now);
        break;
    case ERRAND_REQUEST:
        is_enough = judge(seek, &errand, result, now) == RELOAD_COPIES_ENOUGH;
        break;
    }
    seek->any_good |= is_enough;
    if (!seek->is_asking && seek->pings == 0)
        begin_asking(seek, now);
    if (is_enough || seek->outstanding == 0)
        end(seek, now);
}

/* ---- starting ------------------------------------------------------------------------------- */

static int
make(struct reload_node *node, struct reload_bytes resource, const struct reload_request *request,
     reload_time now, struct seek **made)
{
    void *memory;
    int error = reload_job_new(node, sizeof(struct seek) + request->body.size, release, &memory);
    if (error)
        return error;
    struct seek *seek = memory;
    node->env->random(node->env->context, &seek->number, sizeof seek->number);
    seek->begun_at = now;
    seek->resource = reload_node_id_of(resource);
    seek->code = request->code;
    seek->body_size = request->body.size;
    assert(request->body.size > 0);
    memcpy(seek->body, request->body.data, request->body.size);
    *made = seek;
    return 0;
}

static int
begin(struct seek *seek, reload_time deadline, reload_time now)
{
    struct reload_node *node = seek->job.node;
    const struct reload_topology_ops *topology = node->topology;
    struct reload_route plain =
        reload_route_to_resource(reload_node_id_bytes(&seek->resource, node->wire.node_id_length));
    struct reload_node_id place, hops[RELOAD_COPIES_MAX];
    plain.copies = WAYS;
    size_t ways = 1 + reload_copies_first_hops(node, &plain, hops);
    reload_time patience = node->config->overlay_reliability_timer_ms * RELOAD_MS / 3;
    int error = reload_alarm_set(&node->alarms, &seek->deadline, deadline, too_late);
    if (!error)
        error = reload_alarm_set(&node->alarms, &seek->alarm, now + patience, pinged_long_enough);
    for (unsigned i = 0; !error && i < PLACES_MAX; i++) {
        if (!topology->place_behind(node->topology_state, &seek->resource, i, &place))
            break;
        struct contact way = {.has_via = i % ways > 0};
        if (way.has_via)
            way.via = hops[i % ways - 1];
        ping(seek, &place, &way, now);
    }
    return error || seek->outstanding ? error : RELOAD_E_BUSY;
}

int
reload_seek_start(struct reload_node *node, struct reload_bytes resource,
                  const struct reload_request *request, const struct reload_copies_ops *ops,
                  void *argument, reload_time deadline, reload_time now, uint64_t *number)
{
    struct seek *seek = NULL;
    const struct reload_topology_ops *topology = node->topology;
    if (!topology->place_behind || !topology->query_answer)
        return RELOAD_E_USAGE;
    assert(topology->place_before && topology->is_nearer);
    assert(deadline > now && request->certificate_count == 0 && request->extensions.size == 0);
    int error = make(node, resource, request, now, &seek);
    if (error)
        return error;
    error = begin(seek, deadline, now);
    if (error) {
        forget(seek);
        return error;
    }
    seek->ops = ops;
    seek->argument = argument;
    *number = seek->number;
    return 0;
}

void
reload_seek_cancel(struct reload_node *node, uint64_t number)
{
    for (struct reload_job *job = node->pushes.jobs; job; job = job->next) {
        struct seek *seek = (struct seek *)job;
        if (job->fini != release || seek->number != number)
            continue;
        forget(seek);
        return;
    }
}
