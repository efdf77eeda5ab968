/* sim_fault_class.c: faults: what each one does when it begins and ends.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_fault_class.h"

#include "tools/sim/sim_fault_host.h"
#include "tools/sim/sim_fault_more.h"
#include "tools/sim/sim_ledger.h"

/* A cut that lasts longer keeps somebody from reaching a neighbour: beyond the assumption. */
#define SHORT_CUT_NS SIM_SECONDS(1)
/* A link that comes and goes as often as that may go once more when its time is over. */
#define LAST_CUT_NS SIM_SECONDS(2)
/* Links of messages take a host for dead that stands still for 5 s. */
#define SHORT_PAUSE_NS SIM_SECONDS(4)

void
sim_fault_cuts(struct sim_trial *trial, const struct sim_fault *fault)
{
    uint64_t until_ns = sim_now(trial->sim) + fault->duration_ns;
    if (trial->cut_from_ns == 0)
        trial->cut_from_ns = sim_now(trial->sim);
    if (until_ns > trial->cut_until_ns)
        trial->cut_until_ns = until_ns;
}

static void
exceed_if_long(struct sim_trial *trial, const struct sim_fault *fault)
{
    if (fault->duration_ns > SHORT_CUT_NS)
        sim_watch_exceed(&trial->watch, "a cut kept peers apart");
}

/* ---- draws ---- */

static void
draw_moment(struct sim_fault *fault, struct sim_random *random, bool gentle)
{
    (void)fault;
    (void)random;
    (void)gentle;
}

static void
draw_absence(struct sim_fault *fault, struct sim_random *random, bool gentle)
{
    (void)gentle;
    fault->duration_ns = sim_random_below(random, 2)
                             ? 0 /* for good */
                             : sim_random_between(random, SIM_MS(10), SIM_SECONDS(90));
    fault->amount = (uint32_t)sim_random_below(random, SIM_DISK_STATES); /* what it finds then */
}

static void
draw_share(struct sim_fault *fault, struct sim_random *random, bool gentle)
{
    draw_absence(fault, random, gentle);
    fault->amount = (uint32_t)sim_random_between(random, 10, 50);
}

static void
draw_cut(struct sim_fault *fault, struct sim_random *random, bool gentle)
{
    fault->duration_ns =
        sim_random_between(random, SIM_MS(50), gentle ? SHORT_CUT_NS : SIM_SECONDS(300));
    fault->amount = (uint32_t)sim_random_between(random, 2, 4);
}

static void
draw_slow_flapping(struct sim_fault *fault, struct sim_random *random, bool gentle)
{
    (void)gentle;
    fault->duration_ns = sim_random_between(random, SIM_SECONDS(30), SIM_SECONDS(600));
    fault->amount = (uint32_t)sim_random_between(random, 1000, 60000); /* ms */
}

static void
draw_pause(struct sim_fault *fault, struct sim_random *random, bool gentle)
{
    fault->duration_ns =
        sim_random_between(random, SIM_MS(50), gentle ? SHORT_PAUSE_NS : SIM_SECONDS(300));
}

static void
draw_loss(struct sim_fault *fault, struct sim_random *random, bool gentle)
{
    (void)gentle;
    fault->duration_ns = sim_random_between(random, SIM_MS(200), SIM_SECONDS(10));
    fault->amount = (uint32_t)sim_random_between(random, 50000, 300000);
}

static void
draw_delay(struct sim_fault *fault, struct sim_random *random, bool gentle)
{
    fault->duration_ns = sim_random_between(random, SIM_MS(200), SIM_SECONDS(30));
    fault->amount = (uint32_t)sim_random_between(random, 10, gentle ? 800 : 20000); /* ms */
}

static void
draw_step(struct sim_fault *fault, struct sim_random *random, bool gentle)
{
    (void)gentle;
    fault->duration_ns = sim_random_between(random, 0, SIM_SECONDS(3));
}

/* ---- hosts ---- */

static void
begin_kill(struct sim_trial *trial, const struct sim_fault *fault)
{
    uint32_t node = sim_victim(trial, fault->pick, true);
    if (node == SIM_NOBODY || sim_victims_alive(trial) < 2)
        return;
    sim_victim_kill(trial, node);
    for (uint32_t i = 0; i < trial->peers; i++) /* what is old when one of them dies later */
        if (sim_is_alive(trial->sim, i))
            sim_snapshot(trial->sim, i);
}

/* Somebody who is dead comes back; often who died by the same fault, but that is chance. */
static void
end_kill(struct sim_trial *trial, const struct sim_fault *fault)
{
    uint32_t node = sim_victim(trial, fault->pick, false);
    if (fault->duration_ns > 0 && node != SIM_NOBODY && !trial->is_clone[node])
        sim_restart_from(trial->sim, node, (enum sim_disk_state)fault->amount, fault->pick);
}

static void
begin_leave(struct sim_trial *trial, const struct sim_fault *fault)
{
    uint32_t node = sim_victim(trial, fault->pick, true);
    if (node != SIM_NOBODY && sim_victims_alive(trial) > 1 && sim_is_joined(trial->sim, node) &&
        !sim_is_paused(trial->sim, node))
        sim_victim_leave(trial, node);
}

static void
begin_join(struct sim_trial *trial, const struct sim_fault *fault)
{
    (void)fault;
    if (trial->peers < SIM_HOSTS_MAX)
        trial->peers = sim_add_node(trial->sim, NULL) + 1;
}

static void
begin_mass_kill(struct sim_trial *trial, const struct sim_fault *fault)
{
    uint32_t victims = sim_victims_alive(trial) * fault->amount / 100;
    for (uint32_t i = 0; i < victims && sim_victims_alive(trial) > 1; i++)
        sim_victim_kill(trial, sim_victim(trial, sim_victim_pick(fault->pick, i), true));
}

static void
end_mass_kill(struct sim_trial *trial, const struct sim_fault *fault)
{
    for (uint32_t i = 0; i < trial->peers && fault->duration_ns > 0; i++)
        if (!sim_is_alive(trial->sim, i) && !trial->is_clone[i] && sim_mix(fault->pick, i) % 2)
            sim_restart_from(trial->sim, i, SIM_DISK_KEPT, 0);
}

static void
begin_blackout(struct sim_trial *trial, const struct sim_fault *fault)
{
    (void)fault;
    sim_watch_exceed(&trial->watch, "all died at once");
    for (uint32_t i = 0; i < trial->peers; i++)
        if (sim_is_alive(trial->sim, i))
            sim_victim_kill(trial, i);
}

static void
end_blackout(struct sim_trial *trial, const struct sim_fault *fault)
{
    for (uint32_t i = 0; i < trial->peers; i++)
        if (!sim_is_alive(trial->sim, i) && !trial->is_clone[i])
            sim_restart_from(trial->sim, i, fault->pick % 2 ? SIM_DISK_KEPT : SIM_DISK_EMPTY, 0);
}

/* The newest host dies while it joins, at whatever step it is then. */
static void
end_stillborn(struct sim_trial *trial, const struct sim_fault *fault)
{
    (void)fault;
    uint32_t node = trial->peers - 1;
    if (sim_is_alive(trial->sim, node) && sim_victims_alive(trial) > 1)
        sim_victim_kill(trial, node);
}

/* Who lets the newest host join dies meanwhile. */
static void
end_orphan(struct sim_trial *trial, const struct sim_fault *fault)
{
    (void)fault;
    uint32_t node = trial->peers - 1;
    const struct reload_node_id *id = sim_node_id(trial->sim, node);
    bool any = false;
    for (uint32_t i = 0; i < trial->peers; i++)
        any = any || sim_is_peer(trial->sim, i);
    if (any && sim_victims_alive(trial) > 1)
        sim_victim_kill(trial,
                        sim_responsible(trial->sim, 0, (struct reload_bytes){id->octets, 16}));
}

static void
begin_pause(struct sim_trial *trial, const struct sim_fault *fault)
{
    uint32_t node = sim_victim(trial, fault->pick, true);
    sim_fault_cuts(trial, fault);
    if (node == SIM_NOBODY)
        return;
    if (fault->duration_ns > SHORT_PAUSE_NS)
        sim_watch_exceed(&trial->watch, "a peer stood still for long");
    sim_ledger_pause(trial->ledger, node);
    sim_pause(trial->sim, node);
}

static void
end_pause(struct sim_trial *trial, const struct sim_fault *fault)
{
    (void)fault; /* of several that stand still the first goes on */
    for (uint32_t i = 0; i < trial->peers; i++)
        if (sim_is_paused(trial->sim, i)) {
            sim_resume(trial->sim, i);
            return;
        }
}

/* ---- the network ---- */

static void
begin_cut(struct sim_trial *trial, const struct sim_fault *fault)
{
    uint32_t a = sim_victim(trial, fault->pick, true),
             b = sim_victim(trial, sim_victim_pick(fault->pick, 1), true);
    sim_fault_cuts(trial, fault);
    if (a == b || a == SIM_NOBODY)
        return;
    exceed_if_long(trial, fault);
    sim_cut(trial->sim, a, b);
}

static void
begin_one_way(struct sim_trial *trial, const struct sim_fault *fault)
{
    uint32_t a = sim_victim(trial, fault->pick, true),
             b = sim_victim(trial, sim_victim_pick(fault->pick, 1), true);
    sim_fault_cuts(trial, fault);
    if (a == b || a == SIM_NOBODY)
        return;
    exceed_if_long(trial, fault);
    sim_cut_one_way(trial->sim, a, b);
}

static void
begin_isolation(struct sim_trial *trial, const struct sim_fault *fault)
{
    uint32_t node = sim_victim(trial, fault->pick, true);
    sim_fault_cuts(trial, fault);
    if (node == SIM_NOBODY)
        return;
    exceed_if_long(trial, fault);
    sim_partition(trial->sim, node, 9);
}

static void
begin_partition(struct sim_trial *trial, const struct sim_fault *fault)
{
    sim_fault_cuts(trial, fault);
    exceed_if_long(trial, fault);
    for (uint32_t i = 0; i < trial->peers; i++)
        sim_partition(trial->sim, i, (uint8_t)(sim_mix(fault->pick, i) % fault->amount));
}

/* All cuts heal together: what overlaps becomes shorter than drawn. */
static void
end_cuts(struct sim_trial *trial, const struct sim_fault *fault)
{
    (void)fault;
    sim_heal_all(trial->sim);
}

/* A link that comes and goes. */
static void
flap(struct sim *sim, void *argument)
{
    struct sim_trial *trial = argument;
    struct sim_flap *link = &trial->flap;
    bool is_over = sim_now(sim) >= link->until_ns && !link->is_cut;
    if (is_over && link->period_ns > LAST_CUT_NS) {
        link->active = false;
        return;
    }
    if (link->is_cut)
        sim_heal(sim, link->a, link->b);
    else
        sim_cut(sim, link->a, link->b);
    link->is_cut = !link->is_cut;
    link->active = sim_now(sim) < link->until_ns || link->is_cut;
    if (link->active)
        sim_call(sim, sim_now(sim) + link->period_ns, flap, trial);
}

static void
begin_flaps(struct sim_trial *trial, const struct sim_fault *fault, uint64_t period_ns)
{
    uint32_t a = sim_victim(trial, fault->pick, true);
    uint32_t b = sim_victim(trial, sim_victim_pick(fault->pick, 1), true);
    sim_fault_cuts(trial, fault);
    if (a == b || a == SIM_NOBODY || trial->flap.active)
        return;
    trial->flap =
        (struct sim_flap){a, b, sim_now(trial->sim) + fault->duration_ns, period_ns, true, false};
    sim_watch_exceed(&trial->watch, "a link came and went");
    flap(trial->sim, trial);
}

/* One to two seconds each; a second to a minute. */
static void
begin_flapping(struct sim_trial *trial, const struct sim_fault *fault)
{
    begin_flaps(trial, fault, SIM_MS(500) * fault->amount);
}

static void
begin_slow_flapping(struct sim_trial *trial, const struct sim_fault *fault)
{
    begin_flaps(trial, fault, SIM_MS(fault->amount));
}

static void
end_flapping(struct sim_trial *trial, const struct sim_fault *fault)
{
    (void)fault;
    trial->flap.until_ns = 0;
    sim_heal_all(trial->sim);
}

static void
begin_loss(struct sim_trial *trial, const struct sim_fault *fault)
{
    sim_set_loss(trial->sim, fault->amount);
}

static void
begin_delay(struct sim_trial *trial, const struct sim_fault *fault)
{
    struct sim_network_options slow = *sim_network_now(trial->sim);
    slow.extra_ns = SIM_MS(fault->amount);
    sim_set_network(trial->sim, &slow);
}

static void
end_weather(struct sim_trial *trial, const struct sim_fault *fault)
{
    (void)fault;
    sim_set_network(trial->sim, &trial->calm);
}

/* ---- the table ---- */

const struct sim_fault_class sim_fault_classes[] = {
    {"a peer dies", false, false, true, draw_absence, begin_kill, end_kill},
    {"a peer dies again", false, false, true, draw_absence, begin_kill, end_kill},
    {"a peer leaves", false, false, true, draw_moment, begin_leave, NULL},
    {"a peer joins", false, false, true, draw_moment, begin_join, NULL},
    {"another peer joins", false, false, true, draw_moment, begin_join, NULL},
    {"many die at once", true, false, true, draw_share, begin_mass_kill, end_mass_kill},
    {"all die and come back", true, false, false, draw_step, begin_blackout, end_blackout},
    {"who joins dies", false, false, true, draw_step, begin_join, end_stillborn},
    {"who admits dies", false, false, true, draw_step, begin_join, end_orphan},
    {"a peer stands still", false, false, false, draw_pause, begin_pause, end_pause},
    {"two peers are cut off", false, false, false, draw_cut, begin_cut, end_cuts},
    {"one way is cut", false, false, false, draw_cut, begin_one_way, end_cuts},
    {"a peer is isolated", false, false, false, draw_cut, begin_isolation, end_cuts},
    {"a link comes and goes", true, false, false, draw_cut, begin_flapping, end_flapping},
    {"the network is split", false, false, false, draw_cut, begin_partition, end_cuts},
    {"datagrams get lost", false, false, false, draw_loss, begin_loss, end_weather},
    {"memory runs out", true, false, false, sim_draw_hunger, sim_begin_hunger, sim_end_hunger},
    {"a clock is set", false, false, true, sim_draw_skew, sim_begin_skew, NULL},
    {"a disk takes nothing", false, false, false, draw_pause, sim_begin_full_disk,
     sim_end_full_disk},
    {"a peer misbehaves", true, false, false, sim_draw_vice, sim_begin_vice, sim_end_vice},
    {"a Node-ID is used twice", true, false, false, sim_draw_vice, sim_begin_clone, sim_end_clone},
    {"everything is late", false, false, false, draw_delay, begin_delay, end_weather},
    /* SIM_FAULT_CLASSES_FIRST: what stands from here on is drawn from the second stream. */
    {"losses come in bursts", false, false, false, sim_draw_bursts, sim_begin_bursts,
     sim_end_bursts},
    {"bits are flipped", false, false, false, sim_draw_errors, sim_begin_errors, sim_end_errors},
    {"hosts are cut off in turn", true, false, false, sim_draw_swizzle, sim_begin_swizzle,
     sim_end_swizzle},
    {"many join at once", false, false, true, sim_draw_crowd, sim_begin_crowd, NULL},
    {"peers lie", true, false, false, sim_draw_liars, sim_begin_liars, sim_end_liars},
    {"hosts spoil bits", true, false, false, sim_draw_spoilers, sim_begin_liars, sim_end_liars},
    {"users do chores", false, false, true, sim_draw_chores, sim_begin_chores, NULL},
    {"drivers are odd", false, false, false, sim_draw_oddities, sim_begin_oddities,
     sim_end_oddities},
    {"a disk is slow", false, false, false, sim_draw_slow_disk, sim_begin_slow_disk,
     sim_end_slow_disk},
    {"a clock drifts", false, false, true, sim_draw_drift, sim_begin_drift, sim_end_drift},
    {"a certificate ends", true, false, false, sim_draw_expiry, sim_begin_expiry, sim_end_clone},
    {"who is given a value dies", false, false, true, sim_draw_assassin, sim_begin_assassin,
     sim_end_assassin},
    {"peers come and go", false, false, false, sim_draw_sessions, sim_begin_sessions,
     sim_end_sessions},
    /* SIM_FAULT_CLASSES_SECOND more: from here on it is the third stream. */
    {"a cut lasts long", true, false, false, sim_draw_long_split, sim_begin_long_split,
     end_cuts},
    {"a link comes and goes slowly", true, false, false, draw_slow_flapping, begin_slow_flapping,
     end_flapping},
    {"lines are uneven", false, false, false, sim_draw_uneven, sim_begin_uneven, sim_end_uneven},
    {"a disk errs", false, false, false, sim_draw_bad_disk, sim_begin_bad_disk, sim_end_bad_disk},
    {"peers lie otherwise", true, false, false, sim_draw_later_liars, sim_begin_liars,
     sim_end_liars},
    {"memory runs out once", true, false, false, sim_draw_pang, sim_begin_pang, sim_end_pang},
    {"hosts attach to everybody", false, false, false, sim_draw_callers, sim_begin_callers,
     sim_end_callers},
};
const size_t sim_fault_class_count = sizeof sim_fault_classes / sizeof *sim_fault_classes;

bool
sim_fault_class_suits(size_t class, const struct sim_scenario *scenario)
{
    return !(sim_fault_classes[class].rough && scenario->gentle) &&
           !(sim_fault_classes[class].frames_only && scenario->links == SIM_LINKS_MESSAGES);
}
