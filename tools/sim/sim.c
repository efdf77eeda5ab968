/* sim.c: the world: configurations, hosts, virtual time.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_internal.h"

#include <endian.h>
#include <inttypes.h>
#include <stdlib.h>

#define LOOK_NS RELOAD_MS /* how often a predicate is asked */
#define LINE 64           /* of the processor's cache */
#define TOPOLOGY_HEAD 320
#define NODE_HEAD 1024 /* octets of a node that almost every event needs */

/* ---- the world ---- */

static void
set_default(uint64_t *value, uint64_t normal)
{
    if (*value == 0)
        *value = normal;
}

struct sim *
sim_new(uint64_t seed, const struct sim_options *options)
{
    struct sim *sim = calloc(1, sizeof *sim);
    if (!sim)
        abort();
    assert(options->topology && options->overlays <= SIM_OVERLAYS_MAX);
    sim->options = *options;
    sim->seed = seed;
    sim->now = SIM_TIME_BEGIN;
    sim->trace = sim_hash_begin(seed);
    if (sim->options.overlays == 0)
        sim->options.overlays = 1;
    if (sim->options.mtu == 0)
        sim->options.mtu = 1200;
    set_default(&sim->options.delay_min_ns, SIM_MS(5));
    set_default(&sim->options.delay_max_ns, SIM_MS(60));
    set_default(&sim->options.detect_ns, SIM_SECONDS(5));
    set_default(&sim->options.connect_timeout_ns, SIM_SECONDS(3));
    if (sim->options.delay_max_ns < sim->options.delay_min_ns)
        sim->options.delay_max_ns = sim->options.delay_min_ns;
    struct sim_network_options network = {.delay_min_ns = sim->options.delay_min_ns,
                                          .delay_max_ns = sim->options.delay_max_ns,
                                          .jitter_ns = sim->options.jitter_ns,
                                          .loss_ppm = sim->options.loss_ppm,
                                          .duplicate_ppm = sim->options.duplicate_ppm,
                                          .reorder_ppm = sim->options.reorder_ppm};
    sim_network_init(&sim->network, seed, &network);
    sim->oddities.random = sim_random_fork(seed, SIM_PURPOSE_ODDITY);
    sim->certificates = sim_certificates_new();
    for (uint32_t i = 0; i < sim->options.overlays; i++)
        sim_overlay_make(sim, i);
    return sim;
}

void
sim_free(struct sim *sim)
{
    if (!sim)
        return;
    for (uint32_t i = 0; i < sim->host_count; i++)
        sim_host_free(sim->hosts[i]);
    uint64_t at = 0;
    for (void *event = sim_queue_pop(&sim->queue, &at); event;
         event = sim_queue_pop(&sim->queue, &at))
        sim_event_free(sim, event);
    sim_queue_fini(&sim->queue);
    sim_pipes_fini(sim);
    sim_network_fini(&sim->network);
    sim_certificates_free(sim->certificates);
    for (uint32_t i = 0; i < sim->options.overlays; i++)
        free(sim->overlays[i].config);
    free(sim->hosts);
    sim_pool_fini(&sim->pool);
    free(sim);
}

/* ---- hosts ---- */

static struct sim_host *
add_host(struct sim *sim, const struct sim_node_options *options)
{
    if (sim->host_count == sim->host_capacity) {
        uint32_t capacity = sim->host_capacity ? 2 * sim->host_capacity : 64;
        struct sim_host **hosts = realloc(sim->hosts, capacity * sizeof(struct sim_host *));
        if (!hosts)
            abort();
        sim->hosts = hosts;
        sim->host_capacity = capacity;
    }
    struct sim_host *host = sim_host_new(sim, options);
    sim->hosts[sim->host_count++] = host;
    return host;
}

static void
note_peer(struct sim *sim, struct sim_host *host)
{
    struct sim_overlay *overlay = &sim->overlays[host->options.overlay];
    if (overlay->first_peer == SIM_NOBODY) {
        overlay->first_peer = host->index;
        host->options.founder = true;
    }
    if (overlay->bootstrap_count < SIM_BOOTSTRAP_NODES_MAX)
        overlay->bootstrap[overlay->bootstrap_count++] = host->index;
}

uint32_t
sim_add_node(struct sim *sim, const struct sim_node_options *options)
{
    static const struct sim_node_options defaults = {0};
    struct sim_host *host = add_host(sim, options ? options : &defaults);
    if (!host->options.client && !host->options.lone)
        note_peer(sim, host);
    sim_host_boot(host);
    if (!host->options.idle)
        sim_host_start(host);
    return host->index;
}

uint32_t
sim_add_nodes(struct sim *sim, uint32_t overlay, uint32_t count, uint64_t gap_ns)
{
    uint32_t first = sim->host_count;
    for (uint32_t i = 0; i < count; i++) {
        (void)sim_add_node(sim, &(struct sim_node_options){.overlay = overlay});
        sim_run_for(sim, gap_ns);
    }
    return first;
}

uint32_t
sim_add_puppet(struct sim *sim, const struct sim_node_options *options)
{
    static const struct sim_node_options defaults = {0};
    struct sim_host *host = add_host(sim, options ? options : &defaults);
    host->puppet = calloc(1, sizeof *host->puppet);
    if (!host->puppet)
        abort();
    sim_host_boot(host);
    return host->index;
}

void
sim_start(struct sim *sim, uint32_t node)
{
    sim_host_start(sim_host_of(sim, node));
}

void
sim_kill(struct sim *sim, uint32_t node)
{
    sim_host_stop(sim_host_of(sim, node));
}

void
sim_restart(struct sim *sim, uint32_t node)
{
    sim_restart_from(sim, node, SIM_DISK_EMPTY, 0);
}

void
sim_leave(struct sim *sim, uint32_t node)
{
    struct sim_host *host = sim_host_of(sim, node);
    assert(host->node);
    reload_node_leave(host->node, sim->now);
    sim_host_turn(host);
}

uint32_t
sim_node_count(const struct sim *sim)
{
    return sim->host_count;
}

bool
sim_is_alive(const struct sim *sim, uint32_t node)
{
    return sim_host_of(sim, node)->alive;
}

bool
sim_is_joined(const struct sim *sim, uint32_t node)
{
    return sim_host_of(sim, node)->joined;
}

bool
sim_is_peer(const struct sim *sim, uint32_t node)
{
    const struct sim_host *host = sim_host_of(sim, node);
    return host->alive && host->joined && !host->options.client;
}

uint64_t
sim_born_at(const struct sim *sim, uint32_t node)
{
    return sim_host_of(sim, node)->born_at;
}

uint32_t
sim_life(const struct sim *sim, uint32_t node)
{
    return sim_host_of(sim, node)->epoch;
}

struct reload_node *
sim_node(struct sim *sim, uint32_t node)
{
    return sim_host_of(sim, node)->node;
}

void
sim_turn(struct sim *sim, uint32_t node)
{
    sim_host_turn(sim_host_of(sim, node));
}

const struct reload_node_id *
sim_node_id(const struct sim *sim, uint32_t node)
{
    return &sim_host_of(sim, node)->node_id;
}

const char *
sim_user_name(const struct sim *sim, uint32_t node)
{
    return sim_host_of(sim, node)->user_name;
}

uint32_t
sim_overlay_of(const struct sim *sim, uint32_t node)
{
    return sim_host_of(sim, node)->options.overlay;
}

const struct reload_counters *
sim_counters(struct sim *sim, uint32_t node)
{
    struct sim_host *host = sim_host_of(sim, node);
    assert(host->node);
    return reload_node_counters(host->node);
}

uint32_t
sim_find_node(const struct sim *sim, uint32_t overlay, const struct reload_node_id *node_id)
{
    for (uint32_t i = 0; i < sim->host_count; i++)
        if (sim->hosts[i]->alive && sim->hosts[i]->options.overlay == overlay &&
            reload_node_id_equal(&sim->hosts[i]->node_id, node_id))
            return i;
    return SIM_NOBODY;
}

void
sim_add_bad_node(struct sim *sim, uint32_t node)
{
    const struct sim_host *bad = sim_host_of(sim, node);
    struct reload_config *config = sim->overlays[bad->options.overlay].config;
    assert(config->bad_node_count < RELOAD_CONFIG_BAD_NODES_MAX);
    config->bad_nodes[config->bad_node_count++] = bad->node_id;
    for (uint32_t i = 0; i < sim->host_count; i++) {
        struct sim_host *host = sim->hosts[i];
        if (!host->node || host == bad || host->options.overlay != bad->options.overlay)
            continue;
        reload_node_config_changed(host->node, sim->now);
        sim_host_turn(host);
    }
}

unsigned
sim_event_count(const struct sim *sim, uint32_t node, enum reload_event event)
{
    return sim_host_of(sim, node)->events[event];
}

size_t
sim_memory(const struct sim *sim, uint32_t node)
{
    return sim_host_of(sim, node)->memory;
}

size_t
sim_memory_peak(const struct sim *sim, uint32_t node)
{
    return sim_host_of(sim, node)->memory_peak;
}

FILE *
sim_log(const struct sim *sim)
{
    return sim->options.log;
}

/* ---- time ---- */

struct sim_event *
sim_event_new(struct sim *sim, enum sim_event_type type, size_t size)
{
    struct sim_event *event = sim_pool_get(&sim->pool, sizeof *event + size);
    memset(event, 0, sizeof *event);
    event->type = type;
    event->size = size;
    return event;
}

void
sim_event_free(struct sim *sim, struct sim_event *event)
{
    sim_pool_put(&sim->pool, event, sizeof *event + event->size);
}

struct sim_event *
sim_schedule(struct sim *sim, uint64_t at, enum sim_event_type type, size_t size)
{
    struct sim_event *event = sim_event_new(sim, type, size);
    if (type == SIM_EVENT_GATHERED)
        at += sim_oddity_delay(sim, SIM_ODDITY_SHUFFLED);
    sim_queue_push(&sim->queue, at, event);
    return event;
}

void
sim_call(struct sim *sim, uint64_t at, sim_call_fn *fn, void *argument)
{
    struct sim_event *event = sim_schedule(sim, at > sim->now ? at : sim->now, SIM_EVENT_CALL, 0);
    event->fn = fn;
    event->argument = argument;
}

static void
trace(struct sim *sim, const struct sim_event *event)
{
    uint64_t head[] = {htole64(sim->now),
                       htole64((uint64_t)event->type << 56 | (uint64_t)event->end << 48 |
                               (uint64_t)(uint8_t)-event->error << 32 | event->host),
                       htole64((uint64_t)event->pipe << 32 | event->link), htole64(event->size)};
    sim->events++;
    sim_hash_add(&sim->trace, head, sizeof head);
    sim_hash_add(&sim->trace, event->bytes, event->size);
}

static void
host_event(struct sim *sim, const struct sim_event *event)
{
    struct sim_host *host = sim_host_of(sim, event->host);
    if (!host->alive || host->epoch != event->epoch || !host->node)
        return;
    if (event->type == SIM_EVENT_TIMER)
        sim_host_timer(host);
    else
        sim_host_gathered(host, event->link);
}

/* A host that stands still: what is for it waits, in order. */
static bool
waits(struct sim *sim, struct sim_event *event)
{
    if (event->type == SIM_EVENT_CALL || event->type == SIM_EVENT_DETECT || sim->paused_count == 0)
        return false;
    struct sim_host *host = sim_host_of(sim, event->host);
    bool knocks = event->type == SIM_EVENT_ACCEPT && event->link == 0; /* nobody answers */
    if (!host->paused || knocks)
        return false;
    sim_host_hold(host, event);
    return true;
}

/* ---- what is needed soon ---- */

/* In a large world next to nothing that an event needs is in the processor's cache. */
static void
want(const void *data, size_t size)
{
    for (size_t at = 0; data && at < size; at += LINE)
        __builtin_prefetch((const char *)data + at);
}

/* What |event| is about. */
static void
want_node(const struct sim *sim, const struct sim_event *event)
{
    if (event->type != SIM_EVENT_CALL)
        want(sim_host_of(sim, event->host)->node, NODE_HEAD);
}

/* When the node has come: its topology's state, which is asked for the next hop or its timers. */
static void
want_topology(const struct sim *sim, const struct sim_event *event)
{
    struct reload_node *node = sim_host_of(sim, event->host)->node;
    if (node)
        want(reload_node_topology(node), TOPOLOGY_HEAD);
}

/* The events that come next, and where the first of them leads to. */
static void
want_next(const struct sim *sim)
{
    for (size_t i = 0; i < 5; i++)
        want(sim_queue_soon(&sim->queue, i), 2 * LINE);
    const struct sim_event *next = sim_queue_soon(&sim->queue, 0);
    if (!next || next->type == SIM_EVENT_CALL)
        return;
    const struct sim_host *host = sim_host_of(sim, next->host);
    want(&host->alive, sizeof *host - offsetof(struct sim_host, alive));
    if (next->type != SIM_EVENT_TIMER && next->type != SIM_EVENT_GATHERED)
        want(&sim->pipes[next->pipe], sizeof *sim->pipes);
}

/* Lets the first event happen. */
static void
step(struct sim *sim)
{
    uint64_t at = 0;
    struct sim_event *event = sim_queue_pop(&sim->queue, &at);
    assert(event && at >= sim->now);
    sim->now = at;
    want_node(sim, event);
    want_next(sim);
    if (event->type == SIM_EVENT_CALL) {
        event->fn(sim, event->argument);
    } else if (waits(sim, event)) {
        return;
    } else {
        trace(sim, event);
        want_topology(sim, event);
        if (event->type == SIM_EVENT_TIMER || event->type == SIM_EVENT_GATHERED)
            host_event(sim, event);
        else
            sim_pipe_event(sim, event);
    }
    sim_event_free(sim, event);
}

uint64_t
sim_now(const struct sim *sim)
{
    return sim->now;
}

void
sim_run_for(struct sim *sim, uint64_t ns)
{
    uint64_t end = sim->now + ns;
    while (sim_queue_next(&sim->queue) <= end)
        step(sim);
    sim->now = end;
}

bool
sim_run_until(struct sim *sim, sim_predicate_fn *predicate, void *argument, uint64_t limit_ns)
{
    uint64_t end = sim->now + limit_ns;
    while (!predicate(sim, argument)) {
        uint64_t next = sim_queue_next(&sim->queue);
        if (next > end) {
            sim->now = end;
            return predicate(sim, argument);
        }
        for (uint64_t look = next + LOOK_NS;
             sim_queue_next(&sim->queue) <= look && sim_queue_next(&sim->queue) <= end;)
            step(sim);
    }
    return true;
}

uint64_t
sim_trace_hash(const struct sim *sim)
{
    return sim_hash_result(&sim->trace);
}

uint64_t
sim_events(const struct sim *sim)
{
    return sim->events;
}

bool
sim_is_joined_all(struct sim *sim, void *argument)
{
    (void)argument;
    for (uint32_t i = 0; i < sim->host_count; i++)
        if (sim->hosts[i]->alive && sim->hosts[i]->node && !sim->hosts[i]->joined)
            return false;
    return true;
}
