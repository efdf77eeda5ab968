/* print.c: what the generated printers share.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
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
