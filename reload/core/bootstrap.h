/* bootstrap.h: the way into the overlay: a link to a bootstrap node, again and again until there is
 * one. RFC 6940 10.5, 10.7.4.4, 11.4.
 *
 *   IDLE -> CONNECTING -> JOINING -> JOINED -> LEAVING -> LEFT
 *             ^  |  ^        |          |
 *             |  v  +--------+----------+  lost, or the join failed
 *            WAITING
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_BOOTSTRAP_H
#define RELOAD_CORE_BOOTSTRAP_H

#include "reload/base/alarm.h"
#include "reload/node.h"

struct reload_link;

enum reload_bootstrap_state {
    RELOAD_BOOTSTRAP_IDLE,
    RELOAD_BOOTSTRAP_CONNECTING,
    RELOAD_BOOTSTRAP_WAITING, /* for the next attempt */
    RELOAD_BOOTSTRAP_JOINING,
    RELOAD_BOOTSTRAP_JOINED,
    RELOAD_BOOTSTRAP_LEAVING,
    RELOAD_BOOTSTRAP_LEFT,
};

struct reload_bootstrap {
    enum reload_bootstrap_state state;
    struct reload_candidate *candidates;
    size_t candidate_count;
    size_t next;               /* the candidate to be tried next */
    size_t tried;              /* in this round */
    unsigned rounds;           /* in vain, for the pauses between */
    bool was_joined;           /* once */
    bool stays_client;         /* JOINED, though not what it would be (D29) */
    struct reload_alarm alarm; /* always set once started, for never when nothing is due */
    reload_time leave_until;   /* LEAVING ends then, whatever is still on its way */
    /* The usages leave first: their requests, and those that follow from them, get some time. */
    bool in_farewell;      /* what is requested now is one of them */
    size_t farewell_count; /* outstanding */
    bool farewells_done;   /* the topology leaves, or has left */
    reload_time farewell_until;
    /* A search for partitions (reload_topology_bootstrap), apart from the state above. */
    reload_attach_fn *probe_done;
    void *probe_argument;
    uint32_t probe_link;
    size_t probed, probe_failed; /* candidates, from 1: the last one, the last that said nothing */
    unsigned probes;
    struct reload_alarm probe_alarm;
};

void reload_bootstrap_fini(struct reload_node *node);

/* reload_bootstrap_link_up tells that link |id| to a bootstrap node stands. */
void reload_bootstrap_link_up(struct reload_node *node, uint32_t id, reload_time now);

/* reload_bootstrap_link_gone tells that |link|, of any kind, is gone. */
void reload_bootstrap_link_gone(struct reload_node *node, const struct reload_link *link,
                                reload_time now);

#endif
