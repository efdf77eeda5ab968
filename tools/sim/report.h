/* report.h: what is measured of overlays: figures, each with its goal, and the scenes that they are
 * measured in.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_REPORT_H
#define RELOAD_TOOLS_SIM_REPORT_H

#include "tools/sim/sim.h"

#define REPORT_FIGURES_MAX 256

enum report_goal { REPORT_NO_GOAL, REPORT_AT_MOST, REPORT_AT_LEAST };

/* One figure. |scene| and |what| are static text; |x| is what it is measured against (peers, half-
 * life in minutes, share in percent). */
struct report_figure {
    const char *scene, *what, *unit;
    double x;
    const char *x_unit;
    double value;
    enum report_goal goal;
    double wanted;
};

struct report {
    bool quick;
    uint64_t seed;
    struct report_figure figures[REPORT_FIGURES_MAX];
    size_t count;
    uint64_t
        never_ended; /* requests that neither succeeded nor failed within 16 s, in all scenes */
    uint64_t requests;
    uint64_t wrong; /* values that were accepted and are not the owner's */
    void (*progress)(const char *what, uint64_t done, uint64_t all);
};

/* report_add adds a figure without a goal, report_goal one with. */
void report_add(struct report *report, const char *scene, const char *what, const char *unit,
                double x, const char *x_unit, double value);
void report_goal(struct report *report, const char *scene, const char *what, const char *unit,
                 double x, const char *x_unit, double value, enum report_goal goal, double wanted);

/* report_is_met tells whether a figure is what it should be. */
bool report_is_met(const struct report_figure *figure);

/* ---- output (report_print.c, report_plot.c) ---- */

void report_print_table(const struct report *report, FILE *out);
void report_print_json(const struct report *report, FILE *out);
void report_print_csv(const struct report *report, FILE *out);

/* report_plot draws the figures of each scene against x, as one SVG picture. */
void report_plot(const struct report *report, FILE *out);

/* ---- scenes (report_scene.c, report_fault_scene.c) ---- */

void report_scene_size(struct report *report);
void report_scene_idle(struct report *report);
void report_scene_churn(struct report *report);
void report_scene_join(struct report *report);
void report_scene_restart(struct report *report);
void report_scene_kill(struct report *report);
void report_scene_partition(struct report *report);
void report_scene_byzantine(struct report *report);

/* report_world makes a world with Chord; report_build lets |peers| join it by and by and waits
 * until the ring is whole. Returns false when it does not become whole within ten minutes. */
struct sim *report_world(const struct report *report, uint64_t seed, enum sim_links links);
bool report_build(struct sim *sim, uint32_t peers);

/* report_wait lets time pass until the ring is whole, looking every 100 ms. Returns seconds since
 * now, or a negative number when it is not whole after |limit_s|. */
double report_wait(struct sim *sim, double limit_s);

#endif
