/* driver_stun.c: STUN at the node's own port: which servers our agents ask, and our answers to
 * others. RFC 6940 6.5.1.4.
 *
 * An answer is little larger than the smallest request (32 octets to 20 with IPv4), and there are
 * few a second for one address, so that nobody gains by asking in another's name.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/driver_internal.h"

#include "reload/run/socket_address.h"

#define ANSWER_MAX 256
#define ALL_INTERVAL (2 * RELOAD_MS)
#define ALL_BURST 250
#define SOURCE_INTERVAL (50 * RELOAD_MS)
#define SOURCE_BURST 40

void
driver_stun_init(struct reload_driver *driver)
{
    struct stun_limits *limits = &driver->stun_limits;
    const struct reload_env *env = driver->options.node.env;
    reload_time now = driver_now(driver);
    limits->all = (struct stun_bucket){ALL_BURST, now};
    for (size_t i = 0; i < STUN_SOURCES; i++)
        limits->sources[i] = (struct stun_bucket){SOURCE_BURST, now};
    env->random(env->context, &limits->seed, sizeof limits->seed);
}

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
    uint8_t answer[ANSWER_MAX];
    size_t size = driver->options.stun(from, bytes, answer, sizeof answer);
    if (size == 0) {
        driver->stun.dropped_malformed++;
        return;
    }
    struct reload_datagram *path = reload_udp_datagram(driver->udp);
    if (path->ops->send(path, from, (struct reload_bytes){answer, size}) == 0)
        driver->stun.answered++;
}

void
driver_stun_servers(struct reload_driver *driver, const struct reload_candidate *candidates,
                    size_t count)
{
    driver->stun_server_count = driver->stun_server_next = 0;
    for (size_t i = 0; i < count && driver->stun_server_count < STUN_SERVERS_MAX; i++)
        if (candidates[i].overlay_link == driver_overlay_link(RELOAD_LINK_PROTOCOL_DTLS))
            driver->stun_servers[driver->stun_server_count++] = candidates[i].address;
}

struct reload_address
driver_stun_server(struct reload_driver *driver)
{
    if (driver->stun_server_count == 0)
        return (struct reload_address){0};
    return driver->stun_servers[driver->stun_server_next++ % driver->stun_server_count];
}
