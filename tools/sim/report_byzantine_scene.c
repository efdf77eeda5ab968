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
    const char *name, *old;
    uint8_t copies;
    enum reload_replicas replicas;
    bool has_goal;
} choices[] = {
    {"lookups, plain", "not the newest of those, plain", 1, RELOAD_REPLICAS_NONE, false},
    {"lookups, 4 copies", NULL, COPIES, RELOAD_REPLICAS_NONE, false},
    {"lookups, replicas if needed", NULL, 1, RELOAD_REPLICAS_IF_NEEDED, false},
    {"lookups, 4 copies and replicas", "not the newest of those", COPIES, RELOAD_REPLICAS_IF_NEEDED,
     true},
    {"lookups, 4 copies, all replicas", "not the newest, all replicas", COPIES, RELOAD_REPLICAS_ALL,
     false},
};

#define CHOICES (sizeof choices / sizeof *choices)

/* How peers misbehave, as many in each way: by what they do with what honest code says, or by
 * saying something else. One in twenty are 12, in twelve ways. */
static const struct conduct {
    enum sim_vice vice;
    enum sim_lie lie;
} conducts[] = {
    {SIM_VICE_SILENT, SIM_LIE_NONE},    {SIM_VICE_NONE, SIM_LIE_VALUES},
    {SIM_VICE_NONE, SIM_LIE_STALE},     {SIM_VICE_LOSSY, SIM_LIE_NONE},
    {SIM_VICE_NONE, SIM_LIE_ANSWERS},   {SIM_VICE_GARBLING, SIM_LIE_NONE},
    {SIM_VICE_NONE, SIM_LIE_TABLES},    {SIM_VICE_REPLAYING, SIM_LIE_NONE},
    {SIM_VICE_NONE, SIM_LIE_REPLAYS},   {SIM_VICE_NONE, SIM_LIE_SPOILED},
    {SIM_VICE_NONE, SIM_LIE_MISROUTED}, {SIM_VICE_NONE, SIM_LIE_ECLIPSE},
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

/* Whether |conduct| says what it has heard before. */
static bool
is_with_memory(const struct conduct *conduct)
{
    return conduct->lie == SIM_LIE_VALUES || conduct->lie == SIM_LIE_STALE ||
           conduct->lie == SIM_LIE_REPLAYS;
}

static void
misbehave(struct offenders *offenders, bool with_memory)
{
    size_t next = 0;
    for (uint32_t i = 0; i < PEERS; i++) {
        if (!offenders->who[i])
            continue;
        const struct conduct *conduct = &conducts[next++ % CONDUCTS];
        if (is_with_memory(conduct) != with_memory)
            continue;
        offenders->byzantine.vices[i] = (uint8_t)conduct->vice;
        if (conduct->lie != SIM_LIE_NONE)
            sim_liar_set(&offenders->liar, i, conduct->lie);
    }
}

/* Who lies about values hears of some first, which are old then. Everything is stored while nobody
 * else misbehaves: a peer that acknowledges need not keep it. */
static void
begin_misbehaviour(struct offenders *offenders, struct sim *sim, struct sim_load *load,
                   uint64_t seed)
{
    sim_byzantine_begin(&offenders->byzantine, sim, seed);
    sim_liar_begin(&offenders->liar, sim, seed);
    misbehave(offenders, true);
    for (int i = 0; i < 2; i++)
        (void)sim_load_store_all(load);
    misbehave(offenders, false);
}

static void
measure(struct report *report, unsigned percent, const struct choice *choice, double wanted)
{
    static const char scene[] = "256 peers, some misbehave", x_unit[] = "% misbehave";
    struct sim *sim = report_world(report, 31, SIM_LINKS_MESSAGES);
    struct offenders *offenders = calloc(1, sizeof *offenders);
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
        begin_misbehaviour(offenders, sim, load, report->seed);
        sim_load_start(load);
        sim_run_for(sim, SIM_SECONDS(report->quick ? 60 : choice->has_goal ? 2000 : 200));
        sim_load_stop(load);
    }
    const struct sim_load_tally *tally = report_tally(load);
    report_goal(report, scene, choice->name, "%", percent, x_unit,
                report_share(tally->found, tally->started - tally->abandoned),
                choice->has_goal ? REPORT_AT_LEAST : REPORT_NO_GOAL, wanted);
    if (choice->old)
        report_add(report, scene, choice->old, "%", percent, x_unit,
                   report_share(tally->old, tally->found));
    if (choice->has_goal) {
        report_add(report, scene, "time of 99 % of those, at most", "s", percent, x_unit,
                   report_latency_s(tally, 0.99));
        report_add(report, scene, "misdeeds meanwhile", "", percent, x_unit,
                   load ? (double)(offenders->byzantine.misdeeds + offenders->liar.told) : NAN);
    }
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
