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
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define RUN_SUITE(name, ...) RUN_SUITE_IN(NULL, NULL, name, __VA_ARGS__)

/* Each test between |setup| and |teardown|. */
#define RUN_SUITE_IN(setup, teardown, name, ...)                                                   \
    run_suite(name, setup, teardown, (const TTest *[]){__VA_ARGS__},                               \
              sizeof((const TTest *[]){__VA_ARGS__}) / sizeof(const TTest *))

#endif
