/* sim_fault_host.c: faults within a host, and how victims are found.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_fault_host.h"

#include "tools/sim/sim_ledger.h"

#include <string.h>

/* ---- victims ---- */

uint32_t
sim_victims_alive(const struct sim_trial *trial)
{
    uint32_t alive = 0;
    for (uint32_t i = 0; i < trial->peers; i++)
        alive += sim_is_alive(trial->sim, i);
    return alive;
}

uint32_t
sim_victim(const struct sim_trial *trial, uint64_t pick, bool alive)
{
    uint32_t all = alive ? sim_victims_alive(trial) : trial->peers - sim_victims_alive(trial);
    uint64_t left = all ? pick % all : 0;
    for (uint32_t i = 0; i < trial->peers && all; i++)
        if (sim_is_alive(trial->sim, i) == alive && left-- == 0)
            return i;
    return SIM_NOBODY;
}

uint64_t
sim_victim_pick(uint64_t pick, uint64_t n)
{
    return sim_mix(pick, n + 1);
}

void
sim_victim_kill(struct sim_trial *trial, uint32_t node)
{
    struct sim_death death = sim_ledger_dying(trial->ledger, node);
    sim_ledger_departure(trial, node, NULL);
    sim_kill(trial->sim, node);
    sim_ledger_death(trial->ledger, &death);
}

/* What it takes with it is looked for when it has gone (sim_trial.c). */
void
sim_victim_leave(struct sim_trial *trial, uint32_t node)
{
    struct sim_death death = sim_ledger_dying(trial->ledger, node);
    death.left = true;
    sim_ledger_departure(trial, node, &death);
    sim_leave(trial->sim, node);
}

/* ---- memory, clocks, disks, character ---- */

void
sim_draw_hunger(struct sim_fault *fault, struct sim_random *random, bool gentle)
{
    (void)gentle;
    fault->duration_ns = sim_random_between(random, SIM_MS(200), SIM_SECONDS(60));
    fault->amount = (uint32_t)sim_random_between(random, 100, 50000);
}

void
sim_begin_hunger(struct sim_trial *trial, const struct sim_fault *fault)
{
    uint32_t node = sim_victim(trial, fault->pick, true);
    sim_watch_exceed(&trial->watch, "memory ran out");
    trial->unreliable = true;
    if (node != SIM_NOBODY)
        sim_starve(trial->sim, node, fault->amount);
}

void
sim_end_hunger(struct sim_trial *trial, const struct sim_fault *fault)
{
    (void)fault;
    for (uint32_t i = 0; i < trial->peers; i++)
        sim_starve(trial->sim, i, 0);
}

/* One allocation fails: whichever. */
void
sim_draw_pang(struct sim_fault *fault, struct sim_random *random, bool gentle)
{
    (void)gentle;
    fault->duration_ns = sim_random_between(random, SIM_SECONDS(10), SIM_SECONDS(120));
    fault->amount = 1u << sim_random_below(random, 14);
    fault->amount = (uint32_t)sim_random_between(random, fault->amount, 2 * fault->amount);
}

void
sim_begin_pang(struct sim_trial *trial, const struct sim_fault *fault)
{
    uint32_t node = sim_victim(trial, fault->pick, true);
    sim_watch_exceed(&trial->watch, "memory ran out");
    trial->unreliable = true;
    if (node != SIM_NOBODY)
        sim_starve_once(trial->sim, node, fault->amount);
}

void
sim_end_pang(struct sim_trial *trial, const struct sim_fault *fault)
{
    (void)fault;
    for (uint32_t i = 0; i < trial->peers; i++)
        sim_starve_once(trial->sim, i, 0);
}

void
sim_draw_skew(struct sim_fault *fault, struct sim_random *random, bool gentle)
{
    fault->duration_ns = SIM_MS(1);
    fault->amount = (uint32_t)sim_random_between(random, 1, gentle ? 3600 : 86400); /* s */
}

void
sim_begin_skew(struct sim_trial *trial, const struct sim_fault *fault)
{
    uint32_t node = sim_victim(trial, fault->pick, true);
    int64_t skew_ms = (int64_t)fault->amount * 1000;
    if (node != SIM_NOBODY)
        sim_set_skew(trial->sim, node, fault->pick % 2 ? skew_ms : -skew_ms);
}

void
sim_begin_full_disk(struct sim_trial *trial, const struct sim_fault *fault)
{
    uint32_t node = sim_victim(trial, fault->pick, true);
    if (node != SIM_NOBODY)
        sim_disk_fails(trial->sim, node, true);
}

void
sim_end_full_disk(struct sim_trial *trial, const struct sim_fault *fault)
{
    (void)fault;
    for (uint32_t i = 0; i < trial->peers; i++)
        sim_disk_fails(trial->sim, i, false);
}

/* Writes fail, and what was written cannot be read: from one in a hundred to one in two. */
void
sim_draw_bad_disk(struct sim_fault *fault, struct sim_random *random, bool gentle)
{
    (void)gentle;
    fault->duration_ns = sim_random_between(random, SIM_SECONDS(5), SIM_SECONDS(300));
    fault->amount = (uint32_t)sim_random_between(random, 10000, 500000);
}

void
sim_begin_bad_disk(struct sim_trial *trial, const struct sim_fault *fault)
{
    uint32_t node = sim_victim(trial, fault->pick, true);
    if (node != SIM_NOBODY)
        sim_disk_errs(trial->sim, node, fault->amount);
}

void
sim_end_bad_disk(struct sim_trial *trial, const struct sim_fault *fault)
{
    (void)fault;
    for (uint32_t i = 0; i < trial->peers; i++)
        sim_disk_errs(trial->sim, i, 0);
}

void
sim_draw_vice(struct sim_fault *fault, struct sim_random *random, bool gentle)
{
    (void)gentle;
    fault->duration_ns = sim_random_between(random, SIM_SECONDS(1), SIM_SECONDS(120));
    fault->amount = (uint32_t)sim_random_between(random, 1, SIM_VICES - 1);
}

void
sim_begin_vice(struct sim_trial *trial, const struct sim_fault *fault)
{
    uint32_t node = sim_victim(trial, fault->pick, true);
    sim_watch_exceed(&trial->watch, "a peer misbehaved");
    trial->unreliable = true;
    if (node != SIM_NOBODY && node < SIM_HOSTS_MAX)
        trial->byzantine.vices[node] = (uint8_t)fault->amount;
}

void
sim_end_vice(struct sim_trial *trial, const struct sim_fault *fault)
{
    (void)fault;
    memset(trial->byzantine.vices, 0, sizeof trial->byzantine.vices);
}

/* ---- clones ---- */

void
sim_begin_clone(struct sim_trial *trial, const struct sim_fault *fault)
{
    uint32_t node = sim_victim(trial, fault->pick, true);
    if (node == SIM_NOBODY || trial->peers >= SIM_HOSTS_MAX || trial->is_clone[node])
        return;
    sim_watch_exceed(&trial->watch, "a Node-ID was used twice");
    trial->unreliable = true;
    trial->is_clone[trial->peers] = true;
    trial->peers =
        sim_add_node(trial->sim,
                     &(struct sim_node_options){.node_id = *sim_node_id(trial->sim, node)}) +
        1;
}

void
sim_end_clone(struct sim_trial *trial, const struct sim_fault *fault)
{
    (void)fault;
    for (uint32_t i = 0; i < trial->peers; i++)
        if (trial->is_clone[i] && sim_is_alive(trial->sim, i))
            sim_victim_kill(trial, i);
}
