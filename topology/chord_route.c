/* chord_route.c: which peer is the next hop.
 *
 * RFC 6940 10.3, 6.3.4. SPDX-License-Identifier: BSD-2-Clause */
#include "topology/chord_route.h"

#include <assert.h>

static bool
may_use(const struct reload_chord_peer *peer, uint32_t from)
{
    return !peer->suspect && (from == 0 || peer->link != from);
}

const struct reload_chord_peer *
reload_chord_route(const struct reload_chord_table *table, struct reload_chord_place place,
                   uint32_t from)
{
    struct reload_chord_place target = reload_chord_distance(table->self, place);
    /* Our own place is a whole turn away: everybody lies before it. */
    bool whole_turn = reload_chord_is_zero(target);
    struct reload_chord_place nearest = {0, 0};
    const struct reload_chord_peer *sender =
        from ? reload_chord_table_find_link(table, from) : NULL;
    if (sender && (whole_turn || reload_chord_less(sender->distance, target)))
        nearest = sender->distance;

    const struct reload_chord_peer *before = NULL, *behind = NULL;
    for (size_t i = 0; i < table->count && !behind; i++) {
        const struct reload_chord_peer *peer = &table->peers[i];
        if (!may_use(peer, from))
            continue;
        if (!whole_turn && !reload_chord_less(peer->distance, target))
            behind = peer;
        else if (reload_chord_less(nearest, peer->distance))
            before = peer;
    }
    if (before) {
        assert(whole_turn || reload_chord_less(reload_chord_subtract(target, before->distance),
                                               reload_chord_subtract(target, nearest)));
        return before;
    }
    /* |behind| lies in [place, self): nearer behind the place than we are. */
    return behind;
}

size_t
reload_chord_route_ways(const struct reload_chord_table *table, struct reload_chord_place place,
                        struct reload_chord_place *ways, size_t max)
{
    struct reload_chord_place target = reload_chord_distance(table->self, place);
    bool whole_turn = reload_chord_is_zero(target);
    size_t before = 0, count = 0;
    while (before < table->count &&
           (whole_turn || reload_chord_less(table->peers[before].distance, target)))
        before++;
    for (size_t i = 0; i < table->count && count < max; i++) {
        const struct reload_chord_peer *peer = &table->peers[i < before ? before - 1 - i : i];
        if (may_use(peer, 0))
            ways[count++] = reload_chord_table_place(table, peer);
    }
    return count;
}

bool
reload_chord_route_plausible(const struct reload_chord_table *table,
                             struct reload_chord_place place, struct reload_chord_place responder)
{
    struct reload_chord_place behind = reload_chord_distance(place, responder);
    for (size_t i = 0; i < table->count; i++) {
        const struct reload_chord_peer *peer = &table->peers[i];
        struct reload_chord_place other =
            reload_chord_distance(place, reload_chord_table_place(table, peer));
        if (reload_chord_table_is_neighbor(table, peer) && reload_chord_less(other, behind))
            return false;
    }
    return true;
}
