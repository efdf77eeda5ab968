/* sim_fault.c: what goes wrong with the network and with hosts: cuts, partitions, losses, pauses.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_internal.h"

#include <stdlib.h>

/* ---- the network ---- */

void
sim_cut_one_way(struct sim *sim, uint32_t from, uint32_t to)
{
    sim_network_cut(&sim->network, from, to);
    sim_pipe_cut(sim);
}

void
sim_cut(struct sim *sim, uint32_t a, uint32_t b)
{
    sim_network_cut(&sim->network, a, b);
    sim_network_cut(&sim->network, b, a);
    sim_pipe_cut(sim);
}

void
sim_heal(struct sim *sim, uint32_t a, uint32_t b)
{
    sim_network_heal(&sim->network, a, b);
    sim_network_heal(&sim->network, b, a);
    sim_pipe_healed(sim);
}

void
sim_heal_all(struct sim *sim)
{
    sim_network_heal_all(&sim->network);
    sim_pipe_healed(sim);
}

void
sim_partition(struct sim *sim, uint32_t node, uint8_t side)
{
    sim_network_partition(&sim->network, node, side);
    sim_pipe_healed(sim);
    sim_pipe_cut(sim);
}

void
sim_set_loss(struct sim *sim, uint32_t loss_ppm)
{
    sim->network.options.loss_ppm = loss_ppm;
}

void
sim_set_bursts(struct sim *sim, uint64_t good_ns, uint64_t bad_ns)
{
    struct sim_burst *burst = &sim->network.burst;
    sim_burst_set(burst, good_ns, bad_ns, burst->spoiled_ppm);
}

void
sim_set_errors(struct sim *sim, uint32_t ppm)
{
    struct sim_burst *burst = &sim->network.burst;
    sim_burst_set(burst, burst->good_ns, burst->bad_ns, ppm);
}

void
sim_set_network(struct sim *sim, const struct sim_network_options *options)
{
    sim->network.options = *options;
}

const struct sim_network_options *
sim_network_now(const struct sim *sim)
{
    return &sim->network.options;
}

/* ---- pauses ---- */

void
sim_host_hold(struct sim_host *host, struct sim_event *event)
{
    if (host->held_count == host->held_capacity) {
        size_t capacity = host->held_capacity ? 2 * host->held_capacity : 64;
        struct sim_event **held = realloc(host->held, capacity * sizeof(struct sim_event *));
        if (!held)
            abort();
        host->held = held;
        host->held_capacity = capacity;
    }
    host->held[host->held_count++] = event;
}

void
sim_host_unhold(struct sim_host *host, bool deliver)
{
    for (size_t i = 0; i < host->held_count; i++)
        if (deliver && host->held[i]->type != SIM_EVENT_TIMER)
            sim_queue_push(&host->sim->queue, host->sim->now, host->held[i]);
        else
            sim_event_free(host->sim, host->held[i]);
    free(host->held);
    host->held = NULL;
    host->held_count = host->held_capacity = 0;
    if (host->paused)
        host->sim->paused_count--;
    host->paused = false;
}

void
sim_pause(struct sim *sim, uint32_t node)
{
    struct sim_host *host = sim_host_of(sim, node);
    assert(host->alive && !host->in_turn);
    if (host->paused)
        return;
    host->paused = true;
    sim->paused_count++;
    sim_pipe_cut(sim);
}

void
sim_resume(struct sim *sim, uint32_t node)
{
    struct sim_host *host = sim_host_of(sim, node);
    if (!host->paused)
        return;
    host->resumed_at = sim->now;
    sim_host_unhold(host, true);
    sim_pipe_healed(sim);
    host->armed_at = sim->now;
    if (host->node)
        sim_host_timer(host);
}

bool
sim_is_paused(const struct sim *sim, uint32_t node)
{
    return sim_host_of(sim, node)->paused;
}

bool
sim_was_paused(const struct sim *sim, uint32_t node, uint64_t within_ns)
{
    const struct sim_host *host = sim_host_of(sim, node);
    return host->paused || (host->resumed_at > 0 && sim->now - host->resumed_at < within_ns);
}

void
sim_set_skew(struct sim *sim, uint32_t node, int64_t skew_ms)
{
    sim_host_of(sim, node)->options.skew_ms = skew_ms;
}

/* ---- memory ---- */

void
sim_starve(struct sim *sim, uint32_t node, uint32_t ppm)
{
    sim_host_of(sim, node)->starve_ppm = ppm;
}

uint64_t
sim_starved(const struct sim *sim, uint32_t node)
{
    return sim_host_of(sim, node)->starved;
}

void
sim_starve_once(struct sim *sim, uint32_t node, uint32_t nth)
{
    sim_host_of(sim, node)->starve_nth = nth;
}

/* ---- disks ---- */

void
sim_snapshot(struct sim *sim, uint32_t node)
{
    struct sim_host *host = sim_host_of(sim, node);
    sim_disk_fini(&host->snapshot);
    sim_disk_copy(&host->snapshot, &host->disk);
}

void
sim_disk_fails(struct sim *sim, uint32_t node, bool fails)
{
    sim_host_of(sim, node)->disk_fails = fails;
}

void
sim_disk_errs(struct sim *sim, uint32_t node, uint32_t ppm)
{
    struct sim_host *host = sim_host_of(sim, node);
    host->disk_error_ppm = ppm;
    host->disk_random = sim_random_fork(sim->seed + sim->now, SIM_PURPOSE_DISK + node);
}

static bool
errs(struct sim_host *host)
{
    return host->disk_error_ppm > 0 &&
           sim_random_below(&host->disk_random, 1000000) < host->disk_error_ppm;
}

void
sim_disk_lags(struct sim *sim, uint32_t node, uint64_t lag_ns)
{
    sim_host_of(sim, node)->disk_lag_ns = lag_ns;
}

void
sim_host_persist(struct sim_host *host, struct reload_bytes key, struct reload_bytes value)
{
    bool fails = host->disk_fails || errs(host);
    host->disk_behind = host->disk_behind || fails;
    if (!host->sim->options.disks || fails)
        return;
    if (host->disk_lag_ns > 0)
        sim_disk_lag(&host->disk, key, host->sim->now, host->disk_lag_ns);
    sim_disk_write(&host->disk, key, value);
}

void
sim_restart_from(struct sim *sim, uint32_t node, enum sim_disk_state state, uint64_t other)
{
    struct sim_host *host = sim_host_of(sim, node);
    struct sim_disk found = {0};
    if (state == SIM_DISK_KEPT || state == SIM_DISK_TORN)
        sim_disk_copy(&found, &host->disk);
    else if (state == SIM_DISK_SNAPSHOT)
        sim_disk_copy(&found, &host->snapshot);
    else if (state == SIM_DISK_FOREIGN)
        sim_disk_copy(&found, &sim_host_of(sim, (uint32_t)(other % sim->host_count))->disk);
    if (state == SIM_DISK_TORN)
        sim_disk_tear(&found, (size_t)(other % 4), other);
    if (host->disk_error_ppm > 0)
        sim_disk_lose(&found, host->disk_error_ppm, &host->disk_random);
    sim_disk_fini(&host->disk);
    sim_disk_copy(&host->disk, &found);
    host->starve_ppm = host->starve_nth = 0;
    host->disk_behind = true; /* until its node has what stands there */
    sim_host_boot(host);
    sim_host_restore(host, &found);
    host->disk_behind = false;
    sim_host_start(host);
    sim_disk_fini(&found);
}

/* ---- watching ---- */

void
sim_observe(struct sim *sim, sim_observe_fn *fn, void *argument)
{
    sim->observe = fn;
    sim->observe_argument = argument;
}

uint64_t
sim_wire_bytes(const struct sim *sim)
{
    return sim->wire_bytes;
}

uint64_t
sim_false_deaths(const struct sim *sim)
{
    return sim->false_deaths;
}

sim_successors_fn *
sim_successors(const struct sim *sim)
{
    assert(sim->options.successors);
    return sim->options.successors;
}
