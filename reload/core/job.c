/* job.c: work of the storage that goes on over several requests.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/job.h"

#include "reload/core/node_internal.h"

#include <assert.h>

int
reload_job_new(struct reload_node *node, size_t size, void (*fini)(struct reload_job *job),
               void **made)
{
    struct reload_pushes *pushes = &node->pushes;
    assert(size >= sizeof(struct reload_job));
    if (pushes->job_count >= RELOAD_JOBS_MAX) {
        node->counters.dropped_busy++;
        return RELOAD_E_BUSY;
    }
    struct reload_job *job = reload_node_allocate(node, NULL, size);
    if (!job)
        return RELOAD_E_NOMEM;
    memset(job, 0, size);
    *job = (struct reload_job){
        .next = pushes->jobs, .link = &pushes->jobs, .node = node, .fini = fini};
    if (job->next)
        job->next->link = &job->next;
    pushes->jobs = job;
    pushes->job_count++;
    *made = job;
    return 0;
}

void
reload_job_free(struct reload_job *job)
{
    struct reload_node *node = job->node;
    *job->link = job->next;
    if (job->next)
        job->next->link = job->link;
    assert(node->pushes.job_count > 0);
    node->pushes.job_count--;
    if (job->fini)
        job->fini(job);
    (void)reload_node_allocate(node, job, 0);
}
