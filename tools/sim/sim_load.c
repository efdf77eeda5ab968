/* sim_load.c: users who go on storing and looking up.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_load.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LIFETIME_S 86400
#define CONNECT_LIMIT_NS SIM_MINUTES(10)
#define STORE_LIMIT_NS SIM_MINUTES(1)
#define BIN_NS SIM_MS(25)
#define TICK_NS SIM_MS(10)
#define STORE_GAP_NS SIM_MS(20)
#define VALUE_FORMAT "key %u version %u"

struct lookup {
    struct sim_load *load;
    uint32_t key, actor, life;
    uint64_t started_ns;
    uint32_t newest, version; /* acknowledged when it began; that came */
    bool busy, found, counted;
};

/* What an owner stores again and again. */
struct stored_key {
    struct sim_load *load;
    uint32_t version; /* the newest */
    uint32_t acknowledged;
    uint64_t begun_ns;
    bool busy;
};

struct sim_load {
    struct sim *sim;
    struct sim_load_options options;
    struct sim_random random;
    uint32_t first_owner;
    struct stored_key *keys;
    uint32_t storing, stored, stored_ok;
    uint32_t restore_key; /* the next to be stored again */
    bool running;
    uint64_t ticked_ns, due; /* lookups due, in millionths */
    struct sim_load_tally tally;
    struct sim_load_requests requests;
    struct lookup lookups[SIM_LOAD_AT_ONCE];
};

/* ---- keys ---- */

static uint32_t
owner_of(const struct sim_load *load, uint32_t key)
{
    return load->first_owner + key % load->options.owners;
}

void
sim_load_resource(const struct sim_load *load, uint32_t key, uint8_t resource[16])
{
    sim_slot_resource(load->sim, owner_of(load, key), (uint8_t)(1 + key / load->options.owners),
                      resource);
}

/* Which version of |key| that is; 0 when it is nothing that the owner of |key| stored there. */
static uint32_t
version_of(const struct sim_load *load, uint32_t key, const uint8_t *data, size_t size)
{
    char text[64], wanted[64];
    uint32_t of = 0, version = 0;
    if (size >= sizeof text)
        return 0;
    memcpy(text, data, size);
    text[size] = 0;
    if (sscanf(text, VALUE_FORMAT, &of, &version) != 2 || of != key ||
        version > load->keys[key].version)
        return 0;
    int length = snprintf(wanted, sizeof wanted, VALUE_FORMAT, of, version);
    return (size_t)length == size && memcmp(wanted, data, size) == 0 ? version : 0;
}

static bool
is_late(const struct stored_key *key, uint64_t now)
{
    return now - key->begun_ns > SIM_LOAD_STORE_LATE_NS;
}

static void
on_stored(void *argument, const struct reload_result *result, reload_time now)
{
    struct stored_key *key = argument;
    struct sim_load *load = key->load;
    key->busy = false;
    load->requests.late += is_late(key, now);
    if (result->error == 0)
        key->acknowledged = key->version;
    load->stored++;
    load->stored_ok += result->error == 0;
    load->tally.stores_ok += result->error == 0;
}

/* Unless it is being stored already. */
static void
store(struct sim_load *load, uint32_t key)
{
    uint8_t resource[16];
    char text[64];
    uint32_t owner = owner_of(load, key);
    struct reload_node *node = sim_node(load->sim, owner);
    struct stored_key *stored = &load->keys[key];
    if (stored->busy)
        return;
    stored->busy = true;
    stored->begun_ns = sim_now(load->sim);
    load->storing++;
    load->tally.stores++;
    load->requests.begun++;
    sim_load_resource(load, key, resource);
    int size = snprintf(text, sizeof text, VALUE_FORMAT, key, ++stored->version);
    struct reload_store_value value = {.kind = SIM_KIND_SLOT,
                                       .value = {(uint8_t *)text, (size_t)size},
                                       .exists = true,
                                       .lifetime_s = LIFETIME_S};
    if (!node || reload_node_store(node, (struct reload_bytes){resource, 16}, &value, 1, on_stored,
                                   stored, sim_now(load->sim))) {
        stored->busy = false;
        load->stored++;
    } else {
        sim_turn(load->sim, owner);
    }
}

static bool
all_stored(struct sim *sim, void *argument)
{
    const struct sim_load *load = argument;
    (void)sim;
    return load->stored == load->storing;
}

uint32_t
sim_load_store_all(struct sim_load *load)
{
    load->storing = load->stored = load->stored_ok = 0;
    for (uint32_t key = 0; key < load->options.keys; key++) {
        store(load, key);
        sim_run_for(load->sim, STORE_GAP_NS);
    }
    if (!sim_run_until(load->sim, all_stored, load, STORE_LIMIT_NS))
        load->storing = load->stored; /* what is late is not waited for */
    return load->stored_ok;
}

/* One key after the other, evenly over the time in which all have to be stored again. */
static void
restore(struct sim *sim, void *argument)
{
    struct sim_load *load = argument;
    if (!load->running)
        return;
    store(load, load->restore_key);
    load->restore_key = (load->restore_key + 1) % load->options.keys;
    sim_call(sim, sim_now(sim) + load->options.restore_ns / load->options.keys, restore, load);
}

/* ---- lookups ---- */

static bool
is_reader(const struct sim_load *load, uint32_t node)
{
    if (!sim_is_alive(load->sim, node) || !sim_is_joined(load->sim, node) ||
        !sim_node(load->sim, node) || reload_node_is_client(sim_node(load->sim, node)))
        return false;
    return !(load->options.no_reads && node < load->options.no_read_count &&
             load->options.no_reads[node]);
}

uint32_t
sim_load_member(struct sim_load *load)
{
    uint32_t count = sim_node_count(load->sim);
    uint32_t begin = (uint32_t)sim_random_below(&load->random, count);
    for (uint32_t i = 0; i < count; i++)
        if (is_reader(load, (begin + i) % count))
            return (begin + i) % count;
    return SIM_NOBODY;
}

static void
on_value(void *argument, const struct reload_fetched_value *value, reload_time now)
{
    struct lookup *lookup = argument;
    struct sim_load *load = lookup->load;
    (void)now;
    if (!value->exists)
        return;
    lookup->version = version_of(load, lookup->key, value->value.data, value->value.size);
    if (lookup->version > 0)
        lookup->found = true;
    else {
        load->tally.wrong++;
        load->requests.wrong++;
    }
}

static void
on_fetched(void *argument, const struct reload_result *result, reload_time now)
{
    struct lookup *lookup = argument;
    struct sim_load_tally *tally = &lookup->load->tally;
    lookup->busy = false;
    if (result->error || lookup->counted)
        return;
    tally->answered++;
    tally->found += lookup->found;
    tally->old += lookup->found && lookup->version < lookup->newest;
    tally->hops += result->hops;
    uint64_t latency = now - lookup->started_ns, bin = latency / BIN_NS;
    tally->latency_ns += latency;
    tally->latency_bins[bin < SIM_LATENCY_BINS ? bin : SIM_LATENCY_BINS - 1]++;
}

static void
look_up(struct sim_load *load, struct lookup *lookup)
{
    uint8_t resource[16];
    uint32_t reader = sim_load_member(load);
    if (reader == SIM_NOBODY)
        return;
    *lookup = (struct lookup){.load = load,
                              .key = (uint32_t)sim_random_below(&load->random, load->options.keys),
                              .actor = reader,
                              .life = sim_life(load->sim, reader),
                              .started_ns = sim_now(load->sim),
                              .busy = true};
    lookup->newest = load->keys[lookup->key].acknowledged;
    sim_load_resource(load, lookup->key, resource);
    struct reload_fetch_specifier specifier = {.kind = SIM_KIND_SLOT};
    struct reload_bytes bytes = {resource, 16};
    struct reload_route route = reload_route_to_resource(bytes);
    route.copies = load->options.copies;
    route.replicas = load->options.replicas;
    load->tally.started++;
    load->requests.begun++;
    if (reload_node_fetch_along(sim_node(load->sim, reader), &route, bytes, &specifier, 1, on_value,
                                on_fetched, lookup, sim_now(load->sim)))
        lookup->busy = false;
    else
        sim_turn(load->sim, reader);
}

/* Whether |lookup| is under way; those of the dead and the late are over. */
static bool
is_under_way(struct sim_load *load, struct lookup *lookup)
{
    if (!lookup->busy)
        return false;
    bool lives = sim_is_alive(load->sim, lookup->actor) &&
                 sim_life(load->sim, lookup->actor) == lookup->life;
    if (!lives) {
        lookup->busy = false;
        if (!lookup->counted)
            load->tally.abandoned++;
        return false;
    }
    if (!lookup->counted && sim_now(load->sim) - lookup->started_ns > SIM_LOAD_LATE_NS) {
        lookup->counted = true;
        load->tally.late++;
        load->requests.late++;
    }
    return true;
}

static void
tick(struct sim *sim, void *argument)
{
    struct sim_load *load = argument;
    if (!load->running)
        return;
    load->due += (sim_now(sim) - load->ticked_ns) / 1000 * load->options.lookups_per_s;
    load->ticked_ns = sim_now(sim);
    for (size_t i = 0; i < SIM_LOAD_AT_ONCE; i++) {
        if (is_under_way(load, &load->lookups[i]) || load->due < 1000000)
            continue;
        look_up(load, &load->lookups[i]);
        load->due -= 1000000;
    }
    sim_call(sim, sim_now(sim) + TICK_NS, tick, load);
}

void
sim_load_start(struct sim_load *load)
{
    load->tally = (struct sim_load_tally){0};
    load->running = true;
    load->ticked_ns = sim_now(load->sim);
    load->due = 0;
    tick(load->sim, load);
    if (load->options.restore_ns > 0)
        restore(load->sim, load);
}

static bool
is_idle(struct sim *sim, void *argument)
{
    struct sim_load *load = argument;
    (void)sim;
    bool idle = true;
    for (size_t i = 0; i < SIM_LOAD_AT_ONCE; i++)
        idle = !is_under_way(load, &load->lookups[i]) && idle;
    return idle;
}

void
sim_load_stop(struct sim_load *load)
{
    load->running = false;
    if (!sim_run_until(load->sim, is_idle, load, 2 * SIM_LOAD_LATE_NS))
        assert(load->tally.late > 0); /* counted by now */
    /* What is scheduled still, comes and ends. */
    uint64_t rest = load->options.restore_ns ? load->options.restore_ns / load->options.keys : 0;
    sim_run_for(load->sim, rest + TICK_NS);
}

/* ---- all ---- */

static bool
owners_are_connected(struct sim *sim, void *argument)
{
    const struct sim_load *load = argument;
    for (uint32_t i = 0; i < load->options.owners; i++)
        if (!sim_is_joined(sim, load->first_owner + i))
            return false;
    return true;
}

struct sim_load *
sim_load_new(struct sim *sim, const struct sim_load_options *options)
{
    struct sim_load *load = calloc(1, sizeof *load);
    assert(options->keys <= options->owners * (uint64_t)SIM_SLOTS_MAX);
    if (load)
        load->keys = calloc(options->keys, sizeof *load->keys);
    if (!load || !load->keys)
        abort();
    for (uint32_t key = 0; key < options->keys; key++)
        load->keys[key].load = load;
    load->sim = sim;
    load->options = *options;
    load->random = sim_random_fork(options->seed, 0x10ad);
    load->first_owner = sim_node_count(sim);
    for (uint32_t i = 0; i < options->owners; i++) {
        (void)sim_add_node(sim, &(struct sim_node_options){.client = true});
        sim_run_for(sim, SIM_MS(50));
    }
    bool connected = sim_run_until(sim, owners_are_connected, load, CONNECT_LIMIT_NS);
    uint32_t stored = connected ? sim_load_store_all(load) : 0;
    if (stored < options->keys) {
        if (sim_log(sim))
            fprintf(sim_log(sim), "the owners are %sconnected, %" PRIu32 " of %" PRIu32 " stored\n",
                    connected ? "" : "not ", stored, options->keys);
        sim_load_free(load);
        return NULL;
    }
    return load;
}

void
sim_load_free(struct sim_load *load)
{
    if (!load)
        return;
    free(load->keys);
    free(load);
}

const struct sim_load_tally *
sim_load_tally(const struct sim_load *load)
{
    return &load->tally;
}

struct sim_load_requests
sim_load_requests(const struct sim_load *load)
{
    struct sim_load_requests requests = load->requests;
    for (uint32_t key = 0; key < load->options.keys; key++)
        requests.late += load->keys[key].busy && is_late(&load->keys[key], sim_now(load->sim));
    return requests;
}

bool
sim_load_fetch(struct sim_load *load, uint32_t key, uint32_t reader)
{
    uint8_t slot = (uint8_t)(1 + key / load->options.owners);
    if (reader == SIM_NOBODY)
        return false;
    struct sim_outcome outcome = sim_fetch(load->sim, reader, owner_of(load, key), slot);
    bool came = outcome.error == 0 && outcome.exists;
    bool right = came && version_of(load, key, outcome.value, outcome.value_size) > 0;
    load->requests.begun++;
    load->requests.late += !outcome.done || outcome.elapsed_ns > SIM_LOAD_LATE_NS;
    load->requests.wrong += came && !right;
    return right;
}

uint64_t
sim_load_quantile(const struct sim_load_tally *tally, double q)
{
    uint64_t seen = 0;
    for (size_t i = 0; i < SIM_LATENCY_BINS; i++) {
        seen += tally->latency_bins[i];
        if ((double)seen >= q * (double)tally->answered)
            return (i + 1) * BIN_NS;
    }
    return SIM_LATENCY_BINS * BIN_NS;
}
