/* sim_finding.c: how checkers tell what they have found.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_finding.h"

#include <stdarg.h>
#include <stdio.h>

void
sim_finding(const struct sim_finder *finder, const char *invariant, const char *format, ...)
{
    char what[160];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    finder->fn(finder->argument, invariant, what);
}
