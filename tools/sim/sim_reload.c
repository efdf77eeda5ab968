/* sim_reload.c: a node made anew, beside the one that lives.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_reload.h"

#include "tools/sim/sim_internal.h"
#include "tools/sim/sim_state.h"

#include "reload/core/node_internal.h"

#include <stdlib.h>

uint64_t
sim_writes(const struct sim *sim, uint32_t node)
{
    return sim_host_of(sim, node)->disk.sequence;
}

/* A host that is not in the world: only a node's surroundings. */
static struct sim_host *
stand_in(struct sim_host *host)
{
    struct sim *sim = host->sim;
    struct sim_host *other = calloc(1, sizeof *other);
    if (!other)
        abort();
    other->sim = sim;
    other->index = host->index;
    other->options = host->options;
    other->random = sim_random_fork(host->disk.sequence, SIM_PURPOSE_RELOAD);
    other->env = host->env;
    other->env.context = other;
    other->env.log = NULL;
    int error = sim_keyring_init(&other->keyring, sim->certificates,
                                 sim->overlays[host->options.overlay].config, host->key,
                                 (struct reload_bytes){host->certificate, host->certificate_size},
                                 other, other->env.allocate);
    assert(error == 0);
    struct reload_node_options options = {.env = &other->env,
                                          .config = sim->overlays[host->options.overlay].config,
                                          .keyring = &other->keyring.keyring,
                                          .topology = sim->options.topology,
                                          .usage_count = sim->options.usage_count};
    for (size_t i = 0; i < options.usage_count; i++) /* their Kinds are stored, too */
        options.usages[i] = sim->options.usages[i];
    error = reload_node_new(&options, sim->now, &other->node);
    assert(error == 0);
    (void)error;
    return other;
}

static void
free_stand_in(struct sim_host *host)
{
    reload_node_free(host->node);
    sim_keyring_fini(&host->keyring);
    free(host);
}

/* In the order of their keys, as drivers do: then each finds what it needs (record.h). */
static int
by_key(const void *a, const void *b)
{
    const struct sim_disk_record *left = *(const struct sim_disk_record *const *)a;
    const struct sim_disk_record *right = *(const struct sim_disk_record *const *)b;
    return reload_ordered_compare(left->key, right->key);
}

static size_t
restore(struct sim_host *host, const struct sim_disk *disk)
{
    const struct sim_disk_record **order = calloc(disk->count + 1, sizeof *order);
    size_t refused = 0;
    if (!order)
        abort();
    for (size_t i = 0; i < disk->count; i++)
        order[i] = &disk->records[i];
    qsort(order, disk->count, sizeof *order, by_key);
    for (size_t i = 0; i < disk->count; i++)
        refused +=
            reload_node_restore(host->node, order[i]->key, order[i]->value, host->sim->now) != 0;
    free(order);
    return refused;
}

/* Whether anything ends within a second: what comes back is kept for whole seconds, and not longer
 * than it was stored for, so that this does not come back. */
static bool
is_something_ending(struct reload_node *node, uint64_t now)
{
    const struct reload_resource *resource =
        reload_storage_after(&node->storage, (struct reload_bytes){0});
    for (; resource; resource = reload_storage_after(&node->storage, reload_resource_id(resource)))
        for (const struct reload_stored_kind *kind = resource->kinds; kind; kind = kind->next) {
            const struct reload_stored *at = reload_stored_from(kind, (struct reload_bytes){0});
            for (; at; at = reload_stored_after(kind, at->entry.key)) {
                if (at->expires < now + RELOAD_SECOND)
                    return true;
                if (at->entry.key.size == 0)
                    break; /* the only one */
            }
        }
    return false;
}

struct sim_reload_result
sim_reload(struct sim *sim, uint32_t node)
{
    struct sim_host *host = sim_host_of(sim, node);
    assert(host->alive && host->node && !host->in_turn);
    struct sim_host *other = stand_in(host);
    struct sim_reload_result result = {
        .records = host->disk.count,
        .comparable = !host->disk_behind && host->options.skew_ms == 0 && host->starved == 0 &&
                      !is_something_ending(host->node, sim->now)};
    result.refused = restore(other, &host->disk);
    /* A Kind comes back with the newest generation of its values' records; a replica's may have
     * been set back since (7.4.1.1). */
    result.same =
        sim_state_of_storage(other->node, false) == sim_state_of_storage(host->node, false);
    free_stand_in(other);
    return result;
}
