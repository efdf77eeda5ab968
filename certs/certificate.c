/* certificate.c: certificates of nodes.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "certs/certificate.h"

#include "certs/authority.h"
#include "certs/file.h"
#include "certs/key.h"
#include "certs/node_uri.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

/* Whether |der| is just what |x509| encodes to. The signature does not cover the outermost layer:
 * in BER one certificate could have as many hashes as one likes. */
static bool
is_canonical(X509 *x509, struct reload_bytes der)
{
    uint8_t *encoded = NULL;
    int length = i2d_X509(x509, &encoded);
    bool same =
        length > 0 && reload_bytes_equal(der, (struct reload_bytes){encoded, (size_t)length});
    OPENSSL_free(encoded);
    return same;
}

int
reload_certificate_parse(struct reload_bytes der, X509 **x509)
{
    if (der.size == 0 || der.size > RELOAD_CERTIFICATE_SIZE_MAX)
        return RELOAD_E_CERTIFICATE;
    const uint8_t *at = der.data;
    X509 *parsed = d2i_X509(NULL, &at, (long)der.size);
    if (!parsed)
        return RELOAD_E_CERTIFICATE;
    if (at != der.data + der.size || !is_canonical(parsed, der)) {
        X509_free(parsed);
        return RELOAD_E_CERTIFICATE;
    }
    *x509 = parsed;
    return 0;
}

int
reload_certificate_read_pem(const char *path, X509 **x509, char *message, size_t size)
{
    uint8_t *data;
    size_t length;
    int error = reload_file_read(path, 65536, &data, &length, message, size);
    if (error)
        return error;
    BIO *memory = BIO_new_mem_buf(data, (int)length);
    *x509 = memory ? PEM_read_bio_X509(memory, NULL, NULL, "") : NULL;
    BIO_free(memory);
    free(data);
    if (*x509)
        return 0;
    snprintf(message, size, "%s: this is not a certificate in PEM", path);
    return RELOAD_E_CONFIG;
}

int
reload_certificate_check_key(X509 *x509, const char *path, EVP_PKEY *key, const char *key_path,
                             char *message, size_t size)
{
    int matches = X509_check_private_key(x509, key);
    ERR_clear_error();
    if (matches == 1)
        return 0;
    snprintf(message, size,
             "%s: this is not the private key of the certificate in %s; put the key there that the "
             "certificate was made for, or enrol again",
             key_path, path);
    return RELOAD_E_CERTIFICATE;
}

/* ---- what it says --------------------------------------------------------------------------- */

static bool
asn1_time_ms(const ASN1_TIME *time, uint64_t *ms)
{
    struct tm broken;
    if (ASN1_TIME_to_tm(time, &broken) != 1)
        return false;
    time_t seconds = timegm(&broken);
    if (seconds < 0)
        return false;
    *ms = (uint64_t)seconds * 1000;
    return true;
}

static struct reload_bytes
asn1_bytes(const ASN1_STRING *string)
{
    return (struct reload_bytes){ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string)};
}

static int
take_user_name(struct reload_bytes name, struct reload_identity *identity)
{
    if (identity->user_name[0] || !reload_user_name_is_legal(name))
        return RELOAD_E_CERTIFICATE;
    memcpy(identity->user_name, name.data, name.size);
    identity->user_name[name.size] = 0;
    return 0;
}

static int
take_name(const GENERAL_NAME *name, const struct reload_config *config,
          struct reload_identity *identity)
{
    struct reload_node_id node_id;
    switch (name->type) {
    case GEN_EMAIL:
        return take_user_name(asn1_bytes(name->d.rfc822Name), identity);
    case GEN_URI:
        if (identity->node_id_count == RELOAD_IDENTITY_NODE_IDS_MAX ||
            reload_node_uri_parse(asn1_bytes(name->d.uniformResourceIdentifier),
                                  config->instance_name, config->node_id_length, &node_id) != 0 ||
            reload_identity_has(identity, &node_id))
            return RELOAD_E_CERTIFICATE;
        identity->node_ids[identity->node_id_count++] = node_id;
        return 0;
    default:
        return RELOAD_E_CERTIFICATE; /* 11.3: no other identities */
    }
}

static bool
has_empty_subject(const X509 *x509)
{
    return X509_NAME_entry_count(X509_get_subject_name(x509)) == 0;
}

int
reload_certificate_identify(X509 *x509, const struct reload_config *config,
                            struct reload_identity *identity)
{
    *identity = (struct reload_identity){0};
    EVP_PKEY *key = X509_get0_pubkey(x509);
    if (!key || reload_key_check(key) != 0 || !has_empty_subject(x509))
        return RELOAD_E_CERTIFICATE;
    identity->signature_algorithm = reload_key_signature_algorithm(key);
    if (!asn1_time_ms(X509_get0_notBefore(x509), &identity->not_before_ms) ||
        !asn1_time_ms(X509_get0_notAfter(x509), &identity->not_after_ms))
        return RELOAD_E_CERTIFICATE;
    int critical;
    GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, &critical, NULL);
    int error = names ? 0 : RELOAD_E_CERTIFICATE;
    for (int i = 0; !error && i < sk_GENERAL_NAME_num(names); i++)
        error = take_name(sk_GENERAL_NAME_value(names, i), config, identity);
    GENERAL_NAMES_free(names);
    if (!error && (identity->node_id_count == 0 || !identity->user_name[0]))
        error = RELOAD_E_CERTIFICATE;
    return error;
}

const char *
reload_certificate_flaw(X509 *x509, const struct reload_config *config)
{
    struct reload_identity identity;
    EVP_PKEY *key = X509_get0_pubkey(x509);
    const char *flaw = NULL;
    if (!key || reload_key_check(key) != 0)
        flaw =
            "its key is too weak, too large or of another kind: RSA-2048 to 4096 or P-256 to P-521";
    else if (!has_empty_subject(x509))
        flaw = "its subject is not empty (RFC 6940 11.3); let the CA issue it without a subject";
    else if (reload_certificate_identify(x509, config, &identity) != 0)
        flaw = "its SubjectAltName is not that of a node: reload:// Node-IDs of this overlay, one "
               "user name and nothing else";
    ERR_clear_error();
    return flaw;
}

/* ---- who signed it -------------------------------------------------------------------------- */

int
reload_certificate_store(const struct reload_config *config, X509_STORE **store)
{
    X509_STORE *made = X509_STORE_new();
    if (!made)
        return RELOAD_E_NOMEM;
    for (size_t i = 0; i < config->root_cert_count; i++) {
        X509 *root = NULL;
        int error = reload_certificate_parse(config->root_certs[i], &root);
        if (error || X509_STORE_add_cert(made, root) != 1) {
            X509_free(root);
            X509_STORE_free(made);
            return RELOAD_E_CONFIG;
        }
        X509_free(root);
    }
    *store = made;
    return 0;
}

/* 11.3.1: a Node-ID is the digest of the key, with its index in front when there are several. */
static int
check_self_signed(X509 *x509, const struct reload_config *config,
                  const struct reload_identity *identity)
{
    uint8_t *der = NULL;
    int length = i2d_PUBKEY(X509_get0_pubkey(x509), &der);
    const EVP_MD *md = config->self_signed_digest == 4 ? EVP_sha256() : EVP_sha1();
    int error =
        length > 0 && X509_verify(x509, X509_get0_pubkey(x509)) == 1 ? 0 : RELOAD_E_CERTIFICATE;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    for (size_t i = 0; !error && i < identity->node_id_count; i++) {
        uint8_t index[4] = {0, 0, 0, (uint8_t)(i + 1)}, digest[EVP_MAX_MD_SIZE];
        bool good = context && EVP_DigestInit_ex(context, md, NULL) == 1;
        if (good && identity->node_id_count > 1)
            good = EVP_DigestUpdate(context, index, sizeof index) == 1;
        good = good && EVP_DigestUpdate(context, der, (size_t)length) == 1 &&
               EVP_DigestFinal_ex(context, digest, NULL) == 1;
        if (!good || memcmp(digest, identity->node_ids[i].octets, config->node_id_length) != 0)
            error = RELOAD_E_CERTIFICATE;
    }
    EVP_MD_CTX_free(context);
    OPENSSL_free(der);
    return error;
}

static int
check_issued(X509 *x509, X509_STORE *store, uint64_t wall_ms)
{
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    int error = RELOAD_E_CERTIFICATE;
    if (context && X509_STORE_CTX_init(context, store, x509, NULL) == 1) {
        X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
        X509_VERIFY_PARAM_set_time(param, (time_t)(wall_ms / 1000));
        X509_VERIFY_PARAM_set_auth_level(param, 2);
        if (X509_verify_cert(context) == 1)
            error = 0;
    }
    X509_STORE_CTX_free(context);
    return error;
}

int
reload_certificate_check_chain(X509 *x509, X509_STORE *store, const struct reload_config *config,
                               const struct reload_identity *identity, uint64_t wall_ms)
{
    uint32_t usage = X509_get_key_usage(x509); /* UINT32_MAX when it is not restricted */
    if (!(usage & X509v3_KU_DIGITAL_SIGNATURE))
        return RELOAD_E_CERTIFICATE;
    if (config->self_signed_permitted && X509_self_signed(x509, 1) == 1 &&
        check_self_signed(x509, config, identity) == 0)
        return 0;
    /* An authority is not a node, be it one that may sign or one that only calls itself so. */
    if (X509_check_ca(x509) != 0 || (X509_get_extension_flags(x509) & EXFLAG_CA))
        return RELOAD_E_CERTIFICATE;
    return check_issued(x509, store, wall_ms);
}
