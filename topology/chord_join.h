/* chord_join.h: becoming a peer; for a client, being connected.
 *
 * RFC 6940 10.5, 11.4, 4.2.1. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOPOLOGY_CHORD_JOIN_H
#define RELOAD_TOPOLOGY_CHORD_JOIN_H

#include "topology/chord_state.h"

/* The slots of struct reload_topology_ops. */
void reload_chord_join_begin(void *state, uint32_t link, reload_time now);
void reload_chord_found(void *state, reload_time now);

/* reload_chord_join_attached hears how the Attach to Resource n+1 of attempt |number| ended. */
void reload_chord_join_attached(struct reload_chord *chord, uint32_t number, int error,
                                const struct reload_node_id *node_id, reload_time now);

/* reload_chord_join_learn hears of an Update that |signer| sent over its own link. */
void reload_chord_join_learn(struct reload_chord *chord, struct reload_chord_place signer,
                             uint8_t type, const struct reload_chord_lists *lists, reload_time now);

/* reload_chord_join_met hears that somebody said that it is a peer. */
void reload_chord_join_met(struct reload_chord *chord, reload_time now);

/* reload_chord_join_left hears that nobody is left who said so. */
void reload_chord_join_left(struct reload_chord *chord, reload_time now);

/* reload_chord_join_progress looks whether the join can go on; cheap when there is none. */
void reload_chord_join_progress(struct reload_chord *chord, reload_time now);

/* reload_chord_join_unlinked hears that an Attach to |place|, a neighbour, failed with |error|. */
void reload_chord_join_unlinked(struct reload_chord *chord, struct reload_chord_place place,
                                int error, reload_time now);

/* reload_chord_join_lost hears that the link to |place| is gone. */
void reload_chord_join_lost(struct reload_chord *chord, struct reload_chord_place place,
                            reload_time now);

/* reload_chord_join_begins returns where the range begins that will be ours (ASKING, PLACED). */
struct reload_chord_place reload_chord_join_begins(const struct reload_chord *chord);

/* reload_chord_join_abandon ends the attempt without a word, whatever its state. */
void reload_chord_join_abandon(struct reload_chord *chord);

/* The function of a timer. */
void reload_chord_join_due(struct reload_chord *chord, reload_time now);

#endif
