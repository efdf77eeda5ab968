/* turnserver.h: coturn's turnserver as our child: it relays, we say how.
 *
 * Its configuration, with the secret, is in anonymous memory that only it inherits: nothing is on a
 * disk or in arguments, and nothing is left when both are gone. It ends with us, however we end.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_RELOADD_TURNSERVER_H
#define TOOLS_RELOADD_TURNSERVER_H

#include "reload/loop.h"
#include "tools/reloadd/settings.h"

#include <sys/types.h>

struct turnserver;

/* All pointers are borrowed and must outlive it. */
struct turnserver_options {
    struct reload_loop *loop;
    const struct reload_env *env;
    const struct turn_settings *settings;
    struct reload_address listen;   /* UDP and TCP; one address of this host */
    struct reload_address external; /* as others see it */
    const char *realm, *secret;
    void (*ended)(void *argument); /* it died; start it again, or do not */
    void *argument;
};

/* turnserver_check tells whether the program is there and its port is free. |reason| as for
 * daemon_open. Returns 0, RELOAD_E_CONFIG, RELOAD_E_IO. */
RELOAD_CHECKED int turnserver_check(const struct reload_address *listen, char *reason);

/* turnserver_new makes one that does not run. Returns 0 or RELOAD_E_NOMEM. */
RELOAD_CHECKED int turnserver_new(const struct turnserver_options *options,
                                  struct turnserver **server);

/* turnserver_free ends it. NULL is allowed. */
void turnserver_free(struct turnserver *server);

/* turnserver_start starts the process, which must not run. Returns 0 or RELOAD_E_IO. */
RELOAD_CHECKED int turnserver_start(struct turnserver *server);

/* turnserver_stop ends the process at once; |ended| is not called. */
void turnserver_stop(struct turnserver *server);

/* turnserver_process returns its number, 0 when it does not run. */
pid_t turnserver_process(const struct turnserver *server);

/* ---- turnserver_config.c ----------------------------------------------------------------------
 */

/* turnserver_config_write writes the configuration to |descriptor|. Returns 0 or RELOAD_E_IO. */
RELOAD_CHECKED int turnserver_config_write(const struct turnserver_options *options,
                                           int descriptor);

#endif
