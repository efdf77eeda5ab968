/* link_dtls_test.c: DTLS associations over a net in memory, and over real sockets: who gets in,
 * what arrives, several with one address.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/dtls_internal.h"
#include "reload/run/link_dtls.h"
#include "reload/run/socket_address.h"
#include "reload/run/udp.h"

#include "tests/suite.h"
#include "tests/unit/run/net.h"

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

static bool
is_lean(const struct reload_connection *connection)
{
    return ((const struct association *)connection)->lean;
}

/* Waits until OpenSSL's buffers of both ends are given back. */
static void
wait_lean(struct net *net, const struct end *a, const struct end *b)
{
    reload_time begin = reload_loop_now(net->world.loop);
    while (!is_lean(a->outgoing.connection) || !is_lean(b->incoming.connection)) {
        ck_assert_int_eq(reload_loop_turn(net->world.loop), 0);
        ck_assert_uint_lt(reload_loop_now(net->world.loop) - begin, 10 * RELOAD_SECOND);
    }
}

/* Buffers go when a link is idle, and come back when it is used, if only to close it. */
START_TEST(idle_associations_are_lean)
{
    struct net net;
    net_init(&net);
    struct end *a = end_new(&net, NULL), *b = end_new(&net, NULL);
    start(a, b);
    settle(&net);
    wait_lean(&net, a, b);
    send_text(a->outgoing.connection, "awake");
    settle(&net);
    send_text(b->incoming.connection, "me too");
    settle(&net);
    ck_assert_uint_eq(b->incoming.received + a->outgoing.received, 2);
    wait_lean(&net, a, b);
    a->outgoing.connection->ops->close(a->outgoing.connection);
    settle(&net);
    ck_assert_uint_eq(b->incoming.down, 1);
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
    return RUN_SUITE("link_dtls", both_sides_are_authenticated, a_frame_of_mtu_fits,
                     a_large_record_is_one_datagram, idle_associations_are_lean,
                     closing_tells_the_other_end, closing_from_within_recv,
                     lost_flights_are_sent_again, nobody_answers, certificate_of_another_authority,
                     client_without_certificate, expired_certificate, weak_protocols_are_refused,
                     user_refuses_the_peer, restarted_peer, replacing_link, both_connect_at_once,
                     associations_of_one_address_are_bounded, over_udp,
                     icmp_errors_do_not_end_a_link);
}
