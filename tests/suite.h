/* suite.h: the main function of a test program with one suite.
 *
 *     int
 *     main(void)
 *     {
 *         return RUN_SUITE("alarm", fires_in_order, equal_times_keep_their_order);
 *     }
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TESTS_SUITE_H
#define RELOAD_TESTS_SUITE_H

#include <check.h>
#include <stdlib.h>

static inline int
end_suite(Suite *suite, TCase *tcase)
{
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* |setup| and |teardown| are called around each test, in its process; they may be NULL. */
static inline int
run_suite(const char *name, void (*setup)(void), void (*teardown)(void), const TTest *const *tests,
          size_t count)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, setup, teardown);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tcase, tests[i]);
    return end_suite(suite, tcase);
}

/* A suite in which some tests are loops. */
struct named_test {
    const TTest *const *test;
    int first, last; /* of a loop test; equal: once */
};

/* Runs |tests| of |name| and returns what main returns. */
static inline int
run_tests(const char *name, const struct named_test *tests, size_t count)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    for (size_t i = 0; i < count; i++)
        if (tests[i].last > tests[i].first)
            tcase_add_loop_test(tcase, *tests[i].test, tests[i].first, tests[i].last);
        else
            tcase_add_test(tcase, *tests[i].test);
    return end_suite(suite, tcase);
}

#define RUN_SUITE(name, ...) RUN_SUITE_IN(NULL, NULL, name, __VA_ARGS__)

/* Each test between |setup| and |teardown|. */
#define RUN_SUITE_IN(setup, teardown, name, ...)                                                   \
    run_suite(name, setup, teardown, (const TTest *[]){__VA_ARGS__},                               \
              sizeof((const TTest *[]){__VA_ARGS__}) / sizeof(const TTest *))

#endif
