/* sim_memory.c: what the memory of a node is used for.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_memory.h"

#include "reload/core/node_internal.h"
#include "tools/sim/sim_internal.h"

void
sim_memory_parts(struct sim *sim, uint32_t index, struct sim_memory_parts *parts)
{
    const struct sim_host *host = sim_host_of(sim, index);
    const struct reload_node *node = host->node;
    if (!node)
        return;
    struct sim_memory_parts own = {
        .node = sizeof *node,
        .topology = sim->options.topology->size,
        .links = node->links.count * sizeof(struct reload_link) +
                 node->links.capacity * (sizeof(struct reload_link *) + sizeof(uint32_t)) +
                 node->links.by_node_size * sizeof(uint16_t),
        .link_count = 0,
        .answers = node->answers.octets,
        .storage = node->storage.octets + node->storage.certificates.octets,
        .keyring = host->keyring.known_slots * sizeof(uint32_t),
        .transactions = node->transactions.count * sizeof(struct reload_transaction) +
                        node->transactions.bucket_count * sizeof(void *),
        .all = host->memory};
    uint64_t known = own.node + own.topology + own.links + own.answers + own.storage + own.keyring +
                     own.transactions;
    own.other = own.all > known ? own.all - known : 0;
    own.link_count = node->links.count;
#define X(name, text) parts->name += own.name;
    SIM_MEMORY(X)
#undef X
}
