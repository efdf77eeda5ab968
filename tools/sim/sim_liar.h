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
    /* The scenarios' third stream has these, too. */
    SIM_LIE_VALUES,  /* Fetches bring what it signed itself, another's, a wrong bit, or nothing */
    SIM_LIE_STALE,   /* Fetches bring the oldest value that it heard of */
    SIM_LIE_REPLAYS, /* Stores of others are said again and again, as they were signed */
    SIM_LIE_PROBES,  /* Probe and Ping answers say anything */
    SIM_LIE_VIA,     /* Via Lists of what it sends are empty, another's, or very long */
    SIM_LIE_HUGE,    /* messages far beyond what the overlay allows; first fragments, no second */
    SIM_LIE_ECLIPSE, /* a group: they name each other and nobody else, and forward to each other */
    SIM_LIES,
};
#define SIM_LIES_FIRST (SIM_LIE_SPOILED + 1) /* the older streams know so many */

#define SIM_LIAR_RESOURCE_MAX 20
#define SIM_LIAR_ASKED_MAX 64
#define SIM_LIAR_HEIRLOOMS_MAX 24
#define SIM_LIAR_STORES_MAX 16
#define SIM_LIAR_OCTETS_MAX 2048

struct sim_liar_resource {
    uint8_t size, octets[SIM_LIAR_RESOURCE_MAX];
};

/* A value as it was stored when a liar first heard of it. */
struct sim_heirloom {
    struct sim_liar_resource resource;
    uint32_t kind, signer; /* a host */
    size_t size;
    uint8_t octets[SIM_LIAR_OCTETS_MAX]; /* a StoredData */
};

/* What liars remember, of others. */
struct sim_liar_memory {
    struct {
        uint64_t transaction_id;
        struct sim_liar_resource resource;
    } asked[SIM_LIAR_ASKED_MAX]; /* by Fetches; the last ones, in a circle */
    size_t asked_count;
    struct sim_heirloom heirlooms[SIM_LIAR_HEIRLOOMS_MAX]; /* the first ones */
    size_t heirloom_count;
    struct {
        size_t size;
        uint8_t octets[SIM_LIAR_OCTETS_MAX];
    } stores[SIM_LIAR_STORES_MAX]; /* whole messages; the last ones, in a circle */
    size_t store_count;
};

struct sim_liar {
    struct sim *sim;
    struct sim_random random;
    uint8_t lies[SIM_HOSTS_MAX]; /* enum sim_lie */
    uint32_t liars;              /* how many there are */
    bool busy;                   /* says something itself */
    bool ticking;
    uint64_t ticks;
    uint64_t told;           /* so far */
    uint64_t stale_until_ns; /* until then a Fetch may bring what is old; 0: never */
    uint64_t believed_until_ns; /* until then others may try whom it named; 0: it named nobody */
    struct sim_liar_memory memory;
};

/* sim_liar_begin taps |sim| from now on; nobody lies yet. */
void sim_liar_begin(struct sim_liar *liar, struct sim *sim, uint64_t seed);

/* sim_liar_set lets |node| lie like that, or be honest again (SIM_LIE_NONE). */
void sim_liar_set(struct sim_liar *liar, uint32_t node, enum sim_lie lie);

/* sim_liar_is_stale tells whether an answer that comes now may be an old one by SIM_LIE_STALE. */
bool sim_liar_is_stale(const struct sim_liar *liar);

/* sim_liar_end ends it: all are honest. */
void sim_liar_end(struct sim_liar *liar);

#endif
