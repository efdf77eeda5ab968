/* sim_random.h: the simulator's random numbers. Everything that happens by chance is drawn from a
 * stream that was forked from the one seed, so that a seed replays a run.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_RANDOM_H
#define RELOAD_TOOLS_SIM_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* One stream. Equal states give equal numbers. */
struct sim_random {
    uint64_t state;
};

/* sim_random_fork starts a stream that depends on |seed| and |purpose| only; different purposes
 * of one seed have nothing to do with each other. */
struct sim_random sim_random_fork(uint64_t seed, uint64_t purpose);

/* sim_random_next draws 64 bits. */
uint64_t sim_random_next(struct sim_random *random);

/* sim_random_below draws evenly from 0..bound-1; 0 when |bound| is 0. */
uint64_t sim_random_below(struct sim_random *random, uint64_t bound);

/* sim_random_between draws evenly from |low|..|high|, both included. */
uint64_t sim_random_between(struct sim_random *random, uint64_t low, uint64_t high);

/* sim_random_fill fills |data| with |size| drawn octets. */
void sim_random_fill(struct sim_random *random, void *data, size_t size);

/* sim_mix returns a well mixed function of |a| and |b|: a draw that needs no state. */
uint64_t sim_mix(uint64_t a, uint64_t b);

#endif
