/* main.c: reload-bench: what things cost on this host.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/bench/bench.h"

static const struct bench benches[] = {
    {"wire", "parsing of headers and whole messages, beside memcpy and SHA-256", bench_wire},
    {"node", "Store, Fetch, join, links and forwarding of real nodes over DTLS", bench_node},
};

uint64_t
bench_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

double
bench_measure(void (*work)(void *argument), void *argument, uint64_t budget_ns)
{
    enum { ROUNDS = 10 };
    uint64_t calls = 1, spent = 0;
    while (spent < budget_ns / ROUNDS / 2) { /* how many calls make a round */
        calls *= 2;
        uint64_t start = bench_cpu_ns();
        for (uint64_t i = 0; i < calls; i++)
            work(argument);
        spent = bench_cpu_ns() - start;
    }
    double best = (double)spent / (double)calls;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t start = bench_cpu_ns();
        for (uint64_t i = 0; i < calls; i++)
            work(argument);
        double each = (double)(bench_cpu_ns() - start) / (double)calls;
        best = each < best ? each : best;
    }
    return best;
}

static void
print_usage(FILE *out)
{
    fprintf(out, "usage: reload-bench PART [--json]\n\n");
    for (size_t i = 0; i < sizeof benches / sizeof benches[0]; i++)
        fprintf(out, "  %-6s %s\n", benches[i].name, benches[i].summary);
}

int
main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        print_usage(stdout);
        return EXIT_SUCCESS;
    }
    for (size_t i = 0; argc > 1 && i < sizeof benches / sizeof benches[0]; i++)
        if (strcmp(argv[1], benches[i].name) == 0)
            return benches[i].run(argc - 1, argv + 1);
    if (argc > 1)
        fprintf(stderr, "reload-bench: unknown part '%s'\n", argv[1]);
    print_usage(stderr);
    return 2;
}
