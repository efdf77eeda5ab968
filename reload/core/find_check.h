/* find_check.h: the asking side of Find: answers checked. RFC 6940 7.4.4; D25.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_FIND_CHECK_H
#define RELOAD_CORE_FIND_CHECK_H

#include "reload/node.h"

/* An answer at work: what was asked, and where its results go. */
struct reload_find_check {
    struct reload_node *node;
    size_t resource_size;  /* octets of the Resource-ID asked about */
    const uint32_t *kinds; /* each once */
    size_t count;
    reload_find_fn *each; /* may be NULL */
    void *argument;
    reload_time now;
    unsigned discarded; /* Kinds not asked for or told twice, Resource-IDs of another size */
};

/* reload_find_check_answer hands on the results of |answer|, a FindAns, for Kinds that were asked
 * for and come for the first time; the others are counted.
 * Returns 0, or RELOAD_E_MALFORMED, RELOAD_E_TRUNCATED, RELOAD_E_TRAILING (no FindAns at all). */
RELOAD_CHECKED int reload_find_check_answer(struct reload_find_check *check,
                                            const struct reload_message *answer);

#endif
