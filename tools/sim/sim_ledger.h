/* sim_ledger.h: what users asked for in a run, how it ended, and what the overlay owes them.
 *
 * RFC 6940 7. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_LEDGER_H
#define RELOAD_TOOLS_SIM_LEDGER_H

#include "tools/sim/sim_trial.h"

/* Deaths so near to each other may take all copies of a value: 10.7.1 lets 30 s pass before a
 * replica is made anew, and noticing and copying take their time. */
#define SIM_REPAIR_NS SIM_SECONDS(90)
#define SIM_COPIES 3
/* What was acknowledged or joined less than this ago may not have its copies yet. */
#define SIM_COPYING_NS SIM_SECONDS(15)
#define SIM_DEATHS_MAX 512

/* What a request is about: one slot of one owner, who numbers what he stores: versions, from 1. */
struct sim_record {
    uint32_t owner;
    uint8_t slot;
    uint32_t versions;               /* tried so far */
    uint32_t acknowledged;           /* the last that was; 0: none */
    uint64_t acknowledged_ms;        /* the newest storage time then */
    uint64_t acknowledged_ns;        /* when */
    bool removal;                    /* it was a removal */
    bool lost;                       /* no copy is left, and that is nobody's fault */
    uint64_t seen_ms[SIM_HOSTS_MAX]; /* the newest storage time that each host has read */
    uint32_t seen_life[SIM_HOSTS_MAX];
};

struct sim_request {
    struct sim_ledger *ledger;
    const struct sim_deed *deed;
    struct sim_record *record;
    uint32_t actor, life;
    bool started;
    bool paused; /* its actor stood still meanwhile */
    uint32_t version;
    unsigned endings;
    uint64_t started_ns, ended_ns;
    uint64_t newest_before_ms; /* STORE, REMOVE: the newest storage time of all copies then */
    int error;
};

struct sim_death {
    uint64_t at_ns;
    uint32_t members; /* of the ring before, without newcomers */
    bool left;        /* in good order */
    bool disturbed; /* a fault was on, or just over: the replica set of a record may be cut in parts
                     */
    struct {
        bool held;      /* by the one who died */
        uint8_t copies; /* that there were before */
    } records[SIM_RECORDS_MAX];
};

struct sim_ledger {
    struct sim_trial *trial;
    struct sim_record records[SIM_RECORDS_MAX];
    struct sim_request requests[SIM_DEEDS_MAX];
    struct sim_death deaths[SIM_DEATHS_MAX];
    size_t death_count;
};

/* sim_ledger_begin schedules the requests of the trial's scenario. */
struct sim_ledger *sim_ledger_begin(struct sim_trial *trial);

/* sim_ledger_pause tells that |node| stands still: what it asked for may take longer. */
void sim_ledger_pause(struct sim_ledger *ledger, uint32_t node);

/* sim_ledger_close looks for requests that have not ended though their time is over (V6); time
 * must have passed since the last. */
void sim_ledger_close(struct sim_ledger *ledger);

void sim_ledger_free(struct sim_ledger *ledger);

/* sim_ledger_read judges a value that |reader| was given for |record| (V4, V5). */
void sim_ledger_read(struct sim_ledger *ledger, struct sim_record *record, uint32_t reader,
                     const struct reload_fetched_value *value);

/* ---- sim_audit.c ---- */

/* sim_ledger_members counts the members of the ring, without newcomers. */
uint32_t sim_ledger_members(const struct sim_ledger *ledger);

/* sim_ledger_dying tells what |node|, which will die or leave now, has and is. */
struct sim_death sim_ledger_dying(const struct sim_ledger *ledger, uint32_t node);

/* sim_ledger_death tells that it has gone. */
void sim_ledger_death(struct sim_ledger *ledger, const struct sim_death *death);

/* sim_ledger_departure notes what |node|, which leaves, will take along when it has gone; NULL
 * forgets that. */
void sim_ledger_departure(struct sim_trial *trial, uint32_t node, const struct sim_death *death);

/* sim_ledger_is_right tells whether version |version| of |record| (0: nothing) is what may be found
 * now: of changes that overlap any may be the last. */
bool sim_ledger_is_right(const struct sim_ledger *ledger, const struct sim_record *record,
                         uint32_t version);

/* sim_ledger_audit fetches every record in the whole ring and compares with what was acknowledged
 * (V3, V4). Virtual time passes. */
void sim_ledger_audit(struct sim_ledger *ledger);

#endif
