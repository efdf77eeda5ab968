/* chord_route_test.c: the next hop, alone and through whole rings.
 *
 * RFC 6940 10.3, 6.3.4. SPDX-License-Identifier: BSD-2-Clause */
#include "ring_fixture.h"
#include "topology/chord_route.h"

#include <check.h>
#include <stdlib.h>

static struct reload_chord_table table;

static void
setup(void)
{
    reload_chord_table_init(&table, at(100, 0));
    static const uint64_t peers[] = {10, 50, 90, 110, 150, 200};
    for (uint32_t i = 0; i < 6; i++)
        ck_assert_int_eq(
            reload_chord_table_add(&table, &ring_env, at(peers[i], 0), (uint32_t)peers[i]), 0);
}

static void
teardown(void)
{
    reload_chord_table_fini(&table, &ring_env);
}

/* The link chosen for |high|: the tests' links have their peer's number. */
static uint32_t
next(uint64_t high, uint32_t from)
{
    const struct reload_chord_peer *peer = reload_chord_route(&table, at(high, 0), from);
    return peer ? peer->link : 0;
}

/* RFC6940-10.3: the largest Node-ID between the peer and k; else the smallest greater than k. */
START_TEST(farthest_before_else_first_behind)
{
    ck_assert_uint_eq(next(105, 0), 110);
    ck_assert_uint_eq(next(111, 0), 110);
    ck_assert_uint_eq(next(151, 0), 150);
    ck_assert_uint_eq(next(999, 0), 200);
    ck_assert_uint_eq(next(5, 0), 200);
    ck_assert_uint_eq(next(11, 0), 10);
    ck_assert_uint_eq(next(89, 0), 50);
    ck_assert_uint_eq(next(100, 0), 90);
}
END_TEST

/* Attack row R14: never back, never to where it would not come nearer. */
START_TEST(never_back)
{
    ck_assert_uint_eq(next(160, 150),
                      200);             /* 150 took us for the first behind 160: 200 lies there */
    ck_assert_uint_eq(next(95, 90), 0); /* we would be responsible: no other way */
    ck_assert_uint_eq(next(105, 110), 150);
    ck_assert_uint_eq(next(20, 10), 50);
    ck_assert_uint_eq(next(20, 200), 10); /* 10 is nearer to 20 than 200 */
    ck_assert_uint_eq(next(20, 77), 10);  /* a link that is no peer's (a client's) */
}
END_TEST

START_TEST(suspect_links_are_passed_over)
{
    reload_chord_table_find(&table, at(150, 0))->suspect = true;
    ck_assert_uint_eq(next(151, 0), 110);
    reload_chord_table_find(&table, at(110, 0))->suspect = true;
    ck_assert_uint_eq(next(105, 0), 200);
    for (size_t i = 0; i < table.count; i++)
        table.peers[i].suspect = true;
    ck_assert_uint_eq(next(105, 0), 0);
}
END_TEST

START_TEST(empty_table_has_no_way)
{
    struct reload_chord_table empty;
    reload_chord_table_init(&empty, at(1, 0));
    ck_assert_ptr_null(reload_chord_route(&empty, at(9, 0), 0));
    ck_assert(reload_chord_route_plausible(&empty, at(9, 0), at(3, 0)));
}
END_TEST

/* D50: the usual way first, then others, each once. */
START_TEST(ways_apart)
{
    static const struct {
        uint64_t place, ways[6];
    } cases[] = {{151, {150, 110, 200, 10, 50, 90}},
                 {105, {110, 150, 200, 10, 50, 90}},
                 {11, {10, 200, 150, 110, 50, 90}},
                 {100, {90, 50, 10, 200, 150, 110}}};
    struct reload_chord_place ways[6];
    for (size_t i = 0; i < 4; i++)
        for (size_t max = 0; max <= 6; max++) {
            ck_assert_uint_eq(reload_chord_route_ways(&table, at(cases[i].place, 0), ways, max),
                              max);
            for (size_t w = 0; w < max; w++)
                ck_assert_uint_eq(reload_chord_table_find(&table, ways[w])->link, cases[i].ways[w]);
            if (max)
                ck_assert_uint_eq(next(cases[i].place, 0), cases[i].ways[0]);
        }
    reload_chord_table_find(&table, at(150, 0))->suspect = true;
    ck_assert_uint_eq(reload_chord_route_ways(&table, at(151, 0), ways, 6), 5);
    ck_assert_uint_eq(reload_chord_table_find(&table, ways[0])->link, 110);
}
END_TEST

/* RFC6940-6.3.4: at least as close as any neighbour. */
START_TEST(implausible_responders)
{
    ck_assert(reload_chord_route_plausible(&table, at(105, 0), at(110, 0)));
    ck_assert(reload_chord_route_plausible(&table, at(105, 0), at(106, 0)));
    ck_assert(!reload_chord_route_plausible(&table, at(105, 0), at(111, 0)));
    ck_assert(!reload_chord_route_plausible(&table, at(105, 0), at(104, 0)));
    ck_assert(reload_chord_route_plausible(&table, at(105, 0), at(105, 0)));
}
END_TEST

/* Sends for |place| from peer |start| and returns the hops to the responsible one; each hop must
 * come nearer: before the place, or, once past it, behind. */
static size_t
walk(const struct ring *ring, const struct reload_chord_table *tables, size_t start,
     struct reload_chord_place place)
{
    size_t owner = ring_owner(ring, place), hops = 0;
    uint32_t from = 0;
    for (size_t here = start; here != owner; hops++) {
        ck_assert_uint_lt(hops, 64);
        const struct reload_chord_peer *peer = reload_chord_route(&tables[here], place, from);
        if (reload_chord_table_find(&tables[here], place))
            peer = reload_chord_table_find(&tables[here], place);
        ck_assert_ptr_nonnull(peer);
        size_t there = peer->link - 1;
        ck_assert_uint_ne(there + 1, from);
        struct reload_chord_place old = reload_chord_distance(ring->places[here], place);
        struct reload_chord_place new = reload_chord_distance(ring->places[there], place);
        ck_assert(there == owner || reload_chord_less(new, old));
        from = (uint32_t)here + 1;
        here = there;
    }
    return hops;
}

START_TEST(rings_are_routed_through)
{
    static struct reload_chord_table tables[RING_MAX];
    struct reload_prng prng = reload_prng_of(11);
    static const size_t sizes[] = {1, 2, 3, 4, 5, 6, 7, 8, 13, 50, 128, 256};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        struct ring ring = random_ring(&prng, sizes[s]);
        for (size_t i = 0; i < ring.count; i++)
            fill_table(&ring, i, &prng, &tables[i]);
        size_t hops = 0;
        for (int round = 0; round < 1000; round++) {
            size_t start = reload_prng_below(&prng, ring.count);
            hops += walk(&ring, tables, start, random_place(&prng));
            hops += walk(&ring, tables, start, ring.places[reload_prng_below(&prng, ring.count)]);
        }
        ck_assert_double_le((double)hops / 2000, 5);
        for (size_t i = 0; i < ring.count; i++)
            reload_chord_table_fini(&tables[i], &ring_env);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("chord_route");
    TCase *tests = tcase_create("route");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, farthest_before_else_first_behind);
    tcase_add_test(tests, never_back);
    tcase_add_test(tests, suspect_links_are_passed_over);
    tcase_add_test(tests, empty_table_has_no_way);
    tcase_add_test(tests, ways_apart);
    tcase_add_test(tests, implausible_responders);
    tcase_add_test(tests, rings_are_routed_through);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
