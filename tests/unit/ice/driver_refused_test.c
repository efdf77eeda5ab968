/* driver_refused_test.c: a port where nobody takes TCP connections says something about UDP.
 *
 * RFC 6940 11.4. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/suite.h"
#include "tests/unit/ice/hosts.h"

/* DTLS and, with |protocols| 2, TLS. */
static void
init(struct host *host, struct world *world, size_t protocols)
{
    char reason[RELOAD_DRIVER_REASON_SIZE];
    host_configure(host, world);
    host->config.no_ice = true;
    host->config.link_protocols[0] = RELOAD_LINK_PROTOCOL_DTLS;
    host->config.link_protocols[1] = RELOAD_LINK_PROTOCOL_TLS;
    host->config.link_protocol_count = protocols;
    ck_assert_int_eq(host_begin(host, NULL, reason), 0);
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
    host_ask(host, &effect);
}

/* Nobody listens at all, and TCP says so: DTLS does not wait for seconds, whether it was begun
 * before or after. */
START_TEST(refused_tcp_hurries_dtls)
{
    struct world world;
    struct host a, gone;
    world_init(&world);
    init(&a, &world, 2);
    init(&gone, &world, 2);
    struct reload_offer udp = {.candidates = {candidate(&gone, 3)}, .candidate_count = 1};
    struct reload_offer tcp = {.candidates = {candidate(&gone, 4)}, .candidate_count = 1};
    host_fini(&gone);
    reload_time begun = reload_loop_now(world.loop);
    ask_connect(&a, 5, &udp, NULL);
    ask_connect(&a, 6, &tcp, NULL);
    world_until(&world, &a.node->down, 2);
    ask_connect(&a, 7, &udp, NULL);
    world_until(&world, &a.node->down, 3);
    ck_assert_uint_eq(a.node->down_link, 7);
    ck_assert_int_eq(a.node->down_error, RELOAD_E_UNREACHABLE);
    ck_assert_uint_le(reload_loop_now(world.loop) - begun, 2500 * RELOAD_MS);
    host_fini(&a);
    world_fini(&world);
}
END_TEST

/* Where only UDP is served, DTLS is not hurried to its end. */
START_TEST(refused_tcp_does_not_end_dtls)
{
    struct world world;
    struct host a, b;
    world_init(&world);
    init(&a, &world, 2);
    init(&b, &world, 1);
    struct reload_offer udp = {.candidates = {candidate(&b, 3)}, .candidate_count = 1};
    struct reload_offer both = {.candidates = {candidate(&b, 4), udp.candidates[0]},
                                .candidate_count = 2};
    ask_connect(&a, 5, &both, &b);
    world_until(&world, &a.node->up, 1);
    ck_assert_uint_eq(a.node->peer.overlay_link, 3);
    world_for(&world, 700 * RELOAD_MS);
    ck_assert_uint_eq(a.node->down, 0);
    host_fini(&a);
    host_fini(&b);
    world_fini(&world);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("driver_refused", refused_tcp_hurries_dtls, refused_tcp_does_not_end_dtls);
}
