/* env.h: what the core takes from the world: wall-clock time, randomness, a log and memory.
 *
 * Implemented by run/ with the host's own, by the simulator with virtual ones.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_ENV_H
#define RELOAD_ENV_H

#include <stddef.h>
#include <stdint.h>

/* Monotonic time in nanoseconds since an arbitrary begin. It never goes back. */
typedef uint64_t reload_time;

#define RELOAD_NEVER UINT64_MAX
#define RELOAD_MS UINT64_C(1000000)
#define RELOAD_SECOND UINT64_C(1000000000)

enum reload_log_level {
    RELOAD_LOG_ERROR,
    RELOAD_LOG_WARNING,
    RELOAD_LOG_INFO,
    RELOAD_LOG_DEBUG,
};

/* The functions get |context| as first argument and may be called at any time while the node
 * that was given this env lives. */
struct reload_env {
    void *context;
    /* Milliseconds since 1970-01-01 UTC, for storage_time and certificates (RFC 6940 7). */
    uint64_t (*wall_ms)(void *context);
    /* Fills |data| with |size| unpredictable bytes; it cannot fail. */
    void (*random)(void *context, void *data, size_t size);
    /* Takes one finished line without a newline; |text| is borrowed for the call. May be NULL. */
    void (*log)(void *context, enum reload_log_level level, const char *text);
    /* realloc's contract (|data| NULL allocates, |size| 0 frees and returns NULL). */
    void *(*allocate)(void *context, void *data, size_t size);
};

#endif
