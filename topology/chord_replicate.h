/* chord_replicate.h: data moves with the ring: replicas, handing over, admitting.
 *
 * RFC 6940 10.4, 10.5, 10.7.3. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOPOLOGY_CHORD_REPLICATE_H
#define RELOAD_TOPOLOGY_CHORD_REPLICATE_H

#include "topology/chord_state.h"

/* reload_chord_replicate_admit sends the joining node |place| what it will be responsible for: what
 * is behind |begins| up to itself. reload_chord_admit_pushed hears of the end. Returns 0,
 * RELOAD_E_BUSY or another error. */
RELOAD_CHECKED int reload_chord_replicate_admit(struct reload_chord *chord,
                                                struct reload_chord_place place,
                                                struct reload_chord_place begins, reload_time now);

/* reload_chord_replicate_handover sends |owner|, who became responsible for (|after|, |owner|]
 * without joining through us, what we have of it (6.4.2.3). */
void reload_chord_replicate_handover(struct reload_chord *chord, struct reload_chord_place owner,
                                     struct reload_chord_place after, reload_time now);

/* reload_chord_replicate_all sends |target|, who is new in our replica set, all that we are
 * responsible for, at |due|. */
void reload_chord_replicate_all(struct reload_chord *chord, struct reload_chord_place target,
                                reload_time due);

/* reload_chord_replicate_grown sends our replica set what became ours: (|after|, |upto|]. */
void reload_chord_replicate_grown(struct reload_chord *chord, struct reload_chord_place after,
                                  struct reload_chord_place upto, reload_time now);

/* reload_chord_replicate_release ends the hold-down after a lost successor (10.7.1, D23). */
void reload_chord_replicate_release(struct reload_chord *chord, reload_time now);

/* The function of a timer. */
void reload_chord_replicate_due(struct reload_chord *chord, reload_time now);

/* The slots of struct reload_topology_ops. */
size_t reload_chord_replicas(void *state, const struct reload_node_id *id,
                             struct reload_node_id *node_ids);
bool reload_chord_accepts_replica(void *state, const struct reload_node_id *id,
                                  const struct reload_node_id *sender);
bool reload_chord_owner(void *state, const struct reload_node_id *id, struct reload_node_id *owner);
void reload_chord_meet(void *state, const struct reload_node_id *peer, reload_time now);
bool reload_chord_copies_later(void *state, const struct reload_node_id *peer);
bool reload_chord_keeps(void *state, const struct reload_node_id *id);

/* reload_chord_replicate_met sends what we have of the range of |place|, a peer that was of another
 * part of the ring, to it, when it is one of the predecessors whose replicas we keep: its part may
 * not have it. (What the first one is responsible for it gets when our range shrinks.) */
void reload_chord_replicate_met(struct reload_chord *chord, struct reload_chord_place place,
                                reload_time now);

/* reload_chord_replicate_brought sends what a node that joins again still has to those who should
 * have it: the replica set, and the peers before us whose replicas we keep. What we do not keep the
 * core stores by the normal way. */
void reload_chord_replicate_brought(struct reload_chord *chord, reload_time now);

#endif
