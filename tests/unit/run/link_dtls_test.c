/* link_dtls_test.c: DTLS associations over a net in memory that can copy, lose, forge and change
 * the sender of datagrams; the last ones over real sockets.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/link_dtls.h"
#include "reload/run/socket_address.h"
#include "reload/run/udp.h"

#include "tests/suite.h"
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
    struct flying kept;
};

static void
fly(struct net *net, const struct reload_address *from, const struct reload_address *to,
    struct reload_bytes bytes)
{
    if (net->cut || net->count == FLYING_MAX)
        return;
    struct flying *flying = &net->flying[net->count++];
    *flying = (struct flying){*from, *to, malloc(bytes.size + 1), bytes.size};
    memcpy(flying->data, bytes.data, bytes.size);
}

static int
end_send(struct reload_datagram *path, const struct reload_address *to, struct reload_bytes bytes)
{
    struct end *end = (struct end *)path;
    fly(end->net, &end->address, to, bytes);
    return 0;
}

static const struct reload_datagram_ops end_ops = {.send = end_send};

static void
deliver(struct net *net, const struct flying *flying)
{
    for (size_t i = 0; i < net->end_count; i++) {
        struct end *end = net->ends[i];
        if (!end->dtls || !reload_address_equal(&end->address, &flying->to))
            continue;
        for (unsigned copy = 0; copy <= net->copies; copy++)
            reload_dtls_recv(end->dtls, &flying->from,
                             (struct reload_bytes){flying->data, flying->size});
        net->delivered++;
    }
}

/* Delivers what flies until nothing does any more. */
static void
settle(struct net *net)
{
    while (net->count > 0) {
        struct flying flying = net->flying[0];
        net->count--;
        memmove(net->flying, net->flying + 1, net->count * sizeof *net->flying);
        deliver(net, &flying);
        if (net->keep) {
            free(net->kept.data);
            net->kept = flying;
        } else {
            free(flying.data);
        }
    }
}

static void
on_turn_end(void *argument)
{
    settle(argument);
}

static void
net_init(struct net *net)
{
    memset(net, 0, sizeof *net);
    world_init(&net->world);
    ck_assert_int_eq(reload_loop_after(net->world.loop, on_turn_end, net, &net->after), 0);
}

static void
open_dtls(struct end *end)
{
    struct reload_dtls_options options = {.loop = end->net->world.loop,
                                          .context = &end->context,
                                          .path = &end->path,
                                          .accept = true,
                                          .user = &seen_user,
                                          .argument = &end->incoming,
                                          .framing = RELOAD_FRAMING_DATAGRAM,
                                          .overlay_link = 3};
    ck_assert_int_eq(reload_dtls_new(&options, &end->dtls), 0);
}

/* Takes over |keyring|; NULL makes a good one. */
static struct end *
end_new(struct net *net, struct test_keyring *keyring)
{
    struct end *end = calloc(1, sizeof *end);
    end->path.ops = &end_ops;
    end->net = net;
    end->address = (struct reload_address){.family = 4, .octets = {192, 0, 2, 1}, .port = 6084};
    end->address.octets[3] = (uint8_t)(net->end_count + 1);
    end->keyring = keyring ? keyring : test_keyring_good(net->world.authority, "node");
    ck_assert_int_eq(
        reload_tls_context_init(&end->context, &end->keyring->keyring, &net->world.env.env), 0);
    open_dtls(end);
    net->ends[net->end_count++] = end;
    return end;
}

static void
net_fini(struct net *net)
{
    for (size_t i = 0; i < net->end_count; i++) {
        reload_dtls_free(net->ends[i]->dtls);
        net->ends[i]->dtls = NULL;
        reload_tls_context_fini(&net->ends[i]->context);
        test_keyring_free(net->ends[i]->keyring);
    }
    settle(net);
    for (size_t i = 0; i < net->end_count; i++)
        free(net->ends[i]);
    free(net->kept.data);
    reload_after_free(net->after);
    world_fini(&net->world);
}

static struct reload_connection *
start(struct end *from, struct end *to)
{
    struct reload_connection *connection;
    reload_time deadline = reload_loop_now(from->net->world.loop) + 10 * RELOAD_SECOND;
    ck_assert_int_eq(reload_dtls_connect(from->dtls, &to->address, &seen_user, &from->outgoing,
                                         deadline, &connection),
                     0);
    return connection;
}

static void
send_text(struct reload_connection *connection, const char *text)
{
    ck_assert_int_eq(connection->ops->send(connection, reload_bytes_of_string(text)), 0);
}

/* ---- the good way --------------------------------------------------------------------------- */

START_TEST(both_sides_are_authenticated)
{
    struct net net;
    net_init(&net);
    struct end *a = end_new(&net, NULL), *b = end_new(&net, NULL);
    start(a, b);
    settle(&net);
    ck_assert_uint_eq(a->outgoing.up, 1);
    ck_assert_uint_eq(b->incoming.up, 1);
    struct reload_node_id a_id = test_keyring_node_id(a->keyring);
    struct reload_node_id b_id = test_keyring_node_id(b->keyring);
    ck_assert(reload_node_id_equal(&a->outgoing.peer_id, &b_id));
    ck_assert(reload_node_id_equal(&b->incoming.peer_id, &a_id));
    ck_assert(reload_address_equal(&b->incoming.peer.address, &a->address));
    ck_assert_uint_eq(a->outgoing.peer.overlay_link, 3);
    ck_assert_int_eq(a->outgoing.peer.framing, RELOAD_FRAMING_DATAGRAM);
    ck_assert_uint_gt(a->outgoing.peer.mtu, 1000);
    ck_assert_uint_lt(a->outgoing.peer.mtu, RELOAD_DTLS_LINK_MTU - 28 - 13);
    ck_assert_uint_eq(reload_dtls_half_open(b->dtls), 0);

    send_text(a->outgoing.connection, "there");
    send_text(b->incoming.connection, "and back");
    settle(&net);
    ck_assert_mem_eq(b->incoming.last, "there", 5);
    ck_assert_mem_eq(a->outgoing.last, "and back", 8);
    ck_assert_uint_eq(a->outgoing.received + b->incoming.received, 2);
    net_fini(&net);
}
END_TEST

/* RFC6940-6.6.2: a frame of the size that the link tells fits one datagram of the link's MTU. */
START_TEST(a_frame_of_mtu_fits)
{
    struct net net;
    net_init(&net);
    struct end *a = end_new(&net, NULL), *b = end_new(&net, NULL);
    start(a, b);
    settle(&net);
    uint8_t frame[RELOAD_DTLS_LINK_MTU] = {1};
    struct reload_connection *connection = a->outgoing.connection;
    ck_assert_int_eq(
        connection->ops->send(connection, (struct reload_bytes){frame, a->outgoing.peer.mtu}), 0);
    ck_assert_uint_eq(net.count, 1);
    ck_assert_uint_le(net.flying[0].size + 28, RELOAD_DTLS_LINK_MTU - RELOAD_DTLS_MTU_MARGIN);
    settle(&net);
    ck_assert_uint_eq(b->incoming.last_size, a->outgoing.peer.mtu);
    net_fini(&net);
}
END_TEST

/* D31: an application's message is one record, up to 16 KiB; more is refused. */
START_TEST(a_large_record_is_one_datagram)
{
    struct net net;
    net_init(&net);
    struct end *a = end_new(&net, NULL), *b = end_new(&net, NULL);
    start(a, b);
    settle(&net);
    static uint8_t data[RELOAD_DTLS_RECORD_MAX + 1];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7);
    struct reload_connection *connection = a->outgoing.connection;
    ck_assert_int_eq(connection->ops->send(connection, (struct reload_bytes){data, sizeof data}),
                     RELOAD_E_TOO_LARGE);
    ck_assert_int_eq(
        connection->ops->send(connection, (struct reload_bytes){data, sizeof data - 1}), 0);
    ck_assert_uint_eq(net.count, 1);
    settle(&net);
    ck_assert_uint_eq(b->incoming.last_size, sizeof data - 1);
    ck_assert_mem_eq(b->incoming.last, data, sizeof data - 1);
    net_fini(&net);
}
END_TEST

START_TEST(closing_tells_the_other_end)
{
    struct net net;
    net_init(&net);
    struct end *a = end_new(&net, NULL), *b = end_new(&net, NULL);
    start(a, b);
    settle(&net);
    a->outgoing.connection->ops->close(a->outgoing.connection);
    settle(&net);
    ck_assert_uint_eq(a->outgoing.down, 0);
    ck_assert_uint_eq(b->incoming.down, 1);
    ck_assert_int_eq(b->incoming.error, RELOAD_E_CLOSED);
    ck_assert_uint_eq(reload_dtls_count(a->dtls) + reload_dtls_count(b->dtls), 0);
    net_fini(&net);
}
END_TEST

START_TEST(closing_from_within_recv)
{
    struct net net;
    net_init(&net);
    struct end *a = end_new(&net, NULL), *b = end_new(&net, NULL);
    b->incoming.close_on_recv = true;
    start(a, b);
    settle(&net);
    send_text(a->outgoing.connection, "one");
    send_text(a->outgoing.connection, "two");
    settle(&net);
    ck_assert_uint_eq(b->incoming.received, 1);
    ck_assert_uint_eq(b->incoming.down, 0);
    ck_assert_uint_eq(a->outgoing.down, 1);
    net_fini(&net);
}
END_TEST

START_TEST(lost_flights_are_sent_again)
{
    struct net net;
    net_init(&net);
    struct end *a = end_new(&net, NULL), *b = end_new(&net, NULL);
    net.cut = true;
    start(a, b);
    net.cut = false;
    ck_assert_uint_eq(net.count, 0);
    world_until(&net.world, &b->incoming.up, 1);
    ck_assert_uint_eq(a->outgoing.up, 1);
    net_fini(&net);
}
END_TEST

START_TEST(nobody_answers)
{
    struct net net;
    net_init(&net);
    struct end *a = end_new(&net, NULL);
    struct reload_connection *connection;
    struct reload_address nowhere = {.family = 4, .octets = {192, 0, 2, 99}, .port = 1};
    reload_time deadline = reload_loop_now(net.world.loop) + 300 * RELOAD_MS;
    ck_assert_int_eq(
        reload_dtls_connect(a->dtls, &nowhere, &seen_user, &a->outgoing, deadline, &connection), 0);
    world_until(&net.world, &a->outgoing.down, 1);
    ck_assert_int_eq(a->outgoing.error, RELOAD_E_TIMEOUT);
    ck_assert_uint_eq(reload_dtls_count(a->dtls), 0);
    net_fini(&net);
}
END_TEST

/* ---- who may not ---------------------------------------------------------------------------- */

/* Expects that |a| cannot connect to |b|: neither side tells its user of a link. */
static void
expect_refused(struct net *net, struct end *a, struct end *b)
{
    start(a, b);
    settle(net);
    world_until(&net->world, &a->outgoing.down, 1);
    ck_assert_uint_eq(a->outgoing.up, 0);
    ck_assert_uint_eq(b->incoming.up, 0);
    ck_assert_uint_eq(b->incoming.down, 0);
    ck_assert_uint_eq(reload_dtls_count(a->dtls), 0);
}

START_TEST(certificate_of_another_authority)
{
    struct net net;
    net_init(&net);
    struct authority *other = authority_new("other");
    struct end *a = end_new(&net, test_keyring_good(other, "stranger")), *b = end_new(&net, NULL);
    expect_refused(&net, a, b);
    ck_assert_int_eq(a->outgoing.error, RELOAD_E_CERTIFICATE);
    net.ends[0]->outgoing = (struct seen){0};
    expect_refused(&net, b, a);
    authority_free(other);
    net_fini(&net);
}
END_TEST

/* C14, RFC6940-6.5.1.13: the server asks for a certificate and goes without it nowhere. */
START_TEST(client_without_certificate)
{
    struct net net;
    net_init(&net);
    struct test_keyring *keyring = test_keyring_good(net.world.authority, "nobody");
    keyring->no_certificate = true;
    struct end *a = end_new(&net, keyring), *b = end_new(&net, NULL);
    expect_refused(&net, a, b);
    net_fini(&net);
}
END_TEST

START_TEST(expired_certificate)
{
    struct net net;
    net_init(&net);
    struct end *a = end_new(&net, test_keyring_new(net.world.authority, "late", -7200, -3600));
    struct end *b = end_new(&net, NULL);
    expect_refused(&net, a, b);
    expect_refused(&net, b, a);
    ck_assert_int_eq(b->outgoing.error, RELOAD_E_CERTIFICATE);
    net_fini(&net);
}
END_TEST

static void
old_version(SSL_CTX *context)
{
    SSL_CTX_set_security_level(context, 0);
    ck_assert(SSL_CTX_set_min_proto_version(context, DTLS1_VERSION));
    ck_assert(SSL_CTX_set_max_proto_version(context, DTLS1_VERSION));
    ck_assert(SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0"));
}

static void
no_authentication(SSL_CTX *context)
{
    SSL_CTX_set_security_level(context, 0);
    ck_assert(SSL_CTX_set_cipher_list(context, "aNULL:@SECLEVEL=0"));
}

/* C14 */
START_TEST(weak_protocols_are_refused)
{
    void (*const weaknesses[])(SSL_CTX *) = {old_version, no_authentication};
    for (size_t i = 0; i < 2; i++) {
        struct net net;
        net_init(&net);
        struct test_keyring *keyring = test_keyring_good(net.world.authority, "weak");
        keyring->weaken_datagram = weaknesses[i];
        struct end *a = end_new(&net, keyring), *b = end_new(&net, NULL);
        expect_refused(&net, a, b);
        net_fini(&net);
    }
}
END_TEST

START_TEST(user_refuses_the_peer)
{
    struct net net;
    net_init(&net);
    struct end *a = end_new(&net, NULL), *b = end_new(&net, NULL);
    b->incoming.refuse_with = RELOAD_E_FORBIDDEN;
    start(a, b);
    settle(&net);
    ck_assert_uint_eq(b->incoming.up, 1);
    ck_assert_uint_eq(b->incoming.down, 0);
    ck_assert_uint_eq(a->outgoing.down, 1);
    ck_assert_int_eq(a->outgoing.error, RELOAD_E_CLOSED);
    ck_assert_uint_eq(reload_dtls_count(b->dtls), 0);
    net_fini(&net);
}
END_TEST

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

/* ---- more than one association with an address ----------------------------------------------- */

/* The peer lost its memory and comes again from the same address: the old association stands until
 * the new one does; its user then closes it. */
START_TEST(restarted_peer)
{
    struct net net;
    net_init(&net);
    struct end *a = end_new(&net, NULL), *b = end_new(&net, NULL);
    start(a, b);
    settle(&net);
    struct reload_connection *old = b->incoming.connection;
    net.cut = true; /* no close_notify */
    reload_dtls_free(a->dtls);
    net.cut = false;
    a->outgoing = (struct seen){0};
    open_dtls(a);
    start(a, b);
    settle(&net);
    ck_assert_uint_eq(b->incoming.up, 2);
    ck_assert_uint_eq(b->incoming.down, 0);
    ck_assert_uint_eq(reload_dtls_count(b->dtls), 2);
    ck_assert_ptr_ne(b->incoming.connection, old);
    old->ops->close(old);
    settle(&net);
    send_text(a->outgoing.connection, "here again");
    send_text(b->incoming.connection, "welcome");
    settle(&net);
    ck_assert_uint_eq(b->incoming.received, 1);
    ck_assert_uint_eq(a->outgoing.received, 1);
    ck_assert_uint_eq(a->outgoing.down + b->incoming.down, 0);
    ck_assert_uint_eq(reload_dtls_count(b->dtls), 1);
    net_fini(&net);
}
END_TEST

/* D27: a second link between the same two addresses, in either direction, while the first one
 * works; the old one can be closed by either end without harm to the new one. */
START_TEST(replacing_link)
{
    struct net net;
    net_init(&net);
    struct end *a = end_new(&net, NULL), *b = end_new(&net, NULL);
    start(a, b);
    settle(&net);
    struct reload_connection *old_a = a->outgoing.connection, *old_b = b->incoming.connection;
    start(b, a);
    send_text(old_a, "while it is made");
    settle(&net);
    ck_assert_uint_eq(b->outgoing.up, 1);
    ck_assert_uint_eq(a->incoming.up, 1);
    ck_assert_uint_eq(b->incoming.received, 1);
    send_text(old_b, "both work");
    send_text(b->outgoing.connection, "both work");
    settle(&net);
    ck_assert_uint_eq(a->outgoing.received, 1);
    ck_assert_uint_eq(a->incoming.received, 1);
    old_a->ops->close(old_a);
    settle(&net);
    ck_assert_uint_eq(b->incoming.down, 1);
    send_text(a->incoming.connection, "new");
    settle(&net);
    ck_assert_uint_eq(b->outgoing.received, 1);
    ck_assert_uint_eq(a->incoming.down + b->outgoing.down, 0);
    /* Once more in the first direction, a third one beside it. */
    start(a, b);
    settle(&net);
    ck_assert_uint_eq(a->outgoing.up, 2);
    ck_assert_uint_eq(b->incoming.up, 2);
    net_fini(&net);
}
END_TEST

/* Both ends connect to each other at the same time: two links, both good. */
START_TEST(both_connect_at_once)
{
    struct net net;
    net_init(&net);
    struct end *a = end_new(&net, NULL), *b = end_new(&net, NULL);
    start(a, b);
    start(b, a);
    settle(&net);
    world_until(&net.world, &a->outgoing.up, 1);
    world_until(&net.world, &b->outgoing.up, 1);
    world_until(&net.world, &a->incoming.up, 1);
    world_until(&net.world, &b->incoming.up, 1);
    send_text(a->outgoing.connection, "1");
    send_text(b->outgoing.connection, "2");
    settle(&net);
    ck_assert_uint_eq(a->incoming.received, 1);
    ck_assert_uint_eq(b->incoming.received, 1);
    net_fini(&net);
}
END_TEST

/* At most so many with one address, whoever begins them. */
START_TEST(associations_of_one_address_are_bounded)
{
    struct net net;
    net_init(&net);
    struct end *a = end_new(&net, NULL), *b = end_new(&net, NULL);
    for (unsigned i = 0; i < RELOAD_DTLS_PER_ADDRESS_MAX; i++) {
        start(a, b);
        settle(&net);
    }
    ck_assert_uint_eq(a->outgoing.up, RELOAD_DTLS_PER_ADDRESS_MAX);
    struct reload_connection *connection;
    ck_assert_int_eq(reload_dtls_connect(a->dtls, &b->address, &seen_user, &a->outgoing,
                                         RELOAD_NEVER, &connection),
                     RELOAD_E_BUSY);
    net_fini(&net);
}
END_TEST

/* ---- real sockets --------------------------------------------------------------------------- */

struct socket_end {
    struct test_keyring *keyring;
    struct reload_tls_context context;
    struct reload_udp *udp;
    struct reload_dtls *dtls;
    struct seen seen;
};

static void
socket_end_init(struct socket_end *end, struct world *world, struct reload_address address)
{
    memset(end, 0, sizeof *end);
    end->keyring = test_keyring_good(world->authority, "node");
    ck_assert_int_eq(
        reload_tls_context_init(&end->context, &end->keyring->keyring, &world->env.env), 0);
    struct reload_udp_users users = {.dtls = reload_dtls_recv};
    ck_assert_int_eq(reload_udp_new(world->loop, &address, &users, &end->udp), 0);
    struct reload_dtls_options options = {.loop = world->loop,
                                          .context = &end->context,
                                          .path = reload_udp_datagram(end->udp),
                                          .accept = true,
                                          .user = &seen_user,
                                          .argument = &end->seen};
    ck_assert_int_eq(reload_dtls_new(&options, &end->dtls), 0);
    reload_udp_set_argument(end->udp, end->dtls);
}

static void
socket_end_fini(struct socket_end *end)
{
    reload_dtls_free(end->dtls);
    reload_udp_free(end->udp);
    reload_tls_context_fini(&end->context);
    test_keyring_free(end->keyring);
}

START_TEST(over_udp)
{
    struct world world;
    struct socket_end a, b;
    world_init(&world);
    socket_end_init(&a, &world, loopback(0));
    socket_end_init(&b, &world, loopback(0));
    struct seen seen = {0};
    struct reload_connection *connection;
    ck_assert_int_eq(reload_dtls_connect(a.dtls, reload_udp_address(b.udp), &seen_user, &seen,
                                         RELOAD_NEVER, &connection),
                     0);
    world_until(&world, &seen.up, 1);
    static uint8_t data[RELOAD_DTLS_RECORD_MAX] = {1, 2, 3};
    struct reload_bytes record = {data, sizeof data};
    for (unsigned i = 0; i < 10; i++)
        ck_assert_int_eq(connection->ops->send(connection, record), 0);
    world_until(&world, &b.seen.received, 10);
    ck_assert_mem_eq(b.seen.last, data, sizeof data);
    socket_end_fini(&a);
    world_until(&world, &b.seen.down, 1);
    socket_end_fini(&b);
    world_fini(&world);
}
END_TEST

/* A way that leads to a closed port while |away|. */
struct detour {
    struct reload_datagram path; /* first */
    struct reload_datagram *real;
    struct reload_address closed;
    bool away;
};

static int
detour_send(struct reload_datagram *path, const struct reload_address *to,
            struct reload_bytes bytes)
{
    struct detour *detour = (struct detour *)path;
    return detour->real->ops->send(detour->real, detour->away ? &detour->closed : to, bytes);
}

static const struct reload_datagram_ops detour_ops = {.send = detour_send};

/* L14: ICMP errors come back for a while, as when somebody forges them; the link survives. */
START_TEST(icmp_errors_do_not_end_a_link)
{
    struct world world;
    struct socket_end a, b, gone;
    world_init(&world);
    socket_end_init(&a, &world, loopback(0));
    socket_end_init(&b, &world, loopback(0));
    socket_end_init(&gone, &world, loopback(0));
    struct detour detour = {
        {&detour_ops}, reload_udp_datagram(a.udp), *reload_udp_address(gone.udp), false};
    socket_end_fini(&gone);
    struct seen seen = {0};
    struct reload_connection *connection;
    struct reload_dtls_options options = {
        .loop = world.loop, .context = &a.context, .path = &detour.path};
    reload_dtls_free(a.dtls);
    ck_assert_int_eq(reload_dtls_new(&options, &a.dtls), 0);
    reload_udp_set_argument(a.udp, a.dtls);
    ck_assert_int_eq(reload_dtls_connect(a.dtls, reload_udp_address(b.udp), &seen_user, &seen,
                                         RELOAD_NEVER, &connection),
                     0);
    world_until(&world, &seen.up, 1);
    detour.away = true;
    for (int i = 0; i < 5; i++) {
        send_text(connection, "into the void");
        world_for(&world, 10 * RELOAD_MS);
    }
    detour.away = false;
    send_text(connection, "back");
    world_until(&world, &b.seen.received, 1);
    ck_assert_mem_eq(b.seen.last, "back", 4);
    ck_assert_uint_eq(seen.down + b.seen.down, 0);
    socket_end_fini(&a);
    world_until(&world, &b.seen.down, 1);
    socket_end_fini(&b);
    world_fini(&world);
}
END_TEST

int
main(void)
{
    return RUN_SUITE(
        "link_dtls", both_sides_are_authenticated, a_frame_of_mtu_fits,
        a_large_record_is_one_datagram, closing_tells_the_other_end, closing_from_within_recv,
        lost_flights_are_sent_again, nobody_answers, certificate_of_another_authority,
        client_without_certificate, expired_certificate, weak_protocols_are_refused,
        user_refuses_the_peer, replayed_records_are_dropped, reordered_records_arrive,
        forged_records_do_not_move_the_window, junk_does_not_end_an_association,
        spoofed_hellos_leave_no_state, half_open_handshakes_are_bounded, cookie_of_another_address,
        restarted_peer, replacing_link, both_connect_at_once,
        associations_of_one_address_are_bounded, over_udp, icmp_errors_do_not_end_a_link);
}
