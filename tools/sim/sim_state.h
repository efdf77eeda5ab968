/* sim_state.h: what a node knows, in one number: checkers compare it before and after.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_STATE_H
#define RELOAD_TOOLS_SIM_STATE_H

#include "tools/sim/sim.h"

/* sim_state_of_storage returns a digest of all values that |node| stores, removals included: where,
 * which Kind, key, time and octets; not how long they live yet; the generation counters only with
 * |generations|. */
uint64_t sim_state_of_storage(struct reload_node *node, bool generations);

/* sim_state_of_node returns a digest of that, of the successors and of the links of live |node|. */
uint64_t sim_state_of_node(struct sim *sim, uint32_t node);

#endif
