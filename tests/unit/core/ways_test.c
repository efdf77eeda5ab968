/* ways_test.c: the same destinations by every way that a request may choose, in a ring. RFC 6940
 * 6.4.2.4, 13.6; D50.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/base/prng.h"
#include "tests/sim/fixture.h"

#define PEERS 48
#define LOOKUPS 60

static unsigned done, succeeded;
static struct reload_node_id responder;

static void
on_done(void *argument, const struct reload_result *result, reload_time now)
{
    (void)argument, (void)now;
    done++;
    succeeded += result->error == 0;
    responder = result->responder_id;
}

static bool
is_done(struct sim *sim, void *argument)
{
    (void)sim, (void)argument;
    return done > 0;
}

static bool
ping(struct sim *s, uint32_t from, const struct reload_route *route)
{
    done = succeeded = 0;
    ck_assert_int_eq(reload_node_ping(sim_node(s, from), route, 0, (struct reload_bytes){0},
                                      on_done, NULL, sim_now(s)),
                     0);
    sim_turn(s, from);
    ck_assert(sim_run_until(s, is_done, NULL, SIM_SECONDS(31)));
    return succeeded == 1;
}

/* Every way ends at the same peer. */
START_TEST(all_ways_lead_there)
{
    struct sim *s = ring_of(PEERS, 7);
    struct reload_prng prng = reload_prng_of(42);
    for (int i = 0; i < LOOKUPS; i++) {
        uint8_t resource[16];
        for (size_t o = 0; o < sizeof resource; o++)
            resource[o] = (uint8_t)reload_prng_next(&prng);
        uint32_t from = (uint32_t)(reload_prng_next(&prng) % PEERS);
        struct reload_route route =
            reload_route_to_resource((struct reload_bytes){resource, sizeof resource});
        ck_assert(ping(s, from, &route));
        struct reload_node_id usual = responder;
        route.copies = (uint8_t)(2 + i % 4);
        ck_assert(ping(s, from, &route));
        ck_assert(reload_node_id_equal(&responder, &usual));
        route.copies = 0;
        route.iterative = true;
        ck_assert(ping(s, from, &route));
        ck_assert(reload_node_id_equal(&responder, &usual));
        route = reload_route_to_node(&usual);
        route.iterative = true;
        ck_assert(ping(s, from, &route));
        ck_assert(reload_node_id_equal(&responder, &usual));
    }
    ck_assert(sim_ring_is_whole(s, 0, stderr));
    sim_free(s);
}
END_TEST

/* A client, too. */
START_TEST(clients_have_ways)
{
    struct sim *s = ring_of(16, 8);
    uint32_t client = client_of(s);
    uint8_t resource[16] = {0};
    for (unsigned i = 0; i < 16; i++) {
        resource[0] = (uint8_t)(16 * i);
        struct reload_route route =
            reload_route_to_resource((struct reload_bytes){resource, sizeof resource});
        ck_assert(ping(s, client, &route));
        struct reload_node_id usual = responder;
        route.iterative = true;
        ck_assert(ping(s, client, &route));
        ck_assert(reload_node_id_equal(&responder, &usual));
        route.iterative = false;
        route.copies = 3; /* as many as it has links */
        ck_assert(ping(s, client, &route));
        ck_assert(reload_node_id_equal(&responder, &usual));
    }
    sim_free(s);
}
END_TEST

int
main(void)
{
    static const struct named_test tests[] = {{&all_ways_lead_there, 0, 0},
                                              {&clients_have_ways, 0, 0}};
    return run_tests("ways", tests, sizeof tests / sizeof tests[0]);
}
