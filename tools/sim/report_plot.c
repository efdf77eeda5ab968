/* report_plot.c: figures as an SVG picture: a panel for each thing that is measured in a scene.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/report.h"

#include <math.h>
#include <string.h>

#define COLUMNS 4
#define PANEL_WIDTH 300.0
#define PANEL_HEIGHT 210.0
#define LEFT 52.0
#define TOP 44.0
#define RIGHT 18.0
#define BOTTOM 40.0
#define PANELS_MAX 64

struct panel {
    const struct report_figure *first;
    double x_min, x_max, y_min, y_max;
    bool is_logarithmic;
    double left, top; /* of the panel in the picture */
};

static bool
belongs(const struct panel *panel, const struct report_figure *figure)
{
    return strcmp(panel->first->scene, figure->scene) == 0 &&
           strcmp(panel->first->what, figure->what) == 0;
}

static size_t
find_panels(const struct report *report, struct panel *panels)
{
    size_t count = 0;
    for (size_t i = 0; i < report->count; i++) {
        const struct report_figure *figure = &report->figures[i];
        size_t at = 0;
        while (at < count && !belongs(&panels[at], figure))
            at++;
        if (at == PANELS_MAX)
            continue;
        struct panel *panel = &panels[at];
        double low = figure->goal ? fmin(figure->value, figure->wanted) : figure->value;
        double high = figure->goal ? fmax(figure->value, figure->wanted) : figure->value;
        if (at == count) {
            count++;
            *panel = (struct panel){figure, figure->x, figure->x, low, high, false, 0, 0};
        }
        panel->x_min = fmin(panel->x_min, figure->x);
        panel->x_max = fmax(panel->x_max, figure->x);
        panel->y_min = fmin(panel->y_min, low);
        panel->y_max = fmax(panel->y_max, high);
    }
    return count;
}

static void
place(struct panel *panel, size_t index)
{
    bool is_share = strcmp(panel->first->unit, "%") == 0 && panel->y_min > 50;
    double margin = 0.1 * (panel->y_max - panel->y_min);
    panel->left = (double)(index % COLUMNS) * PANEL_WIDTH;
    panel->top = (double)(index / COLUMNS) * PANEL_HEIGHT;
    panel->is_logarithmic = panel->x_min > 0 && panel->x_max > 8 * panel->x_min;
    if (!is_share)
        panel->y_min = 0;
    else
        panel->y_min -= margin;
    panel->y_max = is_share ? 100 : panel->y_max * 1.1;
    if (panel->y_max <= panel->y_min)
        panel->y_max = panel->y_min + 1;
}

static double
x_of(const struct panel *panel, double x)
{
    double low = panel->x_min, high = panel->x_max, width = PANEL_WIDTH - LEFT - RIGHT;
    if (high <= low)
        return panel->left + LEFT + width / 2;
    double part = panel->is_logarithmic ? log(x / low) / log(high / low) : (x - low) / (high - low);
    return panel->left + LEFT + part * width;
}

static double
y_of(const struct panel *panel, double y)
{
    double part = (y - panel->y_min) / (panel->y_max - panel->y_min);
    return panel->top + PANEL_HEIGHT - BOTTOM - part * (PANEL_HEIGHT - TOP - BOTTOM);
}

static void
draw_line(FILE *out, const char *kind, double x1, double y1, double x2, double y2)
{
    fprintf(out, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", kind, x1,
            y1, x2, y2);
}

static void
draw_frame(const struct panel *panel, FILE *out)
{
    double left = panel->left + LEFT, right = panel->left + PANEL_WIDTH - RIGHT;
    double bottom = panel->top + PANEL_HEIGHT - BOTTOM;
    fprintf(out, "<text class=\"scene\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", left, panel->top + 18,
            panel->first->scene);
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\">%s%s%s</text>\n", left, panel->top + 34,
            panel->first->what, *panel->first->unit ? ", " : "", panel->first->unit);
    for (int i = 0; i <= 3; i++) {
        double y = panel->y_min + i * (panel->y_max - panel->y_min) / 3;
        draw_line(out, "grid", left, y_of(panel, y), right, y_of(panel, y));
        fprintf(out, "<text class=\"end\" x=\"%.1f\" y=\"%.1f\">%.4g</text>\n", left - 5,
                y_of(panel, y) + 4, y);
    }
    draw_line(out, "axis", left, bottom, right, bottom);
    fprintf(out, "<text class=\"middle\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", (left + right) / 2,
            bottom + 32, panel->first->x_unit);
}

static void
draw_points(const struct report *report, const struct panel *panel, FILE *out)
{
    const struct report_figure *last = NULL;
    for (size_t i = 0; i < report->count; i++) {
        const struct report_figure *figure = &report->figures[i];
        if (!belongs(panel, figure))
            continue;
        double x = x_of(panel, figure->x), y = y_of(panel, figure->value);
        if (last)
            draw_line(out, "curve", x_of(panel, last->x), y_of(panel, last->value), x, y);
        if (figure->goal != REPORT_NO_GOAL)
            draw_line(out, "goal", x - 12, y_of(panel, figure->wanted), x + 12,
                      y_of(panel, figure->wanted));
        fprintf(out, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"/>\n",
                report_is_met(figure) ? "met" : "missed", x, y);
        fprintf(out, "<text class=\"middle\" x=\"%.1f\" y=\"%.1f\">%.6g</text>\n", x,
                panel->top + PANEL_HEIGHT - BOTTOM + 15, figure->x);
        last = figure;
    }
}

void
report_plot(const struct report *report, FILE *out)
{
    struct panel panels[PANELS_MAX];
    size_t count = find_panels(report, panels);
    double width = COLUMNS * PANEL_WIDTH;
    double height = PANEL_HEIGHT * (double)((count + COLUMNS - 1) / COLUMNS);
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" "
            "height=\"%.0f\">\n",
            width, height, width, height);
    fputs("<style>text{font:11px sans-serif;fill:#333}.scene{font-weight:bold;font-size:12px}"
          ".end{text-anchor:end}.middle{text-anchor:middle}.grid{stroke:#ddd}.axis{stroke:#333}"
          ".curve{stroke:#2a6fbb;stroke-width:1.5}.goal{stroke:#c60;stroke-dasharray:4 3}"
          ".met{fill:#2a6fbb}.missed{fill:#c22}</style>\n"
          "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
          out);
    for (size_t i = 0; i < count; i++) {
        place(&panels[i], i);
        draw_frame(&panels[i], out);
        draw_points(report, &panels[i], out);
    }
    fputs("</svg>\n", out);
}
