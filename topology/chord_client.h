/* chord_client.h: being a client, by wish or because there is no way to a neighbour.
 *
 * RFC 6940 4.2.1, 10.5. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOPOLOGY_CHORD_CLIENT_H
#define RELOAD_TOPOLOGY_CHORD_CLIENT_H

#include "topology/chord_state.h"

/* reload_chord_client_connected makes the node a client of |peer|, with which it is linked. */
void reload_chord_client_connected(struct reload_chord *chord, struct reload_chord_place peer,
                                   reload_time now);

/* reload_chord_client_stay ends an attempt to become a peer: |unreachable|, which would be a
 * neighbour, cannot be linked with. The node is a client of |peer| for a while, then it tries again
 * (D29). */
void reload_chord_client_stay(struct reload_chord *chord, struct reload_chord_place peer,
                              struct reload_chord_place unreachable, reload_time now);

/* reload_chord_client_stays_on tells whether an attempt that failed, of a node that stayed a client
 * before, leaves it what it was; it is done then. */
bool reload_chord_client_stays_on(struct reload_chord *chord, reload_time now);

#endif
