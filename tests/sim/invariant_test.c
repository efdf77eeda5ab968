/* invariant_test.c: what watches the ring finds what is there for it: tables that no event made,
 * and who founds an overlay though it may not.
 *
 * RFC 6940 10, 6.4.2.1. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/node_internal.h"
#include "tests/sim/fixture.h"
#include "tools/sim/sim_chord.h"
#include "tools/sim/sim_invariant.h"
#include "topology/chord_state.h"

#define RING 12

static struct sim *s;
static struct sim_watch watch;

/* ---- V1 ---- */

enum {
    V1_AS_IT_IS,
    V1_DISORDER,
    V1_DISORDER_BEHIND,
    V1_TWICE,
    V1_OURSELVES,
    V1_NO_LIVE_SUCCESSOR,
    V1_TWO_RINGS,
    V1_ROWS
};

static void
set_peer(struct reload_chord *chord, size_t at, const struct reload_node_id *peer)
{
    chord->table.peers[at].distance =
        reload_chord_distance(chord->table.self, reload_chord_place_of(peer));
}

/* A table as no event made it: two neighbours out of order, one twice, ourselves among them; none
 * but somebody dead; every second member knows every second one only. */
static void
spoil_tables(int row, const struct reload_node_id *dead)
{
    for (uint32_t i = 0; i < RING; i++) {
        struct reload_chord *chord = reload_node_topology(sim_node(s, i));
        struct reload_chord_peer *peers = chord->table.peers;
        if (row == V1_DISORDER && i == 3) {
            struct reload_chord_peer first = peers[0];
            peers[0] = peers[1];
            peers[1] = first;
        } else if (row == V1_DISORDER_BEHIND && i == 3) {
            struct reload_chord_peer last = peers[chord->table.count - 1];
            peers[chord->table.count - 1] = peers[chord->table.count - 2];
            peers[chord->table.count - 2] = last;
        } else if (row == V1_TWICE && i == 3) {
            peers[1] = peers[0];
        } else if (row == V1_OURSELVES && i == 3) {
            set_peer(chord, 0, sim_node_id(s, i));
        } else if (row == V1_NO_LIVE_SUCCESSOR && i == 3) {
            set_peer(chord, 0, dead);
            chord->table.count = 1;
        } else if (row == V1_TWO_RINGS) {
            set_peer(chord, 0, sim_node_id(s, sim_successor_of(s, i, 2)));
            set_peer(chord, 1, sim_node_id(s, sim_successor_of(s, i, 4)));
            chord->table.count = 2;
        }
    }
}

START_TEST(v1_rings)
{
    struct sim_options options = ring_options();
    options.successors = sim_chord_successors;
    options.predecessors = sim_chord_predecessors;
    s = sim_new(1, &options);
    ring_grow(s, RING);
    uint32_t leaver = sim_add_node(s, &(struct sim_node_options){.idle = true});
    spoil_tables(_i, sim_node_id(s, leaver));
    /* What it finds before it has seen everybody does not count. */
    sim_watch_begin(&watch, s);
    watch.beyond = true;
    for (uint32_t i = 1; i < RING; i++)
        sim_watch_look(&watch, i);
    watch.beyond = false;
    sim_watch_look(&watch, 0);
    ck_assert_msg(watch.broken == (_i != V1_AS_IT_IS), "%s", watch.what);
    ck_assert(!watch.beyond);
    sim_watch_end(&watch);
    sim_free(s);
}
END_TEST

/* ---- V11 ---- */

static void
look(struct sim *world, uint32_t node, void *argument)
{
    (void)world;
    sim_watch_look(argument, node);
}

START_TEST(v11_who_may_not_founds_the_overlay)
{
    for (int usurps = 0; usurps < 2; usurps++) {
        struct sim_options options = ring_options();
        options.successors = sim_chord_successors;
        options.predecessors = sim_chord_predecessors;
        s = sim_new(1, &options);
        sim_watch_begin(&watch, s);
        sim_observe(s, look, &watch);
        ring_grow(s, 4);
        ck_assert_uint_eq(watch.usurper, SIM_NOBODY);
        uint32_t node =
            sim_add_node(s, &(struct sim_node_options){.lone = true, .founder = usurps == 1});
        sim_run_for(s, SIM_MINUTES(2));
        ck_assert_int_eq(sim_is_joined(s, node), usurps);
        ck_assert_uint_eq(watch.usurper, usurps ? node : SIM_NOBODY);
        sim_watch_end(&watch);
        sim_free(s);
    }
}
END_TEST

/* The first peer may found it anew when nobody is left whom it could ask; that is beyond Zave's
 * assumption. */
START_TEST(v11_first_peer_founds_beside_others)
{
    struct sim_options options = ring_options();
    options.successors = sim_chord_successors;
    options.predecessors = sim_chord_predecessors;
    s = sim_new(1, &options);
    sim_watch_begin(&watch, s);
    sim_observe(s, look, &watch);
    ring_grow(s, 8);
    for (uint32_t i = 0; i < 4; i++) /* the bootstrap nodes */
        sim_kill(s, i);
    sim_restart(s, 0);
    sim_run_for(s, SIM_MINUTES(1));
    ck_assert(watch.beyond);
    ck_assert_uint_eq(watch.usurper, SIM_NOBODY);
    ck_assert(!watch.broken);
    sim_watch_end(&watch);
    sim_free(s);
}
END_TEST

static const struct named_test tests[] = {
    {&v1_rings, 0, V1_ROWS},
    {&v11_who_may_not_founds_the_overlay, 0, 0},
    {&v11_first_peer_founds_beside_others, 0, 0},
};

int
main(void)
{
    return run_tests("invariant", tests, sizeof tests / sizeof *tests);
}
