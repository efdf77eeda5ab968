/* chord_tell_test.c: who is told of a change, and when; which Attaches can wait.
 *
 * RFC 6940 10.5, 10.7.1, 10.7.3; D115 to D117. SPDX-License-Identifier: BSD-2-Clause */
#include "topology/chord.h"
#include "topology/chord_attempt.h"
#include "topology/chord_change.h"
#include "topology/chord_update.h"
#include "village.h"

#include <check.h>
#include <stdlib.h>

#define RING 30
#define JOINER RING /* the node that joins then */

/* How many Updates went from whom to whom, and Attaches to Node-IDs. */
static unsigned updates[TOWN_NODES_MAX][TOWN_NODES_MAX], attaches[TOWN_NODES_MAX][TOWN_NODES_MAX];

static size_t
index_of(const struct reload_node_id *id)
{
    size_t i = 0;
    while (i < town->count && !reload_node_id_equal(&town->nodes[i].id, id))
        i++;
    return i;
}

static size_t
index_at(struct reload_chord_place place)
{
    struct reload_node_id id = reload_chord_node_id_of(place);
    return index_of(&id);
}

static void
watch(const struct reload_node *from, const struct reload_route *route, uint16_t code)
{
    const struct reload_destination *last = &route->entries[route->count - 1];
    if (last->type != RELOAD_DESTINATION_TYPE_NODE)
        return;
    size_t to = index_of(&last->destination_data.node_id);
    if (to < town->count)
        (code == RELOAD_MESSAGE_ATTACH_REQ ? attaches : updates)[from->index][to] +=
            code == RELOAD_MESSAGE_ATTACH_REQ || code == RELOAD_MESSAGE_UPDATE_REQ;
}

static void
forget(void)
{
    memset(updates, 0, sizeof updates);
    memset(attaches, 0, sizeof attaches);
    town->watch = watch;
}

/* A ring in which nothing goes on: the next stabilisation is far away. */
static void
begin(void)
{
    town->config.chord_update_interval_s = 360000;
    grow(RING, RELOAD_SECOND);
    town_run(town, 120 * RELOAD_SECOND);
    forget();
}

static size_t
add_joiner(void)
{
    size_t node = town_add(town, false);
    ck_assert_uint_eq(node, JOINER);
    town_join(town, node, 0);
    while (!town->nodes[node].joined)
        town_run(town, 100 * RELOAD_MS);
    return node;
}

static size_t
first_successor(size_t node)
{
    return index_at(reload_chord_table_successor(&chord_of(node)->table, 0));
}

/* Whether |node| has told all neighbours, or all that it is linked with. */
static bool
has_told(size_t node, bool all)
{
    const struct reload_chord_table *table = &chord_of(node)->table;
    for (size_t i = 0; i < table->count; i++)
        if ((all || reload_chord_table_is_neighbor(table, &table->peers[i])) &&
            !updates[node][index_at(reload_chord_table_place(table, &table->peers[i]))])
            return false;
    return true;
}

static unsigned
sum_among_old(void)
{
    unsigned sum = 0;
    for (size_t a = 0; a < RING; a++)
        for (size_t b = 0; b < RING; b++)
            sum += updates[a][b];
    return sum;
}

/* RFC6940-10.5-08, 10.5-12, 10.5-11, 10.7.3-03, 10.7.3-08; D115: the new peer tells all that it is
 * linked with, and hears of each that it is a peer, and of its admitting peer that it is in place;
 * nobody else has anything to say at first. Half a minute later everybody has been told. */
START_TEST(who_joins_tells_by_itself)
{
    begin();
    size_t node = add_joiner(), admitting = first_successor(node);
    town_run(town, RELOAD_SECOND);
    ck_assert(has_told(node, true));
    ck_assert_uint_eq(updates[admitting][node], 2);
    town_run(town, 8 * RELOAD_SECOND);
    for (size_t i = 0; i < RING; i++)
        ck_assert_uint_le(updates[i][node], 1 + (i == admitting));
    ck_assert_uint_eq(sum_among_old(), 0);
    size_t before = index_at(reload_chord_table_predecessor(&chord_of(node)->table, 0));
    town_run(town, 12 * RELOAD_SECOND);
    ck_assert_uint_gt(sum_among_old(), 0);
    ck_assert(!has_told(admitting, true)); /* only the nearest of all */
    town_run(town, 20 * RELOAD_SECOND);
    ck_assert(has_told(admitting, true));
    ck_assert(has_told(before, true));
}
END_TEST

/* RFC6940-10.7.3-08: without reactive recovery a new range is told all the same, and no more. */
START_TEST(periodic_recovery_tells_of_ranges)
{
    town->config.chord_reactive = false;
    begin();
    size_t node = add_joiner(), admitting = first_successor(node);
    size_t before = index_at(reload_chord_table_predecessor(&chord_of(node)->table, 0));
    town_run(town, 50 * RELOAD_SECOND);
    ck_assert(has_told(admitting, true));
    ck_assert(!has_told(before, true));
}
END_TEST

/* RFC6940-10.7.1-02, 10.7.1-04: a death is told at once: by its neighbours to theirs, and by whose
 * range grew to everybody. */
START_TEST(a_death_is_told_at_once)
{
    begin();
    size_t dead = 7, behind = first_successor(dead);
    size_t before = index_at(reload_chord_table_predecessor(&chord_of(dead)->table, 0));
    town_kill(town, dead);
    town_run(town, 2900 * RELOAD_MS);
    ck_assert_uint_eq(sum_among_old(), 0);
    town_run(town, 200 * RELOAD_MS);
    ck_assert(has_told(before, false));
    ck_assert(has_told(behind, true));
}
END_TEST

/* A peer that turns out to be next to us, and does not name us, is told of at once: others must
 * learn of it from us. One that names us tells them itself (D115). */
START_TEST(who_is_found_is_told_of_at_once)
{
    bool greets = _i;
    begin();
    size_t node = 5, next = first_successor(node);
    struct reload_chord *chord = chord_of(node);
    struct reload_chord_place place = reload_chord_place_of(&town->nodes[next].id);
    reload_chord_table_remove(&chord->table, place);
    reload_chord_changed(chord, RELOAD_CHORD_CAUSE_LOST, town->now);
    town_run(town, 200 * RELOAD_MS);
    ck_assert_uint_ne(first_successor(node), next);
    forget();
    uint32_t link = reload_chord_link_to(chord_of(next), chord->table.self);
    reload_chord_update_send(chord_of(next), link, &town->nodes[node].id,
                             greets ? RELOAD_CHORD_UPDATE_TYPE_NEIGHBORS
                                    : RELOAD_CHORD_UPDATE_TYPE_PEER_READY,
                             town->now);
    town_run(town, RELOAD_SECOND);
    ck_assert_uint_eq(first_successor(node), next);
    ck_assert_int_eq(has_told(node, false), !greets);
    town_run(town, 40 * RELOAD_SECOND);
    ck_assert(has_told(node, true));
}
END_TEST

/* RFC6940-10.7-01, 10.7-02; D116: who joins is linked with the nearest three on each side before it
 * is a peer, with all its neighbours a few seconds later. */
START_TEST(farther_neighbors_wait)
{
    begin();
    size_t node = add_joiner();
    const struct reload_chord_table *table = &chord_of(node)->table;
    unsigned sent = 0, later = 0;
    for (size_t i = 0; i < RING; i++)
        sent += attaches[node][i];
    ck_assert_uint_ge(sent, 3);
    ck_assert_uint_le(sent, 2 * RELOAD_CHORD_REACH_MIN);
    town_run(town, RELOAD_SECOND);
    for (size_t i = 0; i < RING; i++)
        later += attaches[node][i];
    ck_assert_uint_eq(later, sent);
    town_run(town, 9 * RELOAD_SECOND);
    ck_assert_uint_gt(table->reach, RELOAD_CHORD_REACH_MIN);
    ck_assert_uint_ge(reload_chord_table_neighbors(table), table->reach);
    struct reload_chord_place picked[2 * RELOAD_CHORD_REACH_MAX];
    for (size_t i = 0; i < RING; i++) {
        struct reload_chord_place place = reload_chord_place_of(&town->nodes[i].id);
        ck_assert_uint_eq(reload_chord_table_candidates(table, &place, 1, picked), 0);
    }
}
END_TEST

/* A node that lives, is linked with nobody, and has its place at |place|. */
static size_t
add_at(struct reload_chord_place place)
{
    size_t node = town_add(town, false);
    town->nodes[node].id = reload_chord_node_id_of(place);
    return node;
}

/* D116: hearsay of a near neighbour is followed at once, also when as many farther ones as there is
 * room for wait; of a farther one a little later; of one that is none then, never. */
START_TEST(the_nearest_do_not_wait)
{
    begin();
    struct reload_chord *chord = chord_of(3);
    const struct reload_chord_table *table = &chord->table;
    struct reload_chord_place last = reload_chord_table_successor(table, table->reach - 1);
    struct reload_chord_place one = {0, 1}, ten = {0, 10};
    size_t far = add_at(reload_chord_subtract(last, ten));
    size_t near = add_at(reload_chord_add(table->self, one));
    for (uint64_t i = 0; i < RELOAD_CHORD_ATTEMPTS_MAX; i++) {
        struct reload_chord_place other = {0, 1 + i};
        reload_chord_attempt_neighbor(chord, reload_chord_subtract(last, other), NULL, town->now);
    }
    town_run(town, RELOAD_SECOND);
    ck_assert_uint_eq(attaches[3][far], 0);
    reload_chord_attempt_neighbor(chord, reload_chord_place_of(&town->nodes[near].id), NULL,
                                  town->now);
    town_run(town, 100 * RELOAD_MS);
    ck_assert_uint_eq(attaches[3][near], 1);
    ck_assert_uint_eq(attaches[3][far], 0);
    town_run(town, 40 * RELOAD_SECOND); /* most of the others do not exist: it takes its turn */
    ck_assert_uint_ge(attaches[3][far], 1);
    /* Half around the ring: nobody's neighbour. */
    size_t never = add_at(reload_chord_finger_start(table->self, 1));
    reload_chord_attempt_neighbor(chord, reload_chord_place_of(&town->nodes[never].id), NULL,
                                  town->now);
    town_run(town, 10 * RELOAD_SECOND);
    ck_assert_uint_eq(attaches[3][never], 0);
}
END_TEST

/* A neighbour of |from| behind its third successor, not known yet. */
static size_t
add_fourth(size_t from)
{
    struct reload_chord_place one = {0, 1};
    return add_at(reload_chord_add(reload_chord_table_successor(&chord_of(from)->table, 2), one));
}

/* What waits because it is far does so no longer when it turns out to be near. */
START_TEST(who_becomes_near_waits_no_longer)
{
    begin();
    struct reload_chord *chord = chord_of(3);
    struct reload_chord_place second = reload_chord_table_successor(&chord->table, 1);
    size_t node = add_fourth(3);
    struct reload_chord_place place = reload_chord_place_of(&town->nodes[node].id);
    reload_chord_attempt_neighbor(chord, place, NULL, town->now);
    town_run(town, 500 * RELOAD_MS);
    ck_assert_uint_eq(attaches[3][node], 0);
    reload_chord_table_remove(&chord->table, second);
    reload_chord_attempt_neighbor(chord, place, NULL, town->now);
    town_run(town, 100 * RELOAD_MS);
    ck_assert_uint_eq(attaches[3][node], 1);
}
END_TEST

/* Whether |chord| tried to attach to |place| once, in vain, and waits for the next time. */
static bool
has_failed(const struct reload_chord *chord, struct reload_chord_place place)
{
    for (size_t i = 0; i < RELOAD_CHORD_ATTEMPTS_MAX; i++)
        if (chord->attempts[i].state == RELOAD_CHORD_WAITING && chord->attempts[i].tries == 1 &&
            reload_chord_equal(chord->attempts[i].target, place))
            return true;
    return false;
}

/* A neighbour is lost: the next ones are needed, and nobody has to name them again. But who was
 * tried in vain is not tried the sooner for it. */
START_TEST(a_loss_ends_the_wait)
{
    begin();
    struct reload_chord *chord = chord_of(3);
    struct reload_chord_place second = reload_chord_table_successor(&chord->table, 1);
    struct reload_chord_place last = reload_chord_table_predecessor(&chord->table, 2);
    size_t node = add_fourth(3);
    struct reload_chord_place place = reload_chord_place_of(&town->nodes[node].id);
    town_kill(town, node);
    reload_chord_attempt_neighbor(chord, place, NULL, town->now);
    town_run(town, 500 * RELOAD_MS);
    ck_assert_uint_eq(attaches[3][node], 0);
    reload_chord_table_remove(&chord->table, second);
    reload_chord_changed(chord, RELOAD_CHORD_CAUSE_LOST, town->now);
    town_run(town, 100 * RELOAD_MS);
    ck_assert_uint_eq(attaches[3][node], 1);
    for (int i = 0; i < 300 && !has_failed(chord, place); i++)
        town_run(town, 100 * RELOAD_MS);
    ck_assert(has_failed(chord, place));
    reload_chord_table_remove(&chord->table, last);
    reload_chord_changed(chord, RELOAD_CHORD_CAUSE_LOST, town->now);
    town_run(town, 1 * RELOAD_SECOND);
    ck_assert_uint_eq(attaches[3][node], 1);
    town_run(town, 10 * RELOAD_SECOND);
    ck_assert_uint_gt(attaches[3][node], 1);
}
END_TEST

/* What |liar| says of its neighbours, by an Update to |node|: |place| is one of them. */
static void
tell_lies(size_t liar, size_t node, struct reload_chord_place place)
{
    uint8_t list[16], data[64];
    struct reload_node_id id = reload_chord_node_id_of(place);
    struct reload_writer places = reload_writer_of(list, sizeof list);
    struct reload_writer body = reload_writer_of(data, sizeof data);
    reload_node_id_encode(&places, &town->wire, &id);
    struct reload_chord_update update = {.type = RELOAD_CHORD_UPDATE_TYPE_NEIGHBORS};
    update.neighbors.successors = reload_writer_written(&places);
    reload_chord_update_encode(&body, &town->wire, &update);
    ck_assert(!body.failed);
    ck_assert_int_eq(town_deliver(town, node, liar, liar, RELOAD_MESSAGE_UPDATE_REQ,
                                  reload_writer_written(&body)),
                     0);
}

/* D52, D119: a neighbour-to-be that cannot be reached is tried for as long as somebody names it;
 * who named it is asked whether it still does, and does not have to say so by itself. */
START_TEST(who_named_it_is_asked)
{
    begin();
    struct reload_chord_place one = {0, 1};
    size_t liar = first_successor(3);
    size_t dead = add_at(reload_chord_add(chord_of(3)->table.self, one));
    town_kill(town, dead);
    forget();
    tell_lies(liar, 3, reload_chord_place_of(&town->nodes[dead].id));
    town_run(town, 200 * RELOAD_SECOND);
    unsigned tried = attaches[3][dead];
    ck_assert_uint_ge(tried, 3);
    ck_assert_uint_le(tried, 6);
    town_run(town, 600 * RELOAD_SECOND);
    ck_assert_uint_eq(attaches[3][dead], tried);
    /* Who repeats it is believed. */
    for (int k = 0; k < 10; k++) {
        tell_lies(liar, 3, reload_chord_place_of(&town->nodes[dead].id));
        town_run(town, 20 * RELOAD_SECOND);
    }
    ck_assert_uint_gt(attaches[3][dead], tried + 3);
}
END_TEST

/* A successor of |node| that it loses sight of when the town is split. */
static size_t
successor_beyond(size_t node)
{
    const struct reload_chord_table *table = &chord_of(node)->table;
    for (size_t i = 0; i < RELOAD_CHORD_REACH_MIN; i++) {
        size_t other = index_at(reload_chord_table_successor(table, i));
        if (other % 2 != node % 2)
            return other;
    }
    return SIZE_MAX;
}

/* |node| has lost its third predecessor, and tells its neighbours so. */
static void
lose_third(size_t node)
{
    struct reload_chord *chord = chord_of(node);
    reload_chord_table_remove(&chord->table, reload_chord_table_predecessor(&chord->table, 2));
    reload_chord_changed(chord, RELOAD_CHORD_CAUSE_LOST, town->now);
}

/* RFC6940-10.7.3-08; D135: an Update that gets lost on a link that stands nevertheless is repeated,
 * once the tries of the request itself are over. It is not for ever: who is silent is told twice
 * again, until it answers another. */
START_TEST(an_update_without_an_answer_is_repeated)
{
    begin();
    size_t node = 0, other;
    while ((other = successor_beyond(node)) == SIZE_MAX)
        node++;
    town->split = true;
    lose_third(node);
    town_run(town, 12 * RELOAD_SECOND);
    ck_assert_uint_eq(updates[node][other], 1);
    town_run(town, 8 * RELOAD_SECOND);
    ck_assert_uint_eq(updates[node][other], 2);
    town_run(town, 200 * RELOAD_SECOND);
    ck_assert_uint_eq(updates[node][other], 3);
    town->split = false;
    forget();
    lose_third(node);
    town_run(town, 60 * RELOAD_SECOND);
    ck_assert_uint_eq(updates[node][other], 1); /* it answered */
    town->split = true;
    forget();
    lose_third(node);
    town_run(town, 20 * RELOAD_SECOND);
    ck_assert_uint_eq(updates[node][other], 2);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("chord_tell");
    TCase *tests = tcase_create("telling");
    tcase_add_checked_fixture(tests, village_setup, village_teardown);
    tcase_add_test(tests, who_joins_tells_by_itself);
    tcase_add_test(tests, periodic_recovery_tells_of_ranges);
    tcase_add_test(tests, a_death_is_told_at_once);
    tcase_add_loop_test(tests, who_is_found_is_told_of_at_once, 0, 2);
    tcase_add_test(tests, farther_neighbors_wait);
    tcase_add_test(tests, the_nearest_do_not_wait);
    tcase_add_test(tests, who_becomes_near_waits_no_longer);
    tcase_add_test(tests, a_loss_ends_the_wait);
    tcase_add_test(tests, who_named_it_is_asked);
    tcase_add_test(tests, an_update_without_an_answer_is_repeated);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
