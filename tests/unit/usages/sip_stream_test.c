/* sip_stream_test.c: SIP messages in a stream, however it is cut.
 *
 * RFC 3261 18.3, RFC 5626 3.5.1. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/sip_stream.h"

#include "tests/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *
allocate(void *context, void *data, size_t size)
{
    (void)context;
    if (size == 0) {
        free(data);
        return NULL;
    }
    return realloc(data, size);
}

static const struct reload_env env = {.allocate = allocate};
static struct reload_sip_stream stream;

static void
teardown(void)
{
    reload_sip_stream_fini(&stream, &env);
}

static int
put(const char *text, size_t size)
{
    return reload_sip_stream_put(&stream, &env, (struct reload_bytes){(const uint8_t *)text, size});
}

static int
next(unsigned *pings, struct reload_bytes *message)
{
    int error = reload_sip_stream_next(&stream, pings, message);
    return error;
}

static const char two[] = "\r\n\r\nMESSAGE sip:a@x SIP/2.0\r\nContent-Length: 5\r\n\r\nhello"
                          "\r\nOPTIONS sip:a@x SIP/2.0\r\nl : 0\r\n\r\n";

START_TEST(any_cut)
{
    for (size_t step = 1; step < sizeof two; step++) {
        unsigned pings = 0, messages = 0;
        for (size_t at = 0; at < sizeof two - 1; at += step) {
            struct reload_bytes message;
            size_t left = sizeof two - 1 - at;
            ck_assert_int_eq(put(two + at, left < step ? left : step), 0);
            while (next(&pings, &message) == 0) {
                const char *begin = messages++ ? "OPTIONS" : "MESSAGE";
                ck_assert_mem_eq(message.data, begin, 7);
                ck_assert_int_eq(message.data[message.size - 1], messages == 1 ? 'o' : '\n');
                reload_sip_stream_done(&stream, message.size);
            }
        }
        ck_assert_uint_eq(messages, 2);
        ck_assert_uint_eq(pings, 1);
        ck_assert_uint_eq(stream.size, 0);
    }
    teardown();
}
END_TEST

START_TEST(lengths_that_lie)
{
    static const char *const texts[] = {
        "A b SIP/2.0\r\nContent-Length: -1\r\n\r\n",
        "A b SIP/2.0\r\nContent-Length: 1x\r\n\r\n",
        "A b SIP/2.0\r\nContent-Length:\r\n\r\n",
        "A b SIP/2.0\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "A b SIP/2.0\r\nContent-Length: 1\r\nl: 2\r\n\r\n",
    };
    struct reload_bytes message;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ck_assert_int_eq(put(texts[i], strlen(texts[i])), 0);
        ck_assert_msg(next(NULL, &message) == RELOAD_E_MALFORMED, "%s", texts[i]);
        teardown();
    }
    ck_assert_int_eq(put("A b\0c\r\n\r\n", 9), 0);
    ck_assert_int_eq(next(NULL, &message), RELOAD_E_MALFORMED);
    teardown();
    const char *large = "A b SIP/2.0\r\nContent-Length: 65536\r\n\r\n";
    ck_assert_int_eq(put(large, strlen(large)), 0);
    ck_assert_int_eq(next(NULL, &message), RELOAD_E_TOO_LARGE);
    teardown();
}
END_TEST

/* A head without end, of one long line and of many short ones. */
START_TEST(endless_heads)
{
    struct reload_bytes message;
    static char line[RELOAD_SIP_HEAD_MAX + 2];
    memset(line, 'a', sizeof line);
    ck_assert_int_eq(put(line, RELOAD_SIP_HEAD_MAX), 0);
    ck_assert_int_eq(next(NULL, &message), RELOAD_E_TRUNCATED);
    ck_assert_int_eq(put(line, 1), 0);
    ck_assert_int_eq(next(NULL, &message), RELOAD_E_TOO_LARGE);
    teardown();
    for (unsigned i = 0; i < 300; i++)
        ck_assert_int_eq(put("a: b\r\n", 6), 0);
    ck_assert_int_eq(next(NULL, &message), RELOAD_E_MALFORMED);
    teardown();
    for (unsigned i = 0; i < 8; i++)
        ck_assert_int_eq(put(line, 16384), 0);
    ck_assert_int_eq(put(line, 1), RELOAD_E_TOO_LARGE);
    teardown();
}
END_TEST

int
main(void)
{
    return RUN_SUITE("sip_stream", any_cut, lengths_that_lie, endless_heads);
}
