/* seek.h: one request sent to the peers that hold a resource, found without help of the responsible
 * one, which may swallow what it gets. RFC 6940 10.4, 13.6; D92.
 *
 *   PINGING places behind the resource -> ASKING those who answered, by RouteQueries, for the peers
 *   between them and the resource; whoever is found gets the request -> end
 *
 * The end comes when everything was answered, when the time since the first good answer is up, or
 * at the deadline. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_SEEK_H
#define RELOAD_CORE_SEEK_H

#include "reload/core/copies.h"

/* reload_seek_start sends |request| (no certificates, no extensions) to all who may hold
 * |resource|, as destination their Node-IDs. |ops| judge the answers and hear of the end, as with
 * copies. |deadline| is when it ends at last. |*number| is for reload_seek_cancel.
 * Returns 0, RELOAD_E_USAGE (the topology cannot do it), RELOAD_E_BUSY, RELOAD_E_NOMEM; |ops| are
 * used only after 0. */
RELOAD_CHECKED int reload_seek_start(struct reload_node *node, struct reload_bytes resource,
                                     const struct reload_request *request,
                                     const struct reload_copies_ops *ops, void *argument,
                                     reload_time deadline, reload_time now, uint64_t *number);

/* reload_seek_cancel forgets |number|; nothing is called. */
void reload_seek_cancel(struct reload_node *node, uint64_t number);

#endif
