/* walk.h: a request whose way is asked for, peer by peer, instead of being left to them: iterative
 * routing by RouteQuery. RFC 6940 6.4.2.4; D50.
 *
 *   ASKING -> ASKING the next one ... -> REQUESTING -> end
 *     |  ^
 *     v  |  the Destination List is full
 *   ATTACHING
 *
 * The queries and the request go along the peers that were found, by a Destination List that names
 * each of them; links are made only when that gets too long.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_WALK_H
#define RELOAD_CORE_WALK_H

#include "reload/core/transaction.h"

/* reload_walk_start does for |route->iterative| what reload_node_request promises. |route| has one
 * entry. RELOAD_E_USAGE also when |request| has certificates or extensions. */
RELOAD_CHECKED int reload_walk_start(struct reload_node *node, const struct reload_route *route,
                                     const struct reload_request *request, reload_result_fn *done,
                                     void *argument, reload_time now, uint64_t *number);

/* reload_walk_cancel forgets |number|; nothing is called. */
void reload_walk_cancel(struct reload_node *node, uint64_t number);

#endif
