/* chord_sim_test.c: rings on the real core, in virtual time: simultaneous joins, deaths, leaves,
 * splits, and whether the data follows.
 *
 * RFC 6940 10. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/base/prng.h"
#include "tools/sim/sim.h"
#include "tools/sim/sim_chord.h"
#include "tools/sim/sim_copies.h"
#include "topology/chord.h"
#include "topology/chord_state.h"

#include <check.h>
#include <stdlib.h>

#define SLOTS 4 /* values that each peer stores */
#ifdef __SANITIZE_ADDRESS__
#define HISTORIES 8 /* the same ones take ten times as long */
#else
#define HISTORIES 40
#endif

static void
configure(struct reload_config *config, uint32_t overlay)
{
    (void)overlay;
    config->chord_update_interval_s = 60;
    config->chord_ping_interval_s = 120;
}

static struct sim *
world(uint64_t seed, enum sim_links links)
{
    return sim_new(seed, &(struct sim_options){.topology = &reload_chord,
                                               .successor = sim_chord_successor,
                                               .configure = configure,
                                               .links = links});
}

static void
wait_whole(struct sim *s, uint64_t limit_s)
{
    bool whole = sim_run_until(s, sim_is_whole, NULL, SIM_SECONDS(limit_s));
    if (!whole)
        (void)sim_ring_is_whole(s, 0, stdout);
    ck_assert_msg(whole, "the ring is not whole after %u s", (unsigned)limit_s);
}

static struct sim *
ring(uint32_t count, uint64_t seed, enum sim_links links)
{
    struct sim *s = world(seed, links);
    (void)sim_add_nodes(s, 0, count, SIM_MS(500));
    wait_whole(s, 60);
    sim_run_for(s, SIM_SECONDS(20));
    return s;
}

static const struct reload_chord *
chord_of(struct sim *s, uint32_t node)
{
    return reload_node_topology(sim_node(s, node));
}

static void
store_all(struct sim *s, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        for (uint8_t slot = 1; slot <= SLOTS; slot++)
            ck_assert_int_eq(sim_store(s, i, slot, "a value").error, 0);
}

/* All values of the first |count| nodes, dead ones' too, are still to be had. */
static void
fetch_all(struct sim *s, uint32_t count)
{
    uint32_t reader = 0;
    for (uint32_t i = 0; i < count; i++)
        for (uint8_t slot = 1; slot <= SLOTS; slot++) {
            do
                reader = (reader + 1) % sim_node_count(s);
            while (!sim_is_alive(s, reader));
            struct sim_outcome got = sim_fetch(s, reader, i, slot);
            ck_assert_msg(sim_text(&got, "a value"), "slot %u of node %u: %s", slot, i,
                          reload_error_text(got.error));
        }
}

/* Small rings are a full mesh, over all kinds of links, also when all start at once. */
START_TEST(small_rings)
{
    for (uint32_t size = 1; size <= 8; size++) {
        struct sim *s = world(size, (enum sim_links)_i);
        (void)sim_add_nodes(s, 0, size, 0);
        wait_whole(s, 60);
        sim_run_for(s, SIM_SECONDS(60));
        ck_assert(sim_is_whole(s, NULL));
        for (uint32_t i = 0; i < size; i++) {
            ck_assert_uint_eq(chord_of(s, i)->table.count, size - 1);
            ck_assert_uint_eq(sim_event_count(s, i, RELOAD_EVENT_LINK_DOWN), 0);
        }
        sim_free(s);
    }
}
END_TEST

START_TEST(ring_of_fifty)
{
    struct sim *s = ring(50, 50, SIM_LINKS_MESSAGES);
    for (uint32_t i = 0; i < 50; i++) {
        const struct reload_chord *chord = chord_of(s, i);
        ck_assert(chord->successor_confirmed);
        ck_assert_uint_ge(reload_chord_table_neighbors(&chord->table), 5);
        ck_assert_uint_eq(sim_event_count(s, i, RELOAD_EVENT_JOIN_FAILED), 0);
        ck_assert_uint_eq(sim_event_count(s, i, RELOAD_EVENT_JOINED), 1);
    }
    sim_free(s);
}
END_TEST

/* The data is where it belongs after two and eight joins at the same time. */
START_TEST(simultaneous_joins)
{
    struct sim *s = ring(10, 60 + (uint64_t)_i, (enum sim_links)_i);
    store_all(s, 10);
    (void)sim_add_nodes(s, 0, 2, 0);
    wait_whole(s, 30);
    fetch_all(s, 10);
    (void)sim_add_nodes(s, 0, 8, 0);
    wait_whole(s, 60);
    fetch_all(s, 10);
    sim_free(s);
}
END_TEST

START_TEST(neighbors_die)
{
    struct sim *s = ring(12, 70 + (uint64_t)_i, (enum sim_links)_i);
    store_all(s, 12);
    for (uint32_t round = 0; round < 3; round++) {
        /* Two neighbours at once: one copy of three is left of what the first had. */
        uint32_t first = 1 + 3 * round;
        while (!sim_is_alive(s, first))
            first++;
        uint32_t second = sim_successor_of(s, first, 1);
        sim_kill(s, first);
        if (second != 0)
            sim_kill(s, second);
        wait_whole(s, 60);
        sim_run_for(s, SIM_SECONDS(60)); /* the hold-down, and the copies */
        fetch_all(s, 12);
    }
    sim_free(s);
}
END_TEST

START_TEST(peers_leave)
{
    struct sim *s = ring(10, 80 + (uint64_t)_i, (enum sim_links)_i);
    store_all(s, 10);
    for (uint32_t node = 9; node >= 3; node--) {
        sim_leave(s, node);
        wait_whole(s, 5);
        fetch_all(s, 10);
        sim_run_for(s, SIM_SECONDS(5));
    }
    sim_free(s);
}
END_TEST

/* A node that is back before anybody missed it. */
START_TEST(restart_before_it_is_missed)
{
    struct sim *s = ring(10, 90 + (uint64_t)_i, (enum sim_links)_i);
    for (uint32_t node = 1; node < 10; node += 2) {
        sim_kill(s, node);
        sim_run_for(s, SIM_MS(300));
        sim_restart(s, node);
    }
    wait_whole(s, 90);
    sim_free(s);
}
END_TEST

/* Attack row T11, D5: each part goes on by itself; afterwards there is one ring, with all the data.
 */
START_TEST(split_and_merge)
{
    struct sim *s = ring(16, 100 + (uint64_t)_i, (enum sim_links)_i);
    store_all(s, 16);
    for (uint32_t i = 0; i < 16; i++)
        sim_partition(s, i, i % 2);
    sim_run_for(s, SIM_SECONDS(90));
    ck_assert(!sim_is_whole(s, NULL));
    for (uint32_t i = 0; i < 16; i++)
        sim_partition(s, i, 0);
    wait_whole(s, 400);
    sim_run_for(s, SIM_SECONDS(60));
    fetch_all(s, 16);
    sim_free(s);
}
END_TEST

/* What one part of a split ring stored reaches all copies when the ring is one again, also those at
 * peers of the other part. Found by reload-sim check, seeds 66 and 131. */
START_TEST(newest_values_win_everywhere)
{
    uint32_t count = _i % 2 ? 7 : 12;
    struct sim *s = ring(count, 170 + (uint64_t)_i, (enum sim_links)_i);
    store_all(s, count);
    for (uint32_t i = 0; i < count; i++)
        sim_partition(s, i, i % 2);
    sim_run_for(s, SIM_SECONDS(90));
    for (uint32_t i = 0; i < count; i++)
        ck_assert_int_eq(sim_store(s, i, 1, "newer").error, 0);
    for (uint32_t i = 0; i < count; i++)
        sim_partition(s, i, 0);
    wait_whole(s, 120);
    sim_run_for(s, SIM_SECONDS(120));
    for (uint32_t i = 0; i < count; i++) {
        uint8_t octets[16];
        uint64_t newest;
        sim_slot_resource(s, i, 1, octets);
        struct reload_bytes resource = {octets, sizeof octets};
        (void)sim_copies(s, resource, 0, &newest);
        ck_assert_msg(sim_copies(s, resource, newest, NULL) >= 3, "of node %u", i);
        struct sim_outcome got = sim_fetch(s, count - 1 - i, i, 1);
        ck_assert_msg(sim_text(&got, "newer"), "of node %u: %s, old %d, n %u", i,
                      reload_error_text(got.error), sim_text(&got, "a value"), 0);
        /* The three that should hold it do. */
        uint32_t owner = sim_responsible(s, 0, resource);
        for (uint32_t k = 0; k < 3; k++)
            ck_assert_uint_eq(sim_copy_at(s, sim_successor_of(s, owner, k), resource), newest);
    }
    sim_free(s);
}
END_TEST

/* Attack row T11: with the default intervals of ten minutes, too, the parts of a ring that was
 * split for long find each other within a minute (D53). Found by reload-sim check, seed 1. */
START_TEST(long_split_heals_soon)
{
    struct sim *s = sim_new(120 + (uint64_t)_i, &(struct sim_options){
                                                    .topology = &reload_chord,
                                                    .successor = sim_chord_successor,
                                                    .links = (enum sim_links)_i,
                                                });
    (void)sim_add_nodes(s, 0, 16, SIM_MS(500));
    wait_whole(s, 60);
    for (uint32_t i = 0; i < 16; i++)
        sim_partition(s, i, i % 2);
    sim_run_for(s, SIM_SECONDS(1200));
    for (uint32_t i = 0; i < 16; i++)
        sim_partition(s, i, 0);
    wait_whole(s, 60);
    sim_free(s);
}
END_TEST

/* Attack row T13: all restart within a second, and wait for each other: the first-node, which meets
 * no peer, founds the overlay once more (D54). */
START_TEST(all_restart_at_once)
{
    uint32_t count = 2 + 12 * (uint32_t)_i;
    struct sim *s = ring(count, 130 + (uint64_t)_i, SIM_LINKS_MIXED);
    for (uint32_t i = 0; i < count; i++)
        sim_kill(s, i);
    sim_run_for(s, SIM_SECONDS(1));
    for (uint32_t i = count; i-- > 0;) {
        sim_restart(s, i);
        sim_run_for(s, SIM_MS(1000 / count));
    }
    wait_whole(s, 120);
    sim_free(s);
}
END_TEST

/* A peer that was left alone keeps what it has, and hands it over when it joins again. Found by
 * reload-sim check, seed 85. */
START_TEST(data_of_a_peer_left_alone)
{
    uint32_t count = 2 + 3 * (uint32_t)_i;
    struct sim *s = ring(count, 150 + (uint64_t)_i, SIM_LINKS_MESSAGES);
    store_all(s, count);
    sim_run_for(s, SIM_SECONDS(20));
    for (uint32_t i = 0; i < count; i++)
        sim_partition(s, i, (uint8_t)i);
    sim_run_for(s, SIM_SECONDS(60));
    sim_kill(s, 0); /* it loses its own */
    sim_restart(s, 0);
    for (uint32_t i = 0; i < count; i++)
        sim_partition(s, i, 0);
    wait_whole(s, 200);
    sim_run_for(s, SIM_SECONDS(30));
    fetch_all(s, count);
    sim_free(s);
}
END_TEST

/* The only bootstrap node that is left has fallen out of the ring: it comes back through a peer
 * that looks for other parts of the ring at it. Found by reload-sim check, seeds 134 and 250. */
START_TEST(last_bootstrap_node_fell_out)
{
    struct sim *s = ring(10, 160, SIM_LINKS_MESSAGES);
    sim_partition(s, 1, 1);
    sim_kill(s, 0);
    sim_kill(s, 2);
    sim_kill(s, 3);
    sim_run_for(s, SIM_SECONDS(120));
    ck_assert(!sim_is_joined(s, 1));
    sim_partition(s, 1, 0);
    wait_whole(s, 120);
    ck_assert(sim_is_joined(s, 1));
    sim_free(s);
}
END_TEST

/* Attack row T12: likewise, but the first-node never returns: the others look for it for ever. */
START_TEST(nobody_else_founds)
{
    struct sim *s = ring(5, 140, SIM_LINKS_MESSAGES);
    for (uint32_t i = 0; i < 5; i++)
        sim_kill(s, i);
    for (uint32_t i = 1; i < 5; i++)
        sim_restart(s, i);
    for (int minute = 0; minute < 20; minute++) {
        sim_run_for(s, SIM_SECONDS(60));
        for (uint32_t i = 1; i < 5; i++)
            ck_assert(!sim_is_joined(s, i));
    }
    sim_restart(s, 0);
    wait_whole(s, 120);
    sim_free(s);
}
END_TEST

/* Attack row T9: whoever dies at whatever moment of a join, the ring stays one. */
START_TEST(somebody_dies_during_a_join)
{
    for (uint32_t step = 0; step < 16; step++) {
        struct sim *s = ring(7, 110, SIM_LINKS_MIXED);
        uint32_t joining = sim_add_node(s, NULL);
        sim_run_for(s, step * SIM_MS(50));
        struct reload_bytes place = reload_node_id_bytes(sim_node_id(s, joining), 16);
        uint32_t admitting = sim_responsible(s, 0, place);
        if (_i == 0)
            sim_kill(s, joining);
        else if (admitting != joining && admitting != 0)
            sim_kill(s, admitting);
        wait_whole(s, 90);
        sim_free(s);
    }
}
END_TEST

/* ---- anything may happen ----------------------------------------------------------------------
 */

static uint32_t
alive(const struct sim *s)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < sim_node_count(s); i++)
        count += sim_is_alive(s, i);
    return count;
}

static void
disturb(struct sim *s, struct reload_prng *prng)
{
    uint32_t a = 1 + (uint32_t)reload_prng_below(prng, sim_node_count(s) - 1);
    uint32_t b = (uint32_t)reload_prng_below(prng, sim_node_count(s));
    bool few = alive(s) <= 3;
    switch (reload_prng_below(prng, 9)) {
    case 0:
        if (!few && sim_is_alive(s, a))
            sim_kill(s, a);
        break;
    case 1:
        if (!few && sim_is_alive(s, a) && sim_is_joined(s, a))
            sim_leave(s, a);
        break;
    case 2:
        if (a == b || !sim_is_alive(s, a) || !sim_is_alive(s, b))
            break;
        sim_cut(s, a, b);
        sim_run_for(s, SIM_MS(reload_prng_below(prng, 20000)));
        sim_heal(s, a, b);
        break;
    case 3:
        if (!sim_is_alive(s, a))
            sim_restart(s, a);
        break;
    default:
        if (sim_node_count(s) < 50)
            (void)sim_add_node(s, NULL);
        break;
    }
    sim_run_for(s, SIM_MS(reload_prng_below(prng, 4000)));
}

START_TEST(random_histories)
{
    for (uint64_t seed = 1; seed <= HISTORIES; seed++) {
        struct reload_prng prng = reload_prng_of(seed);
        struct sim *s = world(seed, (enum sim_links)_i);
        (void)sim_add_nodes(s, 0, 2 + (uint32_t)reload_prng_below(&prng, 10),
                            SIM_MS(reload_prng_below(&prng, 500)));
        if (_i != SIM_LINKS_MESSAGES)
            sim_set_loss(s, 20000);
        for (int i = 0; i < 30; i++)
            disturb(s, &prng);
        bool whole = sim_run_until(s, sim_is_whole, NULL, SIM_SECONDS(90));
        ck_assert_msg(whole, "seed %u: not whole", (unsigned)seed);
        sim_run_for(s, SIM_SECONDS(30));
        ck_assert_msg(sim_is_whole(s, NULL), "seed %u: not whole any more", (unsigned)seed);
        sim_free(s);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("chord_sim");
    TCase *tests = tcase_create("rings");
    int links = SIM_LINKS_MIXED + 1;
    tcase_set_timeout(tests, 240);
    tcase_add_loop_test(tests, small_rings, 0, links);
    tcase_add_test(tests, ring_of_fifty);
    tcase_add_loop_test(tests, simultaneous_joins, 0, links);
    tcase_add_loop_test(tests, neighbors_die, 0, links);
    tcase_add_loop_test(tests, peers_leave, 0, links);
    tcase_add_loop_test(tests, restart_before_it_is_missed, 0, links);
    tcase_add_loop_test(tests, split_and_merge, 0, links);
    tcase_add_loop_test(tests, newest_values_win_everywhere, 0, links);
    tcase_add_loop_test(tests, long_split_heals_soon, 0, links);
    tcase_add_loop_test(tests, all_restart_at_once, 0, 3);
    tcase_add_loop_test(tests, data_of_a_peer_left_alone, 0, 2);
    tcase_add_test(tests, last_bootstrap_node_fell_out);
    tcase_add_test(tests, nobody_else_founds);
    tcase_add_loop_test(tests, somebody_dies_during_a_join, 0, 2);
    tcase_add_loop_test(tests, random_histories, 0, links);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
