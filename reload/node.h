/* node.h: one RELOAD node. It does no I/O: the driver (run/ or the simulator) feeds it what
 * happened and carries out the effects it asks for. RFC 6940 section 6.
 *
 * A turn is one call into the node followed by reload_node_poll until it returns false. Nothing
 * in here is thread-safe; different nodes share nothing.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_NODE_H
#define RELOAD_NODE_H

#include "reload/base/bytes.h"
#include "reload/base/error.h"
#include "reload/config.h"
#include "reload/env.h"
#include "reload/ice.h"
#include "reload/keyring.h"
#include "reload/wire/wire.h"

struct reload_node;
struct reload_topology_ops;
struct reload_usage_ops;

#define RELOAD_USAGES_MAX 8

/* All pointers are borrowed and must outlive the node. */
struct reload_node_options {
    const struct reload_env *env;
    const struct reload_config *config;
    struct reload_keyring *keyring;
    const struct reload_topology_ops *topology;
    const struct reload_usage_ops *usages[RELOAD_USAGES_MAX];
    void *usage_arguments[RELOAD_USAGES_MAX]; /* handed to each usage's init */
    size_t usage_count;
    bool client;     /* connects, stores and fetches, but never joins */
    bool first_node; /* may found the overlay when no bootstrap node answers (6.4.2.1) */
};

/* reload_node_new makes a node at monotonic time |now|; it does nothing before reload_node_start.
 * Returns 0, RELOAD_E_CONFIG (the document asks for what is not supported) or RELOAD_E_NOMEM. */
RELOAD_CHECKED int reload_node_new(const struct reload_node_options *options, reload_time now,
                                   struct reload_node **node);

/* reload_node_free ends |node| at once, without a word to anybody. Requests outstanding are not
 * completed. NULL is allowed. */
void reload_node_free(struct reload_node *node);

/* ---- what the driver tells ------------------------------------------------------------------ */

enum reload_framing {
    RELOAD_FRAMING_NONE,     /* whole messages, reliable: the simulator's message links */
    RELOAD_FRAMING_STREAM,   /* TLS: frames in order, nothing lost (6.6.5) */
    RELOAD_FRAMING_DATAGRAM, /* DTLS: one frame a datagram, Simple Reliability (6.6.3) */
};

/* The authenticated other end of a link. */
struct reload_link_peer {
    const struct reload_identity *identity; /* valid for the call */
    enum reload_framing framing;
    uint16_t mtu;                  /* DATAGRAM: octets that one frame may have, header included */
    reload_time rtt_ns;            /* measured in the handshake or by STUN; 0 when unknown */
    struct reload_address address; /* for people; family 0 when there is none */
    uint8_t overlay_link;          /* OverlayLinkType */
    uint8_t local_type;            /* CandType of the pair that ICE chose; 0 without ICE */
    uint8_t remote_type;
};

/* reload_node_recv feeds one frame (STREAM, DATAGRAM) or message (NONE) that arrived on |link|.
 * |bytes| is borrowed for the call.
 * Returns 0 (also when the content was dropped and counted), or a RELOAD_CLASS_LINK error when
 * |link| is not known or must go; the node then has ended it. RFC 6940 6.1, 6.6.2. */
int reload_node_recv(struct reload_node *node, uint32_t link, struct reload_bytes bytes,
                     reload_time now);

/* reload_node_link_incoming announces a link that a peer opened to our own port, authenticated.
 * It is either one that an Attach made us expect or an unannounced one (a joining node at its
 * bootstrap node, a client; 4.2.1). |*link| gets its number, never 0.
 * Returns 0, or RELOAD_E_FORBIDDEN, RELOAD_E_BUSY: close it. */
RELOAD_CHECKED int reload_node_link_incoming(struct reload_node *node,
                                             const struct reload_link_peer *peer, uint32_t *link,
                                             reload_time now);

/* reload_node_link_up tells that |link|, asked for by CONNECT, EXPECT or CHECK, stands.
 * Returns 0, or an error (wrong Node-ID, no longer wanted): close it; link_down is not called. */
RELOAD_CHECKED int reload_node_link_up(struct reload_node *node, uint32_t link,
                                       const struct reload_link_peer *peer, reload_time now);

/* reload_node_link_down tells that |link| failed, was closed by the other side, or could not be
 * made. |error| says why. The number is dead afterwards. */
void reload_node_link_down(struct reload_node *node, uint32_t link, int error, reload_time now);

/* reload_node_gathered answers a GATHER effect; |offer| NULL means that it failed. */
void reload_node_gathered(struct reload_node *node, uint32_t link, const struct reload_offer *offer,
                          reload_time now);

/* reload_node_config_changed tells that the list of bad nodes in the node's configuration has
 * changed: links to nodes that are on it now are ended at once (11.1). Their signatures are no
 * concern of this: the keyring reads the same list. */
void reload_node_config_changed(struct reload_node *node, reload_time now);

/* reload_node_restore gives back a record that an earlier node of this certificate asked to keep by
 * a PERSIST effect; before reload_node_start, in the order of the keys, octet by octet. It is
 * checked as if a peer had stored it here: what is torn, foreign, out of date or not allowed is
 * refused, and nothing else changes. |key| and |value| are borrowed. What is restored is held as
 * before, and goes where the ring wants it once the node has joined.
 * Returns 0; or RELOAD_E_MALFORMED, RELOAD_E_FORBIDDEN, RELOAD_E_EXPIRED, RELOAD_E_TOO_OLD,
 * RELOAD_E_TOO_LARGE: forget the record; or RELOAD_E_NOMEM (keep it), RELOAD_E_USAGE (started). */
RELOAD_CHECKED int reload_node_restore(struct reload_node *node, struct reload_bytes key,
                                       struct reload_bytes value, reload_time now);

/* reload_node_next_timeout returns when reload_node_timeout wants to be called, or RELOAD_NEVER. */
reload_time reload_node_next_timeout(const struct reload_node *node);

/* reload_node_timeout does what is due at |now|. Calling it early does nothing. */
void reload_node_timeout(struct reload_node *node, reload_time now);

/* ---- what the node asks for ----------------------------------------------------------------- */

enum reload_effect_type {
    RELOAD_EFFECT_SEND,    /* write |bytes| on |link| */
    RELOAD_EFFECT_GATHER,  /* gather candidates for |link|; answer by reload_node_gathered */
    RELOAD_EFFECT_CONNECT, /* open |link| to the best of |remote|'s candidates, as (D)TLS client */
    RELOAD_EFFECT_EXPECT,  /* the peer will connect |link| to us, as (D)TLS client */
    RELOAD_EFFECT_CHECK,   /* ICE: |remote| is known; check, then handshake in |role| */
    RELOAD_EFFECT_CLOSE,   /* close |link| in good order; its number is dead */
    RELOAD_EFFECT_PERSIST, /* keep (or forget, |value| empty) |value| under |key|; see below */
    RELOAD_EFFECT_EVENT,   /* something that the program may want to know */
};

#define RELOAD_PERSIST_KEY_MAX 320

enum reload_event {
    RELOAD_EVENT_JOINED,       /* we are part of the ring (or, a client, connected) */
    RELOAD_EVENT_LEFT,         /* reload_node_leave is done: free the node */
    RELOAD_EVENT_LINK_UP,      /* |link|, |node_id| */
    RELOAD_EVENT_LINK_DOWN,    /* |link|, |node_id|, |error| */
    RELOAD_EVENT_DISCONNECTED, /* no link to the overlay is left; trying again */
    RELOAD_EVENT_JOIN_FAILED,  /* |error|; trying again after a pause. With |node_id|: no link to
                                * that neighbour can be made, a client until then (D29) */
    RELOAD_EVENT_CLONE,        /* another node uses our Node-ID (attack row T3) */
};

/* PERSIST: |key| has 1..RELOAD_PERSIST_KEY_MAX octets, reload/core/record.h says what records are.
 * Those of one request come one behind the other within one turn, and before the SEND that answers
 * it: a driver that writes what has come as one transaction, before a SEND or at the end of a turn
 * or later, never keeps half of a request. Half of one does no harm: what remains is checked.
 *
 * Pointers inside are valid until the next call into the node. |application| is 0 for an overlay
 * link and the Application-ID for one that AppAttach made: its bytes go between the driver and
 * the usage by reload/app_link.h, never through the node. */
struct reload_effect {
    enum reload_effect_type type;
    uint32_t link;
    uint16_t application;
    struct reload_node_id node_id;     /* whom to expect; zero when anybody (bootstrap) */
    struct reload_bytes bytes;         /* SEND */
    const struct reload_offer *remote; /* CONNECT, EXPECT, CHECK */
    bool controlling; /* GATHER, CHECK: ICE role; the controlling side is (D)TLS server */
    struct reload_bytes key, value; /* PERSIST */
    enum reload_event event;        /* EVENT */
    int error;                      /* EVENT */
};

/* reload_node_poll fills |*effect| with the next thing to do, in order. Returns false when there
 * is none. */
RELOAD_CHECKED bool reload_node_poll(struct reload_node *node, struct reload_effect *effect,
                                     reload_time now);

/* ---- verbs ---------------------------------------------------------------------------------- */

/* reload_node_start connects to a bootstrap node and, unless the node is a client, joins (10.5,
 * 11.4). |bootstrap| are the resolved addresses of the document's bootstrap nodes, ours left out;
 * they are copied. EVENT_JOINED or EVENT_JOIN_FAILED follow. May be called again with new
 * addresses. Returns 0 or RELOAD_E_USAGE. */
RELOAD_CHECKED int reload_node_start(struct reload_node *node,
                                     const struct reload_candidate *bootstrap, size_t count,
                                     reload_time now);

/* reload_node_leave leaves in good order: first the usages (usage.h), with half of the time at
 * most, then the topology (10.9). EVENT_LEFT follows within 3 seconds. */
void reload_node_leave(struct reload_node *node, reload_time now);

/* Whether a Fetch reads replicas beside what the responsible peer has (10.4, D92). */
enum reload_replicas {
    RELOAD_REPLICAS_NONE,
    RELOAD_REPLICAS_IF_NEEDED, /* no answer within overlay-reliability-timer, or a Kind misses */
    RELOAD_REPLICAS_ALL,       /* at once: who is responsible may have old values */
};

/* A destination: the entries of a Destination List, in order. */
#define RELOAD_ROUTE_ENTRIES_MAX 8
#define RELOAD_COPIES_MAX 8
struct reload_route {
    struct reload_destination entries[RELOAD_ROUTE_ENTRIES_MAX];
    size_t count;
    uint32_t first_link; /* send the first hop over this link; 0 routes normally */
    bool stays_on_link;  /* never over another one: the request ends when the link has gone */
    bool any_responder;  /* the answer of a Resource-ID's node may come from anybody: not to be
                            believed, only a hint whom to ask (D5) */
    uint8_t copies;      /* send it through so many first hops at once, of which one or another may
                            misbehave (13.6, D50); at most RELOAD_COPIES_MAX, 0 and 1: one */
    bool iterative;      /* ask peer by peer for the way instead of leaving it to them (6.4.2.4,
                            D50): a single entry; 15 seconds more at most; not in copies */
    enum reload_replicas replicas; /* of reload_node_fetch_along to a Resource-ID, not iterative */
};

/* reload_route_to_node and reload_route_to_resource make a route with a single entry.
 * |resource| is borrowed until the request is made. */
struct reload_route reload_route_to_node(const struct reload_node_id *node_id);
struct reload_route reload_route_to_resource(struct reload_bytes resource);

/* reload_route_append adds a last entry for a Node-ID. Returns false when the route is full. */
RELOAD_CHECKED bool reload_route_append_node(struct reload_route *route,
                                             const struct reload_node_id *node_id);
RELOAD_CHECKED bool reload_route_append_resource(struct reload_route *route,
                                                 struct reload_bytes resource);

/* How a request ended. |error| is 0 (an answer came), RELOAD_E_REFUSED (an authenticated error
 * answer: |error_code|, |error_info|), RELOAD_E_TIMEOUT, RELOAD_E_UNREACHABLE, RELOAD_E_CLOSED
 * (the node is ending). Pointers are valid for the call. RFC 6940 6.3.3.1. */
struct reload_result {
    int error;
    uint16_t error_code;
    struct reload_bytes error_info;
    const struct reload_message *message;    /* the verified answer */
    const struct reload_identity *responder; /* its signer */
    struct reload_node_id responder_id;
    uint32_t link; /* it came by this link */
    unsigned hops; /* links that it took to the responder and back, halved;
                      0 when unknown */
    reload_time elapsed_ns;
    unsigned discarded; /* _fetch, _stat, _find: parts of the answer that were left out (7.4.2.2) */
};

/* Called once for each request, from within reload_node_recv, _timeout or _poll, never from within
 * the verb that made the request: it may call any verb. */
typedef void reload_result_fn(void *argument, const struct reload_result *result, reload_time now);

/* reload_node_request signs and sends a request of code |code| with |body| (the encoded message
 * body, copied) along |route|, retransmits it end to end, five tries in all, and checks the answer
 * (6.2.1, 6.3.4). |done| may be NULL. |*request| gets a number for reload_node_cancel; may be NULL.
 * Returns 0, RELOAD_E_BUSY (too many outstanding), RELOAD_E_TOO_LARGE, RELOAD_E_NOMEM,
 * RELOAD_E_USAGE (no request's code, or no route: a Resource-ID may only stand last); |done| is
 * called only after 0. With several copies the first success counts; each is carried out, so that
 * requests that change something should not have them. */
RELOAD_CHECKED int reload_node_request(struct reload_node *node, const struct reload_route *route,
                                       uint16_t code, struct reload_bytes body,
                                       reload_result_fn *done, void *argument, reload_time now,
                                       uint64_t *request);

/* reload_node_request_certified is reload_node_request for a body that contains values which other
 * nodes signed: |certificates| (DER, at most RELOAD_CERTIFICATES_MAX) go into the security block.
 */
RELOAD_CHECKED int reload_node_request_certified(struct reload_node *node,
                                                 const struct reload_route *route, uint16_t code,
                                                 struct reload_bytes body,
                                                 const struct reload_bytes *certificates,
                                                 size_t certificate_count, reload_result_fn *done,
                                                 void *argument, reload_time now);

/* reload_node_ping sends a Ping (6.5.3) along |route|. With |extension| not 0 it carries a
 * MessageExtension of that type, not critical, with |content| (copied), for a usage at the other
 * end (usage.h); its answer is found by reload_message_extension. Returns as reload_node_request.
 */
RELOAD_CHECKED int reload_node_ping(struct reload_node *node, const struct reload_route *route,
                                    uint16_t extension, struct reload_bytes content,
                                    reload_result_fn *done, void *argument, reload_time now);

/* reload_message_extension finds the first MessageExtension of |type| in |message|; |*content|
 * points into the message. Returns false when there is none. RFC 6940 6.3.3. */
RELOAD_CHECKED bool reload_message_extension(const struct reload_message *message, uint16_t type,
                                             struct reload_bytes *content);

/* reload_node_cancel forgets a request; its function is not called. */
void reload_node_cancel(struct reload_node *node, uint64_t request);

/* reload_node_attach makes an overlay link to the node at the end of |route| (6.5.1), to be used
 * for routing to that node. |done| gets the link's number when it stands, and the peer's Node-ID.
 * With |send_update| the peer sends an Update when it stands. |error| is also RELOAD_E_IN_PROGRESS
 * (the peer's own Attach goes on in its place, 6.5.1.2) or RELOAD_E_BUSY (the peer has too much to
 * do, D46). Returns as reload_node_request. */
typedef void reload_attach_fn(void *argument, int error, uint32_t link,
                              const struct reload_node_id *node_id, reload_time now);
RELOAD_CHECKED int reload_node_attach(struct reload_node *node, const struct reload_route *route,
                                      bool send_update, reload_attach_fn *done, void *argument,
                                      reload_time now);

/* reload_node_app_attach makes an application's own link for |application| (6.5.2). */
RELOAD_CHECKED int reload_node_app_attach(struct reload_node *node,
                                          const struct reload_route *route, uint16_t application,
                                          reload_attach_fn *done, void *argument, reload_time now);

/* reload_node_close closes |link| in good order. */
void reload_node_close(struct reload_node *node, uint32_t link, reload_time now);

/* ---- storing and fetching (RFC 6940 7) ------------------------------------------------------ */

/* One value to store, or a removal of one (|exists| false, |value| empty; 7.4.1.3). */
struct reload_store_value {
    uint32_t kind;
    uint32_t index;          /* ARRAY: 0xffffffff appends */
    struct reload_bytes key; /* DICTIONARY */
    struct reload_bytes value;
    bool exists;
    uint32_t lifetime_s;
    uint64_t generation; /* 0 stores regardless of the counter */
};

#define RELOAD_STORE_VALUES_MAX 32

/* reload_node_store signs |values| and stores them at |resource| (7.4.1), those of one Kind side by
 * side in the array. storage_time is now, or just above the newest that this node gave or saw
 * there. |done| gets the StoreAns as message. Returns as reload_node_request, or
 * RELOAD_E_UNKNOWN_KIND, RELOAD_E_USAGE. */
RELOAD_CHECKED int reload_node_store(struct reload_node *node, struct reload_bytes resource,
                                     const struct reload_store_value *values, size_t count,
                                     reload_result_fn *done, void *argument, reload_time now);

/* What to fetch or stat of one Kind; by the Kind's data model: everything of a SINGLE value;
 * |first|..|last| of an ARRAY; one |key| of a DICTIONARY or, with |all_keys|, every one. */
struct reload_fetch_specifier {
    uint32_t kind;
    uint64_t generation; /* only if newer than this; 0 always */
    uint32_t first, last;
    struct reload_bytes key;
    bool all_keys;
};

#define RELOAD_FETCH_SPECIFIERS_MAX 16

/* One value that came back, its signature and its signer's right to store it checked (7.3). */
struct reload_fetched_value {
    uint32_t kind;
    uint64_t generation;
    uint32_t index;
    struct reload_bytes key;
    struct reload_bytes value;
    bool exists;
    uint64_t storage_time_ms;
    uint32_t lifetime_s;
    const struct reload_identity *signer; /* NULL for a synthesised "does not exist" */
};

/* Values are handed over one by one before |done|; values that do not verify are left out and
 * counted. */
typedef void reload_value_fn(void *argument, const struct reload_fetched_value *value,
                             reload_time now);

/* reload_node_fetch fetches from |resource| (7.4.2). Returns as reload_node_store. */
RELOAD_CHECKED int reload_node_fetch(struct reload_node *node, struct reload_bytes resource,
                                     const struct reload_fetch_specifier *specifiers, size_t count,
                                     reload_value_fn *each, reload_result_fn *done, void *argument,
                                     reload_time now);

/* reload_node_fetch_along fetches what is stored at |resource| along |route|: to a Node-ID it reads
 * what that peer holds, replicas too (D26). To the resource with several copies (D50) or with
 * replicas (D92) it hears several answers: a place is told of again when a later one has a newer
 * value there, and |done| gets no message. That there is no value only the responsible peer says.
 * RELOAD_E_USAGE for replicas when the topology cannot find them. */
RELOAD_CHECKED int reload_node_fetch_along(struct reload_node *node,
                                           const struct reload_route *route,
                                           struct reload_bytes resource,
                                           const struct reload_fetch_specifier *specifiers,
                                           size_t count, reload_value_fn *each,
                                           reload_result_fn *done, void *argument, reload_time now);

/* What a peer says of one value, without the value (7.4.3): nobody signed this. */
struct reload_stat_value {
    uint32_t kind;
    uint64_t generation;
    uint32_t index;
    struct reload_bytes key;
    bool exists;
    uint32_t value_size; /* octets */
    uint8_t hash_algorithm;
    struct reload_bytes hash; /* empty when |exists| is false */
    uint64_t storage_time_ms;
    uint32_t lifetime_s;
};

typedef void reload_stat_fn(void *argument, const struct reload_stat_value *value, reload_time now);

/* reload_node_stat asks for the metadata of what reload_node_fetch would fetch (7.4.3). Answers are
 * checked in the same way: what was not asked for is left out and counted. Returns as
 * reload_node_store. */
RELOAD_CHECKED int reload_node_stat(struct reload_node *node, struct reload_bytes resource,
                                    const struct reload_fetch_specifier *specifiers, size_t count,
                                    reload_stat_fn *each, reload_result_fn *done, void *argument,
                                    reload_time now);

#define RELOAD_FIND_KINDS_MAX 16

/* One Kind's answer to a Find: |resource| is the closest Resource-ID at that peer which has the
 * Kind; empty when it has none. */
typedef void reload_find_fn(void *argument, uint32_t kind, struct reload_bytes resource,
                            reload_time now);

/* reload_node_find asks the peer responsible for |resource| where it has values of |kinds|, each
 * named once (7.4.4, D25). |each| is called for Kinds that were asked for, at most once each,
 * before |done|. Returns as reload_node_store. */
RELOAD_CHECKED int reload_node_find(struct reload_node *node, struct reload_bytes resource,
                                    const uint32_t *kinds, size_t count, reload_find_fn *each,
                                    reload_result_fn *done, void *argument, reload_time now);

/* reload_node_resource hashes |name| to a Resource-ID by the topology's rule (10.2). |resource| has
 * 20 octets; |*size| gets how many are used. */
RELOAD_CHECKED int reload_node_resource(struct reload_node *node, struct reload_bytes name,
                                        uint8_t *resource, size_t *size);

/* ---- what programs, topologies and usages may look at -----------------------------------------
 */

const struct reload_env *reload_node_env(const struct reload_node *node);
const struct reload_config *reload_node_config(const struct reload_node *node);
struct reload_keyring *reload_node_keyring(const struct reload_node *node);
const struct reload_wire *reload_node_wire(const struct reload_node *node);
const struct reload_node_id *reload_node_id(const struct reload_node *node);

/* Whether the node is part of the overlay (a client: connected to it), whether it is a peer of it
 * (not a client, not even for the time being: D29), and whether it is to be a client only. */
bool reload_node_joined(const struct reload_node *node);
bool reload_node_is_peer(const struct reload_node *node);
bool reload_node_is_client(const struct reload_node *node);

/* The state of the |usage|-th usage and of the topology, as their init got them. */
void *reload_node_usage(struct reload_node *node, size_t usage);
void *reload_node_topology(struct reload_node *node);

/* How a link came to be. */
enum reload_link_origin {
    RELOAD_LINK_ORIGIN_BOOTSTRAP,   /* we connected to a bootstrap node */
    RELOAD_LINK_ORIGIN_ATTACH,      /* we sent the Attach */
    RELOAD_LINK_ORIGIN_ATTACHED,    /* the peer sent it */
    RELOAD_LINK_ORIGIN_UNANNOUNCED, /* the peer connected to our port (4.2.1) */
};

/* A link, for people and for topologies. */
struct reload_link_info {
    uint32_t link;
    struct reload_node_id node_id;
    struct reload_address address;
    uint8_t overlay_link;
    uint8_t local_type, remote_type; /* CandType of the pair that ICE chose; 0 without ICE */
    enum reload_link_origin origin;
    int last_error; /* why the last link to this node ended or did not come up; 0: none did */
    bool up;
    bool suspect;       /* no acknowledgement for long: not to be routed through (6.6.3.1) */
    reload_time rtt_ns; /* smoothed; 0 when not measured yet */
    reload_time since;  /* up since */
    uint64_t bytes_sent, bytes_received, messages_sent, messages_received;
};

/* reload_node_link_next walks all overlay links that are up: start with |*cursor| 0. Returns false
 * at the end. The order is that of the link table, the same for the same history. */
RELOAD_CHECKED bool reload_node_link_next(const struct reload_node *node, size_t *cursor,
                                          struct reload_link_info *info);

/* reload_node_link_to returns the link that is up to |node_id|, or 0. */
uint32_t reload_node_link_to(const struct reload_node *node, const struct reload_node_id *node_id);

/* Counters since the node was made: what was dropped and why, what was done. One X-macro row each:
 * field name, text for people. */
#define RELOAD_COUNTERS(X)                                                                         \
    X(messages_received, "messages received")                                                      \
    X(messages_sent, "messages sent")                                                              \
    X(messages_forwarded, "messages forwarded")                                                    \
    X(bytes_received, "bytes received")                                                            \
    X(bytes_sent, "bytes sent")                                                                    \
    X(frames_retransmitted, "frames retransmitted")                                                \
    X(frames_given_up, "frames given up on links that live")                                       \
    X(requests_sent, "requests sent")                                                              \
    X(requests_retransmitted, "requests retransmitted")                                            \
    X(requests_answered, "requests answered by us")                                                \
    X(requests_timed_out, "requests without answer")                                               \
    X(errors_sent, "error answers sent")                                                           \
    X(dropped_malformed, "dropped: malformed")                                                     \
    X(dropped_overlay, "dropped: wrong token, overlay or version")                                 \
    X(dropped_signature, "dropped: bad signature")                                                 \
    X(dropped_certificate, "dropped: bad certificate")                                             \
    X(dropped_flood, "dropped unverified: too many bad signatures that way")                       \
    X(dropped_destination, "dropped: destination list")                                            \
    X(dropped_ttl, "dropped: time to live")                                                        \
    X(dropped_no_route, "dropped: no route")                                                       \
    X(dropped_unsolicited, "dropped: answer to nothing")                                           \
    X(dropped_wrong_responder, "dropped: answer from a wrong node")                                \
    X(dropped_duplicate, "dropped: duplicates")                                                    \
    X(dropped_fragment, "dropped: fragments")                                                      \
    X(dropped_repeated, "dropped: the same waits for a slow link")                                 \
    X(dropped_late, "dropped: waited too long for a slow link")                                    \
    X(dropped_busy, "dropped: a bound was reached")                                                \
    X(dropped_frame, "dropped: bad frames")                                                        \
    X(values_stored, "values stored")                                                              \
    X(values_rejected, "values rejected")                                                          \
    X(values_discarded, "fetched values discarded")

struct reload_counters {
#define X(name, text) uint64_t name;
    RELOAD_COUNTERS(X)
#undef X
};

const struct reload_counters *reload_node_counters(const struct reload_node *node);

#endif
