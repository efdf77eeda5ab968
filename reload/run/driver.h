/* driver.h: drives one node on real sockets: tells it what happened and carries out its effects.
 *
 * Several drivers may share a loop. Effects are carried out after each call into the node that
 * comes from a socket or timer here, and at the end of each turn of the loop, so whoever calls a
 * verb of the node from a function of the loop need not do more.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_RUN_DRIVER_H
#define RELOAD_RUN_DRIVER_H

#include "reload/ice_agent.h"
#include "reload/loop.h"
#include "reload/node.h"
#include "reload/run/link_dtls.h"
#include "reload/run/link_tls.h"
#include "reload/run/udp.h"

struct reload_driver;

/* Keeps a node's records across restarts. What is put in one turn belongs together. */
struct reload_store_ops {
    /* An empty |value| forgets |key|. Both are borrowed for the call. */
    int (*put)(void *context, struct reload_bytes key, struct reload_bytes value);
    /* Called before anything is sent that may tell of what was put (D35: durable). May be NULL. */
    int (*sync)(void *context);
};

/* Told each EVENT effect. May call verbs of the node; may not free the driver. */
typedef void reload_driver_event_fn(void *argument, const struct reload_effect *event);

/* All pointers are borrowed and must outlive the driver. */
struct reload_driver_options {
    struct reload_loop *loop; /* one of loop_libevent.h */
    struct reload_node_options node;
    struct reload_address listen;     /* family 4 or 6; any address allowed; port 0: a free one, the
                                         same     for UDP and TCP */
    enum reload_link_protocol prefer; /* 0: the document's first */
    /* What an overlay with ICE needs (its document does not say no-ice); else NULL. */
    const struct reload_ice_ops *ice;
    reload_stun_answer_fn *stun; /* answers STUN on our UDP port; may be NULL */
    /* The TURN servers to use now, at most |max|; asked whenever candidates are gathered. May be
     * NULL: none. |relays_argument| is its |argument|, and that of the three functions behind it,
     * which may be NULL: they find out what the servers are worth. */
    size_t (*relays)(void *argument, struct reload_ice_relay *relays, size_t max);
    /* One that is to be tried now, by UDP; false: none. Asked at the end of each turn. */
    bool (*relay_untried)(void *argument, struct reload_ice_relay *relay);
    /* The verdict: by UDP and, unless it works, by TCP; where UDP is blocked by TCP alone. */
    void (*relay_tried)(void *argument, const struct reload_ice_relay *relay,
                        enum reload_relay_verdict verdict);
    /* What became of one of |relays|. */
    void (*relay_used)(void *argument, const struct reload_ice_relay *relay,
                       enum reload_relay_use use);
    void *relays_argument;
    const struct reload_store_ops *store; /* may be NULL */
    void *store_context;
    reload_driver_event_fn *event; /* may be NULL */
    void *argument;
};

/* Room for the reason of a failure. */
#define RELOAD_DRIVER_REASON_SIZE 200

/* reload_driver_new binds the sockets and makes the node; it does nothing before
 * reload_driver_start. On failure |reason|, of RELOAD_DRIVER_REASON_SIZE octets, says in one line
 * what is wrong. Returns 0, RELOAD_E_NOMEM, RELOAD_E_IO, or what the keyring and the node say. */
RELOAD_CHECKED int reload_driver_new(const struct reload_driver_options *options, char *reason,
                                     struct reload_driver **driver);

/* reload_driver_free closes all links and ends the node. With |relays| it turns the loop until they
 * are given back (4 s at most), so not from within a function of the loop; else not from within a
 * function that the driver called. NULL is allowed. */
void reload_driver_free(struct reload_driver *driver);

/* reload_driver_start resolves the document's bootstrap nodes (this may take seconds) and starts
 * the node with their addresses, our own left out. May be called again. */
RELOAD_CHECKED int reload_driver_start(struct reload_driver *driver);

/* reload_driver_is_unresolved tells whether the last reload_driver_start could not find the address
 * of some bootstrap node: worth another try when the node does not get in. */
bool reload_driver_is_unresolved(const struct reload_driver *driver);

/* reload_driver_turn carries out what the node asks for, now. */
void reload_driver_turn(struct reload_driver *driver);

/* reload_driver_sync carries out what the node asks for, and then waits until the records that came
 * of it are kept (reload_store_ops.sync). Whoever tells others of a Store, not by a message of the
 * node but in another way, calls it first: a node that is responsible itself sends nothing. */
void reload_driver_sync(struct reload_driver *driver);

struct reload_node *reload_driver_node(struct reload_driver *driver);

/* reload_driver_address returns where the node listens, with the port in use. */
const struct reload_address *reload_driver_address(const struct reload_driver *driver);

/* reload_driver_refresh puts into |info|, of one of the node's links, the pair that ICE uses now: a
 * better one than that which the link came up with may have been found since. Without ICE, and for
 * a link that is gone, nothing changes. */
void reload_driver_refresh(struct reload_driver *driver, struct reload_link_info *info);

/* A bootstrap node or peer that is asked how it sees us (6.5.1.4). */
struct reload_stun_server {
    struct reload_address address;
    struct reload_address seen; /* our address there; family 0: it has not answered */
};

/* reload_driver_stun_next walks them: start with |*cursor| 0. Returns false at the end. */
RELOAD_CHECKED bool reload_driver_stun_next(const struct reload_driver *driver, size_t *cursor,
                                            struct reload_stun_server *server);

struct reload_stun_counters {
    uint64_t received, answered;
    uint64_t dropped_malformed; /* or not for us */
    uint64_t dropped_busy;      /* too many, in all or from one address */
};

/* What overlay links and sockets did, for people. |udp| and |dtls| are NULL when the document
 * allows no DTLS, |tls| when it allows no TLS. */
struct reload_driver_counters {
    const struct reload_udp_counters *udp;
    const struct reload_dtls_counters *dtls;
    const struct reload_tls_counters *tls;
    struct reload_stun_counters stun;
    size_t links; /* overlay and application links that are up or being made */
};
struct reload_driver_counters reload_driver_counters(const struct reload_driver *driver);

#endif
