/* driver_gather.c: No-ICE candidates: the addresses that we listen on. RFC 6940 6.5.1.11, RFC 8445
 * 5.1.2.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/driver_internal.h"

#include "reload/run/socket_address.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define ADDRESSES_MAX (RELOAD_CANDIDATES_MAX / 2)
#define HOST_TYPE_PREFERENCE 126u
#define LOCAL_PREFERENCE_MAX 65535u

uint8_t
driver_overlay_link(enum reload_link_protocol protocol)
{
    return protocol == RELOAD_LINK_PROTOCOL_TLS ? RELOAD_OVERLAY_LINK_TYPE_TLS_TCP_FH_NO_ICE
                                                : RELOAD_OVERLAY_LINK_TYPE_DTLS_UDP_SR_NO_ICE;
}

size_t
driver_addresses(const struct reload_address *bound, struct reload_address *addresses, size_t max)
{
    if (!reload_address_is_any(bound)) {
        assert(max > 0);
        addresses[0] = *bound;
        return 1;
    }
    /* A socket on :: serves both families. */
    return reload_address_interfaces(bound->family == 4 ? 4 : 0, bound->port, addresses, max);
}

/* Adds a candidate for each address that |bound| can be reached by. */
static void
add_candidates(struct reload_offer *offer, enum reload_link_protocol protocol,
               const struct reload_address *bound)
{
    struct reload_address addresses[ADDRESSES_MAX];
    size_t count = driver_addresses(bound, addresses, ADDRESSES_MAX);
    for (size_t i = 0; i < count && offer->candidate_count < RELOAD_CANDIDATES_MAX; i++) {
        size_t place = offer->candidate_count++;
        struct reload_candidate *candidate = &offer->candidates[place];
        *candidate = (struct reload_candidate){.address = addresses[i],
                                               .overlay_link = driver_overlay_link(protocol),
                                               .type = RELOAD_CAND_TYPE_HOST};
        candidate->priority =
            HOST_TYPE_PREFERENCE << 24 | (LOCAL_PREFERENCE_MAX - (uint32_t)place) << 8 | 255u;
        (void)snprintf(candidate->foundation, sizeof candidate->foundation, "%zu", place + 1);
    }
}

static int
open_app_dtls(struct driver_link *link, const struct reload_address *address)
{
    struct reload_driver *driver = link->driver;
    struct app_sockets *sockets = link->sockets;
    struct reload_udp_users users = {.dtls = reload_dtls_recv, .one_peer = true};
    int error = reload_udp_new(driver->options.loop, address, &users, &sockets->udp);
    if (error)
        return error;
    struct reload_dtls_options options = {.loop = driver->options.loop,
                                          .context = &driver->context,
                                          .path = reload_udp_datagram(sockets->udp),
                                          .accept = true,
                                          .user = &driver_app_user,
                                          .argument = link,
                                          .framing = RELOAD_FRAMING_DATAGRAM,
                                          .overlay_link =
                                              driver_overlay_link(RELOAD_LINK_PROTOCOL_DTLS)};
    error = reload_dtls_new(&options, &sockets->dtls);
    if (!error)
        reload_udp_set_argument(sockets->udp, sockets->dtls);
    return error;
}

static int
open_app_tls(struct driver_link *link, const struct reload_address *address)
{
    struct reload_tls_options options = {.loop = link->driver->options.loop,
                                         .context = &link->driver->context,
                                         .listen = address,
                                         .user = &driver_app_user,
                                         .argument = link,
                                         .framing = RELOAD_FRAMING_NONE,
                                         .overlay_link =
                                             driver_overlay_link(RELOAD_LINK_PROTOCOL_TLS)};
    return reload_tls_new(&options, &link->sockets->tls);
}

/* Opens sockets for an application's link and offers them. */
static int
gather_app(struct driver_link *link, struct reload_offer *offer)
{
    struct reload_driver *driver = link->driver;
    struct reload_address address = driver->address;
    address.port = 0;
    link->sockets = calloc(1, sizeof *link->sockets);
    if (!link->sockets)
        return RELOAD_E_NOMEM;
    for (size_t i = 0; i < driver->protocol_count; i++) {
        bool is_tls = driver->protocols[i] == RELOAD_LINK_PROTOCOL_TLS;
        int error = is_tls ? open_app_tls(link, &address) : open_app_dtls(link, &address);
        if (error)
            return error;
        add_candidates(offer, driver->protocols[i],
                       is_tls ? reload_tls_address(link->sockets->tls)
                              : reload_udp_address(link->sockets->udp));
    }
    return 0;
}

void
driver_gather(struct reload_driver *driver, const struct reload_effect *effect)
{
    if (!driver->options.node.config->no_ice) {
        driver_ice_gather(driver, effect);
        return;
    }
    struct reload_offer offer = {0};
    int error = 0;
    if (effect->application == 0) {
        for (size_t i = 0; i < driver->protocol_count; i++)
            add_candidates(&offer, driver->protocols[i], &driver->address);
    } else {
        struct driver_link *link =
            driver_link_new(driver, effect->link, effect->application, DRIVER_LINK_GATHERED);
        error = link ? gather_app(link, &offer) : RELOAD_E_NOMEM;
        if (error && link)
            driver_link_free(link);
    }
    bool failed = error != 0 || offer.candidate_count == 0;
    reload_node_gathered(driver->node, effect->link, failed ? NULL : &offer, driver_now(driver));
}
