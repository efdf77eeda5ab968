/* sim_queue.h: what will happen, ordered by virtual time and, at equal times, by the order in which
 * it was put in: the same history gives the same order, whatever the addresses of things.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_QUEUE_H
#define RELOAD_TOOLS_SIM_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_queue_slot {
    uint64_t at; /* ns */
    uint64_t sequence;
    void *item;
};

/* Zero-initialised it is empty. The items are the caller's. */
struct sim_queue {
    struct sim_queue_slot *slots;
    size_t count, capacity;
    uint64_t sequence;
};

/* sim_queue_fini frees the queue, which must have been emptied of items that own anything. */
void sim_queue_fini(struct sim_queue *queue);

/* sim_queue_push puts |item| in, to come out at time |at|. Ends the process when memory ends. */
void sim_queue_push(struct sim_queue *queue, uint64_t at, void *item);

/* sim_queue_next returns the time of the first item, UINT64_MAX when there is none. */
static inline uint64_t
sim_queue_next(const struct sim_queue *queue)
{
    return queue->count ? queue->slots[0].at : UINT64_MAX;
}

/* sim_queue_soon returns an item that will come out soon, |i| 0 the first one, 1 to 4 those of
 * which one is the next; NULL when there is none. */
static inline const void *
sim_queue_soon(const struct sim_queue *queue, size_t i)
{
    return i < queue->count ? queue->slots[i].item : NULL;
}

/* sim_queue_pop takes the first item out; NULL when there is none. |*at| gets its time. */
void *sim_queue_pop(struct sim_queue *queue, uint64_t *at);

#endif
