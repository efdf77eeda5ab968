/* chord_ring.h: places on the ring and the arithmetic between them, modulo 2^128.
 *
 * RFC 6940 10.1. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOPOLOGY_CHORD_RING_H
#define RELOAD_TOPOLOGY_CHORD_RING_H

#include "reload/wire/node_id.h"

/* Octets of a Node-ID and of a Resource-ID in CHORD-RELOAD (10.2, D6). */
#define RELOAD_CHORD_ID_SIZE 16
#define RELOAD_CHORD_BITS 128

/* A place on the ring, or a distance between two places: clockwise, towards larger numbers. */
struct reload_chord_place {
    uint64_t high, low;
};

/* reload_chord_place_of reads the first 16 octets of |id|, a Node-ID or Resource-ID. */
struct reload_chord_place reload_chord_place_of(const struct reload_node_id *id);

/* reload_chord_node_id_of is the reverse. */
struct reload_node_id reload_chord_node_id_of(struct reload_chord_place place);

/* reload_chord_add and reload_chord_subtract are modulo 2^128. */
static inline struct reload_chord_place
reload_chord_add(struct reload_chord_place a, struct reload_chord_place b)
{
    uint64_t low = a.low + b.low;
    return (struct reload_chord_place){a.high + b.high + (low < a.low), low};
}

static inline struct reload_chord_place
reload_chord_subtract(struct reload_chord_place a, struct reload_chord_place b)
{
    return (struct reload_chord_place){a.high - b.high - (a.low < b.low), a.low - b.low};
}

/* reload_chord_distance returns how far it is clockwise from |from| to |to|; 0 when equal. */
static inline struct reload_chord_place
reload_chord_distance(struct reload_chord_place from, struct reload_chord_place to)
{
    return reload_chord_subtract(to, from);
}

static inline bool
reload_chord_less(struct reload_chord_place a, struct reload_chord_place b)
{
    return a.high < b.high || (a.high == b.high && a.low < b.low);
}

static inline bool
reload_chord_equal(struct reload_chord_place a, struct reload_chord_place b)
{
    return a.high == b.high && a.low == b.low;
}

static inline bool
reload_chord_is_zero(struct reload_chord_place place)
{
    return place.high == 0 && place.low == 0;
}

/* reload_chord_after returns the place right behind |place|: n+1 in 10.5. */
static inline struct reload_chord_place
reload_chord_after(struct reload_chord_place place)
{
    return reload_chord_add(place, (struct reload_chord_place){0, 1});
}

/* reload_chord_power returns 2^|exponent|, |exponent| 0..127. */
struct reload_chord_place reload_chord_power(unsigned exponent);

/* reload_chord_within tells whether |place| lies in (|after|, |upto|]. When both are equal that is
 * the whole ring: a peer without a predecessor is responsible for everything. */
bool reload_chord_within(struct reload_chord_place place, struct reload_chord_place after,
                         struct reload_chord_place upto);

/* reload_chord_between tells whether |place| lies in (|after|, |before|), both ends excluded; when
 * they are equal that is everything but them. */
bool reload_chord_between(struct reload_chord_place place, struct reload_chord_place after,
                          struct reload_chord_place before);

/* reload_chord_share returns the part of the ring that |distance| is, 0 to 1. */
double reload_chord_share(struct reload_chord_place distance);

/* The finger table's |i|-th entry, |i| 1..128, is valid in [self + 2^(128-i), self + 2^(128-i+1) -
 * 1] (10.7.4.2). reload_chord_finger_start returns that range's first place. */
struct reload_chord_place reload_chord_finger_start(struct reload_chord_place self, unsigned i);

/* reload_chord_finger_of returns which entry's range |place| lies in, 1..128; 0 for |self|. */
unsigned reload_chord_finger_of(struct reload_chord_place self, struct reload_chord_place place);

/* reload_chord_finger_random picks a place in the |i|-th range by |random|, any 16 octets. */
struct reload_chord_place reload_chord_finger_random(struct reload_chord_place self, unsigned i,
                                                     const uint8_t random[RELOAD_CHORD_ID_SIZE]);

#endif
