/* answer_cache.h: answers kept for a while, so that a retransmitted request gets the same one and
 * is not carried out twice. RFC 6940 6.2.1; attack rows R7, R8.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_ANSWER_CACHE_H
#define RELOAD_CORE_ANSWER_CACHE_H

#include "reload/base/alarm.h"
#include "reload/core/limits.h"
#include "reload/node.h"

/* Who asked, while something of it is kept: whoever fills the cache pushes out what is its own. */
struct reload_answer_signer {
    struct reload_answer_signer *next; /* in its bucket */
    struct reload_node_id node_id;
    size_t count, octets;
};

/* One request that was taken up. |code| and |body| are the answer's; no answer yet: |pending|. */
struct reload_kept_answer {
    struct reload_kept_answer *next; /* in its bucket */
    struct reload_kept_answer *younger;
    struct reload_answer_signer *signer;
    uint64_t transaction_id;
    uint8_t digest[32]; /* of the request's MessageContents */
    reload_time expires;
    bool pending;
    uint16_t error_code; /* 0: a success answer */
    size_t size;
    uint8_t *body;
};

#define RELOAD_ANSWER_BUCKETS 64
#define RELOAD_ANSWER_SIGNER_BUCKETS 16

struct reload_answer_cache {
    struct reload_kept_answer **buckets; /* by transaction id; NULL before the first */
    struct reload_answer_signer *signers[RELOAD_ANSWER_SIGNER_BUCKETS]; /* by Node-ID */
    struct reload_kept_answer *oldest, **youngest_end;
    size_t count, octets;
    struct reload_alarm alarm;
};

enum reload_answer_state {
    RELOAD_ANSWER_NEW,     /* not seen before */
    RELOAD_ANSWER_PENDING, /* being worked on: drop the copy */
    RELOAD_ANSWER_KEPT,    /* |*kept| is the answer */
};

void reload_answer_cache_fini(struct reload_node *node);

/* reload_answer_cache_look finds the answer to a request of |signer_id|, or notes that it is being
 * worked on. The same transaction id with other contents is another request. */
enum reload_answer_state reload_answer_cache_look(struct reload_node *node,
                                                  const struct reload_node_id *signer_id,
                                                  uint64_t transaction_id, const uint8_t *digest,
                                                  const struct reload_kept_answer **kept,
                                                  reload_time now);

/* reload_answer_cache_forget forgets a request that was looked for and could not be taken up. */
void reload_answer_cache_forget(struct reload_node *node, const struct reload_node_id *signer_id,
                                uint64_t transaction_id, const uint8_t *digest);

/* reload_answer_cache_keep notes the answer of a request that was looked for. */
void reload_answer_cache_keep(struct reload_node *node, const struct reload_node_id *signer_id,
                              uint64_t transaction_id, const uint8_t *digest, uint16_t error_code,
                              struct reload_bytes body);

#endif
