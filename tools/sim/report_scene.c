/* report_scene.c: overlays that grow and are used, and peers that come and go.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/report.h"

#include <math.h>
#include <stdlib.h>

#define OWNERS 16
#define CHURN_PEERS 256
#define SETTLE_NS SIM_SECONDS(90)

/* ---- size ---- */

/* What |load| saw in a whole ring. */
static void
add_lookups(struct report *report, const char *scene, uint32_t peers,
            const struct sim_load_tally *tally)
{
    report_goal(report, scene, "hops, mean", "", peers, "peers",
                report_ratio((double)tally->hops, (double)tally->answered),
                peers >= 1000 ? REPORT_AT_MOST : REPORT_NO_GOAL, log2(peers) / 2 - 0.5);
    report_add(report, scene, "latency, median", "ms", peers, "peers",
               1e3 * report_latency_s(tally, 0.5));
    report_add(report, scene, "latency, 99 %", "ms", peers, "peers",
               1e3 * report_latency_s(tally, 0.99));
    report_goal(report, scene, "lookups that succeed", "%", peers, "peers",
                report_share(tally->found, tally->started - tally->abandoned), REPORT_AT_LEAST,
                100);
}

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
        report_load(sim, whole,
                    &(struct sim_load_options){
                        .seed = report->seed, .owners = OWNERS, .keys = 500, .lookups_per_s = 500});
    if (load) {
        sim_load_start(load);
        sim_run_for(sim, SIM_SECONDS(report->quick ? 8 : 200));
        sim_load_stop(load);
    }
    add_lookups(report, scene, peers, report_tally(load));
    report_add(report, scene, "memory of a peer", "KiB", peers, "peers",
               whole ? (double)memory / peers / 1024 : NAN);
    report_end(report, sim, load);
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
static double
measure_idle(struct report *report, struct sim *sim)
{
    sim_run_for(sim, SIM_MINUTES(report->quick ? 3 : 10));
    uint64_t before = sim_wire_bytes(sim), ns = SIM_MINUTES(report->quick ? 2 : 20);
    sim_run_for(sim, ns);
    return (double)(sim_wire_bytes(sim) - before) / ((double)ns / 1e9);
}

void
report_scene_idle(struct report *report)
{
    static const uint32_t sizes[] = {64, 256, 1000};
    size_t all = report->quick ? 2 : 3;
    for (size_t i = 0; i < all; i++) {
        uint32_t peers = sizes[i];
        report->progress("idle overlays", i, all);
        struct sim *sim = report_world(report, 77, SIM_LINKS_DATAGRAMS);
        double rate = report_build(sim, peers) ? measure_idle(report, sim) / peers : NAN;
        report_goal(report, "idle", "maintenance, sent by a peer", "bytes/s", peers, "peers", rate,
                    peers == 1000 ? REPORT_AT_MOST : REPORT_NO_GOAL, 250);
        report_end(report, sim, NULL);
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

/* Returns how many octets a second a peer sent while users looked up. */
static double
run_churn(struct report *report, struct churn *churn, struct sim_load *load)
{
    for (uint32_t i = 4; i < CHURN_PEERS; i++) /* the bootstrap nodes stay */
        begin_session(churn, i);
    sim_run_for(churn->sim, SIM_MINUTES(2));
    sim_load_start(load);
    uint64_t wire = sim_wire_bytes(churn->sim), ns = SIM_SECONDS(report->quick ? 120 : 2100);
    sim_run_for(churn->sim, ns);
    wire = sim_wire_bytes(churn->sim) - wire;
    sim_load_stop(load);
    churn->running = false;
    return (double)wire / ((double)ns / 1e9) / CHURN_PEERS;
}

static void
measure_churn(struct report *report, double minutes, double lookups_wanted, double values_wanted)
{
    static const char scene[] = "churn, 256 peers", x_unit[] = "min half-life";
    struct sim *sim = report_world(report, 4242, SIM_LINKS_MESSAGES);
    struct churn churn = {.sim = sim,
                          .random = sim_random_fork(report->seed, 0xc4),
                          .half_life_s = minutes * 60,
                          .running = true};
    struct sim_load *load = report_load(sim, report_build(sim, CHURN_PEERS),
                                        &(struct sim_load_options){.seed = report->seed,
                                                                   .owners = OWNERS,
                                                                   .keys = 300,
                                                                   .restore_ns = SIM_MINUTES(5),
                                                                   .lookups_per_s = 50});
    double rate = load ? run_churn(report, &churn, load) : NAN;
    const struct sim_load_tally *tally = report_tally(load);
    report_goal(report, scene, "lookups that succeed", "%", minutes, x_unit,
                report_share(tally->answered, tally->started - tally->abandoned), REPORT_AT_LEAST,
                lookups_wanted);
    report_goal(report, scene, "values still there", "%", minutes, x_unit,
                report_share(tally->found, tally->answered),
                values_wanted > 0 ? REPORT_AT_LEAST : REPORT_NO_GOAL, values_wanted);
    report_add(report, scene, "values that are not the newest", "%", minutes, x_unit,
               report_share(tally->old, tally->found));
    report_add(report, scene, "latency, 99 %", "ms", minutes, x_unit,
               1e3 * report_latency_s(tally, 0.99));
    report_add(report, scene, "sent by a peer", "bytes/s", minutes, x_unit, rate);
    report_end(report, sim, load);
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
