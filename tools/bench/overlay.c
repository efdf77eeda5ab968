/* overlay.c: an overlay of real nodes on loopback, in this process.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/bench/overlay.h"

#include "certs/authority.h"
#include "certs/config_document.h"
#include "certs/keyring.h"
#include "reload/run/loop_libevent.h"
#include "topology/chord.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define VALIDITY_DAYS 30

void
overlay_die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, why);
    exit(EXIT_FAILURE);
}

static void
check(int error, const char *what)
{
    if (error)
        overlay_die(what, reload_error_text(error));
}

uint64_t
overlay_wall_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * RELOAD_SECOND + (uint64_t)now.tv_nsec;
}

static uint64_t
wall_ms(void)
{
    return (uint64_t)time(NULL) * 1000;
}

static void
fill_config(struct overlay *overlay)
{
    struct reload_config *config = &overlay->config;
    snprintf(config->instance_name, sizeof config->instance_name, "%s", OVERLAY_NAME);
    config->overlay = reload_config_overlay(OVERLAY_NAME);
    config->sequence = 1;
    snprintf(config->topology_plugin, sizeof config->topology_plugin, "CHORD-RELOAD");
    config->node_id_length = 16;
    config->max_message_size = 16384;
    config->initial_ttl = 100;
    config->overlay_reliability_timer_ms = 3000;
    config->clients_permitted = true;
    config->no_ice = true;
    config->link_protocols[0] = RELOAD_LINK_PROTOCOL_DTLS;
    config->link_protocol_count = 1;
    config->chord_update_interval_s = 600;
    config->chord_ping_interval_s = 3600;
    config->chord_reactive = true;
    config->kinds[0] = (struct reload_config_kind){.kind = OVERLAY_KIND,
                                                   .data_model = RELOAD_DATA_MODEL_SINGLE_VALUE,
                                                   .access_policy = RELOAD_ACCESS_NODE_MULTIPLE,
                                                   .max_count = 1,
                                                   .max_size = 1024,
                                                   .max_node_multiple = 255};
    config->kind_count = 1;
    uint8_t *at = overlay->root_der;
    int size = i2d_X509(overlay->root, &at);
    config->root_certs[0] = (struct reload_bytes){overlay->root_der, (size_t)size};
    config->root_cert_count = 1;
}

static void
expire(void *argument)
{
    ((struct overlay *)argument)->expired = true;
}

struct overlay *
overlay_new(enum reload_key_type key_type)
{
    struct overlay *overlay = calloc(1, sizeof *overlay);
    if (!overlay)
        overlay_die("overlay", "out of memory");
    overlay->key_type = key_type;
    check(reload_loop_new(&overlay->loop), "loop");
    check(reload_loop_timer(overlay->loop, expire, overlay, &overlay->timer), "timer");
    check(reload_key_new(key_type, &overlay->root_key), "key");
    check(reload_authority_root(overlay->root_key, OVERLAY_NAME, wall_ms(), VALIDITY_DAYS,
                                &overlay->root),
          "root certificate");
    fill_config(overlay);
    return overlay;
}

void
overlay_free(struct overlay *overlay)
{
    for (size_t i = overlay->count; i-- > 0;) {
        reload_driver_free(overlay->nodes[i].driver);
        reload_keyring_free(overlay->nodes[i].keyring);
    }
    reload_timer_free(overlay->timer);
    reload_loop_free(overlay->loop);
    X509_free(overlay->root);
    EVP_PKEY_free(overlay->root_key);
    free(overlay);
}

static void
on_event(void *argument, const struct reload_effect *event)
{
    struct overlay_node *node = argument;
    if (event->event != RELOAD_EVENT_JOINED || node->joined)
        return;
    node->joined = true;
    node->join_ms = (double)(overlay_wall_ns() - node->started_ns) / 1e6;
}

/* The host's allocator, counted. */
static void *
allocate(void *context, void *data, size_t size)
{
    struct overlay_node *node =
        (struct overlay_node *)((char *)context - offsetof(struct overlay_node, env));
    node->allocations++;
    if (size > 0)
        return realloc(data, size);
    free(data);
    return NULL;
}

static void
make_keyring(struct overlay *overlay, struct overlay_node *node)
{
    EVP_PKEY *key;
    X509 *certificate;
    char message[256], user_name[64];
    node->env.env.random(node->env.env.context, node->id.octets, 16);
    snprintf(user_name, sizeof user_name, "user%zu@%s", overlay->count, OVERLAY_NAME);
    check(reload_key_new(overlay->key_type, &key), "key");
    check(reload_authority_issue(overlay->root_key, overlay->root, key, &node->id, 1, 16, user_name,
                                 OVERLAY_NAME, wall_ms(), VALIDITY_DAYS - 1, &certificate),
          "certificate");
    if (reload_keyring_new(key, certificate, &overlay->config, wall_ms(), &node->keyring, message,
                           sizeof message) != 0)
        overlay_die("keyring", message);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

struct overlay_node *
overlay_add(struct overlay *overlay, struct reload_loop *loop, bool join)
{
    if (overlay->count == OVERLAY_NODES_MAX)
        overlay_die("nodes", "too many");
    struct overlay_node *node = &overlay->nodes[overlay->count];
    node->overlay = overlay;
    reload_env_host_init(&node->env, RELOAD_LOG_ERROR, NULL);
    node->env.env.allocate = allocate;
    make_keyring(overlay, node);
    struct reload_driver_options options = {.loop = loop ? loop : overlay->loop,
                                            .node = {.env = &node->env.env,
                                                     .config = &overlay->config,
                                                     .keyring = node->keyring,
                                                     .topology = &reload_chord,
                                                     .client = !join,
                                                     .first_node = overlay->count == 0},
                                            .listen = {.family = 4, .octets = {127, 0, 0, 1}},
                                            .ice = overlay->ice,
                                            .stun = overlay->stun,
                                            .event = on_event,
                                            .argument = node};
    char reason[RELOAD_DRIVER_REASON_SIZE];
    if (reload_driver_new(&options, reason, &node->driver) != 0)
        overlay_die("node", reason);
    if (overlay->count++ == 0) {
        struct reload_config_bootstrap *bootstrap = &overlay->config.bootstrap_nodes[0];
        snprintf(bootstrap->address, sizeof bootstrap->address, "127.0.0.1");
        bootstrap->port = reload_driver_address(node->driver)->port;
        overlay->config.bootstrap_node_count = 1;
    }
    node->started_ns = overlay_wall_ns();
    check(reload_driver_start(node->driver), "start");
    return node;
}

bool
overlay_wait(struct overlay *overlay, const bool *flag, unsigned limit_ms)
{
    overlay->expired = false;
    reload_timer_set(overlay->timer, overlay_wall_ns() + limit_ms * RELOAD_MS);
    while (!*flag && !overlay->expired)
        check(reload_loop_turn(overlay->loop), "loop");
    reload_timer_set(overlay->timer, RELOAD_NEVER);
    return *flag;
}

void
overlay_settle(struct overlay *overlay, unsigned ms)
{
    static const bool never = false;
    (void)overlay_wait(overlay, &never, ms);
}

uint64_t
overlay_datagrams(const struct overlay *overlay)
{
    uint64_t sent = 0;
    for (size_t i = 0; i < overlay->count; i++)
        sent += reload_driver_counters(overlay->nodes[i].driver).udp->sent;
    return sent;
}

uint64_t
overlay_handshakes(const struct overlay *overlay)
{
    uint64_t done = 0;
    for (size_t i = 0; i < overlay->count; i++)
        done += reload_driver_counters(overlay->nodes[i].driver).dtls->handshakes_done;
    return done;
}
