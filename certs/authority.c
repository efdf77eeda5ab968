/* authority.c: a certification authority for an overlay.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "certs/authority.h"

#include "certs/node_uri.h"

#include <arpa/inet.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SERIAL_SIZE 16
#define HOUR_S 3600
#define DAY_S 86400

static bool
set_serial(X509 *x509)
{
    uint8_t octets[SERIAL_SIZE];
    if (RAND_bytes(octets, sizeof octets) != 1)
        return false;
    octets[0] &= 0x7f; /* positive */
    octets[0] |= 0x40; /* and never shorter */
    BIGNUM *number = BN_bin2bn(octets, sizeof octets, NULL);
    bool good = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509));
    BN_free(number);
    return good;
}

static bool
set_dates(X509 *x509, uint64_t wall_ms, unsigned days, const X509 *root)
{
    time_t now = (time_t)(wall_ms / 1000);
    time_t end = now + (time_t)days * DAY_S;
    if (!ASN1_TIME_set(X509_getm_notBefore(x509), now - HOUR_S) ||
        !ASN1_TIME_set(X509_getm_notAfter(x509), end))
        return false;
    if (root && ASN1_TIME_compare(X509_get0_notAfter(x509), X509_get0_notAfter(root)) > 0)
        return X509_set1_notAfter(x509, X509_get0_notAfter(root)) == 1;
    return true;
}

static bool
add_extension(X509 *x509, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool good = extension && X509_add_ext(x509, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return good;
}

/* All that certificates have in common. */
static X509 *
begin(EVP_PKEY *key, X509 *root, uint64_t wall_ms, unsigned days)
{
    X509 *x509 = X509_new();
    bool good = x509 && X509_set_version(x509, X509_VERSION_3) == 1 && set_serial(x509) &&
                set_dates(x509, wall_ms, days, root) && X509_set_pubkey(x509, key) == 1 &&
                (!root || X509_set_issuer_name(x509, X509_get_subject_name(root)) == 1);
    if (good)
        return x509;
    X509_free(x509);
    return NULL;
}

static int
finish(X509 *x509, bool good, EVP_PKEY *signer, X509 **made)
{
    if (good && X509_sign(x509, signer, EVP_sha256()) > 0) {
        *made = x509;
        return 0;
    }
    X509_free(x509);
    return RELOAD_E_CRYPTO;
}

int
reload_authority_root(EVP_PKEY *key, const char *overlay, uint64_t wall_ms, unsigned days,
                      X509 **root)
{
    X509 *x509 = begin(key, NULL, wall_ms, days);
    X509_NAME *name = x509 ? X509_get_subject_name(x509) : NULL;
    char common[65]; /* ub-common-name */
    snprintf(common, sizeof common, "RELOAD CA of %s", overlay);
    bool good = x509 &&
                X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)common, -1,
                                           -1, 0) == 1 &&
                X509_set_issuer_name(x509, name) == 1 &&
                add_extension(x509, x509, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                add_extension(x509, x509, NID_key_usage, "critical,keyCertSign,cRLSign") &&
                add_extension(x509, x509, NID_subject_key_identifier, "hash") &&
                add_extension(x509, x509, NID_authority_key_identifier, "keyid:always");
    return finish(x509, good, key, root);
}

int
reload_authority_server(EVP_PKEY *root_key, X509 *root, EVP_PKEY *key, const char *host,
                        const char *overlay, uint64_t wall_ms, unsigned days, X509 **server)
{
    struct in6_addr address;
    bool is_address =
        inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
    char names[640];
    snprintf(names, sizeof names, "critical,%s:%s,DNS:%s", is_address ? "IP" : "DNS", host,
             overlay);
    X509 *x509 = begin(key, root, wall_ms, days);
    bool good = x509 && add_extension(x509, root, NID_basic_constraints, "critical,CA:FALSE") &&
                add_extension(x509, root, NID_key_usage, "critical,digitalSignature") &&
                add_extension(x509, root, NID_ext_key_usage, "serverAuth") &&
                add_extension(x509, root, NID_subject_alt_name, names) &&
                add_extension(x509, root, NID_subject_key_identifier, "hash") &&
                add_extension(x509, root, NID_authority_key_identifier, "keyid:always");
    return finish(x509, good, root_key, server);
}

static bool
push_name(GENERAL_NAMES *names, int type, const char *text)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *string = ASN1_IA5STRING_new();
    if (!name || !string || ASN1_STRING_set(string, text, -1) != 1) {
        GENERAL_NAME_free(name);
        ASN1_IA5STRING_free(string);
        return false;
    }
    GENERAL_NAME_set0_value(name, type, string);
    if (sk_GENERAL_NAME_push(names, name) > 0)
        return true;
    GENERAL_NAME_free(name);
    return false;
}

static bool
add_names(X509 *x509, const struct reload_node_id *node_ids, size_t count, uint8_t length,
          const char *user_name, const char *overlay)
{
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    bool good = names != NULL;
    for (size_t i = 0; good && i < count; i++) {
        char uri[RELOAD_NODE_URI_MAX];
        reload_node_uri_format(&node_ids[i], length, overlay, uri);
        good = push_name(names, GEN_URI, uri);
    }
    /* The subject is empty, so the extension has to be critical (RFC 5280 4.2.1.6). */
    good = good && push_name(names, GEN_EMAIL, user_name) &&
           X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 1, X509V3_ADD_DEFAULT) == 1;
    GENERAL_NAMES_free(names);
    return good;
}

int
reload_authority_issue(EVP_PKEY *root_key, X509 *root, EVP_PKEY *key,
                       const struct reload_node_id *node_ids, size_t node_id_count,
                       uint8_t node_id_length, const char *user_name, const char *overlay,
                       uint64_t wall_ms, unsigned days, X509 **certificate)
{
    if (!reload_user_name_is_legal(reload_bytes_of_string(user_name)) || node_id_count == 0 ||
        node_id_count > RELOAD_IDENTITY_NODE_IDS_MAX)
        return RELOAD_E_USAGE;
    X509 *x509 = begin(key, root, wall_ms, days);
    bool good = x509 && add_extension(x509, root, NID_basic_constraints, "critical,CA:FALSE") &&
                add_extension(x509, root, NID_key_usage, "critical,digitalSignature") &&
                add_names(x509, node_ids, node_id_count, node_id_length, user_name, overlay) &&
                add_extension(x509, root, NID_subject_key_identifier, "hash") &&
                add_extension(x509, root, NID_authority_key_identifier, "keyid:always");
    return finish(x509, good, root_key, certificate);
}
