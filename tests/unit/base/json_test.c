/* json_test.c: JSON text comes out well-formed, whatever the strings hold.
 *
 * RFC 8259. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/base/json.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

START_TEST(nesting)
{
    char text[200];
    struct reload_json json = reload_json_fixed(text, sizeof text);
    reload_json_begin_object(&json);
    reload_json_key(&json, "a");
    reload_json_begin_array(&json);
    reload_json_uint(&json, UINT64_MAX);
    reload_json_int(&json, INT64_MIN);
    reload_json_begin_object(&json);
    reload_json_end_object(&json);
    reload_json_begin_array(&json);
    reload_json_end_array(&json);
    reload_json_null(&json);
    reload_json_end_array(&json);
    reload_json_key(&json, "b");
    reload_json_boolean(&json, true);
    reload_json_key(&json, "c");
    reload_json_number(&json, 1.25, 1);
    reload_json_key(&json, "d");
    reload_json_number(&json, INFINITY, 1);
    reload_json_key(&json, "e");
    reload_json_hex(&json, (struct reload_bytes){(const uint8_t *)"\x00\xfe", 2});
    reload_json_key(&json, "f");
    reload_json_text(&json, NULL);
    reload_json_end_object(&json);
    ck_assert(!json.failed);
    ck_assert_str_eq(json.text, "{\"a\":[18446744073709551615,-9223372036854775808,{},[],null],"
                                "\"b\":true,\"c\":1.2,\"d\":null,\"e\":\"00fe\",\"f\":null}");
    ck_assert_uint_eq(json.size, strlen(json.text));
}
END_TEST

static void
assert_string(const char *octets, size_t size, const char *expected)
{
    char text[200];
    struct reload_json json = reload_json_fixed(text, sizeof text);
    reload_json_string(&json, (struct reload_bytes){(const uint8_t *)octets, size});
    ck_assert_str_eq(json.text, expected);
}

/* P30, M3: what a peer says cannot break the text, nor move a terminal's cursor. */
START_TEST(strings)
{
    assert_string("a\"b\\c", 5, "\"a\\\"b\\\\c\"");
    assert_string("\x1b[2J\n\0\x7f", 7, "\"\\u001b[2J\\u000a\\u0000\\u007f\"");
    assert_string("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9,
                  "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
    assert_string("", 0, "\"\"");
    assert_string("\xc2\x80\xc2\x9f\xc2\xa0", 6, "\"\\u0080\\u009f\xc2\xa0\"");
    /* not UTF-8: alone, cut off, longer than needed, a surrogate, beyond U+10FFFF */
    assert_string("\x80z", 2, "\"\\ufffdz\"");
    assert_string("\xe2\x82", 2, "\"\\ufffd\\ufffd\"");
    assert_string("\xc0\xaf", 2, "\"\\ufffd\\ufffd\"");
    assert_string("\xed\xa0\x80", 3, "\"\\ufffd\\ufffd\\ufffd\"");
    assert_string("\xf4\x90\x80\x80", 4, "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
    assert_string("\xff", 1, "\"\\ufffd\"");
}
END_TEST

START_TEST(text_or_not)
{
    ck_assert(reload_json_is_text(reload_bytes_of_string("")));
    ck_assert(reload_json_is_text(reload_bytes_of_string("a\tb\r\n\xc3\xa4")));
    ck_assert(!reload_json_is_text(reload_bytes_of_string("\x1b[2J")));
    ck_assert(!reload_json_is_text(reload_bytes_of_string("\x7f")));
    ck_assert(!reload_json_is_text(reload_bytes_of_string("\xc2\x9b"
                                                          "2J")));
    ck_assert(reload_json_is_text(reload_bytes_of_string("\xc2\xa0")));
    ck_assert(!reload_json_is_text(reload_bytes_of_string("a\xff")));
    ck_assert(!reload_json_is_text((struct reload_bytes){(const uint8_t *)"", 1}));
}
END_TEST

START_TEST(too_small)
{
    char text[8];
    struct reload_json json = reload_json_fixed(text, sizeof text);
    reload_json_text(&json, "12345");
    ck_assert(!json.failed);
    ck_assert_str_eq(json.text, "\"12345\"");
    reload_json_clear(&json);
    ck_assert_str_eq(json.text, "");
    reload_json_text(&json, "123456");
    ck_assert(json.failed);
    ck_assert_uint_lt(strlen(text), sizeof text);
    reload_json_uint(&json, 1);
    ck_assert(json.failed);
    reload_json_clear(&json);
    reload_json_uint(&json, 1);
    ck_assert(!json.failed);
    ck_assert_str_eq(json.text, "1");
}
END_TEST

START_TEST(growing)
{
    struct reload_json json = reload_json_growing(NULL, NULL);
    reload_json_begin_array(&json);
    for (unsigned i = 0; i < 10000; i++)
        reload_json_uint(&json, i % 10);
    reload_json_end_array(&json);
    ck_assert(!json.failed);
    ck_assert_uint_eq(json.size, 20001);
    reload_json_free(&json);
    ck_assert_ptr_null(json.text);
}
END_TEST

/* Memory that ends: |context| counts the calls that still succeed. */
static void *
failing_resize(void *context, void *memory, size_t size)
{
    int *left = context;
    if (size == 0) {
        free(memory);
        return NULL;
    }
    return (*left)-- > 0 ? realloc(memory, size) : NULL;
}

START_TEST(out_of_memory)
{
    for (int calls = 0; calls < 3; calls++) {
        int left = calls;
        struct reload_json json = reload_json_growing(failing_resize, &left);
        for (int i = 0; i < 10000; i++)
            reload_json_text(&json, "abc");
        ck_assert(json.failed);
        reload_json_free(&json);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("json");
    TCase *tests = tcase_create("all");
    tcase_add_test(tests, nesting);
    tcase_add_test(tests, strings);
    tcase_add_test(tests, text_or_not);
    tcase_add_test(tests, too_small);
    tcase_add_test(tests, growing);
    tcase_add_test(tests, out_of_memory);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
