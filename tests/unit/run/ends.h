/* ends.h: what the tests of TLS and DTLS links have in common: a loop with a limit, and users of
 * connections that note what happened.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TESTS_RUN_ENDS_H
#define RELOAD_TESTS_RUN_ENDS_H

#include "reload/run/connection.h"
#include "reload/run/loop_libevent.h"
#include "reload/run/tls_context.h"
#include "tests/unit/run/credentials.h"

#define SEEN_MAX 64

/* What one connection, or all connections of a listener, told. */
struct seen {
    struct reload_connection *connection; /* the last one that is up */
    struct reload_link_peer peer;
    struct reload_node_id peer_id;
    unsigned up, down, received;
    int error;       /* of the last down */
    int refuse_with; /* up returns this */
    size_t size;     /* octets received */
    uint8_t last[20000];
    size_t last_size;
    bool close_on_recv, echo;
};

extern const struct reload_connection_user seen_user;

/* A world: one loop, one authority, a watchdog. */
struct world {
    struct reload_loop *loop;
    struct reload_timer *watchdog;
    struct authority *authority;
    struct reload_env_host env;
};

void world_init(struct world *world);
void world_fini(struct world *world);

/* Runs the loop until |*count| is at least |wanted|; the test fails after 20 s. */
void world_until(struct world *world, const unsigned *count, unsigned wanted);

/* Runs the loop for |duration_ns|, for what must not happen. */
void world_for(struct world *world, reload_time duration_ns);

struct reload_address loopback(uint16_t port);

#endif
