/* print.c: what the generated printers share.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>

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
    struct in_addr number = {htonl(address)};
    char text[INET_ADDRSTRLEN];
    reload_json_text(json, inet_ntop(AF_INET, &number, text, sizeof text));
}

void
reload_wire_print_ipv6(struct reload_json *json, const uint8_t address[16])
{
    char text[INET6_ADDRSTRLEN];
    reload_json_text(json, inet_ntop(AF_INET6, address, text, sizeof text));
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
