/* dtls_record.c: the headers of the DTLS records in one datagram.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/dtls_record.h"

enum content_type {
    CONTENT_CHANGE_CIPHER_SPEC = 20,
    CONTENT_ALERT = 21,
    CONTENT_HANDSHAKE = 22,
    CONTENT_APPLICATION_DATA = 23,
};

#define RECORD_HEADER_SIZE 13
#define RECORD_BODY_MAX (16384 + 2048)
#define HANDSHAKE_HEADER_SIZE 12
#define HANDSHAKE_CLIENT_HELLO 1

/* RFC 5246 7.4: who sends a handshake message, by its type. Certificate (11) and Finished (20) come
 * from both. */
static const uint8_t senders[] = {
    [0] = RELOAD_DTLS_SENDER_SERVER,  /* HelloRequest */
    [1] = RELOAD_DTLS_SENDER_CLIENT,  /* ClientHello */
    [2] = RELOAD_DTLS_SENDER_SERVER,  /* ServerHello */
    [3] = RELOAD_DTLS_SENDER_SERVER,  /* HelloVerifyRequest */
    [4] = RELOAD_DTLS_SENDER_SERVER,  /* NewSessionTicket */
    [12] = RELOAD_DTLS_SENDER_SERVER, /* ServerKeyExchange */
    [13] = RELOAD_DTLS_SENDER_SERVER, /* CertificateRequest */
    [14] = RELOAD_DTLS_SENDER_SERVER, /* ServerHelloDone */
    [15] = RELOAD_DTLS_SENDER_CLIENT, /* CertificateVerify */
    [16] = RELOAD_DTLS_SENDER_CLIENT, /* ClientKeyExchange */
};

static void
look_at_handshake(struct reload_bytes body, bool first, struct reload_dtls_summary *summary)
{
    uint8_t type = body.data[0];
    if (type < sizeof senders && summary->sender == RELOAD_DTLS_SENDER_EITHER)
        summary->sender = (enum reload_dtls_sender)senders[type];
    if (first && type == HANDSHAKE_CLIENT_HELLO &&
        body.size >= HANDSHAKE_HEADER_SIZE + 2 + RELOAD_DTLS_RANDOM_SIZE) {
        summary->client_hello = true;
        summary->random = body.data + HANDSHAKE_HEADER_SIZE + 2;
    }
}

bool
reload_dtls_summarize(struct reload_bytes datagram, struct reload_dtls_summary *summary)
{
    *summary = (struct reload_dtls_summary){0};
    const uint8_t *at = datagram.data;
    size_t left = datagram.size;
    if (left == 0)
        return false;
    for (bool first = true; left > 0; first = false) {
        if (left < RECORD_HEADER_SIZE)
            return false;
        unsigned type = at[0], epoch = (unsigned)at[3] << 8 | at[4];
        size_t size = (size_t)at[11] << 8 | at[12];
        if (type < CONTENT_CHANGE_CIPHER_SPEC || type > CONTENT_APPLICATION_DATA || at[1] != 0xfe ||
            size > RECORD_BODY_MAX || size > left - RECORD_HEADER_SIZE)
            return false;
        if (epoch == 0 && (size == 0 || type == CONTENT_APPLICATION_DATA))
            return false;
        if (epoch != 0)
            summary->is_protected = true;
        else if (type == CONTENT_HANDSHAKE)
            look_at_handshake((struct reload_bytes){at + RECORD_HEADER_SIZE, size}, first, summary);
        at += RECORD_HEADER_SIZE + size;
        left -= RECORD_HEADER_SIZE + size;
    }
    return true;
}
