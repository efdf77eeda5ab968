/* append_test.c: values appended to an array, when the request comes again. RFC
 * 6940 6.2.1, 7.4.1.1; D105.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/core/storage_fixture.h"

static struct fixture *f;
static struct draft draft;
static struct reload_bytes alice;
static uint8_t octets[16];

static void
begin(void)
{
    f = fixture_new();
    alice = user_resource(f, fixture_user(f, ALICE), octets);
}

static int
append(enum peer_name signer, const char *string, uint64_t time, uint32_t lifetime_s)
{
    draft_begin(&draft, f, alice, 0);
    draft_kind(&draft, KIND_ARRAY, 0);
    draft_value(&draft, signer, KIND_ARRAY, at(RELOAD_ARRAY_APPEND), string, time, lifetime_s);
    draft_kind_end(&draft);
    return store(&draft, signer);
}

/* The handler is asked as by a request that it never saw: no answer was kept. */
START_TEST(appended_once)
{
    begin();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(append(ALICE, "a", 1000, 3600), 0);
    ck_assert_str_eq(value_at(f, alice, KIND_ARRAY, at(0)), "a");
    ck_assert_str_eq(value_at(f, alice, KIND_ARRAY, at(1)), "-");
    ck_assert_int_eq(append(ALICE, "b", 1001, 3600), 0);
    ck_assert_int_eq(append(ALICE, "a", 1000, 3600), 0); /* not the last one any more */
    ck_assert_str_eq(value_at(f, alice, KIND_ARRAY, at(1)), "b");
    ck_assert_str_eq(value_at(f, alice, KIND_ARRAY, at(2)), "-");
    fixture_free(f);
}
END_TEST

/* The lifetime is not signed, and less of it is left in a copy (D4). */
START_TEST(lifetime_does_not_matter)
{
    begin();
    ck_assert_int_eq(append(ALICE, "a", 1000, 3600), 0);
    ck_assert_int_eq(append(ALICE, "a", 1000, 3500), 0);
    ck_assert_str_eq(value_at(f, alice, KIND_ARRAY, at(1)), "-");
    fixture_free(f);
}
END_TEST

/* Another time, another text, another device of hers: each is another append. */
START_TEST(others_are_appended)
{
    begin();
    ck_assert_int_eq(append(ALICE, "a", 1000, 3600), 0);
    ck_assert_int_eq(append(ALICE, "a", 1001, 3600), 0);
    ck_assert_int_eq(append(ALICE, "b", 1001, 3600), 0);
    ck_assert_int_eq(append(ALICE_TOO, "b", 1001, 3600), 0);
    static const char *const texts[] = {"a", "a", "b", "b"};
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_str_eq(value_at(f, alice, KIND_ARRAY, at(i)), texts[i]);
    fixture_free(f);
}
END_TEST

/* What stands there no more is not known any more: only its octets tell. */
START_TEST(what_was_replaced_is_another)
{
    begin();
    ck_assert_int_eq(append(ALICE, "a", 1000, 3600), 0);
    ck_assert_int_eq(store_one(f, ALICE, KIND_ARRAY, at(0), "b", 2000), 0);
    ck_assert_int_eq(append(ALICE, "a", 1000, 3600), 0);
    ck_assert_str_eq(value_at(f, alice, KIND_ARRAY, at(0)), "b");
    ck_assert_str_eq(value_at(f, alice, KIND_ARRAY, at(1)), "a");
    fixture_free(f);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("append", appended_once, lifetime_does_not_matter, others_are_appended,
                     what_was_replaced_is_another);
}
