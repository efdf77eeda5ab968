/* sim_fault_weather.c: what the network does, as the scenarios' second stream draws it.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_fault_class.h"
#include "tools/sim/sim_fault_host.h"
#include "tools/sim/sim_fault_more.h"

#define SIDE_FIRST 10 /* of hosts that are alone; other partitions use fewer */
#define SIDES 200

/* ---- bursts ---- */

void
sim_draw_bursts(struct sim_fault *fault, struct sim_random *random, bool gentle)
{
    fault->duration_ns = sim_random_between(random, SIM_SECONDS(1), SIM_SECONDS(60));
    fault->amount = (uint32_t)sim_random_between(random, 200, gentle ? 1000 : 10000);
}

void
sim_begin_bursts(struct sim_trial *trial, const struct sim_fault *fault)
{
    uint64_t bad_ns = SIM_MS(fault->amount);
    uint64_t good_ns = bad_ns * (1 + fault->pick % 9);
    sim_set_bursts(trial->sim, good_ns, bad_ns);
}

void
sim_end_bursts(struct sim_trial *trial, const struct sim_fault *fault)
{
    (void)fault;
    sim_set_bursts(trial->sim, 0, 0);
}

/* ---- wrong bits ---- */

void
sim_draw_errors(struct sim_fault *fault, struct sim_random *random, bool gentle)
{
    (void)gentle;
    fault->duration_ns = sim_random_between(random, SIM_SECONDS(1), SIM_SECONDS(120));
    fault->amount = (uint32_t)sim_random_between(random, 100, 10000);
}

void
sim_begin_errors(struct sim_trial *trial, const struct sim_fault *fault)
{
    sim_set_errors(trial->sim, fault->amount);
}

void
sim_end_errors(struct sim_trial *trial, const struct sim_fault *fault)
{
    (void)fault;
    sim_set_errors(trial->sim, 0);
}

/* ---- swizzle-clog ---- */

void
sim_draw_swizzle(struct sim_fault *fault, struct sim_random *random, bool gentle)
{
    (void)gentle;
    fault->duration_ns = sim_random_between(random, SIM_SECONDS(2), SIM_SECONDS(120));
    fault->amount = (uint32_t)sim_random_between(random, 20, 60); /* percent of the hosts */
}

static void
cut_off(struct sim *sim, void *argument)
{
    struct sim_swizzle *host = argument;
    if (host->active)
        sim_partition(sim, host->node, host->side);
}

static void
let_back(struct sim *sim, void *argument)
{
    struct sim_swizzle *host = argument;
    if (host->active)
        sim_partition(sim, host->node, 0);
    host->active = false;
}

/* They go within the first half, each at a time of its own, and come back within the second. */
void
sim_begin_swizzle(struct sim_trial *trial, const struct sim_fault *fault)
{
    uint64_t half = fault->duration_ns / 2, now = sim_now(trial->sim);
    sim_watch_exceed(&trial->watch, "peers were cut off and came back in another order");
    sim_fault_cuts(trial, fault);
    for (uint32_t i = 0; i < trial->peers; i++) {
        struct sim_swizzle *host = &trial->swizzles[i];
        if (host->active || sim_victim_pick(fault->pick, i) % 100 >= fault->amount)
            continue;
        *host = (struct sim_swizzle){i, (uint8_t)(SIDE_FIRST + i % SIDES), true};
        sim_call(trial->sim, now + sim_mix(fault->pick, 1000 + i) % half, cut_off, host);
        sim_call(trial->sim, now + half + sim_mix(fault->pick, 2000 + i) % half, let_back, host);
    }
}

void
sim_end_swizzle(struct sim_trial *trial, const struct sim_fault *fault)
{
    (void)fault;
    for (uint32_t i = 0; i < SIM_HOSTS_MAX; i++)
        trial->swizzles[i].active = false;
    sim_heal_all(trial->sim);
}
