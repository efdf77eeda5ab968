/* path_mtu_test.c: a path that carries no large datagrams any more.
 *
 * RFC 6940 6.7, RFC 8899 4.3. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/path_mtu.h"
#include "tests/suite.h"
#include "tests/unit/core/one_link.h"

#define LARGE 1000

static bool
is_large(const struct world_sent *sent)
{
    return sent->size > RELOAD_MTU_NARROW;
}

/* Acknowledges what was sent since |*done|, unless it is |lost|, a round trip later. */
static void
acknowledge_since(size_t *done, bool (*lost)(const struct world_sent *))
{
    size_t count = host->sent_count;
    wait(10 * RELOAD_MS);
    for (; *done < count && the_link(); ++*done)
        if (host->sent[*done].bytes[0] == RELOAD_FRAMED_MESSAGE_TYPE_DATA &&
            !lost(&host->sent[*done]))
            acknowledge(sequence_of(*done));
}

static size_t
count_empty(void)
{
    size_t count = 0;
    for (size_t i = 0; i < host->sent_count; i++)
        count += host->sent[i].size == RELOAD_FRAME_HEADER_SIZE;
    return count;
}

/* L16: nobody says anything else; the small frame beside the large one tells. */
START_TEST(large_frames_are_lost)
{
    size_t done = 0;
    begin(RELOAD_FRAMING_DATAGRAM, 10 * RELOAD_MS);
    ck_assert_uint_gt(sender()->mtu, LARGE);
    say(LARGE);
    for (int i = 0; i < 100 && the_link(); i++) {
        acknowledge_since(&done, is_large);
        wait(40 * RELOAD_MS);
    }
    ck_assert_ptr_nonnull(the_link());
    ck_assert_uint_eq(sender()->mtu, RELOAD_MTU_NARROW);
    ck_assert_uint_eq(host->node->counters.frames_given_up, 1);
    ck_assert_uint_eq(sender()->flight_count, 0);
    ck_assert_uint_ge(count_empty(), 1);
    ck_assert_uint_le(count_empty(), 2);
    world_free(world);
}
END_TEST

/* What had been cut before ends no link, however much it is. */
START_TEST(many_large_frames_are_lost)
{
    size_t done = 0;
    begin(RELOAD_FRAMING_DATAGRAM, 10 * RELOAD_MS);
    for (int i = 0; i < 8; i++)
        say(LARGE);
    for (int i = 0; i < 100 && the_link(); i++) {
        acknowledge_since(&done, is_large);
        wait(40 * RELOAD_MS);
    }
    ck_assert_ptr_nonnull(the_link());
    ck_assert_uint_eq(host->node->counters.frames_given_up, 8);
    ck_assert_uint_le(count_empty(), 16);
    world_free(world);
}
END_TEST

static bool
everything(const struct world_sent *sent)
{
    (void)sent;
    return true;
}

/* Silence says nothing of sizes, and ends the link as always. */
START_TEST(everything_is_lost)
{
    size_t done = 0;
    begin(RELOAD_FRAMING_DATAGRAM, 10 * RELOAD_MS);
    say(LARGE);
    reload_time begun = world->now;
    while (the_link()) {
        ck_assert_uint_gt(sender()->mtu, LARGE);
        acknowledge_since(&done, everything);
        wait(40 * RELOAD_MS);
        ck_assert_uint_lt(world->now - begun, 20 * RELOAD_SECOND);
    }
    ck_assert_int_eq(world_topology_of(host)->last_error, RELOAD_E_TIMEOUT);
    world_free(world);
}
END_TEST

static bool
is_unlucky(const struct world_sent *sent)
{
    return sent->size == RELOAD_FRAME_HEADER_SIZE + LARGE + 1 || sent->size == RELOAD_MTU_NARROW;
}

/* One frame of |unlucky| octets never arrives; others of |size| do. */
static void
lose_one(size_t unlucky, size_t size)
{
    size_t done = 0;
    begin(RELOAD_FRAMING_DATAGRAM, 10 * RELOAD_MS);
    say(unlucky);
    for (int i = 0; i < 100 && the_link(); i++) {
        say(size);
        acknowledge_since(&done, is_unlucky);
        wait(40 * RELOAD_MS);
    }
    ck_assert_ptr_nonnull(the_link());
    ck_assert_uint_eq(host->node->counters.frames_given_up, 1);
    ck_assert_uint_gt(sender()->mtu, LARGE);
    ck_assert_uint_eq(count_empty(), 0);
    world_free(world);
}

/* On a bad line one frame is lost again and again, but others of its size are not. */
START_TEST(one_large_frame_is_lost)
{
    lose_one(LARGE + 1, LARGE);
}
END_TEST

/* Small frames that are lost are lost for another reason. */
START_TEST(small_frames_are_lost)
{
    lose_one(RELOAD_MTU_NARROW - RELOAD_FRAME_HEADER_SIZE, 10);
}
END_TEST

static const struct named_test tests[] = {
    {&large_frames_are_lost, 0, 0}, {&many_large_frames_are_lost, 0, 0},
    {&everything_is_lost, 0, 0},    {&one_large_frame_is_lost, 0, 0},
    {&small_frames_are_lost, 0, 0},
};

int
main(void)
{
    return run_tests("path_mtu", tests, sizeof tests / sizeof *tests);
}
