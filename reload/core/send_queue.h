/* send_queue.h: frames of a link that the window does not let out yet. RFC 6940 6.2.1, 6.6.3; D143.
 *
 * A slow link has to carry what is still of use to somebody. So nothing waits in two copies, and
 * nothing waits for so long that its request would be over before an answer could be there.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_SEND_QUEUE_H
#define RELOAD_CORE_SEND_QUEUE_H

#include "reload/core/sender.h"

/* reload_send_queue_put puts |buffer| (taken over), a frame whose header is not written yet, at the
 * end of |sender|'s queue. When the same message waits there it is dropped. Returns 0 or
 * RELOAD_E_BUSY (the queue is full). */
int reload_send_queue_put(struct reload_node *node, struct reload_sender *sender,
                          struct reload_buffer *buffer, reload_time now);

/* reload_send_queue_take takes out the first frame that did not wait for too long; those before it
 * are dropped. Returns NULL when there is none. */
struct reload_buffer *reload_send_queue_take(struct reload_node *node, struct reload_sender *sender,
                                             reload_time now);

#endif
