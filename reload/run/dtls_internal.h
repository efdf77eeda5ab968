/* dtls_internal.h: what the files of link_dtls share.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_RUN_DTLS_INTERNAL_H
#define RELOAD_RUN_DTLS_INTERNAL_H

#include "reload/run/dtls_record.h"
#include "reload/run/link_dtls.h"

#include <sys/queue.h>

/*
 *   LISTENING --cookie came back--> HANDSHAKING --done--> UP
 *                  (connect) ----------^  |               |
 *                                         +----> ENDED <--+
 */
enum association_state {
    ASSOCIATION_LISTENING, /* the spare one that answers ClientHellos */
    ASSOCIATION_HANDSHAKING,
    ASSOCIATION_UP,
    ASSOCIATION_ENDED, /* in no table; freed when no function of it runs any more */
};

struct association {
    struct reload_connection connection; /* first */
    struct reload_dtls *dtls;
    SSL *ssl;
    struct reload_tls_datagrams datagrams;
    struct reload_address address;
    enum association_state state;
    bool server;
    bool small;                                     /* sends small datagrams only */
    bool active;                                    /* since the last sweep */
    bool lean;                                      /* the buffers of OpenSSL are given back */
    uint8_t client_random[RELOAD_DTLS_RANDOM_SIZE]; /* server: of the ClientHello it began with */
    struct reload_bytes incoming;                   /* the datagram that OpenSSL may read */
    struct reload_timer *timer;                     /* handshake; told failures */
    reload_time started, deadline, rtt_ns;
    int failure; /* to be told by the timer */
    unsigned entered;
    LIST_ENTRY(association) in_bucket;
    TAILQ_ENTRY(association) in_half_open;
};

LIST_HEAD(association_bucket, association);
TAILQ_HEAD(association_queue, association);

#define COOKIE_SECRET_SIZE 32

struct reload_dtls {
    struct reload_dtls_options options;
    struct association_bucket *buckets;
    size_t bucket_count; /* a power of two */
    size_t count;
    struct association_queue half_open; /* oldest first */
    size_t half_open_count;
    struct association *listener;
    struct reload_timer *sweep;
    bool sweeping;                                 /* the timer runs */
    uint8_t cookie_secrets[2][COOKIE_SECRET_SIZE]; /* of this time, and of the one before */
    reload_time cookie_secret_at;
    uint64_t seeds[2]; /* of the table */
    struct reload_dtls_counters counters;
    unsigned entered;
    bool freed;
};

/* ---- dtls_association.c --------------------------------------------------------------------- */

/* Makes an association in LISTENING, in no table. NULL without memory. */
struct association *association_new(struct reload_dtls *dtls);

/* Frees one that is in no table. */
void association_destroy(struct association *association);

/* Begins the handshake with |association->address|: puts it into the table. */
void association_start(struct association *association, bool server, reload_time deadline);

/* Feeds one datagram. */
void association_feed(struct association *association, struct reload_bytes bytes);

/* Ends without telling the user; with a close_notify when it is up. */
void association_close(struct association *association);

/* ---- dtls_listen.c -------------------------------------------------------------------------- */

/* Answers a ClientHello that belongs to no association: with a cookie, or, when it has one, with an
 * association. */
void dtls_listen(struct reload_dtls *dtls, const struct reload_address *from,
                 struct reload_bytes bytes, const uint8_t *random);

/* Sets the cookies' secrets, and OpenSSL's functions for them. */
void dtls_listen_init(struct reload_dtls *dtls);

/* ---- link_dtls.c ---------------------------------------------------------------------------- */

/* Fills |found|, of RELOAD_DTLS_PER_ADDRESS_MAX places; returns how many. */
size_t dtls_find(struct reload_dtls *dtls, const struct reload_address *address,
                 struct association **found);
void dtls_insert(struct reload_dtls *dtls, struct association *association);
void dtls_remove(struct reload_dtls *dtls, struct association *association);

/* Notes that |association| is in use: its buffers stay for a while. */
void dtls_touch(struct association *association);

/* No function of |dtls| runs between release and the next hold: then it may be freed. */
void dtls_hold(struct reload_dtls *dtls);
void dtls_release(struct reload_dtls *dtls);

#endif
