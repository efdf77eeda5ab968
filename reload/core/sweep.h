/* sweep.h: the walk over all that is stored, that brings values to where they belong and drops what
 * must not be kept. RFC 6940 6.4.2.3, 10.4, 10.7.3.
 *
 * What is stored or moves with the ring goes out at once (push.h). That may fail: peers refuse what
 * they do not yet know to be theirs, or have no memory, or come back with less than they had. So a
 * while after each change of the ring, and after each failure, all resources are looked at:
 *
 *   this peer is    | who must have it, too          | then
 *   ----------------+--------------------------------+---------
 *   responsible     | the peers of its replica set   | it stays
 *   a replica       | the responsible peer           | it stays
 *   neither         | whoever is responsible         | it goes
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_SWEEP_H
#define RELOAD_CORE_SWEEP_H

#include "reload/base/alarm.h"
#include "reload/env.h"
#include "reload/node.h"

struct reload_resource;

struct reload_sweep {
    struct reload_alarm alarm; /* always set, so that it can be when memory has run out */
    struct reload_node_id cursor;
    reload_time first, last;  /* the earliest and the latest time a walk was wished for */
    reload_time hand_over_at; /* replicas tell their responsible peer then; 0: they have */
    reload_time pause;        /* before the next try after a failure */
    unsigned outstanding;
    bool walking;
    bool handing_over; /* this walk does */
    bool failed;       /* something did, in this walk */
    bool meeting, met; /* who refused something is being met; was, in the walk before */
};

/* reload_sweep_init prepares the sweep of |node|. Returns 0 or RELOAD_E_NOMEM. */
RELOAD_CHECKED int reload_sweep_init(struct reload_node *node);

/* reload_sweep_retry tells that something could not be stored at another peer: in a while it is
 * tried again. */
void reload_sweep_retry(struct reload_node *node, reload_time now);

/* reload_sweep_stored tells that |resource|, for which this peer is not responsible, has a new
 * value: whether the responsible peer has it is looked after in a while. */
void reload_sweep_stored(struct reload_node *node, const struct reload_resource *resource,
                         reload_time now);

#endif
