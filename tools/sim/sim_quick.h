/* sim_quick.h: large rings without waiting for thousands of joins: every peer founds an overlay of
 * its own, all are linked as the finished ring would be, and their own Updates do the rest. What
 * comes out is compared with a ring of real joins by tests/sim/quick_start_test.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_QUICK_H
#define RELOAD_TOOLS_SIM_QUICK_H

#include "tools/sim/sim.h"

/* Forgets that a topology's state founded its overlay: it will join another when it is alone. */
typedef void sim_unfound_fn(void *topology_state);

/* sim_quick_start adds |count| peers to overlay 0, which has none yet, and lets time pass until the
 * ring is whole, at most five minutes. Returns whether it is. |unfound| is the topology's. */
RELOAD_CHECKED bool sim_quick_start(struct sim *sim, uint32_t count, sim_unfound_fn *unfound);

#endif
