/* chord_attempt.h: Attaches to other peers, few at a time.
 *
 * What others tell of may be wrong or invented (attack row T5): nobody is tried twice at a time,
 * nor soon after it failed, and hearsay can cost only so many Attaches. RFC 6940 10.6, 10.7.3.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOPOLOGY_CHORD_ATTEMPT_H
#define RELOAD_TOPOLOGY_CHORD_ATTEMPT_H

#include "topology/chord_state.h"

/* reload_chord_attempt_neighbor attaches to |place|, a neighbour-to-be, unless it is linked, being
 * tried, or failed lately; through |via|, the peer from which we know it, when that is not NULL and
 * linked (10.6). */
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

/* The function of a timer: starts what waits. */
void reload_chord_attempt_due(struct reload_chord *chord, reload_time now);

#endif
