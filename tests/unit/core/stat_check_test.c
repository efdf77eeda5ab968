/* stat_check_test.c: Stat and Find, asked: answers that are good, and those that must not be
 * believed. RFC 6940 7.4.3, 7.4.4; D25; attack row P28.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/find_check.h"
#include "reload/core/stat_check.h"
#include "tests/unit/core/storage_fixture.h"

#include <stdio.h>

static struct fixture *f;
static struct reload_bytes alice, none;
static uint8_t alice_octets[16];
static const struct reload_wire *wire;

static char got[4096];
static struct reload_result result;
static unsigned results;

static void
begin(void)
{
    f = fixture_new();
    alice = user_resource(f, "alice@example.org", alice_octets);
    wire = &f->peers[STORER].node->wire;
    got[0] = '\0';
    results = 0;
}

static void
take(void *argument, const struct reload_stat_value *value, reload_time now)
{
    (void)argument, (void)now;
    size_t size = strlen(got);
    (void)snprintf(got + size, sizeof got - size, "%s%.*s:%u=%u/%zu ", value->exists ? "" : "no ",
                   (int)value->key.size, (const char *)value->key.data, value->index,
                   value->value_size, value->hash.size);
}

static void
find_take(void *argument, uint32_t kind, struct reload_bytes resource, reload_time now)
{
    (void)argument, (void)now;
    size_t size = strlen(got);
    (void)snprintf(got + size, sizeof got - size, "%x:%zu ", kind & 0xff, resource.size);
}

static void
done(void *argument, const struct reload_result *told, reload_time now)
{
    (void)argument, (void)now;
    result = *told;
    results++;
}

/* ---- the verbs ------------------------------------------------------------------------------ */

static void
connect_alice(void)
{
    begin();
    fixture_connect(f, ALICE);
    f->peers[ALICE].responsible = false;
    fixture_run(f, f->now + RELOAD_SECOND);
}

START_TEST(stat_tells_what_fetch_would)
{
    const struct reload_fetch_specifier specifiers[] = {
        {.kind = KIND_SINGLE},
        {.kind = KIND_ARRAY, .first = 0, .last = 0xffffffff},
        {.kind = KIND_DICTIONARY, .key = text("nothing")},
    };
    connect_alice();
    ck_assert_int_eq(store_one(f, ALICE, KIND_SINGLE, none, "one", 1000), 0);
    ck_assert_int_eq(store_one(f, ALICE, KIND_ARRAY, at(1), "second", 1000), 0);
    ck_assert_int_eq(
        reload_node_stat(f->peers[ALICE].node, alice, specifiers, 3, take, done, NULL, f->now), 0);
    fixture_run(f, f->now + RELOAD_SECOND);
    ck_assert_uint_eq(results, 1);
    ck_assert_int_eq(result.error, 0);
    ck_assert_uint_eq(result.discarded, 0);
    ck_assert_str_eq(got, ":0=3/32 no :0=0/0 :1=6/32 no nothing:0=0/0 ");
    ck_assert_uint_eq(f->peers[ALICE].node->pushes.job_count, 0);
    fixture_free(f);
}
END_TEST

START_TEST(find_tells_where)
{
    const uint32_t kinds[] = {KIND_SINGLE, KIND_ARRAY, KIND_UNKNOWN};
    connect_alice();
    ck_assert_int_eq(store_one(f, ALICE, KIND_SINGLE, none, "one", 1000), 0);
    ck_assert_int_eq(
        reload_node_find(f->peers[ALICE].node, alice, kinds, 3, find_take, done, NULL, f->now), 0);
    fixture_run(f, f->now + RELOAD_SECOND);
    ck_assert_uint_eq(results, 1);
    ck_assert_int_eq(result.error, 0);
    ck_assert_uint_eq(result.discarded, 0);
    ck_assert_str_eq(got, "6:16 2:0 ff:0 ");
    ck_assert_uint_eq(f->peers[ALICE].node->pushes.job_count, 0);
    fixture_free(f);
}
END_TEST

START_TEST(mistakes_are_told_at_once)
{
    const struct reload_fetch_specifier twice[] = {{.kind = KIND_SINGLE}, {.kind = KIND_SINGLE}};
    const struct reload_fetch_specifier unknown = {.kind = KIND_UNKNOWN};
    const uint32_t kinds[RELOAD_FIND_KINDS_MAX + 1] = {KIND_SINGLE, KIND_SINGLE};
    begin();
    struct reload_node *node = f->peers[ALICE].node;
    ck_assert_int_eq(reload_node_stat(node, alice, twice, 2, take, done, NULL, f->now),
                     RELOAD_E_USAGE);
    ck_assert_int_eq(reload_node_stat(node, alice, &unknown, 1, take, done, NULL, f->now),
                     RELOAD_E_UNKNOWN_KIND);
    ck_assert_int_eq(reload_node_stat(node, none, twice, 1, take, done, NULL, f->now),
                     RELOAD_E_USAGE);
    ck_assert_int_eq(reload_node_find(node, alice, kinds, 2, find_take, done, NULL, f->now),
                     RELOAD_E_USAGE);
    ck_assert_int_eq(reload_node_find(node, alice, kinds, RELOAD_FIND_KINDS_MAX + 1, find_take,
                                      done, NULL, f->now),
                     RELOAD_E_USAGE);
    ck_assert_int_eq(reload_node_find(node, alice, kinds, 0, find_take, done, NULL, f->now),
                     RELOAD_E_USAGE);
    ck_assert_uint_eq(node->pushes.job_count, 0);
    ck_assert_uint_eq(results, 0);
    fixture_free(f);
}
END_TEST

/* ---- answers to Stat that must not be believed ------------------------------------------------
 */

static struct reload_writer answer;
static uint8_t answer_octets[65536];
static size_t answer_list, answer_values;
static const uint8_t hash_octets[64];

static void
answer_begin(void)
{
    answer = reload_writer_of(answer_octets, sizeof answer_octets);
    answer_list = reload_writer_begin(&answer, 4);
}

static void
answer_kind(uint32_t kind)
{
    reload_writer_u32(&answer, kind);
    reload_writer_u64(&answer, 1);
    answer_values = reload_writer_begin(&answer, 4);
}

static void
answer_kind_end(void)
{
    reload_writer_end(&answer, answer_values, 4);
}

static struct reload_meta_data
meta(bool exists, uint32_t size, uint8_t algorithm, size_t hash_size)
{
    return (struct reload_meta_data){.exists = exists,
                                     .value_length = size,
                                     .hash_algorithm = algorithm,
                                     .hash_value = {hash_octets, hash_size}};
}

static void
answer_single(struct reload_meta_data value, uint64_t storage_time)
{
    struct reload_stored_meta_data data = {.storage_time = storage_time,
                                           .lifetime = 60,
                                           .metadata.model = RELOAD_DATA_MODEL_SINGLE_VALUE};
    data.metadata.single_value_entry = value;
    reload_stored_meta_data_encode(&answer, wire, &data);
}

static void
answer_element(uint32_t index)
{
    struct reload_stored_meta_data data = {
        .storage_time = 1000, .lifetime = 60, .metadata.model = RELOAD_DATA_MODEL_ARRAY};
    data.metadata.array_entry.index = index;
    data.metadata.array_entry.value = meta(true, 1, RELOAD_HASH_ALGORITHM_SHA256, 32);
    reload_stored_meta_data_encode(&answer, wire, &data);
}

static void
answer_entry(const char *key)
{
    struct reload_stored_meta_data data = {
        .storage_time = 1000, .lifetime = 60, .metadata.model = RELOAD_DATA_MODEL_DICTIONARY};
    data.metadata.dictionary_entry.key = text(key);
    data.metadata.dictionary_entry.value = meta(true, 1, RELOAD_HASH_ALGORITHM_SHA256, 32);
    reload_stored_meta_data_encode(&answer, wire, &data);
}

/* BOB checks the answer to |specifier|. Returns how many entries were discarded. */
static unsigned
check(const struct reload_fetch_specifier *specifier)
{
    reload_writer_end(&answer, answer_list, 4);
    ck_assert(!answer.failed);
    struct reload_message message = {.contents.message_body = reload_writer_written(&answer)};
    struct reload_stat_check work = {.node = f->peers[BOB].node,
                                     .resource = alice,
                                     .specifiers = specifier,
                                     .count = 1,
                                     .each = take,
                                     .now = f->now};
    got[0] = '\0';
    ck_assert_int_eq(reload_stat_check_answer(&work, &message), 0);
    return work.discarded;
}

static const struct reload_fetch_specifier single = {.kind = KIND_SINGLE};
static const struct reload_fetch_specifier one_key = {.kind = KIND_DICTIONARY,
                                                      .key = {(const uint8_t *)"a", 1}};
static const struct reload_fetch_specifier elements = {.kind = KIND_ARRAY, .first = 1, .last = 2};

START_TEST(p28_stat_kinds_keys_and_indices)
{
    begin();
    answer_begin();
    answer_kind(KIND_SINGLE);
    answer_single(meta(true, 1, RELOAD_HASH_ALGORITHM_SHA256, 32), 1000);
    answer_kind_end();
    answer_kind(KIND_UNKNOWN);
    answer_kind_end();
    answer_kind(KIND_DICTIONARY);
    answer_entry("b");
    answer_entry("a");
    answer_entry("a");
    answer_kind_end();
    answer_kind(KIND_DICTIONARY);
    answer_entry("a");
    answer_kind_end();
    ck_assert_uint_eq(check(&one_key), 5);
    ck_assert_str_eq(got, "a:0=1/32 ");
    ck_assert_uint_eq(f->peers[BOB].node->counters.values_discarded, 5);
    answer_begin();
    answer_kind(KIND_ARRAY);
    for (uint32_t i = 0; i < 4; i++)
        answer_element(i);
    answer_element(2);
    answer_kind_end();
    ck_assert_uint_eq(check(&elements), 3);
    ck_assert_str_eq(got, ":1=1/32 :2=1/32 ");
    fixture_free(f);
}
END_TEST

/* What no value of the Kind can be: too large, absent and yet long, a digest of a wrong size, a
 * time out of range. */
START_TEST(p28_stat_impossible_values)
{
    const struct {
        struct reload_meta_data value;
        uint64_t storage_time;
        bool good;
    } cases[] = {
        {meta(true, 50, RELOAD_HASH_ALGORITHM_SHA256, 32), 1000, true},
        {meta(true, 51, RELOAD_HASH_ALGORITHM_SHA256, 32), 1000, false},
        {meta(true, 0xffffffff, RELOAD_HASH_ALGORITHM_SHA256, 32), 1000, false},
        {meta(false, 1, RELOAD_HASH_ALGORITHM_NONE, 0), 1000, false},
        {meta(false, 0, RELOAD_HASH_ALGORITHM_NONE, 0), 1000, true},
        {meta(false, 0, RELOAD_HASH_ALGORITHM_NONE, 0), 0, true},
        {meta(true, 1, RELOAD_HASH_ALGORITHM_SHA256, 31), 1000, false},
        {meta(true, 1, RELOAD_HASH_ALGORITHM_SHA512, 32), 1000, false},
        {meta(true, 1, RELOAD_HASH_ALGORITHM_SHA384, 48), 1000, true},
        {meta(true, 1, RELOAD_HASH_ALGORITHM_NONE, 1), 1000, false},
        {meta(true, 1, 77, 9), 1000, true}, /* an algorithm that we do not know */
        {meta(true, 1, RELOAD_HASH_ALGORITHM_SHA256, 32), UINT64_C(1) << 63, false},
    };
    begin();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        answer_begin();
        answer_kind(KIND_SINGLE);
        answer_single(cases[i].value, cases[i].storage_time);
        answer_kind_end();
        ck_assert_msg(check(&single) == !cases[i].good, "case %zu", i);
        ck_assert_msg((got[0] != '\0') == cases[i].good, "case %zu", i);
    }
    fixture_free(f);
}
END_TEST

/* RFC 6940 13.5.3: older than what was seen there. */
START_TEST(p28_stat_rollback)
{
    begin();
    struct reload_node *bob = f->peers[BOB].node;
    struct reload_mark_place place = {
        .resource = alice, .kind = KIND_SINGLE, .type = RELOAD_MARK_STORAGE_TIME};
    reload_marks_note(&bob->storage.seen, &place, 2000, f->now + 60 * RELOAD_SECOND);
    for (uint64_t time = 1999; time <= 2000; time++) {
        answer_begin();
        answer_kind(KIND_SINGLE);
        answer_single(meta(true, 1, RELOAD_HASH_ALGORITHM_SHA256, 32), time);
        answer_kind_end();
        ck_assert_uint_eq(check(&single), time < 2000);
    }
    fixture_free(f);
}
END_TEST

START_TEST(p28_no_answer_at_all)
{
    begin();
    struct reload_stat_check work = {.node = f->peers[BOB].node,
                                     .resource = alice,
                                     .specifiers = &single,
                                     .count = 1,
                                     .each = take,
                                     .now = f->now};
    struct reload_message message = {.contents.message_body = {(const uint8_t *)"\0\0\0\0x", 5}};
    ck_assert_int_eq(reload_stat_check_answer(&work, &message), RELOAD_E_TRAILING);
    message.contents.message_body.size = 3;
    ck_assert_int_eq(reload_stat_check_answer(&work, &message), RELOAD_E_TRUNCATED);
    /* Every prefix of a good one. */
    answer_begin();
    answer_kind(KIND_SINGLE);
    answer_single(meta(true, 1, RELOAD_HASH_ALGORITHM_SHA256, 32), 1000);
    answer_kind_end();
    reload_writer_end(&answer, answer_list, 4);
    for (size_t size = 0; size < answer.size; size++) {
        message.contents.message_body = (struct reload_bytes){answer_octets, size};
        ck_assert_int_ne(reload_stat_check_answer(&work, &message), 0);
    }
    ck_assert_str_eq(got, "");
    fixture_free(f);
}
END_TEST

/* ---- answers to Find that must not be believed ------------------------------------------------
 */

static void
answer_find(uint32_t kind, size_t resource_size, uint8_t fill)
{
    uint8_t octets[255];
    memset(octets, fill, sizeof octets);
    struct reload_find_kind_data data = {.kind = kind, .closest = {octets, resource_size}};
    reload_find_kind_data_encode(&answer, wire, &data);
}

static int
find_check(unsigned *discarded)
{
    static const uint32_t kinds[] = {KIND_SINGLE, KIND_ARRAY};
    struct reload_find_check work = {.node = f->peers[BOB].node,
                                     .resource_size = 16,
                                     .kinds = kinds,
                                     .count = 2,
                                     .each = find_take,
                                     .now = f->now};
    struct reload_message message = {.contents.message_body = reload_writer_written(&answer)};
    got[0] = '\0';
    int error = reload_find_check_answer(&work, &message);
    *discarded = work.discarded;
    return error;
}

START_TEST(p28_find_kinds_not_asked_for)
{
    unsigned discarded;
    begin();
    answer = reload_writer_of(answer_octets, sizeof answer_octets);
    size_t list = reload_writer_begin(&answer, 2);
    answer_find(KIND_DICTIONARY, 16, 1);
    answer_find(KIND_ARRAY, 16, 1);
    answer_find(KIND_ARRAY, 16, 2);  /* again */
    answer_find(KIND_SINGLE, 15, 1); /* no Resource-ID of this overlay */
    answer_find(KIND_SINGLE, 254, 1);
    answer_find(KIND_SINGLE, 16, 0); /* none there */
    answer_find(KIND_UNKNOWN, 0, 0);
    reload_writer_end(&answer, list, 2);
    ck_assert_int_eq(find_check(&discarded), 0);
    ck_assert_uint_eq(discarded, 5);
    ck_assert_str_eq(got, "2:16 6:0 ");
    ck_assert_uint_eq(f->peers[BOB].node->counters.values_discarded, 5);
    fixture_free(f);
}
END_TEST

START_TEST(p28_find_no_answer_at_all)
{
    unsigned discarded;
    begin();
    answer = reload_writer_of(answer_octets, sizeof answer_octets);
    size_t list = reload_writer_begin(&answer, 2);
    answer_find(KIND_ARRAY, 16, 1);
    reload_writer_end(&answer, list, 2);
    size_t whole = answer.size;
    for (answer.size = 0; answer.size < whole; answer.size++)
        ck_assert_int_ne(find_check(&discarded), 0);
    ck_assert_str_eq(got, "");
    ck_assert_int_eq(find_check(&discarded), 0);
    reload_writer_u8(&answer, 0);
    ck_assert_int_eq(find_check(&discarded), RELOAD_E_TRAILING);
    ck_assert_str_eq(got, "");
    fixture_free(f);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("stat_check", stat_tells_what_fetch_would, find_tells_where,
                     mistakes_are_told_at_once, p28_stat_kinds_keys_and_indices,
                     p28_stat_impossible_values, p28_stat_rollback, p28_no_answer_at_all,
                     p28_find_kinds_not_asked_for, p28_find_no_answer_at_all);
}
