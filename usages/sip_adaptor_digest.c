/* sip_adaptor_digest.c: Digest authentication of phones with the password from the configuration.
 *
 * Nonces are the time, sealed: nothing is kept of them. MD5 is what phones know; whoever can listen
 * on the phones' network can do worse than guess a password. RFC 3261 22, RFC 2617 3.2.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "usages/sip_adaptor_state.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <stdarg.h>
#include <stdio.h>

#define NONCE_LIFE_S 300
#define NONCE_SIZE (2 * (8 + SIP_TOKEN_SEAL_SIZE))
#define DIGEST_HEX_SIZE 32

static void
make_nonce(const struct reload_sip_adaptor *adaptor, uint64_t now_s, char nonce[NONCE_SIZE + 1])
{
    uint8_t octets[8 + SIP_TOKEN_SEAL_SIZE];
    struct reload_writer writer = reload_writer_of(octets, 8);
    reload_writer_u64(&writer, now_s);
    struct reload_bytes parts[] = {reload_bytes_of_string("nonce"), {octets, 8}};
    if (sip_seal(adaptor->secret, parts, 2, octets + 8) != 0)
        memset(octets, 0, sizeof octets);
    sip_hex_format(octets, sizeof octets, nonce);
}

/* Whether |nonce| is ours; |*fresh| whether it is not too old. */
static bool
check_nonce(const struct reload_sip_adaptor *adaptor, const char *nonce, uint64_t now_s,
            bool *fresh)
{
    uint8_t octets[8 + SIP_TOKEN_SEAL_SIZE];
    char again[NONCE_SIZE + 1];
    uint64_t made_s;
    if (!sip_hex_parse(nonce, octets, sizeof octets))
        return false;
    struct reload_reader reader = reload_reader_of((struct reload_bytes){octets, 8});
    if (reload_reader_u64(&reader, &made_s) != 0)
        return false;
    make_nonce(adaptor, made_s, again);
    *fresh = made_s <= now_s && now_s - made_s <= NONCE_LIFE_S;
    return CRYPTO_memcmp(again, nonce, NONCE_SIZE) == 0;
}

/* MD5 of the formatted text in hex; false when it does not fit or MD5 is not there. */
__attribute__((format(printf, 2, 3))) static bool
md5(char hex[DIGEST_HEX_SIZE + 1], const char *format, ...)
{
    char text[2048];
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    va_list list;
    va_start(list, format);
    int length = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (length < 0 || (size_t)length >= sizeof text ||
        EVP_Digest(text, (size_t)length, digest, &size, EVP_md5(), NULL) != 1 || size != 16)
        return false;
    sip_hex_format(digest, size, hex);
    return true;
}

/* The value without its quotation marks. */
static bool
unquote(const char *value, char *text, size_t capacity)
{
    size_t size = value ? strlen(value) : 0;
    if (size >= 2 && value[0] == '"' && value[size - 1] == '"') {
        value++;
        size -= 2;
    }
    if (!value || size >= capacity)
        return false;
    memcpy(text, value, size);
    text[size] = '\0';
    return true;
}

static bool
is_right(const struct reload_sip_adaptor *adaptor, const struct sip_message *request,
         const osip_authorization_t *given, uint64_t now_s, bool *stale)
{
    char user[256], realm[256], nonce[NONCE_SIZE + 1], uri[1024], response[64], cnonce[256];
    char count[16], qop[16], a1[DIGEST_HEX_SIZE + 1], a2[DIGEST_HEX_SIZE + 1];
    char expected[DIGEST_HEX_SIZE + 1];
    bool fresh = false;
    if (!unquote(given->username, user, sizeof user) ||
        !unquote(given->realm, realm, sizeof realm) ||
        !unquote(given->nonce, nonce, sizeof nonce) || !unquote(given->uri, uri, sizeof uri) ||
        !unquote(given->response, response, sizeof response) ||
        !check_nonce(adaptor, nonce, now_s, &fresh) || strcmp(realm, adaptor->overlay_host) != 0)
        return false;
    if (!md5(a1, "%s:%s:%s", user, realm, adaptor->options.password) ||
        !md5(a2, "%s:%s", request->head->sip_method, uri))
        return false;
    bool done = given->message_qop
                    ? unquote(given->message_qop, qop, sizeof qop) && strcmp(qop, "auth") == 0 &&
                          unquote(given->cnonce, cnonce, sizeof cnonce) &&
                          unquote(given->nonce_count, count, sizeof count) &&
                          md5(expected, "%s:%s:%s:%s:%s:%s", a1, nonce, count, cnonce, qop, a2)
                    : md5(expected, "%s:%s:%s", a1, nonce, a2);
    if (!done || strlen(response) != DIGEST_HEX_SIZE ||
        CRYPTO_memcmp(response, expected, DIGEST_HEX_SIZE) != 0)
        return false;
    *stale = !fresh;
    return fresh;
}

bool
sip_digest_pass(struct sip_transaction *transaction, reload_time now)
{
    struct reload_sip_adaptor *adaptor = transaction->adaptor;
    const struct sip_message *request = transaction->request;
    bool is_register = sip_message_is(request, "REGISTER"), stale = false;
    uint64_t now_s = now / RELOAD_SECOND;
    const char *password = adaptor->options.password;
    if (!password || !*password || transaction->is_ack)
        return true;
    const osip_list_t *given =
        is_register ? &request->head->authorizations : &request->head->proxy_authorizations;
    for (int i = 0; i < osip_list_size(given); i++)
        if (is_right(adaptor, request, osip_list_get(given, i), now_s, &stale))
            return true;
    char nonce[NONCE_SIZE + 1], challenge[NONCE_SIZE + 512];
    make_nonce(adaptor, now_s, nonce);
    snprintf(challenge, sizeof challenge,
             "Digest realm=\"%s\", nonce=\"%s\", algorithm=MD5, qop=\"auth\"%s",
             adaptor->overlay_host, nonce, stale ? ", stale=true" : "");
    struct sip_message *response = sip_message_response(request, is_register ? 401 : 407, "reload");
    if (response)
        (void)!sip_message_set_header(
            response, is_register ? "WWW-Authenticate" : "Proxy-Authenticate", challenge);
    adaptor->counters.refused++;
    sip_transaction_answer(transaction, is_register ? 401 : 407, response, now);
    return false;
}
