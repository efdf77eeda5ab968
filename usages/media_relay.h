/* media_relay.h: the phones' side of relayed media: sockets on this host, one pair (RTP, RTCP) for
 * each stream of a call, and what goes in and out there.
 *
 * A call here is what one phone of this host and one other node exchange under one Call-ID. The SIP
 * adaptor makes calls, hands each session description through (sdp.h) and ends them.
 *
 *   phone --UDP--> port --MediaPacket--> other node's relay --UDP--> other phone
 *
 * Who may send: a port takes packets from the phone only: from the address that its description
 * names, or else from the host that its SIP comes from, where the first packet decides the port
 * (symmetric RTP, RFC 4961); a node's packets count only for calls with that node. All is bounded:
 * calls, streams, packets and octets a second.
 *
 * D72. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_USAGES_MEDIA_RELAY_H
#define RELOAD_USAGES_MEDIA_RELAY_H

#include "reload/loop.h"
#include "usages/media.h"
#include "usages/sdp.h"

#define MEDIA_CALLS_MAX 64
#define MEDIA_CALLS_PER_NODE_MAX 8
#define MEDIA_PACKETS_A_SECOND 2000     /* of one port, each way */
#define MEDIA_OCTETS_A_SECOND (1 << 20) /* the same */

/* Without a packet either way a call's sockets are kept so long, before and after it is answered.
 */
#define MEDIA_SILENCE_RINGING (300 * RELOAD_SECOND)
#define MEDIA_SILENCE_ANSWERED (1800 * RELOAD_SECOND)

#define MEDIA_KEY_SIZE 16

/* All pointers are borrowed and must outlive the relay. */
struct media_relay_options {
    struct reload_loop *loop;
    const struct reload_env *env;
    const struct reload_media_ops *ops;
    void *overlay;                 /* for |ops| */
    struct reload_address address; /* where phones are served; the port does not matter */
};

/* Counters since the begin. One row each: field, text for people. */
#define MEDIA_RELAY_COUNTERS(X)                                                                    \
    X(calls, "calls with relayed media")                                                           \
    X(packets_from_phones, "media packets from phones")                                            \
    X(packets_to_phones, "media packets to phones")                                                \
    X(dropped_source, "dropped: not from the phone")                                               \
    X(dropped_stream, "dropped: of no call with that node")                                        \
    X(dropped_rate, "dropped: too fast, too large")                                                \
    X(dropped_busy, "dropped: a bound was reached")

struct media_relay_counters {
#define X(name, text) uint64_t name;
    MEDIA_RELAY_COUNTERS(X)
#undef X
};

struct media_relay;

/* media_relay_new makes a relay without calls and becomes the overlay's handler of media. Returns
 * 0 or RELOAD_E_NOMEM. */
RELOAD_CHECKED int media_relay_new(const struct media_relay_options *options,
                                   struct media_relay **relay);

/* media_relay_free ends all calls. NULL is allowed. */
void media_relay_free(struct media_relay *relay);

/* media_call_new begins a call with |peer|'s last node for the phone whose SIP comes from |phone|.
 * |dialog| stands for the Call-ID. The caller's node makes the link; the other one |waits|. Returns
 * its number, 0 when there is no room. */
uint64_t media_call_new(struct media_relay *relay, const struct reload_sip_destination *peer,
                        const uint8_t dialog[MEDIA_KEY_SIZE], const struct reload_address *phone,
                        bool waits, reload_time now);

/* media_call_find finds the call of that dialog with |peer| whose phone has |tag| (as a key, too).
 * Returns its number, 0 when there is none. */
uint64_t media_call_find(const struct media_relay *relay, const struct reload_node_id *peer,
                         const uint8_t dialog[MEDIA_KEY_SIZE], const uint8_t tag[MEDIA_KEY_SIZE]);

/* Numbers of calls that ended, and 0, are ignored by all that follows. */

/* media_call_set_tag says which tag the phone has in the dialog; the last one before the call is
 * answered counts. */
void media_call_set_tag(struct media_relay *relay, uint64_t call,
                        const uint8_t tag[MEDIA_KEY_SIZE]);

/* media_call_answered: from now on it lives until media_call_end, or a long silence. */
void media_call_answered(struct media_relay *relay, uint64_t call, reload_time now);
bool media_call_is_answered(const struct media_relay *relay, uint64_t call);

/* media_call_is_relayed tells whether the other node said that it relays, too. */
bool media_call_is_relayed(const struct media_relay *relay, uint64_t call);

void media_call_end(struct media_relay *relay, uint64_t call, reload_time now);

/* media_call_export writes the phone's description |sdp| as it goes to the other node, with our
 * labels, into |out| of |capacity| octets. media_call_import writes the other node's as it goes to
 * the phone, with our addresses. Return 0, RELOAD_E_NOT_FOUND (nothing in it is to be relayed:
 * leave it as it is), RELOAD_E_BUSY (no sockets), RELOAD_E_TOO_LARGE, RELOAD_E_MALFORMED. */
RELOAD_CHECKED int media_call_export(struct media_relay *relay, uint64_t call,
                                     struct reload_bytes sdp, reload_time now, char *out,
                                     size_t capacity, size_t *size);
RELOAD_CHECKED int media_call_import(struct media_relay *relay, uint64_t call,
                                     struct reload_bytes sdp, reload_time now, char *out,
                                     size_t capacity, size_t *size);

size_t media_relay_call_count(const struct media_relay *relay);
const struct media_relay_counters *media_relay_counters(const struct media_relay *relay);
const struct reload_media_counters *media_relay_link_counters(const struct media_relay *relay);

#endif
