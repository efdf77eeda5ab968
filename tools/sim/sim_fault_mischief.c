/* sim_fault_mischief.c: liars, unusual drivers, slow disks, clocks that drift, certificates that
 * end, and hosts that die when they are given something to keep.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_fault_host.h"
#include "tools/sim/sim_fault_more.h"

#include "tools/sim/sim_draft.h"
#include "tools/sim/sim_oddity.h"

#define LIARS_MAX_PERCENT 30
#define DRIFT_GAP_NS SIM_SECONDS(10)

/* ---- liars ---- */

void
sim_draw_liars(struct sim_fault *fault, struct sim_random *random, bool gentle)
{
    (void)gentle;
    fault->duration_ns = sim_random_between(random, SIM_SECONDS(1), SIM_SECONDS(120));
    fault->amount = (uint32_t)sim_random_between(random, 1, SIM_LIES_FIRST - 1);
}

void
sim_draw_spoilers(struct sim_fault *fault, struct sim_random *random, bool gentle)
{
    sim_draw_liars(fault, random, gentle);
    fault->amount = SIM_LIE_SPOILED;
}

/* The later lies; or each liar has one of its own, of all. */
void
sim_draw_later_liars(struct sim_fault *fault, struct sim_random *random, bool gentle)
{
    sim_draw_liars(fault, random, gentle);
    fault->amount = (uint32_t)sim_random_between(random, SIM_LIES_FIRST, SIM_LIES);
}

/* One, or up to 30 % of all. */
void
sim_begin_liars(struct sim_trial *trial, const struct sim_fault *fault)
{
    uint32_t most = 1 + trial->peers * LIARS_MAX_PERCENT / 100;
    uint32_t liars = 1 + (uint32_t)(sim_mix(fault->pick, 1) % most);
    sim_watch_exceed(&trial->watch, "a peer lied");
    trial->unreliable = true;
    for (uint32_t i = 0; i < liars; i++) {
        uint32_t node = sim_victim(trial, sim_victim_pick(fault->pick, i), true);
        uint64_t lie = fault->amount;
        if (lie == SIM_LIES)
            lie = 1 + sim_mix(fault->pick, 1000 + i) % (SIM_LIES - 1);
        if (node != SIM_NOBODY)
            sim_liar_set(&trial->liar, node, (enum sim_lie)lie);
    }
    sim_trust_begin(trial, sim_now(trial->sim) + fault->duration_ns);
}

void
sim_end_liars(struct sim_trial *trial, const struct sim_fault *fault)
{
    (void)fault;
    sim_liar_end(&trial->liar);
}

/* ---- chores ---- */

void
sim_draw_chores(struct sim_fault *fault, struct sim_random *random, bool gentle)
{
    (void)gentle;
    fault->duration_ns = sim_random_between(random, SIM_SECONDS(1), SIM_SECONDS(120));
    fault->amount = (uint32_t)sim_random_between(random, 8, SIM_CHORES_MAX);
}

void
sim_begin_chores(struct sim_trial *trial, const struct sim_fault *fault)
{
    if (!trial->chores)
        trial->chores = sim_chores_begin(trial->sim, fault->pick, trial->scenario->peers,
                                         fault->amount, sim_now(trial->sim) + fault->duration_ns,
                                         (struct sim_finder){sim_trial_found, trial});
}

/* ---- drivers ---- */

void
sim_draw_oddities(struct sim_fault *fault, struct sim_random *random, bool gentle)
{
    (void)gentle;
    fault->duration_ns = sim_random_between(random, SIM_SECONDS(30), SIM_SECONDS(300));
    fault->amount = 0;
    for (unsigned i = 0; i < SIM_ODDITIES; i++) /* a quarter of them */
        fault->amount |= (uint32_t)(sim_random_below(random, 4) == 0) << i;
}

void
sim_begin_oddities(struct sim_trial *trial, const struct sim_fault *fault)
{
    sim_arm(trial->sim, fault->amount);
}

void
sim_end_oddities(struct sim_trial *trial, const struct sim_fault *fault)
{
    (void)fault;
    sim_arm(trial->sim, 0);
}

/* ---- disks ---- */

void
sim_draw_slow_disk(struct sim_fault *fault, struct sim_random *random, bool gentle)
{
    (void)gentle;
    fault->duration_ns = sim_random_between(random, SIM_SECONDS(1), SIM_SECONDS(120));
    fault->amount = (uint32_t)sim_random_between(random, 10, 10000); /* ms */
}

void
sim_begin_slow_disk(struct sim_trial *trial, const struct sim_fault *fault)
{
    uint32_t node = sim_victim(trial, fault->pick, true);
    if (node != SIM_NOBODY)
        sim_disk_lags(trial->sim, node, SIM_MS(fault->amount));
}

void
sim_end_slow_disk(struct sim_trial *trial, const struct sim_fault *fault)
{
    (void)fault;
    for (uint32_t i = 0; i < trial->peers; i++)
        sim_disk_lags(trial->sim, i, 0);
}

/* ---- clocks ---- */

void
sim_draw_drift(struct sim_fault *fault, struct sim_random *random, bool gentle)
{
    (void)gentle;
    fault->duration_ns = sim_random_between(random, SIM_SECONDS(30), SIM_SECONDS(300));
    fault->amount = 500; /* millionths */
}

static void
drift(struct sim *sim, void *argument)
{
    struct sim_drift *clock = argument;
    if (!clock->active)
        return;
    int64_t step_ms = (int64_t)(DRIFT_GAP_NS / RELOAD_MS * clock->ppm / 1000000);
    clock->skew_ms += clock->backwards ? -step_ms : step_ms;
    sim_set_skew(sim, clock->node, clock->skew_ms);
    sim_call(sim, sim_now(sim) + DRIFT_GAP_NS, drift, clock);
}

void
sim_begin_drift(struct sim_trial *trial, const struct sim_fault *fault)
{
    uint32_t node = sim_victim(trial, fault->pick, true);
    if (node == SIM_NOBODY || trial->drift.active)
        return;
    trial->drift = (struct sim_drift){
        .node = node, .ppm = fault->amount, .backwards = fault->pick % 2, .active = true};
    drift(trial->sim, &trial->drift);
}

void
sim_end_drift(struct sim_trial *trial, const struct sim_fault *fault)
{
    (void)fault;
    trial->drift.active = false;
}

/* ---- certificates ---- */

void
sim_draw_expiry(struct sim_fault *fault, struct sim_random *random, bool gentle)
{
    (void)gentle;
    fault->duration_ns = sim_random_between(random, SIM_SECONDS(20), SIM_SECONDS(120));
    fault->amount =
        (uint32_t)sim_random_between(random, 1, 19); /* s before, its certificate ends */
}

/* A host joins whose certificate ends; nobody listens to it then, and it goes. It never returns. */
void
sim_begin_expiry(struct sim_trial *trial, const struct sim_fault *fault)
{
    if (trial->peers >= SIM_HOSTS_MAX)
        return;
    uint64_t now_ms = SIM_WALL_BEGIN_MS + (sim_now(trial->sim) - SIM_TIME_BEGIN) / RELOAD_MS;
    uint64_t life_ms = fault->duration_ns / RELOAD_MS - 1000 * (uint64_t)fault->amount;
    sim_watch_exceed(&trial->watch, "a certificate ended");
    trial->is_clone[trial->peers] = true;
    trial->peers =
        sim_add_node(trial->sim, &(struct sim_node_options){.not_after_ms = now_ms + life_ms}) + 1;
}

/* ---- who is given something dies ---- */

void
sim_draw_assassin(struct sim_fault *fault, struct sim_random *random, bool gentle)
{
    (void)gentle;
    fault->duration_ns = sim_random_between(random, SIM_SECONDS(5), SIM_SECONDS(60)); /* dead */
    fault->amount = (uint32_t)sim_random_between(random, 0, 400); /* ms after it is sent */
}

static void
strike(struct sim *sim, void *argument)
{
    struct sim_trial *trial = argument;
    uint32_t node = trial->assassin.victim;
    if (sim_is_alive(sim, node) && sim_victims_alive(trial) > 1 && !trial->over)
        sim_victim_kill(trial, node);
}

static bool
wait_for_store(struct sim *sim, struct sim_passing *passing, void *argument)
{
    struct sim_trial *trial = argument;
    struct sim_assassin *assassin = &trial->assassin;
    struct reload_message message;
    if (!assassin->waits || passing->application || passing->to >= trial->peers ||
        !sim_decode(sim, 0, (struct reload_bytes){passing->bytes, passing->size}, &message) ||
        message.contents.message_code != RELOAD_MESSAGE_STORE_REQ)
        return true;
    assassin->waits = false;
    assassin->victim = passing->to;
    sim_call(sim, sim_now(sim) + assassin->after_ns, strike, trial);
    return true;
}

void
sim_begin_assassin(struct sim_trial *trial, const struct sim_fault *fault)
{
    if (trial->assassin.active)
        return;
    trial->assassin = (struct sim_assassin){
        .active = true, .waits = true, .after_ns = SIM_MS(fault->amount), .victim = SIM_NOBODY};
    sim_tap_add(trial->sim, wait_for_store, trial);
}

void
sim_end_assassin(struct sim_trial *trial, const struct sim_fault *fault)
{
    struct sim_assassin *assassin = &trial->assassin;
    if (!assassin->active)
        return;
    sim_tap_remove(trial->sim, trial);
    assassin->active = false;
    if (assassin->victim != SIM_NOBODY && !sim_is_alive(trial->sim, assassin->victim) &&
        !trial->is_clone[assassin->victim])
        sim_restart_from(trial->sim, assassin->victim, SIM_DISK_KEPT, fault->pick);
}
