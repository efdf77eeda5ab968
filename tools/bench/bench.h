/* bench.h: a part of reload-bench, and what the parts share.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_BENCH_BENCH_H
#define TOOLS_BENCH_BENCH_H

#include <stdint.h>

/* |run| gets the arguments from the part's name on and returns the exit code. */
struct bench {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
};

/* bench_wire: what decoding costs. */
int bench_wire(int argc, char **argv);

/* bench_node: what real nodes cost. */
int bench_node(int argc, char **argv);

/* bench_cpu_ns returns the CPU time of this thread so far. */
uint64_t bench_cpu_ns(void);

/* bench_measure calls |work| with |argument| again and again, for about |budget_ns| of CPU time in
 * several rounds, and returns the ns that a call takes in the fastest round: what else the host
 * does can only make it slower. */
double bench_measure(void (*work)(void *argument), void *argument, uint64_t budget_ns);

#endif
