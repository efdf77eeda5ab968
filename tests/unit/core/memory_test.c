/* memory_test.c: memory that runs out at any moment: nothing crashes or leaks, and what is left
 * goes on. And what idle and busy nodes hold.
 *
 * RFC 6940 6. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/core/world.h"

#include "tests/mesh/mesh.h"
#include "tests/suite.h"

static struct world *world;
static unsigned pings_done, attaches_done;

static void
ping_done(void *argument, const struct reload_result *result, reload_time now)
{
    (void)result, (void)now;
    ++*(unsigned *)argument;
}

static void
attach_done(void *argument, int error, uint32_t link, const struct reload_node_id *node_id,
            reload_time now)
{
    (void)error, (void)link, (void)node_id, (void)now;
    ++*(unsigned *)argument;
}

static int
ping(struct world_host *from, struct world_host *to, size_t padding)
{
    uint8_t body[3002] = {(uint8_t)(padding >> 8), (uint8_t)padding};
    struct reload_route route = reload_route_to_node(&to->id);
    int error = reload_node_request(from->node, &route, RELOAD_MESSAGE_PING_REQ,
                                    (struct reload_bytes){body, padding + 2}, ping_done,
                                    &pings_done, world->now, NULL);
    world_turn(from);
    return error;
}

static int
attach(struct world_host *from, struct world_host *to)
{
    struct reload_route route = reload_route_to_node(&to->id);
    int error =
        reload_node_attach(from->node, &route, true, attach_done, &attaches_done, world->now);
    world_turn(from);
    return error;
}

static void
start(struct world_host *host, struct world_host *bootstrap)
{
    struct reload_candidate candidate = world_candidate(bootstrap);
    if (host->node) {
        reload_ignore(
            reload_node_start(host->node, &candidate, host == bootstrap ? 0 : 1, world->now));
        world_turn(host);
    }
}

/* Two nodes join, ping, attach and leave, with everything that lies between. Every request that was
 * taken ends. The |fail_at|-th allocation fails. */
static void
live(uint64_t fail_at, bool *joined)
{
    world = world_new(&reload_mesh);
    world->fail_at = fail_at;
    struct world_host *a = world_add(world, 1), *b = world_add(world, 1);
    unsigned pings = 0, attaches = 0;
    pings_done = attaches_done = 0;
    (void)world_boot(a, &reload_mesh);
    (void)world_boot(b, &reload_mesh);
    start(a, a);
    start(b, a);
    world_advance(world, world->now + 20 * RELOAD_SECOND);
    if (a->node && b->node) {
        pings += ping(b, a, 10) == 0;
        pings += ping(a, b, 3000) == 0; /* in fragments */
        attaches += attach(b, a) == 0;
        world_advance(world, world->now + 20 * RELOAD_SECOND);
        ck_assert_uint_eq(pings_done, pings);
        ck_assert_uint_eq(attaches_done, attaches);
        *joined = reload_node_joined(b->node);
        reload_node_leave(b->node, world->now);
        world_turn(b);
        world_advance(world, world->now + 10 * RELOAD_SECOND);
        ck_assert_uint_eq(b->events[RELOAD_EVENT_LEFT], 1);
    }
}

START_TEST(every_allocation_fails_once)
{
    bool joined = false;
    live(0, &joined);
    ck_assert(joined);
    uint64_t all = world->allocations;
    world_free(world);
    ck_assert_uint_gt(all, 100);
    /* A share of them in each run, so that the runs may go side by side. */
    for (uint64_t i = 1 + (uint64_t)_i; i <= all; i += 4) {
        live(i, &joined);
        world_free(world);
    }
}
END_TEST

/* Memory comes and goes: a node that was there before is still there after. */
START_TEST(memory_comes_back)
{
    world = world_new(&reload_mesh);
    struct world_host *a = world_add(world, 1), *b = world_add(world, 1);
    pings_done = attaches_done = 0;
    ck_assert_int_eq(world_boot(a, &reload_mesh), 0);
    ck_assert_int_eq(world_boot(b, &reload_mesh), 0);
    start(a, a);
    start(b, a);
    world_advance(world, world->now + 20 * RELOAD_SECOND);
    ck_assert(reload_node_joined(b->node));
    world->fail_at = world->allocations + 1;
    world->fail_every = (uint64_t)_i;
    for (int i = 0; i < 50; i++) {
        (void)ping(b, a, 3000);
        (void)ping(a, b, 10);
        (void)attach(i % 2 ? a : b, i % 2 ? b : a);
        world_advance(world, world->now + RELOAD_SECOND);
    }
    world->fail_at = world->fail_every = 0;
    world_advance(world, world->now + 120 * RELOAD_SECOND);
    unsigned before = pings_done;
    ck_assert(reload_node_joined(a->node) && reload_node_joined(b->node));
    ck_assert_uint_ne(reload_node_link_to(a->node, &b->id), 0);
    ck_assert_int_eq(ping(b, a, 3000), 0);
    world_advance(world, world->now + RELOAD_SECOND);
    ck_assert_uint_eq(pings_done, before + 1);
    world_free(world);
}
END_TEST

/* A busy hour leaves nothing behind. */
START_TEST(nothing_grows)
{
    size_t octets = 0;
    world = world_new(&reload_mesh);
    struct world_host *a = world_add(world, 1), *b = world_add(world, 1);
    ck_assert_int_eq(world_boot(a, &reload_mesh), 0);
    ck_assert_int_eq(world_boot(b, &reload_mesh), 0);
    start(a, a);
    start(b, a);
    world_advance(world, world->now + 20 * RELOAD_SECOND);
    for (int round = 0; round < 6; round++) {
        for (int i = 0; i < 200; i++) {
            (void)ping(b, a, 3000);
            (void)attach(a, b);
            world_advance(world, world->now + 100 * RELOAD_MS);
        }
        world_advance(world, world->now + 120 * RELOAD_SECOND);
        if (round == 1)
            octets = world->octets;
        if (round > 1)
            ck_assert_uint_le(world->octets, octets + octets / 10);
    }
    ck_assert_uint_le(world->octets / 2, 40u << 10); /* a node */
    world_free(world);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("memory");
    TCase *tcase = tcase_create("memory");
    tcase_add_loop_test(tcase, every_allocation_fails_once, 0, 4);
    tcase_add_loop_test(tcase, memory_comes_back, 1, 8);
    tcase_add_test(tcase, nothing_grows);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
