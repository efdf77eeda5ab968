/* sim_network_test.c: delays, losses and cuts of the simulated network.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_network.h"

#include <check.h>
#include <stdlib.h>

#define MS UINT64_C(1000000)

static const struct sim_network_options calm = {.delay_min_ns = 5 * MS, .delay_max_ns = 60 * MS};

START_TEST(delay_belongs_to_the_pair)
{
    struct sim_network network, other;
    sim_network_init(&network, 1, &calm);
    sim_network_init(&other, 2, &calm);
    unsigned differ = 0;
    for (uint32_t a = 0; a < 30; a++)
        for (uint32_t b = 0; b < 30; b++) {
            uint64_t delay = sim_network_delay(&network, a, b);
            ck_assert(delay >= 5 * MS && delay <= 60 * MS);
            ck_assert_uint_eq(delay, sim_network_delay(&network, b, a));
            differ += delay != sim_network_delay(&other, a, b);
        }
    ck_assert_uint_gt(differ, 800);
    sim_network_fini(&network);
    sim_network_fini(&other);
}
END_TEST

START_TEST(messages_stay_in_order_and_none_is_lost)
{
    struct sim_network_options options = calm;
    options.loss_ppm = 300000;
    struct sim_network network;
    sim_network_init(&network, 1, &options);
    uint64_t last = 0, before = 0, slow = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t at = sim_network_message(&network, 1, 2, i * MS, &last);
        ck_assert_uint_ge(at, before);
        ck_assert_uint_ge(at, i * MS + sim_network_delay(&network, 1, 2));
        slow += at > i * MS + 60 * MS;
        before = at;
    }
    ck_assert_uint_gt(slow, 100); /* a loss costs time */
    sim_network_fini(&network);
}
END_TEST

START_TEST(datagrams_are_lost_doubled_and_late_as_often_as_asked)
{
    struct sim_network_options options = calm;
    options.loss_ppm = 100000;
    options.duplicate_ppm = 50000;
    options.reorder_ppm = 20000;
    struct sim_network network;
    sim_network_init(&network, 1, &options);
    unsigned arrived[3] = {0};
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t at[2];
        arrived[sim_network_datagram(&network, 1, 2, i * MS, at)]++;
    }
    ck_assert(arrived[0] > 1800 && arrived[0] < 2200);
    ck_assert(arrived[2] > 750 && arrived[2] < 1050);
    ck_assert_uint_eq(network.datagrams_lost, arrived[0]);
    ck_assert_uint_eq(network.datagrams_doubled, arrived[2]);
    ck_assert(network.datagrams_late > 250 && network.datagrams_late < 500);
    sim_network_fini(&network);
}
END_TEST

START_TEST(calm_network_loses_nothing)
{
    struct sim_network network;
    sim_network_init(&network, 1, &calm);
    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t at[2];
        ck_assert_uint_eq(sim_network_datagram(&network, 3, 4, i * MS, at), 1);
        ck_assert_uint_eq(at[0], i * MS + sim_network_delay(&network, 3, 4));
    }
    sim_network_fini(&network);
}
END_TEST

START_TEST(cuts_have_a_direction)
{
    struct sim_network network;
    uint64_t at[2];
    sim_network_init(&network, 1, &calm);
    sim_network_cut(&network, 1, 2);
    ck_assert(!sim_network_reaches(&network, 1, 2));
    ck_assert(sim_network_reaches(&network, 2, 1));
    ck_assert_uint_eq(sim_network_datagram(&network, 1, 2, 0, at), 0);
    ck_assert_uint_eq(sim_network_datagram(&network, 2, 1, 0, at), 1);
    sim_network_heal(&network, 1, 2);
    ck_assert(sim_network_reaches(&network, 1, 2));
    sim_network_heal(&network, 1, 2); /* twice does no harm */
    sim_network_fini(&network);
}
END_TEST

START_TEST(partition_separates_sides_only)
{
    struct sim_network network;
    sim_network_init(&network, 1, &calm);
    sim_network_partition(&network, 5, 1);
    sim_network_partition(&network, 9, 1);
    ck_assert(sim_network_reaches(&network, 5, 9));
    ck_assert(sim_network_reaches(&network, 1, 100));
    ck_assert(!sim_network_reaches(&network, 5, 1));
    ck_assert(!sim_network_reaches(&network, 100, 9));
    sim_network_heal_all(&network);
    ck_assert(sim_network_reaches(&network, 5, 1));
    sim_network_fini(&network);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("sim_network");
    TCase *tests = tcase_create("network");
    tcase_add_test(tests, delay_belongs_to_the_pair);
    tcase_add_test(tests, messages_stay_in_order_and_none_is_lost);
    tcase_add_test(tests, datagrams_are_lost_doubled_and_late_as_often_as_asked);
    tcase_add_test(tests, calm_network_loses_nothing);
    tcase_add_test(tests, cuts_have_a_direction);
    tcase_add_test(tests, partition_separates_sides_only);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
