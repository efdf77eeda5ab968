/* chord_test.c: whole rings without a core: joins, data, clients.
 *
 * RFC 6940 10. SPDX-License-Identifier: BSD-2-Clause */
#include "topology/chord.h"
#include "topology/chord_replicate.h"
#include "topology/chord_update.h"
#include "village.h"

#include <check.h>
#include <stdlib.h>

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

/* D82: whoever keeps a replica knows whose it is; the responsible peer itself is nobody's replica.
 */
START_TEST(replicas_know_the_responsible_peer)
{
    static const size_t sizes[] = {1, 2, 3, 4, 5, 8, 20};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        town_free(town);
        town = town_new(&reload_chord, 200 + s);
        grow(sizes[s], RELOAD_SECOND);
        town_run(town, 20 * RELOAD_SECOND);
        for (int round = 0; round < 50; round++) {
            struct reload_node_id id = random_id(), owner;
            size_t responsible = town_owner(town, &id);
            for (size_t i = 0; i < town->count; i++) {
                bool known = reload_chord.owner(chord_of(i), &id, &owner);
                if (i == responsible)
                    ck_assert(!known);
                else if (reload_chord.keeps(chord_of(i), &id))
                    ck_assert(known && reload_node_id_equal(&owner, &town->nodes[responsible].id));
            }
        }
    }
}
END_TEST

/* D82: what the topology copies by itself, now or later, is not to be copied by others. */
START_TEST(copies_that_wait_are_told_of)
{
    grow(10, RELOAD_SECOND);
    town_run(town, 60 * RELOAD_SECOND);
    struct reload_chord *chord = chord_of(4);
    struct reload_chord_place first = reload_chord_table_successor(&chord->table, 0);
    struct reload_chord_place second = reload_chord_table_successor(&chord->table, 1);
    struct reload_node_id first_id = reload_chord_node_id_of(first);
    struct reload_node_id second_id = reload_chord_node_id_of(second);
    ck_assert(!reload_chord.copies_later(chord, &first_id));
    reload_chord_replicate_all(chord, first, town->now + 10 * RELOAD_SECOND);
    town_run(town, 5 * RELOAD_SECOND);
    ck_assert(reload_chord.copies_later(chord, &first_id));
    ck_assert(!reload_chord.copies_later(chord, &second_id));
    town_run(town, 10 * RELOAD_SECOND);
    ck_assert(!reload_chord.copies_later(chord, &first_id));
}
END_TEST

static size_t
index_of(struct reload_chord_place place)
{
    struct reload_node_id id = reload_chord_node_id_of(place);
    size_t i = 0;
    while (i < town->count && !reload_node_id_equal(&town->nodes[i].id, &id))
        i++;
    return i;
}

/* D83: who counts us among its first two successors relies on us. What is its own stays here,
 * though we know of peers between; its word is its Update. */
START_TEST(who_relies_on_us_is_known)
{
    grow(12, RELOAD_SECOND);
    town_run(town, 60 * RELOAD_SECOND);
    for (size_t i = 0; i < town->count; i++) {
        const struct reload_chord_table *table = &chord_of(i)->table;
        for (size_t p = 0; p < reload_chord_table_neighbors(table); p++) {
            struct reload_chord_place place = reload_chord_table_predecessor(table, p);
            ck_assert(reload_chord_table_find(table, place)->relies == (p < 2));
        }
    }
    const struct reload_chord_table *table = &chord_of(4)->table;
    struct reload_chord_place fourth = reload_chord_table_predecessor(table, 3);
    struct reload_node_id id = reload_chord_node_id_of(fourth);
    ck_assert(!reload_chord.keeps(chord_of(4), &id));
    reload_chord_table_find(table, fourth)->relies = true;
    ck_assert(reload_chord.keeps(chord_of(4), &id));
    /* Its next Update says that it does not: then it may go. */
    unsigned changes = town->nodes[4].changes;
    size_t other = index_of(fourth);
    reload_chord_update_send(chord_of(other), reload_chord_link_to(chord_of(other), table->self),
                             &town->nodes[4].id, RELOAD_CHORD_UPDATE_TYPE_NEIGHBORS, town->now);
    town_run(town, RELOAD_SECOND);
    ck_assert(!reload_chord.keeps(chord_of(4), &id));
    ck_assert_uint_gt(town->nodes[4].changes, changes);
}
END_TEST

/* D82: a neighbour with another link may have lost what it had, though it never was missed. */
START_TEST(a_new_link_is_a_change)
{
    grow(12, RELOAD_SECOND);
    town_run(town, 60 * RELOAD_SECOND);
    size_t next = index_of(reload_chord_table_successor(&chord_of(4)->table, 0));
    unsigned changes = town->nodes[4].changes;
    town_link(town, 4, next, false);
    ck_assert_uint_gt(town->nodes[4].changes, changes);
}
END_TEST

/* D84: a responsible peer takes copies of its values from a stranger when they have met. */
START_TEST(strangers_meet)
{
    grow(40, RELOAD_SECOND);
    town_run(town, 60 * RELOAD_SECOND);
    struct reload_node_id self = town->nodes[4].id;
    size_t other = 0;
    while (other < town->count &&
           (other == 4 ||
            reload_chord_table_find(&chord_of(other)->table, reload_chord_place_of(&self))))
        other++;
    ck_assert_uint_lt(other, town->count);
    struct reload_node_id id = town->nodes[other].id; /* as a resource it is its own */
    ck_assert(!reload_chord.accepts_replica(chord_of(other), &id, &self));
    reload_chord.meet(chord_of(4), &id, town->now);
    town_run(town, 5 * RELOAD_SECOND);
    ck_assert(reload_chord.accepts_replica(chord_of(other), &id, &self));
}
END_TEST

/* The node that we came by has fallen out itself, but peers are linked with us: one of them helps.
 * Found by reload-sim check, seed 104: all bootstrap nodes had fallen out, and waited for each
 * other beside a ring that they were all linked with. */
START_TEST(bootstrap_node_fell_out)
{
    grow(6, RELOAD_SECOND);
    size_t waiting = town_add(town, false), node = town_add(town, false);
    town_link(town, node, 1, false);
    town_join(town, node, waiting);
    town_run(town, 30 * RELOAD_SECOND);
    ck_assert(town->nodes[node].joined);
    ck_assert_uint_eq(town->nodes[node].failures, 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("chord");
    TCase *tests = tcase_create("rings");
    tcase_add_checked_fixture(tests, village_setup, village_teardown);
    tcase_add_test(tests, rings_of_one_to_eight);
    tcase_add_test(tests, ring_of_fifty);
    tcase_add_test(tests, simultaneous_joins);
    tcase_add_test(tests, two_at_a_time_in_a_ring);
    tcase_add_test(tests, data_follows_the_ring);
    tcase_add_test(tests, replicas_are_checked);
    tcase_add_test(tests, replicas_know_the_responsible_peer);
    tcase_add_test(tests, copies_that_wait_are_told_of);
    tcase_add_test(tests, who_relies_on_us_is_known);
    tcase_add_test(tests, a_new_link_is_a_change);
    tcase_add_test(tests, strangers_meet);
    tcase_add_test(tests, bootstrap_node_fell_out);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
