/* key.h: private keys: RSA-2048 and P-256, as files in PEM. RFC 6940 6.3.4, 11.3; D16, D36.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CERTS_KEY_H
#define RELOAD_CERTS_KEY_H

#include "reload/base/error.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>

enum reload_key_type {
    RELOAD_KEY_P256,
    RELOAD_KEY_RSA, /* 2048 bits */
};

/* reload_key_type_of reads "p256" or "rsa". Returns false for anything else. */
RELOAD_CHECKED bool reload_key_type_of(const char *name, enum reload_key_type *type);

/* reload_key_new generates a key; end it by EVP_PKEY_free. 0 or RELOAD_E_CRYPTO. */
RELOAD_CHECKED int reload_key_new(enum reload_key_type type, EVP_PKEY **key);

/* reload_key_check refuses weak keys and kinds of keys that RELOAD signatures cannot use: RSA under
 * 2048 bits or with a small or even exponent, curves other than P-256, P-384, P-521.
 * 0 or RELOAD_E_CERTIFICATE. */
RELOAD_CHECKED int reload_key_check(const EVP_PKEY *key);

/* reload_key_signature_algorithm returns the TLS SignatureAlgorithm of |key|: rsa 1, ecdsa 3, 0 for
 * others. */
uint8_t reload_key_signature_algorithm(const EVP_PKEY *key);

/* reload_key_write writes |key| as PKCS#8 PEM to |path|, mode 0600, all or nothing; an existing
 * file is replaced only with |overwrite|. reload_key_read reads one and refuses files that others
 * can read. On an error |message| (of |size| octets) says what is wrong, where, and what to do. 0,
 * RELOAD_E_IO, RELOAD_E_CONFIG (permissions, not a key, weak), RELOAD_E_CRYPTO. */
RELOAD_CHECKED int reload_key_write(EVP_PKEY *key, const char *path, bool overwrite, char *message,
                                    size_t size);
RELOAD_CHECKED int reload_key_read(const char *path, EVP_PKEY **key, char *message, size_t size);

#endif
