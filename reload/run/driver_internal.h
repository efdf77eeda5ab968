/* driver_internal.h: what the files of the driver share.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_RUN_DRIVER_INTERNAL_H
#define RELOAD_RUN_DRIVER_INTERNAL_H

#include "reload/run/driver.h"
#include "reload/run/stun_peers.h"

#include <sys/queue.h>

#define LINK_BUCKETS 1024 /* a power of two */
#define STUN_SOURCES 256  /* a power of two */
#define EARLY_MAX 65536   /* octets kept for an application's link that we do not expect yet */

/* One number of the node's. An overlay link has one from CONNECT or from its arrival on; an
 * application's link from GATHER on, with ICE both.
 *
 *   GATHERED --EXPECT--> EXPECTING --peer's handshake--> UP
 *       \----CONNECT---> CONNECTING --our handshake----> UP
 *        \----CHECK----> CONNECTING --a pair, then either's handshake--> UP
 */
enum driver_link_state {
    DRIVER_LINK_GATHERED,
    DRIVER_LINK_EXPECTING,
    DRIVER_LINK_CONNECTING,
    DRIVER_LINK_UP,
};

/* An application's link has sockets of its own, so that it is never taken for the overlay link
 * between the same two nodes. */
struct app_sockets {
    struct reload_udp *udp;
    struct reload_dtls *dtls;
    struct reload_tls *tls;
    struct reload_connection *early; /* the peer came before its answer to our AppAttach did */
    struct reload_link_peer early_peer;
    uint8_t early_hash[32]; /* of its certificate */
    uint8_t *early_octets;  /* records, each behind its size (size_t) */
    size_t early_size;
};

/* A link by ICE: DTLS over the one pair that an agent found. */
struct ice_session {
    struct reload_ice_agent *agent;
    struct reload_dtls *dtls; /* NULL before there is a pair */
    struct reload_address remote;
    struct reload_address stun; /* where the peer answers STUN, as it says; family 0: not */
    bool controlling;
    unsigned gathered_anew; /* how often, since its relays were of no use */
    bool relayed;           /* relays were asked for; once gathered: there is one */
    struct reload_ice_relay relays[RELOAD_ICE_RELAYS_MAX]; /* those */
    size_t relay_count;
    bool stun_dropped; /* for a relay that tells our address, too */
};

struct driver_link {
    struct reload_driver *driver;
    uint32_t id;
    uint16_t application;
    enum driver_link_state state;
    struct reload_connection *connection; /* UP, or the attempt under way */
    struct reload_node_id node_id;        /* whom to expect; zero: anybody */
    struct reload_offer *remote;          /* CONNECTING: owned */
    size_t next_candidate;
    reload_time deadline;
    struct reload_timer *retry; /* goes on when an attempt could not even begin */
    bool hasty;                 /* |retry| ends the attempt when nothing was heard until then */
    int error;                  /* of the last attempt */
    struct app_sockets *sockets;
    struct ice_session *ice;
    LIST_ENTRY(driver_link) in_bucket;
};

LIST_HEAD(driver_link_bucket, driver_link);

/* A token bucket. */
struct stun_bucket {
    uint32_t tokens;
    reload_time filled_at;
};

/* How often STUN requests are answered: in all, and for each (hashed) address that asks. */
struct stun_limits {
    struct stun_bucket all, sources[STUN_SOURCES];
    uint64_t seed;
};

struct reload_driver {
    struct reload_driver_options options;
    struct reload_node *node;
    struct reload_tls_context context;
    struct reload_udp *udp;
    struct reload_dtls *dtls;
    struct reload_tls *tls;
    struct reload_address address;
    enum reload_link_protocol protocols[2]; /* that the document allows, preferred first */
    size_t protocol_count;
    struct reload_timer *timer;
    struct reload_after *after;
    struct driver_link_bucket links[LINK_BUCKETS];
    size_t link_count;
    struct reload_ice_relay tried; /* by |trial| */
    struct reload_relay_trial *trial;
    size_t agents_alive; /* ICE agents, those that give back their relays among them */
    struct reload_stun_peers stun_peers;
    struct reload_timer *stun_timer; /* asks them; NULL without ICE */
    struct reload_udp *stun_other;   /* answers from another port; NULL until somebody wants one */
    struct stun_limits stun_limits;
    struct reload_stun_counters stun;
    struct reload_address refused; /* TCP was refused there, until |refused_until| */
    reload_time refused_until;
    bool turning;
    bool unsynced;   /* records were put since the store was last synced */
    bool unresolved; /* a bootstrap node's name, when it was last asked for */
};

reload_time driver_now(const struct reload_driver *driver);

/* ---- driver_link.c -------------------------------------------------------------------------- */

/* What the effects ask for. */
void driver_connect(struct reload_driver *driver, const struct reload_effect *effect);
void driver_expect(struct reload_driver *driver, const struct reload_effect *effect);
void driver_send(struct reload_driver *driver, const struct reload_effect *effect);
void driver_close(struct reload_driver *driver, const struct reload_effect *effect);

struct driver_link *driver_link_find(struct reload_driver *driver, uint32_t id);
struct driver_link *driver_link_new(struct reload_driver *driver, uint32_t id, uint16_t application,
                                    enum driver_link_state state);
/* Closes what it has and frees it; the node is not told. */
void driver_link_free(struct driver_link *link);
/* Tells the node that |link| is gone, for good. */
void driver_link_lose(struct driver_link *link, int error);
/* The same, from within an effect, for the link it is about; |link| may be NULL. */
void driver_refuse(struct reload_driver *driver, struct driver_link *link,
                   const struct reload_effect *effect, int error);
/* Gives up |link| at |at|, with link->error. Returns 0 or RELOAD_E_NOMEM. */
RELOAD_CHECKED int driver_link_give_up_at(struct driver_link *link, reload_time at);
/* |connection| is what |link| goes through from now on. */
void driver_link_carries(struct driver_link *link, struct reload_connection *connection);
/* The same, and the node is told that it is up. On an error |link| is gone, and who called for
 * |connection| closes it. */
RELOAD_CHECKED int driver_link_take(struct driver_link *link, struct reload_connection *connection,
                                    const struct reload_link_peer *peer);
bool driver_link_wants(const struct driver_link *link, const struct reload_identity *identity);

/* Users of the connections that peers open: to our own ports, to an application's. */
extern const struct reload_connection_user driver_incoming_user;
extern const struct reload_connection_user driver_app_user;

/* ---- driver_ice.c --------------------------------------------------------------------------- */

/* GATHER, with ICE; CHECK. */
void driver_ice_gather(struct reload_driver *driver, const struct reload_effect *effect);
void driver_ice_check(struct reload_driver *driver, const struct reload_effect *effect);
/* Ends |link|'s session, if it has one. */
void driver_ice_free(struct driver_link *link);
/* Turns the loop until the relays of all sessions that ended are given back. */
void driver_ice_drain(struct reload_driver *driver);

/* ---- driver_relay.c ------------------------------------------------------------------------- */

/* Begins to try a relay, when one is to be tried and no other is being tried. */
void driver_relay_turn(struct reload_driver *driver);
void driver_relay_fini(struct reload_driver *driver);
/* Takes what the relays of |ice| gave for |offer|, and tells of it. Returns false when the offer is
 * worth little, because of them: then it is to be gathered anew. */
bool driver_relay_gathered(struct reload_driver *driver, struct ice_session *ice,
                           const struct reload_offer *offer);
/* No link came about, although the other side has answered. */
void driver_relay_no_link(struct driver_link *link);

/* ---- driver_stun.c -------------------------------------------------------------------------- */

RELOAD_CHECKED int driver_stun_init(struct reload_driver *driver);
/* Its type fits reload_udp_fn. */
void driver_stun_recv(void *driver, const struct reload_address *from, struct reload_bytes bytes);
/* Takes the bootstrap nodes for STUN servers, and a peer while |link| is up. */
void driver_stun_servers(struct reload_driver *driver, const struct reload_candidate *candidates,
                         size_t count);
void driver_stun_add(struct reload_driver *driver, const struct reload_address *address,
                     uint32_t link);
void driver_stun_remove(struct reload_driver *driver, uint32_t link);
/* The one to ask now; family 0 when there is none. */
struct reload_address driver_stun_server(struct reload_driver *driver);
/* Whether UDP gets out of where we are, as far as we know. */
enum reload_stun_udp driver_stun_udp(const struct reload_driver *driver);
/* Says in |offer| where we answer STUN, when others can reach us there (D34). */
void driver_stun_announce(const struct reload_driver *driver, struct reload_offer *offer);

/* ---- driver_gather.c ------------------------------------------------------------------------ */

/* GATHER, No-ICE: our own addresses. */
void driver_gather(struct reload_driver *driver, const struct reload_effect *effect);

/* Writes the addresses that others can reach |bound| by; returns how many, at most |max|. */
size_t driver_addresses(const struct reload_address *bound, struct reload_address *addresses,
                        size_t max);

uint8_t driver_overlay_link(enum reload_link_protocol protocol);

/* ---- driver_bootstrap.c --------------------------------------------------------------------- */

/* Resolves the document's bootstrap nodes; returns how many candidates there are. */
size_t driver_resolve(struct reload_driver *driver, struct reload_candidate *candidates,
                      size_t max);

#endif
