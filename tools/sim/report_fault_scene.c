/* report_fault_scene.c: many come, die, return or are split at once.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/report.h"
#include "tools/sim/sim_copies.h"

#include <assert.h>
#include <math.h>

#define OWNERS 8
#define SETTLE_NS SIM_SECONDS(90)

/* ---- all join at once ---- */

void
report_scene_join(struct report *report)
{
    static const uint32_t counts[] = {8, 64};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        report->progress("joins", i, sizeof counts / sizeof *counts);
        struct sim *sim = report_world(report, 99, SIM_LINKS_MESSAGES);
        bool stands = report_build(sim, 1);
        for (uint32_t k = 0; k < counts[i]; k++)
            (void)sim_add_node(sim, &(struct sim_node_options){.bootstrap_given = true});
        report_goal(report, "all join one peer at once", "until one ring", "s", counts[i], "peers",
                    stands ? report_wait(sim, 600) : NAN,
                    counts[i] == 64 ? REPORT_AT_MOST : REPORT_NO_GOAL, 15);
        report_end(report, sim, NULL);
    }
}

/* ---- all restart ---- */

#define RESTART_NS SIM_SECONDS(120) /* in which traffic is compared with that of before */

struct restart {
    double whole_s, traffic;
};

/* All of |peers| restart within a second. */
static struct restart
restart_all(struct sim *sim, uint32_t peers)
{
    struct restart restart;
    sim_run_for(sim, SIM_MINUTES(3));
    uint64_t before = sim_wire_bytes(sim);
    sim_run_for(sim, RESTART_NS);
    double steady = (double)(sim_wire_bytes(sim) - before);
    for (uint32_t i = 0; i < peers; i++)
        sim_kill(sim, i);
    sim_run_for(sim, SIM_SECONDS(1));
    before = sim_wire_bytes(sim);
    uint64_t begin = sim_now(sim);
    for (uint32_t i = 0; i < peers; i++) {
        sim_restart(sim, i);
        sim_run_for(sim, SIM_SECONDS(1) / peers);
    }
    double passed = (double)(sim_now(sim) - begin) / 1e9;
    restart.whole_s = report_wait(sim, 900) + passed;
    uint64_t took = sim_now(sim) - begin;
    if (took < RESTART_NS)
        sim_run_for(sim, RESTART_NS - took);
    took = sim_now(sim) - begin;
    restart.traffic = report_ratio((double)(sim_wire_bytes(sim) - before) / (double)took,
                                   steady / (double)RESTART_NS);
    return restart;
}

void
report_scene_restart(struct report *report)
{
    static const char scene[] = "all restart within 1 s";
    const uint32_t peers = 256;
    struct restart restart = {NAN, NAN};
    struct sim *sim = report_world(report, 11, SIM_LINKS_DATAGRAMS);
    report->progress("restart of all", 0, 1);
    if (report_build(sim, peers))
        restart = restart_all(sim, peers);
    report_goal(report, scene, "until one ring", "s", peers, "peers", restart.whole_s,
                REPORT_AT_MOST, 120);
    report_goal(report, scene, "traffic against steady", "times", peers, "peers", restart.traffic,
                REPORT_AT_MOST, 10);
    report_end(report, sim, NULL);
}

/* ---- many die at once ---- */

struct toll {
    uint64_t runs;
    uint64_t values, lost, surviving, fetched;
    double repair_sum, repair_worst;
};

#define KILL_PEERS 100
#define KILL_KEYS 200

static void
kill_some(struct sim *sim, uint32_t peers, uint32_t count, struct sim_random *random)
{
    for (uint32_t killed = 0; killed < count;) {
        uint32_t node = (uint32_t)sim_random_below(random, peers);
        if (!sim_is_alive(sim, node))
            continue;
        sim_kill(sim, node);
        killed++;
    }
}

/* Looks at what is left of |load|'s values a minute after the deaths. */
static void
take_toll(struct sim *sim, struct sim_load *load, struct toll *toll)
{
    bool survives[KILL_KEYS];
    for (uint32_t key = 0; key < KILL_KEYS; key++) {
        uint8_t resource[16];
        sim_load_resource(load, key, resource);
        survives[key] = sim_copies(sim, (struct reload_bytes){resource, 16}, 0, NULL) > 0;
        toll->lost += !survives[key];
    }
    toll->values += KILL_KEYS;
    toll->runs++;
    double repair = report_wait(sim, 600);
    toll->repair_sum += repair;
    toll->repair_worst = fmax(toll->repair_worst, repair);
    if (repair < 60)
        sim_run_for(sim, (uint64_t)((60 - repair) * 1e9));
    for (uint32_t key = 0; key < KILL_KEYS; key++) {
        toll->surviving += survives[key];
        toll->fetched += survives[key] && sim_load_fetch(load, key, sim_load_member(load));
    }
}

static void
kill_share(struct report *report, unsigned percent, uint64_t seed, struct toll *toll)
{
    struct sim *sim = report_world(report, 1000 + seed, SIM_LINKS_MESSAGES);
    struct sim_random random = sim_random_fork(report->seed + seed, percent);
    struct sim_load *load =
        report_load(sim, report_build(sim, KILL_PEERS),
                    &(struct sim_load_options){.seed = seed, .owners = OWNERS, .keys = KILL_KEYS});
    if (load) {
        sim_run_for(sim, SETTLE_NS);
        kill_some(sim, KILL_PEERS, KILL_PEERS * percent / 100, &random);
        take_toll(sim, load, toll);
    }
    report_end(report, sim, load);
}

/* The chance that all of three holders are among the dead. */
static double
chance_of_loss(unsigned percent)
{
    double dead = percent;
    return dead * (dead - 1) * (dead - 2) / (100.0 * 99 * 98);
}

void
report_scene_kill(struct report *report)
{
    static const char scene[] = "100 peers, many die at once";
    static const unsigned shares[] = {10, 20, 30, 50};
    uint64_t runs = report->quick ? 8 : 200;
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        struct toll toll = {0};
        double p = chance_of_loss(shares[i]);
        for (uint64_t seed = 0; seed < runs; seed++) {
            report->progress("deaths", i * runs + seed, 4 * runs);
            kill_share(report, shares[i], seed, &toll);
        }
        /* A run that could not be measured is not left out in silence. */
        if (toll.runs < runs)
            toll = (struct toll){.repair_sum = NAN, .repair_worst = NAN};
        /* Values with the same holders die together, about as many as the ring has peers: what
         * counts as independent is holders, not values. */
        double sigma = 100 * sqrt(p * (1 - p) / ((double)runs * 63));
        report_goal(report, scene, "survivors found after 60 s", "%", shares[i], "% dead",
                    report_share(toll.fetched, toll.surviving), REPORT_AT_LEAST, 100);
        report_goal(report, scene, "values lost", "%", shares[i], "% dead",
                    report_share(toll.lost, toll.values), REPORT_AT_MOST, 100 * p + 3 * sigma);
        report_goal(report, scene, "until one ring, worst", "s", shares[i], "% dead",
                    toll.repair_worst, REPORT_AT_MOST, 60);
        report_add(report, scene, "until one ring, mean", "s", shares[i], "% dead",
                   toll.repair_sum / (double)runs);
    }
}

/* ---- a split ---- */

#define SPLIT_KEYS 100
#define SPLIT_NS SIM_MINUTES(10)

static bool
all_newest(struct sim *sim, struct sim_load *load)
{
    for (uint32_t key = 0; key < SPLIT_KEYS; key++) {
        uint8_t resource[16];
        sim_load_resource(load, key, resource);
        if (!report_is_newest(sim, (struct reload_bytes){resource, sizeof resource}))
            return false;
    }
    return true;
}

struct split {
    double whole_s, newest_s;
};

static struct split
split_and_heal(struct sim *sim, struct sim_load *load)
{
    struct split split;
    uint64_t end = sim_now(sim) + SPLIT_NS;
    for (uint32_t k = 0; k < sim_node_count(sim); k++)
        sim_partition(sim, k, k % 2);
    sim_run_for(sim, SPLIT_NS / 2);
    (void)sim_load_store_all(load); /* on whichever side the owner is */
    sim_run_for(sim, end - sim_now(sim));
    assert(!sim_ring_is_whole(sim, 0, NULL)); /* there are two */
    sim_heal_all(sim);
    uint64_t begin = sim_now(sim);
    split.whole_s = report_wait(sim, 1800);
    while (!all_newest(sim, load) && sim_now(sim) - begin < SIM_MINUTES(30))
        sim_run_for(sim, SIM_SECONDS(1));
    split.newest_s = (double)(sim_now(sim) - begin) / 1e9;
    return split;
}

void
report_scene_partition(struct report *report)
{
    static const char scene[] = "split for 10 minutes";
    static const uint32_t sizes[] = {32, 256};
    for (size_t i = 0; i < 2; i++) {
        report->progress("splits", i, 2);
        struct split split = {NAN, NAN};
        struct sim *sim = report_world(report, 5, SIM_LINKS_MESSAGES);
        struct sim_load *load = report_load(
            sim, report_build(sim, sizes[i]),
            &(struct sim_load_options){.seed = 5, .owners = OWNERS, .keys = SPLIT_KEYS});
        if (load)
            split = split_and_heal(sim, load);
        report_goal(report, scene, "until one ring", "s", sizes[i], "peers", split.whole_s,
                    REPORT_AT_MOST, 60);
        report_goal(report, scene, "until newest values everywhere", "s", sizes[i], "peers",
                    split.newest_s, REPORT_AT_MOST, 120);
        report_end(report, sim, load);
    }
}
