/* stun_peers.c: whom to ask how we are seen.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/stun_peers.h"

#include "reload/run/socket_address.h"

#define TRIES_MAX 3
#define RTO (500 * RELOAD_MS)
#define BLOCKED_AFTER (1 * RELOAD_SECOND)
#define ASK_AGAIN (300 * RELOAD_SECOND)
#define SILENT_AGAIN (60 * RELOAD_SECOND)

static bool
same_host(const struct reload_address *a, const struct reload_address *b)
{
    return a->family == b->family && memcmp(a->octets, b->octets, sizeof a->octets) == 0;
}

void
reload_stun_peers_add(struct reload_stun_peers *peers, const struct reload_address *address,
                      uint32_t link, reload_time now)
{
    for (size_t i = 0; i < peers->count; i++)
        if (peers->peers[i].link == link && reload_address_equal(&peers->peers[i].address, address))
            return;
    if (peers->count == RELOAD_STUN_PEERS_MAX)
        return;
    peers->peers[peers->count++] =
        (struct reload_stun_peer){.address = *address, .link = link, .next_at = now};
}

void
reload_stun_peers_remove(struct reload_stun_peers *peers, uint32_t link)
{
    size_t kept = 0;
    for (size_t i = 0; i < peers->count; i++)
        if (peers->peers[i].link != link)
            peers->peers[kept++] = peers->peers[i];
    peers->count = kept;
}

reload_time
reload_stun_peers_next(const struct reload_stun_peers *peers)
{
    reload_time next = RELOAD_NEVER;
    for (size_t i = 0; i < peers->count; i++)
        if (peers->peers[i].next_at < next)
            next = peers->peers[i].next_at;
    return next;
}

static void
give_up(struct reload_stun_peer *peer, reload_time now)
{
    peer->asking = peer->known = false;
    peer->silent = true;
    peer->next_at = now + SILENT_AGAIN;
}

const struct reload_stun_peer *
reload_stun_peers_ask(struct reload_stun_peers *peers, const struct reload_env *env,
                      reload_time now)
{
    for (size_t i = 0; i < peers->count; i++) {
        struct reload_stun_peer *peer = &peers->peers[i];
        if (peer->next_at > now)
            continue;
        if (peer->asking && peer->tries == TRIES_MAX) {
            give_up(peer, now);
            continue;
        }
        if (!peer->asking) {
            env->random(env->context, peer->transaction, sizeof peer->transaction);
            peer->asking = true;
            peer->asked_at = now;
            peer->tries = 0;
        }
        peer->next_at = now + (RTO << peer->tries++);
        return peer;
    }
    return NULL;
}

bool
reload_stun_peers_answered(struct reload_stun_peers *peers, const struct reload_address *from,
                           const uint8_t *transaction, const struct reload_address *seen,
                           bool direct, reload_time now)
{
    for (size_t i = 0; i < peers->count; i++) {
        struct reload_stun_peer *peer = &peers->peers[i];
        if (!peer->asking || !reload_address_equal(&peer->address, from) ||
            memcmp(peer->transaction, transaction, sizeof peer->transaction) != 0)
            continue;
        peer->asking = peer->silent = false;
        peer->known = true;
        peer->direct = direct;
        peer->seen = *seen;
        peer->next_at = now + ASK_AGAIN;
        return true;
    }
    return false;
}

/* When anybody of |of|'s group was used. */
static uint64_t
group_used(const struct reload_stun_peers *peers, const struct reload_stun_peer *of)
{
    uint64_t used = of->used;
    for (size_t i = 0; i < peers->count; i++) {
        const struct reload_stun_peer *peer = &peers->peers[i];
        if (peer->known && same_host(&peer->seen, &of->seen) && peer->used > used)
            used = peer->used;
    }
    return used;
}

struct reload_address
reload_stun_peers_choose(struct reload_stun_peers *peers)
{
    struct reload_stun_peer *best = NULL, *unknown = NULL;
    uint64_t best_group = 0;
    bool any_known = false;
    for (size_t i = 0; i < peers->count; i++) {
        struct reload_stun_peer *peer = &peers->peers[i];
        any_known = any_known || peer->known;
        if (!peer->known && !peer->silent && (!unknown || peer->used < unknown->used))
            unknown = peer;
        if (!peer->known || peer->direct)
            continue;
        uint64_t group = group_used(peers, peer);
        if (!best || group < best_group || (group == best_group && peer->used < best->used)) {
            best = peer;
            best_group = group;
        }
    }
    /* Nobody has answered yet: one that may. */
    if (!best && !any_known)
        best = unknown;
    if (!best)
        return (struct reload_address){0};
    best->used = ++peers->uses;
    return best->address;
}

enum reload_stun_udp
reload_stun_peers_udp(const struct reload_stun_peers *peers, reload_time now)
{
    size_t silent = 0;
    for (size_t i = 0; i < peers->count; i++) {
        const struct reload_stun_peer *peer = &peers->peers[i];
        if (peer->known)
            return RELOAD_STUN_UDP_WORKS;
        silent += peer->silent || (peer->asking && now - peer->asked_at >= BLOCKED_AFTER);
    }
    return silent > 0 && silent == peers->count ? RELOAD_STUN_UDP_BLOCKED : RELOAD_STUN_UDP_UNKNOWN;
}

bool
reload_stun_peers_confirm(const struct reload_stun_peers *peers,
                          const struct reload_address *address)
{
    bool any = false;
    for (size_t i = 0; i < peers->count; i++) {
        const struct reload_stun_peer *peer = &peers->peers[i];
        if (!peer->known || peer->seen.family != address->family)
            continue;
        if (same_host(&peer->seen, address))
            return true;
        any = true;
    }
    return !any;
}

bool
reload_stun_peers_is_public(const struct reload_stun_peers *peers,
                            const struct reload_address *address)
{
    bool seen = false;
    for (size_t i = 0; i < peers->count; i++) {
        const struct reload_stun_peer *peer = &peers->peers[i];
        if (!peer->known || peer->seen.family != address->family)
            continue;
        if (!peer->direct)
            return false;
        seen = seen || same_host(&peer->seen, address);
    }
    return seen;
}
