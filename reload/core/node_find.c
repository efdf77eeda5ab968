/* node_find.c: the verb that finds where Kinds are. RFC 6940 7.4.4.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/find_check.h"
#include "reload/core/job.h"
#include "reload/core/node_internal.h"

/* A Find under way. */
struct find_job {
    struct reload_job job; /* must be first */
    uint8_t resource_size;
    uint32_t kinds[RELOAD_FIND_KINDS_MAX];
    size_t count;
    reload_find_fn *each;
    reload_result_fn *done;
    void *argument;
};

static void
answered(void *argument, const struct reload_result *result, reload_time now)
{
    struct find_job *job = argument;
    struct reload_result told = *result;
    if (!result->error) {
        struct reload_find_check check = {.node = job->job.node,
                                          .resource_size = job->resource_size,
                                          .kinds = job->kinds,
                                          .count = job->count,
                                          .each = job->each,
                                          .argument = job->argument,
                                          .now = now};
        told.error = reload_find_check_answer(&check, result->message);
        told.discarded = check.discarded;
    }
    reload_result_fn *done = job->done;
    void *whose = job->argument;
    reload_job_free(&job->job);
    if (done)
        done(whose, &told, now);
}

static int
send(struct find_job *job, struct reload_bytes resource, reload_time now)
{
    uint8_t data[1 + 255 + 1 + 4 * RELOAD_FIND_KINDS_MAX];
    struct reload_writer writer = reload_writer_of(data, sizeof data);
    reload_writer_vector(&writer, 1, resource);
    size_t mark = reload_writer_begin(&writer, 1);
    for (size_t i = 0; i < job->count; i++)
        reload_writer_u32(&writer, job->kinds[i]);
    reload_writer_end(&writer, mark, 1);
    struct reload_route route = reload_route_to_resource(resource);
    return reload_node_request(job->job.node, &route, RELOAD_MESSAGE_FIND_REQ,
                               reload_writer_written(&writer), answered, job, now, NULL);
}

int
reload_node_find(struct reload_node *node, struct reload_bytes resource, const uint32_t *kinds,
                 size_t count, reload_find_fn *each, reload_result_fn *done, void *argument,
                 reload_time now)
{
    if (count == 0 || count > RELOAD_FIND_KINDS_MAX || resource.size == 0 || resource.size > 255)
        return RELOAD_E_USAGE;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            if (kinds[i] == kinds[j])
                return RELOAD_E_USAGE;
    void *memory;
    int error = reload_job_new(node, sizeof(struct find_job), NULL, &memory);
    if (error)
        return error;
    struct find_job *job = memory;
    memcpy(job->kinds, kinds, count * sizeof *kinds);
    job->count = count;
    job->resource_size = (uint8_t)resource.size;
    job->each = each;
    job->done = done;
    job->argument = argument;
    error = send(job, resource, now);
    if (error)
        reload_job_free(&job->job);
    return error;
}
