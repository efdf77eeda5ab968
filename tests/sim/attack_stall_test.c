/* attack_stall_test.c: a peer that takes nothing any more while much is sent to it.
 *
 * RFC 6940 6.6.3, 6.6.5. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"

#include "reload/core/limits.h"
#include "tools/sim/sim_liar.h"

#define RING 6
#define SENDER 1
#define STALLED 2
#define PADDING 4000

enum stall {
    STALL_STOPPED, /* its host stands still: what arrives waits, nothing is acknowledged */
    STALL_DEAF,    /* it goes on, but acknowledges no frame */
    STALLS,
};

static struct sim *s;

/* Pings with much in them, to who does not answer. */
static void
pour(unsigned count)
{
    static const uint8_t body[2 + PADDING] = {PADDING >> 8, PADDING & 0xff};
    struct reload_route route = reload_route_to_node(sim_node_id(s, STALLED));
    for (unsigned i = 0; i < count; i++) {
        int error = reload_node_request(sim_node(s, SENDER), &route, RELOAD_MESSAGE_PING_REQ,
                                        (struct reload_bytes){body, sizeof body}, NULL, NULL,
                                        sim_now(s), NULL);
        ck_assert(error == 0 || error == RELOAD_E_BUSY);
        sim_turn(s, SENDER);
        sim_run_for(s, SIM_MS(5));
    }
}

/* Pours for 45 s. Others are served at once all the time. Returns when the link was gone. */
static uint64_t
pour_until_it_ends(void)
{
    uint64_t begun = sim_now(s), gone = 0;
    while (sim_now(s) < begun + SIM_SECONDS(45)) {
        pour(20);
        struct sim_outcome outcome = sim_ping(s, 3, SENDER);
        ck_assert_int_eq(outcome.error, 0);
        ck_assert_uint_le(outcome.elapsed_ns, SIM_SECONDS(1));
        if (!gone && !sim_link(s, SENDER, STALLED))
            gone = sim_now(s) - begun;
        sim_run_for(s, SIM_SECONDS(1));
    }
    return gone;
}

/* Over datagrams and streams: what waits for it is bounded, the link ends (after 30 s, where only
 * acknowledgements are missing on a stream), and when it goes on it is a peer again. */
START_TEST(l7_peer_that_takes_nothing)
{
    static struct sim_liar liar;
    enum stall stall = (enum stall)(_i % STALLS);
    bool streams = _i / STALLS;
    s = ring_of_links(RING, 7, streams ? SIM_LINKS_STREAMS : SIM_LINKS_DATAGRAMS);
    sim_run_for(s, SIM_SECONDS(30));
    ck_assert_uint_eq(sim_link_count(s, SENDER, STALLED), 1);
    size_t before = sim_memory(s, SENDER);
    sim_liar_begin(&liar, s, 7);
    if (stall == STALL_STOPPED)
        sim_pause(s, STALLED);
    else
        sim_liar_set(&liar, STALLED, SIM_LIE_DEAF);
    uint64_t gone = pour_until_it_ends();
    bool grace = stall == STALL_DEAF && streams;
    ck_assert_uint_ge(gone, grace ? SIM_SECONDS(30) : 1);
    ck_assert_uint_le(gone, grace ? SIM_SECONDS(35) : SIM_SECONDS(10));
    ck_assert_uint_le(sim_memory_peak(s, SENDER), before + RELOAD_LINK_QUEUE_OCTETS_MAX);
    sim_liar_end(&liar);
    sim_resume(s, STALLED);
    wait_until_whole(s, SIM_SECONDS(60));
    sim_run_for(s, SIM_SECONDS(60));
    ck_assert_int_eq(sim_ping(s, SENDER, STALLED).error, 0);
    ck_assert_uint_le(sim_memory(s, SENDER), 2 * before); /* all of that is free again */
    sim_free(s);
}
END_TEST

static const struct named_test tests[] = {
    {&l7_peer_that_takes_nothing, 0, 2 * STALLS},
};

int
main(void)
{
    return run_tests("attack_stall", tests, sizeof tests / sizeof *tests);
}
