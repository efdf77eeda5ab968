/* ring_fixture.h: random rings for the tests of tables and routes.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TESTS_RING_FIXTURE_H
#define RELOAD_TESTS_RING_FIXTURE_H

#include "reload/base/prng.h"
#include "topology/chord_table.h"

#define RING_MAX 256

/* |places| are sorted and all different. */
struct ring {
    struct reload_chord_place places[RING_MAX];
    size_t count;
};

extern const struct reload_env ring_env;

/* A place from small numbers, for tests that write them down. */
struct reload_chord_place at(uint64_t high, uint64_t low);

struct reload_chord_place random_place(struct reload_prng *prng);

struct ring random_ring(struct reload_prng *prng, size_t count);

/* The index of the peer that is responsible for |place|: the first at it or behind. */
size_t ring_owner(const struct ring *ring, struct reload_chord_place place);

/* Enters the neighbours that the |self|-th peer would have (as many as its reach asks for) and one
 * random peer in the range of each finger. A link's number is the peer's index plus 1. */
void fill_table(const struct ring *ring, size_t self, struct reload_prng *prng,
                struct reload_chord_table *table);

#endif
