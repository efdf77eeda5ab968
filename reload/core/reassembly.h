/* reassembly.h: messages to us that came in fragments. RFC 6940 6.7, D13.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_REASSEMBLY_H
#define RELOAD_CORE_REASSEMBLY_H

#include "reload/base/alarm.h"
#include "reload/core/limits.h"
#include "reload/node.h"

struct reload_link;

/* A run of octets of the body that has arrived. */
struct reload_piece {
    uint32_t begin, end;
};

/* One message in the making, known by the link it comes by and its transaction id. */
struct reload_partial {
    struct reload_partial *next; /* younger */
    uint32_t link;
    uint64_t transaction_id;
    reload_time expires;
    uint8_t *header; /* of the first fragment that came */
    size_t header_size;
    uint8_t *body;
    size_t capacity;
    uint32_t total; /* known once the last fragment came; else 0 */
    struct reload_piece pieces[RELOAD_FRAGMENTS_MAX]; /* sorted, apart */
    size_t piece_count;
};

/* A message that was complete, not long ago: what still comes of it are late copies. */
struct reload_completed {
    uint32_t link;
    uint64_t transaction_id;
    reload_time until;
};

#define RELOAD_COMPLETED_MAX 16

struct reload_reassembly {
    struct reload_completed completed[RELOAD_COMPLETED_MAX];
    size_t completed_next;
    struct reload_partial *oldest, **youngest_end;
    size_t count, octets;
    struct reload_alarm alarm;
};

void reload_reassembly_fini(struct reload_node *node);

/* reload_reassembly_forget_link drops what came by |link| and is not complete. */
void reload_reassembly_forget_link(struct reload_node *node, uint32_t link);

/* reload_reassemble takes one fragment, |message| with its |header| and |body|, and delivers the
 * whole message once it is complete; at once when it is not fragmented. */
void reload_reassemble(struct reload_node *node, struct reload_link *link,
                       const struct reload_forwarding_header *header, struct reload_bytes message,
                       struct reload_bytes body, reload_time now);

#endif
