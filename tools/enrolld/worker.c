/* worker.c: a thread that does the slow part of requests.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/enrolld/worker.h"

#include <pthread.h>
#include <stdlib.h>

struct worker {
    worker_fn *fn;
    void *argument;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    /* under the mutex */
    struct worker_job *first, **end;
    unsigned count;
    bool stopping;
};

/* Takes the first job out of the queue; NULL: it is empty. The mutex is held. */
static struct worker_job *
take(struct worker *worker)
{
    struct worker_job *job = worker->first;
    if (job == NULL)
        return NULL;
    worker->first = job->next;
    if (worker->first == NULL)
        worker->end = &worker->first;
    worker->count--;
    return job;
}

static void *
work(void *argument)
{
    struct worker *worker = argument;
    pthread_mutex_lock(&worker->mutex);
    for (;;) {
        struct worker_job *job = take(worker);
        if (job == NULL && worker->stopping)
            break;
        if (job == NULL) {
            pthread_cond_wait(&worker->changed, &worker->mutex);
            continue;
        }
        bool cancelled = worker->stopping;
        pthread_mutex_unlock(&worker->mutex);
        worker->fn(worker->argument, job, cancelled);
        pthread_mutex_lock(&worker->mutex);
    }
    pthread_mutex_unlock(&worker->mutex);
    return NULL;
}

int
worker_start(worker_fn *fn, void *argument, struct worker **worker)
{
    struct worker *made = calloc(1, sizeof *made);
    if (made == NULL)
        return RELOAD_E_NOMEM;
    made->fn = fn;
    made->argument = argument;
    made->end = &made->first;
    pthread_mutex_init(&made->mutex, NULL);
    pthread_cond_init(&made->changed, NULL);
    if (pthread_create(&made->thread, NULL, work, made) != 0) {
        worker_free(made);
        return RELOAD_E_IO;
    }
    *worker = made;
    return 0;
}

int
worker_submit(struct worker *worker, struct worker_job *job)
{
    int error = RELOAD_E_BUSY;
    pthread_mutex_lock(&worker->mutex);
    if (!worker->stopping && worker->count < WORKER_QUEUE_MAX) {
        job->next = NULL;
        *worker->end = job;
        worker->end = &job->next;
        worker->count++;
        pthread_cond_signal(&worker->changed);
        error = 0;
    }
    pthread_mutex_unlock(&worker->mutex);
    return error;
}

void
worker_stop(struct worker *worker)
{
    if (worker == NULL)
        return;
    pthread_mutex_lock(&worker->mutex);
    worker->stopping = true;
    pthread_cond_signal(&worker->changed);
    pthread_mutex_unlock(&worker->mutex);
    pthread_join(worker->thread, NULL);
}

void
worker_free(struct worker *worker)
{
    if (worker == NULL)
        return;
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->mutex);
    free(worker);
}
