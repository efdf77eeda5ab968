/* cursor_test.c: readers and writers at their edges, and the PRNG.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include <check.h>

#include "reload/base/prng.h"
#include "reload/base/reader.h"
#include "reload/base/writer.h"

static struct reload_reader
reader_of(const void *octets, size_t size)
{
    return reload_reader_of((struct reload_bytes){octets, size});
}

START_TEST(integers)
{
    struct reload_reader reader =
        reader_of("\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf\x10\x11\x12", 18);
    uint8_t u8;
    uint16_t u16;
    uint32_t u24, u32;
    uint64_t u64;
    ck_assert_int_eq(reload_reader_u8(&reader, &u8), 0);
    ck_assert_int_eq(reload_reader_u16(&reader, &u16), 0);
    ck_assert_int_eq(reload_reader_u24(&reader, &u24), 0);
    ck_assert_int_eq(reload_reader_u32(&reader, &u32), 0);
    ck_assert_int_eq(reload_reader_u64(&reader, &u64), 0);
    ck_assert_uint_eq(u8, 1);
    ck_assert_uint_eq(u16, 0x0203);
    ck_assert_uint_eq(u24, 0x040506);
    ck_assert_uint_eq(u32, 0x0708090a);
    ck_assert_uint_eq(u64, 0x0b0c0d0e0f101112);
    ck_assert_uint_eq(reload_reader_left(&reader), 0);
    ck_assert_uint_eq(reload_reader_offset(&reader), 18);
}
END_TEST

/* A failed read leaves cursor and output as they were. */
START_TEST(short_reads)
{
    struct reload_reader reader = reader_of("\1\2\3\4\5\6\7", 7), before = reader;
    uint8_t u8 = 77, octets[8];
    uint32_t u32 = 77;
    uint64_t u64 = 77;
    bool boolean = true;
    struct reload_bytes bytes = {NULL, 77};
    ck_assert_int_eq(reload_reader_u64(&reader, &u64), RELOAD_E_TRUNCATED);
    ck_assert_int_eq(reload_reader_bytes(&reader, 8, &bytes), RELOAD_E_TRUNCATED);
    ck_assert_int_eq(reload_reader_bytes(&reader, SIZE_MAX, &bytes), RELOAD_E_TRUNCATED);
    ck_assert_int_eq(reload_reader_octets(&reader, 8, octets), RELOAD_E_TRUNCATED);
    ck_assert_int_eq(reload_reader_vector(&reader, 2, &bytes), RELOAD_E_TRUNCATED);
    ck_assert_int_eq(reload_reader_vector(&reader, 4, &bytes), RELOAD_E_TRUNCATED);
    ck_assert_int_eq(reload_reader_vector_within(&reader, 1, 2, 9, &bytes), RELOAD_E_MALFORMED);
    ck_assert_int_eq(reload_reader_vector_within(&reader, 1, 0, 0, &bytes), RELOAD_E_MALFORMED);
    ck_assert_mem_eq(&reader, &before, sizeof before);
    ck_assert(u64 == 77 && bytes.size == 77 && bytes.data == NULL);
    ck_assert_int_eq(reload_reader_vector_within(&reader, 1, 1, 1, &bytes), 0);
    ck_assert_uint_eq(bytes.size, 1);
    ck_assert_int_eq(reload_reader_boolean(&reader, &boolean), RELOAD_E_MALFORMED);
    ck_assert(boolean && reload_reader_offset(&reader) == 2);
    reader = reader_of(NULL, 0);
    ck_assert_int_eq(reload_reader_u8(&reader, &u8), RELOAD_E_TRUNCATED);
    ck_assert_int_eq(reload_reader_u32(&reader, &u32), RELOAD_E_TRUNCATED);
    ck_assert_int_eq(reload_reader_boolean(&reader, &boolean), RELOAD_E_TRUNCATED);
    ck_assert(u8 == 77 && u32 == 77);
}
END_TEST

START_TEST(sub_readers)
{
    struct reload_reader reader = reader_of("ab\2cde", 6);
    struct reload_bytes bytes;
    ck_assert_int_eq(reload_reader_bytes(&reader, 2, &bytes), 0);
    ck_assert_int_eq(reload_reader_vector(&reader, 1, &bytes), 0);
    struct reload_reader sub = reload_reader_sub(&reader, bytes);
    ck_assert_uint_eq(reload_reader_left(&sub), 2);
    ck_assert_uint_eq(reload_reader_offset(&sub), 3);
    ck_assert_uint_eq(reload_reader_left(&reader), 1);
}
END_TEST

START_TEST(writes)
{
    uint8_t data[16] = {0};
    struct reload_writer writer = reload_writer_of(data, sizeof data);
    reload_writer_u8(&writer, 1);
    size_t mark = reload_writer_begin(&writer, 2);
    reload_writer_vector(&writer, 1, reload_bytes_of_string("abc"));
    reload_writer_end(&writer, mark, 2);
    reload_writer_u32(&writer, 0x01020304);
    ck_assert_int_eq(reload_writer_error(&writer), 0);
    ck_assert_uint_eq(writer.size, 11);
    ck_assert_mem_eq(data, "\1\0\4\3abc\1\2\3\4", 11);
}
END_TEST

/* What does not fit is not written, and nothing after it. */
START_TEST(failed_writes)
{
    uint8_t data[300] = {0};
    struct reload_writer writer = reload_writer_of(data, 3);
    reload_writer_u16(&writer, 1);
    reload_writer_u16(&writer, 2);
    reload_writer_u8(&writer, 3);
    ck_assert_int_eq(reload_writer_error(&writer), RELOAD_E_SPACE);
    ck_assert_uint_eq(writer.size, 2);
    ck_assert_uint_eq(data[2], 0);
    writer = reload_writer_of(data, sizeof data);
    reload_writer_uint(&writer, 3, 0x1000000);
    ck_assert(writer.failed);
    writer = reload_writer_of(data, sizeof data);
    size_t mark = reload_writer_begin(&writer, 1);
    (void)reload_writer_reserve(&writer, 256);
    reload_writer_end(&writer, mark, 1);
    ck_assert(writer.failed);
    writer = reload_writer_of(data, sizeof data);
    reload_writer_vector_within(&writer, 1, 1, 2, reload_bytes_of_string("abc"));
    ck_assert(writer.failed);
    writer = reload_writer_of(data, sizeof data);
    reload_writer_vector_within(&writer, 1, 1, 2, reload_bytes_of_string("ab"));
    ck_assert(!writer.failed);
    ck_assert_mem_eq(data, "\2ab", 3);
    writer = reload_writer_of(data, 1);
    mark = reload_writer_begin(&writer, 2);
    reload_writer_end(&writer, mark, 2);
    ck_assert(writer.failed);
}
END_TEST

/* The first numbers of xoshiro256** with the state that splitmix64 makes of 0 are known. */
START_TEST(known_sequence)
{
    struct reload_prng prng = reload_prng_of(0);
    ck_assert(prng.state[0] == 0xe220a8397b1dcdafu && prng.state[1] == 0x6e789e6aa1b965f4u);
    ck_assert(prng.state[2] == 0x06c45d188009454fu && prng.state[3] == 0xf88bb8a8724c81ecu);
    ck_assert(reload_prng_next(&prng) == 0x99ec5f36cb75f2b4u);
}
END_TEST

START_TEST(bounded_numbers)
{
    struct reload_prng prng = reload_prng_of(7), same = reload_prng_of(7);
    unsigned counts[10] = {0};
    for (int i = 0; i < 100000; i++)
        counts[reload_prng_below(&prng, 10)]++;
    for (int i = 0; i < 10; i++)
        ck_assert(counts[i] > 9500 && counts[i] < 10500);
    ck_assert_uint_eq(reload_prng_below(&prng, 1), 0);
    uint8_t a[13], b[13];
    for (int i = 0; i < 100000; i++)
        ck_assert_uint_lt(reload_prng_below(&same, 10), 10);
    (void)reload_prng_below(&same, 1);
    reload_prng_fill(&prng, a, sizeof a);
    reload_prng_fill(&same, b, sizeof b);
    ck_assert_mem_eq(a, b, sizeof a);
}
END_TEST

START_TEST(errors)
{
    ck_assert_str_eq(reload_error_text(0), "success");
    ck_assert_str_eq(reload_error_text(-9999), "unknown error");
    ck_assert_str_eq(reload_error_name(RELOAD_E_TRUNCATED), "TRUNCATED");
    ck_assert_int_eq(reload_error_class(RELOAD_E_TRUNCATED), RELOAD_CLASS_PEER);
    ck_assert_int_eq(reload_error_class(RELOAD_E_NOMEM), RELOAD_CLASS_LOCAL);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("cursor");
    TCase *tests = tcase_create("all");
    tcase_add_test(tests, integers);
    tcase_add_test(tests, short_reads);
    tcase_add_test(tests, sub_readers);
    tcase_add_test(tests, writes);
    tcase_add_test(tests, failed_writes);
    tcase_add_test(tests, known_sequence);
    tcase_add_test(tests, bounded_numbers);
    tcase_add_test(tests, errors);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
