/* driver_stun_test.c: the driver answers STUN at its port, asks others, and tells who can.
 *
 * RFC 6940 6.5.1.4; D34. SPDX-License-Identifier: BSD-2-Clause */
#include "ice/stun_query.h"
#include "reload/run/socket_address.h"
#include "tests/suite.h"
#include "tests/unit/ice/hosts.h"

#include <unistd.h>

/* ---- STUN ----------------------------------------------------------------------------------- */

static const uint8_t binding_request[] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1,  2,
                                          3, 4, 5, 6, 7,    8,    9,    10,   11, 12};

struct asker {
    int descriptor;
    struct reload_address address;
    struct host *host;
};

static void
asker_init(struct asker *asker, struct host *host)
{
    struct reload_address any = loopback(0);
    asker->host = host;
    asker->descriptor = reload_socket_bind(SOCK_DGRAM, &any, &asker->address);
    ck_assert_int_ge(asker->descriptor, 0);
}

static void
asker_send(struct asker *asker, const uint8_t *data, size_t size)
{
    struct sockaddr_storage to;
    socklen_t length =
        reload_address_to_socket(reload_driver_address(asker->host->driver), AF_INET, &to);
    ssize_t sent = sendto(asker->descriptor, data, size, 0, (const struct sockaddr *)&to, length);
    ck_assert_int_eq(sent, (ssize_t)size);
}

static size_t
asker_recv(struct asker *asker, uint8_t *answer, size_t capacity)
{
    world_for(asker->host->world, 20 * RELOAD_MS);
    ssize_t got = recv(asker->descriptor, answer, capacity, MSG_DONTWAIT);
    return got < 0 ? 0 : (size_t)got;
}

/* RFC6940-6.5.1.4: the answer says how the asker is seen. */
START_TEST(stun_binding_is_answered)
{
    struct world world;
    struct host a;
    struct asker asker;
    uint8_t answer[512];
    world_init(&world);
    host_init(&a, &world, &reload_nice_agent);
    asker_init(&asker, &a);
    asker_send(&asker, binding_request, sizeof binding_request);
    ck_assert_uint_eq(asker_recv(&asker, answer, sizeof answer), 32);
    static const uint8_t head[] = {1, 1, 0, 12, 0x21, 0x12, 0xa4, 0x42};
    ck_assert_mem_eq(answer, head, sizeof head);
    ck_assert_mem_eq(answer + 8, binding_request + 8, 12);
    uint16_t port = asker.address.port ^ 0x2112;
    const uint8_t mapped[] = {
        0, 0x20, 0, 8, 0, 1, (uint8_t)(port >> 8), (uint8_t)port, 127 ^ 0x21, 0x12, 0xa4, 1 ^ 0x42};
    ck_assert_mem_eq(answer + 20, mapped, sizeof mapped);
    /* RFC 3489: no cookie, MAPPED-ADDRESS. */
    uint8_t old_request[sizeof binding_request];
    memcpy(old_request, binding_request, sizeof old_request);
    old_request[4] = 0xfe;
    asker_send(&asker, old_request, sizeof old_request);
    ck_assert_uint_eq(asker_recv(&asker, answer, sizeof answer), 32);
    ck_assert_mem_eq(answer + 4, old_request + 4, 16);
    const uint8_t plain[] = {
        0,   1, 0, 8, 0, 1, (uint8_t)(asker.address.port >> 8), (uint8_t)asker.address.port,
        127, 0, 0, 1};
    ck_assert_mem_eq(answer + 20, plain, sizeof plain);
    struct reload_stun_counters counters = reload_driver_counters(a.driver).stun;
    ck_assert_uint_eq(counters.received, 2);
    ck_assert_uint_eq(counters.answered, 2);
    (void)close(asker.descriptor);
    host_fini(&a);
    world_fini(&world);
}
END_TEST

/* RFC 5780 7.2: what a program that looks into NATs asks and is told. */
START_TEST(stun_answers_from_another_port_when_asked_to)
{
    struct world world;
    struct host a;
    struct asker asker;
    uint8_t answer[512];
    world_init(&world);
    host_init(&a, &world, &reload_nice_agent);
    asker_init(&asker, &a);
    for (int other_port = 0; other_port <= 1; other_port++) {
        struct reload_stun_query query;
        ck_assert_int_eq(reload_stun_query_write(&query, other_port), 0);
        asker_send(&asker, query.octets, query.size);
        world_for(&world, 20 * RELOAD_MS);
        struct sockaddr_storage storage = {0};
        socklen_t length = sizeof storage;
        ssize_t got = recvfrom(asker.descriptor, answer, sizeof answer, MSG_DONTWAIT,
                               (struct sockaddr *)&storage, &length);
        ck_assert_int_gt(got, 0);
        struct reload_address from, mapped;
        struct reload_bytes bytes = {answer, (size_t)got};
        ck_assert_int_eq(reload_address_of_socket(&storage, &from), 0);
        ck_assert_int_eq(from.port == reload_driver_address(a.driver)->port, !other_port);
        ck_assert_int_eq(reload_stun_query_read(&query, bytes, &mapped), 0);
        ck_assert(reload_address_equal(&mapped, &asker.address));
        /* Not an answer: cut off, or to somebody else's question. */
        for (size_t size = 0; size < bytes.size; size++)
            ck_assert_int_ne(
                reload_stun_query_read(&query, (struct reload_bytes){answer, size}, &mapped), 0);
        answer[19] ^= 1;
        ck_assert_int_eq(reload_stun_query_read(&query, bytes, &mapped), RELOAD_E_MALFORMED);
    }
    /* From another address we cannot: no answer is better than a wrong one. */
    uint8_t change_address[sizeof binding_request + 8];
    static const uint8_t attribute[] = {0, 3, 0, 4, 0, 0, 0, 6};
    memcpy(change_address, binding_request, sizeof binding_request);
    memcpy(change_address + sizeof binding_request, attribute, sizeof attribute);
    change_address[3] = sizeof attribute;
    asker_send(&asker, change_address, sizeof change_address);
    ck_assert_uint_eq(asker_recv(&asker, answer, sizeof answer), 0);
    (void)close(asker.descriptor);
    host_fini(&a);
    world_fini(&world);
}
END_TEST

/* L13: garbage and what is not for us gets no answer. */
START_TEST(stun_garbage_is_dropped)
{
    struct world world;
    struct host a;
    struct asker asker;
    uint8_t answer[512], data[600];
    world_init(&world);
    host_init(&a, &world, &reload_nice_agent);
    asker_init(&asker, &a);
    static const struct {
        size_t at, size;
        uint8_t value;
    } rows[] = {
        {0, 1, 0},  {0, 19, 0},    {3, 20, 4}, {3, 20, 3},    {0, 20, 1},
        {1, 20, 3}, {1, 20, 0x11}, {1, 20, 2}, {2, 20, 0xff},
    };
    size_t count = sizeof rows / sizeof *rows;
    for (size_t i = 0; i < count; i++) {
        memcpy(data, binding_request, sizeof binding_request);
        data[rows[i].at] = rows[i].value;
        asker_send(&asker, data, rows[i].size);
    }
    memset(data, 0, sizeof data);
    memcpy(data, binding_request, sizeof binding_request);
    data[2] = 2; /* 580 octets of attributes: larger than any request need be */
    data[3] = 0x44;
    asker_send(&asker, data, sizeof data);
    /* A connectivity check: USERNAME. */
    static const uint8_t username[] = {0, 6, 0, 4, 'a', ':', 'b', 'c'};
    memcpy(data + 20, username, sizeof username);
    data[2] = 0;
    data[3] = sizeof username;
    asker_send(&asker, data, 20 + sizeof username);
    ck_assert_uint_eq(asker_recv(&asker, answer, sizeof answer), 0);
    struct reload_stun_counters counters = reload_driver_counters(a.driver).stun;
    ck_assert_uint_eq(counters.received, count + 2);
    ck_assert_uint_eq(counters.answered, 0);
    ck_assert_uint_eq(counters.dropped_malformed, count + 2);
    (void)close(asker.descriptor);
    host_fini(&a);
    world_fini(&world);
}
END_TEST

START_TEST(stun_flood_is_limited)
{
    struct world world;
    struct host a;
    struct asker asker;
    world_init(&world);
    host_init(&a, &world, &reload_nice_agent);
    asker_init(&asker, &a);
    for (int i = 0; i < 200; i++)
        asker_send(&asker, binding_request, sizeof binding_request);
    world_for(&world, 20 * RELOAD_MS);
    struct reload_stun_counters counters = reload_driver_counters(a.driver).stun;
    ck_assert_uint_eq(counters.answered + counters.dropped_busy, 200);
    ck_assert_uint_ge(counters.answered, 20);
    ck_assert_uint_ge(counters.dropped_busy, 100);
    (void)close(asker.descriptor);
    host_fini(&a);
    world_fini(&world);
}
END_TEST

/* ---- asking others -------------------------------------------------------------------------- */

/* |host| takes |server| for its bootstrap node. */
static void
start_at(struct host *host, const struct host *server)
{
    host->config.bootstrap_nodes[0] = (struct reload_config_bootstrap){
        .address = "127.0.0.1", .port = reload_driver_address(server->driver)->port};
    host->config.bootstrap_node_count = 1;
    ck_assert_int_eq(reload_driver_start(host->driver), 0);
    world_for(host->world, 20 * RELOAD_MS);
}

static unsigned
ports_said(const struct host *host)
{
    unsigned count = 0;
    for (size_t i = 0; i < host->node->offer.candidate_count; i++) {
        uint16_t port = host->node->offer.candidates[i].stun_port;
        count += port != 0;
        ck_assert(port == 0 || port == reload_driver_address(host->driver)->port);
    }
    return count;
}

/* D34: who is seen at his own address says where he answers STUN; who knows nothing does not. */
START_TEST(reached_nodes_say_their_port)
{
    struct world world;
    struct host a, b;
    world_init(&world);
    host_init(&a, &world, &reload_nice_agent);
    host_init(&b, &world, &reload_nice_agent);
    start_at(&b, &a);
    ck_assert_uint_eq(reload_driver_counters(a.driver).stun.answered, 1);
    hosts_gather(&a, &b, 5, 0);
    ck_assert_uint_eq(ports_said(&a), 0);
    ck_assert_uint_ge(ports_said(&b), 1);
    host_fini(&a);
    host_fini(&b);
    world_fini(&world);
}
END_TEST

/* RFC6940-6.5.1.4-03: peers are asked once their link is up. */
START_TEST(linked_peers_are_asked)
{
    struct world world;
    struct host a, b;
    world_init(&world);
    host_init(&a, &world, &reload_nice_agent);
    host_init(&b, &world, &reload_nice_agent);
    start_at(&b, &a);
    hosts_gather(&a, &b, 5, 0);
    world_for(&world, 20 * RELOAD_MS);
    ck_assert_uint_eq(reload_driver_counters(b.driver).stun.received, 1); /* a's answer */
    host_check(&b, 1005, false, &a.node->offer, &a);
    host_check(&a, 5, true, &b.node->offer, &b);
    world_until(&world, &a.node->up, 1);
    world_until(&world, &b.node->up, 1);
    world_for(&world, 20 * RELOAD_MS);
    ck_assert_uint_eq(reload_driver_counters(b.driver).stun.received, 2);
    ck_assert_uint_eq(reload_driver_counters(b.driver).stun.answered, 1);
    /* And so a has learnt that it can be reached. */
    host_gather(&a, 6, 0, true);
    world_until(&world, &a.node->gathered, 2);
    ck_assert_uint_ge(ports_said(&a), 1);
    /* The link is gone, and with it what was known. */
    host_close(&a, 5);
    host_gather(&a, 7, 0, true);
    world_until(&world, &a.node->gathered, 3);
    ck_assert_uint_eq(ports_said(&a), 0);
    host_fini(&a);
    host_fini(&b);
    world_fini(&world);
}
END_TEST

static size_t
by_udp_and_tcp(void *argument, struct reload_ice_relay *relays, size_t max)
{
    (void)argument;
    ck_assert_uint_ge(max, 2);
    for (unsigned i = 0; i < 2; i++)
        relays[i] = (struct reload_ice_relay){.address = loopback(9), .tcp = i == 1};
    return 2;
}

static struct reload_ice_options opened_with;

static int
note_options(const struct reload_ice_options *options, const struct reload_ice_user *user,
             void *argument, struct reload_ice_agent **agent)
{
    (void)user;
    (void)argument;
    (void)agent;
    opened_with = *options;
    return RELOAD_E_IO;
}

static const struct reload_ice_ops noting = {.open = note_options};

/* Relays by TCP are for those whom UDP does not serve. */
START_TEST(relays_by_what_works)
{
    struct world world;
    struct host a, b;
    char reason[RELOAD_DRIVER_REASON_SIZE];
    world_init(&world);
    host_init(&b, &world, &reload_nice_agent);
    host_configure(&a, &world);
    a.relays = by_udp_and_tcp;
    ck_assert_int_eq(host_begin(&a, &noting, reason), 0);
    host_gather(&a, 5, 0, true); /* nothing is known yet */
    ck_assert_uint_eq(opened_with.relay_count, 2);
    start_at(&a, &b);
    host_gather(&a, 6, 0, true);
    ck_assert_uint_eq(opened_with.relay_count, 1);
    ck_assert(!opened_with.relays[0].tcp);
    host_fini(&a);
    host_fini(&b);
    /* A bootstrap node that says nothing, nor does anybody else. */
    host_configure(&a, &world);
    a.relays = by_udp_and_tcp;
    a.config.bootstrap_nodes[0] =
        (struct reload_config_bootstrap){.address = "127.0.0.1", .port = 9};
    a.config.bootstrap_node_count = 1;
    ck_assert_int_eq(host_begin(&a, &noting, reason), 0);
    ck_assert_int_eq(reload_driver_start(a.driver), 0);
    world_for(&world, 1100 * RELOAD_MS);
    host_gather(&a, 7, 0, true);
    ck_assert_uint_eq(opened_with.relay_count, 1);
    ck_assert(opened_with.relays[0].tcp);
    /* Something has come by UDP: the servers just know no STUN. */
    struct asker asker;
    uint8_t answer[64];
    asker_init(&asker, &a);
    asker_send(&asker, binding_request, sizeof binding_request);
    ck_assert_uint_gt(asker_recv(&asker, answer, sizeof answer), 0);
    host_gather(&a, 8, 0, true);
    ck_assert_uint_eq(opened_with.relay_count, 2);
    (void)close(asker.descriptor);
    host_fini(&a);
    world_fini(&world);
}
END_TEST

/* Where no UDP gets out and there is no relay, an Attach to nobody does not take long. */
START_TEST(without_udp_links_fail_soon)
{
    struct world world;
    struct host a, b;
    world_init(&world);
    host_init(&a, &world, &reload_nice_agent);
    host_init(&b, &world, &reload_nice_agent);
    a.config.bootstrap_nodes[0] =
        (struct reload_config_bootstrap){.address = "127.0.0.1", .port = 9};
    a.config.bootstrap_node_count = 1;
    ck_assert_int_eq(reload_driver_start(a.driver), 0);
    world_for(&world, 1100 * RELOAD_MS);
    hosts_gather(&a, &b, 5, 0);
    host_close(&b, 1005);
    reload_time begun = reload_loop_now(world.loop);
    host_check(&a, 5, true, &b.node->offer, &b);
    world_until(&world, &a.node->down, 1);
    ck_assert_int_eq(a.node->down_error, RELOAD_E_UNREACHABLE);
    ck_assert_uint_le(reload_loop_now(world.loop) - begun, 2500 * RELOAD_MS);
    /* Somebody near by is reached all the same. */
    hosts_link(&a, &b, 6, 0);
    host_fini(&a);
    host_fini(&b);
    world_fini(&world);
}
END_TEST

/* L13: a peer says that STUN is answered at 127.0.0.1: that is our own host, not his. */
START_TEST(peers_do_not_send_us_inside)
{
    struct world world;
    struct host hosts[2];
    char reason[RELOAD_DRIVER_REASON_SIZE];
    struct asker service;
    uint8_t heard[64];
    world_init(&world);
    for (int i = 0; i < 2; i++) {
        host_configure(&hosts[i], &world);
        hosts[i].listen = (struct reload_address){.family = 4};
        ck_assert_int_eq(host_begin(&hosts[i], &reload_nice_agent, reason), 0);
    }
    asker_init(&service, &hosts[0]);
    hosts_gather(&hosts[0], &hosts[1], 5, 0);
    struct reload_offer offer = hosts[1].node->offer;
    ck_assert_uint_lt(offer.candidate_count, RELOAD_CANDIDATES_MAX);
    struct reload_candidate *inside = &offer.candidates[offer.candidate_count++];
    *inside = offer.candidates[0];
    inside->address = service.address;
    inside->stun_port = service.address.port;
    host_check(&hosts[1], 1005, false, &hosts[0].node->offer, &hosts[0]);
    host_check(&hosts[0], 5, true, &offer, &hosts[1]);
    world_until(&world, &hosts[0].node->up, 1);
    ck_assert_uint_eq(asker_recv(&service, heard, sizeof heard), 0);
    (void)close(service.descriptor);
    host_fini(&hosts[0]);
    host_fini(&hosts[1]);
    world_fini(&world);
}
END_TEST

/* L13: answers that nobody asked for. */
START_TEST(stun_answers_unasked_are_dropped)
{
    struct world world;
    struct host a;
    struct asker asker;
    uint8_t answer[512];
    static const uint8_t unasked[] = {1, 1, 0, 12, 0x21, 0x12, 0xa4, 0x42, 1,  2, 3,
                                      4, 5, 6, 7,  8,    9,    10,   11,   12, 0, 0x20,
                                      0, 8, 0, 1,  0x11, 0x11, 127,  0,    0,  1};
    world_init(&world);
    host_init(&a, &world, &reload_nice_agent);
    asker_init(&asker, &a);
    for (size_t size = 20; size <= sizeof unasked; size++)
        asker_send(&asker, unasked, size);
    ck_assert_uint_eq(asker_recv(&asker, answer, sizeof answer), 0);
    struct reload_stun_counters counters = reload_driver_counters(a.driver).stun;
    ck_assert_uint_eq(counters.dropped_malformed, sizeof unasked - 19);
    ck_assert_uint_eq(counters.answered, 0);
    (void)close(asker.descriptor);
    host_fini(&a);
    world_fini(&world);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("driver_stun", stun_binding_is_answered,
                     stun_answers_from_another_port_when_asked_to, stun_garbage_is_dropped,
                     stun_flood_is_limited, reached_nodes_say_their_port, linked_peers_are_asked,
                     relays_by_what_works, without_udp_links_fail_soon, peers_do_not_send_us_inside,
                     stun_answers_unasked_are_dropped);
}
