/* chord_table_test.c: the peers around the ring: order, neighbours, ranges, whom to attach to.
 *
 * RFC 6940 10.1, 10.7. SPDX-License-Identifier: BSD-2-Clause */
#include "ring_fixture.h"

#include <check.h>
#include <stdlib.h>

static struct reload_chord_table table;

static void
setup(void)
{
    reload_chord_table_init(&table, at(100, 0));
}

static void
teardown(void)
{
    reload_chord_table_fini(&table, &ring_env);
}

static void
add(uint64_t high, uint32_t link)
{
    ck_assert_int_eq(reload_chord_table_add(&table, &ring_env, at(high, 0), link), 0);
}

START_TEST(neighbors_are_sorted_around_us)
{
    static const uint64_t around[] = {90, 110, 300, 5, 120, 95, 130, 140};
    for (uint32_t i = 0; i < 8; i++)
        add(around[i], i + 1);
    static const uint64_t ahead[] = {110, 120, 130}, behind[] = {95, 90, 5};
    ck_assert_uint_eq(reload_chord_table_neighbors(&table), 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(reload_chord_table_successor(&table, i).high, ahead[i]);
        ck_assert_uint_eq(reload_chord_table_predecessor(&table, i).high, behind[i]);
    }
    ck_assert_uint_eq(reload_chord_table_begins(&table).high, 95);
    const struct reload_chord_peer *peer = reload_chord_table_find(&table, at(140, 0));
    ck_assert_ptr_nonnull(peer);
    ck_assert(!reload_chord_table_is_neighbor(&table, peer));
    ck_assert_uint_eq(reload_chord_table_place(&table, peer).high, 140);
    peer = reload_chord_table_find_link(&table, 4);
    ck_assert_uint_eq(reload_chord_table_place(&table, peer).high, 5);
    ck_assert(reload_chord_table_is_neighbor(&table, peer));
    ck_assert_ptr_null(reload_chord_table_find_link(&table, 9));
}
END_TEST

/* RFC6940-10.7.1: a lost neighbour is replaced with the best match. */
START_TEST(lost_neighbor_is_replaced)
{
    for (uint32_t i = 1; i <= 6; i++)
        add(100 + 10 * i, i);
    reload_chord_table_remove(&table, at(110, 0));
    ck_assert_uint_eq(reload_chord_table_successor(&table, 0).high, 120);
    ck_assert_uint_eq(reload_chord_table_successor(&table, 2).high, 140);
    reload_chord_table_remove(&table, at(115, 0)); /* nobody */
    ck_assert_uint_eq(table.count, 5);
    reload_chord_table_remove(&table, at(160, 0));
    ck_assert_uint_eq(reload_chord_table_begins(&table).high, 150);
}
END_TEST

START_TEST(nobody_twice)
{
    add(110, 1);
    add(110, 7);
    ck_assert_uint_eq(table.count, 1);
    ck_assert_uint_eq(reload_chord_table_find(&table, at(110, 0))->link, 7);
    ck_assert_ptr_null(reload_chord_table_find(&table, at(100, 0)));
}
END_TEST

START_TEST(small_ring_is_a_full_mesh)
{
    reload_chord_table_adjust(&table, true);
    for (uint32_t i = 1; i <= 7; i++) {
        add(100 + 10 * i, i);
        reload_chord_table_adjust(&table, true);
        for (size_t peer = 0; peer < table.count; peer++)
            ck_assert(reload_chord_table_is_neighbor(&table, &table.peers[peer]));
    }
}
END_TEST

/* Of those who die together some are noticed first: meanwhile the list keeps its length. */
START_TEST(a_loss_does_not_shorten_the_list)
{
    for (uint32_t i = 1; i <= 7; i++)
        add(100 + 10 * i, i);
    table.reach = RELOAD_CHORD_REACH_MIN + 3;
    reload_chord_table_adjust(&table, false);
    ck_assert_uint_eq(table.reach, RELOAD_CHORD_REACH_MIN + 3);
    reload_chord_table_adjust(&table, true);
    ck_assert_uint_lt(table.reach, RELOAD_CHORD_REACH_MIN + 3);
}
END_TEST

START_TEST(table_is_bounded)
{
    struct reload_prng prng = reload_prng_of(1);
    size_t refused = 0;
    for (uint32_t i = 0; i < 4 * RELOAD_CHORD_PEERS_MAX; i++)
        refused +=
            reload_chord_table_add(&table, &ring_env, random_place(&prng), i + 1) == RELOAD_E_BUSY;
    ck_assert_uint_eq(table.count, RELOAD_CHORD_PEERS_MAX);
    ck_assert_uint_gt(refused, 0);
    /* A nearer neighbour still gets in. */
    ck_assert_int_eq(reload_chord_table_add(&table, &ring_env, at(100, 1), 9999), 0);
    ck_assert_uint_eq(table.count, RELOAD_CHORD_PEERS_MAX);
    ck_assert(reload_chord_equal(reload_chord_table_successor(&table, 0), at(100, 1)));
    for (size_t i = 1; i < table.count; i++)
        ck_assert(reload_chord_less(table.peers[i - 1].distance, table.peers[i].distance));
}
END_TEST

static void *
no_memory(void *context, void *data, size_t size)
{
    (void)context, (void)data, (void)size;
    return NULL;
}

START_TEST(no_memory_changes_nothing)
{
    const struct reload_env poor = {.allocate = no_memory};
    ck_assert_int_eq(reload_chord_table_add(&table, &poor, at(1, 0), 1), RELOAD_E_NOMEM);
    ck_assert_uint_eq(table.count, 0);
}
END_TEST

/* RFC6940-10.7.3: three predecessors between us and a resource: not ours to keep. */
START_TEST(keeps_ours_and_two_ranges_more)
{
    ck_assert(reload_chord_table_keeps(&table, at(5, 0)));
    add(90, 1);
    add(80, 2);
    ck_assert(reload_chord_table_keeps(&table, at(5, 0)));
    add(70, 3);
    add(60, 4);
    ck_assert(reload_chord_table_keeps(&table, at(100, 0)));
    ck_assert(reload_chord_table_keeps(&table, at(70, 1)));
    ck_assert(!reload_chord_table_keeps(&table, at(70, 0)));
    ck_assert(!reload_chord_table_keeps(&table, at(100, 1)));
}
END_TEST

START_TEST(reach_follows_the_size)
{
    struct reload_prng prng = reload_prng_of(2);
    static const struct {
        size_t size, low, high;
    } rows[] = {{2, 3, 3}, {7, 4, 5}, {16, 4, 7}, {64, 6, 9}, {256, 8, 11}};
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        struct ring ring = random_ring(&prng, rows[row].size);
        struct reload_chord_table around;
        fill_table(&ring, 0, &prng, &around);
        double estimate = reload_chord_table_estimate(&around);
        ck_assert_double_ge(estimate, (double)rows[row].size / 4);
        ck_assert_double_le(estimate, (double)rows[row].size * 4);
        around.reach = RELOAD_CHORD_REACH_MIN;
        for (int i = 0; i < 8; i++)
            reload_chord_table_adjust(&around, true);
        ck_assert_uint_ge(around.reach, rows[row].low);
        ck_assert_uint_le(around.reach, rows[row].high);
        reload_chord_table_fini(&around, &ring_env);
    }
}
END_TEST

START_TEST(fingers_are_found_by_range)
{
    ck_assert_uint_eq(reload_chord_table_fingers_wanted(&table), 0);
    for (uint32_t i = 1; i <= 3; i++)
        add(100 + i, i);
    struct reload_chord_place half = reload_chord_finger_start(table.self, 1);
    ck_assert_int_eq(reload_chord_table_add(&table, &ring_env, half, 9), 0);
    ck_assert_uint_eq(reload_chord_table_finger(&table, 1)->link, 9);
    ck_assert_ptr_null(reload_chord_table_finger(&table, 2));
    /* The last successor is 3 * 2^64 away: in the range of entry 128 - 65. */
    ck_assert_uint_eq(reload_chord_table_fingers_wanted(&table), 63);
    ck_assert_uint_eq(reload_chord_table_finger(&table, 64)->link, 1);
}
END_TEST

static size_t
candidates(const struct reload_chord_place *places, size_t count)
{
    static struct reload_chord_place picked[2 * RELOAD_CHORD_REACH_MAX];
    size_t found = reload_chord_table_candidates(&table, places, count, picked);
    for (size_t i = 0; i < found; i++) {
        ck_assert(!reload_chord_equal(picked[i], table.self));
        ck_assert_ptr_null(reload_chord_table_find(&table, picked[i]));
        for (size_t j = 0; j < i; j++)
            ck_assert(!reload_chord_equal(picked[i], picked[j]));
    }
    return found;
}

START_TEST(candidates_are_nearer_than_neighbors)
{
    for (uint32_t i = 1; i <= 4; i++) {
        add(100 + 10 * i, i);
        add(100 - 10 * i, 10 + i);
    }
    struct reload_chord_place known[] = {at(110, 0), at(90, 0), at(100, 0)};
    ck_assert_uint_eq(candidates(known, 3), 0);
    struct reload_chord_place far[] = {at(135, 0), at(65, 0), at(9999, 0)};
    ck_assert_uint_eq(candidates(far, 3), 0);
    struct reload_chord_place near[] = {at(125, 0), at(125, 0), at(75, 0)};
    ck_assert_uint_eq(candidates(near, 3), 2);
}
END_TEST

/* Attack row T5: 4096 invented neighbours cost at most as many attempts as the lists are long. */
START_TEST(candidates_are_bounded)
{
    static struct reload_chord_place invented[4096];
    for (uint32_t i = 0; i < 4096; i++)
        invented[i] = at(100, 1 + i % 2048);
    invented[7] = table.self;
    ck_assert_uint_eq(candidates(invented, 4096), 2 * RELOAD_CHORD_REACH_MIN);
    struct reload_prng prng = reload_prng_of(3);
    for (size_t i = 0; i < 4096; i++)
        invented[i] = random_place(&prng);
    ck_assert_uint_le(candidates(invented, 4096), 2 * RELOAD_CHORD_REACH_MIN);
    add(101, 1);
    add(99, 2);
    ck_assert_uint_le(candidates(invented, 4096), 2 * (RELOAD_CHORD_REACH_MIN - 1));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("chord_table");
    TCase *tests = tcase_create("table");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, neighbors_are_sorted_around_us);
    tcase_add_test(tests, lost_neighbor_is_replaced);
    tcase_add_test(tests, nobody_twice);
    tcase_add_test(tests, small_ring_is_a_full_mesh);
    tcase_add_test(tests, a_loss_does_not_shorten_the_list);
    tcase_add_test(tests, table_is_bounded);
    tcase_add_test(tests, no_memory_changes_nothing);
    tcase_add_test(tests, keeps_ours_and_two_ranges_more);
    tcase_add_test(tests, reach_follows_the_size);
    tcase_add_test(tests, fingers_are_found_by_range);
    tcase_add_test(tests, candidates_are_nearer_than_neighbors);
    tcase_add_test(tests, candidates_are_bounded);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
