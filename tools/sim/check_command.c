/* check_command.c: reload-sim check: many random scenarios, checked from outside.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/program.h"
#include "tools/sim/sim_chord.h"
#include "tools/sim/sim_trial.h"
#include "topology/chord.h"

#include "reload/base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_MAX 1000  /* violations that are listed */
#define PEERS_MAX 1000 /* in one scenario, before others join */
_Static_assert(PEERS_MAX <= SIM_HOSTS_MAX, "a trial has room for so many");

static const char usage[] =
    "usage: reload-sim check [OPTION]...\n"
    "Draws a whole scenario from each seed (peers, links, faults, requests), runs it with real "
    "nodes\n"
    "in virtual time, and checks from outside. Invariants by their numbers:\n"
    "\n"
    "  V1   Zave's invariant of the ring after every event, within the assumption\n"
    "  V2   one whole ring 60 s after any fault\n"
    "  V3   what was acknowledged is found, and has its copies\n"
    "  V4   nothing older comes back, to readers or where it is stored\n"
    "  V5   nothing forged is accepted, by readers or where it is stored\n"
    "  V6   every request ends once, within 16 s\n"
    "  V7   memory and tables are bounded\n"
    "  V8   hops come nearer, no error answers an answer, a whole ring is quiet\n"
    "  V9   what does not verify changes nothing\n"
    "  V10  a request is carried out once, and whole or not at all\n"
    "  V11  only the first-node founds the overlay\n"
    "  V12  what is on a disk comes back\n"
    "  V13  among liars lookups of the honest are right as often as promised (of all seeds)\n"
    "  V14  a seed has one trace (every tenth seed runs twice)\n"
    "\n"
    "  --seeds N        scenarios (100)\n"
    "  --first-seed S   the first one's seed; the next ones follow (1)\n"
    "  --seed S         this one only\n"
    "  --trace          print what happens, step by step\n"
    "  --minimise       drop users, faults and peers while the scenario still fails\n"
    "  --peers N        change the scenario: so many peers, at most 1000\n"
    "  --plain          only the faults of each seed's first stream, the 22 older kinds, and no\n"
    "                   users with phones or who cheat\n"
    "  --no-users       without users who have phones or who cheat\n"
    "  --faults LIST    change the scenario: only these faults, as --minimise prints them\n"
    "  --json           print one JSON object in place of the table: `seeds`, `violations`, ...;\n"
    "                   what --trace and --minimise say goes to standard error then\n"
    "  --help           print this text\n"
    "\n"
    "Exit code: 0 when nothing was violated, 1 when something was, 2 for wrong options.\n";

struct settings {
    uint64_t seeds, first_seed;
    bool one, several; /* --seed; --seeds or --first-seed */
    bool trace, minimise, plain, no_users, json;
    uint32_t peers;     /* 0: as drawn */
    const char *faults; /* NULL: as drawn */
};

struct finding {
    uint64_t seed;
    struct sim_violation violation;
};

struct tally {
    uint64_t seeds, failed, within, violations;
    uint64_t events, virtual_ns, deeds, deeds_succeeded;
    uint64_t recovery_worst_ns;
    uint64_t trace_hash; /* of all traces */
    uint64_t memory_peak, checked_hops, checked_rejections, checked_reloads;
    uint64_t checked_pairs, checked_appends, checked_values;
    struct sim_phone_figures phones;
    struct sim_trust trust;
    struct finding *findings;
    size_t finding_count;
};

/* Where people read what happens: programs read nothing but the one object. */
static FILE *
story(const struct settings *settings)
{
    return settings->json ? stderr : stdout;
}

static struct sim_options
world(const struct settings *settings)
{
    return (struct sim_options){.topology = &reload_chord,
                                .successor = sim_chord_successor,
                                .successors = sim_chord_successors,
                                .predecessors = sim_chord_predecessors,
                                .describe = sim_chord_describe,
                                .log = settings->trace ? story(settings) : NULL,
                                .log_level = RELOAD_LOG_DEBUG};
}

/* ---- scenarios that are changed ---- */

/* Keeps only the faults whose numbers stand in |list|, separated by commas. */
static bool
keep_faults(struct sim_scenario *scenario, const char *list)
{
    for (size_t i = 0; i < scenario->fault_count; i++)
        scenario->faults[i].dropped = true;
    for (const char *at = list; *at;) {
        char *end = NULL;
        unsigned long number = strtoul(at, &end, 10);
        if (end == at || number >= scenario->fault_count || (*end && *end != ','))
            return false;
        scenario->faults[number].dropped = false;
        at = *end ? end + 1 : end;
    }
    return true;
}

static bool
draw(const struct settings *settings, uint64_t seed, struct sim_scenario *scenario)
{
    sim_scenario_draw(seed, scenario);
    if (settings->peers)
        scenario->peers = settings->peers;
    if (settings->plain)
        sim_scenario_plain(scenario);
    if (!settings->plain && !settings->no_users) {
        scenario->phones = sim_phones_draw(seed, scenario->peers);
        scenario->cheats = sim_cheats_draw(seed);
    }
    return !settings->faults || keep_faults(scenario, settings->faults);
}

static bool
fails(const struct sim_scenario *scenario, const struct sim_options *options, const char *invariant)
{
    struct sim_verdict verdict;
    sim_trial_run(scenario, options, &verdict);
    for (size_t i = 0; i < verdict.violation_count && i < SIM_VIOLATIONS_MAX; i++)
        if (strcmp(verdict.violations[i].invariant, invariant) == 0)
            return true;
    return false;
}

static void
print_replay(const struct sim_scenario *scenario, FILE *out)
{
    const char *separator = "";
    fprintf(out, "reload-sim check --seed %" PRIu64 " --peers %" PRIu32 "%s --faults '",
            scenario->seed, scenario->peers,
            scenario->phones + scenario->cheats > 0 ? "" : " --no-users");
    for (size_t i = 0; i < scenario->fault_count; i++) {
        if (scenario->faults[i].dropped)
            continue;
        fprintf(out, "%s%zu", separator, i);
        separator = ",";
    }
    fputs("' --trace\n", out);
}

/* Drops phones and cheats, unless |invariant| needs them to break. */
static void
drop_users(struct sim_scenario *scenario, const struct sim_options *options, const char *invariant)
{
    uint32_t phones = scenario->phones, cheats = scenario->cheats;
    scenario->phones = scenario->cheats = 0;
    if (phones + cheats == 0 || fails(scenario, options, invariant))
        return;
    scenario->phones = phones;
    scenario->cheats = cheats;
}

/* Drops what is not needed for |invariant| to break, one thing after the other. */
static void
minimise(struct sim_scenario *scenario, const struct sim_options *options, const char *invariant,
         FILE *out)
{
    drop_users(scenario, options, invariant);
    for (bool smaller = true; smaller;) {
        smaller = false;
        for (size_t i = 0; i < scenario->fault_count; i++) {
            if (scenario->faults[i].dropped)
                continue;
            scenario->faults[i].dropped = true;
            if (fails(scenario, options, invariant))
                smaller = true;
            else
                scenario->faults[i].dropped = false;
        }
        uint32_t peers = scenario->peers;
        for (uint32_t fewer = 1; fewer < peers; fewer = fewer < 8 ? fewer + 1 : fewer * 3 / 2) {
            scenario->peers = fewer;
            if (fails(scenario, options, invariant)) {
                smaller = true;
                break;
            }
            scenario->peers = peers;
        }
    }
    sim_scenario_print(scenario, out);
    print_replay(scenario, out);
}

/* ---- runs ---- */

static void
keep(struct tally *tally, uint64_t seed, const struct sim_verdict *verdict)
{
    tally->failed += verdict->violation_count > 0;
    tally->violations += verdict->violation_count;
    for (size_t i = 0; i < verdict->violation_count && i < SIM_VIOLATIONS_MAX; i++)
        if (tally->finding_count < KEPT_MAX)
            tally->findings[tally->finding_count++] =
                (struct finding){seed, verdict->violations[i]};
}

static bool
run_seed(const struct settings *settings, uint64_t seed, struct tally *tally)
{
    struct sim_scenario scenario;
    struct sim_verdict verdict, again;
    struct sim_options options = world(settings);
    if (!draw(settings, seed, &scenario))
        return false;
    if (settings->trace)
        sim_scenario_print(&scenario, story(settings));
    sim_trial_run(&scenario, &options, &verdict);
    if (seed % 10 == 0) {
        options.log = NULL;
        sim_trial_run(&scenario, &options, &again);
        if (again.trace_hash != verdict.trace_hash && verdict.violation_count < SIM_VIOLATIONS_MAX)
            verdict.violations[verdict.violation_count++] = (struct sim_violation){
                "V14", verdict.virtual_ns, "a second run gave another trace"};
    }
    tally->seeds++;
    tally->within += !verdict.beyond;
    tally->events += verdict.events;
    for (size_t i = 0; i < SIM_TRUST_LEVELS; i++) {
        tally->trust.asked[i] += verdict.trust.asked[i];
        tally->trust.right[i] += verdict.trust.right[i];
    }
    tally->checked_hops += verdict.checked_hops;
    tally->checked_rejections += verdict.checked_rejections;
    tally->checked_reloads += verdict.checked_reloads;
    tally->checked_values += verdict.checked_values;
    tally->checked_pairs += verdict.checked_pairs;
    tally->checked_appends += verdict.checked_appends;
    sim_phones_sum(&tally->phones, &verdict.phones);
    if (verdict.memory_peak > tally->memory_peak)
        tally->memory_peak = verdict.memory_peak;
    tally->trace_hash = sim_mix(tally->trace_hash, verdict.trace_hash);
    tally->virtual_ns += verdict.virtual_ns;
    tally->deeds += verdict.deeds;
    tally->deeds_succeeded += verdict.deeds_succeeded;
    if (verdict.recovery_ns != SIM_NEVER && verdict.recovery_ns > tally->recovery_worst_ns)
        tally->recovery_worst_ns = verdict.recovery_ns;
    keep(tally, seed, &verdict);
    if (settings->trace)
        fprintf(story(settings), "%s Zave's assumption%s%s\n", verdict.beyond ? "beyond" : "within",
                verdict.beyond ? ": " : "", verdict.beyond ? verdict.beyond_reason : "");
    if (settings->minimise && verdict.violation_count > 0) {
        options.log = NULL;
        minimise(&scenario, &options, verdict.violations[0].invariant, story(settings));
    }
    return true;
}

/* V13 is about all seeds together: that of the finding is the first one. */
static void
judge_trust(struct tally *tally, uint64_t seed)
{
    for (size_t i = 0; i < SIM_TRUST_LEVELS; i++) {
        if (sim_trust_is_kept(&tally->trust, i))
            continue;
        struct sim_verdict verdict = {.violation_count = 1};
        verdict.violations[0].invariant = "V13";
        snprintf(verdict.violations[0].what, sizeof verdict.violations[0].what,
                 "with up to %u %% liars %" PRIu64 " of %" PRIu64 " lookups were right",
                 sim_trust_levels[i].percent, tally->trust.right[i], tally->trust.asked[i]);
        keep(tally, seed, &verdict);
    }
}

/* ---- results ---- */

static void
print_json(const struct tally *tally, double wall)
{
    struct reload_json json = reload_json_growing(NULL, NULL);
    reload_json_begin_object(&json);
    reload_json_key(&json, "seeds");
    reload_json_uint(&json, tally->seeds);
    reload_json_key(&json, "within_assumption");
    reload_json_uint(&json, tally->within);
    reload_json_key(&json, "events");
    reload_json_uint(&json, tally->events);
    reload_json_key(&json, "virtual_seconds");
    reload_json_uint(&json, tally->virtual_ns / RELOAD_SECOND);
    reload_json_key(&json, "requests");
    reload_json_uint(&json, tally->deeds);
    reload_json_key(&json, "requests_ok");
    reload_json_uint(&json, tally->deeds_succeeded);
    reload_json_key(&json, "recovery_ms_max");
    reload_json_uint(&json, tally->recovery_worst_ns / RELOAD_MS);
    reload_json_key(&json, "checked_hops");
    reload_json_uint(&json, tally->checked_hops);
    reload_json_key(&json, "checked_rejections");
    reload_json_uint(&json, tally->checked_rejections);
    reload_json_key(&json, "checked_disks");
    reload_json_uint(&json, tally->checked_reloads);
    reload_json_key(&json, "registrations");
    reload_json_uint(&json, tally->phones.registrations);
    reload_json_key(&json, "calls");
    reload_json_uint(&json, tally->phones.calls);
    reload_json_key(&json, "calls_answered");
    reload_json_uint(&json, tally->phones.answered);
    reload_json_key(&json, "checked_values");
    reload_json_uint(&json, tally->checked_values);
    reload_json_key(&json, "memory_bytes_max");
    reload_json_uint(&json, tally->memory_peak);
    reload_json_key(&json, "wall_ms");
    reload_json_uint(&json, (uint64_t)(wall * 1000));
    char hash[17];
    snprintf(hash, sizeof hash, "%016" PRIx64, tally->trace_hash);
    reload_json_key(&json, "trace_hash");
    reload_json_text(&json, hash);
    reload_json_key(&json, "violations");
    reload_json_uint(&json, tally->violations);
    reload_json_key(&json, "found");
    reload_json_begin_array(&json);
    for (size_t i = 0; i < tally->finding_count; i++) {
        const struct finding *finding = &tally->findings[i];
        reload_json_begin_object(&json);
        reload_json_key(&json, "seed");
        reload_json_uint(&json, finding->seed);
        reload_json_key(&json, "time_ms");
        reload_json_uint(&json, finding->violation.at_ns / RELOAD_MS);
        reload_json_key(&json, "invariant");
        reload_json_text(&json, finding->violation.invariant);
        reload_json_key(&json, "what");
        reload_json_text(&json, finding->violation.what);
        reload_json_end_object(&json);
    }
    reload_json_end_array(&json);
    reload_json_end_object(&json);
    puts(json.failed ? "{}" : json.text);
    reload_json_free(&json);
}

static void
print_table(const struct tally *tally, double wall)
{
    for (size_t i = 0; i < tally->finding_count; i++) {
        const struct finding *finding = &tally->findings[i];
        printf("seed %" PRIu64 " violates %s at %.3f s: %s\n", finding->seed,
               finding->violation.invariant, (double)finding->violation.at_ns / 1e9,
               finding->violation.what);
    }
    printf("%-26s %" PRIu64 ", %" PRIu64 " of them within Zave's assumption\n", "seeds",
           tally->seeds, tally->within);
    printf("%-26s %" PRIu64 " of %" PRIu64 "\n", "requests that succeeded", tally->deeds_succeeded,
           tally->deeds);
    printf("%-26s %.1f s\n", "longest until whole again", (double)tally->recovery_worst_ns / 1e9);
    printf("%-26s %" PRIu64 " hops, %" PRIu64 " messages that did not verify\n", "looked at",
           tally->checked_hops, tally->checked_rejections);
    printf("%-26s %" PRIu64 " stored values, %" PRIu64 " disks, %" PRIu64 " pairs, %" PRIu64
           " appends\n",
           "and at", tally->checked_values, tally->checked_reloads, tally->checked_pairs,
           tally->checked_appends);
    printf("%-26s %" PRIu64 " registrations, %" PRIu64 " of %" PRIu64 " calls answered\n", "phones",
           tally->phones.registrations, tally->phones.answered, tally->phones.calls);
    for (size_t i = 0; i < SIM_TRUST_LEVELS; i++)
        printf("among up to %2u %% liars      %" PRIu64 " of %" PRIu64 " lookups were right\n",
               sim_trust_levels[i].percent, tally->trust.right[i], tally->trust.asked[i]);
    printf("%-26s %" PRIu64 " KiB\n", "most memory of a node", tally->memory_peak >> 10);
    printf("%-26s %.1f hours\n", "virtual time", (double)tally->virtual_ns / 3.6e12);
    printf("%-26s %.1f s, %.0f events/s\n", "wall time", wall,
           wall > 0 ? (double)tally->events / wall : 0);
    printf("%-26s %" PRIu64 " in %" PRIu64 " seeds\n", "violations", tally->violations,
           tally->failed);
    if (tally->failed > 0)
        puts("look closer with: reload-sim check --seed S --minimise, or --trace");
}

/* ---- options ---- */

static const struct option options[] = {
    {"seeds", required_argument, NULL, 'n'},
    {"first-seed", required_argument, NULL, 'f'},
    {"seed", required_argument, NULL, 's'},
    {"trace", no_argument, NULL, 't'},
    {"minimise", no_argument, NULL, 'm'},
    {"peers", required_argument, NULL, 'p'},
    {"faults", required_argument, NULL, 'l'},
    {"plain", no_argument, NULL, 'o'},
    {"no-users", no_argument, NULL, 'u'},
    {"json", no_argument, NULL, 'j'},
    {0},
};

static bool
take_option(void *into, int option, const char *argument)
{
    struct settings *settings = into;
    uint64_t number = 0;
    bool ok = true;
    switch (option) {
    case 'n':
        settings->several = true;
        return program_number(argument, 1, 100000000, &settings->seeds);
    case 'f':
        settings->several = true;
        return program_number(argument, 0, UINT64_MAX, &settings->first_seed);
    case 's':
        settings->one = true;
        settings->seeds = 1;
        return program_number(argument, 0, UINT64_MAX, &settings->first_seed);
    case 'p':
        ok = program_number(argument, 1, PEERS_MAX, &number);
        settings->peers = (uint32_t)number;
        return ok;
    case 't':
        settings->trace = true;
        return true;
    case 'm':
        settings->minimise = true;
        return true;
    case 'o':
        settings->plain = true;
        return true;
    case 'u':
        settings->no_users = true;
        return true;
    case 'l':
        settings->faults = argument;
        return true;
    default:
        settings->json = true;
        return true;
    }
}

int
check_command(int argc, char **argv)
{
    struct settings settings = {.seeds = 100, .first_seed = 1};
    static const struct program_options program = {"reload-sim check", usage, options, take_option};
    int code = program_read(&program, argc, argv, &settings);
    if (code >= 0)
        return code;
    if (settings.one && settings.several) {
        fputs("reload-sim check: --seed is one seed; with --first-seed and --seeds it is several: "
              "one of both; see --help\n",
              stderr);
        return 2;
    }
    struct tally tally = {.findings = calloc(KEPT_MAX, sizeof *tally.findings)};
    if (!tally.findings)
        return 2;
    double started_at = program_seconds();
    for (uint64_t i = 0; i < settings.seeds; i++) {
        if (!run_seed(&settings, settings.first_seed + i, &tally)) {
            free(tally.findings);
            return program_refuse("reload-sim check", "faults", settings.faults);
        }
        program_progress("checking seeds", i + 1, settings.seeds);
    }
    program_progress_end();
    judge_trust(&tally, settings.first_seed);
    double wall = program_seconds() - started_at;
    if (settings.json)
        print_json(&tally, wall);
    else
        print_table(&tally, wall);
    free(tally.findings);
    return tally.violations > 0;
}
