/* glib_loop.c: a GMainContext driven by a reload_loop: prepare, query, wait, check, dispatch.
 *
 * The context is made for polling without an owner: otherwise a source that is added between turns
 * would go unnoticed. Descriptors are known by number and inode, because libnice closes sockets and
 * gets new ones with the same number.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "ice/glib_loop.h"

#include <assert.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>

#define DESCRIPTORS_MAX 128 /* 16 local addresses, each with a TCP connection to 4 relays, fit */

struct slot {
    int descriptor;
    ino_t inode;
    unsigned events;
    struct reload_watch *watch;
};

struct glib_loop {
    struct reload_loop *loop;
    GMainContext *context;
    struct reload_timer *timer;
    gint priority;
    GPollFD polled[DESCRIPTORS_MAX];
    gint polled_count;
    struct slot slots[DESCRIPTORS_MAX];
    size_t slot_count;
    bool dispatching;
};

static ino_t
inode_of(int descriptor)
{
    struct stat status;
    return fstat(descriptor, &status) == 0 ? status.st_ino : 0;
}

static void turn(struct glib_loop *pump);

static void
on_ready(void *argument, int descriptor, unsigned events)
{
    (void)descriptor;
    (void)events;
    turn(argument);
}

static void
on_time(void *argument)
{
    turn(argument);
}

static unsigned
events_of(gushort glib)
{
    return (glib & (G_IO_IN | G_IO_HUP | G_IO_ERR) ? RELOAD_WATCH_READ : 0u) |
           (glib & G_IO_OUT ? RELOAD_WATCH_WRITE : 0u);
}

static struct slot *
find(struct glib_loop *pump, const struct slot *wanted)
{
    for (size_t i = 0; i < pump->slot_count; i++)
        if (pump->slots[i].descriptor == wanted->descriptor &&
            pump->slots[i].inode == wanted->inode)
            return &pump->slots[i];
    return NULL;
}

/* Makes the watches those of |wanted|: kept where they are the same, else new. */
static void
watch_all(struct glib_loop *pump, struct slot *wanted, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct slot *old = find(pump, &wanted[i]);
        if (!old || !old->watch)
            continue;
        wanted[i].watch = old->watch;
        old->watch = NULL;
        if (old->events != wanted[i].events)
            reload_watch_set(wanted[i].watch, wanted[i].events);
    }
    for (size_t i = 0; i < pump->slot_count; i++)
        reload_watch_free(pump->slots[i].watch);
    for (size_t i = 0; i < count; i++) {
        if (!wanted[i].watch &&
            reload_loop_watch(pump->loop, wanted[i].descriptor, wanted[i].events, on_ready, pump,
                              &wanted[i].watch) != 0)
            wanted[i].watch = NULL; /* without memory: the timer looks after it */
        pump->slots[i] = wanted[i];
    }
    pump->slot_count = count;
}

/* Asks the context what it waits for, and waits for that. */
static void
prepare(struct glib_loop *pump)
{
    gint timeout_ms;
    gboolean due = g_main_context_prepare(pump->context, &pump->priority);
    pump->polled_count = g_main_context_query(pump->context, pump->priority, &timeout_ms,
                                              pump->polled, DESCRIPTORS_MAX);
    if (pump->polled_count > DESCRIPTORS_MAX)
        pump->polled_count = DESCRIPTORS_MAX;
    struct slot wanted[DESCRIPTORS_MAX];
    size_t count = 0;
    for (gint i = 0; i < pump->polled_count; i++) {
        struct slot slot = {.descriptor = pump->polled[i].fd,
                            .inode = inode_of(pump->polled[i].fd),
                            .events = events_of(pump->polled[i].events)};
        size_t same = 0;
        while (same < count && wanted[same].descriptor != slot.descriptor)
            same++;
        if (same < count)
            wanted[same].events |= slot.events;
        else
            wanted[count++] = slot;
    }
    watch_all(pump, wanted, count);
    reload_time at = RELOAD_NEVER;
    if (due)
        at = reload_loop_now(pump->loop);
    else if (timeout_ms >= 0)
        at = reload_loop_now(pump->loop) + (reload_time)timeout_ms * RELOAD_MS;
    reload_timer_set(pump->timer, at);
}

static void
turn(struct glib_loop *pump)
{
    if (pump->dispatching)
        return;
    pump->dispatching = true;
    (void)g_poll(pump->polled, (guint)pump->polled_count, 0);
    if (g_main_context_check(pump->context, pump->priority, pump->polled, pump->polled_count)) {
        g_main_context_push_thread_default(pump->context);
        g_main_context_dispatch(pump->context);
        g_main_context_pop_thread_default(pump->context);
    }
    pump->dispatching = false;
    prepare(pump);
}

struct glib_loop *
glib_loop_new(struct reload_loop *loop)
{
    struct glib_loop *pump = calloc(1, sizeof *pump);
    if (!pump)
        return NULL;
    pump->loop = loop;
    pump->context = g_main_context_new_with_flags(G_MAIN_CONTEXT_FLAGS_OWNERLESS_POLLING);
    if (!g_main_context_acquire(pump->context) ||
        reload_loop_timer(loop, on_time, pump, &pump->timer) != 0) {
        g_main_context_unref(pump->context);
        free(pump);
        return NULL;
    }
    prepare(pump);
    return pump;
}

void
glib_loop_free(struct glib_loop *pump)
{
    assert(!pump->dispatching);
    for (size_t i = 0; i < pump->slot_count; i++)
        reload_watch_free(pump->slots[i].watch);
    reload_timer_free(pump->timer);
    g_main_context_release(pump->context);
    g_main_context_unref(pump->context);
    free(pump);
}

GMainContext *
glib_loop_context(struct glib_loop *pump)
{
    return pump->context;
}

void
glib_loop_wake(struct glib_loop *pump)
{
    if (!pump->dispatching)
        reload_timer_set(pump->timer, reload_loop_now(pump->loop));
}
