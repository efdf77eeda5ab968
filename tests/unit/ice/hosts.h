/* hosts.h: drivers with nodes that do what a test says, linked by ICE.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TESTS_ICE_HOSTS_H
#define RELOAD_TESTS_ICE_HOSTS_H

#include "ice/nice_agent.h"
#include "reload/run/driver.h"
#include "tests/unit/run/ends.h"
#include "tests/unit/run/fake_node.h"

struct host {
    struct world *world;
    struct test_keyring *keyring;
    struct reload_config config;
    struct reload_driver *driver;
    struct reload_node *node;
    size_t (*relays)(void *argument, struct reload_ice_relay *relays, size_t max);
    bool (*relay_untried)(void *argument, struct reload_ice_relay *relay);
    void (*relay_tried)(void *argument, const struct reload_ice_relay *relay,
                        enum reload_relay_verdict verdict);
    void (*relay_used)(void *argument, const struct reload_ice_relay *relay,
                       enum reload_relay_use use);
    void *relays_argument;
    struct reload_address listen; /* 127.0.0.1 after host_configure */
};

void host_configure(struct host *host, struct world *world);
int host_begin(struct host *host, const struct reload_ice_ops *ice, char *reason);
void host_init(struct host *host, struct world *world, const struct reload_ice_ops *ice);
void host_fini(struct host *host);
void host_ask(struct host *host, const struct reload_effect *effect);
void host_gather(struct host *host, uint32_t link, uint16_t application, bool controlling);
void host_check(struct host *host, uint32_t link, bool controlling,
                const struct reload_offer *remote, const struct host *expected);
void host_close(struct host *host, uint32_t link);
void host_send(struct host *host, uint32_t link, const char *text);
void hosts_gather(struct host *a, struct host *b, uint32_t link, uint16_t application);
void hosts_link(struct host *a, struct host *b, uint32_t link, uint16_t application);

#endif
