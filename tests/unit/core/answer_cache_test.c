/* answer_cache_test.c: a request that comes again gets the same answer, and is carried out once.
 *
 * RFC 6940 6.2.1; attack rows R7, R8. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/core/world.h"

#include "tests/suite.h"

static struct world *world;
static struct world_host *host;
static const uint8_t digest[32] = {1, 2, 3}, other_digest[32] = {1, 2, 4};
static const struct reload_node_id alice = {{1}}, bob = {{2}};
static const struct reload_kept_answer *kept;

static void
begin(void)
{
    world = world_new(&world_single);
    host = world_add(world, 1);
    ck_assert_int_eq(world_boot(host, &world_single), 0);
}

static enum reload_answer_state
look(const struct reload_node_id *signer, uint64_t id, const uint8_t *contents)
{
    return reload_answer_cache_look(host->node, signer, id, contents, &kept, world->now);
}

static void
keep(uint64_t id, uint16_t code, const void *data, size_t size)
{
    reload_answer_cache_keep(host->node, &alice, id, digest, code,
                             (struct reload_bytes){data, size});
}

START_TEST(new_pending_kept)
{
    begin();
    ck_assert_int_eq(look(&alice, 7, digest), RELOAD_ANSWER_NEW);
    ck_assert_int_eq(look(&alice, 7, digest), RELOAD_ANSWER_PENDING);
    keep(7, 0, "answer", 6);
    ck_assert_int_eq(look(&alice, 7, digest), RELOAD_ANSWER_KEPT);
    ck_assert_uint_eq(kept->size, 6);
    ck_assert_mem_eq(kept->body, "answer", 6);
    ck_assert_uint_eq(kept->error_code, 0);
    ck_assert_int_eq(look(&alice, 8, digest), RELOAD_ANSWER_NEW);
    keep(8, RELOAD_ERROR_FORBIDDEN, NULL, 0);
    ck_assert_int_eq(look(&alice, 8, digest), RELOAD_ANSWER_KEPT);
    ck_assert_uint_eq(kept->error_code, RELOAD_ERROR_FORBIDDEN);
    world_free(world);
}
END_TEST

/* R7: another signer's, or other contents: another request. */
START_TEST(who_and_what_count_too)
{
    begin();
    ck_assert_int_eq(look(&alice, 7, digest), RELOAD_ANSWER_NEW);
    ck_assert_int_eq(look(&bob, 7, digest), RELOAD_ANSWER_NEW);
    ck_assert_int_eq(look(&alice, 7, other_digest), RELOAD_ANSWER_NEW);
    ck_assert_int_eq(look(&alice, 7 + 64, digest), RELOAD_ANSWER_NEW); /* the same bucket */
    keep(7, 0, "a", 1);
    ck_assert_int_eq(look(&alice, 7, digest), RELOAD_ANSWER_KEPT);
    ck_assert_int_eq(look(&bob, 7, digest), RELOAD_ANSWER_PENDING);
    ck_assert_int_eq(look(&alice, 7, other_digest), RELOAD_ANSWER_PENDING);
    ck_assert_int_eq(look(&alice, 7 + 64, digest), RELOAD_ANSWER_PENDING);
    world_free(world);
}
END_TEST

/* RFC6940-6.2.1: for 15 seconds, answered or not. */
START_TEST(fifteen_seconds)
{
    begin();
    (void)look(&alice, 7, digest);
    keep(7, 0, "a", 1);
    world_advance(world, world->now + 7 * RELOAD_SECOND);
    (void)look(&alice, 8, digest);
    world_advance(world, world->now + 7999 * RELOAD_MS);
    ck_assert_int_eq(look(&alice, 7, digest), RELOAD_ANSWER_KEPT);
    world_advance(world, world->now + RELOAD_MS);
    ck_assert_uint_eq(host->node->answers.count, 1);
    ck_assert_int_eq(look(&alice, 8, digest), RELOAD_ANSWER_PENDING);
    world_advance(world, world->now + 7 * RELOAD_SECOND);
    ck_assert_uint_eq(host->node->answers.count, 0);
    ck_assert_uint_eq(host->node->answers.octets, 0);
    ck_assert_int_eq(look(&alice, 7, digest), RELOAD_ANSWER_NEW);
    world_free(world);
}
END_TEST

/* What could not be taken up is welcome again. */
START_TEST(forgotten)
{
    begin();
    for (uint64_t id = 1; id <= 3; id++)
        (void)look(&alice, id, digest);
    for (uint64_t id = 3; id >= 2; id--) /* the youngest, one between */
        reload_answer_cache_forget(host->node, &alice, id, digest);
    reload_answer_cache_forget(host->node, &alice, 77, digest);
    ck_assert_int_eq(look(&alice, 1, digest), RELOAD_ANSWER_PENDING);
    ck_assert_int_eq(look(&alice, 3, digest), RELOAD_ANSWER_NEW);
    ck_assert_int_eq(look(&alice, 2, digest), RELOAD_ANSWER_NEW);
    keep(2, 0, "b", 1);
    ck_assert_int_eq(look(&alice, 2, digest), RELOAD_ANSWER_KEPT);
    world_advance(world, world->now + 16 * RELOAD_SECOND);
    ck_assert_uint_eq(host->node->answers.count, 0);
    world_free(world);
}
END_TEST

START_TEST(bounds)
{
    static const uint8_t large[5000];
    begin();
    for (uint64_t id = 1; id <= 3000; id++) {
        ck_assert_int_eq(look(&alice, id, digest), RELOAD_ANSWER_NEW);
        keep(id, 0, large, _i ? sizeof large : 1);
        ck_assert_int_eq(look(&alice, id, digest), RELOAD_ANSWER_KEPT);
        ck_assert_uint_le(host->node->answers.count, RELOAD_ANSWERS_KEPT_MAX);
        ck_assert_uint_le(host->node->answers.octets, RELOAD_ANSWERS_KEPT_OCTETS_MAX);
    }
    ck_assert_int_eq(look(&alice, 1, digest), RELOAD_ANSWER_NEW); /* the oldest went first */
    world_free(world);
}
END_TEST

/* Who asks much loses what is its own: the answers to others stay, by count and by octets. */
START_TEST(one_signer_cannot_flush_it)
{
    static const uint8_t large[5000];
    const struct reload_node_id mallory = {{66}};
    begin();
    ck_assert_int_eq(look(&alice, 1, digest), RELOAD_ANSWER_NEW);
    keep(1, 0, "a", 1);
    ck_assert_int_eq(look(&bob, 2, digest), RELOAD_ANSWER_NEW); /* pending */
    for (uint8_t i = 200; i < 250; i++) {
        const struct reload_node_id other = {{i}};
        ck_assert_int_eq(look(&other, i, digest), RELOAD_ANSWER_NEW);
    }
    for (uint64_t id = 1; id <= 3000; id++) {
        ck_assert_int_eq(look(&mallory, id, digest), RELOAD_ANSWER_NEW);
        reload_answer_cache_keep(host->node, &mallory, id, digest, 0,
                                 (struct reload_bytes){large, _i ? sizeof large : 1});
        ck_assert_int_eq(look(&mallory, id, digest), RELOAD_ANSWER_KEPT);
        ck_assert_uint_le(host->node->answers.count, RELOAD_ANSWERS_KEPT_MAX);
        ck_assert_uint_le(host->node->answers.octets, RELOAD_ANSWERS_KEPT_OCTETS_MAX);
    }
    ck_assert_int_eq(look(&alice, 1, digest), RELOAD_ANSWER_KEPT);
    ck_assert_int_eq(look(&bob, 2, digest), RELOAD_ANSWER_PENDING);
    for (uint8_t i = 200; i < 250; i++) {
        const struct reload_node_id other = {{i}};
        ck_assert_int_eq(look(&other, i, digest), RELOAD_ANSWER_PENDING);
    }
    /* Nor do those who come when it is full push each other out. */
    for (uint8_t i = 100; i < 200; i++) {
        const struct reload_node_id other = {{i}};
        ck_assert_int_eq(look(&other, i, digest), RELOAD_ANSWER_NEW);
    }
    for (uint8_t i = 100; i < 200; i++) {
        const struct reload_node_id other = {{i}};
        ck_assert_int_eq(look(&other, i, digest), RELOAD_ANSWER_PENDING);
    }
    ck_assert_int_eq(look(&mallory, 1, digest), RELOAD_ANSWER_NEW);
    world_advance(world, world->now + 16 * RELOAD_SECOND);
    ck_assert_uint_eq(host->node->answers.count, 0);
    ck_assert_uint_eq(host->node->answers.octets, 0);
    world_free(world);
}
END_TEST

/* One answer that is larger than all others together is kept, and they go. */
START_TEST(one_large_answer)
{
    static const uint8_t large[RELOAD_ANSWERS_KEPT_OCTETS_MAX - 100];
    begin();
    for (uint64_t id = 1; id <= 10; id++) {
        ck_assert_int_eq(look(&alice, id, digest), RELOAD_ANSWER_NEW);
        keep(id, 0, large, 1000);
    }
    ck_assert_int_eq(look(&bob, 77, digest), RELOAD_ANSWER_NEW);
    reload_answer_cache_keep(host->node, &bob, 77, digest, 0,
                             (struct reload_bytes){large, sizeof large});
    ck_assert_int_eq(look(&bob, 77, digest), RELOAD_ANSWER_KEPT);
    ck_assert_uint_eq(kept->size, sizeof large);
    ck_assert_uint_le(host->node->answers.octets, RELOAD_ANSWERS_KEPT_OCTETS_MAX);
    world_free(world);
}
END_TEST

/* As many signers as there are places: the oldest goes, as with one. */
START_TEST(many_signers)
{
    begin();
    for (unsigned i = 0; i < 2 * RELOAD_ANSWERS_KEPT_MAX; i++) {
        const struct reload_node_id other = {{(uint8_t)(i >> 8), (uint8_t)i, 7}};
        ck_assert_int_eq(look(&other, 1, digest), RELOAD_ANSWER_NEW);
        ck_assert_uint_le(host->node->answers.count, RELOAD_ANSWERS_KEPT_MAX);
    }
    const struct reload_node_id first = {{0, 0, 7}}, last = {{3, 255, 7}};
    ck_assert_int_eq(look(&last, 1, digest), RELOAD_ANSWER_PENDING);
    ck_assert_int_eq(look(&first, 1, digest), RELOAD_ANSWER_NEW);
    world_free(world);
}
END_TEST

/* Without memory for it, an answer is not remembered; the request is not carried out twice. */
START_TEST(memory_runs_out)
{
    for (uint64_t i = 1; i < 8; i++) {
        begin();
        world->fail_at = world->allocations + i;
        ck_assert_int_eq(look(&alice, 7, digest), RELOAD_ANSWER_NEW);
        keep(7, 0, "a", 1);
        world->fail_at = 0;
        (void)look(&alice, 7, digest);
        (void)look(&alice, 8, digest);
        world_advance(world, world->now + 16 * RELOAD_SECOND);
        ck_assert_uint_eq(host->node->answers.count, 0);
        world_free(world);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("answer_cache");
    TCase *tcase = tcase_create("answer_cache");
    tcase_add_test(tcase, new_pending_kept);
    tcase_add_test(tcase, who_and_what_count_too);
    tcase_add_test(tcase, fifteen_seconds);
    tcase_add_test(tcase, forgotten);
    tcase_add_loop_test(tcase, bounds, 0, 2);
    tcase_add_loop_test(tcase, one_signer_cannot_flush_it, 0, 2);
    tcase_add_test(tcase, one_large_answer);
    tcase_add_test(tcase, many_signers);
    tcase_add_test(tcase, memory_runs_out);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
