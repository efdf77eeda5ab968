/* worker.h: a thread that does the slow part of requests, one after the other, in a bounded queue.
 *
 * Passwords cost tens of milliseconds and 19 MiB each by design; one thread bounds both, and
 * nothing that it uses needs a lock. SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_ENROLLD_WORKER_H
#define TOOLS_ENROLLD_WORKER_H

#include <stdbool.h>

#include "reload/base/error.h"

#define WORKER_QUEUE_MAX 64

/* Part of what is to be done; |next| belongs to the worker while it has the job. */
struct worker_job {
    struct worker_job *next;
};

/* Does |job| on the worker's thread; with |cancelled| it only tells those who wait. */
typedef void worker_fn(void *argument, struct worker_job *job, bool cancelled);

struct worker;

/* worker_start starts the thread. 0, RELOAD_E_NOMEM, RELOAD_E_IO. */
RELOAD_CHECKED int worker_start(worker_fn *fn, void *argument, struct worker **worker);

/* worker_submit queues |job|. RELOAD_E_BUSY: the queue is full, or the worker is ending. */
RELOAD_CHECKED int worker_submit(struct worker *worker, struct worker_job *job);

/* worker_stop finishes the job at work, cancels the others and refuses new ones; worker_free
 * releases a stopped worker. NULL is allowed. */
void worker_stop(struct worker *worker);
void worker_free(struct worker *worker);

#endif
