/* reply.h: the way back for an answer: what must be kept of a request to answer it, now or later.
 * RFC 6940 6.2.2.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_REPLY_H
#define RELOAD_CORE_REPLY_H

#include "reload/core/handler.h"
#include "reload/node.h"

/* One allocation; |destination_list| and |options| follow it. */
struct reload_reply {
    uint64_t transaction_id;
    uint16_t code; /* of the request */
    uint32_t link; /* it came by; 0: from ourselves */
    uint32_t max_response_length;
    bool remember; /* keep the answer for retransmissions */
    struct reload_node_id signer_id;
    uint8_t digest[32]; /* of the request's contents, for |remember| */
    struct reload_bytes destination_list;
    struct reload_bytes options;
};

/* reload_reply_new makes the reply to |incoming|, or returns NULL when there is no memory. */
struct reload_reply *reload_reply_new(struct reload_node *node,
                                      const struct reload_incoming *incoming, bool remember);

/* reload_reply_digest notes the digest of |incoming|'s contents, by which a retransmission is
 * known. Returns 0 or RELOAD_E_CRYPTO. */
RELOAD_CHECKED int reload_reply_digest(struct reload_node *node, struct reload_reply *reply,
                                       const struct reload_incoming *incoming);

/* reload_reply_options writes those of |options| that an answer must repeat, their flags cleared
 * (6.3.2.3). */
void reload_reply_options(struct reload_node *node, struct reload_bytes options,
                          struct reload_writer *writer);

void reload_reply_free(struct reload_node *node, struct reload_reply *reply);

/* reload_reply_send answers with |body| (or, |error_code| not 0, an error answer whose info it is).
 * |reply| stays the caller's. */
void reload_reply_send(struct reload_node *node, const struct reload_reply *reply,
                       uint16_t error_code, struct reload_bytes body,
                       const struct reload_bytes *certificates, size_t certificate_count,
                       reload_time now);

/* reload_reply_answer sends the success answer that a handler wrote. */
void reload_reply_answer(struct reload_node *node, const struct reload_reply *reply,
                         const struct reload_answer *answer, reload_time now);

#endif
