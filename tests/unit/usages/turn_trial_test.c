/* turn_trial_test.c: which of the relays in the directory are handed out, in virtual time: those
 * that their trials have shown to be good.
 *
 * RFC 6940 9; attack row L9. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/suite.h"
#include "tests/unit/usages/turn_ring.h"

#define NODES 8
#define US 7 /* who uses the relays of others */
#define HOUR_S 3600

static struct sim *s;
static struct reload_ice_relay ways[RELOAD_ICE_RELAYS_MAX];

/* Of |relays| nodes, the first ones. */
static void
begin(uint32_t relays)
{
    s = turn_ring_of(NODES, turn_ring_configure);
    for (uint32_t node = 1; node <= relays; node++)
        turn_lend(s, node);
    sim_run_for(s, SIM_SECONDS(20));
    ck_assert_uint_ge(turn_known(s, US), relays < 3 ? relays : 3);
}

static void
end(void)
{
    sim_free(s);
}

static size_t
hand_out(void)
{
    return reload_turn_service_relays(turn_of(s, US), ways, RELOAD_ICE_RELAYS_MAX);
}

static bool
is_at(const struct reload_ice_relay *way, uint32_t node)
{
    return way->address.octets[3] == node;
}

static void
tell(const struct reload_ice_relay *way, bool tcp, enum reload_relay_verdict verdict)
{
    struct reload_ice_relay told = *way;
    told.tcp = tcp;
    reload_turn_service_tried(turn_of(s, US), &told, verdict, sim_now(s));
    sim_turn(s, US);
}

static void
tell_use(const struct reload_ice_relay *way, enum reload_relay_use use)
{
    reload_turn_service_used(turn_of(s, US), way, use, sim_now(s));
    sim_turn(s, US);
}

static bool
next_untried(struct reload_ice_relay *way)
{
    return reload_turn_service_untried(turn_of(s, US), way, sim_now(s));
}

/* Trials in |seconds|, when |bad|'s relay says nothing. */
static unsigned
trials_in(unsigned seconds, uint32_t bad)
{
    unsigned count = 0;
    for (unsigned i = 0; i < seconds; i++) {
        sim_run_for(s, SIM_SECONDS(1));
        count += turn_try(s, US, bad);
    }
    return count;
}

/* ---- trials -----------------------------------------------------------------------------------
 */

START_TEST(handed_out_after_a_trial)
{
    begin(1);
    ck_assert_uint_eq(hand_out(), 0);
    struct reload_ice_relay way;
    ck_assert(next_untried(&way));
    ck_assert(is_at(&way, 1) && !way.tcp);
    struct reload_ice_relay other;
    ck_assert(!next_untried(&other)); /* it is under way */
    ck_assert_uint_eq(hand_out(), 0);
    tell(&way, false, RELOAD_RELAY_WORKS);
    ck_assert_uint_eq(hand_out(), 2);
    ck_assert(is_at(&ways[0], 1) && !ways[0].tcp);
    ck_assert(is_at(&ways[1], 1) && ways[1].tcp);
    size_t cursor = 0;
    struct reload_turn_relay_info info;
    ck_assert(reload_turn_service_next(turn_of(s, US), &cursor, &info));
    ck_assert_int_eq(info.verdict, RELOAD_RELAY_WORKS);
}
END_TEST

/* By UDP and by TCP: what each verdict opens. */
START_TEST(each_way_for_itself)
{
    static const struct {
        enum reload_relay_verdict udp, tcp;
        bool udp_open, tcp_open;
    } rows[] = {{RELOAD_RELAY_GIVES, RELOAD_RELAY_SILENT, true, false},
                {RELOAD_RELAY_GIVES, RELOAD_RELAY_GIVES, true, true},
                {RELOAD_RELAY_LIES, RELOAD_RELAY_GIVES, false, true},
                {RELOAD_RELAY_LIES, RELOAD_RELAY_SILENT, false, false},
                {RELOAD_RELAY_SILENT, RELOAD_RELAY_GIVES, false, true},
                {RELOAD_RELAY_UNTRIED, RELOAD_RELAY_GIVES, false, true}}; /* UDP is blocked */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin(1);
        struct reload_ice_relay way;
        ck_assert(next_untried(&way));
        if (rows[i].udp != RELOAD_RELAY_UNTRIED)
            tell(&way, false, rows[i].udp);
        ck_assert_uint_eq(hand_out(), 0); /* half of the trial is told */
        tell(&way, true, rows[i].tcp);
        size_t count = hand_out();
        ck_assert_uint_eq(count, (size_t)rows[i].udp_open + rows[i].tcp_open);
        for (size_t k = 0; k < count; k++)
            ck_assert(ways[k].tcp ? rows[i].tcp_open : rows[i].udp_open);
        if (i + 1 < sizeof rows / sizeof *rows)
            sim_free(s);
    }
}
END_TEST

/* Who was asked for a trial and never told its result is asked again. */
START_TEST(a_trial_that_got_lost)
{
    begin(1);
    struct reload_ice_relay way;
    ck_assert(next_untried(&way));
    sim_run_for(s, SIM_SECONDS(29));
    ck_assert(!next_untried(&way));
    sim_run_for(s, SIM_SECONDS(2));
    ck_assert(next_untried(&way));
}
END_TEST

/* Somebody else's result, or one for credentials that are not ours any more, changes nothing. */
START_TEST(results_of_others)
{
    begin(1);
    struct reload_ice_relay way;
    ck_assert(next_untried(&way));
    struct reload_ice_relay other = way;
    other.password[0] ^= 1;
    tell(&other, false, RELOAD_RELAY_WORKS);
    ck_assert_uint_eq(hand_out(), 0);
    tell(&way, false, RELOAD_RELAY_WORKS);
    tell_use(&other, RELOAD_RELAY_STALLED);
    ck_assert_uint_eq(hand_out(), 2);
}
END_TEST

/* ---- relays of no use -------------------------------------------------------------------------
 */

/* Two of three are of no use: the third one is handed out, and others are looked for. */
START_TEST(bad_ones_are_replaced)
{
    begin(3);
    unsigned tried = 0;
    struct reload_ice_relay way;
    while (next_untried(&way)) {
        enum reload_relay_verdict verdict =
            is_at(&way, 3) ? RELOAD_RELAY_WORKS : RELOAD_RELAY_SILENT;
        tell(&way, false, verdict);
        if (verdict == RELOAD_RELAY_SILENT)
            tell(&way, true, verdict);
        tried++;
    }
    ck_assert_uint_eq(tried, 3);
    ck_assert_uint_eq(hand_out(), 2);
    ck_assert(is_at(&ways[0], 3) && is_at(&ways[1], 3));
    turn_lend(s, 4);
    turn_lend(s, 5);
    unsigned limit_s = 60;
    while (limit_s-- > 0 && !(turn_knows(s, US, 4) && turn_knows(s, US, 5)))
        sim_run_for(s, SIM_SECONDS(1));
    (void)turn_try(s, US, 1);
    bool has_4 = false, has_5 = false; /* in turn */
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(hand_out(), 2);
        ck_assert(!is_at(&ways[0], 1) && !is_at(&ways[0], 2));
        has_4 = has_4 || is_at(&ways[0], 4);
        has_5 = has_5 || is_at(&ways[0], 5);
    }
    ck_assert(has_4 && has_5);
}
END_TEST

/* It is tried three times, let alone, found again, and let alone for longer each time. */
START_TEST(a_silent_one_costs_less_and_less)
{
    begin(1);
    unsigned first = trials_in(10 * 60, 1);
    ck_assert_uint_ge(first, 3);
    (void)trials_in(HOUR_S, 1);
    unsigned later = trials_in(HOUR_S, 1);
    ck_assert_uint_le(later, 6);
    ck_assert_uint_eq(hand_out(), 0);
    /* It works from now on, and is found in time. */
    (void)trials_in(3 * HOUR_S, NOBODY);
    ck_assert_uint_eq(hand_out(), 2);
}
END_TEST

/* One that is down for half a minute stays known and is used again soon. */
START_TEST(a_short_stall)
{
    begin(1);
    ck_assert_uint_eq(turn_try(s, US, NOBODY), 1);
    ck_assert_uint_eq(hand_out(), 2);
    tell_use(&ways[0], RELOAD_RELAY_STALLED);
    ck_assert_uint_eq(hand_out(), 0);
    ck_assert_uint_ge(trials_in(5, 1), 1);
    ck_assert_uint_eq(hand_out(), 0);
    (void)trials_in(20, NOBODY);
    ck_assert_uint_eq(hand_out(), 2);
}
END_TEST

/* Its trials go well and agents get nothing: it is used again later and later, not each time. */
START_TEST(one_that_only_fails_agents)
{
    begin(1);
    ck_assert_uint_eq(turn_try(s, US, NOBODY), 1);
    unsigned used = 0;
    for (unsigned i = 0; i < 600; i++) {
        sim_run_for(s, SIM_SECONDS(1));
        (void)turn_try(s, US, NOBODY);
        if (hand_out() == 0)
            continue;
        used++;
        tell_use(&ways[0], RELOAD_RELAY_STALLED);
    }
    ck_assert_uint_ge(used, 4);
    ck_assert_uint_le(used, 10);
    /* Once it has given something, it is as good as new. */
    while (hand_out() == 0)
        (void)trials_in(1, NOBODY);
    tell_use(&ways[0], RELOAD_RELAY_GAVE);
    tell_use(&ways[0], RELOAD_RELAY_STALLED);
    (void)trials_in(1, NOBODY);
    ck_assert_uint_eq(hand_out(), 2);
}
END_TEST

/* A link that did not come about is a reason to look, not often, and nothing more. */
START_TEST(links_that_failed)
{
    begin(1);
    ck_assert_uint_eq(turn_try(s, US, NOBODY), 1);
    ck_assert_uint_eq(hand_out(), 2);
    unsigned tried = 0;
    for (unsigned i = 0; i < 60; i++) {
        tell_use(&ways[0], RELOAD_RELAY_NO_LINK);
        ck_assert_uint_eq(hand_out(), 2);
        tried += trials_in(1, NOBODY);
    }
    ck_assert_uint_ge(tried, 1);
    ck_assert_uint_le(tried, 3);
}
END_TEST

/* UDP came back while the trial by TCP was on the way: that is found out. */
START_TEST(by_tcp_for_a_while)
{
    begin(1);
    struct reload_ice_relay way;
    ck_assert(next_untried(&way));
    tell(&way, false, RELOAD_RELAY_SILENT);
    tell(&way, true, RELOAD_RELAY_GIVES);
    ck_assert_uint_eq(hand_out(), 1);
    ck_assert(ways[0].tcp);
    ck_assert_uint_eq(trials_in(95, NOBODY), 1);
    ck_assert_uint_eq(hand_out(), 2);
}
END_TEST

/* Each time credentials are renewed: a relay that stalls is noticed also by who makes no links. */
START_TEST(tried_again_in_time)
{
    begin(1);
    ck_assert_uint_eq(turn_try(s, US, NOBODY), 1);
    unsigned tried = trials_in(HOUR_S, NOBODY);
    ck_assert_uint_ge(tried, 7);
    ck_assert_uint_le(tried, 14);
    (void)trials_in(HOUR_S / 6, 1);
    ck_assert_uint_eq(hand_out(), 0);
}
END_TEST

/* ---- in turn ----------------------------------------------------------------------------------
 */

/* One that works is enough for an agent. */
START_TEST(all_are_used_in_turn)
{
    begin(3);
    ck_assert_uint_eq(turn_try(s, US, NOBODY), 3);
    unsigned used[4] = {0};
    for (unsigned i = 0; i < 30; i++) {
        ck_assert_uint_eq(hand_out(), 2);
        ck_assert_uint_eq(ways[0].address.octets[3], ways[1].address.octets[3]);
        used[ways[0].address.octets[3]]++;
    }
    for (unsigned i = 1; i < 4; i++)
        ck_assert_uint_eq(used[i], 10);
}
END_TEST

/* One through which nothing was seen to come is taken when there is no better one, and then with
 * another one beside it. */
START_TEST(the_better_ones_first)
{
    begin(3);
    struct reload_ice_relay way, works;
    while (next_untried(&way)) {
        tell(&way, false, is_at(&way, 2) ? RELOAD_RELAY_WORKS : RELOAD_RELAY_GIVES);
        if (is_at(&way, 2))
            works = way;
        else
            tell(&way, true, RELOAD_RELAY_SILENT);
    }
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_uint_eq(hand_out(), 2);
        ck_assert(is_at(&ways[0], 2) && is_at(&ways[1], 2));
    }
    tell_use(&works, RELOAD_RELAY_STALLED);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_uint_eq(hand_out(), 2);
        ck_assert(!is_at(&ways[0], 2) && !is_at(&ways[1], 2));
        ck_assert(!is_at(&ways[0], ways[1].address.octets[3]));
    }
}
END_TEST

int
main(void)
{
    return RUN_SUITE_IN(NULL, end, "turn_trial", handed_out_after_a_trial, each_way_for_itself,
                        a_trial_that_got_lost, results_of_others, bad_ones_are_replaced,
                        a_silent_one_costs_less_and_less, a_short_stall, one_that_only_fails_agents,
                        links_that_failed, by_tcp_for_a_while, tried_again_in_time,
                        all_are_used_in_turn, the_better_ones_first);
}
