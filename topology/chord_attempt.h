/* chord_attempt.h: Attaches to other peers, few at a time.
 *
 * What others tell of may be wrong or invented (attack row T5): nobody is tried twice at a time,
 * nor soon after it failed, and hearsay can cost only so many Attaches. A neighbour-to-be that
 * another peer keeps naming lives, but we cannot be linked with it: it is tried again and again,
 * since the ring is not whole without that link. RFC 6940 10.6, 10.7.3.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOPOLOGY_CHORD_ATTEMPT_H
#define RELOAD_TOPOLOGY_CHORD_ATTEMPT_H

#include "topology/chord_state.h"

/* reload_chord_attempt_neighbor attaches to |place|, a neighbour-to-be, unless it is linked or
 * being tried, not too soon after it failed; through |via|, the peer that names it in an Update,
 * when that is not NULL and linked (10.6). */
void reload_chord_attempt_neighbor(struct reload_chord *chord, struct reload_chord_place place,
                                   const struct reload_chord_place *via, reload_time now);

/* reload_chord_attempt_lost attaches again, a little later, to |place|, a neighbour whose link
 * failed, unless others have taken its place by then (10.7.1). */
void reload_chord_attempt_lost(struct reload_chord *chord, struct reload_chord_place place,
                               reload_time now);

/* reload_chord_attempt_finger attaches to |place|, routed conventionally, on the same conditions.
 */
void reload_chord_attempt_finger(struct reload_chord *chord, struct reload_chord_place place,
                                 reload_time now);

/* reload_chord_attempt_entry attaches to whoever is responsible for the begin of the |i|-th
 * finger's range: n + 2^(128-i) in 10.5. Returns 0 or RELOAD_E_BUSY. */
RELOAD_CHECKED int reload_chord_attempt_entry(struct reload_chord *chord, unsigned i,
                                              reload_time now);

/* reload_chord_attempt_fingers returns how many of those Attaches wait or are under way. */
size_t reload_chord_attempt_fingers(const struct reload_chord *chord);

/* reload_chord_attempt_hurry ends the wait of farther neighbours (D116): a neighbour was lost. */
void reload_chord_attempt_hurry(struct reload_chord *chord, reload_time now);

/* reload_chord_attempt_heard compares the neighbours that |signer| names now with those that we
 * attach to on its word: whom it names no more is not tried again. |lists| is NULL when it is gone.
 */
void reload_chord_attempt_heard(struct reload_chord *chord, struct reload_chord_place signer,
                                const struct reload_chord_lists *lists);

/* reload_chord_attempt_merge attaches to |place| over |first_link| through |via| (10.7.4.4). */
void reload_chord_attempt_merge(struct reload_chord *chord, struct reload_chord_place place,
                                struct reload_chord_place via, uint32_t first_link,
                                reload_time now);

/* reload_chord_attempt_join attaches to the peer that is responsible for |resource|, over
 * |first_link|; reload_chord_join_attached hears of the result.
 * Returns 0 or RELOAD_E_BUSY. */
RELOAD_CHECKED int reload_chord_attempt_join(struct reload_chord *chord,
                                             struct reload_chord_place resource,
                                             uint32_t first_link, reload_time now);

/* reload_chord_attempt_mark_ours tells that the link to |place| was our wish: ours to close when it
 * is of no use any more. */
void reload_chord_attempt_mark_ours(struct reload_chord *chord, struct reload_chord_place place);

/* reload_chord_attempt_was_ours tells whether a link that just came up to |place| was our wish. */
bool reload_chord_attempt_was_ours(const struct reload_chord *chord,
                                   struct reload_chord_place place);

/* reload_chord_attempt_unmark tells that the link to |place| is gone: the next one may be the other
 * side's wish. */
void reload_chord_attempt_unmark(struct reload_chord *chord, struct reload_chord_place place);

/* reload_chord_attempt_forget begins anew: what waits is given up, and what runs keeps nobody from
 * being attached to once more. For a node that lost all its links, and with them its requests. */
void reload_chord_attempt_forget(struct reload_chord *chord);

/* The function of a timer: starts what waits. */
void reload_chord_attempt_due(struct reload_chord *chord, reload_time now);

#endif
