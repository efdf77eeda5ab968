/* control_overlay.c: questions to other nodes, and leaving: ping, lookup, leave.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/reloadd/control.h"
#include "usages/sip.h"

#define PING_BODY_MAX 16
#define LOOKUP_TIME (15 * RELOAD_SECOND)

/* ---- ping ----------------------------------------------------------------------------------- */

/* How far our clock is ahead of the responder's, which was read about half way. */
static double
clock_ahead_ms(struct daemon *daemon, const struct reload_result *result, uint64_t their_ms)
{
    const struct reload_env *env = &daemon->env.env;
    double ours_ms = (double)env->wall_ms(env->context) - (double)result->elapsed_ns / 2e6;
    return ours_ms - (double)their_ms;
}

/* RFC 6940 6.5.3. */
static void
ponged(void *argument, const struct reload_result *result, reload_time now)
{
    (void)now;
    struct control_request *request = argument;
    if (result->error == RELOAD_E_REFUSED) {
        control_refuse(request, "the other node refused: %s (error code %u)",
                       reload_error_code_name(result->error_code), result->error_code);
        return;
    }
    if (result->error) {
        control_refuse(request, "%s", reload_error_text(result->error));
        return;
    }
    struct reload_json *json = &request->result;
    struct reload_bytes body = result->message->contents.message_body;
    struct reload_reader reader = reload_reader_of(body);
    struct reload_ping_ans answer;
    reload_json_begin_object(json);
    reload_json_key(json, "responder");
    reload_node_id_print(json, reload_node_wire(daemon_node(request->daemon)),
                         &result->responder_id);
    reload_json_key(json, "user");
    reload_json_text(json, result->responder->user_name);
    reload_json_key(json, "hops");
    reload_json_uint(json, result->hops);
    reload_json_key(json, "elapsed_ms");
    reload_json_number(json, (double)result->elapsed_ns / 1e6, 3);
    if (reload_ping_ans_decode(&reader, reload_node_wire(daemon_node(request->daemon)), &answer) ==
        0) {
        reload_json_key(json, "clock_ahead_ms");
        reload_json_number(json, clock_ahead_ms(request->daemon, result, answer.time), 0);
    }
    reload_json_end_object(json);
    control_answer(request);
}

/* "node" (hex), "resource" (hex) or "name". */
static bool
read_route(struct control_request *request, struct reload_route *route)
{
    struct daemon *daemon = request->daemon;
    if (control_text(request, "node")) {
        struct reload_node_id node_id = {{0}};
        size_t size;
        if (!control_hex(request, "node", node_id.octets, sizeof node_id.octets, &size) ||
            size != daemon->config->node_id_length)
            return false;
        *route = reload_route_to_node(&node_id);
        return true;
    }
    const char *name = control_text(request, "name");
    if (name && reload_node_resource(daemon_node(daemon), reload_bytes_of_string(name),
                                     request->resource, &request->resource_size) != 0)
        return false;
    if (!name && (!control_hex(request, "resource", request->resource, sizeof request->resource,
                               &request->resource_size) ||
                  request->resource_size == 0))
        return false;
    *route =
        reload_route_to_resource((struct reload_bytes){request->resource, request->resource_size});
    return true;
}

void
control_ping(struct control_request *request)
{
    struct reload_route route;
    if (!read_route(request, &route)) {
        control_refuse(request,
                       "give a NODE-ID of %u octets in hex, a Resource-ID in hex, or a name",
                       request->daemon->config->node_id_length);
        return;
    }
    uint8_t data[PING_BODY_MAX];
    struct reload_node *node = daemon_node(request->daemon);
    struct reload_writer body = reload_writer_of(data, sizeof data);
    struct reload_ping_req ping = {{NULL, 0}};
    reload_ping_req_encode(&body, reload_node_wire(node), &ping);
    int error =
        reload_node_request(node, &route, RELOAD_MESSAGE_PING_REQ, reload_writer_written(&body),
                            ponged, request, daemon_now(request->daemon), NULL);
    if (error)
        control_refuse(request, "%s", reload_error_text(error));
}

/* ---- lookup --------------------------------------------------------------------------------- */

static void
found(void *argument, int error, const struct reload_sip_target *targets, size_t count,
      reload_time now)
{
    (void)now;
    struct control_request *request = argument;
    if (error) {
        control_refuse(request, "%s",
                       error == RELOAD_E_NOT_FOUND ? "nobody is registered there"
                                                   : reload_error_text(error));
        return;
    }
    struct reload_json *json = &request->result;
    const struct reload_wire *wire = reload_node_wire(daemon_node(request->daemon));
    reload_json_begin_object(json);
    reload_json_key(json, "targets");
    reload_json_begin_array(json);
    for (size_t i = 0; i < count; i++) {
        reload_json_begin_object(json);
        reload_json_key(json, "aor");
        reload_json_text(json, targets[i].aor.text);
        reload_json_key(json, "node_id");
        reload_node_id_print(json, wire, &targets[i].destination.node_id);
        reload_json_key(json, "application");
        reload_json_uint(json, targets[i].application);
        reload_json_key(json, "user");
        reload_json_text(json, targets[i].user);
        reload_json_end_object(json);
    }
    reload_json_end_array(json);
    reload_json_end_object(json);
    control_answer(request);
}

/* RFC 7904 4. */
void
control_lookup(struct control_request *request)
{
    const char *aor = control_text(request, "aor");
    if (!aor) {
        control_refuse(request, "give 'aor', such as alice@example.org");
        return;
    }
    struct daemon *daemon = request->daemon;
    struct reload_sip *sip = reload_node_usage(daemon_node(daemon), DAEMON_USAGE_SIP);
    reload_time now = daemon_now(daemon);
    uint64_t lookup;
    int error = reload_sip_lookup(sip, reload_bytes_of_string(aor), now + LOOKUP_TIME, found,
                                  request, now, &lookup);
    if (error == RELOAD_E_MALFORMED)
        control_refuse(request, "'%.200s' is no address such as alice@example.org", aor);
    else if (error)
        control_refuse(request, "'%.200s': %s", aor, reload_error_text(error));
}

/* ---- leave ---------------------------------------------------------------------------------- */

void
control_leave(struct control_request *request)
{
    struct daemon *daemon = request->daemon;
    if (daemon->leaving) {
        control_refuse(request, "the node is leaving already");
        return;
    }
    reload_json_begin_object(&request->result);
    reload_json_key(&request->result, "left");
    reload_json_boolean(&request->result, true);
    reload_json_end_object(&request->result);
    daemon->leaving = request;
    daemon_leave(daemon);
}
