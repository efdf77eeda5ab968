/* mesh_sim_test.c: the core with another topology: what works here does not need Chord.
 *
 * RFC 6940 6.4.1. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/mesh/mesh.h"
#include "tests/suite.h"
#include "tools/sim/sim.h"

static void
configure(struct reload_config *config, uint32_t overlay)
{
    (void)overlay;
    strcpy(config->topology_plugin, RELOAD_MESH_NAME);
}

static struct sim *
mesh_of(uint32_t count, enum sim_links links)
{
    struct sim *s = sim_new(
        7, &(struct sim_options){.topology = &reload_mesh, .configure = configure, .links = links});
    (void)sim_add_nodes(s, 0, count, SIM_MS(500));
    ck_assert(sim_run_until(s, sim_is_joined_all, NULL, SIM_SECONDS(60)));
    sim_run_for(s, SIM_SECONDS(30));
    return s;
}

static void
fetch_all(struct sim *s, uint32_t count)
{
    for (uint32_t owner = 0; owner < count; owner++)
        for (uint32_t reader = 0; reader < sim_node_count(s); reader++) {
            if (!sim_is_alive(s, reader))
                continue;
            struct sim_outcome got = sim_fetch(s, reader, owner, 1);
            ck_assert_msg(sim_text(&got, "in a mesh"), "%u from %u: %s", reader, owner,
                          reload_error_text(got.error));
        }
}

START_TEST(stores_and_fetches)
{
    for (enum sim_links links = SIM_LINKS_MESSAGES; links <= SIM_LINKS_MIXED; links++) {
        struct sim *s = mesh_of(6, links);
        for (uint32_t i = 0; i < 6; i++)
            ck_assert_int_eq(sim_store(s, i, 1, "in a mesh").error, 0);
        fetch_all(s, 6);
        ck_assert_int_eq(sim_ping(s, 2, 4).error, 0);
        sim_free(s);
    }
}
END_TEST

START_TEST(data_survives_joins_and_deaths)
{
    struct sim *s = mesh_of(5, SIM_LINKS_MESSAGES);
    for (uint32_t i = 0; i < 5; i++)
        ck_assert_int_eq(sim_store(s, i, 1, "in a mesh").error, 0);
    (void)sim_add_nodes(s, 0, 3, SIM_SECONDS(2));
    ck_assert(sim_run_until(s, sim_is_joined_all, NULL, SIM_SECONDS(60)));
    sim_run_for(s, SIM_SECONDS(30));
    fetch_all(s, 5);
    sim_kill(s, 2);
    sim_leave(s, 4);
    sim_run_for(s, SIM_SECONDS(30));
    fetch_all(s, 5);
    sim_free(s);
}
END_TEST

START_TEST(clients_are_served)
{
    struct sim *s = mesh_of(4, SIM_LINKS_MESSAGES);
    uint32_t client = sim_add_node(s, &(struct sim_node_options){.client = true});
    ck_assert(sim_run_until(s, sim_is_joined_all, NULL, SIM_SECONDS(20)));
    sim_run_for(s, SIM_SECONDS(2));
    ck_assert_int_eq(sim_store(s, client, 1, "in a mesh").error, 0);
    struct sim_outcome got = sim_fetch(s, 3, client, 1);
    ck_assert(sim_text(&got, "in a mesh"));
    sim_free(s);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("mesh_sim", stores_and_fetches, data_survives_joins_and_deaths,
                     clients_are_served);
}
