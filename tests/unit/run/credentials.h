/* credentials.h: certificate authorities, certificates and keyrings for the tests of links.
 *
 * A node's Node-ID is the begin of its certificate's hash. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TESTS_RUN_CREDENTIALS_H
#define RELOAD_TESTS_RUN_CREDENTIALS_H

#include "reload/keyring.h"
#include "reload/run/env_host.h"

#include <openssl/ssl.h>

struct authority {
    X509 *certificate;
    EVP_PKEY *key;
};

/* A keyring whose tls_configure also does what |weaken| asks for: a client or server that behaves
 * badly. */
struct test_keyring {
    struct reload_keyring keyring; /* first */
    X509 *certificate;
    EVP_PKEY *key;
    X509 *trusted;
    struct reload_identity self;
    struct reload_identity peers[16]; /* as tls_peer found them; the last one wins a place */
    size_t peer_count;
    void (*weaken)(SSL_CTX *context);          /* of TLS */
    void (*weaken_datagram)(SSL_CTX *context); /* of DTLS */
    bool no_certificate;
};

struct authority *authority_new(const char *name);

/* Makes a keyring with a certificate of |authority| that is valid from |begin_s| to |end_s|,
 * seconds from now, and trusts |authority|. */
struct test_keyring *test_keyring_new(const struct authority *authority, const char *name,
                                      long begin_s, long end_s);

/* A good one. */
struct test_keyring *test_keyring_good(const struct authority *authority, const char *name);

struct reload_node_id test_keyring_node_id(const struct test_keyring *keyring);

void test_keyring_free(struct test_keyring *keyring);
void authority_free(struct authority *authority);

#endif
