/* node.c: one node: its parts put together, its turn, and what others may look at.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/node.h"

#include "reload/core/forward.h"
#include "reload/core/node_internal.h"

#include <assert.h>

#define TRIM_INTERVAL (1 * RELOAD_SECOND)
#define REFUSALS_BURST 20
#define REFUSALS_INTERVAL (50 * RELOAD_MS)

/* ---- life ----------------------------------------------------------------------------------- */

static int
check_config(const struct reload_node_options *options)
{
    const struct reload_config *config = options->config;
    const struct reload_identity *self = options->keyring->ops->self(options->keyring);
    if (strcmp(config->topology_plugin, options->topology->name) != 0)
        return RELOAD_E_CONFIG;
    if (config->node_id_length < RELOAD_NODE_ID_SIZE_MIN ||
        config->node_id_length > RELOAD_NODE_ID_SIZE_MAX || config->initial_ttl == 0)
        return RELOAD_E_CONFIG;
    if (config->max_message_size > RELOAD_MESSAGE_SIZE_MAX ||
        config->overlay_reliability_timer_ms == 0)
        return RELOAD_E_CONFIG;
    if (options->usage_count > RELOAD_USAGES_MAX || !self || self->node_id_count == 0)
        return RELOAD_E_CONFIG;
    return 0;
}

static int
init_plugins(struct reload_node *node, reload_time now)
{
    const struct reload_node_options *options = &node->options;
    node->topology_state = reload_node_allocate(node, NULL, options->topology->size);
    if (!node->topology_state)
        return RELOAD_E_NOMEM;
    memset(node->topology_state, 0, options->topology->size);
    int error = options->topology->init(node->topology_state, node, now);
    if (error) {
        (void)reload_node_allocate(node, node->topology_state, 0);
        node->topology_state = NULL;
        return error;
    }
    for (size_t i = 0; i < options->usage_count; i++) {
        const struct reload_usage_ops *usage = options->usages[i];
        size_t size = usage->size ? usage->size : 1;
        void *state = reload_node_allocate(node, NULL, size);
        if (!state)
            return RELOAD_E_NOMEM;
        memset(state, 0, size);
        error = usage->init ? usage->init(state, node, options->usage_arguments[i], now) : 0;
        if (error) {
            (void)reload_node_allocate(node, state, 0);
            return error;
        }
        node->usage_states[i] = state;
    }
    return 0;
}

static int
init_parts(struct reload_node *node, reload_time now)
{
    const struct reload_node_options *options = &node->options;
    reload_alarms_init(&node->alarms, node, node->env->context, node->env->allocate);
    /* A frame holds a message of the largest size with its header. */
    reload_buffers_init(&node->buffers, node->env,
                        RELOAD_FRAME_HEADER_SIZE + (size_t)node->config->max_message_size);
    node->local_end = &node->local;
    node->refusals = (struct reload_limiter){.tokens = REFUSALS_BURST,
                                             .burst = REFUSALS_BURST,
                                             .interval_ns = REFUSALS_INTERVAL,
                                             .filled_at = now};
    int error = reload_kinds_init(&node->kinds, node->env, node->config, options->usages,
                                  options->usage_count);
    node->wire = (struct reload_wire){.node_id_length = node->config->node_id_length,
                                      .kind_model = reload_kinds_model,
                                      .kinds = &node->kinds};
    if (!error)
        error = reload_storage_init(&node->storage, node);
    return error ? error : init_plugins(node, now);
}

int
reload_node_new(const struct reload_node_options *options, reload_time now,
                struct reload_node **made)
{
    int error = check_config(options);
    if (error)
        return error;
    const struct reload_env *env = options->env;
    struct reload_node *node = env->allocate(env->context, NULL, sizeof *node);
    if (!node)
        return RELOAD_E_NOMEM;
    *node = (struct reload_node){.options = *options,
                                 .env = env,
                                 .config = options->config,
                                 .keyring = options->keyring,
                                 .topology = options->topology,
                                 .started_at = now,
                                 .trimmed_at = now};
    node->id = node->keyring->ops->self(node->keyring)->node_ids[0];
    error = init_parts(node, now);
    if (error) {
        reload_node_free(node);
        return error;
    }
    *made = node;
    return 0;
}

static void
fini_plugins(struct reload_node *node)
{
    for (size_t i = node->options.usage_count; i-- > 0;) {
        if (!node->usage_states[i])
            continue;
        if (node->options.usages[i]->fini)
            node->options.usages[i]->fini(node->usage_states[i]);
        (void)reload_node_allocate(node, node->usage_states[i], 0);
    }
    if (node->topology_state) {
        node->topology->fini(node->topology_state);
        (void)reload_node_allocate(node, node->topology_state, 0);
    }
}

void
reload_node_free(struct reload_node *node)
{
    if (!node)
        return;
    reload_links_fini(node);
    reload_transactions_fini(node);
    reload_pushes_fini(node);
    fini_plugins(node);
    reload_bootstrap_fini(node);
    reload_answer_cache_fini(node);
    reload_reassembly_fini(node);
    reload_storage_fini(&node->storage);
    reload_kinds_fini(&node->kinds);
    reload_effects_fini(node);
    while (node->local) {
        struct reload_buffer *buffer = node->local;
        node->local = buffer->next;
        reload_buffer_drop(&node->buffers, buffer);
    }
    reload_buffers_fini(&node->buffers);
    reload_alarms_fini(&node->alarms);
    (void)reload_node_allocate(node, node, 0);
}

/* ---- the turn ------------------------------------------------------------------------------- */

reload_time
reload_node_next_timeout(const struct reload_node *node)
{
    reload_time at = reload_alarms_next(&node->alarms);
    reload_time other = node->topology->next_timeout(node->topology_state);
    at = other < at ? other : at;
    for (size_t i = 0; i < node->options.usage_count; i++) {
        if (!node->options.usages[i]->next_timeout)
            continue;
        other = node->options.usages[i]->next_timeout(node->usage_states[i]);
        at = other < at ? other : at;
    }
    return at;
}

void
reload_node_timeout(struct reload_node *node, reload_time now)
{
    reload_alarms_fire(&node->alarms, now);
    if (now - node->trimmed_at >= TRIM_INTERVAL) {
        reload_buffers_trim(&node->buffers);
        reload_links_follow_clock(node, now);
        node->trimmed_at = now;
    }
    if (node->topology->next_timeout(node->topology_state) <= now)
        node->topology->timeout(node->topology_state, now);
    for (size_t i = 0; i < node->options.usage_count; i++) {
        const struct reload_usage_ops *usage = node->options.usages[i];
        if (usage->next_timeout && usage->next_timeout(node->usage_states[i]) <= now)
            usage->timeout(node->usage_states[i], now);
    }
}

/* What we sent to ourselves arrives now, when no handler is at work. */
static void
receive_local(struct reload_node *node, reload_time now)
{
    while (node->local) {
        struct reload_buffer *buffer = node->local;
        node->local = buffer->next;
        if (!node->local)
            node->local_end = &node->local;
        struct reload_bytes message = {buffer->data + RELOAD_FRAME_HEADER_SIZE,
                                       buffer->size - RELOAD_FRAME_HEADER_SIZE};
        reload_forward_received(node, NULL, message, now);
        reload_buffer_drop(&node->buffers, buffer);
    }
}

bool
reload_node_poll(struct reload_node *node, struct reload_effect *effect, reload_time now)
{
    receive_local(node, now);
    return reload_effects_next(node, effect);
}

/* ---- views ---------------------------------------------------------------------------------- */

const struct reload_env *
reload_node_env(const struct reload_node *node)
{
    return node->env;
}

const struct reload_config *
reload_node_config(const struct reload_node *node)
{
    return node->config;
}

struct reload_keyring *
reload_node_keyring(const struct reload_node *node)
{
    return node->keyring;
}

const struct reload_wire *
reload_node_wire(const struct reload_node *node)
{
    return &node->wire;
}

const struct reload_node_id *
reload_node_id(const struct reload_node *node)
{
    return &node->id;
}

bool
reload_node_is_client(const struct reload_node *node)
{
    return node->options.client;
}

void *
reload_node_usage(struct reload_node *node, size_t usage)
{
    assert(usage < node->options.usage_count);
    return node->usage_states[usage];
}

void *
reload_node_topology(struct reload_node *node)
{
    return node->topology_state;
}

const struct reload_counters *
reload_node_counters(const struct reload_node *node)
{
    return &node->counters;
}

int
reload_node_resource(struct reload_node *node, struct reload_bytes name, uint8_t *resource,
                     size_t *size)
{
    return node->topology->resource_id(node->topology_state, name, resource, size);
}

static enum reload_link_origin
origin_of(const struct reload_link *link)
{
    if (link->attached)
        return link->offered ? RELOAD_LINK_ORIGIN_ATTACH : RELOAD_LINK_ORIGIN_ATTACHED;
    return link->bootstrap ? RELOAD_LINK_ORIGIN_BOOTSTRAP : RELOAD_LINK_ORIGIN_UNANNOUNCED;
}

bool
reload_node_link_next(const struct reload_node *node, size_t *cursor, struct reload_link_info *info)
{
    const struct reload_link *link;
    while ((link = reload_link_walk(node, cursor))) {
        if (link->state != RELOAD_LINK_UP || link->application)
            continue;
        *info = (struct reload_link_info){.link = link->id,
                                          .node_id = link->node_id,
                                          .address = link->address,
                                          .overlay_link = link->overlay_link,
                                          .local_type = link->local_type,
                                          .remote_type = link->remote_type,
                                          .origin = origin_of(link),
                                          .last_error = link->last_error,
                                          .up = true,
                                          .suspect = link->sender.suspect,
                                          .rtt_ns = link->sender.srtt,
                                          .since = link->up_at,
                                          .bytes_sent = link->bytes_sent,
                                          .bytes_received = link->bytes_received,
                                          .messages_sent = link->messages_sent,
                                          .messages_received = link->messages_received};
        return true;
    }
    return false;
}

uint32_t
reload_node_link_to(const struct reload_node *node, const struct reload_node_id *node_id)
{
    const struct reload_link *link = reload_link_of_node(node, node_id);
    return link ? link->id : 0;
}

void
reload_topology_probe(struct reload_node *node, uint32_t id, reload_time limit_ns, reload_time now)
{
    struct reload_link *link = reload_link_find(node, id);
    if (link && link->state == RELOAD_LINK_UP && link->application == 0)
        reload_sender_probe(node, link, limit_ns, now);
}

void
reload_topology_watch(struct reload_node *node, uint32_t id, reload_time limit_ns, reload_time now)
{
    struct reload_link *link = reload_link_find(node, id);
    if (link && link->state == RELOAD_LINK_UP && link->application == 0)
        reload_sender_watch(node, link, limit_ns, now);
}
