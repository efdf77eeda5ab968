/* bytes.h: a borrowed run of octets.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_BASE_BYTES_H
#define RELOAD_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A run of octets that somebody else owns. |data| may be NULL when |size| is 0.
 * How long it stays valid is said where one is handed out. */
struct reload_bytes {
    const uint8_t *data;
    size_t size;
};

/* reload_bytes_equal tells whether |a| and |b| hold the same octets. Not constant time. */
static inline bool
reload_bytes_equal(struct reload_bytes a, struct reload_bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* reload_bytes_of_string borrows the characters of |string|, without its final NUL. */
static inline struct reload_bytes
reload_bytes_of_string(const char *string)
{
    return (struct reload_bytes){(const uint8_t *)string, strlen(string)};
}

#endif
