/* sim_fault_caller.c: hosts that never join, and attach to everybody.
 *
 * RFC 6940 6.5.1, 13.6.4. SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_fault_host.h"
#include "tools/sim/sim_fault_more.h"

#define CALLERS_MAX 12
#define CALL_GAP_NS SIM_MS(500)

/* Clients that are there for this fault only; nobody brings them back when they die. */
static bool
is_caller(const struct sim_trial *trial, uint32_t host)
{
    const struct reload_node *node = sim_node(trial->sim, host);
    return trial->is_clone[host] && node && reload_node_is_client(node);
}

void
sim_draw_callers(struct sim_fault *fault, struct sim_random *random, bool gentle)
{
    (void)gentle;
    fault->duration_ns = sim_random_between(random, SIM_SECONDS(10), SIM_SECONDS(180));
    fault->amount = (uint32_t)sim_random_between(random, 1, CALLERS_MAX);
}

static void
on_attached(void *argument, int error, uint32_t link, const struct reload_node_id *node_id,
            reload_time now)
{
    (void)argument;
    (void)error;
    (void)link;
    (void)node_id;
    (void)now;
}

/* Whom it calls follows from the time; many are called again and again. */
static void
call_somebody(struct sim_trial *trial, uint32_t caller)
{
    struct sim *sim = trial->sim;
    uint64_t pick = sim_mix(sim_now(sim), caller);
    struct reload_route route =
        reload_route_to_node(sim_node_id(sim, (uint32_t)(pick % trial->peers)));
    if (!sim_is_joined(sim, caller) || sim_is_paused(sim, caller))
        return;
    if (reload_node_attach(sim_node(sim, caller), &route, pick >> 32 & 1, on_attached, NULL,
                           sim_now(sim)) == 0)
        sim_turn(sim, caller);
}

static void
tick(struct sim *sim, void *argument)
{
    struct sim_trial *trial = argument;
    bool any = false;
    for (uint32_t i = 0; i < trial->peers && !trial->over; i++) {
        if (!is_caller(trial, i))
            continue;
        any = true;
        call_somebody(trial, i);
    }
    if (any)
        sim_call(sim, sim_now(sim) + CALL_GAP_NS, tick, trial);
}

void
sim_begin_callers(struct sim_trial *trial, const struct sim_fault *fault)
{
    const struct sim_node_options options = {.client = true};
    for (uint32_t i = 0; i < fault->amount && trial->peers < SIM_HOSTS_MAX; i++) {
        uint32_t caller = sim_add_node(trial->sim, &options);
        trial->is_clone[caller] = true;
        trial->peers = caller + 1;
    }
    tick(trial->sim, trial);
}

void
sim_end_callers(struct sim_trial *trial, const struct sim_fault *fault)
{
    (void)fault;
    for (uint32_t i = 0; i < trial->peers; i++)
        if (is_caller(trial, i))
            sim_victim_kill(trial, i);
}
