/* connections.h: the open connections of the server and what each is at: none may stay for long,
 * however slowly it sends or reads (E7).
 *
 * The HTTP server's own time-out starts again with each octet, and closes without a word. All of
 * this is for its thread alone. SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_ENROLLD_CONNECTIONS_H
#define TOOLS_ENROLLD_CONNECTIONS_H

#include <microhttpd.h>

#include "reload/env.h"

#define CONNECTIONS_MAX 256
#define CONNECTIONS_LINGER (2 * RELOAD_SECOND)

/* What a connection is at, and when it has to be through with it. */
enum connection_phase {
    CONNECTION_RECEIVING, /* handshake and request: |time_max| after it was opened, then 408 */
    CONNECTION_ANSWERING, /* decision and answer: |time_max|, then closed */
    CONNECTION_REFUSED,   /* 408 was sent: until the client closes, CONNECTIONS_LINGER at most */
};

struct connection {
    struct MHD_Connection *http; /* NULL: free */
    enum connection_phase phase;
    reload_time since;
};

struct connections {
    struct connection rows[CONNECTIONS_MAX];
};

/* connections_open takes a row for |http|; NULL: there is none. connections_close frees it. */
struct connection *connections_open(struct connections *connections, struct MHD_Connection *http,
                                    reload_time now);
void connections_close(struct connection *connection);

/* connections_of returns the row that on_connection kept as |http|'s socket context, or NULL. */
struct connection *connections_of(struct MHD_Connection *http);

/* connections_answer tells that the request is complete, or refused before it was. */
void connections_answer(struct connection *connection, reload_time now);

/* connections_sweep looks for those that are late: who is still sending gets 408 Request Timeout
 * (RFC 9110 15.5.9) in its TLS session, the others are closed. Returns how many it ended. */
unsigned connections_sweep(struct connections *connections, reload_time now, reload_time time_max);

#endif
