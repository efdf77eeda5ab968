/* sim_oddity.h: what a driver may do though none does it often: wake a node late or early, handle
 * what is due at once in another order, gather for seconds, have small datagrams, refuse links.
 *
 * Each kind is armed by itself. Chance comes from a stream of its own: unarmed they change nothing.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_ODDITY_H
#define RELOAD_TOOLS_SIM_ODDITY_H

#include "tools/sim/sim.h"
#include "tools/sim/sim_random.h"

enum sim_oddity {
    SIM_ODDITY_LATE,      /* timers come up to 200 ms late */
    SIM_ODDITY_EARLY,     /* nodes are woken when nothing is due */
    SIM_ODDITY_SHUFFLED,  /* what is due at once comes in any order */
    SIM_ODDITY_GATHERING, /* candidates take up to 3 s */
    SIM_ODDITY_SMALL_MTU, /* datagrams of 576 octets */
    SIM_ODDITY_HANDSHAKE, /* handshakes take up to 2 s longer */
    SIM_ODDITY_REFUSAL,   /* a tenth of links is refused */
    SIM_ODDITY_PERIODS,   /* periods of the overlay's document are much shorter */
    SIM_ODDITIES,
};

struct sim_oddities {
    struct sim_random random;
    bool were_late;                              /* timers, at any time */
    uint32_t armed;                              /* a bit for each */
    uint32_t update_interval_s, ping_interval_s; /* of the document, before */
};

/* sim_arm arms the oddities of |mask|, a bit for each, from now on; 0 ends all. Overlay 0 has the
 * odd periods. */
void sim_arm(struct sim *sim, uint32_t mask);

/* sim_lateness returns how much later than wanted a row of timers may have come, since some have
 * been late: 0, or 2 s. */
uint64_t sim_lateness(const struct sim *sim);

/* ---- for the simulator's files ---- */

/* sim_oddity_delay returns how much later than wanted something of kind |oddity| happens. */
uint64_t sim_oddity_delay(struct sim *sim, enum sim_oddity oddity);

/* sim_oddity_happens tells whether something of kind |oddity| happens this time. */
bool sim_oddity_happens(struct sim *sim, enum sim_oddity oddity);

#endif
