/* report_print.c: figures as a table, JSON, CSV and Markdown.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/report.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define TEXT_MAX 32

static const char unmeasured_reason[] =
    "its overlay did not become whole, or its users could not store";

static const char *
goal_text(const struct report_figure *figure, char text[TEXT_MAX])
{
    if (figure->goal == REPORT_NO_GOAL)
        return "";
    snprintf(text, TEXT_MAX, "%s %.6g", figure->goal == REPORT_AT_MOST ? "at most" : "at least",
             figure->wanted);
    return text;
}

/* |without| is what stands in place of a value that was not measured. */
static const char *
value_text(const struct report_figure *figure, const char *without, char text[TEXT_MAX])
{
    if (!report_is_measured(figure))
        return without;
    snprintf(text, TEXT_MAX, "%.6g", figure->value);
    return text;
}

/* ---- table ---- */

static const char *
verdict(const struct report_figure *figure)
{
    if (!report_is_measured(figure))
        return "NOT MEASURED";
    if (figure->goal == REPORT_NO_GOAL)
        return "";
    return report_is_met(figure) ? "reached" : "MISSED";
}

/* What was missed, with what limits it, and what could not be measured. */
static void
print_missed(const struct report *report, FILE *out)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct report_figure *figure = &report->figures[i];
        if (report_is_met(figure))
            continue;
        fprintf(out, "\n%s: %s, %s, %.6g %s\n  %s%s\n", verdict(figure), figure->scene,
                figure->what, figure->x, figure->x_unit,
                report_is_measured(figure) ? "what limits it: " : "",
                report_is_measured(figure) ? report_limit(figure) : unmeasured_reason);
    }
}

void
report_print_table(const struct report *report, FILE *out)
{
    const char *scene = "";
    char goal[TEXT_MAX], value[TEXT_MAX];
    size_t met = 0, goals = 0, unmeasured = 0;
    for (size_t i = 0; i < report->count; i++) {
        const struct report_figure *figure = &report->figures[i];
        if (strcmp(scene, figure->scene) != 0)
            fprintf(out, "%s%s\n", i ? "\n" : "", figure->scene);
        scene = figure->scene;
        fprintf(out, "  %8.6g %-13s  %-31s %10s %-8s %-16s %s\n", figure->x, figure->x_unit,
                figure->what, value_text(figure, "-", value), figure->unit, goal_text(figure, goal),
                verdict(figure));
        goals += figure->goal != REPORT_NO_GOAL;
        met += figure->goal != REPORT_NO_GOAL && report_is_met(figure);
        unmeasured += !report_is_measured(figure);
    }
    print_missed(report, out);
    fprintf(out, "\n%zu of %zu goals reached\n", met, goals);
    if (unmeasured > 0)
        fprintf(out, "%zu figures NOT MEASURED\n", unmeasured);
}

/* ---- JSON ---- */

void
report_print_json(const struct report *report, FILE *out)
{
    static const char *const goals[] = {"none", "at most", "at least"};
    char value[TEXT_MAX];
    fprintf(out, "{\"seed\": %" PRIu64 ", \"quick\": %s, \"figures\": [", report->seed,
            report->quick ? "true" : "false");
    for (size_t i = 0; i < report->count; i++) {
        const struct report_figure *figure = &report->figures[i];
        fprintf(out,
                "%s{\"scene\": \"%s\", \"x\": %.10g, \"x_unit\": \"%s\", \"what\": \"%s\", "
                "\"unit\": \"%s\", \"value\": %s",
                i ? ", " : "", figure->scene, figure->x, figure->x_unit, figure->what, figure->unit,
                value_text(figure, "null", value));
        if (figure->goal != REPORT_NO_GOAL)
            fprintf(out, ", \"goal\": \"%s\", \"wanted\": %.6g, \"reached\": %s, \"limit\": \"%s\"",
                    goals[figure->goal], figure->wanted, report_is_met(figure) ? "true" : "false",
                    report_limit(figure));
        fputc('}', out);
    }
    fputs("]}\n", out);
}

/* ---- CSV ---- */

void
report_print_csv(const struct report *report, FILE *out)
{
    char goal[TEXT_MAX], value[TEXT_MAX];
    fputs("scene,x,x_unit,what,value,unit,goal,reached,limit\n", out);
    for (size_t i = 0; i < report->count; i++) {
        const struct report_figure *figure = &report->figures[i];
        bool has_goal = figure->goal != REPORT_NO_GOAL;
        fprintf(out, "\"%s\",%.10g,\"%s\",\"%s\",%s,\"%s\",\"%s\",%s,\"%s\"\n", figure->scene,
                figure->x, figure->x_unit, figure->what, value_text(figure, "", value),
                figure->unit, goal_text(figure, goal),
                !has_goal               ? ""
                : report_is_met(figure) ? "yes"
                                        : "no",
                report_limit(figure));
    }
}

/* ---- Markdown ---- */

static bool
belong_together(const struct report_figure *figure, const struct report_figure *other)
{
    return strcmp(figure->scene, other->scene) == 0 && strcmp(figure->what, other->what) == 0;
}

static bool
is_first(const struct report *report, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (belong_together(&report->figures[i], &report->figures[index]))
            return false;
    return true;
}

static void
print_x(const struct report_figure *figure, FILE *out)
{
    fprintf(out, "%.10g", figure->x);
}

/* A thousandth is as much as people want to read; of what is large they want less. */
static void
print_short(double value, FILE *out)
{
    char text[TEXT_MAX];
    int size = snprintf(text, sizeof text, fabs(value) < 1000 ? "%.3f" : "%.0f", value);
    while (strchr(text, '.') && (text[size - 1] == '0' || text[size - 1] == '.'))
        text[--size] = 0;
    fputs(text, out);
}

static void
print_value(const struct report_figure *figure, FILE *out)
{
    const char *mark = report_is_met(figure) ? "" : "**";
    fputs(mark, out);
    if (report_is_measured(figure))
        print_short(figure->value, out);
    else
        fputs("not measured", out);
    fputs(mark, out);
}

static void
print_goal(const struct report_figure *figure, FILE *out)
{
    if (figure->goal == REPORT_NO_GOAL) {
        fputs("none", out);
        return;
    }
    fputs(figure->goal == REPORT_AT_MOST ? "at most " : "at least ", out);
    print_short(figure->wanted, out);
}

/* All figures that belong to |first|, in one cell. */
static void
print_cell(const struct report *report, size_t first,
           void (*print)(const struct report_figure *figure, FILE *out), FILE *out)
{
    for (size_t i = first; i < report->count; i++) {
        if (!belong_together(&report->figures[i], &report->figures[first]))
            continue;
        fputs(i == first ? "" : " / ", out);
        print(&report->figures[i], out);
    }
}

/* Whether all figures that belong to |first| have its goal. */
static bool
is_one_goal(const struct report *report, size_t first)
{
    const struct report_figure *figure = &report->figures[first];
    for (size_t i = first; i < report->count; i++)
        if (belong_together(&report->figures[i], figure) &&
            (report->figures[i].goal != figure->goal ||
             report->figures[i].wanted < figure->wanted ||
             report->figures[i].wanted > figure->wanted))
            return false;
    return true;
}

static void
print_row(const struct report *report, size_t first, FILE *out)
{
    const struct report_figure *figure = &report->figures[first];
    fprintf(out, "| %s: %s%s%s | ", figure->scene, figure->what, *figure->unit ? ", " : "",
            figure->unit);
    print_cell(report, first, print_x, out);
    fprintf(out, " %s | ", figure->x_unit);
    print_cell(report, first, print_value, out);
    fputs(" | ", out);
    if (!is_one_goal(report, first))
        print_cell(report, first, print_goal, out);
    else if (figure->goal != REPORT_NO_GOAL)
        print_goal(figure, out);
    fputs(" |\n", out);
}

void
report_print_markdown(const struct report *report, FILE *out)
{
    const struct report_figure *last = NULL;
    fputs("| what | against | measured | goal |\n|---|---|---|---|\n", out);
    for (size_t i = 0; i < report->count; i++)
        if (is_first(report, i))
            print_row(report, i, out);
    for (size_t i = 0; i < report->count; i++) {
        const struct report_figure *figure = &report->figures[i];
        if (report_is_met(figure) || (last && belong_together(figure, last)))
            continue;
        fprintf(out, "%s- **%s**: %s, %s: %s\n", last ? "" : "\n", verdict(figure), figure->scene,
                figure->what,
                report_is_measured(figure) ? report_limit(figure) : unmeasured_reason);
        last = figure;
    }
}
