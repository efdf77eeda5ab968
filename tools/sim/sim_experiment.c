/* sim_experiment.c: join, store, look up.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_experiment.h"

#include <inttypes.h>
#include <stdlib.h>

#define STORES_AT_ONCE 32  /* outstanding in each overlay */
#define LOOKUPS_AT_ONCE 16 /* outstanding at each client */
#define LIFETIME_S 86400
#define JOIN_LIMIT_NS SIM_MINUTES(30)
#define WORK_LIMIT_NS SIM_MINUTES(60)
#define PROGRESS_NS SIM_MS(100)

struct overlay_run;

/* One request under way. A slot is used again when its request has ended. */
struct job {
    struct overlay_run *run;
    uint32_t key;
    bool busy, found;
};

struct overlay_run {
    struct experiment *experiment;
    uint32_t overlay, first, client;
    uint32_t started, ended; /* of the phase that runs */
    struct job jobs[STORES_AT_ONCE];
};

struct experiment {
    const struct sim_experiment_options *options;
    struct sim_experiment_result *result;
    struct sim *sim;
    struct overlay_run runs[SIM_OVERLAYS_MAX];
    uint64_t hops, elapsed_ns;
};

static void
report(const struct experiment *experiment, const char *what, uint64_t done, uint64_t all)
{
    if (experiment->options->progress)
        experiment->options->progress(what, done, all);
}

/* ---- joining ---- */

static uint64_t
count_joined(const struct experiment *experiment)
{
    uint64_t joined = 0;
    for (uint32_t i = 0; i < sim_node_count(experiment->sim); i++)
        joined += sim_is_joined(experiment->sim, i);
    return joined;
}

/* The first ones join one by one; then, the larger the ring is, the more join at a time. */
static uint64_t
gap_after(uint32_t peers)
{
    return peers < 16 ? SIM_MS(500) : SIM_MS(8000 / peers + 4);
}

static void
add_peers(struct experiment *experiment)
{
    const struct sim_experiment_options *options = experiment->options;
    uint32_t overlays = experiment->options->world.overlays;
    for (uint32_t i = 0; i < options->nodes; i++) {
        for (uint32_t k = 0; k < overlays; k++) {
            uint32_t node = sim_add_node(experiment->sim, &(struct sim_node_options){.overlay = k});
            if (i == 0)
                experiment->runs[k].first = node;
        }
        sim_run_for(experiment->sim, gap_after(i));
        report(experiment, "starting peers", (uint64_t)(i + 1) * overlays,
               (uint64_t)options->nodes * overlays);
    }
}

static bool
all_joined(struct sim *sim, void *argument)
{
    (void)argument;
    return sim_is_joined_all(sim, NULL);
}

static int
wait_for_all(struct experiment *experiment)
{
    uint64_t limit = sim_now(experiment->sim) + JOIN_LIMIT_NS;
    while (!sim_run_until(experiment->sim, all_joined, NULL, PROGRESS_NS)) {
        report(experiment, "joining", count_joined(experiment), sim_node_count(experiment->sim));
        if (sim_now(experiment->sim) >= limit)
            return RELOAD_E_TIMEOUT;
    }
    return 0;
}

static int
join(struct experiment *experiment)
{
    add_peers(experiment);
    int error = wait_for_all(experiment);
    experiment->result->joined = count_joined(experiment);
    if (error)
        return error;
    experiment->result->join_seconds =
        (double)(sim_now(experiment->sim) - SIM_TIME_BEGIN) / (double)RELOAD_SECOND;
    for (uint32_t k = 0; k < experiment->options->world.overlays; k++)
        experiment->runs[k].client =
            sim_add_node(experiment->sim, &(struct sim_node_options){.overlay = k, .client = true});
    return wait_for_all(experiment);
}

/* ---- keys ---- */

/* Key |key| is slot |key| / nodes + 1 of peer |key| % nodes. */
static uint32_t
owner_of(const struct overlay_run *run, uint32_t key)
{
    const struct experiment *experiment = run->experiment;
    return run->first + key % experiment->options->nodes * experiment->options->world.overlays;
}

static void
resource_of(const struct overlay_run *run, uint32_t key, uint8_t resource[16])
{
    uint8_t slot = (uint8_t)(key / run->experiment->options->nodes + 1);
    sim_slot_resource(run->experiment->sim, owner_of(run, key), slot, resource);
}

static int
value_of(const struct overlay_run *run, uint32_t key, char text[64])
{
    return snprintf(text, 64, "value %" PRIu32 " of overlay %" PRIu32, key, run->overlay);
}

typedef int start_fn(struct job *job);

/* Starts what may be started in |run|: |all| jobs in the phase, |at_once| at a time. */
static void
refill(struct overlay_run *run, uint32_t all, uint32_t at_once, start_fn *start)
{
    for (uint32_t i = 0; i < at_once && run->started < all; i++) {
        struct job *job = &run->jobs[i];
        if (job->busy)
            continue;
        *job = (struct job){.run = run, .key = run->started++, .busy = true};
        if (start(job)) {
            job->busy = false;
            run->ended++;
        }
    }
}

struct phase {
    struct experiment *experiment;
    uint32_t all, at_once;
    start_fn *start;
};

static bool
is_over(struct sim *sim, void *argument)
{
    (void)sim;
    const struct phase *phase = argument;
    bool over = true;
    for (uint32_t k = 0; k < phase->experiment->options->world.overlays; k++) {
        struct overlay_run *run = &phase->experiment->runs[k];
        refill(run, phase->all, phase->at_once, phase->start);
        over = over && run->ended == phase->all;
    }
    return over;
}

static void
run_phase(struct experiment *experiment, const char *what, uint32_t all, uint32_t at_once,
          start_fn *start)
{
    uint32_t overlays = experiment->options->world.overlays;
    struct phase phase = {experiment, all, at_once, start};
    for (uint32_t k = 0; k < overlays; k++) {
        struct overlay_run *run = &experiment->runs[k];
        run->started = run->ended = 0;
        memset(run->jobs, 0, sizeof run->jobs);
    }
    uint64_t limit = sim_now(experiment->sim) + WORK_LIMIT_NS;
    while (!sim_run_until(experiment->sim, is_over, &phase, PROGRESS_NS)) {
        uint64_t ended = 0;
        for (uint32_t k = 0; k < overlays; k++)
            ended += experiment->runs[k].ended;
        report(experiment, what, ended, (uint64_t)all * overlays);
        if (sim_now(experiment->sim) >= limit)
            return;
    }
}

static void
on_stored(void *argument, const struct reload_result *result, reload_time now)
{
    struct job *job = argument;
    (void)now;
    job->busy = false;
    job->run->ended++;
    job->run->experiment->result->stores_ok += result->error == 0;
}

static int
start_store(struct job *job)
{
    uint8_t resource[16];
    char text[64];
    struct overlay_run *run = job->run;
    struct sim *sim = run->experiment->sim;
    resource_of(run, job->key, resource);
    struct reload_store_value value = {
        .kind = SIM_KIND_SLOT,
        .value = {(uint8_t *)text, (size_t)value_of(run, job->key, text)},
        .exists = true,
        .lifetime_s = LIFETIME_S};
    uint32_t owner = owner_of(run, job->key);
    int error = reload_node_store(sim_node(sim, owner), (struct reload_bytes){resource, 16}, &value,
                                  1, on_stored, job, sim_now(sim));
    if (error == 0)
        sim_turn(sim, owner);
    return error;
}

static void
on_value(void *argument, const struct reload_fetched_value *value, reload_time now)
{
    struct job *job = argument;
    char text[64];
    (void)now;
    size_t size = (size_t)value_of(job->run, job->key % job->run->experiment->options->keys, text);
    job->found =
        value->exists && value->value.size == size && memcmp(value->value.data, text, size) == 0;
}

static void
on_fetched(void *argument, const struct reload_result *result, reload_time now)
{
    struct job *job = argument;
    struct experiment *experiment = job->run->experiment;
    (void)now;
    job->busy = false;
    job->run->ended++;
    if (result->error == 0 && job->found) {
        experiment->result->lookups_ok++;
        experiment->hops += result->hops;
        experiment->elapsed_ns += result->elapsed_ns;
    } else {
        experiment->result->lookups_failed++;
    }
}

static int
start_lookup(struct job *job)
{
    uint8_t resource[16];
    struct overlay_run *run = job->run;
    struct sim *sim = run->experiment->sim;
    resource_of(run, job->key % run->experiment->options->keys, resource);
    struct reload_fetch_specifier specifier = {.kind = SIM_KIND_SLOT};
    int error = reload_node_fetch(sim_node(sim, run->client), (struct reload_bytes){resource, 16},
                                  &specifier, 1, on_value, on_fetched, job, sim_now(sim));
    if (error == 0)
        sim_turn(sim, run->client);
    else
        run->experiment->result->lookups_failed++;
    return error;
}

/* ---- all of it ---- */

static void
measure(struct experiment *experiment)
{
    struct sim_experiment_result *result = experiment->result;
    const struct sim_experiment_options *options = experiment->options;
    uint64_t memory = 0, peers = (uint64_t)options->nodes * options->world.overlays;
    for (uint32_t i = 0; i < peers; i++) {
        memory += sim_memory(experiment->sim, i);
        result->messages_sent += sim_counters(experiment->sim, i)->messages_sent;
    }
    result->memory_bytes_per_node = memory / peers;
    if (result->lookups_ok) {
        result->hops_mean = (double)experiment->hops / (double)result->lookups_ok;
        result->lookup_ms_mean = (double)experiment->elapsed_ns / 1e6 / (double)result->lookups_ok;
    }
    result->virtual_seconds = (double)(sim_now(experiment->sim) - SIM_TIME_BEGIN) / 1e9;
    result->trace_hash = sim_trace_hash(experiment->sim);
    result->events = sim_events(experiment->sim);
}

int
sim_experiment_run(const struct sim_experiment_options *options,
                   struct sim_experiment_result *result)
{
    *result = (struct sim_experiment_result){0};
    if (options->nodes == 0 || options->keys == 0 || options->world.overlays == 0 ||
        options->world.overlays > SIM_OVERLAYS_MAX ||
        options->keys > (uint64_t)options->nodes * SIM_SLOTS_MAX)
        return RELOAD_E_USAGE;
    struct experiment *experiment = calloc(1, sizeof *experiment);
    if (!experiment)
        return RELOAD_E_NOMEM;
    experiment->options = options;
    experiment->result = result;
    experiment->sim = sim_new(options->seed, &options->world);
    for (uint32_t k = 0; k < options->world.overlays; k++)
        experiment->runs[k] = (struct overlay_run){.experiment = experiment, .overlay = k};
    int error = join(experiment);
    if (error == 0) {
        run_phase(experiment, "storing", options->keys, STORES_AT_ONCE, start_store);
        run_phase(experiment, "looking up", options->lookups, LOOKUPS_AT_ONCE, start_lookup);
    }
    measure(experiment);
    sim_free(experiment->sim);
    free(experiment);
    return error;
}
