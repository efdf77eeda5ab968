/* home.h: the folder of an enrolment server: its files and its settings.
 *
 *   enrolld.conf   settings, for people to edit     overlay.xml  the configuration document, signed
 *   ca.key ca.crt  the overlay's root               signer.key signer.crt  who signs the document
 *   server.key server.crt  HTTPS                    users.db     accounts and Node-IDs
 *   audit.log      what was done, only appended
 *
 * RFC 6940 11.2, 11.3. SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_ENROLLD_HOME_H
#define TOOLS_ENROLLD_HOME_H

#include <limits.h>
#include <stdint.h>

#include "certs/authority.h"
#include "reload/config.h"

#define HOME_DEFAULT "./enrolld"
#define HOME_ENROLMENT_PATH "/enrol"
#define HOME_CONFIG_PATH "/.well-known/reload-config"

/* Settings: rows of enrolld.conf (home.c), with their bounds. */
struct home_settings {
    char overlay[RELOAD_CONFIG_NAME_MAX + 1];
    char host[RELOAD_CONFIG_NAME_MAX + 1]; /* in the URLs and in the server's certificate */
    char listen[64];                       /* a numeric address */
    unsigned port;
    unsigned node_ids_per_user;
    unsigned certificate_days;
    unsigned failures_per_user;    /* wrong passwords before a user has to wait */
    unsigned failures_per_address; /* and before an address has to */
    unsigned requests_per_minute;  /* of one address */
    unsigned connection_seconds;   /* a connection is closed after that */
};

struct home {
    char path[PATH_MAX - 32]; /* leaves room for a file's name */
    struct home_settings settings;
};

/* home_settings_default fills in all but overlay, host, listen and port. */
void home_settings_default(struct home_settings *settings);

/* home_file writes the path of the file |name| in |home| into |path|, of PATH_MAX octets. */
void home_file(const struct home *home, const char *name, char *path);

/* home_create makes the folder |path| (0700), which must not exist or be empty, and writes
 * enrolld.conf from |home|->settings. home_open reads an existing one.
 * On an error |message| says what is wrong, where, and what to do. RELOAD_E_IO, RELOAD_E_CONFIG. */
RELOAD_CHECKED int home_create(struct home *home, const char *path, char *message, size_t size);
RELOAD_CHECKED int home_open(struct home *home, const char *path, char *message, size_t size);

/* home_write_certificate writes |x509| as the PEM file |name|. RELOAD_E_IO, RELOAD_E_CRYPTO. */
RELOAD_CHECKED int home_write_certificate(const struct home *home, const char *name, X509 *x509,
                                          char *message, size_t size);

#endif
