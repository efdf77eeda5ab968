/* find_test.c: Find, answered. RFC 6940 7.4.4, D25.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/core/storage_fixture.h"

static struct fixture *f;
static struct draft draft;
static struct question question;
static struct reload_bytes none;

static int
find(const uint8_t *resource, size_t resource_size, const uint32_t *kinds, size_t count)
{
    uint8_t octets[600];
    struct reload_writer writer = reload_writer_of(octets, sizeof octets);
    reload_writer_vector(&writer, 1, (struct reload_bytes){resource, resource_size});
    size_t mark = reload_writer_begin(&writer, 1);
    for (size_t i = 0; i < count; i++)
        reload_writer_u32(&writer, kinds[i]);
    reload_writer_end(&writer, mark, 1);
    ck_assert(!writer.failed);
    ask(f, &question, reload_handle_find, BOB, reload_writer_written(&writer), none);
    return question.error;
}

/* The answer's Resource-ID for |kind|; it must be there once. */
static struct reload_bytes
closest(uint32_t kind)
{
    const struct reload_wire *wire = &f->peers[STORER].node->wire;
    struct reload_find_ans answer;
    struct reload_find_kind_data data;
    struct reload_bytes found = {0};
    struct reload_reader reader = reload_reader_of(reload_writer_written(&question.answer.body));
    ck_assert_int_eq(reload_find_ans_decode(&reader, wire, &answer), 0);
    ck_assert_uint_eq(reload_reader_left(&reader), 0);
    reader = reload_reader_of(answer.results);
    while (reload_find_kind_data_next(&reader, wire, &data))
        if (data.kind == kind) {
            ck_assert_uint_eq(found.size, 0);
            found = data.closest;
        }
    return found;
}

/* Stores something for each of |count| Node-IDs' resources, by NODE-MULTIPLE and USER-MATCH. */
static void
fill(uint8_t resources[4][16])
{
    for (int i = 0; i < 4; i++) {
        draft_begin(&draft, f, node_resource(f, ALICE, i, resources[i]), 0);
        draft_kind(&draft, KIND_MULTIPLE, 0);
        draft_value(&draft, ALICE, KIND_MULTIPLE, none, "v", 1000, 60);
        draft_kind_end(&draft);
        ck_assert_int_eq(store(&draft, ALICE), 0);
    }
}

/* What "closest" is: the first one from |id| on, going round. */
static const uint8_t *
expected(uint8_t resources[4][16], const uint8_t *id)
{
    const uint8_t *next = NULL, *least = resources[0];
    for (int i = 0; i < 4; i++) {
        if (memcmp(resources[i], least, 16) < 0)
            least = resources[i];
        if (memcmp(resources[i], id, 16) >= 0 && (!next || memcmp(resources[i], next, 16) < 0))
            next = resources[i];
    }
    return next ? next : least;
}

START_TEST(the_next_one_going_round)
{
    uint8_t resources[4][16], id[16];
    const uint32_t kind = KIND_MULTIPLE;
    f = fixture_new();
    fill(resources);
    for (int i = 0; i < 256; i++) {
        memset(id, i, sizeof id);
        ck_assert_int_eq(find(id, 16, &kind, 1), 0);
        ck_assert_mem_eq(closest(kind).data, expected(resources, id), 16);
    }
    ck_assert_int_eq(find(resources[1], 16, &kind, 1), 0);
    ck_assert_mem_eq(closest(kind).data, resources[1], 16); /* the resource itself */
    fixture_free(f);
}
END_TEST

/* RFC 6940 7.4.4: R_n+1 = nearest(1 + R_n) walks over all of them. */
START_TEST(a_walk)
{
    uint8_t resources[4][16], id[16] = {0}, first[16];
    const uint32_t kind = KIND_MULTIPLE;
    f = fixture_new();
    fill(resources);
    for (int step = 0; step <= 4; step++) {
        ck_assert_int_eq(find(id, 16, &kind, 1), 0);
        memcpy(id, closest(kind).data, 16);
        if (step == 0)
            memcpy(first, id, 16);
        else
            ck_assert_int_eq(memcmp(id, first, 16) == 0, step == 4);
        for (int i = 15; i >= 0 && ++id[i] == 0; i--)
            ;
    }
    fixture_free(f);
}
END_TEST

/* RFC 6940 7.4.4.2: 0 when none is known, or the Kind is not; D25: as 16 zero octets. */
/* RFC6940-7.4.4.2-02, RFC6940-7.4.4.2-03 */
START_TEST(nothing_to_find)
{
    static const uint8_t zero[16], id[16] = {1};
    const uint32_t kinds[] = {KIND_UNKNOWN, KIND_SINGLE, KIND_MULTIPLE};
    uint8_t resources[4][16];
    f = fixture_new();
    fill(resources);
    ck_assert_int_eq(find(id, 16, kinds, 3), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(closest(kinds[i]).size, 16);
        ck_assert_mem_eq(closest(kinds[i]).data, zero, 16);
    }
    ck_assert_mem_ne(closest(KIND_MULTIPLE).data, zero, 16);
    fixture_free(f);
}
END_TEST

/* What expired is not found. */
START_TEST(expired)
{
    static const uint8_t zero[16];
    const uint32_t kind = KIND_MULTIPLE;
    uint8_t resources[4][16];
    f = fixture_new();
    fill(resources);
    f->now += 61 * RELOAD_SECOND;
    ck_assert_int_eq(find(zero, 16, &kind, 1), 0);
    ck_assert_mem_eq(closest(kind).data, zero, 16);
    fixture_free(f);
}
END_TEST

/* RFC6940-7.4.4.1-01, RFC6940-7.4.4.1-02, RFC6940-7.4.4.2-01 */
START_TEST(refused)
{
    static const uint8_t id[17];
    /* RFC 6940 7.4.4.1: each value MUST appear only once. */
    const uint32_t twice[] = {KIND_SINGLE, KIND_ARRAY, KIND_SINGLE};
    const uint32_t unknown_twice[] = {KIND_UNKNOWN, KIND_UNKNOWN};
    f = fixture_new();
    ck_assert_int_eq(find(id, 16, twice, 2), 0);
    ck_assert_int_eq(find(id, 16, twice, 3), RELOAD_E_MALFORMED);
    ck_assert_int_eq(find(id, 16, unknown_twice, 2), RELOAD_E_MALFORMED);
    ck_assert_int_eq(find(id, 17, twice, 1), RELOAD_E_MALFORMED);
    ck_assert_int_eq(find(id, 15, twice, 1), RELOAD_E_MALFORMED);
    ck_assert_int_eq(find(id, 16, twice, 0), 0);
    uint8_t body[22] = {16};
    body[17] = 3; /* three octets are no Kind-ID */
    ask(f, &question, reload_handle_find, BOB, (struct reload_bytes){body, 21}, none);
    ck_assert_int_lt(question.error, 0);
    f->peers[STORER].responsible = false;
    ck_assert_int_eq(find(id, 16, twice, 2), RELOAD_E_NOT_FOUND);
    fixture_free(f);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("find", the_next_one_going_round, a_walk, nothing_to_find, expired, refused);
}
