/* loop.h: an event loop for the rooms that own descriptors: watch one, be woken later, be called
 * after the current turn.
 *
 * Implemented by run/ on libevent; used by ice/ and by the SIP adaptor for phones' sockets.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_LOOP_H
#define RELOAD_LOOP_H

#include "reload/base/error.h"
#include "reload/env.h"

struct reload_loop;
struct reload_watch;
struct reload_timer;

enum reload_watch_event {
    RELOAD_WATCH_READ = 1,
    RELOAD_WATCH_WRITE = 2,
};

/* |events| is an OR of enum reload_watch_event. Level-triggered. */
typedef void reload_watch_fn(void *argument, int descriptor, unsigned events);
typedef void reload_timer_fn(void *argument);

/* reload_loop_now returns the monotonic time read at the begin of this turn, in ns. */
reload_time reload_loop_now(struct reload_loop *loop);

/* reload_loop_watch calls |fn| whenever |descriptor| is ready for one of |events|.
 * |*watch| is owned by the caller and ended by reload_watch_free; the descriptor stays the
 * caller's. Returns 0 or RELOAD_E_NOMEM. */
RELOAD_CHECKED int reload_loop_watch(struct reload_loop *loop, int descriptor, unsigned events,
                                     reload_watch_fn *fn, void *argument,
                                     struct reload_watch **watch);

/* reload_watch_set changes what |watch| waits for; 0 pauses it. */
void reload_watch_set(struct reload_watch *watch, unsigned events);

/* reload_watch_free ends |watch|, also from within its own function. NULL is allowed. */
void reload_watch_free(struct reload_watch *watch);

/* reload_loop_timer makes a timer that is not running. Ended by reload_timer_free.
 * Returns 0 or RELOAD_E_NOMEM. */
RELOAD_CHECKED int reload_loop_timer(struct reload_loop *loop, reload_timer_fn *fn, void *argument,
                                     struct reload_timer **timer);

/* reload_timer_set calls the timer's function once at monotonic time |at| in ns, soon when that
 * is past, never when it is RELOAD_NEVER. It replaces an earlier setting. */
void reload_timer_set(struct reload_timer *timer, reload_time at);

/* reload_timer_free ends |timer|, also from within its own function. NULL is allowed. */
void reload_timer_free(struct reload_timer *timer);

#endif
