/* node_fetch.c: the verbs that fetch values, and their metadata. RFC 6940 7.4.2, 7.4.3.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/answer_check.h"
#include "reload/core/fetch_check.h"
#include "reload/core/job.h"
#include "reload/core/node_internal.h"
#include "reload/core/stat_check.h"

#include <assert.h>

/* A Fetch or Stat under way; the specifiers' keys follow it. */
struct fetch_job {
    struct reload_job job; /* must be first */
    uint8_t resource[255];
    uint8_t resource_size;
    struct reload_fetch_specifier specifiers[RELOAD_FETCH_SPECIFIERS_MAX];
    size_t count;
    bool is_stat;
    reload_value_fn *each_value;
    reload_stat_fn *each_stat;
    reload_result_fn *done;
    void *argument;
    uint8_t keys[];
};

static void
hand_over(void *argument, const struct reload_fetched *fetched, reload_time now)
{
    struct fetch_job *job = argument;
    const struct reload_value *value = fetched->value;
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

static void
answered(void *argument, const struct reload_result *result, reload_time now)
{
    struct fetch_job *job = argument;
    struct reload_result told = *result;
    if (!result->error)
        told.error = job->is_stat ? check_stat(job, result->message, &told.discarded, now)
                                  : check_fetched(job, result->message, &told.discarded, now);
    reload_result_fn *done = job->done;
    void *whose = job->argument;
    reload_job_free(&job->job);
    if (done)
        done(whose, &told, now);
}

static int
make_job(struct reload_node *node, struct reload_bytes resource,
         const struct reload_fetch_specifier *specifiers, size_t count, struct fetch_job **made)
{
    size_t size = 0;
    void *memory;
    for (size_t i = 0; i < count; i++)
        size += specifiers[i].key.size;
    int error = reload_job_new(node, sizeof(struct fetch_job) + size, NULL, &memory);
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
send(struct fetch_job *job, reload_time now)
{
    struct reload_node *node = job->job.node;
    struct reload_bytes resource = {job->resource, job->resource_size};
    size_t size = node->config->max_message_size;
    struct reload_buffer *buffer = reload_buffer_get(&node->buffers, size);
    if (!buffer)
        return RELOAD_E_NOMEM;
    struct reload_writer writer = reload_writer_of(buffer->data, size);
    int error = reload_answer_request(node, resource, job->specifiers, job->count, &writer);
    if (!error) {
        struct reload_route route = reload_route_to_resource(resource);
        uint16_t code = job->is_stat ? RELOAD_MESSAGE_STAT_REQ : RELOAD_MESSAGE_FETCH_REQ;
        error = reload_node_request(node, &route, code, reload_writer_written(&writer), answered,
                                    job, now, NULL);
    }
    reload_buffer_drop(&node->buffers, buffer);
    return error;
}

/* Sends what |asked| says; only its functions and their argument count. */
static int
start(struct reload_node *node, struct reload_bytes resource,
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
    error = send(job, now);
    if (error)
        reload_job_free(&job->job);
    return error;
}

int
reload_node_fetch(struct reload_node *node, struct reload_bytes resource,
                  const struct reload_fetch_specifier *specifiers, size_t count,
                  reload_value_fn *each, reload_result_fn *done, void *argument, reload_time now)
{
    const struct fetch_job asked = {.each_value = each, .done = done, .argument = argument};
    return start(node, resource, specifiers, count, &asked, now);
}

int
reload_node_stat(struct reload_node *node, struct reload_bytes resource,
                 const struct reload_fetch_specifier *specifiers, size_t count,
                 reload_stat_fn *each, reload_result_fn *done, void *argument, reload_time now)
{
    const struct fetch_job asked = {
        .is_stat = true, .each_stat = each, .done = done, .argument = argument};
    return start(node, resource, specifiers, count, &asked, now);
}
