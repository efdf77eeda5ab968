/* sim_memory.h: what the memory of a node is used for, seen from outside.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_MEMORY_H
#define RELOAD_TOOLS_SIM_MEMORY_H

#include "tools/sim/sim.h"

/* One row each: field name, text for people. All in octets. */
#define SIM_MEMORY(X)                                                                              \
    X(node, "the node itself")                                                                     \
    X(topology, "topology: fixed part")                                                            \
    X(links, "links: state")                                                                       \
    X(link_count, "links: how many")                                                               \
    X(answers, "answers kept for retransmissions")                                                 \
    X(storage, "stored values")                                                                    \
    X(keyring, "certificates known (simulated keyring)")                                           \
    X(transactions, "requests under way: state")                                                   \
    X(other, "buffers, alarms, tables, certificates of values")                                    \
    X(all, "all")

struct sim_memory_parts {
#define X(name, text) uint64_t name;
    SIM_MEMORY(X)
#undef X
};

/* sim_memory_parts adds what live |node| uses to |parts|. */
void sim_memory_parts(struct sim *sim, uint32_t node, struct sim_memory_parts *parts);

#endif
