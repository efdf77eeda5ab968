/* report_fault_scene.c: many come, die, return, are split or misbehave at once.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/report.h"
#include "tools/sim/sim_byzantine.h"
#include "tools/sim/sim_copies.h"
#include "tools/sim/sim_load.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define OWNERS 8
#define COPIES 4 /* of a request, where some misbehave */
#define SETTLE_NS SIM_SECONDS(90)

static double
share(uint64_t part, uint64_t of)
{
    return of ? 100.0 * (double)part / (double)of : 100;
}

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
        if (stands)
            report_goal(report, "all join one peer at once", "until one ring", "s", counts[i],
                        "peers", report_wait(sim, 600),
                        counts[i] == 64 ? REPORT_AT_MOST : REPORT_NO_GOAL, 15);
        sim_free(sim);
    }
}

/* ---- all restart ---- */

void
report_scene_restart(struct report *report)
{
    const uint32_t peers = 256;
    struct sim *sim = report_world(report, 11, SIM_LINKS_DATAGRAMS);
    report->progress("restart of all", 0, 1);
    if (report_build(sim, peers)) {
        sim_run_for(sim, SIM_MINUTES(3));
        uint64_t before = sim_wire_bytes(sim);
        sim_run_for(sim, SIM_SECONDS(120));
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
        double wait = report_wait(sim, 900);
        report_goal(report, "all restart within 1 s", "until one ring", "s", peers, "peers",
                    wait < 0 ? 900 : wait + passed, REPORT_AT_MOST, 120);
        double now = (double)(sim_now(sim) - begin) / 1e9;
        if (now < 120)
            sim_run_for(sim, (uint64_t)((120 - now) * 1e9));
        double took = fmax(now, 120), traffic = (double)(sim_wire_bytes(sim) - before);
        report_goal(report, "all restart within 1 s", "traffic against steady", "times", peers,
                    "peers", traffic / took / (steady / 120), REPORT_AT_MOST, 10);
    }
    sim_free(sim);
}

/* ---- many die at once ---- */

struct toll {
    uint64_t runs, whole;
    uint64_t values, lost, surviving, fetched;
    double repair_sum, repair_worst;
};

static void
kill_share(struct report *report, unsigned percent, uint64_t seed, struct toll *toll)
{
    const uint32_t peers = 100, keys = 200;
    struct sim *sim = report_world(report, 1000 + seed, SIM_LINKS_MESSAGES);
    struct sim_load *load = NULL;
    struct sim_random random = sim_random_fork(report->seed + seed, percent);
    bool survives[200];
    if (report_build(sim, peers))
        load = sim_load_new(
            sim, &(struct sim_load_options){.seed = seed, .owners = OWNERS, .keys = keys});
    if (!load) {
        sim_free(sim);
        return;
    }
    sim_run_for(sim, SETTLE_NS);
    for (uint32_t killed = 0; killed < peers * percent / 100;) {
        uint32_t node = (uint32_t)sim_random_below(&random, peers);
        if (!sim_is_alive(sim, node))
            continue;
        sim_kill(sim, node);
        killed++;
    }
    for (uint32_t key = 0; key < keys; key++) {
        uint8_t resource[16];
        sim_load_resource(load, key, resource);
        survives[key] = sim_copies(sim, (struct reload_bytes){resource, 16}, 0, NULL) > 0;
        toll->lost += !survives[key];
    }
    toll->values += keys;
    toll->runs++;
    double repair = report_wait(sim, 600);
    toll->whole += repair >= 0;
    toll->repair_sum += fabs(repair);
    toll->repair_worst = fmax(toll->repair_worst, repair < 0 ? 600 : repair);
    if (repair >= 0 && repair < 60)
        sim_run_for(sim, (uint64_t)((60 - repair) * 1e9));
    for (uint32_t key = 0; key < keys; key++) {
        if (!survives[key])
            continue;
        toll->surviving++;
        toll->fetched += sim_load_fetch(load, key, sim_load_member(load));
    }
    sim_load_free(load);
    sim_free(sim);
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
        /* Values with the same holders die together, about as many as the ring has peers: what
         * counts as independent is holders, not values. */
        double sigma = 100 * sqrt(p * (1 - p) / ((double)toll.runs * 63));
        report_goal(report, scene, "survivors found after 60 s", "%", shares[i], "% dead",
                    share(toll.fetched, toll.surviving), REPORT_AT_LEAST, 100);
        report_goal(report, scene, "values lost", "%", shares[i], "% dead",
                    share(toll.lost, toll.values), REPORT_AT_MOST, 100 * p + 3 * sigma);
        report_goal(report, scene, "until one ring, worst", "s", shares[i], "% dead",
                    toll.repair_worst, REPORT_AT_MOST, 60);
        report_add(report, scene, "until one ring, mean", "s", shares[i], "% dead",
                   toll.runs ? toll.repair_sum / (double)toll.runs : 0);
    }
}

/* ---- a split ---- */

/* How many keys are, in their newest version, at the peer that is responsible. */
static uint32_t
count_newest(struct sim *sim, struct sim_load *load, uint32_t keys)
{
    uint32_t right = 0;
    for (uint32_t key = 0; key < keys; key++) {
        uint8_t octets[16];
        uint64_t newest = 0;
        sim_load_resource(load, key, octets);
        struct reload_bytes resource = {octets, 16};
        (void)sim_copies(sim, resource, 0, &newest);
        right +=
            newest > 0 && sim_copy_at(sim, sim_responsible(sim, 0, resource), resource) == newest;
    }
    return right;
}

void
report_scene_partition(struct report *report)
{
    static const char scene[] = "split for 10 minutes";
    const uint32_t sizes[] = {32, 256}, keys = 100;
    for (size_t i = 0; i < 2; i++) {
        report->progress("splits", i, 2);
        struct sim *sim = report_world(report, 5, SIM_LINKS_MESSAGES);
        struct sim_load *load = NULL;
        if (report_build(sim, sizes[i]))
            load = sim_load_new(
                sim, &(struct sim_load_options){.seed = 5, .owners = OWNERS, .keys = keys});
        if (load) {
            for (uint32_t k = 0; k < sim_node_count(sim); k++)
                sim_partition(sim, k, k % 2);
            sim_run_for(sim, SIM_MINUTES(5));
            (void)sim_load_store_all(load); /* on whichever side the owner is */
            sim_run_for(sim, SIM_MINUTES(4));
            assert(!sim_ring_is_whole(sim, 0, NULL)); /* there are two */
            sim_heal_all(sim);
            uint64_t begin = sim_now(sim);
            double whole = report_wait(sim, 1800);
            report_add(report, scene, "until one ring", "s", sizes[i], "peers",
                       whole < 0 ? 1800 : whole);
            while (count_newest(sim, load, keys) < keys && sim_now(sim) - begin < SIM_MINUTES(30))
                sim_run_for(sim, SIM_SECONDS(1));
            report_goal(report, scene, "until newest values everywhere", "s", sizes[i], "peers",
                        (double)(sim_now(sim) - begin) / 1e9, REPORT_AT_MOST, 120);
        }
        sim_load_free(load);
        sim_free(sim);
    }
}

/* ---- misbehaviour ---- */

/* What a user of the library may choose for a lookup. */
static const struct choice {
    const char *name;
    uint8_t copies;
    enum reload_replicas replicas;
} choices[] = {
    {"lookups that succeed, one copy", 1, RELOAD_REPLICAS_NONE},
    {"lookups that succeed, in copies", COPIES, RELOAD_REPLICAS_NONE},
    {"lookups that succeed, with replicas", 1, RELOAD_REPLICAS_IF_NEEDED},
    {"lookups that succeed, in copies and with replicas", COPIES, RELOAD_REPLICAS_IF_NEEDED},
};

#define CHOICES (sizeof choices / sizeof *choices)

static void
measure_byzantine(struct report *report, unsigned percent, const struct choice *choice,
                  double wanted)
{
    static const char scene[] = "256 peers, some misbehave";
    const uint32_t peers = 256;
    struct sim *sim = report_world(report, 31, SIM_LINKS_MESSAGES);
    struct sim_byzantine *byzantine = calloc(1, sizeof *byzantine);
    static const uint8_t vices[] = {SIM_VICE_SILENT, SIM_VICE_LOSSY, SIM_VICE_GARBLING,
                                    SIM_VICE_REPLAYING};
    struct sim_load *load = NULL;
    uint8_t no_reads[256] = {0};
    if (!byzantine)
        abort();
    for (uint32_t i = 0; i < peers * percent / 100; i++)
        no_reads[4 + i * (peers - 4) / (peers * percent / 100)] = 1;
    if (report_build(sim, peers))
        load = sim_load_new(sim, &(struct sim_load_options){.seed = 6,
                                                            .owners = OWNERS,
                                                            .keys = 300,
                                                            .lookups_per_s = 50,
                                                            .copies = choice->copies,
                                                            .replicas = choice->replicas,
                                                            .no_reads = no_reads,
                                                            .no_read_count = peers});
    if (load) {
        sim_run_for(sim, SETTLE_NS);
        sim_byzantine_begin(byzantine, sim, report->seed);
        for (uint32_t i = 0; i < peers; i++)
            if (no_reads[i])
                byzantine->vices[i] = vices[i % sizeof vices];
        sim_load_start(load);
        bool is_all = choice == &choices[CHOICES - 1];
        sim_run_for(sim, SIM_SECONDS(report->quick ? 60 : is_all ? 2000 : 200));
        sim_load_stop(load);
        const struct sim_load_tally *tally = sim_load_tally(load);
        report_goal(report, scene, choice->name, "%", percent, "% misbehave",
                    share(tally->found, tally->started - tally->abandoned),
                    is_all ? REPORT_AT_LEAST : REPORT_NO_GOAL, wanted);
        if (is_all)
            report_add(report, scene, "time of 99 of 100 such lookups, at most", "s", percent,
                       "% misbehave", (double)sim_load_quantile(tally, 0.99) / 1e9);
        report->requests += tally->started;
        report->never_ended += tally->late;
        report->wrong += tally->wrong;
    }
    sim_load_free(load);
    sim_free(sim);
    free(byzantine);
}

void
report_scene_byzantine(struct report *report)
{
    static const struct {
        unsigned percent;
        double wanted;
    } rows[] = {{5, 99.9}, {10, 99}, {20, 95}};
    const size_t count = sizeof rows / sizeof *rows;
    for (size_t i = 0; i < count * CHOICES; i++) {
        report->progress("misbehaviour", i, count * CHOICES);
        measure_byzantine(report, rows[i / CHOICES].percent, &choices[i % CHOICES],
                          rows[i / CHOICES].wanted);
    }
}
