/* sim_quick.c: large rings at once.
 *
 * RFC 6940 10.1, 10.3. SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_quick.h"

#include "reload/core/node_internal.h"
#include "tools/sim/sim_internal.h"

#include <stdlib.h>

#define LOOK_NS SIM_MS(500)
#define LIMIT_NS SIM_MINUTES(5)
#define TELL_GAP_NS (RELOAD_MS / 10) /* not all at once: what is under way takes memory */
#define NEIGHBORS_MIN 3
#define FINGERS 128

typedef unsigned __int128 place_t;

struct place {
    place_t at;
    uint32_t host;
};

struct circle {
    struct sim *sim;
    struct place *places; /* in the ring's order */
    uint32_t count;
};

static int
by_place(const void *a, const void *b)
{
    const struct place *left = a, *right = b;
    return left->at < right->at ? -1 : left->at > right->at;
}

static place_t
place_of(const struct reload_node_id *node_id)
{
    place_t at = 0;
    for (size_t i = 0; i < 16; i++)
        at = at << 8 | node_id->octets[i];
    return at;
}

/* The first peer at |at| or behind it. */
static uint32_t
first_at(const struct circle *circle, place_t at)
{
    uint32_t low = 0, high = circle->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (circle->places[middle].at < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low % circle->count;
}

/* Before anybody is a peer: nobody says so yet. */
static void
join_up(struct circle *circle, uint32_t i, uint32_t k)
{
    struct sim *sim = circle->sim;
    uint32_t a = circle->places[i].host, b = circle->places[k].host;
    if (a != b && reload_node_link_to(sim_node(sim, a), sim_node_id(sim, b)) == 0)
        sim_handshake_stand(sim, a, b);
}

/* As many neighbours as CHORD-RELOAD keeps of a ring of this size: ceil(log2 N) + 1. */
static uint32_t
neighbors_of(uint32_t count)
{
    uint32_t neighbors = 1;
    for (uint32_t size = 1; size < count; size *= 2)
        neighbors++;
    return neighbors < NEIGHBORS_MIN ? NEIGHBORS_MIN : neighbors;
}

static void
link_neighbors(struct circle *circle)
{
    uint32_t neighbors = neighbors_of(circle->count);
    for (uint32_t step = 1; step <= neighbors && step < circle->count; step++)
        for (uint32_t i = 0; i < circle->count; i++)
            join_up(circle, i, (i + step) % circle->count);
}

/* The first peer of each finger's range, as far as they are not neighbours anyhow (10.7.4.2). */
static void
link_fingers(struct circle *circle)
{
    for (uint32_t i = 0; i < circle->count; i++)
        for (unsigned bit = FINGERS - 1; bit > 0; bit--) {
            place_t gap = (place_t)1 << bit, self = circle->places[i].at;
            uint32_t k = first_at(circle, self + gap);
            place_t found = circle->places[k].at - self;
            if (found < gap || found - gap >= gap)
                break; /* nobody is in there, nor in any nearer one */
            join_up(circle, i, k);
        }
}

static void
add_peers(struct circle *circle)
{
    struct sim *sim = circle->sim;
    for (uint32_t i = 0; i < circle->count; i++) {
        uint32_t node = sim_add_node(
            sim, &(struct sim_node_options){.founder = true, .lone = true, .idle = true});
        circle->places[i] = (struct place){place_of(sim_node_id(sim, node)), node};
    }
    qsort(circle->places, circle->count, sizeof *circle->places, by_place);
}

/* All at once: who were told of a peer before they are peers themselves would not listen. */
static void
start_peers(struct circle *circle, uint32_t first, sim_enter_fn *enter)
{
    struct sim *sim = circle->sim;
    struct sim_overlay *overlay = &sim->overlays[0];
    overlay->first_peer = first;
    for (uint32_t i = 0; i < circle->count && i < SIM_BOOTSTRAP_NODES_MAX; i++)
        overlay->bootstrap[overlay->bootstrap_count++] = first + i;
    for (uint32_t i = 0; i < circle->count; i++) {
        struct sim_host *host = sim_host_of(sim, first + i);
        host->options.idle = false;
        sim_host_start(host);
        assert(host->joined);
        host->options.lone = false;
        host->options.founder = i == 0;
        host->node->options.first_node = i == 0;
        enter(reload_node_topology(host->node), sim_now(sim) + i * TELL_GAP_NS, sim_now(sim));
        sim_host_start(host); /* tells the bootstrap nodes */
    }
}

bool
sim_quick_start(struct sim *sim, uint32_t count, sim_enter_fn *enter)
{
    struct circle circle = {.sim = sim, .count = count};
    uint32_t first = sim_node_count(sim);
    assert(sim->overlays[0].first_peer == SIM_NOBODY && count > 0);
    circle.places = calloc(count, sizeof *circle.places);
    if (!circle.places)
        abort();
    add_peers(&circle);
    link_neighbors(&circle);
    link_fingers(&circle);
    start_peers(&circle, first, enter);
    free(circle.places);
    uint64_t limit = sim_now(sim) + LIMIT_NS;
    sim_run_for(sim, count * TELL_GAP_NS);
    do
        sim_run_for(sim, LOOK_NS);
    while (!sim_ring_is_whole(sim, 0, NULL) && sim_now(sim) < limit);
    return sim_ring_is_whole(sim, 0, NULL);
}
