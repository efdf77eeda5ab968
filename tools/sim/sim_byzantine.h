/* sim_byzantine.h: nodes that do with what they send what they like: forget it, hold it back, spoil
 * it, say it twice, or say again what they said long ago. Their certificates are valid.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_BYZANTINE_H
#define RELOAD_TOOLS_SIM_BYZANTINE_H

#include "tools/sim/sim_random.h"
#include "tools/sim/sim_scenario.h"

enum sim_vice {
    SIM_VICE_NONE,
    SIM_VICE_SILENT,    /* forwards nothing and answers nothing: says only what it wants itself */
    SIM_VICE_LOSSY,     /* drops a third */
    SIM_VICE_SLOW,      /* up to 20 s late */
    SIM_VICE_GARBLING,  /* a wrong octet in a third */
    SIM_VICE_REPEATING, /* everything three times */
    SIM_VICE_REPLAYING, /* an old message in place of a third of the new ones */
    SIM_VICES,
};

#define SIM_OLD_MESSAGES_MAX 16
#define SIM_OLD_MESSAGE_SIZE_MAX 2048

struct sim_byzantine {
    struct sim_random random;
    uint8_t vices[SIM_HOSTS_MAX]; /* enum sim_vice */
    struct {
        uint8_t bytes[SIM_OLD_MESSAGE_SIZE_MAX];
        size_t size;
    } old[SIM_OLD_MESSAGES_MAX]; /* said by any of them */
    uint64_t misdeeds;
};

/* sim_byzantine_begin taps |sim| (sim_tap) from now on. */
void sim_byzantine_begin(struct sim_byzantine *byzantine, struct sim *sim, uint64_t seed);

/* sim_byzantine_end ends that: everybody behaves. */
void sim_byzantine_end(struct sim_byzantine *byzantine, struct sim *sim);

#endif
