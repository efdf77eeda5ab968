/* pki.c: certificates of every kind for tests.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/certs/pki.h"

#include "certs/keyring.h"

#include <check.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <time.h>

#define KEPT_MAX 8192

static EVP_PKEY *keys[3], *rsa_key;
static uint8_t *kept[KEPT_MAX];
static size_t kept_count;

void
pki_begin(void)
{
    for (size_t i = 0; i < 3; i++)
        keys[i] = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    rsa_key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
}

void
pki_end(void)
{
    for (size_t i = 0; i < 3; i++)
        EVP_PKEY_free(keys[i]);
    EVP_PKEY_free(rsa_key);
    for (size_t i = 0; i < kept_count; i++)
        OPENSSL_free(kept[i]);
    kept_count = 0;
}

EVP_PKEY *
pki_key(size_t index)
{
    return keys[index];
}

EVP_PKEY *
pki_rsa_key(void)
{
    return rsa_key;
}

struct reload_node_id
pki_node_id(uint8_t octet)
{
    struct reload_node_id node_id = {{0}};
    memset(node_id.octets, octet, 16);
    return node_id;
}

static void
add_extension(X509 *x509, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    ck_assert_msg(extension != NULL, "extension %s", value);
    ck_assert_int_eq(X509_add_ext(x509, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static void
add_names(X509 *x509, const struct pki_name *names)
{
    GENERAL_NAMES *list = sk_GENERAL_NAME_new_null();
    for (size_t i = 0; i < PKI_NAMES_MAX && names[i].text; i++) {
        GENERAL_NAME *name = GENERAL_NAME_new();
        ASN1_IA5STRING *string = ASN1_IA5STRING_new();
        int size = names[i].size ? (int)names[i].size : -1;
        ck_assert_int_eq(ASN1_STRING_set(string, names[i].text, size), 1);
        GENERAL_NAME_set0_value(name, names[i].type, string);
        sk_GENERAL_NAME_push(list, name);
    }
    ck_assert_int_eq(X509_add1_ext_i2d(x509, NID_subject_alt_name, list, 1, X509V3_ADD_DEFAULT), 1);
    GENERAL_NAMES_free(list);
}

static void
set_dates(X509 *x509, const struct pki_spec *spec)
{
    uint64_t from = spec->not_before_ms ? spec->not_before_ms : PKI_NOW - PKI_DAY;
    uint64_t upto = spec->not_after_ms ? spec->not_after_ms : PKI_NOW + 365 * PKI_DAY;
    ASN1_TIME_set(X509_getm_notBefore(x509), (time_t)(from / 1000));
    ASN1_TIME_set(X509_getm_notAfter(x509), (time_t)(upto / 1000));
}

X509 *
pki_make(const struct pki_spec *spec)
{
    static const struct pki_name good[PKI_NAMES_MAX] = {{GEN_URI, PKI_URI_A, 0},
                                                        {GEN_EMAIL, PKI_USER, 0}};
    static long serial;
    EVP_PKEY *key = spec->key ? spec->key : pki_key(0);
    X509 *x509 = X509_new();
    X509 *issuer = spec->issuer ? spec->issuer : x509;
    X509_set_version(x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), ++serial);
    set_dates(x509, spec);
    X509_set_pubkey(x509, key);
    if (spec->common_name)
        X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                                   (const uint8_t *)spec->common_name, -1, -1, 0);
    X509_set_issuer_name(x509, X509_get_subject_name(issuer));
    const char *constraints =
        spec->basic_constraints ? spec->basic_constraints : "critical,CA:FALSE";
    const char *usage = spec->key_usage ? spec->key_usage : "critical,digitalSignature";
    if (*constraints)
        add_extension(x509, issuer, NID_basic_constraints, constraints);
    if (*usage)
        add_extension(x509, issuer, NID_key_usage, usage);
    if (!spec->no_names)
        add_names(x509, spec->names[0].text ? spec->names : good);
    for (size_t i = 0; i < PKI_EXTENSIONS_MAX && spec->extensions[i].name; i++) {
        X509V3_CTX context;
        X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
        X509_EXTENSION *extension =
            X509V3_EXT_conf(NULL, &context, spec->extensions[i].name, spec->extensions[i].value);
        ck_assert_msg(extension != NULL, "extension %s", spec->extensions[i].name);
        X509_add_ext(x509, extension, -1);
        X509_EXTENSION_free(extension);
    }
    const EVP_MD *digest = spec->digest ? spec->digest : EVP_sha256();
    ck_assert_int_gt(X509_sign(x509, spec->issuer_key ? spec->issuer_key : key, digest), 0);
    return x509;
}

X509 *
pki_root(EVP_PKEY *key, const char *common_name)
{
    return pki_make(&(struct pki_spec){
        .key = key,
        .common_name = common_name,
        .no_names = true,
        .basic_constraints = "critical,CA:TRUE",
        .key_usage = "critical,keyCertSign,cRLSign",
        .extensions = {{"subjectKeyIdentifier", "hash"}},
        .not_after_ms = PKI_NOW + 3650 * PKI_DAY,
    });
}

struct reload_bytes
pki_der(X509 *x509)
{
    uint8_t *der = NULL;
    int size = i2d_X509(x509, &der);
    ck_assert_int_gt(size, 0);
    ck_assert_uint_lt(kept_count, KEPT_MAX);
    kept[kept_count++] = der;
    return (struct reload_bytes){der, (size_t)size};
}

void
pki_config(struct reload_config *config, X509 *root)
{
    *config = (struct reload_config){.instance_name = PKI_OVERLAY,
                                     .sequence = 1,
                                     .node_id_length = 16,
                                     .max_message_size = 5000};
    if (root)
        config->root_certs[config->root_cert_count++] = pki_der(root);
}

struct reload_keyring *
pki_keyring(const struct reload_config *config, EVP_PKEY *root_key, X509 *root)
{
    X509 *own = pki_make(&(struct pki_spec){.issuer_key = root_key, .issuer = root});
    struct reload_keyring *keyring = NULL;
    char message[256] = "";
    int error =
        reload_keyring_new(pki_key(0), own, config, PKI_NOW, &keyring, message, sizeof message);
    ck_assert_msg(error == 0, "keyring: %d %s", error, message);
    X509_free(own);
    return keyring;
}
