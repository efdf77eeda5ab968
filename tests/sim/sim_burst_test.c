/* sim_burst_test.c: losses that come in bursts, and wrong bits.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_network.h"

#include <check.h>
#include <stdlib.h>

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

START_TEST(good_weather_loses_nothing)
{
    struct sim_burst burst;
    sim_burst_init(&burst, 1);
    for (uint64_t i = 0; i < 10000; i++)
        ck_assert(!sim_burst_loses(&burst, 1, 2, i * MS));
    ck_assert_uint_eq(burst.lost + burst.spoiled, 0);
}
END_TEST

/* A second of 10 ms apart: what is lost stands side by side, far more than chance would do. */
START_TEST(losses_stand_side_by_side)
{
    struct sim_burst burst;
    sim_burst_init(&burst, 1);
    sim_burst_set(&burst, 4 * SECOND, SECOND, 0);
    unsigned lost = 0, pairs = 0, all = 100000;
    bool before = false;
    for (uint64_t i = 0; i < all; i++) {
        bool now = sim_burst_loses(&burst, 1, 2, i * 10 * MS);
        lost += now;
        pairs += now && before;
        before = now;
    }
    ck_assert_uint_gt(lost, all / 5 * 7 / 10); /* a fifth of the time, nine tenths of that */
    ck_assert_uint_lt(lost, all / 5 * 11 / 10);
    ck_assert_uint_gt(pairs, lost / 10 * 8); /* by chance a fifth */
}
END_TEST

START_TEST(lines_have_their_own_weather)
{
    struct sim_burst burst;
    sim_burst_init(&burst, 1);
    sim_burst_set(&burst, SECOND, SECOND, 0);
    unsigned differ = 0;
    for (uint64_t i = 0; i < 1000; i++)
        differ += sim_burst_loses(&burst, 1, 2, i * 10 * MS) !=
                  sim_burst_loses(&burst, 2, 1, i * 10 * MS);
    ck_assert_uint_gt(differ, 200);
}
END_TEST

START_TEST(wrong_bits_come_by_chance)
{
    struct sim_burst burst;
    sim_burst_init(&burst, 1);
    sim_burst_set(&burst, 0, 0, 10000);
    for (uint64_t i = 0; i < 100000; i++)
        (void)sim_burst_loses(&burst, 1, 2, i);
    ck_assert_uint_gt(burst.spoiled, 800);
    ck_assert_uint_lt(burst.spoiled, 1200);
    ck_assert_uint_eq(burst.lost, 0);
}
END_TEST

/* On links that lose nothing a burst costs time, as retransmissions do. */
START_TEST(messages_come_late_in_a_burst)
{
    static const struct sim_network_options calm = {.delay_min_ns = 5 * MS,
                                                    .delay_max_ns = 60 * MS};
    struct sim_network network;
    sim_network_init(&network, 1, &calm);
    sim_burst_set(&network.burst, SECOND, SECOND, 0);
    uint64_t last = 0, late = 0;
    for (uint64_t i = 0; i < 1000; i++)
        late += sim_network_message(&network, 1, 2, i * 10 * MS, &last) > i * 10 * MS + 60 * MS;
    ck_assert_uint_gt(late, 200);
    ck_assert_uint_lt(late, 900);
    sim_network_fini(&network);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("sim_burst");
    TCase *tests = tcase_create("burst");
    tcase_add_test(tests, good_weather_loses_nothing);
    tcase_add_test(tests, losses_stand_side_by_side);
    tcase_add_test(tests, lines_have_their_own_weather);
    tcase_add_test(tests, wrong_bits_come_by_chance);
    tcase_add_test(tests, messages_come_late_in_a_burst);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
