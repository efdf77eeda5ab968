/* credentials.c: certificates and keyrings for the tests of links.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/run/credentials.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <check.h>
#include <stdlib.h>

static X509 *
make_certificate(const char *name, EVP_PKEY *key, const X509 *issuer, EVP_PKEY *issuer_key,
                 long begin_s, long end_s)
{
    X509 *certificate = X509_new();
    static long serial;
    ck_assert(X509_set_version(certificate, 2));
    ck_assert(ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial));
    ck_assert_ptr_nonnull(X509_gmtime_adj(X509_getm_notBefore(certificate), begin_s));
    ck_assert_ptr_nonnull(X509_gmtime_adj(X509_getm_notAfter(certificate), end_s));
    X509_NAME *subject = X509_NAME_new();
    ck_assert(
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)name, -1, -1, 0));
    ck_assert(X509_set_subject_name(certificate, subject));
    ck_assert(X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer) : subject));
    X509_NAME_free(subject);
    ck_assert(X509_set_pubkey(certificate, key));
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(
        NULL, NULL, NID_basic_constraints, issuer ? "critical,CA:FALSE" : "critical,CA:TRUE");
    ck_assert(X509_add_ext(certificate, extension, -1));
    X509_EXTENSION_free(extension);
    ck_assert(X509_sign(certificate, issuer_key, EVP_sha256()));
    return certificate;
}

struct authority *
authority_new(const char *name)
{
    struct authority *authority = calloc(1, sizeof *authority);
    authority->key = EVP_EC_gen("P-256");
    authority->certificate =
        make_certificate(name, authority->key, NULL, authority->key, -3600, 36000);
    return authority;
}

void
authority_free(struct authority *authority)
{
    X509_free(authority->certificate);
    EVP_PKEY_free(authority->key);
    free(authority);
}

/* ---- the keyring ---------------------------------------------------------------------------- */

static void
identify(const X509 *certificate, struct reload_identity *identity)
{
    unsigned size = 0;
    *identity = (struct reload_identity){.node_id_count = 1, .not_after_ms = UINT64_MAX};
    ck_assert(X509_digest(certificate, EVP_sha256(), identity->hash, &size));
    memcpy(identity->node_ids[0].octets, identity->hash, RELOAD_NODE_ID_SIZE_MIN);
}

static const struct reload_identity *
self(struct reload_keyring *keyring)
{
    return &((struct test_keyring *)keyring)->self;
}

static const struct reload_identity *
find(struct reload_keyring *keyring, uint8_t hash_algorithm, struct reload_bytes hash,
     uint64_t wall_ms)
{
    (void)wall_ms;
    struct test_keyring *test = (struct test_keyring *)keyring;
    ck_assert_uint_eq(hash_algorithm, 4);
    for (size_t i = 0; i < test->peer_count && i < 16; i++)
        if (memcmp(test->peers[i].hash, hash.data, 32) == 0)
            return &test->peers[i];
    return NULL;
}

static int
tls_configure(struct reload_keyring *keyring, SSL_CTX *context)
{
    struct test_keyring *test = (struct test_keyring *)keyring;
    if (!test->no_certificate && (SSL_CTX_use_certificate(context, test->certificate) != 1 ||
                                  SSL_CTX_use_PrivateKey(context, test->key) != 1))
        return RELOAD_E_CRYPTO;
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), test->trusted);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    bool is_datagram = SSL_CTX_get_min_proto_version(context) == DTLS1_2_VERSION;
    void (*weaken)(SSL_CTX *) = is_datagram ? test->weaken_datagram : test->weaken;
    if (weaken)
        weaken(context);
    return 0;
}

static int
tls_peer(struct reload_keyring *keyring, SSL *ssl, uint64_t wall_ms,
         const struct reload_identity **identity)
{
    (void)wall_ms;
    struct test_keyring *test = (struct test_keyring *)keyring;
    const X509 *certificate = SSL_get0_peer_certificate(ssl);
    if (!certificate)
        return RELOAD_E_CERTIFICATE;
    struct reload_identity *place = &test->peers[test->peer_count++ % 16];
    identify(certificate, place);
    *identity = place;
    return 0;
}

static const struct reload_keyring_ops ops = {
    .self = self, .find = find, .tls_configure = tls_configure, .tls_peer = tls_peer};

struct test_keyring *
test_keyring_new(const struct authority *authority, const char *name, long begin_s, long end_s)
{
    struct test_keyring *keyring = calloc(1, sizeof *keyring);
    keyring->keyring.ops = &ops;
    keyring->key = EVP_EC_gen("P-256");
    keyring->certificate = make_certificate(name, keyring->key, authority->certificate,
                                            authority->key, begin_s, end_s);
    keyring->trusted = authority->certificate;
    ck_assert(X509_up_ref(keyring->trusted));
    identify(keyring->certificate, &keyring->self);
    return keyring;
}

struct test_keyring *
test_keyring_good(const struct authority *authority, const char *name)
{
    return test_keyring_new(authority, name, -60, 3600);
}

struct reload_node_id
test_keyring_node_id(const struct test_keyring *keyring)
{
    return keyring->self.node_ids[0];
}

void
test_keyring_free(struct test_keyring *keyring)
{
    X509_free(keyring->certificate);
    X509_free(keyring->trusted);
    EVP_PKEY_free(keyring->key);
    free(keyring);
}
