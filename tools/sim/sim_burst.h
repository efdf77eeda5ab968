/* sim_burst.h: losses that come in bursts, by the model of Gilbert and Elliott: each line between
 * two hosts is good or bad for a while; on a bad one nearly everything is lost. And records that a
 * wrong bit spoils: (D)TLS drops them, so that they are lost, too.
 *
 * It draws from a stream of its own: without bursts nothing else changes.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_BURST_H
#define RELOAD_TOOLS_SIM_BURST_H

#include "tools/sim/sim_random.h"

#include <stdbool.h>

#define SIM_BURST_LINES 1024 /* some lines share their weather */

struct sim_burst {
    struct sim_random random;
    uint64_t good_ns, bad_ns; /* how long a line stays so, on average; 0: there are no bursts */
    uint32_t spoiled_ppm;     /* datagrams with a wrong bit */
    struct sim_burst_line {
        uint64_t until_ns;
        bool bad;
    } lines[SIM_BURST_LINES];
    uint64_t lost, spoiled; /* so far */
};

/* sim_burst_init makes good weather; SIM_BURST_LINES lines depend on |seed|. */
void sim_burst_init(struct sim_burst *burst, uint64_t seed);

/* sim_burst_set changes the weather: lines are bad for |bad_ns| on average, then good for
 * |good_ns|; with 0 they are good. |spoiled_ppm| of what is sent gets a wrong bit. */
void sim_burst_set(struct sim_burst *burst, uint64_t good_ns, uint64_t bad_ns,
                   uint32_t spoiled_ppm);

/* sim_burst_loses tells whether what is sent from |from| to |to| at |now| is lost by that. */
bool sim_burst_loses(struct sim_burst *burst, uint32_t from, uint32_t to, uint64_t now);

#endif
