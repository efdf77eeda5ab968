/* suite.h: runs the tests of one noun, and gives each a folder of its own.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_UNIT_TOOLS_SUITE_H
#define TESTS_UNIT_TOOLS_SUITE_H

#include <check.h>
#include <stddef.h>

/* suite_run runs |count| tests and returns the exit code. */
int suite_run(const char *name, const TTest *const *tests, size_t count);

/* suite_folder returns the path of an empty folder (0700) for this test. It is removed after it. */
const char *suite_folder(void);

#define SUITE_MAIN(name, ...)                                                                      \
    int main(void)                                                                                 \
    {                                                                                              \
        const TTest *const tests[] = {__VA_ARGS__};                                                \
        return suite_run(name, tests, sizeof tests / sizeof tests[0]);                             \
    }

#endif
