/* sim_liar.h: nodes with a valid certificate that say what is not true, in well-formed messages
 * that they sign, or that send octets that mean nothing. Beside sim_byzantine.h, whose nodes drop,
 * delay, spoil and repeat what honest code makes.
 *
 * RFC 6940 13.6. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_LIAR_H
#define RELOAD_TOOLS_SIM_LIAR_H

#include "tools/sim/sim_random.h"
#include "tools/sim/sim_scenario.h"

enum sim_lie {
    SIM_LIE_NONE,
    SIM_LIE_TABLES,    /* Updates and RouteQuery answers name anybody */
    SIM_LIE_ANSWERS,   /* Stores and Fetches are refused, whatever there is */
    SIM_LIE_GARBAGE,   /* octets that mean nothing, on all links */
    SIM_LIE_DEAF,      /* frames are never acknowledged */
    SIM_LIE_MISROUTED, /* what is to be forwarded goes to anybody */
    SIM_LIE_SPOILED,   /* a bit of a third of what it sends is wrong, where it is signed */
    SIM_LIES,
};

struct sim_liar {
    struct sim *sim;
    struct sim_random random;
    uint8_t lies[SIM_HOSTS_MAX]; /* enum sim_lie */
    uint32_t liars;              /* how many there are */
    bool busy;                   /* says something itself */
    bool ticking;
    uint64_t told; /* so far */
};

/* sim_liar_begin taps |sim| from now on; nobody lies yet. */
void sim_liar_begin(struct sim_liar *liar, struct sim *sim, uint64_t seed);

/* sim_liar_set lets |node| lie like that, or be honest again (SIM_LIE_NONE). */
void sim_liar_set(struct sim_liar *liar, uint32_t node, enum sim_lie lie);

/* sim_liar_end ends it: all are honest. */
void sim_liar_end(struct sim_liar *liar);

#endif
