/* sim_fault_crowd.c: many who join at once, and many who come and go.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_fault_host.h"
#include "tools/sim/sim_fault_more.h"

#define TICK_NS SIM_SECONDS(1)
#define MILLION 1000000

/* ---- a flash crowd ---- */

void
sim_draw_crowd(struct sim_fault *fault, struct sim_random *random, bool gentle)
{
    (void)gentle;
    fault->duration_ns = 0;
    fault->amount = (uint32_t)sim_random_between(random, 2, 64);
}

/* More than as many as there are would be another test: that of an empty ring. */
void
sim_begin_crowd(struct sim_trial *trial, const struct sim_fault *fault)
{
    uint32_t crowd = 2 * sim_victims_alive(trial);
    for (uint32_t i = 0; i < fault->amount && i < crowd && trial->peers < SIM_HOSTS_MAX; i++)
        trial->peers = sim_add_node(trial->sim, NULL) + 1;
}

/* ---- sessions ---- */

void
sim_draw_sessions(struct sim_fault *fault, struct sim_random *random, bool gentle)
{
    (void)gentle;
    fault->duration_ns = sim_random_between(random, SIM_SECONDS(20), SIM_SECONDS(240));
    /* From 1.4 minutes to three hours, the short ones more often. */
    fault->amount = 84u << sim_random_below(random, 8);
}

/* What share of sessions, in a million, ends within a second: ln 2 / half-life. */
static uint64_t
ending_ppm(uint32_t half_life_s)
{
    return 693147 / half_life_s;
}

static bool
happens(struct sim_random *random, uint64_t ppm)
{
    return sim_random_below(random, MILLION) < ppm;
}

static void
end_session(struct sim_trial *trial, uint32_t node)
{
    bool can_leave = sim_is_joined(trial->sim, node) && !sim_is_paused(trial->sim, node);
    if (can_leave && happens(&trial->sessions.random, MILLION / 2))
        sim_victim_leave(trial, node);
    else
        sim_victim_kill(trial, node);
}

static void
tick(struct sim *sim, void *argument)
{
    struct sim_trial *trial = argument;
    struct sim_sessions *sessions = &trial->sessions;
    if (sessions->half_life_s == 0)
        return;
    uint64_t ppm = ending_ppm(sessions->half_life_s);
    for (uint32_t i = 1; i < trial->peers; i++) { /* who founded the overlay stays */
        if (trial->is_clone[i] || !happens(&sessions->random, ppm))
            continue;
        if (!sim_is_alive(sim, i))
            sim_restart_from(sim, i, SIM_DISK_KEPT, 0);
        else if (sim_victims_alive(trial) > 1)
            end_session(trial, i);
    }
    trial->last_fault_ns = sim_now(sim);
    sim_call(sim, sim_now(sim) + TICK_NS, tick, trial);
}

void
sim_begin_sessions(struct sim_trial *trial, const struct sim_fault *fault)
{
    if (trial->sessions.half_life_s > 0)
        return;
    trial->sessions.half_life_s = fault->amount;
    trial->sessions.random = sim_random_fork(fault->pick, 0x5e55);
    tick(trial->sim, trial);
}

void
sim_end_sessions(struct sim_trial *trial, const struct sim_fault *fault)
{
    (void)fault;
    trial->sessions.half_life_s = 0;
}
