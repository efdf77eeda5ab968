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

/* A search for partitions (reload_topology_bootstrap), apart from the state of the node. */
#define RELOAD_BOOTSTRAP_SEARCHES_MAX 4 /* links at a time */
struct reload_bootstrap_search {
    reload_attach_fn *done; /* NULL: there is none */
    void *argument;
    uint32_t links[RELOAD_BOOTSTRAP_SEARCHES_MAX]; /* being made */
    size_t ways[RELOAD_BOOTSTRAP_SEARCHES_MAX];    /* from 1: whom they lead to */
    size_t link_count;
    size_t first, left; /* whom to ask next, and how many still */
    size_t failed;      /* from 1: who said nothing when it was last asked */
    bool silent;        /* somebody did not answer, in this search */
    size_t next;        /* where the next search begins */
    unsigned count;
    struct reload_alarm alarm;
};

/* Where a peer was, to which our link has ended: it may help us when bootstrap nodes do not (11.4).
 */
struct reload_bootstrap_known {
    struct reload_address address;
    uint8_t overlay_link;
};
#define RELOAD_BOOTSTRAP_KNOWN_MAX 4 /* the latest */

/* Attempts that are under way together: one a second, each for 10 s. */
#define RELOAD_BOOTSTRAP_ATTEMPTS_MAX 16

struct reload_bootstrap {
    enum reload_bootstrap_state state;
    struct reload_candidate *candidates;
    size_t candidate_count;
    size_t next;                                  /* the candidate to be tried next */
    size_t tried;                                 /* in this round */
    uint8_t again[RELOAD_BOOTSTRAP_ATTEMPTS_MAX]; /* ways given up because another one answered */
    size_t again_count;
    unsigned rounds;           /* in vain, for the pauses between */
    bool stays_client;         /* JOINED, though not what it would be (D29) */
    struct reload_alarm alarm; /* always set once started, for never when nothing is due */
    reload_time leave_until;   /* LEAVING ends then, whatever is still on its way */
    /* The usages leave first: their requests, and those that follow from them, get some time. */
    bool in_farewell;      /* what is requested now is one of them */
    size_t farewell_count; /* outstanding */
    bool farewells_done;   /* the topology leaves, or has left */
    reload_time farewell_until;
    struct reload_bootstrap_search search;
    struct reload_bootstrap_known known[RELOAD_BOOTSTRAP_KNOWN_MAX];
    size_t known_count, next_known;
};

/* ---- bootstrap.c ---- */

void reload_bootstrap_fini(struct reload_node *node);

/* reload_bootstrap_link_up tells that link |id| to a bootstrap node stands. */
void reload_bootstrap_link_up(struct reload_node *node, uint32_t id, reload_time now);

/* reload_bootstrap_link_gone tells that |link|, of any kind, is gone. */
void reload_bootstrap_link_gone(struct reload_node *node, const struct reload_link *link,
                                reload_time now);

/* reload_bootstrap_connect asks the driver for a link to |candidate|. Returns its number, or 0. */
uint32_t reload_bootstrap_connect(struct reload_node *node,
                                  const struct reload_candidate *candidate, reload_time now);

/* ---- bootstrap_way.c ---- */

/* reload_bootstrap_ways returns how many nodes there are to be asked: bootstrap nodes, then peers
 * of before. */
size_t reload_bootstrap_ways(const struct reload_bootstrap *bootstrap);

/* reload_bootstrap_way returns the |i|-th of them, beginning with bootstrap node |first|. */
struct reload_candidate reload_bootstrap_way(const struct reload_bootstrap *bootstrap, size_t first,
                                             size_t i);

/* reload_bootstrap_remember keeps where the peer of |link|, which has ended, can be found. */
void reload_bootstrap_remember(struct reload_bootstrap *bootstrap, const struct reload_link *link);

/* reload_bootstrap_standing returns a link to |candidate| that still stands, as good as a new one,
 * or 0. */
uint32_t reload_bootstrap_standing(const struct reload_node *node,
                                   const struct reload_candidate *candidate);

/* reload_bootstrap_any_up tells whether an overlay link is up. */
bool reload_bootstrap_any_up(const struct reload_node *node);

/* reload_bootstrap_search_up tells that link |id| to a bootstrap node stands. Returns whether it
 * was made by a search for partitions. */
bool reload_bootstrap_search_up(struct reload_node *node, uint32_t id, reload_time now);

/* reload_bootstrap_searches tells whether link |id| is being made by such a search. */
bool reload_bootstrap_searches(const struct reload_node *node, uint32_t id);

/* reload_bootstrap_search_gone tells that |link|, of any kind, is gone. */
void reload_bootstrap_search_gone(struct reload_node *node, const struct reload_link *link,
                                  reload_time now);

#endif
