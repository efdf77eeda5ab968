/* record_store.c: records go into a batch, and each second the batch goes to a thread that writes
 * it into the file.
 *
 *   put -> waiting -> (timer) -> writing, by the thread -> (descriptor) -> written, or waiting
 * again
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/record_store.h"

#include "reload/run/record_file.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WRITE_DELAY RELOAD_SECOND
#define RETRY_DELAY (10 * RELOAD_SECOND)

struct reload_record_store {
    struct reload_record_store_options options;
    struct record_file file; /* the thread's, while |busy| */
    struct record_batch batches[2], *waiting, *writing;
    struct reload_record_counters counters;
    struct reload_timer *timer;
    struct reload_watch *watch;
    int descriptor; /* the thread adds to it when a batch is done */
    bool armed, failing, losing;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    /* under the mutex */
    bool busy, stopping;
    int error; /* of the batch that is done */
    char reason[RELOAD_RECORD_REASON_SIZE];
};

static void
report(const struct reload_record_store *store, const char *text)
{
    if (store->options.report && text[0])
        store->options.report(store->options.argument, text);
}

/* ---- the thread ----------------------------------------------------------------------------- */

static void *
write_batches(void *argument)
{
    struct reload_record_store *store = argument;
    pthread_mutex_lock(&store->mutex);
    for (;;) {
        while (!store->busy && !store->stopping)
            pthread_cond_wait(&store->changed, &store->mutex);
        if (!store->busy)
            break;
        pthread_mutex_unlock(&store->mutex);
        char reason[RELOAD_RECORD_REASON_SIZE] = "";
        int error = record_file_write(&store->file, store->writing, reason);
        pthread_mutex_lock(&store->mutex);
        store->error = error;
        memcpy(store->reason, reason, sizeof reason);
        store->busy = false;
        pthread_cond_broadcast(&store->changed);
        reload_ignore(eventfd_write(store->descriptor, 1));
    }
    pthread_mutex_unlock(&store->mutex);
    return NULL;
}

static void
begin_writing(struct reload_record_store *store)
{
    assert(store->writing->count == 0);
    struct record_batch *batch = store->waiting;
    store->waiting = store->writing;
    store->writing = batch;
    pthread_mutex_lock(&store->mutex);
    store->busy = true;
    pthread_cond_broadcast(&store->changed);
    pthread_mutex_unlock(&store->mutex);
}

/* ---- the loop ------------------------------------------------------------------------------- */

static void
arm(struct reload_record_store *store, reload_time delay)
{
    if (store->armed || store->waiting->count == 0)
        return;
    store->armed = true;
    reload_timer_set(store->timer, reload_loop_now(store->options.loop) + delay);
}

static void
tell_failure(struct reload_record_store *store, const char *reason)
{
    char text[2 * RELOAD_RECORD_REASON_SIZE];
    (void)snprintf(text, sizeof text,
                   "cannot write to the state file %s: %s; records stay in memory, and it is tried"
                   " again every 10 seconds",
                   store->options.path, reason);
    report(store, text);
}

static void
tell_success(struct reload_record_store *store)
{
    char text[2 * RELOAD_RECORD_REASON_SIZE];
    (void)snprintf(text, sizeof text, "the state file %s is written again%s", store->options.path,
                   store->losing ? ", but some records were lost meanwhile" : "");
    report(store, text);
    store->losing = false;
}

/* A batch is done, if one was being written: |busy| is false. Returns how it went. */
static int
settle(struct reload_record_store *store)
{
    if (store->writing->count == 0)
        return 0;
    if (store->error) {
        store->counters.failures++;
        record_batch_take_older(store->waiting, store->writing);
        if (!store->failing)
            tell_failure(store, store->reason);
        store->failing = true;
        return store->error;
    }
    store->counters.written += store->writing->count;
    record_batch_clear(store->writing);
    if (store->failing)
        tell_success(store);
    store->failing = false;
    return 0;
}

static bool
is_busy(struct reload_record_store *store)
{
    pthread_mutex_lock(&store->mutex);
    bool busy = store->busy;
    pthread_mutex_unlock(&store->mutex);
    return busy;
}

static void
on_done(void *argument, int descriptor, unsigned events)
{
    struct reload_record_store *store = argument;
    (void)events;
    eventfd_t count;
    reload_ignore(eventfd_read(descriptor, &count));
    if (is_busy(store))
        return; /* it was settled by a sync, and the next one is under way */
    arm(store, settle(store) ? RETRY_DELAY : WRITE_DELAY);
}

static void
on_timer(void *argument)
{
    struct reload_record_store *store = argument;
    store->armed = false;
    if (!is_busy(store) && store->writing->count == 0 && store->waiting->count > 0)
        begin_writing(store);
}

/* Waits until the thread has nothing to do. */
static void
wait_for_thread(struct reload_record_store *store)
{
    pthread_mutex_lock(&store->mutex);
    while (store->busy)
        pthread_cond_wait(&store->changed, &store->mutex);
    pthread_mutex_unlock(&store->mutex);
}

/* Writes everything, and waits for it. */
static int
flush(struct reload_record_store *store)
{
    wait_for_thread(store);
    int error = settle(store);
    if (store->waiting->count == 0)
        return error;
    begin_writing(store);
    wait_for_thread(store);
    return settle(store);
}

/* ---- what the driver calls ------------------------------------------------------------------ */

static int
lose(struct reload_record_store *store)
{
    store->counters.lost++;
    if (!store->losing)
        report(store, "too many records wait for the disk: some are not kept");
    store->losing = true;
    return RELOAD_E_BUSY;
}

static int
put(void *context, struct reload_bytes key, struct reload_bytes value)
{
    struct reload_record_store *store = context;
    if (key.size == 0 || key.size > RELOAD_RECORD_KEY_MAX)
        return RELOAD_E_USAGE;
    if (store->waiting->size + store->writing->size + key.size + value.size >
        RELOAD_RECORD_WAITING_MAX)
        return lose(store);
    int error = record_batch_put(store->waiting, key, value);
    if (error)
        return error;
    store->counters.put++;
    if (!is_busy(store))
        arm(store, store->failing ? RETRY_DELAY : WRITE_DELAY);
    return 0;
}

/* While the disk refuses, nobody is made to wait for it at each request. */
static int
sync_records(void *context)
{
    struct reload_record_store *store = context;
    if (!store->options.durable)
        return 0;
    return store->failing ? RELOAD_E_IO : flush(store);
}

const struct reload_store_ops reload_record_store_ops = {.put = put, .sync = sync_records};

int
reload_record_store_each(struct reload_record_store *store, reload_record_fn *each, void *argument)
{
    assert(store->counters.put == 0);
    return record_file_each(&store->file, each, argument, &store->counters.forgotten);
}

struct reload_record_counters
reload_record_store_counters(const struct reload_record_store *store)
{
    struct reload_record_counters counters = store->counters;
    counters.waiting = store->waiting->count + store->writing->count;
    return counters;
}

/* ---- begin and end -------------------------------------------------------------------------- */

static int
begin_thread(struct reload_record_store *store)
{
    store->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (store->descriptor < 0)
        return RELOAD_E_IO;
    int error = reload_loop_timer(store->options.loop, on_timer, store, &store->timer);
    if (!error)
        error = reload_loop_watch(store->options.loop, store->descriptor, RELOAD_WATCH_READ,
                                  on_done, store, &store->watch);
    if (!error && pthread_create(&store->thread, NULL, write_batches, store))
        error = RELOAD_E_IO;
    store->has_thread = !error;
    return error;
}

int
reload_record_store_new(const struct reload_record_store_options *options, char *reason,
                        struct reload_record_store **store)
{
    struct reload_record_store *made = calloc(1, sizeof *made);
    if (!made) {
        (void)snprintf(reason, RELOAD_RECORD_REASON_SIZE, "out of memory");
        return RELOAD_E_NOMEM;
    }
    made->options = *options;
    made->descriptor = -1;
    made->waiting = &made->batches[0];
    made->writing = &made->batches[1];
    record_batch_init(made->waiting);
    record_batch_init(made->writing);
    pthread_mutex_init(&made->mutex, NULL);
    pthread_cond_init(&made->changed, NULL);
    char aside[RELOAD_RECORD_REASON_SIZE];
    int error = record_file_open(&made->file, options, aside, reason);
    report(made, aside);
    if (!error) {
        error = begin_thread(made);
        if (error)
            (void)snprintf(reason, RELOAD_RECORD_REASON_SIZE,
                           "cannot begin the thread for the state file: %s",
                           reload_error_text(error));
    }
    if (error) {
        reload_record_store_free(made);
        return error;
    }
    *store = made;
    return 0;
}

static void
end_thread(struct reload_record_store *store)
{
    reload_ignore(flush(store));
    pthread_mutex_lock(&store->mutex);
    store->stopping = true;
    pthread_cond_broadcast(&store->changed);
    pthread_mutex_unlock(&store->mutex);
    pthread_join(store->thread, NULL);
}

void
reload_record_store_free(struct reload_record_store *store)
{
    if (!store)
        return;
    if (store->has_thread)
        end_thread(store);
    reload_watch_free(store->watch);
    reload_timer_free(store->timer);
    if (store->descriptor >= 0)
        close(store->descriptor);
    record_batch_clear(store->waiting);
    record_batch_clear(store->writing);
    record_file_close(&store->file);
    pthread_cond_destroy(&store->changed);
    pthread_mutex_destroy(&store->mutex);
    free(store);
}
