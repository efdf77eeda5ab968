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

/* Datagrams that wait for the end of the turn, one after the other in |octets|. */
struct queue {
    size_t count, used;
    size_t sizes[QUEUE_MAX];
    struct sockaddr_storage to[QUEUE_MAX];
    socklen_t to_length[QUEUE_MAX];
    uint8_t octets[QUEUE_OCTETS_MAX];
};

struct reload_udp {
    struct reload_datagram datagram; /* first */
    struct reload_loop *loop;
    struct reload_watch *watch;
    struct reload_after *after;
    struct reload_udp_users users;
    struct reload_address address;
    struct reload_udp_counters counters;
    struct queue *queue;
    int descriptor;
    int family;
    unsigned entered;
    bool freed;
};

/* ---- out ------------------------------------------------------------------------------------ */

static void
flush(struct reload_udp *udp)
{
    struct queue *queue = udp->queue;
    struct mmsghdr messages[QUEUE_MAX];
    struct iovec vectors[QUEUE_MAX];
    size_t at = 0;
    for (size_t i = 0; i < queue->count; i++) {
        vectors[i] = (struct iovec){queue->octets + at, queue->sizes[i]};
        at += queue->sizes[i];
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &queue->to[i],
                                                   .msg_namelen = queue->to_length[i],
                                                   .msg_iov = &vectors[i],
                                                   .msg_iovlen = 1}};
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
    if (udp->queue->count)
        flush(udp);
}

static int
udp_send(struct reload_datagram *datagram, const struct reload_address *to,
         struct reload_bytes bytes)
{
    struct reload_udp *udp = (struct reload_udp *)datagram;
    struct queue *queue = udp->queue;
    if (bytes.size > QUEUE_OCTETS_MAX)
        return RELOAD_E_IO;
    if (queue->count == QUEUE_MAX || queue->used + bytes.size > QUEUE_OCTETS_MAX)
        flush(udp);
    size_t slot = queue->count;
    socklen_t length = reload_address_to_socket(to, udp->family, &queue->to[slot]);
    if (length == 0)
        return RELOAD_E_IO;
    queue->to_length[slot] = length;
    queue->sizes[slot] = bytes.size;
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
dispatch(struct reload_udp *udp, const struct msghdr *header, struct reload_bytes bytes)
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
    fn(udp->users.argument, &from, bytes);
}

/* Returns how many datagrams were read. */
static size_t
read_batch(struct reload_udp *udp)
{
    struct reload_scratch *scratch = reload_loop_scratch(udp->loop);
    struct mmsghdr messages[RELOAD_SCRATCH_DATAGRAMS];
    struct iovec vectors[RELOAD_SCRATCH_DATAGRAMS];
    struct sockaddr_storage from[RELOAD_SCRATCH_DATAGRAMS];
    for (size_t i = 0; i < RELOAD_SCRATCH_DATAGRAMS; i++) {
        vectors[i] = (struct iovec){scratch->datagrams[i], RELOAD_SCRATCH_DATAGRAM_SIZE};
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &from[i],
                                                   .msg_namelen = sizeof from[i],
                                                   .msg_iov = &vectors[i],
                                                   .msg_iovlen = 1}};
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
    free(udp->queue);
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
    set_options(made);
    made->queue = malloc(sizeof *made->queue);
    if (made->queue)
        made->queue->count = made->queue->used = 0;
    if (!made->queue || reload_loop_after(loop, on_turn_end, made, &made->after) != 0 ||
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
    if (udp->queue->count)
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
