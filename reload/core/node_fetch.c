/* node_fetch.c: the verbs that fetch values, and their metadata. RFC 6940 7.4.2, 7.4.3.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/answer_check.h"
#include "reload/core/copies.h"
#include "reload/core/fetch_check.h"
#include "reload/core/job.h"
#include "reload/core/node_internal.h"
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
    bool is_copied;
    struct reload_marks handed; /* with several copies: what was handed over, by place */
    unsigned discarded;         /* by all of them */
    reload_value_fn *each_value;
    reload_stat_fn *each_stat;
    reload_result_fn *done;
    void *argument;
    uint8_t keys[];
};

static void
release(struct reload_job *job)
{
    if (((struct fetch_job *)job)->is_copied)
        reload_marks_fini(&((struct fetch_job *)job)->handed);
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
hand_over(void *argument, const struct reload_fetched *fetched, reload_time now)
{
    struct fetch_job *job = argument;
    const struct reload_value *value = fetched->value;
    if (job->is_copied && !is_news(job, fetched, now))
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

/* ---- several copies ------------------------------------------------------------------------- */

/* Every answer counts: a later one may have newer values. */
static enum reload_copies_verdict
judge(void *argument, const struct reload_result *result, reload_time now)
{
    struct fetch_job *job = argument;
    unsigned discarded = 0;
    if (result->error || check_answer(job, result->message, &discarded, now) != 0)
        return RELOAD_COPIES_BAD;
    job->discarded += discarded;
    return RELOAD_COPIES_GOOD;
}

static void
ended(void *argument, const struct reload_result *result, reload_time now)
{
    struct fetch_job *job = argument;
    struct reload_result told = *result;
    told.discarded = job->discarded;
    end(job, &told, now);
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

static int
send(struct fetch_job *job, const struct reload_route *route, reload_time now)
{
    static const struct reload_copies_ops copies = {judge, ended};
    struct reload_node *node = job->job.node;
    struct reload_bytes resource = {job->resource, job->resource_size};
    size_t size = node->config->max_message_size;
    struct reload_buffer *buffer = reload_buffer_get(&node->buffers, size);
    if (!buffer)
        return RELOAD_E_NOMEM;
    struct reload_writer writer = reload_writer_of(buffer->data, size);
    int error = reload_answer_request(node, resource, job->specifiers, job->count, &writer);
    struct reload_request request = {.code = job->is_stat ? RELOAD_MESSAGE_STAT_REQ
                                                          : RELOAD_MESSAGE_FETCH_REQ,
                                     .body = reload_writer_written(&writer)};
    job->is_copied = route->copies > 1;
    if (job->is_copied)
        reload_marks_init(&job->handed, node->env, &node->storage.prng, HANDED_MAX,
                          HANDED_OCTETS_MAX);
    if (!error && job->is_copied)
        error = reload_copies_start(node, route, &request, &copies, job, now, NULL);
    else if (!error)
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
