/* sim_scenario.h: what happens in a run, drawn as a whole from one seed before it begins: how many
 * peers, what their links are like, which faults strike when, who stores and fetches what. Lists
 * that stand beforehand can be shortened: that is how a failing run is minimised.
 *
 * Faults come from three streams of the seed. The second one has the classes that were added later,
 * the third those that were added then, and what is rare: very many peers. Their faults stand
 * behind those of the first in the list: a seed's first faults stay what they were, and so do their
 * numbers.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_SCENARIO_H
#define RELOAD_TOOLS_SIM_SCENARIO_H

#include "tools/sim/sim.h"
#include "tools/sim/sim_random.h"

#define SIM_FAULTS_MAX 40
#define SIM_DEEDS_MAX 160
#define SIM_RECORDS_MAX 12
#define SIM_HOSTS_MAX 1100 /* with those that join later */

/* One fault. Times count from when the first ring stands. What |pick| and |amount| mean is the
 * class's (sim_fault_class.c). */
struct sim_fault {
    uint8_t class;
    bool dropped; /* by the minimiser */
    uint64_t at_ns, duration_ns;
    uint64_t pick; /* chooses the victims among those that there are then */
    uint32_t amount;
};

enum sim_deed_type { SIM_DEED_STORE, SIM_DEED_REMOVE, SIM_DEED_FETCH };

/* A request of a user: of |record|'s owner, or of a reader. */
struct sim_deed {
    enum sim_deed_type type;
    uint8_t record;
    uint64_t at_ns;
    uint64_t pick; /* FETCH: chooses the reader */
};

struct sim_scenario {
    uint64_t seed;
    uint32_t peers;
    uint64_t gap_ns; /* between the first peers' starts */
    enum sim_links links;
    struct sim_network_options network;
    uint64_t length_ns; /* faults begin within that time */
    uint32_t cheats;    /* how often users cheat; 0, unless sim_cheats_draw is asked */
    uint32_t phones;    /* how many hosts have one; 0, unless sim_phones_draw is asked */
    bool gentle;        /* only classes that can stay within Zave's assumption */
    struct sim_fault faults[SIM_FAULTS_MAX];
    size_t fault_count;
    size_t first_fault_count; /* of the first stream */
    struct sim_deed deeds[SIM_DEEDS_MAX];
    size_t deed_count;
    uint64_t owners[SIM_RECORDS_MAX]; /* picks */
    size_t record_count;
};

/* sim_scenario_draw draws the scenario of |seed|. */
void sim_scenario_draw(uint64_t seed, struct sim_scenario *scenario);

/* sim_scenario_plain drops the faults of the second and the third stream. */
void sim_scenario_plain(struct sim_scenario *scenario);

/* sim_scenario_print writes it for people. */
void sim_scenario_print(const struct sim_scenario *scenario, FILE *out);

#endif
