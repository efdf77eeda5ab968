/* village.h: what the tests of whole rings in a town have in common.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TESTS_VILLAGE_H
#define RELOAD_TESTS_VILLAGE_H

#include "topology/chord_state.h"
#include "town.h"

/* The town of the test that runs. */
extern struct town *town;

/* A fixture: an empty town of CHORD-RELOAD nodes. */
void village_setup(void);
void village_teardown(void);

struct reload_chord *chord_of(size_t node);
struct reload_node_id random_id(void);

/* Founds a ring, if there is none, and lets nodes join it, |pause| after each other, until |count|
 * were made. */
void grow(size_t count, reload_time pause);

/* Whether all living peers have joined and each knows its right first neighbours. */
bool is_whole(void);
void run_until_whole(reload_time limit);

/* Lookups from everywhere end where they should. */
void check_lookups(unsigned rounds);

/* A living peer that is not the first node. */
size_t random_peer(void);

#endif
