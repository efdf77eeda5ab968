/* chord_finger_test.c: how fingers are found, by the messages that are sent for them.
 *
 * RFC 6940 10.5, 10.7.2, 10.7.4.2. SPDX-License-Identifier: BSD-2-Clause */
#include "topology/chord.h"
#include "topology/chord_attempt.h"
#include "village.h"

#include <check.h>
#include <stdlib.h>

#define RING 40
#define SENT_MAX 256

/* What one node sent to Resource-IDs; the Join, too. */
static struct {
    size_t node;
    struct sent {
        uint16_t code;
        bool joined; /* when it was sent */
        struct reload_chord_place place;
    } sent[SENT_MAX];
    size_t count;
} record;

static void
watch(const struct reload_node *from, const struct reload_route *route, uint16_t code)
{
    const struct reload_destination *last = &route->entries[route->count - 1];
    bool to_resource = last->type == RELOAD_DESTINATION_TYPE_RESOURCE;
    if (from->index != record.node || (!to_resource && code != RELOAD_MESSAGE_JOIN_REQ))
        return;
    ck_assert_uint_lt(record.count, SENT_MAX);
    struct reload_node_id id = {{0}};
    if (to_resource)
        memcpy(id.octets, last->destination_data.resource_id.data, 16);
    record.sent[record.count++] = (struct sent){code, from->joined, reload_chord_place_of(&id)};
}

static void
watch_node(size_t node)
{
    record.node = node;
    record.count = 0;
    town->watch = watch;
}

/* Which entry of |node| an Attach to |place| sets up; 0 when its place is none's begin. */
static unsigned
entry_at(size_t node, struct reload_chord_place place)
{
    const struct reload_chord *chord = chord_of(node);
    for (unsigned i = 1; i <= RELOAD_CHORD_BITS; i++)
        if (reload_chord_equal(place, reload_chord_finger_start(chord->table.self, i)))
            return i;
    return 0;
}

/* RFC6940-10.5-03, RFC6940-10.5-19: a joining node sends Attaches to n + 2^(128-i), and neither a
 * Ping nor a Probe, for each entry that its neighbours do not fill. */
START_TEST(initial_fingers_are_attached_to)
{
    grow(RING, RELOAD_SECOND);
    town_run(town, 60 * RELOAD_SECOND);
    size_t node = town_add(town, false);
    watch_node(node);
    town_join(town, node, 0);
    town_run(town, 3 * RELOAD_SECOND);
    const struct reload_chord *chord = chord_of(node);
    ck_assert_int_eq(chord->phase, RELOAD_CHORD_JOINED);
    struct reload_chord_place behind = reload_chord_after(chord->table.self);
    bool attached[RELOAD_CHORD_BITS + 1] = {false}, asked = false;
    size_t before_join = 0;
    for (size_t k = 0; k < record.count; k++) {
        const struct sent *sent = &record.sent[k];
        asked |= sent->code == RELOAD_MESSAGE_JOIN_REQ;
        if (sent->code == RELOAD_MESSAGE_JOIN_REQ || reload_chord_equal(sent->place, behind))
            continue;
        unsigned i = entry_at(node, sent->place);
        ck_assert_uint_eq(sent->code, RELOAD_MESSAGE_ATTACH_REQ);
        ck_assert_uint_ne(i, 0);
        ck_assert(!attached[i]); /* once */
        attached[i] = true;
        before_join += !asked;
    }
    ck_assert(asked);
    ck_assert_uint_ge(before_join, 1);
    unsigned last = reload_chord_table_fingers_wanted(&chord->table);
    ck_assert_uint_ge(last, 2);
    for (unsigned i = 1; i <= last; i++)
        ck_assert(attached[i] || reload_chord_table_finger(&chord->table, i));
}
END_TEST

/* Whether |node| is linked with somebody in its |i|-th range, and nobody there is its neighbour. */
static bool
has_fingers_only(size_t node, unsigned i)
{
    const struct reload_chord_table *table = &chord_of(node)->table;
    for (size_t k = 0; k < table->count; k++)
        if (reload_chord_finger_of(table->self,
                                   reload_chord_table_place(table, &table->peers[k])) == i &&
            reload_chord_table_is_neighbor(table, &table->peers[k]))
            return false;
    return reload_chord_table_finger(table, i) != NULL;
}

/* The Attaches of |node| for entries; the one to its admitting peer, at n + 1, is none of them. */
static size_t
count_entries(size_t node)
{
    size_t count = 0;
    for (size_t k = 0; k < record.count; k++) {
        unsigned i = entry_at(node, record.sent[k].place);
        count += i > 0 && i < RELOAD_CHORD_BITS;
    }
    return count;
}

/* D117: when even the admitting peer is up for less than a minute, fingers wait for a few seconds:
 * by then most entries are filled. */
START_TEST(young_rings_wait_with_fingers)
{
    size_t missing = 0, attached = 0;
    grow(RING, 100 * RELOAD_MS);
    for (int k = 0; k < 3; k++) {
        size_t node = town_add(town, false);
        const struct reload_chord *chord = chord_of(node);
        watch_node(node);
        town_join(town, node, 0);
        town_run(town, 8 * RELOAD_SECOND);
        ck_assert_int_eq(chord->phase, RELOAD_CHORD_JOINED);
        ck_assert_uint_eq(count_entries(node), 0);
        for (unsigned i = 1; i <= reload_chord_table_fingers_wanted(&chord->table); i++) {
            const struct reload_chord_peer *peer = reload_chord_table_finger(&chord->table, i);
            missing += !peer || reload_chord_table_is_neighbor(&chord->table, peer);
        }
        town_run(town, 9 * RELOAD_SECOND);
        attached += count_entries(node);
    }
    ck_assert_uint_ge(attached, 1);
    ck_assert_uint_le(attached, missing);
}
END_TEST

/* In a small ring everybody is a neighbour: there is nothing to search for. */
START_TEST(small_rings_need_no_fingers)
{
    grow(7, RELOAD_SECOND);
    size_t node = town_add(town, false);
    watch_node(node);
    town_join(town, node, 0);
    town_run(town, 60 * RELOAD_SECOND);
    ck_assert(town->nodes[node].joined);
    for (size_t k = 0; k < record.count; k++)
        if (record.sent[k].code == RELOAD_MESSAGE_ATTACH_REQ)
            ck_assert(reload_chord_equal(record.sent[k].place,
                                         reload_chord_after(chord_of(node)->table.self)));
}
END_TEST

/* Which entry of |node| |other| can stand in. */
static unsigned
entry_of(size_t node, size_t other)
{
    return reload_chord_finger_of(reload_chord_place_of(&town->nodes[node].id),
                                  reload_chord_place_of(&town->nodes[other].id));
}

/* Whether the first entry of |node| holds somebody who is not just a predecessor. */
static bool
has_far_finger(size_t node)
{
    const struct reload_chord_table *table = &chord_of(node)->table;
    const struct reload_chord_peer *peer = reload_chord_table_finger(table, 1);
    return peer && !reload_chord_table_is_neighbor(table, peer);
}

/* 10.5 does not ask for fingers before the Join: those that do not answer hold up nobody. */
START_TEST(fingers_do_not_hold_up_a_join)
{
    grow(RING, RELOAD_SECOND);
    town_run(town, 60 * RELOAD_SECOND);
    /* The bootstrap node is no finger of ours, and who would be the first has just died. */
    size_t node;
    do
        node = town_add(town, false);
    while (entry_of(node, 0) == 1);
    struct reload_node_id half = reload_chord_node_id_of(
        reload_chord_finger_start(reload_chord_place_of(&town->nodes[node].id), 1));
    size_t far = town_owner(town, &half);
    ck_assert_uint_ne(far, 0);
    town_kill(town, far);
    watch_node(node);
    town_join(town, node, 0);
    town_run(town, 500 * RELOAD_MS);
    ck_assert(town->nodes[node].joined);
    bool attached = false;
    for (size_t k = 0; k < record.count; k++)
        attached |= entry_at(node, record.sent[k].place) == 1;
    ck_assert(attached);
    ck_assert_uint_ge(reload_chord_attempt_fingers(chord_of(node)), 1); /* still on */
    /* It is sent again, and found when the ring has closed. */
    town_run(town, 60 * RELOAD_SECOND);
    ck_assert(has_far_finger(node));
}
END_TEST

/* 10.7.2: when a finger is lost, reactive recovery searches for another one, by one Ping to a
 * random place of its range (10.7.4.2); periodic recovery waits for chord-ping-interval. */
START_TEST(lost_finger_is_searched_for)
{
    bool reactive = _i;
    town->config.chord_reactive = reactive;
    town->config.chord_ping_interval_s = 3600;
    grow(RING, RELOAD_SECOND);
    town_run(town, 60 * RELOAD_SECOND);
    size_t node = RING - 1;
    while (!has_fingers_only(node, 2))
        node--;
    const struct reload_chord_table *table = &chord_of(node)->table;
    ck_assert_uint_lt(2 * table->reach, table->count);
    /* All of the second range that it is linked with. */
    const struct reload_chord_peer *finger;
    watch_node(node);
    while ((finger = reload_chord_table_finger(table, 2))) {
        struct reload_node_id id = reload_chord_node_id_of(reload_chord_table_place(table, finger));
        size_t other = 0;
        while (!reload_node_id_equal(&town->nodes[other].id, &id))
            other++;
        town_cut(town, node, other);
    }
    town_run(town, 10 * RELOAD_SECOND);
    size_t pings = 0;
    for (size_t k = 0; k < record.count; k++)
        pings += record.sent[k].code == RELOAD_MESSAGE_PING_REQ &&
                 reload_chord_finger_of(table->self, record.sent[k].place) == 2;
    ck_assert_uint_eq(pings, reactive ? 1 : 0);
    ck_assert_int_eq(reload_chord_table_finger(table, 2) != NULL, reactive);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("chord_finger");
    TCase *tests = tcase_create("fingers");
    tcase_add_checked_fixture(tests, village_setup, village_teardown);
    tcase_add_test(tests, initial_fingers_are_attached_to);
    tcase_add_test(tests, young_rings_wait_with_fingers);
    tcase_add_test(tests, small_rings_need_no_fingers);
    tcase_add_test(tests, fingers_do_not_hold_up_a_join);
    tcase_add_loop_test(tests, lost_finger_is_searched_for, 0, 2);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
