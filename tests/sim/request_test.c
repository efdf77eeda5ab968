/* request_test.c: end-to-end transactions: retransmission, duplicates, time limits.
 *
 * RFC 6940 6.2.1, 6.3.4. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"

/* Swallows requests of one code on their way from one host. */
struct swallow {
    uint32_t from;
    uint16_t code;
    unsigned left, swallowed;
};

static bool
swallow_some(struct sim *s, struct sim_passing *passing, void *argument)
{
    struct swallow *swallow = argument;
    struct reload_message message;
    if (passing->from != swallow->from || swallow->left == 0 ||
        !sim_decode(s, 0, (struct reload_bytes){passing->bytes, passing->size}, &message) ||
        message.contents.message_code != swallow->code)
        return true;
    swallow->left--;
    swallow->swallowed++;
    return false;
}

/* RFC6940 6.2.1: the request is sent again until an answer comes, five times in all. */
START_TEST(lost_requests_are_sent_again)
{
    struct sim *s = ring_of(6, 1);
    uint32_t to = sim_successor_of(s, 0, 1);
    struct swallow swallow = {.from = 0, .code = RELOAD_MESSAGE_PING_REQ, .left = (unsigned)_i};
    uint64_t before = sim_counters(s, 0)->requests_retransmitted;
    sim_tap(s, swallow_some, &swallow);
    struct sim_outcome outcome = sim_ping(s, 0, to);
    sim_tap(s, NULL, NULL);
    ck_assert_int_eq(outcome.error, 0);
    ck_assert_uint_eq(swallow.swallowed, (unsigned)_i);
    ck_assert_uint_ge(sim_counters(s, 0)->requests_retransmitted - before, (unsigned)_i);
    sim_free(s);
}
END_TEST

/* V6: a request ends within 5 x overlay-reliability-timer and a second. */
START_TEST(unanswered_requests_end_in_time)
{
    struct sim *s = ring_of(6, 1);
    uint32_t to = sim_successor_of(s, 0, 1);
    struct swallow swallow = {.from = 0, .code = RELOAD_MESSAGE_PING_REQ, .left = 1000};
    sim_tap(s, swallow_some, &swallow);
    struct sim_outcome outcome = sim_ping(s, 0, to);
    sim_tap(s, NULL, NULL);
    ck_assert_int_eq(outcome.error, RELOAD_E_TIMEOUT);
    ck_assert_uint_le(outcome.elapsed_ns, SIM_SECONDS(16));
    ck_assert_uint_ge(swallow.swallowed, 5);
    sim_free(s);
}
END_TEST

START_TEST(requests_for_nobody_fail)
{
    struct sim *s = ring_of(6, 1);
    uint32_t ghost = sim_add_puppet(s, NULL); /* linked to nobody */
    struct sim_outcome outcome = sim_ping(s, 0, ghost);
    ck_assert_int_ne(outcome.error, 0);
    ck_assert_uint_le(outcome.elapsed_ns, SIM_SECONDS(16));
    sim_free(s);
}
END_TEST

/* Sends everything twice. */
static bool
send_twice(struct sim *s, struct sim_passing *passing, void *argument)
{
    (void)s;
    (void)argument;
    passing->copies = 2;
    return true;
}

START_TEST(doubled_messages_do_no_harm)
{
    struct sim *s = ring_of(6, 1);
    sim_tap(s, send_twice, NULL);
    for (uint32_t i = 0; i < 6; i++) {
        ck_assert_int_eq(sim_store(s, i, 1, "first").error, 0);
        ck_assert_int_eq(sim_store(s, i, 1, "second").error, 0);
        struct sim_outcome fetched = sim_fetch(s, (i + 1) % 6, i, 1);
        ck_assert(sim_text(&fetched, "second"));
    }
    sim_free(s);
}
END_TEST

/* With real frames, losses are repaired on the link; stores and fetches hardly notice. */
START_TEST(losses_are_repaired)
{
    struct sim *s = ring_of_links(8, 1, SIM_LINKS_MIXED);
    sim_set_loss(s, (uint32_t)_i * 10000);
    for (uint8_t slot = 1; slot <= 10; slot++) {
        uint32_t owner = slot % 8;
        struct sim_outcome stored = sim_store(s, owner, slot, "through the storm");
        ck_assert_msg(stored.error == 0, "store: %s", reload_error_text(stored.error));
        struct sim_outcome fetched = sim_fetch(s, (owner + 3) % 8, owner, slot);
        ck_assert_msg(sim_text(&fetched, "through the storm"), "fetch: %s",
                      reload_error_text(fetched.error));
    }
    sim_free(s);
}
END_TEST

static const struct named_test tests[] = {
    {&lost_requests_are_sent_again, 1, 5}, {&unanswered_requests_end_in_time, 0, 0},
    {&requests_for_nobody_fail, 0, 0},     {&doubled_messages_do_no_harm, 0, 0},
    {&losses_are_repaired, 5, 6},
};

int
main(void)
{
    return run_tests("request", tests, sizeof tests / sizeof *tests);
}
