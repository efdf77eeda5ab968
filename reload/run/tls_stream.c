/* tls_stream.c: one TLS connection, from connect to close_notify.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/tls_internal.h"

#include "reload/run/env_host.h"
#include "reload/run/loop_libevent.h"
#include "reload/run/socket_address.h"

#include <openssl/err.h>

#include <assert.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

/* Records read at one event, so that other descriptors have their turn. */
#define READS_MAX 64
#define WAITING_FIRST 4096

static const struct reload_connection_ops stream_ops;
static reload_watch_fn on_ready;
static reload_timer_fn on_timer;

/* ---- life ----------------------------------------------------------------------------------- */

static void
destroy(struct stream *stream)
{
    reload_watch_free(stream->watch);
    reload_timer_free(stream->timer);
    SSL_free(stream->ssl);
    (void)close(stream->descriptor);
    reload_frame_splitter_fini(&stream->splitter);
    free(stream->waiting);
    free(stream);
}

static void
enter(struct stream *stream)
{
    tls_hold(stream->tls);
    stream->entered++;
}

static void
leave(struct stream *stream)
{
    struct reload_tls *tls = stream->tls;
    assert(stream->entered > 0);
    if (--stream->entered == 0 && stream->state == STREAM_ENDED)
        destroy(stream);
    tls_release(tls);
}

static bool
is_half_open(const struct stream *stream)
{
    return stream->incoming && stream->state == STREAM_HANDSHAKING;
}

static void
set_state(struct stream *stream, enum stream_state state)
{
    struct reload_tls *tls = stream->tls;
    assert(stream->state != STREAM_ENDED);
    if (is_half_open(stream)) {
        TAILQ_REMOVE(&tls->half_open, stream, in_half_open);
        tls->half_open_count--;
    }
    stream->state = state;
    if (is_half_open(stream)) {
        TAILQ_INSERT_TAIL(&tls->half_open, stream, in_half_open);
        tls->half_open_count++;
    }
    if (state != STREAM_ENDED)
        return;
    TAILQ_REMOVE(&tls->streams, stream, in_list);
    tls->count--;
    reload_timer_set(stream->timer, RELOAD_NEVER);
    reload_watch_set(stream->watch, 0);
}

struct stream *
stream_new(struct reload_tls *tls, int descriptor, bool incoming, reload_time deadline)
{
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream) {
        (void)close(descriptor);
        return NULL;
    }
    stream->connection.ops = &stream_ops;
    stream->tls = tls;
    stream->descriptor = descriptor;
    stream->incoming = incoming;
    stream->splitter.message_max = tls->options.message_max;
    stream->ssl = reload_tls_stream(tls->options.context, descriptor);
    if (!stream->ssl ||
        reload_loop_timer(tls->options.loop, on_timer, stream, &stream->timer) != 0 ||
        reload_loop_watch(tls->options.loop, descriptor,
                          incoming ? RELOAD_WATCH_READ : RELOAD_WATCH_WRITE, on_ready, stream,
                          &stream->watch) != 0) {
        destroy(stream);
        return NULL;
    }
    int on = 1;
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (incoming)
        SSL_set_accept_state(stream->ssl);
    else
        SSL_set_connect_state(stream->ssl);
    stream->started = reload_loop_now(tls->options.loop);
    reload_timer_set(stream->timer, deadline);
    TAILQ_INSERT_TAIL(&tls->streams, stream, in_list);
    tls->count++;
    set_state(stream, incoming ? STREAM_HANDSHAKING : STREAM_CONNECTING);
    return stream;
}

/* Ends and tells the user, who knows about it when it is up or when he wanted it. */
static void
fail(struct stream *stream, int error)
{
    bool was_up = stream->state == STREAM_UP;
    bool known = was_up || (!stream->incoming && stream->state != STREAM_LINGERING);
    if (!was_up && stream->state != STREAM_LINGERING)
        stream->tls->counters.handshakes_failed++;
    set_state(stream, STREAM_ENDED);
    if (known)
        stream->connection.user->down(stream->connection.argument, &stream->connection, error);
}

void
stream_drop(struct stream *stream)
{
    if (stream->state == STREAM_ENDED)
        return;
    enter(stream);
    if (stream->state == STREAM_UP) {
        ERR_clear_error();
        (void)SSL_shutdown(stream->ssl);
        ERR_clear_error();
    }
    set_state(stream, STREAM_ENDED);
    leave(stream);
}

/* ---- out ------------------------------------------------------------------------------------ */

/* Sends the close_notify and the FIN when nothing waits any more. */
static void
finish(struct stream *stream)
{
    if (stream->finished || stream->waiting_size > 0)
        return;
    ERR_clear_error();
    (void)SSL_shutdown(stream->ssl);
    ERR_clear_error();
    (void)shutdown(stream->descriptor, SHUT_WR);
    stream->finished = true;
    reload_watch_set(stream->watch, RELOAD_WATCH_READ);
}

void
stream_close(struct stream *stream)
{
    if (stream->state == STREAM_ENDED || stream->state == STREAM_LINGERING)
        return;
    if (stream->state != STREAM_UP || stream->failure) {
        enter(stream);
        set_state(stream, STREAM_ENDED);
        leave(stream);
        return;
    }
    set_state(stream, STREAM_LINGERING);
    reload_timer_set(stream->timer,
                     reload_loop_now(stream->tls->options.loop) + RELOAD_TLS_LINGER_TIME);
    finish(stream);
}

static void
close_connection(struct reload_connection *connection)
{
    stream_close((struct stream *)connection);
}

/* Writes to OpenSSL; returns how much it took, or a negative RELOAD_E_*. */
static ssize_t
write_some(struct stream *stream, const uint8_t *data, size_t size)
{
    ERR_clear_error();
    size_t written = 0;
    if (SSL_write_ex(stream->ssl, data, size, &written))
        return (ssize_t)written;
    int error = SSL_get_error(stream->ssl, 0);
    ERR_clear_error();
    if (error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ)
        return 0;
    return RELOAD_E_LINK;
}

static reload_time
stall_deadline(const struct stream *stream)
{
    const struct reload_tls_options *options = &stream->tls->options;
    return reload_loop_now(options->loop) + options->stall_time_ns;
}

/* Returns 0 or RELOAD_E_LINK. */
static int
flush(struct stream *stream)
{
    bool moved = false;
    while (stream->waiting_size > 0) {
        ssize_t written =
            write_some(stream, stream->waiting + stream->waiting_begin, stream->waiting_size);
        if (written < 0)
            return RELOAD_E_LINK;
        if (written == 0)
            break;
        stream->waiting_begin += (size_t)written;
        stream->waiting_size -= (size_t)written;
        moved = true;
    }
    if (stream->waiting_size == 0 && stream->waiting) {
        free(stream->waiting);
        stream->waiting = NULL;
        stream->waiting_begin = stream->waiting_capacity = 0;
        reload_watch_set(stream->watch, RELOAD_WATCH_READ);
    }
    if (moved && stream->state == STREAM_UP)
        reload_timer_set(stream->timer,
                         stream->waiting_size > 0 ? stall_deadline(stream) : RELOAD_NEVER);
    return 0;
}

static int
queue(struct stream *stream, struct reload_bytes bytes)
{
    size_t needed = stream->waiting_size + bytes.size;
    if (needed > RELOAD_TLS_QUEUE_MAX)
        return RELOAD_E_BUSY;
    if (stream->waiting_begin > 0) {
        memmove(stream->waiting, stream->waiting + stream->waiting_begin, stream->waiting_size);
        stream->waiting_begin = 0;
    }
    if (needed > stream->waiting_capacity) {
        size_t capacity = stream->waiting_capacity ? stream->waiting_capacity : WAITING_FIRST;
        while (capacity < needed)
            capacity *= 2;
        uint8_t *data = realloc(stream->waiting, capacity);
        if (!data)
            return RELOAD_E_NOMEM;
        stream->waiting = data;
        stream->waiting_capacity = capacity;
    }
    if (stream->waiting_size == 0) {
        reload_watch_set(stream->watch, RELOAD_WATCH_READ | RELOAD_WATCH_WRITE);
        reload_timer_set(stream->timer, stall_deadline(stream));
    }
    memcpy(stream->waiting + stream->waiting_size, bytes.data, bytes.size);
    stream->waiting_size = needed;
    return 0;
}

static int
send_bytes(struct reload_connection *connection, struct reload_bytes bytes)
{
    struct stream *stream = (struct stream *)connection;
    if (stream->state != STREAM_UP || stream->failure)
        return RELOAD_E_CLOSED;
    int error = 0;
    while (stream->waiting_size == 0 && bytes.size > 0) {
        ssize_t written = write_some(stream, bytes.data, bytes.size);
        if (written < 0)
            error = RELOAD_E_LINK;
        if (written <= 0)
            break;
        bytes.data += written;
        bytes.size -= (size_t)written;
    }
    if (!error && bytes.size > 0)
        error = queue(stream, bytes);
    if (!error)
        return 0;
    if (error == RELOAD_E_BUSY)
        stream->tls->counters.stalled++;
    stream->failure = error;
    reload_timer_set(stream->timer, 0);
    return error == RELOAD_E_BUSY ? RELOAD_E_BUSY : RELOAD_E_CLOSED;
}

/* ---- in ------------------------------------------------------------------------------------- */

static bool
hand_over(void *argument, struct reload_bytes frame)
{
    struct stream *stream = argument;
    stream->connection.user->recv(stream->connection.argument, &stream->connection, frame);
    return stream->state == STREAM_UP;
}

/* Returns 0 or why the stream must go. */
static int
take(struct stream *stream, struct reload_bytes bytes)
{
    if (stream->tls->options.framing != RELOAD_FRAMING_STREAM) {
        (void)hand_over(stream, bytes);
        return 0;
    }
    int error = reload_frame_splitter_feed(&stream->splitter, bytes, hand_over, stream);
    if (error)
        stream->tls->counters.bad_frames++;
    return error;
}

static void
read_records(struct stream *stream)
{
    uint8_t *record = reload_loop_scratch(stream->tls->options.loop)->record;
    for (int i = 0; i < READS_MAX && stream->state == STREAM_UP; i++) {
        ERR_clear_error();
        int got = SSL_read(stream->ssl, record, RELOAD_SCRATCH_RECORD_SIZE);
        if (got <= 0) {
            int reason = SSL_get_error(stream->ssl, got);
            ERR_clear_error();
            if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE)
                return;
            fail(stream, reason == SSL_ERROR_ZERO_RETURN ? RELOAD_E_CLOSED : RELOAD_E_LINK);
            return;
        }
        int error = take(stream, (struct reload_bytes){record, (size_t)got});
        if (!error || stream->state != STREAM_UP)
            continue;
        (void)SSL_shutdown(stream->ssl);
        ERR_clear_error();
        fail(stream, error == RELOAD_E_NOMEM ? error : RELOAD_E_LINK);
    }
    /* The kernel may have nothing more for us, but OpenSSL has. */
    if (stream->state == STREAM_UP && SSL_has_pending(stream->ssl) && stream->waiting_size == 0)
        reload_timer_set(stream->timer, 0);
}

/* ---- handshake ------------------------------------------------------------------------------ */

static void
established(struct stream *stream)
{
    struct reload_tls *tls = stream->tls;
    const struct reload_identity *identity = NULL;
    int error = reload_tls_identity(tls->options.context, stream->ssl, &identity);
    if (error) {
        (void)SSL_shutdown(stream->ssl);
        ERR_clear_error();
        fail(stream, error);
        return;
    }
    struct reload_link_peer peer = {.identity = identity,
                                    .framing = tls->options.framing,
                                    .rtt_ns = stream->rtt_ns,
                                    .address = stream->address,
                                    .overlay_link = tls->options.overlay_link};
    tls->counters.handshakes_done++;
    set_state(stream, STREAM_UP);
    reload_timer_set(stream->timer, RELOAD_NEVER);
    reload_watch_set(stream->watch, RELOAD_WATCH_READ);
    error = stream->connection.user->up(stream->connection.argument, &stream->connection, &peer);
    if (error)
        stream_close(stream);
}

static void
log_failure(const struct stream *stream)
{
    char reason[96], address[RELOAD_ADDRESS_TEXT_SIZE];
    reload_env_log(
        stream->tls->options.context->env, RELOAD_LOG_INFO, "TLS handshake with %s failed: %s",
        reload_address_text(&stream->address, address), reload_tls_reason(reason, sizeof reason));
}

static void
shake_hands(struct stream *stream)
{
    ERR_clear_error();
    int result = SSL_do_handshake(stream->ssl);
    int reason = SSL_get_error(stream->ssl, result);
    if (result == 1) {
        established(stream);
    } else if (reason == SSL_ERROR_WANT_READ) {
        reload_watch_set(stream->watch, RELOAD_WATCH_READ);
    } else if (reason == SSL_ERROR_WANT_WRITE) {
        reload_watch_set(stream->watch, RELOAD_WATCH_WRITE);
    } else {
        int error =
            SSL_get_verify_result(stream->ssl) == X509_V_OK ? RELOAD_E_LINK : RELOAD_E_CERTIFICATE;
        log_failure(stream);
        fail(stream, error);
    }
}

static void
connected(struct stream *stream)
{
    int reason = 0;
    socklen_t length = sizeof reason;
    if (getsockopt(stream->descriptor, SOL_SOCKET, SO_ERROR, &reason, &length) != 0 ||
        reason != 0) {
        fail(stream, RELOAD_E_UNREACHABLE);
        return;
    }
    stream->rtt_ns = reload_loop_now(stream->tls->options.loop) - stream->started;
    set_state(stream, STREAM_HANDSHAKING);
    shake_hands(stream);
}

/* ---- events --------------------------------------------------------------------------------- */

/* The peer may send on until it has seen our close_notify. */
static void
linger(struct stream *stream)
{
    uint8_t *unread = reload_loop_scratch(stream->tls->options.loop)->record;
    if (flush(stream) != 0) {
        fail(stream, RELOAD_E_LINK);
        return;
    }
    finish(stream);
    for (int i = 0; i < READS_MAX; i++) {
        ssize_t got = recv(stream->descriptor, unread, RELOAD_SCRATCH_RECORD_SIZE, MSG_DONTWAIT);
        if (got > 0)
            continue;
        if (got == 0 && stream->finished)
            fail(stream, RELOAD_E_CLOSED);
        return;
    }
}

static void
on_ready(void *argument, int descriptor, unsigned events)
{
    (void)descriptor;
    struct stream *stream = argument;
    enter(stream);
    switch (stream->state) {
    case STREAM_CONNECTING:
        connected(stream);
        break;
    case STREAM_HANDSHAKING:
        shake_hands(stream);
        break;
    case STREAM_UP:
        if ((events & RELOAD_WATCH_WRITE) && flush(stream) != 0)
            fail(stream, RELOAD_E_LINK);
        break;
    case STREAM_LINGERING:
        linger(stream);
        break;
    case STREAM_ENDED:
        break;
    }
    if (stream->state == STREAM_UP && !stream->failure)
        read_records(stream);
    leave(stream);
}

static void
on_timer(void *argument)
{
    struct stream *stream = argument;
    enter(stream);
    if (stream->failure) {
        fail(stream, stream->failure);
    } else if (stream->state != STREAM_UP) {
        fail(stream, RELOAD_E_TIMEOUT);
    } else if (stream->waiting_size > 0) {
        stream->tls->counters.stalled++;
        fail(stream, RELOAD_E_TIMEOUT);
    } else {
        read_records(stream);
    }
    leave(stream);
}

static const struct reload_connection_ops stream_ops = {.send = send_bytes,
                                                        .close = close_connection};
