/* chord_test.c: whole rings of CHORD-RELOAD peers, without a core: joins, failures, leaves, forged
 * messages.
 *
 * RFC 6940 10. SPDX-License-Identifier: BSD-2-Clause */
#include "town.h"
#include "topology/chord.h"
#include "topology/chord_state.h"

#include <check.h>
#include <stdlib.h>

static struct town *town;

static void
setup(void)
{
    town = town_new(&reload_chord, 1);
}

static void
teardown(void)
{
    town_free(town);
}

static struct reload_chord *
chord_of(size_t node)
{
    return town->nodes[node].state;
}

static struct reload_node_id
random_id(void)
{
    struct reload_node_id id = {{0}};
    reload_prng_fill(&town->prng, id.octets, 16);
    return id;
}

/* Founds a ring and lets |count| - 1 nodes join it, |pause| after each other. */
static void
grow(size_t count, reload_time pause)
{
    if (town->count == 0)
        town_found(town, town_add(town, false));
    while (town->count < count) {
        town_join(town, town_add(town, false), 0);
        town_run(town, pause);
    }
}

/* All living peers have joined, each knows its right neighbours, and every place belongs to exactly
 * one of them. */
static bool
is_whole(void)
{
    for (size_t i = 0; i < town->count; i++) {
        const struct reload_node *node = &town->nodes[i];
        if (!node->alive || node->client)
            continue;
        if (!node->joined)
            return false;
        struct reload_node_id behind =
            reload_chord_node_id_of(reload_chord_after(reload_chord_place_of(&node->id)));
        size_t successor = town_owner(town, &behind);
        const struct reload_chord_table *table = &chord_of(i)->table;
        if (successor == i) {
            if (table->count != 0)
                return false;
            continue;
        }
        if (table->count == 0)
            return false;
        struct reload_node_id id = reload_chord_node_id_of(reload_chord_table_successor(table, 0));
        if (!reload_node_id_equal(&id, &town->nodes[successor].id))
            return false;
        id = reload_chord_node_id_of(
            reload_chord_table_predecessor(&chord_of(successor)->table, 0));
        if (!reload_node_id_equal(&id, &node->id))
            return false;
    }
    return true;
}

/* Lookups from everywhere end where they should. */
static void
check_lookups(unsigned rounds)
{
    for (unsigned round = 0; round < rounds; round++) {
        struct reload_node_id id = random_id();
        size_t start = reload_prng_below(&town->prng, town->count);
        unsigned hops;
        if (!town->nodes[start].alive)
            continue;
        ck_assert_uint_eq(town_walk(town, start, &id, &hops), town_owner(town, &id));
        ck_assert_uint_le(hops, 10);
    }
}

static void
run_until_whole(reload_time limit)
{
    reload_time begun = town->now;
    while (!is_whole()) {
        ck_assert_msg(town->now < begun + limit, "the ring is not whole in time");
        town_run(town, 500 * RELOAD_MS);
    }
}

START_TEST(rings_of_one_to_eight)
{
    for (size_t size = 1; size <= 8; size++) {
        grow(size, 0);
        run_until_whole(10 * RELOAD_SECOND);
        town_run(town, 5 * RELOAD_SECOND);
        ck_assert(is_whole());
        check_lookups(50);
        /* Everybody knows everybody. */
        for (size_t i = 0; i < town->count; i++)
            ck_assert_uint_eq(chord_of(i)->table.count, town->count - 1);
    }
    for (size_t i = 0; i < town->count; i++)
        ck_assert_uint_eq(town->nodes[i].failures, 0);
}
END_TEST

START_TEST(ring_of_fifty)
{
    grow(50, 200 * RELOAD_MS);
    run_until_whole(10 * RELOAD_SECOND);
    town_run(town, 60 * RELOAD_SECOND);
    ck_assert(is_whole());
    check_lookups(500);
    for (size_t i = 0; i < town->count; i++) {
        const struct reload_chord_table *table = &chord_of(i)->table;
        ck_assert_uint_ge(reload_chord_table_neighbors(table), 5);
        ck_assert(chord_of(i)->successor_confirmed);
        ck_assert_uint_eq(town->nodes[i].failures, 0);
    }
}
END_TEST

/* Attack row T8: any number at once. */
START_TEST(simultaneous_joins)
{
    static const size_t sizes[] = {2, 3, 8, 20};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        town_free(town);
        town = town_new(&reload_chord, 100 + s);
        grow(1 + sizes[s], 0);
        run_until_whole(30 * RELOAD_SECOND);
        town_run(town, 10 * RELOAD_SECOND);
        ck_assert(is_whole());
        check_lookups(100);
    }
}
END_TEST

START_TEST(two_at_a_time_in_a_ring)
{
    grow(12, RELOAD_SECOND);
    for (int round = 0; round < 10; round++) {
        grow(town->count + 2, 0);
        run_until_whole(15 * RELOAD_SECOND);
        check_lookups(20);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("chord");
    TCase *tests = tcase_create("rings");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, rings_of_one_to_eight);
    tcase_add_test(tests, ring_of_fifty);
    tcase_add_test(tests, simultaneous_joins);
    tcase_add_test(tests, two_at_a_time_in_a_ring);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
