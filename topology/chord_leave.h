/* chord_leave.h: leaving in good order, and others that leave or fail.
 *
 * RFC 6940 6.4.2.2, 10.7.1, 10.9. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOPOLOGY_CHORD_LEAVE_H
#define RELOAD_TOPOLOGY_CHORD_LEAVE_H

#include "topology/chord_state.h"

/* The slots of struct reload_topology_ops. */
void reload_chord_leave(void *state, reload_time now);
void reload_chord_link_down(void *state, uint32_t link, const struct reload_node_id *node_id,
                            int error, reload_time now);

/* reload_chord_lose_doubted removes peers whose link was replaced and who have not said since that
 * they are peers: they began anew. */
void reload_chord_lose_doubted(struct reload_chord *chord, reload_time now);

/* reload_chord_leave_received handles a LeaveReq. Returns 0, RELOAD_E_FORBIDDEN,
 * RELOAD_E_MALFORMED. */
int reload_chord_leave_received(struct reload_chord *chord, const struct reload_incoming *incoming,
                                struct reload_writer *answer, reload_time now);

#endif
