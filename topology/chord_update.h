/* chord_update.h: Updates, sent and received.
 *
 * RFC 6940 6.4.2.3, 10.7. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOPOLOGY_CHORD_UPDATE_H
#define RELOAD_TOPOLOGY_CHORD_UPDATE_H

#include "topology/chord_state.h"

/* reload_chord_update_send sends an Update of |type|, an enum reload_chord_update_type, to
 * |node_id| over |link|. Only a peer that has joined may. */
void reload_chord_update_send(struct reload_chord *chord, uint32_t link,
                              const struct reload_node_id *node_id, uint8_t type, reload_time now);

/* reload_chord_update_tell sends our neighbours' Node-IDs at |at|, but not more often than once in
 * a while, to the neighbours or (|all|) to everybody that we have a link with (10.7.1). */
void reload_chord_update_tell(struct reload_chord *chord, bool all, reload_time at,
                              reload_time now);

/* The functions of two timers. */
void reload_chord_update_near_due(struct reload_chord *chord, reload_time now);
void reload_chord_update_all_due(struct reload_chord *chord, reload_time now);

/* reload_chord_update_received handles an UpdateReq. One that came over the link of its signer
 * makes the signer a peer; any other is a hint about nodes that we may attach to (D3). */
int reload_chord_update_received(struct reload_chord *chord, const struct reload_incoming *incoming,
                                 struct reload_writer *answer, reload_time now);

/* reload_chord_update_read decodes |body|, an UpdateReq, into |lists|: at most
 * RELOAD_CHORD_KNOWN_MAX of each list, zeros and wildcards left out. |*type| gets its type. Returns
 * 0 or RELOAD_E_MALFORMED. */
int reload_chord_update_read(const struct reload_wire *wire, struct reload_bytes body,
                             struct reload_chord_lists *lists, uint8_t *type);

#endif
