/* marks_test.c: numbers remembered by place. RFC 6940 13.5.3, D4.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/marks.h"

#include "tests/suite.h"

static size_t live, fail_at, allocations;

static void *
allocate(void *context, void *data, size_t size)
{
    (void)context;
    if (!size) {
        live--;
        free(data);
        return NULL;
    }
    if (++allocations == fail_at)
        return NULL;
    live += !data;
    return realloc(data, size);
}

static const struct reload_env env = {.allocate = allocate};
static struct reload_prng prng;
static struct reload_marks marks;

static void
begin(size_t count_max, size_t octets_max)
{
    prng = reload_prng_of(1);
    live = fail_at = allocations = 0;
    reload_marks_init(&marks, &env, &prng, count_max, octets_max);
}

static void
end(void)
{
    reload_marks_fini(&marks);
    ck_assert_uint_eq(live, 0);
}

static struct reload_mark_place
place(const char *resource, uint32_t kind, const char *key)
{
    return (struct reload_mark_place){.resource = reload_bytes_of_string(resource),
                                      .kind = kind,
                                      .key = reload_bytes_of_string(key)};
}

static uint64_t
get(struct reload_mark_place where, reload_time now)
{
    return reload_marks_get(&marks, &where, now);
}

static void
note(struct reload_mark_place where, uint64_t value, reload_time expires)
{
    reload_marks_note(&marks, &where, value, expires);
}

START_TEST(the_greatest_is_remembered)
{
    begin(10, 10000);
    ck_assert_uint_eq(get(place("r", 1, "k"), 0), 0);
    note(place("r", 1, "k"), 7, 100);
    note(place("r", 1, "k"), 5, 50);
    ck_assert_uint_eq(get(place("r", 1, "k"), 99), 7);
    note(place("r", 1, "k"), 9, 50);
    ck_assert_uint_eq(get(place("r", 1, "k"), 99), 9);
    ck_assert_uint_eq(get(place("r", 1, "k"), 100), 0);
    end();
}
END_TEST

START_TEST(places_do_not_run_together)
{
    begin(10, 10000);
    note(place("ab", 1, "c"), 1, 100);
    note(place("a", 1, "bc"), 2, 100);
    note(place("ab", 2, "c"), 3, 100);
    struct reload_mark_place generation = place("ab", 1, "c");
    generation.type = RELOAD_MARK_GENERATION;
    note(generation, 4, 100);
    ck_assert_uint_eq(get(place("ab", 1, "c"), 0), 1);
    ck_assert_uint_eq(get(place("a", 1, "bc"), 0), 2);
    ck_assert_uint_eq(get(place("ab", 2, "c"), 0), 3);
    ck_assert_uint_eq(get(generation, 0), 4);
    ck_assert_uint_eq(get(place("ab", 1, ""), 0), 0);
    end();
}
END_TEST

START_TEST(the_oldest_go_first)
{
    char name[2] = "a";
    begin(3, 10000);
    for (; name[0] < 'f'; name[0]++)
        note(place(name, 1, ""), 1, 100);
    ck_assert_uint_eq(marks.set.count, 3);
    ck_assert_uint_eq(get(place("b", 1, ""), 0), 0);
    ck_assert_uint_eq(get(place("c", 1, ""), 0), 1);
    ck_assert_uint_eq(get(place("e", 1, ""), 0), 1);
    end();
}
END_TEST

START_TEST(octets_are_bounded)
{
    char key[1000];
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    begin(1000, 5000);
    for (char name[2] = "a"; name[0] < 'z'; name[0]++)
        note(place(name, 1, key), 1, 100);
    ck_assert_uint_le(marks.octets, 5000);
    ck_assert_uint_eq(get(place("y", 1, key), 0), 1);
    ck_assert_uint_eq(get(place("a", 1, key), 0), 0);
    end();
}
END_TEST

START_TEST(without_memory_nothing_is_noted)
{
    begin(10, 10000);
    fail_at = 1;
    note(place("r", 1, "k"), 7, 100);
    ck_assert_uint_eq(get(place("r", 1, "k"), 0), 0);
    note(place("r", 1, "k"), 7, 100);
    ck_assert_uint_eq(get(place("r", 1, "k"), 0), 7);
    end();
}
END_TEST

int
main(void)
{
    return RUN_SUITE("marks", the_greatest_is_remembered, places_do_not_run_together,
                     the_oldest_go_first, octets_are_bounded, without_memory_nothing_is_noted);
}
