/* enrolment_test.c: who gets a certificate, and what is in it. RFC 6940 11.3; D25, D30; attacks
 * E1-E5.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/tools/office.h"
#include "tests/unit/tools/suite.h"

static const struct office_request good = {.username = "alice"};

/* RFC6940-11.3-13, -14, -18, -22, -23 */
START_TEST(certificate_of_the_right_kind)
{
    struct office office;
    struct reload_identity identity;
    office_open(&office, 8);
    ck_assert_uint_eq(office_ask(&office, &good), 200);
    X509 *x509 = office_certificate(&office, &identity);
    ck_assert_str_eq(identity.user_name, OFFICE_USER);
    ck_assert_uint_eq(identity.node_id_count, 1);
    ck_assert_int_eq(X509_NAME_entry_count(X509_get_subject_name(x509)), 0);
    ck_assert_int_eq(EVP_PKEY_eq(X509_get0_pubkey(x509), office.key), 1);
    GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
    ck_assert_int_eq(sk_GENERAL_NAME_num(names), 2);
    GENERAL_NAMES_free(names);
    X509_free(x509);
    office_close(&office);
}
END_TEST

static struct reload_node_id
node_id_of(struct office *office, const struct office_request *request)
{
    struct reload_identity identity;
    ck_assert_uint_eq(office_ask(office, request), 200);
    X509_free(office_certificate(office, &identity));
    return identity.node_ids[0];
}

/* RFC6940-11.3-15, -16, -19 */
START_TEST(node_ids_by_user_and_key)
{
    struct office office;
    EVP_PKEY *key;
    office_open(&office, 2);
    ck_assert_int_eq(reload_key_new(RELOAD_KEY_RSA, &key), 0);
    struct office_request other_key = {.key = key};
    struct reload_node_id first = node_id_of(&office, &good);
    struct reload_node_id second = node_id_of(&office, &other_key);
    struct reload_node_id again = node_id_of(&office, &good);
    ck_assert(reload_node_id_equal(&first, &again));
    ck_assert(!reload_node_id_equal(&first, &second));
    EVP_PKEY_free(key);

    ck_assert_int_eq(reload_key_new(RELOAD_KEY_P256, &key), 0);
    struct office_request third_key = {.key = key};
    office_refuses(&office, &third_key, "Node-IDs_not_available");
    EVP_PKEY_free(key);
    office_close(&office);
}
END_TEST

/* RFC6940-11.3-12: the same answer for a wrong password and for nobody (E1). */
START_TEST(authentication)
{
    static const struct office_request rows[] = {
        {.password = "correct horsf"},
        {.password = ""},
        {.password = "correct horse "},
        {.username = "bob"},
        {.username = "alice@example.com"},
        {.username = "ALICE"},
        {.username = ""},
        {.username = "alice@example.org@example.org"},
        {.without_username = true},
        {.without_password = true},
        {.without_username = true, .without_password = true, .without_csr = true},
    };
    struct office office;
    office_open(&office, 8);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        office_refuses(&office, &rows[i], "failed_authentication");
        office.now += 3600 * RELOAD_SECOND;
    }
    ck_assert_uint_eq(office_ask(&office, &good), 200);
    struct office_request whole_name = {.username = OFFICE_USER};
    ck_assert_uint_eq(office_ask(&office, &whole_name), 200);
    office_close(&office);
}
END_TEST

/* Guessing one user's password from everywhere makes that user wait, known or not (E1). */
START_TEST(users_wait)
{
    static const char *const names[][2] = {{"alice", "alice@example.org"},
                                           {"nobody", "nobody@EXAMPLE.org"}};
    struct office office;
    office_open(&office, 8);
    for (size_t n = 0; n < 2; n++) {
        char address[32];
        for (unsigned i = 0; i < 6; i++) {
            snprintf(address, sizeof address, "192.0.2.%u", i);
            /* both spellings count together */
            struct office_request guess = {
                .username = names[n][i % 2], .password = "wrong guess", .address = address};
            office_refuses(&office, &guess, "failed_authentication");
        }
        struct office_request right = {.username = names[n][0], .address = "192.0.2.99"};
        ck_assert_uint_eq(office_ask(&office, &right), 429);
        ck_assert_uint_ge(office.answer.retry_after_s, 1);
        office.now += 2 * RELOAD_SECOND;
        ck_assert_uint_eq(office_ask(&office, &right), n == 0 ? 200 : 403);
    }
    office_close(&office);
}
END_TEST

/* Trying one password on many users makes the address wait; its whole /64 with IPv6, but not all
 * hosts of IPv4 when the server listens by IPv6. */
START_TEST(addresses_wait)
{
    static const char *const addresses[][3] = {
        {"192.0.2.1", "192.0.2.1", "192.0.2.2"},
        {"2001:db8::1", "2001:db8::ffff", "2001:db8:1::1"},
        {"::ffff:192.0.2.3", "192.0.2.3", "::ffff:192.0.2.4"}};
    struct office office;
    office_open(&office, 8);
    for (size_t a = 0; a < 3; a++) {
        char name[16];
        for (unsigned i = 0; i < 21; i++) {
            snprintf(name, sizeof name, "user%zu-%u", a, i);
            struct office_request guess = {
                .username = name, .password = "wrong guess", .address = addresses[a][0]};
            office_refuses(&office, &guess, "failed_authentication");
        }
        struct office_request same = {.address = addresses[a][1]},
                              other = {.address = addresses[a][2]};
        ck_assert_uint_eq(office_ask(&office, &same), 429);
        ck_assert_uint_eq(office_ask(&office, &other), 200);
    }
    office_close(&office);
}
END_TEST

START_TEST(requests_have_a_rate)
{
    static const struct throttle_rule rule = {.failures_free = 100,
                                              .forget_ns = RELOAD_SECOND,
                                              .requests_burst = 3,
                                              .requests_ns = 20 * RELOAD_SECOND};
    struct office office;
    office_open(&office, 8);
    throttle_free(office.enrolment.addresses);
    office.enrolment.addresses = throttle_new(&rule, 1);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(office_ask(&office, &good), 200);
    ck_assert_uint_eq(office_ask(&office, &good), 429);
    ck_assert_uint_eq(office.answer.retry_after_s, 21);
    struct office_request elsewhere = {.address = "192.0.2.2"};
    ck_assert_uint_eq(office_ask(&office, &elsewhere), 200);
    office.now += 20 * RELOAD_SECOND;
    ck_assert_uint_eq(office_ask(&office, &good), 200);
    ck_assert_uint_eq(office_ask(&office, &good), 429);
    office_close(&office);
}
END_TEST

/* ---- the request for a certificate ----------------------------------------------------------- */

/* Makes a request signed by |signer| for |key| with SubjectAltName |names| and whatever |change|
 * does to it. */
static struct reload_bytes
make_csr(EVP_PKEY *key, EVP_PKEY *signer, const EVP_MD *digest, GENERAL_NAMES *names)
{
    X509_REQ *request = X509_REQ_new();
    STACK_OF(X509_EXTENSION) *extensions = NULL;
    uint8_t *der = NULL;
    X509_REQ_set_pubkey(request, key);
    if (names != NULL) {
        X509V3_add1_i2d(&extensions, NID_subject_alt_name, names, 1, X509V3_ADD_DEFAULT);
        BASIC_CONSTRAINTS constraints = {.ca = 0xff};
        X509V3_add1_i2d(&extensions, NID_basic_constraints, &constraints, 1, X509V3_ADD_DEFAULT);
        X509_REQ_add_extensions(request, extensions);
        sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    }
    ck_assert_int_gt(X509_REQ_sign(request, signer, digest), 0);
    int size = i2d_X509_REQ(request, &der);
    ck_assert_int_gt(size, 0);
    X509_REQ_free(request);
    return (struct reload_bytes){der, (size_t)size};
}

static void
free_csr(struct reload_bytes csr)
{
    OPENSSL_free((void *)(uintptr_t)csr.data);
}

static void
add_name(GENERAL_NAMES *names, int type, const char *text, size_t size)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *string = ASN1_IA5STRING_new();
    ASN1_STRING_set(string, text, (int)size);
    GENERAL_NAME_set0_value(name, type, string);
    sk_GENERAL_NAME_push(names, name);
}

/* E2: bytes that are no request, or a damaged one. */
START_TEST(requests_that_are_none)
{
    struct office office;
    uint8_t large[RELOAD_CSR_SIZE_MAX] = {0x30, 0x82, 0x3f, 0xfc};
    office_open(&office, 8);
    struct reload_bytes csr = make_csr(office.key, office.key, EVP_sha256(), NULL);
    uint8_t *bad = malloc(csr.size + 1);
    struct office_request request = {.csr = {bad, csr.size}};
    for (size_t i = 0; i < csr.size; i += 7) { /* one octet changed */
        memcpy(bad, csr.data, csr.size);
        bad[i] ^= 0x01;
        office_refuses(&office, &request, "bad_CSR");
    }
    memcpy(bad, csr.data, csr.size);
    for (size_t i = 0; i < csr.size; i += 5) { /* cut off */
        request.csr.size = i;
        office_refuses(&office, &request, "bad_CSR");
    }
    request.csr.size = csr.size + 1; /* trailing data */
    bad[csr.size] = 0;
    office_refuses(&office, &request, "bad_CSR");
    request.csr.size = csr.size;
    ck_assert_uint_eq(office_ask(&office, &request), 200);
    request.csr = (struct reload_bytes){large, sizeof large};
    office_refuses(&office, &request, "bad_CSR");
    free(bad);
    free_csr(csr);
    office_close(&office);
}
END_TEST

/* E2: keys that are weak, of the wrong kind, or somebody else's. */
START_TEST(requests_for_wrong_keys)
{
    struct office office;
    office_open(&office, 8);
    EVP_PKEY *weak = EVP_RSA_gen(1024), *edwards = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    EVP_PKEY *curve = EVP_EC_gen("secp256k1"), *other = EVP_EC_gen("P-256");
    struct reload_bytes rows[] = {make_csr(weak, weak, EVP_sha256(), NULL),
                                  make_csr(edwards, edwards, NULL, NULL),
                                  make_csr(curve, curve, EVP_sha256(), NULL),
                                  make_csr(other, office.key, EVP_sha256(), NULL)};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct office_request request = {.csr = rows[i]};
        office_refuses(&office, &request, "bad_CSR");
        free_csr(rows[i]);
    }
    EVP_PKEY_free(weak);
    EVP_PKEY_free(edwards);
    EVP_PKEY_free(curve);
    EVP_PKEY_free(other);
    office_close(&office);
}
END_TEST

/* RFC6940-11.3-10 */
START_TEST(requests_of_another_type)
{
    struct office office;
    office_open(&office, 8);
    struct office_request wrong = {.csr_type = "text/plain"}, none = {.without_csr = true};
    office_refuses(&office, &wrong, "bad_CSR");
    office_refuses(&office, &none, "bad_CSR");
    office_close(&office);
}
END_TEST

/* E2: a request may ask for a Node-ID, for being a CA, for other names: it gets none of it. */
START_TEST(wishes_are_ignored)
{
    static const char uri[] = "reload://011000000000000000000000000000000001@example.org/";
    struct office office;
    struct reload_identity identity;
    office_open(&office, 8);
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    add_name(names, GEN_URI, uri, sizeof uri - 1);
    add_name(names, GEN_DNS, "www.example.org", 15);
    add_name(names, GEN_EMAIL, OFFICE_USER, sizeof OFFICE_USER - 1);
    struct office_request request = {.csr = make_csr(office.key, office.key, EVP_sha256(), names)};
    ck_assert_uint_eq(office_ask(&office, &request), 200);
    X509 *x509 = office_certificate(&office, &identity);
    struct reload_node_id wish = {{[15] = 1}};
    ck_assert(!reload_node_id_equal(&identity.node_ids[0], &wish));
    ck_assert_uint_eq(X509_get_extension_flags(x509) & EXFLAG_CA, 0);
    ck_assert_int_ne(X509_check_host(x509, "www.example.org", 0, 0, NULL), 1);
    X509_free(x509);
    GENERAL_NAMES_free(names);
    free_csr(request.csr);
    office_close(&office);
}
END_TEST

/* E3; RFC6940-11.3-20 */
START_TEST(user_names_that_are_not_ours)
{
    static char long_name[10240];
    static const struct {
        const char *text;
        size_t size;
    } rows[] = {
        {"bob@example.org", 15},   /* somebody else's */
        {"alice@example.com", 17}, /* another domain */
        {"alice", 5},
        {"alice@@example.org", 18},
        {"alice@example.org\0", 18},      /* a NUL at the end */
        {"alice@example.org\0.evil", 23}, /* or inside */
        {"alice@example.org\r\n", 19},
        {"\xd0\xb0lice@example.org", 18}, /* looks the same */
        {"\xff\xfe@example.org", 14},     /* not UTF-8 */
        {"ALICE@example.org", 17},
        {long_name, sizeof long_name},
    };
    struct office office;
    memset(long_name, 'a', sizeof long_name);
    office_open(&office, 8);
    office_add_user(&office, "bob@example.org");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
        add_name(names, GEN_EMAIL, rows[i].text, rows[i].size);
        struct office_request request = {.csr =
                                             make_csr(office.key, office.key, EVP_sha256(), names)};
        office_refuses(&office, &request, "username_not_available");
        free_csr(request.csr);
        GENERAL_NAMES_free(names);
    }
    struct office_request own = {.user_name = OFFICE_USER};
    ck_assert_uint_eq(office_ask(&office, &own), 200);
    office_close(&office);
}
END_TEST

/* E4; RFC6940-11.3-09 */
START_TEST(numbers_of_node_ids)
{
    static const char *const wrong[] = {"0", "-1", "1000000000", "x", "2", "", "1x", "01", " 1"};
    struct office office;
    office_open(&office, 8);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct office_request request = {.nodeids = wrong[i]};
        office_refuses(&office, &request, "Node-IDs_not_available");
    }
    struct office_request one = {.nodeids = "1"};
    ck_assert_uint_eq(office_ask(&office, &one), 200);
    office_close(&office);
}
END_TEST

/* A form that says two things is answered before anybody's password is looked at. */
START_TEST(ambiguous_forms)
{
    struct office office;
    struct form form;
    office_open(&office, 8);
    form_init(&form);
    form_add(&form, "username", NULL, NULL, "alice", 0, 5);
    form_add(&form, "username", NULL, NULL, "bob", 0, 3);
    enrolment_decide(&office.enrolment, &form, "192.0.2.1", 0, OFFICE_NOW, &office.answer);
    ck_assert_uint_eq(office.answer.status, 400);
    form_fini(&form);
    office_close(&office);
}
END_TEST

START_TEST(removed_users)
{
    struct office office;
    office_open(&office, 8);
    ck_assert_uint_eq(office_ask(&office, &good), 200);
    ck_assert_int_eq(accounts_remove(office.enrolment.accounts, OFFICE_USER), 0);
    office_refuses(&office, &good, "failed_authentication");
    office_close(&office);
}
END_TEST

/* What happened is in the log; passwords, and what strangers typed, are not (E6). */
START_TEST(log_without_secrets)
{
    char path[PATH_MAX], text[4096];
    struct office office;
    office_open(&office, 8);
    struct office_request slip = {.username = "my-password-by-mistake", .password = "wrong guess"};
    office_refuses(&office, &slip, "failed_authentication");
    ck_assert_uint_eq(office_ask(&office, &good), 200);
    home_file(&office.home, "audit.log", path);
    office_close(&office);
    FILE *file = fopen(path, "r");
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = '\0';
    ck_assert_ptr_nonnull(strstr(text, "\"event\":\"refused\",\"address\":\"192.0.2.1\","
                                       "\"reason\":\"failed_authentication\""));
    ck_assert_ptr_nonnull(strstr(text, "\"event\":\"certificate\",\"user\":\"" OFFICE_USER "\""));
    ck_assert_ptr_null(strstr(text, "mistake"));
    ck_assert_ptr_null(strstr(text, "guess"));
    ck_assert_ptr_null(strstr(text, OFFICE_PASSWORD));
}
END_TEST

SUITE_MAIN("enrolment", certificate_of_the_right_kind, node_ids_by_user_and_key, authentication,
           users_wait, addresses_wait, requests_have_a_rate, requests_that_are_none,
           requests_for_wrong_keys, requests_of_another_type, wishes_are_ignored,
           user_names_that_are_not_ours, numbers_of_node_ids, ambiguous_forms, removed_users,
           log_without_secrets)
