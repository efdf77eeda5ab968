/* holders_test.c: who is known to have what. RFC 6940 10.4.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/holders.h"
#include "tests/suite.h"

START_TEST(nobody_at_first)
{
    struct reload_holders holders = {0};
    ck_assert_uint_eq(reload_holders_stamp(&holders, 7), 0);
    ck_assert_uint_eq(reload_holders_stamp(&holders, 0), 0); /* no link at all */
    reload_holders_forget(&holders, 0);
    reload_holders_forget(&holders, 7);
}
END_TEST

START_TEST(a_stamp_never_falls)
{
    struct reload_holders holders = {0};
    reload_holders_note(&holders, 7, 5);
    reload_holders_note(&holders, 7, 3);
    ck_assert_uint_eq(reload_holders_stamp(&holders, 7), 5);
    reload_holders_note(&holders, 7, 6);
    ck_assert_uint_eq(reload_holders_stamp(&holders, 7), 6);
    ck_assert_uint_eq(reload_holders_stamp(&holders, 8), 0);
}
END_TEST

START_TEST(the_latest_are_remembered)
{
    struct reload_holders holders = {0};
    for (uint32_t link = 1; link <= RELOAD_HOLDERS_MAX; link++)
        reload_holders_note(&holders, link, link);
    reload_holders_note(&holders, 1, 9); /* heard of again: the second is the oldest now */
    reload_holders_note(&holders, 100, 100);
    ck_assert_uint_eq(reload_holders_stamp(&holders, 1), 9);
    ck_assert_uint_eq(reload_holders_stamp(&holders, 2), 0);
    for (uint32_t link = 3; link <= RELOAD_HOLDERS_MAX; link++)
        ck_assert_uint_eq(reload_holders_stamp(&holders, link), link);
    ck_assert_uint_eq(reload_holders_stamp(&holders, 100), 100);
}
END_TEST

START_TEST(one_is_forgotten)
{
    struct reload_holders holders = {0};
    for (uint32_t link = 1; link <= RELOAD_HOLDERS_MAX; link++)
        reload_holders_note(&holders, link, link);
    reload_holders_forget(&holders, 2);
    ck_assert_uint_eq(reload_holders_stamp(&holders, 2), 0);
    for (uint32_t link = 1; link <= RELOAD_HOLDERS_MAX; link++)
        ck_assert_uint_eq(reload_holders_stamp(&holders, link), link == 2 ? 0 : link);
    reload_holders_note(&holders, 100, 1); /* there is room again */
    ck_assert_uint_eq(reload_holders_stamp(&holders, 1), 1);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("holders", nobody_at_first, a_stamp_never_falls, the_latest_are_remembered,
                     one_is_forgotten);
}
