/* gen_small_print.c: prints structures as JSON: small.
 *
 * RFC 9999. Made by tools/wiregen.py; do not edit.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/wire/gen_small.h"

#include "reload/base/json.h"
#include "reload/wire/support.h"

void
reload_name_list_print(struct reload_json *json, const struct reload_wire *wire,
                       struct reload_bytes list)
{
    struct reload_reader rest = reload_reader_of(list);
    struct reload_bytes element;
    reload_json_begin_array(json);
    while (reload_name_next(&rest, wire, &element))
        reload_json_hex(json, element);
    reload_json_end_array(json);
}

void
reload_point_print(struct reload_json *json, const struct reload_wire *wire,
                   const struct reload_point *value)
{
    (void)wire;
    reload_json_begin_object(json);
    reload_json_key(json, "x");
    reload_json_uint(json, value->x);
    reload_json_key(json, "wide");
    reload_wire_print_ipv6(json, value->wide);
    reload_json_end_object(json);
}

static void
print_pattern_arm(struct reload_json *json, const struct reload_wire *wire,
                  const struct reload_pattern *value)
{
    switch (value->colour) {
    case RELOAD_COLOUR_RED:
        return;
    case RELOAD_COLOUR_DARK_GREEN:
        reload_json_key(json, "names");
        reload_name_list_print(json, wire, value->shade.dark_green.names);
        reload_json_key(json, "time");
        reload_json_uint(json, value->shade.dark_green.time);
        return;
    default:
        reload_json_key(json, "unknown");
        reload_json_hex(json, value->shade.unknown);
    }
}

void
reload_pattern_print(struct reload_json *json, const struct reload_wire *wire,
                     const struct reload_pattern *value)
{
    reload_json_begin_object(json);
    reload_json_key(json, "colour");
    reload_wire_print_name(json, reload_colour_name(value->colour), value->colour);
    reload_json_key(json, "shade");
    reload_json_begin_object(json);
    print_pattern_arm(json, wire, value);
    reload_json_end_object(json);
    reload_json_end_object(json);
}

void
reload_pattern_list_print(struct reload_json *json, const struct reload_wire *wire,
                          struct reload_bytes list)
{
    struct reload_reader rest = reload_reader_of(list);
    struct reload_pattern element;
    reload_json_begin_array(json);
    while (reload_pattern_next(&rest, wire, &element))
        reload_pattern_print(json, wire, &element);
    reload_json_end_array(json);
}

void
reload_carpet_print(struct reload_json *json, const struct reload_wire *wire,
                    const struct reload_carpet *value)
{
    reload_json_begin_object(json);
    reload_json_key(json, "corner");
    reload_point_print(json, wire, &value->corner);
    reload_json_key(json, "patterns");
    reload_pattern_list_print(json, wire, value->patterns);
    reload_json_end_object(json);
}
