/* sip_stream.h: finds SIP messages in a stream, by Content-Length.
 *
 * RFC 3261 7.5, 18.3, 20.14; keep-alives of RFC 5626 3.5.1. SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef RELOAD_USAGES_SIP_STREAM_H
#define RELOAD_USAGES_SIP_STREAM_H

#include "reload/base/bytes.h"
#include "reload/base/error.h"
#include "reload/env.h"

#define RELOAD_SIP_MESSAGE_MAX 65536 /* octets of a message, head and body */
#define RELOAD_SIP_HEAD_MAX 32768    /* octets of its head */

/* The bytes received that are no whole message yet. Zero-initialised it is empty. */
struct reload_sip_stream {
    uint8_t *data;
    size_t size, capacity;
};

/* reload_sip_head finds the head of the message that |bytes| begin with: |*head_size| gets its size
 * with the empty line, |*body_size| what Content-Length says (|*has_length|), 0 without one.
 * Returns 0; RELOAD_E_TRUNCATED when the head does not end yet; RELOAD_E_MALFORMED: a NUL in the
 * head, a Content-Length that is no number or contradicts another, too many lines. */
RELOAD_CHECKED int reload_sip_head(struct reload_bytes bytes, size_t *head_size, bool *has_length,
                                   size_t *body_size);

/* reload_sip_stream_put appends |bytes|. Returns 0, RELOAD_E_TOO_LARGE (close the connection),
 * RELOAD_E_NOMEM. */
RELOAD_CHECKED int reload_sip_stream_put(struct reload_sip_stream *stream,
                                         const struct reload_env *env, struct reload_bytes bytes);

/* reload_sip_stream_next borrows the first whole message, until the next call; |*pings| (may be
 * NULL) is increased for each keep-alive (two line ends) in front of it. Returns 0,
 * RELOAD_E_TRUNCATED when there is none yet, RELOAD_E_MALFORMED or RELOAD_E_TOO_LARGE: where the
 * next message begins cannot be told, so close the connection. */
RELOAD_CHECKED int reload_sip_stream_next(struct reload_sip_stream *stream, unsigned *pings,
                                          struct reload_bytes *message);

/* reload_sip_stream_done drops the |size| octets of a message that reload_sip_stream_next gave. */
void reload_sip_stream_done(struct reload_sip_stream *stream, size_t size);

void reload_sip_stream_fini(struct reload_sip_stream *stream, const struct reload_env *env);

#endif
