/* ordered.h: a set of entries ordered by their keys, as octet strings: a treap.
 *
 * Entries are parts of their owners' structs, so nothing here allocates or fails; all operations
 * take logarithmic time for any order of keys, as long as nobody can predict the priorities.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_ORDERED_H
#define RELOAD_CORE_ORDERED_H

#include "reload/base/bytes.h"

/* |key| borrows from the owner and must not change while the entry is in a set. */
struct reload_ordered_entry {
    struct reload_ordered_entry *left, *right;
    struct reload_bytes key;
    uint64_t priority; /* random */
};

/* Zero-initialised it is empty. */
struct reload_ordered {
    struct reload_ordered_entry *root;
    size_t count;
};

/* reload_ordered_compare orders keys octet by octet, a prefix before what it begins: <0, 0, >0. */
static inline int
reload_ordered_compare(struct reload_bytes a, struct reload_bytes b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size ? memcmp(a.data, b.data, size) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

/* reload_ordered_insert puts |entry|, whose |key| and |priority| are set, into |set|, which must
 * not hold an entry with this key. */
void reload_ordered_insert(struct reload_ordered *set, struct reload_ordered_entry *entry);

/* reload_ordered_remove takes |entry| out of |set|, where it must be. */
void reload_ordered_remove(struct reload_ordered *set, struct reload_ordered_entry *entry);

/* reload_ordered_find returns the entry with |key|, or NULL. */
struct reload_ordered_entry *reload_ordered_find(const struct reload_ordered *set,
                                                 struct reload_bytes key);

/* reload_ordered_from returns the first entry whose key is not before |key|, or NULL;
 * reload_ordered_after the first whose key is behind it. An empty |key| begins at the begin. */
struct reload_ordered_entry *reload_ordered_from(const struct reload_ordered *set,
                                                 struct reload_bytes key);
struct reload_ordered_entry *reload_ordered_after(const struct reload_ordered *set,
                                                  struct reload_bytes key);

/* reload_ordered_first and reload_ordered_last return the entry with the least and the greatest
 * key, or NULL. */
struct reload_ordered_entry *reload_ordered_first(const struct reload_ordered *set);
struct reload_ordered_entry *reload_ordered_last(const struct reload_ordered *set);

#endif
