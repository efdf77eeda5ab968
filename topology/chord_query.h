/* chord_query.h: RouteQuery: where would you send this?
 *
 * RFC 6940 6.4.2.4, 10.8. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOPOLOGY_CHORD_QUERY_H
#define RELOAD_TOPOLOGY_CHORD_QUERY_H

#include "topology/chord_state.h"

/* reload_chord_query_received handles a RouteQueryReq. Opaque IDs are not resolved for others, and
 * the Updates that it may ask for are few at a time (attack row R16). Returns 0,
 * RELOAD_E_FORBIDDEN, RELOAD_E_NOT_FOUND (no way), RELOAD_E_MALFORMED. */
int reload_chord_query_received(struct reload_chord *chord, const struct reload_incoming *incoming,
                                struct reload_writer *answer, reload_time now);

/* reload_chord_query_answer reads the answer's body. Returns 0 or RELOAD_E_MALFORMED. */
RELOAD_CHECKED int reload_chord_query_answer(struct reload_chord *chord, struct reload_bytes body,
                                             struct reload_node_id *next);

/* reload_chord_query_ask asks the peer at |place| for its tables; its Update tells. Returns 0,
 * RELOAD_E_CLOSED (we are not linked with it) or what reload_node_request does. RFC 6940 6.4.2.4.
 */
RELOAD_CHECKED int reload_chord_query_ask(struct reload_chord *chord,
                                          struct reload_chord_place place, reload_time now);

#endif
