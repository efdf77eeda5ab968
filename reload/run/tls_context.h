/* tls_context.h: what all TLS and DTLS connections of one node share: OpenSSL contexts with the
 * node's credentials, and the BIOs under them.
 *
 * TLS 1.2 or later, DTLS 1.2; both sides always show a certificate (RFC 6940 6.5.1.13); forward
 * secret key exchange and AEAD ciphers only; no renegotiation, no compression, no early data
 * (attack row C14). SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_RUN_TLS_CONTEXT_H
#define RELOAD_RUN_TLS_CONTEXT_H

#include "reload/env.h"
#include "reload/keyring.h"

#include <openssl/ssl.h>

/* Belongs to the caller from reload_tls_context_init to reload_tls_context_fini. */
struct reload_tls_context {
    SSL_CTX *stream;   /* TLS */
    SSL_CTX *datagram; /* DTLS */
    BIO_METHOD *stream_bio, *datagram_bio;
    struct reload_keyring *keyring;
    const struct reload_env *env;
};

/* reload_tls_context_init makes both contexts with |keyring|'s credentials. |keyring| and |env| are
 * borrowed. Returns 0, RELOAD_E_NOMEM, RELOAD_E_CRYPTO or what the keyring says. */
RELOAD_CHECKED int reload_tls_context_init(struct reload_tls_context *context,
                                           struct reload_keyring *keyring,
                                           const struct reload_env *env);
void reload_tls_context_fini(struct reload_tls_context *context);

/* reload_tls_stream makes an SSL object over TCP descriptor |descriptor|, which stays the caller's.
 * A write to a closed connection raises no signal. Returns NULL without memory. */
SSL *reload_tls_stream(const struct reload_tls_context *context, int descriptor);

/* What a DTLS object reads from and writes to; its owner's. |read| gives away one datagram once
 * (|size| 0: there is none), |write| takes one record or several. */
struct reload_tls_datagrams {
    size_t (*read)(void *owner, uint8_t *data, size_t capacity);
    void (*write)(void *owner, struct reload_bytes datagram);
    void *owner;
    size_t overhead; /* octets of IP and UDP headers */
};

/* reload_tls_datagram makes a DTLS object over |datagrams|, which must outlive it. */
SSL *reload_tls_datagram(const struct reload_tls_context *context,
                         struct reload_tls_datagrams *datagrams);

/* reload_tls_identity finds out who is at the other end of |ssl|, whose handshake is done. Returns
 * 0 or what the keyring says. |*identity| is valid for the turn. */
RELOAD_CHECKED int reload_tls_identity(const struct reload_tls_context *context, SSL *ssl,
                                       const struct reload_identity **identity);

/* reload_tls_reason writes why OpenSSL failed into |text|, and empties its queue of errors. */
const char *reload_tls_reason(char *text, size_t size);

#endif
