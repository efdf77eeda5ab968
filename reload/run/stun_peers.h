/* stun_peers.h: whom to ask how we are seen: bootstrap nodes and peers that answer STUN, grouped by
 * the address that they see us with.
 *
 * Behind several NATs a node has several addresses, and which one another node can use depends on
 * where that one is. So each server is asked once in a while, from the node's own port, and agents
 * use the groups in turn. A server that says nothing is not used until it answers again: it delays
 * no Attach. This file only keeps the table; who calls it sends. RFC 6940 6.5.1.4, D34.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_RUN_STUN_PEERS_H
#define RELOAD_RUN_STUN_PEERS_H

#include "reload/env.h"
#include "reload/run/stun_message.h"

#define RELOAD_STUN_PEERS_MAX 32

struct reload_stun_peer {
    struct reload_address address;
    uint32_t link; /* through which we know it; 0: a bootstrap node */
    bool asking, known, silent;
    bool direct;                /* it sees one of our own addresses: no NAT between */
    struct reload_address seen; /* our address there, when |known| */
    uint8_t transaction[RELOAD_STUN_TRANSACTION_SIZE];
    unsigned tries;
    reload_time next_at, asked_at; /* |asked_at|: first, when |asking| */
    uint64_t used;                 /* when it was last chosen; 0: never */
};

struct reload_stun_peers {
    struct reload_stun_peer peers[RELOAD_STUN_PEERS_MAX];
    size_t count;
    uint64_t uses;
};

/* reload_stun_peers_add notes that STUN is answered at |address|; |link| 0 is a bootstrap node.
 * Nothing happens when it is there already or the table is full. */
void reload_stun_peers_add(struct reload_stun_peers *peers, const struct reload_address *address,
                           uint32_t link, reload_time now);

/* reload_stun_peers_remove forgets what came through |link|: it is down (6.5.1.4: MUST); 0: the
 * bootstrap nodes. */
void reload_stun_peers_remove(struct reload_stun_peers *peers, uint32_t link);

/* reload_stun_peers_next returns when reload_stun_peers_ask has something, or RELOAD_NEVER. */
reload_time reload_stun_peers_next(const struct reload_stun_peers *peers);

/* reload_stun_peers_ask returns the next server to ask now, NULL when none is due. Its
 * |transaction| is the one to ask with. */
const struct reload_stun_peer *reload_stun_peers_ask(struct reload_stun_peers *peers,
                                                     const struct reload_env *env, reload_time now);

/* reload_stun_peers_answered takes an answer that came |from| somebody: we are |seen| there; with
 * |direct| that is an address of our own. Returns false when nobody was asked that. */
bool reload_stun_peers_answered(struct reload_stun_peers *peers, const struct reload_address *from,
                                const uint8_t *transaction, const struct reload_address *seen,
                                bool direct, reload_time now);

/* reload_stun_peers_choose returns the server to use for one agent: of the group used longest ago
 * the one used longest ago; groups that see us without a NAT tell nothing new. Family 0: none. */
struct reload_address reload_stun_peers_choose(struct reload_stun_peers *peers);

/* What is known of UDP: some server answers, none does for a second and more, or it is too early to
 * tell. */
enum reload_stun_udp {
    RELOAD_STUN_UDP_UNKNOWN,
    RELOAD_STUN_UDP_WORKS,
    RELOAD_STUN_UDP_BLOCKED,
};
enum reload_stun_udp reload_stun_peers_udp(const struct reload_stun_peers *peers, reload_time now);

/* reload_stun_peers_confirm tells whether somebody sees us with the host of |address|, or nobody
 * has said anything of that family. The port does not matter. */
bool reload_stun_peers_confirm(const struct reload_stun_peers *peers,
                               const struct reload_address *address);

/* reload_stun_peers_is_public tells whether others see our own |address| as it is, as far as we
 * know: somebody does, and nobody sees another one of that family. The port does not matter. */
bool reload_stun_peers_is_public(const struct reload_stun_peers *peers,
                                 const struct reload_address *address);

#endif
