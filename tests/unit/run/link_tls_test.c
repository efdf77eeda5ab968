/* link_tls_test.c: TLS links over loopback: who gets in, frames, peers that do not read or never
 * finish.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/link_tls.h"
#include "reload/run/socket_address.h"
#include "reload/run/tls_internal.h"

#include "tests/suite.h"
#include "tests/unit/run/ends.h"

#include <sys/resource.h>
#include <unistd.h>

#define MESSAGE_MAX 5000

struct end {
    struct world *world;
    struct test_keyring *keyring;
    struct reload_tls_context context;
    struct reload_tls *tls;
    struct seen incoming, outgoing;
};

/* Takes over |keyring|; NULL makes a good one. */
static void
end_init(struct end *end, struct world *world, struct test_keyring *keyring,
         enum reload_framing framing)
{
    memset(end, 0, sizeof *end);
    end->world = world;
    end->keyring = keyring ? keyring : test_keyring_good(world->authority, "node");
    ck_assert_int_eq(
        reload_tls_context_init(&end->context, &end->keyring->keyring, &world->env.env), 0);
    struct reload_address address = loopback(0);
    struct reload_tls_options options = {.loop = world->loop,
                                         .context = &end->context,
                                         .listen = &address,
                                         .user = &seen_user,
                                         .argument = &end->incoming,
                                         .framing = framing,
                                         .message_max = MESSAGE_MAX,
                                         .overlay_link = 4,
                                         .stall_time_ns = 300 * RELOAD_MS};
    ck_assert_int_eq(reload_tls_new(&options, &end->tls), 0);
}

static void
end_fini(struct end *end)
{
    reload_tls_free(end->tls);
    reload_tls_context_fini(&end->context);
    test_keyring_free(end->keyring);
}

static struct reload_connection *
start(struct end *from, struct end *to)
{
    struct reload_connection *connection;
    reload_time deadline = reload_loop_now(from->world->loop) + 10 * RELOAD_SECOND;
    ck_assert_int_eq(reload_tls_connect(from->tls, reload_tls_address(to->tls), &seen_user,
                                        &from->outgoing, deadline, &connection),
                     0);
    return connection;
}

static void
link_both(struct end *from, struct end *to)
{
    start(from, to);
    world_until(from->world, &from->outgoing.up, 1);
    world_until(from->world, &to->incoming.up, 1);
}

static int
send_octets(struct reload_connection *connection, const void *data, size_t size)
{
    return connection->ops->send(connection, (struct reload_bytes){data, size});
}

static const uint8_t frame[] = {128, 0, 0, 0, 0, 0, 0, 8, 0xd2, 0x45, 0x4c, 0x4f, 1, 2, 3, 4};

/* ---- the good way --------------------------------------------------------------------------- */

START_TEST(both_sides_are_authenticated)
{
    struct world world;
    struct end a, b;
    world_init(&world);
    end_init(&a, &world, NULL, RELOAD_FRAMING_STREAM);
    end_init(&b, &world, NULL, RELOAD_FRAMING_STREAM);
    link_both(&a, &b);
    struct reload_node_id a_id = test_keyring_node_id(a.keyring);
    struct reload_node_id b_id = test_keyring_node_id(b.keyring);
    ck_assert(reload_node_id_equal(&a.outgoing.peer_id, &b_id));
    ck_assert(reload_node_id_equal(&b.incoming.peer_id, &a_id));
    ck_assert_uint_eq(a.outgoing.peer.overlay_link, 4);
    ck_assert_int_eq(b.incoming.peer.framing, RELOAD_FRAMING_STREAM);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(send_octets(a.outgoing.connection, frame, sizeof frame), 0);
    world_until(&world, &b.incoming.received, 3);
    ck_assert_uint_eq(b.incoming.last_size, sizeof frame);
    ck_assert_int_eq(send_octets(b.incoming.connection, frame, sizeof frame), 0);
    world_until(&world, &a.outgoing.received, 1);

    a.outgoing.connection->ops->close(a.outgoing.connection);
    world_until(&world, &b.incoming.down, 1);
    ck_assert_int_eq(b.incoming.error, RELOAD_E_CLOSED);
    while (reload_tls_count(a.tls) > 0)
        ck_assert_int_eq(reload_loop_turn(world.loop), 0);
    ck_assert_uint_eq(a.outgoing.down, 0);
    end_fini(&a);
    end_fini(&b);
    world_fini(&world);
}
END_TEST

/* An application's link: octets as they come; what was sent before the close arrives. */
START_TEST(plain_stream)
{
    struct world world;
    struct end a, b;
    world_init(&world);
    end_init(&a, &world, NULL, RELOAD_FRAMING_NONE);
    end_init(&b, &world, NULL, RELOAD_FRAMING_NONE);
    link_both(&a, &b);
    static uint8_t data[1000000];
    ck_assert_int_eq(send_octets(a.outgoing.connection, data, sizeof data), 0);
    a.outgoing.connection->ops->close(a.outgoing.connection);
    world_until(&world, &b.incoming.down, 1);
    ck_assert_uint_eq(b.incoming.size, sizeof data);
    ck_assert_int_eq(b.incoming.error, RELOAD_E_CLOSED);
    end_fini(&a);
    end_fini(&b);
    world_fini(&world);
}
END_TEST

START_TEST(closing_from_within_recv)
{
    struct world world;
    struct end a, b;
    world_init(&world);
    end_init(&a, &world, NULL, RELOAD_FRAMING_STREAM);
    end_init(&b, &world, NULL, RELOAD_FRAMING_STREAM);
    b.incoming.close_on_recv = true;
    link_both(&a, &b);
    uint8_t two[2 * sizeof frame];
    memcpy(two, frame, sizeof frame);
    memcpy(two + sizeof frame, frame, sizeof frame);
    ck_assert_int_eq(send_octets(a.outgoing.connection, two, sizeof two), 0);
    world_until(&world, &a.outgoing.down, 1);
    ck_assert_uint_eq(b.incoming.received, 1);
    ck_assert_uint_eq(b.incoming.down, 0);
    end_fini(&a);
    end_fini(&b);
    world_fini(&world);
}
END_TEST

START_TEST(nobody_listens)
{
    struct world world;
    struct end a, b;
    world_init(&world);
    end_init(&a, &world, NULL, RELOAD_FRAMING_STREAM);
    end_init(&b, &world, NULL, RELOAD_FRAMING_STREAM);
    struct reload_address address = *reload_tls_address(b.tls);
    end_fini(&b);
    struct reload_connection *connection;
    ck_assert_int_eq(
        reload_tls_connect(a.tls, &address, &seen_user, &a.outgoing, RELOAD_NEVER, &connection), 0);
    world_until(&world, &a.outgoing.down, 1);
    ck_assert_int_eq(a.outgoing.error, RELOAD_E_UNREACHABLE);
    end_fini(&a);
    world_fini(&world);
}
END_TEST

START_TEST(taken_port)
{
    struct world world;
    struct end a;
    world_init(&world);
    end_init(&a, &world, NULL, RELOAD_FRAMING_STREAM);
    struct reload_tls_options options = {.loop = world.loop,
                                         .context = &a.context,
                                         .listen = reload_tls_address(a.tls),
                                         .user = &seen_user};
    struct reload_tls *second;
    ck_assert_int_eq(reload_tls_new(&options, &second), RELOAD_E_IO);
    end_fini(&a);
    world_fini(&world);
}
END_TEST

/* ---- who may not (C14) ---------------------------------------------------------------------- */

/* |bad| connects to a good server: no link there. With TLS 1.3 a client learns late that it is not
 * wanted, so only the server counts. */
static void
expect_refused(struct world *world, struct test_keyring *bad)
{
    struct end a, b;
    end_init(&a, world, bad, RELOAD_FRAMING_STREAM);
    end_init(&b, world, NULL, RELOAD_FRAMING_STREAM);
    start(&a, &b);
    world_until(world, &a.outgoing.down, 1);
    ck_assert_uint_eq(b.incoming.up, 0);
    ck_assert_uint_eq(reload_tls_half_open(b.tls), 0);
    ck_assert_uint_eq(reload_tls_counters(b.tls)->handshakes_failed, 1);
    end_fini(&a);
    end_fini(&b);
}

static void
old_versions(SSL_CTX *context)
{
    SSL_CTX_set_security_level(context, 0);
    ck_assert(SSL_CTX_set_min_proto_version(context, TLS1_VERSION));
    ck_assert(SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION));
    ck_assert(SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0"));
}

static void
no_authentication(SSL_CTX *context)
{
    SSL_CTX_set_security_level(context, 0);
    ck_assert(SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION));
    ck_assert(SSL_CTX_set_cipher_list(context, "aNULL:@SECLEVEL=0"));
}

static void
no_encryption(SSL_CTX *context)
{
    SSL_CTX_set_security_level(context, 0);
    ck_assert(SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION));
    ck_assert(SSL_CTX_set_cipher_list(context, "eNULL:@SECLEVEL=0"));
}

static void
no_forward_secrecy(SSL_CTX *context)
{
    ck_assert(SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION));
    ck_assert(SSL_CTX_set_cipher_list(context, "kRSA:AES128-SHA"));
}

static void
only_tls_1_2(SSL_CTX *context)
{
    ck_assert(SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION));
    SSL_CTX_clear_options(context, SSL_OP_NO_RENEGOTIATION);
}

START_TEST(weak_protocols_are_refused)
{
    void (*const weaknesses[])(SSL_CTX *) = {old_versions, no_authentication, no_encryption,
                                             no_forward_secrecy};
    for (size_t i = 0; i < sizeof weaknesses / sizeof *weaknesses; i++) {
        struct world world;
        world_init(&world);
        struct test_keyring *keyring = test_keyring_good(world.authority, "weak");
        keyring->weaken = weaknesses[i];
        expect_refused(&world, keyring);
        world_fini(&world);
    }
}
END_TEST

START_TEST(client_without_certificate)
{
    struct world world;
    world_init(&world);
    for (int old = 0; old < 2; old++) {
        struct test_keyring *keyring = test_keyring_good(world.authority, "nobody");
        keyring->no_certificate = true;
        keyring->weaken = old ? only_tls_1_2 : NULL;
        expect_refused(&world, keyring);
    }
    world_fini(&world);
}
END_TEST

START_TEST(certificate_of_another_authority)
{
    struct world world;
    world_init(&world);
    struct authority *other = authority_new("other");
    struct test_keyring *keyring = test_keyring_good(other, "stranger");
    X509_free(keyring->trusted); /* it believes us */
    keyring->trusted = world.authority->certificate;
    ck_assert(X509_up_ref(keyring->trusted));
    expect_refused(&world, keyring);
    authority_free(other);
    world_fini(&world);
}
END_TEST

START_TEST(expired_certificate)
{
    struct world world;
    world_init(&world);
    expect_refused(&world, test_keyring_new(world.authority, "late", -7200, -3600));
    expect_refused(&world, test_keyring_new(world.authority, "early", 3600, 7200));
    world_fini(&world);
}
END_TEST

/* A server of another authority is left by the client. */
START_TEST(server_of_another_authority)
{
    struct world world;
    struct end a, b;
    world_init(&world);
    struct authority *other = authority_new("other");
    end_init(&a, &world, NULL, RELOAD_FRAMING_STREAM);
    end_init(&b, &world, test_keyring_good(other, "stranger"), RELOAD_FRAMING_STREAM);
    start(&a, &b);
    world_until(&world, &a.outgoing.down, 1);
    ck_assert_uint_eq(a.outgoing.up, 0);
    ck_assert_int_eq(a.outgoing.error, RELOAD_E_CERTIFICATE);
    end_fini(&a);
    end_fini(&b);
    authority_free(other);
    world_fini(&world);
}
END_TEST

/* C14: a renegotiation asked for by the client, as "R" in s_client, does not take place. */
START_TEST(renegotiation_is_refused)
{
    struct world world;
    struct end a, b;
    world_init(&world);
    struct test_keyring *keyring = test_keyring_good(world.authority, "eager");
    keyring->weaken = only_tls_1_2;
    end_init(&a, &world, keyring, RELOAD_FRAMING_STREAM);
    end_init(&b, &world, NULL, RELOAD_FRAMING_STREAM);
    link_both(&a, &b);
    SSL *client = ((struct stream *)a.outgoing.connection)->ssl;
    SSL *server = ((struct stream *)b.incoming.connection)->ssl;
    ck_assert_int_eq(SSL_version(server), TLS1_2_VERSION);
    ck_assert_int_eq(SSL_renegotiate(client), 1);
    (void)SSL_do_handshake(client);
    world_until(&world, &a.outgoing.down, 1);
    ck_assert_int_eq(SSL_num_renegotiations(server), 0);
    end_fini(&a);
    end_fini(&b);
    world_fini(&world);
}
END_TEST

/* C14: the server never offers early data or tickets to resume by. */
START_TEST(no_early_data)
{
    struct world world;
    struct end a, b;
    world_init(&world);
    end_init(&a, &world, NULL, RELOAD_FRAMING_STREAM);
    end_init(&b, &world, NULL, RELOAD_FRAMING_STREAM);
    link_both(&a, &b);
    ck_assert_int_eq(send_octets(b.incoming.connection, frame, sizeof frame), 0);
    world_until(&world, &a.outgoing.received, 1);
    SSL *client = ((struct stream *)a.outgoing.connection)->ssl;
    ck_assert_int_eq(SSL_version(client), TLS1_3_VERSION);
    ck_assert_int_eq(SSL_SESSION_is_resumable(SSL_get0_session(client)), 0);
    ck_assert_uint_eq(SSL_SESSION_get_max_early_data(SSL_get0_session(client)), 0);
    end_fini(&a);
    end_fini(&b);
    world_fini(&world);
}
END_TEST

START_TEST(user_refuses_the_peer)
{
    struct world world;
    struct end a, b;
    world_init(&world);
    end_init(&a, &world, NULL, RELOAD_FRAMING_STREAM);
    end_init(&b, &world, NULL, RELOAD_FRAMING_STREAM);
    b.incoming.refuse_with = RELOAD_E_FORBIDDEN;
    start(&a, &b);
    world_until(&world, &a.outgoing.down, 1);
    ck_assert_uint_eq(b.incoming.up, 1);
    ck_assert_uint_eq(b.incoming.down, 0);
    ck_assert_int_eq(a.outgoing.error, RELOAD_E_CLOSED);
    end_fini(&a);
    end_fini(&b);
    world_fini(&world);
}
END_TEST

/* ---- bad streams ---------------------------------------------------------------------------- */

/* P3, P6, P22: what is no frame closes the link; what came before counts. */
START_TEST(bad_frames_close_the_link)
{
    const struct {
        const char *what;
        uint8_t octets[12];
        size_t size;
    } rows[] = {
        {"type", {127, 0, 0, 0, 0, 0, 0, 0}, 8},
        {"length", {128, 0, 0, 0, 0, 0xff, 0xff, 0xff}, 8},
        {"too large", {128, 0, 0, 0, 0, 0, (MESSAGE_MAX + 1) >> 8, (MESSAGE_MAX + 1) & 0xff}, 8},
        {"token", {128, 0, 0, 0, 0, 0, 0, 40, 0xd2, 0x45, 0x4c, 0x50}, 12},
        {"short", {128, 0, 0, 0, 0, 0, 0, 1, 0xd2}, 9},
    };
    struct world world;
    world_init(&world);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct end a, b;
        end_init(&a, &world, NULL, RELOAD_FRAMING_STREAM);
        end_init(&b, &world, NULL, RELOAD_FRAMING_STREAM);
        link_both(&a, &b);
        ck_assert_int_eq(send_octets(a.outgoing.connection, frame, sizeof frame), 0);
        ck_assert_int_eq(send_octets(a.outgoing.connection, rows[i].octets, rows[i].size), 0);
        world_until(&world, &b.incoming.down, 1);
        ck_assert_msg(b.incoming.received == 1, "%s", rows[i].what);
        ck_assert_int_eq(b.incoming.error, RELOAD_E_LINK);
        ck_assert_uint_eq(reload_tls_counters(b.tls)->bad_frames, 1);
        world_until(&world, &a.outgoing.down, 1);
        end_fini(&a);
        end_fini(&b);
    }
    world_fini(&world);
}
END_TEST

/* L7: the peer stops reading: what waits for it is bounded, then the link is closed. */
START_TEST(peer_that_does_not_read_is_closed_when_the_queue_is_full)
{
    struct world world;
    struct end a, b;
    world_init(&world);
    end_init(&a, &world, NULL, RELOAD_FRAMING_NONE);
    end_init(&b, &world, NULL, RELOAD_FRAMING_NONE);
    link_both(&a, &b);
    reload_watch_set(((struct stream *)a.outgoing.connection)->watch, 0);
    static uint8_t data[65536];
    struct stream *stream = (struct stream *)b.incoming.connection;
    size_t sent = 0;
    int error = 0;
    while ((error = send_octets(b.incoming.connection, data, sizeof data)) == 0) {
        sent += sizeof data;
        ck_assert_uint_le(stream->waiting_capacity, 2 * RELOAD_TLS_QUEUE_MAX);
        ck_assert_uint_lt(sent, 64u << 20);
    }
    ck_assert_int_eq(error, RELOAD_E_BUSY);
    ck_assert_uint_ge(sent, RELOAD_TLS_QUEUE_MAX);
    ck_assert_int_eq(send_octets(b.incoming.connection, data, 1), RELOAD_E_CLOSED);
    ck_assert_uint_eq(b.incoming.down, 0);
    world_until(&world, &b.incoming.down, 1);
    ck_assert_int_eq(b.incoming.error, RELOAD_E_BUSY);
    ck_assert_uint_eq(reload_tls_count(b.tls), 0);
    end_fini(&a);
    end_fini(&b);
    world_fini(&world);
}
END_TEST

/* L7: too little waits to fill the queue, but for too long. */
START_TEST(peer_that_does_not_read_is_closed_after_a_while)
{
    struct world world;
    struct end a, b;
    world_init(&world);
    end_init(&a, &world, NULL, RELOAD_FRAMING_NONE);
    end_init(&b, &world, NULL, RELOAD_FRAMING_NONE);
    link_both(&a, &b);
    reload_watch_set(((struct stream *)a.outgoing.connection)->watch, 0);
    static uint8_t data[65536];
    struct stream *stream = (struct stream *)b.incoming.connection;
    while (stream->waiting_size == 0)
        ck_assert_int_eq(send_octets(b.incoming.connection, data, sizeof data), 0);
    world_until(&world, &b.incoming.down, 1);
    ck_assert_int_eq(b.incoming.error, RELOAD_E_TIMEOUT);
    ck_assert_uint_eq(reload_tls_counters(b.tls)->stalled, 1);
    end_fini(&a);
    end_fini(&b);
    world_fini(&world);
}
END_TEST

/* A slow reader is none that does not read. */
START_TEST(slow_peer_gets_everything)
{
    struct world world;
    struct end a, b;
    world_init(&world);
    end_init(&a, &world, NULL, RELOAD_FRAMING_NONE);
    end_init(&b, &world, NULL, RELOAD_FRAMING_NONE);
    link_both(&a, &b);
    struct stream *reader = (struct stream *)a.outgoing.connection;
    reload_watch_set(reader->watch, 0);
    static uint8_t data[65536];
    struct stream *stream = (struct stream *)b.incoming.connection;
    size_t sent = 0;
    for (; stream->waiting_size == 0; sent += sizeof data)
        ck_assert_int_eq(send_octets(b.incoming.connection, data, sizeof data), 0);
    world_for(&world, 50 * RELOAD_MS);
    reload_watch_set(reader->watch, RELOAD_WATCH_READ);
    while (a.outgoing.size < sent)
        ck_assert_int_eq(reload_loop_turn(world.loop), 0);
    ck_assert_uint_eq(b.incoming.down, 0);
    ck_assert_ptr_null(stream->waiting);
    end_fini(&a);
    end_fini(&b);
    world_fini(&world);
}
END_TEST

/* L3: connections that never say anything: at most so many, each 5 s. */
START_TEST(silent_connections_are_bounded)
{
    struct world world;
    struct end a, b;
    int silent[RELOAD_TLS_HALF_OPEN_MAX + 20];
    struct rlimit limit = {4096, 4096};
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    world_init(&world);
    end_init(&a, &world, NULL, RELOAD_FRAMING_STREAM);
    end_init(&b, &world, NULL, RELOAD_FRAMING_STREAM);
    struct sockaddr_storage storage;
    socklen_t length = reload_address_to_socket(reload_tls_address(b.tls), AF_INET, &storage);
    size_t count = sizeof silent / sizeof *silent;
    const struct reload_tls_counters *counters = reload_tls_counters(b.tls);
    for (size_t i = 0; i < count; i++) {
        silent[i] = socket(AF_INET, SOCK_STREAM, 0);
        ck_assert_int_ge(silent[i], 0);
        ck_assert_int_eq(connect(silent[i], (struct sockaddr *)&storage, length), 0);
        while (counters->accepted <= i)
            ck_assert_int_eq(reload_loop_turn(world.loop), 0);
        ck_assert_uint_le(reload_tls_half_open(b.tls), RELOAD_TLS_HALF_OPEN_MAX);
    }
    ck_assert_uint_eq(counters->half_open_evicted, 20);
    /* An honest one gets in all the same. */
    link_both(&a, &b);
    while (reload_tls_half_open(b.tls) > 0)
        ck_assert_int_eq(reload_loop_turn(world.loop), 0);
    ck_assert_uint_eq(b.incoming.down, 0);
    for (size_t i = 0; i < count; i++)
        (void)close(silent[i]);
    end_fini(&a);
    end_fini(&b);
    world_fini(&world);
}
END_TEST

int
main(void)
{
    return RUN_SUITE(
        "link_tls", both_sides_are_authenticated, plain_stream, closing_from_within_recv,
        nobody_listens, taken_port, weak_protocols_are_refused, client_without_certificate,
        certificate_of_another_authority, expired_certificate, server_of_another_authority,
        renegotiation_is_refused, no_early_data, user_refuses_the_peer, bad_frames_close_the_link,
        peer_that_does_not_read_is_closed_when_the_queue_is_full,
        peer_that_does_not_read_is_closed_after_a_while, slow_peer_gets_everything,
        silent_connections_are_bounded);
}
