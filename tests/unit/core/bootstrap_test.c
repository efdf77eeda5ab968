/* bootstrap_test.c: several bootstrap nodes, of which some say nothing: they are tried side by
 * side, and nobody founds an overlay before all have failed.
 *
 * RFC 6940 11.4, 11.5. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/core/world.h"

#include "tests/suite.h"

#define COUNT 3

static struct world *world;
static struct world_host *host, *other;
static uint32_t connecting[8];
static size_t connecting_count, closed;
static unsigned events[RELOAD_EVENT_CLONE + 1];
static struct reload_topology_ops patient; /* does not take who answers for a peer */

static void
look(void)
{
    struct reload_effect effect;
    while (reload_node_poll(host->node, &effect, world->now)) {
        if (effect.type == RELOAD_EFFECT_CONNECT)
            connecting[connecting_count++] = effect.link;
        else if (effect.type == RELOAD_EFFECT_CLOSE)
            closed++;
        else if (effect.type == RELOAD_EFFECT_EVENT)
            events[effect.event]++;
    }
}

static void
pass(reload_time duration)
{
    reload_time until = world->now + duration;
    while (reload_node_next_timeout(host->node) <= until) {
        world->now = reload_node_next_timeout(host->node);
        reload_node_timeout(host->node, world->now);
        look();
    }
    world->now = until;
}

static void
nobody_yet(void *state, uint32_t link, reload_time now)
{
    (void)state, (void)link, (void)now;
}

static void
begin(bool first_node)
{
    struct reload_candidate candidates[COUNT];
    connecting_count = closed = 0;
    memset(events, 0, sizeof events);
    world = world_new(&world_single);
    host = world_add(world, 1);
    other = world_add(world, 1);
    patient = world_single;
    patient.join = nobody_yet;
    struct reload_node_options options = {.topology = &patient, .first_node = first_node};
    ck_assert_int_eq(world_boot_with(host, &options), 0);
    for (size_t i = 0; i < COUNT; i++) {
        candidates[i] = world_candidate(other);
        candidates[i].address.port = (uint16_t)(7000 + i);
    }
    ck_assert_int_eq(reload_node_start(host->node, candidates, COUNT, world->now), 0);
    look();
    ck_assert_uint_eq(connecting_count, 1);
}

static void
give_up(size_t attempt)
{
    reload_node_link_down(host->node, connecting[attempt], RELOAD_E_UNREACHABLE, world->now);
    look();
}

static void
answer(size_t attempt)
{
    struct reload_link_peer peer = {
        .identity = other->identity, .framing = RELOAD_FRAMING_DATAGRAM, .mtu = 1200};
    ck_assert_int_eq(reload_node_link_up(host->node, connecting[attempt], &peer, world->now), 0);
    look();
}

START_TEST(silent_ones_delay_a_second)
{
    begin(false);
    pass(999 * RELOAD_MS);
    ck_assert_uint_eq(connecting_count, 1);
    pass(1 * RELOAD_MS);
    ck_assert_uint_eq(connecting_count, 2);
    /* One that fails makes room at once. */
    give_up(1);
    ck_assert_uint_eq(connecting_count, 3);
    ck_assert_uint_eq(closed, 0);
    /* The first that answers ends the others. */
    answer(0);
    ck_assert_uint_eq(closed, 1);
    ck_assert_uint_eq(events[RELOAD_EVENT_LINK_UP], 1);
    pass(5 * RELOAD_SECOND);
    ck_assert_uint_eq(connecting_count, 3);
    ck_assert_uint_eq(events[RELOAD_EVENT_JOIN_FAILED], 0);
    world_free(world);
}
END_TEST

START_TEST(nobody_founds_while_one_may_answer)
{
    begin(true);
    give_up(0);
    give_up(1);
    ck_assert_uint_eq(connecting_count, 3);
    pass(5 * RELOAD_SECOND);
    ck_assert_uint_eq(events[RELOAD_EVENT_JOINED], 0);
    give_up(2);
    ck_assert_uint_eq(events[RELOAD_EVENT_JOINED], 1);
    ck_assert_uint_eq(events[RELOAD_EVENT_JOIN_FAILED], 0);
    world_free(world);
}
END_TEST

/* The one that answered first is no peer: those that were given up for it are asked once more, and
 * nobody founds before they have been heard. */
START_TEST(those_given_up_are_asked_again)
{
    begin(true);
    pass(1 * RELOAD_SECOND);
    ck_assert_uint_eq(connecting_count, 2);
    answer(1);
    ck_assert_uint_eq(closed, 1); /* the first one, without a word yet */
    reload_topology_failed(host->node, RELOAD_E_UNREACHABLE, world->now);
    look();
    ck_assert_uint_eq(connecting_count, 3);
    give_up(2);
    ck_assert_uint_eq(connecting_count, 4);
    ck_assert_uint_eq(events[RELOAD_EVENT_JOINED], 0);
    give_up(3);
    ck_assert_uint_eq(connecting_count, 4); /* each is heard once */
    ck_assert_uint_eq(events[RELOAD_EVENT_JOINED], 1);
    world_free(world);
}
END_TEST

/* All silent: ended by the deadlines, one round, then a pause. */
START_TEST(all_silent)
{
    begin(false);
    pass(11 * RELOAD_SECOND);
    ck_assert_uint_eq(connecting_count, COUNT);
    ck_assert_uint_eq(events[RELOAD_EVENT_JOIN_FAILED], 0);
    pass(1100 * RELOAD_MS);
    ck_assert_uint_eq(events[RELOAD_EVENT_JOIN_FAILED], 1);
    ck_assert_uint_eq(closed, COUNT);
    pass(2 * RELOAD_SECOND);
    ck_assert_uint_ge(connecting_count, COUNT + 1);
    world_free(world);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("bootstrap", silent_ones_delay_a_second, nobody_founds_while_one_may_answer,
                     those_given_up_are_asked_again, all_silent);
}
