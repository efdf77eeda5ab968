/* connections.h: the open connections of the server and their ages: none may stay for long, however
 * slowly it sends (E7).
 *
 * The HTTP server's own time-out starts again with each octet. Used by its thread and by the one
 * that sweeps. SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_ENROLLD_CONNECTIONS_H
#define TOOLS_ENROLLD_CONNECTIONS_H

#include <pthread.h>
#include <stdbool.h>

#include "reload/env.h"

#define CONNECTIONS_MAX 256

struct connections {
    pthread_mutex_t mutex;
    struct connection_age {
        int descriptor; /* -1: free */
        reload_time opened;
    } ages[CONNECTIONS_MAX];
};

void connections_init(struct connections *connections);
void connections_fini(struct connections *connections);

/* connections_opened and connections_closed tell of a socket; the latter while it is still open. */
void connections_opened(struct connections *connections, int descriptor, reload_time now);
void connections_closed(struct connections *connections, int descriptor);

/* connections_sweep ends those that are older than |age_max|. Returns how many. */
unsigned connections_sweep(struct connections *connections, reload_time now, reload_time age_max);

#endif
