/* mesh_test.c: the core with another topology than Chord: it knows nothing of rings or fingers.
 *
 * RFC 6940 6.4.1. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/mesh/mesh.h"
#include "tests/sim/fixture.h"

#include "tools/sim/sim_experiment.h"

#define PEERS 8

static struct sim *
mesh_of(enum sim_links links)
{
    struct sim_options options = {.topology = &reload_mesh, .links = links};
    struct sim *s = sim_new(1, &options);
    (void)sim_add_nodes(s, 0, PEERS, SIM_MS(500));
    wait_until_whole(s, SIM_SECONDS(60));
    return s;
}

START_TEST(mesh_stores_and_fetches)
{
    struct sim *s = mesh_of((enum sim_links)_i);
    for (uint32_t i = 0; i < PEERS; i++)
        ck_assert_int_eq(sim_store(s, i, 1, "in a mesh").error, 0);
    for (uint32_t i = 0; i < PEERS; i++) {
        struct sim_outcome fetched = sim_fetch(s, (i + 3) % PEERS, i, 1);
        ck_assert(sim_text(&fetched, "in a mesh"));
    }
    uint32_t client = client_of(s);
    struct sim_outcome fetched = sim_fetch(s, client, 2, 1);
    ck_assert(sim_text(&fetched, "in a mesh"));
    sim_free(s);
}
END_TEST

START_TEST(mesh_outlives_a_death_and_a_leave)
{
    struct sim *s = mesh_of(SIM_LINKS_MESSAGES);
    for (uint32_t i = 0; i < PEERS; i++)
        ck_assert_int_eq(sim_store(s, i, 1, "in a mesh").error, 0);
    sim_run_for(s, SIM_SECONDS(2));
    sim_kill(s, 3);
    sim_run_for(s, SIM_SECONDS(10));
    sim_leave(s, 5);
    sim_run_for(s, SIM_SECONDS(10));
    ck_assert(sim_ring_is_whole(s, 0, stderr));
    for (uint32_t i = 0; i < PEERS; i++) {
        struct sim_outcome fetched = sim_fetch(s, 0, i, 1);
        ck_assert(sim_text(&fetched, "in a mesh"));
    }
    sim_free(s);
}
END_TEST

START_TEST(mesh_finds_every_key)
{
    struct sim_experiment_options options = {.nodes = 20, .keys = 100, .lookups = 200, .seed = 1};
    struct sim_experiment_result result;
    options.world = (struct sim_options){.topology = &reload_mesh, .overlays = 2};
    ck_assert_int_eq(sim_experiment_run(&options, &result), 0);
    ck_assert_uint_eq(result.lookups_ok, 400);
}
END_TEST

static const struct named_test tests[] = {
    {&mesh_stores_and_fetches, SIM_LINKS_MESSAGES, SIM_LINKS_MIXED + 1},
    {&mesh_outlives_a_death_and_a_leave, 0, 0},
    {&mesh_finds_every_key, 0, 0},
};

int
main(void)
{
    return run_tests("mesh", tests, sizeof tests / sizeof *tests);
}
