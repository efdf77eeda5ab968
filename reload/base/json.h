/* json.h: writes JSON text (RFC 8259), compact, on one line.
 *
 * Commas are set here; the caller's duty is to close what it opened and to put a key before each
 * value of an object. A text that does not fit sets |failed|, to be checked once, at the end.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_BASE_JSON_H
#define RELOAD_BASE_JSON_H

#include "reload/base/bytes.h"

/* realloc's contract: |memory| NULL allocates, |size| 0 frees and returns NULL. */
typedef void *reload_json_resize_fn(void *context, void *memory, size_t size);

/* |text| holds |size| characters and a NUL. All fields are for reading only. */
struct reload_json {
    char *text;
    size_t size;
    size_t capacity;
    bool failed;
    bool needs_comma;
    reload_json_resize_fn *resize; /* NULL: |text| is the caller's and has a fixed size */
    void *context;
};

/* reload_json_fixed writes into the caller's |text| of |capacity| bytes, at least 1. */
struct reload_json reload_json_fixed(char *text, size_t capacity);

/* reload_json_growing writes into memory of |resize|, to be freed with reload_json_free; NULL for
 * |resize| means the C library's. */
struct reload_json reload_json_growing(reload_json_resize_fn *resize, void *context);

/* reload_json_free frees the text of a growing one. */
void reload_json_free(struct reload_json *json);

/* reload_json_clear begins anew, in the same memory. */
void reload_json_clear(struct reload_json *json);

void reload_json_begin_object(struct reload_json *json);
void reload_json_end_object(struct reload_json *json);
void reload_json_begin_array(struct reload_json *json);
void reload_json_end_array(struct reload_json *json);

/* reload_json_key writes the name of an object's next member. */
void reload_json_key(struct reload_json *json, const char *key);

/* reload_json_string writes |bytes| as a string: control characters (C0, DEL, C1) escaped, what
 * is not UTF-8 as U+FFFD. */
void reload_json_string(struct reload_json *json, struct reload_bytes bytes);

/* reload_json_is_text tells whether |bytes| are UTF-8 without control characters other than tab,
 * line feed and carriage return. */
bool reload_json_is_text(struct reload_bytes bytes);

/* reload_json_text is reload_json_string of a C string; NULL becomes null. */
void reload_json_text(struct reload_json *json, const char *text);

/* reload_json_hex writes |bytes| as a string of lower-case hex digits. */
void reload_json_hex(struct reload_json *json, struct reload_bytes bytes);

void reload_json_uint(struct reload_json *json, uint64_t value);
void reload_json_int(struct reload_json *json, int64_t value);
void reload_json_boolean(struct reload_json *json, bool value);
void reload_json_null(struct reload_json *json);

/* reload_json_number writes |value| with |digits| digits behind the point; null when it is not
 * finite. */
void reload_json_number(struct reload_json *json, double value, int digits);

#endif
