/* driver_ice.c: links by ICE: an agent finds a pair, DTLS goes over it. RFC 6940 6.5.1.3-6.5.1.10.
 *
 *   GATHER -> agent -> gathered -> the node's Attach -> CHECK -> agent -> ready -> DTLS -> up
 *
 * The controlling side, which sent the Attach, is the DTLS server. What fails on the way, or takes
 * too long, ends the link; there is no second try here.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/driver_internal.h"

#include "reload/run/env_host.h"
#include "reload/run/loop_libevent.h"
#include "reload/run/socket_address.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* From CHECK until DTLS stands; the node gives the whole Attach 15 s. */
#define ICE_TIME (10 * RELOAD_SECOND)
/* The same where no UDP gets out and we have no relay: only somebody near by can be reached. */
#define ICE_TIME_NEAR (2 * RELOAD_SECOND)
#define GATHERED_ANEW_MAX 2

/* ---- DTLS over the pair --------------------------------------------------------------------- */

/* Each of these may free |link|, and with it the agent and the DTLS endpoint that called. */
static int
dtls_up(void *argument, struct reload_connection *connection, const struct reload_link_peer *peer)
{
    struct driver_link *link = argument;
    if (link->state == DRIVER_LINK_UP)
        return RELOAD_E_FORBIDDEN; /* it has its connection */
    assert(link->state == DRIVER_LINK_CONNECTING);
    link->connection = NULL; /* our caller closes it when we return an error */
    if (!driver_link_wants(link, peer->identity)) {
        link->error = RELOAD_E_FORBIDDEN;
        reload_timer_set(link->retry, 0);
        return RELOAD_E_FORBIDDEN;
    }
    struct reload_link_peer found = *peer;
    struct reload_ice_pair pair;
    if (link->driver->options.ice->pair(link->ice->agent, &pair)) {
        found.local_type = pair.local_type;
        found.remote_type = pair.remote_type;
    }
    if (link->ice->stun.family)
        driver_stun_add(link->driver, &link->ice->stun, link->id);
    return driver_link_take(link, connection, &found);
}

/* driver_link_carries puts another user in place before anything can come. */
static void
dtls_recv(void *argument, struct reload_connection *connection, struct reload_bytes bytes)
{
    (void)argument;
    (void)connection;
    (void)bytes;
    assert(false && "octets of a connection that nobody took");
}

static void
dtls_down(void *argument, struct reload_connection *connection, int error)
{
    (void)connection;
    struct driver_link *link = argument;
    link->connection = NULL;
    driver_link_lose(link, error);
}

static const struct reload_connection_user dtls_user = {dtls_up, dtls_recv, dtls_down};

static int
open_dtls(struct driver_link *link, struct reload_datagram *path)
{
    struct reload_driver *driver = link->driver;
    struct ice_session *ice = link->ice;
    struct reload_dtls_options options = {.loop = driver->options.loop,
                                          .context = &driver->context,
                                          .path = path,
                                          .accept = ice->controlling,
                                          .verified = true, /* by a check with our password */
                                          .user = &dtls_user,
                                          .argument = link,
                                          .framing = RELOAD_FRAMING_DATAGRAM,
                                          .overlay_link = RELOAD_OVERLAY_LINK_TYPE_DTLS_UDP_SR};
    int error = reload_dtls_new(&options, &ice->dtls);
    if (error || ice->controlling)
        return error;
    return reload_dtls_connect(ice->dtls, &ice->remote, &dtls_user, link, link->deadline,
                               &link->connection);
}

/* ---- what the agent tells ------------------------------------------------------------------- */

static int open_agent(struct driver_link *link);

/* Its relays gave nothing, or the wrong thing, and have been told of: with others, if there are
 * any, and at the last with STUN servers alone. */
static bool
gather_anew(struct driver_link *link)
{
    struct ice_session *ice = link->ice;
    if (ice->gathered_anew == GATHERED_ANEW_MAX)
        return false;
    link->driver->options.ice->close(ice->agent);
    ice->agent = NULL;
    ice->gathered_anew++;
    return open_agent(link) == 0;
}

static void
on_gathered(void *argument, const struct reload_offer *offer)
{
    struct driver_link *link = argument;
    struct reload_driver *driver = link->driver;
    uint32_t id = link->id;
    struct reload_offer ours;
    if (offer)
        ours = *offer; /* it ends with its agent */
    if (!driver_relay_gathered(driver, link->ice, offer) && gather_anew(link))
        return;
    if (offer && link->ice->agent) {
        driver_stun_announce(driver, &ours);
    } else {
        driver_link_free(link);
        offer = NULL;
    }
    reload_node_gathered(driver->node, id, offer ? &ours : NULL, driver_now(driver));
    reload_driver_turn(driver);
}

static void
on_ready(void *argument, const struct reload_ice_pair *pair)
{
    struct driver_link *link = argument;
    assert(link->state == DRIVER_LINK_CONNECTING && !link->ice->dtls);
    link->ice->remote = pair->remote;
    int error = open_dtls(link, pair->path);
    if (error)
        driver_link_lose(link, error);
}

static void
on_datagram(void *argument, struct reload_bytes bytes)
{
    struct driver_link *link = argument;
    if (link->ice->dtls)
        reload_dtls_recv(link->ice->dtls, &link->ice->remote, bytes);
}

static void
on_failed(void *argument, int error)
{
    struct driver_link *link = argument;
    struct reload_driver *driver = link->driver;
    if (link->state != DRIVER_LINK_GATHERED) {
        driver_link_lose(link, error);
        return;
    }
    uint32_t id = link->id;
    driver_link_free(link);
    reload_node_gathered(driver->node, id, NULL, driver_now(driver));
    reload_driver_turn(driver);
}

static const struct reload_ice_user agent_user = {
    .gathered = on_gathered, .ready = on_ready, .recv = on_datagram, .failed = on_failed};

/* ---- what the node asks for ----------------------------------------------------------------- */

/* Each relay by UDP or by TCP, as it is known that UDP works or not: both would be one allocation
 * for nothing, and gathering would wait for it. */
static void
add_relays(struct reload_driver *driver, struct reload_ice_options *options)
{
    if (!driver->options.relays)
        return;
    size_t count = driver->options.relays(driver->options.relays_argument, options->relays,
                                          RELOAD_ICE_RELAYS_MAX);
    assert(count <= RELOAD_ICE_RELAYS_MAX);
    enum reload_stun_udp udp = driver_stun_udp(driver);
    size_t by_tcp = 0;
    for (size_t i = 0; i < count; i++)
        by_tcp += options->relays[i].tcp;
    bool no_tcp = udp == RELOAD_STUN_UDP_WORKS && by_tcp < count;
    bool no_udp = udp == RELOAD_STUN_UDP_BLOCKED && by_tcp > 0;
    for (size_t i = 0; i < count; i++)
        if (options->relays[i].tcp ? !no_tcp : !no_udp)
            options->relays[options->relay_count++] = options->relays[i];
    /* A relay by UDP tells the reflexive address, too (RFC 8445 5.1.1.2); besides one libnice does
     * not take the answer of a STUN server, and waits for it. */
    for (size_t i = 0; i < options->relay_count; i++)
        if (!options->relays[i].tcp)
            options->stun = (struct reload_address){0};
}

/* The listen address when it is a specific one, else all that we have, of both families: an agent's
 * sockets are its own. */
static size_t
local_addresses(const struct reload_driver *driver, struct reload_address *addresses, size_t max)
{
    if (reload_address_is_any(&driver->address))
        return reload_address_interfaces(0, 0, addresses, max);
    addresses[0] = driver->address;
    return 1;
}

static int
open_agent(struct driver_link *link)
{
    struct reload_driver *driver = link->driver;
    struct ice_session *ice = link->ice;
    struct reload_ice_options options = {
        .loop = driver->options.loop,
        .controlling = ice->controlling,
        .stun = driver_stun_server(driver),
        .overlay_link = RELOAD_OVERLAY_LINK_TYPE_DTLS_UDP_SR,
        .alive = &driver->agents_alive,
    };
    options.local_count = local_addresses(driver, options.local, RELOAD_ICE_LOCAL_MAX);
    options.loopback = options.local_count > 0 && reload_address_is_loopback(&options.local[0]);
    bool stun = options.stun.family != 0;
    if (ice->gathered_anew < GATHERED_ANEW_MAX)
        add_relays(driver, &options);
    ice->relay_count = options.relay_count;
    memcpy(ice->relays, options.relays, sizeof ice->relays);
    ice->relayed = options.relay_count > 0;
    ice->stun_dropped = stun && options.stun.family == 0;
    return driver->options.ice->open(&options, &agent_user, link, &ice->agent);
}

void
driver_ice_gather(struct reload_driver *driver, const struct reload_effect *effect)
{
    struct driver_link *link =
        driver_link_new(driver, effect->link, effect->application, DRIVER_LINK_GATHERED);
    if (link && (link->ice = calloc(1, sizeof *link->ice))) {
        link->ice->controlling = effect->controlling;
        if (open_agent(link) == 0)
            return;
    }
    if (link)
        driver_link_free(link);
    reload_node_gathered(driver->node, effect->link, NULL, driver_now(driver));
}

/* D34: the first host candidate that says so. */
static struct reload_address
stun_of(const struct reload_offer *offer)
{
    for (size_t i = 0; i < offer->candidate_count; i++) {
        struct reload_address address = offer->candidates[i].address;
        address.port = offer->candidates[i].stun_port;
        if (address.port)
            return address;
    }
    return (struct reload_address){0};
}

void
driver_ice_check(struct reload_driver *driver, const struct reload_effect *effect)
{
    struct driver_link *link = driver_link_find(driver, effect->link);
    if (!link || !link->ice) {
        driver_refuse(driver, link, effect, RELOAD_E_UNREACHABLE);
        return;
    }
    assert(link->state == DRIVER_LINK_GATHERED && link->ice->controlling == effect->controlling);
    link->state = DRIVER_LINK_CONNECTING;
    link->node_id = effect->node_id;
    link->error = RELOAD_E_UNREACHABLE; /* it has answered the Attach */
    link->ice->stun = stun_of(effect->remote);
    bool near =
        !link->ice->relayed &&
        reload_stun_peers_udp(&driver->stun_peers, driver_now(driver)) == RELOAD_STUN_UDP_BLOCKED;
    link->deadline = driver_now(driver) + (near ? ICE_TIME_NEAR : ICE_TIME);
    int error = driver_link_give_up_at(link, link->deadline);
    if (!error)
        error = driver->options.ice->check(link->ice->agent, effect->remote);
    if (error)
        driver_refuse(driver, link, effect, error);
}

/* The two ends may see it differently: one has chosen a pair, the other has none. */
static void
log_end(const struct driver_link *link)
{
    char id[2 * RELOAD_NODE_ID_SIZE_MIN + 1];
    for (size_t i = 0; i < RELOAD_NODE_ID_SIZE_MIN; i++)
        (void)snprintf(id + 2 * i, 3, "%02x", link->node_id.octets[i]);
    reload_env_log(link->driver->options.node.env, RELOAD_LOG_DEBUG, "no link by ICE to %s: %s", id,
                   link->ice->dtls ? "there is a pair, but no handshake came about"
                                   : "no pair was chosen");
}

void
reload_driver_refresh(struct reload_driver *driver, struct reload_link_info *info)
{
    const struct driver_link *link = driver_link_find(driver, info->link);
    struct reload_ice_pair pair;
    if (!link || !link->ice || !link->ice->agent ||
        !driver->options.ice->pair(link->ice->agent, &pair))
        return;
    info->address = pair.remote;
    info->local_type = pair.local_type;
    info->remote_type = pair.remote_type;
}

void
driver_ice_free(struct driver_link *link)
{
    struct ice_session *ice = link->ice;
    if (!ice)
        return;
    if (link->state == DRIVER_LINK_CONNECTING)
        log_end(link);
    link->ice = NULL;
    if (ice->stun.family)
        driver_stun_remove(link->driver, link->id);
    reload_dtls_free(ice->dtls);
    if (ice->agent)
        link->driver->options.ice->close(ice->agent);
    free(ice);
}

void
driver_ice_drain(struct reload_driver *driver)
{
    struct reload_loop *loop = driver->options.loop;
    /* Each agent ends by itself in bounded time; others' events are served meanwhile. */
    while (driver->agents_alive > 0 && reload_loop_turn(loop) == 0)
        ;
    assert(driver->agents_alive == 0);
}
