/* walk_test.c: requests whose way is asked for, peer by peer: through chains of peers that say the
 * truth, and some that do not. RFC 6940 6.4.2.4; D50.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/core/world.h"

#include "tests/suite.h"

#define HOSTS 13

static struct world *world;
static struct world_host *hosts[HOSTS];
static const uint8_t resource[16] = {7, 7};

static unsigned done;
static int last_error;
static uint16_t last_code;
static struct reload_node_id responder;
static reload_time ended_at;

static void
on_done(void *argument, const struct reload_result *result, reload_time now)
{
    (void)argument;
    done++;
    last_error = result->error;
    last_code = result->error_code;
    responder = result->responder_id;
    ended_at = now;
}

static void
lead_to(struct world_host *from, const struct reload_node_id *next)
{
    world_topology_of(from)->has_next = true;
    world_topology_of(from)->next = *next;
}

/* A chain: each is linked with the one before and the one behind, to which it sends everything. The
 * |last|-th is responsible. */
static void
begin(size_t last)
{
    world = world_new(&world_single);
    world->framing = RELOAD_FRAMING_NONE;
    for (size_t i = 0; i <= last; i++) {
        hosts[i] = world_add(world, 1);
        ck_assert_int_eq(world_boot(hosts[i], &world_single), 0);
        struct reload_candidate before = {0};
        if (i)
            before = world_candidate(hosts[i - 1]);
        ck_assert_int_eq(reload_node_start(hosts[i]->node, &before, i > 0, world->now), 0);
        world_turn(hosts[i]);
        world_advance(world, world->now + 100 * RELOAD_MS);
        ck_assert(reload_node_joined(hosts[i]->node));
        if (i)
            lead_to(hosts[i - 1], &hosts[i]->id);
    }
    world_topology_of(hosts[last])->responsible = true;
    done = 0;
}

static int
ask(const struct reload_route *route, uint64_t *number)
{
    static const uint8_t body[2];
    int error = reload_node_request(hosts[0]->node, route, RELOAD_MESSAGE_PING_REQ,
                                    (struct reload_bytes){body, sizeof body}, on_done, NULL,
                                    world->now, number);
    world_turn(hosts[0]);
    return error;
}

static struct reload_route
to_resource(void)
{
    struct reload_route route =
        reload_route_to_resource((struct reload_bytes){resource, sizeof resource});
    route.iterative = true;
    return route;
}

static void
is_clean(void)
{
    ck_assert_uint_eq(hosts[0]->node->transactions.count, 0);
    ck_assert_uint_eq(hosts[0]->node->pushes.job_count, 0);
}

static void
walk(const struct reload_route *route)
{
    done = 0;
    ck_assert_int_eq(ask(route, NULL), 0);
    world_advance(world, world->now + 40 * RELOAD_SECOND);
    ck_assert_uint_eq(done, 1);
    is_clean();
}

/* RFC6940-6.4.2.4: from peer to peer, up to the one that is responsible; a way longer than a
 * Destination List goes by a link. */
START_TEST(to_who_is_responsible)
{
    static const size_t lengths[] = {1, 2, 5, 7, 8, 12};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        begin(lengths[i]);
        struct reload_route route = to_resource();
        walk(&route);
        ck_assert_int_eq(last_error, 0);
        ck_assert(reload_node_id_equal(&responder, &hosts[lengths[i]]->id));
        ck_assert_uint_eq(hosts[0]->node->links.count, lengths[i] > 7 ? 2 : 1);
        world_free(world);
    }
}
END_TEST

START_TEST(to_a_node)
{
    begin(5);
    for (size_t i = 0; i <= 5; i++) {
        struct reload_route route = reload_route_to_node(&hosts[i]->id);
        route.iterative = true;
        walk(&route);
        ck_assert_int_eq(last_error, 0);
        ck_assert(reload_node_id_equal(&responder, &hosts[i]->id));
    }
    struct reload_node_id nobody = {{1, 2, 3}};
    struct reload_route route = reload_route_to_node(&nobody);
    route.iterative = true;
    walk(&route);
    ck_assert_int_eq(last_error, RELOAD_E_UNREACHABLE);
    world_free(world);
}
END_TEST

/* Peers that lead in a circle, to us, to nobody, or nowhere. */
START_TEST(who_leads_astray)
{
    const struct reload_node_id nobody = {{1, 2, 3}};
    struct reload_route route = to_resource();
    begin(5);
    reload_time from = world->now;
    lead_to(hosts[3], &hosts[1]->id);
    walk(&route);
    ck_assert_int_eq(last_error, RELOAD_E_UNREACHABLE);
    ck_assert_uint_lt(ended_at - from, RELOAD_SECOND);
    lead_to(hosts[3], &hosts[0]->id);
    walk(&route);
    ck_assert_int_eq(last_error, RELOAD_E_UNREACHABLE);
    world_topology_of(hosts[3])->has_next = false;
    walk(&route);
    ck_assert_int_eq(last_error, RELOAD_E_REFUSED);
    ck_assert_uint_eq(last_code, RELOAD_ERROR_NOT_FOUND);
    lead_to(hosts[3], &nobody);
    from = world->now;
    walk(&route);
    ck_assert_int_eq(last_error, RELOAD_E_TIMEOUT);
    ck_assert_uint_le(ended_at - from, 15 * RELOAD_SECOND);
    /* One that says it is responsible, and is believed to be, answers itself. */
    world_topology_of(hosts[3])->responsible = true;
    walk(&route);
    ck_assert_int_eq(last_error, 0);
    ck_assert(reload_node_id_equal(&responder, &hosts[3]->id));
    /* The request has its own time, behind that of its way. */
    world_topology_of(hosts[0])->implausible = true;
    from = world->now;
    walk(&route);
    ck_assert_int_eq(last_error, RELOAD_E_TIMEOUT);
    ck_assert_uint_gt(ended_at - from, 15 * RELOAD_SECOND);
    ck_assert_uint_lt(ended_at - from, 16 * RELOAD_SECOND);
    world_free(world);
}
END_TEST

/* Forgotten, or the node ends, at any moment of it. */
START_TEST(cancelled_at_any_time)
{
    struct reload_route route = to_resource();
    for (unsigned ms = 0; ms < 120; ms += 3) {
        uint64_t number = 0;
        begin(10);
        ck_assert_int_eq(ask(&route, &number), 0);
        world_advance(world, world->now + ms * RELOAD_MS);
        bool was_done = done == 1;
        if (_i) {
            world_free(world); /* counts what it leaves */
            continue;
        }
        reload_node_cancel(hosts[0]->node, number);
        reload_node_cancel(hosts[0]->node, number);
        world_advance(world, world->now + 40 * RELOAD_SECOND);
        ck_assert_uint_eq(done, was_done);
        is_clean();
        world_free(world);
    }
}
END_TEST

START_TEST(without_memory)
{
    struct reload_route route = to_resource();
    for (uint64_t i = 1; i < 60; i++) {
        begin(3);
        world->fail_at = world->allocations + i;
        int error = ask(&route, NULL);
        ck_assert(error == 0 || error == RELOAD_E_NOMEM || error == RELOAD_E_TOO_LARGE);
        world_advance(world, world->now + 40 * RELOAD_SECOND);
        ck_assert_uint_eq(done, error == 0);
        world->fail_at = 0;
        is_clean();
        world_free(world);
    }
}
END_TEST

START_TEST(what_cannot_be_walked)
{
    begin(2);
    struct reload_route route = to_resource();
    route.first_link = reload_node_link_to(hosts[0]->node, &hosts[1]->id);
    ck_assert_int_eq(ask(&route, NULL), RELOAD_E_USAGE);
    route = to_resource();
    route.copies = 2;
    ck_assert_int_eq(ask(&route, NULL), RELOAD_E_USAGE);
    route = reload_route_to_node(&hosts[1]->id);
    route.iterative = true;
    ck_assert(reload_route_append_node(&route, &hosts[2]->id));
    ck_assert_int_eq(ask(&route, NULL), RELOAD_E_USAGE);
    route.count = 0;
    ck_assert_int_eq(ask(&route, NULL), RELOAD_E_USAGE);
    /* Where we are responsible there is nobody to ask. */
    world_topology_of(hosts[0])->responsible = true;
    route = to_resource();
    walk(&route);
    ck_assert_int_eq(last_error, 0);
    ck_assert(reload_node_id_equal(&responder, &hosts[0]->id));
    world_free(world);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("walk");
    TCase *tcase = tcase_create("walk");
    tcase_add_test(tcase, to_who_is_responsible);
    tcase_add_test(tcase, to_a_node);
    tcase_add_test(tcase, who_leads_astray);
    tcase_add_loop_test(tcase, cancelled_at_any_time, 0, 2);
    tcase_add_test(tcase, without_memory);
    tcase_add_test(tcase, what_cannot_be_walked);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
