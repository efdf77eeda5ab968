/* sim_pool_test.c: blocks of the simulator's memory.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_pool.h"
#include "tools/sim/sim_random.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS 500
#define LARGEST 4000 /* some are too large to be pooled */

static uint8_t *blocks[BLOCKS];
static size_t sizes[BLOCKS];

static void
fill(size_t i)
{
    memset(blocks[i], (int)(i % 251), sizes[i]);
}

static void
expect_filled(size_t i, size_t size)
{
    uint8_t expected[LARGEST];
    memset(expected, (int)(i % 251), sizeof expected);
    ck_assert_mem_eq(blocks[i], expected, size);
}

/* However they come, grow and go, none lies over another. */
START_TEST(blocks_keep_what_is_theirs)
{
    struct sim_pool pool = {0};
    struct sim_random random = {1};
    memset(blocks, 0, sizeof blocks);
    for (int step = 0; step < 20000; step++) {
        size_t i = (size_t)sim_random_below(&random, BLOCKS);
        size_t size = 1 + (size_t)sim_random_below(&random, LARGEST);
        if (!blocks[i]) {
            blocks[i] = sim_pool_get(&pool, size);
            ck_assert_uint_eq((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
        } else if (size % 2) {
            expect_filled(i, sizes[i]);
            blocks[i] = sim_pool_resize(&pool, blocks[i], sizes[i], size);
            expect_filled(i, size < sizes[i] ? size : sizes[i]);
        } else {
            expect_filled(i, sizes[i]);
            sim_pool_put(&pool, blocks[i], sizes[i]);
            blocks[i] = NULL;
            continue;
        }
        sizes[i] = size;
        fill(i);
    }
    for (size_t i = 0; i < BLOCKS; i++)
        sim_pool_put(&pool, blocks[i], sizes[i]);
    sim_pool_fini(&pool);
}
END_TEST

#ifndef __SANITIZE_ADDRESS__ /* there each block is the allocator's own */
START_TEST(last_one_given_back_is_taken_first)
{
    struct sim_pool pool = {0};
    void *first = sim_pool_get(&pool, 100), *second = sim_pool_get(&pool, 100);
    sim_pool_put(&pool, first, 100);
    sim_pool_put(&pool, second, 100);
    ck_assert_ptr_eq(sim_pool_get(&pool, 65), second);
    ck_assert_ptr_eq(sim_pool_get(&pool, 128), first);
    ck_assert_ptr_ne(sim_pool_get(&pool, 129), first);
    sim_pool_fini(&pool); /* what was not given back goes with it */
}
END_TEST
#endif

int
main(void)
{
    Suite *suite = suite_create("sim_pool");
    TCase *tests = tcase_create("pool");
    tcase_add_test(tests, blocks_keep_what_is_theirs);
#ifndef __SANITIZE_ADDRESS__
    tcase_add_test(tests, last_one_given_back_is_taken_first);
#endif
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
