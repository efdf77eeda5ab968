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

static struct reload_chord_place places[100];
static bool is_before[100];

static unsigned
list_places(struct reload_chord_place resource)
{
    unsigned count = 0;
    while (count < 100 &&
           reload_chord_near_place(&chord, resource, count, &places[count], &is_before[count]))
        count++;
    ck_assert_uint_ge(count, 5);
    ck_assert_uint_le(count, 24);
    return count;
}

/* From half a peer to some peers behind it, each farther than the one before; and before it. */
START_TEST(places_lie_around)
{
    struct reload_chord_place resource = at(UINT64_MAX - 5, 7), last = resource;
    unsigned count = list_places(resource), befores = 0;
    for (unsigned i = 0; i < count; i++) {
        struct reload_chord_place away = reload_chord_distance(resource, places[i]);
        if (is_before[i])
            away = reload_chord_distance(places[i], resource);
        else
            ck_assert(befores == 0 && reload_chord_near_less(resource, last, places[i]));
        double peers = 64 * reload_chord_share(away);
        ck_assert_double_ge(peers, 0.3);
        ck_assert_double_le(peers, 20);
        befores += is_before[i];
        last = places[i];
    }
    ck_assert_uint_ge(befores, 2);
}
END_TEST

/* A client has no neighbours: a millionth of the ring, twice as much, ... half of it. */
START_TEST(clients_cannot_guess)
{
    chord.phase = RELOAD_CHORD_CONNECTED;
    unsigned count = list_places(at(9, 9));
    ck_assert_uint_ge(count, 16);
    for (unsigned i = 0; i < count; i++) {
        ck_assert(!is_before[i]);
        ck_assert(reload_chord_equal(places[i], at(9 + (UINT64_C(1) << (64 - count + i)), 9)));
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
    return RUN_SUITE_IN(setup, teardown, "chord_near", places_lie_around, clients_cannot_guess,
                        order_behind_a_resource);
}
