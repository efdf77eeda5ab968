/* sim_network.c: delays, losses and cuts.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_network.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MILLION 1000000
#define RTO_MIN_NS UINT64_C(200000000)
#define LOSSES_MAX 5 /* of one message in a row, on a reliable link */

enum { PURPOSE_CHANCE = 0x6e01, PURPOSE_DELAY = 0x6e02 };

void
sim_network_init(struct sim_network *network, uint64_t seed,
                 const struct sim_network_options *options)
{
    assert(options->delay_min_ns <= options->delay_max_ns);
    *network = (struct sim_network){.options = *options,
                                    .seed = sim_mix(seed, PURPOSE_DELAY),
                                    .random = sim_random_fork(seed, PURPOSE_CHANCE)};
    sim_burst_init(&network->burst, seed);
}

void
sim_network_fini(struct sim_network *network)
{
    free(network->cuts);
    free(network->groups);
    *network = (struct sim_network){0};
}

uint64_t
sim_network_delay(const struct sim_network *network, uint32_t a, uint32_t b)
{
    uint64_t low = a < b ? a : b, high = a < b ? b : a;
    uint64_t draw = sim_mix(network->seed, low << 32 | high);
    uint64_t span = network->options.delay_max_ns - network->options.delay_min_ns + 1;
    return network->options.delay_min_ns + (uint64_t)((unsigned __int128)draw * span >> 64);
}

static uint8_t
group_of(const struct sim_network *network, uint32_t host)
{
    return host < network->group_count ? network->groups[host] : 0;
}

static size_t
find_cut(const struct sim_network *network, uint32_t from, uint32_t to)
{
    for (size_t i = 0; i < network->cut_count; i++)
        if (network->cuts[i].from == from && network->cuts[i].to == to)
            return i;
    return network->cut_count;
}

bool
sim_network_reaches(const struct sim_network *network, uint32_t from, uint32_t to)
{
    return group_of(network, from) == group_of(network, to) &&
           find_cut(network, from, to) == network->cut_count;
}

void
sim_network_cut(struct sim_network *network, uint32_t from, uint32_t to)
{
    if (find_cut(network, from, to) < network->cut_count)
        return;
    if (network->cut_count == network->cut_capacity) {
        size_t capacity = network->cut_capacity ? 2 * network->cut_capacity : 16;
        struct sim_network_cut *cuts = realloc(network->cuts, capacity * sizeof *cuts);
        if (!cuts)
            abort();
        network->cuts = cuts;
        network->cut_capacity = capacity;
    }
    network->cuts[network->cut_count++] = (struct sim_network_cut){from, to};
}

void
sim_network_heal(struct sim_network *network, uint32_t from, uint32_t to)
{
    size_t at = find_cut(network, from, to);
    if (at < network->cut_count)
        network->cuts[at] = network->cuts[--network->cut_count];
}

void
sim_network_heal_all(struct sim_network *network)
{
    network->cut_count = 0;
    network->group_count = 0;
}

void
sim_network_partition(struct sim_network *network, uint32_t host, uint8_t group)
{
    if (host >= network->group_count) {
        size_t count = (size_t)host + 1;
        uint8_t *groups = realloc(network->groups, count);
        if (!groups)
            abort();
        memset(groups + network->group_count, 0, count - network->group_count);
        network->groups = groups;
        network->group_count = count;
    }
    network->groups[host] = group;
}

static bool
chance(struct sim_network *network, uint32_t ppm)
{
    return ppm > 0 && sim_random_below(&network->random, MILLION) < ppm;
}

static uint64_t
uneven(struct sim_network *network)
{
    uint64_t most_ns = network->options.uneven_ns;
    return most_ns > 0 ? sim_random_between(&network->random, 0, most_ns) : 0;
}

uint64_t
sim_network_spike(struct sim_network *network)
{
    if (!chance(network, network->options.spike_ppm))
        return 0;
    return sim_random_between(&network->random, 0, network->options.spike_ns);
}

static uint64_t
arrival(struct sim_network *network, uint64_t delay, uint64_t now)
{
    uint64_t at = now + delay + network->options.extra_ns;
    at += uneven(network) + sim_network_spike(network);
    if (network->options.jitter_ns)
        at += sim_random_between(&network->random, 0, network->options.jitter_ns);
    if (chance(network, network->options.reorder_ppm)) {
        at += delay * sim_random_between(&network->random, 1, 8);
        network->datagrams_late++;
    }
    return at;
}

unsigned
sim_network_datagram(struct sim_network *network, uint32_t from, uint32_t to, uint64_t now,
                     uint64_t arrivals[2])
{
    if (!sim_network_reaches(network, from, to) || chance(network, network->options.loss_ppm) ||
        sim_burst_loses(&network->burst, from, to, now)) {
        network->datagrams_lost++;
        return 0;
    }
    uint64_t delay = sim_network_delay(network, from, to);
    arrivals[0] = arrival(network, delay, now);
    if (!chance(network, network->options.duplicate_ppm))
        return 1;
    network->datagrams_doubled++;
    arrivals[1] = arrival(network, delay, now + 1);
    return 2;
}

uint64_t
sim_network_message(struct sim_network *network, uint32_t from, uint32_t to, uint64_t now,
                    uint64_t *last)
{
    uint64_t delay = sim_network_delay(network, from, to);
    uint64_t rto = 4 * delay > RTO_MIN_NS ? 4 * delay : RTO_MIN_NS;
    uint64_t at = now + delay + network->options.extra_ns + uneven(network);
    for (int i = 0; i < LOSSES_MAX && (chance(network, network->options.loss_ppm) ||
                                       sim_burst_loses(&network->burst, from, to, at - delay));
         i++, rto *= 2)
        at += rto;
    if (at < *last)
        at = *last;
    *last = at;
    return at;
}
