/* reload_sim.c: the program reload-sim: overlays of real nodes in virtual time.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/program.h"
#include "tools/sim/sim_experiment.h"
#include "topology/chord.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: reload-sim [OPTION]...\n"
    "       reload-sim check [OPTION]...     runs with faults, checked from outside; knows --help\n"
    "       reload-sim report [OPTION]...    figures beside their goals; knows --help\n"
    "       reload-sim scale [OPTION]...     a very large ring: memory and speed; knows --help\n"
    "\n"
    "Builds overlays of real RELOAD nodes in one process and in virtual time, stores keys in each\n"
    "and looks them up from one client in each. The same seed gives the same run.\n"
    "\n"
    "  --nodes N       peers in each overlay (50)\n"
    "  --overlays N    overlays, 1 to 16 (2)\n"
    "  --keys N        keys stored in each overlay, at most 255 a peer (1000)\n"
    "  --lookups N     lookups in each overlay (1000)\n"
    "  --seed N        decides everything (1)\n"
    "  --links KIND    messages: whole messages, nothing lost; frames: the real framing,\n"
    "                  acknowledgements and fragments over datagrams and streams (messages)\n"
    "  --loss PERCENT  share of datagrams that are lost; with messages, a loss costs time (0)\n"
    "  --log           print what the nodes log on standard error\n"
    "  --json          print one JSON object in place of the table\n"
    "  --help          print this text\n"
    "\n"
    "Exit code: 0 when every lookup found its value, 1 when not, 2 for wrong options.\n";

struct settings {
    struct sim_experiment_options experiment;
    bool json;
};

/* ---- options ---- */

static bool
read_links(const char *text, enum sim_links *links)
{
    if (strcmp(text, "messages") == 0)
        *links = SIM_LINKS_MESSAGES;
    else if (strcmp(text, "frames") == 0)
        *links = SIM_LINKS_MIXED;
    else
        return false;
    return true;
}

static bool
read_loss(const char *text, uint32_t *ppm)
{
    char *end = NULL;
    double percent = strtod(text, &end);
    if (end == text || *end || !(percent >= 0 && percent <= 90))
        return false;
    *ppm = (uint32_t)(percent * 10000);
    return true;
}

static const struct option options[] = {
    {"nodes", required_argument, NULL, 'n'}, {"overlays", required_argument, NULL, 'o'},
    {"keys", required_argument, NULL, 'k'},  {"lookups", required_argument, NULL, 'l'},
    {"seed", required_argument, NULL, 's'},  {"links", required_argument, NULL, 'i'},
    {"loss", required_argument, NULL, 'p'},  {"log", no_argument, NULL, 'v'},
    {"json", no_argument, NULL, 'j'},        {0},
};

/* Takes one option. Returns false when its argument is wrong. */
static bool
take_option(void *into, int option, const char *argument)
{
    struct settings *settings = into;
    struct sim_experiment_options *experiment = &settings->experiment;
    uint64_t number = 0;
    bool ok = true;
    switch (option) {
    case 'n':
        ok = program_number(argument, 1, 100000, &number);
        experiment->nodes = (uint32_t)number;
        break;
    case 'o':
        ok = program_number(argument, 1, SIM_OVERLAYS_MAX, &number);
        experiment->world.overlays = (uint32_t)number;
        break;
    case 'k':
        ok = program_number(argument, 1, 10000000, &number);
        experiment->keys = (uint32_t)number;
        break;
    case 'l':
        ok = program_number(argument, 0, 100000000, &number);
        experiment->lookups = (uint32_t)number;
        break;
    case 's':
        ok = program_number(argument, 0, UINT64_MAX, &experiment->seed);
        break;
    case 'i':
        ok = read_links(argument, &experiment->world.links);
        break;
    case 'p':
        ok = read_loss(argument, &experiment->world.loss_ppm);
        break;
    case 'v':
        experiment->world.log = stderr;
        experiment->world.log_level = RELOAD_LOG_DEBUG;
        break;
    default:
        settings->json = true;
        break;
    }
    return ok;
}

/* Returns -1 to go on, or the exit code. */
static int
read_options(int argc, char **argv, struct settings *settings)
{
    static const struct program_options program = {"reload-sim", usage, options, take_option};
    int code = program_read(&program, argc, argv, settings);
    if (code >= 0)
        return code;
    const struct sim_experiment_options *experiment = &settings->experiment;
    if (experiment->keys > (uint64_t)experiment->nodes * SIM_SLOTS_MAX) {
        fprintf(stderr,
                "reload-sim: --keys %" PRIu32 ": %" PRIu32 " peers hold at most %" PRIu64 "\n",
                experiment->keys, experiment->nodes, (uint64_t)experiment->nodes * SIM_SLOTS_MAX);
        return 2;
    }
    return -1;
}

/* ---- results ---- */

static void
print_json(const struct settings *settings, const struct sim_experiment_result *result, double wall)
{
    const struct sim_experiment_options *experiment = &settings->experiment;
    printf("{\"nodes\": %" PRIu32 ", \"overlays\": %" PRIu32 ", \"keys\": %" PRIu32
           ", \"lookups\": %" PRIu32 ", \"seed\": %" PRIu64 ", \"joined\": %" PRIu64
           ", \"stores_ok\": %" PRIu64 ", \"lookups_ok\": %" PRIu64 ", \"hops_mean\": %.3f"
           ", \"lookup_ms_mean\": %.1f, \"virtual_seconds\": %.3f, \"wall_seconds\": %.3f"
           ", \"trace_hash\": \"%016" PRIx64 "\", \"events\": %" PRIu64
           ", \"memory_bytes_per_node\": %" PRIu64 "}\n",
           experiment->nodes, experiment->world.overlays, experiment->keys, experiment->lookups,
           experiment->seed, result->joined, result->stores_ok, result->lookups_ok,
           result->hops_mean, result->lookup_ms_mean, result->virtual_seconds, wall,
           result->trace_hash, result->events, result->memory_bytes_per_node);
}

static void
print_table(const struct settings *settings, const struct sim_experiment_result *result,
            double wall)
{
    const struct sim_experiment_options *experiment = &settings->experiment;
    uint64_t overlays = experiment->world.overlays;
    printf("%-24s %" PRIu64 " of %" PRIu64 ", after %.1f s\n", "peers joined", result->joined,
           experiment->nodes * overlays, result->join_seconds);
    printf("%-24s %" PRIu64 " of %" PRIu64 "\n", "keys stored", result->stores_ok,
           experiment->keys * overlays);
    printf("%-24s %" PRIu64 " of %" PRIu64 "\n", "lookups that succeeded", result->lookups_ok,
           experiment->lookups * overlays);
    printf("%-24s %.2f\n", "hops, mean", result->hops_mean);
    printf("%-24s %.0f ms\n", "lookup time, mean", result->lookup_ms_mean);
    printf("%-24s %" PRIu64 " bytes\n", "memory a node", result->memory_bytes_per_node);
    printf("%-24s %" PRIu64 "\n", "messages sent", result->messages_sent);
    printf("%-24s %.1f s\n", "virtual time", result->virtual_seconds);
    printf("%-24s %.2f s, %.0f events/s\n", "wall time", wall,
           wall > 0 ? (double)result->events / wall : 0);
    printf("%-24s %016" PRIx64 " (seed %" PRIu64 ")\n", "trace hash", result->trace_hash,
           experiment->seed);
}

static int
experiment_command(int argc, char **argv)
{
    struct settings settings = {
        .experiment = {.nodes = 50,
                       .keys = 1000,
                       .lookups = 1000,
                       .seed = 1,
                       .progress = program_progress,
                       .world = {.overlays = 2, .topology = &reload_chord}}};
    int code = read_options(argc, argv, &settings);
    if (code >= 0)
        return code;
    struct sim_experiment_result result;
    double started_at = program_seconds();
    int error = sim_experiment_run(&settings.experiment, &result);
    double wall = program_seconds() - started_at;
    program_progress_end();
    if (settings.json)
        print_json(&settings, &result, wall);
    else
        print_table(&settings, &result, wall);
    if (error)
        fprintf(stderr, "reload-sim: %" PRIu64 " nodes joined, not all: %s\n", result.joined,
                reload_error_text(error));
    uint64_t wanted = (uint64_t)settings.experiment.lookups * settings.experiment.world.overlays;
    return error || result.lookups_ok < wanted ? 1 : 0;
}

int
main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "check") == 0)
        return program_end(check_command(argc - 1, argv + 1));
    if (argc > 1 && strcmp(argv[1], "report") == 0)
        return program_end(report_command(argc - 1, argv + 1));
    if (argc > 1 && strcmp(argv[1], "scale") == 0)
        return program_end(scale_command(argc - 1, argv + 1));
    return program_end(experiment_command(argc, argv));
}
