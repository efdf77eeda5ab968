/* virtual_loop.c: see virtual_loop.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "virtual_loop.h"

#include <assert.h>
#include <poll.h>
#include <stdlib.h>

#define SLOTS_MAX 16384

/* What a descriptor may still be bringing over loopback: a moment of the host's time. */
#define SETTLE_MS 1

struct reload_watch {
    struct reload_loop *loop;
    size_t slot;
    int descriptor;
    unsigned events;
    reload_watch_fn *fn;
    void *argument;
};

struct reload_timer {
    struct reload_loop *loop;
    size_t slot;
    reload_time at;
    reload_timer_fn *fn;
    void *argument;
};

struct reload_loop {
    reload_time now;
    struct reload_watch *watches[SLOTS_MAX];
    struct reload_timer *timers[SLOTS_MAX];
    size_t watches_used, timers_used; /* no slot behind these was ever used */
};

struct reload_loop *
virtual_loop_new(void)
{
    struct reload_loop *loop = calloc(1, sizeof *loop);
    assert(loop);
    loop->now = 1000 * RELOAD_SECOND;
    return loop;
}

void
virtual_loop_free(struct reload_loop *loop)
{
    free(loop);
}

reload_time
reload_loop_now(struct reload_loop *loop)
{
    return loop->now;
}

int
reload_loop_watch(struct reload_loop *loop, int descriptor, unsigned events, reload_watch_fn *fn,
                  void *argument, struct reload_watch **watch)
{
    size_t slot = 0;
    while (loop->watches[slot])
        slot++;
    assert(slot < SLOTS_MAX);
    *watch = calloc(1, sizeof **watch);
    assert(*watch);
    **watch = (struct reload_watch){loop, slot, descriptor, events, fn, argument};
    loop->watches[slot] = *watch;
    if (slot >= loop->watches_used)
        loop->watches_used = slot + 1;
    return 0;
}

void
reload_watch_set(struct reload_watch *watch, unsigned events)
{
    watch->events = events;
}

void
reload_watch_free(struct reload_watch *watch)
{
    if (watch)
        watch->loop->watches[watch->slot] = NULL;
    free(watch);
}

int
reload_loop_timer(struct reload_loop *loop, reload_timer_fn *fn, void *argument,
                  struct reload_timer **timer)
{
    size_t slot = 0;
    while (loop->timers[slot])
        slot++;
    assert(slot < SLOTS_MAX);
    *timer = calloc(1, sizeof **timer);
    assert(*timer);
    **timer = (struct reload_timer){loop, slot, RELOAD_NEVER, fn, argument};
    loop->timers[slot] = *timer;
    if (slot >= loop->timers_used)
        loop->timers_used = slot + 1;
    return 0;
}

void
reload_timer_set(struct reload_timer *timer, reload_time at)
{
    timer->at = at;
}

void
reload_timer_free(struct reload_timer *timer)
{
    if (timer)
        timer->loop->timers[timer->slot] = NULL;
    free(timer);
}

/* Calls the function of one descriptor that is ready. Returns false when none is. */
static bool
turn(struct reload_loop *loop)
{
    struct pollfd ready[SLOTS_MAX];
    size_t slots[SLOTS_MAX], count = 0;
    for (size_t i = 0; i < loop->watches_used; i++) {
        const struct reload_watch *watch = loop->watches[i];
        if (!watch || !watch->events)
            continue;
        short events = (short)((watch->events & RELOAD_WATCH_READ ? POLLIN : 0) |
                               (watch->events & RELOAD_WATCH_WRITE ? POLLOUT : 0));
        ready[count] = (struct pollfd){watch->descriptor, events, 0};
        slots[count++] = i;
    }
    if (poll(ready, (nfds_t)count, SETTLE_MS) <= 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct reload_watch *watch = loop->watches[slots[i]];
        if (!ready[i].revents)
            continue;
        unsigned events =
            (ready[i].revents & (POLLIN | POLLHUP | POLLERR) ? RELOAD_WATCH_READ : 0u) |
            (ready[i].revents & POLLOUT ? RELOAD_WATCH_WRITE : 0u);
        watch->fn(watch->argument, watch->descriptor, events & watch->events);
        return true;
    }
    return false;
}

static struct reload_timer *
earliest(struct reload_loop *loop)
{
    struct reload_timer *first = NULL;
    for (size_t i = 0; i < loop->timers_used; i++)
        if (loop->timers[i] && (!first || loop->timers[i]->at < first->at))
            first = loop->timers[i];
    return first;
}

bool
virtual_loop_run(struct reload_loop *loop, reload_time span, bool (*done)(void *argument),
                 void *argument)
{
    reload_time end = loop->now + span;
    for (;;) {
        if (done && done(argument))
            return true;
        struct reload_timer *timer = earliest(loop);
        bool due = timer && timer->at <= loop->now;
        if (!due && turn(loop))
            continue;
        if (!timer || timer->at > end) {
            loop->now = end;
            return done ? done(argument) : true;
        }
        if (timer->at > loop->now)
            loop->now = timer->at;
        timer->at = RELOAD_NEVER;
        timer->fn(timer->argument);
    }
}
