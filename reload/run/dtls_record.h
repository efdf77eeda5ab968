/* dtls_record.h: the headers of the DTLS records in one datagram, looked at before OpenSSL sees
 * them: it answers a record of unknown type with a fatal alert, so that anybody could end an
 * association. RFC 6347 4.1, 4.2.2.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_RUN_DTLS_RECORD_H
#define RELOAD_RUN_DTLS_RECORD_H

#include "reload/base/bytes.h"

#define RELOAD_DTLS_RANDOM_SIZE 32

/* Which side of a handshake sends what was found. */
enum reload_dtls_sender {
    RELOAD_DTLS_SENDER_EITHER,
    RELOAD_DTLS_SENDER_CLIENT,
    RELOAD_DTLS_SENDER_SERVER,
};

struct reload_dtls_summary {
    bool client_hello;     /* the first record begins one in the clear */
    const uint8_t *random; /* its random, of RELOAD_DTLS_RANDOM_SIZE octets */
    bool is_protected;     /* some record is encrypted */
    enum reload_dtls_sender sender;
};

/* reload_dtls_summarize walks the records of |datagram|. Returns false when it does not consist of
 * whole records of known types: drop it. */
bool reload_dtls_summarize(struct reload_bytes datagram, struct reload_dtls_summary *summary);

#endif
