/* link_tls.h: TLS connections over TCP: RELOAD's frames one by one (RFC 6940 6.6.5), or an
 * application's own stream.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_RUN_LINK_TLS_H
#define RELOAD_RUN_LINK_TLS_H

#include "reload/loop.h"
#include "reload/run/connection.h"
#include "reload/run/tls_context.h"

#define RELOAD_TLS_STREAMS_MAX 8192
#define RELOAD_TLS_HALF_OPEN_MAX 256
#define RELOAD_TLS_HALF_OPEN_TIME (5 * RELOAD_SECOND)
/* What may wait for a peer that does not read, and for how long (attack row L7; 6.6.5). */
#define RELOAD_TLS_QUEUE_MAX (4u << 20)
#define RELOAD_TLS_STALL_TIME (30 * RELOAD_SECOND)
/* How long an end waits for the other's after its close_notify. */
#define RELOAD_TLS_LINGER_TIME (2 * RELOAD_SECOND)

struct reload_tls;

/* All pointers are borrowed and must outlive the object. */
struct reload_tls_options {
    struct reload_loop *loop;
    const struct reload_tls_context *context;
    const struct reload_address *listen;       /* NULL: only connect; port 0: a free one */
    const struct reload_connection_user *user; /* gets what peers open, with |argument| */
    void *argument;
    enum reload_framing framing; /* STREAM: one frame a call; NONE: octets as they come */
    size_t message_max;          /* STREAM: a data frame with more closes the link */
    uint8_t overlay_link;
    reload_time stall_time_ns; /* 0: RELOAD_TLS_STALL_TIME */
};

struct reload_tls_counters {
    uint64_t accepted, refused; /* refused: a bound was reached */
    uint64_t half_open_evicted;
    uint64_t handshakes_done, handshakes_failed;
    uint64_t bad_frames;
    uint64_t stalled; /* closed because the peer did not read */
};

/* reload_tls_new makes an endpoint. Returns 0, RELOAD_E_NOMEM, or RELOAD_E_IO with errno when it
 * cannot listen. */
RELOAD_CHECKED int reload_tls_new(const struct reload_tls_options *options,
                                  struct reload_tls **tls);

/* reload_tls_free closes all connections, without calling their users; allowed from within a user's
 * function. What still waits to be sent is lost. NULL is allowed. */
void reload_tls_free(struct reload_tls *tls);

/* reload_tls_connect connects to |to|, handshake included, until monotonic time |deadline|. |user|
 * is borrowed and is told |up| or |down|. Returns 0, RELOAD_E_BUSY, RELOAD_E_NOMEM, RELOAD_E_IO. */
RELOAD_CHECKED int reload_tls_connect(struct reload_tls *tls, const struct reload_address *to,
                                      const struct reload_connection_user *user, void *argument,
                                      reload_time deadline, struct reload_connection **connection);

/* reload_tls_address returns where it listens, with the port in use; family 0 when it does not. */
const struct reload_address *reload_tls_address(const struct reload_tls *tls);

size_t reload_tls_count(const struct reload_tls *tls);
size_t reload_tls_half_open(const struct reload_tls *tls);
const struct reload_tls_counters *reload_tls_counters(const struct reload_tls *tls);

#endif
