/* junk_test.c: how many signatures that do not verify somebody may make us check.
 *
 * RFC 6940 13.6. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/junk.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define BEGIN (1000 * RELOAD_SECOND)
#define ID_LENGTH 16
#define ENTRY_SIZE (2 + ID_LENGTH)

/* Tries |count| times, all of which fail; returns how many were verified. */
static unsigned
flood(struct reload_junk *junk, size_t way, unsigned count, reload_time now)
{
    unsigned verified = 0;
    for (unsigned i = 0; i < count; i++)
        if (reload_junk_is_welcome(junk, way, now)) {
            verified++;
            reload_junk_failed(junk, way);
        }
    return verified;
}

START_TEST(failures_are_bounded_and_forgotten)
{
    struct reload_junk junk = {0};
    ck_assert_uint_eq(flood(&junk, 3, 1000, BEGIN), RELOAD_JUNK_BURST);
    ck_assert_uint_eq(flood(&junk, 3, 1000, BEGIN + RELOAD_JUNK_INTERVAL_NS - 1), 0);
    ck_assert_uint_eq(flood(&junk, 3, 1000, BEGIN + RELOAD_JUNK_INTERVAL_NS), 1);
    ck_assert_uint_eq(flood(&junk, 3, 1000, BEGIN + 11 * RELOAD_JUNK_INTERVAL_NS), 10);
    ck_assert_uint_eq(flood(&junk, 3, 1000, BEGIN + RELOAD_SECOND * 3600), RELOAD_JUNK_BURST);
}
END_TEST

START_TEST(who_verifies_is_never_refused)
{
    struct reload_junk junk = {0};
    for (unsigned i = 0; i < 100000; i++)
        ck_assert(reload_junk_is_welcome(&junk, i % RELOAD_JUNK_WAYS, BEGIN));
}
END_TEST

START_TEST(other_ways_do_not_suffer)
{
    struct reload_junk junk = {0};
    (void)flood(&junk, 3, 1000, BEGIN);
    for (size_t way = 0; way < RELOAD_JUNK_WAYS; way++)
        ck_assert(reload_junk_is_welcome(&junk, way, BEGIN) == (way != 3));
}
END_TEST

/* Only the last entry counts: the others are what the sender likes them to be. */
START_TEST(ways_are_last_entries)
{
    uint8_t list[3 * ENTRY_SIZE];
    struct reload_bytes whole = {list, sizeof list};
    bool seen[RELOAD_JUNK_WAYS] = {false};
    unsigned ways = 0;
    for (unsigned n = 0; n < 256; n++) {
        memset(list, (int)(n * 7), sizeof list);
        memset(list + 2 * ENTRY_SIZE, 0, ENTRY_SIZE);
        list[sizeof list - 1] = (uint8_t)n;
        size_t way = reload_junk_way(whole, ID_LENGTH);
        ck_assert_uint_ge(way, 1);
        ck_assert_uint_lt(way, RELOAD_JUNK_WAYS);
        struct reload_bytes last = {list + 2 * ENTRY_SIZE, ENTRY_SIZE};
        ck_assert_uint_eq(reload_junk_way(last, ID_LENGTH), way);
        ways += !seen[way];
        seen[way] = true;
    }
    ck_assert_uint_eq(ways, RELOAD_JUNK_WAYS - 1); /* all are used */
    ck_assert_uint_eq(reload_junk_way((struct reload_bytes){0}, ID_LENGTH), 0);
    ck_assert_uint_eq(reload_junk_way((struct reload_bytes){list, 5}, ID_LENGTH), 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("junk");
    TCase *tests = tcase_create("junk");
    tcase_add_test(tests, failures_are_bounded_and_forgotten);
    tcase_add_test(tests, who_verifies_is_never_refused);
    tcase_add_test(tests, other_ways_do_not_suffer);
    tcase_add_test(tests, ways_are_last_entries);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
