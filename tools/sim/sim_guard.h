/* sim_guard.h: checks that look at each message that arrives, and at each turn of a node:
 *
 *   V6  no request waits for longer than its lifetime
 *   V7  memory and tables stay within their bounds
 *   V8  no error answers an answer that nobody waits for; in a whole ring every hop comes nearer;
 *       a quiet ring says little, and one in which all begin anew not much more
 *   V9  what does not verify changes nothing
 *
 * RFC 6940 6.3, 10.3. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_GUARD_H
#define RELOAD_TOOLS_SIM_GUARD_H

#include "tools/sim/sim.h"
#include "tools/sim/sim_finding.h"

/* What a node of these runs may hold: it has few values and at most some hundred links. */
#define SIM_GUARD_MEMORY_MAX ((size_t)2 << 20)

/* A request ends 15 s after it was begun (6.2.1); and that when its node does not stand still. */
#define SIM_GUARD_REQUEST_NS SIM_SECONDS(16)
#define SIM_GUARD_LOOKS 32 /* one turn in so many is looked at for that */

/* When a ring has become whole, Updates are still on their way for a while, and on a bad line it
 * may take as long until somebody hears that a peer left. */
#define SIM_GUARD_SETTLE_NS SIM_SECONDS(30)

/* Messages that arrive at a peer in a second, on average over a quiet minute or more: maintenance,
 * replicas that are made, and what the auditor asks for. */
#define SIM_GUARD_QUIET_MAX 5

/* When all peers have begun anew, this much more than at other times may be sent in that time. */
#define SIM_GUARD_RESTART_TIMES 10
#define SIM_GUARD_RESTART_NS SIM_MINUTES(5)

/* Watches overlay 0. */
struct sim_guard {
    struct sim *sim;
    struct sim_finder finder;
    size_t memory_max, memory_peak; /* the latter: the most that any node held */
    uint64_t hops_from_ns;          /* hops are checked from then on; UINT64_MAX: not now */
    uint32_t leaving;               /* nodes; meanwhile hops are not checked */
    uint64_t quiet_since_ns;
    uint64_t arrivals; /* since then */
    uint64_t turns;    /* seen so far */
    struct {
        uint64_t at_ns, octets; /* when it began, and what had been sent until then */
        double steady;          /* octets a second before */
    } restart;
    uint64_t checked_hops, checked_rejections, checked_errors;
    uint64_t state; /* of the receiver, before the turn that is on */
    bool unasked;   /* what arrives is an answer that it does not wait for */
    uint64_t errors_sent, forwarded;
};

/* sim_guard_begin inspects |sim| (sim_inspect) from now on, sim_guard_end ends that. */
void sim_guard_begin(struct sim_guard *guard, struct sim *sim, struct sim_finder finder);
void sim_guard_end(struct sim_guard *guard);

/* sim_guard_turn looks at |node|, whose turn is over. */
void sim_guard_turn(struct sim_guard *guard, uint32_t node);

/* sim_guard_hops tells whether the ring is whole now, with nothing going wrong. Then hops are
 * checked when SIM_GUARD_SETTLE_NS are over, in which all have heard of it. */
void sim_guard_hops(struct sim_guard *guard, bool whole);

/* sim_guard_leaving tells that somebody begins to leave, or that one who did so is gone: then
 * others have to hear of it first, too. */
void sim_guard_leaving(struct sim_guard *guard, bool begins);

/* sim_guard_calm tells that the ring is whole, and that nothing will go wrong from now on. */
void sim_guard_calm(struct sim_guard *guard);

/* sim_guard_judge looks how much was said since then. Call it after a minute or more. */
void sim_guard_judge(struct sim_guard *guard);

/* sim_guard_restart tells that all peers begin anew now; |steady| octets a second were sent before,
 * when nothing happened. sim_guard_judge_restart looks how much was sent since; call it
 * SIM_GUARD_RESTART_NS later. On links of messages the probes of idle links are in neither. */
void sim_guard_restart(struct sim_guard *guard, double steady);
void sim_guard_judge_restart(struct sim_guard *guard);

#endif
