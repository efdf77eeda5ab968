/* seek.c: one request sent to the peers that hold a resource.
 *
 * RFC 6940 10.4; D92. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/seek_state.h"

#include <assert.h>

#define WITNESSES_BEHIND 4 /* the nearest behind the resource; beside those before it */
#define ENOUGH 4           /* named by a witness: one beside those who hold the resource */
#define WAYS 4 /* first hops, in turn: who swallows what it gets stands in one of them */
#define GRACE_MIN (50 * RELOAD_MS)

/* ---- life ----------------------------------------------------------------------------------- */

static void
release(struct reload_job *job)
{
    struct reload_seek *seek = (struct reload_seek *)job;
    reload_alarm_clear(&job->node->alarms, &seek->alarm);
    reload_alarm_clear(&job->node->alarms, &seek->deadline);
}

static void
forget(struct reload_seek *seek)
{
    for (size_t i = 0; i < RELOAD_SEEK_ERRANDS_MAX; i++)
        if (seek->errands[i].request)
            reload_node_cancel(seek->job.node, seek->errands[i].request);
    reload_job_free(&seek->job);
}

static void
end(struct reload_seek *seek, reload_time now)
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
    end((struct reload_seek *)((char *)alarm - offsetof(struct reload_seek, deadline)), now);
}

/* ---- places near the resource --------------------------------------------------------------- */

/* The last ones count. */
static void
note_far(struct reload_seek *seek, const struct reload_node_id *place)
{
    if (seek->far_count == RELOAD_SEEK_FAR_PLACES)
        memmove(&seek->far[0], &seek->far[1], (RELOAD_SEEK_FAR_PLACES - 1) * sizeof seek->far[0]);
    else
        seek->far_count++;
    seek->far[seek->far_count - 1] = *place;
}

/* Each place by one of the ways, in turn; in the next |round| by another. */
static void
ping_places(struct reload_seek *seek, unsigned round, reload_time now)
{
    struct reload_node *node = seek->job.node;
    const struct reload_topology_ops *topology = node->topology;
    struct reload_route plain = {.copies = WAYS};
    struct reload_node_id place, hops[RELOAD_COPIES_MAX];
    plain.entries[plain.count++] = reload_seek_destination(seek, &seek->resource);
    size_t ways = 1 + reload_copies_first_hops(node, &plain, hops);
    for (unsigned i = 0; i < RELOAD_SEEK_PLACES_MAX; i++) {
        size_t turn = (i + round) % ways;
        struct reload_seek_contact way = {.has_via = turn > 0};
        if (!topology->place_near(node->topology_state, &seek->resource, i, &place, &way.is_before))
            return;
        if (!way.is_before && round == 0)
            note_far(seek, &place);
        if (way.has_via)
            way.via = hops[turn - 1];
        reload_seek_ping(seek, &place, &way, now);
    }
}

/* ---- those who know them -------------------------------------------------------------------- */

static bool
is_nearer(const struct reload_seek *seek, const struct reload_node_id *a,
          const struct reload_node_id *b)
{
    const struct reload_node *node = seek->job.node;
    return node->topology->is_nearer(node->topology_state, &seek->resource, a, b);
}

static void
query_far(struct reload_seek *seek, const struct reload_seek_errand *errand, reload_time now)
{
    struct reload_seek_errand next = *errand;
    if (next.far == seek->far_count)
        return;
    next.below = seek->far[next.far++];
    reload_seek_query(seek, &next, now);
}

/* The |i|-th of those met is a witness: it holds the resource itself, perhaps, and knows who is
 * before the one met before it; or else before a place behind the resource. */
static void
begin_witness(struct reload_seek *seek, size_t i, reload_time now)
{
    struct reload_seek_errand errand = {.type = RELOAD_ERRAND_QUERY, .whom = seek->met[i]};
    if (seek->witness_count == RELOAD_SEEK_WITNESSES_MAX)
        return;
    seek->witness_count++;
    reload_seek_request(seek, &errand.whom.id, &errand.whom, now);
    if (i == 0 || errand.whom.is_before) {
        query_far(seek, &errand, now);
        return;
    }
    errand.below = seek->met[i - 1].id;
    reload_seek_query(seek, &errand, now);
}

/* Hardly anybody is met: the ring may be so small that we are linked with those who hold it. */
static void
ask_linked(struct reload_seek *seek, reload_time now)
{
    struct reload_node *node = seek->job.node;
    struct reload_seek_contact nearest[RELOAD_SEEK_LINKED_MAX];
    size_t cursor = 0, count = 0;
    struct reload_link_info info;
    while (reload_node_link_next(node, &cursor, &info)) {
        size_t at = count < RELOAD_SEEK_LINKED_MAX ? count++ : RELOAD_SEEK_LINKED_MAX;
        for (; at > 0 && is_nearer(seek, &info.node_id, &nearest[at - 1].id); at--)
            if (at < RELOAD_SEEK_LINKED_MAX)
                nearest[at] = nearest[at - 1];
        if (at < RELOAD_SEEK_LINKED_MAX)
            nearest[at] = (struct reload_seek_contact){.id = info.node_id};
    }
    for (size_t i = 0; i < count; i++)
        reload_seek_request(seek, &nearest[i].id, &nearest[i], now);
}

static void
begin_asking(struct reload_seek *seek, reload_time now)
{
    seek->is_asking = true;
    reload_alarm_clear(&seek->job.node->alarms, &seek->alarm);
    const struct reload_seek_contact ourselves = {.id = seek->job.node->id};
    size_t behind = 0;
    reload_seek_request(seek, &ourselves.id, &ourselves, now);
    for (size_t i = 0; i < seek->met_count; i++) {
        behind += !seek->met[i].is_before;
        if (seek->met[i].is_before || behind <= WITNESSES_BEHIND)
            begin_witness(seek, i, now);
    }
    if (behind < 2) {
        ask_linked(seek, now);
        ping_places(seek, 1, now);
    }
}

static void
pinged_long_enough(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    (void)owner;
    begin_asking((struct reload_seek *)((char *)alarm - offsetof(struct reload_seek, alarm)), now);
}

/* Sorted in, those before the resource last; somebody late is a witness as long as there are few.
 */
static void
meet(struct reload_seek *seek, const struct reload_seek_contact *contact, reload_time now)
{
    size_t at = 0;
    for (size_t i = 0; i < seek->met_count; i++)
        if (reload_node_id_equal(&seek->met[i].id, &contact->id))
            return;
    while (at < seek->met_count && !seek->met[at].is_before &&
           (contact->is_before || is_nearer(seek, &seek->met[at].id, &contact->id)))
        at++;
    assert(seek->met_count < 2 * RELOAD_SEEK_PLACES_MAX); /* one for each Ping */
    memmove(&seek->met[at + 1], &seek->met[at], (seek->met_count - at) * sizeof seek->met[0]);
    seek->met[at] = *contact;
    seek->met_count++;
    if (seek->is_asking && (contact->is_before || at < WITNESSES_BEHIND))
        begin_witness(seek, at, now);
}

/* |errand->whom| says that |next| is before |errand->below|. */
static void
follow(struct reload_seek *seek, const struct reload_seek_errand *errand,
       const struct reload_node_id *next, reload_time now)
{
    if (!is_nearer(seek, next, &errand->below)) { /* nobody else is behind the resource ... */
        if (errand->steps < ENOUGH)
            query_far(seek, errand, now); /* ... and before that place */
        return;
    }
    reload_seek_request(seek, next, &errand->whom, now);
    struct reload_seek_errand further = *errand;
    further.below = *next;
    if (++further.steps < RELOAD_SEEK_STEPS_MAX)
        reload_seek_query(seek, &further, now);
}

/* ---- answers -------------------------------------------------------------------------------- */

static void
told_next(struct reload_seek *seek, const struct reload_seek_errand *errand,
          const struct reload_result *result, reload_time now)
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
    end((struct reload_seek *)((char *)alarm - offsetof(struct reload_seek, alarm)), now);
}

/* The first good one: others, who may have newer values, get as long again. */
static void
begin_grace(struct reload_seek *seek, reload_time now)
{
    reload_time grace = now - seek->begun_at;
    seek->any_good = true;
    if (grace < GRACE_MIN)
        grace = GRACE_MIN;
    /* Without memory for the alarm the last answer ends it. */
    reload_ignore(reload_alarm_set(&seek->job.node->alarms, &seek->alarm, now + grace, grace_over));
}

static enum reload_copies_verdict
judge(struct reload_seek *seek, const struct reload_seek_errand *errand,
      const struct reload_result *result, reload_time now)
{
    struct reload_seek_holder *holder = reload_seek_holder(seek, &errand->whom.id);
    assert(holder);
    holder->answered |= result->error == 0;
    enum reload_copies_verdict verdict = seek->ops->judge(seek->argument, result, now);
    if (verdict == RELOAD_COPIES_GOOD && !seek->any_good)
        begin_grace(seek, now);
    return verdict;
}

void
reload_seek_answered(void *argument, const struct reload_result *result, reload_time now)
{
    struct reload_seek_errand *slot = argument, errand = *slot;
    struct reload_seek *seek = errand.of;
    assert(slot->request && seek->outstanding > 0);
    slot->request = 0;
    seek->outstanding--;
    bool is_enough = false;
    switch (errand.type) {
    case RELOAD_ERRAND_PING:
        seek->pings--;
        errand.whom.id = result->responder_id;
        if (reload_node_id_equal(&errand.whom.via, &errand.whom.id))
            errand.whom.has_via = false;
        if (!result->error)
            meet(seek, &errand.whom, now);
        break;
    case RELOAD_ERRAND_QUERY:
        told_next(seek, &errand, result, now);
        break;
    case RELOAD_ERRAND_REQUEST:
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
     reload_time now, struct reload_seek **made)
{
    void *memory;
    int error =
        reload_job_new(node, sizeof(struct reload_seek) + request->body.size, release, &memory);
    if (error)
        return error;
    struct reload_seek *seek = memory;
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
begin(struct reload_seek *seek, reload_time deadline, reload_time now)
{
    struct reload_node *node = seek->job.node;
    reload_time patience = node->config->overlay_reliability_timer_ms * RELOAD_MS / 3;
    int error = reload_alarm_set(&node->alarms, &seek->deadline, deadline, too_late);
    if (!error)
        error = reload_alarm_set(&node->alarms, &seek->alarm, now + patience, pinged_long_enough);
    if (!error)
        ping_places(seek, 0, now);
    return error || seek->outstanding ? error : RELOAD_E_BUSY;
}

int
reload_seek_start(struct reload_node *node, struct reload_bytes resource,
                  const struct reload_request *request, const struct reload_copies_ops *ops,
                  void *argument, reload_time deadline, reload_time now, uint64_t *number)
{
    struct reload_seek *seek = NULL;
    const struct reload_topology_ops *topology = node->topology;
    if (!topology->place_near || !topology->query_answer)
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
        struct reload_seek *seek = (struct reload_seek *)job;
        if (job->fini != release || seek->number != number)
            continue;
        forget(seek);
        return;
    }
}
