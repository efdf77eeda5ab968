/* control_doctor.c: what `reload doctor` lets a node try: a new link, and its own relay. RFC 6940
 * 6.5.1, 9.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/socket_address.h"
#include "tools/reloadd/control.h"
#include "tools/reloadd/role.h"

static const struct reload_link_info *
find_link(struct daemon *daemon, uint32_t link, struct reload_link_info *info)
{
    size_t cursor = 0;
    while (reload_node_link_next(daemon_node(daemon), &cursor, info))
        if (info->link == link) {
            reload_driver_refresh(daemon->driver, info);
            return info;
        }
    return NULL;
}

/* The time is from the Attach until the link stands. */
static void
attached(void *argument, int error, uint32_t link, const struct reload_node_id *node_id,
         reload_time now)
{
    struct control_request *request = argument;
    struct reload_node *node = daemon_node(request->daemon);
    struct reload_json *json = &request->result;
    struct reload_link_info info;
    if (error) {
        control_refuse(request, "%s", control_link_error(error));
        return;
    }
    reload_json_begin_object(json);
    reload_json_key(json, "node_id");
    reload_node_id_print(json, reload_node_wire(node), node_id);
    reload_json_key(json, "path");
    reload_json_text(json, find_link(request->daemon, link, &info) ? control_path_name(&info) : "");
    reload_json_key(json, "elapsed_ms");
    reload_json_number(json, (double)(now - request->began) / 1e6, 3);
    reload_json_end_object(json);
    control_answer(request);
}

/* "node": it is asked for a link (6.5.1), also when there is one already, which the new one then
 * replaces (D27). */
void
control_attach(struct control_request *request)
{
    struct daemon *daemon = request->daemon;
    struct reload_node *node = daemon_node(daemon);
    struct reload_node_id node_id = {{0}};
    size_t size;
    if (!control_hex(request, "node", node_id.octets, sizeof node_id.octets, &size) ||
        size != daemon->config->node_id_length ||
        reload_node_id_equal(&node_id, reload_node_id(node))) {
        control_refuse(request, "'node' must be another node's Node-ID, %u octets in hex",
                       daemon->config->node_id_length);
        return;
    }
    struct reload_route route = reload_route_to_node(&node_id);
    request->began = daemon_now(daemon);
    int error = reload_node_attach(node, &route, false, attached, request, daemon_now(daemon));
    if (error)
        control_refuse(request, "%s", reload_error_text(error));
}

/* The relay that this node lends to others, with credentials for a minute: the node itself uses it
 * for nothing, but it may be asked whether it works. An empty object: there is none. */
void
control_own_relay(struct control_request *request)
{
    struct reload_json *json = &request->result;
    struct turn_credential own;
    char address[RELOAD_ADDRESS_TEXT_SIZE];
    reload_json_begin_object(json);
    if (turn_own_relay(request->daemon, &own)) {
        reload_json_key(json, "address");
        reload_json_text(json, reload_address_text(&own.address, address));
        reload_json_key(json, "username");
        reload_json_text(json, own.username);
        reload_json_key(json, "password");
        reload_json_text(json, own.password);
    }
    reload_json_end_object(json);
    control_answer(request);
}
