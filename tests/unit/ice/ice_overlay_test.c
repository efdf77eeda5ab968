/* ice_overlay_test.c: real nodes on loopback join an overlay whose links are made by ICE, and store
 * and fetch over them.
 *
 * RFC 6940 6.5.1, 10.5. SPDX-License-Identifier: BSD-2-Clause */
#include "certs/authority.h"
#include "certs/config_document.h"
#include "certs/key.h"
#include "certs/keyring.h"
#include "ice/nice_agent.h"
#include "ice/stun_server.h"
#include "reload/run/driver.h"
#include "reload/run/env_host.h"
#include "reload/run/loop_libevent.h"
#include "topology/chord.h"

#include "tests/suite.h"

#include <stdio.h>
#include <time.h>

#define OVERLAY_NAME "ice.example.org"
#define KIND 0xf0000001u
#define NODES 4
#define TEXT "carried by ICE"

struct host {
    struct overlay *overlay;
    struct reload_env_host env;
    struct reload_keyring *keyring;
    struct reload_driver *driver;
    struct reload_node *node;
    struct reload_node_id id;
    bool joined;
};

struct overlay {
    struct reload_loop *loop;
    struct reload_timer *timer;
    EVP_PKEY *root_key;
    X509 *root;
    uint8_t root_der[4096];
    struct reload_config config;
    struct host hosts[NODES];
    size_t count;
    bool expired;
};

static uint64_t
wall_ms(void)
{
    return (uint64_t)time(NULL) * 1000;
}

static void
expire(void *argument)
{
    ((struct overlay *)argument)->expired = true;
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
    config->link_protocols[0] = RELOAD_LINK_PROTOCOL_DTLS;
    config->link_protocols[1] = RELOAD_LINK_PROTOCOL_TLS;
    config->link_protocol_count = 2;
    config->chord_update_interval_s = 600;
    config->chord_ping_interval_s = 3600;
    config->chord_reactive = true;
    config->kinds[0] = (struct reload_config_kind){.kind = KIND,
                                                   .data_model = RELOAD_DATA_MODEL_SINGLE_VALUE,
                                                   .access_policy = RELOAD_ACCESS_NODE_MULTIPLE,
                                                   .max_count = 1,
                                                   .max_size = 1024,
                                                   .max_node_multiple = 255};
    config->kind_count = 1;
    uint8_t *at = overlay->root_der;
    int size = i2d_X509(overlay->root, &at);
    ck_assert_int_le(size, (int)sizeof overlay->root_der);
    config->root_certs[0] = (struct reload_bytes){overlay->root_der, (size_t)size};
    config->root_cert_count = 1;
}

static void
overlay_init(struct overlay *overlay)
{
    memset(overlay, 0, sizeof *overlay);
    ck_assert_int_eq(reload_loop_new(&overlay->loop), 0);
    ck_assert_int_eq(reload_loop_timer(overlay->loop, expire, overlay, &overlay->timer), 0);
    ck_assert_int_eq(reload_key_new(RELOAD_KEY_P256, &overlay->root_key), 0);
    ck_assert_int_eq(
        reload_authority_root(overlay->root_key, OVERLAY_NAME, wall_ms(), 30, &overlay->root), 0);
    fill_config(overlay);
}

static void
overlay_fini(struct overlay *overlay)
{
    for (size_t i = overlay->count; i-- > 0;) {
        reload_driver_free(overlay->hosts[i].driver);
        reload_keyring_free(overlay->hosts[i].keyring);
    }
    reload_timer_free(overlay->timer);
    reload_loop_free(overlay->loop);
    X509_free(overlay->root);
    EVP_PKEY_free(overlay->root_key);
}

static bool
wait_for(struct overlay *overlay, const bool *flag, unsigned limit_ms)
{
    overlay->expired = false;
    reload_timer_set(overlay->timer, reload_loop_now(overlay->loop) + limit_ms * RELOAD_MS);
    while (!*flag && !overlay->expired)
        ck_assert_int_eq(reload_loop_turn(overlay->loop), 0);
    reload_timer_set(overlay->timer, RELOAD_NEVER);
    return *flag;
}

static void
on_event(void *argument, const struct reload_effect *event)
{
    struct host *host = argument;
    if (event->event == RELOAD_EVENT_JOINED)
        host->joined = true;
}

static void
make_keyring(struct overlay *overlay, struct host *host)
{
    EVP_PKEY *key;
    X509 *certificate;
    char message[256], user_name[64];
    host->env.env.random(host->env.env.context, host->id.octets, 16);
    snprintf(user_name, sizeof user_name, "user%zu@%s", overlay->count, OVERLAY_NAME);
    ck_assert_int_eq(reload_key_new(RELOAD_KEY_P256, &key), 0);
    ck_assert_int_eq(reload_authority_issue(overlay->root_key, overlay->root, key, &host->id, 1, 16,
                                            user_name, OVERLAY_NAME, wall_ms(), 29, &certificate),
                     0);
    ck_assert_int_eq(reload_keyring_new(key, certificate, &overlay->config, wall_ms(),
                                        &host->keyring, message, sizeof message),
                     0);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static struct host *
add(struct overlay *overlay)
{
    struct host *host = &overlay->hosts[overlay->count];
    host->overlay = overlay;
    reload_env_host_init(&host->env, RELOAD_LOG_ERROR, NULL);
    make_keyring(overlay, host);
    struct reload_driver_options options = {.loop = overlay->loop,
                                            .node = {.env = &host->env.env,
                                                     .config = &overlay->config,
                                                     .keyring = host->keyring,
                                                     .topology = &reload_chord,
                                                     .first_node = overlay->count == 0},
                                            .listen = {.family = 4, .octets = {127, 0, 0, 1}},
                                            .ice = &reload_nice_agent,
                                            .stun = reload_stun_server_answer,
                                            .event = on_event,
                                            .argument = host};
    char reason[RELOAD_DRIVER_REASON_SIZE];
    ck_assert_int_eq(reload_driver_new(&options, reason, &host->driver), 0);
    host->node = reload_driver_node(host->driver);
    if (overlay->count++ == 0) {
        struct reload_config_bootstrap *bootstrap = &overlay->config.bootstrap_nodes[0];
        snprintf(bootstrap->address, sizeof bootstrap->address, "127.0.0.1");
        bootstrap->port = reload_driver_address(host->driver)->port;
        overlay->config.bootstrap_node_count = 1;
    }
    ck_assert_int_eq(reload_driver_start(host->driver), 0);
    ck_assert(wait_for(overlay, &host->joined, 60000));
    return host;
}

/* How many links of |host|'s are up over |overlay_link|. */
static unsigned
links_of(const struct host *host, uint8_t overlay_link)
{
    unsigned count = 0;
    size_t cursor = 0;
    struct reload_link_info info;
    while (reload_node_link_next(host->node, &cursor, &info))
        count += info.up && info.overlay_link == overlay_link;
    return count;
}

/* ---- storing and fetching ------------------------------------------------------------------- */

struct operation {
    bool done;
    int error;
    unsigned values;
    char text[64];
};

static void
on_result(void *argument, const struct reload_result *result, reload_time now)
{
    struct operation *operation = argument;
    (void)now;
    operation->done = true;
    operation->error = result->error;
}

static void
on_value(void *argument, const struct reload_fetched_value *value, reload_time now)
{
    struct operation *operation = argument;
    (void)now;
    ck_assert_uint_lt(value->value.size, sizeof operation->text);
    memcpy(operation->text, value->value.data, value->value.size);
    operation->values++;
}

static void
store_and_fetch(struct overlay *overlay, struct host *owner, struct host *reader)
{
    uint8_t name[17], resource[20];
    size_t size = 0;
    memcpy(name, owner->id.octets, 16);
    name[16] = 1;
    ck_assert_int_eq(
        reload_node_resource(owner->node, (struct reload_bytes){name, 17}, resource, &size), 0);
    struct reload_bytes where = {resource, size};
    struct reload_store_value value = {
        .kind = KIND, .value = reload_bytes_of_string(TEXT), .exists = true, .lifetime_s = 3600};
    struct operation stored = {0}, fetched = {0};
    reload_time now = reload_loop_now(overlay->loop);
    ck_assert_int_eq(reload_node_store(owner->node, where, &value, 1, on_result, &stored, now), 0);
    ck_assert(wait_for(overlay, &stored.done, 20000));
    ck_assert_int_eq(stored.error, 0);
    struct reload_fetch_specifier specifier = {.kind = KIND};
    now = reload_loop_now(overlay->loop);
    ck_assert_int_eq(
        reload_node_fetch(reader->node, where, &specifier, 1, on_value, on_result, &fetched, now),
        0);
    ck_assert(wait_for(overlay, &fetched.done, 20000));
    ck_assert_int_eq(fetched.error, 0);
    ck_assert_uint_eq(fetched.values, 1);
    ck_assert_str_eq(fetched.text, TEXT);
}

/* RFC6940-6.5.1: all neighbours are linked by DTLS-UDP-SR; only who joins goes to a port of its
 * bootstrap node first. */
START_TEST(nodes_join_and_store_over_ice)
{
    struct overlay *overlay = malloc(sizeof *overlay);
    overlay_init(overlay);
    for (size_t i = 0; i < NODES; i++)
        add(overlay);
    for (size_t i = 1; i < NODES; i++)
        ck_assert_uint_ge(links_of(&overlay->hosts[i], 1), 1);
    for (size_t i = 0; i < NODES; i++)
        store_and_fetch(overlay, &overlay->hosts[i], &overlay->hosts[(i + 1) % NODES]);
    /* Their agents asked the bootstrap node how they are seen. */
    struct reload_stun_counters stun = reload_driver_counters(overlay->hosts[0].driver).stun;
    ck_assert_uint_ge(stun.answered, NODES - 1);
    ck_assert_uint_eq(stun.dropped_malformed + stun.dropped_busy, 0);
    overlay_fini(overlay);
    free(overlay);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("ice_overlay", nodes_join_and_store_over_ice);
}
