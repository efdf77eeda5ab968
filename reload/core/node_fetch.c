/* node_fetch.c: the verbs that fetch values, and their metadata. RFC 6940 7.4.2, 7.4.3.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/answer_check.h"
#include "reload/core/copies.h"
#include "reload/core/fetch_check.h"
#include "reload/core/job.h"
#include "reload/core/node_internal.h"
#include "reload/core/seek.h"
#include "reload/core/stat_check.h"

#include <assert.h>

#define HANDED_MAX 4096 /* places, of which several answers may tell */
#define HANDED_OCTETS_MAX (1u << 20)

/* A Fetch or Stat under way; the specifiers' keys follow it. */
struct fetch_job {
    struct reload_job job; /* must be first */
    uint8_t resource[255];
    uint8_t resource_size;
    struct reload_fetch_specifier specifiers[RELOAD_FETCH_SPECIFIERS_MAX];
    size_t count;
    bool is_stat;
    bool is_several;            /* answers, which are compared */
    struct reload_marks handed; /* if so: what was handed over, by place */
    unsigned discarded;         /* by all of them */
    uint16_t signed_kinds;      /* of the answer that is looked at: specifiers with a value */
    /* With replicas. */
    enum reload_replicas replicas;
    bool is_asking, is_seeking; /* under way: the copies to the responsible peer; the search */
    bool seeking_over;
    bool is_replica;           /* the answer that is looked at */
    bool found;                /* something of each Kind */
    uint64_t asked, sought;    /* for reload_copies_cancel, reload_seek_cancel */
    struct reload_result told; /* by the responsible peer */
    struct reload_alarm alarm; /* then the search begins */
    reload_time begun_at;
    reload_value_fn *each_value;
    reload_stat_fn *each_stat;
    reload_result_fn *done;
    void *argument;
    uint8_t keys[];
};

static void
release(struct reload_job *job)
{
    struct fetch_job *fetch = (struct fetch_job *)job;
    if (fetch->is_several)
        reload_marks_fini(&fetch->handed);
    reload_alarm_clear(&job->node->alarms, &fetch->alarm);
}

/* Of several answers the newest value of each place counts; who has none there knows nothing. */
static bool
is_news(struct fetch_job *job, const struct reload_fetched *fetched, reload_time now)
{
    struct reload_mark_place place = {.resource = {job->resource, job->resource_size},
                                      .kind = fetched->row->kind,
                                      .key = fetched->value->key};
    uint64_t number = fetched->signer ? fetched->value->data.storage_time + 1 : 1;
    if (reload_marks_get(&job->handed, &place, now) >= number)
        return false;
    reload_marks_note(&job->handed, &place, number, RELOAD_NEVER);
    return true;
}

static void
note_kind(struct fetch_job *job, const struct reload_fetched *fetched)
{
    static_assert(RELOAD_FETCH_SPECIFIERS_MAX <= 16, "a bit for each specifier");
    for (size_t i = 0; i < job->count; i++)
        if (fetched->signer && job->specifiers[i].kind == fetched->row->kind)
            job->signed_kinds |= (uint16_t)(1u << i);
}

static void
hand_over(void *argument, const struct reload_fetched *fetched, reload_time now)
{
    struct fetch_job *job = argument;
    const struct reload_value *value = fetched->value;
    note_kind(job, fetched);
    if (job->is_replica && !fetched->signer) /* it need not know */
        return;
    if (job->is_several && !is_news(job, fetched, now))
        return;
    const struct reload_data_value *data = reload_value_data(&value->data);
    struct reload_fetched_value found = {.kind = fetched->row->kind,
                                         .generation = fetched->generation,
                                         .value = data->value,
                                         .exists = data->exists,
                                         .storage_time_ms = value->data.storage_time,
                                         .lifetime_s = value->data.lifetime,
                                         .signer = fetched->signer};
    if (fetched->row->data_model == RELOAD_DATA_MODEL_ARRAY)
        found.index = reload_value_index(value->key);
    if (fetched->row->data_model == RELOAD_DATA_MODEL_DICTIONARY)
        found.key = value->key;
    if (job->each_value)
        job->each_value(job->argument, &found, now);
}

static int
check_fetched(struct fetch_job *job, const struct reload_message *answer, unsigned *discarded,
              reload_time now)
{
    struct reload_fetch_check check = {.node = job->job.node,
                                       .resource = {job->resource, job->resource_size},
                                       .specifiers = job->specifiers,
                                       .count = job->count,
                                       .each = hand_over,
                                       .argument = job,
                                       .now = now};
    int error = reload_fetch_check_answer(&check, answer);
    *discarded = check.discarded;
    return error;
}

static int
check_stat(struct fetch_job *job, const struct reload_message *answer, unsigned *discarded,
           reload_time now)
{
    struct reload_stat_check check = {.node = job->job.node,
                                      .resource = {job->resource, job->resource_size},
                                      .specifiers = job->specifiers,
                                      .count = job->count,
                                      .each = job->each_stat,
                                      .argument = job->argument,
                                      .now = now};
    int error = reload_stat_check_answer(&check, answer);
    *discarded = check.discarded;
    return error;
}

static int
check_answer(struct fetch_job *job, const struct reload_message *answer, unsigned *discarded,
             reload_time now)
{
    return job->is_stat ? check_stat(job, answer, discarded, now)
                        : check_fetched(job, answer, discarded, now);
}

static void
end(struct fetch_job *job, const struct reload_result *told, reload_time now)
{
    reload_result_fn *done = job->done;
    void *whose = job->argument;
    reload_job_free(&job->job);
    if (done)
        done(whose, told, now);
}

static void
answered(void *argument, const struct reload_result *result, reload_time now)
{
    struct fetch_job *job = argument;
    struct reload_result told = *result;
    if (!result->error)
        told.error = check_answer(job, result->message, &told.discarded, now);
    end(job, &told, now);
}

/* The encoded request, in |*buffer| for as long as it is wanted. */
static int
write_request(struct fetch_job *job, struct reload_buffer **buffer, struct reload_request *request)
{
    struct reload_node *node = job->job.node;
    struct reload_bytes resource = {job->resource, job->resource_size};
    size_t size = node->config->max_message_size;
    *buffer = reload_buffer_get(&node->buffers, size);
    if (!*buffer)
        return RELOAD_E_NOMEM;
    struct reload_writer writer = reload_writer_of((*buffer)->data, size);
    int error = reload_answer_request(node, resource, job->specifiers, job->count, &writer);
    *request = (struct reload_request){.code = job->is_stat ? RELOAD_MESSAGE_STAT_REQ
                                                            : RELOAD_MESSAGE_FETCH_REQ,
                                       .body = reload_writer_written(&writer)};
    if (error)
        reload_buffer_drop(&node->buffers, *buffer);
    return error;
}

/* ---- several answers ------------------------------------------------------------------------ */

/* Whether one of several answers is right; |*has_all|: whether it has a value of each Kind. */
static bool
is_right(struct fetch_job *job, const struct reload_result *result, bool *has_all, reload_time now)
{
    unsigned discarded = 0;
    job->signed_kinds = 0;
    if (result->error || check_answer(job, result->message, &discarded, now) != 0)
        return false;
    job->discarded += discarded;
    *has_all = job->signed_kinds == (1u << job->count) - 1;
    job->found |= *has_all;
    return true;
}

/* Every answer counts: a later one may have newer values. */
static enum reload_copies_verdict
judge(void *argument, const struct reload_result *result, reload_time now)
{
    struct fetch_job *job = argument;
    bool has_all = false;
    job->is_replica = false;
    return is_right(job, result, &has_all, now) ? RELOAD_COPIES_GOOD : RELOAD_COPIES_BAD;
}

static void
end_several(struct fetch_job *job, struct reload_result told, reload_time now)
{
    told.discarded = job->discarded;
    told.elapsed_ns = now - job->begun_at;
    end(job, &told, now);
}

static void
ended(void *argument, const struct reload_result *result, reload_time now)
{
    end_several(argument, *result, now);
}

/* ---- replicas ------------------------------------------------------------------------------- */

/* Both ways to ask are over, or one has what the other need not add to. */
static void
end_if_enough(struct fetch_job *job, reload_time now)
{
    struct reload_node *node = job->job.node;
    bool is_over = !job->is_asking && job->seeking_over;
    bool is_enough = job->found && job->replicas == RELOAD_REPLICAS_IF_NEEDED;
    if (!is_over && !is_enough)
        return;
    if (job->is_asking)
        reload_copies_cancel(node, job->asked);
    if (job->is_seeking)
        reload_seek_cancel(node, job->sought);
    end_several(job, job->found ? (struct reload_result){0} : job->told, now);
}

/* A replica only says what it has. */
static enum reload_copies_verdict
judge_replica(void *argument, const struct reload_result *result, reload_time now)
{
    struct fetch_job *job = argument;
    bool has_all = false;
    job->is_replica = true;
    (void)is_right(job, result, &has_all, now);
    return has_all ? RELOAD_COPIES_GOOD : RELOAD_COPIES_BAD;
}

static void
sought(void *argument, const struct reload_result *result, reload_time now)
{
    struct fetch_job *job = argument;
    (void)result;
    job->is_seeking = false;
    job->seeking_over = true;
    end_if_enough(job, now);
}

static void
seek(struct fetch_job *job, reload_time now)
{
    static const struct reload_copies_ops ops = {judge_replica, sought};
    struct reload_node *node = job->job.node;
    struct reload_request request;
    struct reload_buffer *buffer;
    reload_time timer = node->config->overlay_reliability_timer_ms * RELOAD_MS;
    reload_time deadline = job->begun_at + RELOAD_REQUEST_TRIES * timer;
    reload_alarm_clear(&node->alarms, &job->alarm);
    int error = now < deadline ? write_request(job, &buffer, &request) : RELOAD_E_TIMEOUT;
    if (!error) {
        error = reload_seek_start(node, (struct reload_bytes){job->resource, job->resource_size},
                                  &request, &ops, job, deadline, now, &job->sought);
        reload_buffer_drop(&node->buffers, buffer);
    }
    job->is_seeking = error == 0;
    job->seeking_over = error != 0;
}

static void
waited_long_enough(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    (void)owner;
    seek((struct fetch_job *)((char *)alarm - offsetof(struct fetch_job, alarm)), now);
}

/* The responsible peer has said what it has to say. */
static void
asked(void *argument, const struct reload_result *result, reload_time now)
{
    struct fetch_job *job = argument;
    job->is_asking = false;
    job->told = *result;
    if (!job->found && !job->is_seeking && !job->seeking_over)
        seek(job, now);
    end_if_enough(job, now);
}

static int
ask_with_replicas(struct fetch_job *job, const struct reload_route *route,
                  const struct reload_request *request, reload_time now)
{
    static const struct reload_copies_ops ops = {judge, asked};
    struct reload_node *node = job->job.node;
    reload_time timer = node->config->overlay_reliability_timer_ms * RELOAD_MS;
    bool is_late = job->replicas == RELOAD_REPLICAS_IF_NEEDED;
    int error = reload_alarm_set(&node->alarms, &job->alarm, now + (is_late ? timer : 0),
                                 waited_long_enough);
    if (!error)
        error = reload_copies_start(node, route, request, &ops, job, now, &job->asked);
    job->is_asking = error == 0;
    return error;
}

/* ---- the request ---------------------------------------------------------------------------- */

static int
make_job(struct reload_node *node, struct reload_bytes resource,
         const struct reload_fetch_specifier *specifiers, size_t count, struct fetch_job **made)
{
    size_t size = 0;
    void *memory;
    for (size_t i = 0; i < count; i++)
        size += specifiers[i].key.size;
    int error = reload_job_new(node, sizeof(struct fetch_job) + size, release, &memory);
    if (error)
        return error;
    struct fetch_job *job = memory;
    memcpy(job->resource, resource.data, resource.size);
    job->resource_size = (uint8_t)resource.size;
    job->count = count;
    uint8_t *at = job->keys;
    for (size_t i = 0; i < count; i++) {
        struct reload_bytes key = specifiers[i].key;
        job->specifiers[i] = specifiers[i];
        job->specifiers[i].key.data = at;
        if (key.size)
            memcpy(at, key.data, key.size);
        at += key.size;
    }
    *made = job;
    return 0;
}

/* Replicas are looked for beside a plain way to the resource. */
static bool
is_readable(const struct reload_node *node, const struct reload_route *route)
{
    if (route->iterative && route->copies > 1)
        return false;
    const struct reload_destination *only = &route->entries[0];
    return route->replicas == RELOAD_REPLICAS_NONE ||
           (!route->iterative && route->count == 1 &&
            only->type == RELOAD_DESTINATION_TYPE_RESOURCE &&
            only->destination_data.resource_id.size == node->wire.node_id_length &&
            node->topology->place_near && node->topology->query_answer);
}

static int
send(struct fetch_job *job, const struct reload_route *route, reload_time now)
{
    static const struct reload_copies_ops copies = {judge, ended};
    struct reload_node *node = job->job.node;
    struct reload_request request;
    struct reload_buffer *buffer;
    if (!is_readable(node, route))
        return RELOAD_E_USAGE;
    int error = write_request(job, &buffer, &request);
    if (error)
        return error;
    job->begun_at = now;
    job->replicas = route->replicas;
    job->is_several = route->copies > 1 || job->replicas != RELOAD_REPLICAS_NONE;
    if (job->is_several)
        reload_marks_init(&job->handed, node->env, &node->storage.prng, HANDED_MAX,
                          HANDED_OCTETS_MAX);
    if (job->replicas != RELOAD_REPLICAS_NONE)
        error = ask_with_replicas(job, route, &request, now);
    else if (job->is_several)
        error = reload_copies_start(node, route, &request, &copies, job, now, NULL);
    else
        error = reload_request_start(node, route, &request, answered, job, now, NULL);
    reload_buffer_drop(&node->buffers, buffer);
    return error;
}

/* Sends what |asked| says; only its functions and their argument count. */
static int
start(struct reload_node *node, const struct reload_route *route, struct reload_bytes resource,
      const struct reload_fetch_specifier *specifiers, size_t count, const struct fetch_job *asked,
      reload_time now)
{
    if (count == 0 || count > RELOAD_FETCH_SPECIFIERS_MAX || resource.size == 0 ||
        resource.size > 255)
        return RELOAD_E_USAGE;
    struct fetch_job *job;
    int error = make_job(node, resource, specifiers, count, &job);
    if (error)
        return error;
    job->is_stat = asked->is_stat;
    job->each_value = asked->each_value;
    job->each_stat = asked->each_stat;
    job->done = asked->done;
    job->argument = asked->argument;
    error = send(job, route, now);
    if (error)
        reload_job_free(&job->job);
    return error;
}

int
reload_node_fetch_along(struct reload_node *node, const struct reload_route *route,
                        struct reload_bytes resource,
                        const struct reload_fetch_specifier *specifiers, size_t count,
                        reload_value_fn *each, reload_result_fn *done, void *argument,
                        reload_time now)
{
    const struct fetch_job asked = {.each_value = each, .done = done, .argument = argument};
    return start(node, route, resource, specifiers, count, &asked, now);
}

int
reload_node_fetch(struct reload_node *node, struct reload_bytes resource,
                  const struct reload_fetch_specifier *specifiers, size_t count,
                  reload_value_fn *each, reload_result_fn *done, void *argument, reload_time now)
{
    const struct reload_route route = reload_route_to_resource(resource);
    return reload_node_fetch_along(node, &route, resource, specifiers, count, each, done, argument,
                                   now);
}

int
reload_node_stat(struct reload_node *node, struct reload_bytes resource,
                 const struct reload_fetch_specifier *specifiers, size_t count,
                 reload_stat_fn *each, reload_result_fn *done, void *argument, reload_time now)
{
    const struct reload_route route = reload_route_to_resource(resource);
    const struct fetch_job asked = {
        .is_stat = true, .each_stat = each, .done = done, .argument = argument};
    return start(node, &route, resource, specifiers, count, &asked, now);
}
