/* keyring_tls.c: our credentials for TLS and DTLS, and the check of the peer's.
 *
 * RFC 6940 6.5.1.13. SPDX-License-Identifier: BSD-2-Clause */
#include "certs/certificate.h"
#include "certs/keyring_internal.h"

#include <time.h>

#define CIPHERS                                                                                    \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"     \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

/* Takes the place of OpenSSL's own check: the same rules as for signatures, and the cache. */
static int
verify_peer(X509_STORE_CTX *context, void *argument)
{
    struct keyring *keyring = argument;
    X509 *x509 = X509_STORE_CTX_get0_cert(context);
    uint8_t der[RELOAD_CERTIFICATE_SIZE_MAX];
    const struct reload_identity *identity;
    struct reload_bytes bytes =
        x509 ? reload_keyring_encode(x509, der, sizeof der) : (struct reload_bytes){0};
    uint64_t wall_ms = (uint64_t)time(NULL) * 1000;
    int error = keyring->base.ops->add(&keyring->base, bytes, wall_ms, &identity);
    if (error)
        X509_STORE_CTX_set_error(context, error == RELOAD_E_EXPIRED ? X509_V_ERR_CERT_HAS_EXPIRED
                                                                    : X509_V_ERR_CERT_REJECTED);
    return error == 0;
}

int
reload_keyring_tls_configure(struct reload_keyring *base, SSL_CTX *context)
{
    struct keyring *keyring = keyring_of(base);
    if (SSL_CTX_use_certificate(context, keyring->certificate) != 1 ||
        SSL_CTX_use_PrivateKey(context, keyring->key) != 1 ||
        SSL_CTX_check_private_key(context) != 1 || SSL_CTX_set_cipher_list(context, CIPHERS) != 1)
        return RELOAD_E_CRYPTO;
    SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_max_early_data(context, 0);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(context, verify_peer, keyring);
    return 0;
}

int
reload_keyring_tls_peer(struct reload_keyring *base, SSL *ssl, uint64_t wall_ms,
                        const struct reload_identity **identity)
{
    X509 *x509 = SSL_get0_peer_certificate(ssl);
    uint8_t der[RELOAD_CERTIFICATE_SIZE_MAX];
    if (!x509)
        return RELOAD_E_CERTIFICATE;
    return base->ops->add(base, reload_keyring_encode(x509, der, sizeof der), wall_ms, identity);
}
