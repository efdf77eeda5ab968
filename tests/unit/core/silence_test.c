/* silence_test.c: the finding of dead links: signs of life, asked for or not.
 *
 * RFC 6940 6.6.3, 10.7.1; D23, D80, D99. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/base/prng.h"
#include "tests/suite.h"
#include "tests/unit/core/one_link.h"

/* D23: a sign of life is asked for by an empty frame. */
START_TEST(probes)
{
    begin(_i ? RELOAD_FRAMING_STREAM : RELOAD_FRAMING_DATAGRAM, 100 * RELOAD_MS);
    wait(RELOAD_SECOND);
    reload_topology_probe(host->node, link_id, 5 * RELOAD_SECOND, world->now);
    world_turn(host);
    ck_assert_uint_eq(host->sent_count, 1);
    ck_assert_uint_eq(host->sent[0].size, RELOAD_FRAME_HEADER_SIZE);
    wait(100 * RELOAD_MS);
    acknowledge(0);
    wait(60 * RELOAD_SECOND);
    ck_assert_ptr_nonnull(the_link());
    ck_assert_uint_eq(host->sent_count, 1);
    /* No answer: the link ends when the time is over. */
    reload_topology_probe(host->node, link_id, 5 * RELOAD_SECOND, world->now);
    wait(4999 * RELOAD_MS);
    ck_assert_ptr_nonnull(the_link());
    wait(RELOAD_MS);
    ck_assert_ptr_null(the_link());
    ck_assert_uint_eq(host->node->transactions.count, 0);
    world_free(world);
}
END_TEST

/* D23: a peer that does not acknowledge an empty frame gets a signed Ping, and lives. */
START_TEST(probes_of_a_peer_that_wants_pings)
{
    begin(_i ? RELOAD_FRAMING_STREAM : RELOAD_FRAMING_DATAGRAM, 100 * RELOAD_MS);
    wait(RELOAD_SECOND);
    for (int round = 0; round < 3; round++) {
        bool pinged = false;
        world_forget(host);
        reload_topology_probe(host->node, link_id, 5 * RELOAD_SECOND, world->now);
        world_turn(host);
        for (int i = 0; i < 60; i++) {
            wait(100 * RELOAD_MS);
            for (size_t f = 0; f < host->sent_count; f++) {
                const struct world_sent *sent = &host->sent[f];
                pinged = pinged || sent->size > RELOAD_FRAME_HEADER_SIZE;
                if (sent->size > RELOAD_FRAME_HEADER_SIZE)
                    acknowledge(sequence_of(f));
            }
            ck_assert_ptr_nonnull(the_link());
        }
        ck_assert(pinged);
    }
    ck_assert_uint_eq(world_topology_of(host)->downs, 0);
    world_free(world);
}
END_TEST

/* D80: an idle link is probed some time before the limit, and ends when all of it is; of two ends
 * the one with the larger Node-ID asks first. */
START_TEST(silence_ends_a_watched_link)
{
    reload_time limit = (_i & 2 ? 35 : 5) * RELOAD_SECOND;
    reload_time room = (_i & 2 ? 4 : 2) * RELOAD_SECOND;
    begin(_i & 1 ? RELOAD_FRAMING_STREAM : RELOAD_FRAMING_DATAGRAM, 80 * RELOAD_MS);
    reload_time from = world->now;
    bool first = reload_node_id_compare(&host->node->id, &the_link()->node_id) > 0;
    reload_time asks = first ? limit - room : limit - room + room / 5;
    reload_topology_watch(host->node, link_id, limit, world->now);
    world_advance(world, from + asks - RELOAD_MS);
    world_turn(host);
    ck_assert_uint_eq(host->sent_count, 0);
    world_advance(world, from + asks);
    world_turn(host);
    ck_assert_uint_eq(host->sent_count, 1);
    ck_assert_uint_eq(host->sent[0].size, RELOAD_FRAME_HEADER_SIZE);
    world_advance(world, from + limit - RELOAD_MS);
    ck_assert_ptr_nonnull(the_link());
    world_advance(world, from + limit);
    ck_assert_ptr_null(the_link());
    ck_assert_uint_eq(host->node->transactions.count, 0);
    world_free(world);
}
END_TEST

/* D80: whatever comes is a sign of life, also while one is asked for; who hears enough asks nobody.
 * The ends take turns in finding that out: nothing is sent beside acknowledgements. */
START_TEST(who_is_heard_is_not_asked)
{
    static const uint8_t empty[8] = {128};
    begin(RELOAD_FRAMING_DATAGRAM, 100 * RELOAD_MS);
    reload_topology_watch(host->node, link_id, 5 * RELOAD_SECOND, world->now);
    for (uint32_t i = 0; i < 60; i++) {
        wait(2 * RELOAD_SECOND);
        uint8_t frame[8];
        memcpy(frame, empty, sizeof frame);
        frame[4] = (uint8_t)i;
        hear((struct reload_bytes){frame, sizeof frame});
    }
    ck_assert_uint_eq(host->sent_count, 60);
    for (size_t i = 0; i < host->sent_count; i++)
        ck_assert_uint_eq(host->sent[i].bytes[0], RELOAD_FRAMED_MESSAGE_TYPE_ACK);
    wait(3500 * RELOAD_MS); /* it asks; a frame of the peer's comes, no acknowledgement */
    ck_assert_uint_gt(host->sent_count, 60);
    uint8_t frame[8];
    memcpy(frame, empty, sizeof frame);
    frame[4] = 60;
    hear((struct reload_bytes){frame, sizeof frame});
    wait(1501 * RELOAD_MS); /* 5 s after the one before */
    ck_assert_ptr_nonnull(the_link());
    wait(3499 * RELOAD_MS);
    ck_assert_ptr_null(the_link());
    world_free(world);
}
END_TEST

/* A probe in between, since somebody doubts the peer, gives a watched link no more time; one that
 * is not watched has all of it. */
START_TEST(doubt_gives_no_more_time)
{
    begin(_i & 1 ? RELOAD_FRAMING_STREAM : RELOAD_FRAMING_DATAGRAM, 100 * RELOAD_MS);
    reload_time from = world->now, end = (_i & 2 ? 4800 : 7000) * RELOAD_MS;
    if (_i & 2)
        reload_topology_watch(host->node, link_id, end, world->now);
    wait(2 * RELOAD_SECOND);
    reload_topology_probe(host->node, link_id, 5 * RELOAD_SECOND, world->now);
    world_advance(world, from + end - RELOAD_MS);
    ck_assert_ptr_nonnull(the_link());
    world_advance(world, from + end);
    ck_assert_ptr_null(the_link());
    world_free(world);
}
END_TEST

/* D99: a neighbour on a line that loses every tenth frame each way and takes 200 ms each way is not
 * taken for dead, though its death would be known within 5 s. */
START_TEST(a_bad_line_loses_no_neighbor)
{
    enum { ONE_WAY_MS = 200, STEP_MS = 20, HOURS = 6 };
    struct reload_prng prng = reload_prng_of((uint64_t)_i + 1);
    uint32_t acknowledged[2 * ONE_WAY_MS / STEP_MS] = {0}; /* to come, each in its step; 0: none */
    begin(RELOAD_FRAMING_DATAGRAM, 2 * ONE_WAY_MS * RELOAD_MS);
    reload_topology_watch(host->node, link_id, 4800 * RELOAD_MS, world->now);
    for (size_t step = 0; step < HOURS * 3600 * 1000 / STEP_MS; step++) {
        uint32_t *slot = &acknowledged[step % (sizeof acknowledged / sizeof *acknowledged)];
        if (*slot)
            acknowledge(*slot - 1);
        *slot = 0;
        ck_assert_ptr_nonnull(the_link());
        for (size_t i = 0; i < host->sent_count; i++)
            if (reload_prng_below(&prng, 100) < 81)
                *slot = sequence_of(i) + 1;
        world_forget(host);
        wait(STEP_MS * RELOAD_MS);
    }
    ck_assert_uint_gt(host->node->counters.messages_sent, 0); /* Pings: it was bad indeed */
    reload_time died = sender()->heard_at;
    while (the_link())
        wait(STEP_MS * RELOAD_MS);
    ck_assert_uint_le(world->now - died, 4820 * RELOAD_MS);
    world_free(world);
}
END_TEST

/* D99: behind a NAT that was started anew nothing comes any more: that is known within 6 s, whether
 * the topology watches the link or not. L9. */
START_TEST(links_through_nats_end_soon)
{
    begin(RELOAD_FRAMING_DATAGRAM, 100 * RELOAD_MS);
    struct reload_link_peer by_ice = {.identity = peer->identity,
                                      .framing = RELOAD_FRAMING_DATAGRAM,
                                      .mtu = world->mtu,
                                      .rtt_ns = 100 * RELOAD_MS,
                                      .address = world_candidate(peer).address,
                                      .overlay_link = 1,
                                      .local_type = 2,
                                      .remote_type = 1};
    ck_assert_int_eq(reload_node_link_incoming(host->node, &by_ice, &link_id, world->now), 0);
    world_turn(host);
    world_forget(host);
    if (_i)
        reload_topology_watch(host->node, link_id, 35 * RELOAD_SECOND, world->now);
    wait(5999 * RELOAD_MS);
    ck_assert_ptr_nonnull(the_link());
    ck_assert_uint_gt(host->sent_count, 1);
    wait(RELOAD_MS);
    ck_assert_ptr_null(the_link());
    world_free(world);
}
END_TEST

/* Which links these are. */
START_TEST(links_through_nats)
{
    begin(RELOAD_FRAMING_DATAGRAM, 100 * RELOAD_MS);
    const struct reload_config *config = host->node->config;
    struct reload_config with_ice = *config;
    with_ice.no_ice = false;
    for (int i = 0; i < 8; i++) {
        host->node->config = i & 1 ? &with_ice : config;
        the_link()->bootstrap = (i & 2) != 0;
        the_link()->local_type = i & 4 ? 1 : 0;
        ck_assert(reload_link_through_nat(host->node, the_link()) == (i >= 3));
    }
    host->node->config = config;
    world_free(world);
}
END_TEST

/* Frames that cannot be read are no signs of life. */
START_TEST(noise_is_no_sign_of_life)
{
    static const uint8_t noise[9] = {77, 1, 2};
    begin(RELOAD_FRAMING_DATAGRAM, 100 * RELOAD_MS);
    reload_topology_watch(host->node, link_id, 5 * RELOAD_SECOND, world->now);
    for (int i = 0; i < 5; i++) {
        ck_assert_ptr_nonnull(the_link());
        wait(RELOAD_SECOND);
        if (i < 4)
            hear((struct reload_bytes){noise, sizeof noise});
    }
    ck_assert_ptr_null(the_link());
    world_free(world);
}
END_TEST

static const struct named_test tests[] = {
    {&probes, 0, 2},
    {&probes_of_a_peer_that_wants_pings, 0, 2},
    {&silence_ends_a_watched_link, 0, 4},
    {&who_is_heard_is_not_asked, 0, 0},
    {&doubt_gives_no_more_time, 0, 4},
    {&a_bad_line_loses_no_neighbor, 0, 2},
    {&links_through_nats_end_soon, 0, 2},
    {&links_through_nats, 0, 0},
    {&noise_is_no_sign_of_life, 0, 0},
};

int
main(void)
{
    return run_tests("silence", tests, sizeof tests / sizeof *tests);
}
