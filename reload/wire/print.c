/* print.c: what the generated printers share.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "reload/base/json.h"
#include "reload/wire/support.h"
#include "reload/wire/wire.h"

void
reload_wire_print_name(struct reload_json *json, const char *name, uint32_t value)
{
    if (name == reload_wire_unknown)
        reload_json_uint(json, value);
    else
        reload_json_text(json, name);
}

void
reload_node_id_print(struct reload_json *json, const struct reload_wire *wire,
                     const struct reload_node_id *value)
{
    reload_json_hex(json, reload_node_id_bytes(value, wire->node_id_length));
}

void
reload_wire_print_ipv4(struct reload_json *json, uint32_t address)
{
    char text[sizeof "255.255.255.255"];
    snprintf(text, sizeof text, "%u.%u.%u.%u", address >> 24, address >> 16 & 0xff,
             address >> 8 & 0xff, address & 0xff);
    reload_json_text(json, text);
}

/* The longest run of at least two zero groups, the first of several: RFC 5952 writes it as "::". */
static unsigned
longest_zeros(const unsigned groups[8], unsigned *begin)
{
    unsigned longest = 1;
    *begin = 8;
    for (unsigned i = 0; i < 8; i++) {
        unsigned end = i;
        while (end < 8 && groups[end] == 0)
            end++;
        if (end - i > longest) {
            longest = end - i;
            *begin = i;
        }
    }
    return longest;
}

void
reload_wire_print_ipv6(struct reload_json *json, const uint8_t address[16])
{
    unsigned groups[8], begin;
    for (unsigned i = 0; i < 8; i++)
        groups[i] = (unsigned)address[2 * i] << 8 | address[2 * i + 1];
    unsigned end = longest_zeros(groups, &begin) + begin;
    char text[64];
    int at = 0;
    for (unsigned i = 0; i < 8; i++) {
        if (i == begin) {
            at += snprintf(text + at, sizeof text - (size_t)at, "::");
            i = end - 1;
            continue;
        }
        const char *colon = i == 0 || i == end ? "" : ":";
        at += snprintf(text + at, sizeof text - (size_t)at, "%s%x", colon, groups[i]);
    }
    reload_json_text(json, text);
}

void
reload_wire_print_text(struct reload_json *json, struct reload_bytes bytes)
{
    if (reload_json_is_text(bytes)) {
        reload_json_string(json, bytes);
        return;
    }
    reload_json_begin_object(json);
    reload_json_key(json, "hex");
    reload_json_hex(json, bytes);
    reload_json_end_object(json);
}
