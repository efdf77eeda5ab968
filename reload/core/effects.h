/* effects.h: the queue of what the node wants its driver to do.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_EFFECTS_H
#define RELOAD_CORE_EFFECTS_H

#include "reload/core/buffer.h"
#include "reload/node.h"

/* One queued effect, and what it owns. */
struct reload_effect_entry {
    enum reload_effect_type type;
    uint32_t link;
    uint16_t application;
    bool controlling;
    enum reload_event event;
    int error;
    struct reload_node_id node_id;
    struct reload_buffer *buffer; /* SEND; PERSIST: key, then value */
    size_t key_size;
    struct reload_offer *offer; /* owned */
};

/* A ring that grows up to RELOAD_EFFECTS_MAX. */
struct reload_effects {
    struct reload_effect_entry *entries;
    size_t capacity, begin, count;
    struct reload_effect_entry current; /* the last one handed out */
    bool has_current;
};

#define RELOAD_EFFECTS_MAX 65536
#define RELOAD_EFFECTS_KEPT 16 /* entries that an empty queue keeps */

/* reload_effects_fini frees all that is queued. */
void reload_effects_fini(struct reload_node *node);

/* reload_effects_push queues a copy of |entry| and takes over what it owns, also on failure.
 * Returns 0, RELOAD_E_NOMEM, RELOAD_E_BUSY. */
int reload_effects_push(struct reload_node *node, const struct reload_effect_entry *entry);

/* reload_effects_send queues |buffer| (a holder is taken over) to go out on |link|. */
int reload_effects_send(struct reload_node *node, uint32_t link, uint16_t application,
                        struct reload_buffer *buffer);

/* reload_effects_event queues an event for the program. Returns 0, RELOAD_E_NOMEM, RELOAD_E_BUSY.
 */
int reload_effects_event(struct reload_node *node, enum reload_event event, uint32_t link,
                         const struct reload_node_id *node_id, int error);

/* reload_effects_persist queues the record |key|, |value| (both copied); an empty |value| removes
 * it. */
int reload_effects_persist(struct reload_node *node, struct reload_bytes key,
                           struct reload_bytes value);

/* reload_effects_next fills |*effect| with the first effect. Returns false when there is none. */
bool reload_effects_next(struct reload_node *node, struct reload_effect *effect);

#endif
