/* daemon.c: one running node, from its files to its leaving.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/reloadd/daemon.h"

#ifdef RELOAD_ICE
#include "ice/nice_agent.h"
#include "ice/stun_server.h"
#endif
#include "reload/run/loop_libevent.h"
#ifdef RELOAD_RECORDS
#include "reload/run/record_store.h"
#endif
#include "reload/run/socket_address.h"
#include "reload/topology.h"
#include "reload/usage.h"
#include "tools/reloadd/control.h"
#include "topology/chord.h"
#include "usages/certificate_store.h"
#include "usages/media.h"
#include "usages/sip.h"
#include "usages/turn_service.h"

#include <stdio.h>

#define RESOLVE_PAUSE (15 * RELOAD_SECOND)

/* All that a node may be made of; main() decides nothing more. */
static const struct reload_topology_ops *const topologies[] = {&reload_chord};

static const struct reload_usage_ops *const usages[] = {
    [DAEMON_USAGE_CERTIFICATES] = &reload_certificate_store_usage,
    [DAEMON_USAGE_TURN] = &reload_turn_service_usage,
    [DAEMON_USAGE_SIP] = &reload_sip_usage,
    [DAEMON_USAGE_MEDIA] = &reload_media_usage,
};

struct reload_node *
daemon_node(struct daemon *daemon)
{
    return reload_driver_node(daemon->driver);
}

reload_time
daemon_now(const struct daemon *daemon)
{
    return reload_loop_now(daemon->loop);
}

/* ---- events --------------------------------------------------------------------------------- */

static void
node_id_text(const struct reload_node_id *node_id, char *text)
{
    for (size_t i = 0; i < RELOAD_NODE_ID_SIZE_MIN; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", node_id->octets[i]);
}

/* Names may be known by now: the name server, too, may have been started just before. */
static void
on_resolve(void *argument)
{
    struct daemon *daemon = argument;
    daemon->resolving = false;
    if (!reload_node_joined(daemon_node(daemon)) && reload_driver_start(daemon->driver) != 0)
        reload_env_log(&daemon->env.env, RELOAD_LOG_ERROR, "bootstrap nodes: out of memory");
}

static void
resolve_later(struct daemon *daemon)
{
    if (daemon->resolving || !reload_driver_is_unresolved(daemon->driver))
        return;
    daemon->resolving = true;
    reload_timer_set(daemon->resolve, daemon_now(daemon) + RESOLVE_PAUSE);
}

/* Says where the node tries to join: the document has it. */
static void
log_join_failed(struct daemon *daemon, int error)
{
    const struct reload_config_bootstrap *first = daemon->config->bootstrap_nodes;
    const struct reload_env *env = &daemon->env.env;
    if (daemon->config->bootstrap_node_count == 0)
        reload_env_log(env, RELOAD_LOG_WARNING, "cannot join: %s has no bootstrap-node",
                       daemon->settings.document);
    else
        reload_env_log(env, RELOAD_LOG_WARNING,
                       "cannot join yet: %s; trying again at the bootstrap nodes of %s (%s:%u%s)",
                       reload_error_text(error), daemon->settings.document, first->address,
                       first->port, daemon->config->bootstrap_node_count > 1 ? ", ..." : "");
}

/* A client is connected, too, and may become a peer later. */
static void
on_joined(struct daemon *daemon, const char *id)
{
    bool is_peer = reload_node_is_peer(daemon_node(daemon));
    if (is_peer)
        daemon->unreachable = (struct reload_node_id){{0}};
    reload_env_log(&daemon->env.env, RELOAD_LOG_INFO, "%s the overlay %s as %s",
                   is_peer ? "joined" : "connected as a client to", daemon->config->instance_name,
                   id);
}

/* D29. */
static void
stay_client(struct daemon *daemon, const struct reload_node_id *neighbour, const char *id)
{
    daemon->unreachable = *neighbour;
    reload_env_log(
        &daemon->env.env, RELOAD_LOG_WARNING,
        "no link to the neighbour %s can be made (a relay would help: role 'turn' on some "
        "node): this node stays a client, and tries again",
        id);
}

static void
on_event(void *argument, const struct reload_effect *event)
{
    struct daemon *daemon = argument;
    const struct reload_env *env = &daemon->env.env;
    char id[2 * RELOAD_NODE_ID_SIZE_MIN + 1];
    node_id_text(&event->node_id, id);
    switch (event->event) {
    case RELOAD_EVENT_JOINED:
        on_joined(daemon, id);
        break;
    case RELOAD_EVENT_LEFT:
        reload_env_log(env, RELOAD_LOG_INFO, "left the overlay");
        if (daemon->leaving)
            control_answer(daemon->leaving);
        daemon->leaving = NULL;
        reload_timer_set(daemon->stop, 0);
        break;
    case RELOAD_EVENT_LINK_UP:
        reload_env_log(env, RELOAD_LOG_DEBUG, "link to %s is up", id);
        reload_turn_service_look(reload_node_usage(daemon_node(daemon), DAEMON_USAGE_TURN),
                                 daemon_now(daemon));
        break;
    case RELOAD_EVENT_LINK_DOWN:
        reload_env_log(env, RELOAD_LOG_DEBUG, "link to %s is down: %s", id,
                       reload_error_text(event->error));
        break;
    case RELOAD_EVENT_DISCONNECTED:
        reload_env_log(env, RELOAD_LOG_WARNING, "no link to the overlay is left; trying again");
        break;
    case RELOAD_EVENT_JOIN_FAILED:
        if (!reload_node_id_is_zero(&event->node_id)) {
            stay_client(daemon, &event->node_id, id);
            break;
        }
        log_join_failed(daemon, event->error);
        resolve_later(daemon);
        break;
    case RELOAD_EVENT_CLONE:
        reload_env_log(env, RELOAD_LOG_ERROR, "another node uses our Node-ID and certificate");
        break;
    }
}

/* ---- ending --------------------------------------------------------------------------------- */

static void
on_stop(void *argument)
{
    struct daemon *daemon = argument;
    reload_loop_stop(daemon->loop);
}

void
daemon_leave(struct daemon *daemon)
{
    reload_node_leave(daemon_node(daemon), daemon_now(daemon));
}

static void
on_signal(void *argument)
{
    struct daemon *daemon = argument;
    if (daemon->signals++ == 0)
        daemon_leave(daemon);
    else
        reload_loop_stop(daemon->loop);
}

/* ---- life ----------------------------------------------------------------------------------- */

static int
find_topology(const struct daemon *daemon, const struct reload_topology_ops **topology,
              char *reason)
{
    const char *name = daemon->config->topology_plugin;
    for (size_t i = 0; i < sizeof topologies / sizeof *topologies; i++) {
        if (strcmp(topologies[i]->name, name) != 0)
            continue;
        *topology = topologies[i];
        return 0;
    }
    (void)snprintf(reason, SETTINGS_REASON_SIZE,
                   "%.300s: the overlay's topology-plugin %.64s is not known here; there is %s",
                   daemon->settings.document, name, topologies[0]->name);
    return RELOAD_E_CONFIG;
}

static size_t
use_relays_now(void *argument, struct reload_ice_relay *relays, size_t max)
{
    return reload_turn_service_relays(reload_node_usage(daemon_node(argument), DAEMON_USAGE_TURN),
                                      relays, max);
}

static bool
next_untried_relay(void *argument, struct reload_ice_relay *relay)
{
    return reload_turn_service_untried(reload_node_usage(daemon_node(argument), DAEMON_USAGE_TURN),
                                       relay, daemon_now(argument));
}

static void
relay_tried(void *argument, const struct reload_ice_relay *relay, enum reload_relay_verdict verdict)
{
    reload_turn_service_tried(reload_node_usage(daemon_node(argument), DAEMON_USAGE_TURN), relay,
                              verdict, daemon_now(argument));
}

static void
relay_used(void *argument, const struct reload_ice_relay *relay, enum reload_relay_use use)
{
    reload_turn_service_used(reload_node_usage(daemon_node(argument), DAEMON_USAGE_TURN), relay,
                             use, daemon_now(argument));
}

/* Relays are for ICE; how many of them there are is the document's matter. */
static void
use_relays(struct daemon *daemon, struct reload_driver_options *options)
{
    const struct settings *settings = &daemon->settings;
    bool possible = !daemon->config->no_ice && options->ice;
    bool wanted = settings->turn_use == SETTINGS_DEFAULT ? daemon->config->turn_density != 0
                                                         : settings->turn_use == SETTINGS_ON;
    daemon->turn =
        (struct reload_turn_options){.use = possible && wanted, .allow = settings->turn.allow};
    options->node.usage_arguments[DAEMON_USAGE_TURN] = &daemon->turn;
    if (settings->turn_use == SETTINGS_ON && !possible)
        reload_env_log(
            &daemon->env.env, RELOAD_LOG_WARNING,
            "'turn = on' in [node]: the overlay is one without ICE, which uses no relays");
    options->relays = use_relays_now;
    options->relay_untried = next_untried_relay;
    options->relay_tried = relay_tried;
    options->relay_used = relay_used;
    options->relays_argument = daemon;
}

static int
open_driver(struct daemon *daemon, char *reason)
{
    const struct settings *settings = &daemon->settings;
    struct reload_driver_options options = {.loop = daemon->loop,
                                            .node = {.env = &daemon->env.env,
                                                     .config = daemon->config,
                                                     .keyring = daemon->keyring,
                                                     .usage_count = DAEMON_USAGE_COUNT,
                                                     .client = settings->client,
                                                     .first_node = settings->first_node},
                                            .listen = settings->listen,
                                            .prefer = settings->prefer,
                                            .event = on_event,
                                            .argument = daemon};
    int error = find_topology(daemon, &options.node.topology, reason);
    if (error)
        return error;
#ifdef RELOAD_ICE
    options.ice = &reload_nice_agent;
    options.stun = reload_stun_server_answer;
#endif
#ifdef RELOAD_RECORDS
    options.store = daemon->records ? &reload_record_store_ops : NULL;
    options.store_context = daemon->records;
#endif
    for (size_t i = 0; i < DAEMON_USAGE_COUNT; i++)
        options.node.usages[i] = usages[i];
    use_relays(daemon, &options);
    char why[RELOAD_DRIVER_REASON_SIZE];
    error = reload_driver_new(&options, why, &daemon->driver);
    if (error)
        (void)snprintf(reason, SETTINGS_REASON_SIZE, "%s%s", why,
                       error == RELOAD_E_IO ? "; 'listen' in [node] says where" : "");
    return error;
}

int
daemon_open(struct daemon *daemon, char *reason)
{
    int error = roles_check(daemon, reason);
    if (error)
        return error;
    *reason = '\0';
    error = reload_loop_new(&daemon->loop);
    if (!error)
        error = reload_loop_timer(daemon->loop, on_stop, daemon, &daemon->stop);
    if (!error)
        error = reload_loop_timer(daemon->loop, on_resolve, daemon, &daemon->resolve);
    if (error) {
        (void)snprintf(reason, SETTINGS_REASON_SIZE, "%s", reload_error_text(error));
        return error;
    }
    daemon->started = reload_loop_now(daemon->loop);
    error = credentials_open(daemon, reason);
    if (!error)
        error = records_open(daemon, reason);
    if (!error)
        error = open_driver(daemon, reason);
    if (!error)
        error = roles_open(daemon, reason);
    return error;
}

int
daemon_run(struct daemon *daemon, char *reason)
{
    char address[RELOAD_ADDRESS_TEXT_SIZE];
    int error = control_new(daemon, daemon->settings.control, &daemon->control, reason);
    if (error)
        return error;
    records_restore(daemon);
    error = reload_loop_on_signals(daemon->loop, on_signal, daemon);
    if (!error)
        error = reload_driver_start(daemon->driver);
    if (!error) {
        reload_env_log(&daemon->env.env, RELOAD_LOG_INFO, "listening on %s, control by %s",
                       reload_address_text(reload_driver_address(daemon->driver), address),
                       daemon->settings.control);
        error = reload_loop_run(daemon->loop);
    }
    if (error)
        (void)snprintf(reason, SETTINGS_REASON_SIZE, "%s", reload_error_text(error));
    return error;
}

void
daemon_close(struct daemon *daemon)
{
    control_close(daemon->control);
    roles_close(daemon);
    reload_driver_free(daemon->driver);
    records_close(daemon);
    control_free(daemon->control);
    credentials_close(daemon);
    reload_timer_free(daemon->stop);
    reload_timer_free(daemon->resolve);
    reload_loop_free(daemon->loop);
}
