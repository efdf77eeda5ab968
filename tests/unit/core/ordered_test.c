/* ordered_test.c: ordered sets, against a plain array of flags.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/ordered.h"

#include "reload/base/prng.h"
#include "tests/suite.h"

#define KEYS 500

struct item {
    struct reload_ordered_entry entry;
    uint8_t key[2];
    bool in;
};

static struct item items[KEYS];

static void
prepare(struct reload_prng *prng, bool same_priorities)
{
    for (unsigned i = 0; i < KEYS; i++) {
        items[i] = (struct item){.key = {(uint8_t)(i >> 8), (uint8_t)i}};
        items[i].entry.key = (struct reload_bytes){items[i].key, 2};
        items[i].entry.priority = same_priorities ? 1 : reload_prng_next(prng);
    }
}

static struct item *
model_from(unsigned begin)
{
    for (unsigned i = begin; i < KEYS; i++)
        if (items[i].in)
            return &items[i];
    return NULL;
}

static struct item *
model_last(void)
{
    for (unsigned i = KEYS; i-- > 0;)
        if (items[i].in)
            return &items[i];
    return NULL;
}

static void
compare_all(const struct reload_ordered *set)
{
    size_t count = 0;
    for (unsigned i = 0; i < KEYS; i++) {
        struct reload_bytes key = items[i].entry.key;
        count += items[i].in;
        ck_assert_ptr_eq(reload_ordered_find(set, key), items[i].in ? &items[i].entry : NULL);
        ck_assert_ptr_eq(reload_ordered_from(set, key), (void *)model_from(i));
        ck_assert_ptr_eq(reload_ordered_after(set, key), (void *)model_from(i + 1));
    }
    ck_assert_uint_eq(set->count, count);
    ck_assert_ptr_eq(reload_ordered_first(set), (void *)model_from(0));
    ck_assert_ptr_eq(reload_ordered_last(set), (void *)model_last());
    ck_assert_ptr_eq(reload_ordered_from(set, (struct reload_bytes){0}), (void *)model_from(0));
}

static void
random_changes(bool same_priorities)
{
    struct reload_prng prng = reload_prng_of(7);
    struct reload_ordered set = {0};
    prepare(&prng, same_priorities);
    for (int i = 0; i < 6000; i++) {
        struct item *item = &items[reload_prng_below(&prng, KEYS)];
        if (item->in)
            reload_ordered_remove(&set, &item->entry);
        else
            reload_ordered_insert(&set, &item->entry);
        item->in = !item->in;
        if (i % 200 == 0)
            compare_all(&set);
    }
    compare_all(&set);
    for (unsigned i = 0; i < KEYS; i++)
        if (items[i].in)
            reload_ordered_remove(&set, &items[i].entry);
    ck_assert_ptr_null(set.root);
}

START_TEST(agrees_with_the_model)
{
    random_changes(false);
}
END_TEST

START_TEST(equal_priorities_only_cost_time)
{
    random_changes(true);
}
END_TEST

static unsigned
depth(const struct reload_ordered_entry *entry)
{
    if (!entry)
        return 0;
    unsigned left = depth(entry->left), right = depth(entry->right);
    return 1 + (left > right ? left : right);
}

/* Keys in rising order do not make a list of it. */
START_TEST(stays_shallow)
{
    struct reload_prng prng = reload_prng_of(3);
    struct reload_ordered set = {0};
    prepare(&prng, false);
    for (unsigned i = 0; i < KEYS; i++)
        reload_ordered_insert(&set, &items[i].entry);
    ck_assert_uint_le(depth(set.root), 40);
}
END_TEST

START_TEST(orders_prefixes_first)
{
    uint8_t octets[] = {1, 2, 3};
    struct reload_bytes shorter = {octets, 2}, longer = {octets, 3}, none = {0};
    ck_assert_int_lt(reload_ordered_compare(shorter, longer), 0);
    ck_assert_int_gt(reload_ordered_compare(longer, shorter), 0);
    ck_assert_int_eq(reload_ordered_compare(longer, longer), 0);
    ck_assert_int_lt(reload_ordered_compare(none, shorter), 0);
    ck_assert_int_eq(reload_ordered_compare(none, none), 0);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("ordered", agrees_with_the_model, equal_priorities_only_cost_time,
                     stays_shallow, orders_prefixes_first);
}
