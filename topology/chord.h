/* chord.h: the CHORD-RELOAD overlay algorithm.
 *
 * RFC 6940 10. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOPOLOGY_CHORD_H
#define RELOAD_TOPOLOGY_CHORD_H

#include "reload/topology.h"

/* reload_chord wants a document with a node-id-length of 16 (D6) and takes chord-update-interval,
 * chord-ping-interval and chord-reactive from it. */
extern const struct reload_topology_ops reload_chord;

#endif
