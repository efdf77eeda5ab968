/* ordered.c: a treap: a search tree by keys that is a heap by random priorities.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/ordered.h"

#include <assert.h>

void
reload_ordered_insert(struct reload_ordered *set, struct reload_ordered_entry *entry)
{
    struct reload_ordered_entry **link = &set->root;
    while (*link && (*link)->priority >= entry->priority) {
        int order = reload_ordered_compare(entry->key, (*link)->key);
        assert(order != 0);
        link = order < 0 ? &(*link)->left : &(*link)->right;
    }
    /* What was here is cut at the key into what is less and what is more. */
    struct reload_ordered_entry *rest = *link;
    struct reload_ordered_entry **less = &entry->left, **more = &entry->right;
    *link = entry;
    while (rest) {
        int order = reload_ordered_compare(rest->key, entry->key);
        assert(order != 0);
        if (order < 0) {
            *less = rest;
            less = &rest->right;
            rest = rest->right;
        } else {
            *more = rest;
            more = &rest->left;
            rest = rest->left;
        }
    }
    *less = *more = NULL;
    set->count++;
}

void
reload_ordered_remove(struct reload_ordered *set, struct reload_ordered_entry *entry)
{
    struct reload_ordered_entry **link = &set->root;
    while (*link != entry) {
        assert(*link);
        int order = reload_ordered_compare(entry->key, (*link)->key);
        link = order < 0 ? &(*link)->left : &(*link)->right;
    }
    struct reload_ordered_entry *left = entry->left, *right = entry->right;
    while (left && right) {
        if (left->priority >= right->priority) {
            *link = left;
            link = &left->right;
            left = left->right;
        } else {
            *link = right;
            link = &right->left;
            right = right->left;
        }
    }
    *link = left ? left : right;
    entry->left = entry->right = NULL;
    assert(set->count > 0);
    set->count--;
}

struct reload_ordered_entry *
reload_ordered_find(const struct reload_ordered *set, struct reload_bytes key)
{
    struct reload_ordered_entry *entry = set->root;
    while (entry) {
        int order = reload_ordered_compare(key, entry->key);
        if (order == 0)
            break;
        entry = order < 0 ? entry->left : entry->right;
    }
    return entry;
}

struct reload_ordered_entry *
reload_ordered_from(const struct reload_ordered *set, struct reload_bytes key)
{
    struct reload_ordered_entry *entry = set->root, *found = NULL;
    while (entry) {
        if (reload_ordered_compare(entry->key, key) >= 0) {
            found = entry;
            entry = entry->left;
        } else {
            entry = entry->right;
        }
    }
    return found;
}

struct reload_ordered_entry *
reload_ordered_after(const struct reload_ordered *set, struct reload_bytes key)
{
    struct reload_ordered_entry *entry = set->root, *found = NULL;
    while (entry) {
        if (reload_ordered_compare(entry->key, key) > 0) {
            found = entry;
            entry = entry->left;
        } else {
            entry = entry->right;
        }
    }
    return found;
}

struct reload_ordered_entry *
reload_ordered_first(const struct reload_ordered *set)
{
    struct reload_ordered_entry *entry = set->root;
    while (entry && entry->left)
        entry = entry->left;
    return entry;
}

struct reload_ordered_entry *
reload_ordered_last(const struct reload_ordered *set)
{
    struct reload_ordered_entry *entry = set->root;
    while (entry && entry->right)
        entry = entry->right;
    return entry;
}
