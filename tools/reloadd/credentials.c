/* credentials.c: the files that say who we are: configuration document, key, certificate.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "certs/certificate.h"
#include "certs/config_document.h"
#include "certs/key.h"
#include "certs/keyring.h"
#include "tools/reloadd/daemon.h"

#include <stdio.h>

static void
warn(void *argument, const char *text)
{
    struct daemon *daemon = argument;
    reload_env_log(&daemon->env.env, RELOAD_LOG_WARNING, "%s: %s", daemon->settings.document, text);
}

/* Whether this program can make the links that |config| asks for. */
static bool
can_link(const struct reload_config *config)
{
    if (config->no_ice)
        return true;
#ifdef RELOAD_ICE
    for (size_t i = 0; i < config->link_protocol_count; i++)
        if (config->link_protocols[i] == RELOAD_LINK_PROTOCOL_DTLS)
            return true;
#endif
    return false;
}

static int
open_document(struct daemon *daemon, uint64_t wall_ms, char *reason)
{
    const struct settings *settings = &daemon->settings;
    struct reload_config_reading reading = {.instance_name =
                                                *settings->overlay ? settings->overlay : NULL,
                                            .strict = settings->strict_config,
                                            .wall_ms = wall_ms,
                                            .warn = warn,
                                            .argument = daemon};
    int error = reload_config_read(settings->document, &reading, &daemon->config, reason,
                                   SETTINGS_REASON_SIZE);
    if (error)
        return error;
    if (!can_link(daemon->config)) {
        (void)snprintf(reason, SETTINGS_REASON_SIZE,
                       "%.300s: the overlay uses ICE, which needs the link protocol DTLS in the "
                       "document, and a program that was built with libnice",
                       settings->document);
        return RELOAD_E_CONFIG;
    }
    /* I7: a local file is trusted itself, so a bad signature is worth a warning only. */
    enum reload_config_trust trust = reload_config_verify(daemon->config, daemon->config, wall_ms);
    uint32_t kind;
    if (trust == RELOAD_CONFIG_BAD)
        warn(daemon, "no signature of the document verifies");
    else if (!reload_config_kinds_hold(daemon->config, daemon->config, wall_ms, &kind))
        warn(daemon, "the signature of a Kind in the document does not verify");
    return 0;
}

int
credentials_open(struct daemon *daemon, char *reason)
{
    const struct settings *settings = &daemon->settings;
    uint64_t wall_ms = daemon->env.env.wall_ms(daemon->env.env.context);
    int error = open_document(daemon, wall_ms, reason);
    if (!error)
        error = reload_key_read(settings->key, &daemon->key, reason, SETTINGS_REASON_SIZE);
    if (!error)
        error = reload_certificate_read_pem(settings->certificate, &daemon->certificate, reason,
                                            SETTINGS_REASON_SIZE);
    if (!error)
        error =
            reload_certificate_check_key(daemon->certificate, settings->certificate, daemon->key,
                                         settings->key, reason, SETTINGS_REASON_SIZE);
    if (error)
        return error;
    char message[256] = "";
    error = reload_keyring_new(daemon->key, daemon->certificate, daemon->config, wall_ms,
                               &daemon->keyring, message, sizeof message);
    if (error)
        (void)snprintf(reason, SETTINGS_REASON_SIZE, "%.240s: %s", settings->certificate,
                       *message ? message : reload_error_text(error));
    return error;
}

void
credentials_close(struct daemon *daemon)
{
    reload_keyring_free(daemon->keyring);
    X509_free(daemon->certificate);
    EVP_PKEY_free(daemon->key);
    reload_config_free(daemon->config);
}
