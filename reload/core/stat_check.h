/* stat_check.h: the asking side of Stat: answers checked entry by entry. RFC 6940 7.4.3.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_STAT_CHECK_H
#define RELOAD_CORE_STAT_CHECK_H

#include "reload/node.h"

/* An answer at work: what was asked, and where its entries go. */
struct reload_stat_check {
    struct reload_node *node;
    struct reload_bytes resource;
    const struct reload_fetch_specifier *specifiers; /* each Kind once */
    size_t count;
    reload_stat_fn *each; /* may be NULL */
    void *argument;
    reload_time now;
    unsigned discarded; /* entries that did not pass, and Kinds not asked for */
};

/* reload_stat_check_answer hands on every entry of |answer|, a StatAns, that was asked for, comes
 * for the first time, can be true by its Kind, and is not older than what was seen before; the
 * others are counted. Nobody signed them: they are the answering peer's word.
 * Returns 0, RELOAD_E_NOMEM, or RELOAD_E_MALFORMED, RELOAD_E_TRUNCATED, RELOAD_E_TRAILING (no
 * StatAns at all). */
RELOAD_CHECKED int reload_stat_check_answer(struct reload_stat_check *check,
                                            const struct reload_message *answer);

#endif
