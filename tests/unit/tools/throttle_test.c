/* throttle_test.c: back-off after failures and rates of requests, in time that is an argument.
 *
 * RFC 6940 11.3; attack E1. SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "tests/unit/tools/suite.h"
#include "tools/enrolld/throttle.h"

static const struct throttle_rule rule = {.failures_free = 3,
                                          .wait_ns = RELOAD_SECOND,
                                          .wait_max_ns = 10 * RELOAD_SECOND,
                                          .forget_ns = 60 * RELOAD_SECOND,
                                          .requests_burst = 5,
                                          .requests_ns = 2 * RELOAD_SECOND};

static struct reload_bytes
who(const char *name)
{
    return reload_bytes_of_string(name);
}

START_TEST(waits_double_up_to_a_limit)
{
    static const unsigned waits[] = {0, 0, 0, 1, 2, 4, 8, 10, 10};
    struct throttle *throttle = throttle_new(&rule, 7);
    reload_time now = 1000;
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        throttle_failed(throttle, who("alice"), now);
        reload_time wait = throttle_wait(throttle, who("alice"), now);
        ck_assert_uint_eq(wait, waits[i] * RELOAD_SECOND);
        now += wait;
        ck_assert_uint_eq(throttle_wait(throttle, who("alice"), now), 0);
    }
    throttle_free(throttle);
}
END_TEST

START_TEST(others_do_not_wait)
{
    struct throttle *throttle = throttle_new(&rule, 7);
    for (int i = 0; i < 5; i++)
        throttle_failed(throttle, who("alice"), 0);
    ck_assert_uint_gt(throttle_wait(throttle, who("alice"), 0), 0);
    ck_assert_uint_eq(throttle_wait(throttle, who("alicf"), 0), 0);
    ck_assert_uint_eq(throttle_wait(throttle, who(""), 0), 0);
    throttle_free(throttle);
}
END_TEST

START_TEST(success_and_time_forgive)
{
    struct throttle *throttle = throttle_new(&rule, 7);
    for (int i = 0; i < 4; i++)
        throttle_failed(throttle, who("alice"), 0);
    throttle_succeeded(throttle, who("alice"), 0);
    ck_assert_uint_eq(throttle_wait(throttle, who("alice"), 0), 0);
    throttle_failed(throttle, who("alice"), 1);
    ck_assert_uint_eq(throttle_wait(throttle, who("alice"), 1), 0);

    for (int i = 0; i < 5; i++)
        throttle_failed(throttle, who("bob"), 1);
    reload_time later = 1 + 60 * RELOAD_SECOND;
    throttle_failed(throttle, who("bob"), later);
    ck_assert_uint_eq(throttle_wait(throttle, who("bob"), later), 0);
    throttle_free(throttle);
}
END_TEST

START_TEST(requests_come_back_with_time)
{
    struct throttle *throttle = throttle_new(&rule, 7);
    reload_time now = 500;
    for (int i = 0; i < 5; i++)
        ck_assert_uint_eq(throttle_take(throttle, who("a"), now), 0);
    ck_assert_uint_eq(throttle_take(throttle, who("a"), now), 2 * RELOAD_SECOND);
    ck_assert_uint_eq(throttle_take(throttle, who("b"), now), 0);
    now += 2 * RELOAD_SECOND;
    ck_assert_uint_eq(throttle_take(throttle, who("a"), now), 0);
    ck_assert_uint_gt(throttle_take(throttle, who("a"), now), 0);
    now += 1000 * RELOAD_SECOND; /* not more than the burst, however long */
    for (int i = 0; i < 5; i++)
        ck_assert_uint_eq(throttle_take(throttle, who("a"), now), 0);
    ck_assert_uint_gt(throttle_take(throttle, who("a"), now), 0);
    throttle_free(throttle);
}
END_TEST

START_TEST(no_rate_means_no_limit)
{
    struct throttle_rule free_rule = rule;
    free_rule.requests_burst = 0;
    struct throttle *throttle = throttle_new(&free_rule, 7);
    for (int i = 0; i < 1000; i++)
        ck_assert_uint_eq(throttle_take(throttle, who("a"), 0), 0);
    throttle_free(throttle);
}
END_TEST

/* A flood of names takes no memory, and works on. */
START_TEST(bounded_under_a_flood)
{
    struct throttle *throttle = throttle_new(&rule, 7);
    char name[16];
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "%u", i);
        throttle_failed(throttle, who(name), i);
    }
    for (int i = 0; i < 4; i++)
        throttle_failed(throttle, who("alice"), 20000);
    ck_assert_uint_gt(throttle_wait(throttle, who("alice"), 20000), 0);
    throttle_free(throttle);
}
END_TEST

SUITE_MAIN("throttle", waits_double_up_to_a_limit, others_do_not_wait, success_and_time_forgive,
           requests_come_back_with_time, no_rate_means_no_limit, bounded_under_a_flood)
