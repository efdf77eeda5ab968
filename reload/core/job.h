/* job.h: work of the storage that goes on over several requests, and must not outlive its node.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_JOB_H
#define RELOAD_CORE_JOB_H

#include "reload/node.h"

#define RELOAD_JOBS_MAX 4096

/* First member of the struct that it is part of. */
struct reload_job {
    struct reload_job *next, **link;
    struct reload_node *node;
    void (*fini)(struct reload_job *job); /* frees what it owns; may be NULL */
};

/* reload_job_new makes |*job|: |size| zeroed octets that begin with a struct reload_job. Returns 0,
 * RELOAD_E_BUSY (there are RELOAD_JOBS_MAX already) or RELOAD_E_NOMEM. */
RELOAD_CHECKED int reload_job_new(struct reload_node *node, size_t size,
                                  void (*fini)(struct reload_job *job), void **job);

/* reload_job_free ends |job|. */
void reload_job_free(struct reload_job *job);

#endif
