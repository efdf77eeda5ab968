/* hosts.c: drivers with nodes that do what a test says, linked by ICE.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/ice/hosts.h"

#include "ice/stun_server.h"

#include <check.h>

void
host_configure(struct host *host, struct world *world)
{
    memset(host, 0, sizeof *host);
    host->world = world;
    host->listen = loopback(0);
    host->keyring = test_keyring_good(world->authority, "node");
    host->config.max_message_size = 5000;
    host->config.link_protocols[0] = RELOAD_LINK_PROTOCOL_TLS;
    host->config.link_protocols[1] = RELOAD_LINK_PROTOCOL_DTLS;
    host->config.link_protocol_count = 2;
}

int
host_begin(struct host *host, const struct reload_ice_ops *ice, char *reason)
{
    struct reload_driver_options options = {.loop = host->world->loop,
                                            .node = {.env = &host->world->env.env,
                                                     .config = &host->config,
                                                     .keyring = &host->keyring->keyring},
                                            .listen = host->listen,
                                            .ice = ice,
                                            .stun = reload_stun_server_answer,
                                            .relays = host->relays,
                                            .relay_untried = host->relay_untried,
                                            .relay_tried = host->relay_tried,
                                            .relay_used = host->relay_used,
                                            .relays_argument = host->relays_argument};
    int error = reload_driver_new(&options, reason, &host->driver);
    if (!error)
        host->node = reload_driver_node(host->driver);
    return error;
}

void
host_init(struct host *host, struct world *world, const struct reload_ice_ops *ice)
{
    char reason[RELOAD_DRIVER_REASON_SIZE];
    host_configure(host, world);
    ck_assert_int_eq(host_begin(host, ice, reason), 0);
}

void
host_fini(struct host *host)
{
    reload_driver_free(host->driver);
    test_keyring_free(host->keyring);
}

void
host_ask(struct host *host, const struct reload_effect *effect)
{
    fake_node_ask(host->node, effect);
    reload_driver_turn(host->driver);
}

void
host_gather(struct host *host, uint32_t link, uint16_t application, bool controlling)
{
    host_ask(host, &(struct reload_effect){.type = RELOAD_EFFECT_GATHER,
                                           .link = link,
                                           .application = application,
                                           .controlling = controlling});
}

void
host_check(struct host *host, uint32_t link, bool controlling, const struct reload_offer *remote,
           const struct host *expected)
{
    host_ask(host, &(struct reload_effect){.type = RELOAD_EFFECT_CHECK,
                                           .link = link,
                                           .controlling = controlling,
                                           .remote = remote,
                                           .node_id = test_keyring_node_id(expected->keyring)});
}

void
host_close(struct host *host, uint32_t link)
{
    host_ask(host, &(struct reload_effect){.type = RELOAD_EFFECT_CLOSE, .link = link});
}

void
host_send(struct host *host, uint32_t link, const char *text)
{
    host_ask(host, &(struct reload_effect){.type = RELOAD_EFFECT_SEND,
                                           .link = link,
                                           .bytes = reload_bytes_of_string(text)});
}

/* Lets |a| (link |link|, controlling) and |b| (link |link| + 1000) gather. */
void
hosts_gather(struct host *a, struct host *b, uint32_t link, uint16_t application)
{
    unsigned of_a = a->node->gathered, of_b = b->node->gathered;
    host_gather(a, link, application, true);
    host_gather(b, link + 1000, application, false);
    world_until(a->world, &a->node->gathered, of_a + 1);
    world_until(a->world, &b->node->gathered, of_b + 1);
    ck_assert(!a->node->gather_failed && !b->node->gather_failed);
}

void
hosts_link(struct host *a, struct host *b, uint32_t link, uint16_t application)
{
    unsigned of_a = a->node->up, of_b = b->node->up;
    hosts_gather(a, b, link, application);
    host_check(b, link + 1000, false, &a->node->offer, a);
    host_check(a, link, true, &b->node->offer, b);
    world_until(a->world, &a->node->up, of_a + 1);
    world_until(a->world, &b->node->up, of_b + 1);
    ck_assert_uint_eq(a->node->up_link, link);
    ck_assert_uint_eq(b->node->up_link, link + 1000);
}
