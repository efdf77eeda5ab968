/* sim_fault_more.h: the faults of a scenario's later streams (sim_scenario.h), by what they act on.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_FAULT_MORE_H
#define RELOAD_TOOLS_SIM_FAULT_MORE_H

#include "tools/sim/sim_trial.h"

/* Each |draw| draws duration and amount, as in sim_fault_class.h. */
#define SIM_FAULT_MOMENT(noun)                                                                     \
    void sim_draw_##noun(struct sim_fault *fault, struct sim_random *random, bool gentle);         \
    void sim_begin_##noun(struct sim_trial *trial, const struct sim_fault *fault)
#define SIM_FAULT_LASTING(noun)                                                                    \
    SIM_FAULT_MOMENT(noun);                                                                        \
    void sim_end_##noun(struct sim_trial *trial, const struct sim_fault *fault)

/* ---- sim_fault_weather.c ---- */

SIM_FAULT_LASTING(bursts);  /* losses come in bursts; |amount| is a burst's mean, in ms */
SIM_FAULT_LASTING(errors);  /* wrong bits on the wire; |amount| of a million records */
SIM_FAULT_LASTING(swizzle); /* some hosts are cut off one by one, and come back in another order */

/* ... of the third stream: no two lines alike, |amount| is the jitter in ms; a network in |amount|
 * parts for up to two hours (1: one host is apart, 0: one way is cut) */
SIM_FAULT_LASTING(uneven);
SIM_FAULT_MOMENT(long_split);

/* ---- sim_fault_crowd.c ---- */

SIM_FAULT_MOMENT(crowd);     /* |amount| hosts join at once */
SIM_FAULT_LASTING(sessions); /* hosts come and go; |amount| is their sessions' half-life, in s */

/* ---- sim_fault_caller.c ---- */

SIM_FAULT_LASTING(callers); /* |amount| hosts attach to everybody, and never join */

/* ---- sim_fault_mischief.c ---- */

SIM_FAULT_LASTING(liars); /* some lie; |amount| is how (sim_liar.h) */
/* likewise, lies of the third stream; SIM_LIES: each its own */
void sim_draw_later_liars(struct sim_fault *fault, struct sim_random *random, bool gentle);
/* likewise, always SIM_LIE_SPOILED */
void sim_draw_spoilers(struct sim_fault *fault, struct sim_random *random, bool gentle);
SIM_FAULT_MOMENT(chores);     /* no fault: |amount| appends and pairs (sim_chores.h) */
SIM_FAULT_LASTING(oddities);  /* unusual drivers; |amount| is the mask (sim_oddity.h) */
SIM_FAULT_LASTING(slow_disk); /* what is written is there |amount| ms later */
SIM_FAULT_LASTING(drift);     /* a clock is wrong by |amount| millionths of the time that passes */
SIM_FAULT_MOMENT(expiry);     /* a host's certificate ends, |amount| s before the host does */
SIM_FAULT_LASTING(assassin);  /* the next one to be sent a Store dies |amount| ms later */

#endif
