/* sim_puppet.c: hosts that a test plays, taps, and forged messages.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_internal.h"

#include <stdlib.h>

static struct sim_host *
puppet_of(const struct sim *sim, uint32_t puppet)
{
    struct sim_host *host = sim_host_of(sim, puppet);
    assert(host->puppet);
    return host;
}

uint32_t
sim_puppet_connect(struct sim *sim, uint32_t puppet, uint32_t node)
{
    struct sim_host *host = puppet_of(sim, puppet);
    uint32_t link = ++host->puppet->next_link;
    struct reload_offer offer = {.candidate_count = 1};
    offer.candidates[0] = sim_host_candidate(sim, node);
    struct reload_effect effect = {.type = RELOAD_EFFECT_CONNECT, .link = link, .remote = &offer};
    sim_pipe_connect(host, &effect);
    sim_run_for(sim, 6 * sim_network_delay(&sim->network, puppet, node));
    return sim_puppet_link_is_up(sim, puppet, link) ? link : 0;
}

bool
sim_puppet_link_is_up(const struct sim *sim, uint32_t puppet, uint32_t link)
{
    const struct sim_host *host = puppet_of(sim, puppet);
    uint32_t value = 0;
    return sim_map_get(&host->links, link, &value) && sim->pipes[value >> 1].ends[value & 1].up &&
           !sim->pipes[value >> 1].ends[1 - (value & 1)].gone;
}

void
sim_puppet_say(struct sim *sim, uint32_t puppet, uint32_t link, struct reload_bytes bytes)
{
    struct reload_effect effect = {.type = RELOAD_EFFECT_SEND, .link = link, .bytes = bytes};
    sim_pipe_send(puppet_of(sim, puppet), &effect);
}

void
sim_puppet_close(struct sim *sim, uint32_t puppet, uint32_t link)
{
    sim_pipe_close(puppet_of(sim, puppet), link);
}

void
sim_puppet_listen(struct sim *sim, uint32_t puppet, sim_puppet_fn *fn, void *argument)
{
    struct sim_puppet *state = puppet_of(sim, puppet)->puppet;
    state->fn = fn;
    state->argument = argument;
}

size_t
sim_puppet_heard_count(const struct sim *sim, uint32_t puppet)
{
    return puppet_of(sim, puppet)->puppet->heard_count;
}

const struct sim_heard *
sim_puppet_heard(const struct sim *sim, uint32_t puppet, size_t index)
{
    const struct sim_puppet *state = puppet_of(sim, puppet)->puppet;
    return index < state->heard_count ? &state->heard[index] : NULL;
}

void
sim_puppet_forget(struct sim *sim, uint32_t puppet)
{
    struct sim_puppet *state = puppet_of(sim, puppet)->puppet;
    for (size_t i = 0; i < state->heard_count; i++)
        free((void *)(uintptr_t)state->heard[i].bytes.data);
    state->heard_count = 0;
}

/* ---- what passes ---- */

void
sim_tap(struct sim *sim, sim_tap_fn *fn, void *argument)
{
    if (sim->taps[0].fn)
        sim->tap_count--;
    if (fn)
        sim->tap_count++;
    sim->taps[0] = (struct sim_tap){fn, argument};
}

void
sim_tap_add(struct sim *sim, sim_tap_fn *fn, void *argument)
{
    unsigned at = 1;
    while (at < SIM_TAPS_MAX && sim->taps[at].fn)
        at++;
    assert(at < SIM_TAPS_MAX);
    sim->taps[at] = (struct sim_tap){fn, argument};
    sim->tap_count++;
}

void
sim_tap_remove(struct sim *sim, void *argument)
{
    for (unsigned i = 1; i < SIM_TAPS_MAX; i++)
        if (sim->taps[i].fn && sim->taps[i].argument == argument) {
            sim->taps[i] = (struct sim_tap){0};
            sim->tap_count--;
            return;
        }
}

void
sim_inspect(struct sim *sim, sim_inspect_fn *fn, void *argument)
{
    sim->inspect = fn;
    sim->inspect_argument = argument;
}

/* The lowest pipe counts, not the order of the map. */
uint32_t
sim_link(struct sim *sim, uint32_t node, uint32_t peer)
{
    for (uint32_t i = 0; i < sim->pipe_count; i++) {
        const struct sim_pipe *pipe = &sim->pipes[i];
        for (unsigned end = 0; end < 2; end++)
            if (pipe->used && pipe->application == 0 && pipe->ends[end].host == node &&
                pipe->ends[1 - end].host == peer && pipe->ends[end].up && !pipe->ends[1 - end].gone)
                return pipe->ends[end].link;
    }
    return 0;
}

unsigned
sim_link_count(const struct sim *sim, uint32_t node, uint32_t peer)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < sim->pipe_count; i++) {
        const struct sim_pipe *pipe = &sim->pipes[i];
        uint32_t client = pipe->ends[0].host, server = pipe->ends[1].host;
        bool these = (client == node && server == peer) || (client == peer && server == node);
        count +=
            pipe->used && these && pipe->application == 0 && pipe->ends[0].up && pipe->ends[1].up;
    }
    return count;
}

void
sim_inject(struct sim *sim, uint32_t node, uint32_t link, struct reload_bytes bytes)
{
    struct sim_host *host = sim_host_of(sim, node);
    assert(host->node && !host->in_turn);
    sim_hash_add_u64(&sim->trace, (uint64_t)node << 32 | link);
    sim_hash_add(&sim->trace, bytes.data, bytes.size);
    int error = reload_node_recv(host->node, link, bytes, sim->now);
    sim_host_turn(host);
    if (error && reload_error_class(error) == RELOAD_CLASS_LINK && host->alive)
        sim_pipe_close(host, link);
}

void
sim_send(struct sim *sim, uint32_t from, uint32_t to, struct reload_bytes bytes)
{
    uint32_t link = sim_link(sim, from, to);
    assert(link != 0);
    struct reload_effect effect = {.type = RELOAD_EFFECT_SEND, .link = link, .bytes = bytes};
    sim_pipe_send(sim_host_of(sim, from), &effect);
}
