/* message.h: whole messages of ours: header, contents, security block, signed. RFC 6940 6.3.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_MESSAGE_H
#define RELOAD_CORE_MESSAGE_H

#include "reload/core/buffer.h"
#include "reload/core/handler.h"
#include "reload/node.h"

/* What a message is made of. Everything is borrowed for the call. */
struct reload_draft {
    uint64_t transaction_id;
    struct reload_bytes destination_list; /* encoded */
    struct reload_bytes options;          /* encoded */
    uint16_t code;
    struct reload_bytes body;
    struct reload_bytes extensions;          /* encoded */
    const struct reload_bytes *certificates; /* beside our own */
    size_t certificate_count;
    uint32_t max_response_length;
};

/* reload_message_build encodes and signs |draft| into a new buffer, behind room for a framing
 * header. Returns 0, RELOAD_E_TOO_LARGE (over max-message-size), RELOAD_E_NOMEM, RELOAD_E_CRYPTO.
 */
RELOAD_CHECKED int reload_message_build(struct reload_node *node, const struct reload_draft *draft,
                                        struct reload_buffer **buffer);

/* reload_message_verify checks certificates and signature of |message| and finds out who signed it.
 * Returns 0, RELOAD_E_CERTIFICATE, RELOAD_E_EXPIRED, RELOAD_E_SIGNATURE. */
RELOAD_CHECKED int reload_message_verify(struct reload_node *node,
                                         const struct reload_message *message,
                                         const struct reload_identity **signer,
                                         struct reload_node_id *signer_id);

/* reload_signature_signer finds the identity that |identity| (a SignerIdentity's content) names
 * among the keyring's certificates, and the Node-ID it signs as. |certificates| are those that came
 * with it, already added to the keyring. Returns 0 or RELOAD_E_CERTIFICATE. */
RELOAD_CHECKED int reload_signature_signer(struct reload_node *node,
                                           const struct reload_signer_identity *identity,
                                           struct reload_bytes certificates,
                                           const struct reload_identity **signer,
                                           struct reload_node_id *signer_id);

/* reload_signature_identity writes our own SignerIdentity (with its type and length) into |writer|.
 */
void reload_signature_identity(struct reload_node *node, struct reload_writer *writer);

#endif
