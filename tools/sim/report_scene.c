/* report_scene.c: overlays that grow and are used, and peers that come and go.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/report.h"
#include "tools/sim/sim_load.h"

#include <math.h>
#include <stdlib.h>

#define OWNERS 16
#define SETTLE_NS SIM_SECONDS(90)

static void
count(struct report *report, const struct sim_load_tally *tally)
{
    report->requests += tally->started;
    report->never_ended += tally->late;
    report->wrong += tally->wrong;
}

static double
share(uint64_t part, uint64_t of)
{
    return of ? 100.0 * (double)part / (double)of : 0;
}

/* ---- size ---- */

static void
measure_size(struct report *report, uint32_t peers)
{
    static const char scene[] = "size";
    struct sim *sim = report_world(report, peers, SIM_LINKS_MESSAGES);
    uint64_t memory = 0;
    bool whole = report_build(sim, peers);
    sim_run_for(sim, SETTLE_NS);
    for (uint32_t i = 0; i < peers; i++)
        memory += sim_memory(sim, i);
    struct sim_load *load =
        whole ? sim_load_new(sim, &(struct sim_load_options){.seed = report->seed,
                                                             .owners = OWNERS,
                                                             .keys = 500,
                                                             .lookups_per_s = 500})
              : NULL;
    if (load) {
        sim_load_start(load);
        sim_run_for(sim, SIM_SECONDS(report->quick ? 8 : 200));
        sim_load_stop(load);
        const struct sim_load_tally *tally = sim_load_tally(load);
        uint64_t asked = tally->started - tally->abandoned;
        double hops = tally->answered ? (double)tally->hops / (double)tally->answered : 0;
        double wanted = log2(peers) / 2 - 0.5;
        report_goal(report, scene, "hops, mean", "", peers, "peers", hops,
                    peers >= 1000 ? REPORT_AT_MOST : REPORT_NO_GOAL, wanted);
        report_add(report, scene, "latency, median", "ms", peers, "peers",
                   (double)sim_load_quantile(tally, 0.5) / 1e6);
        report_add(report, scene, "latency, 99 %", "ms", peers, "peers",
                   (double)sim_load_quantile(tally, 0.99) / 1e6);
        report_goal(report, scene, "lookups that succeed", "%", peers, "peers",
                    share(tally->found, asked), REPORT_AT_LEAST, 100);
        count(report, tally);
    }
    report_add(report, scene, "memory of a peer", "KiB", peers, "peers",
               (double)memory / peers / 1024);
    sim_load_free(load);
    sim_free(sim);
}

void
report_scene_size(struct report *report)
{
    static const uint32_t sizes[] = {16, 64, 256, 1000, 10000};
    size_t all = report->quick ? 4 : 5;
    for (size_t i = 0; i < all; i++) {
        report->progress("sizes", i, all);
        measure_size(report, sizes[i]);
    }
}

/* ---- idle ---- */

/* Real frames: every probe and acknowledgement is sent. */
void
report_scene_idle(struct report *report)
{
    static const uint32_t sizes[] = {64, 256, 1000};
    size_t all = report->quick ? 2 : 3;
    for (size_t i = 0; i < all; i++) {
        uint32_t peers = sizes[i];
        report->progress("idle overlays", i, all);
        struct sim *sim = report_world(report, 77, SIM_LINKS_DATAGRAMS);
        if (report_build(sim, peers)) {
            sim_run_for(sim, SIM_MINUTES(report->quick ? 3 : 10));
            uint64_t before = sim_wire_bytes(sim), ns = SIM_MINUTES(report->quick ? 2 : 20);
            sim_run_for(sim, ns);
            double rate = (double)(sim_wire_bytes(sim) - before) / ((double)ns / 1e9) / peers;
            report_goal(report, "idle", "maintenance, sent by a peer", "bytes/s", peers, "peers",
                        rate, peers == 1000 ? REPORT_AT_MOST : REPORT_NO_GOAL, 250);
        }
        sim_free(sim);
    }
}

/* ---- churn ---- */

struct churn {
    struct sim *sim;
    struct sim_random random;
    double half_life_s;
    bool running;
    uint64_t deaths;
    struct session *sessions; /* all that there were */
};

struct session {
    struct churn *churn;
    struct session *next;
    uint32_t node;
};

static void begin_session(struct churn *churn, uint32_t node);

/* Without a word; somebody else comes at the same time. */
static void
end_session(struct sim *sim, void *argument)
{
    struct session *session = argument;
    struct churn *churn = session->churn;
    uint32_t node = session->node;
    if (!churn->running || !sim_is_alive(sim, node))
        return;
    sim_kill(sim, node);
    churn->deaths++;
    begin_session(churn, sim_add_node(sim, NULL));
}

static void
begin_session(struct churn *churn, uint32_t node)
{
    struct session *session = malloc(sizeof *session);
    if (!session)
        abort();
    double chance = (double)(1 + sim_random_below(&churn->random, 1000000)) / 1000001;
    double length_s = -log(chance) / log(2) * churn->half_life_s;
    *session = (struct session){churn, churn->sessions, node};
    churn->sessions = session;
    sim_call(churn->sim, sim_now(churn->sim) + (uint64_t)(length_s * 1e9), end_session, session);
}

static void
measure_churn(struct report *report, double minutes, double lookups_wanted, double values_wanted)
{
    static const char scene[] = "churn, 256 peers";
    const uint32_t peers = 256;
    struct sim *sim = report_world(report, 4242, SIM_LINKS_MESSAGES);
    struct churn churn = {.sim = sim,
                          .random = sim_random_fork(report->seed, 0xc4),
                          .half_life_s = minutes * 60,
                          .running = true};
    struct sim_load *load = NULL;
    if (report_build(sim, peers))
        load = sim_load_new(sim, &(struct sim_load_options){.seed = report->seed,
                                                            .owners = OWNERS,
                                                            .keys = 300,
                                                            .restore_ns = SIM_MINUTES(5),
                                                            .lookups_per_s = 50});
    if (load) {
        for (uint32_t i = 4; i < peers; i++) /* the bootstrap nodes stay */
            begin_session(&churn, i);
        sim_run_for(sim, SIM_MINUTES(2));
        sim_load_start(load);
        uint64_t wire = sim_wire_bytes(sim), ns = SIM_SECONDS(report->quick ? 120 : 2100);
        sim_run_for(sim, ns);
        wire = sim_wire_bytes(sim) - wire;
        sim_load_stop(load);
        churn.running = false;
        const struct sim_load_tally *tally = sim_load_tally(load);
        uint64_t asked = tally->started - tally->abandoned;
        report_goal(report, scene, "lookups that succeed", "%", minutes, "min half-life",
                    share(tally->answered, asked), REPORT_AT_LEAST, lookups_wanted);
        report_goal(report, scene, "values still there", "%", minutes, "min half-life",
                    share(tally->found, tally->answered),
                    values_wanted > 0 ? REPORT_AT_LEAST : REPORT_NO_GOAL, values_wanted);
        report_add(report, scene, "latency, 99 %", "ms", minutes, "min half-life",
                   (double)sim_load_quantile(tally, 0.99) / 1e6);
        report_add(report, scene, "sent by a peer", "bytes/s", minutes, "min half-life",
                   (double)wire / ((double)ns / 1e9) / peers);
        count(report, tally);
    }
    sim_free(sim);
    sim_load_free(load);
    for (struct session *next; churn.sessions; churn.sessions = next) {
        next = churn.sessions->next;
        free(churn.sessions);
    }
}

void
report_scene_churn(struct report *report)
{
    static const struct {
        double minutes, lookups, values;
    } rows[] = {{60, 99.99, 99.99}, {15, 99.9, 99.9}, {5, 99, 99}, {1.4, 95, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        report->progress("churn", i, sizeof rows / sizeof *rows);
        measure_churn(report, rows[i].minutes, rows[i].lookups, rows[i].values);
    }
}
