/* sim_load.h: users of an overlay who go on storing and looking up, for measurements: clients own
 * the keys and store them again at times, random members look them up at a steady rate.
 *
 * RFC 6940 7.4. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_LOAD_H
#define RELOAD_TOOLS_SIM_LOAD_H

#include "tools/sim/sim.h"
#include "tools/sim/sim_random.h"

#define SIM_LOAD_AT_ONCE 512
/* A lookup that has not ended by then is counted as one that never does. */
#define SIM_LOAD_LATE_NS SIM_SECONDS(16)
#define SIM_LOAD_STORE_LATE_NS (3 * SIM_LOAD_LATE_NS)
#define SIM_LATENCY_BINS 400 /* of 25 ms */

struct sim_load_options {
    uint64_t seed;
    uint32_t owners;               /* clients to be made */
    uint32_t keys;                 /* at most SIM_SLOTS_MAX for each owner */
    uint64_t restore_ns;           /* owners store again so often; 0: never */
    uint32_t lookups_per_s;        /* of virtual time */
    uint8_t copies;                /* first hops that a lookup is sent through (D50) */
    enum reload_replicas replicas; /* whether it reads those (D92) */
    const uint8_t *no_reads;       /* hosts with a 1 here do not look up; NULL: all members do */
    size_t no_read_count;
};

struct sim_load_tally {
    uint64_t started, answered, found, wrong, late;
    uint64_t abandoned; /* who asked died meanwhile: counts as nothing */
    uint64_t old;       /* found, but a newer version was acknowledged before the lookup began */
    uint64_t hops, latency_ns;
    uint64_t latency_bins[SIM_LATENCY_BINS];
    uint64_t stores, stores_ok;
};

/* Stores and lookups of all kinds since the load was made. */
struct sim_load_requests {
    uint64_t begun;
    uint64_t late;  /* had not ended after 16 s; a Store, which may be three requests, after 48 s */
    uint64_t wrong; /* values that came and are not the owner's */
};

struct sim_load;

/* sim_load_new makes the owners and waits until they have connected and stored every key once;
 * virtual time passes. Returns NULL when they could not within ten minutes. */
struct sim_load *sim_load_new(struct sim *sim, const struct sim_load_options *options);
void sim_load_free(struct sim_load *load);

/* sim_load_start begins to look up, with an empty tally; sim_load_stop ends that and waits until
 * all lookups are over. */
void sim_load_start(struct sim_load *load);
void sim_load_stop(struct sim_load *load);

const struct sim_load_tally *sim_load_tally(const struct sim_load *load);
struct sim_load_requests sim_load_requests(const struct sim_load *load);

/* sim_load_resource writes the Resource-ID of |key|. */
void sim_load_resource(const struct sim_load *load, uint32_t key, uint8_t resource[16]);

/* sim_load_fetch looks |key| up from |reader|, to completion. Returns whether its value came; not
 * when |reader| is SIM_NOBODY. */
bool sim_load_fetch(struct sim_load *load, uint32_t key, uint32_t reader);

/* sim_load_store_all lets all owners store everything anew, a new version, and waits a minute at
 * most. Returns how many stores succeeded. */
uint32_t sim_load_store_all(struct sim_load *load);

/* A random joined peer; SIM_NOBODY when there is none. */
uint32_t sim_load_member(struct sim_load *load);

/* sim_load_quantile returns the latency that a share |q| (0 to 1) of the answers did not exceed. */
uint64_t sim_load_quantile(const struct sim_load_tally *tally, double q);

#endif
