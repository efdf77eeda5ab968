/* connection.h: an authenticated connection, TLS or DTLS, as its user sees it.
 *
 * The user's functions are called from the loop only, never from within a call of the user's own;
 * so a failure that shows in |send| is told later, by |down|.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_RUN_CONNECTION_H
#define RELOAD_RUN_CONNECTION_H

#include "reload/node.h"

struct reload_connection;

struct reload_connection_user {
    /* The handshake is done and |peer| authenticated. An error returned closes the connection in
     * good order, without |down|. For one that a peer opened, |argument| is that of the listener
     * and |up| sets connection->argument. */
    int (*up)(void *argument, struct reload_connection *connection,
              const struct reload_link_peer *peer);
    /* A record (DTLS), a frame (TLS with framing) or some octets (TLS without). */
    void (*recv)(void *argument, struct reload_connection *connection, struct reload_bytes bytes);
    /* It could not be made, failed (|error|), or was closed by the peer (RELOAD_E_CLOSED). The
     * connection is gone when this returns. */
    void (*down)(void *argument, struct reload_connection *connection, int error);
};

struct reload_connection_ops {
    /* Sends |bytes| (copied where needed). Returns 0; RELOAD_E_BUSY when the peer does not read
     * and too much waits: |down| follows; RELOAD_E_CLOSED when it is not up (any more);
     * RELOAD_E_TOO_LARGE. */
    int (*send)(struct reload_connection *connection, struct reload_bytes bytes);
    /* Closes in good order (close_notify) and ends the connection; |down| is not called. Allowed
     * at any time, also from within the user's functions. */
    void (*close)(struct reload_connection *connection);
};

/* The implementation's struct begins with this one. |argument| may be changed by the user. */
struct reload_connection {
    const struct reload_connection_ops *ops;
    const struct reload_connection_user *user;
    void *argument;
    bool heard; /* DTLS: something came from the other end */
};

#endif
