/* credentials.h: a node's folder: key, certificate, configuration document, sample configuration.
 *
 *   node.key (0600)  node.crt  overlay.xml  reloadd.conf
 *
 * They may come from reload enrol or from elsewhere. RFC 6940 11.3; attacks E9, M6.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_RELOAD_CREDENTIALS_H
#define TOOLS_RELOAD_CREDENTIALS_H

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "reload/config.h"
#include "reload/keyring.h"

struct credentials {
    char folder[PATH_MAX - 32]; /* leaves room for a file's name */
    EVP_PKEY *key;
    X509 *certificate;
    struct reload_config *config;
};

/* What a certificate that we were sent must be. */
struct credentials_wanted {
    const char *user_name;
    uint64_t wall_ms;
};

/* credentials_file writes the path of |name| in the folder into |path|, of PATH_MAX octets. */
void credentials_file(const struct credentials *credentials, const char *name, char *path);

/* credentials_make_folder makes the folder (0700) if it is not there. RELOAD_E_IO. */
RELOAD_CHECKED int credentials_make_folder(const struct credentials *credentials, char *message,
                                           size_t size);

/* credentials_take checks that |der| is a node's certificate for our key and for whom |wanted|
 * says, issued by a root in our document, no CA, and takes it. RELOAD_E_CERTIFICATE,
 * RELOAD_E_EXPIRED. */
RELOAD_CHECKED int credentials_take(struct credentials *credentials, struct reload_bytes der,
                                    const struct credentials_wanted *wanted, char *message,
                                    size_t size);

/* credentials_write writes certificate and document, replacing older ones, and a sample
 * reloadd.conf if there is none. */
RELOAD_CHECKED int credentials_write(const struct credentials *credentials, char *message,
                                     size_t size);

/* credentials_load reads and checks a whole folder as a node would. |warn| takes warnings about the
 * document. */
RELOAD_CHECKED int credentials_load(struct credentials *credentials, uint64_t wall_ms,
                                    void (*warn)(void *argument, const char *text), char *message,
                                    size_t size);

/* credentials_print shows user, Node-ID and date, as text or as one JSON object. RELOAD_E_*. */
RELOAD_CHECKED int credentials_print(const struct credentials *credentials, bool as_json);

/* credentials_fini frees what |credentials| holds. */
void credentials_fini(struct credentials *credentials);

#endif
