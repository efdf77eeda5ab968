/* chord_near_test.c: places near a resource.
 *
 * RFC 6940 10.4; D92. SPDX-License-Identifier: BSD-2-Clause */
#include "topology/chord_near.h"

#include "ring_fixture.h"
#include "tests/suite.h"

static struct reload_chord chord;

/* A peer in the midst of eight, 1/64 of the ring from each to the next. */
static void
setup(void)
{
    chord.phase = RELOAD_CHORD_JOINED;
    reload_chord_table_init(&chord.table, at(UINT64_C(1) << 62, 0));
    for (uint64_t i = 1; i <= 4; i++) {
        uint64_t away = i << 58, self = UINT64_C(1) << 62;
        ck_assert_int_eq(
            reload_chord_table_add(&chord.table, &ring_env, at(self + away, 0), (uint32_t)i), 0);
        ck_assert_int_eq(
            reload_chord_table_add(&chord.table, &ring_env, at(self - away, 0), (uint32_t)i + 8),
            0);
    }
}

static void
teardown(void)
{
    reload_chord_table_fini(&chord.table, &ring_env);
}

static unsigned
count_places(struct reload_chord_place resource)
{
    struct reload_chord_place place;
    unsigned count = 0;
    while (count < 100 && reload_chord_near_place(&chord, resource, count, &place))
        count++;
    return count;
}

/* From half a peer to a dozen peers behind it, each farther than the one before. */
START_TEST(places_lie_behind)
{
    struct reload_chord_place resource = at(UINT64_MAX - 5, 7), before = resource, place;
    unsigned count = count_places(resource);
    ck_assert_uint_ge(count, 5);
    ck_assert_uint_lt(count, 24);
    for (unsigned i = 0; i < count; i++) {
        ck_assert(reload_chord_near_place(&chord, resource, i, &place));
        ck_assert(reload_chord_near_less(resource, before, place));
        double peers = 64 * reload_chord_share(reload_chord_distance(resource, place));
        ck_assert_double_ge(peers, 0.3);
        ck_assert_double_le(peers, 20);
        before = place;
    }
    ck_assert(!reload_chord_near_place(&chord, resource, count, &place));
}
END_TEST

/* A client has no neighbours: half of the ring, a quarter, ... */
START_TEST(clients_cannot_guess)
{
    struct reload_chord_place place;
    chord.phase = RELOAD_CHORD_CONNECTED;
    unsigned count = count_places(at(9, 9));
    ck_assert_uint_ge(count, 16);
    ck_assert_uint_le(count, 24);
    for (unsigned i = 0; i < count; i++) {
        ck_assert(reload_chord_near_place(&chord, at(9, 9), i, &place));
        ck_assert(reload_chord_equal(place, at(9 + (UINT64_C(1) << (63 - i)), 9)));
    }
}
END_TEST

/* Who comes first behind the resource, going round; what is right there comes before all. */
START_TEST(order_behind_a_resource)
{
    struct reload_chord_place resource = at(100, 5);
    ck_assert(reload_chord_near_less(resource, at(100, 5), at(100, 6)));
    ck_assert(reload_chord_near_less(resource, at(100, 6), at(101, 0)));
    ck_assert(reload_chord_near_less(resource, at(UINT64_MAX, 0), at(3, 0)));
    ck_assert(reload_chord_near_less(resource, at(3, 0), at(100, 4)));
    ck_assert(!reload_chord_near_less(resource, at(100, 4), at(100, 5)));
    ck_assert(!reload_chord_near_less(resource, at(7, 7), at(7, 7)));
}
END_TEST

int
main(void)
{
    return RUN_SUITE_IN(setup, teardown, "chord_near", places_lie_behind, clients_cannot_guess,
                        order_behind_a_resource);
}
