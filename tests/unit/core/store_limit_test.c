/* store_limit_test.c: Store: Kinds, atomicity, limits of size and number, malformed requests. RFC
 * 6940 7.4.1, 13.5.2; attack rows S10-S14, P29.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/core/store_scene.h"

static void
draft_single(uint64_t time)
{
    draft_begin(&draft, f, alice, 0);
    draft_kind(&draft, KIND_SINGLE, 0);
    draft_value(&draft, ALICE, KIND_SINGLE, none, "one", time, 3600);
    draft_kind_end(&draft);
    (void)draft_end(&draft);
}

/* ---- Kinds ---------------------------------------------------------------------------------- */

/* RFC 6940 7.4.1.2: the unknown Kinds are listed. */
/* RFC6940-7.4.1.1-06, RFC6940-7.4.1.2-06 */
START_TEST(s10_unknown_kinds)
{
    begin();
    draft_begin(&draft, f, alice, 0);
    draft_kind(&draft, KIND_SINGLE, 0);
    draft_value(&draft, ALICE, KIND_SINGLE, none, "one", 1000, 3600);
    draft_kind_end(&draft);
    draft_kind(&draft, KIND_UNKNOWN, 0);
    draft_kind_end(&draft);
    struct reload_bytes body = draft_end(&draft);
    ask(f, &question, reload_handle_store, ALICE, body, reload_writer_written(&draft.certificates));
    ck_assert_int_eq(question.error, RELOAD_E_UNKNOWN_KIND);
    ck_assert_uint_eq(question.answer.error_info.size, 5);
    ck_assert_mem_eq(question.info, "\4\xf0\0\0\xff", 5);
    ck_assert_str_eq(single(), "-");
    fixture_free(f);
}
END_TEST

/* RFC 6940 7.4.1.1: the same Kind-ID MUST NOT be used twice. */
/* RFC6940-7.4.1.1-01 */
START_TEST(s11_a_kind_twice)
{
    begin();
    draft_begin(&draft, f, alice, 0);
    for (uint64_t i = 0; i < 2; i++) {
        draft_kind(&draft, KIND_SINGLE, 0);
        draft_value(&draft, ALICE, KIND_SINGLE, none, "one", 1000 + i, 3600);
        draft_kind_end(&draft);
    }
    ck_assert_int_eq(store(&draft, ALICE), RELOAD_E_MALFORMED);
    ck_assert_str_eq(single(), "-");
    fixture_free(f);
}
END_TEST

/* S12: the last value of a request of many Kinds spoils it all. */
static void
the_last_one_is_bad(enum peer_name signer, uint64_t time, const char *string, int wanted)
{
    begin();
    ck_assert_int_eq(store_one(f, ALICE, KIND_ARRAY, at(1), "before", 1000), 0);
    uint64_t before = fingerprint(f);
    draft_begin(&draft, f, alice, 0);
    draft_kind(&draft, KIND_SINGLE, 0);
    draft_value(&draft, ALICE, KIND_SINGLE, none, "one", 2000, 3600);
    draft_kind_end(&draft);
    draft_kind(&draft, KIND_DICTIONARY, 0);
    draft_value(&draft, ALICE, KIND_DICTIONARY, text("key"), "one", 2000, 3600);
    draft_kind_end(&draft);
    draft_kind(&draft, KIND_ARRAY, 0);
    draft_value(&draft, ALICE, KIND_ARRAY, at(0), "one", 2000, 3600);
    draft_value(&draft, signer, KIND_ARRAY, at(1), string, time, 3600);
    draft_kind_end(&draft);
    ck_assert_int_eq(store(&draft, ALICE), wanted);
    if (wanted)
        ck_assert_uint_eq(fingerprint(f), before);
    else
        ck_assert_str_eq(value_at(f, alice, KIND_ARRAY, at(1)), string);
    fixture_free(f);
}

/* RFC6940-7.4.1.1-02, RFC6940-7.4.1.1-03, RFC6940-7.4.1.1-17 */
START_TEST(s12_all_or_nothing)
{
    char longer[52];
    memset(longer, 'x', 51);
    longer[51] = '\0';
    the_last_one_is_bad(ALICE, 2000, "good", 0);
    the_last_one_is_bad(ALICE, 999, "old", RELOAD_E_TOO_OLD);
    the_last_one_is_bad(BOB, 2000, "bob's", RELOAD_E_FORBIDDEN);
    the_last_one_is_bad(ALICE, 2000, longer, RELOAD_E_TOO_LARGE);
}
END_TEST

/* ---- limits --------------------------------------------------------------------------------- */

/* RFC 6940 13.5.2: values exceeding the size MUST be rejected. */
/* RFC6940-13.5.2-01, RFC6940-7.4.1.2-05 */
START_TEST(s13_sizes)
{
    char string[52];
    memset(string, 'x', 51);
    string[51] = '\0';
    begin();
    ck_assert_int_eq(store_single(0, string, 1000), RELOAD_E_TOO_LARGE);
    string[50] = '\0';
    ck_assert_int_eq(store_single(0, string, 1000), 0);
    fixture_free(f);
}
END_TEST

START_TEST(s13_counts)
{
    static const char *const keys[] = {"a", "b", "c", "d"};
    begin();
    for (uint64_t i = 0; i < 4; i++)
        ck_assert_int_eq(store_as(0, 0, KIND_DICTIONARY, text(keys[i]), "v", 1000 + i),
                         i < 3 ? 0 : RELOAD_E_TOO_LARGE);
    ck_assert_int_eq(store_as(0, 0, KIND_DICTIONARY, text("a"), "w", 2000), 0); /* replaced */
    draft_begin(&draft, f, alice, 0);
    draft_kind(&draft, KIND_DICTIONARY, 0);
    draft_removal(&draft, ALICE, KIND_DICTIONARY, text("b"), 2000, 3600);
    draft_value(&draft, ALICE, KIND_DICTIONARY, text("d"), "v", 2000, 3600);
    draft_kind_end(&draft);
    ck_assert_int_eq(store(&draft, ALICE), 0); /* one has gone */
    fixture_free(f);
}
END_TEST

/* Removals cost memory, too. */
START_TEST(s13_removals_are_counted)
{
    static const char *const keys[] = {"a", "b", "c", "d", "e", "f", "g"};
    begin();
    for (uint64_t i = 0; i < 7; i++) {
        draft_begin(&draft, f, alice, 0);
        draft_kind(&draft, KIND_DICTIONARY, 0);
        draft_removal(&draft, ALICE, KIND_DICTIONARY, text(keys[i]), 2000, 3600);
        draft_kind_end(&draft);
        ck_assert_int_eq(store(&draft, ALICE), i < 6 ? 0 : RELOAD_E_TOO_LARGE);
    }
    fixture_free(f);
}
END_TEST

/* An array is as long as its last index says, gaps included; it takes memory for what is in it. */
START_TEST(s13_gaps)
{
    begin();
    ck_assert_int_eq(store_as(0, 0, KIND_ARRAY, at(3), "v", 1000), 0);
    ck_assert_int_eq(store_as(0, 0, KIND_ARRAY, at(4), "v", 1000), RELOAD_E_TOO_LARGE);
    ck_assert_int_eq(store_as(0, 0, KIND_ARRAY, at(0xfffffffe), "v", 1000), RELOAD_E_TOO_LARGE);
    size_t octets = fixture_storage(f)->octets;
    ck_assert_int_eq(store_as(0, 0, KIND_SPARSE, at(0xfffffffe), "v", 1000), 0);
    ck_assert_uint_lt(fixture_storage(f)->octets, octets + 1000);
    /* Nothing fits behind the very last one. */
    ck_assert_int_eq(store_as(0, 0, KIND_SPARSE, at(RELOAD_ARRAY_APPEND), "v", 1001),
                     RELOAD_E_TOO_LARGE);
    fixture_free(f);
}
END_TEST

/* RFC 6940 7.4.1.1: a store at index 0xffffffff places the new value at the end of the array. */
START_TEST(s14_appending)
{
    begin();
    ck_assert_int_eq(store_as(0, 0, KIND_ARRAY, at(RELOAD_ARRAY_APPEND), "0", 1000), 0);
    draft_begin(&draft, f, alice, 0);
    draft_kind(&draft, KIND_ARRAY, 0);
    draft_value(&draft, ALICE, KIND_ARRAY, at(RELOAD_ARRAY_APPEND), "1", 1000, 3600);
    draft_value(&draft, ALICE_TOO, KIND_ARRAY, at(RELOAD_ARRAY_APPEND), "2", 1000, 3600);
    draft_kind_end(&draft);
    ck_assert_int_eq(store(&draft, ALICE), 0); /* two appenders in one request */
    ck_assert_int_eq(store_as(0, 0, KIND_ARRAY, at(RELOAD_ARRAY_APPEND), "3", 500), 0);
    for (uint32_t i = 0; i < 4; i++) {
        char digit[2] = {(char)('0' + i), '\0'};
        ck_assert_str_eq(value_at(f, alice, KIND_ARRAY, at(i)), digit);
    }
    ck_assert_int_eq(store_as(0, 0, KIND_ARRAY, at(RELOAD_ARRAY_APPEND), "4", 2000),
                     RELOAD_E_TOO_LARGE); /* full */
    ck_assert_int_eq(store_as(1, 9, KIND_ARRAY, at(RELOAD_ARRAY_APPEND), "4", 2000),
                     RELOAD_E_TOO_LARGE); /* a replica has its index already */
    fixture_free(f);
}
END_TEST

/* Behind a gap, and behind a value of the same request. */
START_TEST(s14_appending_behind_a_gap)
{
    begin();
    draft_begin(&draft, f, alice, 0);
    draft_kind(&draft, KIND_ARRAY, 0);
    draft_value(&draft, ALICE, KIND_ARRAY, at(2), "2", 1000, 3600);
    draft_value(&draft, ALICE, KIND_ARRAY, at(RELOAD_ARRAY_APPEND), "3", 1000, 3600);
    draft_kind_end(&draft);
    ck_assert_int_eq(store(&draft, ALICE), 0);
    ck_assert_str_eq(value_at(f, alice, KIND_ARRAY, at(3)), "3");
    ck_assert_str_eq(value_at(f, alice, KIND_ARRAY, at(0)), "-");
    fixture_free(f);
}
END_TEST

/* Each value is processed in turn: the same key twice in one request. */
START_TEST(values_are_processed_in_turn)
{
    begin();
    for (uint64_t second = 1000; second <= 1001; second++) {
        draft_begin(&draft, f, alice, 0);
        draft_kind(&draft, KIND_DICTIONARY, 0);
        draft_value(&draft, ALICE, KIND_DICTIONARY, text("a"), "1", 1000, 3600);
        draft_value(&draft, ALICE, KIND_DICTIONARY, text("a"), "2", second, 3600);
        draft_kind_end(&draft);
        ck_assert_int_eq(store(&draft, ALICE), second == 1000 ? RELOAD_E_TOO_OLD : 0);
    }
    ck_assert_str_eq(value_at(f, alice, KIND_DICTIONARY, text("a")), "2");
    ck_assert_uint_eq(generation_at(f, alice, KIND_DICTIONARY), 1);
    fixture_free(f);
}
END_TEST

/* ---- form ----------------------------------------------------------------------------------- */

/* RFC 6940 7.4.1.3: value = {} (0 length). */
START_TEST(p29_removal_with_a_value)
{
    struct reload_node *node;
    struct reload_stored_data_value content = {.model = RELOAD_DATA_MODEL_SINGLE_VALUE};
    begin();
    node = f->peers[ALICE].node;
    content.single_value_entry = (struct reload_data_value){false, text("not empty")};
    draft_begin(&draft, f, alice, 0);
    draft_kind(&draft, KIND_SINGLE, 0);
    draft_certificate(&draft, ALICE);
    ck_assert_int_eq(
        reload_value_sign(node, alice, KIND_SINGLE, 1000, 3600, &content, &draft.writer), 0);
    draft_kind_end(&draft);
    ck_assert_int_eq(store(&draft, ALICE), RELOAD_E_MALFORMED);
    fixture_free(f);
}
END_TEST

START_TEST(malformed_requests)
{
    begin();
    draft_single(1000);
    struct reload_bytes body = reload_writer_written(&draft.writer);
    for (size_t size = 0; size < body.size; size++) {
        ask(f, &question, reload_handle_store, ALICE, (struct reload_bytes){body.data, size},
            reload_writer_written(&draft.certificates));
        ck_assert_int_lt(question.error, 0);
    }
    body.size++; /* the buffer has more */
    ask(f, &question, reload_handle_store, ALICE, body, reload_writer_written(&draft.certificates));
    ck_assert_int_eq(question.error, RELOAD_E_TRAILING);
    ck_assert_uint_eq(reload_storage_resource_count(fixture_storage(f)), 0);
    fixture_free(f);
}
END_TEST

/* Octets changed at random: the request is refused and nothing has changed, or it was a good one.
 */
START_TEST(mutated_requests)
{
    struct reload_prng prng = reload_prng_of(11);
    uint64_t time = 1000;
    unsigned accepted = 0;
    begin();
    for (int i = 0; i < 4000; i++) {
        draft_begin(&draft, f, alice, (uint8_t)(i % 2));
        draft_kind(&draft, KIND_DICTIONARY, (uint64_t)(i % 2));
        draft_value(&draft, ALICE, KIND_DICTIONARY, text("a"), "one", ++time, 3600);
        draft_value(&draft, ALICE_TOO, KIND_DICTIONARY, text("b"), "two", ++time, 3600);
        draft_kind_end(&draft);
        draft_kind(&draft, KIND_ARRAY, (uint64_t)(i % 2));
        draft_value(&draft, ALICE, KIND_ARRAY, at(1), "three", ++time, 3600);
        draft_kind_end(&draft);
        struct reload_bytes body = draft_end(&draft);
        for (uint64_t j = reload_prng_below(&prng, 3); j < 3; j++)
            draft.octets[reload_prng_below(&prng, body.size)] ^=
                (uint8_t)(1u << reload_prng_below(&prng, 8));
        uint64_t before = fingerprint(f);
        ask(f, &question, reload_handle_store, ALICE, body,
            reload_writer_written(&draft.certificates));
        if (question.error)
            ck_assert_uint_eq(fingerprint(f), before);
        else
            accepted++;
    }
    ck_assert_uint_gt(accepted, 0); /* lifetimes, counters, indices may change */
    ck_assert_uint_lt(accepted, 1000);
    fixture_free(f);
}
END_TEST

/* D6: Resource-IDs have the overlay's size. */
START_TEST(resources_of_another_size)
{
    uint8_t octets[255] = {0};
    begin();
    for (size_t size = 0; size <= 255; size++) {
        uint8_t body[600];
        struct reload_writer writer = reload_writer_of(body, sizeof body);
        reload_writer_vector(&writer, 1, (struct reload_bytes){octets, size});
        reload_writer_u8(&writer, 0);
        reload_writer_u32(&writer, 0);
        ask(f, &question, reload_handle_store, ALICE, reload_writer_written(&writer), none);
        ck_assert_int_eq(question.error, size == 16 ? 0 : RELOAD_E_MALFORMED);
    }
    fixture_free(f);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("store_limit", s10_unknown_kinds, s11_a_kind_twice, s12_all_or_nothing,
                     s13_sizes, s13_counts, s13_removals_are_counted, s13_gaps, s14_appending,
                     s14_appending_behind_a_gap, values_are_processed_in_turn,
                     p29_removal_with_a_value, malformed_requests, mutated_requests,
                     resources_of_another_size);
}
