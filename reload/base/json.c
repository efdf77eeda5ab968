/* json.c: writes JSON text.
 *
 * RFC 8259. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/base/json.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define GROWTH_MIN 1024

struct reload_json
reload_json_fixed(char *text, size_t capacity)
{
    assert(text && capacity > 0);
    text[0] = '\0';
    return (struct reload_json){.text = text, .capacity = capacity};
}

static void *
resize_by_library(void *context, void *memory, size_t size)
{
    (void)context;
    if (size)
        return realloc(memory, size);
    free(memory);
    return NULL;
}

struct reload_json
reload_json_growing(reload_json_resize_fn *resize, void *context)
{
    return (struct reload_json){.resize = resize ? resize : resize_by_library, .context = context};
}

void
reload_json_free(struct reload_json *json)
{
    if (json->resize && json->text)
        json->resize(json->context, json->text, 0);
    json->text = NULL;
    json->size = json->capacity = 0;
}

void
reload_json_clear(struct reload_json *json)
{
    json->size = 0;
    json->failed = json->needs_comma = false;
    if (json->text)
        json->text[0] = '\0';
}

/* Makes room for |size| characters and a NUL. */
static bool
reserve(struct reload_json *json, size_t size)
{
    if (json->failed)
        return false;
    if (json->capacity > size && json->capacity - size > json->size)
        return true;
    json->failed = true;
    if (!json->resize || size > SIZE_MAX / 4 || json->size > SIZE_MAX / 4)
        return false;
    size_t capacity = 2 * (json->size + size) + GROWTH_MIN;
    char *text = json->resize(json->context, json->text, capacity);
    if (!text)
        return false;
    json->text = text;
    json->capacity = capacity;
    json->failed = false;
    return true;
}

static void
append(struct reload_json *json, const char *text, size_t size)
{
    if (!reserve(json, size))
        return;
    memcpy(json->text + json->size, text, size);
    json->size += size;
    json->text[json->size] = '\0';
}

/* Begins a value: behind a key or an opening bracket without a comma. */
static void
begin_value(struct reload_json *json)
{
    if (json->needs_comma)
        append(json, ",", 1);
    json->needs_comma = true;
}

static void
open_bracket(struct reload_json *json, const char *bracket)
{
    begin_value(json);
    append(json, bracket, 1);
    json->needs_comma = false;
}

static void
close_bracket(struct reload_json *json, const char *bracket)
{
    append(json, bracket, 1);
    json->needs_comma = true;
}

void
reload_json_begin_object(struct reload_json *json)
{
    open_bracket(json, "{");
}

void
reload_json_end_object(struct reload_json *json)
{
    close_bracket(json, "}");
}

void
reload_json_begin_array(struct reload_json *json)
{
    open_bracket(json, "[");
}

void
reload_json_end_array(struct reload_json *json)
{
    close_bracket(json, "]");
}

/* The size of the UTF-8 sequence at |data|, of |left| octets; 0 when it is none: cut off, longer
 * than needed, a surrogate, or beyond U+10FFFF (RFC 3629). */
static size_t
utf8_size(const uint8_t *data, size_t left)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = data[0] < 0x80 ? 1 : data[0] < 0xc0 ? 0 : 2;
    if (data[0] >= 0xe0)
        size = data[0] < 0xf0 ? 3 : 4;
    if (size <= 1)
        return size;
    if (size > left || data[0] > 0xf4)
        return 0;
    uint32_t code = data[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((data[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (data[i] & 0x3fu);
    }
    bool is_surrogate = code >= 0xd800 && code < 0xe000;
    return code < smallest[size] || code > 0x10ffff || is_surrogate ? 0 : size;
}

/* Whether the |size| octets of one character are a control character that a terminal would obey:
 * C0, DEL, or C1 (U+0080 to U+009F). */
static bool
is_control(const uint8_t *data, size_t size)
{
    if (size == 1)
        return data[0] < 0x20 || data[0] == 0x7f;
    return size == 2 && data[0] == 0xc2 && data[1] < 0xa0;
}

bool
reload_json_is_text(struct reload_bytes bytes)
{
    for (size_t at = 0; at < bytes.size;) {
        size_t size = utf8_size(bytes.data + at, bytes.size - at);
        if (size == 0 ||
            (is_control(bytes.data + at, size) && !memchr("\t\n\r", bytes.data[at], 3)))
            return false;
        at += size;
    }
    return true;
}

/* Appends one character of a string and returns how many octets it had. */
static size_t
append_character(struct reload_json *json, const uint8_t *data, size_t left)
{
    size_t size = utf8_size(data, left);
    char escape[8];
    if (size == 0) {
        append(json, "\\ufffd", 6);
        return 1;
    }
    if (is_control(data, size)) {
        snprintf(escape, sizeof escape, "\\u%04x", data[size - 1]); /* C1's second octet is it */
        append(json, escape, 6);
        return size;
    }
    if (data[0] == '"' || data[0] == '\\')
        append(json, "\\", 1);
    append(json, (const char *)data, size);
    return size;
}

static void
append_string(struct reload_json *json, struct reload_bytes bytes)
{
    append(json, "\"", 1);
    for (size_t at = 0; at < bytes.size;)
        at += append_character(json, bytes.data + at, bytes.size - at);
    append(json, "\"", 1);
}

void
reload_json_key(struct reload_json *json, const char *key)
{
    begin_value(json);
    append_string(json, reload_bytes_of_string(key));
    append(json, ":", 1);
    json->needs_comma = false;
}

void
reload_json_string(struct reload_json *json, struct reload_bytes bytes)
{
    begin_value(json);
    append_string(json, bytes);
}

void
reload_json_text(struct reload_json *json, const char *text)
{
    if (text)
        reload_json_string(json, reload_bytes_of_string(text));
    else
        reload_json_null(json);
}

void
reload_json_hex(struct reload_json *json, struct reload_bytes bytes)
{
    static const char digits[] = "0123456789abcdef";
    begin_value(json);
    append(json, "\"", 1);
    if (bytes.size < SIZE_MAX / 4 && reserve(json, 2 * bytes.size)) {
        for (size_t i = 0; i < bytes.size; i++) {
            json->text[json->size++] = digits[bytes.data[i] >> 4];
            json->text[json->size++] = digits[bytes.data[i] & 15];
        }
        json->text[json->size] = '\0';
    }
    append(json, "\"", 1);
}

__attribute__((format(printf, 2, 3))) static void
append_format(struct reload_json *json, const char *format, ...)
{
    char text[400]; /* the largest double has 309 digits before its point */
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    begin_value(json);
    assert(size > 0 && (size_t)size < sizeof text);
    append(json, text, (size_t)size);
}

void
reload_json_uint(struct reload_json *json, uint64_t value)
{
    append_format(json, "%llu", (unsigned long long)value);
}

void
reload_json_int(struct reload_json *json, int64_t value)
{
    append_format(json, "%lld", (long long)value);
}

void
reload_json_boolean(struct reload_json *json, bool value)
{
    append_format(json, "%s", value ? "true" : "false");
}

void
reload_json_null(struct reload_json *json)
{
    append_format(json, "null");
}

void
reload_json_number(struct reload_json *json, double value, int digits)
{
    assert(digits >= 0 && digits <= 20);
    if (isfinite(value))
        append_format(json, "%.*f", digits, value);
    else
        reload_json_null(json);
}
