/* pki.h: certificates of every kind for tests, good and bad, made as they are asked for.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_UNIT_CERTS_PKI_H
#define TESTS_UNIT_CERTS_PKI_H

#include "reload/config.h"
#include "reload/keyring.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define PKI_OVERLAY "overlay.example.org"
#define PKI_USER "alice@dht.example.com"
#define PKI_NOW UINT64_C(1800000000000) /* ms since 1970: 2027-01-15 */
#define PKI_DAY UINT64_C(86400000)
#define PKI_NAMES_MAX 12
#define PKI_EXTENSIONS_MAX 4

/* A Node-ID of 16 times |octet|, and its URI at PKI_OVERLAY. */
struct reload_node_id pki_node_id(uint8_t octet);
#define PKI_URI_A "reload://0110a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0@" PKI_OVERLAY "/"
#define PKI_URI_B "reload://0110b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0@" PKI_OVERLAY "/"
#define PKI_ID_A 0xa0
#define PKI_ID_B 0xb0

/* A name of the SubjectAltName: GEN_URI, GEN_EMAIL, GEN_DNS. |size| 0: up to the NUL. */
struct pki_name {
    int type;
    const char *text;
    size_t size;
};

/* What a certificate is made of. What is zero gets the value of a good node certificate, named
 * behind it; "" in |basic_constraints| and |key_usage| leaves the extension out. */
struct pki_spec {
    EVP_PKEY *key;        /* pki_key(0) */
    EVP_PKEY *issuer_key; /* |key|: self-signed */
    X509 *issuer;
    const char *common_name;              /* an empty subject */
    struct pki_name names[PKI_NAMES_MAX]; /* PKI_URI_A and PKI_USER */
    const char *basic_constraints;        /* "critical,CA:FALSE" */
    const char *key_usage;                /* "critical,digitalSignature" */
    struct {
        const char *name, *value;
    } extensions[PKI_EXTENSIONS_MAX]; /* others, as in openssl.cnf */
    uint64_t not_before_ms;           /* a day before PKI_NOW */
    uint64_t not_after_ms;            /* a year after PKI_NOW */
    const EVP_MD *digest;             /* SHA-256 */
    bool no_names;
};

X509 *pki_make(const struct pki_spec *spec);

/* pki_root makes a root certificate for |key| named |common_name|. */
X509 *pki_root(EVP_PKEY *key, const char *common_name);

/* pki_key returns one of three P-256 keys (0..2), pki_rsa_key an RSA-2048 key; made once for a
 * process and its forks by pki_begin, which main calls, and ended by pki_end. */
void pki_begin(void);
void pki_end(void);
EVP_PKEY *pki_key(size_t index);
EVP_PKEY *pki_rsa_key(void);

/* pki_der encodes |x509| into memory that pki_end frees, pki_pem writes it as a file. */
struct reload_bytes pki_der(X509 *x509);

/* pki_config begins a configuration of PKI_OVERLAY with |root| (may be NULL) as trust anchor. */
void pki_config(struct reload_config *config, X509 *root);

/* pki_keyring makes a keyring for |config| with a certificate for PKI_ID_A, issued by |root|. */
struct reload_keyring *pki_keyring(const struct reload_config *config, EVP_PKEY *root_key,
                                   X509 *root);

#endif
