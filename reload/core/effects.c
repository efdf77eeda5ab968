/* effects.c: the queue of what the node wants its driver to do.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/effects.h"

#include "reload/core/node_internal.h"

#include <assert.h>

static void
release(struct reload_node *node, struct reload_effect_entry *entry)
{
    reload_buffer_drop(&node->buffers, entry->buffer);
    if (entry->offer)
        (void)reload_node_allocate(node, entry->offer, 0);
    entry->buffer = NULL;
    entry->offer = NULL;
}

void
reload_effects_fini(struct reload_node *node)
{
    struct reload_effects *effects = &node->effects;
    if (effects->has_current)
        release(node, &effects->current);
    for (size_t i = 0; i < effects->count; i++)
        release(node, &effects->entries[(effects->begin + i) % effects->capacity]);
    if (effects->entries)
        (void)reload_node_allocate(node, effects->entries, 0);
    *effects = (struct reload_effects){0};
}

static int
grow(struct reload_node *node)
{
    struct reload_effects *effects = &node->effects;
    size_t capacity = effects->capacity ? 2 * effects->capacity : 8;
    if (capacity > RELOAD_EFFECTS_MAX)
        return RELOAD_E_BUSY;
    struct reload_effect_entry *entries =
        reload_node_allocate(node, NULL, capacity * sizeof *entries);
    if (!entries)
        return RELOAD_E_NOMEM;
    for (size_t i = 0; i < effects->count; i++)
        entries[i] = effects->entries[(effects->begin + i) % effects->capacity];
    if (effects->entries)
        (void)reload_node_allocate(node, effects->entries, 0);
    effects->entries = entries;
    effects->capacity = capacity;
    effects->begin = 0;
    return 0;
}

int
reload_effects_push(struct reload_node *node, const struct reload_effect_entry *entry)
{
    struct reload_effects *effects = &node->effects;
    int error = effects->count == effects->capacity ? grow(node) : 0;
    if (error) {
        struct reload_effect_entry lost = *entry;
        release(node, &lost);
        node->counters.dropped_busy++;
        return error;
    }
    effects->entries[(effects->begin + effects->count++) % effects->capacity] = *entry;
    return 0;
}

int
reload_effects_send(struct reload_node *node, uint32_t link, uint16_t application,
                    struct reload_buffer *buffer)
{
    struct reload_effect_entry entry = {
        .type = RELOAD_EFFECT_SEND, .link = link, .application = application, .buffer = buffer};
    node->counters.bytes_sent += buffer->size;
    return reload_effects_push(node, &entry);
}

int
reload_effects_event(struct reload_node *node, enum reload_event event, uint32_t link,
                     const struct reload_node_id *node_id, int error)
{
    struct reload_effect_entry entry = {
        .type = RELOAD_EFFECT_EVENT, .event = event, .link = link, .error = error};
    if (node_id)
        entry.node_id = *node_id;
    return reload_effects_push(node, &entry);
}

int
reload_effects_persist(struct reload_node *node, struct reload_bytes key, struct reload_bytes value)
{
    struct reload_buffer *buffer = reload_buffer_get(&node->buffers, key.size + value.size);
    if (!buffer)
        return RELOAD_E_NOMEM;
    if (key.size)
        memcpy(buffer->data, key.data, key.size);
    if (value.size)
        memcpy(buffer->data + key.size, value.data, value.size);
    buffer->size = (uint32_t)(key.size + value.size);
    struct reload_effect_entry entry = {
        .type = RELOAD_EFFECT_PERSIST, .buffer = buffer, .key_size = key.size};
    return reload_effects_push(node, &entry);
}

/* The queue is empty; after a great burst its memory is given back. */
static void
shrink(struct reload_node *node)
{
    struct reload_effects *effects = &node->effects;
    if (effects->capacity <= RELOAD_EFFECTS_KEPT)
        return;
    (void)reload_node_allocate(node, effects->entries, 0);
    effects->entries = NULL;
    effects->capacity = effects->begin = 0;
}

bool
reload_effects_next(struct reload_node *node, struct reload_effect *effect)
{
    struct reload_effects *effects = &node->effects;
    if (effects->has_current)
        release(node, &effects->current);
    effects->has_current = effects->count > 0;
    if (!effects->has_current) {
        shrink(node);
        return false;
    }
    struct reload_effect_entry *entry = &effects->current;
    *entry = effects->entries[effects->begin];
    effects->begin = (effects->begin + 1) % effects->capacity;
    effects->count--;

    *effect = (struct reload_effect){.type = entry->type,
                                     .link = entry->link,
                                     .application = entry->application,
                                     .node_id = entry->node_id,
                                     .remote = entry->offer,
                                     .controlling = entry->controlling,
                                     .event = entry->event,
                                     .error = entry->error};
    if (entry->type == RELOAD_EFFECT_SEND)
        effect->bytes = (struct reload_bytes){entry->buffer->data, entry->buffer->size};
    if (entry->type == RELOAD_EFFECT_PERSIST) {
        const uint8_t *data = entry->buffer->data;
        effect->key = (struct reload_bytes){data, entry->key_size};
        effect->value =
            (struct reload_bytes){data + entry->key_size, entry->buffer->size - entry->key_size};
    }
    return true;
}
