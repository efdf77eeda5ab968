/* nice_agent_test.c: two ICE agents on one loop find each other over loopback and carry datagrams.
 *
 * RFC 8445; RFC 6940 6.5.1. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/socket_address.h"
#include "tests/suite.h"
#include "tests/unit/ice/agents.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

START_TEST(two_agents_meet)
{
    struct agents agents;
    agents_init(&agents);
    agents_open(&agents);
    ck_assert_uint_ge(strlen(agents.a.offer.ufrag), 4);
    ck_assert_uint_ge(strlen(agents.a.offer.password), 22);
    agents_connect(&agents);
    ck_assert_uint_eq(agents.a.pair.local_type, 1);
    ck_assert_uint_eq(agents.b.pair.remote_type, 1);
    agents_talk(&agents);
    agents_close(&agents);
    agents_fini(&agents);
}
END_TEST

START_TEST(ipv6)
{
    struct agents agents;
    agents_init(&agents);
    struct agent_end *ends[] = {&agents.a, &agents.b};
    for (int i = 0; i < 2; i++) {
        ends[i]->options.local[0] =
            (struct reload_address){.family = 6, .octets = {[15] = 1}, .port = 6084};
        ends[i]->options.local_count = 1;
    }
    agents_open(&agents);
    for (size_t i = 0; i < agents.a.offer.candidate_count; i++) {
        ck_assert_uint_eq(agents.a.offer.candidates[i].address.family, 6);
        ck_assert_uint_ne(agents.a.offer.candidates[i].address.port, 6084);
    }
    agents_connect(&agents);
    ck_assert_uint_eq(agents.a.pair.remote.family, 6);
    agents_talk(&agents);
    agents_close(&agents);
    agents_fini(&agents);
}
END_TEST

/* The best candidate of each is a socket that nobody reads, as another network's private address
 * is; the one that works is of |type|. */
static void
add_nowhere(struct agent_end *end, const struct reload_address *nowhere, uint8_t type)
{
    struct reload_offer *offer = &end->offer;
    struct reload_candidate *added = &offer->candidates[offer->candidate_count++];
    *added = offer->candidates[0];
    added->address = *nowhere;
    added->priority += 1000;
    strcpy(added->foundation, "nowhere");
    for (size_t i = 0; i + 1 < offer->candidate_count && type != 1; i++) {
        offer->candidates[i].type = type;
        offer->candidates[i].related = *nowhere;
    }
}

/* The pair that works is used at once all the same, whichever kind it is of. */
START_TEST(an_address_that_leads_nowhere_does_not_delay)
{
    struct agents agents;
    struct reload_address any = {.family = 4, .octets = {127, 0, 0, 1}}, nowhere;
    int descriptor = reload_socket_bind(SOCK_DGRAM, &any, &nowhere);
    ck_assert_int_ge(descriptor, 0);
    agents_init(&agents);
    for (uint8_t type = 1; type <= 2; type++) {
        agents_open(&agents);
        add_nowhere(&agents.a, &nowhere, type);
        add_nowhere(&agents.b, &nowhere, type);
        reload_time begun = reload_loop_now(agents.loop);
        agents_connect(&agents);
        ck_assert_uint_le(agents.a.ready_at - begun, 500 * RELOAD_MS);
        ck_assert_uint_le(agents.b.ready_at - begun, 500 * RELOAD_MS);
        agents_talk(&agents);
        if (type == 1) /* also when that pair is given up */
            agents_settle(&agents, 2500);
        ck_assert(!agents.a.failed && !agents.b.failed);
        agents_talk(&agents);
        agents_close(&agents);
    }
    agents_fini(&agents);
    (void)close(descriptor);
}
END_TEST

START_TEST(wrong_password_never_meets)
{
    struct agents agents;
    agents_init(&agents);
    agents_open(&agents);
    memset(agents.b.offer.password, 'x', strlen(agents.b.offer.password));
    agents_check(&agents.a, &agents.b);
    ck_assert(agents_wait(&agents, &agents.a.failed, &agents.a.failed, 30000));
    ck_assert(!agents.a.ready && !agents.b.ready);
    agents_close(&agents);
    agents_fini(&agents);
}
END_TEST

START_TEST(offer_without_usable_candidates_is_refused)
{
    struct agents agents;
    agents_init(&agents);
    agents_open(&agents);
    for (size_t i = 0; i < agents.b.offer.candidate_count; i++)
        agents.b.offer.candidates[i].type = 3; /* reserved */
    ck_assert_int_eq(reload_nice_agent.check(agents.a.agent, &agents.b.offer), RELOAD_E_MALFORMED);
    agents_close(&agents);
    agents_fini(&agents);
}
END_TEST

/* Agents in every state are closed; nothing is left of them. */
START_TEST(closing_frees_everything)
{
    struct agents agents;
    agents_init(&agents);
    agents_open(&agents);
    agents_connect(&agents);
    agents_close(&agents);
    size_t before = open_descriptors();
    for (int round = 0; round < 10; round++) {
        agents_open(&agents);
        if (round % 2)
            agents_connect(&agents);
        agents_close(&agents);
    }
    ck_assert_uint_eq(open_descriptors(), before);
    agents_fini(&agents);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("nice_agent", two_agents_meet, ipv6,
                     an_address_that_leads_nowhere_does_not_delay, wrong_password_never_meets,
                     offer_without_usable_candidates_is_refused, closing_frees_everything);
}
