/* report.c: figures, and worlds to measure in.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/report.h"

#include "tools/sim/sim_chord.h"
#include "topology/chord.h"

#include <assert.h>

#define BUILD_LIMIT_S 600
#define LOOK_NS SIM_MS(100)

void
report_goal(struct report *report, const char *scene, const char *what, const char *unit, double x,
            const char *x_unit, double value, enum report_goal goal, double wanted)
{
    assert(report->count < REPORT_FIGURES_MAX);
    report->figures[report->count++] =
        (struct report_figure){scene, what, unit, x, x_unit, value, goal, wanted};
}

void
report_add(struct report *report, const char *scene, const char *what, const char *unit, double x,
           const char *x_unit, double value)
{
    report_goal(report, scene, what, unit, x, x_unit, value, REPORT_NO_GOAL, 0);
}

bool
report_is_met(const struct report_figure *figure)
{
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
    while (!sim_ring_is_whole(sim, 0, NULL)) {
        if ((double)(sim_now(sim) - begin) / 1e9 > limit_s)
            return -1;
        sim_run_for(sim, LOOK_NS);
    }
    return (double)(sim_now(sim) - begin) / 1e9;
}

bool
report_build(struct sim *sim, uint32_t peers)
{
    for (uint32_t i = 0; i < peers; i++) {
        (void)sim_add_node(sim, NULL);
        sim_run_for(sim, i < 16 ? SIM_MS(500) : SIM_MS(8000 / i + 4));
    }
    return report_wait(sim, BUILD_LIMIT_S) >= 0;
}
