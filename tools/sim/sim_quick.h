/* sim_quick.h: large rings without waiting for thousands of joins: one peer after the other is
 * linked with those that it would have attached to when it joined. In the end all know that they
 * are peers, and each tells those that it is linked with of its neighbours, as after a join. What
 * comes out is compared with a ring of real joins by tests/sim/quick_start_test.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_QUICK_H
#define RELOAD_TOOLS_SIM_QUICK_H

#include "tools/sim/sim.h"

/* The node of |topology_state|, alone in a ring of its own, is one peer among all those that it is
 * linked with, and did not found their ring. They hear of its neighbours at |tell_at|. */
typedef void sim_enter_fn(void *topology_state, uint64_t tell_at, uint64_t now);

/* sim_quick_start adds |count| peers to overlay 0, which has none yet, and lets time pass until the
 * ring is whole, at most five minutes. Returns whether it is. |enter| is the topology's. */
RELOAD_CHECKED bool sim_quick_start(struct sim *sim, uint32_t count, sim_enter_fn *enter);

#endif
