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
        id =
            reload_chord_node_id_of(reload_chord_table_predecessor(&chord_of(successor)->table, 0));
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

/* ---- failures and leaves -------------------------------------------------------------------- */

/* Picks a living peer, not the first node. */
static size_t
random_peer(void)
{
    for (;;) {
        size_t node = 1 + reload_prng_below(&town->prng, town->count - 1);
        if (town->nodes[node].alive)
            return node;
    }
}

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

/* ---- data ----------------------------------------------------------------------------------- */

static size_t
holders(const struct reload_node_id *id)
{
    size_t count = 0;
    for (size_t i = 0; i < town->count; i++)
        for (size_t v = 0; town->nodes[i].alive && v < town->nodes[i].value_count; v++)
            count += reload_node_id_equal(&town->nodes[i].values[v], id);
    return count;
}

static bool
holds(size_t node, const struct reload_node_id *id)
{
    for (size_t v = 0; v < town->nodes[node].value_count; v++)
        if (reload_node_id_equal(&town->nodes[node].values[v], id))
            return true;
    return false;
}

/* RFC6940-10.4, 10.5, 10.7.3: the responsible peer and its two successors have it. */
static void
check_copies(const struct reload_node_id *ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t owner = town_owner(town, &ids[i]);
        ck_assert(holds(owner, &ids[i]));
        struct reload_node_id replicas[RELOAD_REPLICAS_MAX];
        size_t replica_count = reload_chord.replicas(chord_of(owner), &ids[i], replicas);
        for (size_t r = 0; r < replica_count; r++)
            for (size_t n = 0; n < town->count; n++)
                if (reload_node_id_equal(&town->nodes[n].id, &replicas[r]))
                    ck_assert(holds(n, &ids[i]));
        ck_assert_uint_ge(holders(&ids[i]), replica_count + 1);
    }
}

START_TEST(data_follows_the_ring)
{
    struct reload_node_id ids[30];
    town_found(town, town_add(town, false));
    for (size_t i = 0; i < 30; i++)
        ids[i] = town->nodes[0].values[town->nodes[0].value_count++] = random_id();
    for (size_t size = 2; size <= 14; size++) {
        grow(size, 5 * RELOAD_SECOND);
        check_copies(ids, 30);
    }
    ck_assert_uint_eq(town->pushes_refused, 0);
    for (int round = 0; round < 6; round++) {
        town_kill(town, random_peer());
        town_run(town, 60 * RELOAD_SECOND);
        ck_assert(is_whole());
        check_copies(ids, 30);
    }
    for (int round = 0; round < 4; round++) {
        town_leave(town, random_peer());
        town_run(town, 5 * RELOAD_SECOND);
        check_copies(ids, 30);
    }
}
END_TEST

/* RFC6940-10.7.3: three predecessors between: not kept; and replicas only from whom they may come.
 */
START_TEST(replicas_are_checked)
{
    grow(10, RELOAD_SECOND);
    town_run(town, 20 * RELOAD_SECOND);
    const struct reload_chord_table *table = &chord_of(4)->table;
    struct reload_chord_place first = reload_chord_table_predecessor(table, 0);
    struct reload_chord_place second = reload_chord_table_predecessor(table, 1);
    struct reload_chord_place fourth = reload_chord_table_predecessor(table, 3);
    struct reload_node_id id = reload_chord_node_id_of(first);
    struct reload_node_id sender = reload_chord_node_id_of(first);
    struct reload_node_id stranger =
        reload_chord_node_id_of(reload_chord_table_successor(table, 0));
    ck_assert(reload_chord.accepts_replica(chord_of(4), &id, &sender));
    ck_assert(!reload_chord.accepts_replica(chord_of(4), &id, &stranger));
    ck_assert(reload_chord.keeps(chord_of(4), &id));
    sender = reload_chord_node_id_of(second);
    ck_assert(!reload_chord.accepts_replica(chord_of(4), &id, &sender));
    id = reload_chord_node_id_of(fourth);
    ck_assert(!reload_chord.accepts_replica(chord_of(4), &id, &sender));
    ck_assert(!reload_chord.keeps(chord_of(4), &id));
}
END_TEST

/* ---- clients -------------------------------------------------------------------------------- */

START_TEST(client_is_no_peer)
{
    grow(8, RELOAD_SECOND);
    size_t client = town_add(town, true);
    town_join(town, client, 0);
    town_run(town, 5 * RELOAD_SECOND);
    ck_assert(town->nodes[client].joined);
    struct reload_chord_place place = reload_chord_place_of(&town->nodes[client].id);
    for (size_t i = 0; i < 8; i++)
        ck_assert_ptr_null(reload_chord_table_find(&chord_of(i)->table, place));
    ck_assert(is_whole());
    size_t owner = town_owner(town, &town->nodes[client].id);
    ck_assert_uint_ne(reload_node_link_to(&town->nodes[owner], &town->nodes[client].id), 0);
    for (int i = 0; i < 50; i++) {
        struct reload_node_id id = random_id();
        unsigned hops;
        ck_assert_uint_eq(town_walk(town, client, &id, &hops), town_owner(town, &id));
        ck_assert(!reload_chord.is_responsible(chord_of(client), &id));
    }
    /* It follows when another peer becomes responsible for it, or that one dies. */
    grow(28, 500 * RELOAD_MS);
    town_run(town, 20 * RELOAD_SECOND);
    owner = town_owner(town, &town->nodes[client].id);
    ck_assert_uint_ne(reload_node_link_to(&town->nodes[owner], &town->nodes[client].id), 0);
    ck_assert_uint_ne(owner, 0);
    town_kill(town, owner);
    town_run(town, 30 * RELOAD_SECOND);
    owner = town_owner(town, &town->nodes[client].id);
    ck_assert_uint_ne(reload_node_link_to(&town->nodes[owner], &town->nodes[client].id), 0);
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
    Suite *suite = suite_create("chord");
    TCase *tests = tcase_create("rings");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, rings_of_one_to_eight);
    tcase_add_test(tests, ring_of_fifty);
    tcase_add_test(tests, simultaneous_joins);
    tcase_add_test(tests, two_at_a_time_in_a_ring);
    tcase_add_test(tests, neighbor_dies);
    tcase_add_test(tests, many_die_at_once);
    tcase_add_test(tests, row_of_neighbors_dies);
    tcase_add_test(tests, peers_leave);
    tcase_add_test(tests, joins_while_others_die);
    tcase_add_test(tests, left_alone);
    tcase_add_test(tests, split_rings_merge);
    tcase_add_test(tests, admitting_peer_dies);
    tcase_add_test(tests, joining_node_dies);
    tcase_add_test(tests, member_restarts);
    tcase_add_test(tests, data_follows_the_ring);
    tcase_add_test(tests, replicas_are_checked);
    tcase_add_test(tests, client_is_no_peer);
    tcase_add_loop_test(tests, random_histories, 0, 5);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
