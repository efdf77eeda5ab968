/* authority_test.c: certificates that we issue, and the requests for them.
 *
 * RFC 6940 11.3; I2, I9, D25. SPDX-License-Identifier: BSD-2-Clause */
#include "certs/authority.h"

#include "certs/certificate.h"
#include "tests/suite.h"
#include "tests/unit/certs/pki.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <string.h>

static struct reload_config config;

static X509 *
make_root(EVP_PKEY *key)
{
    X509 *root = NULL;
    ck_assert_int_eq(reload_authority_root(key, PKI_OVERLAY, PKI_NOW, 3650, &root), 0);
    return root;
}

static X509 *
issue(EVP_PKEY *root_key, X509 *root, EVP_PKEY *key, size_t count, unsigned days)
{
    struct reload_node_id ids[RELOAD_IDENTITY_NODE_IDS_MAX];
    X509 *x509 = NULL;
    for (size_t i = 0; i < count; i++)
        ids[i] = pki_node_id((uint8_t)(PKI_ID_A + i));
    ck_assert_int_eq(reload_authority_issue(root_key, root, key, ids, count, 16, PKI_USER,
                                            PKI_OVERLAY, PKI_NOW, days, &x509),
                     0);
    return x509;
}

static int
check(X509 *root, X509 *x509, struct reload_identity *identity)
{
    X509_STORE *store = NULL;
    pki_config(&config, root);
    int error = reload_certificate_identify(x509, &config, identity);
    if (!error)
        error = reload_certificate_store(&config, &store);
    if (!error)
        error = reload_certificate_check_chain(x509, store, &config, identity, PKI_NOW);
    X509_STORE_free(store);
    return error;
}

/* RFC6940-11.3-14, -18 */
START_TEST(issued_is_accepted)
{
    EVP_PKEY *root_keys[] = {pki_key(1), pki_rsa_key()};
    for (size_t r = 0; r < 2; r++)
        for (size_t count = 1; count <= 2; count++) {
            struct reload_identity identity;
            X509 *root = make_root(root_keys[r]);
            X509 *x509 = issue(root_keys[r], root, pki_key(0), count, 30);
            ck_assert_int_eq(check(root, x509, &identity), 0);
            ck_assert_uint_eq(identity.node_id_count, count);
            ck_assert_str_eq(identity.user_name, PKI_USER);
            ck_assert_uint_eq(identity.not_after_ms, PKI_NOW + 30 * PKI_DAY);
            ck_assert_uint_le(identity.not_before_ms, PKI_NOW);
            X509_free(x509);
            X509_free(root);
        }
}
END_TEST

static void
expect_critical(X509 *x509, int nid, bool critical)
{
    int place = X509_get_ext_by_NID(x509, nid, -1);
    ck_assert_int_ge(place, 0);
    ck_assert_int_eq(X509_EXTENSION_get_critical(X509_get_ext(x509, place)) != 0, critical);
}

/* I9: what strict verifiers want. RFC6940-11.3-23 */
START_TEST(form)
{
    X509 *root = make_root(pki_key(1));
    X509 *x509 = issue(pki_key(1), root, pki_key(0), 1, 30);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    ck_assert_int_eq(X509_NAME_entry_count(X509_get_subject_name(x509)), 0);
    ck_assert_int_eq(X509_get_version(x509), X509_VERSION_3);
    expect_critical(x509, NID_subject_alt_name, true);
    expect_critical(x509, NID_key_usage, true);
    expect_critical(x509, NID_basic_constraints, true);
    expect_critical(x509, NID_subject_key_identifier, false);
    expect_critical(x509, NID_authority_key_identifier, false);
    ck_assert_uint_eq(X509_get_key_usage(x509), X509v3_KU_DIGITAL_SIGNATURE);
    ck_assert_int_eq(X509_check_ca(x509), 0);
    ck_assert_int_eq(X509_check_ca(root), 1);
    X509_STORE_add_cert(store, root);
    X509_STORE_CTX_init(context, store, x509, NULL);
    X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context), (time_t)(PKI_NOW / 1000));
    X509_STORE_CTX_set_flags(context, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
    ck_assert_msg(X509_verify_cert(context) == 1, "%s",
                  X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    X509_free(x509);
    X509_free(root);
}
END_TEST

START_TEST(names_in_order)
{
    X509 *root = make_root(pki_key(1));
    X509 *x509 = issue(pki_key(1), root, pki_key(0), 1, 30);
    GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
    ck_assert_int_eq(sk_GENERAL_NAME_num(names), 2);
    const GENERAL_NAME *uri = sk_GENERAL_NAME_value(names, 0);
    ck_assert_int_eq(uri->type, GEN_URI);
    ck_assert_str_eq((const char *)ASN1_STRING_get0_data(uri->d.ia5), PKI_URI_A);
    GENERAL_NAMES_free(names);
    X509_free(x509);
    X509_free(root);
}
END_TEST

START_TEST(serial_numbers)
{
    X509 *root = make_root(pki_key(1));
    X509 *first = issue(pki_key(1), root, pki_key(0), 1, 30);
    X509 *second = issue(pki_key(1), root, pki_key(0), 1, 30);
    const ASN1_INTEGER *serial = X509_get0_serialNumber(first);
    ck_assert_int_ne(ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(second)), 0);
    ck_assert_int_ge(ASN1_STRING_length(serial), 8); /* at least 64 random bits */
    ck_assert_int_le(ASN1_STRING_length(serial), 20);
    ck_assert_int_eq(ASN1_STRING_type(serial), V_ASN1_INTEGER); /* not negative */
    X509_free(first);
    X509_free(second);
    X509_free(root);
}
END_TEST

START_TEST(not_longer_than_the_root)
{
    struct reload_identity identity;
    X509 *root = make_root(pki_key(1));
    X509 *x509 = issue(pki_key(1), root, pki_key(0), 1, 36500);
    ck_assert_int_eq(check(root, x509, &identity), 0);
    ck_assert_uint_eq(identity.not_after_ms, PKI_NOW + 3650 * PKI_DAY);
    X509_free(x509);
    X509_free(root);
}
END_TEST

/* E3, C5; RFC6940-11.3-20 */
START_TEST(user_names)
{
    static const char *const bad[] = {
        "",      "alice",       "@x.example", "alice@",       "a@b@c",  "a b@c",
        "a@b\n", "a@b\r\nX: y", "\033[2Ja@b", "al\xc3\xa4@b", "a\tb@c", "alice@\x7f.b",
    };
    X509 *root = make_root(pki_key(1)), *x509 = NULL;
    struct reload_node_id id = pki_node_id(PKI_ID_A);
    char large[RELOAD_USER_NAME_MAX + 2];
    memset(large, 'a', sizeof large);
    large[4] = '@';
    large[sizeof large - 1] = 0;
    for (size_t i = 0; i <= sizeof bad / sizeof *bad; i++) {
        const char *name = i < sizeof bad / sizeof *bad ? bad[i] : large;
        ck_assert_msg(!reload_user_name_is_legal(reload_bytes_of_string(name)), "legal: %s", name);
        ck_assert_int_eq(reload_authority_issue(pki_key(1), root, pki_key(0), &id, 1, 16, name,
                                                PKI_OVERLAY, PKI_NOW, 30, &x509),
                         RELOAD_E_USAGE);
    }
    large[sizeof large - 2] = 0;
    ck_assert(reload_user_name_is_legal(reload_bytes_of_string(large)));
    ck_assert(!reload_user_name_is_legal((struct reload_bytes){(const uint8_t *)"a\0@b", 4}));
    ck_assert(reload_user_name_is_legal(reload_bytes_of_string("+49-30-1234;x=1@dht.example.com")));
    ck_assert_ptr_null(x509);
    X509_free(root);
}
END_TEST

START_TEST(server)
{
    X509 *root = make_root(pki_key(1)), *x509 = NULL;
    static const char *const hosts[] = {"enrol.example.org", "127.0.0.1", "::1"};
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(reload_authority_server(pki_key(1), root, pki_key(0), hosts[i],
                                                 PKI_OVERLAY, PKI_NOW, 30, &x509),
                         0);
        int good = i == 0 ? X509_check_host(x509, hosts[i], 0, 0, NULL)
                          : X509_check_ip_asc(x509, hosts[i], 0);
        ck_assert_int_eq(good, 1);
        ck_assert_int_eq(X509_check_host(x509, PKI_OVERLAY, 0, 0, NULL), 1);
        ck_assert_int_eq(X509_check_host(x509, "evil.example", 0, 0, NULL), 0);
        /* It is nobody's in the overlay. */
        struct reload_identity identity;
        ck_assert_int_eq(check(root, x509, &identity), RELOAD_E_CERTIFICATE);
        X509_free(x509);
    }
    X509_free(root);
}
END_TEST

/* ---- requests, E2 --------------------------------------------------------------------------- */

static void
make_request(EVP_PKEY *key, const char *user_name, uint8_t **der, size_t *size)
{
    ck_assert_int_eq(reload_csr_make(key, user_name, der, size), 0);
    ck_assert_ptr_nonnull(*der);
}

START_TEST(good_request)
{
    EVP_PKEY *keys[] = {pki_key(0), pki_rsa_key()};
    for (size_t k = 0; k < 2; k++)
        for (int named = 0; named < 2; named++) {
            struct reload_csr csr;
            uint8_t *der;
            size_t size;
            make_request(keys[k], named ? PKI_USER : NULL, &der, &size);
            ck_assert_int_eq(reload_csr_parse((struct reload_bytes){der, size}, &csr), 0);
            ck_assert_str_eq(csr.user_name, named ? PKI_USER : "");
            ck_assert_int_eq(EVP_PKEY_eq(csr.key, keys[k]), 1);
            reload_csr_fini(&csr);
            OPENSSL_free(der);
        }
}
END_TEST

START_TEST(request_damaged)
{
    struct reload_csr csr;
    uint8_t *der, longer[2048];
    size_t size;
    make_request(pki_key(0), PKI_USER, &der, &size);
    for (size_t cut = 0; cut < size; cut++)
        ck_assert_int_eq(reload_csr_parse((struct reload_bytes){der, cut}, &csr),
                         RELOAD_E_CERTIFICATE);
    memcpy(longer, der, size);
    longer[size] = 0x30;
    ck_assert_int_eq(reload_csr_parse((struct reload_bytes){longer, size + 1}, &csr),
                     RELOAD_E_CERTIFICATE);
    for (size_t i = 0; i < size; i++) {
        longer[i] ^= 0x11;
        int error = reload_csr_parse((struct reload_bytes){longer, size}, &csr);
        ck_assert_msg(error == RELOAD_E_CERTIFICATE, "octet %zu", i);
        longer[i] ^= 0x11;
    }
    OPENSSL_free(der);
}
END_TEST

START_TEST(request_large)
{
    static uint8_t large[RELOAD_CSR_SIZE_MAX + 1] = {0x30, 0x82, 0x3f, 0xfd};
    struct reload_csr csr;
    ck_assert_int_eq(reload_csr_parse((struct reload_bytes){large, sizeof large}, &csr),
                     RELOAD_E_CERTIFICATE);
    ck_assert_int_eq(reload_csr_parse((struct reload_bytes){large, sizeof large - 1}, &csr),
                     RELOAD_E_CERTIFICATE);
    ck_assert_int_eq(reload_csr_parse((struct reload_bytes){NULL, 0}, &csr), RELOAD_E_CERTIFICATE);
}
END_TEST

/* A request with |key| inside, signed by |signer|, with |names| (openssl.cnf form; NULL: none). */
static int
parse_odd(EVP_PKEY *key, EVP_PKEY *signer, const EVP_MD *digest, const char *names,
          struct reload_csr *csr)
{
    X509_REQ *request = X509_REQ_new();
    uint8_t *der = NULL;
    X509_REQ_set_pubkey(request, key);
    if (names) {
        X509V3_CTX context;
        X509V3_set_ctx(&context, NULL, NULL, request, NULL, 0);
        STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
        sk_X509_EXTENSION_push(list,
                               X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, names));
        sk_X509_EXTENSION_push(
            list, X509V3_EXT_conf_nid(NULL, &context, NID_basic_constraints, "critical,CA:TRUE"));
        ck_assert_int_eq(X509_REQ_add_extensions(request, list), 1);
        sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    }
    ck_assert_int_gt(X509_REQ_sign(request, signer, digest), 0);
    int size = i2d_X509_REQ(request, &der);
    ck_assert_int_gt(size, 0);
    int error = reload_csr_parse((struct reload_bytes){der, (size_t)size}, csr);
    OPENSSL_free(der);
    X509_REQ_free(request);
    ERR_clear_error();
    return error;
}

START_TEST(request_of_another_key)
{
    struct reload_csr csr;
    ck_assert_int_eq(parse_odd(pki_key(0), pki_key(2), EVP_sha256(), NULL, &csr),
                     RELOAD_E_CERTIFICATE);
    ck_assert_int_eq(parse_odd(pki_key(0), pki_key(0), EVP_sha256(), NULL, &csr), 0);
    reload_csr_fini(&csr);
}
END_TEST

START_TEST(request_of_a_weak_key)
{
    EVP_PKEY *rsa = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024);
    EVP_PKEY *edwards = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    struct reload_csr csr;
    ck_assert_int_eq(parse_odd(rsa, rsa, EVP_sha256(), NULL, &csr), RELOAD_E_CERTIFICATE);
    ck_assert_int_eq(parse_odd(edwards, edwards, NULL, NULL, &csr), RELOAD_E_CERTIFICATE);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(edwards);
}
END_TEST

/* Wishes beside one user name are not looked at, two user names are one too many. */
START_TEST(request_with_wishes)
{
    struct reload_csr csr;
    ck_assert_int_eq(parse_odd(pki_key(0), pki_key(0), EVP_sha256(),
                               "email:a@b.example,email:c@d.example", &csr),
                     RELOAD_E_CERTIFICATE);
    ck_assert_int_eq(parse_odd(pki_key(0), pki_key(0), EVP_sha256(),
                               "URI:" PKI_URI_A ",DNS:x.example,email:a@b.example", &csr),
                     0);
    ck_assert_str_eq(csr.user_name, "a@b.example");
    struct reload_identity identity;
    struct reload_node_id theirs = pki_node_id(PKI_ID_A), ours = pki_node_id(PKI_ID_B);
    X509 *root = make_root(pki_key(1)), *x509 = NULL;
    ck_assert_int_eq(reload_authority_issue(pki_key(1), root, csr.key, &ours, 1, 16, csr.user_name,
                                            PKI_OVERLAY, PKI_NOW, 30, &x509),
                     0);
    ck_assert_int_eq(check(root, x509, &identity), 0);
    ck_assert(!reload_identity_has(&identity, &theirs));
    ck_assert_int_eq(X509_check_ca(x509), 0);
    reload_csr_fini(&csr);
    X509_free(x509);
    X509_free(root);
}
END_TEST

/* D30: the same key is known again. */
START_TEST(key_digest)
{
    uint8_t first[32], again[32], other[32];
    ck_assert_int_eq(reload_csr_key_digest(pki_key(0), first), 0);
    ck_assert_int_eq(reload_csr_key_digest(pki_key(0), again), 0);
    ck_assert_int_eq(reload_csr_key_digest(pki_key(1), other), 0);
    ck_assert_int_eq(memcmp(first, again, 32), 0);
    ck_assert_int_ne(memcmp(first, other, 32), 0);
}
END_TEST

int
main(void)
{
    pki_begin();
    int result = RUN_SUITE("authority", issued_is_accepted, form, names_in_order, serial_numbers,
                           not_longer_than_the_root, user_names, server, good_request,
                           request_damaged, request_large, request_of_another_key,
                           request_of_a_weak_key, request_with_wishes, key_digest);
    pki_end();
    return result;
}
