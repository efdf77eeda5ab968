/* keyring_signature_test.c: signing, verifying, digests.
 *
 * RFC 6940 6.3.4; D16. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/suite.h"
#include "tests/unit/certs/keyring_fixture.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>

static struct keyring_fixture fixture;

static int
add(struct reload_bytes der, uint64_t wall_ms, const struct reload_identity **identity)
{
    return fixture.keyring->ops->add(fixture.keyring, der, wall_ms, identity);
}

#define PART(text)                                                                                 \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }

static const struct reload_bytes parts[] = {PART("overlay"), PART(""), PART("contents"),
                                            PART("id")};
static const struct reload_bytes joined = PART("overlaycontentsid");

static int
verify(const struct reload_identity *identity, uint8_t hash, uint8_t algorithm,
       const struct reload_bytes *signed_parts, size_t count, struct reload_bytes signature)
{
    return fixture.keyring->ops->verify(fixture.keyring, identity, hash, algorithm, signed_parts,
                                        count, signature);
}

/* Signs |joined| with |key| as another node would. */
static struct reload_bytes
sign_with(EVP_PKEY *key, const EVP_MD *digest, uint8_t *signature)
{
    size_t size = RELOAD_SIGNATURE_MAX;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    ck_assert_int_eq(EVP_DigestSignInit(context, NULL, digest, NULL, key), 1);
    ck_assert_int_eq(EVP_DigestSign(context, signature, &size, joined.data, joined.size), 1);
    EVP_MD_CTX_free(context);
    return (struct reload_bytes){signature, size};
}

START_TEST(sign_and_verify)
{
    uint8_t signature[RELOAD_SIGNATURE_MAX];
    size_t size;
    fixture_begin(&fixture);
    const struct reload_identity *own = fixture.keyring->ops->self(fixture.keyring);
    ck_assert_int_eq(fixture.keyring->ops->sign(fixture.keyring, parts, 4, signature, &size), 0);
    struct reload_bytes bytes = {signature, size};
    ck_assert_int_eq(verify(own, 4, 3, parts, 4, bytes), 0);
    ck_assert_int_eq(verify(own, 4, 3, &joined, 1, bytes), 0);
    /* C7: over other bytes. */
    ck_assert_int_eq(verify(own, 4, 3, parts, 3, bytes), RELOAD_E_SIGNATURE);
    ck_assert_int_eq(verify(own, 4, 3, parts + 1, 3, bytes), RELOAD_E_SIGNATURE);
    fixture_end(&fixture);
}
END_TEST

/* Keys of both kinds verify with SHA-256, 384 and 512, and sign with SHA-256. RFC6940-6.3.4-07 */
START_TEST(both_algorithms)
{
    const EVP_MD *digests[] = {EVP_sha256(), EVP_sha384(), EVP_sha512()};
    EVP_PKEY *keys[] = {pki_rsa_key(), pki_key(2)};
    static const uint8_t algorithms[] = {1, 3};
    uint8_t signature[RELOAD_SIGNATURE_MAX];
    fixture_begin(&fixture);
    for (size_t k = 0; k < 2; k++) {
        const struct reload_identity *identity;
        ck_assert_int_eq(add(fixture_issue(&fixture, keys[k], NULL), PKI_NOW, &identity), 0);
        ck_assert_uint_eq(identity->signature_algorithm, algorithms[k]);
        for (size_t d = 0; d < 3; d++) {
            struct reload_bytes bytes = sign_with(keys[k], digests[d], signature);
            for (uint8_t hash = 4; hash <= 6; hash++)
                ck_assert_int_eq(verify(identity, hash, algorithms[k], parts, 4, bytes),
                                 hash == 4 + d ? 0 : RELOAD_E_SIGNATURE);
        }
    }
    fixture_end(&fixture);
}
END_TEST

START_TEST(rsa_signs)
{
    uint8_t signature[RELOAD_SIGNATURE_MAX];
    size_t size;
    struct reload_keyring *rsa = NULL;
    char message[256];
    fixture_begin(&fixture);
    X509 *x509 = pki_make(
        &(struct pki_spec){.key = pki_rsa_key(), .issuer_key = pki_key(1), .issuer = fixture.root});
    ck_assert_int_eq(reload_keyring_new(pki_rsa_key(), x509, &fixture.config, PKI_NOW, &rsa,
                                        message, sizeof message),
                     0);
    X509_free(x509);
    ck_assert_int_eq(rsa->ops->sign(rsa, parts, 4, signature, &size), 0);
    ck_assert_uint_eq(size, 256);
    const struct reload_identity *identity;
    ck_assert_int_eq(add(rsa->ops->self(rsa)->certificate, PKI_NOW, &identity), 0);
    ck_assert_int_eq(verify(identity, 4, 1, parts, 4, (struct reload_bytes){signature, size}), 0);
    reload_keyring_free(rsa);
    fixture_end(&fixture);
}
END_TEST

/* C1: every bit of a signature counts; so do its length and its being there. RFC6940-6.3.4-12 */
START_TEST(changed_signatures)
{
    EVP_PKEY *keys[] = {pki_rsa_key(), pki_key(2)};
    static const uint8_t algorithms[] = {1, 3};
    fixture_begin(&fixture);
    for (size_t k = 0; k < 2; k++) {
        const struct reload_identity *identity;
        uint8_t signature[RELOAD_SIGNATURE_MAX + 1] = {0};
        ck_assert_int_eq(add(fixture_issue(&fixture, keys[k], NULL), PKI_NOW, &identity), 0);
        struct reload_bytes bytes = sign_with(keys[k], EVP_sha256(), signature);
        ck_assert_int_eq(verify(identity, 4, algorithms[k], parts, 4, bytes), 0);
        for (size_t i = 0; i < bytes.size; i++) {
            signature[i] ^= (uint8_t)(1u << i % 8);
            ck_assert_int_eq(verify(identity, 4, algorithms[k], parts, 4, bytes),
                             RELOAD_E_SIGNATURE);
            signature[i] ^= (uint8_t)(1u << i % 8);
        }
        for (size_t size = 0; size <= bytes.size + 1; size++)
            ck_assert_int_eq(verify(identity, 4, algorithms[k], parts, 4,
                                    (struct reload_bytes){signature, size}) == 0,
                             size == bytes.size);
        ck_assert_int_eq(
            verify(identity, 4, algorithms[k], parts, 4, (struct reload_bytes){NULL, 0}),
            RELOAD_E_SIGNATURE);
    }
    fixture_end(&fixture);
}
END_TEST

/* C6, D16: none, MD5, SHA-1, SHA-224, anonymous, an algorithm that is not the key's. */
START_TEST(weak_algorithms)
{
    uint8_t signature[RELOAD_SIGNATURE_MAX];
    fixture_begin(&fixture);
    const struct reload_identity *identity;
    ck_assert_int_eq(add(fixture_issue(&fixture, pki_rsa_key(), NULL), PKI_NOW, &identity), 0);
    const EVP_MD *digests[] = {EVP_md5(), EVP_sha1(), EVP_sha224()};
    for (uint8_t d = 0; d < 3; d++) {
        struct reload_bytes bytes = sign_with(pki_rsa_key(), digests[d], signature);
        ck_assert_int_eq(verify(identity, (uint8_t)(1 + d), 1, parts, 4, bytes),
                         RELOAD_E_SIGNATURE);
    }
    struct reload_bytes good = sign_with(pki_rsa_key(), EVP_sha256(), signature);
    for (unsigned hash = 0; hash < 256; hash++)
        for (unsigned algorithm = 0; algorithm < 256; algorithm += hash == 4 ? 1 : 85)
            ck_assert_int_eq(verify(identity, (uint8_t)hash, (uint8_t)algorithm, parts, 4, good),
                             hash == 4 && algorithm == 1 ? 0 : RELOAD_E_SIGNATURE);
    fixture_end(&fixture);
}
END_TEST

/* RSA-PSS over the same digest is not RSASSA-PKCS1-v1_5. */
START_TEST(wrong_padding)
{
    uint8_t signature[RELOAD_SIGNATURE_MAX];
    size_t size = sizeof signature;
    const struct reload_identity *identity;
    EVP_PKEY_CTX *key_context;
    fixture_begin(&fixture);
    ck_assert_int_eq(add(fixture_issue(&fixture, pki_rsa_key(), NULL), PKI_NOW, &identity), 0);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    ck_assert_int_eq(EVP_DigestSignInit(context, &key_context, EVP_sha256(), NULL, pki_rsa_key()),
                     1);
    ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING), 1);
    ck_assert_int_eq(EVP_DigestSign(context, signature, &size, joined.data, joined.size), 1);
    EVP_MD_CTX_free(context);
    ck_assert_int_eq(verify(identity, 4, 1, parts, 4, (struct reload_bytes){signature, size}),
                     RELOAD_E_SIGNATURE);
    fixture_end(&fixture);
}
END_TEST

START_TEST(digests)
{
    static const struct {
        uint8_t algorithm;
        size_t size;
        uint8_t begin[4];
    } known[] = {
        {2, 20, {0xa9, 0x99, 0x3e, 0x36}}, /* of "abc", FIPS 180 */
        {4, 32, {0xba, 0x78, 0x16, 0xbf}},
        {5, 48, {0xcb, 0x00, 0x75, 0x3f}},
        {6, 64, {0xdd, 0xaf, 0x35, 0xa1}},
    };
    static const struct reload_bytes abc[] = {PART("a"), PART(""), PART("bc")};
    uint8_t out[RELOAD_DIGEST_MAX];
    size_t size;
    fixture_begin(&fixture);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        ck_assert_int_eq(
            fixture.keyring->ops->digest(fixture.keyring, known[i].algorithm, abc, 3, out, &size),
            0);
        ck_assert_uint_eq(size, known[i].size);
        ck_assert_int_eq(memcmp(out, known[i].begin, 4), 0);
    }
    static const uint8_t unknown[] = {0, 1, 3, 7, 8, 255};
    for (size_t i = 0; i < sizeof unknown; i++)
        ck_assert_int_eq(
            fixture.keyring->ops->digest(fixture.keyring, unknown[i], abc, 3, out, &size),
            RELOAD_E_USAGE);
    fixture_end(&fixture);
}
END_TEST

int
main(void)
{
    pki_begin();
    int result = RUN_SUITE("keyring_signature", sign_and_verify, both_algorithms, rsa_signs,
                           changed_signatures, weak_algorithms, wrong_padding, digests);
    pki_end();
    return result;
}
