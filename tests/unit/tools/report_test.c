/* report_test.c: figures that are reached, missed or could not be measured, and how they are told.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/suite.h"
#include "tools/sim/report.h"
#include "tools/sim/sim_liar.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char scene[] = "all restart within 1 s";
static const char what[] = "traffic against steady";

/* One figure that is reached, one that is missed, one that was not measured, one without a goal. */
static void
fill(struct report *report)
{
    report_goal(report, scene, "until one ring", "s", 1, "peers", 9, REPORT_AT_MOST, 10);
    report_goal(report, scene, what, "times", 1, "peers", 11, REPORT_AT_MOST, 10);
    report_goal(report, scene, what, "times", 2, "peers", NAN, REPORT_AT_MOST, 10);
    report_add(report, "idle", "sent", "bytes", 1, "peers", 7);
}

static char *
printed(void (*print)(const struct report *report, FILE *out), const struct report *report)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(out);
    print(report, out);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

static void
expect(void (*print)(const struct report *report, FILE *out), const struct report *report,
       const char *const *texts, const char *absent)
{
    char *text = printed(print, report);
    for (size_t i = 0; texts[i]; i++)
        ck_assert_msg(strstr(text, texts[i]) != NULL, "no \"%s\" in:\n%s", texts[i], text);
    ck_assert_msg(strstr(text, absent) == NULL, "\"%s\" in:\n%s", absent, text);
    free(text);
}

START_TEST(what_was_not_measured_is_not_reached)
{
    struct report_figure figure = {.value = NAN, .wanted = 10};
    for (int goal = REPORT_NO_GOAL; goal <= REPORT_AT_LEAST; goal++) {
        figure.goal = (enum report_goal)goal;
        ck_assert(!report_is_met(&figure));
        ck_assert(!report_is_measured(&figure));
    }
    figure.value = 10;
    for (int goal = REPORT_NO_GOAL; goal <= REPORT_AT_LEAST; goal++) {
        figure.goal = (enum report_goal)goal;
        ck_assert(report_is_met(&figure));
    }
    figure.value = 10.001;
    ck_assert(report_is_met(&figure)); /* at least */
    figure.goal = REPORT_AT_MOST;
    ck_assert(!report_is_met(&figure));
}
END_TEST

START_TEST(parts_of_nothing_are_no_figures)
{
    struct sim_load_tally nothing = {0};
    ck_assert(isnan(report_share(0, 0)));
    ck_assert(isnan(report_ratio(0, 0)));
    ck_assert(isnan(report_latency_s(&nothing, 0.99)));
    ck_assert_double_eq_tol(report_share(1, 4), 25, 1e-9);
    ck_assert_double_eq_tol(report_share(0, 4), 0, 1e-9);
}
END_TEST

START_TEST(table)
{
    struct report report = {.quick = true};
    fill(&report);
    ck_assert(!report_all_measured(&report));
    expect(report_print_table, &report,
           (const char *const[]){"MISSED: all restart within 1 s, traffic against steady, 1 peers",
                                 "what limits it: signed Updates", "1 of 3 goals reached",
                                 "NOT MEASURED: all restart within 1 s, traffic against steady, 2",
                                 "1 figures NOT MEASURED", NULL},
           "nan");
}
END_TEST

START_TEST(json_and_csv)
{
    struct report report = {.quick = true};
    fill(&report);
    expect(report_print_json, &report,
           (const char *const[]){"\"value\": 9, \"goal\": \"at most\", \"wanted\": 10, "
                                 "\"reached\": true, \"limit\": \"",
                                 "\"value\": null, \"goal\": \"at most\", \"wanted\": 10, "
                                 "\"reached\": false, \"limit\": \"signed",
                                 "\"value\": 7}", NULL},
           "nan");
    expect(report_print_csv, &report,
           (const char *const[]){"9,\"s\",\"at most 10\",yes,\"no link", "11,\"times\"",
                                 ",,\"times\",\"at most 10\",no,\"signed", "7,\"bytes\",\"\",,\"\"",
                                 NULL},
           "nan");
}
END_TEST

START_TEST(markdown)
{
    struct report report = {.quick = true};
    fill(&report);
    report_goal(&report, scene, what, "times", 3, "peers", 3, REPORT_AT_MOST, 5);
    report_add(&report, "idle", "few", "%", 1, "peers", 99.996);
    report_add(&report, "idle", "few", "%", 2, "peers", 11693.1);
    report_add(&report, "idle", "few", "%", 3, "peers", 0.85);
    report_add(&report, "idle", "few", "%", 4, "peers", 100);
    report_add(&report, "idle", "few", "%", 5, "peers", 0);
    expect(report_print_markdown, &report,
           (const char *const[]){"until one ring, s | 1 peers | 9 | at most 10 |",
                                 "steady, times | 1 / 2 / 3 peers | **11** / **not measured** / 3 "
                                 "| at most 10 / at most 10 / at most 5 |",
                                 "sent, bytes | 1 peers | 7 |  |",
                                 "few, % | 1 / 2 / 3 / 4 / 5 peers | 99.996 / 11693 / 0.85 / 100 / "
                                 "0 |  |",
                                 "\n- **MISSED**: all restart within 1 s", NULL},
           "nan");
}
END_TEST

START_TEST(picture)
{
    struct report report = {.quick = true};
    fill(&report);
    report_add(&report, "size", "nothing", "", 1, "peers", NAN);
    expect(
        report_plot, &report,
        (const char *const[]){"class=\"missed\"", "class=\"met\"", "not measured", "</svg>", NULL},
        "nan");
}
END_TEST

/* Without requests "none of them never ended" says nothing. */
START_TEST(requests)
{
    struct report report = {.quick = true};
    report_add_requests(&report);
    ck_assert_uint_eq(report.count, 0);
    report.requests = (struct sim_load_requests){.begun = 5, .late = 1};
    report_add_requests(&report);
    ck_assert_uint_eq(report.count, 2);
    ck_assert(!report_is_met(&report.figures[0]));
    ck_assert(report_is_met(&report.figures[1]));
}
END_TEST

START_TEST(a_ring_that_does_not_become_whole)
{
    struct report report = {.quick = true, .seed = 1};
    struct sim *sim = report_world(&report, 1, SIM_LINKS_MESSAGES);
    ck_assert(report_build(sim, 3));
    (void)sim_add_node(sim, &(struct sim_node_options){.authority = 7}); /* nobody lets it in */
    ck_assert_double_ge(report_wait(sim, 2), 2);
    struct sim_load *load = report_load(sim, false, &(struct sim_load_options){.seed = 1});
    ck_assert_ptr_null(load);
    ck_assert_uint_eq(report_tally(load)->started, 0);
    report_end(&report, sim, load);
    ck_assert_uint_eq(report.requests.begun, 0);
}
END_TEST

static struct sim_load *
load_of(struct sim *sim, uint32_t peers, uint32_t keys)
{
    struct sim_load *load = report_load(
        sim, report_build(sim, peers),
        &(struct sim_load_options){.seed = 1, .owners = 2, .keys = keys, .lookups_per_s = 10});
    ck_assert_ptr_nonnull(load);
    return load;
}

/* RFC6940-6.2.1: every request ends. Its owner stands still: these do not. */
START_TEST(requests_that_never_end_are_counted)
{
    struct report report = {.quick = true, .seed = 1};
    struct sim *sim = report_world(&report, 2, SIM_LINKS_MESSAGES);
    struct sim_load *load = load_of(sim, 4, 6);
    ck_assert_uint_eq(sim_load_requests(load).begun, 6);
    ck_assert(sim_load_fetch(load, 3, sim_load_member(load)));
    ck_assert(!sim_load_fetch(load, 3, SIM_NOBODY));
    ck_assert_uint_eq(sim_load_requests(load).begun, 7);
    ck_assert_uint_eq(sim_load_requests(load).late, 0);
    ck_assert_uint_eq(sim_load_requests(load).wrong, 0);
    sim_pause(sim, 4); /* the first owner, of every other key */
    ck_assert_uint_eq(sim_load_store_all(load), 3);
    ck_assert_uint_eq(sim_load_requests(load).begun, 13);
    report_end(&report, sim, load);
    ck_assert_uint_eq(report.requests.begun, 13);
    ck_assert_uint_eq(report.requests.late, 3);
    ck_assert_uint_eq(report.requests.wrong, 0);
}
END_TEST

/* A reader is told what was the newest before an owner stored again (as by who replays). */
START_TEST(old_values_are_told_apart)
{
    struct report report = {.quick = true, .seed = 1};
    struct sim_liar liar;
    uint8_t octets[16];
    struct sim *sim = report_world(&report, 4, SIM_LINKS_MESSAGES);
    struct sim_load *load = load_of(sim, 4, 1);
    sim_load_start(load);
    sim_run_for(sim, SIM_SECONDS(10));
    sim_load_stop(load);
    ck_assert_uint_gt(report_tally(load)->found, 50);
    ck_assert_uint_eq(report_tally(load)->old, 0);
    sim_load_resource(load, 0, octets);
    sim_liar_begin(&liar, sim, 1);
    for (uint32_t node = 0; node < 4; node++)
        sim_liar_set(&liar, node, SIM_LIE_STALE);
    for (int i = 0; i < 2; i++) /* the first is what they go on telling */
        ck_assert_uint_eq(sim_load_store_all(load), 1);
    sim_load_start(load);
    sim_run_for(sim, SIM_SECONDS(10));
    sim_load_stop(load);
    ck_assert_uint_gt(report_tally(load)->old, 10);
    sim_liar_end(&liar);
    report_end(&report, sim, load);
    ck_assert_uint_eq(report.requests.wrong, 0);
}
END_TEST

/* RFC6940-10.4: the responsible peer and two replica peers. */
START_TEST(newest_everywhere)
{
    struct report report = {.quick = true, .seed = 1};
    uint8_t octets[16];
    struct reload_bytes resource = {octets, sizeof octets};
    struct sim *sim = report_world(&report, 3, SIM_LINKS_MESSAGES);
    struct sim_load *load = load_of(sim, 8, 1);
    sim_load_resource(load, 0, octets);
    sim_run_for(sim, SIM_SECONDS(5));
    ck_assert(report_is_newest(sim, resource));
    uint32_t holder = sim_successor_of(sim, sim_responsible(sim, 0, resource), 2);
    sim_kill(sim, holder); /* the third copy */
    ck_assert(!report_is_newest(sim, resource));
    ck_assert_double_lt(report_wait(sim, 60), 60);
    sim_run_for(sim, SIM_SECONDS(90));
    ck_assert(report_is_newest(sim, resource));
    octets[0] ^= 1; /* nobody stored there */
    ck_assert(!report_is_newest(sim, resource));
    report_end(&report, sim, load);
}
END_TEST

static const struct named_test tests[] = {
    {&what_was_not_measured_is_not_reached, 0, 0},
    {&parts_of_nothing_are_no_figures, 0, 0},
    {&table, 0, 0},
    {&json_and_csv, 0, 0},
    {&markdown, 0, 0},
    {&picture, 0, 0},
    {&requests, 0, 0},
    {&a_ring_that_does_not_become_whole, 0, 0},
    {&requests_that_never_end_are_counted, 0, 0},
    {&old_values_are_told_apart, 0, 0},
    {&newest_everywhere, 0, 0},
};

int
main(void)
{
    return run_tests("report", tests, sizeof tests / sizeof *tests);
}
