/* report.h: what is measured of overlays: figures, each with its goal, and the scenes that they are
 * measured in.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_REPORT_H
#define RELOAD_TOOLS_SIM_REPORT_H

#include "tools/sim/sim.h"
#include "tools/sim/sim_load.h"

#define REPORT_FIGURES_MAX 256
#define REPORT_SCENE_MAX 36 /* octets of |scene| */
#define REPORT_WHAT_MAX 40  /* of |what| with |unit|: more does not fit a panel of the picture */

enum report_goal { REPORT_NO_GOAL, REPORT_AT_MOST, REPORT_AT_LEAST };

/* One figure. |scene| and |what| are static text; |x| is what it is measured against (peers, half-
 * life in minutes, share in percent). |value| is NAN when it could not be measured. */
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
    struct sim_load_requests requests; /* of the users in all scenes */
    void (*progress)(const char *what, uint64_t done, uint64_t all);
};

/* report_add adds a figure without a goal, report_goal one with. */
void report_add(struct report *report, const char *scene, const char *what, const char *unit,
                double x, const char *x_unit, double value);
void report_goal(struct report *report, const char *scene, const char *what, const char *unit,
                 double x, const char *x_unit, double value, enum report_goal goal, double wanted);

/* report_add_requests adds figures of all users' requests; none when there were none. */
void report_add_requests(struct report *report);

/* report_is_measured tells whether there is a value; report_is_met whether it is what it should be:
 * a figure without a goal when it was measured. report_all_measured asks that of all. */
bool report_is_measured(const struct report_figure *figure);
bool report_is_met(const struct report_figure *figure);
bool report_all_measured(const struct report *report);

/* report_limit returns what keeps a figure from being better; "" when it has no goal. */
const char *report_limit(const struct report_figure *figure);

/* ---- output (report_print.c, report_plot.c) ---- */

void report_print_table(const struct report *report, FILE *out);
void report_print_json(const struct report *report, FILE *out);
void report_print_csv(const struct report *report, FILE *out);

/* report_print_markdown prints a table with one row for each thing that is measured in a scene, for
 * pages like docs/promises.md. */
void report_print_markdown(const struct report *report, FILE *out);

/* report_plot draws the figures of each scene against x, as one SVG picture. */
void report_plot(const struct report *report, FILE *out);

/* ---- scenes (report_scene.c, report_ring_scene.c, report_fault_scene.c) ---- */

void report_scene_size(struct report *report);
void report_scene_idle(struct report *report);
void report_scene_repair(struct report *report);
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
 * now: |limit_s| or more when it is not whole by then. */
double report_wait(struct sim *sim, double limit_s);

/* report_load lets |options|' users come to |sim| when |is_whole|; NULL when it is not, or when
 * they cannot store. report_end adds their requests to the report's, and ends them and |sim|;
 * |load| may be NULL. */
struct sim_load *report_load(struct sim *sim, bool is_whole,
                             const struct sim_load_options *options);
void report_end(struct report *report, struct sim *sim, struct sim_load *load);

/* report_is_newest tells whether the responsible peer and its replica peers hold |resource| in its
 * newest version, and nobody an older one. The ring must be whole. */
bool report_is_newest(struct sim *sim, struct reload_bytes resource);

/* report_tally returns what |load| counted; nothing at all when it is NULL. */
const struct sim_load_tally *report_tally(const struct sim_load *load);

/* Parts of a whole, as they are and in percent, and the latency (in seconds) that a share |q| of
 * the lookups did not exceed: NAN where there was nothing to be measured. */
double report_ratio(double part, double of);
double report_share(uint64_t part, uint64_t of);
double report_latency_s(const struct sim_load_tally *tally, double q);

#endif
