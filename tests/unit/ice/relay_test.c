/* relay_test.c: agents use relays of a real TURN server and give them back; servers that say
 * nothing, or the wrong things, cost no more than their own attempt.
 *
 * RFC 8656; RFC 6940 6.5.1.5. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/suite.h"
#include "tests/unit/ice/agents.h"
#include "tests/unit/ice/coturn.h"
#include "tests/unit/ice/turn_liar.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SKIP 77

static void
use_relay(struct agents *agents, const struct coturn *server, bool tcp)
{
    struct agent_end *ends[] = {&agents->a, &agents->b};
    for (int i = 0; i < 2; i++) {
        ends[i]->options.relays[0] = coturn_relay(server, tcp);
        ends[i]->options.relay_count = 1;
    }
}

/* Only the relays may be used: nothing else is offered. */
static void
meet_through_relays(struct agents *agents)
{
    agents_open(agents);
    ck_assert_uint_ge(agents_keep(&agents->a, 4), 1);
    ck_assert_uint_ge(agents_keep(&agents->b, 4), 1);
    agents_connect(agents);
    agents_talk(agents);
}

/* RFC6940-6.5.1.5: by UDP and by TCP. */
START_TEST(relays_carry_both_ways)
{
    struct coturn server;
    struct agents agents;
    coturn_start(&server, 100);
    for (int tcp = 0; tcp < 2; tcp++) {
        agents_init(&agents);
        use_relay(&agents, &server, tcp);
        meet_through_relays(&agents);
        ck_assert(agents.a.pair.remote_type == 4 || agents.a.pair.local_type == 4);
        agents_close(&agents);
        agents_fini(&agents);
    }
    coturn_stop(&server);
}
END_TEST

/* The server has at most two allocations for the user; it frees what was given back within a
 * second. */
static bool
both_get_relays(struct agents *agents)
{
    for (int i = 0; i < 20; i++) {
        agents_open(agents);
        if (agents_keep(&agents->a, 4) > 0 && agents_keep(&agents->b, 4) > 0)
            return true;
        agents_close(agents);
        agents_settle(agents, 200);
    }
    return false;
}

START_TEST(relays_are_given_back)
{
    struct coturn server;
    struct agents agents;
    coturn_start(&server, 2);
    agents_init(&agents);
    use_relay(&agents, &server, false);
    size_t after_first = 0;
    for (int round = 0; round < 2; round++) {
        ck_assert(both_get_relays(&agents));
        /* They are counted: nobody gets a third. */
        struct agent_end third = {.options = agents.a.options};
        agents_open_one(&agents, &third);
        ck_assert(agents_wait(&agents, &third.gathered, &third.gathered, 5000));
        ck_assert_uint_eq(agents_keep(&third, 4), 0);
        reload_nice_agent.close(third.agent);
        agents_close(&agents);
        if (round == 0)
            after_first = open_descriptors(); /* GLib keeps some */
    }
    ck_assert_uint_eq(open_descriptors(), after_first);
    agents_fini(&agents);
    coturn_stop(&server);
}
END_TEST

/* The server is gone when its relays are to be given back: that takes 4 s at most, and leaves
 * nothing. */
START_TEST(a_server_that_stalls_delays_little)
{
    struct coturn server;
    struct agents agents;
    size_t before = 0;
    for (int round = 0; round < 4; round++) {
        coturn_start(&server, 100);
        agents_init(&agents);
        use_relay(&agents, &server, round % 2 == 1);
        meet_through_relays(&agents);
        coturn_pause(&server);
        reload_time begun = reload_loop_now(agents.loop);
        agents_close(&agents);
        printf("given up after %.1f s\n", (double)(reload_loop_now(agents.loop) - begun) / 1e9);
        ck_assert_uint_le(reload_loop_now(agents.loop) - begun, 4100 * RELOAD_MS);
        agents_fini(&agents);
        coturn_stop(&server);
        if (round == 1)
            before = open_descriptors(); /* GLib keeps some */
    }
    ck_assert_uint_eq(open_descriptors(), before);
}
END_TEST

/* A relay that says nothing delays an agent with another one that does, by little: both are had in
 * the time of the good one and 0.2 s. */
START_TEST(one_that_stalls_beside_one_that_works)
{
    struct coturn server;
    struct agents agents;
    struct turn_liar liar;
    coturn_start(&server, 100);
    agents_init(&agents);
    turn_liar_start(&liar, agents.loop, TURN_LIE_SILENCE);
    agents.a.options.relays[0] = turn_liar_relay(&liar);
    agents.a.options.relays[1] = coturn_relay(&server, false);
    agents.a.options.relay_count = 2;
    reload_time begun = reload_loop_now(agents.loop);
    agents_open(&agents);
    printf("gathered after %.0f ms\n", (double)(agents.a.gathered_at - begun) / 1e6);
    ck_assert_uint_le(agents.a.gathered_at - begun, 450 * RELOAD_MS);
    ck_assert_uint_eq(reload_nice_agent.relays_given(agents.a.agent), 2);
    ck_assert_uint_eq(agents_keep(&agents.a, 4), 1);
    agents_connect(&agents);
    agents_talk(&agents);
    agents_close(&agents);
    turn_liar_stop(&liar);
    agents_fini(&agents);
    coturn_stop(&server);
}
END_TEST

static void
on_tried(void *argument, const struct reload_relay_outcome *outcome)
{
    *(bool *)argument = outcome->verdict == RELOAD_RELAY_WORKS;
}

/* A trial, and a link through relays of both ends. */
static void
come_and_go(struct agents *agents, const struct coturn *server, unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        struct reload_relay_trial_options options = {.loop = agents->loop,
                                                     .relay = coturn_relay(server, false)};
        struct reload_relay_trial *trial;
        bool works = false;
        ck_assert_int_eq(reload_nice_agent.try_relay(&options, on_tried, &works, &trial), 0);
        ck_assert(agents_wait(agents, &works, &works, 5000));
        reload_nice_agent.end_trial(trial);
        meet_through_relays(agents);
        agents_close(agents);
    }
}

/* RELOAD_TEST_LINKS says how many, for more than the suite has time for. */
START_TEST(allocations_leave_nothing)
{
    const char *wanted = getenv("RELOAD_TEST_LINKS");
    unsigned count = wanted ? (unsigned)strtoul(wanted, NULL, 10) : 10;
    struct coturn server;
    struct agents agents;
    coturn_start(&server, 10000);
    agents_init(&agents);
    use_relay(&agents, &server, false);
    come_and_go(&agents, &server, 10); /* caches fill */
    size_t descriptors = open_descriptors(), octets = mallinfo2().uordblks;
    come_and_go(&agents, &server, count);
    size_t now = mallinfo2().uordblks, grown = now > octets ? now - octets : 0;
    printf("%u trials and links by relays: %zu octets more\n", count, grown);
    ck_assert_uint_eq(open_descriptors(), descriptors);
    ck_assert_uint_le(grown, 1024);
    agents_fini(&agents);
    coturn_stop(&server);
}
END_TEST

/* What malloc keeps for a thread counts as allocated, so it is to keep nothing. */
static void
begin_without_caches(char **arguments)
{
    if (getenv("GLIBC_TUNABLES") || setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1))
        return;
    (void)execv("/proc/self/exe", arguments);
}

int
main(int count, char **arguments)
{
    (void)count;
    begin_without_caches(arguments);
    if (!coturn_is_installed()) {
        fprintf(stderr, "turnserver is not installed (package coturn)\n");
        return SKIP;
    }
    return RUN_SUITE("relay", relays_carry_both_ways, relays_are_given_back,
                     a_server_that_stalls_delays_little, one_that_stalls_beside_one_that_works,
                     allocations_leave_nothing);
}
