/* chord_finger.h: the search for fingers.
 *
 * RFC 6940 10.5, 10.7.2, 10.7.4.2, 10.7.4.3. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOPOLOGY_CHORD_FINGER_H
#define RELOAD_TOPOLOGY_CHORD_FINGER_H

#include "topology/chord_state.h"

/* reload_chord_finger_begin begins to set up the table of a node that joins, which has been told of
 * its neighbours-to-be (10.5); 12 s later when everybody may be joining (|is_young|). */
void reload_chord_finger_begin(struct reload_chord *chord, bool is_young, reload_time now);

/* reload_chord_finger_attached hears how an Attach for the |i|-th entry ended; |i| is 0 when it was
 * addressed to a peer that had been found. */
void reload_chord_finger_attached(struct reload_chord *chord, unsigned i, int error,
                                  reload_time now);

/* reload_chord_finger_changed looks whether fingers should be searched for: the ring grew, we join.
 */
void reload_chord_finger_changed(struct reload_chord *chord, reload_time now);

/* reload_chord_finger_lost hears that the peer at |place| is gone (10.7.2). */
void reload_chord_finger_lost(struct reload_chord *chord, struct reload_chord_place place,
                              reload_time now);

/* The functions of two timers: the search for entries that were never looked for, and the refresh.
 */
void reload_chord_finger_due(struct reload_chord *chord, reload_time now);
void reload_chord_finger_ping_due(struct reload_chord *chord, reload_time now);

#endif
