/* stun_message.h: a STUN Binding request and what its answer says: how we are seen from there.
 *
 * RFC 8489 5, 14.1, 14.2. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_RUN_STUN_MESSAGE_H
#define RELOAD_RUN_STUN_MESSAGE_H

#include "reload/ice.h"

#define RELOAD_STUN_TRANSACTION_SIZE 12
#define RELOAD_STUN_REQUEST_SIZE 20

/* reload_stun_request writes a Binding request without attributes. */
void reload_stun_request(const uint8_t *transaction, uint8_t *request);

/* reload_stun_is_answer tells whether |message| claims to be an answer, not a request. */
bool reload_stun_is_answer(struct reload_bytes message);

/* reload_stun_answer reads a success response to a Binding request: |transaction| gets its
 * transaction, |seen| our address as its sender sees it (the first XOR-MAPPED-ADDRESS; without one,
 * the first MAPPED-ADDRESS). Returns 0, or RELOAD_E_MALFORMED for anything else. */
int reload_stun_answer(struct reload_bytes message, uint8_t *transaction,
                       struct reload_address *seen);

#endif
