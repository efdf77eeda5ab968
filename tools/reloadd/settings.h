/* settings.h: reloadd's configuration file: an INI file with the sections [node], [sip] and [turn].
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_RELOADD_SETTINGS_H
#define TOOLS_RELOADD_SETTINGS_H

#include "reload/base/error.h"
#include "reload/config.h"
#include "reload/env.h"
#include "reload/ice.h"
#include "tools/reloadd/settings_turn.h"

#include <limits.h>
#include <stdbool.h>

#define SETTINGS_REASON_SIZE 512
#define SETTINGS_ROLES_MAX 8
#define SETTINGS_SECRET_MAX 255

enum settings_choice { SETTINGS_DEFAULT, SETTINGS_ON, SETTINGS_OFF };

/* Paths are absolute, or relative to the working directory; those in the file are taken relative
 * to the file's folder. */
struct settings {
    char document[PATH_MAX], certificate[PATH_MAX], key[PATH_MAX];
    char overlay[RELOAD_CONFIG_NAME_MAX +
                 1]; /* which configuration of the document; "": the first */
    bool strict_config;
    struct reload_address listen;
    enum reload_link_protocol prefer; /* 0: the document's order */
    bool client, first_node;
    char control[PATH_MAX];
    char state[PATH_MAX]; /* where records are kept; "": nowhere */
    bool durable;
    enum reload_log_level log;
    char roles[SETTINGS_ROLES_MAX][32];
    size_t role_count;
    enum settings_choice turn_use; /* use the overlay's relays */
    struct turn_settings turn;
    struct reload_address sip_listen;
    bool sip_remote_phones;
    enum settings_choice rtp_relay; /* off unless asked for */
    char sip_password[SETTINGS_SECRET_MAX + 1];
};

/* settings_read reads the file |path| into |settings|. On failure |reason|, of SETTINGS_REASON_SIZE
 * octets, says in one line what is wrong, where and what to do. Returns 0 or RELOAD_E_CONFIG. */
RELOAD_CHECKED int settings_read(const char *path, struct settings *settings, char *reason);

#endif
