/* env_host.c: reload/env.h on the host.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/env_host.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static const char *const level_names[] = {
    [RELOAD_LOG_ERROR] = "error",
    [RELOAD_LOG_WARNING] = "warning",
    [RELOAD_LOG_INFO] = "info",
    [RELOAD_LOG_DEBUG] = "debug",
};

static uint64_t
wall_ms(void *context)
{
    (void)context;
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Nothing can go on without randomness, and nobody could do anything about it. */
static void
fetch_random(uint8_t *data, size_t size)
{
    while (size) {
        ssize_t got = getrandom(data, size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            fputs("getrandom failed: no random numbers\n", stderr);
            abort();
        }
        data += got;
        size -= (size_t)got;
    }
}

static void
random_octets(void *context, void *data, size_t size)
{
    struct reload_env_host *host = context;
    if (size > sizeof host->pool / 4) {
        fetch_random(data, size);
        return;
    }
    if (host->pool_left < size) {
        fetch_random(host->pool, sizeof host->pool);
        host->pool_left = sizeof host->pool;
    }
    uint8_t *from = host->pool + host->pool_left - size;
    memcpy(data, from, size);
    explicit_bzero(from, size);
    host->pool_left -= size;
}

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

/* Text may hold what a peer sent: nothing of it may reach a terminal as a control character. */
static void
log_line(void *context, enum reload_log_level level, const char *text)
{
    const struct reload_env_host *host = context;
    if (level > host->level)
        return;
    char line[1024];
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    struct tm calendar;
    gmtime_r(&now.tv_sec, &calendar);
    size_t used = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%S", &calendar);
    int added = snprintf(line + used, sizeof line - used, ".%03ldZ %s%s%s: ", now.tv_nsec / 1000000,
                         host->name ? host->name : "", host->name ? " " : "", level_names[level]);
    used += added > 0 ? (size_t)added : 0;
    if (used > sizeof line / 2)
        used = sizeof line / 2;
    for (; *text && used < sizeof line - 2; text++) {
        unsigned char character = (unsigned char)*text;
        line[used++] = character < 0x20 || character >= 0x7f ? '?' : (char)character;
    }
    line[used++] = '\n';
    (void)fwrite(line, 1, used, stderr);
}

void
reload_env_host_init(struct reload_env_host *host, enum reload_log_level level, const char *name)
{
    *host = (struct reload_env_host){.level = level, .name = name};
    host->env = (struct reload_env){.context = host,
                                    .wall_ms = wall_ms,
                                    .random = random_octets,
                                    .log = log_line,
                                    .allocate = allocate};
}

int
reload_log_level_parse(const char *text, enum reload_log_level *level)
{
    for (size_t i = 0; i < sizeof level_names / sizeof *level_names; i++) {
        if (strcmp(text, level_names[i]) != 0)
            continue;
        *level = (enum reload_log_level)i;
        return 0;
    }
    return RELOAD_E_CONFIG;
}

void
reload_env_log(const struct reload_env *env, enum reload_log_level level, const char *format, ...)
{
    if (!env->log)
        return;
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    env->log(env->context, level, text);
}
