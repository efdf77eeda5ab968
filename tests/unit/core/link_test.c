/* link_test.c: the Connection Table: numbers, Node-IDs, links that replace others.
 *
 * RFC 6940 6.1.2, 6.3.2.2, 6.5.1.2; D27. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/core/world.h"

#include "tests/suite.h"

#define MANY 200

static struct world *world;
static struct world_host *host;

static void
begin(void)
{
    world = world_new(&world_single);
    host = world_add(world, 1);
    ck_assert_int_eq(world_boot(host, &world_single), 0);
}

/* Every link that should be there is found by its number and by its Node-ID, and no other. */
static void
check(const uint32_t *links, const bool *up)
{
    for (size_t i = 0; i < MANY; i++) {
        const struct reload_node_id *id = &world->hosts[i + 1]->id;
        ck_assert_uint_eq(reload_node_link_to(host->node, id), up[i] ? links[i] : 0);
        if (links[i])
            ck_assert((reload_link_find(host->node, links[i]) != NULL) == up[i]);
    }
    size_t cursor = 0, walked = 0, expected = 0;
    struct reload_link_info info;
    while (reload_node_link_next(host->node, &cursor, &info))
        walked++;
    for (size_t i = 0; i < MANY; i++)
        expected += up[i];
    ck_assert_uint_eq(walked, expected);
    ck_assert_uint_eq(host->node->links.count, expected);
    ck_assert_uint_eq(host->node->links.by_node_count, expected);
}

/* Comes and goes at random, with Node-IDs that all fall together (|_i| 1). */
START_TEST(many_links)
{
    static uint32_t links[MANY];
    static bool up[MANY];
    begin();
    for (size_t i = 0; i < MANY; i++)
        (void)world_add(world, 1);
    if (_i) /* the same hash: a ^ b * constant, where only the lowest bits of a differ */
        for (size_t i = 0; i < MANY; i++) {
            struct world_host *peer = world->hosts[i + 1];
            struct sim_certificate certificate = {.authority = 1,
                                                  .serial = 1000 + i,
                                                  .public_key = sim_key_public(peer->index + 1),
                                                  .not_after_ms = UINT64_MAX / 2,
                                                  .node_id_count = 1,
                                                  .signature_algorithm = 3};
            certificate.node_ids[0].octets[0] = (uint8_t)(i + 1);
            size_t size = sim_certificate_encode(&certificate, peer->certificate);
            const struct sim_certificate_entry *entry = sim_certificates_add(
                world->certificates, (struct reload_bytes){peer->certificate, size});
            peer->identity = &entry->identity;
            peer->id = certificate.node_ids[0];
        }
    uint64_t random = 1;
    for (int step = 0; step < 5000; step++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        size_t i = (size_t)(random >> 33) % MANY;
        if (up[i])
            reload_node_close(host->node, links[i], world->now);
        else
            links[i] = world_link(host, world->hosts[i + 1], RELOAD_FRAMING_NONE, 0);
        up[i] = !up[i];
        world_turn(host);
        if (step % 50 == 0)
            check(links, up);
    }
    check(links, up);
    world_free(world);
}
END_TEST

/* RFC6940-6.3.2.2: a slot that is used again has another number, and is not used again soon. */
START_TEST(numbers_are_not_used_again)
{
    static uint32_t seen[2000];
    begin();
    struct world_host *peer = world_add(world, 1);
    for (size_t i = 0; i < 2000; i++) {
        seen[i] = world_link(host, peer, RELOAD_FRAMING_NONE, 0);
        reload_node_close(host->node, seen[i], world->now);
        bool again = false;
        for (size_t j = 0; j < i; j++)
            again = again || seen[i] == seen[j];
        ck_assert(!again);
        if (i)
            ck_assert_uint_ne(seen[i] & 0x1fff, seen[i - 1] & 0x1fff);
        ck_assert_int_eq(
            reload_node_recv(host->node, seen[i / 2], (struct reload_bytes){0}, world->now),
            RELOAD_E_CLOSED);
        world_turn(host);
    }
    ck_assert_uint_le(host->node->links.capacity, 8);
    world_free(world);
}
END_TEST

START_TEST(there_are_not_more_than_so_many)
{
    begin();
    struct world_host *peer = world_add(world, 1);
    for (size_t i = 0; i < RELOAD_LINKS_MAX; i++)
        ck_assert_ptr_nonnull(reload_link_new(host->node, RELOAD_LINK_GATHERING, 0));
    ck_assert_ptr_null(reload_link_new(host->node, RELOAD_LINK_GATHERING, 0));
    struct reload_link_peer end = {.identity = peer->identity};
    uint32_t link;
    ck_assert_int_eq(reload_node_link_incoming(host->node, &end, &link, world->now), RELOAD_E_BUSY);
    world_free(world);
}
END_TEST

/* D27: the new link takes the place of the old one, of which the topology hears no more. */
START_TEST(new_link_replaces_the_old_one)
{
    begin();
    struct world_host *peer = world_add(world, 1);
    uint32_t first = world_link(host, peer, RELOAD_FRAMING_DATAGRAM, 0);
    uint32_t second = world_link(host, peer, RELOAD_FRAMING_DATAGRAM, 0);
    ck_assert_uint_ne(first, second);
    ck_assert_uint_eq(reload_node_link_to(host->node, &peer->id), second);
    ck_assert_ptr_null(reload_link_find(host->node, first));
    ck_assert_uint_eq(world_topology_of(host)->ups, 2);
    ck_assert_uint_eq(world_topology_of(host)->downs, 0);
    ck_assert_uint_eq(host->closed, 1);
    reload_node_link_down(host->node, first, RELOAD_E_CLOSED, world->now); /* the driver is late */
    ck_assert_uint_eq(reload_node_link_to(host->node, &peer->id), second);
    world_free(world);
}
END_TEST

/* A link that cannot be established changes nothing about the one that stands. */
START_TEST(failed_replacement_changes_nothing)
{
    for (uint64_t i = 1; i < 12; i++) {
        begin();
        struct world_host *peer = world_add(world, 1);
        uint32_t first = world_link(host, peer, RELOAD_FRAMING_DATAGRAM, 0), second = 0;
        struct reload_link_peer end = {
            .identity = peer->identity, .framing = RELOAD_FRAMING_DATAGRAM, .mtu = 1200};
        world->fail_at = world->allocations + i;
        int error = reload_node_link_incoming(host->node, &end, &second, world->now);
        world->fail_at = 0;
        world_turn(host);
        ck_assert_uint_eq(reload_node_link_to(host->node, &peer->id), error ? first : second);
        ck_assert_uint_eq(world_topology_of(host)->downs, 0);
        ck_assert_uint_eq(world_topology_of(host)->ups, error ? 1 : 2);
        world_free(world);
    }
}
END_TEST

START_TEST(topology_closes_what_has_just_come)
{
    begin();
    struct world_host *peer = world_add(world, 1);
    world_topology_of(host)->close_when_up = true;
    uint32_t link = world_link(host, peer, RELOAD_FRAMING_DATAGRAM, 0);
    ck_assert_ptr_null(reload_link_find(host->node, link));
    ck_assert_uint_eq(host->closed, 1);
    ck_assert_uint_eq(world_topology_of(host)->downs, 1);
    world_free(world);
}
END_TEST

/* T3: somebody with our own Node-ID. */
START_TEST(nobody_else_is_us)
{
    begin();
    struct reload_link_peer end = {.identity = host->identity};
    uint32_t link;
    ck_assert_int_eq(reload_node_link_incoming(host->node, &end, &link, world->now),
                     RELOAD_E_FORBIDDEN);
    world_turn(host);
    ck_assert_uint_eq(host->events[RELOAD_EVENT_CLONE], 1);
    ck_assert_uint_eq(host->node->links.count, 0);
    world_free(world);
}
END_TEST

/* C4: no link outlives the certificate at its other end, nor begins after its end. */
START_TEST(links_end_with_the_certificate)
{
    begin();
    struct world_host *peer = world_add(world, 1);
    struct reload_identity identity = *peer->identity;
    uint64_t wall_ms = world->env.wall_ms(world);
    identity.not_after_ms = wall_ms + 60000;
    struct reload_link_peer end = {.identity = &identity};
    uint32_t link = 0;
    ck_assert_int_eq(reload_node_link_incoming(host->node, &end, &link, world->now), 0);
    world_advance(world, world->now + 59 * RELOAD_SECOND);
    ck_assert_ptr_nonnull(reload_link_find(host->node, link));
    world_advance(world, world->now + RELOAD_SECOND);
    ck_assert_ptr_null(reload_link_find(host->node, link));
    ck_assert_int_eq(world_topology_of(host)->last_error, RELOAD_E_EXPIRED);
    world_advance(world, world->now + RELOAD_SECOND);
    ck_assert_int_eq(reload_node_link_incoming(host->node, &end, &link, world->now),
                     RELOAD_E_EXPIRED);
    ck_assert_uint_eq(host->node->links.count, 0);
    identity.not_after_ms = UINT64_MAX; /* practically never */
    ck_assert_int_eq(reload_node_link_incoming(host->node, &end, &link, world->now), 0);
    world_free(world);
}
END_TEST

/* One alarm serves them all: neither one that is gone nor one that ends takes others with it. */
START_TEST(each_link_ends_with_its_own_certificate)
{
    static const unsigned ends_h[] = {4, 1, 3, 2, 3};
    enum { LINKS = sizeof ends_h / sizeof *ends_h };
    struct reload_identity identities[LINKS];
    uint32_t links[LINKS];
    begin();
    uint64_t wall_ms = world->env.wall_ms(world);
    for (size_t i = 0; i < LINKS; i++) {
        identities[i] = *world_add(world, 1)->identity;
        identities[i].not_after_ms = wall_ms + 3600000 * (uint64_t)ends_h[i];
        struct reload_link_peer end = {.identity = &identities[i]};
        ck_assert_int_eq(reload_node_link_incoming(host->node, &end, &links[i], world->now), 0);
    }
    reload_node_close(host->node, links[1], world->now);
    for (unsigned hour = 1; hour <= 4; hour++) {
        world_advance(world, world->now + 3600 * RELOAD_SECOND);
        for (size_t i = 0; i < LINKS; i++)
            ck_assert_int_eq(reload_link_find(host->node, links[i]) != NULL,
                             i != 1 && ends_h[i] > hour);
    }
    ck_assert_int_eq(world_topology_of(host)->last_error, RELOAD_E_EXPIRED);
    world_free(world);
}
END_TEST

/* A clock that is set has no links live on, nor ends them too early. */
START_TEST(links_follow_the_clock)
{
    begin();
    struct reload_identity identities[3];
    uint32_t links[3];
    uint64_t wall_ms = world->env.wall_ms(world);
    for (int i = 0; i < 3; i++) {
        identities[i] = *world_add(world, 1)->identity;
        identities[i].not_after_ms = wall_ms + 3600000 * (uint64_t)(i + 1);
        struct reload_link_peer end = {.identity = &identities[i]};
        ck_assert_int_eq(reload_node_link_incoming(host->node, &end, &links[i], world->now), 0);
    }
    world->clock_step_ms = 3600000; /* forward, behind the end of the first */
    for (int i = 0; i < 3; i++) {
        world_advance(world, world->now + RELOAD_SECOND);
        reload_node_timeout(host->node, world->now);
        world_turn(host);
    }
    ck_assert_ptr_null(reload_link_find(host->node, links[0]));
    ck_assert_int_eq(world_topology_of(host)->last_error, RELOAD_E_EXPIRED);
    ck_assert_ptr_nonnull(reload_link_find(host->node, links[1]));
    world->clock_step_ms = -3600000; /* and back, by two hours */
    world_advance(world, world->now + 7200 * RELOAD_SECOND);
    ck_assert_ptr_nonnull(reload_link_find(host->node, links[1]));
    world_advance(world, world->now + 3600 * RELOAD_SECOND);
    ck_assert_ptr_null(reload_link_find(host->node, links[1]));
    ck_assert_ptr_nonnull(reload_link_find(host->node, links[2]));
    world_advance(world, world->now + 3600 * RELOAD_SECOND);
    ck_assert_ptr_null(reload_link_find(host->node, links[2]));
    world_free(world);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("link");
    TCase *tcase = tcase_create("link");
    tcase_add_loop_test(tcase, many_links, 0, 2);
    tcase_add_test(tcase, numbers_are_not_used_again);
    tcase_add_test(tcase, there_are_not_more_than_so_many);
    tcase_add_test(tcase, new_link_replaces_the_old_one);
    tcase_add_test(tcase, failed_replacement_changes_nothing);
    tcase_add_test(tcase, topology_closes_what_has_just_come);
    tcase_add_test(tcase, nobody_else_is_us);
    tcase_add_test(tcase, links_end_with_the_certificate);
    tcase_add_test(tcase, each_link_ends_with_its_own_certificate);
    tcase_add_test(tcase, links_follow_the_clock);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
