/* sim_trust.c: lookups among liars.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_trust.h"

#include "tools/sim/sim_fault_host.h"
#include "tools/sim/sim_ledger.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GAP_NS SIM_SECONDS(1)
#define COPIES 4
#define OLD_ENOUGH_NS SIM_SECONDS(30) /* what was acknowledged has its copies */

const struct sim_trust_level sim_trust_levels[SIM_TRUST_LEVELS] = {
    {5, 0.999},
    {10, 0.99},
    {20, 0.95},
};

size_t
sim_trust_level(uint32_t liars, uint32_t peers)
{
    size_t level = 0;
    while (level < SIM_TRUST_LEVELS && 100 * liars > sim_trust_levels[level].percent * peers)
        level++;
    return level;
}

bool
sim_trust_is_kept(const struct sim_trust *trust, size_t level)
{
    double asked = (double)trust->asked[level], goal = sim_trust_levels[level].goal;
    double failed = (double)(trust->asked[level] - trust->right[level]);
    return failed <= asked * (1 - goal) + 3 * sqrt(asked * goal * (1 - goal)) + 1;
}

/* ---- lookups ---- */

/* One under way; frees itself when it ends. Those of who dies meanwhile are freed with the trial.
 */
struct lookup {
    struct sim_trial *trial;
    const struct sim_record *record;
    uint32_t reader;
    size_t level;
    bool found; /* what may be there, and nothing else behind it */
};

/* For people who look for a fault. */
static void
tell(const struct lookup *lookup, int error)
{
    const struct sim_trial *trial = lookup->trial;
    FILE *log = sim_log(trial->sim);
    if (log)
        fprintf(log, "%10.3f lookup by %" PRIu32 " of record %td, version %" PRIu32 ": %s%s%s\n",
                (double)(sim_now(trial->sim) - SIM_TIME_BEGIN) / 1e9, lookup->reader,
                lookup->record - trial->ledger->records, lookup->record->acknowledged,
                lookup->found ? "right" : "wrong", error ? ": " : "",
                error ? reload_error_text(error) : "");
}

static void
on_value(void *argument, const struct reload_fetched_value *value, reload_time now)
{
    struct lookup *lookup = argument;
    const struct sim_record *record = lookup->record;
    unsigned number = 0, version = 0;
    char text[64] = {0};
    (void)now;
    if (!value->exists || !lookup->trial->trust_counts)
        return;
    memcpy(text, value->value.data, value->value.size < 63 ? value->value.size : 63);
    if (sscanf(text, "record %u version %u", &number, &version) != 2 ||
        (ptrdiff_t)number != record - lookup->trial->ledger->records || version > record->versions)
        sim_trial_find(lookup->trial, "V5", "node %" PRIu32 " accepted \"%s\" by all ways",
                       lookup->reader, text);
    lookup->found = sim_ledger_is_right(lookup->trial->ledger, record, version);
}

static void
on_fetched(void *argument, const struct reload_result *result, reload_time now)
{
    struct lookup *lookup = argument;
    struct sim_trial *trial = lookup->trial;
    (void)now;
    tell(lookup, result->error);
    if (result->error != RELOAD_E_CLOSED && trial->trust_counts) {
        trial->verdict->trust.asked[lookup->level]++;
        trial->verdict->trust.right[lookup->level] += lookup->found;
    }
    free(lookup);
}

/* A record that must be found now; NULL when there is none. */
static const struct sim_record *
choose_record(const struct sim_trial *trial, uint64_t pick)
{
    size_t count = trial->scenario->record_count;
    for (size_t i = 0; i < count; i++) {
        const struct sim_record *record = &trial->ledger->records[(pick + i) % count];
        bool quiet = record->acknowledged > 0 && record->acknowledged == record->versions;
        if (quiet && !record->removal && !record->lost &&
            sim_now(trial->sim) - record->acknowledged_ns > OLD_ENOUGH_NS)
            return record;
    }
    return NULL;
}

static uint32_t
choose_reader(const struct sim_trial *trial, uint64_t pick)
{
    for (uint32_t i = 0; i < trial->peers; i++) {
        uint32_t node = (uint32_t)((pick + i) % trial->peers);
        if (sim_is_alive(trial->sim, node) && sim_is_joined(trial->sim, node) &&
            trial->liar.lies[node] == SIM_LIE_NONE)
            return node;
    }
    return SIM_NOBODY;
}

static void
look_up(struct sim_trial *trial, const struct sim_record *record, uint32_t reader)
{
    struct sim *sim = trial->sim;
    struct lookup *lookup = calloc(1, sizeof *lookup);
    uint8_t octets[16];
    if (!lookup)
        abort();
    lookup->trial = trial;
    lookup->record = record;
    lookup->reader = reader;
    lookup->level = sim_trust_level(trial->liar.liars, sim_victims_alive(trial));
    sim_slot_resource(sim, record->owner, record->slot, octets);
    struct reload_bytes resource = {octets, sizeof octets};
    struct reload_route route = reload_route_to_resource(resource);
    route.copies = COPIES;
    route.replicas = RELOAD_REPLICAS_ALL;
    struct reload_fetch_specifier specifier = {.kind = SIM_KIND_SLOT};
    if (lookup->level == SIM_TRUST_LEVELS ||
        reload_node_fetch_along(sim_node(sim, reader), &route, resource, &specifier, 1, on_value,
                                on_fetched, lookup, sim_now(sim)))
        free(lookup);
    else
        sim_turn(sim, reader);
}

static void
tick(struct sim *sim, void *argument)
{
    struct sim_trial *trial = argument;
    if (!trial->trust_counts || trial->liar.liars == 0 || sim_now(sim) >= trial->trust_until_ns)
        return;
    uint64_t pick = sim_mix(trial->scenario->seed, sim_now(sim));
    const struct sim_record *record = choose_record(trial, pick);
    uint32_t reader = choose_reader(trial, sim_mix(pick, 1));
    if (record && reader != SIM_NOBODY)
        look_up(trial, record, reader);
    sim_call(sim, sim_now(sim) + GAP_NS, tick, trial);
}

void
sim_trust_begin(struct sim_trial *trial, uint64_t until_ns)
{
    /* The liars are the one fault that is on, and struck a whole ring. */
    trial->trust_counts = trial->faults_on == 1 && sim_is_whole(trial->sim, NULL);
    trial->trust_until_ns = until_ns;
    tick(trial->sim, trial);
}
