/* env_host.h: reload/env.h on the host: the system's clock, getrandom, malloc, a log on stderr.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_RUN_ENV_HOST_H
#define RELOAD_RUN_ENV_HOST_H

#include "reload/base/error.h"
#include "reload/env.h"

/* Belongs to the caller, who may change |level| at any time. Random octets are fetched from the
 * kernel a pool at a time and wiped when handed out. */
struct reload_env_host {
    struct reload_env env;
    enum reload_log_level level; /* what is more talkative is left out */
    const char *name;            /* borrowed; before each line; may be NULL */
    uint8_t pool[256];
    size_t pool_left;
};

/* reload_env_host_init makes |host| ready; it needs no end and must stay where it is. */
void reload_env_host_init(struct reload_env_host *host, enum reload_log_level level,
                          const char *name);

/* reload_log_level_parse finds the level called |text| (error, warning, info, debug).
 * Returns 0 or RELOAD_E_CONFIG. */
RELOAD_CHECKED int reload_log_level_parse(const char *text, enum reload_log_level *level);

/* reload_env_log writes a formatted line by |env|'s log, if it has one. */
void reload_env_log(const struct reload_env *env, enum reload_log_level level, const char *format,
                    ...) __attribute__((format(printf, 3, 4)));

#endif
