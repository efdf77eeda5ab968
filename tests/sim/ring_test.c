/* ring_test.c: rings of real nodes in virtual time: they form, serve, heal, and replay.
 *
 * RFC 6940 6, 7, 10. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"

#include "tools/sim/sim_experiment.h"
#include "tools/sim/sim_random.h"

START_TEST(ring_of_n_forms)
{
    struct sim *s = ring_of((uint32_t)_i, 1);
    for (uint32_t i = 0; i < (uint32_t)_i; i++)
        ck_assert(sim_is_joined(s, i));
    sim_free(s);
}
END_TEST

START_TEST(peers_that_start_together_form_one_ring)
{
    struct sim_options options = ring_options();
    struct sim *s = sim_new((uint64_t)_i, &options);
    (void)sim_add_node(s, NULL);
    sim_run_for(s, SIM_SECONDS(2));
    (void)sim_add_nodes(s, 0, 15, 0);
    wait_until_whole(s, SIM_SECONDS(120));
    sim_free(s);
}
END_TEST

START_TEST(store_and_fetch_from_everywhere)
{
    struct sim *s = ring_of_links(8, 1, (enum sim_links)_i);
    for (uint32_t i = 0; i < 8; i++) {
        struct sim_outcome stored = sim_store(s, i, 1, "what was stored");
        ck_assert_msg(stored.error == 0, "node %u: %s", i, reload_error_text(stored.error));
    }
    for (uint32_t reader = 0; reader < 8; reader++)
        for (uint32_t owner = 0; owner < 8; owner++) {
            struct sim_outcome fetched = sim_fetch(s, reader, owner, 1);
            ck_assert_msg(sim_text(&fetched, "what was stored"), "%u from %u: %s, %zu values",
                          reader, owner, reload_error_text(fetched.error), fetched.value_count);
        }
    sim_free(s);
}
END_TEST

START_TEST(large_values_go_in_fragments)
{
    char text[SIM_VALUE_MAX + 1];
    memset(text, 'x', SIM_VALUE_MAX);
    text[SIM_VALUE_MAX] = 0;
    struct sim *s = ring_of_links(5, 1, SIM_LINKS_DATAGRAMS);
    for (uint32_t i = 0; i < 5; i++) {
        ck_assert_int_eq(sim_store(s, i, 1, text).error, 0);
        struct sim_outcome fetched = sim_fetch(s, (i + 2) % 5, i, 1);
        ck_assert(sim_text(&fetched, text));
    }
    sim_free(s);
}
END_TEST

START_TEST(nothing_is_there_before_it_is_stored_and_after_it_is_removed)
{
    struct sim *s = ring_of(5, 2);
    struct sim_outcome fetched = sim_fetch(s, 1, 2, 9);
    ck_assert_int_eq(fetched.error, 0);
    ck_assert(fetched.value_count == 0 || !fetched.exists);
    ck_assert_int_eq(sim_store(s, 2, 9, "here").error, 0);
    fetched = sim_fetch(s, 1, 2, 9);
    ck_assert(sim_text(&fetched, "here"));
    ck_assert_int_eq(sim_remove(s, 2, 9).error, 0);
    fetched = sim_fetch(s, 1, 2, 9);
    ck_assert_int_eq(fetched.error, 0);
    ck_assert(fetched.value_count == 0 || !fetched.exists);
    sim_free(s);
}
END_TEST

START_TEST(client_stores_and_fetches_without_joining)
{
    struct sim *s = ring_of(5, 3);
    uint32_t client = client_of(s);
    ck_assert_int_eq(sim_store(s, client, 1, "a client's").error, 0);
    struct sim_outcome fetched = sim_fetch(s, 2, client, 1);
    ck_assert(sim_text(&fetched, "a client's"));
    ck_assert_int_eq(sim_store(s, 3, 1, "a peer's").error, 0);
    fetched = sim_fetch(s, client, 3, 1);
    ck_assert(sim_text(&fetched, "a peer's"));
    ck_assert(sim_ring_is_whole(s, 0, stderr)); /* of the peers only */
    sim_free(s);
}
END_TEST

START_TEST(ring_closes_when_a_peer_dies)
{
    struct sim *s = ring_of(8, 4);
    for (uint32_t i = 0; i < 8; i++)
        ck_assert_int_eq(sim_store(s, i, 1, "kept").error, 0);
    sim_run_for(s, SIM_SECONDS(5));
    sim_kill(s, 3);
    wait_until_whole(s, SIM_SECONDS(60));
    for (uint32_t owner = 0; owner < 8; owner++) {
        struct sim_outcome fetched = sim_fetch(s, 5, owner, 1);
        ck_assert_msg(sim_text(&fetched, "kept"), "owner %u", owner);
    }
    sim_free(s);
}
END_TEST

/* V3: three copies outlive deaths that come one after another, and joins and leaves in between. */
START_TEST(values_survive_one_death_after_another)
{
    enum { PEERS = 12, SLOTS = 4 };
    struct sim *s = ring_of(PEERS, (uint64_t)_i);
    struct sim_random random = sim_random_fork((uint64_t)_i, 5);
    for (uint32_t i = 0; i < PEERS; i++)
        for (uint8_t slot = 1; slot <= SLOTS; slot++)
            ck_assert_int_eq(sim_store(s, i, slot, "kept through it all").error, 0);
    for (int round = 0; round < 8; round++) {
        uint32_t node = 0;
        while (node == 0 || !sim_is_alive(s, node))
            node = (uint32_t)sim_random_below(&random, sim_node_count(s));
        if (round % 4 == 3)
            sim_leave(s, node);
        else if (round % 4 == 1)
            (void)sim_add_node(s, NULL);
        else
            sim_kill(s, node);
        sim_run_for(s, SIM_SECONDS(20));
    }
    wait_until_whole(s, SIM_SECONDS(60));
    for (uint32_t i = 0; i < PEERS; i++)
        for (uint8_t slot = 1; slot <= SLOTS; slot++) {
            struct sim_outcome fetched = sim_fetch(s, 0, i, slot);
            ck_assert_msg(sim_text(&fetched, "kept through it all"), "slot %u of %u: %s, %zu", slot,
                          i, reload_error_text(fetched.error), fetched.value_count);
        }
    sim_free(s);
}
END_TEST

static bool
is_gone(struct sim *s, void *argument)
{
    return !sim_is_alive(s, *(uint32_t *)argument);
}

/* A peer goes when its Leaves are answered; only silence makes it wait for the whole deadline. */
START_TEST(leaving_takes_no_longer_than_it_must)
{
    struct sim *s = ring_of(8, 3);
    uint32_t quick = 2, slow = 5;
    sim_leave(s, quick);
    ck_assert(sim_run_until(s, is_gone, &quick, SIM_MS(600)));
    for (uint32_t i = 0; i < 8; i++)
        if (i != slow && i != quick)
            sim_cut(s, slow, i);
    sim_leave(s, slow);
    ck_assert(!sim_run_until(s, is_gone, &slow, SIM_SECONDS(2)));
    ck_assert(sim_run_until(s, is_gone, &slow, SIM_SECONDS(2)));
    sim_free(s);
}
END_TEST

START_TEST(peer_that_leaves_hands_over)
{
    struct sim *s = ring_of(6, 5);
    for (uint32_t i = 0; i < 6; i++)
        ck_assert_int_eq(sim_store(s, i, 1, "handed over").error, 0);
    sim_leave(s, 2);
    sim_run_for(s, SIM_SECONDS(4));
    ck_assert(!sim_is_alive(s, 2));
    wait_until_whole(s, SIM_SECONDS(30));
    for (uint32_t owner = 0; owner < 6; owner++) {
        struct sim_outcome fetched = sim_fetch(s, 0, owner, 1);
        ck_assert_msg(sim_text(&fetched, "handed over"), "owner %u", owner);
    }
    sim_free(s);
}
END_TEST

START_TEST(killed_peer_joins_again)
{
    struct sim *s = ring_of(6, 6);
    sim_kill(s, 4);
    wait_until_whole(s, SIM_SECONDS(60));
    sim_restart(s, 4);
    wait_until_whole(s, SIM_SECONDS(60));
    ck_assert(sim_is_joined(s, 4));
    sim_free(s);
}
END_TEST

/* A run of everything that a seed decides: joins, stores, a death. */
static uint64_t
run_of(uint64_t seed, enum sim_links links)
{
    struct sim_options options = ring_options();
    options.links = links;
    options.loss_ppm = 10000;
    struct sim *s = sim_new(seed, &options);
    (void)sim_add_nodes(s, 0, 8, SIM_MS(300));
    sim_run_for(s, SIM_SECONDS(20));
    (void)sim_store(s, 1, 1, "once more");
    sim_kill(s, 6);
    sim_run_for(s, SIM_SECONDS(20));
    uint64_t hash = sim_trace_hash(s);
    sim_free(s);
    return hash;
}

START_TEST(same_seed_same_trace)
{
    enum sim_links links = (enum sim_links)_i;
    uint64_t first = run_of(1, links);
    ck_assert_uint_eq(first, run_of(1, links));
    ck_assert_uint_ne(first, run_of(2, links));
}
END_TEST

START_TEST(experiment_finds_every_key)
{
    struct sim_experiment_options options = {
        .nodes = 16, .keys = 100, .lookups = 150, .seed = 1, .world = ring_options()};
    struct sim_experiment_result first, second;
    options.world.overlays = 2;
    options.world.links = (enum sim_links)_i;
    ck_assert_int_eq(sim_experiment_run(&options, &first), 0);
    ck_assert_uint_eq(first.joined, 32);
    ck_assert_uint_eq(first.stores_ok, 200);
    ck_assert_uint_eq(first.lookups_ok, 300);
    ck_assert(first.hops_mean > 0 && first.hops_mean < 4);
    ck_assert_uint_gt(first.memory_bytes_per_node, 0);
    ck_assert_int_eq(sim_experiment_run(&options, &second), 0);
    ck_assert_uint_eq(first.trace_hash, second.trace_hash);
}
END_TEST

START_TEST(experiment_finds_every_key_in_spite_of_losses)
{
    struct sim_experiment_options options = {
        .nodes = 50, .keys = 500, .lookups = 1000, .seed = (uint64_t)_i, .world = ring_options()};
    struct sim_experiment_result result;
    options.world.overlays = 1;
    options.world.links = SIM_LINKS_MIXED;
    options.world.loss_ppm = 50000;
    ck_assert_int_eq(sim_experiment_run(&options, &result), 0);
    ck_assert_uint_eq(result.stores_ok, 500);
    ck_assert_uint_eq(result.lookups_ok, 1000);
}
END_TEST

START_TEST(experiment_refuses_what_makes_no_sense)
{
    struct sim_experiment_options options = {
        .nodes = 2, .keys = 600, .lookups = 1, .seed = 1, .world = ring_options()};
    struct sim_experiment_result result;
    options.world.overlays = 1;
    ck_assert_int_eq(sim_experiment_run(&options, &result), RELOAD_E_USAGE);
    options.keys = 0;
    ck_assert_int_eq(sim_experiment_run(&options, &result), RELOAD_E_USAGE);
}
END_TEST

/* ---- nobody is left to ask (11.4) ------------------------------------------------------------ */

/* A peer whose only bootstrap node is dead, or who never had one, comes back after it was cut off:
 * it asks peers that it was linked with. Nobody else knows where to look for it. */
static void
come_back(struct sim_node_options lone)
{
    struct sim *s = ring_of(8, 114);
    uint32_t gateway = 7;
    lone.lone = true;
    lone.bootstrap = gateway;
    uint32_t node = sim_add_node(s, &lone);
    wait_until_whole(s, SIM_SECONDS(60));
    sim_run_for(s, SIM_SECONDS(60));
    sim_kill(s, gateway);
    sim_run_for(s, SIM_SECONDS(60));
    sim_partition(s, node, 1);
    sim_run_for(s, SIM_MINUTES(4));
    ck_assert(!sim_is_whole(s, NULL));
    sim_heal_all(s);
    wait_until_whole(s, SIM_SECONDS(60));
    sim_free(s);
}

START_TEST(peers_of_before_are_asked)
{
    come_back((struct sim_node_options){.bootstrap_given = true});
}
END_TEST

/* The founder goes on alone meanwhile, and then looks for the rest. */
START_TEST(founder_asks_peers_of_before)
{
    struct sim_options options = ring_options();
    struct sim *s = sim_new(115, &options);
    (void)sim_add_node(s, &(struct sim_node_options){.founder = true, .lone = true});
    for (uint32_t i = 1; i < 8; i++)
        (void)sim_add_node(s,
                           &(struct sim_node_options){.bootstrap_given = true, .bootstrap = i > 1});
    wait_until_whole(s, SIM_SECONDS(120));
    sim_run_for(s, SIM_SECONDS(60));
    sim_kill(s, 1); /* the only one that knows the founder */
    sim_run_for(s, SIM_SECONDS(60));
    sim_partition(s, 0, 1);
    sim_run_for(s, SIM_MINUTES(4));
    ck_assert(sim_is_joined(s, 0) && !sim_is_whole(s, NULL));
    sim_heal_all(s);
    wait_until_whole(s, SIM_SECONDS(60));
    sim_free(s);
}
END_TEST

static const struct named_test tests[] = {
    {&ring_of_n_forms, 1, 9},
    {&peers_that_start_together_form_one_ring, 1, 21},
    {&store_and_fetch_from_everywhere, SIM_LINKS_MESSAGES, SIM_LINKS_MIXED + 1},
    {&large_values_go_in_fragments, 0, 0},
    {&nothing_is_there_before_it_is_stored_and_after_it_is_removed, 0, 0},
    {&client_stores_and_fetches_without_joining, 0, 0},
    {&ring_closes_when_a_peer_dies, 0, 0},
    {&values_survive_one_death_after_another, 1, 11},
    {&leaving_takes_no_longer_than_it_must, 0, 0},
    {&peer_that_leaves_hands_over, 0, 0},
    {&killed_peer_joins_again, 0, 0},
    {&same_seed_same_trace, SIM_LINKS_MESSAGES, SIM_LINKS_MIXED + 1},
    {&experiment_finds_every_key, SIM_LINKS_MESSAGES, SIM_LINKS_DATAGRAMS + 1},
    {&experiment_finds_every_key_in_spite_of_losses, 1, 4},
    {&experiment_refuses_what_makes_no_sense, 0, 0},
    {&peers_of_before_are_asked, 0, 0},
    {&founder_asks_peers_of_before, 0, 0},
};

int
main(void)
{
    return run_tests("ring", tests, sizeof tests / sizeof *tests);
}
