/* sim_copies.h: who holds what, seen from outside: the checkers look into the nodes' storage, so
 * that they can tell a value that is lost from one that is not found.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_COPIES_H
#define RELOAD_TOOLS_SIM_COPIES_H

#include "tools/sim/sim.h"

/* sim_copies returns how many live nodes hold a value (or a removal) of SIM_KIND_SLOT at |resource|
 * that was stored at |since_ms| (wall clock) or later. With |newest_ms| not NULL it gets the newest
 * storage time of all, 0 when there is none. */
uint32_t sim_copies(struct sim *sim, struct reload_bytes resource, uint64_t since_ms,
                    uint64_t *newest_ms);

/* sim_copy_at returns the storage time of what |node| holds there, 0 when it holds nothing. */
uint64_t sim_copy_at(struct sim *sim, uint32_t node, struct reload_bytes resource);

#endif
