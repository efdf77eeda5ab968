/* node_internal.h: what a node consists of, for the files of the core only.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_NODE_INTERNAL_H
#define RELOAD_CORE_NODE_INTERNAL_H

#include "reload/base/alarm.h"
#include "reload/core/answer_cache.h"
#include "reload/core/attach.h"
#include "reload/core/bootstrap.h"
#include "reload/core/buffer.h"
#include "reload/core/effects.h"
#include "reload/core/handler.h"
#include "reload/core/kind.h"
#include "reload/core/limiter.h"
#include "reload/core/limits.h"
#include "reload/core/link.h"
#include "reload/core/push.h"
#include "reload/core/reassembly.h"
#include "reload/core/storage.h"
#include "reload/core/transaction.h"
#include "reload/topology.h"
#include "reload/usage.h"

struct reload_node {
    struct reload_node_options options;
    const struct reload_env *env;
    const struct reload_config *config;
    struct reload_keyring *keyring;
    const struct reload_topology_ops *topology;
    void *topology_state;
    void *usage_states[RELOAD_USAGES_MAX];

    struct reload_wire wire; /* its |kinds| is &kinds below */
    struct reload_kinds kinds;
    struct reload_node_id id;

    struct reload_alarms alarms; /* every timer of the core */
    struct reload_effects effects;
    struct reload_buffers buffers;
    struct reload_links links;
    struct reload_transactions transactions;
    struct reload_answer_cache answers;
    struct reload_reassembly reassembly;
    struct reload_storage storage;
    struct reload_pushes pushes;
    struct reload_bootstrap bootstrap;
    struct reload_counters counters;

    struct reload_buffer *local, **local_end; /* messages to ourselves, for the next poll */
    struct reload_limiter refusals;           /* errors to what we cannot forward */
    uint64_t storage_time_last;               /* the newest storage_time given out, ms (7, D9) */
    reload_time started_at, trimmed_at;
};

/* reload_node_allocate is env->allocate with realloc's contract. */
static inline void *
reload_node_allocate(struct reload_node *node, void *data, size_t size)
{
    return node->env->allocate(node->env->context, data, size);
}

static inline uint64_t
reload_node_wall_ms(const struct reload_node *node)
{
    return node->env->wall_ms(node->env->context);
}

#endif
