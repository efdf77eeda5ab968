/* idle_test.c: overlays that nobody uses: how little is said, and how soon a death is known.
 *
 * RFC 6940 10.7.4; D23, D80. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"

#define PEERS 48
#define BOOTSTRAP_NODES 4 /* the first ones: everybody looks in there now and then (10.7.4.4) */

static struct sim *s;

/* How many live peers have a link to |dead|. */
static unsigned
links_to(uint32_t dead)
{
    const struct reload_node_id *id = sim_node_id(s, dead);
    unsigned found = 0;
    for (uint32_t i = 0; i < PEERS; i++)
        found += sim_is_alive(s, i) && reload_node_link_to(sim_node(s, i), id) != 0;
    return found;
}

static bool
is_linked(uint32_t node, uint32_t dead)
{
    const struct reload_node_id *id = sim_node_id(s, dead);
    return reload_node_link_to(sim_node(s, node), id) != 0;
}

/* D23: the first neighbours of a peer that died without a word know it within 5 s, everybody else
 * within 35 s, though nobody sends anything but signs of life. */
START_TEST(deaths_are_known_in_time)
{
    s = ring_of_links(PEERS, 80 + (uint64_t)_i, SIM_LINKS_DATAGRAMS);
    sim_run_for(s, SIM_MINUTES(3));
    for (uint32_t round = 0; round < 4; round++) {
        uint32_t victim = 5 + 7 * round;
        uint32_t successor = sim_successor_of(s, victim, 1);
        uint32_t predecessor = sim_successor_of(s, victim, PEERS - round - 1);
        ck_assert(is_linked(successor, victim) && is_linked(predecessor, victim));
        sim_kill(s, victim);
        sim_run_for(s, SIM_SECONDS(1));
        ck_assert(is_linked(successor, victim) && is_linked(predecessor, victim));
        sim_run_for(s, SIM_SECONDS(4));
        ck_assert(!is_linked(successor, victim));
        ck_assert(!is_linked(predecessor, victim));
        sim_run_for(s, SIM_SECONDS(30));
        ck_assert_uint_eq(links_to(victim), 0);
        wait_until_whole(s, SIM_SECONDS(30));
    }
    sim_free(s);
}
END_TEST

/* 10.7.4: once the ring stands, links come and go no more, no living peer is taken for dead, and a
 * peer sends less than 250 octets a second, headers counted. */
START_TEST(idle_peers_say_little)
{
    s = ring_of_links(PEERS, 90 + (uint64_t)_i, SIM_LINKS_DATAGRAMS);
    sim_run_for(s, SIM_MINUTES(15));
    uint64_t before = sim_wire_bytes(s);
    reload_time from = sim_now(s);
    sim_run_for(s, SIM_MINUTES(10));
    unsigned young = 0;
    for (uint32_t i = BOOTSTRAP_NODES; i < PEERS; i++) {
        struct reload_link_info info;
        size_t cursor = 0;
        while (reload_node_link_next(sim_node(s, i), &cursor, &info)) {
            uint32_t peer = sim_find_node(s, 0, &info.node_id);
            young += peer >= BOOTSTRAP_NODES && info.since > from;
        }
    }
    ck_assert_uint_le(young, 2 * 2); /* two more fingers were found, or a reach grew */
    ck_assert_uint_lt((sim_wire_bytes(s) - before) / 600 / PEERS, 250);
    ck_assert(sim_ring_is_whole(s, 0, NULL));
    sim_free(s);
}
END_TEST

/* A peer without stored values holds at most 40 KiB, a minute and a half after the last one joined:
 * links that were of use only while the ring grew are closed by then. */
START_TEST(idle_peers_hold_little)
{
    uint64_t octets = 0, links = 0;
    s = ring_of(128, 95);
    sim_run_for(s, SIM_SECONDS(90));
    for (uint32_t i = 0; i < 128; i++) {
        struct reload_link_info info;
        size_t cursor = 0;
        while (reload_node_link_next(sim_node(s, i), &cursor, &info))
            links++;
        octets += sim_memory(s, i);
    }
    ck_assert_uint_le(octets / 128, 40 << 10);
    ck_assert_uint_le(links / 128, 2 * 8 + 20); /* ceil(log2 128) + 1 on each side */
    sim_free(s);
}
END_TEST

static const struct named_test tests[] = {
    {&deaths_are_known_in_time, 0, 2},
    {&idle_peers_say_little, 0, 2},
    {&idle_peers_hold_little, 0, 0},
};

int
main(void)
{
    return run_tests("idle", tests, sizeof tests / sizeof *tests);
}
