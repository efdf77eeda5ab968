/* sim_chord.h: what the simulator's checkers read from inside of CHORD-RELOAD, and what
 * its quick start puts there.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_CHORD_H
#define RELOAD_TOOLS_SIM_CHORD_H

#include "reload/wire/node_id.h"

#include <stdio.h>

/* sim_chord_successor is a sim_successor_fn for reload_chord. */
bool sim_chord_successor(const void *topology_state, struct reload_node_id *successor);

/* sim_chord_successors is a sim_successors_fn for reload_chord. */
size_t sim_chord_successors(const void *topology_state, struct reload_node_id *successors,
                            size_t max);

/* sim_chord_predecessors is a sim_successors_fn that reads the other way round. */
size_t sim_chord_predecessors(const void *topology_state, struct reload_node_id *predecessors,
                              size_t max);

/* sim_chord_enter is a sim_enter_fn for reload_chord. */
void sim_chord_enter(void *topology_state, uint64_t tell_at, uint64_t now);

/* sim_chord_describe writes a line about the state: the first octets of Node-IDs stand for them. */
void sim_chord_describe(const void *topology_state, FILE *out);

#endif
