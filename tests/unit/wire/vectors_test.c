/* vectors_test.c: what another implementation encoded decodes, comes back as the same bytes, and is
 * refused when it is cut off or one of its lengths lies.
 *
 * RFC 6940 6.3. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/wire/vectors.h"

#include <check.h>
#include <stdlib.h>

#include "reload/wire/structures.h"
#include "reload/wire/wire.h"

enum { BUFFER_SIZE = 1 << 14 };

static struct reload_wire_error wire_error;
static const struct reload_wire wire = {.node_id_length = 16, .error = &wire_error};

/* Reads all of |bytes| as |structure|, and writes it to |to| (which may be NULL). */
static int
decode_structure(const struct reload_structure *structure, uint8_t model, struct reload_bytes bytes,
                 struct reload_writer *to)
{
    struct reload_structure_value value;
    struct reload_reader reader = reload_reader_of(bytes);
    int error = structure->decode(&reader, &wire, model, &value);
    if (error)
        return error;
    if (reload_reader_left(&reader))
        return RELOAD_E_TRAILING;
    if (to)
        structure->encode(to, &wire, &value);
    return 0;
}

static int
decode_message(struct reload_bytes bytes, struct reload_writer *to)
{
    struct reload_message message;
    int error = reload_message_decode(bytes, &wire, &message);
    if (error)
        return error;
    const struct reload_structure *body =
        reload_structure_of_message(message.contents.message_code);
    uint8_t buffer[BUFFER_SIZE];
    struct reload_writer writer = reload_writer_of(buffer, sizeof buffer);
    if (body) {
        error = decode_structure(body, 0, message.contents.message_body, &writer);
        message.contents.message_body = reload_writer_written(&writer);
    }
    if (error == 0 && to)
        reload_message_encode(to, &wire, &message);
    return error;
}

/* Decodes a copy of |size| octets in memory of just that size. */
static int
decode_copy(const struct vector *vector, const uint8_t *octets, size_t size,
            struct reload_writer *to)
{
    uint8_t *copy = malloc(size ? size : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, octets, size);
    struct reload_bytes bytes = {copy, size};
    int error;
    if (vector->structure[0] == '\0') {
        error = decode_message(bytes, to);
    } else {
        const struct reload_structure *structure = reload_structure_find(vector->structure);
        ck_assert_ptr_nonnull(structure);
        error = decode_structure(structure, vector->model, bytes, to);
    }
    free(copy);
    return error;
}

/* RFC6940-6.3.4-05 and all structures of the messages in tests/data/vectors. */
START_TEST(same_bytes)
{
    const struct vector *vector = &vectors[_i];
    uint8_t buffer[BUFFER_SIZE];
    struct reload_writer writer = reload_writer_of(buffer, sizeof buffer);
    int error = decode_copy(vector, vector->octets, vector->size, &writer);
    ck_assert_msg(error == 0, "%s: offset %zu %s.%s", vector->name, wire_error.offset,
                  wire_error.structure, wire_error.field);
    ck_assert(!writer.failed);
    ck_assert_uint_eq(writer.size, vector->size);
    ck_assert_mem_eq(buffer, vector->octets, vector->size);
}
END_TEST

/* P1 */
START_TEST(prefixes_are_refused)
{
    const struct vector *vector = &vectors[_i];
    for (size_t size = 0; size < vector->size; size++)
        ck_assert_msg(decode_copy(vector, vector->octets, size, NULL) != 0,
                      "%s: the first %zu octets decode", vector->name, size);
}
END_TEST

static void
change_length(const struct vector *vector, const struct vector_length *length, uint64_t value)
{
    uint8_t changed[BUFFER_SIZE];
    ck_assert_uint_le(vector->size, sizeof changed);
    memcpy(changed, vector->octets, vector->size);
    for (size_t i = length->width; i-- > 0; value >>= 8)
        changed[length->offset + i] = (uint8_t)value;
    if (memcmp(changed, vector->octets, vector->size) == 0)
        return;
    ck_assert_msg(decode_copy(vector, changed, vector->size, NULL) != 0,
                  "%s: a changed length at offset %zu decodes", vector->name, length->offset);
}

/* P2: every length field set to 0, 1, the largest, the actual one and one more or less, and to
 * what makes a 32-bit sum wrap. */
START_TEST(changed_lengths_are_refused)
{
    const struct vector *vector = &vectors[_i];
    for (size_t i = 0; i < vector->length_count; i++) {
        const struct vector_length *length = &vector->lengths[i];
        uint64_t actual = 0, largest = ((uint64_t)1 << 8 * length->width) - 1;
        for (size_t at = 0; at < length->width; at++)
            actual = actual << 8 | vector->octets[length->offset + at];
        const uint64_t values[] = {0,          1,           actual - 1, actual + 1,
                                   largest,    largest - 1, actual / 2, largest - length->offset,
                                   largest / 2};
        for (size_t at = 0; at < sizeof values / sizeof values[0]; at++)
            change_length(vector, length, values[at] & largest);
    }
}
END_TEST

/* Any one octet changed: refused, or what decodes encodes to the same octets. */
START_TEST(changed_octets_never_lie)
{
    const struct vector *vector = &vectors[_i];
    uint8_t changed[BUFFER_SIZE], again[BUFFER_SIZE];
    for (size_t at = 0; at < vector->size; at++) {
        memcpy(changed, vector->octets, vector->size);
        changed[at] ^= (uint8_t)(1u << at % 8);
        struct reload_writer writer = reload_writer_of(again, sizeof again);
        if (decode_copy(vector, changed, vector->size, &writer))
            continue;
        ck_assert(!writer.failed);
        ck_assert_uint_eq(writer.size, vector->size);
        ck_assert_mem_eq(again, changed, vector->size);
    }
}
END_TEST

/* P17 */
START_TEST(trailing_octets_are_refused)
{
    const struct vector *vector = &vectors[_i];
    uint8_t longer[BUFFER_SIZE] = {0};
    memcpy(longer, vector->octets, vector->size);
    ck_assert_int_ne(decode_copy(vector, longer, vector->size + 1, NULL), 0);
    if (vector->structure[0] != '\0')
        return;
    /* The same with a header that counts the octet: it is behind the security block then. */
    struct reload_writer length = reload_writer_of(longer + 16, 4);
    reload_writer_uint(&length, 4, vector->size + 1);
    ck_assert_int_eq(decode_copy(vector, longer, vector->size + 1, NULL), RELOAD_E_TRAILING);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vectors");
    TCase *tests = tcase_create("all");
    int count = (int)vector_count;
    tcase_add_loop_test(tests, same_bytes, 0, count);
    tcase_add_loop_test(tests, prefixes_are_refused, 0, count);
    tcase_add_loop_test(tests, changed_lengths_are_refused, 0, count);
    tcase_add_loop_test(tests, changed_octets_never_lie, 0, count);
    tcase_add_loop_test(tests, trailing_octets_are_refused, 0, count);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
