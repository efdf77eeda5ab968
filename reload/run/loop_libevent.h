/* loop_libevent.h: reload/loop.h on libevent, and how a program runs it.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_RUN_LOOP_LIBEVENT_H
#define RELOAD_RUN_LOOP_LIBEVENT_H

#include "reload/loop.h"

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct reload_after;

/* Buffers that all users of one loop share: what is in there is valid until the loop's function
 * that filled it returns. A datagram may be a DTLS record of 16 KiB (sent as IP fragments). */
#define RELOAD_SCRATCH_DATAGRAMS 16
#define RELOAD_SCRATCH_DATAGRAM_SIZE 17408
#define RELOAD_SCRATCH_RECORD_SIZE 16896
struct reload_scratch {
    uint8_t datagrams[RELOAD_SCRATCH_DATAGRAMS][RELOAD_SCRATCH_DATAGRAM_SIZE];
    uint8_t record[RELOAD_SCRATCH_RECORD_SIZE];
};

/* reload_loop_new makes a loop. Returns 0 or RELOAD_E_NOMEM, RELOAD_E_IO. */
RELOAD_CHECKED int reload_loop_new(struct reload_loop **loop);

/* reload_loop_free ends |loop|; its watches and timers must be gone. NULL is allowed. */
void reload_loop_free(struct reload_loop *loop);

/* reload_loop_run serves events until reload_loop_stop, or until there is nothing to wait for.
 * Returns 0 or RELOAD_E_IO. */
RELOAD_CHECKED int reload_loop_run(struct reload_loop *loop);

/* reload_loop_stop makes reload_loop_run return after the events at hand. */
void reload_loop_stop(struct reload_loop *loop);

/* reload_loop_turn waits for events, serves them and what they left to do (reload_loop_after).
 * Returns 0, or RELOAD_E_IO when there is nothing to wait for. */
RELOAD_CHECKED int reload_loop_turn(struct reload_loop *loop);

/* reload_loop_on_signals calls |fn| at SIGINT and SIGTERM, and ignores SIGPIPE, until the loop is
 * freed. Returns 0 or RELOAD_E_NOMEM. */
RELOAD_CHECKED int reload_loop_on_signals(struct reload_loop *loop, reload_timer_fn *fn,
                                          void *argument);

/* reload_loop_after calls |fn| at the end of each turn, after all events were served. |*after| is
 * ended by reload_after_free, also from within its own function. Returns 0 or RELOAD_E_NOMEM. */
RELOAD_CHECKED int reload_loop_after(struct reload_loop *loop, reload_timer_fn *fn, void *argument,
                                     struct reload_after **after);
void reload_after_free(struct reload_after *after);

/* reload_loop_is_serving tells whether the function of a watch or timer is being called, so that
 * the functions of reload_loop_after follow soon. */
bool reload_loop_is_serving(const struct reload_loop *loop);

/* reload_loop_scratch returns the loop's buffers. */
struct reload_scratch *reload_loop_scratch(struct reload_loop *loop);

/* reload_loop_base returns libevent's object, for libraries that want it. */
struct event_base *reload_loop_base(struct reload_loop *loop);

#endif
