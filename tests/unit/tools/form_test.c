/* form_test.c: the certificate request's form, piece by piece. RFC 6940 11.3; attack E7.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "tests/unit/tools/suite.h"
#include "tools/enrolld/form.h"

static void
add(struct form *form, const char *name, const char *value)
{
    form_add(form, name, NULL, NULL, value, 0, strlen(value));
}

static void
assert_field(const struct form *form, enum form_field_name name, const char *value)
{
    ck_assert(reload_bytes_equal(form_get(form, name), reload_bytes_of_string(value)));
}

START_TEST(collects_pieces)
{
    struct form form;
    form_init(&form);
    add(&form, "username", "alice");
    form_add(&form, "password", NULL, NULL, "", 0, 0);
    form_add(&form, "password", NULL, NULL, "sec", 0, 3);
    form_add(&form, "password", NULL, NULL, "ret", 3, 3);
    form_add(&form, "csr", "application/pkcs10; x=y", "binary", "0\0b", 0, 3);
    add(&form, "unknown", "ignored");
    assert_field(&form, FORM_USERNAME, "alice");
    assert_field(&form, FORM_PASSWORD, "secret");
    ck_assert_uint_eq(form_get(&form, FORM_CSR).size, 3);
    ck_assert(!form.fields[FORM_NODEIDS].present);
    ck_assert(!form.duplicate && !form.too_large && !form.csr_type_wrong);
    form_fini(&form);
}
END_TEST

START_TEST(duplicates_are_noticed)
{
    struct form form;
    form_init(&form);
    add(&form, "username", "alice");
    add(&form, "username", "bob");
    ck_assert(form.duplicate);
    assert_field(&form, FORM_USERNAME, "alice");
    form_fini(&form);
}
END_TEST

START_TEST(sizes_are_bounded)
{
    static const struct {
        const char *name;
        size_t most;
    } rows[] = {{"username", RELOAD_USER_NAME_MAX},
                {"password", PASSWORD_SIZE_MAX},
                {"nodeids", FORM_NODEIDS_MAX},
                {"csr", RELOAD_CSR_SIZE_MAX}};
    static char value[RELOAD_CSR_SIZE_MAX + 1];
    memset(value, 'x', sizeof value);
    for (size_t i = 0; i < 4; i++) {
        struct form form;
        form_init(&form);
        form_add(&form, rows[i].name, "application/pkcs10", NULL, value, 0, rows[i].most);
        ck_assert(!form.too_large);
        form_add(&form, rows[i].name, "application/pkcs10", NULL, value, rows[i].most, 1);
        ck_assert(form.too_large);
        form_fini(&form);
        form_init(&form);
        form_add(&form, rows[i].name, "application/pkcs10", NULL, value, 0, rows[i].most + 1);
        ck_assert(form.too_large);
        form_fini(&form);
    }
}
END_TEST

/* A piece that does not follow the last one is not written anywhere. */
START_TEST(gaps_are_refused)
{
    struct form form;
    form_init(&form);
    form_add(&form, "username", NULL, NULL, "a", 0, 1);
    form_add(&form, "username", NULL, NULL, "b", 7, 1);
    ck_assert(form.too_large);
    assert_field(&form, FORM_USERNAME, "a");
    form_add(&form, "username", NULL, NULL, "b", SIZE_MAX, 1);
    assert_field(&form, FORM_USERNAME, "a");
    form_fini(&form);
}
END_TEST

/* RFC6940-11.3-10 */
START_TEST(type_of_the_request)
{
    static const struct {
        const char *type, *encoding;
        bool good;
    } rows[] = {{"application/pkcs10", NULL, true},
                {"Application/PKCS10", "binary", true},
                {"application/pkcs10 ; a=b", NULL, true},
                {NULL, NULL, false},
                {"text/plain", NULL, false},
                {"application/pkcs10x", NULL, false},
                {"application/pkcs10", "base64", false},
                {"", NULL, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct form form;
        form_init(&form);
        form_add(&form, "csr", rows[i].type, rows[i].encoding, "0", 0, 1);
        ck_assert_int_eq(form.csr_type_wrong, !rows[i].good);
        form_fini(&form);
    }
}
END_TEST

SUITE_MAIN("form", collects_pieces, duplicates_are_noticed, sizes_are_bounded, gaps_are_refused,
           type_of_the_request)
