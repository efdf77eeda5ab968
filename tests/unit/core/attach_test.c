/* attach_test.c: links made by Attach, and those that are given up.
 *
 * RFC 6940 6.5.1; D27, D37. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/core/world.h"

#include "tests/suite.h"

static struct world *world;
static struct world_host *a, *b;
static unsigned done;
static int last_error;
static uint32_t last_link;
static reload_time done_at;

static void
on_done(void *argument, int error, uint32_t link, const struct reload_node_id *node_id,
        reload_time now)
{
    (void)argument, (void)node_id;
    done++;
    last_error = error;
    last_link = link;
    done_at = now;
}

/* Two nodes, linked since |b| has joined through |a|. */
static void
begin(void)
{
    world = world_new(&world_single);
    a = world_add(world, 1);
    b = world_add(world, 1);
    ck_assert_int_eq(world_boot(a, &world_single), 0);
    ck_assert_int_eq(world_boot(b, &world_single), 0);
    struct reload_candidate candidate = world_candidate(a);
    ck_assert_int_eq(reload_node_start(a->node, NULL, 0, world->now), 0);
    ck_assert_int_eq(reload_node_start(b->node, &candidate, 1, world->now), 0);
    world_turn(a);
    world_turn(b);
    world_advance(world, world->now + RELOAD_SECOND);
    ck_assert(reload_node_joined(b->node));
    ck_assert_uint_ne(reload_node_link_to(a->node, &b->id), 0);
    done = 0;
}

static int
attach(struct world_host *from, struct world_host *to)
{
    struct reload_route route = reload_route_to_node(&to->id);
    int error = reload_node_attach(from->node, &route, true, on_done, NULL, world->now);
    world_turn(from);
    return error;
}

static size_t
links_of(const struct world_host *host)
{
    return host->node->links.count;
}

START_TEST(a_link_is_made)
{
    begin();
    uint32_t before = reload_node_link_to(a->node, &b->id);
    ck_assert_int_eq(attach(a, b), 0);
    ck_assert_int_eq(attach(a, b), RELOAD_E_IN_PROGRESS);
    world_advance(world, world->now + RELOAD_SECOND);
    ck_assert_uint_eq(done, 1);
    ck_assert_int_eq(last_error, 0);
    ck_assert_uint_ne(last_link, before); /* D27 */
    ck_assert_uint_eq(last_link, reload_node_link_to(a->node, &b->id));
    ck_assert_uint_eq(links_of(a), 1);
    ck_assert_uint_eq(links_of(b), 1);
    ck_assert_uint_eq(world_topology_of(a)->downs + world_topology_of(b)->downs, 0);
    world_free(world);
}
END_TEST

/* Both at once: each hears of one link, and it is the same (6.5.1.2). */
START_TEST(both_attach)
{
    begin();
    ck_assert_int_eq(attach(a, b), 0);
    ck_assert_int_eq(attach(b, a), 0);
    world_advance(world, world->now + 20 * RELOAD_SECOND);
    ck_assert_uint_eq(done, 2);
    ck_assert_uint_eq(links_of(a), 1);
    ck_assert_uint_eq(links_of(b), 1);
    world_free(world);
}
END_TEST

/* Who asked and has no candidates hears of it at once. */
START_TEST(offerer_has_no_candidates)
{
    begin();
    a->gathers_nothing = true;
    reload_time from = world->now;
    ck_assert_int_eq(attach(a, b), 0);
    world_advance(world, world->now + RELOAD_SECOND);
    ck_assert_uint_eq(done, 1);
    ck_assert_int_eq(last_error, RELOAD_E_UNREACHABLE);
    ck_assert_uint_lt(done_at - from, 10 * RELOAD_MS);
    ck_assert_uint_eq(links_of(a), 1); /* the old one */
    world_free(world);
}
END_TEST

/* Who was asked and has none says so: nobody waits for an answer that does not come. */
START_TEST(answerer_has_no_candidates)
{
    begin();
    b->gathers_nothing = true;
    reload_time from = world->now;
    ck_assert_int_eq(attach(a, b), 0);
    world_advance(world, world->now + RELOAD_SECOND);
    ck_assert_uint_eq(done, 1);
    ck_assert_int_eq(last_error, RELOAD_E_REFUSED);
    ck_assert_uint_lt(done_at - from, 100 * RELOAD_MS);
    ck_assert_uint_eq(links_of(a), 1);
    ck_assert_uint_eq(links_of(b), 1);
    for (const struct reload_kept_answer *kept = b->node->answers.oldest; kept;
         kept = kept->younger)
        ck_assert(!kept->pending);
    world_free(world);
}
END_TEST

/* L9: an Attach that gets nowhere is given up, at both ends, and leaves nothing behind. */
START_TEST(given_up)
{
    begin();
    (_i ? b : a)->never_gathers = true;
    reload_time from = world->now;
    ck_assert_int_eq(attach(a, b), 0);
    world_advance(world, from + 40 * RELOAD_SECOND);
    ck_assert_uint_eq(done, 1);
    ck_assert_int_ne(last_error, 0);
    ck_assert_uint_le(done_at - from, 15100 * RELOAD_MS);
    ck_assert_uint_eq(links_of(a), 1);
    ck_assert_uint_eq(links_of(b), 1);
    ck_assert_uint_eq(a->node->transactions.count, 0);
    ck_assert_uint_eq(b->node->answers.count, 0);
    world_free(world);
}
END_TEST

/* D77: a node that begins anew gives up what it had asked of peers it cannot reach any more, at
 * once; and may ask the same again. */
START_TEST(begins_anew)
{
    begin();
    struct world_host *far = world_add(world, 1);
    ck_assert_int_eq(attach(b, far), 0); /* nobody answers */
    world_advance(world, world->now + RELOAD_SECOND);
    ck_assert_int_eq(attach(b, far), RELOAD_E_IN_PROGRESS);
    ck_assert_uint_eq(done, 0);
    reload_topology_rejoin(b->node, world->now);
    world_turn(b);
    world_advance(world, world->now + 2 * RELOAD_SECOND);
    ck_assert_uint_eq(done, 1);
    ck_assert_int_eq(last_error, RELOAD_E_UNREACHABLE);
    ck_assert(reload_node_joined(b->node));
    ck_assert_int_eq(attach(b, far), 0);
    world_free(world);
}
END_TEST

/* Leaves: told once, in time, whatever state the node is in. */
START_TEST(leaves)
{
    begin();
    struct world_host *idle = world_add(world, 1);
    ck_assert_int_eq(world_boot(idle, &world_single), 0);
    struct world_host *hosts[] = {b, idle};
    for (int i = 0; i < 2; i++) {
        reload_node_leave(hosts[i]->node, world->now);
        reload_node_leave(hosts[i]->node, world->now);
        world_turn(hosts[i]);
        world_advance(world, world->now + 3 * RELOAD_SECOND);
        ck_assert_uint_eq(hosts[i]->events[RELOAD_EVENT_LEFT], 1);
        ck_assert_int_eq(reload_node_start(hosts[i]->node, NULL, 0, world->now), RELOAD_E_USAGE);
    }
    world_free(world);
}
END_TEST

static struct reload_link_info
info_of(const struct world_host *host)
{
    struct reload_link_info info = {0};
    size_t cursor = 0;
    ck_assert(reload_node_link_next(host->node, &cursor, &info));
    return info;
}

/* For people: how the link came to be, and why the one before ended. */
START_TEST(links_tell_of_themselves)
{
    begin();
    ck_assert_int_eq(info_of(a).origin, RELOAD_LINK_ORIGIN_UNANNOUNCED);
    ck_assert_int_eq(info_of(b).origin, RELOAD_LINK_ORIGIN_BOOTSTRAP);
    ck_assert_int_eq(attach(a, b), 0);
    world_advance(world, world->now + RELOAD_SECOND);
    ck_assert_int_eq(info_of(a).origin, RELOAD_LINK_ORIGIN_ATTACH);
    ck_assert_int_eq(info_of(b).origin, RELOAD_LINK_ORIGIN_ATTACHED);
    ck_assert_int_eq(info_of(a).last_error, 0); /* replaced, not failed */
    uint32_t link = reload_node_link_to(a->node, &b->id);
    reload_node_link_down(a->node, link, RELOAD_E_TIMEOUT, world->now);
    struct reload_link_peer peer = {.identity = b->identity,
                                    .framing = RELOAD_FRAMING_NONE,
                                    .overlay_link = RELOAD_OVERLAY_LINK_TYPE_DTLS_UDP_SR,
                                    .local_type = RELOAD_CAND_TYPE_HOST,
                                    .remote_type = RELOAD_CAND_TYPE_RELAY};
    ck_assert_int_eq(reload_node_link_incoming(a->node, &peer, &link, world->now), 0);
    ck_assert_int_eq(info_of(a).last_error, RELOAD_E_TIMEOUT);
    ck_assert_uint_eq(info_of(a).local_type, RELOAD_CAND_TYPE_HOST);
    ck_assert_uint_eq(info_of(a).remote_type, RELOAD_CAND_TYPE_RELAY);
    world_free(world);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("attach");
    TCase *tcase = tcase_create("attach");
    tcase_add_test(tcase, a_link_is_made);
    tcase_add_test(tcase, both_attach);
    tcase_add_test(tcase, offerer_has_no_candidates);
    tcase_add_test(tcase, answerer_has_no_candidates);
    tcase_add_loop_test(tcase, given_up, 0, 2);
    tcase_add_test(tcase, begins_anew);
    tcase_add_test(tcase, leaves);
    tcase_add_test(tcase, links_tell_of_themselves);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
