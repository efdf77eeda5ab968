/* tls_internal.h: what the files of link_tls share.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_RUN_TLS_INTERNAL_H
#define RELOAD_RUN_TLS_INTERNAL_H

#include "reload/run/frame_splitter.h"
#include "reload/run/link_tls.h"

#include <sys/queue.h>

/*
 *   CONNECTING --> HANDSHAKING --> UP --close--> LINGERING --> ENDED
 *      +----------------+----------+----fail-------------------^
 */
enum stream_state {
    STREAM_CONNECTING,
    STREAM_HANDSHAKING,
    STREAM_UP,
    STREAM_LINGERING, /* no user any more: the rest goes out, then we wait for the peer's end */
    STREAM_ENDED,     /* in no list; freed when no function of it runs any more */
};

struct stream {
    struct reload_connection connection; /* first */
    struct reload_tls *tls;
    SSL *ssl;
    int descriptor;
    struct reload_watch *watch;
    struct reload_timer *timer; /* handshake, stall, linger; told failures */
    struct reload_address address;
    enum stream_state state;
    bool incoming;
    bool finished; /* LINGERING: our close_notify is out */
    reload_time started, rtt_ns;
    int failure; /* to be told by the timer */
    struct reload_frame_splitter splitter;
    uint8_t
        *waiting; /* what the peer has not taken yet: |waiting_size| octets from |waiting_begin| */
    size_t waiting_begin, waiting_size, waiting_capacity;
    unsigned entered;
    TAILQ_ENTRY(stream) in_list;
    TAILQ_ENTRY(stream) in_half_open;
};

TAILQ_HEAD(stream_list, stream);

struct reload_tls {
    struct reload_tls_options options;
    int listener;
    struct reload_watch *watch;
    struct reload_timer *pause; /* of accepting, when descriptors have run out */
    struct reload_address address;
    struct stream_list streams;
    struct stream_list half_open; /* oldest first */
    size_t count, half_open_count;
    struct reload_tls_counters counters;
    unsigned entered;
    bool freed;
};

/* ---- tls_stream.c --------------------------------------------------------------------------- */

/* Makes a stream over |descriptor|, which it owns also on failure, and begins; the user and the
 * address are set by the caller afterwards. */
struct stream *stream_new(struct reload_tls *tls, int descriptor, bool incoming,
                          reload_time deadline);

/* Ends without telling the user; what waits still goes out. */
void stream_close(struct stream *stream);

/* Ends at once. */
void stream_drop(struct stream *stream);

/* ---- link_tls.c ----------------------------------------------------------------------------- */

void tls_hold(struct reload_tls *tls);
void tls_release(struct reload_tls *tls);

#endif
