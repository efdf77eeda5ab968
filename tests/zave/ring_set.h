/* ring_set.h: sets of nodes as bits, for ring_model.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TESTS_ZAVE_RING_SET_H
#define RELOAD_TESTS_ZAVE_RING_SET_H

#include <stdbool.h>

static inline bool
has(unsigned set, int node)
{
    return set >> node & 1;
}

static inline unsigned
bit(int node)
{
    return 1u << node;
}

/* |set| as |self| sees it: itself is bit 0, the others follow clockwise; and back. */
static inline unsigned
seen_from(int count, unsigned set, int self)
{
    unsigned all = bit(count) - 1;
    return (set >> self | set << (count - self)) & all;
}

static inline unsigned
seen_back(int count, unsigned set, int self)
{
    unsigned all = bit(count) - 1;
    return (set << self | set >> (count - self)) & all;
}

static inline unsigned
lowest(unsigned set)
{
    return set & (~set + 1);
}

static inline unsigned
highest(unsigned set)
{
    return set ? bit(31 - __builtin_clz(set)) : 0;
}

#endif
