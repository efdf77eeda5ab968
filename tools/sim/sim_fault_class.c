/* sim_fault_class.c: faults: what each one does when it begins and ends.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_fault_class.h"

#include "tools/sim/sim_ledger.h"

/* A cut that lasts longer keeps somebody from reaching a neighbour: beyond the assumption. */
#define SHORT_CUT_NS SIM_SECONDS(1)
/* Links of messages take a host for dead that stands still for 5 s. */
#define SHORT_PAUSE_NS SIM_SECONDS(4)

static uint32_t
count_alive(const struct sim_trial *trial)
{
    uint32_t alive = 0;
    for (uint32_t i = 0; i < trial->peers; i++)
        alive += sim_is_alive(trial->sim, i);
    return alive;
}

/* The |pick|-th host that is alive (or dead); SIM_NOBODY when there is none. */
static uint32_t
choose(const struct sim_trial *trial, uint64_t pick, bool alive)
{
    uint32_t all = alive ? count_alive(trial) : trial->peers - count_alive(trial);
    uint64_t left = all ? pick % all : 0;
    for (uint32_t i = 0; i < trial->peers && all; i++)
        if (sim_is_alive(trial->sim, i) == alive && left-- == 0)
            return i;
    return SIM_NOBODY;
}

static uint64_t
another(uint64_t pick, uint64_t n)
{
    return sim_mix(pick, n + 1);
}

static void
exceed_if_long(struct sim_trial *trial, const struct sim_fault *fault)
{
    if (fault->duration_ns > SHORT_CUT_NS)
        sim_watch_exceed(&trial->watch, "a cut kept peers apart");
}

static void
kill(struct sim_trial *trial, uint32_t node)
{
    uint32_t members = sim_ledger_members(trial->ledger);
    sim_kill(trial->sim, node);
    sim_ledger_death(trial->ledger, members);
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
    uint32_t node = choose(trial, fault->pick, true);
    if (node != SIM_NOBODY && count_alive(trial) > 1)
        kill(trial, node);
}

/* Somebody who is dead comes back; often who died by the same fault, but that is chance. */
static void
end_kill(struct sim_trial *trial, const struct sim_fault *fault)
{
    uint32_t node = choose(trial, fault->pick, false);
    if (fault->duration_ns > 0 && node != SIM_NOBODY)
        sim_restart(trial->sim, node);
}

static void
begin_leave(struct sim_trial *trial, const struct sim_fault *fault)
{
    uint32_t node = choose(trial, fault->pick, true);
    if (node != SIM_NOBODY && count_alive(trial) > 1 && sim_is_joined(trial->sim, node) &&
        !sim_is_paused(trial->sim, node)) {
        sim_ledger_death(trial->ledger, sim_ledger_members(trial->ledger));
        sim_leave(trial->sim, node);
    }
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
    uint32_t victims = count_alive(trial) * fault->amount / 100;
    for (uint32_t i = 0; i < victims && count_alive(trial) > 1; i++)
        kill(trial, choose(trial, another(fault->pick, i), true));
}

static void
end_mass_kill(struct sim_trial *trial, const struct sim_fault *fault)
{
    for (uint32_t i = 0; i < trial->peers && fault->duration_ns > 0; i++)
        if (!sim_is_alive(trial->sim, i) && sim_mix(fault->pick, i) % 2)
            sim_restart(trial->sim, i);
}

static void
begin_blackout(struct sim_trial *trial, const struct sim_fault *fault)
{
    (void)fault;
    sim_watch_exceed(&trial->watch, "all died at once");
    for (uint32_t i = 0; i < trial->peers; i++)
        if (sim_is_alive(trial->sim, i))
            kill(trial, i);
}

static void
end_blackout(struct sim_trial *trial, const struct sim_fault *fault)
{
    (void)fault;
    for (uint32_t i = 0; i < trial->peers; i++)
        if (!sim_is_alive(trial->sim, i))
            sim_restart(trial->sim, i);
}

/* The newest host dies while it joins, at whatever step it is then. */
static void
end_stillborn(struct sim_trial *trial, const struct sim_fault *fault)
{
    (void)fault;
    uint32_t node = trial->peers - 1;
    if (sim_is_alive(trial->sim, node) && count_alive(trial) > 1)
        kill(trial, node);
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
        any = any || (sim_is_alive(trial->sim, i) && sim_is_joined(trial->sim, i));
    if (any && count_alive(trial) > 1)
        kill(trial, sim_responsible(trial->sim, 0, (struct reload_bytes){id->octets, 16}));
}

static void
begin_pause(struct sim_trial *trial, const struct sim_fault *fault)
{
    uint32_t node = choose(trial, fault->pick, true);
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
    uint32_t a = choose(trial, fault->pick, true), b = choose(trial, another(fault->pick, 1), true);
    if (a == b || a == SIM_NOBODY)
        return;
    exceed_if_long(trial, fault);
    sim_cut(trial->sim, a, b);
}

static void
begin_one_way(struct sim_trial *trial, const struct sim_fault *fault)
{
    uint32_t a = choose(trial, fault->pick, true), b = choose(trial, another(fault->pick, 1), true);
    if (a == b || a == SIM_NOBODY)
        return;
    exceed_if_long(trial, fault);
    sim_cut_one_way(trial->sim, a, b);
}

static void
begin_isolation(struct sim_trial *trial, const struct sim_fault *fault)
{
    uint32_t node = choose(trial, fault->pick, true);
    if (node == SIM_NOBODY)
        return;
    exceed_if_long(trial, fault);
    sim_partition(trial->sim, node, 9);
}

static void
begin_partition(struct sim_trial *trial, const struct sim_fault *fault)
{
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
    {"a peer dies", false, false, draw_absence, begin_kill, end_kill},
    {"a peer dies again", false, false, draw_absence, begin_kill, end_kill},
    {"a peer leaves", false, false, draw_moment, begin_leave, NULL},
    {"a peer joins", false, false, draw_moment, begin_join, NULL},
    {"another peer joins", false, false, draw_moment, begin_join, NULL},
    {"many die at once", true, false, draw_share, begin_mass_kill, end_mass_kill},
    {"all die and come back", true, false, draw_step, begin_blackout, end_blackout},
    {"who joins dies", false, false, draw_step, begin_join, end_stillborn},
    {"who admits dies", false, false, draw_step, begin_join, end_orphan},
    {"a peer stands still", false, false, draw_pause, begin_pause, end_pause},
    {"two peers are cut off", false, false, draw_cut, begin_cut, end_cuts},
    {"one way is cut", false, false, draw_cut, begin_one_way, end_cuts},
    {"a peer is isolated", false, false, draw_cut, begin_isolation, end_cuts},
    {"the network is split", false, false, draw_cut, begin_partition, end_cuts},
    {"datagrams get lost", false, false, draw_loss, begin_loss, end_weather},
    {"everything is late", false, false, draw_delay, begin_delay, end_weather},
};
const size_t sim_fault_class_count = sizeof sim_fault_classes / sizeof *sim_fault_classes;

bool
sim_fault_class_suits(size_t class, const struct sim_scenario *scenario)
{
    return !(sim_fault_classes[class].rough && scenario->gentle) &&
           !(sim_fault_classes[class].frames_only && scenario->links == SIM_LINKS_MESSAGES);
}
