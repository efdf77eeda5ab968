/* control_status.c: what this node is and whom it knows: status, peers, routes.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/socket_address.h"
#include "reload/topology.h"
#include "tools/reloadd/control.h"
#include "topology/chord.h"
#include "usages/sip.h"

#include <stdio.h>

static void
print_node_id(struct reload_json *json, struct daemon *daemon, const char *key,
              const struct reload_node_id *node_id)
{
    reload_json_key(json, key);
    reload_node_id_print(json, reload_node_wire(daemon_node(daemon)), node_id);
}

static void
print_address(struct reload_json *json, const char *key, const struct reload_address *address)
{
    char text[RELOAD_ADDRESS_TEXT_SIZE];
    reload_json_key(json, key);
    if (address->family)
        reload_json_text(json, reload_address_text(address, text));
    else
        reload_json_null(json);
}

static void
print_counters(struct reload_json *json, struct daemon *daemon)
{
    const struct reload_counters *counters = reload_node_counters(daemon_node(daemon));
    reload_json_key(json, "counters");
    reload_json_begin_object(json);
#define X(name, text)                                                                              \
    reload_json_key(json, #name);                                                                  \
    reload_json_uint(json, counters->name);
    RELOAD_COUNTERS(X)
#undef X
    reload_json_end_object(json);
}

static void
print_number(struct reload_json *json, const char *key, uint64_t value)
{
    reload_json_key(json, key);
    reload_json_uint(json, value);
}

static void
print_sockets(struct reload_json *json, struct daemon *daemon)
{
    struct reload_driver_counters counters = reload_driver_counters(daemon->driver);
    reload_json_key(json, "sockets");
    reload_json_begin_object(json);
    print_number(json, "links", counters.links);
    if (counters.udp) {
        print_number(json, "datagrams_received", counters.udp->received);
        print_number(json, "datagrams_sent", counters.udp->sent);
        print_number(json, "datagrams_dropped_unknown", counters.udp->dropped_unknown);
        print_number(json, "datagrams_dropped_sending", counters.udp->dropped_sending);
    }
    if (counters.dtls) {
        print_number(json, "dtls_handshakes", counters.dtls->handshakes_done);
        print_number(json, "dtls_handshakes_failed", counters.dtls->handshakes_failed);
        print_number(json, "dtls_cookies_sent", counters.dtls->cookies_sent);
        print_number(json, "dtls_dropped_records", counters.dtls->dropped_records);
    }
    if (counters.tls) {
        print_number(json, "tls_accepted", counters.tls->accepted);
        print_number(json, "tls_refused", counters.tls->refused);
        print_number(json, "tls_handshakes", counters.tls->handshakes_done);
        print_number(json, "tls_handshakes_failed", counters.tls->handshakes_failed);
        print_number(json, "tls_bad_frames", counters.tls->bad_frames);
        print_number(json, "tls_stalled", counters.tls->stalled);
    }
    reload_json_end_object(json);
}

/* Who is asked how it sees us, and what it says (RFC 6940 6.5.1.4). */
static void
print_stun(struct reload_json *json, struct daemon *daemon)
{
    size_t cursor = 0;
    struct reload_stun_server server;
    reload_json_key(json, "stun");
    reload_json_begin_array(json);
    while (reload_driver_stun_next(daemon->driver, &cursor, &server)) {
        reload_json_begin_object(json);
        print_address(json, "address", &server.address);
        print_address(json, "sees", &server.seen);
        reload_json_end_object(json);
    }
    reload_json_end_array(json);
}

void
control_status(struct control_request *request)
{
    struct daemon *daemon = request->daemon;
    struct reload_node *node = daemon_node(daemon);
    struct reload_json *json = &request->result;
    const struct reload_identity *self = daemon->keyring->ops->self(daemon->keyring);
    reload_json_begin_object(json);
    print_node_id(json, daemon, "node_id", reload_node_id(node));
    reload_json_key(json, "user");
    reload_json_text(json, self->user_name);
    reload_json_key(json, "overlay");
    reload_json_text(json, daemon->config->instance_name);
    print_number(json, "configuration_sequence", daemon->config->sequence);
    reload_json_key(json, "client");
    bool stays_client = !reload_node_id_is_zero(&daemon->unreachable);
    reload_json_boolean(json, reload_node_is_client(node) || stays_client);
    if (stays_client)
        print_node_id(json, daemon, "unreachable_neighbour", &daemon->unreachable);
    reload_json_key(json, "joined");
    reload_json_boolean(json, reload_node_joined(node));
    print_address(json, "address", reload_driver_address(daemon->driver));
    print_number(json, "certificate_expires_ms", self->not_after_ms);
    print_number(json, "uptime_s", (daemon_now(daemon) - daemon->started) / RELOAD_SECOND);
    size_t cursor = 0, links = 0;
    struct reload_link_info info;
    while (reload_node_link_next(node, &cursor, &info))
        links++;
    print_number(json, "overlay_links", links);
    reload_json_key(json, "responsible_ppb");
    reload_json_uint(json, reload_node_joined(node)
                               ? reload_chord.responsible_ppb(reload_node_topology(node))
                               : 0);
    records_print(daemon, json);
    print_stun(json, daemon);
    relays_print(daemon, json);
    roles_print(daemon, json);
    print_sockets(json, daemon);
    print_counters(json, daemon);
    reload_json_end_object(json);
    control_answer(request);
}

static bool
is_private(const struct reload_address *address)
{
    const uint8_t *octets = address->octets;
    if (address->family == 6)
        return (octets[0] & 0xfe) == 0xfc || reload_address_is_link_local(address);
    return octets[0] == 10 || (octets[0] == 172 && (octets[1] & 0xf0) == 16) ||
           (octets[0] == 192 && octets[1] == 168) || reload_address_is_link_local(address);
}

/* Two host candidates meet in one network: that of an interface of ours (all of IPv6's are public),
 * or a private one, however its parts are linked. */
const char *
control_path_name(const struct reload_link_info *info)
{
    if (info->local_type == RELOAD_CAND_TYPE_RELAY || info->remote_type == RELOAD_CAND_TYPE_RELAY)
        return "relay";
    bool hosts = info->local_type == RELOAD_CAND_TYPE_HOST || info->local_type == 0;
    bool same = hosts && (info->remote_type == RELOAD_CAND_TYPE_HOST || info->remote_type == 0) &&
                (is_private(&info->address) || reload_address_is_loopback(&info->address) ||
                 reload_address_is_neighbour(&info->address));
    return same ? "same LAN" : "direct";
}

/* Of a link, where a word such as "route" would be taken for the network's. */
const char *
control_link_error(int error)
{
    return error == RELOAD_E_UNREACHABLE ? "no pair of addresses worked" : reload_error_text(error);
}

static const char *const origins[] = {
    [RELOAD_LINK_ORIGIN_BOOTSTRAP] = "bootstrap node",
    [RELOAD_LINK_ORIGIN_ATTACH] = "we attached",
    [RELOAD_LINK_ORIGIN_ATTACHED] = "it attached",
    [RELOAD_LINK_ORIGIN_UNANNOUNCED] = "it connected",
};

void
control_peers(struct control_request *request)
{
    struct daemon *daemon = request->daemon;
    struct reload_json *json = &request->result;
    reload_time now = daemon_now(daemon);
    size_t cursor = 0;
    struct reload_link_info info;
    reload_json_begin_object(json);
    reload_json_key(json, "peers");
    reload_json_begin_array(json);
    while (reload_node_link_next(daemon_node(daemon), &cursor, &info)) {
        reload_driver_refresh(daemon->driver, &info);
        reload_json_begin_object(json);
        print_node_id(json, daemon, "node_id", &info.node_id);
        print_address(json, "address", &info.address);
        reload_json_key(json, "link");
        reload_json_text(
            json, info.overlay_link == RELOAD_OVERLAY_LINK_TYPE_TLS_TCP_FH_NO_ICE ? "TLS" : "DTLS");
        reload_json_key(json, "path");
        reload_json_text(json, control_path_name(&info));
        reload_json_key(json, "found_by");
        reload_json_text(json, origins[info.origin]);
        reload_json_key(json, "rtt_ms");
        reload_json_number(json, (double)info.rtt_ns / 1e6, 3);
        print_number(json, "up_s", (now - info.since) / RELOAD_SECOND);
        reload_json_key(json, "suspect");
        reload_json_boolean(json, info.suspect);
        print_number(json, "messages_sent", info.messages_sent);
        print_number(json, "messages_received", info.messages_received);
        print_number(json, "bytes_sent", info.bytes_sent);
        print_number(json, "bytes_received", info.bytes_received);
        reload_json_key(json, "last_error");
        reload_json_text(json, info.last_error ? control_link_error(info.last_error) : NULL);
        reload_json_end_object(json);
    }
    reload_json_end_array(json);
    reload_json_end_object(json);
    control_answer(request);
}

void
control_routes(struct control_request *request)
{
    struct daemon *daemon = request->daemon;
    reload_chord.print(reload_node_topology(daemon_node(daemon)), &request->result,
                       daemon_now(daemon));
    control_answer(request);
}
