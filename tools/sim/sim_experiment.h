/* sim_experiment.h: the experiment that reload-sim runs: rings are built, keys are stored by their
 * peers, and one client in each overlay looks them up.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_EXPERIMENT_H
#define RELOAD_TOOLS_SIM_EXPERIMENT_H

#include "tools/sim/sim.h"

struct sim_experiment_options {
    uint32_t nodes;   /* peers in each overlay, 1.. */
    uint32_t keys;    /* in each overlay, at most SIM_SLOTS_MAX a peer */
    uint32_t lookups; /* in each overlay */
    uint64_t seed;
    struct sim_options world; /* |overlays|, |links|, |loss_ppm|, |topology| ... */
    /* Called now and then with what is being done and how far that is; may be NULL. */
    void (*progress)(const char *what, uint64_t done, uint64_t all);
};

struct sim_experiment_result {
    uint64_t joined, stores_ok, lookups_ok, lookups_failed;
    double hops_mean;
    double lookup_ms_mean;
    double virtual_seconds;
    double join_seconds; /* virtual, until all had joined */
    uint64_t trace_hash, events;
    uint64_t memory_bytes_per_node;
    uint64_t messages_sent; /* by all peers */
};

/* sim_experiment_run runs it. Returns 0; RELOAD_E_USAGE for options that make no sense;
 * RELOAD_E_TIMEOUT when not all joined, with what was found until then. */
RELOAD_CHECKED int sim_experiment_run(const struct sim_experiment_options *options,
                                      struct sim_experiment_result *result);

#endif
