/* push.h: what is stored here goes to other peers: replicas of what was just stored, and ranges
 * that move with the ring. RFC 6940 7.4.1.1, 10.4, 10.7.3.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_PUSH_H
#define RELOAD_CORE_PUSH_H

#include "reload/base/alarm.h"
#include "reload/core/job.h"
#include "reload/core/limits.h"
#include "reload/core/storage.h"
#include "reload/core/sweep.h"
#include "reload/topology.h"

/* One reload_topology_push: the range (after, upto], up to |cursor| already on its way. */
struct reload_push {
    struct reload_node *node;
    size_t slot; /* in |all| */
    bool wrapped, exhausted;
    bool was_linked; /* with |target|, when it began */
    uint8_t number;
    unsigned outstanding;
    int error; /* the first one */
    struct reload_node_id target, upto, cursor;
    bool wraps; /* the range goes over zero */
    reload_push_fn *done;
    void *argument;
    struct reload_alarm alarm;
};

struct reload_pushes {
    struct reload_push *all[RELOAD_PUSHES_MAX]; /* NULL: free; most of the time there are none */
    struct reload_sweep sweep;
    struct reload_job *jobs;
    size_t job_count;
};

/* reload_pushes_fini ends all pushes and all jobs without a word. */
void reload_pushes_fini(struct reload_node *node);

/* reload_push_replicas stores what the commits after |since| have brought to |resource|, for which
 * this peer is responsible, at the peers of its replica set (10.4). */
void reload_push_replicas(struct reload_node *node, const struct reload_resource *resource,
                          uint64_t since, reload_time now);

#endif
