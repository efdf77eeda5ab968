/* sim_queue.c: a 4-ary min-heap with the keys beside each other.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_queue.h"

#include <assert.h>
#include <stdlib.h>

#define ARITY 4

static bool
before(const struct sim_queue_slot *a, const struct sim_queue_slot *b)
{
    return a->at != b->at ? a->at < b->at : a->sequence < b->sequence;
}

void
sim_queue_fini(struct sim_queue *queue)
{
    free(queue->slots);
    *queue = (struct sim_queue){0};
}

static void
grow(struct sim_queue *queue)
{
    size_t capacity = queue->capacity ? 2 * queue->capacity : 256;
    struct sim_queue_slot *slots = realloc(queue->slots, capacity * sizeof *slots);
    if (!slots)
        abort();
    queue->slots = slots;
    queue->capacity = capacity;
}

void
sim_queue_push(struct sim_queue *queue, uint64_t at, void *item)
{
    assert(item && at != UINT64_MAX);
    if (queue->count == queue->capacity)
        grow(queue);
    struct sim_queue_slot slot = {at, queue->sequence++, item};
    size_t index = queue->count++;
    while (index > 0) {
        size_t parent = (index - 1) / ARITY;
        if (!before(&slot, &queue->slots[parent]))
            break;
        queue->slots[index] = queue->slots[parent];
        index = parent;
    }
    queue->slots[index] = slot;
}

static size_t
least_child(const struct sim_queue *queue, size_t index)
{
    size_t first = ARITY * index + 1, least = first;
    for (size_t child = first + 1; child < first + ARITY && child < queue->count; child++)
        if (before(&queue->slots[child], &queue->slots[least]))
            least = child;
    return least;
}

void *
sim_queue_pop(struct sim_queue *queue, uint64_t *at)
{
    if (queue->count == 0)
        return NULL;
    struct sim_queue_slot first = queue->slots[0];
    struct sim_queue_slot last = queue->slots[--queue->count];
    size_t index = 0;
    while (ARITY * index + 1 < queue->count) {
        size_t child = least_child(queue, index);
        if (!before(&queue->slots[child], &last))
            break;
        queue->slots[index] = queue->slots[child];
        index = child;
    }
    queue->slots[index] = last;
    *at = first.at;
    return first.item;
}
