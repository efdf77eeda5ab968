/* chord_near.c: who is met near a resource.
 *
 * RFC 6940 10.4; D92. SPDX-License-Identifier: BSD-2-Clause */
#include "topology/chord_near.h"

/* How far away, in halves of the distance between two peers. */
static const uint8_t behind[] = {1, 2, 3, 4, 6, 8, 16, 32}, before[] = {1, 3, 6};

#define BEHIND (sizeof behind / sizeof behind[0])
#define BEFORE (sizeof before / sizeof before[0])
#define HALVINGS 20 /* of the ring, for an overlay of any size up to a million peers */

/* As far as we can guess; less than a whole turn. */
static uint64_t
distance(const struct reload_chord *chord, unsigned halves)
{
    double turns = halves / (2 * reload_chord_table_estimate(&chord->table));
    return turns < 1 ? (uint64_t)(turns * 18446744073709551616.0) : UINT64_MAX;
}

bool
reload_chord_near_place(const struct reload_chord *chord, struct reload_chord_place resource,
                        unsigned i, struct reload_chord_place *place, bool *is_before)
{
    *is_before = false;
    if (chord->phase != RELOAD_CHORD_JOINED) { /* a client has no idea how large the overlay is */
        if (i >= HALVINGS)
            return false;
        *place = reload_chord_add(resource, reload_chord_power(RELOAD_CHORD_BITS - HALVINGS + i));
        return true;
    }
    if (i >= BEHIND + BEFORE)
        return false;
    *is_before = i >= BEHIND;
    struct reload_chord_place away = {distance(chord, *is_before ? before[i - BEHIND] : behind[i]),
                                      0};
    *place = *is_before ? reload_chord_subtract(resource, away) : reload_chord_add(resource, away);
    return true;
}

bool
reload_chord_near_less(struct reload_chord_place resource, struct reload_chord_place a,
                       struct reload_chord_place b)
{
    return reload_chord_less(reload_chord_distance(resource, a),
                             reload_chord_distance(resource, b));
}
