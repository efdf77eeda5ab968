/* copies.h: one request sent in several copies, each through another first hop: a peer that
 * swallows or falsifies what it should forward then stands in one way only. RFC 6940 13.6; D50.
 *
 *   START -> copies under way -> one is ENOUGH, or the last one ended, or the time since the first
 *   good one is up -> end
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_COPIES_H
#define RELOAD_CORE_COPIES_H

#include "reload/core/transaction.h"

enum reload_copies_verdict {
    RELOAD_COPIES_BAD,    /* as if it had not come */
    RELOAD_COPIES_GOOD,   /* others may be better, and get as much time as this one took */
    RELOAD_COPIES_ENOUGH, /* no other is needed */
};

/* What becomes of the answers. */
struct reload_copies_ops {
    /* Judges an answer, also an error answer. */
    enum reload_copies_verdict (*judge)(void *argument, const struct reload_result *result,
                                        reload_time now);
    /* The end, called once. |result| is the last answer when it was ENOUGH; else it has no
     * pointers, and its error is 0 when one was good. */
    void (*end)(void *argument, const struct reload_result *result, reload_time now);
};

/* reload_copies_start sends |request| along |route| in |route->copies| copies, or as many as there
 * are first hops. |*number| (may be NULL) is for reload_copies_cancel. Returns as
 * reload_node_request; |ops| are used only after 0. */
RELOAD_CHECKED int reload_copies_start(struct reload_node *node, const struct reload_route *route,
                                       const struct reload_request *request,
                                       const struct reload_copies_ops *ops, void *argument,
                                       reload_time now, uint64_t *number);

/* reload_copies_request does the same for reload_node_request: the first success is enough. */
RELOAD_CHECKED int reload_copies_request(struct reload_node *node, const struct reload_route *route,
                                         const struct reload_request *request,
                                         reload_result_fn *done, void *argument, reload_time now,
                                         uint64_t *number);

/* reload_copies_first_hops chooses the first hops of the second copy and on: not the one that the
 * first copy takes. |hops| have room for RELOAD_COPIES_MAX. Returns their number. */
size_t reload_copies_first_hops(struct reload_node *node, const struct reload_route *route,
                                struct reload_node_id *hops);

/* reload_copies_cancel forgets all copies of |number|; nothing is called. */
void reload_copies_cancel(struct reload_node *node, uint64_t number);

#endif
