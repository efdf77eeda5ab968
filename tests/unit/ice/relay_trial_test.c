/* relay_trial_test.c: relays are tried out: one that works, and those that do not.
 *
 * RFC 8656 7, 9, 11; attack row L9. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/socket_address.h"
#include "tests/suite.h"
#include "tests/unit/ice/agents.h"
#include "tests/unit/ice/coturn.h"
#include "tests/unit/ice/turn_liar.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SKIP 77

struct trial {
    struct reload_relay_trial *trial;
    struct reload_relay_outcome outcome;
    bool done;
    unsigned told;
};

static void
on_done(void *argument, const struct reload_relay_outcome *outcome)
{
    struct trial *trial = argument;
    trial->outcome = *outcome;
    trial->done = true;
    trial->told++;
    reload_nice_agent.end_trial(trial->trial);
    trial->trial = NULL;
}

static enum reload_relay_verdict
try_relay(struct agents *agents, const struct reload_ice_relay *relay, struct trial *trial)
{
    struct reload_relay_trial_options options = {.loop = agents->loop, .relay = *relay};
    *trial = (struct trial){0};
    ck_assert_int_eq(reload_nice_agent.try_relay(&options, on_done, trial, &trial->trial), 0);
    ck_assert(agents_wait(agents, &trial->done, &trial->done, 6000));
    ck_assert_uint_eq(trial->told, 1);
    return trial->outcome.verdict;
}

static bool
is_loopback(const struct reload_address *address)
{
    return address->family == 4 && address->octets[0] == 127 && address->octets[3] == 1;
}

/* The user may have one allocation, and each trial gives its own back: the server frees it within a
 * second. */
START_TEST(one_that_works)
{
    struct coturn server;
    struct agents agents;
    struct trial trial;
    coturn_start(&server, 1);
    agents_init(&agents);
    size_t before = open_descriptors();
    for (int round = 0; round < 4; round++) {
        struct reload_ice_relay relay = coturn_relay(&server, round % 2 == 1);
        for (int i = 0; i < 20 && try_relay(&agents, &relay, &trial) == RELOAD_RELAY_SILENT; i++)
            agents_settle(&agents, 100);
        ck_assert_int_eq(trial.outcome.verdict,
                         relay.tcp ? RELOAD_RELAY_GIVES : RELOAD_RELAY_WORKS);
        ck_assert(is_loopback(&trial.outcome.mapped));
        ck_assert_uint_gt(trial.outcome.taken_ns, 0);
    }
    ck_assert_uint_eq(open_descriptors(), before);
    agents_fini(&agents);
    coturn_stop(&server);
}
END_TEST

START_TEST(one_that_refuses_or_stalls)
{
    struct coturn server;
    struct agents agents;
    struct trial trial;
    coturn_start(&server, 100);
    agents_init(&agents);
    for (int tcp = 0; tcp < 2; tcp++) {
        struct reload_ice_relay relay = coturn_relay(&server, tcp);
        relay.password[0]++;
        ck_assert_int_eq(try_relay(&agents, &relay, &trial), RELOAD_RELAY_SILENT);
    }
    coturn_pause(&server);
    for (int tcp = 0; tcp < 2; tcp++) {
        struct reload_ice_relay relay = coturn_relay(&server, tcp);
        reload_time begun = reload_loop_now(agents.loop);
        ck_assert_int_eq(try_relay(&agents, &relay, &trial), RELOAD_RELAY_SILENT);
        ck_assert_uint_le(reload_loop_now(agents.loop) - begun, (tcp ? 5100 : 1900) * RELOAD_MS);
    }
    agents_fini(&agents);
    coturn_stop(&server);
}
END_TEST

/* One that stalls in the middle: after the challenge, or after the allocation. */
START_TEST(one_that_lies)
{
    static const enum reload_relay_verdict expected[TURN_LIES] = {
        [TURN_LIE_ADDRESSES] = RELOAD_RELAY_GIVES, [TURN_LIE_SILENCE] = RELOAD_RELAY_SILENT,
        [TURN_LIE_FORGED] = RELOAD_RELAY_SILENT,   [TURN_LIE_MANGLED] = RELOAD_RELAY_SILENT,
        [TURN_LIE_REFUSED] = RELOAD_RELAY_SILENT,  [TURN_LIE_AGAIN] = RELOAD_RELAY_SILENT};
    struct agents agents;
    struct trial trial;
    agents_init(&agents);
    for (enum turn_lie lie = 0; lie < TURN_LIES; lie++) {
        struct turn_liar liar;
        turn_liar_start(&liar, agents.loop, lie);
        struct reload_ice_relay relay = turn_liar_relay(&liar);
        ck_assert_int_eq(try_relay(&agents, &relay, &trial), expected[lie]);
        ck_assert_uint_le(liar.asked, 8);
        if (lie == TURN_LIE_ADDRESSES)
            ck_assert_uint_eq(trial.outcome.mapped.octets[3], 77);
        turn_liar_stop(&liar);
    }
    agents_fini(&agents);
}
END_TEST

/* Nobody listens; by TCP that is known at once. Ended on the way it leaves nothing. */
START_TEST(one_that_is_not_there)
{
    struct agents agents;
    struct trial trial;
    struct reload_address any = {.family = 4, .octets = {127, 0, 0, 1}};
    struct reload_ice_relay relay = {.username = "user", .password = "secret", .tcp = true};
    agents_init(&agents);
    int taken = reload_socket_bind(SOCK_STREAM, &any, &relay.address);
    ck_assert_int_ge(taken, 0);
    reload_time begun = reload_loop_now(agents.loop);
    ck_assert_int_eq(try_relay(&agents, &relay, &trial), RELOAD_RELAY_SILENT);
    ck_assert_uint_le(reload_loop_now(agents.loop) - begun, 500 * RELOAD_MS);
    size_t before = open_descriptors();
    for (int tcp = 0; tcp < 2; tcp++) {
        struct reload_relay_trial_options options = {.loop = agents.loop, .relay = relay};
        options.relay.tcp = tcp;
        struct trial other = {0};
        ck_assert_int_eq(reload_nice_agent.try_relay(&options, on_done, &other, &other.trial), 0);
        reload_nice_agent.end_trial(other.trial);
        agents_settle(&agents, 5);
        ck_assert(!other.done);
    }
    reload_nice_agent.end_trial(NULL);
    ck_assert_uint_eq(open_descriptors(), before);
    (void)close(taken);
    agents_fini(&agents);
}
END_TEST

int
main(void)
{
    if (!coturn_is_installed()) {
        fprintf(stderr, "turnserver is not installed (package coturn)\n");
        return SKIP;
    }
    return RUN_SUITE("relay_trial", one_that_works, one_that_refuses_or_stalls, one_that_lies,
                     one_that_is_not_there);
}
