/* keyring_test.c: the cache of checked certificates, and our own.
 *
 * RFC 6940 6.3.4, 7.1, 11.1, 11.3; D16. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/suite.h"
#include "tests/unit/certs/keyring_fixture.h"

static struct keyring_fixture fixture;

static const struct reload_identity *
find(uint8_t algorithm, struct reload_bytes hash, uint64_t wall_ms)
{
    return fixture.keyring->ops->find(fixture.keyring, algorithm, hash, wall_ms);
}

static int
add(struct reload_bytes der, uint64_t wall_ms, const struct reload_identity **identity)
{
    return fixture.keyring->ops->add(fixture.keyring, der, wall_ms, identity);
}

/* ---- the cache ------------------------------------------------------------------------------ */

START_TEST(self)
{
    fixture_begin(&fixture);
    const struct reload_identity *identity = fixture.keyring->ops->self(fixture.keyring);
    struct reload_node_id id = pki_node_id(PKI_ID_A);
    ck_assert(reload_identity_has(identity, &id));
    ck_assert_str_eq(identity->user_name, PKI_USER);
    ck_assert_ptr_eq(find(4, (struct reload_bytes){identity->hash, 32}, PKI_NOW), identity);
    fixture_end(&fixture);
}
END_TEST

START_TEST(add_and_find)
{
    static const uint8_t algorithms[] = {4, 5, 6};
    fixture_begin(&fixture);
    struct reload_bytes der = fixture_issue(&fixture, pki_key(2), NULL);
    const struct reload_identity *identity, *again;
    ck_assert_int_eq(add(der, PKI_NOW, &identity), 0);
    ck_assert_uint_eq(reload_keyring_cached(fixture.keyring), 2);
    ck_assert(reload_bytes_equal(identity->certificate, der));
    ck_assert_ptr_ne(identity->certificate.data, der.data); /* a copy */
    ck_assert_int_eq(add(der, PKI_NOW, &again), 0);
    ck_assert_ptr_eq(identity, again);
    ck_assert_uint_eq(reload_keyring_cached(fixture.keyring), 2);
    for (size_t i = 0; i < sizeof algorithms; i++) {
        uint8_t hash[RELOAD_DIGEST_MAX];
        size_t size;
        ck_assert_int_eq(
            fixture.keyring->ops->digest(fixture.keyring, algorithms[i], &der, 1, hash, &size), 0);
        ck_assert_ptr_eq(find(algorithms[i], (struct reload_bytes){hash, size}, PKI_NOW), identity);
        ck_assert_ptr_null(find(algorithms[i], (struct reload_bytes){hash, size - 1}, PKI_NOW));
        hash[size - 1] ^= 1;
        ck_assert_ptr_null(find(algorithms[i], (struct reload_bytes){hash, size}, PKI_NOW));
    }
    fixture_end(&fixture);
}
END_TEST

/* C2, D16: hashes of other lengths or algorithms find nothing. */
START_TEST(wrong_hashes)
{
    fixture_begin(&fixture);
    const struct reload_identity *own = fixture.keyring->ops->self(fixture.keyring);
    uint8_t hash[256] = {0};
    size_t size;
    memcpy(hash, own->hash, 32);
    for (size_t length = 0; length < sizeof hash; length++)
        ck_assert_int_eq(find(4, (struct reload_bytes){hash, length}, PKI_NOW) != NULL,
                         length == 32);
    for (unsigned algorithm = 0; algorithm < 256; algorithm++)
        if (algorithm != 4)
            ck_assert_ptr_null(find((uint8_t)algorithm, (struct reload_bytes){hash, 32}, PKI_NOW));
    ck_assert_int_eq(
        fixture.keyring->ops->digest(fixture.keyring, 2, &own->certificate, 1, hash, &size), 0);
    ck_assert_uint_eq(size, 20);
    ck_assert_ptr_null(find(2, (struct reload_bytes){hash, size}, PKI_NOW));
    fixture_end(&fixture);
}
END_TEST

/* C3, C5, C13: what is refused is not kept. */
START_TEST(refused_is_not_cached)
{
    fixture_begin(&fixture);
    X509 *other = pki_root(pki_key(2), "other CA");
    X509 *bad[] = {
        pki_make(&(struct pki_spec){.issuer_key = pki_key(2), .issuer = other}),
        pki_make(&(struct pki_spec){.issuer_key = pki_key(0)}),
        pki_make(&(struct pki_spec){
            .issuer_key = pki_key(1), .issuer = fixture.root, .names = {{GEN_EMAIL, PKI_USER, 0}}}),
        pki_make(&(struct pki_spec){/* C5 */
                                    .issuer_key = pki_key(1),
                                    .issuer = fixture.root,
                                    .common_name = PKI_USER}),
    };
    const struct reload_identity *identity = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_int_eq(add(pki_der(bad[i]), PKI_NOW, &identity), RELOAD_E_CERTIFICATE);
        X509_free(bad[i]);
    }
    ck_assert_int_eq(add((struct reload_bytes){NULL, 0}, PKI_NOW, &identity), RELOAD_E_CERTIFICATE);
    ck_assert_int_eq(add((struct reload_bytes){(const uint8_t *)"\x30\x82", 2}, PKI_NOW, &identity),
                     RELOAD_E_CERTIFICATE);
    ck_assert_uint_eq(reload_keyring_cached(fixture.keyring), 1);
    X509_free(other);
    fixture_end(&fixture);
}
END_TEST

/* C4: dates are asked for each time, of cached ones too. RFC6940-7.1-01 */
START_TEST(dates)
{
    fixture_begin(&fixture);
    X509 *x509 = pki_make(&(struct pki_spec){.key = pki_key(2),
                                             .issuer_key = pki_key(1),
                                             .issuer = fixture.root,
                                             .not_before_ms = PKI_NOW - 10000,
                                             .not_after_ms = PKI_NOW + 10000});
    struct reload_bytes der = pki_der(x509);
    X509_free(x509);
    const struct reload_identity *identity;
    ck_assert_int_eq(add(der, PKI_NOW - 11000, &identity), RELOAD_E_EXPIRED);
    ck_assert_int_eq(add(der, PKI_NOW + 11000, &identity), RELOAD_E_EXPIRED);
    ck_assert_uint_eq(reload_keyring_cached(fixture.keyring), 1);
    ck_assert_int_eq(add(der, PKI_NOW - 10000, &identity), 0);
    struct reload_bytes hash = {identity->hash, 32};
    ck_assert_ptr_eq(find(4, hash, PKI_NOW + 10000), identity);
    ck_assert_ptr_null(find(4, hash, PKI_NOW + 10001));
    ck_assert_ptr_null(find(4, hash, PKI_NOW - 10001));
    ck_assert_int_eq(add(der, PKI_NOW + 10001, &identity), RELOAD_E_EXPIRED);
    ck_assert_int_eq(add(der, PKI_NOW, &identity), 0); /* the clock was wrong and is right again */
    fixture_end(&fixture);
}
END_TEST

/* C9: also for a certificate that is in the cache already; one of several Node-IDs is enough.
 * RFC6940-11.1-19 */
START_TEST(bad_nodes)
{
    fixture_begin(&fixture);
    struct reload_bytes der = fixture_issue(&fixture, pki_key(2), NULL);
    const struct reload_identity *identity;
    ck_assert_int_eq(add(der, PKI_NOW, &identity), 0);
    struct reload_bytes hash = {identity->hash, 32};
    fixture.config.bad_nodes[fixture.config.bad_node_count++] = pki_node_id(0x11);
    ck_assert_int_eq(add(der, PKI_NOW, &identity), 0);
    fixture.config.bad_nodes[fixture.config.bad_node_count++] = pki_node_id(PKI_ID_B);
    ck_assert_int_eq(add(der, PKI_NOW, &identity), RELOAD_E_CERTIFICATE);
    ck_assert_ptr_null(find(4, hash, PKI_NOW));
    X509 *both = pki_make(&(struct pki_spec){
        .issuer_key = pki_key(1),
        .issuer = fixture.root,
        .names = {{GEN_URI, "reload://011022222222222222222222222222222222@" PKI_OVERLAY, 0},
                  {GEN_URI, PKI_URI_B, 0},
                  {GEN_EMAIL, PKI_USER, 0}}});
    ck_assert_int_eq(add(pki_der(both), PKI_NOW, &identity), RELOAD_E_CERTIFICATE);
    X509_free(both);
    fixture.config.bad_node_count = 0;
    ck_assert_int_eq(add(der, PKI_NOW, &identity), 0);
    fixture_end(&fixture);
}
END_TEST

/* The cache is bounded; who was used last stays, and our own always. */
START_TEST(eviction)
{
    enum { CACHE = 4096, MORE = 200, LATE = 64 };
    fixture_begin(&fixture);
    const struct reload_identity *identity, *touched,
        *own = fixture.keyring->ops->self(fixture.keyring);
    struct reload_bytes kept = fixture_issue(&fixture, pki_key(2), NULL), first = {0};
    uint8_t kept_hash[32], late[LATE][32];
    ck_assert_int_eq(add(kept, PKI_NOW, &touched), 0);
    memcpy(kept_hash, touched->hash, 32);
    for (size_t i = 0; i < CACHE + MORE; i++) {
        char uri[80];
        snprintf(uri, sizeof uri, "reload://0110%032zx@" PKI_OVERLAY "/", i + 1);
        struct reload_bytes der = fixture_issue(&fixture, pki_key(2), uri);
        if (i == 0)
            first = der;
        ck_assert_int_eq(add(der, PKI_NOW, &identity), 0);
        memcpy(late[i % LATE], identity->hash, 32);
        ck_assert_ptr_eq(find(4, (struct reload_bytes){kept_hash, 32}, PKI_NOW), touched);
        ck_assert_uint_le(reload_keyring_cached(fixture.keyring), CACHE);
    }
    ck_assert_uint_eq(reload_keyring_cached(fixture.keyring), CACHE);
    for (size_t i = 0; i < LATE; i++)
        ck_assert_ptr_nonnull(find(4, (struct reload_bytes){late[i], 32}, PKI_NOW));
    uint8_t hash[RELOAD_DIGEST_MAX];
    size_t size;
    ck_assert_int_eq(fixture.keyring->ops->digest(fixture.keyring, 4, &first, 1, hash, &size), 0);
    ck_assert_ptr_null(find(4, (struct reload_bytes){hash, size}, PKI_NOW));
    ck_assert_int_eq(add(first, PKI_NOW, &identity), 0); /* it may come again */
    ck_assert_ptr_eq(fixture.keyring->ops->self(fixture.keyring), own);
    ck_assert_ptr_eq(find(4, (struct reload_bytes){own->hash, 32}, PKI_NOW), own);
    fixture_end(&fixture);
}
END_TEST

/* ---- our own credentials -------------------------------------------------------------------- */

static void
expect_refused(EVP_PKEY *key, X509 *x509, int error, const char *word)
{
    struct reload_keyring *made = NULL;
    char message[256] = "";
    ck_assert_int_eq(
        reload_keyring_new(key, x509, &fixture.config, PKI_NOW, &made, message, sizeof message),
        error);
    ck_assert_ptr_null(made);
    ck_assert_msg(strstr(message, word) != NULL, "message: %s", message);
    ck_assert_ptr_null(strchr(message, '\n'));
    X509_free(x509);
}

/* M6, C3, C4, C9: the message says what. */
START_TEST(wrong_credentials)
{
    fixture_begin(&fixture);
    struct pki_spec good = {.issuer_key = pki_key(1), .issuer = fixture.root};
    struct pki_spec expired = good, foreign = good, named = good;
    named.common_name = "alice";
    expired.not_after_ms = PKI_NOW - 1000;
    foreign.names[0] = (struct pki_name){
        GEN_URI, "reload://0110a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0@other.example/", 0};
    foreign.names[1] = (struct pki_name){GEN_EMAIL, PKI_USER, 0};
    expect_refused(pki_key(2), pki_make(&good), RELOAD_E_CERTIFICATE, "private key");
    expect_refused(pki_key(0), pki_make(&expired), RELOAD_E_EXPIRED, "enrol again");
    expect_refused(pki_key(0), pki_make(&named), RELOAD_E_CERTIFICATE, "subject is not empty");
    expect_refused(pki_key(0), pki_make(&foreign), RELOAD_E_CERTIFICATE, PKI_OVERLAY);
    expect_refused(pki_key(0), pki_make(&(struct pki_spec){0}), RELOAD_E_CERTIFICATE, "root");
    fixture.config.bad_nodes[fixture.config.bad_node_count++] = pki_node_id(PKI_ID_A);
    expect_refused(pki_key(0), pki_make(&good), RELOAD_E_CERTIFICATE, "bad-node");
    fixture_end(&fixture);
}
END_TEST

/* C9: a new document revokes, and ends the trust in the old authority. */
START_TEST(reconfigured)
{
    fixture_begin(&fixture);
    struct reload_config next = fixture.config, without_us = fixture.config,
                         broken = fixture.config;
    struct reload_bytes der = fixture_issue(&fixture, pki_key(2), NULL);
    const struct reload_identity *identity, *own = fixture.keyring->ops->self(fixture.keyring);
    X509 *other = pki_root(pki_key(2), "other CA");
    next.root_certs[next.root_cert_count++] = pki_der(other);
    next.bad_nodes[next.bad_node_count++] = pki_node_id(PKI_ID_B);
    without_us.root_certs[0] = pki_der(other);
    broken.root_certs[0] = (struct reload_bytes){(const uint8_t *)"x", 1};
    ck_assert_int_eq(add(der, PKI_NOW, &identity), 0);
    X509 *x509 = pki_make(&(struct pki_spec){
        .key = pki_rsa_key(),
        .issuer_key = pki_key(2),
        .issuer = other,
        .names = {{GEN_URI, "reload://011022222222222222222222222222222222@" PKI_OVERLAY, 0},
                  {GEN_EMAIL, PKI_USER, 0}}});
    struct reload_bytes foreign = pki_der(x509);
    X509_free(x509);
    ck_assert_int_eq(add(foreign, PKI_NOW, &identity), RELOAD_E_CERTIFICATE);
    ck_assert_int_eq(reload_keyring_reconfigure(fixture.keyring, &without_us, PKI_NOW),
                     RELOAD_E_CERTIFICATE);
    ck_assert_int_eq(reload_keyring_reconfigure(fixture.keyring, &broken, PKI_NOW),
                     RELOAD_E_CONFIG);
    ck_assert_int_eq(add(der, PKI_NOW, &identity), 0); /* all as it was */
    ck_assert_int_eq(reload_keyring_reconfigure(fixture.keyring, &next, PKI_NOW), 0);
    ck_assert_uint_eq(reload_keyring_cached(fixture.keyring), 1);
    ck_assert_ptr_eq(fixture.keyring->ops->self(fixture.keyring), own);
    ck_assert_int_eq(add(der, PKI_NOW, &identity), RELOAD_E_CERTIFICATE);
    ck_assert_int_eq(add(foreign, PKI_NOW, &identity), 0);
    X509_free(other);
    fixture_end(&fixture);
}
END_TEST

int
main(void)
{
    pki_begin();
    int result = RUN_SUITE("keyring", self, add_and_find, wrong_hashes, refused_is_not_cached,
                           dates, bad_nodes, eviction, wrong_credentials, reconfigured);
    pki_end();
    return result;
}
