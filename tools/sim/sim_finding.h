/* sim_finding.h: how checkers tell what they have found.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_FINDING_H
#define RELOAD_TOOLS_SIM_FINDING_H

/* Called with a violation of |invariant| (static text). */
typedef void sim_finding_fn(void *argument, const char *invariant, const char *what);

struct sim_finder {
    sim_finding_fn *fn;
    void *argument;
};

/* sim_finding tells |finder| of a violation of |invariant|. */
void sim_finding(const struct sim_finder *finder, const char *invariant, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
