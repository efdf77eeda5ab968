/* role.h: a service that a node offers when one of its roles is switched on.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_RELOADD_ROLE_H
#define TOOLS_RELOADD_ROLE_H

#include "tools/reloadd/daemon.h"

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

extern const struct service sip_service, turn_service;

#endif
