/* report_byzantine_scene.c: some peers misbehave.
 *
 * RFC 6940 13.6. SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/report.h"
#include "tools/sim/sim_byzantine.h"
#include "tools/sim/sim_liar.h"

#include <math.h>
#include <stdlib.h>

#define PEERS 256
#define BOOTSTRAP_NODES 4 /* they behave: who comes has to begin somewhere */
#define OWNERS 8
#define KEYS 300
#define COPIES 4
#define SETTLE_NS SIM_SECONDS(90)

/* What a user of the library may choose for a lookup. */
static const struct choice {
    const char *name;
    uint8_t copies;
    enum reload_replicas replicas;
} choices[] = {
    {"lookups that succeed, plain", 1, RELOAD_REPLICAS_NONE},
    {"lookups that succeed, 4 copies", COPIES, RELOAD_REPLICAS_NONE},
    {"lookups that succeed, replicas", 1, RELOAD_REPLICAS_IF_NEEDED},
    {"lookups that succeed, both", COPIES, RELOAD_REPLICAS_IF_NEEDED},
};

#define CHOICES (sizeof choices / sizeof *choices)

/* How peers misbehave, as many in each way: by what they do with what honest code says, or by
 * saying something else. */
static const struct conduct {
    enum sim_vice vice;
    enum sim_lie lie;
} conducts[] = {
    {SIM_VICE_SILENT, SIM_LIE_NONE},    {SIM_VICE_LOSSY, SIM_LIE_NONE},
    {SIM_VICE_GARBLING, SIM_LIE_NONE},  {SIM_VICE_REPLAYING, SIM_LIE_NONE},
    {SIM_VICE_NONE, SIM_LIE_TABLES},    {SIM_VICE_NONE, SIM_LIE_ANSWERS},
    {SIM_VICE_NONE, SIM_LIE_MISROUTED}, {SIM_VICE_NONE, SIM_LIE_SPOILED},
};

#define CONDUCTS (sizeof conducts / sizeof *conducts)

struct offenders {
    struct sim_byzantine byzantine;
    struct sim_liar liar;
    uint8_t who[PEERS]; /* 1: misbehaves */
};

static void
choose(struct offenders *offenders, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        offenders->who[BOOTSTRAP_NODES + i * (PEERS - BOOTSTRAP_NODES) / count] = 1;
}

static void
misbehave(struct offenders *offenders, struct sim *sim, uint64_t seed)
{
    size_t next = 0;
    sim_byzantine_begin(&offenders->byzantine, sim, seed);
    sim_liar_begin(&offenders->liar, sim, seed);
    for (uint32_t i = 0; i < PEERS; i++) {
        if (!offenders->who[i])
            continue;
        const struct conduct *conduct = &conducts[next++ % CONDUCTS];
        offenders->byzantine.vices[i] = (uint8_t)conduct->vice;
        if (conduct->lie != SIM_LIE_NONE)
            sim_liar_set(&offenders->liar, i, conduct->lie);
    }
}

static void
measure(struct report *report, unsigned percent, const struct choice *choice, double wanted)
{
    static const char scene[] = "256 peers, some misbehave", x_unit[] = "% misbehave";
    struct sim *sim = report_world(report, 31, SIM_LINKS_MESSAGES);
    struct offenders *offenders = calloc(1, sizeof *offenders);
    bool is_all = choice == &choices[CHOICES - 1];
    if (!offenders)
        abort();
    choose(offenders, PEERS * percent / 100);
    struct sim_load *load = report_load(sim, report_build(sim, PEERS),
                                        &(struct sim_load_options){.seed = 6,
                                                                   .owners = OWNERS,
                                                                   .keys = KEYS,
                                                                   .lookups_per_s = 50,
                                                                   .copies = choice->copies,
                                                                   .replicas = choice->replicas,
                                                                   .no_reads = offenders->who,
                                                                   .no_read_count = PEERS});
    if (load) {
        sim_run_for(sim, SETTLE_NS);
        misbehave(offenders, sim, report->seed);
        sim_load_start(load);
        sim_run_for(sim, SIM_SECONDS(report->quick ? 60 : is_all ? 2000 : 200));
        sim_load_stop(load);
    }
    const struct sim_load_tally *tally = report_tally(load);
    report_goal(report, scene, choice->name, "%", percent, x_unit,
                report_share(tally->found, tally->started - tally->abandoned),
                is_all ? REPORT_AT_LEAST : REPORT_NO_GOAL, wanted);
    if (is_all)
        report_add(report, scene, "time of 99 % of those, at most", "s", percent, x_unit,
                   report_latency_s(tally, 0.99));
    report_end(report, sim, load);
    free(offenders);
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
        measure(report, rows[i / CHOICES].percent, &choices[i % CHOICES], rows[i / CHOICES].wanted);
    }
}
