/* sim_chores.h: users who append to arrays, and who store values of two Kinds by one request, while
 * things go wrong. What is checked (V10): an append is carried out once, however often it is sent;
 * of a request nothing or everything is stored, and at every node all copies are of one.
 *
 * RFC 6940 6.2.1, 7.4.1. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_CHORES_H
#define RELOAD_TOOLS_SIM_CHORES_H

#include "tools/sim/sim.h"
#include "tools/sim/sim_finding.h"
#include "tools/sim/sim_scenario.h"

#define SIM_CHORES_MAX 64
#define SIM_CHORES_OWNERS 6
#define SIM_APPENDS_MAX 12 /* of one owner: their array has room for 16 */

struct sim_chores;

struct sim_chore {
    struct sim_chores *chores;
    uint32_t owner, number;
    bool appends; /* or stores a pair */
    bool begun, ended, acknowledged;
    uint64_t begun_ns, ended_ns;
};

struct sim_chores {
    struct sim *sim;
    struct sim_finder finder;
    struct sim_random random;
    uint64_t until_ns;
    uint32_t owners;                    /* hosts 0.. that do chores */
    uint64_t cut_from_ns, cut_until_ns; /* meanwhile some may not have reached others; 0: never */
    struct sim_chore list[SIM_CHORES_MAX];
    size_t count;
    uint64_t half_since[SIM_HOSTS_MAX][SIM_CHORES_OWNERS]; /* 0: it does not */
    uint64_t checked_pairs, checked_appends;
};

/* sim_chores_begin lets the first |owners| hosts do |count| chores until |until_ns|, at times that
 * follow from |seed|. */
struct sim_chores *sim_chores_begin(struct sim *sim, uint64_t seed, uint32_t owners, size_t count,
                                    uint64_t until_ns, struct sim_finder finder);
void sim_chores_free(struct sim_chores *chores);

/* sim_chores_cut tells that between |from_ns| and |until_ns| some may not have reached others: an
 * append whose answer was lost may have been repeated in another part of the ring, where nobody
 * knew of it. */
void sim_chores_cut(struct sim_chores *chores, uint64_t from_ns, uint64_t until_ns);

/* sim_chores_look looks whether |node| holds half of a pair: for longer than it takes to bring a
 * replica up to date, or, |settled|, at all. */
void sim_chores_look(struct sim_chores *chores, uint32_t node, bool settled);

/* sim_chores_audit looks at all arrays when the ring is whole again; virtual time passes. With
 * |nothing_lost| what was acknowledged must be there, too. */
void sim_chores_audit(struct sim_chores *chores, bool nothing_lost);

/* sim_chores_judge looks at one array: |texts|, |count| of them, is what |owner|'s has. */
void sim_chores_judge(struct sim_chores *chores, uint32_t owner, char (*texts)[32], size_t count,
                      bool nothing_lost);

#endif
