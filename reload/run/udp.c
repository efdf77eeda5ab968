/* udp.c: one UDP socket for many peers.
 *
 * ICMP errors do not end anything here: the socket is never connected, so the kernel reports none
 * (attack row L14). SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/udp.h"

#include "reload/run/loop_libevent.h"
#include "reload/run/socket_address.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#define SOCKET_BUFFER_SIZE (1 << 20)
#define BATCHES_MAX 8 /* read at one event, so that other descriptors have their turn */
#define QUEUE_MAX 32
#define QUEUE_OCTETS_MAX 49152

#define WAYS 1024 /* a power of two */
/* The same with one peer. */
#define QUEUE_ONE_MAX 4
#define QUEUE_ONE_OCTETS_MAX RELOAD_SCRATCH_DATAGRAM_SIZE
#define WAYS_ONE 8
#define CONTROL_SIZE CMSG_SPACE(sizeof(struct in6_pktinfo))

/* By which of our addresses a peer reaches us: a socket bound to all of them must answer from that
 * one, or the peer does not know the answer for its own. */
struct way {
    struct reload_address peer;
    union {
        struct in_pktinfo v4;
        struct in6_pktinfo v6;
    } local;
};

struct outgoing {
    size_t size;
    struct sockaddr_storage to;
    socklen_t to_length;
    _Alignas(struct cmsghdr) uint8_t control[CONTROL_SIZE];
    size_t control_size;
};

/* Datagrams that wait for the end of the turn, one after the other in |octets|. */
struct queue {
    size_t count, used;
    size_t count_max, octets_max;
    struct outgoing *entries;
    uint8_t *octets;
};

struct reload_udp {
    struct reload_datagram datagram; /* first */
    struct reload_loop *loop;
    struct reload_watch *watch;
    struct reload_after *after;
    struct reload_udp_users users;
    struct reload_address address;
    struct reload_udp_counters counters;
    struct queue queue;
    struct way *ways; /* NULL when bound to one address */
    size_t way_count;
    int descriptor;
    int family;
    unsigned entered;
    bool freed;
};

/* ---- ways ----------------------------------------------------------------------------------- */

static struct way *
way_of(const struct reload_udp *udp, const struct reload_address *peer)
{
    uint64_t parts[2];
    memcpy(parts, peer->octets, sizeof parts);
    uint64_t hash = (parts[0] ^ parts[1] ^ peer->port) * UINT64_C(0x9e3779b97f4a7c15);
    return &udp->ways[(hash >> 32) & (udp->way_count - 1)];
}

static void
note_way(struct reload_udp *udp, const struct reload_address *peer, struct msghdr *header)
{
    struct way *way = way_of(udp, peer);
    for (struct cmsghdr *at = CMSG_FIRSTHDR(header); at; at = CMSG_NXTHDR(header, at)) {
        if (at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo local;
            memcpy(&local, CMSG_DATA(at), sizeof local);
            way->peer = *peer;
            way->local.v4 = (struct in_pktinfo){.ipi_spec_dst = local.ipi_addr};
        }
        if (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_PKTINFO) {
            way->peer = *peer;
            memcpy(&way->local.v6, CMSG_DATA(at), sizeof way->local.v6);
            way->local.v6.ipi6_ifindex = 0; /* the route decides */
        }
    }
}

/* Makes |entry| leave from the address that |to| knows us by; the kernel chooses for a peer that
 * has not sent yet. */
static void
set_source(const struct reload_udp *udp, const struct reload_address *to, struct outgoing *entry)
{
    const struct way *way = way_of(udp, to);
    if (!reload_address_equal(&way->peer, to))
        return;
    bool is_v6 = udp->family == AF_INET6;
    size_t size = is_v6 ? sizeof way->local.v6 : sizeof way->local.v4;
    memset(entry->control, 0, sizeof entry->control);
    struct cmsghdr *header = (struct cmsghdr *)entry->control;
    header->cmsg_level = is_v6 ? IPPROTO_IPV6 : IPPROTO_IP;
    header->cmsg_type = is_v6 ? IPV6_PKTINFO : IP_PKTINFO;
    header->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(header), &way->local, size);
    entry->control_size = CMSG_SPACE(size);
}

/* ---- out ------------------------------------------------------------------------------------ */

static void
flush(struct reload_udp *udp)
{
    struct queue *queue = &udp->queue;
    struct mmsghdr messages[QUEUE_MAX];
    struct iovec vectors[QUEUE_MAX];
    size_t at = 0;
    for (size_t i = 0; i < queue->count; i++) {
        struct outgoing *entry = &queue->entries[i];
        vectors[i] = (struct iovec){queue->octets + at, entry->size};
        at += entry->size;
        messages[i] =
            (struct mmsghdr){.msg_hdr = {.msg_name = &entry->to,
                                         .msg_namelen = entry->to_length,
                                         .msg_iov = &vectors[i],
                                         .msg_iovlen = 1,
                                         .msg_control = entry->control_size ? entry->control : NULL,
                                         .msg_controllen = entry->control_size}};
    }
    for (size_t done = 0; done < queue->count;) {
        int sent = sendmmsg(udp->descriptor, messages + done, (unsigned)(queue->count - done), 0);
        if (sent < 0 && errno == EINTR)
            continue;
        /* The first of them cannot go now: it is lost, as datagrams may be. */
        if (sent <= 0) {
            udp->counters.dropped_sending++;
            done++;
            continue;
        }
        for (int i = 0; i < sent; i++)
            udp->counters.bytes_sent += messages[done + (size_t)i].msg_len;
        udp->counters.sent += (uint64_t)sent;
        done += (size_t)sent;
    }
    queue->count = queue->used = 0;
}

static void
on_turn_end(void *argument)
{
    struct reload_udp *udp = argument;
    if (udp->queue.count)
        flush(udp);
}

static int
udp_send(struct reload_datagram *datagram, const struct reload_address *to,
         struct reload_bytes bytes)
{
    struct reload_udp *udp = (struct reload_udp *)datagram;
    struct queue *queue = &udp->queue;
    if (bytes.size > queue->octets_max)
        return RELOAD_E_IO;
    if (queue->count == queue->count_max || queue->used + bytes.size > queue->octets_max)
        flush(udp);
    struct outgoing *entry = &queue->entries[queue->count];
    entry->to_length = reload_address_to_socket(to, udp->family, &entry->to);
    if (entry->to_length == 0)
        return RELOAD_E_IO;
    entry->size = bytes.size;
    entry->control_size = 0;
    if (udp->ways)
        set_source(udp, to, entry);
    if (bytes.size)
        memcpy(queue->octets + queue->used, bytes.data, bytes.size);
    queue->used += bytes.size;
    queue->count++;
    if (!reload_loop_is_serving(udp->loop))
        flush(udp);
    return 0;
}

static const struct reload_datagram_ops udp_ops = {.send = udp_send};

/* ---- in ------------------------------------------------------------------------------------- */

/* RFC 7983: 0..3 STUN, 20..63 DTLS. */
static reload_udp_fn *
user_of(const struct reload_udp *udp, struct reload_bytes bytes)
{
    if (bytes.size == 0)
        return NULL;
    if (bytes.data[0] <= 3)
        return udp->users.stun;
    if (bytes.data[0] >= 20 && bytes.data[0] <= 63)
        return udp->users.dtls;
    return NULL;
}

static void
dispatch(struct reload_udp *udp, struct msghdr *header, struct reload_bytes bytes)
{
    struct reload_address from;
    reload_udp_fn *fn = user_of(udp, bytes);
    udp->counters.received++;
    udp->counters.bytes_received += bytes.size;
    if (!fn || (header->msg_flags & MSG_TRUNC) ||
        reload_address_of_socket(header->msg_name, &from) != 0) {
        udp->counters.dropped_unknown++;
        return;
    }
    if (udp->ways)
        note_way(udp, &from, header);
    fn(fn == udp->users.stun ? udp->users.stun_argument : udp->users.argument, &from, bytes);
}

/* Returns how many datagrams were read. */
static size_t
read_batch(struct reload_udp *udp)
{
    struct reload_scratch *scratch = reload_loop_scratch(udp->loop);
    struct mmsghdr messages[RELOAD_SCRATCH_DATAGRAMS];
    struct iovec vectors[RELOAD_SCRATCH_DATAGRAMS];
    struct sockaddr_storage from[RELOAD_SCRATCH_DATAGRAMS];
    _Alignas(struct cmsghdr) uint8_t controls[RELOAD_SCRATCH_DATAGRAMS][CONTROL_SIZE];
    for (size_t i = 0; i < RELOAD_SCRATCH_DATAGRAMS; i++) {
        vectors[i] = (struct iovec){scratch->datagrams[i], RELOAD_SCRATCH_DATAGRAM_SIZE};
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &from[i],
                                                   .msg_namelen = sizeof from[i],
                                                   .msg_iov = &vectors[i],
                                                   .msg_iovlen = 1,
                                                   .msg_control = controls[i],
                                                   .msg_controllen = CONTROL_SIZE}};
    }
    int got = recvmmsg(udp->descriptor, messages, RELOAD_SCRATCH_DATAGRAMS, MSG_DONTWAIT, NULL);
    for (int i = 0; i < got && !udp->freed; i++)
        dispatch(udp, &messages[i].msg_hdr,
                 (struct reload_bytes){scratch->datagrams[i], messages[i].msg_len});
    return got > 0 ? (size_t)got : 0;
}

static void
destroy(struct reload_udp *udp)
{
    reload_watch_free(udp->watch);
    reload_after_free(udp->after);
    if (udp->descriptor >= 0)
        (void)close(udp->descriptor);
    free(udp->queue.entries);
    free(udp->queue.octets);
    free(udp->ways);
    free(udp);
}

static void
on_readable(void *argument, int descriptor, unsigned events)
{
    (void)descriptor;
    (void)events;
    struct reload_udp *udp = argument;
    udp->entered++;
    for (int i = 0; i < BATCHES_MAX && !udp->freed; i++)
        if (read_batch(udp) < RELOAD_SCRATCH_DATAGRAMS)
            break;
    udp->entered--;
    if (udp->freed)
        destroy(udp);
}

/* ---- life ----------------------------------------------------------------------------------- */

static void
set_options(const struct reload_udp *udp)
{
    int size = SOCKET_BUFFER_SIZE;
    (void)setsockopt(udp->descriptor, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    (void)setsockopt(udp->descriptor, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    /* An application's record may be larger than the path's MTU: it goes as IP fragments. */
    int may_fragment = udp->family == AF_INET6 ? IPV6_PMTUDISC_DONT : IP_PMTUDISC_DONT;
    if (udp->family == AF_INET6)
        (void)setsockopt(udp->descriptor, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &may_fragment,
                         sizeof may_fragment);
    else
        (void)setsockopt(udp->descriptor, IPPROTO_IP, IP_MTU_DISCOVER, &may_fragment,
                         sizeof may_fragment);
    int on = 1;
    if (!udp->ways)
        return;
    if (udp->family == AF_INET6)
        (void)setsockopt(udp->descriptor, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
    else
        (void)setsockopt(udp->descriptor, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
}

static bool
allocate(struct reload_udp *udp, bool any)
{
    bool one = udp->users.one_peer;
    struct queue *queue = &udp->queue;
    queue->count_max = one ? QUEUE_ONE_MAX : QUEUE_MAX;
    queue->octets_max = one ? QUEUE_ONE_OCTETS_MAX : QUEUE_OCTETS_MAX;
    queue->entries = calloc(queue->count_max, sizeof *queue->entries);
    queue->octets = malloc(queue->octets_max);
    udp->way_count = one ? WAYS_ONE : WAYS;
    if (any)
        udp->ways = calloc(udp->way_count, sizeof *udp->ways);
    return queue->entries && queue->octets && (!any || udp->ways);
}

int
reload_udp_new(struct reload_loop *loop, const struct reload_address *address,
               const struct reload_udp_users *users, struct reload_udp **udp)
{
    struct reload_udp *made = calloc(1, sizeof *made);
    if (!made)
        return RELOAD_E_NOMEM;
    *made = (struct reload_udp){.datagram.ops = &udp_ops, .loop = loop, .users = *users};
    made->family = address->family == 6 ? AF_INET6 : AF_INET;
    made->descriptor = reload_socket_bind(SOCK_DGRAM, address, &made->address);
    if (made->descriptor < 0) {
        int reason = errno;
        free(made);
        errno = reason;
        return RELOAD_E_IO;
    }
    bool has_memory = allocate(made, reload_address_is_any(address));
    set_options(made);
    if (!has_memory || reload_loop_after(loop, on_turn_end, made, &made->after) != 0 ||
        reload_loop_watch(loop, made->descriptor, RELOAD_WATCH_READ, on_readable, made,
                          &made->watch) != 0) {
        destroy(made);
        return RELOAD_E_NOMEM;
    }
    *udp = made;
    return 0;
}

void
reload_udp_free(struct reload_udp *udp)
{
    if (!udp || udp->freed)
        return;
    if (udp->queue.count)
        flush(udp);
    udp->freed = true;
    if (udp->entered == 0)
        destroy(udp);
}

void
reload_udp_set_argument(struct reload_udp *udp, void *argument)
{
    udp->users.argument = argument;
}

struct reload_datagram *
reload_udp_datagram(struct reload_udp *udp)
{
    return &udp->datagram;
}

const struct reload_address *
reload_udp_address(const struct reload_udp *udp)
{
    return &udp->address;
}

const struct reload_udp_counters *
reload_udp_counters(const struct reload_udp *udp)
{
    return &udp->counters;
}
