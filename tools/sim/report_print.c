/* report_print.c: figures as a table, JSON and CSV.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/report.h"

#include <inttypes.h>
#include <string.h>

static const char *
goal_text(const struct report_figure *figure, char text[32])
{
    if (figure->goal == REPORT_NO_GOAL)
        return "";
    snprintf(text, 32, "%s %.6g", figure->goal == REPORT_AT_MOST ? "at most" : "at least",
             figure->wanted);
    return text;
}

void
report_print_table(const struct report *report, FILE *out)
{
    const char *scene = "";
    char goal[32];
    size_t met = 0, goals = 0;
    for (size_t i = 0; i < report->count; i++) {
        const struct report_figure *figure = &report->figures[i];
        if (strcmp(scene, figure->scene) != 0)
            fprintf(out, "%s%s\n", i ? "\n" : "", figure->scene);
        scene = figure->scene;
        fprintf(out, "  %8.6g %-13s  %-31s %10.6g %-8s %-16s %s\n", figure->x, figure->x_unit,
                figure->what, figure->value, figure->unit, goal_text(figure, goal),
                figure->goal == REPORT_NO_GOAL ? ""
                : report_is_met(figure)        ? "reached"
                                               : "MISSED");
        goals += figure->goal != REPORT_NO_GOAL;
        met += figure->goal != REPORT_NO_GOAL && report_is_met(figure);
    }
    fprintf(out, "\n%zu of %zu goals reached\n", met, goals);
}

static void
print_number(FILE *out, double value)
{
    fprintf(out, "%.6g", value);
}

void
report_print_json(const struct report *report, FILE *out)
{
    static const char *const goals[] = {"none", "at most", "at least"};
    fprintf(out, "{\"seed\": %" PRIu64 ", \"quick\": %s, \"figures\": [", report->seed,
            report->quick ? "true" : "false");
    for (size_t i = 0; i < report->count; i++) {
        const struct report_figure *figure = &report->figures[i];
        fprintf(out, "%s{\"scene\": \"%s\", \"x\": ", i ? ", " : "", figure->scene);
        print_number(out, figure->x);
        fprintf(out, ", \"x_unit\": \"%s\", \"what\": \"%s\", \"unit\": \"%s\", \"value\": ",
                figure->x_unit, figure->what, figure->unit);
        print_number(out, figure->value);
        if (figure->goal != REPORT_NO_GOAL) {
            fprintf(out, ", \"goal\": \"%s\", \"wanted\": ", goals[figure->goal]);
            print_number(out, figure->wanted);
            fprintf(out, ", \"reached\": %s", report_is_met(figure) ? "true" : "false");
        }
        fputc('}', out);
    }
    fputs("]}\n", out);
}

void
report_print_csv(const struct report *report, FILE *out)
{
    char goal[32];
    fputs("scene,x,x_unit,what,value,unit,goal,reached\n", out);
    for (size_t i = 0; i < report->count; i++) {
        const struct report_figure *figure = &report->figures[i];
        fprintf(out, "\"%s\",%.6g,\"%s\",\"%s\",%.6g,\"%s\",\"%s\",%s\n", figure->scene, figure->x,
                figure->x_unit, figure->what, figure->value, figure->unit, goal_text(figure, goal),
                figure->goal == REPORT_NO_GOAL ? ""
                : report_is_met(figure)        ? "yes"
                                               : "no");
    }
}
