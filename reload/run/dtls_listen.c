/* dtls_listen.c: ClientHellos of peers without an association: cookies, and the bound on handshakes
 * that are not done yet. RFC 6347 4.2.1.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/dtls_internal.h"

#include "reload/run/loop_libevent.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <assert.h>
#include <stdlib.h>

/* Short, so that the HelloVerifyRequest is smaller than any ClientHello. */
#define COOKIE_SIZE 16
#define COOKIE_SECRET_LIFETIME (30 * RELOAD_SECOND)

static void
renew_secret(struct reload_dtls *dtls, reload_time now)
{
    const struct reload_env *env = dtls->options.context->env;
    if (now - dtls->cookie_secret_at < COOKIE_SECRET_LIFETIME)
        return;
    memcpy(dtls->cookie_secrets[1], dtls->cookie_secrets[0], COOKIE_SECRET_SIZE);
    env->random(env->context, dtls->cookie_secrets[0], COOKIE_SECRET_SIZE);
    dtls->cookie_secret_at = now;
}

static bool
compute(const struct association *association, unsigned secret, uint8_t *cookie)
{
    const struct reload_address *address = &association->address;
    uint8_t text[1 + sizeof address->octets + 2];
    text[0] = address->family;
    memcpy(text + 1, address->octets, sizeof address->octets);
    text[sizeof text - 2] = (uint8_t)(address->port >> 8);
    text[sizeof text - 1] = (uint8_t)address->port;
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (!HMAC(EVP_sha256(), association->dtls->cookie_secrets[secret], COOKIE_SECRET_SIZE, text,
              sizeof text, digest, &size) ||
        size < COOKIE_SIZE)
        return false;
    memcpy(cookie, digest, COOKIE_SIZE);
    return true;
}

static int
make_cookie(SSL *ssl, unsigned char *cookie, unsigned int *size)
{
    *size = COOKIE_SIZE;
    return compute(SSL_get_app_data(ssl), 0, cookie);
}

static int
check_cookie(SSL *ssl, const unsigned char *cookie, unsigned int size)
{
    for (unsigned secret = 0; secret < 2; secret++) {
        uint8_t expected[COOKIE_SIZE];
        if (size == COOKIE_SIZE && compute(SSL_get_app_data(ssl), secret, expected) &&
            CRYPTO_memcmp(cookie, expected, COOKIE_SIZE) == 0)
            return 1;
    }
    return 0;
}

void
dtls_listen_init(struct reload_dtls *dtls)
{
    const struct reload_env *env = dtls->options.context->env;
    SSL_CTX *context = dtls->options.context->datagram;
    SSL_CTX_set_cookie_generate_cb(context, make_cookie);
    SSL_CTX_set_cookie_verify_cb(context, check_cookie);
    env->random(env->context, dtls->cookie_secrets, sizeof dtls->cookie_secrets);
    dtls->cookie_secret_at = reload_loop_now(dtls->options.loop);
}

/* Makes room for one more handshake with |from|. A peer that begins anew gives up what it had begun
 * there; when there are too many, the oldest one goes, so that who holds handshakes open without
 * end keeps nobody out for long. */
static bool
make_room(struct reload_dtls *dtls, const struct reload_address *from)
{
    struct association *found[RELOAD_DTLS_PER_ADDRESS_MAX];
    size_t count = dtls_find(dtls, from, found), gone = 0;
    for (size_t i = 0; i < count; i++) {
        if (!found[i]->server || found[i]->state != ASSOCIATION_HANDSHAKING)
            continue;
        association_close(found[i]);
        gone++;
    }
    if (count - gone >= RELOAD_DTLS_PER_ADDRESS_MAX || dtls->count >= RELOAD_DTLS_ASSOCIATIONS_MAX)
        return false;
    if (dtls->half_open_count >= RELOAD_DTLS_HALF_OPEN_MAX) {
        dtls->counters.half_open_evicted++;
        association_close(TAILQ_FIRST(&dtls->half_open));
    }
    return true;
}

/* Whether the ClientHello |bytes| from |association|'s address brings a cookie of ours; else it
 * gets one. */
static bool
has_cookie(struct association *association, struct reload_bytes bytes)
{
    struct reload_dtls *dtls = association->dtls;
    BIO_ADDR *unused = BIO_ADDR_new();
    if (!unused)
        return false;
    renew_secret(dtls, reload_loop_now(dtls->options.loop));
    dtls->counters.cookie_bytes_received += bytes.size;
    association->incoming = bytes;
    ERR_clear_error();
    int result = DTLSv1_listen(association->ssl, unused);
    ERR_clear_error();
    association->incoming = (struct reload_bytes){0};
    BIO_ADDR_free(unused);
    if (result > 0)
        dtls->counters.cookie_bytes_received -= bytes.size;
    return result > 0;
}

void
dtls_listen(struct reload_dtls *dtls, const struct reload_address *from, struct reload_bytes bytes,
            const uint8_t *random)
{
    if (!dtls->listener)
        dtls->listener = association_new(dtls);
    struct association *association = dtls->listener;
    if (!association)
        return;
    association->address = *from;
    /* Only the first one: it may be forged, and then the peer's needs a cookie, and gets through.
     */
    bool first = dtls->options.verified && dtls->counters.handshakes_started == 0;
    if ((!first && !has_cookie(association, bytes)) || !make_room(dtls, from))
        return;
    dtls->listener = NULL;
    association->connection.user = dtls->options.user;
    association->connection.argument = dtls->options.argument;
    memcpy(association->client_random, random, RELOAD_DTLS_RANDOM_SIZE);
    if (first) {
        SSL_set_accept_state(association->ssl);
        association->incoming = bytes;
    }
    association_start(association, true,
                      reload_loop_now(dtls->options.loop) + (dtls->options.verified
                                                                 ? RELOAD_DTLS_VERIFIED_TIME
                                                                 : RELOAD_DTLS_HALF_OPEN_TIME));
}
