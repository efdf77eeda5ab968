/* chord_client_test.c: nodes that are no peers: by wish, or since a link cannot be made.
 *
 * RFC 6940 4.2.1, 10.5. SPDX-License-Identifier: BSD-2-Clause */
#include "topology/chord.h"
#include "village.h"

#include <check.h>
#include <stdlib.h>

static bool
is_linked(size_t a, size_t b)
{
    return reload_node_link_to(&town->nodes[a], &town->nodes[b].id) != 0;
}

/* Whether some peer takes |node| for one. */
static bool
is_taken_for_a_peer(size_t node)
{
    struct reload_chord_place place = reload_chord_place_of(&town->nodes[node].id);
    for (size_t i = 0; i < town->count; i++)
        if (i != node && reload_chord_table_find(&chord_of(i)->table, place))
            return true;
    return false;
}

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

/* ---- neighbours that cannot be linked with ---------------------------------------------------
 */

/* Which peer is responsible for |id| while |client|, which has joined, is none. */
static size_t
owner_beside(size_t client, const struct reload_node_id *id)
{
    town->nodes[client].joined = false;
    size_t owner = town_owner(town, id);
    town->nodes[client].joined = true;
    return owner;
}

/* A node that is about to join a ring of six, and a peer that will be its neighbour. */
static size_t
newcomer(bool admitting, size_t *neighbor)
{
    for (;;) {
        grow(6, RELOAD_SECOND);
        town_run(town, 10 * RELOAD_SECOND);
        size_t node = town_add(town, false);
        size_t owner = town_owner(town, &town->nodes[node].id);
        *neighbor = admitting ? owner : owner == 1 ? 2 : 1;
        if (owner != 0)
            return node;
        uint64_t seed = reload_prng_next(&town->prng);
        town_free(town);
        town = town_new(&reload_chord, seed);
    }
}

/* RFC6940-10.5: in a ring of six everybody is a neighbour of everybody. */
START_TEST(unreachable_neighbor)
{
    size_t neighbor, node = newcomer(false, &neighbor);
    town_part(town, node, neighbor, true);
    town_join(town, node, 0);
    town_run(town, 3 * RELOAD_SECOND);
    ck_assert(town->nodes[node].joined);
    ck_assert_int_eq(chord_of(node)->phase, RELOAD_CHORD_CONNECTED);
    ck_assert(is_linked(node, owner_beside(node, &town->nodes[node].id)));
    ck_assert(!is_linked(node, neighbor));
    ck_assert(town->nodes[node].stays_client); /* and says so */
    ck_assert(reload_node_id_equal(&town->nodes[node].unreachable, &town->nodes[neighbor].id));
    ck_assert(!is_taken_for_a_peer(node));
    ck_assert(!reload_chord.is_responsible(chord_of(node), &town->nodes[node].id));

    /* It tries again and again, and is what it was in between. */
    unsigned joins = town->nodes[node].joins;
    town_run(town, 300 * RELOAD_SECOND);
    ck_assert_uint_ge(chord_of(node)->stays, 4);
    ck_assert_int_eq(chord_of(node)->phase, RELOAD_CHORD_CONNECTED);
    ck_assert(!is_taken_for_a_peer(node));
    ck_assert_uint_eq(town->nodes[node].joins, joins); /* it never fell out */
    ck_assert_uint_eq(town->nodes[node].rejoins, 0);

    /* Networks change. */
    town_part(town, node, neighbor, false);
    town_run(town, 600 * RELOAD_SECOND);
    ck_assert_int_eq(chord_of(node)->phase, RELOAD_CHORD_JOINED);
    ck_assert(!town->nodes[node].stays_client);
    ck_assert_uint_eq(chord_of(node)->stays, 0);
    ck_assert(is_whole());
}
END_TEST

START_TEST(unreachable_admitting_peer)
{
    size_t owner, node = newcomer(true, &owner);
    town_part(town, node, owner, true);
    town_join(town, node, 0);
    town_run(town, 3 * RELOAD_SECOND);
    ck_assert(town->nodes[node].joined);
    ck_assert_int_eq(chord_of(node)->phase, RELOAD_CHORD_CONNECTED);
    ck_assert(is_linked(node, 0));
    ck_assert(!is_linked(node, owner));
    for (int i = 0; i < 20; i++) {
        struct reload_node_id id = random_id();
        unsigned hops;
        ck_assert_uint_eq(town_walk(town, node, &id, &hops), owner_beside(node, &id));
    }
    town_run(town, 300 * RELOAD_SECOND);
    ck_assert_uint_eq(town->nodes[node].rejoins, 0);
    ck_assert(!is_taken_for_a_peer(node));

    town_part(town, node, owner, false);
    town_run(town, 600 * RELOAD_SECOND);
    ck_assert_int_eq(chord_of(node)->phase, RELOAD_CHORD_JOINED);
    ck_assert(is_whole());
}
END_TEST

/* The peer that it is a client of dies: it finds another. */
START_TEST(admitting_peer_of_a_client_dies)
{
    size_t neighbor, node = newcomer(false, &neighbor);
    town_part(town, node, neighbor, true);
    town_join(town, node, 0);
    town_run(town, 5 * RELOAD_SECOND);
    ck_assert_int_eq(chord_of(node)->phase, RELOAD_CHORD_CONNECTED);
    town_kill(town, owner_beside(node, &town->nodes[node].id));
    town_run(town, 60 * RELOAD_SECOND);
    ck_assert(town->nodes[node].joined);
    ck_assert_uint_ge(chord_of(node)->stays, 2);
    ck_assert(is_linked(node, owner_beside(node, &town->nodes[node].id)));
    ck_assert(!is_taken_for_a_peer(node));
}
END_TEST

/* Somebody who does not answer is dead, not unreachable: that is no reason to stay a client. */
START_TEST(dead_neighbor)
{
    size_t neighbor, node = newcomer(false, &neighbor);
    town_join(town, node, 0);
    town_kill(town, neighbor);
    for (int i = 0; i < 60; i++) {
        town_run(town, RELOAD_SECOND);
        ck_assert_uint_eq(chord_of(node)->stays, 0);
    }
    ck_assert_int_eq(chord_of(node)->phase, RELOAD_CHORD_JOINED);
    ck_assert(is_whole());
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("chord_client");
    TCase *tests = tcase_create("clients");
    tcase_add_checked_fixture(tests, village_setup, village_teardown);
    tcase_add_test(tests, client_is_no_peer);
    tcase_add_test(tests, unreachable_neighbor);
    tcase_add_test(tests, unreachable_admitting_peer);
    tcase_add_test(tests, admitting_peer_of_a_client_dies);
    tcase_add_test(tests, dead_neighbor);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
