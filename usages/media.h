/* media.h: packets of calls (RTP, RTCP) between two nodes, over application links of their own.
 *
 * For phones that do not speak ICE: the two nodes found a way between each other by AppAttach (ICE
 * where the overlay has it), and carry the phones' packets along it. Private Application-ID 5004
 * (D72). No I/O; usages/media_relay.h has the phones' side.
 *
 *     struct {
 *         uint32 stream;   what the receiver called it in its SDP, a=x-reload-relay
 *         uint8  type;     1 RTP, 2 RTCP; 0 keep-alive: stream 1 asks, 0 answers
 *         opaque packet[]; to the end of the record
 *     } MediaPacket;
 *
 * One packet is one record on DTLS; on TLS a uint16 with its length comes first (as RFC 4571).
 *
 * One link serves all calls between two nodes. RFC 6940 6.5.2.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_USAGES_MEDIA_H
#define RELOAD_USAGES_MEDIA_H

#include "reload/app_link.h"
#include "reload/usage.h"
#include "usages/sip_registration.h"

#define RELOAD_APPLICATION_MEDIA 5004
#define RELOAD_MEDIA_HEADER_SIZE 5
#define RELOAD_MEDIA_PACKET_MAX 2048
#define RELOAD_MEDIA_PEERS_MAX 64
#define RELOAD_MEDIA_LINKS_PER_PEER_MAX 2      /* two that crossed */
#define RELOAD_MEDIA_IDLE (60 * RELOAD_SECOND) /* a link without calls stays so long */
#define RELOAD_MEDIA_RETRY                                                                         \
    (3 * RELOAD_SECOND) /* after a link that could not be made; then longer */

/* While there are calls, whether the other side still hears: asked so often, and for so long
 * without any answer or packet until the link counts as lost and another one is made. */
#define RELOAD_MEDIA_KEEP_ALIVE (1 * RELOAD_SECOND)
#define RELOAD_MEDIA_SILENCE (5 * RELOAD_SECOND)

extern const struct reload_usage_ops reload_media_usage;

/* The usage's state. */
struct reload_media;

enum reload_media_type {
    RELOAD_MEDIA_KEEPING, /* between the two usages only */
    RELOAD_MEDIA_RTP = 1,
    RELOAD_MEDIA_RTCP = 2,
};

/* Who takes packets. Without one no AppAttach for media is accepted. |packet| is borrowed for the
 * call. */
struct reload_media_handler {
    void *argument;
    void (*receive)(void *argument, const struct reload_node_id *peer, uint32_t stream,
                    enum reload_media_type type, struct reload_bytes packet, reload_time now);
};

/* Counters since the begin. One row each: field, text for people. */
#define RELOAD_MEDIA_COUNTERS(X)                                                                   \
    X(links_up, "media links made")                                                                \
    X(links_failed, "media links not made")                                                        \
    X(packets_sent, "packets sent to other nodes")                                                 \
    X(packets_received, "packets from other nodes")                                                \
    X(dropped_no_link, "dropped: no link yet")                                                     \
    X(dropped_malformed, "dropped: malformed")

struct reload_media_counters {
#define X(name, text) uint64_t name;
    RELOAD_MEDIA_COUNTERS(X)
#undef X
};

/* What a relay needs of an overlay, as operations, so that a test can stand in for it; |overlay| is
 * a struct reload_media. */
struct reload_media_ops {
    /* Sets who takes packets; |handler| is copied. NULL: nobody does any more. */
    void (*set_handler)(void *overlay, const struct reload_media_handler *handler);
    /* Makes sure that there is a link to |destination|'s last node, or will be, until as many
     * calls of |close|. With |waits| the other side is expected to make it: only when it is not
     * there after RELOAD_MEDIA_RETRY, it is made from here. Returns 0 or RELOAD_E_BUSY. */
    int (*open)(void *overlay, const struct reload_sip_destination *destination, bool waits,
                reload_time now);
    void (*close)(void *overlay, const struct reload_node_id *peer, reload_time now);
    /* Sends |packet| (copied), not more than RELOAD_MEDIA_PACKET_MAX octets, to |peer|, which must
     * be open. When there is no link, one is asked for and the packet is lost: RELOAD_E_CLOSED.
     * Returns also RELOAD_E_BUSY, RELOAD_E_NOMEM. */
    int (*send)(void *overlay, const struct reload_node_id *peer, uint32_t stream,
                enum reload_media_type type, struct reload_bytes packet, reload_time now);
    const struct reload_media_counters *(*counters)(void *overlay);
};

extern const struct reload_media_ops reload_media_overlay;

#endif
