/* ring_periodic_test.c: rings without reactive recovery (chord-reactive false): neighbours hear of
 * changes at the next stabilisation only, unless a range changed, and lost fingers are searched for
 * at the next Ping. The ring heals all the same, as soon as with it.
 *
 * RFC 6940 10.7.1, 10.7.4. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"

#define HEALED_WITHIN SIM_SECONDS(60)
#define PEERS 24

static struct sim *s;

static void
periodic(struct reload_config *config, uint32_t overlay)
{
    (void)overlay;
    config->chord_reactive = false;
}

static void
begin(uint64_t seed)
{
    struct sim_options options = ring_options();
    options.configure = periodic;
    s = sim_new(seed, &options);
    ring_grow(s, PEERS);
    sim_run_for(s, SIM_SECONDS(sim_config(s, 0)->chord_update_interval_s));
}

/* More in a row than anybody has successors: whoever is before them knows nobody behind them. */
START_TEST(row_of_peers_dies)
{
    begin((uint64_t)_i);
    uint32_t first = sim_successor_of(s, 1, 1), victims[8];
    for (uint32_t i = 0; i < 8; i++)
        victims[i] = sim_successor_of(s, first, i);
    for (uint32_t i = 0; i < 8; i++)
        if (victims[i] > 1)
            sim_kill(s, victims[i]);
    wait_until_whole(s, HEALED_WITHIN);
    sim_free(s);
}
END_TEST

START_TEST(peers_come_and_go)
{
    begin((uint64_t)_i);
    for (uint32_t i = 2; i < 14; i++) {
        if (i % 3 == 0)
            sim_kill(s, i);
        else if (i % 3 == 1)
            sim_leave(s, i);
        else
            (void)sim_add_node(s, NULL);
        sim_run_for(s, SIM_MS(400));
    }
    wait_until_whole(s, HEALED_WITHIN);
    sim_free(s);
}
END_TEST

START_TEST(split_ring_merges)
{
    begin((uint64_t)_i);
    for (uint32_t i = 0; i < PEERS; i++)
        sim_partition(s, i, i % 2);
    sim_run_for(s, SIM_MINUTES(5));
    ck_assert(!sim_is_whole(s, NULL));
    sim_heal_all(s);
    wait_until_whole(s, HEALED_WITHIN);
    sim_free(s);
}
END_TEST

static const struct named_test tests[] = {
    {&row_of_peers_dies, 1, 8},
    {&peers_come_and_go, 1, 8},
    {&split_ring_merges, 1, 8},
};

int
main(void)
{
    return run_tests("ring_periodic", tests, sizeof tests / sizeof *tests);
}
