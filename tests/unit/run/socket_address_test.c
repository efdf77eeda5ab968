/* socket_address_test.c: addresses in text and in sockets, and what the datagrams of one socket are
 * taken for; records of datagrams before OpenSSL sees them; the loop's timers.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/dtls_record.h"
#include "reload/run/socket_address.h"
#include "reload/run/udp.h"

#include "tests/suite.h"
#include "tests/unit/run/ends.h"

#include <string.h>

START_TEST(texts_of_addresses)
{
    const struct {
        const char *text, *written;
    } good[] = {
        {"192.0.2.1", "192.0.2.1:6084"},
        {"192.0.2.1:7", "192.0.2.1:7"},
        {"0.0.0.0:0", "0.0.0.0:0"},
        {"2001:db8::1", "[2001:db8::1]:6084"},
        {"[2001:db8::1]", "[2001:db8::1]:6084"},
        {"[::]:65535", "[::]:65535"},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct reload_address address;
        char text[RELOAD_ADDRESS_TEXT_SIZE];
        ck_assert_int_eq(reload_address_parse(good[i].text, 6084, &address), 0);
        ck_assert_str_eq(reload_address_text(&address, text), good[i].written);
    }
    const char *const bad[] = {"",          "localhost",      "192.0.2.1:",    "192.0.2.1:65536",
                               "192.0.2",   "192.0.2.1:-1",   "192.0.2.1:7x",  "[::1",
                               "[::1]7",    "[192.0.2.1]:7",  ":6084",         "[::1]:",
                               "1.2.3.4.5", "2001:db8::1::2", "192.0.2.1 :80", "1.2.3.4:0x10"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct reload_address address;
        ck_assert_msg(reload_address_parse(bad[i], 6084, &address) == RELOAD_E_CONFIG, "%s",
                      bad[i]);
    }
}
END_TEST

START_TEST(sockets_and_back)
{
    const char *const texts[] = {"192.0.2.1:7", "[2001:db8::1]:8", "127.0.0.1:65535"};
    for (size_t i = 0; i < 3; i++) {
        struct reload_address address, back;
        struct sockaddr_storage storage;
        ck_assert_int_eq(reload_address_parse(texts[i], 0, &address), 0);
        /* An IPv4 address in an IPv6 socket is a mapped one, and the same again. */
        ck_assert_uint_gt(reload_address_to_socket(&address, AF_INET6, &storage), 0);
        ck_assert_int_eq(reload_address_of_socket(&storage, &back), 0);
        ck_assert(reload_address_equal(&address, &back));
        ck_assert_int_eq(reload_address_to_socket(&address, AF_INET, &storage) > 0,
                         address.family == 4);
    }
    struct sockaddr_storage local = {.ss_family = AF_UNIX};
    struct reload_address address;
    ck_assert_int_eq(reload_address_of_socket(&local, &address), RELOAD_E_USAGE);
}
END_TEST

/* P23 */
START_TEST(usable_addresses)
{
    const char *const bad[] = {"0.0.0.0:1",         "0.1.2.3:1",   "224.0.0.1:1",
                               "239.1.1.1:1",       "240.0.0.1:1", "[::]:1",
                               "255.255.255.255:1", "[ff02::1]:1", "192.0.2.1:0"};
    struct reload_address address;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_int_eq(reload_address_parse(bad[i], 0, &address), 0);
        ck_assert_msg(!reload_address_is_usable(&address), "%s", bad[i]);
    }
    ck_assert_int_eq(reload_address_parse("192.0.2.1:1", 0, &address), 0);
    ck_assert(reload_address_is_usable(&address));
    address.family = 5;
    ck_assert(!reload_address_is_usable(&address));
    ck_assert_int_eq(reload_address_parse("169.254.1.1", 1, &address), 0);
    ck_assert(reload_address_is_link_local(&address));
    ck_assert_int_eq(reload_address_parse("fe80::1", 1, &address), 0);
    ck_assert(reload_address_is_link_local(&address));
    ck_assert_int_eq(reload_address_parse("::1", 1, &address), 0);
    ck_assert(reload_address_is_loopback(&address) && !reload_address_is_link_local(&address));
}
END_TEST

/* ---- datagrams ------------------------------------------------------------------------------ */

struct counts {
    unsigned stun, dtls;
    struct reload_address from;
};

static void
on_dtls(void *argument, const struct reload_address *from, struct reload_bytes bytes)
{
    struct counts *counts = argument;
    ck_assert_uint_ge(bytes.data[0], 20);
    ck_assert_uint_le(bytes.data[0], 63);
    counts->dtls++;
    counts->from = *from;
}

static void
on_stun(void *argument, const struct reload_address *from, struct reload_bytes bytes)
{
    (void)from;
    ck_assert_uint_le(bytes.data[0], 3);
    ((struct counts *)argument)->stun++;
}

/* RFC 7983: each first octet goes where it belongs, the rest nowhere; more than a batch at once. */
/* Loopback's network is the only one that every host has. */
START_TEST(neighbours)
{
    static const struct {
        struct reload_address address;
        bool expected;
    } rows[] = {
        {{.family = 4, .octets = {127, 9, 9, 9}}, true},
        {{.family = 4, .octets = {128, 0, 0, 1}}, false},
        {{.family = 4, .octets = {240, 0, 0, 77}}, false},
        {{.family = 6, .octets = {[15] = 1}}, false}, /* alone in its network */
        {{.family = 6, .octets = {127, 0, 0, 1}}, false},
        {{.family = 6, .octets = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}}, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert(reload_address_is_neighbour(&rows[i].address) == rows[i].expected);
}
END_TEST

START_TEST(first_octets)
{
    struct world world;
    struct counts counts = {0};
    struct reload_udp *a, *b;
    world_init(&world);
    struct reload_udp_users users = {
        .dtls = on_dtls, .stun = on_stun, .argument = &counts, .stun_argument = &counts};
    struct reload_udp_users nobody = {0};
    struct reload_address address = loopback(0);
    ck_assert_int_eq(reload_udp_new(world.loop, &address, &users, &a), 0);
    ck_assert_int_eq(reload_udp_new(world.loop, &address, &nobody, &b), 0);
    struct reload_datagram *path = reload_udp_datagram(b);
    for (unsigned octet = 0; octet < 256; octet++) {
        uint8_t data[2] = {(uint8_t)octet, 0};
        ck_assert_int_eq(
            path->ops->send(path, reload_udp_address(a), (struct reload_bytes){data, 2}), 0);
    }
    ck_assert_int_eq(path->ops->send(path, reload_udp_address(a), (struct reload_bytes){0}), 0);
    const struct reload_udp_counters *counters = reload_udp_counters(a);
    while (counters->received < 257)
        ck_assert_int_eq(reload_loop_turn(world.loop), 0);
    ck_assert_uint_eq(counts.stun, 4);
    ck_assert_uint_eq(counts.dtls, 44);
    ck_assert_uint_eq(counters->dropped_unknown, 257 - 48);
    ck_assert(reload_address_equal(&counts.from, reload_udp_address(b)));
    ck_assert_uint_eq(reload_udp_counters(b)->sent, 257);
    ck_assert_uint_eq(reload_udp_counters(b)->bytes_sent, 512);
    /* An IPv6 address has no way out of this socket. */
    struct reload_address other = {.family = 6, .octets = {[15] = 1}, .port = 9};
    ck_assert_int_eq(path->ops->send(path, &other, (struct reload_bytes){0}), RELOAD_E_IO);
    reload_udp_free(a);
    reload_udp_free(b);
    world_fini(&world);
}
END_TEST

struct echo {
    struct reload_udp *udp;
    unsigned count;
    struct reload_address from;
};

static void
on_echo(void *argument, const struct reload_address *from, struct reload_bytes bytes)
{
    struct echo *echo = argument;
    echo->from = *from;
    if (echo->count++ == 0 && bytes.size == 1) {
        struct reload_datagram *path = reload_udp_datagram(echo->udp);
        ck_assert_int_eq(path->ops->send(path, from, bytes), 0);
    }
}

/* A socket bound to all addresses answers from the one that it was asked at, of both families. */
START_TEST(answers_come_from_the_address_asked)
{
    for (unsigned family = 4; family <= 6; family += 2) {
        struct world world;
        struct echo server = {0}, client = {.count = 1};
        world_init(&world);
        struct reload_udp_users server_users = {.dtls = on_echo, .argument = &server};
        struct reload_udp_users client_users = {.dtls = on_echo, .argument = &client};
        struct reload_address any = {.family = (uint8_t)family}, near = loopback(0);
        ck_assert_int_eq(reload_udp_new(world.loop, &any, &server_users, &server.udp), 0);
        ck_assert_int_eq(reload_udp_new(world.loop, &near, &client_users, &client.udp), 0);
        struct reload_address to = loopback(reload_udp_address(server.udp)->port);
        to.octets[3] = 77; /* all of 127/8 is this host */
        struct reload_datagram *path = reload_udp_datagram(client.udp);
        const uint8_t octet = 20;
        ck_assert_int_eq(path->ops->send(path, &to, (struct reload_bytes){&octet, 1}), 0);
        world_until(&world, &client.count, 2);
        ck_assert(reload_address_equal(&client.from, &to));
        reload_udp_free(server.udp);
        reload_udp_free(client.udp);
        world_fini(&world);
    }
}
END_TEST

/* ---- records -------------------------------------------------------------------------------- */

START_TEST(records_of_a_datagram)
{
    uint8_t hello[13 + 12 + 34] = {22, 0xfe, 0xff, [12] = 12 + 34, [13] = 1};
    struct reload_dtls_summary summary;
    ck_assert(reload_dtls_summarize((struct reload_bytes){hello, sizeof hello}, &summary));
    ck_assert(summary.client_hello && !summary.is_protected);
    ck_assert_ptr_eq(summary.random, hello + 27);
    for (size_t size = 0; size < sizeof hello; size++)
        ck_assert(!reload_dtls_summarize((struct reload_bytes){hello, size}, &summary));
    hello[12]--; /* too short for its random */
    ck_assert(reload_dtls_summarize((struct reload_bytes){hello, sizeof hello - 1}, &summary));
    ck_assert(!summary.client_hello);
    uint8_t two[] = {20,   0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 3, 0, 1, 1, 22,
                     0xfe, 0xfd, 0,    1, 0, 0, 0, 0, 0, 0, 0, 2, 9, 9};
    ck_assert(reload_dtls_summarize((struct reload_bytes){two, sizeof two}, &summary));
    ck_assert(summary.is_protected && !summary.client_hello);
    two[14] = 24; /* heartbeat */
    ck_assert(!reload_dtls_summarize((struct reload_bytes){two, sizeof two}, &summary));
    two[14] = 22;
    two[15] = 3; /* TLS's version */
    ck_assert(!reload_dtls_summarize((struct reload_bytes){two, sizeof two}, &summary));
}
END_TEST

/* ---- timers --------------------------------------------------------------------------------- */

struct tick {
    struct world *world;
    struct reload_timer *timer;
    reload_time at, fired_at;
    unsigned count;
};

static void
on_tick(void *argument)
{
    struct tick *tick = argument;
    tick->fired_at = reload_loop_now(tick->world->loop);
    tick->count++;
}

START_TEST(timers_are_never_early)
{
    struct world world;
    world_init(&world);
    struct tick ticks[20];
    reload_time now = reload_loop_now(world.loop);
    for (size_t i = 0; i < 20; i++) {
        ticks[i] = (struct tick){.world = &world, .at = now + (i * 3 % 20) * 500000 + 1};
        ck_assert_int_eq(reload_loop_timer(world.loop, on_tick, &ticks[i], &ticks[i].timer), 0);
        reload_timer_set(ticks[i].timer, now + RELOAD_SECOND);
        reload_timer_set(ticks[i].timer, ticks[i].at);
    }
    reload_timer_set(ticks[3].timer, RELOAD_NEVER);
    for (size_t i = 0; i < 20; i++)
        if (i != 3)
            world_until(&world, &ticks[i].count, 1);
    for (size_t i = 0; i < 20; i++) {
        ck_assert_uint_eq(ticks[i].count, i != 3);
        ck_assert(i == 3 || ticks[i].fired_at >= ticks[i].at);
        reload_timer_free(ticks[i].timer);
    }
    world_fini(&world);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("socket_address", texts_of_addresses, sockets_and_back, usable_addresses,
                     neighbours, first_octets, answers_come_from_the_address_asked,
                     records_of_a_datagram, timers_are_never_early);
}
