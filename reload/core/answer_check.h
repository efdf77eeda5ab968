/* answer_check.h: what the asking sides of Fetch and Stat have in common: the request, and of the
 * answer that it has only what was asked for, each once. RFC 6940 7.4.2, 7.4.3; attack row P28.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_ANSWER_CHECK_H
#define RELOAD_CORE_ANSWER_CHECK_H

#include "reload/node.h"
#include "reload/usage.h"

struct reload_answer_check;

/* How the entries of an answer are read. */
struct reload_answer_form {
    /* Reads the next entry of |list|, of data model |model|, into |*entry|; |*key| gets its key as
     * in struct reload_value, which points into |list|. Returns false at the end. */
    bool (*next)(struct reload_reader *list, const struct reload_wire *wire, uint8_t model,
                 void *entry, struct reload_bytes *key);
    /* Takes an entry that was asked for and comes for the first time. Returns false when it is not
     * good. */
    bool (*take)(struct reload_answer_check *check, const struct reload_kind *row,
                 uint64_t generation, const void *entry);
};

/* An answer at work: what was asked, and where its entries go. */
struct reload_answer_check {
    struct reload_node *node;
    struct reload_bytes resource;
    const struct reload_fetch_specifier *specifiers; /* each Kind once */
    size_t count;
    const struct reload_answer_form *form;
    void *entry; /* memory for one, as |form| wants it */
    void *context;
    reload_time now;
    unsigned discarded; /* entries that did not pass, and Kinds not asked for */
};

/* reload_answer_request writes a FetchReq or a StatReq, which look the same.
 * Returns 0, RELOAD_E_UNKNOWN_KIND, RELOAD_E_USAGE (a Kind twice, first > last),
 * RELOAD_E_TOO_LARGE. */
RELOAD_CHECKED int reload_answer_request(struct reload_node *node, struct reload_bytes resource,
                                         const struct reload_fetch_specifier *specifiers,
                                         size_t count, struct reload_writer *writer);

/* reload_answer_check_all goes through |kind_responses| of a FetchAns or StatAns, which was checked
 * when it was decoded, and counts what it leaves out. Returns 0 or RELOAD_E_NOMEM. */
RELOAD_CHECKED int reload_answer_check_all(struct reload_answer_check *check,
                                           struct reload_bytes kind_responses);

#endif
