/* media_relay_state.h: what a media relay consists of, for its own files only.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_USAGES_MEDIA_RELAY_STATE_H
#define RELOAD_USAGES_MEDIA_RELAY_STATE_H

#include "usages/media_relay.h"

/* What passed within the second that began at |since|. */
struct media_rate {
    reload_time since;
    unsigned packets;
    size_t octets;
};

/* One socket. |aim| is where the phone's description wants its packets, |phone| where they go:
 * there, or to where the phone's first packet came from (|latched|). */
struct media_port {
    struct media_stream *stream;
    enum reload_media_type type;
    int descriptor;
    struct reload_watch *watch;
    struct reload_address phone, aim;
    bool latched;
    bool muted; /* the phone wants nothing: it gave 0.0.0.0 */
    struct media_rate in, out;
};

struct media_stream {
    struct media_call *call;
    bool open;
    struct reload_address local; /* of RTP; RTCP is one port higher */
    struct media_port ports[2];  /* RTP, RTCP */
    uint32_t peer_label;         /* what the other node calls it; 0: not known, or not relayed */
};

struct media_call {
    struct media_relay *relay;
    uint64_t number; /* the generation and the slot */
    struct reload_node_id peer;
    uint8_t dialog[MEDIA_KEY_SIZE], tag[MEDIA_KEY_SIZE];
    bool has_tag, answered, relayed;
    struct reload_address phone; /* where its SIP comes from */
    reload_time heard_at;
    struct media_stream streams[RELOAD_SDP_STREAMS_MAX];
};

struct media_relay {
    struct media_relay_options options;
    struct media_call *calls[MEDIA_CALLS_MAX];
    size_t call_count;
    uint64_t generation;
    struct reload_timer *timer; /* looks for silent calls */
    struct media_relay_counters counters;
    uint8_t packet[RELOAD_MEDIA_PACKET_MAX + 1];
};

/* The name of |stream|, place |i| of its call, in our descriptions. */
#define MEDIA_STREAM_BITS 2
_Static_assert(RELOAD_SDP_STREAMS_MAX == 1 << MEDIA_STREAM_BITS, "a label holds a place");

static inline uint32_t
media_label(const struct media_call *call, size_t i)
{
    return (uint32_t)(call->number << MEDIA_STREAM_BITS | i);
}

/* media_port.c: the sockets. |media_stream_open| binds both; 0 or RELOAD_E_BUSY. */
int media_stream_open(struct media_stream *stream);
void media_stream_close(struct media_stream *stream);
/* The phone's description says where |port|'s packets shall go; |address->port| 0: nowhere. */
void media_port_aim(struct media_port *port, const struct reload_address *address);
/* A packet of the other node for the phone. */
void media_port_send(struct media_port *port, struct reload_bytes packet, reload_time now);

#endif
