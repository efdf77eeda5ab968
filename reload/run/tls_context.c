/* tls_context.c: OpenSSL contexts and BIOs of a node.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/tls_context.h"

#include <openssl/err.h>

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define CERTIFICATE_LIST_MAX 32768

/* D16: nothing below SHA-256. */
static const char signature_algorithms[] =
    "ECDSA+SHA256:ed25519:RSA-PSS+SHA256:RSA+SHA256:ECDSA+SHA384:RSA-PSS+SHA384:RSA+SHA384:"
    "ECDSA+SHA512:RSA-PSS+SHA512:RSA+SHA512";
static const char ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:!aNULL:!eNULL";

/* ---- BIO over a TCP socket: no SIGPIPE ------------------------------------------------------ */

static int
stream_read(BIO *bio, char *data, int size)
{
    int descriptor = (int)(intptr_t)BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t got = recv(descriptor, data, (size_t)size, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_read(bio);
    if (got == 0)
        BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return (int)got;
}

static int
stream_write(BIO *bio, const char *data, int size)
{
    int descriptor = (int)(intptr_t)BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t sent = send(descriptor, data, (size_t)size, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_write(bio);
    return (int)sent;
}

static long
stream_control(BIO *bio, int command, long number, void *pointer)
{
    (void)number;
    (void)pointer;
    if (command == BIO_CTRL_EOF)
        return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    return command == BIO_CTRL_FLUSH;
}

/* ---- BIO over datagrams: one read is one datagram, one write is one ---------------------------
 */

static int
datagram_read(BIO *bio, char *data, int size)
{
    const struct reload_tls_datagrams *datagrams = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    size_t got = datagrams->read(datagrams->owner, (uint8_t *)data, (size_t)size);
    if (got > 0)
        return (int)got;
    BIO_set_retry_read(bio);
    return -1;
}

static int
datagram_write(BIO *bio, const char *data, int size)
{
    const struct reload_tls_datagrams *datagrams = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    datagrams->write(datagrams->owner, (struct reload_bytes){(const uint8_t *)data, (size_t)size});
    return size;
}

static long
datagram_control(BIO *bio, int command, long number, void *pointer)
{
    (void)number;
    (void)pointer;
    const struct reload_tls_datagrams *datagrams = BIO_get_data(bio);
    if (command == BIO_CTRL_DGRAM_GET_MTU_OVERHEAD)
        return (long)datagrams->overhead;
    return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT;
}

/* The type's number only serves to find a BIO in a chain; these are alone in theirs. */
static BIO_METHOD *
make_method(const char *name, int (*read)(BIO *, char *, int),
            int (*write)(BIO *, const char *, int), long (*control)(BIO *, int, long, void *))
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, name);
    if (!method)
        return NULL;
    if (BIO_meth_set_read(method, read) && BIO_meth_set_write(method, write) &&
        BIO_meth_set_ctrl(method, control))
        return method;
    BIO_meth_free(method);
    return NULL;
}

static SSL *
make_ssl(SSL_CTX *context, const BIO_METHOD *method, void *data)
{
    SSL *ssl = SSL_new(context);
    BIO *bio = ssl ? BIO_new(method) : NULL;
    if (!bio) {
        SSL_free(ssl);
        return NULL;
    }
    BIO_set_data(bio, data);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    return ssl;
}

SSL *
reload_tls_stream(const struct reload_tls_context *context, int descriptor)
{
    return make_ssl(context->stream, context->stream_bio, (void *)(intptr_t)descriptor);
}

SSL *
reload_tls_datagram(const struct reload_tls_context *context,
                    struct reload_tls_datagrams *datagrams)
{
    return make_ssl(context->datagram, context->datagram_bio, datagrams);
}

/* ---- contexts ------------------------------------------------------------------------------- */

static int
configure(SSL_CTX *context, struct reload_keyring *keyring, int lowest, int highest)
{
    SSL_CTX_set_security_level(context, 2);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_NO_TICKET | SSL_OP_NO_QUERY_MTU |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_RELEASE_BUFFERS |
                                  SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_num_tickets(context, 0);
    /* What a peer that is not authenticated yet can make us keep (attack row L3). */
    (void)SSL_CTX_set_max_cert_list(context, CERTIFICATE_LIST_MAX);
    SSL_CTX_set_read_ahead(context, 1);
    (void)SSL_CTX_set_dh_auto(context, 1);
    if (!SSL_CTX_set_min_proto_version(context, lowest) ||
        !SSL_CTX_set_max_proto_version(context, highest) ||
        !SSL_CTX_set_cipher_list(context, ciphers) ||
        !SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") ||
        !SSL_CTX_set1_sigalgs_list(context, signature_algorithms))
        return RELOAD_E_CRYPTO;
    int error = keyring->ops->tls_configure(keyring, context);
    if (error)
        return error;
    /* Whatever the keyring said: no certificate, no link. */
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                       SSL_CTX_get_verify_callback(context));
    return 0;
}

int
reload_tls_context_init(struct reload_tls_context *context, struct reload_keyring *keyring,
                        const struct reload_env *env)
{
    assert(keyring->ops->tls_configure && keyring->ops->tls_peer);
    *context = (struct reload_tls_context){.keyring = keyring, .env = env};
    context->stream = SSL_CTX_new(TLS_method());
    context->datagram = SSL_CTX_new(DTLS_method());
    context->stream_bio = make_method("reload stream", stream_read, stream_write, stream_control);
    context->datagram_bio =
        make_method("reload datagram", datagram_read, datagram_write, datagram_control);
    int error = RELOAD_E_NOMEM;
    if (context->stream && context->datagram && context->stream_bio && context->datagram_bio)
        error = configure(context->stream, keyring, TLS1_2_VERSION, TLS1_3_VERSION);
    if (!error)
        error = configure(context->datagram, keyring, DTLS1_2_VERSION, DTLS1_2_VERSION);
    if (error)
        reload_tls_context_fini(context);
    return error;
}

void
reload_tls_context_fini(struct reload_tls_context *context)
{
    SSL_CTX_free(context->stream);
    SSL_CTX_free(context->datagram);
    BIO_meth_free(context->stream_bio);
    BIO_meth_free(context->datagram_bio);
    *context = (struct reload_tls_context){0};
}

int
reload_tls_identity(const struct reload_tls_context *context, SSL *ssl,
                    const struct reload_identity **identity)
{
    if (SSL_get_verify_result(ssl) != X509_V_OK)
        return RELOAD_E_CERTIFICATE;
    uint64_t wall_ms = context->env->wall_ms(context->env->context);
    return context->keyring->ops->tls_peer(context->keyring, ssl, wall_ms, identity);
}

const char *
reload_tls_reason(char *text, size_t size)
{
    unsigned long error = ERR_get_error();
    const char *reason = error ? ERR_reason_error_string(error) : NULL;
    (void)snprintf(text, size, "%s", reason ? reason : "no reason given");
    ERR_clear_error();
    return text;
}
