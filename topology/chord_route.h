/* chord_route.h: which peer is the next hop.
 *
 * RFC 6940 10.3. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOPOLOGY_CHORD_ROUTE_H
#define RELOAD_TOPOLOGY_CHORD_ROUTE_H

#include "topology/chord_table.h"

/* reload_chord_route chooses the peer to forward a message for |place| to, for which we are not
 * responsible and which is none of our peers: the one farthest around the ring before |place|; when
 * there is none, the first behind it. |from| is the link that it came by, 0 when it is our own:
 * that peer is never chosen, and when it is nearer before |place| than we are (it took us for the
 * first behind), only a peer that is nearer still, or that lies between |place| and us. So every
 * hop comes nearer. Suspect peers are passed over. Allocates nothing. Returns NULL when there is no
 * way. */
const struct reload_chord_peer *reload_chord_route(const struct reload_chord_table *table,
                                                   struct reload_chord_place place, uint32_t from);

/* reload_chord_route_ways chooses up to |max| peers through which a message of ours for |place| may
 * go, the best first: those before |place|, nearest first, then those behind it. Returns their
 * number; |ways| get their places. */
size_t reload_chord_route_ways(const struct reload_chord_table *table,
                               struct reload_chord_place place, struct reload_chord_place *ways,
                               size_t max);

/* reload_chord_route_plausible tells whether an answer for resource |place| may come from
 * |responder|: no neighbour of ours is nearer behind |place| (6.3.4). */
bool reload_chord_route_plausible(const struct reload_chord_table *table,
                                  struct reload_chord_place place,
                                  struct reload_chord_place responder);

#endif
