/* sim_invariant.h: Zave's invariant of Chord rings, checked from outside after every event:
 *
 *   one live successor      every member has a live member among its successors;
 *   sufficient principals   so many members are skipped by nobody's first successors;
 *   one ordered ring        what both together imply: from every member, the first live successors
 *                           lead into the one cycle, which goes once around in the ring's order;
 *   tidy lists              successors and predecessors: nearest first, without ourselves, nobody
 *                           twice.
 *
 * It holds as long as nobody takes a live node for dead and nobody's death leaves a member without
 * a live successor, or the ring without enough principals. The watch tells whether a run stayed
 * within that. It also sees who founds an overlay: only its first peer may (V11, 6.4.2.1).
 * P. Zave, "Reasoning about identifier spaces: how to make Chord correct", 2017.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_INVARIANT_H
#define RELOAD_TOOLS_SIM_INVARIANT_H

#include "tools/sim/sim.h"

/* Successors of a peer that are looked at; a topology may keep more. */
#define SIM_SUCCESSORS_MAX 16

/* A node as it was after its last turn. */
struct sim_member {
    bool joined;
    uint64_t digest; /* of the successors */
    size_t count;
    struct reload_node_id successors[SIM_SUCCESSORS_MAX];
    size_t predecessor_count;
    struct reload_node_id predecessors[SIM_SUCCESSORS_MAX];
};

/* Watches overlay 0. */
struct sim_watch {
    struct sim *sim;
    struct sim_member *members; /* one a host */
    uint32_t member_count;
    bool beyond;               /* the assumption was broken */
    uint64_t beyond_at;        /* virtual time */
    const char *beyond_reason; /* static text */
    bool principals_seen;      /* there were enough at some time */
    bool broken;
    uint64_t broken_at; /* virtual time */
    char what[160];
    uint64_t checks;
    uint32_t usurper; /* who founded the overlay though it may not; SIM_NOBODY */
    uint64_t usurped_at;
};

/* sim_watch_begin begins to watch |sim|; its options must have |successors|. */
void sim_watch_begin(struct sim_watch *watch, struct sim *sim);

/* sim_watch_look looks at |node|, whose turn is over, or which has ended. */
void sim_watch_look(struct sim_watch *watch, uint32_t node);

/* sim_watch_end frees what |watch| needed; the findings stay. */
void sim_watch_end(struct sim_watch *watch);

/* sim_watch_exceed tells that what happens now is beyond the assumption. */
void sim_watch_exceed(struct sim_watch *watch, const char *reason);

#endif
