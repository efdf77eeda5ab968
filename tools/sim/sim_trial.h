/* sim_trial.h: one run of a scenario and what the checkers found.
 *
 * The ring is built up and has to become whole; then faults strike while users store and fetch;
 * then all faults end, and the ring has to become whole again and to hold what it acknowledged.
 * The invariants, numbered:
 *
 *   V1   Zave's invariant after every event, while the run is within the assumption
 *   V2   one whole ring SIM_RECOVERY_NS after the last fault
 *   V3   what was acknowledged is found, as long as a node holds it; and no node holds it any more
 *        only when as many died within SIM_REPAIR_NS as there are copies
 *   V4   nobody is given an older value than he saw, none comes back that was replaced, and what a
 *        node stores never gets older (sim_oracle.h)
 *   V5   nobody accepts, or stores, a value that its owner never stored (sim_oracle.h)
 *   V6   every request ends once and within SIM_REQUEST_NS; a Store that has to look first what is
 *        there is three of them
 *   V7   memory and tables stay within their bounds (sim_guard.h)
 *   V8   nobody answers an answer by an error; hops come nearer; a whole ring is quiet
 *   V9   what does not verify changes nothing
 *   V10  an append is carried out once; of a request nothing or everything is stored (sim_chores.h)
 *   V11  nobody founds an overlay who may not
 *   V12  what is on a disk comes back, whenever the host dies (sim_reload.h)
 *   V13  among liars the honest find what is stored, as often as promised (sim_trust.h)
 *   V14  the same seed gives the same trace
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_TRIAL_H
#define RELOAD_TOOLS_SIM_TRIAL_H

#include "tools/sim/sim_byzantine.h"
#include "tools/sim/sim_cheat.h"
#include "tools/sim/sim_chores.h"
#include "tools/sim/sim_guard.h"
#include "tools/sim/sim_invariant.h"
#include "tools/sim/sim_liar.h"
#include "tools/sim/sim_oracle.h"
#include "tools/sim/sim_phone_plan.h"
#include "tools/sim/sim_scenario.h"
#include "tools/sim/sim_trust.h"

#define SIM_RECOVERY_NS SIM_SECONDS(60)
#define SIM_REQUEST_NS SIM_SECONDS(16)
#define SIM_VIOLATIONS_MAX 8

struct sim_violation {
    const char *invariant; /* "V1" ... */
    uint64_t at_ns;        /* of virtual time */
    char what[192];
};

struct sim_verdict {
    struct sim_violation violations[SIM_VIOLATIONS_MAX];
    size_t violation_count; /* those that found no room are counted, too */
    bool beyond;            /* Zave's assumption was broken */
    const char *beyond_reason;
    uint64_t beyond_at_ns;
    uint64_t faults_end_ns; /* of virtual time */
    uint64_t recovery_ns;   /* from there until the ring was whole; SIM_NEVER: it was not */
    uint64_t deeds, deeds_succeeded;
    uint64_t records_lost; /* by more deaths at once than there are copies */
    uint64_t events, trace_hash;
    struct sim_trust trust; /* V13: to be judged over many runs */
    size_t memory_peak;     /* of one node, in octets */

    struct sim_phone_figures phones;
    uint64_t checked_hops, checked_rejections, checked_reloads, checked_pairs, checked_appends;
    uint64_t checked_values;
    uint64_t virtual_ns;
};
#define SIM_NEVER UINT64_MAX

/* A link that comes and goes. */
struct sim_flap {
    uint32_t a, b;
    uint64_t until_ns, period_ns;
    bool active, is_cut;
};

/* A host that is cut off for a while, by itself. */
struct sim_swizzle {
    uint32_t node;
    uint8_t side;
    bool active;
};

/* A clock that goes wrong. */
struct sim_drift {
    uint32_t node, ppm;
    int64_t skew_ms;
    bool backwards, active;
};

/* Waits for a Store, and for who gets it. */
struct sim_assassin {
    uint64_t after_ns;
    uint32_t victim;
    bool active, waits;
};

/* Hosts that come and go. */
struct sim_sessions {
    struct sim_random random;
    uint32_t half_life_s; /* 0: they do not */
};

struct sim_death;

/* What a run needs; fault classes (sim_fault_class.h) act on it. */
struct sim_trial {
    const struct sim_scenario *scenario;
    struct sim *sim;
    struct sim_watch watch;
    struct sim_guard guard;
    struct sim_oracle oracle;
    struct sim_verdict *verdict;
    struct sim_ledger *ledger;
    struct sim_byzantine byzantine;
    struct sim_liar liar;
    bool trust_counts; /* V13: nothing but liars is wrong */
    uint64_t trust_until_ns;
    uint64_t cut_from_ns, cut_until_ns; /* meanwhile some may not have reached others; 0: never */
    struct sim_chores *chores;          /* NULL: none */
    struct sim_cheats *cheats;          /* NULL: none */
    struct sim_phones *phones;          /* NULL: none */
    uint64_t writes[SIM_HOSTS_MAX];     /* of each host, when last looked at */
    unsigned reloads;                   /* V12: tried so far */
    struct sim_flap flap;
    struct sim_swizzle swizzles[SIM_HOSTS_MAX];
    struct sim_sessions sessions;
    struct sim_drift drift;
    struct sim_assassin assassin;
    struct sim_death *leaving[SIM_HOSTS_MAX]; /* what hosts that leave take along; NULL: others */
    bool is_clone[SIM_HOSTS_MAX];             /* hosts with the Node-ID of another */
    struct sim_network_options calm;          /* the network without faults */
    uint64_t begin_ns;                        /* when the first ring stood */
    uint64_t recovery_ns;                     /* the longest until the ring was whole again */
    uint64_t last_fault_ns;                   /* when the last one ended so far */
    uint32_t peers;                           /* hosts */
    uint64_t lasted_until_ns;                 /* when the last fault that lasts ended; 0: none */
    uint32_t faults_on;                       /* that began and have not ended */
    bool looking;                             /* since the last fault ended, for a whole ring */
    bool over;                                /* the faults' time */
    bool unreliable;                          /* somebody lied, or could not do what it promised */
};

/* sim_trial_run runs |scenario| in a world made of |options| (topology and what reads it, log) and
 * fills |verdict|. */
void sim_trial_run(const struct sim_scenario *scenario, const struct sim_options *options,
                   struct sim_verdict *verdict);

/* sim_trial_found is a sim_finding_fn whose argument is a trial. */
void sim_trial_found(void *argument, const char *invariant, const char *what);

/* sim_trial_find notes a violation of |invariant| (static text), now. */
void sim_trial_find(struct sim_trial *trial, const char *invariant, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
