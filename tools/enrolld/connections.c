/* connections.c: the open connections of the server and what each is at.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/enrolld/connections.h"

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <sys/socket.h>

struct connection *
connections_open(struct connections *connections, struct MHD_Connection *http, reload_time now)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *connection = &connections->rows[i];
        if (connection->http != NULL)
            continue;
        *connection = (struct connection){http, CONNECTION_RECEIVING, now};
        return connection;
    }
    return NULL;
}

void
connections_close(struct connection *connection)
{
    connection->http = NULL;
}

struct connection *
connections_of(struct MHD_Connection *http)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(http, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
}

void
connections_answer(struct connection *connection, reload_time now)
{
    if (connection->phase == CONNECTION_RECEIVING) {
        connection->phase = CONNECTION_ANSWERING;
        connection->since = now;
    }
}

static void
shut(const struct connection *connection, int how)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection->http, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info != NULL)
        shutdown(info->connect_fd, how);
}

/* Writes the answer below libmicrohttpd, which cannot answer before a request is complete. Nothing
 * else was written yet, and it fits into the socket's buffer: what does not is not worth waiting
 * for. Returns whether it was written; before the end of the handshake it cannot be. */
static bool
write_timeout(const struct connection *connection)
{
    static const char answer[] = "HTTP/1.1 408 Request Timeout\r\n"
                                 "Content-Type: text/plain\r\n"
                                 "Content-Length: 23\r\n"
                                 "Cache-Control: no-store\r\n"
                                 "Connection: close\r\n"
                                 "\r\n"
                                 "the request is too slow";
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection->http, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (info == NULL || info->tls_session == NULL)
        return false;
    gnutls_session_t session = info->tls_session;
    if (gnutls_record_send(session, answer, sizeof answer - 1) != (ssize_t)sizeof answer - 1)
        return false;
    return gnutls_bye(session, GNUTLS_SHUT_WR) == GNUTLS_E_SUCCESS;
}

static void
end(struct connection *connection, reload_time now)
{
    if (connection->phase == CONNECTION_RECEIVING && write_timeout(connection)) {
        /* What still comes is read and thrown away: closing at once would reset the connection,
         * and the client might lose the answer. */
        connection->phase = CONNECTION_REFUSED;
        connection->since = now;
        shut(connection, SHUT_WR);
    } else {
        /* libmicrohttpd reads the end of the stream and closes it; then the row becomes free. */
        shut(connection, SHUT_RDWR);
    }
}

unsigned
connections_sweep(struct connections *connections, reload_time now, reload_time time_max)
{
    unsigned count = 0;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *connection = &connections->rows[i];
        reload_time most = connection->phase == CONNECTION_REFUSED ? CONNECTIONS_LINGER : time_max;
        if (connection->http == NULL || now - connection->since <= most)
            continue;
        end(connection, now);
        count++;
    }
    return count;
}
