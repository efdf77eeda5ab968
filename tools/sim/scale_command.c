/* scale_command.c: reload-sim scale: a very large ring in one process.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/program.h"
#include "tools/sim/report.h"
#include "tools/sim/sim_chord.h"
#include "tools/sim/sim_hash.h"
#include "tools/sim/sim_load.h"
#include "tools/sim/sim_memory.h"
#include "tools/sim/sim_quick.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#define PER_PEER_GOAL 40960
#define EVENTS_GOAL 200000.0
#define NEAREST 3 /* successors that are compared */
#define LINKS_NEAR 0.12
#define HOPS_NEAR 0.05

static const char usage[] =
    "usage: reload-sim scale [OPTION]...\n"
    "Builds one large ring of real nodes, lets clients store and members look up, and tells what "
    "a\n"
    "peer's memory is used for and how many events a second of processor time were worked off.\n"
    "\n"
    "  --nodes N     peers (10000)\n"
    "  --joins       let every peer join, in place of the quick start that links them all at once\n"
    "  --compare     do both: is the quick start's ring like one of joins?\n"
    "  --lookups N   lookups, 500 a second of virtual time (5000)\n"
    "  --seed N      decides everything (1)\n"
    "  --json        print one JSON object in place of the table\n"
    "  --help        print this text\n"
    "\n"
    "Exit code: 0, 1 when the ring did not become whole, a lookup failed or rings that are "
    "compared\n"
    "are not alike, 2 for wrong options.\n";

struct settings {
    uint64_t nodes, lookups, seed;
    bool joins, compare, json;
};

struct outcome {
    bool whole;
    double build_s, build_virtual_s; /* processor's, virtual */
    double events_per_s, hops;
    uint64_t events, asked, found;
    struct sim_memory_parts memory; /* of all peers, before anything is stored */
    uint64_t successors_hash;       /* of the first ones of each peer */
    uint64_t trace_hash;
};

static double
processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void
look_up(struct sim *sim, const struct settings *settings, struct outcome *outcome)
{
    struct sim_load *load = sim_load_new(
        sim, &(struct sim_load_options){
                 .seed = settings->seed, .owners = 16, .keys = 500, .lookups_per_s = 500});
    if (!load)
        return;
    double begin = processor_seconds();
    uint64_t events = sim_events(sim);
    program_progress("looking up", 0, settings->lookups);
    sim_load_start(load);
    sim_run_for(sim, SIM_SECONDS(settings->lookups) / 500);
    sim_load_stop(load);
    double took = processor_seconds() - begin;
    const struct sim_load_tally *tally = sim_load_tally(load);
    outcome->events = sim_events(sim) - events;
    outcome->events_per_s = took > 0 ? (double)outcome->events / took : 0;
    outcome->asked = tally->started;
    outcome->found = tally->found;
    outcome->hops = tally->answered ? (double)tally->hops / (double)tally->answered : 0;
    sim_load_free(load);
}

/* Farther ones a peer may still be missing. */
static uint64_t
hash_successors(struct sim *sim, uint32_t nodes)
{
    struct sim_hash hash = sim_hash_begin(0);
    for (uint32_t i = 0; i < nodes; i++) {
        struct reload_node_id nearest[NEAREST] = {0};
        (void)sim_chord_successors(reload_node_topology(sim_node(sim, i)), nearest, NEAREST);
        sim_hash_add(&hash, nearest, sizeof nearest);
    }
    return sim_hash_result(&hash);
}

static void
measure(const struct settings *settings, struct outcome *outcome)
{
    struct report report = {.seed = settings->seed};
    struct sim *sim = report_world(&report, 0, SIM_LINKS_MESSAGES);
    uint32_t nodes = (uint32_t)settings->nodes;
    double begin = processor_seconds();
    program_progress("building the ring of peers", 0, nodes);
    outcome->whole =
        settings->joins ? report_build(sim, nodes) : sim_quick_start(sim, nodes, sim_chord_enter);
    outcome->build_s = processor_seconds() - begin;
    outcome->build_virtual_s = (double)(sim_now(sim) - SIM_TIME_BEGIN) / 1e9;
    program_progress("settling", 0, 1);
    if (outcome->whole)
        sim_run_for(sim, SIM_SECONDS(90));
    for (uint32_t i = 0; i < nodes; i++)
        sim_memory_parts(sim, i, &outcome->memory);
    outcome->successors_hash = hash_successors(sim, nodes);
    if (outcome->whole && settings->lookups > 0)
        look_up(sim, settings, outcome);
    outcome->trace_hash = sim_trace_hash(sim);
    sim_free(sim);
}

/* ---- comparison ---- */

/* A ring of real joins beside the quick start's. */
struct comparison {
    bool made, alike, same_successors;
    double links, hops, memory; /* of joins; a peer */
};

static bool
is_near(double value, double other, double share)
{
    return value >= other * (1 - share) && value <= other * (1 + share);
}

/* Lets the peers join as well, and tells whether that ring is like |quick|. */
static struct comparison
compare(const struct settings *settings, const struct outcome *quick)
{
    struct settings others = *settings;
    struct outcome joined = {.whole = false};
    double nodes = (double)settings->nodes;
    others.joins = true;
    measure(&others, &joined);
    struct comparison comparison = {.made = true,
                                    .same_successors =
                                        quick->successors_hash == joined.successors_hash,
                                    .links = (double)joined.memory.link_count / nodes,
                                    .hops = joined.hops,
                                    .memory = (double)joined.memory.all / nodes};
    comparison.alike =
        joined.whole && joined.found == joined.asked && comparison.same_successors &&
        is_near((double)quick->memory.link_count / nodes, comparison.links, LINKS_NEAR) &&
        is_near(quick->hops, comparison.hops, HOPS_NEAR);
    return comparison;
}

/* ---- output ---- */

static void
print_table(const struct settings *settings, const struct outcome *outcome,
            const struct comparison *comparison)
{
    printf("%" PRIu64 " peers, %s: %s after %.1f s of virtual and %.1f s of processor time\n\n",
           settings->nodes, settings->joins ? "joined one by one" : "linked at once",
           outcome->whole ? "one whole ring" : "NO whole ring", outcome->build_virtual_s,
           outcome->build_s);
    puts("memory of a peer, without stored values, in octets:");
#define X(name, text)                                                                              \
    printf("  %-52s %10.1f\n", text, (double)outcome->memory.name / (double)settings->nodes);
    SIM_MEMORY(X)
#undef X
    printf("  goal: at most %d: %s\n\n", PER_PEER_GOAL,
           outcome->memory.all <= PER_PEER_GOAL * settings->nodes ? "reached" : "MISSED");
    printf("%" PRIu64 " of %" PRIu64 " lookups found their value, %.2f hops, mean\n",
           outcome->found, outcome->asked, outcome->hops);
    printf("%.0f events a second of processor time; goal: at least %.0f: %s\n",
           outcome->events_per_s, EVENTS_GOAL,
           outcome->events_per_s >= EVENTS_GOAL ? "reached" : "MISSED");
    printf("trace hash %016" PRIx64 " (seed %" PRIu64 ")\n", outcome->trace_hash, settings->seed);
    if (comparison->made)
        printf("a ring of joins is %s: %.1f links, %.2f hops, %.1f octets, %s first successors\n",
               comparison->alike ? "like it" : "NOT like it", comparison->links, comparison->hops,
               comparison->memory, comparison->same_successors ? "the same" : "OTHER");
}

static void
print_json(const struct settings *settings, const struct outcome *outcome,
           const struct comparison *comparison)
{
    printf("{\"nodes\": %" PRIu64 ", \"joins\": %s, \"seed\": %" PRIu64 ", \"whole\": %s"
           ", \"build_seconds\": %.3f, \"memory\": {",
           settings->nodes, settings->joins ? "true" : "false", settings->seed,
           outcome->whole ? "true" : "false", outcome->build_s);
#define X(name, text)                                                                              \
    printf("\"%s\": %.1f, ", #name, (double)outcome->memory.name / (double)settings->nodes);
    SIM_MEMORY(X)
#undef X
    printf("\"goal\": %d}, \"lookups\": %" PRIu64 ", \"lookups_ok\": %" PRIu64
           ", \"hops_mean\": %.3f, \"events_per_second\": %.0f, \"trace_hash\": \"%016" PRIx64 "\"",
           PER_PEER_GOAL, outcome->asked, outcome->found, outcome->hops, outcome->events_per_s,
           outcome->trace_hash);
    if (comparison->made)
        printf(", \"joined\": {\"alike\": %s, \"links\": %.1f, \"hops_mean\": %.3f"
               ", \"memory\": %.1f, \"same_successors\": %s}",
               comparison->alike ? "true" : "false", comparison->links, comparison->hops,
               comparison->memory, comparison->same_successors ? "true" : "false");
    puts("}");
}

static const struct option options[] = {
    {"nodes", required_argument, NULL, 'n'},
    {"joins", no_argument, NULL, 'b'},
    {"compare", no_argument, NULL, 'c'},
    {"lookups", required_argument, NULL, 'l'},
    {"seed", required_argument, NULL, 's'},
    {"json", no_argument, NULL, 'j'},
    {0},
};

static bool
take_option(void *into, int option, const char *argument)
{
    struct settings *settings = into;
    switch (option) {
    case 'n':
        return program_number(argument, 1, 1000000, &settings->nodes);
    case 'l':
        return program_number(argument, 0, 100000000, &settings->lookups);
    case 's':
        return program_number(argument, 0, UINT64_MAX, &settings->seed);
    case 'b':
        settings->joins = true;
        return true;
    case 'c':
        settings->compare = true;
        return true;
    default:
        settings->json = true;
        return true;
    }
}

int
scale_command(int argc, char **argv)
{
    struct settings settings = {.nodes = 10000, .lookups = 5000, .seed = 1};
    static const struct program_options program = {"reload-sim scale", usage, options, take_option};
    int code = program_read(&program, argc, argv, &settings);
    if (code >= 0)
        return code;
    if (settings.joins && settings.compare) {
        fputs("reload-sim scale: --joins and --compare: one of them; see --help\n", stderr);
        return 2;
    }
    struct outcome outcome = {.whole = false};
    struct comparison comparison = {.made = false};
    measure(&settings, &outcome);
    if (settings.compare)
        comparison = compare(&settings, &outcome);
    program_progress_end();
    if (settings.json)
        print_json(&settings, &outcome, &comparison);
    else
        print_table(&settings, &outcome, &comparison);
    bool good = outcome.whole && outcome.found == outcome.asked;
    return good && comparison.alike == comparison.made ? 0 : 1;
}
