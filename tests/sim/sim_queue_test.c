/* sim_queue_test.c: the simulator's order of events, its random numbers, hash and map.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_hash.h"
#include "tools/sim/sim_map.h"
#include "tools/sim/sim_queue.h"
#include "tools/sim/sim_random.h"

#include <check.h>
#include <stdlib.h>

#define ITEMS 5000

START_TEST(queue_keeps_time_then_order)
{
    static uint32_t items[ITEMS];
    struct sim_queue queue = {0};
    struct sim_random random = sim_random_fork(7, 1);
    static uint64_t times[ITEMS];
    for (uint32_t i = 0; i < ITEMS; i++) {
        items[i] = i;
        times[i] = sim_random_below(&random, 500); /* many equal ones */
        sim_queue_push(&queue, times[i], &items[i]);
    }
    uint64_t last_at = 0, at = 0;
    uint32_t last = 0, count = 0;
    for (uint32_t *item = sim_queue_pop(&queue, &at); item; item = sim_queue_pop(&queue, &at)) {
        ck_assert_uint_eq(at, times[*item]);
        ck_assert(count == 0 || at > last_at || (at == last_at && *item > last));
        last_at = at;
        last = *item;
        count++;
    }
    ck_assert_uint_eq(count, ITEMS);
    ck_assert_uint_eq(sim_queue_next(&queue), UINT64_MAX);
    sim_queue_fini(&queue);
}
END_TEST

START_TEST(queue_takes_what_comes_while_it_runs)
{
    static int first, second, third;
    struct sim_queue queue = {0};
    uint64_t at = 0;
    sim_queue_push(&queue, 10, &first);
    sim_queue_push(&queue, 20, &third);
    ck_assert_ptr_eq(sim_queue_pop(&queue, &at), &first);
    sim_queue_push(&queue, 10, &second);
    ck_assert_uint_eq(sim_queue_next(&queue), 10);
    ck_assert_ptr_eq(sim_queue_pop(&queue, &at), &second);
    ck_assert_ptr_eq(sim_queue_pop(&queue, &at), &third);
    ck_assert_ptr_null(sim_queue_pop(&queue, &at));
    sim_queue_fini(&queue);
}
END_TEST

START_TEST(random_depends_on_seed_and_purpose)
{
    struct sim_random a = sim_random_fork(1, 1), b = sim_random_fork(1, 1);
    struct sim_random c = sim_random_fork(1, 2), d = sim_random_fork(2, 1);
    uint64_t first = sim_random_next(&a);
    ck_assert_uint_eq(first, sim_random_next(&b));
    ck_assert_uint_ne(first, sim_random_next(&c));
    ck_assert_uint_ne(first, sim_random_next(&d));
    for (int i = 0; i < 1000; i++) {
        uint64_t drawn = sim_random_between(&a, 5, 7);
        ck_assert(drawn >= 5 && drawn <= 7);
    }
}
END_TEST

START_TEST(hash_ignores_how_bytes_were_cut)
{
    uint8_t data[100];
    struct sim_random random = sim_random_fork(3, 3);
    sim_random_fill(&random, data, sizeof data);
    struct sim_hash whole = sim_hash_begin(9);
    sim_hash_add(&whole, data, sizeof data);
    for (size_t cut = 0; cut <= sizeof data; cut++) {
        struct sim_hash parts = sim_hash_begin(9);
        sim_hash_add(&parts, data, cut);
        sim_hash_add(&parts, data + cut, sizeof data - cut);
        ck_assert_uint_eq(sim_hash_result(&parts), sim_hash_result(&whole));
    }
    struct sim_hash other_key = sim_hash_begin(8);
    sim_hash_add(&other_key, data, sizeof data);
    ck_assert_uint_ne(sim_hash_result(&other_key), sim_hash_result(&whole));
}
END_TEST

START_TEST(hash_sees_every_bit_and_the_length)
{
    uint8_t data[41] = {0};
    struct sim_hash zero = sim_hash_begin(9);
    sim_hash_add(&zero, data, sizeof data);
    for (size_t bit = 0; bit < 8 * sizeof data; bit++) {
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        struct sim_hash flipped = sim_hash_begin(9);
        sim_hash_add(&flipped, data, sizeof data);
        ck_assert_uint_ne(sim_hash_result(&flipped), sim_hash_result(&zero));
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    struct sim_hash shorter = sim_hash_begin(9);
    sim_hash_add(&shorter, data, sizeof data - 1);
    ck_assert_uint_ne(sim_hash_result(&shorter), sim_hash_result(&zero));
}
END_TEST

/* The map against an array, with keys that come and go. */
START_TEST(map_agrees_with_a_table)
{
    static uint32_t table[256];
    struct sim_pool pool = {0};
    struct sim_map map = {.pool = &pool};
    struct sim_random random = sim_random_fork(11, 4);
    for (int i = 0; i < 20000; i++) {
        uint32_t key = (uint32_t)sim_random_between(&random, 1, 255), value = 0;
        if (sim_random_below(&random, 2)) {
            table[key] = (uint32_t)sim_random_between(&random, 1, 1000);
            sim_map_set(&map, key, table[key]);
        } else {
            table[key] = 0;
            sim_map_remove(&map, key);
        }
        for (key = 1; key < 256; key += 7)
            ck_assert(sim_map_get(&map, key, &value) ? value == table[key] : table[key] == 0);
    }
    ck_assert(!sim_map_get(&map, 0, &table[0]));
    sim_map_fini(&map);
    sim_pool_fini(&pool);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("sim_queue");
    TCase *tests = tcase_create("queue");
    tcase_add_test(tests, queue_keeps_time_then_order);
    tcase_add_test(tests, queue_takes_what_comes_while_it_runs);
    tcase_add_test(tests, random_depends_on_seed_and_purpose);
    tcase_add_test(tests, hash_ignores_how_bytes_were_cut);
    tcase_add_test(tests, hash_sees_every_bit_and_the_length);
    tcase_add_test(tests, map_agrees_with_a_table);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
