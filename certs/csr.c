/* csr.c: certificate signing requests.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "certs/authority.h"
#include "certs/key.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

bool
reload_user_name_is_legal(struct reload_bytes name)
{
    size_t signs = 0;
    if (name.size == 0 || name.size > RELOAD_USER_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] <= ' ' || name.data[i] >= 0x7f)
            return false;
        signs += name.data[i] == '@';
    }
    return signs == 1 && name.data[0] != '@' && name.data[name.size - 1] != '@';
}

/* Takes the rfc822Name that the request wishes for; other wishes are not looked at (E2). */
static int
take_user_name(X509_REQ *request, char *user_name)
{
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
    GENERAL_NAMES *names =
        extensions ? X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL) : NULL;
    int error = 0;
    size_t count = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_EMAIL)
            continue;
        struct reload_bytes bytes = {ASN1_STRING_get0_data(name->d.rfc822Name),
                                     (size_t)ASN1_STRING_length(name->d.rfc822Name)};
        if (count++ > 0) {
            error = RELOAD_E_CERTIFICATE;
            break;
        }
        if (bytes.size > RELOAD_USER_NAME_MAX || memchr(bytes.data, 0, bytes.size)) {
            error = RELOAD_E_FORBIDDEN;
            break;
        }
        memcpy(user_name, bytes.data, bytes.size);
        user_name[bytes.size] = 0;
    }
    GENERAL_NAMES_free(names);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    return error;
}

int
reload_csr_parse(struct reload_bytes der, struct reload_csr *csr)
{
    *csr = (struct reload_csr){0};
    if (der.size == 0 || der.size > RELOAD_CSR_SIZE_MAX)
        return RELOAD_E_CERTIFICATE;
    const uint8_t *at = der.data;
    csr->request = d2i_X509_REQ(NULL, &at, (long)der.size);
    int error = csr->request && at == der.data + der.size ? 0 : RELOAD_E_CERTIFICATE;
    if (!error) {
        csr->key = X509_REQ_get0_pubkey(csr->request);
        if (!csr->key || reload_key_check(csr->key) != 0 ||
            X509_REQ_verify(csr->request, csr->key) != 1)
            error = RELOAD_E_CERTIFICATE;
    }
    if (!error)
        error = take_user_name(csr->request, csr->user_name);
    ERR_clear_error();
    if (error)
        reload_csr_fini(csr);
    return error;
}

void
reload_csr_fini(struct reload_csr *csr)
{
    X509_REQ_free(csr->request);
    *csr = (struct reload_csr){0};
}

static bool
add_user_name(X509_REQ *request, const char *user_name)
{
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *string = ASN1_IA5STRING_new();
    STACK_OF(X509_EXTENSION) *extensions = NULL;
    bool good = names && name && string && ASN1_STRING_set(string, user_name, -1) == 1;
    if (good) {
        GENERAL_NAME_set0_value(name, GEN_EMAIL, string);
        string = NULL;
        good = sk_GENERAL_NAME_push(names, name) > 0;
        if (good)
            name = NULL;
    }
    good = good && X509V3_add1_i2d(&extensions, NID_subject_alt_name, names, 1, 0) == 1 &&
           X509_REQ_add_extensions(request, extensions) == 1;
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    ASN1_IA5STRING_free(string);
    GENERAL_NAME_free(name);
    GENERAL_NAMES_free(names);
    return good;
}

int
reload_csr_make(EVP_PKEY *key, const char *user_name, uint8_t **der, size_t *size)
{
    X509_REQ *request = X509_REQ_new();
    bool good = request && X509_REQ_set_version(request, X509_REQ_VERSION_1) == 1 &&
                X509_REQ_set_pubkey(request, key) == 1 &&
                (!user_name || add_user_name(request, user_name)) &&
                X509_REQ_sign(request, key, EVP_sha256()) > 0;
    *der = NULL;
    int length = good ? i2d_X509_REQ(request, der) : -1;
    X509_REQ_free(request);
    *size = length > 0 ? (size_t)length : 0;
    return length > 0 ? 0 : RELOAD_E_CRYPTO;
}

int
reload_csr_key_digest(const EVP_PKEY *key, uint8_t *digest)
{
    uint8_t *der = NULL;
    int length = i2d_PUBKEY(key, &der);
    bool good =
        length > 0 && EVP_Digest(der, (size_t)length, digest, NULL, EVP_sha256(), NULL) == 1;
    OPENSSL_free(der);
    return good ? 0 : RELOAD_E_CRYPTO;
}
