/* chord_near.h: who is met near a resource, for those who look for its replicas from outside.
 *
 * RFC 6940 10.4; D92. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOPOLOGY_CHORD_NEAR_H
#define RELOAD_TOPOLOGY_CHORD_NEAR_H

#include "topology/chord_state.h"

/* reload_chord_near_place sets |*place| to the |i|-th of some places near |resource|: first from
 * half a peer to sixteen peers behind it, as far as we can guess, then (|*is_before|) some before
 * it. Returns false when |i| is beyond the last. */
bool reload_chord_near_place(const struct reload_chord *chord, struct reload_chord_place resource,
                             unsigned i, struct reload_chord_place *place, bool *is_before);

/* reload_chord_near_less tells whether |a| is nearer behind |resource| than |b|: the nearest is
 * responsible for it, the next ones hold its replicas. */
bool reload_chord_near_less(struct reload_chord_place resource, struct reload_chord_place a,
                            struct reload_chord_place b);

#endif
