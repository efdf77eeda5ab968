/* transaction.h: requests of our own that wait for their answers: end-to-end retransmission and the
 * check of who answered. RFC 6940 6.2.1, 6.3.4.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_TRANSACTION_H
#define RELOAD_CORE_TRANSACTION_H

#include "reload/base/alarm.h"
#include "reload/core/buffer.h"
#include "reload/core/limits.h"
#include "reload/topology.h"

struct reload_transaction {
    struct reload_transaction *next; /* in its bucket */
    uint64_t id;                     /* the transaction_id on the wire */
    uint16_t code;                   /* of the request */
    uint8_t tries;
    uint8_t last_type;          /* DestinationType of the last entry */
    struct reload_node_id last; /* that entry: Node-ID or Resource-ID (first 20 octets) */
    bool hinted;                /* a node on the way told why it does not get on (D2) */
    bool exempt;                /* the second rule of 6.3.4 does not apply (D5) */
    bool farewell;              /* a usage's, on leaving */
    bool stays_on_link;         /* goes over |first_link| or not at all */
    uint32_t first_link;
    struct reload_buffer *message; /* whole, behind room for a framing header */
    struct reload_alarm alarm;
    reload_time sent_at;
    reload_result_fn *done;
    void *argument;
};

/* Chained hash table by transaction id. */
struct reload_transactions {
    struct reload_transaction **buckets;
    size_t bucket_count, count;
};

/* What a request says, all borrowed for the call. */
struct reload_request {
    uint16_t code;
    struct reload_bytes body;
    struct reload_bytes extensions; /* encoded MessageExtensions */
    const struct reload_bytes *certificates;
    size_t certificate_count;
};

/* reload_transaction_start does what reload_node_request promises. */
RELOAD_CHECKED int reload_transaction_start(struct reload_node *node,
                                            const struct reload_route *route,
                                            const struct reload_request *request,
                                            reload_result_fn *done, void *argument, reload_time now,
                                            uint64_t *number);

/* reload_request_start does the same in the way that |route| chooses: in copies, or iteratively. */
RELOAD_CHECKED int reload_request_start(struct reload_node *node, const struct reload_route *route,
                                        const struct reload_request *request,
                                        reload_result_fn *done, void *argument, reload_time now,
                                        uint64_t *number);

void reload_transactions_fini(struct reload_node *node);

/* reload_transaction_find returns the one with |id|, or NULL. */
struct reload_transaction *reload_transaction_find(const struct reload_node *node, uint64_t id);

/* reload_transaction_complete takes |transaction| out and calls its function with |result|. */
void reload_transaction_complete(struct reload_node *node, struct reload_transaction *transaction,
                                 const struct reload_result *result, reload_time now);

/* reload_transaction_answered handles a verified answer, |incoming|; |hops| is what it travelled.
 */
void reload_transaction_answered(struct reload_node *node, const struct reload_incoming *incoming,
                                 reload_time now);

#endif
