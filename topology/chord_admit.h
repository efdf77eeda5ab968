/* chord_admit.h: the admitting peer's side of a join.
 *
 * RFC 6940 6.4.2.1, 10.5. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOPOLOGY_CHORD_ADMIT_H
#define RELOAD_TOPOLOGY_CHORD_ADMIT_H

#include "topology/chord_state.h"

/* reload_chord_admit_received handles a JoinReq. Returns 0 (admitted once its data is there),
 * RELOAD_E_FORBIDDEN (not the signer's own, or not over the signer's link), RELOAD_E_NOT_FOUND (not
 * ours to admit), RELOAD_E_BUSY (another is being admitted, or we are no peer: try again),
 * RELOAD_E_MALFORMED. */
int reload_chord_admit_received(struct reload_chord *chord, const struct reload_incoming *incoming,
                                struct reload_writer *answer, reload_time now);

/* reload_chord_admit_is_pending tells whether |place| is being admitted. */
bool reload_chord_admit_is_pending(const struct reload_chord *chord,
                                   struct reload_chord_place place);

/* reload_chord_admit_pushed hears how the transfer of the joining node's data ended. */
void reload_chord_admit_pushed(struct reload_chord *chord, struct reload_chord_place place,
                               int error, reload_time now);

/* reload_chord_admit_cancel forgets the joining node. */
void reload_chord_admit_cancel(struct reload_chord *chord);

/* The function of a timer. */
void reload_chord_admit_due(struct reload_chord *chord, reload_time now);

#endif
