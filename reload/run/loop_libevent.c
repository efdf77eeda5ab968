/* loop_libevent.c: reload/loop.h on libevent.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/loop_libevent.h"

#include <event2/event.h>

#include <assert.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

struct reload_after {
    struct reload_loop *loop;
    reload_timer_fn *fn;
    void *argument;
    struct reload_after *next, *previous;
};

struct reload_loop {
    struct event_base *base;
    struct event *interrupt, *terminate;
    reload_timer_fn *signal_fn;
    void *signal_argument;
    struct reload_after *afters;
    struct reload_after *after_next; /* the walk's next one, while walking */
    struct reload_scratch *scratch;
    reload_time now; /* of the function being served; 0 outside of one */
    bool serving;    /* a watch, timer or signal of this turn */
    bool stopped;
};

struct reload_watch {
    struct reload_loop *loop;
    struct event *read, *write;
    unsigned events;
    reload_watch_fn *fn;
    void *argument;
};

struct reload_timer {
    struct reload_loop *loop;
    struct event *event;
    reload_time at;
    reload_timer_fn *fn;
    void *argument;
};

static reload_time
monotonic(void)
{
    struct timespec now;
    int result = clock_gettime(CLOCK_MONOTONIC, &now);
    assert(result == 0);
    (void)result;
    return (reload_time)now.tv_sec * RELOAD_SECOND + (reload_time)now.tv_nsec;
}

reload_time
reload_loop_now(struct reload_loop *loop)
{
    return loop->now ? loop->now : monotonic();
}

static void
begin_serving(struct reload_loop *loop, reload_time now)
{
    loop->now = now;
    loop->serving = true;
}

/* ---- the loop ------------------------------------------------------------------------------- */

int
reload_loop_new(struct reload_loop **loop)
{
    struct reload_loop *made = calloc(1, sizeof *made);
    struct event_config *config = event_config_new();
    if (made && config) {
        /* The cheap clock of libevent is up to 4 ms late: too coarse for links in one building. */
        event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
        event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
        made->base = event_base_new_with_config(config);
        made->scratch = malloc(sizeof *made->scratch);
    }
    if (config)
        event_config_free(config);
    if (!made || !made->base || !made->scratch) {
        reload_loop_free(made);
        return RELOAD_E_NOMEM;
    }
    *loop = made;
    return 0;
}

void
reload_loop_free(struct reload_loop *loop)
{
    if (!loop)
        return;
    if (loop->interrupt)
        event_free(loop->interrupt);
    if (loop->terminate)
        event_free(loop->terminate);
    while (loop->afters)
        reload_after_free(loop->afters);
    if (loop->base)
        event_base_free(loop->base);
    free(loop->scratch);
    free(loop);
}

static void
serve_afters(struct reload_loop *loop)
{
    for (struct reload_after *after = loop->afters; after; after = loop->after_next) {
        loop->after_next = after->next;
        loop->now = monotonic();
        after->fn(after->argument);
    }
    loop->after_next = NULL;
    loop->now = 0;
}

int
reload_loop_turn(struct reload_loop *loop)
{
    assert(loop->now == 0);
    int result = event_base_loop(loop->base, EVLOOP_ONCE);
    loop->now = 0;
    loop->serving = false;
    serve_afters(loop);
    return result == 0 ? 0 : RELOAD_E_IO;
}

int
reload_loop_run(struct reload_loop *loop)
{
    loop->stopped = false;
    int error = 0;
    while (!loop->stopped && !error)
        error = reload_loop_turn(loop);
    return loop->stopped ? 0 : error;
}

void
reload_loop_stop(struct reload_loop *loop)
{
    loop->stopped = true;
}

bool
reload_loop_is_serving(const struct reload_loop *loop)
{
    return loop->serving;
}

struct reload_scratch *
reload_loop_scratch(struct reload_loop *loop)
{
    return loop->scratch;
}

struct event_base *
reload_loop_base(struct reload_loop *loop)
{
    return loop->base;
}

int
reload_loop_after(struct reload_loop *loop, reload_timer_fn *fn, void *argument,
                  struct reload_after **after)
{
    struct reload_after *made = calloc(1, sizeof *made);
    if (!made)
        return RELOAD_E_NOMEM;
    *made =
        (struct reload_after){.loop = loop, .fn = fn, .argument = argument, .next = loop->afters};
    if (loop->afters)
        loop->afters->previous = made;
    loop->afters = made;
    *after = made;
    return 0;
}

void
reload_after_free(struct reload_after *after)
{
    if (!after)
        return;
    struct reload_loop *loop = after->loop;
    if (loop->after_next == after)
        loop->after_next = after->next;
    if (after->next)
        after->next->previous = after->previous;
    if (after->previous)
        after->previous->next = after->next;
    else
        loop->afters = after->next;
    free(after);
}

/* ---- signals -------------------------------------------------------------------------------- */

static void
on_signal(evutil_socket_t number, short what, void *argument)
{
    (void)number;
    (void)what;
    struct reload_loop *loop = argument;
    begin_serving(loop, monotonic());
    loop->signal_fn(loop->signal_argument);
}

int
reload_loop_on_signals(struct reload_loop *loop, reload_timer_fn *fn, void *argument)
{
    assert(!loop->interrupt);
    loop->signal_fn = fn;
    loop->signal_argument = argument;
    loop->interrupt = evsignal_new(loop->base, SIGINT, on_signal, loop);
    loop->terminate = evsignal_new(loop->base, SIGTERM, on_signal, loop);
    if (!loop->interrupt || !loop->terminate || event_add(loop->interrupt, NULL) != 0 ||
        event_add(loop->terminate, NULL) != 0)
        return RELOAD_E_NOMEM;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    return sigaction(SIGPIPE, &ignore, NULL) == 0 ? 0 : RELOAD_E_IO;
}

/* ---- watches -------------------------------------------------------------------------------- */

static void
on_watch(evutil_socket_t descriptor, short what, void *argument)
{
    struct reload_watch *watch = argument;
    begin_serving(watch->loop, monotonic());
    unsigned events = 0;
    if (what & EV_READ)
        events |= RELOAD_WATCH_READ;
    if (what & EV_WRITE)
        events |= RELOAD_WATCH_WRITE;
    watch->fn(watch->argument, descriptor, events);
}

int
reload_loop_watch(struct reload_loop *loop, int descriptor, unsigned events, reload_watch_fn *fn,
                  void *argument, struct reload_watch **watch)
{
    struct reload_watch *made = calloc(1, sizeof *made);
    if (!made)
        return RELOAD_E_NOMEM;
    made->loop = loop;
    made->fn = fn;
    made->argument = argument;
    made->read = event_new(loop->base, descriptor, EV_READ | EV_PERSIST, on_watch, made);
    made->write = event_new(loop->base, descriptor, EV_WRITE | EV_PERSIST, on_watch, made);
    if (!made->read || !made->write) {
        reload_watch_free(made);
        return RELOAD_E_NOMEM;
    }
    reload_watch_set(made, events);
    *watch = made;
    return 0;
}

static void
set_event(struct event *event, bool wanted, bool waiting)
{
    if (wanted && !waiting)
        (void)event_add(event, NULL);
    if (!wanted && waiting)
        (void)event_del(event);
}

void
reload_watch_set(struct reload_watch *watch, unsigned events)
{
    set_event(watch->read, events & RELOAD_WATCH_READ, watch->events & RELOAD_WATCH_READ);
    set_event(watch->write, events & RELOAD_WATCH_WRITE, watch->events & RELOAD_WATCH_WRITE);
    watch->events = events;
}

void
reload_watch_free(struct reload_watch *watch)
{
    if (!watch)
        return;
    if (watch->read)
        event_free(watch->read);
    if (watch->write)
        event_free(watch->write);
    free(watch);
}

/* ---- timers --------------------------------------------------------------------------------- */

/* At least 1 us, rounded up, so that the timer is not early. */
static void
timer_arm(struct reload_timer *timer, reload_time now)
{
    reload_time wait = timer->at > now ? timer->at - now : 0;
    struct timeval interval = {(time_t)(wait / RELOAD_SECOND),
                               (suseconds_t)((wait % RELOAD_SECOND + 999) / 1000)};
    if (interval.tv_usec >= 1000000)
        interval = (struct timeval){interval.tv_sec + 1, 0};
    (void)event_add(timer->event, &interval);
}

static void
on_timer(evutil_socket_t descriptor, short what, void *argument)
{
    (void)descriptor;
    (void)what;
    struct reload_timer *timer = argument;
    reload_time now = monotonic();
    if (now < timer->at) {
        timer_arm(timer, now);
        return;
    }
    begin_serving(timer->loop, now);
    timer->at = RELOAD_NEVER;
    timer->fn(timer->argument);
}

int
reload_loop_timer(struct reload_loop *loop, reload_timer_fn *fn, void *argument,
                  struct reload_timer **timer)
{
    struct reload_timer *made = calloc(1, sizeof *made);
    if (!made)
        return RELOAD_E_NOMEM;
    *made = (struct reload_timer){.loop = loop, .at = RELOAD_NEVER, .fn = fn, .argument = argument};
    made->event = evtimer_new(loop->base, on_timer, made);
    if (!made->event) {
        free(made);
        return RELOAD_E_NOMEM;
    }
    *timer = made;
    return 0;
}

void
reload_timer_set(struct reload_timer *timer, reload_time at)
{
    if (at == timer->at)
        return;
    timer->at = at;
    if (at == RELOAD_NEVER)
        (void)event_del(timer->event);
    else
        timer_arm(timer, reload_loop_now(timer->loop));
}

void
reload_timer_free(struct reload_timer *timer)
{
    if (!timer)
        return;
    event_free(timer->event);
    free(timer);
}
