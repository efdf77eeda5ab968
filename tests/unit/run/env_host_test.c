/* env_host_test.c: what a node gets from the host: lines of the log, random octets, memory.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/env_host.h"

#include "tests/suite.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Catches what is written to the standard error output. */
static int
begin_catching(int *saved)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    *saved = dup(STDERR_FILENO);
    ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
    (void)close(ends[1]);
    return ends[0];
}

static size_t
end_catching(int from, int saved, char *text, size_t size)
{
    (void)fflush(stderr);
    (void)dup2(saved, STDERR_FILENO);
    (void)close(saved);
    ssize_t got = read(from, text, size - 1);
    (void)close(from);
    ck_assert_int_ge(got, 0);
    text[got] = '\0';
    return (size_t)got;
}

/* P30: what a peer sent does not move a terminal's cursor, and does not begin a line. */
START_TEST(log_lines_are_plain_text)
{
    struct reload_env_host host;
    char text[8192];
    int saved, from = begin_catching(&saved);
    reload_env_host_init(&host, RELOAD_LOG_INFO, "unit");
    reload_env_log(&host.env, RELOAD_LOG_WARNING, "\x1b[2J peer says\r\n%s\x7f\xc2\x9b",
                   "2026-01-01 forged line");
    reload_env_log(&host.env, RELOAD_LOG_DEBUG, "too talkative");
    size_t size = end_catching(from, saved, text, sizeof text);
    ck_assert_ptr_eq(strchr(text, '\n'), text + size - 1);
    for (size_t i = 0; i + 1 < size; i++)
        ck_assert(text[i] >= 0x20 && text[i] < 0x7f);
    ck_assert_ptr_nonnull(strstr(text, "unit warning: ?[2J peer says??2026-01-01 forged line???"));
}
END_TEST

START_TEST(long_lines_are_cut)
{
    struct reload_env_host host;
    char text[8192], line[4000];
    int saved, from = begin_catching(&saved);
    reload_env_host_init(&host, RELOAD_LOG_DEBUG, NULL);
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    host.env.log(host.env.context, RELOAD_LOG_ERROR, line);
    size_t size = end_catching(from, saved, text, sizeof text);
    ck_assert_uint_le(size, 1024);
    ck_assert_int_eq(text[size - 1], '\n');
}
END_TEST

START_TEST(random_octets_differ)
{
    struct reload_env_host host;
    uint8_t seen[200][16], large[1000] = {0};
    reload_env_host_init(&host, RELOAD_LOG_ERROR, NULL);
    for (size_t i = 0; i < 200; i++) {
        host.env.random(host.env.context, seen[i], sizeof seen[i]);
        for (size_t j = 0; j < i; j++)
            ck_assert_mem_ne(seen[i], seen[j], sizeof seen[i]);
    }
    host.env.random(host.env.context, large, sizeof large);
    size_t zeros = 0;
    for (size_t i = 0; i < sizeof large; i++)
        zeros += large[i] == 0;
    ck_assert_uint_lt(zeros, 100);
    /* What was handed out is not kept. */
    ck_assert_uint_le(host.pool_left, sizeof host.pool);
    for (size_t i = host.pool_left; i < sizeof host.pool; i++)
        ck_assert_uint_eq(host.pool[i], 0);
}
END_TEST

START_TEST(levels_by_name)
{
    enum reload_log_level level = RELOAD_LOG_ERROR;
    ck_assert_int_eq(reload_log_level_parse("debug", &level), 0);
    ck_assert_int_eq(level, RELOAD_LOG_DEBUG);
    ck_assert_int_eq(reload_log_level_parse("loud", &level), RELOAD_E_CONFIG);
    ck_assert_int_eq(reload_log_level_parse("", &level), RELOAD_E_CONFIG);
    ck_assert_int_eq(level, RELOAD_LOG_DEBUG);
}
END_TEST

START_TEST(memory_as_realloc)
{
    struct reload_env_host host;
    reload_env_host_init(&host, RELOAD_LOG_ERROR, NULL);
    char *data = host.env.allocate(host.env.context, NULL, 4);
    ck_assert_ptr_nonnull(data);
    memcpy(data, "abc", 4);
    data = host.env.allocate(host.env.context, data, 4000);
    ck_assert_str_eq(data, "abc");
    ck_assert_ptr_null(host.env.allocate(host.env.context, data, 0));
    ck_assert_uint_gt(host.env.wall_ms(host.env.context), UINT64_C(1600000000000));
}
END_TEST

int
main(void)
{
    return RUN_SUITE("env_host", log_lines_are_plain_text, long_lines_are_cut, random_octets_differ,
                     levels_by_name, memory_as_realloc);
}
