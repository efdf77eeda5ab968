/* junk.c: failures that are counted and forgotten.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/junk.h"

#include <assert.h>

_Static_assert(RELOAD_JUNK_BURST <= UINT8_MAX, "fits its counter");

size_t
reload_junk_way(struct reload_bytes via_list, uint8_t node_id_length)
{
    size_t size = 2u + node_id_length; /* of an entry with a Node-ID */
    if (via_list.size < size)
        return 0;                /* the peer's own */
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = via_list.size - size; i < via_list.size; i++)
        hash = (hash ^ via_list.data[i]) * 16777619u;
    return 1 + (hash ^ hash >> 16) % (RELOAD_JUNK_WAYS - 1);
}

static void
forget(struct reload_junk *junk, reload_time now)
{
    reload_time count = (now - junk->forgotten_at) / RELOAD_JUNK_INTERVAL_NS;
    if (count == 0)
        return;
    junk->forgotten_at += count * RELOAD_JUNK_INTERVAL_NS;
    for (size_t i = 0; i < RELOAD_JUNK_WAYS; i++)
        junk->failures[i] =
            junk->failures[i] > count ? (uint8_t)(junk->failures[i] - count) : (uint8_t)0;
}

bool
reload_junk_is_welcome(struct reload_junk *junk, size_t way, reload_time now)
{
    assert(way < RELOAD_JUNK_WAYS);
    forget(junk, now);
    return junk->failures[way] < RELOAD_JUNK_BURST;
}

void
reload_junk_failed(struct reload_junk *junk, size_t way)
{
    assert(way < RELOAD_JUNK_WAYS);
    if (junk->failures[way] < RELOAD_JUNK_BURST)
        junk->failures[way]++;
}
