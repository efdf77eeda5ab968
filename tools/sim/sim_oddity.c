/* sim_oddity.c: unusual drivers.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_oddity.h"

#include "tools/sim/sim_internal.h"

#define EARLY_GAP_NS SIM_MS(50)
#define SHORT_UPDATE_INTERVAL_S 20
#define SHORT_PING_INTERVAL_S 60

static bool
is_armed(const struct sim *sim, enum sim_oddity oddity)
{
    return sim->oddities.armed >> oddity & 1;
}

uint64_t
sim_oddity_delay(struct sim *sim, enum sim_oddity oddity)
{
    static const uint64_t most_ns[SIM_ODDITIES] = {[SIM_ODDITY_LATE] = SIM_MS(200),
                                                   [SIM_ODDITY_SHUFFLED] = 1000,
                                                   [SIM_ODDITY_GATHERING] = SIM_SECONDS(3),
                                                   [SIM_ODDITY_HANDSHAKE] = SIM_SECONDS(2)};
    return is_armed(sim, oddity) ? sim_random_below(&sim->oddities.random, most_ns[oddity]) : 0;
}

bool
sim_oddity_happens(struct sim *sim, enum sim_oddity oddity)
{
    static const unsigned one_in[SIM_ODDITIES] = {
        [SIM_ODDITY_SMALL_MTU] = 1, [SIM_ODDITY_REFUSAL] = 10};
    return is_armed(sim, oddity) && sim_random_below(&sim->oddities.random, one_in[oddity]) == 0;
}

uint64_t
sim_lateness(const struct sim *sim)
{
    return sim->oddities.were_late ? SIM_SECONDS(2) : 0;
}

/* Wakes a node that did not ask for it. */
static void
wake(struct sim *sim, void *argument)
{
    (void)argument;
    if (!is_armed(sim, SIM_ODDITY_EARLY))
        return;
    uint64_t pick = sim_random_next(&sim->oddities.random);
    struct sim_host *host = sim_host_of(sim, (uint32_t)(pick % sim->host_count));
    if (host->alive && host->node && !host->paused) {
        reload_node_timeout(host->node, sim->now);
        sim_host_turn(host);
    }
    sim_call(sim, sim->now + EARLY_GAP_NS, wake, NULL);
}

static void
set_periods(struct sim *sim, bool are_short)
{
    struct reload_config *config = sim->overlays[0].config;
    struct sim_oddities *oddities = &sim->oddities;
    if (are_short) {
        oddities->update_interval_s = config->chord_update_interval_s;
        oddities->ping_interval_s = config->chord_ping_interval_s;
        config->chord_update_interval_s = SHORT_UPDATE_INTERVAL_S;
        config->chord_ping_interval_s = SHORT_PING_INTERVAL_S;
    } else {
        config->chord_update_interval_s = oddities->update_interval_s;
        config->chord_ping_interval_s = oddities->ping_interval_s;
    }
}

void
sim_arm(struct sim *sim, uint32_t mask)
{
    uint32_t before = sim->oddities.armed;
    sim->oddities.armed = mask;
    if (is_armed(sim, SIM_ODDITY_LATE))
        sim->oddities.were_late = true;
    bool were_short = before >> SIM_ODDITY_PERIODS & 1,
         are_short = is_armed(sim, SIM_ODDITY_PERIODS);
    if (were_short != are_short)
        set_periods(sim, are_short);
    if (is_armed(sim, SIM_ODDITY_EARLY) && !(before >> SIM_ODDITY_EARLY & 1))
        wake(sim, NULL);
}
