/* driver_test.c: the driver carries out what a node asks for: links over loopback of both kinds,
 * candidates one after the other, applications' links beside them.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/driver.h"
#include "reload/run/socket_address.h"

#include "tests/suite.h"
#include "tests/unit/run/ends.h"
#include "tests/unit/run/fake_node.h"

#include <stdio.h>

struct host {
    struct world *world;
    struct test_keyring *keyring;
    struct reload_config config;
    struct reload_driver *driver;
    struct reload_node *node;
    enum reload_event events[8];
    unsigned event_count, kept;
};

static void
note_event(void *argument, const struct reload_effect *event)
{
    struct host *host = argument;
    host->events[host->event_count++ % 8] = event->event;
}

static int
keep(void *context, struct reload_bytes key, struct reload_bytes value)
{
    struct host *host = context;
    ck_assert_uint_eq(key.size, 3);
    ck_assert_uint_eq(value.size, 5);
    host->kept++;
    return 0;
}

static const struct reload_store_ops store = {.put = keep};

static void
configure(struct host *host, struct world *world)
{
    memset(host, 0, sizeof *host);
    host->world = world;
    host->keyring = test_keyring_good(world->authority, "node");
    host->config.max_message_size = 5000;
    host->config.no_ice = true;
    host->config.link_protocols[0] = RELOAD_LINK_PROTOCOL_TLS;
    host->config.link_protocols[1] = RELOAD_LINK_PROTOCOL_DTLS;
    host->config.link_protocol_count = 2;
}

static int
begin(struct host *host, struct reload_address listen, enum reload_link_protocol prefer,
      char *reason)
{
    struct reload_driver_options options = {.loop = host->world->loop,
                                            .node = {.env = &host->world->env.env,
                                                     .config = &host->config,
                                                     .keyring = &host->keyring->keyring},
                                            .listen = listen,
                                            .prefer = prefer,
                                            .store = &store,
                                            .store_context = host,
                                            .event = note_event,
                                            .argument = host};
    int error = reload_driver_new(&options, reason, &host->driver);
    if (!error)
        host->node = reload_driver_node(host->driver);
    return error;
}

static void
host_init(struct host *host, struct world *world)
{
    char reason[RELOAD_DRIVER_REASON_SIZE];
    configure(host, world);
    ck_assert_int_eq(begin(host, loopback(0), 0, reason), 0);
}

static void
host_fini(struct host *host)
{
    reload_driver_free(host->driver);
    test_keyring_free(host->keyring);
}

static void
ask(struct host *host, const struct reload_effect *effect)
{
    fake_node_ask(host->node, effect);
    reload_driver_turn(host->driver);
}

static struct reload_candidate
candidate(const struct host *host, uint8_t overlay_link)
{
    return (struct reload_candidate){.address = *reload_driver_address(host->driver),
                                     .priority = 1,
                                     .overlay_link = overlay_link,
                                     .type = 1};
}

static void
ask_connect(struct host *host, uint32_t link, const struct reload_offer *remote,
            const struct host *expected)
{
    struct reload_effect effect = {.type = RELOAD_EFFECT_CONNECT, .link = link, .remote = remote};
    if (expected)
        effect.node_id = test_keyring_node_id(expected->keyring);
    ask(host, &effect);
}

static void
ask_send(struct host *host, uint32_t link, uint16_t application, const void *data, size_t size)
{
    struct reload_effect effect = {.type = RELOAD_EFFECT_SEND,
                                   .link = link,
                                   .application = application,
                                   .bytes = {data, size}};
    ask(host, &effect);
}

static void
ask_close(struct host *host, uint32_t link, uint16_t application)
{
    struct reload_effect effect = {
        .type = RELOAD_EFFECT_CLOSE, .link = link, .application = application};
    ask(host, &effect);
}

static const uint8_t frame[] = {128, 0, 0, 0, 0, 0, 0, 8, 0xd2, 0x45, 0x4c, 0x4f, 1, 2, 3, 4};

/* ---- overlay links -------------------------------------------------------------------------- */

START_TEST(links_of_both_kinds)
{
    struct world world;
    struct host a, b;
    world_init(&world);
    host_init(&a, &world);
    host_init(&b, &world);
    const uint8_t kinds[] = {3, 4, 1};
    for (unsigned i = 0; i < 3; i++) {
        uint32_t link = 77 + i;
        struct reload_offer remote = {.candidates = {candidate(&b, kinds[i])},
                                      .candidate_count = 1};
        ask_connect(&a, link, &remote, &b);
        world_until(&world, &a.node->up, i + 1);
        world_until(&world, &b.node->incoming, i + 1);
        ck_assert_uint_eq(a.node->up_link, link);
        ck_assert_uint_eq(b.node->peer.overlay_link, kinds[i] == 4 ? 4 : 3);
        ck_assert_int_eq(b.node->peer.framing,
                         kinds[i] == 4 ? RELOAD_FRAMING_STREAM : RELOAD_FRAMING_DATAGRAM);
        unsigned before = b.node->received;
        ask_send(&a, link, 0, frame, sizeof frame);
        world_until(&world, &b.node->received, before + 1);
        ck_assert_uint_eq(b.node->recv_link, b.node->incoming_link);
        ck_assert_mem_eq(b.node->last, frame, sizeof frame);
        before = a.node->received;
        ask_send(&b, b.node->incoming_link, 0, frame, sizeof frame);
        world_until(&world, &a.node->received, before + 1);
        ck_assert_uint_eq(a.node->recv_link, link);
        ask_close(&a, link, 0);
        world_until(&world, &b.node->down, i + 1);
        ck_assert_int_eq(b.node->down_error, RELOAD_E_CLOSED);
        ck_assert_uint_eq(reload_driver_counters(a.driver).links, 0);
    }
    ck_assert_uint_eq(a.node->down, 0);
    host_fini(&a);
    host_fini(&b);
    world_fini(&world);
}
END_TEST

/* What cannot be used is passed over, what does not answer costs its share of time, and the last
 * one works. */
START_TEST(candidates_in_turn)
{
    struct world world;
    struct host a, b, gone;
    world_init(&world);
    host_init(&a, &world);
    host_init(&b, &world);
    host_init(&gone, &world);
    struct reload_candidate closed = candidate(&gone, 4);
    host_fini(&gone);
    struct reload_offer remote = {.candidates = {closed, candidate(&b, 2), candidate(&b, 4),
                                                 candidate(&b, 4), closed, candidate(&b, 3)},
                                  .candidate_count = 6};
    remote.candidates[2].address.port = 0;
    remote.candidates[3].address = (struct reload_address){.family = 4, .port = 9};
    ask_connect(&a, 5, &remote, &b);
    world_until(&world, &a.node->up, 1);
    ck_assert_uint_eq(a.node->peer.overlay_link, 3);
    ck_assert_uint_eq(a.node->down, 0);
    host_fini(&a);
    host_fini(&b);
    world_fini(&world);
}
END_TEST

START_TEST(no_candidate_works)
{
    struct world world;
    struct host a, gone;
    world_init(&world);
    host_init(&a, &world);
    host_init(&gone, &world);
    struct reload_offer remote = {.candidates = {candidate(&gone, 4)}, .candidate_count = 1};
    host_fini(&gone);
    ask_connect(&a, 5, &remote, NULL);
    world_until(&world, &a.node->down, 1);
    ck_assert_uint_eq(a.node->down_link, 5);
    ck_assert_int_eq(a.node->down_error, RELOAD_E_UNREACHABLE);
    ask_connect(&a, 6, &(struct reload_offer){0}, NULL);
    world_until(&world, &a.node->down, 2);
    ck_assert_uint_eq(a.node->down_link, 6);
    ck_assert_uint_eq(reload_driver_counters(a.driver).links, 0);
    host_fini(&a);
    world_fini(&world);
}
END_TEST

/* L12, RFC6940-6.5.1.13: a good certificate, but of another node than was attached to. */
START_TEST(another_node_answers)
{
    struct world world;
    struct host a, b, c;
    world_init(&world);
    host_init(&a, &world);
    host_init(&b, &world);
    host_init(&c, &world);
    for (unsigned i = 0; i < 2; i++) {
        struct reload_offer remote = {.candidates = {candidate(&b, i ? 4 : 3)},
                                      .candidate_count = 1};
        ask_connect(&a, 5 + i, &remote, &c);
        world_until(&world, &a.node->down, i + 1);
        ck_assert_int_eq(a.node->down_error, RELOAD_E_FORBIDDEN);
        ck_assert_uint_eq(a.node->up, 0);
        /* The other end sees it closed. */
        world_until(&world, &b.node->incoming, i + 1);
        world_until(&world, &b.node->down, i + 1);
    }
    host_fini(&a);
    host_fini(&b);
    host_fini(&c);
    world_fini(&world);
}
END_TEST

START_TEST(node_refuses_a_link)
{
    struct world world;
    struct host a, b;
    world_init(&world);
    host_init(&a, &world);
    host_init(&b, &world);
    b.node->incoming_result = RELOAD_E_FORBIDDEN;
    struct reload_offer remote = {.candidates = {candidate(&b, 3)}, .candidate_count = 1};
    ask_connect(&a, 5, &remote, &b);
    world_until(&world, &a.node->down, 1);
    ck_assert_uint_eq(b.node->incoming, 1);
    ck_assert_uint_eq(b.node->down, 0);
    b.node->incoming_result = 0;
    a.node->up_result = RELOAD_E_FORBIDDEN;
    ask_connect(&a, 6, &remote, &b);
    world_until(&world, &b.node->down, 1);
    ck_assert_uint_eq(a.node->down, 1);
    ck_assert_uint_eq(reload_driver_counters(a.driver).links, 0);
    ck_assert_uint_eq(reload_driver_counters(b.driver).links, 0);
    host_fini(&a);
    host_fini(&b);
    world_fini(&world);
}
END_TEST

/* The node says while it receives that the link must go. */
START_TEST(node_ends_a_link_while_receiving)
{
    struct world world;
    struct host a, b;
    world_init(&world);
    host_init(&a, &world);
    host_init(&b, &world);
    struct reload_offer remote = {.candidates = {candidate(&b, 4)}, .candidate_count = 1};
    ask_connect(&a, 5, &remote, &b);
    world_until(&world, &b.node->incoming, 1);
    world_until(&world, &a.node->up, 1);
    b.node->recv_result = RELOAD_E_CLOSED;
    ask_send(&a, 5, 0, frame, sizeof frame);
    world_until(&world, &a.node->down, 1);
    ck_assert_uint_eq(b.node->down, 0);
    ck_assert_uint_eq(reload_driver_counters(b.driver).links, 0);
    host_fini(&a);
    host_fini(&b);
    world_fini(&world);
}
END_TEST

/* D27: a second link to a node that is linked, by the same sockets; the old one is closed then. */
START_TEST(replacing_link)
{
    struct world world;
    struct host a, b;
    world_init(&world);
    host_init(&a, &world);
    host_init(&b, &world);
    struct reload_offer remote = {.candidates = {candidate(&b, 3)}, .candidate_count = 1};
    ask_connect(&a, 5, &remote, &b);
    world_until(&world, &b.node->incoming, 1);
    uint32_t old = b.node->incoming_link;
    ask_connect(&a, 6, &remote, &b);
    world_until(&world, &b.node->incoming, 2);
    world_until(&world, &a.node->up, 2);
    ck_assert_uint_eq(a.node->up_link, 6);
    ask_send(&a, 5, 0, frame, sizeof frame);
    world_until(&world, &b.node->received, 1);
    ck_assert_uint_eq(b.node->recv_link, old);
    ask_close(&a, 5, 0);
    ask_close(&b, old, 0);
    ask_send(&a, 6, 0, frame, sizeof frame);
    world_until(&world, &b.node->received, 2);
    ck_assert_uint_ne(b.node->recv_link, old);
    ck_assert_uint_eq(a.node->down, 0);
    host_fini(&a);
    host_fini(&b);
    world_fini(&world);
}
END_TEST

/* ---- candidates, bootstrap, the rest -------------------------------------------------------- */

START_TEST(own_candidates)
{
    struct world world;
    struct host a;
    char reason[RELOAD_DRIVER_REASON_SIZE];
    world_init(&world);
    configure(&a, &world);
    ck_assert_int_eq(begin(&a, loopback(0), RELOAD_LINK_PROTOCOL_DTLS, reason), 0);
    ask(&a, &(struct reload_effect){.type = RELOAD_EFFECT_GATHER, .link = 1});
    ck_assert_uint_eq(a.node->offer.candidate_count, 2);
    const struct reload_candidate *candidates = a.node->offer.candidates;
    ck_assert_uint_eq(candidates[0].overlay_link, 3);
    ck_assert_uint_eq(candidates[1].overlay_link, 4);
    ck_assert_uint_gt(candidates[0].priority, candidates[1].priority);
    for (size_t i = 0; i < 2; i++) {
        ck_assert(reload_address_equal(&candidates[i].address, reload_driver_address(a.driver)));
        ck_assert_uint_eq(candidates[i].type, 1);
        ck_assert_uint_gt(strlen(candidates[i].foundation), 0);
    }
    host_fini(&a);
    /* Bound to any address: those of the interfaces, none of them link-local. */
    configure(&a, &world);
    ck_assert_int_eq(begin(&a, (struct reload_address){.family = 4}, 0, reason), 0);
    ask(&a, &(struct reload_effect){.type = RELOAD_EFFECT_GATHER, .link = 1});
    ck_assert_uint_gt(a.node->offer.candidate_count, 0);
    for (size_t i = 0; i < a.node->offer.candidate_count; i++) {
        ck_assert(reload_address_is_usable(&a.node->offer.candidates[i].address));
        ck_assert(!reload_address_is_link_local(&a.node->offer.candidates[i].address));
    }
    host_fini(&a);
    world_fini(&world);
}
END_TEST

START_TEST(bootstrap_nodes_are_resolved_without_our_own_address)
{
    struct world world;
    struct host a;
    world_init(&world);
    host_init(&a, &world);
    const char *const names[] = {"127.0.0.1", "127.0.0.1", "::1", "no.such.host.invalid"};
    for (size_t i = 0; i < 4; i++) {
        struct reload_config_bootstrap *node = &a.config.bootstrap_nodes[i];
        (void)snprintf(node->address, sizeof node->address, "%s", names[i]);
        node->port = i == 0 ? reload_driver_address(a.driver)->port : (uint16_t)(6000 + i);
    }
    a.config.bootstrap_node_count = 4;
    a.world->env.level = RELOAD_LOG_ERROR;
    ck_assert_int_eq(reload_driver_start(a.driver), 0);
    ck_assert_uint_eq(a.node->bootstrap_count, 4);
    ck_assert(reload_driver_is_unresolved(a.driver));
    const struct reload_candidate *found = a.node->bootstrap;
    ck_assert_uint_eq(found[0].address.port, 6001);
    ck_assert_uint_eq(found[0].overlay_link, 4);
    ck_assert_uint_eq(found[1].overlay_link, 3);
    ck_assert_uint_eq(found[2].address.family, 6);
    ck_assert_uint_eq(found[2].address.port, 6002);
    a.config.bootstrap_node_count = 3;
    ck_assert_int_eq(reload_driver_start(a.driver), 0);
    ck_assert(!reload_driver_is_unresolved(a.driver));
    host_fini(&a);
    world_fini(&world);
}
END_TEST

START_TEST(taken_port_says_so)
{
    struct world world;
    struct host a, b;
    char reason[RELOAD_DRIVER_REASON_SIZE], port[16];
    world_init(&world);
    host_init(&a, &world);
    configure(&b, &world);
    ck_assert_int_eq(begin(&b, *reload_driver_address(a.driver), 0, reason), RELOAD_E_IO);
    (void)snprintf(port, sizeof port, ":%u", reload_driver_address(a.driver)->port);
    ck_assert_ptr_nonnull(strstr(reason, port));
    ck_assert_ptr_nonnull(strstr(reason, "in use"));
    test_keyring_free(b.keyring);
    host_fini(&a);
    world_fini(&world);
}
END_TEST

START_TEST(timeouts_events_and_records)
{
    struct world world;
    struct host a;
    world_init(&world);
    host_init(&a, &world);
    a.node->timeout_at = reload_loop_now(world.loop) + 20 * RELOAD_MS;
    ck_assert_int_eq(reload_driver_start(a.driver), 0);
    world_until(&world, &a.node->timeouts, 1);
    ask(&a, &(struct reload_effect){.type = RELOAD_EFFECT_EVENT, .event = RELOAD_EVENT_JOINED});
    ck_assert_uint_eq(a.event_count, 1);
    ck_assert_int_eq(a.events[0], RELOAD_EVENT_JOINED);
    struct reload_effect persist = {.type = RELOAD_EFFECT_PERSIST,
                                    .key = reload_bytes_of_string("key"),
                                    .value = reload_bytes_of_string("value")};
    ask(&a, &persist);
    ck_assert_uint_eq(a.kept, 1);
    /* ICE is not here: the link fails, it is not forgotten. */
    ask(&a, &(struct reload_effect){.type = RELOAD_EFFECT_CHECK, .link = 9});
    ck_assert_uint_eq(a.node->down_link, 9);
    host_fini(&a);
    world_fini(&world);
}
END_TEST

/* ---- applications' links -------------------------------------------------------------------- */

static void
ask_gather(struct host *host, uint32_t link)
{
    ask(host,
        &(struct reload_effect){.type = RELOAD_EFFECT_GATHER, .link = link, .application = 5060});
    ck_assert(!host->node->gather_failed);
}

static void
ask_app(struct host *host, enum reload_effect_type type, uint32_t link,
        const struct reload_offer *remote, const struct host *peer)
{
    ask(host, &(struct reload_effect){.type = type,
                                      .link = link,
                                      .application = 5060,
                                      .remote = remote,
                                      .node_id = test_keyring_node_id(peer->keyring)});
}

/* An application's link beside the overlay link of the same two nodes; of each kind; the peer comes
 * before or after we expect it. */
START_TEST(application_links)
{
    for (unsigned row = 0; row < 4; row++) {
        bool early = row & 1;
        struct world world;
        struct host a, b;
        char reason[RELOAD_DRIVER_REASON_SIZE];
        world_init(&world);
        configure(&a, &world);
        configure(&b, &world);
        enum reload_link_protocol prefer =
            row & 2 ? RELOAD_LINK_PROTOCOL_TLS : RELOAD_LINK_PROTOCOL_DTLS;
        ck_assert_int_eq(begin(&a, loopback(0), prefer, reason), 0);
        ck_assert_int_eq(begin(&b, loopback(0), prefer, reason), 0);
        struct reload_offer overlay = {.candidates = {candidate(&b, 3)}, .candidate_count = 1};
        ask_connect(&a, 5, &overlay, &b);
        world_until(&world, &b.node->incoming, 1);
        world_until(&world, &a.node->up, 1);

        ask_gather(&a, 50);
        ask_gather(&b, 60);
        ck_assert_uint_eq(a.node->offer.candidate_count, 2);
        ck_assert_uint_ne(a.node->offer.candidates[0].address.port,
                          reload_driver_address(a.driver)->port);
        unsigned a_up = a.node->up, b_up = b.node->up;
        if (!early)
            ask_app(&a, RELOAD_EFFECT_EXPECT, 50, &b.node->offer, &b);
        ask_app(&b, RELOAD_EFFECT_CONNECT, 60, &a.node->offer, &a);
        world_until(&world, &b.node->up, b_up + 1);
        ask_send(&b, 60, 5060, "INVITE", 6);
        ask_send(&b, 60, 5060, "ACK", 3);
        if (early) {
            world_for(&world, 20 * RELOAD_MS);
            ck_assert_uint_eq(a.node->up, a_up);
            ask_app(&a, RELOAD_EFFECT_EXPECT, 50, &b.node->offer, &b);
        }
        world_until(&world, &a.node->up, a_up + 1);
        ck_assert_uint_eq(a.node->up_link, 50);
        ck_assert_int_eq(a.node->peer.framing, prefer == RELOAD_LINK_PROTOCOL_TLS
                                                   ? RELOAD_FRAMING_NONE
                                                   : RELOAD_FRAMING_DATAGRAM);
        world_until(&world, &a.node->app_received, 1);
        while (a.node->last_size == 6 && a.node->app_received < 2)
            ck_assert_int_eq(reload_loop_turn(world.loop), 0);
        ck_assert_uint_eq(a.node->recv_link, 50);
        ask_send(&a, 50, 5060, "200", 3);
        world_until(&world, &b.node->app_received, 1);
        ck_assert_mem_eq(b.node->last, "200", 3);
        ck_assert_uint_eq(a.node->received + b.node->received, 0);
        ask_close(&a, 50, 5060);
        world_until(&world, &b.node->down, 1);
        ck_assert_uint_eq(b.node->down_link, 60);
        host_fini(&a);
        host_fini(&b);
        world_fini(&world);
    }
}
END_TEST

/* U5, L12: another node than the one expected comes to an application's port; the right one still
 * gets in. */
START_TEST(another_node_comes_to_an_application)
{
    struct world world;
    struct host a, b, c;
    world_init(&world);
    host_init(&a, &world);
    host_init(&b, &world);
    host_init(&c, &world);
    ask_gather(&a, 50);
    ask_app(&a, RELOAD_EFFECT_EXPECT, 50, &a.node->offer, &b);
    ask_gather(&c, 70);
    ask_app(&c, RELOAD_EFFECT_CONNECT, 70, &a.node->offer, &a);
    world_until(&world, &c.node->down, 1);
    ck_assert_uint_eq(a.node->up, 0);
    ask_gather(&b, 60);
    ask_app(&b, RELOAD_EFFECT_CONNECT, 60, &a.node->offer, &a);
    world_until(&world, &a.node->up, 1);
    struct reload_node_id b_id = test_keyring_node_id(b.keyring);
    ck_assert(reload_node_id_equal(&a.node->peer_id, &b_id));
    ck_assert_uint_eq(a.node->down, 0);
    host_fini(&a);
    host_fini(&b);
    host_fini(&c);
    world_fini(&world);
}
END_TEST

/* The node refuses the link that came early: everything of it goes. */
START_TEST(early_link_is_refused)
{
    struct world world;
    struct host a, b;
    world_init(&world);
    host_init(&a, &world);
    host_init(&b, &world);
    ask_gather(&a, 50);
    ask_gather(&b, 60);
    ask_app(&b, RELOAD_EFFECT_CONNECT, 60, &a.node->offer, &a);
    world_until(&world, &b.node->up, 1);
    world_for(&world, 20 * RELOAD_MS);
    a.node->up_result = RELOAD_E_FORBIDDEN;
    ask_app(&a, RELOAD_EFFECT_EXPECT, 50, &b.node->offer, &b);
    ck_assert_uint_eq(reload_driver_counters(a.driver).links, 0);
    world_until(&world, &b.node->down, 1);
    host_fini(&a);
    host_fini(&b);
    world_fini(&world);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("driver", links_of_both_kinds, candidates_in_turn, no_candidate_works,
                     another_node_answers, node_refuses_a_link, node_ends_a_link_while_receiving,
                     replacing_link, own_candidates,
                     bootstrap_nodes_are_resolved_without_our_own_address, taken_port_says_so,
                     timeouts_events_and_records, application_links,
                     another_node_comes_to_an_application, early_link_is_refused);
}
