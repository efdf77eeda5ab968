/* role_sip.c: the roles registrar and proxy: ordinary SIP phones at this node.
 *
 * RFC 7904. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/base/json.h"
#include "reload/run/socket_address.h"
#include "tools/reloadd/role.h"
#include "usages/sip.h"
#include "usages/sip_adaptor.h"

#include <stdio.h>
#include <string.h>

static int
sip_open(struct daemon *daemon, void **state, char *reason)
{
    const struct settings *settings = &daemon->settings;
    struct reload_sip_adaptor_options options = {
        .loop = daemon->loop,
        .env = &daemon->env.env,
        .overlay_ops = &reload_sip_overlay,
        .overlay = reload_node_usage(daemon_node(daemon), DAEMON_USAGE_SIP),
        .address = settings->sip_listen,
        .registrar = role_is_on(daemon, "registrar"),
        .proxy = role_is_on(daemon, "proxy"),
        .remote_phones = settings->sip_remote_phones,
        .password = settings->sip_password,
        .media_ops = settings->rtp_relay == SETTINGS_ON ? &reload_media_overlay : NULL,
        .media = reload_node_usage(daemon_node(daemon), DAEMON_USAGE_MEDIA)};
    struct reload_sip_adaptor *adaptor;
    int error = reload_sip_adaptor_new(&options, reason, SETTINGS_REASON_SIZE, &adaptor);
    if (!error)
        *state = adaptor;
    else if (*reason)
        (void)snprintf(reason + strlen(reason), SETTINGS_REASON_SIZE - strlen(reason),
                       "; 'listen' in [sip] says where");
    return error;
}

static void
sip_close(void *state)
{
    reload_sip_adaptor_free(state);
}

static void
print_media(const struct media_relay *relay, struct reload_json *json)
{
    const struct media_relay_counters *counters = media_relay_counters(relay);
    const struct reload_media_counters *links = media_relay_link_counters(relay);
    reload_json_begin_object(json);
    reload_json_key(json, "active");
    reload_json_uint(json, media_relay_call_count(relay));
#define X(name, text)                                                                              \
    reload_json_key(json, #name);                                                                  \
    reload_json_uint(json, counters->name);
    MEDIA_RELAY_COUNTERS(X)
#undef X
    reload_json_key(json, "links");
    reload_json_begin_object(json);
#define X(name, text)                                                                              \
    reload_json_key(json, #name);                                                                  \
    reload_json_uint(json, links->name);
    RELOAD_MEDIA_COUNTERS(X)
#undef X
    reload_json_end_object(json);
    reload_json_end_object(json);
}

static void
sip_print(const void *state, struct reload_json *json)
{
    const struct reload_sip_adaptor_counters *counters = reload_sip_adaptor_counters(state);
    char address[RELOAD_ADDRESS_TEXT_SIZE];
    reload_json_begin_object(json);
    reload_json_key(json, "address");
    reload_json_text(json, reload_address_text(reload_sip_adaptor_address(state), address));
#define X(name, text)                                                                              \
    reload_json_key(json, #name);                                                                  \
    reload_json_uint(json, counters->name);
    RELOAD_SIP_ADAPTOR_COUNTERS(X)
#undef X
    if (reload_sip_adaptor_relay(state)) {
        reload_json_key(json, "media");
        print_media(reload_sip_adaptor_relay(state), json);
    }
    reload_json_end_object(json);
}

const struct service sip_service = {
    .name = "sip", .open = sip_open, .close = sip_close, .print = sip_print};
