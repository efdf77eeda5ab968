/* sim_trust.h: V13: lookups by those who are honest, through all ways that there are, while some
 * peers lie and nothing else goes wrong: how many bring what is stored.
 *
 * RFC 6940 13.6. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_TRUST_H
#define RELOAD_TOOLS_SIM_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_TRUST_LEVELS 3

/* At most |percent| of the peers lie: then |goal| of the lookups are right. */
struct sim_trust_level {
    unsigned percent;
    double goal;
};
extern const struct sim_trust_level sim_trust_levels[SIM_TRUST_LEVELS];

struct sim_trust {
    uint64_t asked[SIM_TRUST_LEVELS], right[SIM_TRUST_LEVELS];
};

/* sim_trust_level returns which level |liars| among |peers| are; SIM_TRUST_LEVELS: too many. */
size_t sim_trust_level(uint32_t liars, uint32_t peers);

/* sim_trust_is_kept tells whether the lookups of |level| may belong to its goal: not more failed
 * than chance allows in one of 700 cases (3 sigma), and one. */
bool sim_trust_is_kept(const struct sim_trust *trust, size_t level);

struct sim_trial;

/* sim_trust_begin lets honest members of |trial| look up what was acknowledged, now and then until
 * |until_ns|, as long as the liars are all that is wrong. */
void sim_trust_begin(struct sim_trial *trial, uint64_t until_ns);

#endif
