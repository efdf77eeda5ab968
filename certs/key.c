/* key.c: private keys.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "certs/key.h"

#include "certs/file.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RSA_BITS_MIN 2048
#define RSA_EXPONENT_MIN 65537
/* What a signature may cost those who check it (C12): four times as much as the smallest key. */
#define RSA_BITS_MAX 4096
#define RSA_EXPONENT_BITS_MAX 32

bool
reload_key_type_of(const char *name, enum reload_key_type *type)
{
    if (strcmp(name, "p256") == 0)
        *type = RELOAD_KEY_P256;
    else if (strcmp(name, "rsa") == 0)
        *type = RELOAD_KEY_RSA;
    else
        return false;
    return true;
}

int
reload_key_new(enum reload_key_type type, EVP_PKEY **key)
{
    *key = type == RELOAD_KEY_RSA ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)RSA_BITS_MIN)
                                  : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    return *key ? 0 : RELOAD_E_CRYPTO;
}

static bool
rsa_is_good(const EVP_PKEY *key)
{
    BIGNUM *exponent = NULL;
    if (EVP_PKEY_get_bits(key) < RSA_BITS_MIN || EVP_PKEY_get_bits(key) > RSA_BITS_MAX ||
        EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) != 1)
        return false;
    bool good = BN_is_odd(exponent) && BN_num_bits(exponent) <= RSA_EXPONENT_BITS_MAX &&
                BN_get_word(exponent) >= RSA_EXPONENT_MIN;
    BN_free(exponent);
    return good;
}

static bool
curve_is_strong(const EVP_PKEY *key)
{
    static const char *const curves[] = {"prime256v1", "secp384r1", "secp521r1"};
    char group[64];
    size_t size;
    if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group,
                                       &size) != 1)
        return false;
    for (size_t i = 0; i < 3; i++)
        if (strcmp(group, curves[i]) == 0)
            return true;
    return false;
}

int
reload_key_check(const EVP_PKEY *key)
{
    bool strong = (EVP_PKEY_is_a(key, "RSA") && rsa_is_good(key)) ||
                  (EVP_PKEY_is_a(key, "EC") && curve_is_strong(key));
    return strong ? 0 : RELOAD_E_CERTIFICATE;
}

uint8_t
reload_key_signature_algorithm(const EVP_PKEY *key)
{
    if (EVP_PKEY_is_a(key, "RSA"))
        return 1;
    return EVP_PKEY_is_a(key, "EC") ? 3 : 0;
}

int
reload_key_write(EVP_PKEY *key, const char *path, bool overwrite, char *message, size_t size)
{
    BIO *memory = BIO_new(BIO_s_mem());
    int error = RELOAD_E_CRYPTO;
    snprintf(message, size, "%s: the key cannot be encoded", path);
    if (memory && PEM_write_bio_PKCS8PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL) == 1) {
        char *data;
        long length = BIO_get_mem_data(memory, &data);
        struct reload_bytes bytes = {(const uint8_t *)data, (size_t)length};
        error = reload_file_write(path, bytes, 0600, overwrite, message, size);
        OPENSSL_cleanse(data, (size_t)length);
    }
    BIO_free(memory);
    return error;
}

int
reload_key_read(const char *path, EVP_PKEY **key, char *message, size_t size)
{
    struct stat status;
    if (stat(path, &status) == 0 && (status.st_mode & 077) != 0) {
        snprintf(message, size, "%s: others can read this private key; run: chmod 600 %s", path,
                 path);
        return RELOAD_E_CONFIG;
    }
    if (stat(path, &status) == 0 && status.st_uid != geteuid() && geteuid() != 0) {
        snprintf(message, size, "%s: this private key is another user's (uid %u)", path,
                 (unsigned)status.st_uid);
        return RELOAD_E_CONFIG;
    }
    uint8_t *data;
    size_t length;
    int error = reload_file_read(path, 65536, &data, &length, message, size);
    if (error)
        return error;
    BIO *memory = BIO_new_mem_buf(data, (int)length);
    *key = memory ? PEM_read_bio_PrivateKey(memory, NULL, NULL, "") : NULL;
    BIO_free(memory);
    OPENSSL_cleanse(data, length);
    free(data);
    if (!*key) {
        snprintf(message, size, "%s: this is not an unencrypted private key in PEM", path);
        return RELOAD_E_CONFIG;
    }
    if (reload_key_check(*key) != 0) {
        snprintf(message, size,
                 "%s: this key is too weak, too large or of a kind that RELOAD cannot use; use RSA "
                 "with 2048 to 4096 bits, or P-256",
                 path);
        EVP_PKEY_free(*key);
        *key = NULL;
        return RELOAD_E_CONFIG;
    }
    return 0;
}
