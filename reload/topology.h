/* topology.h: an overlay algorithm, as a plug-in of the core (RFC 6940 6.4.1).
 *
 * Besides what is declared here, a topology may use all verbs of reload/node.h.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOPOLOGY_H
#define RELOAD_TOPOLOGY_H

#include "reload/node.h"

/* At most so many replicas beside the responsible peer. */
#define RELOAD_REPLICAS_MAX 8

/* A request that reached us: decoded, signature and signer verified. Valid for the call. */
struct reload_incoming {
    const struct reload_message *message;
    const struct reload_identity *signer;
    struct reload_node_id signer_id;
    uint32_t link;                 /* it came by this link */
    struct reload_node_id link_id; /* whose other end is this node */
    bool from_signer;              /* |link| is bound to |signer_id| (D3) */
    bool to_wildcard;
};

enum reload_hop {
    RELOAD_HOP_SELF, /* this node is responsible */
    RELOAD_HOP_LINK, /* forward to |*next|, which is linked */
    RELOAD_HOP_NONE, /* no way */
};

/* State is |size| zeroed bytes that the core allocates. No slot may keep static state. All slots
 * run inside a turn of the node and may call the verbs of node.h. */
struct reload_topology_ops {
    const char *name; /* as in the configuration document's topology-plugin */
    size_t size;

    /* Checks what the document asks for. 0 or RELOAD_E_CONFIG. */
    int (*init)(void *state, struct reload_node *node, reload_time now);
    void (*fini)(void *state);

    /* A bootstrap node |link| is up: join through it (a client only learns the way). Called again
     * when a new attempt is made. The topology calls reload_topology_joined at the end, or
     * reload_topology_failed. */
    void (*join)(void *state, uint32_t link, reload_time now);
    /* We found the overlay: be responsible for everything. */
    void (*found)(void *state, reload_time now);
    /* Leave in good order (send Leaves, hand over); the core waits at most 3 s. */
    void (*leave)(void *state, reload_time now);

    /* Where to send a message for |id| (a Node-ID, or a Resource-ID in its first octets). On the
     * forwarding path: may not allocate. |from| is the link it came by, 0 when it is our own: never
     * choose it. Links that are not up are never chosen. */
    enum reload_hop (*next_hop)(void *state, const struct reload_node_id *id, uint32_t from,
                                struct reload_node_id *next);
    /* Up to |max| linked peers through which a message for |id| may go different ways, the best
     * first, suspects left out (D50). May be NULL: any. Returns their number. */
    size_t (*first_hops)(void *state, const struct reload_node_id *id, struct reload_node_id *hops,
                         size_t max);
    bool (*is_responsible)(void *state, const struct reload_node_id *id);
    /* Whether an answer for resource |id| may come from |responder| (6.3.4, second rule). */
    bool (*is_plausible)(void *state, const struct reload_node_id *id,
                         const struct reload_node_id *responder);
    /* The peers that hold replicas of what we are responsible for, at most RELOAD_REPLICAS_MAX. */
    size_t (*replicas)(void *state, const struct reload_node_id *id,
                       struct reload_node_id *node_ids);
    /* Whether |sender| may store a replica of resource |id| at this node (10.4, S5). */
    bool (*accepts_replica)(void *state, const struct reload_node_id *id,
                            const struct reload_node_id *sender);
    /* Whether this node should still keep resource |id|, as responsible peer or replica (10.7.3).
     */
    bool (*keeps)(void *state, const struct reload_node_id *id);
    /* Who is responsible for resource |id|, of which this node holds a replica: |*owner|, if that
     * is known. May be NULL: never. */
    bool (*owner)(void *state, const struct reload_node_id *id, struct reload_node_id *owner);
    /* Links with |peer|, who is responsible for what this node must hand over, and takes it from
     * nobody whom it does not know. May be NULL: nothing is done. */
    void (*meet)(void *state, const struct reload_node_id *peer, reload_time now);
    /* Whether |peer| is to get copies by a push that is under way, or later. May be NULL: no. */
    bool (*copies_later)(void *state, const struct reload_node_id *peer);
    /* The hash of |name|: a Resource-ID of at most 20 octets. */
    int (*resource_id)(void *state, struct reload_bytes name, uint8_t *resource, size_t *size);
    /* The share of the overlay that we are responsible for, in parts per billion (6.4.2.5). */
    uint32_t (*responsible_ppb)(void *state);

    /* An overlay link came up or went down (|error|: why). |wants_update|: the peer asked for an
     * Update when it attached (6.4.2.3): send it now. A node that is linked already may come up
     * again: the new link has taken the place of the old one, for which no link_down is called
     * (D27), or (same number) only the wish for an Update is new. */
    void (*link_up)(void *state, uint32_t link, const struct reload_node_id *node_id,
                    bool wants_update, reload_time now);
    void (*link_down)(void *state, uint32_t link, const struct reload_node_id *node_id, int error,
                      reload_time now);
    /* The link is suspect (no acknowledgement, 6.6.3.1) or trusted again. */
    void (*link_suspect)(void *state, uint32_t link, const struct reload_node_id *node_id,
                         bool suspect, reload_time now);

    /* Join, Leave, Update, RouteQuery. Writes the answer's body into |answer| and returns 0, or
     * returns a RELOAD_E_* that becomes an error answer (reload/core/error_code.h): FORBIDDEN,
     * NOT_FOUND, MALFORMED, BUSY ... */
    int (*recv)(void *state, const struct reload_incoming *incoming, struct reload_writer *answer,
                reload_time now);

    /* Reads the answer to a RouteQuery (6.4.2.4.2): to whom that peer would send the message,
     * itself when it is responsible. 0 or RELOAD_E_MALFORMED. May be NULL: no iterative routing. */
    int (*query_answer)(void *state, struct reload_bytes body, struct reload_node_id *next);

    /* For whoever reads the replicas of a resource without help of the responsible peer (D92). All
     * three may be NULL: then it cannot be done. */
    /* The |i|-th of some places near |resource|, at which peers are met that know those who hold
     * it: first those behind it, each farther than the one before, then (|*is_before|) those before
     * it. Returns false when |i| is beyond the last. */
    bool (*place_near)(void *state, const struct reload_node_id *resource, unsigned i,
                       struct reload_node_id *place, bool *is_before);
    /* A place such that a peer who knows the one before |id| tells of it when asked for the way. */
    struct reload_node_id (*place_before)(void *state, const struct reload_node_id *id);
    /* Whether |a| holds |resource| rather than |b|: the first of all is responsible for it. */
    bool (*is_nearer)(void *state, const struct reload_node_id *resource,
                      const struct reload_node_id *a, const struct reload_node_id *b);

    reload_time (*next_timeout)(void *state);
    void (*timeout)(void *state, reload_time now);

    /* For people: a JSON object with the tables (neighbours, fingers). May be NULL. */
    void (*print)(void *state, struct reload_json *json, reload_time now);
};

/* ---- what a topology may ask of the core, beside node.h ----------------------------------------
 */

/* reload_topology_joined tells that this node is part of the overlay now. */
void reload_topology_joined(struct reload_node *node, reload_time now);

/* reload_topology_stays_client tells that this node, which would be a peer, is a client for now: no
 * link to |unreachable|, which would be its neighbour, can be made (D29). The program hears
 * RELOAD_EVENT_JOIN_FAILED with RELOAD_E_UNREACHABLE and that Node-ID, then RELOAD_EVENT_JOINED (a
 * client is connected, too), and once more when reload_topology_joined says that it is a peer. */
void reload_topology_stays_client(struct reload_node *node,
                                  const struct reload_node_id *unreachable, reload_time now);

/* reload_topology_failed tells that this attempt to join failed; the core tries again later.
 * |error| is RELOAD_E_UNREACHABLE when no peer of the overlay was met at all, only nodes that are
 * looking for it themselves (all of them may have restarted): the next bootstrap node is tried at
 * once, and a first-node may found the overlay (D54). */
void reload_topology_failed(struct reload_node *node, int error, reload_time now);

/* reload_topology_rejoin tells that we fell out of the overlay: the core looks for a bootstrap node
 * and calls |join| again (10.7.1). */
void reload_topology_rejoin(struct reload_node *node, reload_time now);

/* reload_topology_peer_met tells that a peer was met while we are out of the overlay: the core does
 * not wait any longer before it calls |join|. */
void reload_topology_peer_met(struct reload_node *node, reload_time now);

/* reload_topology_mark_peer tells whether |link| leads to a peer of the overlay. When such a link
 * ends, where it led to is remembered: when no bootstrap node helps we look for the overlay there
 * (11.4). */
void reload_topology_mark_peer(struct reload_node *node, uint32_t link, bool is_peer);

/* reload_topology_bootstrap asks for a link to a bootstrap node, for the search for partitions
 * (10.7.4.4), or to a peer of before, when there is no bootstrap node or no link is left. |done|
 * gets link 0 and an error when nobody answers or we are the only one; a link and
 * RELOAD_E_UNREACHABLE when it stands, but another node that was asked earlier did not answer. */
RELOAD_CHECKED int reload_topology_bootstrap(struct reload_node *node, reload_attach_fn *done,
                                             void *argument, reload_time now);

/* reload_topology_push stores all values of the resources in (|after|, |upto|] (the whole ring when
 * they are equal) at |target| by Store requests addressed to it, with |replica_number| (0: target
 * becomes responsible; 1..: it holds a replica), a few at a time. |done| is called when all were
 * answered, with the first error or 0. When the link with |target| ends meanwhile nothing more is
 * sent, and the error is RELOAD_E_CLOSED if there was none before. */
typedef void reload_push_fn(void *argument, int error, reload_time now);
RELOAD_CHECKED int reload_topology_push(struct reload_node *node,
                                        const struct reload_node_id *target,
                                        const struct reload_node_id *after,
                                        const struct reload_node_id *upto, uint8_t replica_number,
                                        reload_push_fn *done, void *argument, reload_time now);

/* reload_topology_holds_data tells whether anything is stored here. */
bool reload_topology_holds_data(const struct reload_node *node);

/* reload_topology_changed tells that responsibility or replica sets changed: the core drops what
 * |keeps| denies after a while (values not known elsewhere are pushed first, 6.4.2.3). */
void reload_topology_changed(struct reload_node *node, reload_time now);

/* reload_topology_probe asks the link's framing layer for a sign of life within |limit_ns|
 * (D23): the link goes down when none comes. */
void reload_topology_probe(struct reload_node *node, uint32_t link, reload_time limit_ns,
                           reload_time now);

/* reload_topology_watch wants |link| to go down when its peer was silent for |limit_ns| (D23, D80),
 * from now on: each frame that comes is a sign of life, and only before the time is over one is
 * asked for. The last call counts; calling it again costs nothing. */
void reload_topology_watch(struct reload_node *node, uint32_t link, reload_time limit_ns,
                           reload_time now);

#endif
