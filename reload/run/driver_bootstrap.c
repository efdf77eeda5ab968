/* driver_bootstrap.c: the addresses of the document's bootstrap nodes. RFC 6940 11.4.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/driver_internal.h"

#include "reload/run/env_host.h"
#include "reload/run/socket_address.h"

#include <netdb.h>
#include <stdio.h>

#define OWN_MAX 16

/* Our own addresses, as the document may name them. */
struct own {
    struct reload_address addresses[OWN_MAX];
    size_t count;
};

static bool
is_own(const struct own *own, const struct reload_address *address)
{
    for (size_t i = 0; i < own->count; i++)
        if (reload_address_equal(&own->addresses[i], address))
            return true;
    return false;
}

static size_t
add(const struct reload_driver *driver, const struct reload_address *address,
    struct reload_candidate *candidates, size_t count, size_t max)
{
    for (size_t i = 0; i < driver->protocol_count && count < max; i++) {
        candidates[count] =
            (struct reload_candidate){.address = *address,
                                      .priority = (uint32_t)(max - count),
                                      .overlay_link = driver_overlay_link(driver->protocols[i]),
                                      .type = RELOAD_CAND_TYPE_HOST,
                                      .foundation = "1"};
        count++;
    }
    return count;
}

size_t
driver_resolve(struct reload_driver *driver, struct reload_candidate *candidates, size_t max)
{
    const struct reload_config *config = driver->options.node.config;
    const struct reload_env *env = driver->options.node.env;
    struct own own;
    own.count = driver_addresses(&driver->address, own.addresses, OWN_MAX);
    size_t count = 0;
    driver->unresolved = false;
    for (size_t i = 0; i < config->bootstrap_node_count; i++) {
        const struct reload_config_bootstrap *node = &config->bootstrap_nodes[i];
        struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
        struct addrinfo *found;
        char port[8];
        (void)snprintf(port, sizeof port, "%u", node->port);
        int failure = getaddrinfo(node->address, port, &hints, &found);
        if (failure) {
            reload_env_log(env, RELOAD_LOG_WARNING, "bootstrap node %s: %s", node->address,
                           gai_strerror(failure));
            driver->unresolved = true;
            continue;
        }
        for (const struct addrinfo *at = found; at; at = at->ai_next) {
            struct sockaddr_storage storage = {0};
            struct reload_address address;
            memcpy(&storage, at->ai_addr, at->ai_addrlen);
            if (reload_address_of_socket(&storage, &address) == 0 && !is_own(&own, &address))
                count = add(driver, &address, candidates, count, max);
        }
        freeaddrinfo(found);
    }
    return count;
}
