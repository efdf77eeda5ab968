/* dtls_attack_test.c: DTLS associations in a hostile net: replays, forged records, junk, hellos
 * without end.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/link_dtls.h"

#include "tests/suite.h"
#include "tests/unit/run/net.h"

/* ---- replays and junk ----------------------------------------------------------------------- */

/* L1, RFC6940-6.4.2.1: the same datagram twice, at once and later, is one delivery. */
START_TEST(replayed_records_are_dropped)
{
    struct net net;
    net_init(&net);
    struct end *a = end_new(&net, NULL), *b = end_new(&net, NULL);
    start(a, b);
    settle(&net);
    net.copies = 2;
    net.keep = true;
    send_text(a->outgoing.connection, "once");
    settle(&net);
    ck_assert_uint_eq(b->incoming.received, 1);
    for (int i = 0; i < 100; i++)
        send_text(a->outgoing.connection, "x");
    struct flying first = net.kept;
    net.kept = (struct flying){0};
    settle(&net);
    ck_assert_uint_eq(b->incoming.received, 101);
    deliver(&net, &first);
    ck_assert_uint_eq(b->incoming.received, 101);
    free(first.data);
    net_fini(&net);
}
END_TEST

/* L1: reordering within the window loses nothing. */
START_TEST(reordered_records_arrive)
{
    struct net net;
    net_init(&net);
    struct end *a = end_new(&net, NULL), *b = end_new(&net, NULL);
    start(a, b);
    settle(&net);
    for (int i = 0; i < 32; i++)
        send_text(a->outgoing.connection, "x");
    for (size_t i = 0; i < net.count / 2; i++) {
        struct flying swapped = net.flying[i];
        net.flying[i] = net.flying[net.count - 1 - i];
        net.flying[net.count - 1 - i] = swapped;
    }
    settle(&net);
    ck_assert_uint_eq(b->incoming.received, 32);
    net_fini(&net);
}
END_TEST

/* L1: a forged record far ahead must not move the window: that needs a good tag. */
START_TEST(forged_records_do_not_move_the_window)
{
    struct net net;
    net_init(&net);
    struct end *a = end_new(&net, NULL), *b = end_new(&net, NULL);
    start(a, b);
    settle(&net);
    send_text(a->outgoing.connection, "true");
    struct flying forged = net.flying[0];
    uint8_t data[256];
    ck_assert_uint_lt(forged.size, sizeof data);
    memcpy(data, forged.data, forged.size);
    data[9] = 0x7f; /* the record's sequence number */
    forged.data = data;
    deliver(&net, &forged);
    settle(&net);
    ck_assert_uint_eq(b->incoming.received, 1);
    ck_assert_uint_eq(b->incoming.down, 0);
    net_fini(&net);
}
END_TEST

/* Whatever anybody sends from the peer's address in the clear, the association stands. */
START_TEST(junk_does_not_end_an_association)
{
    struct net net;
    net_init(&net);
    struct end *a = end_new(&net, NULL), *b = end_new(&net, NULL);
    start(a, b);
    settle(&net);
    uint8_t junk[64];
    for (unsigned type = 0; type < 256; type++) {
        for (unsigned epoch = 0; epoch < 3; epoch++) {
            memset(junk, 0, sizeof junk);
            junk[0] = (uint8_t)type;
            junk[1] = 0xfe;
            junk[2] = 0xfd;
            junk[4] = (uint8_t)epoch;
            junk[12] = sizeof junk - 13;
            junk[13] = 2; /* as an alert: fatal */
            junk[14] = 40;
            fly(&net, &a->address, &b->address, (struct reload_bytes){junk, sizeof junk});
            junk[12] = (uint8_t)type; /* as a length: wrong */
            fly(&net, &a->address, &b->address, (struct reload_bytes){junk, type % 64});
            settle(&net);
        }
    }
    send_text(a->outgoing.connection, "still here");
    settle(&net);
    ck_assert_uint_eq(b->incoming.down, 0);
    ck_assert_uint_eq(b->incoming.received, 1);
    ck_assert_uint_gt(reload_dtls_counters(b->dtls)->dropped_records, 256);
    net_fini(&net);
}
END_TEST

/* ---- half-open handshakes ------------------------------------------------------------------- */

/* Catches the first ClientHello that |a| sends to |b|, without delivering it. */
static struct flying
catch_hello(struct net *net, struct end *a, struct end *b)
{
    struct reload_connection *connection = start(a, b);
    connection->ops->close(connection);
    ck_assert_uint_eq(net->count, 1);
    net->count = 0;
    return net->flying[0];
}

/* L2: hellos from addresses that never answer leave no state, and get back less than they sent. */
START_TEST(spoofed_hellos_leave_no_state)
{
    struct net net;
    net_init(&net);
    struct end *a = end_new(&net, NULL), *b = end_new(&net, NULL);
    struct flying hello = catch_hello(&net, a, b);
    for (unsigned i = 0; i < 5000; i++) {
        hello.from.octets[2] = (uint8_t)(i >> 8);
        hello.from.octets[3] = (uint8_t)i;
        hello.from.port = (uint16_t)(1024 + i);
        deliver(&net, &hello);
        for (size_t j = 0; j < net.count; j++) {
            ck_assert_uint_le(net.flying[j].size, hello.size);
            free(net.flying[j].data);
        }
        ck_assert_uint_le(net.count, 1);
        net.count = 0;
    }
    const struct reload_dtls_counters *counters = reload_dtls_counters(b->dtls);
    ck_assert_uint_eq(counters->cookies_sent, 5000);
    ck_assert_uint_le(counters->cookie_bytes_sent, counters->cookie_bytes_received);
    ck_assert_uint_eq(reload_dtls_count(b->dtls), 0);
    ck_assert_uint_eq(reload_dtls_half_open(b->dtls), 0);
    free(hello.data);
    net_fini(&net);
}
END_TEST

/* Answers the cookie of |b| for a hello of |from|, by a hello with the cookie put in by hand. */
static bool
hello_with_cookie(struct net *net, const struct flying *hello, struct end *b, uint8_t *out,
                  size_t *out_size)
{
    deliver(net, hello);
    if (net->count != 1)
        return false;
    /* HelloVerifyRequest: record header 13, handshake header 12, version 2, cookie length 1. */
    struct flying verify = net->flying[0];
    net->count = 0;
    size_t cookie_size = verify.data[27];
    const uint8_t *cookie = verify.data + 28;
    /* ClientHello: headers 25, version 2, random 32, session length 1 (0), cookie length 1. */
    size_t at = 13 + 12 + 2 + 32 + 1;
    ck_assert_uint_eq(hello->data[at], 0);
    memcpy(out, hello->data, at);
    out[at] = (uint8_t)cookie_size;
    memcpy(out + at + 1, cookie, cookie_size);
    memcpy(out + at + 1 + cookie_size, hello->data + at + 1, hello->size - at - 1);
    *out_size = hello->size + cookie_size;
    size_t record = *out_size - 13, body = record - 12;
    out[10] = 1; /* next record, next message */
    out[11] = (uint8_t)(record >> 8);
    out[12] = (uint8_t)record;
    out[14] = out[22] = 0;
    out[15] = out[23] = (uint8_t)(body >> 8);
    out[16] = out[24] = (uint8_t)body;
    out[18] = 1;
    free(verify.data);
    (void)b;
    return true;
}

/* L2, L3: peers that answer the cookie and then nothing: at most so many at a time, each 5 s. */
START_TEST(half_open_handshakes_are_bounded)
{
    struct net net;
    net_init(&net);
    struct end *a = end_new(&net, NULL), *b = end_new(&net, NULL), *c = end_new(&net, NULL);
    struct flying hello = catch_hello(&net, a, b);
    uint8_t data[1024];
    for (unsigned i = 0; i < RELOAD_DTLS_HALF_OPEN_MAX + 50; i++) {
        struct flying with_cookie = hello;
        hello.from.octets[2] = (uint8_t)(100 + (i >> 8));
        hello.from.octets[3] = (uint8_t)i;
        ck_assert(hello_with_cookie(&net, &hello, b, data, &with_cookie.size));
        with_cookie.from = hello.from;
        with_cookie.data = data;
        deliver(&net, &with_cookie);
        ck_assert_uint_gt(net.count, 0); /* the server's flight */
        while (net.count > 0)
            free(net.flying[--net.count].data);
        ck_assert_uint_le(reload_dtls_half_open(b->dtls), RELOAD_DTLS_HALF_OPEN_MAX);
    }
    ck_assert_uint_eq(reload_dtls_half_open(b->dtls), RELOAD_DTLS_HALF_OPEN_MAX);
    ck_assert_uint_eq(reload_dtls_counters(b->dtls)->half_open_evicted, 50);
    /* An honest one gets in all the same. */
    start(c, b);
    settle(&net);
    ck_assert_uint_eq(b->incoming.up, 1);
    reload_time begin = reload_loop_now(net.world.loop);
    while (reload_dtls_half_open(b->dtls) > 0) {
        ck_assert_int_eq(reload_loop_turn(net.world.loop), 0);
        ck_assert_uint_lt(reload_loop_now(net.world.loop) - begin, 8 * RELOAD_SECOND);
    }
    ck_assert_uint_eq(reload_dtls_count(b->dtls), 1);
    ck_assert_uint_eq(b->incoming.down, 0);
    free(hello.data);
    net_fini(&net);
}
END_TEST

/* D101: a pair that ICE has checked needs no cookie, which saves a round trip. */
START_TEST(no_cookie_on_a_verified_path)
{
    struct net net;
    net_init(&net);
    struct end *a = end_new(&net, NULL), *b = end_new(&net, NULL);
    reload_dtls_free(b->dtls);
    b->verified = true;
    open_dtls(b);
    net.copies = 1; /* each datagram comes twice */
    start(a, b);
    settle(&net);
    ck_assert_uint_eq(a->outgoing.up, 1);
    ck_assert_uint_eq(b->incoming.up, 1);
    ck_assert_uint_eq(reload_dtls_counters(b->dtls)->cookies_sent, 0);
    ck_assert_uint_eq(reload_dtls_counters(b->dtls)->handshakes_started, 1);
    send_text(a->outgoing.connection, "hello");
    settle(&net);
    ck_assert_uint_ge(b->incoming.received, 1);
    net_fini(&net);
}
END_TEST

/* D101: on a path that ICE has checked the first ClientHello needs no cookie. When somebody forges
 * one before the peer's comes, the peer gets through by a cookie; and later ones get nothing else.
 * L2. */
START_TEST(forged_hellos_on_a_verified_path)
{
    struct net net;
    net_init(&net);
    struct end *a = end_new(&net, NULL), *b = end_new(&net, NULL), *forger = end_new(&net, NULL);
    const struct reload_dtls_counters *counters;
    reload_dtls_free(b->dtls);
    b->verified = true;
    open_dtls(b);
    counters = reload_dtls_counters(b->dtls);
    for (unsigned i = 0; i < 3; i++) {
        struct flying hello = catch_hello(&net, forger, b);
        hello.from = a->address;
        deliver(&net, &hello);
        free(hello.data);
        settle(&net);
        ck_assert_uint_eq(counters->handshakes_started, i ? 2 : 1);
        ck_assert_uint_eq(counters->cookies_sent, i ? i + 1 : 0);
        if (i == 0)
            start(a, b);
        settle(&net);
        ck_assert_uint_eq(a->outgoing.up, 1);
        ck_assert_uint_eq(b->incoming.up, 1);
        ck_assert_uint_eq(reload_dtls_count(b->dtls), 1);
    }
    ck_assert_uint_eq(a->outgoing.down + b->incoming.down, 0);
    net_fini(&net);
}
END_TEST

/* A cookie is good for the address that it was given to only. */
START_TEST(cookie_of_another_address)
{
    struct net net;
    net_init(&net);
    struct end *a = end_new(&net, NULL), *b = end_new(&net, NULL);
    struct flying hello = catch_hello(&net, a, b), stolen = hello;
    uint8_t data[1024];
    ck_assert(hello_with_cookie(&net, &hello, b, data, &stolen.size));
    stolen.data = data;
    stolen.from.octets[3] = 77;
    deliver(&net, &stolen);
    ck_assert_uint_eq(reload_dtls_count(b->dtls), 0);
    ck_assert_uint_eq(net.count, 1); /* another cookie, no handshake */
    ck_assert_uint_lt(net.flying[0].size, 80);
    stolen.from = hello.from;
    settle(&net);
    deliver(&net, &stolen);
    ck_assert_uint_eq(reload_dtls_half_open(b->dtls), 1);
    free(hello.data);
    net_fini(&net);
}
END_TEST

/* A Certificate message of 2 KB. */
static void
send_a_long_chain(SSL_CTX *context)
{
    for (int i = 0; i < 5; i++) {
        X509 *copy = X509_dup(SSL_CTX_get0_certificate(context));
        ck_assert_int_eq(SSL_CTX_add_extra_chain_cert(context, copy), 1);
    }
}

static struct test_keyring *
with_a_long_chain(const struct net *net)
{
    struct test_keyring *keyring = test_keyring_good(net->world.authority, "node");
    keyring->weaken_datagram = send_a_long_chain;
    return keyring;
}

/* L16: a path that drops large datagrams without a word. The handshake goes on in smaller ones, and
 * what the link carries afterwards fits, with 32 octets to spare. */
START_TEST(black_hole_for_large_datagrams)
{
    static const size_t path_mtus[] = {RELOAD_DTLS_LINK_MTU, 576};
    for (size_t i = 0; i < sizeof path_mtus / sizeof *path_mtus; i++) {
        struct net net;
        net_init(&net);
        struct end *a = end_new(&net, with_a_long_chain(&net));
        struct end *b = end_new(&net, with_a_long_chain(&net));
        net.path_mtu = path_mtus[i];
        start(a, b);
        world_until(&net.world, &a->outgoing.up, 1);
        world_until(&net.world, &b->incoming.up, 1);
        ck_assert_uint_gt(net.largest, i == 0 ? 1000 : net.path_mtu);
        struct seen *ends[] = {&a->outgoing, &b->incoming};
        for (int end = 0; end < 2; end++) {
            uint8_t frame[RELOAD_DTLS_LINK_MTU] = {1};
            struct reload_bytes full = {frame, ends[end]->peer.mtu};
            ck_assert_uint_ge(full.size, i == 0 ? 1000 : 400);
            net.largest = 0;
            ck_assert_int_eq(ends[end]->connection->ops->send(ends[end]->connection, full), 0);
            ck_assert_uint_le(net.largest, net.path_mtu - RELOAD_DTLS_MTU_MARGIN);
            settle(&net);
            ck_assert_uint_eq(ends[1 - end]->last_size, full.size);
        }
        net_fini(&net);
    }
}
END_TEST

int
main(void)
{
    return RUN_SUITE("dtls_attack", replayed_records_are_dropped, reordered_records_arrive,
                     forged_records_do_not_move_the_window, junk_does_not_end_an_association,
                     spoofed_hellos_leave_no_state, no_cookie_on_a_verified_path,
                     forged_hellos_on_a_verified_path, half_open_handshakes_are_bounded,
                     cookie_of_another_address, black_hole_for_large_datagrams);
}
