/* chord_attack_test.c: messages that want to change the ring and may not.
 *
 * RFC 6940 6.4.2, 6.5.1, 10.7.3, 13.6. SPDX-License-Identifier: BSD-2-Clause */
#include "town.h"
#include "topology/chord.h"
#include "topology/chord_admit.h"
#include "topology/chord_state.h"

#include <check.h>
#include <stdlib.h>

#define PEERS 8

static struct town *town;
static uint8_t body[70000];

/* A ring of 8, and node 8 that is linked with peer 1 and nothing more. */
static void
setup(void)
{
    town = town_new(&reload_chord, 5);
    town_found(town, town_add(town, false));
    while (town->count < PEERS) {
        town_join(town, town_add(town, false), 0);
        town_run(town, 5 * RELOAD_SECOND);
    }
    (void)town_add(town, false);
    town_link(town, PEERS, 1, false);
    town_run(town, 30 * RELOAD_SECOND);
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

/* What others' messages may change in a peer. */
struct snapshot {
    struct reload_chord_place peers[TOWN_NODES_MAX];
    size_t count;
    bool admitting;
    enum reload_chord_phase phase;
};

static struct snapshot
take_snapshot(size_t node)
{
    const struct reload_chord *chord = chord_of(node);
    struct snapshot snapshot;
    memset(&snapshot, 0, sizeof snapshot);
    snapshot.count = chord->table.count;
    for (size_t i = 0; i < chord->table.count; i++)
        snapshot.peers[i] = chord->table.peers[i].distance;
    snapshot.admitting = chord->admission.active;
    snapshot.phase = chord->phase;
    return snapshot;
}

static void
ck_unchanged(const struct snapshot *before, size_t node)
{
    struct snapshot after = take_snapshot(node);
    ck_assert_mem_eq(before, &after, sizeof after);
}

static size_t
attempts(size_t node)
{
    size_t count = 0;
    for (size_t i = 0; i < RELOAD_CHORD_ATTEMPTS_MAX; i++)
        count += chord_of(node)->attempts[i].state != RELOAD_CHORD_FREE;
    return count;
}

static struct reload_bytes
join_of(size_t node)
{
    struct reload_writer writer = reload_writer_of(body, sizeof body);
    struct reload_join_req join = {.joining_peer_id = town->nodes[node].id};
    reload_join_req_encode(&writer, &town->wire, &join);
    return reload_writer_written(&writer);
}

static struct reload_bytes
leave_of(size_t node)
{
    static const uint8_t data[] = {RELOAD_CHORD_LEAVE_TYPE_FROM_SUCC, 0, 0};
    struct reload_writer writer = reload_writer_of(body, sizeof body);
    struct reload_leave_req leave = {.leaving_peer_id = town->nodes[node].id,
                                     .overlay_specific_data = {data, sizeof data}};
    reload_leave_req_encode(&writer, &town->wire, &leave);
    return reload_writer_written(&writer);
}

/* An Update whose predecessors are |ids|, of a peer that says it is up for |uptime_s|. */
static struct reload_bytes
update_with(const struct reload_node_id *ids, size_t count, uint32_t uptime_s)
{
    static uint8_t data[65536];
    struct reload_writer list = reload_writer_of(data, sizeof data);
    for (size_t i = 0; i < count; i++)
        reload_node_id_encode(&list, &town->wire, &ids[i]);
    struct reload_chord_update update = {.uptime = uptime_s,
                                         .type = RELOAD_CHORD_UPDATE_TYPE_NEIGHBORS,
                                         .neighbors.predecessors = reload_writer_written(&list)};
    struct reload_writer writer = reload_writer_of(body, sizeof body);
    reload_chord_update_encode(&writer, &town->wire, &update);
    ck_assert(!writer.failed && !list.failed);
    return reload_writer_written(&writer);
}

static struct reload_bytes
update_of(const struct reload_node_id *ids, size_t count)
{
    return update_with(ids, count, 0);
}

static size_t
admitting_peer(size_t node)
{
    return town_owner(town, &town->nodes[node].id);
}

/* ---- Join (T1, T2) -------------------------------------------------------------------------- */

/* RFC6940-6.4.2.1: joining_peer_id must be the signer's. */
START_TEST(join_for_another)
{
    struct snapshot before = take_snapshot(1);
    ck_assert_int_eq(town_deliver(town, 1, PEERS, PEERS, RELOAD_MESSAGE_JOIN_REQ, join_of(3)),
                     RELOAD_E_FORBIDDEN);
    ck_unchanged(&before, 1);
}
END_TEST

/* RFC6940-6.4.2.1: it must come over the link that is bound to the joining node. */
START_TEST(join_over_another_link)
{
    size_t peer = admitting_peer(PEERS);
    town_link(town, PEERS, peer, false);
    struct snapshot before = take_snapshot(peer);
    size_t other = peer == 2 ? 3 : 2;
    ck_assert_int_eq(
        town_deliver(town, peer, other, PEERS, RELOAD_MESSAGE_JOIN_REQ, join_of(PEERS)),
        RELOAD_E_FORBIDDEN);
    ck_unchanged(&before, peer);
    /* The same by its own link is taken. */
    ck_assert_int_eq(
        town_deliver(town, peer, PEERS, PEERS, RELOAD_MESSAGE_JOIN_REQ, join_of(PEERS)), 0);
    ck_assert(reload_chord_admit_is_pending(chord_of(peer),
                                            reload_chord_place_of(&town->nodes[PEERS].id)));
}
END_TEST

/* Attack row T3, D7: not in (predecessor, admitting peer]. */
START_TEST(join_at_the_wrong_place)
{
    for (size_t peer = 0; peer < PEERS; peer++) {
        if (peer == admitting_peer(PEERS))
            continue;
        town_link(town, PEERS, peer, false);
        struct snapshot before = take_snapshot(peer);
        ck_assert_int_eq(
            town_deliver(town, peer, PEERS, PEERS, RELOAD_MESSAGE_JOIN_REQ, join_of(PEERS)),
            RELOAD_E_NOT_FOUND);
        ck_unchanged(&before, peer);
    }
}
END_TEST

START_TEST(one_join_at_a_time)
{
    size_t peer = admitting_peer(PEERS), second = town_add(town, false);
    while (admitting_peer(second) != peer)
        second = town_add(town, false);
    town_link(town, PEERS, peer, false);
    town_link(town, second, peer, false);
    ck_assert_int_eq(
        town_deliver(town, peer, PEERS, PEERS, RELOAD_MESSAGE_JOIN_REQ, join_of(PEERS)), 0);
    ck_assert_int_eq(
        town_deliver(town, peer, second, second, RELOAD_MESSAGE_JOIN_REQ, join_of(second)),
        RELOAD_E_IN_PROGRESS);
    /* Twice is once. */
    ck_assert_int_eq(
        town_deliver(town, peer, PEERS, PEERS, RELOAD_MESSAGE_JOIN_REQ, join_of(PEERS)), 0);
    ck_assert(reload_chord_admit_is_pending(chord_of(peer),
                                            reload_chord_place_of(&town->nodes[PEERS].id)));
}
END_TEST

/* Who was never asked by the joining node cannot make it believe that it is in the ring. */
START_TEST(nobody_is_placed_without_asking)
{
    struct reload_bytes update = update_of(&town->nodes[PEERS].id, 1);
    ck_assert_int_eq(town_deliver(town, PEERS, 1, 1, RELOAD_MESSAGE_UPDATE_REQ, update), 0);
    town_run(town, 10 * RELOAD_SECOND);
    ck_assert(!town->nodes[PEERS].joined);
    struct reload_node_id id = town->nodes[PEERS].id;
    ck_assert(!reload_chord.is_responsible(chord_of(PEERS), &id));
}
END_TEST

/* ---- Leave (T4) ----------------------------------------------------------------------------- */

START_TEST(leave_for_another)
{
    struct snapshot before = take_snapshot(1);
    ck_assert_int_eq(town_deliver(town, 1, 3, 3, RELOAD_MESSAGE_LEAVE_REQ, leave_of(2)),
                     RELOAD_E_FORBIDDEN);
    ck_unchanged(&before, 1);
}
END_TEST

START_TEST(leave_over_another_link)
{
    struct snapshot before = take_snapshot(1);
    ck_assert_int_eq(town_deliver(town, 1, 3, 2, RELOAD_MESSAGE_LEAVE_REQ, leave_of(2)),
                     RELOAD_E_FORBIDDEN);
    ck_unchanged(&before, 1);
    ck_assert_int_eq(town_deliver(town, 1, 2, 2, RELOAD_MESSAGE_LEAVE_REQ, leave_of(2)), 0);
    ck_assert_uint_eq(take_snapshot(1).count, before.count - 1);
}
END_TEST

/* ---- Update (T5, T6) ------------------------------------------------------------------------ */

/* Thousands of invented neighbours, ourselves, zeros, wildcards: a bounded number of Attaches, and
 * nobody gets into the table. */
START_TEST(invented_neighbors)
{
    static struct reload_node_id invented[4000];
    for (size_t i = 0; i < 4000; i++)
        reload_prng_fill(&town->prng, invented[i].octets, 16);
    invented[0] = town->nodes[1].id;
    memset(invented[1].octets, 0, 16);
    memset(invented[2].octets, 0xff, 16);
    struct snapshot before = take_snapshot(1);
    uint64_t requests = town->requests;
    for (int round = 0; round < 200; round++) {
        for (size_t i = 3; i < 4000; i++)
            invented[i].octets[round % 16] = (uint8_t)(invented[i].octets[round % 16] + 1);
        struct reload_bytes update = update_of(invented, 4000);
        ck_assert_int_eq(town_deliver(town, 1, 2, 2, RELOAD_MESSAGE_UPDATE_REQ, update), 0);
        ck_assert_uint_le(attempts(1), RELOAD_CHORD_ATTEMPTS_MAX);
        town_run(town, 50 * RELOAD_MS);
    }
    ck_unchanged(&before, 1);
    /* 10 s: a burst of 64, one more each half second, and what goes on anyhow. */
    ck_assert_uint_ge(town->requests - requests, 8);
    ck_assert_uint_le(town->requests - requests, 64 + 20 + 20);
}
END_TEST

/* D3: a signed Update that came another way makes nobody a peer. */
START_TEST(routed_update_is_a_hint)
{
    struct snapshot before = take_snapshot(1);
    struct reload_bytes update = update_of(NULL, 0);
    ck_assert_int_eq(town_deliver(town, 1, 2, PEERS, RELOAD_MESSAGE_UPDATE_REQ, update), 0);
    ck_unchanged(&before, 1);
    town_run(town, 20 * RELOAD_SECOND);
    ck_unchanged(&before, 1);
    /* Over its own link it does. */
    ck_assert_int_eq(town_deliver(town, 1, PEERS, PEERS, RELOAD_MESSAGE_UPDATE_REQ, update), 0);
    ck_assert_uint_eq(take_snapshot(1).count, before.count + 1);
}
END_TEST

START_TEST(own_name_is_refused)
{
    struct reload_bytes update = update_of(NULL, 0);
    ck_assert_int_eq(town_deliver(town, 1, 2, 1, RELOAD_MESSAGE_UPDATE_REQ, update),
                     RELOAD_E_FORBIDDEN);
}
END_TEST

/* ---- eclipse and lies (T7, T15) ------------------------------------------------------------- */

/* Three of eight name nobody but each other, again and again: the victim keeps its neighbours, and
 * they keep it. */
START_TEST(colluders_name_each_other)
{
    const size_t victim = 1;
    struct reload_node_id colluders[] = {town->nodes[2].id, town->nodes[4].id, town->nodes[6].id};
    struct snapshot before = take_snapshot(victim);
    for (int round = 0; round < 60; round++) {
        for (size_t node = 2; node <= 6; node += 2)
            ck_assert_int_eq(town_deliver(town, victim, node, node, RELOAD_MESSAGE_UPDATE_REQ,
                                          update_of(colluders, 3)),
                             0);
        town_run(town, RELOAD_SECOND);
        ck_unchanged(&before, victim);
    }
    for (size_t node = 0; node < PEERS; node++)
        if (node != victim)
            ck_assert_ptr_nonnull(reload_chord_table_find(
                &chord_of(node)->table, reload_chord_place_of(&town->nodes[victim].id)));
}
END_TEST

/* How long somebody says that he has been up changes nothing: neither what a member counts for, nor
 * the place that somebody new gets. */
START_TEST(uptime_is_no_merit)
{
    static const uint32_t uptimes_s[] = {0, 59, 1000000000, UINT32_MAX};
    struct reload_node_id self = town->nodes[1].id, newcomer = town->nodes[PEERS].id;
    struct snapshot before = take_snapshot(1);
    ck_assert_int_eq(town_deliver(town, 1, 2, 2, RELOAD_MESSAGE_UPDATE_REQ,
                                  update_with(&self, 1, uptimes_s[_i])),
                     0);
    town_run(town, 10 * RELOAD_SECOND);
    ck_unchanged(&before, 1);
    ck_assert_int_eq(town_deliver(town, 1, PEERS, PEERS, RELOAD_MESSAGE_UPDATE_REQ,
                                  update_with(&self, 1, uptimes_s[_i])),
                     0);
    const struct reload_chord_table *table = &chord_of(1)->table;
    ck_assert_uint_eq(table->count, before.count + 1);
    for (size_t i = 0, seen = 0; i < table->count; i++)
        if (reload_chord_equal(reload_chord_table_place(table, &table->peers[i]),
                               reload_chord_place_of(&newcomer)))
            seen = 1;
        else /* the others, in their order */
            ck_assert(reload_chord_equal(table->peers[i].distance, before.peers[i - seen]));
}
END_TEST

/* ---- routing (R10, R13, R14, R16) -------------------------------------------------------------
 */

/* RFC6940-6.5.1: who only attached is never routed through. */
START_TEST(attached_is_not_a_peer)
{
    struct reload_chord_place place = reload_chord_place_of(&town->nodes[PEERS].id);
    ck_assert_uint_ne(reload_node_link_to(&town->nodes[1], &town->nodes[PEERS].id), 0);
    ck_assert_ptr_null(reload_chord_table_find(&chord_of(1)->table, place));
    for (int i = 0; i < 1000; i++) {
        struct reload_node_id id = {{0}}, next;
        reload_prng_fill(&town->prng, id.octets, 16);
        if (i % 2)
            id = reload_chord_node_id_of(reload_chord_after(place));
        enum reload_hop hop = reload_chord.next_hop(chord_of(1), &id, 0, &next);
        ck_assert(hop != RELOAD_HOP_LINK || !reload_node_id_equal(&next, &town->nodes[PEERS].id));
    }
}
END_TEST

/* Nor does it forward anything for others. */
START_TEST(not_joined_forwards_nothing)
{
    struct reload_node_id id = town->nodes[4].id, next;
    uint32_t link = reload_node_link_to(&town->nodes[PEERS], &town->nodes[1].id);
    ck_assert_int_eq(reload_chord.next_hop(chord_of(PEERS), &id, link, &next), RELOAD_HOP_NONE);
}
END_TEST

/* R14: never back over the link it came by, never to ourselves. R10: what lies in our range is ours
 * to answer or to drop, not to forward. */
START_TEST(next_hop_is_another)
{
    for (size_t node = 0; node < PEERS; node++)
        for (int i = 0; i < 1000; i++) {
            struct reload_node_id id = {{0}}, next;
            reload_prng_fill(&town->prng, id.octets, 16);
            size_t from = reload_prng_below(&town->prng, PEERS);
            uint32_t link = reload_node_link_to(&town->nodes[node], &town->nodes[from].id);
            enum reload_hop hop = reload_chord.next_hop(chord_of(node), &id, link, &next);
            bool own = town_owner(town, &id) == node;
            ck_assert_int_eq(hop == RELOAD_HOP_SELF, own);
            ck_assert_int_eq(reload_chord.is_responsible(chord_of(node), &id), own);
            if (hop != RELOAD_HOP_LINK)
                continue;
            ck_assert(!reload_node_id_equal(&next, &town->nodes[node].id));
            ck_assert(link == 0 || !reload_node_id_equal(&next, &town->nodes[from].id));
        }
}
END_TEST

static int
query(struct reload_destination destination, bool send_update)
{
    struct reload_writer writer = reload_writer_of(body, sizeof body);
    struct reload_route_query_req request = {.send_update = send_update,
                                             .destination = destination};
    reload_route_query_req_encode(&writer, &town->wire, &request);
    return town_deliver(town, 1, 2, 2, RELOAD_MESSAGE_ROUTE_QUERY_REQ,
                        reload_writer_written(&writer));
}

START_TEST(route_queries_are_bounded)
{
    struct reload_destination destination = {.type = RELOAD_DESTINATION_TYPE_NODE,
                                             .destination_data.node_id = town->nodes[5].id};
    uint64_t requests = town->requests;
    for (int i = 0; i < 500; i++)
        ck_assert_int_eq(query(destination, true), 0);
    ck_assert_uint_ge(town->requests - requests, 1);
    ck_assert_uint_le(town->requests - requests, 32);
    static const uint8_t opaque[] = {1, 2, 3};
    destination = (struct reload_destination){.type = RELOAD_DESTINATION_TYPE_OPAQUE_ID_TYPE,
                                              .destination_data.opaque_id = {opaque, 3}};
    ck_assert_int_eq(query(destination, false), RELOAD_E_FORBIDDEN);
    /* D6: Resource-IDs have 16 octets. */
    destination = (struct reload_destination){.type = RELOAD_DESTINATION_TYPE_RESOURCE,
                                              .destination_data.resource_id = {opaque, 3}};
    ck_assert_int_eq(query(destination, false), RELOAD_E_MALFORMED);
}
END_TEST

/* ---- malformed ------------------------------------------------------------------------------ */

static const uint16_t codes[] = {RELOAD_MESSAGE_JOIN_REQ, RELOAD_MESSAGE_LEAVE_REQ,
                                 RELOAD_MESSAGE_UPDATE_REQ, RELOAD_MESSAGE_ROUTE_QUERY_REQ};

START_TEST(cut_bodies)
{
    struct snapshot before = take_snapshot(1);
    for (size_t c = 0; c < 3; c++) {
        struct reload_bytes whole = c == 0   ? join_of(2)
                                    : c == 1 ? leave_of(2)
                                             : update_of(&town->nodes[3].id, 1);
        static uint8_t copy[256];
        ck_assert_uint_lt(whole.size, sizeof copy - 1);
        memcpy(copy, whole.data, whole.size);
        for (size_t size = 0; size < whole.size; size++)
            ck_assert_int_eq(
                town_deliver(town, 1, 2, 2, codes[c], (struct reload_bytes){copy, size}),
                RELOAD_E_MALFORMED);
        copy[whole.size] = 0;
        ck_assert_int_eq(
            town_deliver(town, 1, 2, 2, codes[c], (struct reload_bytes){copy, whole.size + 1}),
            RELOAD_E_MALFORMED);
        ck_unchanged(&before, 1);
    }
}
END_TEST

START_TEST(random_bodies)
{
    struct snapshot before = take_snapshot(1);
    for (int i = 0; i < 20000; i++) {
        size_t size = reload_prng_below(&town->prng, 80);
        reload_prng_fill(&town->prng, body, size);
        if (size > 4)
            body[4] &= 3; /* an Update's type */
        (void)town_deliver(town, 1, 2, 2, codes[i % 4], (struct reload_bytes){body, size});
    }
    ck_unchanged(&before, 1);
    ck_assert_int_eq(
        town_deliver(town, 1, 2, 2, RELOAD_MESSAGE_PING_ANS, (struct reload_bytes){body, 0}),
        RELOAD_E_MALFORMED);
}
END_TEST

/* D6: other lengths of Node-IDs are refused at once. */
START_TEST(other_id_lengths_are_refused)
{
    struct town *other = town_new(&reload_chord, 1);
    struct reload_node *node = &other->nodes[0];
    other->config.node_id_length = 20;
    *node = (struct reload_node){.town = other};
    void *state = calloc(1, reload_chord.size);
    ck_assert_int_eq(reload_chord.init(state, node, 0), RELOAD_E_CONFIG);
    free(state);
    town_free(other);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("chord_attack");
    TCase *tests = tcase_create("attacks");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, join_for_another);
    tcase_add_test(tests, join_over_another_link);
    tcase_add_test(tests, join_at_the_wrong_place);
    tcase_add_test(tests, one_join_at_a_time);
    tcase_add_test(tests, nobody_is_placed_without_asking);
    tcase_add_test(tests, leave_for_another);
    tcase_add_test(tests, leave_over_another_link);
    tcase_add_test(tests, invented_neighbors);
    tcase_add_test(tests, routed_update_is_a_hint);
    tcase_add_test(tests, own_name_is_refused);
    tcase_add_test(tests, colluders_name_each_other);
    tcase_add_loop_test(tests, uptime_is_no_merit, 0, 4);
    tcase_add_test(tests, attached_is_not_a_peer);
    tcase_add_test(tests, not_joined_forwards_nothing);
    tcase_add_test(tests, next_hop_is_another);
    tcase_add_test(tests, route_queries_are_bounded);
    tcase_add_test(tests, cut_bodies);
    tcase_add_test(tests, random_bodies);
    tcase_add_test(tests, other_id_lengths_are_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
