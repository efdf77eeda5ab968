/* link_dtls.h: DTLS 1.2 associations with many peers over one way for datagrams.
 *
 * An association is named by the peer's address. There may be several with one address at a time:
 * a peer that was restarted, or one to which a new link replaces an old one, does its handshake
 * beside the association that stands, which its user closes when the new one is up (D27).
 *
 * No state is kept for a ClientHello before its cookie came back, and the answer to it is never
 * larger than it was (RFC 6347 4.2.1; attack rows L2, L3). OpenSSL keeps the replay window (L1).
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_RUN_LINK_DTLS_H
#define RELOAD_RUN_LINK_DTLS_H

#include "reload/datagram.h"
#include "reload/loop.h"
#include "reload/run/connection.h"
#include "reload/run/tls_context.h"

#define RELOAD_DTLS_ASSOCIATIONS_MAX 8192
#define RELOAD_DTLS_PER_ADDRESS_MAX 4
#define RELOAD_DTLS_HALF_OPEN_MAX 256
#define RELOAD_DTLS_HALF_OPEN_TIME (5 * RELOAD_SECOND)
#define RELOAD_DTLS_VERIFIED_TIME (10 * RELOAD_SECOND)
#define RELOAD_DTLS_LINK_MTU 1200
#define RELOAD_DTLS_RECORD_MAX 16384
/* Left free in each datagram below the path's MTU (attack row L16). */
#define RELOAD_DTLS_MTU_MARGIN 32

struct reload_dtls;

/* All pointers are borrowed and must outlive the object. */
struct reload_dtls_options {
    struct reload_loop *loop;
    const struct reload_tls_context *context;
    struct reload_datagram *path;
    bool accept; /* answer ClientHellos; |user| and |argument| get the associations */
    /* Who is at the other end of |path| has proved to be there: the first ClientHello needs no
     * cookie (RFC 6347 4.2.1), and its handshake has more time. */
    bool verified;
    const struct reload_connection_user *user;
    void *argument;
    enum reload_framing framing; /* told to the user in struct reload_link_peer */
    uint8_t overlay_link;
};

struct reload_dtls_counters {
    uint64_t dropped_records;                          /* datagrams that are not DTLS records */
    uint64_t dropped_unknown;                          /* records of no association */
    uint64_t cookies_sent;                             /* HelloVerifyRequests */
    uint64_t cookie_bytes_received, cookie_bytes_sent; /* ClientHellos without state, answers */
    uint64_t handshakes_started, handshakes_done, handshakes_failed;
    uint64_t half_open_evicted;
};

/* reload_dtls_new makes an endpoint. Returns 0 or RELOAD_E_NOMEM. */
RELOAD_CHECKED int reload_dtls_new(const struct reload_dtls_options *options,
                                   struct reload_dtls **dtls);

/* reload_dtls_free closes all associations in good order, without calling their users; allowed from
 * within a user's function. NULL is allowed. */
void reload_dtls_free(struct reload_dtls *dtls);

/* reload_dtls_recv takes a datagram that arrived from |from|; its type fits reload_udp_fn. */
void reload_dtls_recv(void *dtls, const struct reload_address *from, struct reload_bytes bytes);

/* reload_dtls_connect begins a handshake, as client, with |to|, to be done at monotonic time
 * |deadline|; also when there already is an association with that address. |user| is borrowed and
 * is told |up| or |down|. Returns 0, RELOAD_E_BUSY, RELOAD_E_NOMEM. */
RELOAD_CHECKED int reload_dtls_connect(struct reload_dtls *dtls, const struct reload_address *to,
                                       const struct reload_connection_user *user, void *argument,
                                       reload_time deadline, struct reload_connection **connection);

/* How many associations there are, and how many handshakes that peers began. */
size_t reload_dtls_count(const struct reload_dtls *dtls);
size_t reload_dtls_half_open(const struct reload_dtls *dtls);

const struct reload_dtls_counters *reload_dtls_counters(const struct reload_dtls *dtls);

#endif
