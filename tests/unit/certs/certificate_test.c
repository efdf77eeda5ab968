/* certificate_test.c: what certificates of nodes must say, and who must have signed them.
 *
 * RFC 6940 11.3, 11.3.1. SPDX-License-Identifier: BSD-2-Clause */
#include "certs/certificate.h"

#include "certs/authority.h"
#include "tests/suite.h"
#include "tests/unit/certs/pki.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <time.h>

static struct reload_config config;
static X509 *root; /* of pki_key(1) */

static void
begin(void)
{
    root = pki_root(pki_key(1), "CA");
    pki_config(&config, root);
}

static void
end(void)
{
    X509_free(root);
}

/* Parses, identifies and checks the chain of |x509|, which is freed. */
static int
check(X509 *x509, struct reload_identity *identity)
{
    X509 *parsed = NULL;
    X509_STORE *store = NULL;
    int error = reload_certificate_parse(pki_der(x509), &parsed);
    X509_free(x509);
    if (!error)
        error = reload_certificate_identify(parsed, &config, identity);
    if (!error)
        error = reload_certificate_store(&config, &store);
    if (!error)
        error = reload_certificate_check_chain(parsed, store, &config, identity, PKI_NOW);
    X509_STORE_free(store);
    X509_free(parsed);
    ERR_clear_error();
    return error;
}

/* Checks a certificate made by |spec|, issued by the root unless |spec| says otherwise. */
static int
check_spec(struct pki_spec spec)
{
    struct reload_identity identity;
    if (!spec.issuer_key) {
        spec.issuer_key = pki_key(1);
        spec.issuer = root;
    }
    return check(pki_make(&spec), &identity);
}

/* RFC6940-11.3-14 */
START_TEST(good)
{
    struct reload_identity identity;
    begin();
    X509 *x509 = pki_make(&(struct pki_spec){
        .issuer_key = pki_key(1),
        .issuer = root,
        .names = {{GEN_URI, PKI_URI_A, 0}, {GEN_EMAIL, PKI_USER, 0}, {GEN_URI, PKI_URI_B, 0}}});
    ck_assert_int_eq(check(x509, &identity), 0);
    struct reload_node_id a = pki_node_id(PKI_ID_A), b = pki_node_id(PKI_ID_B);
    ck_assert_uint_eq(identity.node_id_count, 2);
    ck_assert(reload_identity_has(&identity, &a));
    ck_assert(reload_identity_has(&identity, &b));
    ck_assert_str_eq(identity.user_name, PKI_USER);
    ck_assert_uint_eq(identity.not_before_ms, PKI_NOW - PKI_DAY);
    ck_assert_uint_eq(identity.not_after_ms, PKI_NOW + 365 * PKI_DAY);
    ck_assert_uint_eq(identity.signature_algorithm, 3);
    end();
}
END_TEST

START_TEST(good_rsa)
{
    struct reload_identity identity;
    begin();
    X509 *x509 = pki_make(
        &(struct pki_spec){.key = pki_rsa_key(), .issuer_key = pki_key(1), .issuer = root});
    ck_assert_int_eq(check(x509, &identity), 0);
    ck_assert_uint_eq(identity.signature_algorithm, 1);
    end();
}
END_TEST

/* What certificates made elsewhere have and what does no harm. */
START_TEST(tolerated)
{
    begin();
    ck_assert_int_eq(check_spec((struct pki_spec){.key_usage = ""}), 0);
    ck_assert_int_eq(check_spec((struct pki_spec){.basic_constraints = ""}), 0);
    ck_assert_int_eq(
        check_spec((struct pki_spec){.key_usage = "critical,digitalSignature,keyAgreement"}), 0);
    ck_assert_int_eq(
        check_spec((struct pki_spec){.extensions = {{"extendedKeyUsage", "serverAuth,clientAuth"},
                                                    {"subjectKeyIdentifier", "hash"},
                                                    {"authorityKeyIdentifier", "keyid"}}}),
        0);
    end();
}
END_TEST

/* C5; RFC6940-11.3-23: whoever reads the subject elsewhere would take it for a name. */
START_TEST(subject_is_not_empty)
{
    begin();
    ck_assert_int_eq(check_spec((struct pki_spec){.common_name = "bob@dht.example.com"}),
                     RELOAD_E_CERTIFICATE);
    ck_assert_int_eq(check_spec((struct pki_spec){.common_name = PKI_USER}), RELOAD_E_CERTIFICATE);
    ck_assert_int_eq(check_spec((struct pki_spec){.common_name = " "}), RELOAD_E_CERTIFICATE);
    ck_assert_int_eq(check_spec((struct pki_spec){0}), 0);
    end();
}
END_TEST

/* People are told which of the rules a certificate breaks. */
START_TEST(flaws_in_words)
{
    static const struct {
        struct pki_spec spec;
        const char *said;
    } cases[] = {{{.common_name = "bob"}, "subject is not empty"},
                 {{.names = {{GEN_EMAIL, PKI_USER, 0}}}, "SubjectAltName"},
                 {{.no_names = true}, "SubjectAltName"}};
    begin();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        X509 *x509 = pki_make(&cases[i].spec);
        const char *flaw = reload_certificate_flaw(x509, &config);
        ck_assert_ptr_nonnull(flaw);
        ck_assert_msg(strstr(flaw, cases[i].said) != NULL, "%s", flaw);
        X509_free(x509);
    }
    EVP_PKEY *weak = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024);
    X509 *x509 = pki_make(&(struct pki_spec){.key = weak});
    ck_assert_ptr_nonnull(strstr(reload_certificate_flaw(x509, &config), "key is too weak"));
    X509_free(x509);
    EVP_PKEY_free(weak);
    x509 = pki_make(&(struct pki_spec){0});
    ck_assert_ptr_null(reload_certificate_flaw(x509, &config));
    X509_free(x509);
    end();
}
END_TEST

/* Who mixed up his files reads which two, and what to do. */
START_TEST(key_of_another_certificate)
{
    char message[256] = "";
    X509 *x509 = pki_make(&(struct pki_spec){.key = pki_key(0)});
    ck_assert_int_eq(reload_certificate_check_key(x509, "a/node.crt", pki_key(0), "b/node.key",
                                                  message, sizeof message),
                     0);
    ck_assert_str_eq(message, "");
    ck_assert_int_eq(reload_certificate_check_key(x509, "a/node.crt", pki_key(1), "b/node.key",
                                                  message, sizeof message),
                     RELOAD_E_CERTIFICATE);
    ck_assert_ptr_nonnull(strstr(message, "b/node.key"));
    ck_assert_ptr_nonnull(strstr(message, "a/node.crt"));
    ck_assert_ptr_nonnull(strstr(message, "enrol again"));
    X509_free(x509);
}
END_TEST

/* C5; RFC6940-11.3-22 */
START_TEST(wrong_names)
{
    static const char nul_mail[] = "alice@dht.example.com\0.evil.example";
    static const char nul_uri[] = PKI_URI_A "\0x";
    static const char address[] = "\x7f\0\0\1";
    static const struct pki_name lists[][PKI_NAMES_MAX] = {
        {{GEN_EMAIL, PKI_USER, 0}},
        {{GEN_URI, PKI_URI_A, 0}},
        {{GEN_URI, PKI_URI_A, 0}, {GEN_EMAIL, PKI_USER, 0}, {GEN_EMAIL, "bob@x.example", 0}},
        {{GEN_URI, PKI_URI_A, 0}, {GEN_EMAIL, PKI_USER, 0}, {GEN_EMAIL, PKI_USER, 0}},
        {{GEN_URI, PKI_URI_A, 0}, {GEN_EMAIL, PKI_USER, 0}, {GEN_DNS, "x.example", 0}},
        {{GEN_URI, PKI_URI_A, 0}, {GEN_EMAIL, PKI_USER, 0}, {GEN_IPADD, address, 4}},
        {{GEN_URI, PKI_URI_A, 0}, {GEN_EMAIL, PKI_USER, 0}, {GEN_URI, "https://x.example/", 0}},
        {{GEN_URI, PKI_URI_A, 0}, {GEN_EMAIL, PKI_USER, 0}, {GEN_URI, PKI_URI_A, 0}},
        {{GEN_URI, PKI_URI_A, 0}, {GEN_EMAIL, nul_mail, sizeof nul_mail - 1}},
        {{GEN_URI, nul_uri, sizeof nul_uri - 1}, {GEN_EMAIL, PKI_USER, 0}},
        {{GEN_URI, PKI_URI_A, 0}, {GEN_EMAIL, "alice", 0}},
        {{GEN_URI, PKI_URI_A, 0}, {GEN_EMAIL, "", 0}},
        {{GEN_URI, PKI_URI_A, 0}, {GEN_EMAIL, "alice@x.example\r\nTo: bob@x.example", 0}},
        {{GEN_URI, PKI_URI_A, 0}, {GEN_EMAIL, "\033[2Jalice@x.example", 0}},
        {{GEN_URI, PKI_URI_A "x", 0}, {GEN_EMAIL, PKI_USER, 0}},
        {{GEN_URI, "reload://0110a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0@other.example/", 0},
         {GEN_EMAIL, PKI_USER, 0}},
        {{GEN_URI, "reload://0110ffffffffffffffffffffffffffffffff@" PKI_OVERLAY "/", 0},
         {GEN_EMAIL, PKI_USER, 0}},
        {{GEN_URI, "reload://011000000000000000000000000000000000@" PKI_OVERLAY "/", 0},
         {GEN_EMAIL, PKI_USER, 0}},
        {{GEN_URI, "reload://0210a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0@" PKI_OVERLAY "/", 0},
         {GEN_EMAIL, PKI_USER, 0}},
    };
    begin();
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct pki_spec spec = {0};
        memcpy(spec.names, lists[i], sizeof spec.names);
        ck_assert_msg(check_spec(spec) == RELOAD_E_CERTIFICATE, "accepted: list %zu", i);
    }
    ck_assert_int_eq(check_spec((struct pki_spec){.no_names = true}), RELOAD_E_CERTIFICATE);
    end();
}
END_TEST

/* C5: more Node-IDs than an identity has room for. */
START_TEST(many_node_ids)
{
    char uris[RELOAD_IDENTITY_NODE_IDS_MAX + 1][80];
    begin();
    for (size_t count = 7; count <= RELOAD_IDENTITY_NODE_IDS_MAX + 1; count++) {
        struct pki_spec spec = {.names = {{GEN_EMAIL, PKI_USER, 0}}};
        for (size_t i = 0; i < count; i++) {
            snprintf(uris[i], sizeof uris[i], "reload://0110%032zx@" PKI_OVERLAY "/", i + 1);
            spec.names[1 + i] = (struct pki_name){GEN_URI, uris[i], 0};
        }
        ck_assert_int_eq(check_spec(spec),
                         count <= RELOAD_IDENTITY_NODE_IDS_MAX ? 0 : RELOAD_E_CERTIFICATE);
    }
    end();
}
END_TEST

/* C3; RFC6940-11.3-27 */
START_TEST(wrong_issuers)
{
    begin();
    X509 *other = pki_root(pki_key(2), "other CA");
    X509 *namesake = pki_root(pki_key(2), "CA");
    X509 *node = pki_make(&(struct pki_spec){
        .key = pki_key(2), .issuer_key = pki_key(1), .issuer = root, .common_name = "node"});
    struct pki_spec specs[] = {
        {.issuer_key = pki_key(0)},                     /* self-signed */
        {.issuer_key = pki_key(2), .issuer = other},    /* other CA */
        {.issuer_key = pki_key(2), .issuer = namesake}, /* other CA of the same name */
        {.issuer_key = pki_key(2), .issuer = node},     /* a node plays CA */
        {.issuer_key = pki_key(2), .issuer = root},     /* signature by another key */
    };
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++)
        ck_assert_msg(check_spec(specs[i]) == RELOAD_E_CERTIFICATE, "accepted: %zu", i);
    /* Nor when the node that plays CA is made a trust anchor by mistake. */
    config.root_certs[config.root_cert_count++] = pki_der(node);
    ck_assert_int_eq(check_spec((struct pki_spec){.issuer_key = pki_key(2), .issuer = node}),
                     RELOAD_E_CERTIFICATE);
    config.root_cert_count--;
    /* All are good as such: what is refused is the chain. */
    config.root_certs[config.root_cert_count++] = pki_der(other);
    ck_assert_int_eq(check_spec((struct pki_spec){.issuer_key = pki_key(2), .issuer = other}), 0);
    config.root_cert_count = 0;
    ck_assert_int_eq(check_spec((struct pki_spec){0}), RELOAD_E_CERTIFICATE);
    X509_free(node);
    X509_free(namesake);
    X509_free(other);
    end();
}
END_TEST

/* C3: intermediate authorities, listed beside the root. */
START_TEST(path_length)
{
    static const struct {
        const char *root, *middle, *usage;
        bool good;
    } cases[] = {
        {"critical,CA:TRUE", "critical,CA:TRUE", "critical,keyCertSign", true},
        {"critical,CA:TRUE,pathlen:1", "critical,CA:TRUE,pathlen:0", "critical,keyCertSign", true},
        {"critical,CA:TRUE,pathlen:0", "critical,CA:TRUE", "critical,keyCertSign", false},
        {"critical,CA:TRUE", "critical,CA:FALSE", "critical,keyCertSign", false},
        {"critical,CA:TRUE", "", "critical,keyCertSign", false},
        {"critical,CA:TRUE", "", "", false},
        {"critical,CA:TRUE", "critical,CA:TRUE", "critical,digitalSignature", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        X509 *top = pki_make(&(struct pki_spec){.key = pki_key(1),
                                                .common_name = "top",
                                                .no_names = true,
                                                .basic_constraints = cases[i].root,
                                                .key_usage = "critical,keyCertSign"});
        X509 *middle = pki_make(&(struct pki_spec){.key = pki_key(2),
                                                   .issuer_key = pki_key(1),
                                                   .issuer = top,
                                                   .common_name = "middle",
                                                   .no_names = true,
                                                   .basic_constraints = cases[i].middle,
                                                   .key_usage = cases[i].usage});
        pki_config(&config, top);
        config.root_certs[config.root_cert_count++] = pki_der(middle);
        int error = check_spec((struct pki_spec){.issuer_key = pki_key(2), .issuer = middle});
        ck_assert_msg((error == 0) == cases[i].good, "case %zu: %d", i, error);
        X509_free(middle);
        X509_free(top);
    }
}
END_TEST

/* C3: E9: a node's certificate that is one of a CA, or may not sign. */
START_TEST(wrong_usage)
{
    static const struct {
        const char *constraints, *usage;
    } cases[] = {
        {"critical,CA:TRUE", "critical,digitalSignature"},
        {"critical,CA:TRUE", "critical,digitalSignature,keyCertSign"},
        {"critical,CA:FALSE", "critical,keyCertSign"},
        {"critical,CA:FALSE", "critical,keyEncipherment"},
        {"critical,CA:FALSE", "keyAgreement"},
    };
    begin();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(check_spec((struct pki_spec){.basic_constraints = cases[i].constraints,
                                                   .key_usage = cases[i].usage}) ==
                          RELOAD_E_CERTIFICATE,
                      "accepted: %zu", i);
    /* An extension that nobody here understands, and that is critical. */
    ck_assert_int_eq(
        check_spec((struct pki_spec){.extensions = {{"1.2.3.4.5", "critical,DER:0500"}}}),
        RELOAD_E_CERTIFICATE);
    ck_assert_int_eq(check_spec((struct pki_spec){.extensions = {{"1.2.3.4.5", "DER:0500"}}}), 0);
    end();
}
END_TEST

/* C6 */
START_TEST(weak_algorithms)
{
    EVP_PKEY *weak[] = {
        EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024),
        EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-192"),
        EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"),
    };
    begin();
    for (size_t i = 0; i < sizeof weak / sizeof *weak; i++) {
        ck_assert_msg(check_spec((struct pki_spec){.key = weak[i]}) == RELOAD_E_CERTIFICATE,
                      "accepted: key %zu", i);
        EVP_PKEY_free(weak[i]);
    }
    X509 *rsa_root = pki_root(pki_rsa_key(), "RSA CA");
    config.root_certs[config.root_cert_count++] = pki_der(rsa_root);
    const EVP_MD *digests[] = {EVP_md5(), EVP_sha1(), EVP_sha256(), EVP_sha512()};
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(check_spec((struct pki_spec){.issuer_key = pki_rsa_key(),
                                                      .issuer = rsa_root,
                                                      .digest = digests[i]}),
                         i < 2 ? RELOAD_E_CERTIFICATE : 0);
    X509_free(rsa_root);
    ck_assert_int_eq(check_spec((struct pki_spec){.digest = EVP_sha384()}), 0);
    end();
}
END_TEST

/* C3: name constraints of the authority hold. */
START_TEST(name_constraints)
{
    X509 *top = pki_make(&(struct pki_spec){
        .key = pki_key(1),
        .common_name = "CA",
        .no_names = true,
        .basic_constraints = "critical,CA:TRUE",
        .key_usage = "critical,keyCertSign",
        .extensions = {{"nameConstraints", "critical,permitted;email:other.example"}}});
    pki_config(&config, top);
    ck_assert_int_eq(check_spec((struct pki_spec){.issuer_key = pki_key(1), .issuer = top}),
                     RELOAD_E_CERTIFICATE);
    ck_assert_int_eq(check_spec((struct pki_spec){
                         .issuer_key = pki_key(1),
                         .issuer = top,
                         .names = {{GEN_URI, PKI_URI_A, 0}, {GEN_EMAIL, "a@other.example", 0}}}),
                     0);
    X509_free(top);
}
END_TEST

/* ---- self-signed mode, C10 ------------------------------------------------------------------ */

/* The URI of the |index|-th Node-ID of |key| (0: the only one) by |digest| (11.3.1). */
static void
self_uri(EVP_PKEY *key, const EVP_MD *digest, uint8_t index, char *uri)
{
    uint8_t buffer[1024] = {0, 0, 0, index}, octets[EVP_MAX_MD_SIZE];
    uint8_t *at = buffer + 4;
    int size = i2d_PUBKEY(key, &at);
    ck_assert_int_gt(size, 0);
    ck_assert_int_eq(EVP_Digest(index ? buffer : buffer + 4, (size_t)size + (index ? 4 : 0), octets,
                                NULL, digest, NULL),
                     1);
    at = octets;
    int written = sprintf(uri, "reload://0110");
    for (int i = 0; i < 16; i++)
        written += sprintf(uri + written, "%02x", at[i]);
    sprintf(uri + written, "@" PKI_OVERLAY "/");
}

static int
check_self(const char *first, const char *second, EVP_PKEY *signer)
{
    struct pki_spec spec = {.names = {{GEN_EMAIL, PKI_USER, 0}, {GEN_URI, first, 0}},
                            .issuer_key = signer};
    if (second)
        spec.names[2] = (struct pki_name){GEN_URI, second, 0};
    struct reload_identity identity;
    return check(pki_make(&spec), &identity);
}

/* RFC6940-11.3.1-03, -04 */
START_TEST(self_signed)
{
    char only[128], first[128], second[128], third[128];
    for (int sha256 = 0; sha256 < 2; sha256++) {
        const EVP_MD *digest = sha256 ? EVP_sha256() : EVP_sha1();
        pki_config(&config, NULL);
        config.self_signed_digest = sha256 ? 4 : 2;
        self_uri(pki_key(0), digest, 0, only);
        self_uri(pki_key(0), digest, 1, first);
        self_uri(pki_key(0), digest, 2, second);
        self_uri(pki_key(0), digest, 3, third);
        ck_assert_int_eq(check_self(only, NULL, pki_key(0)), RELOAD_E_CERTIFICATE);
        config.self_signed_permitted = true;
        ck_assert_int_eq(check_self(only, NULL, pki_key(0)), 0);
        ck_assert_int_eq(check_self(first, second, pki_key(0)), 0);
        /* C10: not the digest of the key; not its index. */
        ck_assert_int_eq(check_self(PKI_URI_A, NULL, pki_key(0)), RELOAD_E_CERTIFICATE);
        ck_assert_int_eq(check_self(first, NULL, pki_key(0)), RELOAD_E_CERTIFICATE);
        ck_assert_int_eq(check_self(only, second, pki_key(0)), RELOAD_E_CERTIFICATE);
        ck_assert_int_eq(check_self(first, third, pki_key(0)), RELOAD_E_CERTIFICATE);
        ck_assert_int_eq(check_self(first, PKI_URI_A, pki_key(0)), RELOAD_E_CERTIFICATE);
        /* By the digest that the document does not name. */
        config.self_signed_digest = sha256 ? 2 : 4;
        ck_assert_int_eq(check_self(only, NULL, pki_key(0)), RELOAD_E_CERTIFICATE);
        config.self_signed_digest = sha256 ? 4 : 2;
        /* Theft: her Node-ID and key, signed by another key. */
        ck_assert_int_eq(check_self(only, NULL, pki_key(2)), RELOAD_E_CERTIFICATE);
    }
}
END_TEST

/* Where both are permitted, one that was issued needs no digest. */
START_TEST(self_signed_and_issued)
{
    begin();
    config.self_signed_permitted = true;
    config.self_signed_digest = 4;
    ck_assert_int_eq(check_spec((struct pki_spec){0}), 0);
    ck_assert_int_eq(check_spec((struct pki_spec){.issuer_key = pki_key(0)}), RELOAD_E_CERTIFICATE);
    end();
}
END_TEST

/* A negative serial number is odd, and harmless: the certificate's hash is its name here. What
 * counts is that the signature over it is checked. */
START_TEST(negative_serial)
{
    begin();
    X509 *x509 = pki_make(&(struct pki_spec){.issuer_key = pki_key(1), .issuer = root});
    struct reload_identity identity;
    ASN1_INTEGER_set(X509_get_serialNumber(x509), -5);
    ck_assert_int_gt(X509_sign(x509, pki_key(1), EVP_sha256()), 0);
    ck_assert_int_eq(check(x509, &identity), 0);
    end();
}
END_TEST

int
main(void)
{
    pki_begin();
    int result = RUN_SUITE("certificate", good, good_rsa, tolerated, subject_is_not_empty,
                           flaws_in_words, key_of_another_certificate, wrong_names, many_node_ids,
                           wrong_issuers, path_length, wrong_usage, weak_algorithms,
                           name_constraints, self_signed, self_signed_and_issued, negative_serial);
    pki_end();
    return result;
}
