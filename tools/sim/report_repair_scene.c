/* report_repair_scene.c: how long it takes until a new peer is one, and until the ring is one again
 * after deaths, over real datagrams: detection included.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/report.h"

#include <math.h>

#define SETTLE_NS SIM_SECONDS(90)
#define GAP_NS SIM_SECONDS(10) /* between joins */
#define JOINS 4
#define LIMIT_S 600

struct repair {
    double joined_s, join_whole_s; /* means */
    double whole_s;                /* after the deaths */
};

static bool
is_joined(struct sim *sim, void *argument)
{
    const uint32_t *node = argument;
    return sim_is_joined(sim, *node);
}

static double
seconds_since(const struct sim *sim, uint64_t begin)
{
    return (double)(sim_now(sim) - begin) / 1e9;
}

/* One peer after the other joins the whole ring. */
static void
join_some(struct sim *sim, struct repair *repair)
{
    repair->joined_s = repair->join_whole_s = 0;
    for (unsigned i = 0; i < JOINS; i++) {
        uint64_t begin = sim_now(sim);
        uint32_t node = sim_add_node(sim, NULL);
        bool joined = sim_run_until(sim, is_joined, &node, SIM_SECONDS(LIMIT_S));
        repair->joined_s += (joined ? seconds_since(sim, begin) : LIMIT_S) / JOINS;
        (void)report_wait(sim, LIMIT_S);
        repair->join_whole_s += seconds_since(sim, begin) / JOINS;
        sim_run_for(sim, GAP_NS);
    }
}

static double
kill_some(struct sim *sim, uint32_t count, struct sim_random *random)
{
    uint32_t hosts = sim_node_count(sim);
    for (uint32_t killed = 0; killed < count;) {
        uint32_t node = (uint32_t)sim_random_below(random, hosts);
        if (sim_is_alive(sim, node)) {
            sim_kill(sim, node);
            killed++;
        }
    }
    return report_wait(sim, LIMIT_S);
}

static struct repair
measure(struct report *report, uint32_t peers, unsigned percent, bool joins)
{
    struct repair repair = {NAN, NAN, NAN};
    struct sim_random random = sim_random_fork(report->seed, 0x4e9a1 + peers + percent);
    struct sim *sim = report_world(report, 500 + percent, SIM_LINKS_DATAGRAMS);
    if (report_build(sim, peers)) {
        sim_run_for(sim, SETTLE_NS);
        if (joins)
            join_some(sim, &repair);
        uint32_t count = peers * percent / 100;
        repair.whole_s = kill_some(sim, count > 0 ? count : 1, &random);
    }
    report_end(report, sim, NULL);
    return repair;
}

void
report_scene_repair(struct report *report)
{
    static const char joins[] = "one joins a ring, real datagrams";
    static const char tenth[] = "one in ten dies, real datagrams";
    static const char many[] = "100 peers, many die, real datagrams";
    static const uint32_t sizes[] = {16, 64, 256, 1000};
    static const unsigned shares[] = {10, 20, 30, 50};
    const size_t size_count = sizeof sizes / sizeof *sizes, all = size_count + 4;
    struct repair found[4];
    for (size_t i = 0; i < size_count; i++) {
        report->progress("repairs", i, all);
        found[i] = measure(report, sizes[i], 10, true);
        report_add(report, joins, "until it is a peer", "s", sizes[i], "peers", found[i].joined_s);
        report_add(report, joins, "until one ring", "s", sizes[i], "peers", found[i].join_whole_s);
    }
    for (size_t i = 0; i < size_count; i++)
        report_goal(report, tenth, "until one ring", "s", sizes[i], "peers", found[i].whole_s,
                    REPORT_AT_MOST, 60);
    for (size_t i = 0; i < 4; i++) {
        report->progress("repairs", size_count + i, all);
        struct repair repair = measure(report, 100, shares[i], false);
        report_goal(report, many, "until one ring", "s", shares[i], "% dead", repair.whole_s,
                    REPORT_AT_MOST, 60);
    }
}
