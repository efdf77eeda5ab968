/* link_tls.c: TLS connections over TCP: the listener, and the list of connections.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/tls_internal.h"

#include "reload/run/loop_libevent.h"
#include "reload/run/socket_address.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define BACKLOG 128
#define ACCEPTS_MAX 16 /* at one event */
#define ACCEPT_PAUSE (100 * RELOAD_MS)

static void
destroy(struct reload_tls *tls)
{
    assert(tls->count == 0);
    reload_watch_free(tls->watch);
    reload_timer_free(tls->pause);
    if (tls->listener >= 0)
        (void)close(tls->listener);
    free(tls);
}

void
tls_hold(struct reload_tls *tls)
{
    tls->entered++;
}

void
tls_release(struct reload_tls *tls)
{
    assert(tls->entered > 0);
    if (--tls->entered == 0 && tls->freed)
        destroy(tls);
}

static void
take_in(struct reload_tls *tls, int descriptor, const struct sockaddr_storage *from)
{
    if (tls->count >= RELOAD_TLS_STREAMS_MAX) {
        tls->counters.refused++;
        (void)close(descriptor);
        return;
    }
    /* The oldest one goes, so that who says nothing keeps nobody out for long. */
    if (tls->half_open_count >= RELOAD_TLS_HALF_OPEN_MAX) {
        tls->counters.half_open_evicted++;
        stream_drop(TAILQ_FIRST(&tls->half_open));
    }
    struct stream *stream = stream_new(
        tls, descriptor, true, reload_loop_now(tls->options.loop) + RELOAD_TLS_HALF_OPEN_TIME);
    if (!stream)
        return;
    if (reload_address_of_socket(from, &stream->address) != 0)
        stream->address = (struct reload_address){0};
    stream->connection.user = tls->options.user;
    stream->connection.argument = tls->options.argument;
    tls->counters.accepted++;
}

static void
on_connection(void *argument, int descriptor, unsigned events)
{
    (void)events;
    struct reload_tls *tls = argument;
    tls_hold(tls);
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        struct sockaddr_storage from = {0};
        socklen_t length = sizeof from;
        int accepted =
            accept4(descriptor, (struct sockaddr *)&from, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted >= 0) {
            take_in(tls, accepted, &from);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            reload_watch_set(tls->watch, 0);
            reload_timer_set(tls->pause, reload_loop_now(tls->options.loop) + ACCEPT_PAUSE);
        }
        if (errno != ECONNABORTED && errno != EINTR)
            break;
    }
    tls_release(tls);
}

static void
on_pause_end(void *argument)
{
    struct reload_tls *tls = argument;
    reload_watch_set(tls->watch, RELOAD_WATCH_READ);
}

static int
begin_listening(struct reload_tls *tls)
{
    tls->listener = reload_socket_bind(SOCK_STREAM, tls->options.listen, &tls->address);
    if (tls->listener < 0)
        return RELOAD_E_IO;
    if (listen(tls->listener, BACKLOG) != 0)
        return RELOAD_E_IO;
    if (reload_loop_timer(tls->options.loop, on_pause_end, tls, &tls->pause) != 0)
        return RELOAD_E_NOMEM;
    return reload_loop_watch(tls->options.loop, tls->listener, RELOAD_WATCH_READ, on_connection,
                             tls, &tls->watch);
}

int
reload_tls_new(const struct reload_tls_options *options, struct reload_tls **tls)
{
    struct reload_tls *made = calloc(1, sizeof *made);
    if (!made)
        return RELOAD_E_NOMEM;
    made->options = *options;
    made->listener = -1;
    if (made->options.stall_time_ns == 0)
        made->options.stall_time_ns = RELOAD_TLS_STALL_TIME;
    TAILQ_INIT(&made->streams);
    TAILQ_INIT(&made->half_open);
    int error = options->listen ? begin_listening(made) : 0;
    if (error) {
        int reason = errno;
        destroy(made);
        errno = reason;
        return error;
    }
    made->options.listen = NULL;
    *tls = made;
    return 0;
}

void
reload_tls_free(struct reload_tls *tls)
{
    if (!tls || tls->freed)
        return;
    tls_hold(tls);
    tls->freed = true;
    while (!TAILQ_EMPTY(&tls->streams))
        stream_drop(TAILQ_FIRST(&tls->streams));
    if (tls->watch)
        reload_watch_set(tls->watch, 0);
    tls_release(tls);
}

int
reload_tls_connect(struct reload_tls *tls, const struct reload_address *to,
                   const struct reload_connection_user *user, void *argument, reload_time deadline,
                   struct reload_connection **connection)
{
    if (tls->freed || tls->count >= RELOAD_TLS_STREAMS_MAX)
        return RELOAD_E_BUSY;
    int family = to->family == 6 ? AF_INET6 : AF_INET;
    struct sockaddr_storage storage;
    socklen_t length = reload_address_to_socket(to, family, &storage);
    int descriptor = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return RELOAD_E_IO;
    if (connect(descriptor, (struct sockaddr *)&storage, length) != 0 && errno != EINPROGRESS) {
        (void)close(descriptor);
        return RELOAD_E_IO;
    }
    struct stream *stream = stream_new(tls, descriptor, false, deadline);
    if (!stream)
        return RELOAD_E_NOMEM;
    stream->address = *to;
    stream->connection.user = user;
    stream->connection.argument = argument;
    *connection = &stream->connection;
    return 0;
}

const struct reload_address *
reload_tls_address(const struct reload_tls *tls)
{
    return &tls->address;
}

size_t
reload_tls_count(const struct reload_tls *tls)
{
    return tls->count;
}

size_t
reload_tls_half_open(const struct reload_tls *tls)
{
    return tls->half_open_count;
}

const struct reload_tls_counters *
reload_tls_counters(const struct reload_tls *tls)
{
    return &tls->counters;
}
