/* gen_small.c: decodes, encodes and compares structures: small.
 *
 * RFC 9999. Made by tools/wiregen.py; do not edit.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/wire/gen_small.h"

#include "reload/wire/support.h"

const char *
reload_colour_name(uint8_t value)
{
    switch (value) {
    case RELOAD_COLOUR_RED:
        return "red";
    case RELOAD_COLOUR_DARK_GREEN:
        return "dark-green";
    default:
        return reload_wire_unknown;
    }
}

int
reload_name_decode(struct reload_reader *reader, const struct reload_wire *wire,
                   struct reload_bytes *value)
{
    int error = reload_reader_vector_within(reader, 1, 1, 255, value);
    if (error)
        return reload_wire_fail(wire, reader, error, "Name", "value");
    return 0;
}

bool
reload_name_next(struct reload_reader *list, const struct reload_wire *wire,
                 struct reload_bytes *value)
{
    return reload_reader_left(list) != 0 && reload_name_decode(list, wire, value) == 0;
}

int
reload_name_list_check(struct reload_reader list, const struct reload_wire *wire)
{
    struct reload_bytes element;
    while (reload_reader_left(&list)) {
        int error = reload_name_decode(&list, wire, &element);
        if (error)
            return error;
    }
    return 0;
}

int
reload_point_decode(struct reload_reader *reader, const struct reload_wire *wire,
                    struct reload_point *value)
{
    struct reload_reader in = *reader;
    struct reload_point out = {0};
    int error;

    error = reload_reader_u16(&in, &out.x);
    if (error)
        return reload_wire_fail(wire, &in, error, "Point", "x");
    error = reload_reader_octets(&in, 16, out.wide);
    if (error)
        return reload_wire_fail(wire, &in, error, "Point", "wide");

    *reader = in;
    *value = out;
    return 0;
}

void
reload_point_encode(struct reload_writer *writer, const struct reload_wire *wire,
                    const struct reload_point *value)
{
    (void)wire;
    reload_writer_u16(writer, value->x);
    reload_writer_bytes(writer, (struct reload_bytes){value->wide, 16});
}

bool
reload_point_equal(const struct reload_point *a, const struct reload_point *b)
{
    if (a->x != b->x)
        return false;
    if (memcmp(a->wide, b->wide, 16) != 0)
        return false;
    return true;
}

static int
decode_pattern_arm(struct reload_reader *in, const struct reload_wire *wire,
                   struct reload_pattern *out, bool is_checked)
{
    int error;

    switch (out->colour) {
    case RELOAD_COLOUR_RED:
        return 0;
    case RELOAD_COLOUR_DARK_GREEN:
        error = reload_reader_vector(in, 2, &out->shade.dark_green.names);
        if (error)
            return reload_wire_fail(wire, in, error, "Pattern", "names");
        if (!is_checked)
            error =
                reload_name_list_check(reload_reader_sub(in, out->shade.dark_green.names), wire);
        if (error)
            return error;
        error = reload_reader_u64(in, &out->shade.dark_green.time);
        if (error)
            return reload_wire_fail(wire, in, error, "Pattern", "time");
        return 0;
    default:
        return reload_reader_bytes(in, reload_reader_left(in), &out->shade.unknown);
    }
}

static void
encode_pattern_arm(struct reload_writer *writer, const struct reload_wire *wire,
                   const struct reload_pattern *value)
{
    (void)wire;
    switch (value->colour) {
    case RELOAD_COLOUR_RED:
        return;
    case RELOAD_COLOUR_DARK_GREEN:
        reload_writer_vector(writer, 2, value->shade.dark_green.names);
        reload_writer_u64(writer, value->shade.dark_green.time);
        return;
    default:
        reload_writer_bytes(writer, value->shade.unknown);
    }
}

static bool
equal_pattern_arm(const struct reload_pattern *a, const struct reload_pattern *b)
{
    switch (a->colour) {
    case RELOAD_COLOUR_RED:
        return true;
    case RELOAD_COLOUR_DARK_GREEN:
        if (!reload_bytes_equal(a->shade.dark_green.names, b->shade.dark_green.names))
            return false;
        if (a->shade.dark_green.time != b->shade.dark_green.time)
            return false;
        return true;
    default:
        return reload_bytes_equal(a->shade.unknown, b->shade.unknown);
    }
}

static int
read_pattern(struct reload_reader *reader, const struct reload_wire *wire,
             struct reload_pattern *value, bool is_checked)
{
    struct reload_reader in = *reader;
    struct reload_pattern out = {0};
    int error;

    error = reload_wire_tag8(&in, &out.colour);
    if (error)
        return reload_wire_fail(wire, &in, error, "Pattern", "colour");
    struct reload_bytes rest;
    error = reload_reader_vector(&in, 2, &rest);
    if (error)
        return reload_wire_fail(wire, &in, error, "Pattern", "length");
    struct reload_reader body = reload_reader_sub(&in, rest);
    error = decode_pattern_arm(&body, wire, &out, is_checked);
    if (error)
        return error;
    if (reload_reader_left(&body))
        return reload_wire_fail(wire, &body, RELOAD_E_TRAILING, "Pattern", "length");

    *reader = in;
    *value = out;
    return 0;
}

int
reload_pattern_decode(struct reload_reader *reader, const struct reload_wire *wire,
                      struct reload_pattern *value)
{
    return read_pattern(reader, wire, value, false);
}

void
reload_pattern_encode(struct reload_writer *writer, const struct reload_wire *wire,
                      const struct reload_pattern *value)
{
    reload_writer_u8(writer, value->colour);
    size_t length = reload_writer_begin(writer, 2);
    encode_pattern_arm(writer, wire, value);
    reload_writer_end(writer, length, 2);
}

bool
reload_pattern_equal(const struct reload_pattern *a, const struct reload_pattern *b)
{
    if (a->colour != b->colour)
        return false;
    if (!equal_pattern_arm(a, b))
        return false;
    return true;
}

bool
reload_pattern_next(struct reload_reader *list, const struct reload_wire *wire,
                    struct reload_pattern *value)
{
    return reload_reader_left(list) != 0 && read_pattern(list, wire, value, true) == 0;
}

int
reload_pattern_list_check(struct reload_reader list, const struct reload_wire *wire)
{
    struct reload_pattern element;
    while (reload_reader_left(&list)) {
        int error = reload_pattern_decode(&list, wire, &element);
        if (error)
            return error;
    }
    return 0;
}

int
reload_carpet_decode(struct reload_reader *reader, const struct reload_wire *wire,
                     struct reload_carpet *value)
{
    struct reload_reader in = *reader;
    struct reload_carpet out = {0};
    int error;

    uint8_t size;
    error = reload_reader_u8(&in, &size);
    if (error)
        return reload_wire_fail(wire, &in, error, "Carpet", "size");
    error = reload_point_decode(&in, wire, &out.corner);
    if (error)
        return error;
    error = reload_reader_bytes(&in, size, &out.patterns);
    if (error)
        return reload_wire_fail(wire, &in, error, "Carpet", "patterns");
    error = reload_pattern_list_check(reload_reader_sub(&in, out.patterns), wire);
    if (error)
        return error;

    *reader = in;
    *value = out;
    return 0;
}

void
reload_carpet_encode(struct reload_writer *writer, const struct reload_wire *wire,
                     const struct reload_carpet *value)
{
    reload_writer_uint(writer, 1, value->patterns.size);
    reload_point_encode(writer, wire, &value->corner);
    reload_writer_bytes(writer, value->patterns);
}

bool
reload_carpet_equal(const struct reload_carpet *a, const struct reload_carpet *b)
{
    if (!reload_point_equal(&a->corner, &b->corner))
        return false;
    if (!reload_bytes_equal(a->patterns, b->patterns))
        return false;
    return true;
}
