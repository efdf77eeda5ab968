/* quick_start_test.c: a ring that was linked at once is like one that grew by joins.
 *
 * RFC 6940 10. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"

#include "tools/sim/sim_chord.h"
#include "tools/sim/sim_load.h"
#include "tools/sim/sim_memory.h"
#include "tools/sim/sim_quick.h"

#ifdef __SANITIZE_ADDRESS__
#define PEERS 256 /* each takes ten times as long */
#else
#define PEERS 1000
#endif
#define SUCCESSORS 16
#define NEAREST 3 /* the same in both; farther ones a peer may still be missing */

/* What is compared. */
struct shape {
    size_t counts[PEERS];
    struct reload_node_id successors[PEERS][SUCCESSORS];
    double hops, links;
    uint64_t asked, found;
};

static void
measure(struct sim *s, struct shape *shape)
{
    struct sim_memory_parts parts = {0};
    sim_run_for(s, SIM_SECONDS(120));
    ck_assert(sim_ring_is_whole(s, 0, stderr));
    for (uint32_t i = 0; i < PEERS; i++) {
        shape->counts[i] = sim_chord_successors(reload_node_topology(sim_node(s, i)),
                                                shape->successors[i], SUCCESSORS);
        sim_memory_parts(s, i, &parts);
    }
    shape->links = (double)parts.link_count / PEERS;
    struct sim_load *load = sim_load_new(
        s, &(struct sim_load_options){.seed = 1, .owners = 4, .keys = 200, .lookups_per_s = 200});
    ck_assert_ptr_nonnull(load);
    sim_load_start(load);
    sim_run_for(s, SIM_SECONDS(5));
    sim_load_stop(load);
    const struct sim_load_tally *tally = sim_load_tally(load);
    shape->asked = tally->started;
    shape->found = tally->found;
    shape->hops = (double)tally->hops / (double)tally->answered;
    sim_load_free(load);
}

/* Peers get the same Node-IDs, since these follow from the seed. */
static void
grow(struct shape *shape)
{
    struct sim_options options = ring_options();
    struct sim *s = sim_new(5, &options);
    for (uint32_t i = 0; i < PEERS; i++) {
        (void)sim_add_node(s, NULL);
        sim_run_for(s, i < 16 ? SIM_MS(500) : SIM_MS(8000 / i + 4));
    }
    for (int i = 0; i < 120 && !sim_ring_is_whole(s, 0, NULL); i++)
        sim_run_for(s, SIM_SECONDS(1));
    measure(s, shape);
    sim_free(s);
}

static void
start_quickly(struct shape *shape)
{
    struct sim_options options = ring_options();
    struct sim *s = sim_new(5, &options);
    ck_assert(sim_quick_start(s, PEERS, sim_chord_enter));
    for (uint32_t i = 1; i < PEERS; i++)
        ck_assert(sim_is_joined(s, i));
    measure(s, shape);
    sim_free(s);
}

START_TEST(like_a_ring_of_joins)
{
    static struct shape joined, quick; /* too large for the stack */
    grow(&joined);
    start_quickly(&quick);
    for (uint32_t i = 0; i < PEERS; i++) {
        ck_assert_uint_ge(joined.counts[i], NEAREST);
        ck_assert_uint_ge(quick.counts[i], NEAREST);
        ck_assert_mem_eq(joined.successors[i], quick.successors[i],
                         NEAREST * sizeof joined.successors[i][0]);
    }
    ck_assert_uint_eq(joined.found, joined.asked);
    ck_assert_uint_eq(quick.found, quick.asked);
    ck_assert_double_lt(quick.hops, 1.05 * joined.hops);
    ck_assert_double_gt(quick.hops, 0.95 * joined.hops);
    ck_assert_double_lt(quick.links, 1.08 * joined.links);
    ck_assert_double_gt(quick.links, 0.92 * joined.links);
}
END_TEST

/* A peer of such a ring dies and comes back like any other. */
START_TEST(goes_on_like_any_ring)
{
    struct sim_options options = ring_options();
    struct sim *s = sim_new(6, &options);
    ck_assert(sim_quick_start(s, 40, sim_chord_enter));
    sim_run_for(s, SIM_SECONDS(60));
    sim_kill(s, 0);
    sim_kill(s, 17);
    wait_until_whole(s, SIM_SECONDS(60));
    sim_restart(s, 17);
    (void)sim_add_node(s, NULL);
    wait_until_whole(s, SIM_SECONDS(60));
    sim_free(s);
}
END_TEST

START_TEST(few_peers)
{
    static const uint32_t counts[] = {1, 2, 3, 8};
    struct sim_options options = ring_options();
    struct sim *s = sim_new(7, &options);
    ck_assert(sim_quick_start(s, counts[_i], sim_chord_enter));
    sim_run_for(s, SIM_SECONDS(60));
    ck_assert(sim_ring_is_whole(s, 0, stderr));
    sim_free(s);
}
END_TEST

static const struct named_test tests[] = {
    {&few_peers, 0, 4},
    {&goes_on_like_any_ring, 0, 0},
    {&like_a_ring_of_joins, 0, 0},
};

int
main(void)
{
    return run_tests("quick_start", tests, sizeof tests / sizeof *tests);
}
