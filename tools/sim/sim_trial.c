/* sim_trial.c: running a scenario.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_trial.h"

#include "tools/sim/sim_fault_class.h"
#include "tools/sim/sim_ledger.h"
#include "tools/sim/sim_oddity.h"
#include "tools/sim/sim_reload.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#define BUILD_LIMIT_NS SIM_MINUTES(3)
#define PATIENCE_NS SIM_MINUTES(30) /* for a ring that is late, to tell whether it comes at all */
#define SETTLE_NS SIM_SECONDS(60)
#define BOOTSTRAP_NODES 4
#define LOOK_NS SIM_SECONDS(1)
#define RELOAD_ONE_IN 8 /* turns with writes after which the disk is tried */
#define RELOADS_MAX 60  /* in one run */
#define FOUNDER 0

/* What is due at some time. */
struct happening {
    struct sim_trial *trial;
    const struct sim_fault *fault;
};

void
sim_trial_find(struct sim_trial *trial, const char *invariant, const char *format, ...)
{
    struct sim_verdict *verdict = trial->verdict;
    if (verdict->violation_count++ >= SIM_VIOLATIONS_MAX)
        return;
    struct sim_violation *violation = &verdict->violations[verdict->violation_count - 1];
    violation->invariant = invariant;
    violation->at_ns = sim_now(trial->sim) - SIM_TIME_BEGIN;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(violation->what, sizeof violation->what, format, arguments);
    va_end(arguments);
}

/* ---- looking ---- */

static void
explain(struct sim_trial *trial)
{
    FILE *log = sim_log(trial->sim);
    if (log)
        (void)sim_ring_is_whole(trial->sim, 0, log);
}

/* Nobody is left who is a peer, and who alone may found the overlay anew is dead. */
static bool
is_orphaned(struct sim *sim, void *argument)
{
    const struct sim_trial *trial = argument;
    for (uint32_t i = 0; i < trial->peers; i++)
        if (sim_is_alive(sim, i) && (i == FOUNDER || sim_is_peer(sim, i)))
            return false;
    return true;
}

/* Whether anybody lives whom the others can ask. */
static bool
has_bootstrap(const struct sim_trial *trial)
{
    for (uint32_t i = 0; i < trial->peers && i < BOOTSTRAP_NODES; i++)
        if (sim_is_alive(trial->sim, i))
            return true;
    return false;
}

void
sim_trial_found(void *argument, const char *invariant, const char *what)
{
    sim_trial_find(argument, invariant, "%s", what);
}

/* After a turn in which something was written: now and then, that is dear. */
static void
look_at_disk(struct sim_trial *trial, uint32_t node)
{
    struct sim *sim = trial->sim;
    uint64_t writes = sim_writes(sim, node);
    if (writes == trial->writes[node])
        return;
    trial->writes[node] = writes;
    if (trial->chores)
        sim_chores_look(trial->chores, node, false);
    if (sim_mix(writes, node) % RELOAD_ONE_IN > 0 || trial->reloads >= RELOADS_MAX)
        return;
    trial->reloads++;
    struct sim_reload_result result = sim_reload(sim, node);
    if (result.comparable && (result.refused > 0 || !result.same))
        sim_trial_find(trial, "V12",
                       "node %" PRIu32 " would lose what it has: of %zu records %zu are "
                       "refused%s",
                       node, result.records, result.refused, result.same ? "" : ", others differ");
}

static void
observe(struct sim *sim, uint32_t node, void *argument)
{
    struct sim_trial *trial = argument;
    sim_watch_look(&trial->watch, node);
    sim_guard_turn(&trial->guard, node);
    sim_oracle_look(&trial->oracle, node);
    if (node < SIM_HOSTS_MAX && sim_node(sim, node))
        look_at_disk(trial, node);
    if (node < SIM_HOSTS_MAX && trial->leaving[node] && !sim_is_alive(sim, node)) {
        sim_ledger_death(trial->ledger, trial->leaving[node]);
        sim_ledger_departure(trial, node, NULL);
    }
}

/* ---- faults ---- */

static void
tell(const struct sim_trial *trial, const struct sim_fault *fault, const char *what)
{
    FILE *log = sim_log(trial->sim);
    if (log)
        fprintf(log, "%10.3f fault %td %s: %s\n",
                (double)(sim_now(trial->sim) - SIM_TIME_BEGIN) / 1e9,
                fault - trial->scenario->faults, what, sim_fault_classes[fault->class].name);
}

/* While nothing goes wrong, the ring has to become whole: not only at the end. When nobody is left
 * to be asked, those who are alone cannot help it. */
static void
look_for_whole(struct sim *sim, void *argument)
{
    struct sim_trial *trial = argument;
    uint64_t elapsed = sim_now(sim) - trial->last_fault_ns;
    trial->looking = false;
    if (trial->faults_on > 0 || trial->over)
        return;
    if (sim_is_whole(sim, NULL)) {
        if (elapsed > trial->recovery_ns)
            trial->recovery_ns = elapsed;
        sim_guard_hops(&trial->guard, true);
        return;
    }
    if (elapsed > SIM_RECOVERY_NS + LOOK_NS && !is_orphaned(sim, trial) && has_bootstrap(trial)) {
        explain(trial);
        sim_trial_find(trial, "V2", "no whole ring %.0f s after fault", (double)elapsed / 1e9);
        return;
    }
    trial->looking = true;
    sim_call(sim, sim_now(sim) + LOOK_NS, look_for_whole, trial);
}

static void
disturbed(struct sim_trial *trial)
{
    trial->last_fault_ns = sim_now(trial->sim);
    sim_guard_hops(&trial->guard, false);
}

static void
look_again(struct sim_trial *trial)
{
    disturbed(trial);
    if (!trial->looking && trial->faults_on == 0) {
        trial->looking = true;
        sim_call(trial->sim, sim_now(trial->sim) + LOOK_NS, look_for_whole, trial);
    }
}

static bool
lasts(const struct sim_fault *fault)
{
    const struct sim_fault_class *class = &sim_fault_classes[fault->class];
    return class->end && !class->moments;
}

static void
begin_fault(struct sim *sim, void *argument)
{
    const struct happening *happening = argument;
    struct sim_trial *trial = happening->trial;
    (void)sim;
    tell(trial, happening->fault, "begins");
    trial->faults_on += lasts(happening->fault);
    trial->trust_counts = false;
    sim_fault_classes[happening->fault->class].begin(trial, happening->fault);
    look_again(trial);
}

static void
end_fault(struct sim *sim, void *argument)
{
    const struct happening *happening = argument;
    struct sim_trial *trial = happening->trial;
    (void)sim;
    tell(trial, happening->fault, "ends");
    trial->faults_on -= lasts(happening->fault);
    if (lasts(happening->fault))
        trial->lasted_until_ns = sim_now(sim);
    sim_fault_classes[happening->fault->class].end(trial, happening->fault);
    look_again(trial);
}

/* Returns when the last one is over. */
static uint64_t
schedule_faults(struct sim_trial *trial, struct happening *happenings)
{
    const struct sim_scenario *scenario = trial->scenario;
    uint64_t over = trial->begin_ns + scenario->length_ns;
    for (size_t i = 0; i < scenario->fault_count; i++) {
        const struct sim_fault *fault = &scenario->faults[i];
        uint64_t begin = trial->begin_ns + fault->at_ns, end = begin + fault->duration_ns;
        if (fault->dropped)
            continue;
        happenings[i] = (struct happening){trial, fault};
        sim_call(trial->sim, begin, begin_fault, &happenings[i]);
        if (sim_fault_classes[fault->class].end)
            sim_call(trial->sim, end, end_fault, &happenings[i]);
        if (end > over)
            over = end;
    }
    return over;
}

/* Everything that may last ends; who joins anew finds somebody to ask. */
static void
end_all_faults(struct sim_trial *trial)
{
    struct sim *sim = trial->sim;
    trial->over = true;
    sim_heal_all(sim);
    sim_set_network(sim, &trial->calm);
    sim_byzantine_end(&trial->byzantine, sim);
    sim_liar_end(&trial->liar);
    sim_arm(sim, 0);
    trial->drift.active = false;
    for (uint32_t i = 0; i < trial->peers; i++)
        sim_disk_lags(sim, i, 0);
    sim_set_bursts(sim, 0, 0);
    sim_set_errors(sim, 0);
    trial->flap.until_ns = 0;
    trial->sessions.half_life_s = 0;
    for (uint32_t i = 0; i < trial->peers; i++)
        if (sim_is_paused(sim, i))
            sim_resume(sim, i);
    for (uint32_t i = 0; i < trial->peers; i++)
        if (trial->is_clone[i] && sim_is_alive(sim, i)) {
            sim_kill(sim, i);
            disturbed(trial);
        }
    if (!has_bootstrap(trial)) {
        sim_restart(sim, 0);
        disturbed(trial);
    }
}

/* ---- the run ---- */

/* Waits for a whole ring. Returns how long that took since |since|, SIM_NEVER when it did not. */
static uint64_t
wait_until_whole(struct sim_trial *trial, uint64_t since, uint64_t limit_ns)
{
    uint64_t end = since + limit_ns, now = sim_now(trial->sim);
    if (!sim_run_until(trial->sim, sim_is_whole, NULL, end > now ? end - now : 0))
        return SIM_NEVER;
    return sim_now(trial->sim) - since;
}

static bool
build_up(struct sim_trial *trial)
{
    const struct sim_scenario *scenario = trial->scenario;
    sim_add_nodes(trial->sim, 0, scenario->peers, scenario->gap_ns);
    trial->peers = scenario->peers;
    if (wait_until_whole(trial, sim_now(trial->sim), BUILD_LIMIT_NS) != SIM_NEVER)
        return true;
    explain(trial);
    sim_trial_find(trial, "V2", "%" PRIu32 " peers that start make no ring within %.0f s",
                   scenario->peers, (double)BUILD_LIMIT_NS / 1e9);
    return false;
}

static void
begin_phones(struct sim_trial *trial)
{
    const struct sim_scenario *scenario = trial->scenario;
    if (scenario->phones > 0)
        trial->phones =
            sim_phones_live(trial->sim, scenario->seed, scenario->phones, trial->peers,
                            scenario->length_ns, (struct sim_finder){sim_trial_found, trial});
    trial->peers = sim_node_count(trial->sim); /* with second devices */
}

static bool
is_whole_or_orphaned(struct sim *sim, void *argument)
{
    return sim_is_whole(sim, NULL) || is_orphaned(sim, argument);
}

static void
recover(struct sim_trial *trial)
{
    struct sim_verdict *verdict = trial->verdict;
    uint64_t now = sim_now(trial->sim), limit = trial->last_fault_ns + SIM_RECOVERY_NS;
    if (sim_run_until(trial->sim, is_whole_or_orphaned, trial, limit > now ? limit - now : 0) &&
        is_orphaned(trial->sim, trial)) {
        sim_restart(trial->sim, FOUNDER);
        disturbed(trial);
    }
    uint64_t since = trial->last_fault_ns;
    verdict->faults_end_ns = since - SIM_TIME_BEGIN;
    bool whole = sim_is_whole(trial->sim, NULL); /* since when was looked at as it went */
    verdict->recovery_ns =
        whole ? trial->recovery_ns : wait_until_whole(trial, since, SIM_RECOVERY_NS);
    if (verdict->recovery_ns != SIM_NEVER)
        return;
    explain(trial);
    verdict->recovery_ns = wait_until_whole(trial, since, PATIENCE_NS);
    if (verdict->recovery_ns == SIM_NEVER)
        sim_trial_find(trial, "V2", "no whole ring within %.0f s", (double)PATIENCE_NS / 1e9);
    else
        sim_trial_find(trial, "V2", "one whole ring only %.0f s after the last fault",
                       (double)verdict->recovery_ns / 1e9);
}

/* Replicas follow the ring within a while (10.7.1); then what is owed must be there. */
static void
audit(struct sim_trial *trial)
{
    uint64_t now = sim_now(trial->sim);
    if (now < trial->liar.believed_until_ns)
        sim_run_for(trial->sim, trial->liar.believed_until_ns - now);
    sim_guard_calm(&trial->guard);
    sim_run_for(trial->sim, SETTLE_NS);
    sim_ledger_audit(trial->ledger);
    if (trial->chores)
        sim_chores_cut(trial->chores, trial->cut_from_ns, trial->cut_until_ns);
    if (trial->chores)
        sim_chores_audit(trial->chores, trial->ledger->death_count == 0 && !trial->watch.beyond);
    sim_guard_judge(&trial->guard);
    if (trial->phones)
        sim_phones_audit(trial->phones, trial->last_fault_ns,
                         trial->ledger->death_count == 0 && !trial->watch.beyond);
}

static void
collect(struct sim_trial *trial)
{
    struct sim_verdict *verdict = trial->verdict;
    const struct sim_watch *watch = &trial->watch;
    if (watch->broken) {
        sim_trial_find(trial, "V1", "%s", watch->what);
        if (verdict->violation_count <= SIM_VIOLATIONS_MAX)
            verdict->violations[verdict->violation_count - 1].at_ns =
                watch->broken_at - SIM_TIME_BEGIN;
    }
    if (watch->usurper != SIM_NOBODY)
        sim_trial_find(trial, "V11", "node %" PRIu32 " founded the overlay at %.3f s",
                       watch->usurper, (double)(watch->usurped_at - SIM_TIME_BEGIN) / 1e9);
    verdict->memory_peak = trial->guard.memory_peak;
    verdict->checked_hops = trial->guard.checked_hops;
    verdict->checked_rejections = trial->guard.checked_rejections;
    verdict->checked_values = trial->oracle.checked_values;
    verdict->checked_reloads = trial->reloads;
    if (trial->phones)
        verdict->phones = trial->phones->figures;
    verdict->checked_pairs = trial->chores ? trial->chores->checked_pairs : 0;
    verdict->checked_appends = trial->chores ? trial->chores->checked_appends : 0;
    verdict->beyond = watch->beyond;
    verdict->beyond_reason = watch->beyond_reason;
    verdict->beyond_at_ns = watch->beyond ? watch->beyond_at - SIM_TIME_BEGIN : 0;
    verdict->events = sim_events(trial->sim);
    verdict->trace_hash = sim_trace_hash(trial->sim);
    verdict->virtual_ns = sim_now(trial->sim) - SIM_TIME_BEGIN;
}

void
sim_trial_run(const struct sim_scenario *scenario, const struct sim_options *options,
              struct sim_verdict *verdict)
{
    struct sim_options world = *options;
    struct sim_trial trial = {.scenario = scenario, .verdict = verdict};
    struct happening happenings[SIM_FAULTS_MAX];
    assert(scenario->peers > 0 && scenario->peers <= SIM_HOSTS_MAX);
    *verdict = (struct sim_verdict){.recovery_ns = SIM_NEVER};
    world.links = scenario->links;
    world.disks = true;
    world.delay_min_ns = scenario->network.delay_min_ns;
    world.delay_max_ns = scenario->network.delay_max_ns;
    world.jitter_ns = scenario->network.jitter_ns;
    world.loss_ppm = scenario->network.loss_ppm;
    world.duplicate_ppm = scenario->network.duplicate_ppm;
    world.reorder_ppm = scenario->network.reorder_ppm;
    if (scenario->phones > 0)
        sim_phones_plug(&world);
    trial.sim = sim_new(scenario->seed, &world);
    trial.calm = *sim_network_now(trial.sim);
    sim_watch_begin(&trial.watch, trial.sim);
    sim_guard_begin(&trial.guard, trial.sim, (struct sim_finder){sim_trial_found, &trial});
    sim_oracle_begin(&trial.oracle, trial.sim, (struct sim_finder){sim_trial_found, &trial});
    sim_observe(trial.sim, observe, &trial);
    if (build_up(&trial)) {
        trial.begin_ns = trial.last_fault_ns = sim_now(trial.sim);
        sim_guard_hops(&trial.guard, true);
        trial.ledger = sim_ledger_begin(&trial);
        begin_phones(&trial);
        if (scenario->cheats > 0 && scenario->links == SIM_LINKS_MESSAGES)
            trial.cheats = sim_cheats_begin(trial.sim, scenario->seed, scenario->cheats,
                                            trial.begin_ns + scenario->length_ns);
        sim_byzantine_begin(&trial.byzantine, trial.sim, scenario->seed);
        sim_liar_begin(&trial.liar, trial.sim, scenario->seed);
        uint64_t over = schedule_faults(&trial, happenings);
        sim_run_for(trial.sim, over + 1 - trial.begin_ns);
        end_all_faults(&trial);
        recover(&trial);
        uint64_t requests_over = over + 3 * SIM_REQUEST_NS + SIM_SECONDS(1);
        if (sim_now(trial.sim) < requests_over)
            sim_run_for(trial.sim, requests_over - sim_now(trial.sim));
        sim_ledger_close(trial.ledger);
        if (verdict->recovery_ns != SIM_NEVER)
            audit(&trial);
        sim_ledger_free(trial.ledger);
    }
    collect(&trial);
    sim_observe(trial.sim, NULL, NULL);
    sim_guard_end(&trial.guard);
    sim_watch_end(&trial.watch);
    sim_oracle_end(&trial.oracle);
    sim_free(trial.sim);
    sim_chores_free(trial.chores);
    sim_phones_free(trial.phones);
    sim_cheats_free(trial.cheats);
    for (uint32_t i = 0; i < SIM_HOSTS_MAX; i++)
        free(trial.leaving[i]);
}
