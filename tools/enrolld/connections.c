/* connections.c: the open connections of the server and their ages.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/enrolld/connections.h"

#include <sys/socket.h>

void
connections_init(struct connections *connections)
{
    pthread_mutex_init(&connections->mutex, NULL);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        connections->ages[i].descriptor = -1;
}

void
connections_fini(struct connections *connections)
{
    pthread_mutex_destroy(&connections->mutex);
}

/* Puts |now| and |descriptor| into the first row that holds |wanted|. */
static void
replace(struct connections *connections, int wanted, int descriptor, reload_time now)
{
    pthread_mutex_lock(&connections->mutex);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection_age *age = &connections->ages[i];
        if (age->descriptor != wanted)
            continue;
        *age = (struct connection_age){descriptor, now};
        break;
    }
    pthread_mutex_unlock(&connections->mutex);
}

void
connections_opened(struct connections *connections, int descriptor, reload_time now)
{
    replace(connections, -1, descriptor, now);
}

void
connections_closed(struct connections *connections, int descriptor)
{
    replace(connections, descriptor, -1, 0);
}

unsigned
connections_sweep(struct connections *connections, reload_time now, reload_time age_max)
{
    unsigned count = 0;
    pthread_mutex_lock(&connections->mutex);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        const struct connection_age *age = &connections->ages[i];
        if (age->descriptor < 0 || now - age->opened <= age_max)
            continue;
        /* Its owner reads the end of the stream and closes it; then the row becomes free. */
        shutdown(age->descriptor, SHUT_RDWR);
        count++;
    }
    pthread_mutex_unlock(&connections->mutex);
    return count;
}
