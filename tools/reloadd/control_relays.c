/* control_relays.c: the relays that this node uses, with credentials: the socket is its user's own.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/socket_address.h"
#include "tools/reloadd/control.h"

static const char *
verdict_text(enum reload_relay_verdict verdict)
{
    static const char *const texts[] = {[RELOAD_RELAY_UNTRIED] = "untried",
                                        [RELOAD_RELAY_SILENT] = "silent",
                                        [RELOAD_RELAY_LIES] = "lies",
                                        [RELOAD_RELAY_GIVES] = "gives",
                                        [RELOAD_RELAY_WORKS] = "works"};
    return texts[verdict];
}

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
    reload_json_key(json, "trial");
    reload_json_text(json, verdict_text(info->verdict));
    reload_json_key(json, "expires_s");
    reload_json_uint(json, info->expires > now ? (info->expires - now) / RELOAD_SECOND : 0);
    reload_json_end_object(json);
}

/* Those that are handed out, or the others. */
static void
print_relays(struct daemon *daemon, struct reload_json *json, bool usable)
{
    const void *usage = reload_node_usage(daemon_node(daemon), DAEMON_USAGE_TURN);
    size_t cursor = 0;
    struct reload_turn_relay_info info;
    reload_json_key(json, usable ? "relays" : "doubtful");
    reload_json_begin_array(json);
    while (reload_turn_service_next(usage, &cursor, &info))
        if ((info.verdict >= RELOAD_RELAY_GIVES) == usable)
            print_relay(daemon, json, &info);
    reload_json_end_array(json);
}

void
relays_print(const struct daemon *daemon, struct reload_json *json)
{
    const void *usage = reload_node_usage(reload_driver_node(daemon->driver), DAEMON_USAGE_TURN);
    size_t cursor = 0, usable = 0;
    struct reload_turn_relay_info info;
    while (reload_turn_service_next(usage, &cursor, &info))
        usable += info.verdict >= RELOAD_RELAY_GIVES;
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
    reload_json_begin_object(json);
    reload_json_key(json, "used");
    reload_json_boolean(json, daemon->turn.use);
    print_relays(daemon, json, true);
    print_relays(daemon, json, false);
    reload_json_end_object(json);
    control_answer(request);
}
