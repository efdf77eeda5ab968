/* chord_ring_test.c: arithmetic on the ring.
 *
 * RFC 6940 10.1, 10.7.4.2. SPDX-License-Identifier: BSD-2-Clause */
#include "ring_fixture.h"
#include "tests/suite.h"

START_TEST(octets_and_back)
{
    struct reload_node_id id = {{0}};
    for (uint8_t i = 0; i < RELOAD_CHORD_ID_SIZE; i++)
        id.octets[i] = (uint8_t)(0x10 + i);
    struct reload_chord_place place = reload_chord_place_of(&id);
    ck_assert_uint_eq(place.high, 0x1011121314151617);
    ck_assert_uint_eq(place.low, 0x18191a1b1c1d1e1f);
    struct reload_node_id back = reload_chord_node_id_of(place);
    ck_assert(reload_node_id_equal(&id, &back));
}
END_TEST

START_TEST(distance_wraps)
{
    struct reload_chord_place top = at(UINT64_MAX, UINT64_MAX);
    ck_assert(reload_chord_equal(reload_chord_distance(top, at(0, 0)), at(0, 1)));
    ck_assert(reload_chord_equal(reload_chord_distance(at(0, 0), top), top));
    ck_assert(reload_chord_equal(reload_chord_after(top), at(0, 0)));
    ck_assert(reload_chord_equal(reload_chord_after(at(1, UINT64_MAX)), at(2, 0)));
    ck_assert(reload_chord_equal(reload_chord_subtract(at(2, 0), at(0, 1)), at(1, UINT64_MAX)));
    ck_assert(reload_chord_is_zero(reload_chord_distance(at(7, 7), at(7, 7))));
    ck_assert(reload_chord_less(at(0, UINT64_MAX), at(1, 0)));
    ck_assert(!reload_chord_less(at(1, 0), at(1, 0)));
}
END_TEST

START_TEST(within_is_half_open)
{
    struct reload_chord_place a = at(0, 10), b = at(0, 20);
    ck_assert(!reload_chord_within(a, a, b));
    ck_assert(reload_chord_within(at(0, 11), a, b));
    ck_assert(reload_chord_within(b, a, b));
    ck_assert(!reload_chord_within(at(0, 21), a, b));
    ck_assert(!reload_chord_within(at(0, 9), a, b));
    /* over the top: (20, 10] */
    ck_assert(reload_chord_within(at(UINT64_MAX, 0), b, a));
    ck_assert(reload_chord_within(at(0, 0), b, a));
    ck_assert(reload_chord_within(a, b, a));
    ck_assert(!reload_chord_within(b, b, a));
    ck_assert(!reload_chord_within(at(0, 15), b, a));
    /* without a predecessor: everything */
    ck_assert(reload_chord_within(a, a, a));
    ck_assert(reload_chord_within(b, a, a));
}
END_TEST

START_TEST(between_is_open)
{
    struct reload_chord_place a = at(0, 10), b = at(0, 20);
    ck_assert(reload_chord_between(at(0, 15), a, b));
    ck_assert(!reload_chord_between(a, a, b));
    ck_assert(!reload_chord_between(b, a, b));
    ck_assert(!reload_chord_between(at(0, 15), b, a));
    ck_assert(reload_chord_between(at(0, 5), b, a));
    ck_assert(reload_chord_between(b, a, a));
    ck_assert(!reload_chord_between(a, a, a));
}
END_TEST

/* Whatever the ring, exactly one peer is responsible for each place, and it is the first at the
 * place or behind. */
START_TEST(ranges_partition_the_ring)
{
    struct reload_prng prng = reload_prng_of(4711);
    for (size_t size = 1; size <= 40; size++) {
        struct ring ring = random_ring(&prng, size);
        for (int round = 0; round < 50; round++) {
            struct reload_chord_place place =
                round < 20 ? ring.places[reload_prng_below(&prng, size)] : random_place(&prng);
            size_t responsible = 0;
            for (size_t i = 0; i < size; i++) {
                struct reload_chord_place before = ring.places[(i + size - 1) % size];
                if (!reload_chord_within(place, before, ring.places[i]))
                    continue;
                responsible++;
                ck_assert_uint_eq(i, ring_owner(&ring, place));
            }
            ck_assert_uint_eq(responsible, 1);
        }
    }
}
END_TEST

/* RFC6940-10.7.4.2: the i'th entry is valid in [x + 2^(128-i), x + 2^(128-(i-1)) - 1]. */
START_TEST(finger_ranges)
{
    struct reload_chord_place self = at(0xfedcba9876543210, 99);
    ck_assert_uint_eq(reload_chord_finger_of(self, self), 0);
    ck_assert_uint_eq(reload_chord_finger_of(self, reload_chord_after(self)), 128);
    for (unsigned i = 1; i <= RELOAD_CHORD_BITS; i++) {
        struct reload_chord_place start = reload_chord_finger_start(self, i);
        ck_assert_uint_eq(reload_chord_finger_of(self, start), i);
        struct reload_chord_place last =
            reload_chord_subtract(i == 1 ? self : reload_chord_finger_start(self, i - 1), at(0, 1));
        ck_assert_uint_eq(reload_chord_finger_of(self, last), i);
        uint8_t ones[RELOAD_CHORD_ID_SIZE], zeros[RELOAD_CHORD_ID_SIZE] = {0};
        memset(ones, 0xff, sizeof ones);
        ck_assert(reload_chord_equal(reload_chord_finger_random(self, i, ones), last));
        ck_assert(reload_chord_equal(reload_chord_finger_random(self, i, zeros), start));
    }
    ck_assert_double_eq(reload_chord_share(reload_chord_power(127)), 0.5);
    ck_assert_double_eq(reload_chord_share(reload_chord_power(0)), 0);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("chord_ring", octets_and_back, distance_wraps, within_is_half_open,
                     between_is_open, ranges_partition_the_ring, finger_ranges);
}
