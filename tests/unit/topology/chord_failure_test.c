/* chord_failure_test.c: rings whose peers fail, leave, begin anew, and part.
 *
 * RFC 6940 10. SPDX-License-Identifier: BSD-2-Clause */
#include "topology/chord.h"
#include "village.h"

#include <check.h>
#include <stdlib.h>

/* ---- the joining node and its admitting peer --------------------------------------------------
 */

/* Attack row T9: either side may die at any moment. */
START_TEST(admitting_peer_dies)
{
    for (unsigned step = 0; step < 20; step++) {
        town_free(town);
        town = town_new(&reload_chord, 7);
        grow(9, RELOAD_SECOND);
        size_t joining = town_add(town, false);
        size_t admitting = town_owner(town, &town->nodes[joining].id);
        if (admitting == 0)
            continue;
        town_join(town, joining, 0);
        town_run(town, step * 5 * RELOAD_MS);
        town_kill(town, admitting);
        run_until_whole(90 * RELOAD_SECOND);
        check_lookups(10);
    }
}
END_TEST

START_TEST(joining_node_dies)
{
    for (unsigned step = 0; step < 20; step++) {
        town_free(town);
        town = town_new(&reload_chord, 8);
        grow(9, RELOAD_SECOND);
        size_t joining = town_add(town, false);
        town_join(town, joining, 0);
        town_run(town, step * 5 * RELOAD_MS);
        town_kill(town, joining);
        run_until_whole(30 * RELOAD_SECOND);
        grow(12, 0);
        run_until_whole(60 * RELOAD_SECOND);
    }
}
END_TEST

/* Somebody with the same Node-ID and no memory: it joins again (attack row T3). */
START_TEST(member_restarts)
{
    grow(6, RELOAD_SECOND);
    struct reload_node *node = &town->nodes[3];
    reload_chord.fini(node->state);
    memset(node->state, 0, reload_chord.size);
    node->joined = false;
    ck_assert_int_eq(reload_chord.init(node->state, node, town->now), 0);
    for (size_t i = 0; i < TOWN_LINKS_MAX; i++)
        node->links[i].number = 0;
    town_join(town, 3, 0);
    run_until_whole(60 * RELOAD_SECOND);
    check_lookups(50);
}
END_TEST

/* ---- failures and leaves -------------------------------------------------------------------- */

START_TEST(neighbor_dies)
{
    grow(12, RELOAD_SECOND);
    for (int round = 0; round < 6; round++) {
        size_t victim = random_peer();
        town_kill(town, victim);
        run_until_whole(60 * RELOAD_SECOND);
        check_lookups(20);
    }
}
END_TEST

START_TEST(many_die_at_once)
{
    grow(40, 500 * RELOAD_MS);
    town_run(town, 30 * RELOAD_SECOND);
    for (int i = 0; i < 10; i++)
        town_kill(town, random_peer());
    run_until_whole(60 * RELOAD_SECOND);
    check_lookups(100);
}
END_TEST

/* Neighbours in a row, up to the number of successors but one. */
START_TEST(row_of_neighbors_dies)
{
    grow(30, 500 * RELOAD_MS);
    town_run(town, 30 * RELOAD_SECOND);
    struct reload_node_id id = town->nodes[7].id;
    for (int i = 0; i < 5; i++) {
        id = reload_chord_node_id_of(reload_chord_after(reload_chord_place_of(&id)));
        size_t victim = town_owner(town, &id);
        id = town->nodes[victim].id;
        if (victim != 0)
            town_kill(town, victim);
    }
    run_until_whole(60 * RELOAD_SECOND);
    check_lookups(100);
}
END_TEST

START_TEST(peers_leave)
{
    grow(15, RELOAD_SECOND);
    while (town->count > 0) {
        size_t left = 0;
        for (size_t i = 0; i < town->count; i++)
            left += town->nodes[i].alive;
        if (left <= 2)
            break;
        town_leave(town, random_peer());
        run_until_whole(5 * RELOAD_SECOND);
        check_lookups(10);
    }
}
END_TEST

START_TEST(joins_while_others_die)
{
    grow(16, RELOAD_SECOND);
    for (int round = 0; round < 8; round++) {
        town_join(town, town_add(town, false), 0);
        town_join(town, town_add(town, false), 0);
        town_run(town, reload_prng_below(&town->prng, 100) * RELOAD_MS);
        town_kill(town, random_peer());
        run_until_whole(120 * RELOAD_SECOND);
        check_lookups(20);
    }
}
END_TEST

/* Attack row T12: only the one who may founds an overlay. */
START_TEST(left_alone)
{
    grow(2, RELOAD_SECOND);
    town_kill(town, 1);
    town_run(town, 20 * RELOAD_SECOND);
    struct reload_node_id id = random_id();
    ck_assert(town->nodes[0].joined);
    ck_assert(reload_chord.is_responsible(chord_of(0), &id));
    grow(3, RELOAD_SECOND);
    town_kill(town, 0);
    town_run(town, 60 * RELOAD_SECOND);
    ck_assert(!town->nodes[2].joined);
    ck_assert_uint_ge(town->nodes[2].rejoins, 1);
    ck_assert(!reload_chord.is_responsible(chord_of(2), &id));
    struct reload_node_id next;
    ck_assert_int_eq(reload_chord.next_hop(chord_of(2), &id, 0, &next), RELOAD_HOP_NONE);
}
END_TEST

/* The only other peer leaves in good order: that is no split, the ring goes on with one. Found by
 * reload-sim check, seed 28. */
START_TEST(last_other_leaves)
{
    grow(2, RELOAD_SECOND);
    town_leave(town, 0);
    town_run(town, 60 * RELOAD_SECOND);
    struct reload_node_id id = random_id();
    ck_assert(town->nodes[1].joined);
    ck_assert_uint_eq(town->nodes[1].rejoins, 0);
    ck_assert(reload_chord.is_responsible(chord_of(1), &id));
    town_join(town, town_add(town, false), 1);
    town_run(town, 5 * RELOAD_SECOND);
    ck_assert(is_whole());
    ck_assert(town->nodes[2].joined);
}
END_TEST

START_TEST(split_rings_merge)
{
    grow(16, RELOAD_SECOND);
    town_run(town, 30 * RELOAD_SECOND);
    town->split = true;
    for (size_t i = 0; i < town->count; i++)
        for (size_t j = i + 1; j < town->count; j += 2)
            town_cut(town, i, j);
    town_run(town, 60 * RELOAD_SECOND);
    ck_assert(!is_whole());
    town->split = false;
    run_until_whole(300 * RELOAD_SECOND);
    check_lookups(100);
}
END_TEST

/* The peers in the order of the ring. */
static void
sort_peers(size_t *order)
{
    for (size_t i = 0; i < town->count; i++) {
        size_t at = i;
        while (at > 0 &&
               reload_node_id_compare(&town->nodes[order[at - 1]].id, &town->nodes[i].id) > 0) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
    }
}

/* Each peer is linked only with those next to it in a ring that winds around twice: first every
 * second place, then the others. Each has live neighbours that agree with it, and all are wrong. */
START_TEST(loopy_ring_unwinds)
{
    enum { COUNT = 20 };
    size_t order[COUNT], loop[COUNT];
    grow(COUNT, RELOAD_SECOND);
    town_run(town, 30 * RELOAD_SECOND);
    sort_peers(order);
    for (size_t i = 0; i < COUNT; i++)
        loop[i] = order[i < COUNT / 2 ? 2 * i : 2 * (i - COUNT / 2) + 1];
    for (size_t i = 0; i < COUNT; i++)
        for (size_t j = 4; j <= COUNT - 4; j++) {
            town_part(town, loop[i], loop[(i + j) % COUNT], true);
            town_cut(town, loop[i], loop[(i + j) % COUNT]);
        }
    town_run(town, 120 * RELOAD_SECOND);
    size_t loopy = 0; /* all but those that node 0, the bootstrap node, told of itself */
    for (size_t i = 0; i < COUNT; i++) {
        const struct reload_chord_table *table = &chord_of(loop[i])->table;
        struct reload_node_id next =
            reload_chord_node_id_of(reload_chord_table_successor(table, 0));
        loopy += reload_node_id_equal(&next, &town->nodes[loop[(i + 1) % COUNT]].id);
    }
    ck_assert_uint_ge(loopy, COUNT - 2);
    memset(town->apart, 0, sizeof town->apart);
    run_until_whole(300 * RELOAD_SECOND);
    check_lookups(100);
}
END_TEST

/* ---- anything may happen ----------------------------------------------------------------------
 */

static size_t
count_alive(void)
{
    size_t alive = 0;
    for (size_t i = 0; i < town->count; i++)
        alive += town->nodes[i].alive;
    return alive;
}

static void
disturb(void)
{
    size_t alive = count_alive();
    switch (reload_prng_below(&town->prng, 8)) {
    case 0:
        if (alive > 3)
            town_kill(town, random_peer());
        break;
    case 1:
        if (alive > 3)
            town_leave(town, random_peer());
        break;
    case 2:
        town_cut(town, reload_prng_below(&town->prng, town->count),
                 reload_prng_below(&town->prng, town->count));
        break;
    default:
        if (town->count < TOWN_NODES_MAX)
            town_join(town, town_add(town, false), 0);
        break;
    }
    town_run(town, reload_prng_below(&town->prng, 400) * 10 * RELOAD_MS);
}

/* Whatever happens, once it ends the ring is whole within a minute. */
START_TEST(random_histories)
{
    for (uint64_t seed = 1000 + 20 * (uint64_t)_i; seed < 1020 + 20 * (uint64_t)_i; seed++) {
        town_free(town);
        town = town_new(&reload_chord, seed);
        grow(1 + reload_prng_below(&town->prng, 8), 0);
        for (int i = 0; i < 40; i++)
            disturb();
        reload_time begun = town->now;
        while (!is_whole() && town->now < begun + 60 * RELOAD_SECOND)
            town_run(town, RELOAD_SECOND);
        ck_assert_msg(is_whole(), "seed %u: not whole", (unsigned)seed);
        town_run(town, 30 * RELOAD_SECOND);
        ck_assert_msg(is_whole(), "seed %u: not whole any more", (unsigned)seed);
        check_lookups(30);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("chord_failure");
    TCase *tests = tcase_create("rings");
    tcase_add_checked_fixture(tests, village_setup, village_teardown);
    tcase_add_test(tests, admitting_peer_dies);
    tcase_add_test(tests, joining_node_dies);
    tcase_add_test(tests, member_restarts);
    tcase_add_test(tests, neighbor_dies);
    tcase_add_test(tests, many_die_at_once);
    tcase_add_test(tests, row_of_neighbors_dies);
    tcase_add_test(tests, peers_leave);
    tcase_add_test(tests, joins_while_others_die);
    tcase_add_test(tests, left_alone);
    tcase_add_test(tests, last_other_leaves);
    tcase_add_test(tests, split_rings_merge);
    tcase_add_test(tests, loopy_ring_unwinds);
    tcase_add_loop_test(tests, random_histories, 0, 5);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
