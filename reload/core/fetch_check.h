/* fetch_check.h: the asking side of Fetch: answers checked value by value. RFC
 * 6940 7.4.2, 13.5.3; D15.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_FETCH_CHECK_H
#define RELOAD_CORE_FETCH_CHECK_H

#include "reload/core/kind.h"
#include "reload/core/value.h"

/* One value that passed all checks. |signer| is NULL for "does not exist", said by the answering
 * peer; all is valid for the call. */
struct reload_fetched {
    const struct reload_kind *row;
    uint64_t generation;
    const struct reload_value *value;
    const struct reload_identity *signer;
};

typedef void reload_fetched_fn(void *argument, const struct reload_fetched *fetched,
                               reload_time now);

/* An answer at work: what was asked, and where its values go. */
struct reload_fetch_check {
    struct reload_node *node;
    struct reload_bytes resource;
    const struct reload_fetch_specifier *specifiers; /* each Kind once */
    size_t count;
    reload_fetched_fn *each;
    void *argument;
    reload_time now;
    struct reload_bytes certificates; /* set by the check: those of the answer */
    unsigned discarded;               /* values that did not pass, and Kinds not asked for */
};

/* reload_fetch_check_answer hands on every value of |answer|, a FetchAns, that was asked for, comes
 * for the first time, is not older than what was seen before, was signed by one who may, and whose
 * signature is right; the others are counted.
 * Returns 0, or RELOAD_E_MALFORMED, RELOAD_E_TRUNCATED, RELOAD_E_TRAILING (no FetchAns at all). */
RELOAD_CHECKED int reload_fetch_check_answer(struct reload_fetch_check *check,
                                             const struct reload_message *answer);

#endif
