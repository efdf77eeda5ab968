/* restore_test.c: what a peer stored comes back after a restart, and nothing else does. RFC 6940 7,
 * 7.4.1.1, 7.4.1.3; D4, D35, D47; attack rows S12, S16.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/core/restore_scene.h"

START_TEST(all_comes_back)
{
    char before[DISK_DUMP_SIZE], after[DISK_DUMP_SIZE];
    begin();
    ck_assert_int_eq(store_much(1000), 0);
    ck_assert_int_eq(store_text(KIND_SINGLE, none, "newer", 2000, 100), 0);
    disk_take(&disk, f);
    disk_dump(f, before);
    uint64_t generation = generation_at(f, alice, KIND_SINGLE);
    ck_assert_uint_eq(disk_boot(&disk, disk.count, f), 0);
    ck_assert_str_eq(disk_dump(f, after), before);
    ck_assert_uint_eq(generation_at(f, alice, KIND_SINGLE), generation);
    size_t writes = disk.count;
    ck_assert_int_eq(reload_node_start(storer(), NULL, 0, f->now), 0);
    disk_take(&disk, f);
    ck_assert_uint_eq(disk.count, writes); /* it is on disk already */
    /* Its time goes on, and it can be replaced. */
    ck_assert_int_eq(store_text(KIND_SINGLE, none, "older", 1500, 100), RELOAD_E_TOO_OLD);
    ck_assert_int_eq(store_text(KIND_SINGLE, none, "newest", 3000, 50), 0);
    wait(51 * RELOAD_SECOND);
    ck_assert_str_eq(value_at(f, alice, KIND_SINGLE, none), "-");
    ck_assert_str_eq(value_at(f, alice, KIND_DICTIONARY, text("a")), "A");
    wait(150 * RELOAD_SECOND);
    ck_assert_str_eq(value_at(f, alice, KIND_DICTIONARY, text("a")), "-");
    ck_assert_str_eq(value_at(f, alice, KIND_ARRAY, at(2)), "2");
    end();
}
END_TEST

/* ---- crashes -------------------------------------------------------------------------------- */

/* What the storage held after a turn, when, and how many writes there were by then. */
struct turn {
    char values[DISK_DUMP_SIZE];
    size_t writes;
    reload_time now;
    uint64_t wall_ms;
};

static struct turn turns[16];
static size_t turn_count;

static void
turn_ends(void)
{
    ck_assert_uint_lt(turn_count, 16);
    struct turn *turn = &turns[turn_count++];
    disk_take(&disk, f);
    disk_dump(f, turn->values);
    turn->writes = disk.count;
    turn->now = f->now;
    turn->wall_ms = f->wall_ms;
}

/* Everything that may happen to a value. */
static void
live(void)
{
    turn_count = 0;
    turn_ends();
    ck_assert_int_eq(store_much(1000), 0);
    turn_ends();
    ck_assert_int_eq(store_text(KIND_SINGLE, none, "again", 2000, 50), 0);
    turn_ends();
    ck_assert_int_eq(store_text(KIND_DICTIONARY, text("a"), NULL, 2000, 500), 0);
    turn_ends();
    wait(51 * RELOAD_SECOND); /* "again" ends */
    turn_ends();
    ck_assert_int_eq(store_text(KIND_SINGLE, none, "anew", 3000, 500), 0);
    turn_ends();
    wait(260 * RELOAD_SECOND); /* two of the dictionary end */
    turn_ends();
    ck_assert_int_eq(store_text(KIND_SINGLE, none, NULL, 4000, 20), 0);
    turn_ends();
    wait(21 * RELOAD_SECOND); /* the removal ends */
    turn_ends();
    reload_storage_drop(fixture_storage(f), reload_storage_find(fixture_storage(f), alice), f->now);
    turn_ends();
    ck_assert_int_eq(store_much(5000), 0);
    turn_ends();
}

/* A disk that keeps turns whole holds what the peer held; one that does not, holds no value that
 * had ended or was never there. */
/* RFC6940-7.4.1.1-01 */
START_TEST(s12_crash_at_every_write)
{
    char values[DISK_DUMP_SIZE];
    begin();
    live();
    ck_assert_uint_gt(disk.count, 40);
    for (size_t t = 1; t < turn_count; t++)
        for (size_t count = turns[t - 1].writes; count <= turns[t].writes; count++) {
            f->now = turns[t].now;
            f->wall_ms = turns[t].wall_ms;
            bool is_whole = count == turns[t].writes;
            unsigned refused = disk_boot(&disk, count, f);
            if (is_whole)
                ck_assert_uint_eq(refused, 0);
            disk_dump(f, values);
            if (is_whole)
                ck_assert_str_eq(values, turns[t].values);
            else
                disk_is_between(values, turns[t - 1].values, turns[t].values);
        }
    end();
}
END_TEST

/* A disk without memory for it all: what comes back is right, and nothing is lost by that. */
START_TEST(s12_no_memory_to_restore)
{
    char all[DISK_DUMP_SIZE], values[DISK_DUMP_SIZE];
    begin();
    ck_assert_int_eq(store_much(1000), 0);
    disk_take(&disk, f);
    disk_dump(f, all);
    for (size_t i = 1;; i++) {
        struct reload_bytes key = {0}, value;
        fixture_boot(f, STORER);
        f->allocations = 0;
        f->fail_at = i;
        while (disk_next(&disk, disk.count, &key, &value)) {
            int error = reload_node_restore(storer(), key, value, f->now);
            ck_assert(error == 0 || error == RELOAD_E_NOMEM || error == RELOAD_E_FORBIDDEN);
        }
        f->fail_at = 0;
        disk_is_between(disk_dump(f, values), all, all);
        if (f->allocations < i)
            break;
        ck_assert_uint_lt(i, 200);
    }
    ck_assert_str_eq(disk_dump(f, values), all);
    end();
}
END_TEST

/* ---- what has ended ------------------------------------------------------------------------- */

/* The value ended before the restart, or while the peer was away: either way it stays out. */
START_TEST(s16_what_has_ended_does_not_return)
{
    for (int away = 0; away < 2; away++) {
        begin();
        ck_assert_int_eq(store_text(KIND_SINGLE, none, "old", 1000, 60), 0);
        disk_take(&disk, f);
        if (away) {
            f->now += 61 * RELOAD_SECOND;
            f->wall_ms += 61000;
        } else {
            wait(61 * RELOAD_SECOND);
        }
        disk_take(&disk, f);
        ck_assert_uint_eq(disk_boot(&disk, disk.count, f), (unsigned)away);
        disk_take(&disk, f);
        ck_assert_str_eq(value_at(f, alice, KIND_SINGLE, none), "-");
        ck_assert_int_eq(store_text(KIND_SINGLE, none, "old", 1000, 60), RELOAD_E_TOO_OLD);
        /* Nor after another restart. */
        (void)disk_boot(&disk, disk.count, f);
        ck_assert_int_eq(store_text(KIND_SINGLE, none, "old", 1000, 60), RELOAD_E_TOO_OLD);
        ck_assert_int_eq(store_text(KIND_SINGLE, none, "new", 1001, 60), 0);
        end();
    }
}
END_TEST

START_TEST(s16_removed_and_forgotten)
{
    begin();
    ck_assert_int_eq(store_text(KIND_DICTIONARY, text(longer), "old", 1000, 600), 0);
    ck_assert_int_eq(store_text(KIND_DICTIONARY, text(longer), NULL, 2000, 600), 0);
    wait(601 * RELOAD_SECOND);
    disk_take(&disk, f);
    ck_assert_uint_eq(disk_boot(&disk, disk.count, f), 0);
    ck_assert_int_eq(store_text(KIND_DICTIONARY, text(longer), "old", 1000, 600), RELOAD_E_TOO_OLD);
    ck_assert_int_eq(store_text(KIND_DICTIONARY, text(longer), "old", 2000, 600), RELOAD_E_TOO_OLD);
    ck_assert_int_eq(store_text(KIND_DICTIONARY, text(longer), "new", 2001, 600), 0);
    end();
}
END_TEST

/* A disk that is both before and behind the end of a value. */
START_TEST(s16_a_mark_wins)
{
    struct reload_bytes key = {0}, value;
    begin();
    ck_assert_int_eq(store_text(KIND_SINGLE, none, "old", 1000, 600), 0);
    disk_take(&disk, f);
    bool found = false;
    while (!found && disk_next(&disk, disk.count, &key, &value))
        found = key.data[0] == 'V';
    ck_assert(found);
    ck_assert_int_eq(store_text(KIND_SINGLE, none, NULL, 2000, 60), 0);
    wait(61 * RELOAD_SECOND);
    disk_take(&disk, f);
    disk_put(&disk, key, value);
    ck_assert_uint_eq(disk_boot(&disk, disk.count, f), 1);
    ck_assert_str_eq(value_at(f, alice, KIND_SINGLE, none), "-");
    end();
}
END_TEST

/* The generation counter goes on: its newest value may have ended. */
START_TEST(generations_go_on)
{
    begin();
    ck_assert_int_eq(store_text(KIND_DICTIONARY, text("stays"), "1", 1000, 6000), 0);
    ck_assert_int_eq(store_text(KIND_DICTIONARY, text("ends"), "2", 1000, 60), 0);
    ck_assert_uint_eq(generation_at(f, alice, KIND_DICTIONARY), 2);
    wait(61 * RELOAD_SECOND);
    disk_take(&disk, f);
    ck_assert_uint_eq(disk_boot(&disk, disk.count, f), 0);
    ck_assert_uint_eq(generation_at(f, alice, KIND_DICTIONARY), 2);
    ck_assert_int_eq(store_text(KIND_DICTIONARY, text("a"), "3", 1000, 600), 0);
    disk_take(&disk, f); /* the newest record comes back first */
    ck_assert_uint_eq(disk_boot(&disk, disk.count, f), 0);
    ck_assert_uint_eq(generation_at(f, alice, KIND_DICTIONARY), 3);
    wait(6001 * RELOAD_SECOND); /* now the Kind is gone, too */
    disk_take(&disk, f);
    ck_assert_uint_eq(disk_boot(&disk, disk.count, f), 0);
    ck_assert_int_eq(store_text(KIND_DICTIONARY, text("new"), "4", 2000, 60), 0);
    ck_assert_uint_eq(generation_at(f, alice, KIND_DICTIONARY), 4);
    end();
}
END_TEST

int
main(void)
{
    return RUN_SUITE("restore", all_comes_back, s12_crash_at_every_write, s12_no_memory_to_restore,
                     s16_what_has_ended_does_not_return, s16_removed_and_forgotten, s16_a_mark_wins,
                     generations_go_on);
}
