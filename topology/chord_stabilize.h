/* chord_stabilize.h: what a peer does by itself: exchange Updates, find out who is dead, look for a
 * successor that nobody told us of, close links of no use.
 *
 * RFC 6940 10.7.1, 10.7.4. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOPOLOGY_CHORD_STABILIZE_H
#define RELOAD_TOPOLOGY_CHORD_STABILIZE_H

#include "topology/chord_state.h"

/* reload_chord_stabilize_begin sets the timers of a node that became a peer. */
void reload_chord_stabilize_begin(struct reload_chord *chord, reload_time now);

/* reload_chord_stabilize_watch lets the links to the first neighbours be watched closely, which may
 * be others than before; with |doubt|, since somebody is gone or said to be, the near neighbours
 * have to show at once that they live. */
void reload_chord_stabilize_watch(struct reload_chord *chord, bool doubt, reload_time now);

/* The functions of timers. */
void reload_chord_stabilize_due(struct reload_chord *chord, reload_time now);
void reload_chord_probe_due(struct reload_chord *chord, reload_time now);
void reload_chord_repair_due(struct reload_chord *chord, reload_time now);
void reload_chord_prune_due(struct reload_chord *chord, reload_time now);

#endif
