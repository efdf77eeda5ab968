/* role.h: a service that a node offers when one of its roles is switched on.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_RELOADD_ROLE_H
#define TOOLS_RELOADD_ROLE_H

#include "tools/reloadd/daemon.h"
#include "usages/turn_credential.h"

struct reload_json;

struct service {
    const char *name; /* in `reload status` */
    /* Begins; |*state| gets what the other two are given. |reason| as for daemon_open. */
    int (*open)(struct daemon *daemon, void **state, char *reason);
    void (*close)(void *state);
    /* Writes one JSON object. */
    void (*print)(const void *state, struct reload_json *json);
};

/* role_is_on tells whether the configuration asks for role |name|. */
bool role_is_on(const struct daemon *daemon, const char *name);

/* role_state returns what |service| is given, NULL when it is off. */
void *role_state(const struct daemon *daemon, const struct service *service);

/* turn_own_relay makes credentials for the node's own relay, while it answers. Returns false when
 * there is none (role_turn.c). */
RELOAD_CHECKED bool turn_own_relay(const struct daemon *daemon, struct turn_credential *relay);

extern const struct service sip_service, turn_service;

#endif
