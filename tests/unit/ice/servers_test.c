/* servers_test.c: STUN and TURN servers that say nothing, or the wrong things, cost no more than
 * their own attempt.
 *
 * RFC 8445 5.1.1; RFC 6940 6.5.1.4. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/socket_address.h"
#include "tests/suite.h"
#include "tests/unit/ice/agents.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A server that does to each datagram what |answer| says. */
struct server {
    int descriptor;
    struct reload_address address;
    struct reload_watch *watch;
    size_t (*answer)(const uint8_t *request, size_t size, uint8_t *answer, unsigned asked);
    unsigned asked;
};

#define ANSWER_MAX 60000

static void
on_request(void *argument, int descriptor, unsigned events)
{
    (void)events;
    static uint8_t answer[ANSWER_MAX];
    struct server *server = argument;
    uint8_t request[2048];
    struct sockaddr_storage from;
    socklen_t length = sizeof from;
    ssize_t got =
        recvfrom(descriptor, request, sizeof request, 0, (struct sockaddr *)&from, &length);
    if (got < 20)
        return;
    size_t size = server->answer(request, (size_t)got, answer, server->asked++);
    if (size > 0)
        (void)sendto(descriptor, answer, size, 0, (const struct sockaddr *)&from, length);
}

static void
server_init(struct server *server, struct agents *agents, int type)
{
    struct reload_address any = {.family = 4, .octets = {127, 0, 0, 1}};
    server->asked = 0;
    server->watch = NULL;
    server->descriptor = reload_socket_bind(type, &any, &server->address);
    ck_assert_int_ge(server->descriptor, 0);
    if (type == SOCK_DGRAM)
        ck_assert_int_eq(reload_loop_watch(agents->loop, server->descriptor, RELOAD_WATCH_READ,
                                           on_request, server, &server->watch),
                         0);
}

static void
server_fini(struct server *server)
{
    reload_watch_free(server->watch);
    (void)close(server->descriptor);
}

/* ---- what they answer ----------------------------------------------------------------------- */

static size_t
nothing(const uint8_t *request, size_t size, uint8_t *answer, unsigned asked)
{
    (void)request;
    (void)size;
    (void)answer;
    (void)asked;
    return 0;
}

static size_t
garbage(const uint8_t *request, size_t size, uint8_t *answer, unsigned asked)
{
    (void)size;
    for (size_t i = 0; i < 600; i++)
        answer[i] = (uint8_t)(request[i % 20] * 31 + i * 7 + asked);
    return 600;
}

/* A success whose only attribute says that it is longer than the datagram. */
static size_t
lengths_that_lie(const uint8_t *request, size_t size, uint8_t *answer, unsigned asked)
{
    (void)size;
    memcpy(answer, request, 20);
    memcpy(answer, (const uint8_t[]){1, 1, 0, 12}, 4);
    memcpy(answer + 20, (const uint8_t[]){0, 0x20, 0xff, 0xf8, 0, 1, 1, 1, 1, 1, 1, 1}, 12);
    return asked % 2 ? 32 : 26;
}

/* 60,000 octets of attributes. */
static size_t
huge(const uint8_t *request, size_t size, uint8_t *answer, unsigned asked)
{
    (void)size;
    (void)asked;
    memset(answer, 0, ANSWER_MAX);
    memcpy(answer, request, 20);
    uint16_t length = ANSWER_MAX - 20;
    memcpy(answer, (const uint8_t[]){1, 1, (uint8_t)(length >> 8), (uint8_t)length}, 4);
    for (size_t at = 20; at + 8 <= ANSWER_MAX; at += 8)
        memcpy(answer + at, (const uint8_t[]){0x80, 0x22, 0, 4}, 4);
    return ANSWER_MAX;
}

/* MAPPED-ADDRESS or XOR-MAPPED-ADDRESS 192.0.2.99:4444: nobody's. */
static size_t
another_address(const uint8_t *request, size_t size, uint8_t *answer, unsigned asked)
{
    (void)size;
    (void)asked;
    uint8_t plain[8] = {0, 1, 0x11, 0x5c, 192, 0, 2, 99};
    bool has_cookie = memcmp(request + 4, (const uint8_t[]){0x21, 0x12, 0xa4, 0x42}, 4) == 0;
    for (int i = 2; i < 8 && has_cookie; i++)
        plain[i] ^= request[i < 4 ? i + 2 : i];
    memcpy(answer, request, 20);
    memcpy(answer, (const uint8_t[]){1, 1, 0, 12}, 4);
    memcpy(answer + 20, (const uint8_t[]){0, has_cookie ? 0x20 : 1, 0, 8}, 4);
    memcpy(answer + 24, plain, 8);
    return 32;
}

/* 401 without realm and nonce, again and again (RFC 8489 14.8). */
static size_t
unauthorized(const uint8_t *request, size_t size, uint8_t *answer, unsigned asked)
{
    (void)size;
    (void)asked;
    memcpy(answer, request, 20);
    memcpy(answer, (const uint8_t[]){request[0] | 1, request[1] | 0x10, 0, 8}, 4);
    memcpy(answer + 20, (const uint8_t[]){0, 9, 0, 4, 0, 0, 4, 1}, 8);
    return 28;
}

/* 300 Try Alternate: to a third party. */
static size_t
elsewhere(const uint8_t *request, size_t size, uint8_t *answer, unsigned asked)
{
    (void)size;
    (void)asked;
    memcpy(answer, request, 20);
    memcpy(answer, (const uint8_t[]){request[0] | 1, request[1] | 0x10, 0, 20}, 4);
    memcpy(answer + 20, (const uint8_t[]){0, 9, 0, 4, 0, 0, 3, 0}, 8);
    memcpy(answer + 28, (const uint8_t[]){0x80, 0x23, 0, 8, 0, 1, 0, 9, 192, 0, 2, 99}, 12);
    return 40;
}

static size_t (*const answers[])(const uint8_t *, size_t, uint8_t *, unsigned) = {
    nothing, garbage, lengths_that_lie, huge, another_address, unauthorized, elsewhere};

/* ---- tests ---------------------------------------------------------------------------------- */

static reload_time
time_to_gather(struct agents *agents)
{
    reload_time begun = reload_loop_now(agents->loop);
    agents_open(agents);
    reload_time a = agents->a.gathered_at - begun, b = agents->b.gathered_at - begun;
    return a > b ? a : b;
}

/* The agents meet by their host candidates all the same. */
static void
meet_in_spite(struct agents *agents)
{
    reload_time taken = time_to_gather(agents);
    ck_assert_uint_le(taken, 3500 * RELOAD_MS);
    ck_assert_uint_ge(agents->a.offer.candidate_count, 1);
    ck_assert_uint_ge(agents->b.offer.candidate_count, 1);
    reload_time begun = reload_loop_now(agents->loop);
    agents_connect(agents);
    ck_assert_uint_le(agents->a.ready_at - begun, 1000 * RELOAD_MS);
    ck_assert_uint_le(agents->b.ready_at - begun, 1000 * RELOAD_MS);
    agents_talk(agents);
    agents_close(agents);
}

START_TEST(stun_servers_that_lie_or_stall)
{
    struct agents agents;
    agents_init(&agents);
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct server server = {.answer = answers[i]};
        server_init(&server, &agents, SOCK_DGRAM);
        agents.a.options.stun = agents.b.options.stun = server.address;
        meet_in_spite(&agents);
        ck_assert_uint_ge(server.asked, 1);
        ck_assert_uint_le(server.asked, 20);
        server_fini(&server);
    }
    agents_fini(&agents);
}
END_TEST

START_TEST(turn_servers_that_lie_or_stall)
{
    struct agents agents;
    agents_init(&agents);
    agents.a.options.relay_count = 1;
    agents.a.options.relays[0] =
        (struct reload_ice_relay){.username = "user", .password = "secret"};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct server server = {.answer = answers[i]};
        server_init(&server, &agents, SOCK_DGRAM);
        agents.a.options.relays[0].address = server.address;
        meet_in_spite(&agents);
        ck_assert_uint_ge(server.asked, 1);
        ck_assert_uint_le(server.asked, 30);
        server_fini(&server);
    }
    agents_fini(&agents);
}
END_TEST

/* By TCP: one that takes the connection and says nothing, one where nobody listens. */
START_TEST(turn_servers_by_tcp_that_stall)
{
    struct agents agents;
    agents_init(&agents);
    agents.a.options.relay_count = 1;
    for (int listens = 0; listens < 2; listens++) {
        struct server server = {0};
        server_init(&server, &agents, SOCK_STREAM);
        if (listens)
            ck_assert_int_eq(listen(server.descriptor, 8), 0);
        agents.a.options.relays[0] = (struct reload_ice_relay){
            .address = server.address, .tcp = true, .username = "user", .password = "secret"};
        meet_in_spite(&agents);
        server_fini(&server);
    }
    agents_fini(&agents);
}
END_TEST

/* What a server says is believed, as one more candidate. */
START_TEST(a_wrong_address_is_one_candidate_more)
{
    struct agents agents;
    struct server server = {.answer = another_address};
    agents_init(&agents);
    server_init(&server, &agents, SOCK_DGRAM);
    agents.a.options.stun = server.address;
    agents_open(&agents);
    ck_assert_uint_eq(agents_keep(&agents.a, 2), 1);
    static const uint8_t lie[] = {192, 0, 2, 99};
    ck_assert_mem_eq(agents.a.offer.candidates[0].address.octets, lie, sizeof lie);
    ck_assert_uint_eq(agents.a.offer.candidates[0].address.port, 4444);
    agents_close(&agents);
    server_fini(&server);
    agents_fini(&agents);
}
END_TEST

/* A dead STUN server costs each Attach that much: it has to be little. */
START_TEST(a_silent_stun_server_costs_a_second)
{
    struct agents agents;
    struct server server = {.answer = nothing};
    agents_init(&agents);
    server_init(&server, &agents, SOCK_DGRAM);
    agents.a.options.stun = agents.b.options.stun = server.address;
    ck_assert_uint_le(time_to_gather(&agents), 1000 * RELOAD_MS);
    agents_close(&agents);
    server_fini(&server);
    agents_fini(&agents);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("servers", stun_servers_that_lie_or_stall, turn_servers_that_lie_or_stall,
                     turn_servers_by_tcp_that_stall, a_wrong_address_is_one_candidate_more,
                     a_silent_stun_server_costs_a_second);
}
