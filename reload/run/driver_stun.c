/* driver_stun.c: STUN at the node's own port: which servers our agents ask, what those say of us,
 * and our answers to others. RFC 6940 6.5.1.4.
 *
 * An answer is little larger than the smallest request (32 octets to 20 with IPv4), and there are
 * few a second for one address, so that nobody gains by asking in another's name.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/driver_internal.h"

#include "reload/run/socket_address.h"

#define ANSWER_MAX 256
#define OWN_MAX 16
#define ALL_INTERVAL (2 * RELOAD_MS)
#define ALL_BURST 250
#define SOURCE_INTERVAL (50 * RELOAD_MS)
#define SOURCE_BURST 40

/* Takes a token of |bucket|, which gets one more every |interval| and holds |burst|. */
static bool
take(struct stun_bucket *bucket, reload_time interval, uint32_t burst, reload_time now)
{
    reload_time gained = (now - bucket->filled_at) / interval;
    bucket->filled_at += gained * interval;
    bucket->tokens = gained >= burst - bucket->tokens ? burst : bucket->tokens + (uint32_t)gained;
    if (bucket->tokens == 0)
        return false;
    bucket->tokens--;
    return true;
}

/* One for all ports of an address; of IPv6, for its /64. */
static struct stun_bucket *
bucket_of(struct stun_limits *limits, const struct reload_address *from)
{
    uint64_t first;
    memcpy(&first, from->octets, sizeof first);
    uint64_t hash = (first ^ limits->seed) * UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash ^ hash >> 29) * (limits->seed | 1);
    return &limits->sources[(hash >> 40) & (STUN_SOURCES - 1)];
}

/* ---- how others see us ---------------------------------------------------------------------- */

static bool
is_own_host(const struct reload_driver *driver, const struct reload_address *address)
{
    struct reload_address own[OWN_MAX];
    size_t count = driver_addresses(&driver->address, own, OWN_MAX);
    for (size_t i = 0; i < count; i++)
        if (own[i].family == address->family &&
            memcmp(own[i].octets, address->octets, sizeof own[i].octets) == 0)
            return true;
    return false;
}

static void
recv_answer(struct reload_driver *driver, const struct reload_address *from,
            struct reload_bytes bytes)
{
    uint8_t transaction[RELOAD_STUN_TRANSACTION_SIZE];
    struct reload_address seen;
    if (reload_stun_answer(bytes, transaction, &seen) != 0 ||
        !reload_stun_peers_answered(&driver->stun_peers, from, transaction, &seen,
                                    is_own_host(driver, &seen), driver_now(driver)))
        driver->stun.dropped_malformed++;
}

static void
ask_due(void *argument)
{
    struct reload_driver *driver = argument;
    struct reload_datagram *path = reload_udp_datagram(driver->udp);
    const struct reload_stun_peer *peer;
    while ((peer = reload_stun_peers_ask(&driver->stun_peers, driver->options.node.env,
                                         driver_now(driver)))) {
        uint8_t request[RELOAD_STUN_REQUEST_SIZE];
        reload_stun_request(peer->transaction, request);
        (void)path->ops->send(path, &peer->address, (struct reload_bytes){request, sizeof request});
    }
    reload_timer_set(driver->stun_timer, reload_stun_peers_next(&driver->stun_peers));
}

/* Only what our socket can reach, and only when agents need it. */
void
driver_stun_add(struct reload_driver *driver, const struct reload_address *address, uint32_t link)
{
    bool reached = driver->address.family == 6 || address->family == 4;
    /* A peer may not send us to services of our own host. */
    bool inside = link && reload_address_is_loopback(address) &&
                  !reload_address_is_loopback(&driver->address);
    if (!driver->stun_timer || !reached || inside || !reload_address_is_usable(address))
        return;
    reload_stun_peers_add(&driver->stun_peers, address, link, driver_now(driver));
    reload_timer_set(driver->stun_timer, reload_stun_peers_next(&driver->stun_peers));
}

void
driver_stun_remove(struct reload_driver *driver, uint32_t link)
{
    reload_stun_peers_remove(&driver->stun_peers, link);
}

void
driver_stun_servers(struct reload_driver *driver, const struct reload_candidate *candidates,
                    size_t count)
{
    reload_stun_peers_remove(&driver->stun_peers, 0);
    for (size_t i = 0; i < count; i++)
        if (candidates[i].overlay_link == driver_overlay_link(RELOAD_LINK_PROTOCOL_DTLS))
            driver_stun_add(driver, &candidates[i].address, 0);
    if (driver->stun_timer)
        ask_due(driver);
}

struct reload_address
driver_stun_server(struct reload_driver *driver)
{
    return reload_stun_peers_choose(&driver->stun_peers);
}

bool
reload_driver_stun_next(const struct reload_driver *driver, size_t *cursor,
                        struct reload_stun_server *server)
{
    if (*cursor >= driver->stun_peers.count)
        return false;
    const struct reload_stun_peer *peer = &driver->stun_peers.peers[(*cursor)++];
    *server = (struct reload_stun_server){.address = peer->address};
    if (peer->known)
        server->seen = peer->seen;
    return true;
}

enum reload_stun_udp
driver_stun_udp(const struct reload_driver *driver)
{
    enum reload_stun_udp udp = reload_stun_peers_udp(&driver->stun_peers, driver_now(driver));
    bool heard = reload_udp_counters(driver->udp)->received > 0; /* servers may know no STUN */
    return udp == RELOAD_STUN_UDP_BLOCKED && heard ? RELOAD_STUN_UDP_UNKNOWN : udp;
}

void
driver_stun_announce(const struct reload_driver *driver, struct reload_offer *offer)
{
    if (!driver->options.stun)
        return;
    for (size_t i = 0; i < offer->candidate_count; i++) {
        struct reload_candidate *candidate = &offer->candidates[i];
        if (candidate->type == RELOAD_CAND_TYPE_HOST && is_own_host(driver, &candidate->address) &&
            reload_stun_peers_is_public(&driver->stun_peers, &candidate->address))
            candidate->stun_port = driver->address.port;
    }
}

int
driver_stun_init(struct reload_driver *driver)
{
    struct stun_limits *limits = &driver->stun_limits;
    const struct reload_env *env = driver->options.node.env;
    reload_time now = driver_now(driver);
    limits->all = (struct stun_bucket){ALL_BURST, now};
    for (size_t i = 0; i < STUN_SOURCES; i++)
        limits->sources[i] = (struct stun_bucket){SOURCE_BURST, now};
    env->random(env->context, &limits->seed, sizeof limits->seed);
    if (driver->options.node.config->no_ice)
        return 0;
    return reload_loop_timer(driver->options.loop, ask_due, driver, &driver->stun_timer);
}

/* ---- what others send ----------------------------------------------------------------------- */

/* A second socket beside ours, made when somebody first wants an answer from there; what comes to
 * it is dropped. */
static struct reload_udp *
other_port_of(struct reload_driver *driver)
{
    static const struct reload_udp_users nobody = {.one_peer = true};
    struct reload_address address = driver->address;
    address.port = 0;
    if (!driver->stun_other &&
        reload_udp_new(driver->options.loop, &address, &nobody, &driver->stun_other))
        return NULL;
    return driver->stun_other;
}

static void
recv_request(struct reload_driver *driver, const struct reload_address *from,
             struct reload_bytes bytes)
{
    uint8_t answer[ANSWER_MAX];
    bool other_port = false;
    size_t size = driver->options.stun
                      ? driver->options.stun(from, bytes, answer, sizeof answer, &other_port)
                      : 0;
    struct reload_udp *udp = other_port ? other_port_of(driver) : driver->udp;
    if (size == 0 || !udp) {
        driver->stun.dropped_malformed++;
        return;
    }
    struct reload_datagram *path = reload_udp_datagram(udp);
    if (path->ops->send(path, from, (struct reload_bytes){answer, size}) == 0)
        driver->stun.answered++;
}

void
driver_stun_recv(void *argument, const struct reload_address *from, struct reload_bytes bytes)
{
    struct reload_driver *driver = argument;
    struct stun_limits *limits = &driver->stun_limits;
    reload_time now = driver_now(driver);
    driver->stun.received++;
    if (!take(bucket_of(limits, from), SOURCE_INTERVAL, SOURCE_BURST, now) ||
        !take(&limits->all, ALL_INTERVAL, ALL_BURST, now)) {
        driver->stun.dropped_busy++;
        return;
    }
    if (reload_stun_is_answer(bytes))
        recv_answer(driver, from, bytes);
    else
        recv_request(driver, from, bytes);
}
