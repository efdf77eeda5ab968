/* sim_cheat.h: users who store what no node may keep, while other things go wrong. They are members
 * like others and their nodes behave; beside that they send Stores of their own, for places of
 * their own that nobody else uses:
 *
 *   a value with a signature that does not verify (7.4.1.1);
 *   two values with the same storage time, one after the other (7.4.1.1);
 *   a value again, after its removal, of which nothing is left but a mark (D4);
 *   a value where only another may store (7.3).
 *
 * Whether a node was taken in is seen by the oracle (sim_oracle.h: V4, V5). On links of messages.
 * RFC 6940 7. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_CHEAT_H
#define RELOAD_TOOLS_SIM_CHEAT_H

#include "tools/sim/sim.h"
#include "tools/sim/sim_random.h"

#define SIM_CHEATS_MAX 24

struct sim_cheats;

struct sim_cheat {
    struct sim_cheats *cheats;
    uint8_t type, step;
    uint32_t host, life, victim; /* whose place it is: |host|'s, but for the last kind */
    uint8_t slot;
    uint64_t begun_ms; /* wall clock */
};

struct sim_cheats {
    struct sim *sim;
    struct sim_random random;
    struct sim_cheat list[SIM_CHEATS_MAX];
    size_t count;
    uint64_t sent; /* messages */
};

/* sim_cheats_draw returns how often users cheat in the scenario of |seed|; often never. */
uint32_t sim_cheats_draw(uint64_t seed);

/* sim_cheats_begin lets users cheat |count| times until |until_ns|. */
struct sim_cheats *sim_cheats_begin(struct sim *sim, uint64_t seed, uint32_t count,
                                    uint64_t until_ns);
void sim_cheats_free(struct sim_cheats *cheats);

#endif
