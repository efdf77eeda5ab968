/* fetch_test.c: Fetch, answered and asked. RFC 6940 7.4.2, 13.5.3; D15; attack rows P27, P28, S20,
 * S21.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/selection.h"
#include "tests/unit/core/storage_fixture.h"

#include <stdio.h>

static struct fixture *f;
static struct draft draft;
static struct question question;
static struct reload_bytes alice, none;
static uint8_t alice_octets[16];
static const struct reload_wire *wire;

static void
begin(void)
{
    f = fixture_new();
    alice = user_resource(f, "alice@example.org", alice_octets);
    wire = &f->peers[STORER].node->wire;
}

/* ---- requests by hand ----------------------------------------------------------------------- */

static uint8_t request_octets[65536];
static struct reload_writer request;
static size_t list;

static void
request_begin(void)
{
    request = reload_writer_of(request_octets, sizeof request_octets);
    reload_writer_vector(&request, 1, alice);
    list = reload_writer_begin(&request, 2);
}

static void
request_kind(uint32_t kind, uint64_t generation, struct reload_bytes specifier)
{
    reload_writer_u32(&request, kind);
    reload_writer_u64(&request, generation);
    if (kind == KIND_SINGLE || kind == KIND_NODE) {
        reload_writer_u16(&request, 0);
        return;
    }
    reload_writer_u16(&request, (uint16_t)(specifier.size + 2));
    reload_writer_vector(&request, 2, specifier);
}

static int
fetch(void)
{
    reload_writer_end(&request, list, 2);
    ck_assert(!request.failed);
    ask(f, &question, reload_handle_fetch, BOB, reload_writer_written(&request), none);
    return question.error;
}

static struct reload_bytes
ranges(const uint32_t (*pairs)[2], size_t count)
{
    static uint8_t octets[65536];
    struct reload_writer writer = reload_writer_of(octets, sizeof octets);
    for (size_t i = 0; i < count; i++) {
        reload_writer_u32(&writer, pairs[i][0]);
        reload_writer_u32(&writer, pairs[i][1]);
    }
    return reload_writer_written(&writer);
}

/* The |number|-th Kind's values in the answer, each as "key=value ", "key! " when signed as
 * removed, "key? " when synthesised. */
static const char *
answered(size_t number)
{
    static char string[4096];
    struct reload_fetch_ans answer;
    struct reload_fetch_kind_response response = {0};
    struct reload_reader reader = reload_reader_of(reload_writer_written(&question.answer.body));
    string[0] = '\0';
    ck_assert_int_eq(reload_fetch_ans_decode(&reader, wire, &answer), 0);
    ck_assert_uint_eq(reload_reader_left(&reader), 0);
    reader = reload_reader_of(answer.kind_responses);
    for (size_t i = 0; i <= number; i++)
        ck_assert(reload_fetch_kind_response_next(&reader, wire, &response));
    struct reload_value value;
    reader = reload_reader_of(response.values);
    while (reload_value_next(&reader, wire, response.model, &value)) {
        size_t size = strlen(string);
        const struct reload_data_value *data = reload_value_data(&value.data);
        if (response.model == RELOAD_DATA_MODEL_ARRAY)
            (void)snprintf(string + size, sizeof string - size, "%u",
                           reload_value_index(value.key));
        else
            (void)snprintf(string + size, sizeof string - size, "%.*s", (int)value.key.size,
                           (const char *)value.key.data);
        size = strlen(string);
        if (data->exists)
            (void)snprintf(string + size, sizeof string - size, "=%.*s ", (int)data->value.size,
                           (const char *)data->value.data);
        else
            (void)snprintf(string + size, sizeof string - size,
                           reload_value_unsigned(&value) ? "? " : "! ");
    }
    return string;
}

static void
fill(void)
{
    ck_assert_int_eq(store_one(f, ALICE, KIND_SINGLE, none, "single", 1000), 0);
    ck_assert_int_eq(store_one(f, ALICE, KIND_ARRAY, at(1), "one", 1000), 0);
    ck_assert_int_eq(store_one(f, ALICE_TOO, KIND_ARRAY, at(3), "three", 1000), 0);
    ck_assert_int_eq(store_one(f, ALICE, KIND_DICTIONARY, text("a"), "A", 1000), 0);
    ck_assert_int_eq(store_one(f, ALICE_TOO, KIND_DICTIONARY, text("b"), "B", 1000), 0);
}

/* ---- answers -------------------------------------------------------------------------------- */

/* RFC 6940 7.4.2.2: one FetchKindResponse for each Kind-ID in the request. */
/* RFC6940-7.4.2.2-01, RFC6940-7.4.2.2-02 */
START_TEST(several_kinds)
{
    static const uint32_t all[][2] = {{0, 0xffffffff}};
    begin();
    fill();
    request_begin();
    request_kind(KIND_DICTIONARY, 0, none);
    request_kind(KIND_SINGLE, 0, none);
    request_kind(KIND_ARRAY, 0, ranges(all, 1));
    request_kind(KIND_NODE, 0, none);
    ck_assert_int_eq(fetch(), 0);
    ck_assert_str_eq(answered(0), "a=A b=B ");
    ck_assert_str_eq(answered(1), "=single ");
    ck_assert_str_eq(answered(2), "0? 1=one 2? 3=three ");
    ck_assert_str_eq(answered(3), "? ");
    /* RFC 6940 6.3.4: all referenced certificates, each once. */
    ck_assert_uint_eq(question.answer.certificate_count, 2);
    fixture_free(f);
}
END_TEST

/* RFC 6940 7.4.2.1: the generation counter matches: no StoredData values. */
START_TEST(nothing_new)
{
    begin();
    fill();
    request_begin();
    request_kind(KIND_ARRAY, 2, ranges((const uint32_t[][2]){{0, 9}}, 1));
    request_kind(KIND_SINGLE, 7, none);
    request_kind(KIND_NODE, 0, none);
    ck_assert_int_eq(fetch(), 0);
    ck_assert_str_eq(answered(0), "");
    ck_assert_str_eq(answered(1), "=single ");
    ck_assert_str_eq(answered(2), "? "); /* 0 matches nothing */
    ck_assert_uint_eq(question.answer.certificate_count, 1);
    fixture_free(f);
}
END_TEST

START_TEST(ranges_and_keys)
{
    static const uint32_t two[][2] = {{3, 3}, {0, 1}}, last[][2] = {{0xffffffff, 0xffffffff}};
    static const uint32_t behind[][2] = {{7, 1000000}};
    begin();
    fill();
    request_begin();
    request_kind(KIND_ARRAY, 0, ranges(two, 2));
    ck_assert_int_eq(fetch(), 0);
    ck_assert_str_eq(answered(0), "3=three 0? 1=one ");
    request_begin();
    request_kind(KIND_ARRAY, 0, ranges(last, 1));
    ck_assert_int_eq(fetch(), 0);
    ck_assert_str_eq(answered(0), "3=three ");
    request_begin();
    request_kind(KIND_ARRAY, 0, ranges(behind, 1));
    ck_assert_int_eq(fetch(), 0);
    ck_assert_str_eq(answered(0), "7? ");
    request_begin();
    request_kind(KIND_DICTIONARY, 0, (struct reload_bytes){(const uint8_t *)"\0\1b\0\1z", 6});
    ck_assert_int_eq(fetch(), 0);
    ck_assert_str_eq(answered(0), "b=B z? ");
    fixture_free(f);
}
END_TEST

/* Removed entries have signatures; entries that ended are gaps (7.4.1.3). */
START_TEST(removed_and_expired)
{
    begin();
    fill();
    draft_begin(&draft, f, alice, 0);
    draft_kind(&draft, KIND_ARRAY, 0);
    draft_removal(&draft, ALICE, KIND_ARRAY, at(1), 2000, 7200);
    draft_kind_end(&draft);
    ck_assert_int_eq(store(&draft, ALICE), 0);
    request_begin();
    request_kind(KIND_ARRAY, 0, ranges((const uint32_t[][2]){{0, 0xffffffff}}, 1));
    ck_assert_int_eq(fetch(), 0);
    ck_assert_str_eq(answered(0), "0? 1! 2? 3=three ");
    f->now += 3601 * RELOAD_SECOND; /* no timer has fired, and still nobody meets it */
    ck_assert_int_eq(fetch(), 0);
    ck_assert_str_eq(answered(0), "0? 1! ");
    fixture_free(f);
}
END_TEST

/* D26: what is held as a replica is read like anything else. */
START_TEST(replicas_are_read)
{
    begin();
    fill();
    f->peers[STORER].responsible = false;
    request_begin();
    request_kind(KIND_SINGLE, 0, none);
    ck_assert_int_eq(fetch(), 0);
    ck_assert_str_eq(answered(0), "=single ");
    fixture_free(f);
}
END_TEST

/* ---- requests that are refused ----------------------------------------------------------------
 */

static int
fetch_ranges(const uint32_t (*pairs)[2], size_t count)
{
    request_begin();
    request_kind(KIND_ARRAY, 0, ranges(pairs, count));
    return fetch();
}

/* RFC 6940 7.4.2.1: the first MUST be less than or equal to the second; they MUST NOT overlap. */
/* RFC6940-7.4.2.1-02, RFC6940-7.4.2.1-03 */
START_TEST(p27_ranges)
{
    static uint32_t many[RELOAD_RANGES_MAX + 1][2];
    begin();
    fill();
    ck_assert_int_eq(fetch_ranges((const uint32_t[][2]){{2, 1}}, 1), RELOAD_E_MALFORMED);
    ck_assert_int_eq(fetch_ranges((const uint32_t[][2]){{0xffffffff, 0}}, 1), RELOAD_E_MALFORMED);
    ck_assert_int_eq(fetch_ranges((const uint32_t[][2]){{0, 2}, {2, 3}}, 2), RELOAD_E_MALFORMED);
    ck_assert_int_eq(fetch_ranges((const uint32_t[][2]){{5, 9}, {0, 0xffffffff}}, 2),
                     RELOAD_E_MALFORMED);
    ck_assert_int_eq(
        fetch_ranges((const uint32_t[][2]){{0, 0x7fffffff}, {0x80000000, 0x80000001}}, 2), 0);
    for (uint32_t i = 0; i <= RELOAD_RANGES_MAX; i++)
        many[i][0] = many[i][1] = 2 * i;
    ck_assert_int_eq(fetch_ranges((const uint32_t(*)[2])many, RELOAD_RANGES_MAX), 0);
    ck_assert_int_eq(fetch_ranges((const uint32_t(*)[2])many, RELOAD_RANGES_MAX + 1),
                     RELOAD_E_MALFORMED);
    fixture_free(f);
}
END_TEST

/* The work is bounded by what fits into a message, never by the span of indices. */
START_TEST(p27_a_wide_span)
{
    begin();
    ck_assert_int_eq(store_one(f, ALICE, KIND_SPARSE, at(0xfffffffe), "far", 1000), 0);
    request_begin();
    request_kind(KIND_SPARSE, 0, ranges((const uint32_t[][2]){{0, 0xffffffff}}, 1));
    ck_assert_int_eq(fetch(), RELOAD_E_SPACE);
    request_begin();
    request_kind(KIND_SPARSE, 0, ranges((const uint32_t[][2]){{0xfffffffd, 0xffffffff}}, 1));
    ck_assert_int_eq(fetch(), 0);
    ck_assert_str_eq(answered(0), "4294967293? 4294967294=far ");
    fixture_free(f);
}
END_TEST

START_TEST(p27_ten_thousand_keys)
{
    static uint8_t keys[30000];
    begin();
    fill();
    for (size_t i = 0; i < sizeof keys; i += 3)
        memcpy(keys + i, "\0\1z", 3);
    request_begin();
    request_kind(KIND_DICTIONARY, 0, (struct reload_bytes){keys, sizeof keys});
    ck_assert_int_eq(fetch(), RELOAD_E_SPACE);
    fixture_free(f);
}
END_TEST

/* RFC6940-7.4.2.1-01 */
START_TEST(p27_kinds)
{
    begin();
    fill();
    request_begin();
    request_kind(KIND_SINGLE, 0, none);
    request_kind(KIND_SINGLE, 0, none);
    ck_assert_int_eq(fetch(), RELOAD_E_MALFORMED);
    request_begin();
    request_kind(KIND_SINGLE, 0, none);
    request_kind(KIND_UNKNOWN, 0, none);
    ck_assert_int_eq(fetch(), RELOAD_E_UNKNOWN_KIND);
    ck_assert_uint_eq(question.answer.error_info.size, 5);
    ck_assert_mem_eq(question.info, "\4\xf0\0\0\xff", 5);
    fixture_free(f);
}
END_TEST

START_TEST(p27_malformed)
{
    begin();
    fill();
    request_begin();
    request_kind(KIND_DICTIONARY, 0, (struct reload_bytes){(const uint8_t *)"\0\1b", 3});
    ck_assert_int_eq(fetch(), 0);
    size_t size = request.size;
    for (size_t i = 0; i < size; i++) {
        ask(f, &question, reload_handle_fetch, BOB, (struct reload_bytes){request_octets, i}, none);
        ck_assert_int_lt(question.error, 0);
    }
    ask(f, &question, reload_handle_fetch, BOB, (struct reload_bytes){request_octets, size + 1},
        none);
    ck_assert_int_lt(question.error, 0);
    fixture_free(f);
}
END_TEST

/* S21: the storing peer retains the certificates of what it holds, beyond the keyring's cache. */
START_TEST(s21_certificates_are_retained)
{
    begin();
    fill();
    struct peer *storer = &f->peers[STORER];
    sim_keyring_fini(&storer->keyring); /* all that it knew is forgotten */
    ck_assert_int_eq(
        sim_keyring_init(&storer->keyring, f->table, &f->config, 1000 + STORER,
                         (struct reload_bytes){storer->certificate, storer->certificate_size}, NULL,
                         f->peers[BOB].keyring.allocate),
        0);
    request_begin();
    request_kind(KIND_SINGLE, 0, none);
    ck_assert_int_eq(fetch(), 0);
    ck_assert_uint_eq(question.answer.certificate_count, 1);
    ck_assert_uint_eq(question.answer.certificates[0].size, f->peers[ALICE].certificate_size);
    ck_assert_mem_eq(question.answer.certificates[0].data, f->peers[ALICE].certificate,
                     f->peers[ALICE].certificate_size);
    fixture_free(f);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("fetch", several_kinds, nothing_new, ranges_and_keys, removed_and_expired,
                     replicas_are_read, p27_ranges, p27_a_wide_span, p27_ten_thousand_keys,
                     p27_kinds, p27_malformed, s21_certificates_are_retained);
}
