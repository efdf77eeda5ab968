/* net.h: a net in memory for DTLS associations, that can copy, lose, keep and forge datagrams.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TESTS_RUN_NET_H
#define RELOAD_TESTS_RUN_NET_H

#include "reload/run/link_dtls.h"
#include "tests/unit/run/ends.h"

#define FLYING_MAX 256

struct net;

/* One end: an address in the net, with its own credentials. */
struct end {
    struct reload_datagram path; /* first */
    struct net *net;
    struct reload_address address;
    struct test_keyring *keyring;
    struct reload_tls_context context;
    struct reload_dtls *dtls;
    bool verified; /* of what open_dtls makes next */
    struct seen incoming, outgoing;
};

struct flying {
    struct reload_address from, to;
    uint8_t *data;
    size_t size;
};

struct net {
    struct world world;
    struct reload_after *after;
    struct end *ends[8];
    size_t end_count;
    struct flying flying[FLYING_MAX];
    size_t count;
    unsigned delivered;
    unsigned copies; /* each datagram is delivered so often again */
    bool keep;       /* note the last one delivered in |kept| */
    bool cut;        /* everything is lost */
    size_t path_mtu; /* larger ones are lost, IPv4 and UDP header included; 0: none are */
    size_t largest;  /* that was sent, headers included */
    struct flying kept;
};

void net_init(struct net *net);
void net_fini(struct net *net);

/* end_new adds an end; takes over |keyring|, NULL makes a good one. */
struct end *end_new(struct net *net, struct test_keyring *keyring);

/* open_dtls gives |end| a DTLS endpoint, also a new one in place of one that was freed. */
void open_dtls(struct end *end);

/* fly sends |bytes| from any address. */
void fly(struct net *net, const struct reload_address *from, const struct reload_address *to,
         struct reload_bytes bytes);

/* deliver gives one datagram to the end that it is for. */
void deliver(struct net *net, const struct flying *flying);

/* settle delivers what flies until nothing does any more. */
void settle(struct net *net);

/* start begins a handshake; what happens is noted in |from->outgoing|. */
struct reload_connection *start(struct end *from, struct end *to);

void send_text(struct reload_connection *connection, const char *text);

#endif
