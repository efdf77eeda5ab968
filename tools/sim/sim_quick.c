/* sim_quick.c: large rings at once.
 *
 * RFC 6940 10.1, 10.3. SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_quick.h"

#include "reload/core/node_internal.h"
#include "tools/sim/sim_internal.h"

#include <stdlib.h>

#define LOOK_NS SIM_MS(500)
#define LIMIT_NS SIM_MINUTES(5)
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

static bool
are_linked(struct sim *sim, uint32_t a, uint32_t b)
{
    return reload_node_link_to(sim_node(sim, a), sim_node_id(sim, b)) != 0;
}

/* No time passes: to whom a link stands nobody has sent an Attach yet. */
static void
join_up(struct circle *circle, uint32_t i, uint32_t k)
{
    uint32_t a = circle->places[i].host, b = circle->places[k].host;
    if (a != b && !are_linked(circle->sim, a, b))
        sim_handshake_stand(circle->sim, a, b);
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
add_peers(struct circle *circle, sim_unfound_fn *unfound)
{
    struct sim *sim = circle->sim;
    for (uint32_t i = 0; i < circle->count; i++) {
        uint32_t node =
            sim_add_node(sim, &(struct sim_node_options){.founder = true, .lone = true});
        struct sim_host *host = sim_host_of(sim, node);
        circle->places[i] = (struct place){place_of(&host->node_id), node};
        assert(host->joined);
        host->options.lone = false;
        host->options.founder = i == 0;
        host->node->options.first_node = i == 0;
        if (i < SIM_BOOTSTRAP_NODES_MAX)
            sim->overlays[0].bootstrap[sim->overlays[0].bootstrap_count++] = node;
        if (i == 0)
            sim->overlays[0].first_peer = node;
        else
            unfound(reload_node_topology(host->node));
    }
    for (uint32_t i = 0; i < circle->count; i++)
        sim_host_start(sim_host_of(sim, circle->places[i].host)); /* tells the bootstrap nodes */
}

bool
sim_quick_start(struct sim *sim, uint32_t count, sim_unfound_fn *unfound)
{
    struct circle circle = {.sim = sim, .count = count};
    assert(sim->overlays[0].first_peer == SIM_NOBODY && count > 0);
    circle.places = calloc(count, sizeof *circle.places);
    if (!circle.places)
        abort();
    add_peers(&circle, unfound);
    qsort(circle.places, count, sizeof *circle.places, by_place);
    link_neighbors(&circle);
    link_fingers(&circle);
    free(circle.places);
    uint64_t limit = sim_now(sim) + LIMIT_NS;
    while (!sim_ring_is_whole(sim, 0, NULL)) {
        if (sim_now(sim) > limit)
            return false;
        sim_run_for(sim, LOOK_NS);
    }
    return true;
}
