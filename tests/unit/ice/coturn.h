/* coturn.h: a real TURN server for tests, on loopback.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TESTS_ICE_COTURN_H
#define RELOAD_TESTS_ICE_COTURN_H

#include "reload/ice_agent.h"

#include <sys/types.h>

struct coturn {
    pid_t pid;
    struct reload_address address; /* UDP and TCP */
};

bool coturn_is_installed(void);

/* coturn_start starts a server that one user may have |quota| allocations of, and waits until it
 * answers. It ends with its parent, at the latest. */
void coturn_start(struct coturn *server, unsigned quota);
void coturn_stop(struct coturn *server);

/* coturn_pause makes it say nothing from now on; coturn_stop still works. */
void coturn_pause(struct coturn *server);

/* coturn_relay tells how to use the server. */
struct reload_ice_relay coturn_relay(const struct coturn *server, bool tcp);

#endif
