/* check_files.c: the node's configuration and the files that say who it is.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "certs/config_document.h"
#include "tools/doctor/checkup.h"

#include <stdio.h>
#include <time.h>

#define DAY_MS UINT64_C(86400000)
#define SOON_MS (14 * DAY_MS)

static uint64_t
wall_ms(const struct checkup *checkup)
{
    return checkup->daemon.env.env.wall_ms(checkup->daemon.env.env.context);
}

/* "2026-11-21 14:03 UTC". */
static const char *
date(uint64_t at_ms, char text[32])
{
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm parts;
    if (!gmtime_r(&seconds, &parts) || !strftime(text, 32, "%Y-%m-%d %H:%M UTC", &parts))
        (void)snprintf(text, 32, "an unknown time");
    return text;
}

void
check_configuration(struct checkup *checkup)
{
    char reason[SETTINGS_REASON_SIZE] = "", address[64];
    struct settings *settings = &checkup->daemon.settings;
    int error = settings_read(checkup->path, settings, reason);
    if (!error)
        error = roles_check(&checkup->daemon, reason);
    if (error) {
        checkup_find(checkup, "configuration", FINDING_FAILURE,
                     "reloadd --help shows what may stand in it", "%s", reason);
        return;
    }
    checkup->has_settings = true;
    (void)snprintf(address, sizeof address, "%u", settings->listen.port);
    checkup_find(checkup, "configuration", FINDING_GOOD, NULL, "%s: a %s on port %s", checkup->path,
                 settings->client ? "client" : "peer", address);
}

static void
check_document(struct checkup *checkup, uint64_t now_ms)
{
    const struct reload_config *config = checkup->daemon.config;
    char until[32];
    enum reload_config_trust trust = reload_config_verify(config, config, now_ms);
    const char *signature = trust == RELOAD_CONFIG_SIGNED     ? "signed"
                            : trust == RELOAD_CONFIG_UNSIGNED ? "not signed"
                                                              : "with a signature that is wrong";
    bool soon = config->expiration_ms && config->expiration_ms - now_ms < SOON_MS;
    enum finding finding = trust == RELOAD_CONFIG_BAD || soon ? FINDING_WARNING : FINDING_GOOD;
    checkup_find(checkup, "document", finding,
                 finding == FINDING_GOOD ? NULL : "get it again with `reload enrol`",
                 "overlay %s, number %u, %s, %s%s", config->instance_name, config->sequence,
                 signature, config->expiration_ms ? "good until " : "without an end",
                 config->expiration_ms ? date(config->expiration_ms, until) : "");
    checkup_text(checkup, "overlay", config->instance_name);
    checkup_text(checkup, "links", config->no_ice ? "No-ICE" : "ICE");
}

static void
check_certificate(struct checkup *checkup, uint64_t now_ms)
{
    struct reload_keyring *keyring = checkup->daemon.keyring;
    const struct reload_identity *self = keyring->ops->self(keyring);
    char until[32];
    bool soon = self->not_after_ms - now_ms < SOON_MS;
    checkup_find(checkup, "certificate", soon ? FINDING_WARNING : FINDING_GOOD,
                 soon ? "renew it in time: run `reload enrol` again" : NULL,
                 "%s, with its key; good until %s", self->user_name,
                 date(self->not_after_ms, until));
    checkup_text(checkup, "user", self->user_name);
}

void
check_credentials(struct checkup *checkup)
{
    char reason[SETTINGS_REASON_SIZE] = "";
    if (!checkup->has_settings) {
        checkup_find(checkup, "certificate", FINDING_SKIPPED, NULL,
                     "the configuration does not say where it is");
        return;
    }
    if (credentials_open(&checkup->daemon, reason) != 0) {
        checkup_find(checkup, "certificate", FINDING_FAILURE,
                     "if dates are the reason, look at this host's clock first", "%s", reason);
        return;
    }
    checkup->has_credentials = true;
    uint64_t now_ms = wall_ms(checkup);
    check_document(checkup, now_ms);
    check_certificate(checkup, now_ms);
}
