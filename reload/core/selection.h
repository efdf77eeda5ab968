/* selection.h: what a Fetch or a Stat asks for, and the frame of their answers, which is the same:
 * for each Kind its generation counter and the values selected. RFC 6940 7.4.2, 7.4.3.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_SELECTION_H
#define RELOAD_CORE_SELECTION_H

#include "reload/core/handler.h"
#include "reload/core/storage.h"

/* Ranges of an array that one request may ask for. */
#define RELOAD_RANGES_MAX 256

/* One answer in the making. */
struct reload_selection {
    struct reload_node *node;
    struct reload_answer *answer;
    reload_time now;
    /* Writes one value: |stored|, or that nothing is at |key| when it is NULL. Returns 0, or an
     * error that ends all. */
    int (*write)(struct reload_selection *selection, const struct reload_kind *row,
                 struct reload_bytes key, const struct reload_stored *stored);
};

/* reload_selection_answer writes the whole answer about |resource|; |specifiers| is the request's
 * list of StoredDataSpecifier, checked when it was decoded. Returns 0; RELOAD_E_UNKNOWN_KIND, with
 * their list in |answer->error_info|; RELOAD_E_MALFORMED (a Kind twice, ranges that are wrong or
 * overlap, a Resource-ID of the wrong size; P27); RELOAD_E_SPACE (the answer does not fit into a
 * message); RELOAD_E_CRYPTO. */
RELOAD_CHECKED int reload_selection_answer(struct reload_selection *selection,
                                           struct reload_bytes resource,
                                           struct reload_bytes specifiers);

#endif
