/* driver_relay_test.c: the driver tries relays out, tells how they turned out, and goes on without
 * those that are of no use.
 *
 * RFC 6940 6.5.1.4, 6.5.1.5; attack row L9. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/socket_address.h"
#include "tests/suite.h"
#include "tests/unit/ice/hosts.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define RELAYS 2
#define TRIALS_MAX 8

static const uint8_t our_host[] = {203, 0, 113, 9}; /* as the STUN server sees it */

static struct world world;
static struct host host;

/* An agent, a trial and a directory that do what a test says, and note what they are told. */
static struct {
    const struct reload_ice_user *user;
    void *argument;
    struct reload_ice_options options;
    unsigned opened, closed, given;
    reload_relay_trial_fn *done;
    void *done_argument;
    struct reload_ice_relay tried; /* by the last trial */
    unsigned trials, ended;
    int trial_result;
    bool untried;
    enum reload_relay_verdict verdicts[TRIALS_MAX];
    bool by_tcp[TRIALS_MAX];
    unsigned verdict_count;
    enum reload_relay_use uses[RELAYS];
    unsigned use_count;
} fake;

static int
fake_open(const struct reload_ice_options *options, const struct reload_ice_user *user,
          void *argument, struct reload_ice_agent **agent)
{
    fake.options = *options;
    fake.user = user;
    fake.argument = argument;
    fake.opened++;
    *agent = (struct reload_ice_agent *)&fake;
    return 0;
}

static int
fake_check(struct reload_ice_agent *agent, const struct reload_offer *remote)
{
    (void)agent;
    (void)remote;
    return 0;
}

static unsigned
fake_given(struct reload_ice_agent *agent)
{
    (void)agent;
    return fake.given;
}

static void
fake_close(struct reload_ice_agent *agent)
{
    (void)agent;
    fake.closed++;
}

static int
fake_try(const struct reload_relay_trial_options *options, reload_relay_trial_fn *done,
         void *argument, struct reload_relay_trial **trial)
{
    fake.tried = options->relay;
    fake.trials++;
    if (fake.trial_result)
        return fake.trial_result;
    fake.done = done;
    fake.done_argument = argument;
    *trial = (struct reload_relay_trial *)&fake;
    return 0;
}

static void
fake_end(struct reload_relay_trial *trial)
{
    ck_assert_ptr_eq(trial, &fake);
    fake.ended++;
}

static const struct reload_ice_ops fake_agent = {.open = fake_open,
                                                 .check = fake_check,
                                                 .relays_given = fake_given,
                                                 .close = fake_close,
                                                 .try_relay = fake_try,
                                                 .end_trial = fake_end};

static size_t
two_relays(void *argument, struct reload_ice_relay *relays, size_t max)
{
    ck_assert_uint_ge(max, RELAYS);
    for (unsigned i = 0; i < RELAYS; i++)
        relays[i] = (struct reload_ice_relay){.address = loopback((uint16_t)(3478 + i)),
                                              .username = "user"};
    return *(unsigned *)argument;
}

static bool
next_untried(void *argument, struct reload_ice_relay *relay)
{
    (void)argument;
    bool untried = fake.untried;
    fake.untried = false;
    if (untried)
        *relay = (struct reload_ice_relay){.address = loopback(3478), .username = "user"};
    return untried;
}

static void
note_verdict(void *argument, const struct reload_ice_relay *relay,
             enum reload_relay_verdict verdict)
{
    (void)argument;
    ck_assert_uint_lt(fake.verdict_count, TRIALS_MAX);
    ck_assert_str_eq(relay->username, "user");
    fake.by_tcp[fake.verdict_count] = relay->tcp;
    fake.verdicts[fake.verdict_count++] = verdict;
}

static void
note_use(void *argument, const struct reload_ice_relay *relay, enum reload_relay_use use)
{
    (void)argument;
    fake.uses[relay->address.port - 3478] = use;
    fake.use_count++;
}

/* ---- a STUN server that sees us behind a NAT --------------------------------------------------
 */

static int server = -1;
static struct reload_watch *server_watch;

static void
answer(void *argument, int descriptor, unsigned events)
{
    (void)argument;
    (void)events;
    uint8_t request[64], said[32] = {1, 1, 0, 12};
    struct sockaddr_storage from;
    socklen_t length = sizeof from;
    if (recvfrom(descriptor, request, sizeof request, 0, (struct sockaddr *)&from, &length) < 20)
        return;
    memcpy(said + 4, request + 4, 16);
    memcpy(said + 20, (const uint8_t[]){0, 0x20, 0, 8, 0, 1, 0x21 ^ 7, 0x12 ^ 7}, 8);
    for (size_t i = 0; i < 4; i++)
        said[28 + i] = our_host[i] ^ request[4 + i];
    (void)sendto(descriptor, said, sizeof said, 0, (const struct sockaddr *)&from, length);
}

static unsigned relay_count;

static void
begin(void)
{
    struct reload_address any = loopback(0), address;
    char reason[RELOAD_DRIVER_REASON_SIZE];
    memset(&fake, 0, sizeof fake);
    world_init(&world);
    server = reload_socket_bind(SOCK_DGRAM, &any, &address);
    ck_assert_int_ge(server, 0);
    ck_assert_int_eq(
        reload_loop_watch(world.loop, server, RELOAD_WATCH_READ, answer, NULL, &server_watch), 0);
    host_configure(&host, &world);
    host.relays = two_relays;
    host.relays_argument = &relay_count;
    host.relay_untried = next_untried;
    host.relay_tried = note_verdict;
    host.relay_used = note_use;
    host.config.bootstrap_nodes[0] =
        (struct reload_config_bootstrap){.address = "127.0.0.1", .port = address.port};
    host.config.bootstrap_node_count = 1;
    ck_assert_int_eq(host_begin(&host, &fake_agent, reason), 0);
    ck_assert_int_eq(reload_driver_start(host.driver), 0);
    world_for(&world, 30 * RELOAD_MS); /* the answer comes */
    relay_count = RELAYS;
}

static void
end(void)
{
    host_fini(&host);
    reload_watch_free(server_watch);
    (void)close(server);
    world_fini(&world);
}

/* ---- use ------------------------------------------------------------------------------------ */

static const struct reload_offer with_relay = {
    .candidates = {{.overlay_link = 1, .type = 1},
                   {.type = 2, .address = {.family = 4, .octets = {203, 0, 113, 9}, .port = 5}},
                   {.type = 4}},
    .candidate_count = 3};

/* RFC6940-6.5.1.5: whoever knows TURN servers is asked whenever an agent is made. A relay by UDP
 * makes a STUN server needless. */
START_TEST(agents_get_relays)
{
    relay_count = 0;
    host_gather(&host, 1, 0, true);
    ck_assert_uint_eq(fake.options.relay_count, 0);
    ck_assert_uint_eq(fake.options.stun.family, 4);
    relay_count = RELAYS;
    host_gather(&host, 2, 0, true);
    ck_assert_uint_eq(fake.options.relay_count, RELAYS);
    ck_assert_str_eq(fake.options.relays[0].username, "user");
    ck_assert_uint_eq(fake.options.stun.family, 0);
    fake.given = 1;
    fake.user->gathered(fake.argument, &with_relay);
    ck_assert_uint_eq(host.node->gathered, 1);
    ck_assert_uint_eq(host.node->offer.candidate_count, 3);
    ck_assert_uint_eq(fake.use_count, 2);
    ck_assert_int_eq(fake.uses[0], RELOAD_RELAY_GAVE);
    ck_assert_int_eq(fake.uses[1], RELOAD_RELAY_STALLED);
}
END_TEST

/* Gathers once more for |link|, and is told that there is nothing but ourselves. */
static void
gather_bare(void)
{
    static const struct reload_offer bare = {.candidates = {{.overlay_link = 1, .type = 1}},
                                             .candidate_count = 1};
    fake.user->gathered(fake.argument, &bare);
}

/* All stall: others are asked, and at the last the STUN server that was not asked beside them. */
START_TEST(relays_that_all_stall)
{
    host_gather(&host, 1, 0, true);
    for (unsigned i = 1; i < 3; i++) {
        ck_assert_uint_eq(fake.options.relay_count, RELAYS);
        gather_bare();
        ck_assert_uint_eq(host.node->gathered, 0);
        ck_assert_int_eq(fake.uses[0], RELOAD_RELAY_STALLED);
        ck_assert_int_eq(fake.uses[1], RELOAD_RELAY_STALLED);
        ck_assert_uint_eq(fake.use_count, 2 * i);
        ck_assert_uint_eq(fake.opened, i + 1);
        ck_assert_uint_eq(fake.closed, i);
        ck_assert(fake.options.controlling);
    }
    ck_assert_uint_eq(fake.options.relay_count, 0);
    ck_assert_uint_eq(fake.options.stun.family, 4);
    gather_bare();
    ck_assert_uint_eq(host.node->gathered, 1);
    ck_assert(!host.node->gather_failed);
    ck_assert_uint_eq(fake.use_count, 4);
}
END_TEST

/* No others are known. */
START_TEST(the_only_relays_stall)
{
    host_gather(&host, 1, 0, true);
    relay_count = 0;
    gather_bare();
    ck_assert_uint_eq(fake.options.relay_count, 0);
    ck_assert_uint_eq(fake.options.stun.family, 4);
    gather_bare();
    ck_assert_uint_eq(host.node->gathered, 1);
    ck_assert_uint_eq(fake.opened, 2);
}
END_TEST

/* One says that we have somebody else's address: that of the STUN server is taken. */
START_TEST(relays_that_lie)
{
    struct reload_offer lie = with_relay;
    lie.candidates[1].address.octets[3]++;
    host_gather(&host, 1, 0, false);
    fake.given = 1;
    relay_count = 0;
    fake.user->gathered(fake.argument, &lie);
    ck_assert_uint_eq(host.node->gathered, 0);
    ck_assert_int_eq(fake.uses[0], RELOAD_RELAY_LIED);
    ck_assert_uint_eq(fake.opened, 2);
    ck_assert(!fake.options.controlling);
    ck_assert_uint_eq(fake.options.relay_count, 0);
    ck_assert_uint_eq(fake.options.stun.family, 4);
    fake.user->gathered(fake.argument, &with_relay);
    ck_assert_uint_eq(host.node->gathered, 1);
}
END_TEST

/* We have two uplinks, and STUN servers are asked through one of them. */
START_TEST(one_of_our_addresses_is_known)
{
    struct reload_offer both = with_relay;
    both.candidates[2] = both.candidates[1];
    both.candidates[1].address.octets[3]++;
    both.candidate_count = 3;
    host_gather(&host, 1, 0, true);
    fake.given = 3;
    fake.user->gathered(fake.argument, &both);
    ck_assert_uint_eq(host.node->gathered, 1);
    ck_assert_int_eq(fake.uses[0], RELOAD_RELAY_GAVE);
}
END_TEST

/* Both gave what they should, and still there is no link. */
START_TEST(relays_and_no_link)
{
    host_gather(&host, 1, 0, true);
    fake.given = 3;
    fake.user->gathered(fake.argument, &with_relay);
    host_check(&host, 1, true, &with_relay, &host);
    ck_assert_int_eq(fake.uses[1], RELOAD_RELAY_GAVE);
    fake.user->failed(fake.argument, RELOAD_E_UNREACHABLE);
    ck_assert_uint_eq(host.node->down, 1);
    ck_assert_int_eq(fake.uses[0], RELOAD_RELAY_NO_LINK);
    ck_assert_int_eq(fake.uses[1], RELOAD_RELAY_NO_LINK);
}
END_TEST

/* ---- trials --------------------------------------------------------------------------------- */

static void
try_one(void)
{
    fake.untried = true;
    world_for(&world, RELOAD_MS);
    ck_assert(!fake.untried);
}

static void
trial_tells(enum reload_relay_verdict verdict, uint8_t last_octet)
{
    struct reload_relay_outcome outcome = {.verdict = verdict};
    if (last_octet) {
        outcome.mapped = (struct reload_address){.family = 4, .port = 7};
        memcpy(outcome.mapped.octets, our_host, 3);
        outcome.mapped.octets[3] = last_octet;
    }
    unsigned ended = fake.ended;
    fake.done(fake.done_argument, &outcome);
    ck_assert_uint_eq(fake.ended, ended + 1);
}

START_TEST(one_that_works_is_not_tried_by_tcp)
{
    try_one();
    ck_assert_uint_eq(fake.trials, 1);
    ck_assert(!fake.tried.tcp);
    trial_tells(RELOAD_RELAY_WORKS, 9);
    ck_assert_uint_eq(fake.verdict_count, 1);
    ck_assert_int_eq(fake.verdicts[0], RELOAD_RELAY_WORKS);
    ck_assert_uint_eq(fake.trials, 1);
}
END_TEST

/* What comes through is no excuse for a lie about our address. */
START_TEST(one_that_lies_is_tried_by_tcp)
{
    try_one();
    trial_tells(RELOAD_RELAY_WORKS, 10);
    ck_assert_uint_eq(fake.trials, 2);
    ck_assert(fake.tried.tcp);
    trial_tells(RELOAD_RELAY_GIVES, 10);
    ck_assert_uint_eq(fake.verdict_count, 2);
    ck_assert_int_eq(fake.verdicts[0], RELOAD_RELAY_LIES);
    ck_assert(!fake.by_tcp[0]);
    ck_assert_int_eq(fake.verdicts[1], RELOAD_RELAY_GIVES);
    ck_assert(fake.by_tcp[1]);
}
END_TEST

START_TEST(one_at_a_time)
{
    try_one();
    fake.untried = true;
    world_for(&world, RELOAD_MS);
    ck_assert_uint_eq(fake.trials, 1);
    ck_assert(fake.untried);
    trial_tells(RELOAD_RELAY_WORKS, 0);
    world_for(&world, RELOAD_MS);
    ck_assert_uint_eq(fake.trials, 2); /* |end| finds it under way */
}
END_TEST

START_TEST(trials_that_cannot_begin)
{
    fake.trial_result = RELOAD_E_IO;
    try_one();
    ck_assert_uint_eq(fake.verdict_count, 2);
    for (unsigned i = 0; i < 2; i++)
        ck_assert_int_eq(fake.verdicts[i], RELOAD_RELAY_SILENT);
    ck_assert(!fake.by_tcp[0] && fake.by_tcp[1]);
}
END_TEST

int
main(void)
{
    return RUN_SUITE_IN(begin, end, "driver_relay", agents_get_relays, relays_that_all_stall,
                        the_only_relays_stall, relays_that_lie, one_of_our_addresses_is_known,
                        relays_and_no_link, one_that_works_is_not_tried_by_tcp,
                        one_that_lies_is_tried_by_tcp, one_at_a_time, trials_that_cannot_begin);
}
