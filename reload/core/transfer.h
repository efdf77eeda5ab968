/* transfer.h: one resource on its way to another peer, in as many Stores as its size takes. RFC
 * 6940 7.4.1.1.
 *
 *   STORING --answered--> STORING (next part) ... --> end
 *      |  Error_Data_Too_Old, Error_Generation_Counter_Too_Low: the other side has something newer
 *      v
 *   FETCHING --> RETRYING (what was not newer there) --> STORING (next part) ...
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_TRANSFER_H
#define RELOAD_CORE_TRANSFER_H

#include "reload/core/storage.h"

/* Hears of a transfer's end. |resource| is what it was, NULL when nothing of it is stored here any
 * more. */
typedef void reload_transfer_fn(void *argument, struct reload_resource *resource, int error,
                                reload_time now);

struct reload_transfer_options {
    const struct reload_resource *resource;
    const struct reload_node_id *target; /* NULL: whoever is responsible for the resource */
    uint8_t number;                      /* of the replica, 1.. */
    uint64_t since; /* only what later commits have brought: it is known to have the rest */
    reload_transfer_fn *done; /* may be NULL */
    void *argument;
};

/* reload_transfer starts a transfer; |options->done| hears of its end, never from within this call.
 * Returns 0, RELOAD_E_NOT_FOUND (there is nothing to send), RELOAD_E_BUSY, RELOAD_E_TOO_LARGE,
 * RELOAD_E_NOMEM. */
RELOAD_CHECKED int reload_transfer(struct reload_node *node,
                                   const struct reload_transfer_options *options, reload_time now);

#endif
