/* leave_test.c: leaving: the usages first, then the topology, never for ever. RFC 6940 10.9.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/core/world.h"

#include "tests/suite.h"

/* A usage that withdraws something in |steps| requests, one after the other. */
struct farewell {
    struct reload_node *node;
    struct reload_node_id to;
    unsigned steps;
    unsigned told, answered;
    reload_time answered_at;
};

struct farewell_state {
    struct farewell *farewell;
};

static struct world *world;
static struct world_host *a, *b;
static struct farewell farewell;

static int
farewell_init(void *state, struct reload_node *node, void *argument, reload_time now)
{
    (void)now;
    ((struct farewell_state *)state)->farewell = argument;
    ((struct farewell *)argument)->node = node;
    return 0;
}

static void step(struct farewell *f, reload_time now);

static void
answered(void *argument, const struct reload_result *result, reload_time now)
{
    struct farewell *f = argument;
    (void)result;
    f->answered++;
    f->answered_at = now;
    step(f, now);
}

static void
step(struct farewell *f, reload_time now)
{
    if (f->steps == 0)
        return;
    f->steps--;
    struct reload_route route = reload_route_to_node(&f->to);
    ck_assert_int_eq(
        reload_node_ping(f->node, &route, 0, (struct reload_bytes){0}, answered, f, now), 0);
}

static void
farewell_leave(void *state, reload_time now)
{
    struct farewell *f = ((struct farewell_state *)state)->farewell;
    f->told++;
    step(f, now);
}

static const struct reload_usage_ops farewell_usage = {.name = "farewell",
                                                       .size = sizeof(struct farewell_state),
                                                       .init = farewell_init,
                                                       .leave = farewell_leave};

/* |b|, with the usage, has joined through |a|. */
static void
begin(unsigned steps)
{
    world = world_new(&world_single);
    a = world_add(world, 1);
    b = world_add(world, 1);
    farewell = (struct farewell){.to = a->id, .steps = steps};
    struct reload_node_options options = {.topology = &world_single,
                                          .usages = {&farewell_usage},
                                          .usage_arguments = {&farewell},
                                          .usage_count = 1};
    ck_assert_int_eq(world_boot(a, &world_single), 0);
    ck_assert_int_eq(world_boot_with(b, &options), 0);
    struct reload_candidate candidate = world_candidate(a);
    ck_assert_int_eq(reload_node_start(a->node, NULL, 0, world->now), 0);
    ck_assert_int_eq(reload_node_start(b->node, &candidate, 1, world->now), 0);
    world_turn(a);
    world_turn(b);
    world_advance(world, world->now + RELOAD_SECOND);
    ck_assert(reload_node_joined(b->node));
}

static void
leave(reload_time during)
{
    reload_node_leave(b->node, world->now);
    world_turn(b);
    world_advance(world, world->now + during);
}

START_TEST(the_topology_leaves_last)
{
    begin(40);
    reload_time from = world->now;
    leave(3 * RELOAD_SECOND);
    ck_assert_uint_eq(farewell.told, 1);
    ck_assert_uint_eq(farewell.answered, 40);
    ck_assert_uint_eq(world_topology_of(b)->leaves, 1);
    ck_assert_uint_ge(world_topology_of(b)->left_at, farewell.answered_at);
    ck_assert_uint_lt(world_topology_of(b)->left_at - from, 200 * RELOAD_MS);
    ck_assert_uint_eq(b->events[RELOAD_EVENT_LEFT], 1);
    world_free(world);
}
END_TEST

START_TEST(at_once_without_requests)
{
    begin(0);
    reload_node_leave(b->node, world->now);
    ck_assert_uint_eq(farewell.told, 1);
    ck_assert_uint_eq(world_topology_of(b)->leaves, 1);
    world_free(world);
}
END_TEST

/* Nobody answers: the topology leaves all the same, and LEFT comes in time. */
START_TEST(not_for_ever)
{
    begin(1);
    farewell.to.octets[0] ^= 1;
    reload_time from = world->now;
    leave(3 * RELOAD_SECOND);
    ck_assert_uint_eq(farewell.answered, 0);
    ck_assert_uint_eq(world_topology_of(b)->leaves, 1);
    ck_assert_uint_ge(world_topology_of(b)->left_at - from, RELOAD_SECOND);
    ck_assert_uint_le(world_topology_of(b)->left_at - from, 3 * RELOAD_SECOND / 2 + 20 * RELOAD_MS);
    ck_assert_uint_eq(b->events[RELOAD_EVENT_LEFT], 1);
    world_free(world);
}
END_TEST

/* A usage that asks on and on has no more time than one that waits. */
START_TEST(chains_end)
{
    begin(1000000);
    leave(3 * RELOAD_SECOND);
    ck_assert_uint_gt(farewell.answered, 10);
    ck_assert_uint_eq(world_topology_of(b)->leaves, 1);
    ck_assert_uint_eq(b->events[RELOAD_EVENT_LEFT], 1);
    farewell.steps = 0;
    world_free(world);
}
END_TEST

/* Who has not joined has nothing to withdraw. */
START_TEST(not_before_joining)
{
    begin(0);
    farewell.told = 0;
    struct world_host *idle = world_add(world, 1);
    struct farewell other = {.steps = 1};
    struct reload_node_options options = {.topology = &world_single,
                                          .usages = {&farewell_usage},
                                          .usage_arguments = {&other},
                                          .usage_count = 1};
    ck_assert_int_eq(world_boot_with(idle, &options), 0);
    reload_node_leave(idle->node, world->now);
    ck_assert_uint_eq(other.told, 0);
    ck_assert_uint_eq(world_topology_of(idle)->leaves, 0);
    world_free(world);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("leave", the_topology_leaves_last, at_once_without_requests, not_for_ever,
                     chains_end, not_before_joining);
}
