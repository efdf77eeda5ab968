/* sim_audit.c: whether the overlay still has what it acknowledged.
 *
 * A value may be lost when as many of its holders die as there are copies, faster than copies can
 * be made anew; then whatever is found is right. As long as one node holds it, it has to be found.
 *
 * RFC 6940 10.4, 10.7. SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_copies.h"
#include "tools/sim/sim_ledger.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TRIES 1
#define TRY_AGAIN_NS SIM_SECONDS(10)

static ptrdiff_t
number_of(const struct sim_ledger *ledger, const struct sim_record *record)
{
    return record - ledger->records;
}

static uint32_t
copies_of(const struct sim_ledger *ledger, const struct sim_record *record)
{
    uint8_t resource[16];
    sim_slot_resource(ledger->trial->sim, record->owner, record->slot, resource);
    return sim_copies(ledger->trial->sim, (struct reload_bytes){resource, sizeof resource},
                      record->acknowledged_ms, NULL);
}

uint32_t
sim_ledger_members(const struct sim_ledger *ledger)
{
    const struct sim_trial *trial = ledger->trial;
    uint32_t members = 0;
    for (uint32_t i = 0; i < trial->peers; i++)
        members += sim_is_peer(trial->sim, i) &&
                   sim_now(trial->sim) - sim_born_at(trial->sim, i) > SIM_COPYING_NS;
    return members;
}

/* Whether so many of those who held |record| died in the last time that no copy may be left. Deaths
 * of others take nothing. Who leaves hands over, but perhaps to one whose death it does not know
 * yet; the last one to nobody. In a part of a ring that was cut there may be fewer copies than
 * else. */
static bool
is_excused(const struct sim_ledger *ledger, const struct sim_record *record)
{
    uint64_t now = sim_now(ledger->trial->sim);
    uint32_t deaths = 0, leaves = 0, needed;
    if (now - record->acknowledged_ns < SIM_COPYING_NS)
        return true;
    for (size_t i = ledger->death_count; i-- > 0;) {
        const struct sim_death *death = &ledger->deaths[i];
        if (now - death->at_ns > SIM_REPAIR_NS)
            break;
        ptrdiff_t number = number_of(ledger, record);
        if (death->left && death->members > 1)
            leaves += death->records[number].held;
        else
            deaths += death->records[number].held;
        needed = death->members < SIM_COPIES ? death->members : SIM_COPIES;
        if (death->disturbed && death->records[number].copies < needed)
            needed = death->records[number].copies;
        if (deaths > 0 && deaths + leaves >= needed)
            return true;
    }
    return false;
}

static void
look_for_losses(struct sim_ledger *ledger, const char *when)
{
    struct sim_trial *trial = ledger->trial;
    for (size_t i = 0; i < trial->scenario->record_count; i++) {
        struct sim_record *record = &ledger->records[i];
        if (record->lost || record->acknowledged == 0 || copies_of(ledger, record) > 0)
            continue; /* a removal is stored, too (7.4.1.3) */
        record->lost = true;
        trial->verdict->records_lost++;
        if (!trial->unreliable && !is_excused(ledger, record))
            sim_trial_find(trial, "V3", "%s: no node holds record %zu version %" PRIu32 " any more",
                           when, i, record->acknowledged);
    }
}

/* Whether peers may have been kept apart until a moment ago: then there are as few copies as there
 * were of them together. */
static bool
is_disturbed(const struct sim_trial *trial)
{
    uint64_t until = trial->lasted_until_ns;
    return trial->faults_on > 0 || (until > 0 && sim_now(trial->sim) - until < SIM_COPYING_NS);
}

struct sim_death
sim_ledger_dying(const struct sim_ledger *ledger, uint32_t node)
{
    const struct sim_trial *trial = ledger->trial;
    struct sim_death death = {.at_ns = sim_now(trial->sim),
                              .members = sim_ledger_members(ledger),
                              .disturbed = is_disturbed(trial)};
    for (size_t i = 0; i < trial->scenario->record_count; i++) {
        uint8_t resource[16];
        sim_slot_resource(trial->sim, ledger->records[i].owner, ledger->records[i].slot, resource);
        struct reload_bytes bytes = {resource, sizeof resource};
        uint32_t copies = sim_copies(trial->sim, bytes, ledger->records[i].acknowledged_ms, NULL);
        death.records[i].held = sim_copy_at(trial->sim, node, bytes) > 0;
        death.records[i].copies = copies < SIM_COPIES ? (uint8_t)copies : SIM_COPIES;
    }
    return death;
}

void
sim_ledger_death(struct sim_ledger *ledger, const struct sim_death *death)
{
    if (ledger->death_count < SIM_DEATHS_MAX)
        ledger->deaths[ledger->death_count++] = *death;
    look_for_losses(ledger, death->left ? "after a leave" : "after a death");
}

void
sim_ledger_departure(struct sim_trial *trial, uint32_t node, const struct sim_death *death)
{
    if (!trial->leaving[node] != !death)
        sim_guard_leaving(&trial->guard, death != NULL);
    free(trial->leaving[node]);
    trial->leaving[node] = NULL;
    if (!death)
        return;
    trial->leaving[node] = malloc(sizeof *death);
    if (!trial->leaving[node])
        abort();
    *trial->leaving[node] = *death;
}

/* ---- the end ---- */

/* The version that |outcome| brought; 0: nothing. */
static uint32_t
version_of(const struct sim_outcome *outcome)
{
    char text[SIM_VALUE_MAX + 1] = {0};
    memcpy(text, outcome->value, outcome->value_size);
    const char *number = strstr(text, "version ");
    return outcome->exists && number ? (uint32_t)strtoul(number + 8, NULL, 10) : 0;
}

/* Whether |request| changed, or may have changed, |record|. */
static bool
is_change(const struct sim_request *request, const struct sim_record *record)
{
    return request->record == record && request->started && request->deed->type != SIM_DEED_FETCH;
}

/* Whether |found| was over before a change began that was acknowledged. Of changes that overlap any
 * may be the last. */
static bool
is_outdated(const struct sim_ledger *ledger, const struct sim_request *found)
{
    for (size_t i = 0; i < ledger->trial->scenario->deed_count; i++) {
        const struct sim_request *later = &ledger->requests[i];
        if (is_change(later, found->record) && later->endings > 0 && later->error == 0 &&
            found->endings > 0 && later->started_ns > found->ended_ns)
            return true;
    }
    return false;
}

bool
sim_ledger_is_right(const struct sim_ledger *ledger, const struct sim_record *record,
                    uint32_t version)
{
    bool any = false;
    for (size_t i = 0; i < ledger->trial->scenario->deed_count; i++) {
        const struct sim_request *request = &ledger->requests[i];
        if (!is_change(request, record))
            continue;
        bool is_it = version ? request->version == version : request->deed->type == SIM_DEED_REMOVE;
        if (is_it && !is_outdated(ledger, request))
            return true;
        any = any || (request->endings > 0 && request->error == 0);
    }
    return version == 0 && !any;
}

static uint32_t
a_reader(const struct sim_trial *trial, size_t number)
{
    for (uint32_t i = 0; i < trial->peers; i++) {
        uint32_t node = (uint32_t)((number * 7 + i) % trial->peers);
        if (sim_is_alive(trial->sim, node) && sim_is_joined(trial->sim, node))
            return node;
    }
    return SIM_NOBODY;
}

/* In a ring that has settled nobody holds what was replaced or removed before. */
static void
look_for_old_copies(const struct sim_ledger *ledger, const struct sim_record *record)
{
    struct sim_trial *trial = ledger->trial;
    uint8_t octets[16];
    sim_slot_resource(trial->sim, record->owner, record->slot, octets);
    for (uint32_t i = 0; i < trial->peers; i++) {
        uint64_t held = sim_copy_at(trial->sim, i, (struct reload_bytes){octets, sizeof octets});
        if (held > 0 && held < record->acknowledged_ms)
            sim_trial_find(trial, "V4",
                           "node %" PRIu32 " holds record %td %" PRIu64
                           " ms older than acknowledged",
                           i, number_of(ledger, record), record->acknowledged_ms - held);
    }
}

static void
audit(struct sim_ledger *ledger, struct sim_record *record)
{
    struct sim_trial *trial = ledger->trial;
    struct sim_outcome outcome = {0};
    bool right = false;
    for (size_t i = 0; i < TRIES && !right; i++) {
        uint32_t reader = a_reader(trial, i + (size_t)number_of(ledger, record));
        if (reader == SIM_NOBODY)
            return;
        outcome = sim_fetch(trial->sim, reader, record->owner, record->slot);
        right = outcome.error == 0 && sim_ledger_is_right(ledger, record, version_of(&outcome));
        if (!right)
            sim_run_for(trial->sim, TRY_AGAIN_NS);
    }
    if (!record->lost && record->acknowledged > 0)
        look_for_old_copies(ledger, record);
    if (right && !record->lost && record->acknowledged > 0) {
        uint32_t copies = copies_of(ledger, record), members = sim_ledger_members(ledger);
        uint32_t wanted = members < SIM_COPIES ? members : SIM_COPIES;
        if (copies < wanted)
            sim_trial_find(trial, "V3",
                           "record %td has only %" PRIu32 " copies among %" PRIu32 " peers",
                           number_of(ledger, record), copies, members);
    }
    if (right || record->lost)
        return;
    uint32_t version = version_of(&outcome);
    if (outcome.error)
        sim_trial_find(trial, "V3", "record %td cannot be fetched: %s", number_of(ledger, record),
                       reload_error_text(outcome.error));
    else if (version > 0)
        sim_trial_find(trial, "V4",
                       "record %td: version %" PRIu32 " is back, %s %" PRIu32 " was acknowledged",
                       number_of(ledger, record), version, record->removal ? "removal" : "version",
                       record->acknowledged);
    else
        sim_trial_find(trial, "V3",
                       "record %td version %" PRIu32 " is not found, though %" PRIu32 " hold it",
                       number_of(ledger, record), record->acknowledged, copies_of(ledger, record));
}

/* For people who look for a fault: who holds what of |record|. */
static void
describe(const struct sim_ledger *ledger, const struct sim_record *record)
{
    struct sim *sim = ledger->trial->sim;
    FILE *log = sim_log(sim);
    uint8_t octets[16];
    sim_slot_resource(sim, record->owner, record->slot, octets);
    struct reload_bytes resource = {octets, sizeof octets};
    if (!log)
        return;
    fprintf(log,
            "%10.3f record %td: owner %" PRIu32 ", slot %u, resource %02x%02x%02x%02x..., "
            "responsible %" PRIu32 ", version %" PRIu32 " acknowledged at %.3f; held by",
            (double)(sim_now(sim) - SIM_TIME_BEGIN) / 1e9, number_of(ledger, record), record->owner,
            record->slot, octets[0], octets[1], octets[2], octets[3],
            sim_responsible(sim, 0, resource), record->acknowledged,
            (double)(record->acknowledged_ns - SIM_TIME_BEGIN) / 1e9);
    for (uint32_t i = 0; i < ledger->trial->peers; i++) {
        uint64_t held = sim_copy_at(sim, i, resource);
        if (held)
            fprintf(log, " %" PRIu32 " (%+" PRId64 " ms)", i,
                    (int64_t)(held - record->acknowledged_ms));
    }
    fputc('\n', log);
}

void
sim_ledger_audit(struct sim_ledger *ledger)
{
    look_for_losses(ledger, "at the end");
    for (size_t i = 0; i < ledger->trial->scenario->record_count; i++)
        if (ledger->records[i].versions > 0) {
            describe(ledger, &ledger->records[i]);
            audit(ledger, &ledger->records[i]);
        }
}
