/* stat_test.c: Stat, answered. RFC 6940 7.4.3; attack row P27.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/core/storage_fixture.h"

static struct fixture *f;
static struct draft draft;
static struct question question;
static struct reload_bytes alice, none;
static uint8_t alice_octets[16];
static const struct reload_wire *wire;

/* Asks for everything of array, dictionary and single value, in this order; |first| is the range's.
 */
static int
ask_all(uint32_t first)
{
    uint8_t octets[256];
    struct reload_writer writer = reload_writer_of(octets, sizeof octets);
    reload_writer_vector(&writer, 1, alice);
    size_t list = reload_writer_begin(&writer, 2);
    reload_writer_u32(&writer, KIND_ARRAY);
    reload_writer_u64(&writer, 0);
    reload_writer_u16(&writer, 10);
    reload_writer_u16(&writer, 8);
    reload_writer_u32(&writer, first);
    reload_writer_u32(&writer, 5);
    reload_writer_u32(&writer, KIND_DICTIONARY);
    reload_writer_u64(&writer, 0);
    reload_writer_u16(&writer, 2);
    reload_writer_u16(&writer, 0);
    reload_writer_u32(&writer, KIND_SINGLE);
    reload_writer_u64(&writer, 0);
    reload_writer_u16(&writer, 0);
    reload_writer_end(&writer, list, 2);
    ck_assert(!writer.failed);
    ask(f, &question, reload_handle_stat, BOB, reload_writer_written(&writer), none);
    return question.error;
}

/* The |number|-th value of the |kind_number|-th Kind in the answer. */
static bool
nth(size_t kind_number, size_t number, struct reload_stored_meta_data *data)
{
    struct reload_stat_ans answer;
    struct reload_stat_kind_response response = {0};
    struct reload_reader reader = reload_reader_of(reload_writer_written(&question.answer.body));
    ck_assert_int_eq(reload_stat_ans_decode(&reader, wire, &answer), 0);
    ck_assert_uint_eq(reload_reader_left(&reader), 0);
    reader = reload_reader_of(answer.kind_responses);
    for (size_t i = 0; i <= kind_number; i++)
        ck_assert(reload_stat_kind_response_next(&reader, wire, &response));
    reader = reload_reader_of(response.values);
    for (size_t i = 0; i <= number; i++)
        if (!reload_stored_meta_data_next(&reader, wire, response.model, data))
            return false;
    return true;
}

static void
begin(void)
{
    f = fixture_new();
    alice = user_resource(f, "alice@example.org", alice_octets);
    wire = &f->peers[STORER].node->wire;
}

/* RFC6940-7.4.3.2: the digest covers the value with its four leading length octets. */
static void
is_digest(const struct reload_meta_data *meta, const char *string)
{
    struct reload_keyring *keyring = &f->peers[BOB].keyring.keyring;
    uint8_t length[4], digest[RELOAD_DIGEST_MAX];
    size_t size;
    struct reload_bytes parts[] = {reload_value_index_key((uint32_t)strlen(string), length),
                                   text(string)};
    ck_assert_int_eq(
        keyring->ops->digest(keyring, RELOAD_HASH_ALGORITHM_SHA256, parts, 2, digest, &size), 0);
    ck_assert_uint_eq(meta->value_length, strlen(string));
    ck_assert_uint_eq(meta->hash_algorithm, RELOAD_HASH_ALGORITHM_SHA256);
    ck_assert_uint_eq(meta->hash_value.size, size);
    ck_assert_mem_eq(meta->hash_value.data, digest, size);
}

START_TEST(metadata)
{
    struct reload_stored_meta_data data;
    begin();
    ck_assert_int_eq(store_one(f, ALICE, KIND_ARRAY, at(1), "one", 1000), 0);
    ck_assert_int_eq(store_one(f, ALICE, KIND_DICTIONARY, text("a"), "A", 2000), 0);
    f->now += 10 * RELOAD_SECOND;
    ck_assert_int_eq(ask_all(0), 0);
    ck_assert(nth(0, 0, &data)); /* a gap */
    ck_assert_uint_eq(data.metadata.array_entry.index, 0);
    ck_assert(!data.metadata.array_entry.value.exists);
    ck_assert(nth(0, 1, &data));
    ck_assert_uint_eq(data.metadata.array_entry.index, 1);
    ck_assert_uint_eq(data.storage_time, 1000);
    ck_assert_uint_eq(data.lifetime, 3590);
    ck_assert(data.metadata.array_entry.value.exists);
    is_digest(&data.metadata.array_entry.value, "one");
    ck_assert(!nth(0, 2, &data));
    ck_assert(nth(1, 0, &data));
    ck_assert(reload_bytes_equal(data.metadata.dictionary_entry.key, text("a")));
    is_digest(&data.metadata.dictionary_entry.value, "A");
    ck_assert(nth(2, 0, &data)); /* nothing is there */
    ck_assert(!data.metadata.single_value_entry.exists);
    ck_assert_uint_eq(data.metadata.single_value_entry.value_length, 0);
    fixture_free(f);
}
END_TEST

START_TEST(removed_values)
{
    struct reload_stored_meta_data data;
    begin();
    draft_begin(&draft, f, alice, 0);
    draft_kind(&draft, KIND_SINGLE, 0);
    draft_removal(&draft, ALICE, KIND_SINGLE, none, 1000, 60);
    draft_kind_end(&draft);
    ck_assert_int_eq(store(&draft, ALICE), 0);
    ck_assert_int_eq(ask_all(0), 0);
    ck_assert(nth(2, 0, &data));
    ck_assert(!data.metadata.single_value_entry.exists);
    ck_assert_uint_eq(data.storage_time, 1000);
    is_digest(&data.metadata.single_value_entry, "");
    fixture_free(f);
}
END_TEST

START_TEST(p27_ranges)
{
    begin();
    ck_assert_int_eq(ask_all(5), 0);
    ck_assert_int_eq(ask_all(6), RELOAD_E_MALFORMED);
    ck_assert_int_eq(ask_all(0xffffffff), RELOAD_E_MALFORMED);
    fixture_free(f);
}
END_TEST

START_TEST(p27_malformed)
{
    begin();
    uint8_t octets[] = {16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    for (size_t size = 0; size <= sizeof octets; size++) {
        ask(f, &question, reload_handle_stat, BOB, (struct reload_bytes){octets, size}, none);
        ck_assert_int_eq(question.error == 0, size == sizeof octets);
    }
    octets[18] = 1;
    ask(f, &question, reload_handle_stat, BOB, (struct reload_bytes){octets, sizeof octets}, none);
    ck_assert_int_lt(question.error, 0);
    fixture_free(f);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("stat", metadata, removed_values, p27_ranges, p27_malformed);
}
