/* control_relays.c: the relays that this node uses, with credentials: the socket is its user's own.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/socket_address.h"
#include "tools/reloadd/control.h"

static void
print_relay(struct daemon *daemon, struct reload_json *json,
            const struct reload_turn_relay_info *info)
{
    char address[RELOAD_ADDRESS_TEXT_SIZE];
    const struct {
        const char *name, *value;
    } texts[] = {{"address", reload_address_text(&info->address, address)},
                 {"username", info->username},
                 {"password", info->password}};
    reload_json_begin_object(json);
    reload_json_key(json, "node_id");
    reload_node_id_print(json, reload_node_wire(daemon_node(daemon)), &info->node_id);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        reload_json_key(json, texts[i].name);
        reload_json_text(json, texts[i].value);
    }
    reload_time now = daemon_now(daemon);
    reload_json_key(json, "expires_s");
    reload_json_uint(json, info->expires > now ? (info->expires - now) / RELOAD_SECOND : 0);
    reload_json_end_object(json);
}

void
relays_print(const struct daemon *daemon, struct reload_json *json)
{
    const void *usage = reload_node_usage(reload_driver_node(daemon->driver), DAEMON_USAGE_TURN);
    size_t cursor = 0, usable = 0;
    struct reload_turn_relay_info info;
    while (reload_turn_service_next(usage, &cursor, &info))
        usable++;
    reload_json_key(json, "turn");
    reload_json_begin_object(json);
    reload_json_key(json, "used");
    reload_json_boolean(json, daemon->turn.use);
    reload_json_key(json, "usable");
    reload_json_uint(json, usable);
    reload_json_end_object(json);
}

void
control_relays(struct control_request *request)
{
    struct daemon *daemon = request->daemon;
    struct reload_json *json = &request->result;
    const void *usage = reload_node_usage(daemon_node(daemon), DAEMON_USAGE_TURN);
    size_t cursor = 0;
    struct reload_turn_relay_info info;
    reload_json_begin_object(json);
    reload_json_key(json, "used");
    reload_json_boolean(json, daemon->turn.use);
    reload_json_key(json, "relays");
    reload_json_begin_array(json);
    while (reload_turn_service_next(usage, &cursor, &info))
        print_relay(daemon, json, &info);
    reload_json_end_array(json);
    reload_json_end_object(json);
    control_answer(request);
}
