/* sim_ledger.c: the users of a run.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_ledger.h"

#include "tools/sim/sim_copies.h"
#include "tools/sim/sim_oddity.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LIFETIME_S 86400
#define RECORD_SLOT 1

/* ---- one request ---- */

/* For people who look for a fault. */
static void
tell(const struct sim_request *request, const char *how, int error)
{
    static const char *const names[] = {"stores", "removes", "fetches"};
    struct sim *sim = request->ledger->trial->sim;
    FILE *log = sim_log(sim);
    if (log)
        fprintf(log, "%10.3f user at %" PRIu32 " %s record %td version %" PRIu32 ": %s%s%s\n",
                (double)(sim_now(sim) - SIM_TIME_BEGIN) / 1e9, request->actor,
                names[request->deed->type], request->record - request->ledger->records,
                request->version, how, error ? ": " : "", error ? reload_error_text(error) : "");
}

static void
finish(struct sim_request *request, const struct reload_result *result)
{
    struct sim_trial *trial = request->ledger->trial;
    uint64_t elapsed = sim_now(trial->sim) - request->started_ns;
    request->ended_ns = sim_now(trial->sim);
    request->error = result->error;
    tell(request, "ended", result->error);
    if (++request->endings > 1)
        sim_trial_find(trial, "V6", "a request of node %" PRIu32 " ended twice", request->actor);
    /* Who stores may be told that there is something newer, look what, and try again. */
    uint64_t limit_ns = SIM_REQUEST_NS * (request->deed->type == SIM_DEED_FETCH ? 1 : 3);
    if (elapsed > limit_ns + sim_lateness(trial->sim) && !request->paused)
        sim_trial_find(trial, "V6", "a request of node %" PRIu32 " took %.1f s", request->actor,
                       (double)elapsed / 1e9);
    trial->verdict->deeds_succeeded += result->error == 0;
}

static void
on_stored(void *argument, const struct reload_result *result, reload_time now)
{
    struct sim_request *request = argument;
    struct sim_record *record = request->record;
    (void)now;
    finish(request, result);
    if (result->error)
        return;
    uint8_t resource[16];
    sim_slot_resource(request->ledger->trial->sim, record->owner, record->slot, resource);
    (void)sim_copies(request->ledger->trial->sim, (struct reload_bytes){resource, sizeof resource},
                     0, &record->acknowledged_ms);
    /* Those who had it may have died while the answer was on its way. */
    bool gone = record->acknowledged_ms <= request->newest_before_ms;
    record->acknowledged = request->version;
    record->acknowledged_ns = sim_now(request->ledger->trial->sim);
    record->lost = gone;
    request->ledger->trial->verdict->records_lost += gone;
    record->removal = request->deed->type == SIM_DEED_REMOVE;
}

void
sim_ledger_read(struct sim_ledger *ledger, struct sim_record *record, uint32_t reader,
                const struct reload_fetched_value *value)
{
    struct sim_trial *trial = ledger->trial;
    uint32_t life = sim_life(trial->sim, reader);
    unsigned number = 0, version = 0;
    char text[64] = {0};
    if (!value->signer)
        return; /* nothing is there, says the peer: nobody signs that */
    bool older =
        record->seen_life[reader] == life && value->storage_time_ms < record->seen_ms[reader];
    if (older && !sim_liar_is_stale(&trial->liar)) /* one answer alone may be a liar's: D124 */
        sim_trial_find(trial, "V4", "node %" PRIu32 " was given record %td older than before",
                       reader, record - ledger->records);
    record->seen_life[reader] = life;
    record->seen_ms[reader] = value->storage_time_ms;
    if (!value->exists)
        return;
    memcpy(text, value->value.data, value->value.size < 63 ? value->value.size : 63);
    bool ours =
        sscanf(text, "record %u version %u", &number, &version) == 2 &&
        (ptrdiff_t)number == record - ledger->records && version <= record->versions &&
        value->signer->node_id_count > 0 &&
        reload_node_id_equal(&value->signer->node_ids[0], sim_node_id(trial->sim, record->owner));
    if (!ours)
        sim_trial_find(trial, "V5",
                       "node %" PRIu32 " accepted for record %td what its owner never "
                       "stored",
                       reader, record - ledger->records);
}

static void
on_value(void *argument, const struct reload_fetched_value *value, reload_time now)
{
    struct sim_request *request = argument;
    (void)now;
    sim_ledger_read(request->ledger, request->record, request->actor, value);
}

static void
on_fetched(void *argument, const struct reload_result *result, reload_time now)
{
    (void)now;
    finish(argument, result);
}

static int
text_of(const struct sim_request *request, char text[64])
{
    return snprintf(text, 64, "record %td version %" PRIu32,
                    request->record - request->ledger->records, request->version);
}

static int
send_store(struct sim_request *request, struct reload_bytes resource)
{
    struct sim *sim = request->ledger->trial->sim;
    bool exists = request->deed->type == SIM_DEED_STORE;
    char text[64];
    request->version = ++request->record->versions;
    (void)sim_copies(sim, resource, 0, &request->newest_before_ms);
    size_t size = (size_t)text_of(request, text);
    struct reload_store_value value = {.kind = SIM_KIND_SLOT,
                                       .value = {(uint8_t *)text, exists ? size : 0},
                                       .exists = exists,
                                       .lifetime_s = LIFETIME_S};
    return reload_node_store(sim_node(sim, request->actor), resource, &value, 1, on_stored, request,
                             sim_now(sim));
}

static int
send_fetch(struct sim_request *request, struct reload_bytes resource)
{
    struct sim *sim = request->ledger->trial->sim;
    struct reload_fetch_specifier specifier = {.kind = SIM_KIND_SLOT};
    return reload_node_fetch(sim_node(sim, request->actor), resource, &specifier, 1, on_value,
                             on_fetched, request, sim_now(sim));
}

/* The |pick|-th of those that can ask for something now. */
static uint32_t
choose_reader(const struct sim_trial *trial, uint64_t pick)
{
    for (uint32_t i = 0; i < trial->peers; i++) {
        uint32_t node = (uint32_t)((pick + i) % trial->peers);
        if (sim_is_alive(trial->sim, node) && !sim_is_paused(trial->sim, node) &&
            sim_is_joined(trial->sim, node))
            return node;
    }
    return SIM_NOBODY;
}

static void
act(struct sim *sim, void *argument)
{
    struct sim_request *request = argument;
    struct sim_trial *trial = request->ledger->trial;
    const struct sim_record *record = request->record;
    bool fetches = request->deed->type == SIM_DEED_FETCH;
    request->actor = fetches ? choose_reader(trial, request->deed->pick) : record->owner;
    if (request->actor == SIM_NOBODY || !sim_is_alive(sim, request->actor) ||
        sim_is_paused(sim, request->actor) || !sim_is_joined(sim, request->actor))
        return;
    uint8_t octets[16];
    sim_slot_resource(sim, record->owner, record->slot, octets);
    struct reload_bytes resource = {octets, sizeof octets};
    request->life = sim_life(sim, request->actor);
    request->started_ns = sim_now(sim);
    int error = fetches ? send_fetch(request, resource) : send_store(request, resource);
    request->started = error == 0;
    tell(request, "begins", error);
    trial->verdict->deeds++;
    if (error == 0)
        sim_turn(sim, request->actor);
}

/* ---- all of them ---- */

struct sim_ledger *
sim_ledger_begin(struct sim_trial *trial)
{
    const struct sim_scenario *scenario = trial->scenario;
    struct sim_ledger *ledger = calloc(1, sizeof *ledger);
    if (!ledger)
        abort();
    ledger->trial = trial;
    for (size_t i = 0; i < scenario->record_count; i++)
        ledger->records[i] =
            (struct sim_record){.owner = (uint32_t)(scenario->owners[i] % scenario->peers),
                                .slot = (uint8_t)(RECORD_SLOT + i)};
    for (size_t i = 0; i < scenario->deed_count; i++) {
        const struct sim_deed *deed = &scenario->deeds[i];
        ledger->requests[i] = (struct sim_request){
            .ledger = ledger, .deed = deed, .record = &ledger->records[deed->record]};
        sim_call(trial->sim, trial->begin_ns + deed->at_ns, act, &ledger->requests[i]);
    }
    return ledger;
}

void
sim_ledger_pause(struct sim_ledger *ledger, uint32_t node)
{
    for (size_t i = 0; i < ledger->trial->scenario->deed_count; i++)
        if (ledger->requests[i].actor == node && ledger->requests[i].endings == 0)
            ledger->requests[i].paused = true;
}

void
sim_ledger_close(struct sim_ledger *ledger)
{
    struct sim_trial *trial = ledger->trial;
    for (size_t i = 0; i < trial->scenario->deed_count; i++) {
        const struct sim_request *request = &ledger->requests[i];
        if (request->started && request->endings == 0 && sim_is_alive(trial->sim, request->actor) &&
            sim_life(trial->sim, request->actor) == request->life)
            sim_trial_find(trial, "V6", "a request of node %" PRIu32 " never ended",
                           request->actor);
    }
}

void
sim_ledger_free(struct sim_ledger *ledger)
{
    free(ledger);
}
