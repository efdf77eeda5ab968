/* smoke.c: runs a fuzz target without libFuzzer: on seeded random input and on spoiled copies of
 * the files that it is given, a fixed number of times.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reload/base/prng.h"
#include "tests/fuzz/structure.h"

#ifndef RUNS
#define RUNS 200000
#endif

enum { INPUT_SIZE_MAX = 8192 };

/* Calls the target with a copy of just |size| octets. */
static void
run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

/* Changes a few octets of |data|, mostly to values at the edges. */
static void
spoil(struct reload_prng *prng, uint8_t *data, size_t size)
{
    static const uint8_t edges[] = {0, 1, 2, 3, 16, 0x7f, 0x80, 0xff};
    for (uint64_t i = 1 + reload_prng_below(prng, 4); i > 0 && size > 0; i--) {
        uint64_t choice = reload_prng_below(prng, 2 * sizeof edges);
        data[reload_prng_below(prng, size)] =
            choice < sizeof edges ? edges[choice] : (uint8_t)reload_prng_next(prng);
    }
}

static size_t
read_file(const char *path, uint8_t *data)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    size_t size = fread(data, 1, INPUT_SIZE_MAX, file);
    fclose(file);
    return size;
}

int
main(int argc, char **argv)
{
    static uint8_t seed[INPUT_SIZE_MAX], data[INPUT_SIZE_MAX];
    struct reload_prng prng = reload_prng_of(1);
    for (int i = 0; i < RUNS; i++) {
        size_t size = reload_prng_below(&prng, 100);
        if (argc > 1 && i % 2) {
            size = read_file(argv[1 + reload_prng_below(&prng, (uint64_t)argc - 1)], seed);
            memcpy(data, seed, size);
            spoil(&prng, data, size);
        } else {
            reload_prng_fill(&prng, data, size);
            spoil(&prng, data, size);
        }
        run(data, size);
    }
    printf("%d inputs\n", RUNS);
    return EXIT_SUCCESS;
}
