/* sim_pipe_cut.c: links whose ends do not reach each other for a while.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_internal.h"

#include <stdlib.h>

void
sim_pipe_hold(struct sim_pipe *pipe, struct sim_event *event)
{
    if (pipe->held_count == pipe->held_capacity) {
        size_t capacity = pipe->held_capacity ? 2 * pipe->held_capacity : 8;
        struct sim_event **held = realloc(pipe->held, capacity * sizeof(struct sim_event *));
        if (!held)
            abort();
        pipe->held = held;
        pipe->held_capacity = capacity;
    }
    pipe->held[pipe->held_count++] = event;
}

void
sim_pipe_drop_held(struct sim *sim, struct sim_pipe *pipe)
{
    for (size_t i = 0; i < pipe->held_count; i++)
        sim_event_free(sim, pipe->held[i]);
    free(pipe->held);
    pipe->held = NULL;
    pipe->held_count = pipe->held_capacity = 0;
}

/* A link of messages to a paused host is like one that is cut; frames have their own timers. */
bool
sim_pipe_stands_still(const struct sim *sim, const struct sim_pipe *pipe)
{
    return pipe->framing == RELOAD_FRAMING_NONE && (sim_host_of(sim, pipe->ends[0].host)->paused ||
                                                    sim_host_of(sim, pipe->ends[1].host)->paused);
}

static bool
is_cut(const struct sim *sim, const struct sim_pipe *pipe)
{
    uint32_t a = pipe->ends[0].host, b = pipe->ends[1].host;
    return sim_pipe_stands_still(sim, pipe) || !sim_network_reaches(&sim->network, a, b) ||
           !sim_network_reaches(&sim->network, b, a);
}

void
sim_pipe_cut(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->pipe_count; i++) {
        struct sim_pipe *pipe = &sim->pipes[i];
        if (!pipe->used || !pipe->accepted || pipe->cut_at || !is_cut(sim, pipe))
            continue;
        pipe->cut_at = sim->now;
        if (pipe->framing == RELOAD_FRAMING_NONE)
            sim_pipe_schedule(sim, pipe, sim->now + sim->options.detect_ns, SIM_EVENT_DETECT, 0, 0);
    }
}

void
sim_pipe_healed(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->pipe_count; i++) {
        struct sim_pipe *pipe = &sim->pipes[i];
        if (!pipe->used || !pipe->cut_at || is_cut(sim, pipe))
            continue;
        pipe->cut_at = 0;
        for (size_t k = 0; k < pipe->held_count; k++) {
            struct sim_event *event = pipe->held[k];
            unsigned end = event->end;
            sim_queue_push(&sim->queue,
                           sim_network_message(&sim->network, pipe->ends[1 - end].host,
                                               pipe->ends[end].host, sim->now,
                                               &pipe->ends[end].last),
                           event);
        }
        pipe->held_count = 0;
    }
}

void
sim_pipe_detect(struct sim *sim, struct sim_pipe *pipe)
{
    if (!pipe->cut_at || sim->now - pipe->cut_at < sim->options.detect_ns)
        return;
    for (unsigned end = 0; end < 2; end++)
        if (!pipe->ends[end].gone)
            sim_pipe_tell_down(sim, pipe, end, RELOAD_E_LINK, sim->now);
    sim_pipe_drop_held(sim, pipe);
}
