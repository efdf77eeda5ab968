/* documents.h: configuration documents for tests, put together from text.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_UNIT_CERTS_DOCUMENTS_H
#define TESTS_UNIT_CERTS_DOCUMENTS_H

#include "certs/config_document.h"

#include <openssl/x509.h>

#define DOCUMENTS_HEAD                                                                             \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"                                                 \
    "<overlay xmlns=\"urn:ietf:params:xml:ns:p2p:config-base\"\n"                                  \
    "  xmlns:ext=\"urn:ietf:params:xml:ns:p2p:config-ext1\"\n"                                     \
    "  xmlns:sip=\"urn:ietf:params:xml:ns:p2p:config-base:sip\"\n"                                 \
    "  xmlns:chord=\"urn:ietf:params:xml:ns:p2p:config-chord\">\n"
#define DOCUMENTS_NAME "instance-name=\"overlay.example.org\""

/* What reading has said: the error and its message, or how many warnings and the last. */
struct documents_outcome {
    int error;
    char message[512];
    size_t warnings;
    char warning[512];
    struct reload_config *config; /* freed by documents_forget */
};

void documents_forget(struct documents_outcome *outcome);

/* documents_root returns the base64 of |root|, in memory of documents.c's own. */
const char *documents_root(X509 *root);

/* documents_of returns a document of one configuration with |attributes| and |body|, with |root| as
 * root-cert unless it is NULL, |tail| behind the configuration. Freed by free(). */
char *documents_of(X509 *root, const char *attributes, const char *body, const char *tail);

/* documents_read reads |text|, of |size| octets (0: up to its NUL), at |wall_ms|. */
void documents_read(const char *text, size_t size, bool strict, uint64_t wall_ms,
                    struct documents_outcome *outcome);

#endif
