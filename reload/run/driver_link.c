/* driver_link.c: the node's links: which connection carries which, and how one is made.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/driver_internal.h"

#include "reload/app_link.h"
#include "reload/run/loop_libevent.h"
#include "reload/run/socket_address.h"

#include <assert.h>
#include <stdlib.h>

/* RFC 6940 gives no times: half of the 15 s that an Attach may take, shared by the candidates. */
#define CONNECT_TIME (8 * RELOAD_SECOND)
#define ATTEMPT_TIME_MIN (1 * RELOAD_SECOND)
/* Where nobody takes TCP connections, UDP gets so long for a first word. */
#define HASTY_TIME (500 * RELOAD_MS)
#define REFUSED_TIME (5 * RELOAD_SECOND)

static const struct reload_connection_user link_user;

/* ---- the table ------------------------------------------------------------------------------ */

struct driver_link *
driver_link_find(struct reload_driver *driver, uint32_t id)
{
    struct driver_link *link;
    LIST_FOREACH(link, &driver->links[id % LINK_BUCKETS], in_bucket)
    if (link->id == id)
        return link;
    return NULL;
}

struct driver_link *
driver_link_new(struct reload_driver *driver, uint32_t id, uint16_t application,
                enum driver_link_state state)
{
    assert(!driver_link_find(driver, id));
    struct driver_link *link = calloc(1, sizeof *link);
    if (!link)
        return NULL;
    *link = (struct driver_link){
        .driver = driver, .id = id, .application = application, .state = state};
    LIST_INSERT_HEAD(&driver->links[id % LINK_BUCKETS], link, in_bucket);
    driver->link_count++;
    return link;
}

static void
free_sockets(struct app_sockets *sockets)
{
    if (!sockets)
        return;
    reload_dtls_free(sockets->dtls);
    reload_udp_free(sockets->udp);
    reload_tls_free(sockets->tls);
    free(sockets->early_octets);
    free(sockets);
}

void
driver_link_free(struct driver_link *link)
{
    LIST_REMOVE(link, in_bucket);
    link->driver->link_count--;
    if (link->connection)
        link->connection->ops->close(link->connection);
    free_sockets(link->sockets);
    driver_ice_free(link);
    reload_timer_free(link->retry);
    free(link->remote);
    free(link);
}

void
driver_link_lose(struct driver_link *link, int error)
{
    struct reload_driver *driver = link->driver;
    uint32_t id = link->id;
    driver_relay_no_link(link);
    driver_link_free(link);
    reload_node_link_down(driver->node, id, error, driver_now(driver));
    reload_driver_turn(driver);
}

/* ---- connecting ----------------------------------------------------------------------------- */

bool
driver_link_wants(const struct driver_link *link, const struct reload_identity *identity)
{
    return reload_node_id_is_zero(&link->node_id) || reload_identity_has(identity, &link->node_id);
}

static bool
is_tls(const struct reload_candidate *candidate)
{
    return candidate->overlay_link == driver_overlay_link(RELOAD_LINK_PROTOCOL_TLS);
}

static int
attempt(struct driver_link *link, const struct reload_candidate *candidate, reload_time deadline)
{
    struct reload_driver *driver = link->driver;
    struct reload_tls *tls = link->sockets ? link->sockets->tls : driver->tls;
    struct reload_dtls *dtls = link->sockets ? link->sockets->dtls : driver->dtls;
    if (!reload_address_is_usable(&candidate->address))
        return RELOAD_E_UNREACHABLE;
    if (is_tls(candidate))
        return tls ? reload_tls_connect(tls, &candidate->address, &link_user, link, deadline,
                                        &link->connection)
                   : RELOAD_E_UNREACHABLE;
    if (candidate->overlay_link != driver_overlay_link(RELOAD_LINK_PROTOCOL_DTLS) &&
        candidate->overlay_link != RELOAD_OVERLAY_LINK_TYPE_DTLS_UDP_SR)
        return RELOAD_E_UNREACHABLE;
    if (!dtls || (driver->address.family == 4 && candidate->address.family != 4))
        return RELOAD_E_UNREACHABLE;
    return reload_dtls_connect(dtls, &candidate->address, &link_user, link, deadline,
                               &link->connection);
}

static const struct reload_candidate *
current(const struct driver_link *link)
{
    bool any = link->state == DRIVER_LINK_CONNECTING && link->remote && link->next_candidate > 0;
    return any ? &link->remote->candidates[link->next_candidate - 1] : NULL;
}

/* The attempt of |link| goes to where TCP is refused: nothing may be there at all, which by UDP
 * nobody would say (what ICMP says, anybody could forge). */
static void
hurry_if_refused(struct driver_link *link)
{
    const struct reload_driver *driver = link->driver;
    const struct reload_candidate *candidate = current(link);
    reload_time now = driver_now(driver);
    if (now >= driver->refused_until || !candidate || is_tls(candidate) || !link->connection ||
        link->connection->heard || !reload_address_equal(&candidate->address, &driver->refused))
        return;
    link->hasty = true;
    reload_timer_set(link->retry, now + HASTY_TIME);
}

static void
note_refusal(struct driver_link *link)
{
    struct reload_driver *driver = link->driver;
    const struct reload_candidate *candidate = current(link);
    if (!candidate || !is_tls(candidate))
        return;
    driver->refused = candidate->address;
    driver->refused_until = driver_now(driver) + REFUSED_TIME;
    for (size_t i = 0; i < LINK_BUCKETS; i++)
        LIST_FOREACH(link, &driver->links[i], in_bucket)
    hurry_if_refused(link);
}

/* Tries the candidates from |next_candidate| on; when no attempt could begin, the timer tells the
 * node, since we may be carrying out its effects. */
static void
try_next(struct driver_link *link)
{
    reload_time now = driver_now(link->driver);
    link->hasty = false;
    reload_timer_set(link->retry, RELOAD_NEVER);
    while (link->next_candidate < link->remote->candidate_count && now < link->deadline) {
        size_t left = link->remote->candidate_count - link->next_candidate;
        reload_time share = (link->deadline - now) / left;
        if (share < ATTEMPT_TIME_MIN)
            share = ATTEMPT_TIME_MIN;
        const struct reload_candidate *candidate =
            &link->remote->candidates[link->next_candidate++];
        int error = attempt(link, candidate, now + share);
        if (!error) {
            hurry_if_refused(link);
            return;
        }
        link->error = error;
    }
    reload_timer_set(link->retry, 0);
}

static void
on_retry(void *argument)
{
    struct driver_link *link = argument;
    bool hasty = link->hasty;
    link->hasty = false;
    if (hasty && link->connection && link->connection->heard)
        return;
    if (hasty && link->connection) {
        link->connection->ops->close(link->connection);
        link->connection = NULL;
        link->error = RELOAD_E_UNREACHABLE;
        try_next(link);
        return;
    }
    driver_link_lose(link, link->error ? link->error : RELOAD_E_UNREACHABLE);
}

int
driver_link_give_up_at(struct driver_link *link, reload_time at)
{
    struct reload_loop *loop = link->driver->options.loop;
    if (!link->retry && reload_loop_timer(loop, on_retry, link, &link->retry) != 0)
        return RELOAD_E_NOMEM;
    reload_timer_set(link->retry, at);
    return 0;
}

void
driver_refuse(struct reload_driver *driver, struct driver_link *link,
              const struct reload_effect *effect, int error)
{
    if (link)
        driver_link_free(link);
    reload_node_link_down(driver->node, effect->link, error, driver_now(driver));
}

void
driver_connect(struct reload_driver *driver, const struct reload_effect *effect)
{
    struct driver_link *link = driver_link_find(driver, effect->link);
    if (!link)
        link = driver_link_new(driver, effect->link, effect->application, DRIVER_LINK_CONNECTING);
    if (!link || !effect->remote) {
        driver_refuse(driver, link, effect, RELOAD_E_NOMEM);
        return;
    }
    link->state = DRIVER_LINK_CONNECTING;
    link->node_id = effect->node_id;
    link->deadline = driver_now(driver) + CONNECT_TIME;
    assert(!link->remote && !link->connection);
    link->remote = malloc(sizeof *link->remote);
    if (!link->remote || driver_link_give_up_at(link, RELOAD_NEVER) != 0) {
        driver_refuse(driver, link, effect, RELOAD_E_NOMEM);
        return;
    }
    *link->remote = *effect->remote;
    try_next(link);
}

/* ---- a connection's life -------------------------------------------------------------------- */

void
driver_link_carries(struct driver_link *link, struct reload_connection *connection)
{
    link->connection = connection;
    link->state = DRIVER_LINK_UP;
    connection->user = &link_user;
    connection->argument = link;
    free(link->remote);
    link->remote = NULL;
    reload_timer_free(link->retry);
    link->retry = NULL;
}

int
driver_link_take(struct driver_link *link, struct reload_connection *connection,
                 const struct reload_link_peer *peer)
{
    struct reload_driver *driver = link->driver;
    driver_link_carries(link, connection);
    int error = reload_node_link_up(driver->node, link->id, peer, driver_now(driver));
    if (error) {
        link->connection = NULL; /* our caller's caller closes it */
        driver_link_free(link);
    }
    reload_driver_turn(driver);
    return error;
}

/* Ours: a CONNECT. */
static int
link_up(void *argument, struct reload_connection *connection, const struct reload_link_peer *peer)
{
    struct driver_link *link = argument;
    assert(link->state == DRIVER_LINK_CONNECTING);
    if (!driver_link_wants(link, peer->identity)) {
        link->connection = NULL;
        link->error = RELOAD_E_FORBIDDEN;
        try_next(link);
        return RELOAD_E_FORBIDDEN;
    }
    return driver_link_take(link, connection, peer);
}

static void
link_recv(void *argument, struct reload_connection *connection, struct reload_bytes bytes)
{
    (void)connection;
    struct driver_link *link = argument;
    struct reload_driver *driver = link->driver;
    uint32_t id = link->id;
    reload_time now = driver_now(driver);
    int error = link->application ? reload_node_app_recv(driver->node, id, bytes, now)
                                  : reload_node_recv(driver->node, id, bytes, now);
    reload_driver_turn(driver);
    if (!error || reload_error_class(error) != RELOAD_CLASS_LINK)
        return;
    link = driver_link_find(driver, id);
    if (link)
        driver_link_free(link);
}

static void
link_down(void *argument, struct reload_connection *connection, int error)
{
    (void)connection;
    struct driver_link *link = argument;
    link->connection = NULL;
    if (link->state == DRIVER_LINK_UP) {
        driver_link_lose(link, error);
        return;
    }
    link->error = error;
    if (error == RELOAD_E_UNREACHABLE)
        note_refusal(link);
    try_next(link);
}

static const struct reload_connection_user link_user = {link_up, link_recv, link_down};

/* A peer's: to our overlay port. */
static int
incoming_up(void *argument, struct reload_connection *connection,
            const struct reload_link_peer *peer)
{
    struct reload_driver *driver = argument;
    uint32_t id = 0;
    int error = reload_node_link_incoming(driver->node, peer, &id, driver_now(driver));
    if (!error) {
        struct driver_link *link = driver_link_find(driver, id);
        if (!link)
            link = driver_link_new(driver, id, 0, DRIVER_LINK_UP);
        if (link) {
            /* An attempt of ours for the same link is not needed any more. */
            if (link->connection)
                link->connection->ops->close(link->connection);
            driver_ice_free(link);
            driver_link_carries(link, connection);
        } else {
            error = RELOAD_E_NOMEM;
            reload_node_link_down(driver->node, id, error, driver_now(driver));
        }
    }
    reload_driver_turn(driver);
    return error;
}

/* driver_link_carries has put |link_user| in the place of this one before anything else can come.
 */
static void
never_recv(void *argument, struct reload_connection *connection, struct reload_bytes bytes)
{
    (void)argument;
    (void)connection;
    (void)bytes;
    assert(false && "octets of a connection that nobody took");
}

static void
never_down(void *argument, struct reload_connection *connection, int error)
{
    (void)argument;
    (void)connection;
    (void)error;
    assert(false && "the end of a connection that nobody took");
}

const struct reload_connection_user driver_incoming_user = {incoming_up, never_recv, never_down};

/* ---- a peer's: to an application's port ------------------------------------------------------ */

static int
app_up(void *argument, struct reload_connection *connection, const struct reload_link_peer *peer)
{
    struct driver_link *link = argument;
    struct app_sockets *sockets = link->sockets;
    if (link->state == DRIVER_LINK_EXPECTING)
        return driver_link_wants(link, peer->identity) ? driver_link_take(link, connection, peer)
                                                       : RELOAD_E_FORBIDDEN;
    if (link->state != DRIVER_LINK_GATHERED || sockets->early)
        return RELOAD_E_FORBIDDEN;
    sockets->early = connection;
    sockets->early_peer = *peer;
    memcpy(sockets->early_hash, peer->identity->hash, sizeof sockets->early_hash);
    return 0;
}

static void
app_recv(void *argument, struct reload_connection *connection, struct reload_bytes bytes)
{
    struct driver_link *link = argument;
    struct app_sockets *sockets = link->sockets;
    size_t size = sockets->early_size + sizeof bytes.size + bytes.size;
    uint8_t *octets = size <= EARLY_MAX ? realloc(sockets->early_octets, size) : NULL;
    if (!octets) {
        sockets->early = NULL;
        connection->ops->close(connection);
        return;
    }
    sockets->early_octets = octets;
    memcpy(octets + sockets->early_size, &bytes.size, sizeof bytes.size);
    memcpy(octets + sockets->early_size + sizeof bytes.size, bytes.data, bytes.size);
    sockets->early_size = size;
}

static void
app_down(void *argument, struct reload_connection *connection, int error)
{
    (void)connection;
    (void)error;
    struct driver_link *link = argument;
    link->sockets->early = NULL;
    link->sockets->early_size = 0;
}

const struct reload_connection_user driver_app_user = {app_up, app_recv, app_down};

/* Hands what came early to the node, which calls nothing from within. */
static void
replay(struct reload_driver *driver, uint32_t id, const uint8_t *octets, size_t left)
{
    while (left > 0) {
        struct reload_bytes bytes;
        memcpy(&bytes.size, octets, sizeof bytes.size);
        bytes.data = octets + sizeof bytes.size;
        (void)reload_node_app_recv(driver->node, id, bytes, driver_now(driver));
        octets += sizeof bytes.size + bytes.size;
        left -= sizeof bytes.size + bytes.size;
    }
}

/* The other side of an overlay link comes to our overlay port, where the node knows it again; only
 * an application's link waits here. */
void
driver_expect(struct reload_driver *driver, const struct reload_effect *effect)
{
    struct driver_link *link = driver_link_find(driver, effect->link);
    if (effect->application == 0 || !link || !link->sockets)
        return;
    struct app_sockets *sockets = link->sockets;
    link->state = DRIVER_LINK_EXPECTING;
    link->node_id = effect->node_id;
    struct reload_connection *early = sockets->early;
    if (!early)
        return;
    struct reload_keyring *keyring = driver->options.node.keyring;
    const struct reload_env *env = driver->options.node.env;
    struct reload_bytes hash = {sockets->early_hash, sizeof sockets->early_hash};
    sockets->early = NULL;
    sockets->early_peer.identity = keyring->ops->find(keyring, 4, hash, env->wall_ms(env->context));
    uint32_t id = link->id;
    uint8_t *octets = sockets->early_octets;
    size_t size = sockets->early_size;
    sockets->early_octets = NULL;
    sockets->early_size = 0;
    struct reload_link_peer peer = sockets->early_peer;
    if (!peer.identity || !driver_link_wants(link, peer.identity))
        early->ops->close(early);
    else if (driver_link_take(link, early, &peer) == 0) /* else all of it is gone */
        replay(driver, id, octets, size);
    free(octets);
}

/* ---- the rest ------------------------------------------------------------------------------- */

void
driver_send(struct reload_driver *driver, const struct reload_effect *effect)
{
    struct driver_link *link = driver_link_find(driver, effect->link);
    if (link && link->state == DRIVER_LINK_UP)
        (void)link->connection->ops->send(link->connection, effect->bytes);
}

void
driver_close(struct reload_driver *driver, const struct reload_effect *effect)
{
    struct driver_link *link = driver_link_find(driver, effect->link);
    if (link)
        driver_link_free(link);
}
