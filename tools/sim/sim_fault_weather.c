/* sim_fault_weather.c: what the network does, as the scenarios' later streams draw it.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_fault_class.h"
#include "tools/sim/sim_fault_host.h"
#include "tools/sim/sim_fault_more.h"

#define SIDE_FIRST 10 /* of hosts that are alone; other partitions use fewer */
#define SIDES 200
#define LONELY_SIDE 8

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

/* ---- lines that are uneven ---- */

#define LONG_LINE_NS SIM_MS(400)
#define SPIKE_NS SIM_SECONDS(5)
#define SHARE_MAX_PPM 50000 /* of what is doubled, out of order, or late by seconds */

void
sim_draw_uneven(struct sim_fault *fault, struct sim_random *random, bool gentle)
{
    (void)gentle;
    fault->duration_ns = sim_random_between(random, SIM_SECONDS(5), SIM_SECONDS(180));
    fault->amount = (uint32_t)sim_random_between(random, 10, 500); /* ms */
}

/* Links of messages have no duplicates: what is below them drops those. */
void
sim_begin_uneven(struct sim_trial *trial, const struct sim_fault *fault)
{
    struct sim_network_options lines = *sim_network_now(trial->sim);
    struct sim_random random = sim_random_fork(fault->pick, 0x11e5);
    lines.delay_min_ns = SIM_MS(1);
    lines.delay_max_ns = sim_random_between(&random, SIM_MS(1), LONG_LINE_NS);
    lines.uneven_ns = SIM_MS(fault->amount);
    lines.spike_ns = SPIKE_NS;
    lines.spike_ppm = (uint32_t)sim_random_below(&random, SHARE_MAX_PPM + 1) / 10;
    lines.duplicate_ppm = (uint32_t)sim_random_below(&random, SHARE_MAX_PPM + 1);
    lines.reorder_ppm = (uint32_t)sim_random_below(&random, SHARE_MAX_PPM + 1);
    sim_set_network(trial->sim, &lines);
}

void
sim_end_uneven(struct sim_trial *trial, const struct sim_fault *fault)
{
    (void)fault;
    sim_set_network(trial->sim, &trial->calm);
}

/* ---- parts that are apart for long ---- */

/* From five minutes to two hours; each doubling as often as the one before. */
void
sim_draw_long_split(struct sim_fault *fault, struct sim_random *random, bool gentle)
{
    (void)gentle;
    uint64_t least_ns = SIM_MINUTES(5) << sim_random_below(random, 5);
    fault->duration_ns = sim_random_between(random, least_ns, 3 * least_ns / 2);
    fault->amount = (uint32_t)sim_random_between(random, 0, 4); /* parts; 0: one way, 1: one host */
}

void
sim_begin_long_split(struct sim_trial *trial, const struct sim_fault *fault)
{
    sim_watch_exceed(&trial->watch, "a cut kept peers apart");
    sim_fault_cuts(trial, fault);
    uint32_t a = sim_victim(trial, fault->pick, true);
    uint32_t b = sim_victim(trial, sim_victim_pick(fault->pick, 1), true);
    if (fault->amount == 0 && a != SIM_NOBODY && a != b)
        sim_cut_one_way(trial->sim, a, b);
    else if (fault->amount == 1 && a != SIM_NOBODY)
        sim_partition(trial->sim, a, LONELY_SIDE);
    for (uint32_t i = 0; i < trial->peers && fault->amount > 1; i++)
        sim_partition(trial->sim, i, (uint8_t)(sim_mix(fault->pick, i) % fault->amount));
}
