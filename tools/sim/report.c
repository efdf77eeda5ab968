/* report.c: figures, and worlds to measure in.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/report.h"

#include "tools/sim/sim_chord.h"
#include "tools/sim/sim_copies.h"
#include "topology/chord.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define BUILD_LIMIT_S 600
#define LOOK_NS SIM_MS(100)
#define HOLDERS 3 /* the responsible peer and its replica peers (10.4) */

void
report_goal(struct report *report, const char *scene, const char *what, const char *unit, double x,
            const char *x_unit, double value, enum report_goal goal, double wanted)
{
    struct report_figure figure = {scene,  what,  unit, x,
                                   x_unit, value, goal, goal == REPORT_NO_GOAL ? 0 : wanted};
    assert(report->count < REPORT_FIGURES_MAX);
    assert(strlen(scene) <= REPORT_SCENE_MAX && strlen(what) + strlen(unit) <= REPORT_WHAT_MAX);
    assert(goal == REPORT_NO_GOAL || *report_limit(&figure));
    report->figures[report->count++] = figure;
}

void
report_add(struct report *report, const char *scene, const char *what, const char *unit, double x,
           const char *x_unit, double value)
{
    report_goal(report, scene, what, unit, x, x_unit, value, REPORT_NO_GOAL, 0);
}

void
report_add_requests(struct report *report)
{
    static const char scene[] = "all scenes";
    double count = (double)report->requests.begun;
    if (report->requests.begun == 0)
        return;
    report_goal(report, scene, "requests that never end", "", count, "requests",
                (double)report->requests.late, REPORT_AT_MOST, 0);
    report_goal(report, scene, "wrong values accepted", "", count, "requests",
                (double)report->requests.wrong, REPORT_AT_MOST, 0);
}

bool
report_is_measured(const struct report_figure *figure)
{
    return !isnan(figure->value);
}

bool
report_is_met(const struct report_figure *figure)
{
    if (!report_is_measured(figure))
        return false;
    switch (figure->goal) {
    case REPORT_AT_MOST:
        return figure->value <= figure->wanted;
    case REPORT_AT_LEAST:
        return figure->value >= figure->wanted;
    case REPORT_NO_GOAL:
        break;
    }
    return true;
}

bool
report_all_measured(const struct report *report)
{
    for (size_t i = 0; i < report->count; i++)
        if (!report_is_measured(&report->figures[i]))
            return false;
    return true;
}

/* ---- worlds ---- */

struct sim *
report_world(const struct report *report, uint64_t seed, enum sim_links links)
{
    struct sim_options options = {.topology = &reload_chord,
                                  .successor = sim_chord_successor,
                                  .successors = sim_chord_successors,
                                  .log = stderr, /* errors of the scene itself */
                                  .log_level = RELOAD_LOG_ERROR,
                                  .links = links};
    return sim_new(report->seed + seed, &options);
}

double
report_wait(struct sim *sim, double limit_s)
{
    uint64_t begin = sim_now(sim);
    double passed = 0;
    while (passed < limit_s && !sim_ring_is_whole(sim, 0, NULL)) {
        sim_run_for(sim, LOOK_NS);
        passed = (double)(sim_now(sim) - begin) / 1e9;
    }
    return passed;
}

bool
report_build(struct sim *sim, uint32_t peers)
{
    for (uint32_t i = 0; i < peers; i++) {
        (void)sim_add_node(sim, NULL);
        sim_run_for(sim, i < 16 ? SIM_MS(500) : SIM_MS(8000 / i + 4));
    }
    return report_wait(sim, BUILD_LIMIT_S) < BUILD_LIMIT_S;
}

/* ---- users ---- */

struct sim_load *
report_load(struct sim *sim, bool is_whole, const struct sim_load_options *options)
{
    return is_whole ? sim_load_new(sim, options) : NULL;
}

void
report_end(struct report *report, struct sim *sim, struct sim_load *load)
{
    if (load) {
        struct sim_load_requests requests = sim_load_requests(load);
        report->requests.begun += requests.begun;
        report->requests.late += requests.late;
        report->requests.wrong += requests.wrong;
    }
    sim_free(sim); /* what is under way still tells the users that it has ended */
    sim_load_free(load);
}

const struct sim_load_tally *
report_tally(const struct sim_load *load)
{
    static const struct sim_load_tally nothing = {0};
    return load ? sim_load_tally(load) : &nothing;
}

bool
report_is_newest(struct sim *sim, struct reload_bytes resource)
{
    uint64_t newest = 0;
    uint32_t copies = sim_copies(sim, resource, 0, &newest);
    if (newest == 0 || sim_copies(sim, resource, newest, NULL) < copies)
        return false;
    uint32_t responsible = sim_responsible(sim, 0, resource);
    for (uint32_t i = 0; i < HOLDERS; i++)
        if (sim_copy_at(sim, sim_successor_of(sim, responsible, i), resource) != newest)
            return false;
    return true;
}

/* ---- figures of what was counted ---- */

double
report_ratio(double part, double of)
{
    return of > 0 ? part / of : NAN;
}

double
report_share(uint64_t part, uint64_t of)
{
    return report_ratio(100.0 * (double)part, (double)of);
}

double
report_latency_s(const struct sim_load_tally *tally, double q)
{
    return tally->answered ? (double)sim_load_quantile(tally, q) / 1e9 : NAN;
}
