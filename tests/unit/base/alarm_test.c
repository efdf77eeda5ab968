/* alarm_test.c: alarms fire in order of time, then of setting, whatever is set and cleared between.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/base/alarm.h"
#include "reload/base/prng.h"

#include "tests/suite.h"

#define COUNT 200

struct item {
    struct reload_alarm alarm; /* first: found again by its address */
    unsigned fired;
    uint64_t order;
};

struct world {
    struct reload_alarms alarms;
    struct item items[COUNT];
    uint64_t next_order;
    uint64_t last_at;
};

static void *
allocate(void *context, void *data, size_t size)
{
    size_t *left = context;
    if (size == 0) {
        free(data);
        return NULL;
    }
    if (*left == 0)
        return NULL;
    (*left)--;
    return realloc(data, size);
}

static void
note(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    struct world *world = owner;
    struct item *item = (struct item *)alarm;
    ck_assert_uint_ge(alarm->at, world->last_at);
    ck_assert_uint_le(alarm->at, now);
    ck_assert_uint_eq(alarm->slot, 0);
    world->last_at = alarm->at;
    item->fired++;
    item->order = world->next_order++;
}

START_TEST(fires_in_order)
{
    static struct world world;
    size_t left = SIZE_MAX;
    reload_alarms_init(&world.alarms, &world, &left, allocate);
    struct reload_prng prng = reload_prng_of(7);
    for (size_t i = 0; i < COUNT; i++)
        ck_assert_int_eq(reload_alarm_set(&world.alarms, &world.items[i].alarm,
                                          reload_prng_below(&prng, 50), note),
                         0);
    for (size_t i = 0; i < COUNT; i += 3)
        reload_alarm_clear(&world.alarms, &world.items[i].alarm);
    for (size_t i = 1; i < COUNT; i += 3)
        ck_assert_int_eq(reload_alarm_set(&world.alarms, &world.items[i].alarm,
                                          reload_prng_below(&prng, 50), note),
                         0);
    for (uint64_t now = 0; now < 60; now++) {
        reload_alarms_fire(&world.alarms, now);
        ck_assert_uint_gt(reload_alarms_next(&world.alarms), now);
    }
    for (size_t i = 0; i < COUNT; i++)
        ck_assert_uint_eq(world.items[i].fired, i % 3 != 0);
    ck_assert_uint_eq(reload_alarms_next(&world.alarms), UINT64_MAX);
    reload_alarms_fini(&world.alarms);
}
END_TEST

START_TEST(equal_times_keep_their_order)
{
    static struct world world;
    size_t left = SIZE_MAX;
    reload_alarms_init(&world.alarms, &world, &left, allocate);
    for (size_t i = 0; i < COUNT; i++)
        ck_assert_int_eq(reload_alarm_set(&world.alarms, &world.items[i].alarm, 5, note), 0);
    reload_alarms_fire(&world.alarms, 4);
    ck_assert_uint_eq(world.next_order, 0);
    reload_alarms_fire(&world.alarms, 5);
    for (size_t i = 0; i < COUNT; i++)
        ck_assert_uint_eq(world.items[i].order, i);
    reload_alarms_fini(&world.alarms);
}
END_TEST

START_TEST(without_memory_nothing_is_set)
{
    static struct world world;
    size_t left = 0;
    reload_alarms_init(&world.alarms, &world, &left, allocate);
    ck_assert_int_eq(reload_alarm_set(&world.alarms, &world.items[0].alarm, 5, note),
                     RELOAD_E_NOMEM);
    ck_assert_uint_eq(world.items[0].alarm.slot, 0);
    ck_assert_uint_eq(reload_alarms_next(&world.alarms), UINT64_MAX);
    left = 1;
    ck_assert_int_eq(reload_alarm_set(&world.alarms, &world.items[0].alarm, 5, note), 0);
    ck_assert_int_eq(reload_alarm_set(&world.alarms, &world.items[0].alarm, 9, note), 0);
    ck_assert_uint_eq(reload_alarms_next(&world.alarms), 9);
    reload_alarms_fini(&world.alarms);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("alarm", fires_in_order, equal_times_keep_their_order,
                     without_memory_nothing_is_set);
}
