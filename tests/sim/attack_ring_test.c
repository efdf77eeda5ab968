/* attack_ring_test.c: peers that swallow, stand still, come back all at once, or find nobody.
 *
 * RFC 6940 10.5, 10.7, 13.6. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"

#include "tools/sim/sim_byzantine.h"
#include "tools/sim/sim_liar.h"
#include "tools/sim/sim_load.h"

#include <stdlib.h>

static struct sim *s;

/* ---- R12: some forward nothing, or astray ---------------------------------------------------- */

#define PEERS 100
#define BOOTSTRAP_NODES 4 /* they behave: who comes has to begin somewhere */

struct offenders {
    struct sim_byzantine byzantine;
    struct sim_liar liar;
    uint8_t who[PEERS]; /* 1: misbehaves */
};

/* In turn: swallow all that is not theirs, drop a third of everything, send it to anybody. */
static void
misbehave(struct offenders *offenders)
{
    unsigned next = 0;
    sim_byzantine_begin(&offenders->byzantine, s, 12);
    sim_liar_begin(&offenders->liar, s, 12);
    for (uint32_t i = 0; i < PEERS; i++) {
        if (!offenders->who[i])
            continue;
        if (next % 3 == 2)
            sim_liar_set(&offenders->liar, i, SIM_LIE_MISROUTED);
        else
            offenders->byzantine.vices[i] = next % 3 ? SIM_VICE_LOSSY : SIM_VICE_SILENT;
        next++;
    }
}

/* The share of lookups that succeed, in parts of a thousand, when |percent| of the peers misbehave:
 * in the plain way, or in all. */
static uint64_t
look_up_among(uint32_t percent, bool all_ways)
{
    struct offenders *offenders = calloc(1, sizeof *offenders);
    ck_assert_ptr_nonnull(offenders);
    for (uint32_t i = 0; i < PEERS * percent / 100; i++)
        offenders->who[BOOTSTRAP_NODES + i * 100 / percent * (PEERS - BOOTSTRAP_NODES) / PEERS] = 1;
    s = ring_of(PEERS, 12);
    struct sim_load_options options = {.seed = 12,
                                       .owners = 4,
                                       .keys = 60,
                                       .lookups_per_s = 50,
                                       .copies = all_ways ? 4 : 1,
                                       .replicas = all_ways ? RELOAD_REPLICAS_IF_NEEDED
                                                            : RELOAD_REPLICAS_NONE,
                                       .no_reads = offenders->who,
                                       .no_read_count = PEERS};
    struct sim_load *load = sim_load_new(s, &options);
    ck_assert_ptr_nonnull(load);
    sim_run_for(s, SIM_SECONDS(60));
    misbehave(offenders);
    sim_load_start(load);
    sim_run_for(s, SIM_SECONDS(40));
    sim_load_stop(load);
    const struct sim_load_tally *tally = sim_load_tally(load);
    uint64_t asked = tally->started - tally->abandoned, found = tally->found;
    ck_assert_uint_ge(asked, 2000);
    ck_assert_uint_eq(tally->late, 0); /* every one ends (V6) */
    ck_assert_uint_eq(tally->wrong, 0);
    sim_load_free(load);
    sim_free(s);
    free(offenders);
    return 1000 * found / asked;
}

START_TEST(r12_some_forward_nothing)
{
    static const struct {
        uint32_t percent;
        uint64_t at_least;
    } rows[] = {{5, 999}, {10, 990}, {20, 950}};
    uint64_t plain = look_up_among(rows[_i].percent, false);
    uint64_t all_ways = look_up_among(rows[_i].percent, true);
    ck_assert_uint_ge(all_ways, rows[_i].at_least);
    ck_assert_uint_lt(plain, all_ways); /* they do harm */
}
END_TEST

/* ---- T13: all restart ----------------------------------------------------------------------- */

START_TEST(t13_all_restart_with_their_disks)
{
    const uint32_t peers = 24;
    struct sim_options options = ring_options();
    options.links = SIM_LINKS_DATAGRAMS;
    options.disks = true;
    s = sim_new(13, &options);
    ring_grow(s, peers);
    ck_assert_int_eq(sim_store(s, 3, 1, "kept").error, 0);
    sim_run_for(s, SIM_SECONDS(120));
    uint64_t before = sim_wire_bytes(s);
    sim_run_for(s, SIM_SECONDS(120));
    uint64_t steady = sim_wire_bytes(s) - before;
    for (uint32_t i = 0; i < peers; i++)
        sim_kill(s, i);
    sim_run_for(s, SIM_SECONDS(1));
    before = sim_wire_bytes(s);
    for (uint32_t i = 0; i < peers; i++)
        sim_restart_from(s, i, SIM_DISK_KEPT, 0);
    uint64_t begun = sim_now(s);
    wait_until_whole(s, SIM_SECONDS(120));
    sim_run_for(s, begun + SIM_SECONDS(120) - sim_now(s));
    ck_assert_uint_le(sim_wire_bytes(s) - before, 10 * steady);
    struct sim_outcome outcome = sim_fetch(s, 20, 3, 1);
    ck_assert(sim_text(&outcome, "kept"));
    sim_free(s);
}
END_TEST

/* ---- T14: bootstrap nodes that are dead, or not of the overlay ------------------------------- */

START_TEST(t14_dead_bootstrap_nodes)
{
    s = ring_of(6, 14);
    uint32_t gateway = 5;
    sim_kill(s, gateway);
    uint32_t late =
        sim_add_node(s, &(struct sim_node_options){.bootstrap_given = true, .bootstrap = gateway});
    sim_run_for(s, SIM_MINUTES(20));
    ck_assert(!sim_is_joined(s, late));
    sim_restart(s, gateway);
    wait_until_whole(s, SIM_SECONDS(120)); /* it has not given up */
    ck_assert(sim_is_joined(s, late));
    sim_free(s);
}
END_TEST

/* Its tries come less and less often, but never more than half a minute apart. */
START_TEST(t14_who_asks_the_dead_asks_less_and_less)
{
    enum { SECONDS = 1200 };
    uint64_t tried_at[SECONDS];
    unsigned tries = 0;
    s = ring_of(6, 14);
    sim_kill(s, 5);
    uint32_t late =
        sim_add_node(s, &(struct sim_node_options){.bootstrap_given = true, .bootstrap = 5});
    for (unsigned passed = 0; passed < 10 * SECONDS; passed++) {
        sim_run_for(s, SIM_MS(100));
        if (sim_event_count(s, late, RELOAD_EVENT_JOIN_FAILED) == tries)
            continue;
        ck_assert_uint_eq(sim_event_count(s, late, RELOAD_EVENT_JOIN_FAILED), tries + 1);
        tried_at[tries++] = sim_now(s);
        ck_assert_uint_lt(tries, SECONDS / 8);
    }
    ck_assert_uint_gt(tries, SECONDS / 32);
    /* Each takes 6 s here, to see that nobody answers. */
    ck_assert_uint_le(tried_at[1] - tried_at[0], SIM_SECONDS(6 + 3));
    for (unsigned i = 6; i < tries; i++) {
        ck_assert_uint_ge(tried_at[i] - tried_at[i - 1], SIM_SECONDS(6 + 8));
        ck_assert_uint_le(tried_at[i] - tried_at[i - 1], SIM_SECONDS(32));
    }
    sim_free(s);
}
END_TEST

/* Three of the four bootstrap nodes have valid certificates and swallow all that is not their own:
 * who comes finds the fourth. The newcomers' places are among honest peers. */
START_TEST(t14_bootstrap_nodes_that_swallow)
{
    struct sim_byzantine *byzantine = calloc(1, sizeof *byzantine);
    ck_assert_ptr_nonnull(byzantine);
    s = ring_of(16, 17);
    sim_run_for(s, SIM_SECONDS(60));
    sim_byzantine_begin(byzantine, s, 17);
    for (uint32_t i = 1; i < BOOTSTRAP_NODES; i++) {
        ck_assert(sim_is_bootstrap_node(s, i));
        byzantine->vices[i] = SIM_VICE_SILENT;
    }
    unsigned joined = 0;
    for (uint32_t i = BOOTSTRAP_NODES; i < 16; i++) {
        struct sim_node_options options = {.node_id = *sim_node_id(s, i)};
        options.node_id.octets[15]--; /* right before it: it admits the newcomer */
        uint32_t late = sim_add_node(s, &options);
        for (unsigned passed = 0; passed < 300 && !sim_is_joined(s, late); passed++)
            sim_run_for(s, SIM_SECONDS(1));
        joined += sim_is_joined(s, late);
    }
    ck_assert_uint_eq(joined, 16 - BOOTSTRAP_NODES);
    sim_free(s);
    free(byzantine);
}
END_TEST

/* Its certificate is another authority's: nobody joins through it, nor becomes part of it. */
START_TEST(t14_bootstrap_node_of_somebody_else)
{
    s = ring_of(6, 15);
    uint32_t foreign = sim_add_puppet(s, &(struct sim_node_options){.authority = 77});
    uint32_t node =
        sim_add_node(s, &(struct sim_node_options){.bootstrap_given = true, .bootstrap = foreign});
    sim_run_for(s, SIM_MINUTES(10));
    ck_assert(!sim_is_joined(s, node));
    ck_assert_uint_eq(sim_link_count(s, node, foreign), 0);
    ck_assert_uint_eq(sim_puppet_heard_count(s, foreign), 0); /* not a word was said to it */
    sim_free(s);
}
END_TEST

/* ---- T16: a peer stands still ---------------------------------------------------------------- */

START_TEST(t16_pause_and_resume)
{
    static const uint64_t pauses_s[] = {3, 60, 600};
    s = ring_of(10, 16);
    uint8_t slot = sim_slot_at(s, 4, 7);
    ck_assert_int_eq(sim_store(s, 4, slot, "old").error, 0);
    sim_run_for(s, SIM_SECONDS(60));
    sim_pause(s, 7); /* who is responsible for it */
    sim_run_for(s, SIM_SECONDS(pauses_s[_i]));
    if (pauses_s[_i] >= 60)
        ck_assert_int_eq(sim_store(s, 4, slot, "new").error, 0);
    sim_resume(s, 7);
    wait_until_whole(s, SIM_SECONDS(60));
    sim_run_for(s, SIM_SECONDS(60));
    for (uint32_t reader = 0; reader < 10; reader++) {
        struct sim_outcome outcome = sim_fetch(s, reader, 4, slot);
        ck_assert(sim_text(&outcome, pauses_s[_i] >= 60 ? "new" : "old"));
    }
    sim_free(s);
}
END_TEST

/* ---- L8: many messages at once over one link ------------------------------------------------- */

#define MESSAGES 400

static void
on_answer(void *argument, const struct reload_result *result, reload_time now)
{
    (void)now;
    *(unsigned *)argument += result->error == 0;
}

static bool
all_answered(struct sim *sim, void *argument)
{
    (void)sim;
    return *(unsigned *)argument == MESSAGES;
}

START_TEST(l8_one_link_carries_many_messages)
{
    s = ring_of_links(2, 8, SIM_LINKS_DATAGRAMS);
    unsigned answered = 0;
    struct reload_route route = reload_route_to_node(sim_node_id(s, 1));
    for (unsigned i = 0; i < MESSAGES; i++) {
        int error = reload_node_ping(sim_node(s, 0), &route, 0, (struct reload_bytes){0}, on_answer,
                                     &answered, sim_now(s));
        ck_assert_int_eq(error, 0);
        sim_turn(s, 0);
        sim_run_for(s, SIM_MS(2)); /* 500 a second; stop and wait would carry ten */
    }
    ck_assert(sim_run_until(s, all_answered, &answered, SIM_SECONDS(2)));
    ck_assert(sim_ring_is_whole(s, 0, stderr));
    sim_free(s);
}
END_TEST

static const struct named_test tests[] = {
    {&r12_some_forward_nothing, 0, 3},
    {&t13_all_restart_with_their_disks, 0, 0},
    {&t14_who_asks_the_dead_asks_less_and_less, 0, 0},
    {&t14_dead_bootstrap_nodes, 0, 0},
    {&t14_bootstrap_nodes_that_swallow, 0, 0},
    {&t14_bootstrap_node_of_somebody_else, 0, 0},
    {&t16_pause_and_resume, 0, 3},
    {&l8_one_link_carries_many_messages, 0, 0},
};

int
main(void)
{
    return run_tests("attack_ring", tests, sizeof tests / sizeof *tests);
}
