/* sip_adaptor_phone.c: the phones' sockets: one for UDP, one that listens for TCP, and the
 * connections it accepted.
 *
 * RFC 3261 18. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/sip_adaptor_socket.h"
#include "usages/sip_adaptor_state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define DATAGRAMS_A_TURN 64
#define PORT_TRIES 16

struct phone_connection {
    struct sip_phones *phones;
    int descriptor;
    struct reload_watch *watch;
    struct sip_flow flow;
    bool connecting; /* opened by us, not up yet */
    struct reload_sip_stream stream;
    uint8_t *queue;
    size_t queued;
};

struct sip_phones {
    struct reload_sip_adaptor *adaptor;
    struct reload_address address;
    int udp, tcp;
    struct reload_watch *udp_watch, *tcp_watch;
    struct phone_connection *connections[SIP_CONNECTIONS_MAX];
    uint32_t last_number;
    uint8_t datagram[RELOAD_SIP_MESSAGE_MAX];
};

static bool
is_loopback(const struct reload_address *address)
{
    static const uint8_t ipv6_loopback[16] = {[15] = 1};
    return address->family == 6 ? memcmp(address->octets, ipv6_loopback, 16) == 0
                                : address->octets[0] == 127;
}

/* Phones on this host are accepted, others only when that is configured. */
static bool
is_welcome(struct sip_phones *phones, const struct reload_address *address)
{
    struct reload_sip_adaptor *adaptor = phones->adaptor;
    bool same = address->family == phones->address.family &&
                memcmp(address->octets, phones->address.octets, 16) == 0;
    if (adaptor->options.remote_phones || same || is_loopback(address))
        return true;
    adaptor->counters.dropped_remote++;
    return false;
}

static void
udp_ready(void *argument, int descriptor, unsigned events)
{
    struct sip_phones *phones = argument;
    struct reload_sip_adaptor *adaptor = phones->adaptor;
    (void)events;
    for (unsigned i = 0; i < DATAGRAMS_A_TURN; i++) {
        struct sockaddr_storage from;
        socklen_t from_size = sizeof from;
        ssize_t size = recvfrom(descriptor, phones->datagram, sizeof phones->datagram, MSG_TRUNC,
                                (struct sockaddr *)&from, &from_size);
        if (size < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (size < 0)
            continue; /* an ICMP error of an earlier datagram */
        struct sip_flow flow = {.type = SIP_FLOW_UDP, .address = sip_address_of_socket(&from)};
        if ((size_t)size > sizeof phones->datagram)
            adaptor->counters.dropped_malformed++;
        else if (is_welcome(phones, &flow.address))
            sip_adaptor_receive(adaptor, &flow, NULL,
                                (struct reload_bytes){phones->datagram, (size_t)size},
                                sip_adaptor_now(adaptor));
    }
}

static void
connection_close(struct phone_connection *connection)
{
    struct sip_phones *phones = connection->phones;
    for (size_t i = 0; i < SIP_CONNECTIONS_MAX; i++)
        if (phones->connections[i] == connection)
            phones->connections[i] = NULL;
    reload_watch_free(connection->watch);
    close(connection->descriptor);
    reload_sip_stream_fini(&connection->stream, phones->adaptor->env);
    free(connection->queue);
    free(connection);
}

static void
connection_lost(struct phone_connection *connection)
{
    struct reload_sip_adaptor *adaptor = connection->phones->adaptor;
    struct sip_flow flow = connection->flow;
    connection_close(connection);
    sip_adaptor_lost(adaptor, &flow, sip_adaptor_now(adaptor));
}

static struct phone_connection *
find_connection(struct sip_phones *phones, uint32_t number)
{
    for (size_t i = 0; i < SIP_CONNECTIONS_MAX; i++)
        if (number && phones->connections[i] && phones->connections[i]->flow.connection == number)
            return phones->connections[i];
    return NULL;
}

/* Writes what the socket takes; keeps the rest. Returns 0, RELOAD_E_CLOSED, RELOAD_E_BUSY, _NOMEM.
 * A connection that failed is closed when the loop sees it. */
static int
connection_write(struct phone_connection *connection, struct reload_bytes bytes)
{
    if (connection->queued == 0 && !connection->connecting) {
        ssize_t sent = send(connection->descriptor, bytes.data, bytes.size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return RELOAD_E_CLOSED;
        size_t done = sent > 0 ? (size_t)sent : 0;
        bytes = (struct reload_bytes){bytes.data + done, bytes.size - done};
    }
    if (bytes.size == 0)
        return 0;
    if (connection->queued + bytes.size > SIP_SEND_QUEUE_MAX)
        return RELOAD_E_BUSY;
    uint8_t *queue = realloc(connection->queue, connection->queued + bytes.size);
    if (!queue)
        return RELOAD_E_NOMEM;
    memcpy(queue + connection->queued, bytes.data, bytes.size);
    connection->queue = queue;
    connection->queued += bytes.size;
    reload_watch_set(connection->watch, RELOAD_WATCH_READ | RELOAD_WATCH_WRITE);
    return 0;
}

/* Returns false when the connection could not be made. */
static bool
connection_made(struct phone_connection *connection)
{
    int problem = 0;
    socklen_t size = sizeof problem;
    connection->connecting = false;
    reload_watch_set(connection->watch, RELOAD_WATCH_READ);
    return getsockopt(connection->descriptor, SOL_SOCKET, SO_ERROR, &problem, &size) == 0 &&
           problem == 0;
}

static bool
connection_flush(struct phone_connection *connection)
{
    ssize_t sent =
        send(connection->descriptor, connection->queue, connection->queued, MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN || errno == EINTR;
    connection->queued -= (size_t)sent;
    memmove(connection->queue, connection->queue + sent, connection->queued);
    if (connection->queued == 0)
        reload_watch_set(connection->watch, RELOAD_WATCH_READ);
    return true;
}

/* Hands out all whole messages; answers pings (RFC 5626 3.5.1). Returns false when the stream is
 * broken. */
static bool
connection_drain(struct phone_connection *connection)
{
    struct sip_phones *phones = connection->phones;
    struct reload_sip_adaptor *adaptor = phones->adaptor;
    struct sip_flow flow = connection->flow;
    for (;;) {
        struct reload_bytes message;
        unsigned pings = 0;
        int error = reload_sip_stream_next(&connection->stream, &pings, &message);
        if (pings)
            (void)connection_write(connection, reload_bytes_of_string("\r\n"));
        if (error == RELOAD_E_TRUNCATED)
            return true;
        if (error) {
            adaptor->counters.dropped_malformed++;
            return false;
        }
        sip_adaptor_receive(adaptor, &flow, NULL, message, sip_adaptor_now(adaptor));
        if (find_connection(phones, flow.connection) != connection)
            return true;
        reload_sip_stream_done(&connection->stream, message.size);
    }
}

static void
connection_ready(void *argument, int descriptor, unsigned events)
{
    struct phone_connection *connection = argument;
    struct sip_phones *phones = connection->phones;
    bool writable = events & RELOAD_WATCH_WRITE;
    if ((writable && connection->connecting && !connection_made(connection)) ||
        (writable && connection->queued && !connection_flush(connection))) {
        connection_lost(connection);
        return;
    }
    if (!(events & RELOAD_WATCH_READ))
        return;
    ssize_t size = recv(descriptor, phones->datagram, 16384, 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    struct reload_bytes bytes = {phones->datagram, size > 0 ? (size_t)size : 0};
    if (size <= 0 || reload_sip_stream_put(&connection->stream, phones->adaptor->env, bytes) != 0 ||
        !connection_drain(connection))
        connection_lost(connection);
}

static size_t
free_place(const struct sip_phones *phones)
{
    size_t place = 0;
    while (place < SIP_CONNECTIONS_MAX && phones->connections[place])
        place++;
    return place;
}

/* Makes a connection of |descriptor|, which is closed when there is no room. */
static struct phone_connection *
connection_new(struct sip_phones *phones, int descriptor, const struct reload_address *address,
               unsigned events)
{
    size_t place = free_place(phones);
    struct phone_connection *connection = NULL;
    int yes = 1;
    if (place < SIP_CONNECTIONS_MAX)
        connection = calloc(1, sizeof *connection);
    if (!connection) {
        phones->adaptor->counters.dropped_busy++;
        close(descriptor);
        return NULL;
    }
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    connection->phones = phones;
    connection->descriptor = descriptor;
    connection->flow = (struct sip_flow){.type = SIP_FLOW_TCP,
                                         .is_reliable = true,
                                         .address = *address,
                                         .connection = ++phones->last_number};
    phones->connections[place] = connection;
    if (reload_loop_watch(phones->adaptor->options.loop, descriptor, events, connection_ready,
                          connection, &connection->watch) != 0) {
        connection_close(connection);
        return NULL;
    }
    return connection;
}

/* Opens a connection to a phone that is not connected (any more). NULL when that cannot be. */
static struct phone_connection *
connection_open(struct sip_phones *phones, const struct reload_address *address)
{
    struct sockaddr_storage storage;
    socklen_t size = sip_address_to_socket(address, &storage);
    int descriptor = socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return NULL;
    if (connect(descriptor, (struct sockaddr *)&storage, size) != 0 && errno != EINPROGRESS) {
        close(descriptor);
        return NULL;
    }
    struct phone_connection *connection =
        connection_new(phones, descriptor, address, RELOAD_WATCH_READ | RELOAD_WATCH_WRITE);
    if (connection)
        connection->connecting = true;
    return connection;
}

int
sip_phones_connect(struct sip_phones *phones, struct sip_flow *flow)
{
    struct phone_connection *connection = NULL;
    if (flow->type != SIP_FLOW_TCP || find_connection(phones, flow->connection))
        return 0;
    for (size_t i = 0; i < SIP_CONNECTIONS_MAX && !connection; i++) {
        struct phone_connection *other = phones->connections[i];
        if (other && sip_address_equal(&other->flow.address, &flow->address))
            connection = other;
    }
    if (!connection)
        connection = connection_open(phones, &flow->address);
    if (!connection)
        return RELOAD_E_CLOSED;
    flow->connection = connection->flow.connection;
    return 0;
}

static void
tcp_ready(void *argument, int descriptor, unsigned events)
{
    struct sip_phones *phones = argument;
    (void)events;
    for (unsigned i = 0; i < SIP_CONNECTIONS_MAX; i++) {
        struct sockaddr_storage from;
        socklen_t from_size = sizeof from;
        int accepted =
            accept4(descriptor, (struct sockaddr *)&from, &from_size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted < 0)
            return;
        struct reload_address address = sip_address_of_socket(&from);
        if (is_welcome(phones, &address))
            (void)connection_new(phones, accepted, &address, RELOAD_WATCH_READ);
        else
            close(accepted);
    }
}

/* UDP and TCP share a port; a free one that is asked for must be free for both. */
static int
bind_both(struct sip_phones *phones)
{
    bool any_port = phones->address.port == 0;
    for (unsigned i = 0; i < (any_port ? PORT_TRIES : 1); i++) {
        if (any_port)
            phones->address.port = 0;
        phones->udp = sip_socket_bind(SOCK_DGRAM, &phones->address);
        if (phones->udp < 0)
            return RELOAD_E_IO;
        phones->tcp = sip_socket_bind(SOCK_STREAM, &phones->address);
        if (phones->tcp >= 0)
            return 0;
        int saved = errno;
        close(phones->udp);
        phones->udp = -1;
        errno = saved;
    }
    return RELOAD_E_IO;
}

static int
watch_both(struct sip_phones *phones)
{
    struct reload_loop *loop = phones->adaptor->options.loop;
    int error = reload_loop_watch(loop, phones->udp, RELOAD_WATCH_READ, udp_ready, phones,
                                  &phones->udp_watch);
    if (error == 0)
        error = reload_loop_watch(loop, phones->tcp, RELOAD_WATCH_READ, tcp_ready, phones,
                                  &phones->tcp_watch);
    return error;
}

int
sip_phones_new(struct reload_sip_adaptor *adaptor, char *reason, size_t reason_size)
{
    struct sip_phones *phones = calloc(1, sizeof *phones);
    if (!phones)
        return RELOAD_E_NOMEM;
    phones->adaptor = adaptor;
    phones->address = adaptor->options.address;
    phones->udp = phones->tcp = -1;
    /* A random begin, so that tokens of an earlier run name no connection of this one. */
    adaptor->env->random(adaptor->env->context, &phones->last_number, sizeof phones->last_number);
    adaptor->phones = phones;
    int error = bind_both(phones);
    if (error)
        snprintf(reason, reason_size, "cannot serve phones at port %u: %s",
                 (unsigned)adaptor->options.address.port, strerror(errno));
    else
        error = watch_both(phones);
    if (error) {
        sip_phones_free(phones);
        adaptor->phones = NULL;
    }
    return error;
}

void
sip_phones_free(struct sip_phones *phones)
{
    if (!phones)
        return;
    for (size_t i = 0; i < SIP_CONNECTIONS_MAX; i++)
        if (phones->connections[i])
            connection_close(phones->connections[i]);
    reload_watch_free(phones->udp_watch);
    reload_watch_free(phones->tcp_watch);
    if (phones->udp >= 0)
        close(phones->udp);
    if (phones->tcp >= 0)
        close(phones->tcp);
    free(phones);
}

const struct reload_address *
sip_phones_address(const struct sip_phones *phones)
{
    return &phones->address;
}

int
sip_phones_send(struct sip_phones *phones, const struct sip_flow *flow, struct reload_bytes bytes)
{
    if (flow->type == SIP_FLOW_TCP) {
        struct phone_connection *connection = find_connection(phones, flow->connection);
        return connection ? connection_write(connection, bytes) : RELOAD_E_CLOSED;
    }
    struct sockaddr_storage to;
    socklen_t size = sip_address_to_socket(&flow->address, &to);
    if (sendto(phones->udp, bytes.data, bytes.size, 0, (struct sockaddr *)&to, size) >= 0)
        return 0;
    /* What is lost is sent again by the timers. */
    return errno == EMSGSIZE ? RELOAD_E_TOO_LARGE : 0;
}
