/* report_plot.c: figures as an SVG picture: a panel for each thing that is measured in a scene.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/report.h"

#include <math.h>
#include <string.h>

#define COLUMNS 4
#define PANEL_WIDTH 320.0
#define PANEL_HEIGHT 210.0
#define LEFT 62.0
#define TOP 48.0
#define RIGHT 14.0
#define BOTTOM 46.0
#define INSET 20.0 /* of the outermost points, so that their goals are inside */
#define PANELS_MAX 64
#define STEPS 4 /* between lines, at most */

struct panel {
    const struct report_figure *first;
    double x_min, x_max, y_min, y_max, y_step;
    bool is_logarithmic;
    double left, top; /* of the panel in the picture */
};

static bool
belongs(const struct panel *panel, const struct report_figure *figure)
{
    return strcmp(panel->first->scene, figure->scene) == 0 &&
           strcmp(panel->first->what, figure->what) == 0;
}

static void
take_in(struct panel *panel, double x, double y)
{
    panel->x_min = fmin(panel->x_min, x);
    panel->x_max = fmax(panel->x_max, x);
    panel->y_min = fmin(panel->y_min, y);
    panel->y_max = fmax(panel->y_max, y);
}

/* fmin and fmax leave NAN, what was not measured, out. */
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
        if (at == count)
            panels[count++] =
                (struct panel){figure, INFINITY, -INFINITY, INFINITY, -INFINITY, 0, false, 0, 0};
        take_in(&panels[at], figure->x, figure->value);
        if (figure->goal != REPORT_NO_GOAL)
            take_in(&panels[at], figure->x, figure->wanted);
    }
    return count;
}

/* The smallest of 1, 2 and 5 times a power of ten that is not below |step|. */
static double
round_up(double step)
{
    double power = pow(10, floor(log10(step)));
    static const double digits[] = {1, 2, 5};
    for (size_t i = 0; i < sizeof digits / sizeof *digits; i++)
        if (step <= digits[i] * power * (1 + 1e-9))
            return digits[i] * power;
    return 10 * power;
}

/* Axes begin at 0, but those of shares near 100 % end there. */
static void
scale(struct panel *panel)
{
    bool is_share = strcmp(panel->first->unit, "%") == 0 && panel->y_min > 50;
    bool is_nothing = panel->y_max < panel->y_min; /* nothing was measured */
    double high = is_share ? 100 : is_nothing ? 0 : panel->y_max;
    double low = is_share ? panel->y_min : 0;
    panel->y_step = round_up(high > low ? (high - low) / STEPS : 1.0 / STEPS);
    panel->y_max = is_share ? 100 : fmax(ceil(high / panel->y_step - 1e-9), 1) * panel->y_step;
    panel->y_min =
        is_share ? 100 - fmax(ceil((100 - low) / panel->y_step - 1e-9), 1) * panel->y_step : 0;
}

static void
place(struct panel *panel, size_t index)
{
    panel->left = (double)(index % COLUMNS) * PANEL_WIDTH;
    panel->top = (double)(index / COLUMNS) * PANEL_HEIGHT;
    panel->is_logarithmic = panel->x_min > 0 && panel->x_max > 8 * panel->x_min;
    scale(panel);
}

static double
x_of(const struct panel *panel, double x)
{
    double low = panel->x_min, high = panel->x_max;
    double left = panel->left + LEFT + INSET, width = PANEL_WIDTH - LEFT - RIGHT - 2 * INSET;
    if (high <= low)
        return left + width / 2;
    double part = panel->is_logarithmic ? log(x / low) / log(high / low) : (x - low) / (high - low);
    return left + part * width;
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
    double steps = (panel->y_max - panel->y_min) / panel->y_step;
    fprintf(out, "<text class=\"scene\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", left, panel->top + 20,
            panel->first->scene);
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\">%s%s%s</text>\n", left, panel->top + 36,
            panel->first->what, *panel->first->unit ? ", " : "", panel->first->unit);
    for (int i = 0; i < steps + 0.5; i++) {
        double y = panel->y_min + i * panel->y_step;
        draw_line(out, "grid", left, y_of(panel, y), right, y_of(panel, y));
        fprintf(out, "<text class=\"end\" x=\"%.1f\" y=\"%.1f\">%.6g</text>\n", left - 5,
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
    double bottom = panel->top + PANEL_HEIGHT - BOTTOM;
    for (size_t i = 0; i < report->count; i++) {
        const struct report_figure *figure = &report->figures[i];
        if (!belongs(panel, figure))
            continue;
        double x = x_of(panel, figure->x);
        fprintf(out, "<text class=\"middle\" x=\"%.1f\" y=\"%.1f\">%.6g</text>\n", x, bottom + 16,
                figure->x);
        if (figure->goal != REPORT_NO_GOAL)
            draw_line(out, "goal", x - 12, y_of(panel, figure->wanted), x + 12,
                      y_of(panel, figure->wanted));
        if (!report_is_measured(figure)) {
            fprintf(out, "<text class=\"middle\" x=\"%.1f\" y=\"%.1f\">not measured</text>\n", x,
                    bottom - 8);
            last = NULL; /* the curve is broken */
            continue;
        }
        double y = y_of(panel, figure->value);
        if (last)
            draw_line(out, "curve", x_of(panel, last->x), y_of(panel, last->value), x, y);
        fprintf(out, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"/>\n",
                report_is_met(figure) ? "met" : "missed", x, y);
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
