/* zave_test.c: every history of a ring of few nodes: joins in all their steps, at the same time,
 * deaths and leaves in the middle of them; and every way in which a ring that fell apart heals.
 *
 * RFC 6940 10.5-10.9. SPDX-License-Identifier: BSD-2-Clause */
#include "ring_search.h"

#include <check.h>
#include <stdlib.h>

#define SIX_NODES_STATES 2591835 /* all that there are */
#define BROKEN_LIMIT 200000      /* states in which a broken rule shows */

/* How many states of six nodes to look at: all, unless each takes ten times as long. */
static size_t
six_nodes_limit(void)
{
    const char *text = getenv("ZAVE_LIMIT");
    return text ? strtoul(text, NULL, 10) : 0;
}

static struct search_result
all_histories(int count, enum model_fault fault, size_t limit)
{
    struct model model = {
        .count = count, .fault = fault, .told_counts = count == 6 && fault == MODEL_SOUND};
    struct model_state founder = {0};
    model_ideal(&model, &founder, 1);
    struct search_goal goal = {.changes = true, .always = true, .settles = true, .limit = limit};
    return search_states(&model, &goal, &founder, 1);
}

START_TEST(all_histories_of_a_few)
{
    struct search_result result = all_histories(_i, MODEL_SOUND, 0);
    ck_assert_msg(!result.flaw, "%s", result.flaw);
    ck_assert(result.complete);
    ck_assert_uint_ge(result.states, 6);
}
END_TEST

/* When a rule changes, so does the number: then it is to be renewed. */
START_TEST(all_histories_of_six)
{
    size_t limit = six_nodes_limit();
    struct search_result result = all_histories(6, MODEL_SOUND, limit);
    ck_assert_msg(!result.flaw, "%s", result.flaw);
    ck_assert(result.complete == (limit == 0));
    ck_assert_uint_eq(result.states, limit ? limit : SIX_NODES_STATES);
}
END_TEST

/* Each of these rules is needed: without it the checker finds a ring that breaks or stays broken.
 */
START_TEST(broken_rules_are_found)
{
    enum model_fault fault = (enum model_fault)_i;
    struct search_result result =
        all_histories(fault == MODEL_NEVER_REMINDS ? 6 : 5, fault, BROKEN_LIMIT);
    ck_assert_ptr_nonnull(result.flaw);
}
END_TEST

/* ---- beyond the assumption ------------------------------------------------------------------ */

static struct search_result
healing(const struct model *model, const struct model_state *starts, size_t count)
{
    struct search_goal goal = {.settles = true};
    return search_states(model, &goal, starts, count);
}

/* Attack row T11: two rings, in every way that six nodes can be parted; node 0, the bootstrap node,
 * is in one of them. */
START_TEST(two_rings_merge)
{
    struct model model = {.count = _i, .merges = true};
    struct model_state starts[1 << (MODEL_NODES_MAX - 1)] = {0};
    unsigned all = (1u << model.count) - 1;
    size_t count = 0;
    for (unsigned other = 2; other <= all; other += 2, count++) {
        model_ideal(&model, &starts[count], other);
        model_ideal(&model, &starts[count], all & ~other);
    }
    struct search_result result = healing(&model, starts, count);
    ck_assert_msg(!result.flaw, "%s", result.flaw);
    ck_assert(result.complete);

    model.merges = false;
    ck_assert_ptr_nonnull(healing(&model, starts, count).flaw);
}
END_TEST

/* A ring wound twice around: each node takes the one after the next for its successor. Only the
 * search for partitions finds that out (D5). */
START_TEST(loopy_ring_unwinds)
{
    struct model model = {.count = 5, .merges = true};
    struct model_state loopy = {0};
    for (int i = 0; i < model.count; i++) {
        uint8_t table = (uint8_t)(1u << (i + 2) % 5 | 1u << (i + 3) % 5);
        loopy.nodes[i] = (struct model_node){.status = MODEL_PEER, .table = table, .links = table};
    }
    ck_assert(!model_is_ideal(&model, &loopy));
    struct search_result result = healing(&model, &loopy, 1);
    ck_assert_msg(!result.flaw, "%s", result.flaw);
}
END_TEST

/* False deaths: any three links of a ring fail while their ends live. */
START_TEST(cut_links_return)
{
    struct model model = {.count = 5, .merges = true};
    static const int pairs[10][2] = {{0, 1}, {0, 2}, {0, 3}, {0, 4}, {1, 2},
                                     {1, 3}, {1, 4}, {2, 3}, {2, 4}, {3, 4}};
    struct model_state starts[120];
    size_t count = 0;
    for (int a = 0; a < 10; a++)
        for (int b = a + 1; b < 10; b++)
            for (int c = b + 1; c < 10; c++) {
                struct model_state state = {0};
                model_ideal(&model, &state, 31);
                model_cut(&state, pairs[a][0], pairs[a][1]);
                model_cut(&state, pairs[b][0], pairs[b][1]);
                model_cut(&state, pairs[c][0], pairs[c][1]);
                starts[count++] = state;
            }
    struct search_result result = healing(&model, starts, count);
    ck_assert_msg(!result.flaw, "%s", result.flaw);
    ck_assert_uint_ge(result.states, count);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("zave");
    TCase *tests = tcase_create("histories");
    tcase_set_timeout(tests, 150);
    tcase_add_loop_test(tests, all_histories_of_a_few, 2, 6);
    tcase_add_test(tests, all_histories_of_six);
    tcase_add_loop_test(tests, broken_rules_are_found, MODEL_SOUND + 1, MODEL_FAULTS);
    tcase_add_loop_test(tests, two_rings_merge, 2, MODEL_NODES_MAX + 1);
    tcase_add_test(tests, loopy_ring_unwinds);
    tcase_add_test(tests, cut_links_return);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
