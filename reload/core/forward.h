/* forward.h: the way of messages through this node: routing by the Destination List, forwarding,
 * fragmentation. RFC 6940 6.1, 6.2, 6.7.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_FORWARD_H
#define RELOAD_CORE_FORWARD_H

#include "reload/core/link.h"
#include "reload/node.h"

/* reload_forward_own sends a message of ours, whole in |buffer| behind room for a framing header (a
 * holder is taken over), by |first_link| or, when that is 0, by its Destination List. A message to
 * ourselves is handled at the next poll. Returns 0, RELOAD_E_UNREACHABLE, _BUSY, _NOMEM,
 * _TOO_LARGE, or RELOAD_E_MALFORMED: its lists are not ones that a message may have. */
int reload_forward_own(struct reload_node *node, struct reload_buffer *buffer, uint32_t first_link,
                       reload_time now);

/* reload_forward_received routes |message|, which arrived on |link| (NULL: our own, to ourselves):
 * forwards it, delivers it (reload_deliver), or drops and counts it. */
void reload_forward_received(struct reload_node *node, struct reload_link *link,
                             struct reload_bytes message, reload_time now);

/* reload_forward_reverse writes the entries of |via_list| in reverse order. */
void reload_forward_reverse(struct reload_node *node, struct reload_bytes via_list,
                            struct reload_writer *writer);

/* reload_deliver handles a whole message that is destined for this node: verify, then the method's
 * handler or the transaction (deliver.c). */
void reload_deliver(struct reload_node *node, struct reload_link *link, struct reload_bytes message,
                    reload_time now);

#endif
