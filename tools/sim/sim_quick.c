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

/* Those who have come so far. */
struct circle {
    struct sim *sim;
    struct place *places; /* in the ring's order */
    uint32_t count;
};

static place_t
place_of(const struct reload_node_id *node_id)
{
    place_t at = 0;
    for (size_t i = 0; i < 16; i++)
        at = at << 8 | node_id->octets[i];
    return at;
}

/* Where in the ring's order |at| is, or would be. */
static uint32_t
rank_of(const struct circle *circle, place_t at)
{
    uint32_t low = 0, high = circle->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (circle->places[middle].at < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The |a|-th peer attaches to the |b|-th, before anybody is a peer: nobody says so yet. */
static void
attach(struct circle *circle, uint32_t a, uint32_t b)
{
    struct sim *sim = circle->sim;
    uint32_t hosts[] = {circle->places[a].host, circle->places[b].host};
    if (a == b || reload_node_link_to(sim_node(sim, hosts[0]), sim_node_id(sim, hosts[1])) != 0)
        return;
    sim_handshake_stand(sim, hosts[0], hosts[1]);
    for (unsigned end = 0; end < 2; end++) {
        struct reload_link *link =
            reload_link_of_node(sim_node(sim, hosts[end]), sim_node_id(sim, hosts[1 - end]));
        link->attached = true;
        link->offered = end == 0;
        link->incoming = end == 1;
    }
}

/* As many neighbours as CHORD-RELOAD keeps of a ring of this size: ceil(log2 N) + 1. */
static uint32_t
neighbors_of(uint32_t count)
{
    uint32_t neighbors = 1;
    for (uint32_t size = 1; size < count; size *= 2)
        neighbors++;
    neighbors = neighbors < NEIGHBORS_MIN ? NEIGHBORS_MIN : neighbors;
    return neighbors < count ? neighbors : count - 1;
}

static void
attach_to_neighbors(struct circle *circle, uint32_t i)
{
    uint32_t neighbors = neighbors_of(circle->count);
    for (uint32_t step = 1; step <= neighbors; step++) {
        attach(circle, i, (i + step) % circle->count);
        attach(circle, i, (i + circle->count - step) % circle->count);
    }
}

/* The number of the highest bit. */
static unsigned
range_of(place_t distance)
{
    unsigned range = 0;
    while (distance >>= 1)
        range++;
    return range;
}

/* In whose finger ranges there is somebody that the |i|-th peer is linked with, not just as a
 * neighbour: one bit each. */
static place_t
ranges_filled(const struct circle *circle, uint32_t i)
{
    uint32_t neighbors = neighbors_of(circle->count);
    place_t self = circle->places[i].at, filled = 0;
    place_t ahead = circle->places[(i + neighbors) % circle->count].at - self;
    place_t back = circle->places[(i + circle->count - neighbors) % circle->count].at - self;
    struct reload_link_info info;
    size_t cursor = 0;
    while (reload_node_link_next(sim_node(circle->sim, circle->places[i].host), &cursor, &info)) {
        place_t distance = place_of(&info.node_id) - self;
        if (ahead < distance && distance < back)
            filled |= (place_t)1 << range_of(distance);
    }
    return filled;
}

/* The first peer of each finger's range in which nobody is known, as far as there is one
 * (10.7.4.2). */
static void
attach_to_fingers(struct circle *circle, uint32_t i)
{
    place_t filled = ranges_filled(circle, i), self = circle->places[i].at;
    for (unsigned bit = FINGERS - 1; bit > 0; bit--) {
        place_t gap = (place_t)1 << bit;
        uint32_t k = rank_of(circle, self + gap) % circle->count;
        place_t found = circle->places[k].at - self;
        if (found < gap || found - gap >= gap)
            break; /* nobody is in there, nor in any nearer one */
        if (!(filled & gap))
            attach(circle, i, k);
    }
}

/* One peer after the other takes its place and attaches to those that are there. The tables of the
 * first ones are of a small ring, as they would be. */
static void
add_peers(struct circle *circle, uint32_t count)
{
    for (uint32_t n = 0; n < count; n++) {
        uint32_t host = sim_add_node(
            circle->sim, &(struct sim_node_options){.founder = true, .lone = true, .idle = true});
        struct place place = {place_of(sim_node_id(circle->sim, host)), host};
        uint32_t i = rank_of(circle, place.at);
        memmove(&circle->places[i + 1], &circle->places[i],
                (circle->count - i) * sizeof *circle->places);
        circle->places[i] = place;
        circle->count++;
        attach_to_neighbors(circle, i);
        attach_to_fingers(circle, i);
    }
    for (uint32_t i = 0; i < count; i++) /* later ones may not have known them */
        attach_to_neighbors(circle, i);
    for (uint32_t i = 0; i < count; i++)
        attach_to_fingers(circle, i);
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
    struct circle circle = {.sim = sim};
    uint32_t first = sim_node_count(sim);
    assert(sim->overlays[0].first_peer == SIM_NOBODY && count > 0);
    circle.places = calloc(count, sizeof *circle.places);
    if (!circle.places)
        abort();
    add_peers(&circle, count);
    start_peers(&circle, first, enter);
    free(circle.places);
    uint64_t limit = sim_now(sim) + LIMIT_NS;
    sim_run_for(sim, count * TELL_GAP_NS);
    do
        sim_run_for(sim, LOOK_NS);
    while (!sim_ring_is_whole(sim, 0, NULL) && sim_now(sim) < limit);
    return sim_ring_is_whole(sim, 0, NULL);
}
