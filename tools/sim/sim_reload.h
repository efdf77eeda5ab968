/* sim_reload.h: V12: what a host's disk has is, at any time, what a node made anew takes back: all
 * of it, and the same values that the node that wrote it holds.
 *
 * RFC 6940 7. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_RELOAD_H
#define RELOAD_TOOLS_SIM_RELOAD_H

#include "tools/sim/sim.h"

struct sim_reload_result {
    size_t records, refused; /* by the node made anew */
    bool same;               /* its values are those of the live one */
    bool comparable;         /* the disk took everything, and nobody's clock was set */
};

/* sim_writes returns how many records |node|'s host has written so far. */
uint64_t sim_writes(const struct sim *sim, uint32_t node);

/* sim_reload makes a second node of live |node|'s identity, gives it what is on the disk, and
 * compares. Nothing in the world changes. */
struct sim_reload_result sim_reload(struct sim *sim, uint32_t node);

#endif
