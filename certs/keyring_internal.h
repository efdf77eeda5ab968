/* keyring_internal.h: the keyring as it is held, for the files that make it up.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CERTS_KEYRING_INTERNAL_H
#define RELOAD_CERTS_KEYRING_INTERNAL_H

#include "certs/keyring.h"

#include <openssl/ssl.h>

#define BUCKETS 1024
#define HASH_SHA1 2
#define HASH_SHA256 4
#define HASH_SHA384 5
#define HASH_SHA512 6

struct entry {
    struct reload_identity identity; /* first: what others point to */
    struct entry *next;              /* in its bucket */
    struct entry *older, *younger;
    uint8_t *der;
    EVP_PKEY *key;
};

struct keyring {
    struct reload_keyring base;
    const struct reload_config *config;
    EVP_PKEY *key;
    X509 *certificate;
    X509_STORE *store;
    EVP_MD *digests[HASH_SHA512 + 1]; /* fetched once: a fetch costs as much as the digest */
    EVP_MD_CTX *context;
    struct entry *self;
    struct entry *buckets[BUCKETS];
    struct entry *oldest, *youngest;
    size_t count;
};

static inline struct keyring *
keyring_of(struct reload_keyring *base)
{
    return (struct keyring *)base;
}

/* reload_keyring_encode writes |x509| as DER into |der|; empty when it does not fit. */
struct reload_bytes reload_keyring_encode(X509 *x509, uint8_t *der, size_t capacity);

/* The two operations for OpenSSL's contexts (reload/keyring.h). */
int reload_keyring_tls_configure(struct reload_keyring *base, SSL_CTX *context);
int reload_keyring_tls_peer(struct reload_keyring *base, SSL *ssl, uint64_t wall_ms,
                     const struct reload_identity **identity);

#endif
