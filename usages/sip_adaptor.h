/* sip_adaptor.h: a registrar and proxy for ordinary phones at one node: their SIP by UDP and TCP on
 * a local address, the overlay's by application links.
 *
 * REGISTER becomes a Store (lifetime = expires). Requests of a phone to an overlay address are
 * forwarded to the nodes that a lookup finds, requests that come over a link to the phones
 * registered here. A stateful proxy of RFC 3261 16 that forks, with Record-Route, so that a
 * dialog's later requests take the same way.
 *
 * Whose call it is (D32): a phone's From must be the node's own user, a link's the user in its
 * certificate; later requests must belong to a dialog with the same node, phone and addresses,
 * proved by a sealed token in the Record-Route.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_USAGES_SIP_ADAPTOR_H
#define RELOAD_USAGES_SIP_ADAPTOR_H

#include "reload/loop.h"
#include "usages/media_relay.h"
#include "usages/sip_overlay.h"

struct reload_sip_adaptor;

/* All pointers are borrowed and must outlive the adaptor, |address| only the call that makes it. */
struct reload_sip_adaptor_options {
    struct reload_loop *loop;
    const struct reload_env *env;
    const struct reload_sip_overlay_ops *overlay_ops; /* &reload_sip_overlay */
    void *overlay;                                    /* the node's struct reload_sip */
    struct reload_address address; /* where phones are served; port 0: a free one */
    bool registrar, proxy;         /* the roles; at least one */
    bool remote_phones;            /* also phones that are not on this host */
    const char *password;          /* asked for by Digest (RFC 3261 22); NULL or "": none is */
    /* Media of phones that do not speak ICE is relayed over these links; NULL: it is not. */
    const struct reload_media_ops *media_ops; /* &reload_media_overlay */
    void *media;                              /* the node's struct reload_media */
};

/* reload_sip_adaptor_new binds a UDP and a TCP socket and becomes the overlay's SIP handler. Phones
 * that are not on this host are served only with |remote_phones|, and then |password| must be set.
 * On failure |reason|, of |reason_size| octets, gets a line for people. Returns 0, RELOAD_E_IO,
 * RELOAD_E_CONFIG, RELOAD_E_NOMEM. */
RELOAD_CHECKED int reload_sip_adaptor_new(const struct reload_sip_adaptor_options *options,
                                          char *reason, size_t reason_size,
                                          struct reload_sip_adaptor **adaptor);

/* reload_sip_adaptor_free ends all transactions without a word and closes the sockets. The node
 * must still be there. NULL is allowed. */
void reload_sip_adaptor_free(struct reload_sip_adaptor *adaptor);

/* reload_sip_adaptor_address returns where phones are served, with the port in use. */
const struct reload_address *reload_sip_adaptor_address(const struct reload_sip_adaptor *adaptor);

/* Counters since the begin. One row each: field, text for people. */
#define RELOAD_SIP_ADAPTOR_COUNTERS(X)                                                             \
    X(requests_from_phones, "requests from phones")                                                \
    X(requests_from_links, "requests from other nodes")                                            \
    X(requests_forwarded, "requests forwarded")                                                    \
    X(responses_forwarded, "responses forwarded")                                                  \
    X(retransmissions, "retransmissions sent")                                                     \
    X(calls_placed, "calls placed")                                                                \
    X(calls_answered, "calls answered")                                                            \
    X(registers, "registrations of phones")                                                        \
    X(refused, "requests refused")                                                                 \
    X(not_found, "addresses not found")                                                            \
    X(unreachable, "addresses not reached")                                                        \
    X(dropped_malformed, "dropped: malformed")                                                     \
    X(dropped_unsolicited, "dropped: response to nothing")                                         \
    X(dropped_busy, "dropped: a bound was reached")                                                \
    X(dropped_remote, "dropped: phone on another host")

struct reload_sip_adaptor_counters {
#define X(name, text) uint64_t name;
    RELOAD_SIP_ADAPTOR_COUNTERS(X)
#undef X
};

/* reload_sip_adaptor_relay returns the relay, to be looked at; NULL when there is none. */
const struct media_relay *reload_sip_adaptor_relay(const struct reload_sip_adaptor *adaptor);

const struct reload_sip_adaptor_counters *
reload_sip_adaptor_counters(const struct reload_sip_adaptor *adaptor);

#endif
