/* chord_ring.c: places on the ring.
 *
 * RFC 6940 10.1, 10.7.4.2. SPDX-License-Identifier: BSD-2-Clause */
#include "topology/chord_ring.h"

#include <assert.h>

static uint64_t
octets_read(const uint8_t *octets)
{
    uint64_t value = 0;
    for (size_t i = 0; i < 8; i++)
        value = value << 8 | octets[i];
    return value;
}

static void
octets_write(uint8_t *octets, uint64_t value)
{
    for (size_t i = 8; i-- > 0; value >>= 8)
        octets[i] = (uint8_t)value;
}

struct reload_chord_place
reload_chord_place_of(const struct reload_node_id *id)
{
    return (struct reload_chord_place){octets_read(id->octets), octets_read(id->octets + 8)};
}

struct reload_node_id
reload_chord_node_id_of(struct reload_chord_place place)
{
    struct reload_node_id id = {{0}};
    octets_write(id.octets, place.high);
    octets_write(id.octets + 8, place.low);
    return id;
}

struct reload_chord_place
reload_chord_power(unsigned exponent)
{
    assert(exponent < RELOAD_CHORD_BITS);
    if (exponent < 64)
        return (struct reload_chord_place){0, UINT64_C(1) << exponent};
    return (struct reload_chord_place){UINT64_C(1) << (exponent - 64), 0};
}

bool
reload_chord_within(struct reload_chord_place place, struct reload_chord_place after,
                    struct reload_chord_place upto)
{
    if (reload_chord_equal(after, upto))
        return true;
    return reload_chord_equal(place, upto) || reload_chord_between(place, after, upto);
}

bool
reload_chord_between(struct reload_chord_place place, struct reload_chord_place after,
                     struct reload_chord_place before)
{
    struct reload_chord_place to_place = reload_chord_distance(after, place);
    if (reload_chord_is_zero(to_place))
        return false;
    if (reload_chord_equal(after, before))
        return true;
    return reload_chord_less(to_place, reload_chord_distance(after, before));
}

double
reload_chord_share(struct reload_chord_place distance)
{
    return (double)distance.high / 18446744073709551616.0;
}

struct reload_chord_place
reload_chord_finger_start(struct reload_chord_place self, unsigned i)
{
    assert(i >= 1 && i <= RELOAD_CHORD_BITS);
    return reload_chord_add(self, reload_chord_power(RELOAD_CHORD_BITS - i));
}

unsigned
reload_chord_finger_of(struct reload_chord_place self, struct reload_chord_place place)
{
    struct reload_chord_place distance = reload_chord_distance(self, place);
    if (distance.high)
        return 1 + (unsigned)__builtin_clzll(distance.high);
    return distance.low ? 65 + (unsigned)__builtin_clzll(distance.low) : 0;
}

struct reload_chord_place
reload_chord_finger_random(struct reload_chord_place self, unsigned i,
                           const uint8_t random[RELOAD_CHORD_ID_SIZE])
{
    /* The range's size is the power of two that it starts at: keep so many low bits. */
    struct reload_chord_place size = reload_chord_power(RELOAD_CHORD_BITS - i);
    struct reload_chord_place mask = reload_chord_subtract(size, reload_chord_power(0));
    struct reload_chord_place offset = {octets_read(random) & mask.high,
                                        octets_read(random + 8) & mask.low};
    struct reload_chord_place place = reload_chord_add(reload_chord_finger_start(self, i), offset);
    assert(reload_chord_finger_of(self, place) == i);
    return place;
}
