/* report_command.c: reload-sim report: what overlays of this stack are worth, in figures.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/program.h"
#include "tools/sim/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: reload-sim report [OPTION]...\n"
    "Measures overlays of real nodes in virtual time: hops, latency, success of lookups, join and\n"
    "repair times, traffic, losses, against size, churn and faults; each beside its goal.\n"
    "\n"
    "  --quick       fewer and shorter runs: about a minute; the whole takes about five minutes\n"
    "  --scene NAME  only this one: size, idle, churn, join, repair, restart, kill, partition,\n"
    "                byzantine\n"
    "  --seed N      decides everything (1)\n"
    "  --json        print one JSON object in place of the table\n"
    "  --csv         print lines of comma-separated values\n"
    "  --markdown    print tables for a page\n"
    "  --svg FILE    draw the figures, too\n"
    "  --help        print this text\n"
    "\n"
    "Exit code: 0 when all figures were measured, reached or not; 1 when one could not be; 2 for\n"
    "wrong options, or when the figures could not be written.\n";

static const struct {
    const char *name;
    void (*measure)(struct report *report);
} scenes[] = {
    {"size", report_scene_size},           {"idle", report_scene_idle},
    {"churn", report_scene_churn},         {"join", report_scene_join},
    {"repair", report_scene_repair},       {"restart", report_scene_restart},
    {"kill", report_scene_kill},           {"partition", report_scene_partition},
    {"byzantine", report_scene_byzantine},
};

struct settings {
    bool quick;
    uint64_t seed;
    const char *scene, *svg;
    void (*print)(const struct report *report, FILE *out);
};

static const struct option options[] = {
    {"quick", no_argument, NULL, 'q'},      {"scene", required_argument, NULL, 'c'},
    {"seed", required_argument, NULL, 's'}, {"json", no_argument, NULL, 'j'},
    {"csv", no_argument, NULL, 'v'},        {"markdown", no_argument, NULL, 'm'},
    {"svg", required_argument, NULL, 'g'},  {0},
};

static bool
is_scene(const char *name)
{
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++)
        if (strcmp(scenes[i].name, name) == 0)
            return true;
    return false;
}

static bool
take_option(void *into, int option, const char *argument)
{
    struct settings *settings = into;
    switch (option) {
    case 'q':
        settings->quick = true;
        return true;
    case 'c':
        settings->scene = argument;
        return is_scene(argument);
    case 's':
        return program_number(argument, 0, UINT64_MAX, &settings->seed);
    case 'j':
        settings->print = report_print_json;
        return true;
    case 'm':
        settings->print = report_print_markdown;
        return true;
    case 'v':
        settings->print = report_print_csv;
        return true;
    default:
        settings->svg = argument;
        return true;
    }
}

static int
draw(const struct report *report, const char *path)
{
    FILE *out = fopen(path, "w");
    if (!out) {
        fprintf(stderr, "reload-sim report: %s: %s\n", path, strerror(errno));
        return 2;
    }
    report_plot(report, out);
    bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed) {
        fprintf(stderr, "reload-sim report: %s: %s\n", path, strerror(errno));
        return 2;
    }
    return 0;
}

int
report_command(int argc, char **argv)
{
    struct settings settings = {.seed = 1, .print = report_print_table};
    static const struct program_options program = {"reload-sim report", usage, options,
                                                   take_option};
    int code = program_read(&program, argc, argv, &settings);
    if (code >= 0)
        return code;
    struct report *report = calloc(1, sizeof *report);
    if (!report)
        return 2;
    report->quick = settings.quick;
    report->seed = settings.seed;
    report->progress = program_progress;
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++)
        if (!settings.scene || strcmp(settings.scene, scenes[i].name) == 0)
            scenes[i].measure(report);
    report_add_requests(report);
    program_progress_end();
    settings.print(report, stdout);
    code = report_all_measured(report) ? 0 : 1;
    if (settings.svg && draw(report, settings.svg))
        code = 2;
    free(report);
    return code;
}
