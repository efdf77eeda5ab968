/* media_port.c: the sockets of relayed streams: what phones send, and what they get.
 *
 * RFC 3550 5.1, 11 (ports in pairs), RFC 4961 (symmetric RTP).
 * SPDX-License-Identifier: BSD-2-Clause */
#include "usages/media_relay_state.h"
#include "usages/sip_adaptor_socket.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAIR_TRIES 32
#define DATAGRAMS_A_TURN 32

static bool
is_within(struct media_rate *rate, size_t size, reload_time now)
{
    if (now - rate->since >= RELOAD_SECOND)
        *rate = (struct media_rate){.since = now};
    if (rate->packets >= MEDIA_PACKETS_A_SECOND || rate->octets + size > MEDIA_OCTETS_A_SECOND)
        return false;
    rate->packets++;
    rate->octets += size;
    return true;
}

/* RTP and RTCP begin with version 2 (RFC 3550 5.1, 6.4). */
static bool
is_plausible(struct reload_bytes packet, enum reload_media_type type)
{
    size_t least = type == RELOAD_MEDIA_RTP ? 12 : 8;
    return packet.size >= least && packet.data[0] >> 6 == 2;
}

static bool
is_same(const struct reload_address *a, const struct reload_address *b)
{
    return sip_host_is_equal(a, b) && a->port == b->port;
}

/* Whether |from| is the phone. Its first packet says where it is, once. */
static bool
is_phone(struct media_port *port, const struct reload_address *from)
{
    const struct media_call *call = port->stream->call;
    if (port->latched)
        return is_same(from, &port->phone);
    if (!is_same(from, &port->phone) && !sip_host_is_equal(from, &port->phone) &&
        !sip_host_is_equal(from, &call->phone))
        return false;
    port->phone = *from;
    port->latched = true;
    return true;
}

static void
take(struct media_port *port, struct reload_bytes packet, const struct reload_address *from,
     reload_time now)
{
    struct media_stream *stream = port->stream;
    struct media_call *call = stream->call;
    struct media_relay *relay = call->relay;
    if (!is_plausible(packet, port->type) || !is_phone(port, from)) {
        relay->counters.dropped_source++;
        return;
    }
    if (packet.size > RELOAD_MEDIA_PACKET_MAX || !is_within(&port->in, packet.size, now)) {
        relay->counters.dropped_rate++;
        return;
    }
    call->heard_at = now;
    if (stream->peer_label == 0)
        return; /* nobody has answered yet */
    relay->counters.packets_from_phones++;
    (void)relay->options.ops->send(relay->options.overlay, &call->peer, stream->peer_label,
                                   port->type, packet, now);
}

static void
port_ready(void *argument, int descriptor, unsigned events)
{
    struct media_port *port = argument;
    struct media_relay *relay = port->stream->call->relay;
    reload_time now = reload_loop_now(relay->options.loop);
    (void)events;
    for (unsigned i = 0; i < DATAGRAMS_A_TURN; i++) {
        struct sockaddr_storage storage;
        socklen_t storage_size = sizeof storage;
        ssize_t size = recvfrom(descriptor, relay->packet, sizeof relay->packet, 0,
                                (struct sockaddr *)&storage, &storage_size);
        if (size < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (size < 0)
            continue; /* an ICMP error of an earlier datagram */
        struct reload_address from = sip_address_of_socket(&storage);
        take(port, (struct reload_bytes){relay->packet, (size_t)size}, &from, now);
    }
}

void
media_port_send(struct media_port *port, struct reload_bytes packet, reload_time now)
{
    struct media_call *call = port->stream->call;
    struct media_relay *relay = call->relay;
    struct sockaddr_storage storage;
    if (!is_plausible(packet, port->type) || !is_within(&port->out, packet.size, now)) {
        relay->counters.dropped_rate++;
        return;
    }
    call->heard_at = now;
    if (port->muted || port->phone.port == 0)
        return;
    socklen_t size = sip_address_to_socket(&port->phone, &storage);
    if (sendto(port->descriptor, packet.data, packet.size, 0, (struct sockaddr *)&storage, size) >=
        0)
        relay->counters.packets_to_phones++;
}

/* Packets go nowhere but to the phone: to the host that its SIP comes from, or, when that is this
 * host, to any address of this host. A description that names others would turn them into targets.
 */
void
media_port_aim(struct media_port *port, const struct reload_address *address)
{
    const struct media_call *call = port->stream->call;
    struct reload_address aim = *address;
    port->muted = reload_sdp_is_any(address) || address->port == 0;
    if (port->muted)
        return;
    bool is_there = sip_host_is_equal(&aim, &call->phone);
    if (!is_there && (aim.family != call->phone.family || !sip_host_is_own(&call->phone) ||
                      !sip_host_is_own(&aim))) {
        aim = call->phone;
        aim.port = address->port;
    }
    if (port->latched && port->aim.port && is_same(&port->aim, &aim))
        return; /* it says the same again, and has shown where it is */
    port->aim = port->phone = aim;
    port->latched = false;
}

static void
port_close(struct media_port *port)
{
    reload_watch_free(port->watch);
    if (port->descriptor >= 0)
        close(port->descriptor);
    *port = (struct media_port){.descriptor = -1};
}

/* Binds an even port and the odd one behind it. Returns false when one of them is taken. */
static bool
bind_pair(struct media_stream *stream)
{
    struct media_port *rtp = &stream->ports[0], *rtcp = &stream->ports[1];
    struct reload_address first = stream->call->relay->options.address;
    first.port = 0;
    int descriptor = sip_socket_bind(SOCK_DGRAM, &first);
    if (descriptor < 0)
        return false;
    bool is_even = first.port % 2 == 0;
    struct reload_address second = first;
    second.port = (uint16_t)(is_even ? first.port + 1 : first.port - 1);
    int other = sip_socket_bind(SOCK_DGRAM, &second);
    if (other < 0) {
        close(descriptor);
        return false;
    }
    rtp->descriptor = is_even ? descriptor : other;
    rtcp->descriptor = is_even ? other : descriptor;
    stream->local = is_even ? first : second;
    return true;
}

int
media_stream_open(struct media_stream *stream)
{
    struct media_relay *relay = stream->call->relay;
    bool bound = false;
    int error = 0;
    for (unsigned i = 0; i < PAIR_TRIES && !bound; i++)
        bound = bind_pair(stream);
    for (size_t i = 0; bound && i < 2; i++) {
        struct media_port *port = &stream->ports[i];
        port->stream = stream;
        port->type = i == 0 ? RELOAD_MEDIA_RTP : RELOAD_MEDIA_RTCP;
        error |= reload_loop_watch(relay->options.loop, port->descriptor, RELOAD_WATCH_READ,
                                   port_ready, port, &port->watch);
    }
    stream->open = bound && !error;
    if (stream->open)
        return 0;
    relay->counters.dropped_busy++;
    if (bound)
        media_stream_close(stream);
    return RELOAD_E_BUSY;
}

void
media_stream_close(struct media_stream *stream)
{
    for (size_t i = 0; i < 2; i++)
        port_close(&stream->ports[i]);
    stream->open = false;
    stream->peer_label = 0;
}
