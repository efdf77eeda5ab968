/* scenario_test.c: rings to which things happen by chance: peers come, go, die, return, get cut
 * off. When it is over, there is one whole ring again.
 *
 * RFC 6940 10.5-10.9. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"

#include "tools/sim/sim_random.h"

#define PEERS_MAX 24
#define HAPPENINGS 25

struct scenario {
    struct sim *sim;
    struct sim_random random;
    uint32_t peers;
    uint32_t cuts[4][2];
    unsigned cut_count;
};

/* Peer 0 founded the overlay and is everybody's first bootstrap node: it stays. */
static uint32_t
pick(struct scenario *scenario, bool alive)
{
    for (int tries = 0; tries < 50; tries++) {
        uint32_t node = (uint32_t)sim_random_between(&scenario->random, 1, scenario->peers - 1);
        if (sim_is_alive(scenario->sim, node) == alive)
            return node;
    }
    return 0;
}

static unsigned
count_alive(const struct scenario *scenario)
{
    unsigned alive = 0;
    for (uint32_t i = 0; i < scenario->peers; i++)
        alive += sim_is_alive(scenario->sim, i);
    return alive;
}

static void
cut_somebody(struct scenario *scenario)
{
    uint32_t a = pick(scenario, true), b = pick(scenario, true);
    if (scenario->cut_count == 4 || a == b)
        return;
    sim_cut(scenario->sim, a, b);
    scenario->cuts[scenario->cut_count][0] = a;
    scenario->cuts[scenario->cut_count++][1] = b;
}

static void
happen(struct scenario *scenario)
{
    struct sim *s = scenario->sim;
    uint32_t node;
    switch (sim_random_below(&scenario->random, 6)) {
    case 0:
    case 1:
        if (scenario->peers < PEERS_MAX)
            scenario->peers = sim_add_node(s, NULL) + 1;
        break;
    case 2:
        if (count_alive(scenario) > 3 && (node = pick(scenario, true)) != 0)
            sim_kill(s, node);
        break;
    case 3:
        if (count_alive(scenario) > 3 && (node = pick(scenario, true)) != 0)
            sim_leave(s, node);
        break;
    case 4:
        if ((node = pick(scenario, false)) != 0)
            sim_restart(s, node);
        break;
    default:
        cut_somebody(scenario);
        break;
    }
}

static void
live_through(uint64_t seed, enum sim_links links, uint64_t pause_max_ns)
{
    struct sim_options options = ring_options();
    options.links = links;
    options.loss_ppm = links == SIM_LINKS_MESSAGES ? 0 : 10000;
    struct scenario scenario = {.sim = sim_new(seed, &options),
                                .random = sim_random_fork(seed, 99)};
    struct sim *s = scenario.sim;
    scenario.peers = (uint32_t)sim_random_between(&scenario.random, 3, 12);
    (void)sim_add_nodes(s, 0, scenario.peers, SIM_MS(300));
    wait_until_whole(s, SIM_SECONDS(120));
    for (int i = 0; i < HAPPENINGS; i++) {
        happen(&scenario);
        sim_run_for(s, sim_random_between(&scenario.random, 0, pause_max_ns));
    }
    sim_heal_all(s);
    /* A minute after the last fault (reactive recovery), and what a node that gave up waits. */
    wait_until_whole(s, SIM_MINUTES(3));
    sim_free(s);
}

START_TEST(slow_changes)
{
    live_through((uint64_t)_i, SIM_LINKS_MESSAGES, SIM_SECONDS(20));
}
END_TEST

START_TEST(quick_changes)
{
    live_through((uint64_t)_i, SIM_LINKS_MESSAGES, SIM_SECONDS(2));
}
END_TEST

START_TEST(changes_over_frames)
{
    live_through((uint64_t)_i, SIM_LINKS_MIXED, SIM_SECONDS(10));
}
END_TEST

/* Seeds that found faults once, and which. They stay. */
static const struct {
    uint64_t seed;
    enum sim_links links;
    uint64_t pause_max_ns;
} found_rows[] = {
    {741, SIM_LINKS_MESSAGES, SIM_SECONDS(2)},   /* two bootstrap nodes, both out, waited for each
                                                    other */
    {818, SIM_LINKS_MESSAGES, SIM_SECONDS(2)},   /* tables kept peers that had fallen out */
    {517, SIM_LINKS_MESSAGES, SIM_SECONDS(2)},   /* likewise */
    {596, SIM_LINKS_MESSAGES, SIM_SECONDS(2)},   /* a goodbye that got lost */
    {677, SIM_LINKS_MESSAGES, SIM_SECONDS(20)},  /* lost neighbours were not tried again */
    {1112, SIM_LINKS_MESSAGES, SIM_SECONDS(20)}, /* likewise */
    {2639, SIM_LINKS_MESSAGES, SIM_SECONDS(20)}, /* likewise */
    {288, SIM_LINKS_MIXED, SIM_SECONDS(10)},     /* tables kept peers that had fallen out */
    {3021, SIM_LINKS_MESSAGES, SIM_SECONDS(20)}, /* neighbours whose link had been cut for long */
    {3316, SIM_LINKS_MESSAGES, SIM_SECONDS(20)}, /* likewise */
    {3266, SIM_LINKS_MIXED, SIM_SECONDS(10)},    /* likewise */
};

START_TEST(seeds_that_found_faults)
{
    live_through(found_rows[_i].seed, found_rows[_i].links, found_rows[_i].pause_max_ns);
}
END_TEST

static const struct named_test tests[] = {
    {&seeds_that_found_faults, 0, sizeof found_rows / sizeof *found_rows},
    {&slow_changes, 1, 61},
    {&quick_changes, 1, 61},
    {&changes_over_frames, 1, 31},
};

int
main(void)
{
    return run_tests("scenario", tests, sizeof tests / sizeof *tests);
}
