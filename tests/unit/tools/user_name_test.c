/* user_name_test.c: which names an enrolment server gives out. RFC 6940 11.3; attack E3.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "tests/unit/tools/suite.h"
#include "tools/enrolld/user_name.h"

#define OVERLAY "example.org"

START_TEST(good_names)
{
    static const char *const rows[][2] = {{"alice", "alice@example.org"},
                                          {"alice@example.org", "alice@example.org"},
                                          {"Al.i-c_e+1", "Al.i-c_e+1@example.org"},
                                          {"alice@EXAMPLE.org", "alice@example.org"}};
    char name[RELOAD_USER_NAME_MAX + 1];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_assert_int_eq(user_name_complete(reload_bytes_of_string(rows[i][0]), OVERLAY, name), 0);
        ck_assert_str_eq(name, rows[i][1]);
    }
}
END_TEST

/* RFC6940-11.3-20 */
START_TEST(bad_names)
{
    static const struct {
        const char *text;
        size_t size;
    } rows[] = {{"", 0},
                {"@example.org", 12},
                {"alice@", 6},
                {"alice@@example.org", 18},
                {"alice@example.com", 17},
                {"alice@example.org.evil", 22},
                {"alice@example.org\0", 18},
                {"al\0ice", 6},
                {"al\rice", 6},
                {"al\nice@example.org", 18},
                {"al ice", 6},
                {".alice", 6},
                {"alice.", 6},
                {"\xd0\xb0lice", 6},
                {"\xff\xfe", 2},
                {"al\"ice", 6},
                {"a<b>c", 5}};
    char name[RELOAD_USER_NAME_MAX + 1], longest[10240];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct reload_bytes given = {(const uint8_t *)rows[i].text, rows[i].size};
        ck_assert_int_eq(user_name_complete(given, OVERLAY, name), RELOAD_E_USAGE);
    }
    memset(longest, 'a', sizeof longest);
    struct reload_bytes given = {(const uint8_t *)longest, 64};
    ck_assert_int_eq(user_name_complete(given, OVERLAY, name), 0);
    given.size = 65;
    ck_assert_int_eq(user_name_complete(given, OVERLAY, name), RELOAD_E_USAGE);
    given.size = sizeof longest;
    ck_assert_int_eq(user_name_complete(given, OVERLAY, name), RELOAD_E_USAGE);
}
END_TEST

SUITE_MAIN("user_name", good_names, bad_names)
