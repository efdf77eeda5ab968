/* dtls_association.c: one DTLS association, from the first flight to the close_notify.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/dtls_internal.h"

#include "reload/run/env_host.h"
#include "reload/run/loop_libevent.h"
#include "reload/run/socket_address.h"

#include <openssl/err.h>

#include <assert.h>
#include <stdlib.h>
#include <sys/time.h>

/* A retransmission is worth little when a peer is near; RFC 6347 4.2.4.1 lets us go below 1 s. */
#define FLIGHT_TIMEOUT_US 400000u

/* A path whose routers drop large datagrams without a word (L16): a handshake that takes so long
 * goes on in pieces that each path carries. It is flights that are large. */
#define LARGE_TIME (2 * RELOAD_SECOND)
#define LINK_MTU_MIN 576

static const struct reload_connection_ops association_ops;
static reload_timer_fn on_timer;

/* ---- what OpenSSL reads and writes ---------------------------------------------------------- */

static size_t
read_datagram(void *owner, uint8_t *data, size_t capacity)
{
    struct association *association = owner;
    struct reload_bytes bytes = association->incoming;
    association->incoming = (struct reload_bytes){0};
    if (bytes.size == 0 || bytes.size > capacity)
        return 0;
    memcpy(data, bytes.data, bytes.size);
    return bytes.size;
}

static void
write_datagram(void *owner, struct reload_bytes datagram)
{
    struct association *association = owner;
    struct reload_dtls *dtls = association->dtls;
    if (association->state == ASSOCIATION_LISTENING) {
        dtls->counters.cookies_sent++;
        dtls->counters.cookie_bytes_sent += datagram.size;
    }
    struct reload_datagram *path = dtls->options.path;
    (void)path->ops->send(path, &association->address, datagram);
}

static unsigned
next_flight_timeout(SSL *ssl, unsigned timeout_us)
{
    (void)ssl;
    return timeout_us == 0 ? FLIGHT_TIMEOUT_US : 2 * timeout_us;
}

/* ---- life ----------------------------------------------------------------------------------- */

struct association *
association_new(struct reload_dtls *dtls)
{
    struct association *association = calloc(1, sizeof *association);
    if (!association)
        return NULL;
    association->connection.ops = &association_ops;
    association->dtls = dtls;
    association->datagrams = (struct reload_tls_datagrams){
        .read = read_datagram, .write = write_datagram, .owner = association, .overhead = 48};
    association->ssl = reload_tls_datagram(dtls->options.context, &association->datagrams);
    if (!association->ssl ||
        reload_loop_timer(dtls->options.loop, on_timer, association, &association->timer) != 0) {
        association_destroy(association);
        return NULL;
    }
    (void)SSL_set_app_data(association->ssl, association);
    DTLS_set_timer_cb(association->ssl, next_flight_timeout);
    (void)DTLS_set_link_mtu(association->ssl, RELOAD_DTLS_LINK_MTU);
    return association;
}

void
association_destroy(struct association *association)
{
    reload_timer_free(association->timer);
    SSL_free(association->ssl);
    free(association);
}

static void
enter(struct association *association)
{
    dtls_hold(association->dtls);
    association->entered++;
}

static void
leave(struct association *association)
{
    struct reload_dtls *dtls = association->dtls;
    assert(association->entered > 0);
    if (--association->entered == 0 && association->state == ASSOCIATION_ENDED)
        association_destroy(association);
    dtls_release(dtls);
}

/* OpenSSL does not take new buffers by itself when it writes: it would crash. */
static bool
wake(struct association *association)
{
    dtls_touch(association);
    if (association->lean && SSL_alloc_buffers(association->ssl))
        association->lean = false;
    return !association->lean;
}

/* Takes |association| out of the tables. The caller has entered it. */
static void
end(struct association *association)
{
    assert(association->entered > 0);
    assert(association->state == ASSOCIATION_HANDSHAKING || association->state == ASSOCIATION_UP);
    dtls_remove(association->dtls, association);
    reload_timer_set(association->timer, RELOAD_NEVER);
    association->state = ASSOCIATION_ENDED;
}

/* Ends and tells the user, who knows about it when it is up or when he wanted it. */
static void
fail(struct association *association, int error)
{
    bool was_up = association->state == ASSOCIATION_UP;
    bool known = was_up || !association->server;
    if (!was_up)
        association->dtls->counters.handshakes_failed++;
    end(association);
    if (known)
        association->connection.user->down(association->connection.argument,
                                           &association->connection, error);
}

void
association_close(struct association *association)
{
    if (association->state == ASSOCIATION_ENDED)
        return;
    enter(association);
    if (association->state == ASSOCIATION_UP && association->failure == 0 && wake(association)) {
        ERR_clear_error();
        (void)SSL_shutdown(association->ssl);
        ERR_clear_error();
    }
    end(association);
    leave(association);
}

static void
close_connection(struct reload_connection *connection)
{
    association_close((struct association *)connection);
}

static void
shrink_when_slow(struct association *association)
{
    reload_time now = reload_loop_now(association->dtls->options.loop);
    if (association->small || now - association->started < LARGE_TIME)
        return;
    association->small = true;
    (void)DTLS_set_link_mtu(association->ssl, LINK_MTU_MIN);
}

/* ---- handshake ------------------------------------------------------------------------------ */

static void
arm(struct association *association)
{
    struct timeval left;
    reload_time at = association->deadline;
    if (DTLSv1_get_timeout(association->ssl, &left)) {
        /* One ms more, so that OpenSSL finds its time to be over. */
        reload_time due = reload_loop_now(association->dtls->options.loop) +
                          (reload_time)left.tv_sec * RELOAD_SECOND +
                          (reload_time)left.tv_usec * 1000 + RELOAD_MS;
        at = due < at ? due : at;
    }
    reload_timer_set(association->timer, at);
}

static void
established(struct association *association)
{
    struct reload_dtls *dtls = association->dtls;
    const struct reload_identity *identity = NULL;
    int error = reload_tls_identity(dtls->options.context, association->ssl, &identity);
    if (error) {
        /* The peer believes that it stands. */
        (void)SSL_shutdown(association->ssl);
        fail(association, error);
        return;
    }
    struct reload_link_peer peer = {.identity = identity,
                                    .framing = dtls->options.framing,
                                    .rtt_ns = association->rtt_ns,
                                    .address = association->address,
                                    .overlay_link = dtls->options.overlay_link};
    size_t mtu = DTLS_get_data_mtu(association->ssl);
    assert(mtu > RELOAD_DTLS_MTU_MARGIN && mtu < RELOAD_DTLS_LINK_MTU);
    peer.mtu = (uint16_t)(mtu - RELOAD_DTLS_MTU_MARGIN);
    if (association->server) {
        TAILQ_REMOVE(&dtls->half_open, association, in_half_open);
        dtls->half_open_count--;
    }
    dtls->counters.handshakes_done++;
    association->state = ASSOCIATION_UP;
    dtls_touch(association);
    reload_timer_set(association->timer, RELOAD_NEVER);
    error = association->connection.user->up(association->connection.argument,
                                             &association->connection, &peer);
    if (error)
        association_close(association);
}

static void
log_failure(const struct association *association)
{
    char reason[96], address[RELOAD_ADDRESS_TEXT_SIZE];
    reload_env_log(association->dtls->options.context->env, RELOAD_LOG_INFO,
                   "DTLS handshake with %s failed: %s",
                   reload_address_text(&association->address, address),
                   reload_tls_reason(reason, sizeof reason));
}

static void
advance(struct association *association)
{
    ERR_clear_error();
    int result = SSL_do_handshake(association->ssl);
    if (result == 1) {
        established(association);
        return;
    }
    if (SSL_get_error(association->ssl, result) == SSL_ERROR_WANT_READ) {
        arm(association);
        return;
    }
    int error =
        SSL_get_verify_result(association->ssl) == X509_V_OK ? RELOAD_E_LINK : RELOAD_E_CERTIFICATE;
    log_failure(association);
    fail(association, error);
}

void
association_start(struct association *association, bool server, reload_time deadline)
{
    struct reload_dtls *dtls = association->dtls;
    assert(association->state == ASSOCIATION_LISTENING);
    association->datagrams.overhead = association->address.family == 6 ? 48 : 28;
    (void)DTLS_set_link_mtu(association->ssl, RELOAD_DTLS_LINK_MTU);
    association->server = server;
    association->state = ASSOCIATION_HANDSHAKING;
    association->started = reload_loop_now(dtls->options.loop);
    association->deadline = deadline;
    dtls_insert(dtls, association);
    dtls->counters.handshakes_started++;
    enter(association);
    if (server) {
        advance(association);
    } else {
        /* The user is not called from within reload_dtls_connect: a failure comes by the timer. */
        SSL_set_connect_state(association->ssl);
        ERR_clear_error();
        int result = SSL_do_handshake(association->ssl);
        if (SSL_get_error(association->ssl, result) != SSL_ERROR_WANT_READ)
            association->failure = RELOAD_E_CRYPTO;
        if (association->failure)
            reload_timer_set(association->timer, 0);
        else
            arm(association);
    }
    leave(association);
}

static void
on_timer(void *argument)
{
    struct association *association = argument;
    enter(association);
    reload_time now = reload_loop_now(association->dtls->options.loop);
    if (association->failure) {
        fail(association, association->failure);
    } else if (association->state == ASSOCIATION_HANDSHAKING) {
        shrink_when_slow(association);
        if (now >= association->deadline || DTLSv1_handle_timeout(association->ssl) < 0)
            fail(association, RELOAD_E_TIMEOUT);
        else
            arm(association);
        ERR_clear_error();
    }
    leave(association);
}

/* ---- data ----------------------------------------------------------------------------------- */

static void
read_records(struct association *association)
{
    uint8_t *record = reload_loop_scratch(association->dtls->options.loop)->record;
    while (association->state == ASSOCIATION_UP) {
        ERR_clear_error();
        int got = SSL_read(association->ssl, record, RELOAD_SCRATCH_RECORD_SIZE);
        if (got > 0) {
            association->connection.user->recv(association->connection.argument,
                                               &association->connection,
                                               (struct reload_bytes){record, (size_t)got});
            if (association->incoming.size == 0 && !SSL_has_pending(association->ssl))
                return; /* rather than ask once more in vain */
            continue;
        }
        int error = SSL_get_error(association->ssl, got);
        if (error == SSL_ERROR_WANT_READ)
            return;
        if (error == SSL_ERROR_ZERO_RETURN)
            (void)SSL_shutdown(association->ssl);
        ERR_clear_error();
        fail(association, error == SSL_ERROR_ZERO_RETURN ? RELOAD_E_CLOSED : RELOAD_E_LINK);
    }
}

void
association_feed(struct association *association, struct reload_bytes bytes)
{
    if (association->state == ASSOCIATION_ENDED || association->failure || !wake(association))
        return;
    enter(association);
    association->incoming = bytes;
    association->connection.heard = true;
    if (association->rtt_ns == 0)
        association->rtt_ns =
            reload_loop_now(association->dtls->options.loop) - association->started;
    if (association->state == ASSOCIATION_HANDSHAKING) {
        shrink_when_slow(association); /* it may repeat the last flight */
        advance(association);
    }
    if (association->state == ASSOCIATION_UP)
        read_records(association);
    association->incoming = (struct reload_bytes){0};
    leave(association);
}

static int
send_record(struct reload_connection *connection, struct reload_bytes bytes)
{
    struct association *association = (struct association *)connection;
    if (association->state != ASSOCIATION_UP || association->failure)
        return RELOAD_E_CLOSED;
    if (bytes.size > RELOAD_DTLS_RECORD_MAX)
        return RELOAD_E_TOO_LARGE;
    if (bytes.size == 0)
        return 0;
    if (!wake(association))
        return 0; /* lost, as datagrams may be */
    ERR_clear_error();
    if (SSL_write(association->ssl, bytes.data, (int)bytes.size) == (int)bytes.size)
        return 0;
    ERR_clear_error();
    association->failure = RELOAD_E_LINK;
    reload_timer_set(association->timer, 0);
    return RELOAD_E_CLOSED;
}

static const struct reload_connection_ops association_ops = {.send = send_record,
                                                             .close = close_connection};
