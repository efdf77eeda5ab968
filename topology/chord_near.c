/* chord_near.c: who is met near a resource.
 *
 * RFC 6940 10.4; D92. SPDX-License-Identifier: BSD-2-Clause */
#include "topology/chord_near.h"

/* How far behind, in halves of the distance between two peers. */
static const uint8_t half_gaps[] = {1, 2, 3, 4, 6, 8, 12, 16, 24};

#define GAPS (sizeof half_gaps / sizeof half_gaps[0])
#define HALVINGS 20 /* of the ring, for an overlay of any size up to a million peers */

bool
reload_chord_near_place(const struct reload_chord *chord, struct reload_chord_place resource,
                        unsigned i, struct reload_chord_place *place)
{
    struct reload_chord_place behind = {0, 0};
    if (chord->phase == RELOAD_CHORD_JOINED) {
        if (i >= GAPS)
            return false;
        double half_gap = 9223372036854775808.0 / reload_chord_table_estimate(&chord->table);
        behind.high = (uint64_t)half_gap * half_gaps[i];
    } else { /* a client has no idea how large the overlay is */
        if (i >= HALVINGS)
            return false;
        behind = reload_chord_power(RELOAD_CHORD_BITS - 1 - i);
    }
    *place = reload_chord_add(resource, behind);
    return true;
}

bool
reload_chord_near_less(struct reload_chord_place resource, struct reload_chord_place a,
                       struct reload_chord_place b)
{
    return reload_chord_less(reload_chord_distance(resource, a),
                             reload_chord_distance(resource, b));
}
