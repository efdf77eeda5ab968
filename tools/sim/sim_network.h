/* sim_network.h: how long it takes from one host to another, what gets lost, doubled or late on
 * the way, and who is cut off from whom. It knows host numbers and times, nothing of RELOAD.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_NETWORK_H
#define RELOAD_TOOLS_SIM_NETWORK_H

#include "tools/sim/sim_burst.h"
#include "tools/sim/sim_random.h"

#include <stdbool.h>

/* Shares are in parts per million. */
struct sim_network_options {
    uint64_t delay_min_ns,
        delay_max_ns;   /* one way, drawn once a pair, the same in both directions */
    uint64_t jitter_ns; /* added to each datagram, 0..jitter_ns */
    uint64_t extra_ns;  /* added to everything that is sent */
    uint64_t uneven_ns; /* likewise, 0..uneven_ns, anew each time */
    uint64_t spike_ns;  /* so late, at most, come |spike_ppm| of datagrams and messages */
    uint32_t spike_ppm;
    uint32_t loss_ppm;
    uint32_t duplicate_ppm;
    uint32_t reorder_ppm; /* datagrams that come 1..8 one-way delays late */
};

struct sim_network_cut {
    uint32_t from, to;
};

/* |group| tells which side of a partition a host is on; hosts beyond it are in group 0. */
struct sim_network {
    struct sim_network_options options;
    uint64_t seed;
    struct sim_random random;
    struct sim_burst burst; /* off until it is set */
    struct sim_network_cut *cuts;
    size_t cut_count, cut_capacity;
    uint8_t *groups;
    size_t group_count;
    uint64_t datagrams_lost, datagrams_doubled, datagrams_late;
};

/* sim_network_init makes a network without cuts. sim_network_fini frees it. */
void sim_network_init(struct sim_network *network, uint64_t seed,
                      const struct sim_network_options *options);
void sim_network_fini(struct sim_network *network);

/* sim_network_delay returns the one-way delay between |a| and |b|, in ns: a property of the pair.
 */
uint64_t sim_network_delay(const struct sim_network *network, uint32_t a, uint32_t b);

/* sim_network_reaches tells whether anything gets from |from| to |to| now. */
bool sim_network_reaches(const struct sim_network *network, uint32_t from, uint32_t to);

/* sim_network_cut lets nothing pass from |from| to |to| any more (one way); sim_network_heal lets
 * it pass again; sim_network_heal_all ends all cuts and the partition. */
void sim_network_cut(struct sim_network *network, uint32_t from, uint32_t to);
void sim_network_heal(struct sim_network *network, uint32_t from, uint32_t to);
void sim_network_heal_all(struct sim_network *network);

/* sim_network_partition puts |host| on side |group|; different sides do not reach each other. */
void sim_network_partition(struct sim_network *network, uint32_t host, uint8_t group);

/* sim_network_datagram decides the fate of a datagram sent at |now|: returns how many copies arrive
 * (0, 1 or 2) and when. */
unsigned sim_network_datagram(struct sim_network *network, uint32_t from, uint32_t to, uint64_t now,
                              uint64_t arrivals[2]);

/* sim_network_spike returns how much later something that is sent now comes, and is overtaken; most
 * often 0. sim_network_datagram has it in it. */
uint64_t sim_network_spike(struct sim_network *network);

/* sim_network_message returns when a message of a reliable link that is sent at |now| arrives: a
 * loss costs retransmissions' time. |*last| is when the one before it arrived; order is kept. */
uint64_t sim_network_message(struct sim_network *network, uint32_t from, uint32_t to, uint64_t now,
                             uint64_t *last);

#endif
