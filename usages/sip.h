/* sip.h: the SIP usage of RELOAD: registering one's Address of Record in the overlay, finding
 * others', and SIP messages over direct links to them.
 *
 * It does no I/O and knows nothing of SIP's own transactions: usages/sip_adaptor.h does, for
 * ordinary phones. The state belongs to the node: find it by reload_node_usage.
 *
 *   register: Store of a SipRegistration at the AOR, refreshed while it lasts (RFC 7904 3)
 *   lookup:   Fetch, following AORs to AORs (4)
 *   connect:  AppAttach 5060 or 5061, links kept while they are used (5)
 *
 * RFC 7904, D31, D32. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_USAGES_SIP_H
#define RELOAD_USAGES_SIP_H

#include "reload/app_link.h"
#include "reload/usage.h"
#include "usages/sip_resolution.h"

/* Lookup, AppAttach and handshake have so much time together (RFC 7904 gives none). */
#define RELOAD_SIP_SETUP_TIME (14 * RELOAD_SECOND)

/* A registration is stored for at most so long at a time (attack row U12). */
#define RELOAD_SIP_LIFETIME_MAX_S 3600

#define RELOAD_SIP_LOOKUPS_MAX 256
#define RELOAD_SIP_CONNECTIONS_MAX 512
#define RELOAD_SIP_WAITERS_MAX 1024
#define RELOAD_SIP_LINK_IDLE (300 * RELOAD_SECOND)
#define RELOAD_SIP_LINKS_PER_NODE_MAX 4

/* One SIP message is one DTLS record (D31), which holds so much. */
#define RELOAD_SIP_RECORD_MAX 16384

extern const struct reload_usage_ops reload_sip_usage;

/* The usage's state. */
struct reload_sip;

/* Who is at the other end of a link, as its certificate says. |user| is "" when that is not
 * known, which is nobody's AOR. */
struct reload_sip_peer {
    uint32_t link;
    uint16_t application;
    bool is_stream; /* TLS: nothing is lost; else RFC 3261's timers for unreliable transports */
    struct reload_node_id node_id;
    char user[RELOAD_USER_NAME_MAX + 1];
    reload_time heard_at; /* when anything came last; when it came up at first */
};

/* Who takes SIP messages. Without one no AppAttach for SIP is accepted. */
struct reload_sip_handler {
    void *argument;
    /* One whole message that came by an application link, borrowed for the call. */
    void (*receive)(void *argument, const struct reload_sip_peer *peer, struct reload_bytes message,
                    reload_time now);
    /* A link is gone, for |error|; its number is dead. */
    void (*lost)(void *argument, uint32_t link, int error, reload_time now);
};

/* What was done and what was dropped. */
struct reload_sip_counters {
    uint64_t registrations, registrations_failed;
    uint64_t lookups, lookups_ok, registrations_ignored;
    uint64_t links_up, links_failed;
    uint64_t messages_sent, messages_received, dropped_malformed, dropped_busy;
};

/* reload_sip_set_handler sets who takes messages; |handler| is copied. NULL: nobody does any more,
 * and the function given to a registration that is under way is not called. */
void reload_sip_set_handler(struct reload_sip *sip, const struct reload_sip_handler *handler);

/* reload_sip_aor returns our own AOR, or NULL when the certificate's user name is not one in
 * canonical form, whose Resource-ID other nodes would not find. */
const struct reload_aor *reload_sip_aor(const struct reload_sip *sip);

const struct reload_sip_counters *reload_sip_counters(const struct reload_sip *sip);

/* reload_sip_node returns the node that the usage belongs to. */
struct reload_node *reload_sip_node(const struct reload_sip *sip);

/* How a Store or removal ended: 0, RELOAD_E_FORBIDDEN (the overlay refused), or why it could not be
 * done. */
typedef void reload_sip_register_fn(void *argument, int error, reload_time now);

/* reload_sip_register stores that our user is reached at our node for |lifetime_s| seconds, and
 * keeps it stored: again before it expires, after a failure, and in pieces when it is longer than
 * RELOAD_SIP_LIFETIME_MAX_S. A new call replaces the old one. |contact_prefs| is "" or a feature
 * set of RFC 3840, at most 255 characters. |done| (may be NULL) hears of the first Store, never
 * before this returns. Returns 0, RELOAD_E_CONFIG (no canonical AOR in our certificate),
 * RELOAD_E_FORBIDDEN (domain), RELOAD_E_BUSY (|done| of an earlier call is outstanding), or as
 * reload_node_store. RFC 7904 3. */
RELOAD_CHECKED int reload_sip_register(struct reload_sip *sip, uint32_t lifetime_s,
                                       const char *contact_prefs, reload_sip_register_fn *done,
                                       void *argument, reload_time now);

/* reload_sip_register_forward is reload_sip_register for "ask for |aor| instead". */
RELOAD_CHECKED int reload_sip_register_forward(struct reload_sip *sip, uint32_t lifetime_s,
                                               const struct reload_aor *aor,
                                               reload_sip_register_fn *done, void *argument,
                                               reload_time now);

/* reload_sip_unregister removes our registration from the overlay. Returns as reload_sip_register.
 */
RELOAD_CHECKED int reload_sip_unregister(struct reload_sip *sip, reload_sip_register_fn *done,
                                         void *argument, reload_time now);

/* How a lookup ended: 0 with 1..RELOAD_SIP_TARGETS_MAX |targets|, valid for the call;
 * RELOAD_E_NOT_FOUND: nobody is registered; RELOAD_E_TIMEOUT, RELOAD_E_UNREACHABLE, ... . */
typedef void reload_sip_lookup_fn(void *argument, int error,
                                  const struct reload_sip_target *targets, size_t count,
                                  reload_time now);

/* reload_sip_lookup finds where |uri| (a SIP URI or AOR; a GRUU gives its destination without
 * asking) is reached, and follows registrations that name other AORs. |done| is called once, never
 * before this returns, at |deadline| at the latest. |*lookup| is for reload_sip_lookup_cancel.
 * Returns 0, RELOAD_E_MALFORMED, RELOAD_E_FORBIDDEN (not a domain of this overlay), RELOAD_E_BUSY,
 * or as reload_node_fetch. RFC 7904 4. */
RELOAD_CHECKED int reload_sip_lookup(struct reload_sip *sip, struct reload_bytes uri,
                                     reload_time deadline, reload_sip_lookup_fn *done,
                                     void *argument, reload_time now, uint64_t *lookup);

/* reload_sip_lookup_cancel forgets a lookup; its function is not called. Unknown numbers, also 0,
 * are ignored. */
void reload_sip_lookup_cancel(struct reload_sip *sip, uint64_t lookup);

/* How a connection attempt ended: 0 with |peer|, valid for the call, or why not. */
typedef void reload_sip_connect_fn(void *argument, int error, const struct reload_sip_peer *peer,
                                   reload_time now);

/* reload_sip_connect gives a link for |application| to |destination|'s last node: at once in
 * |*link| when one is up, else by |done|, never before this returns, at |deadline| at the latest.
 * Returns 0, RELOAD_E_BUSY, RELOAD_E_USAGE (that is
 * our own node), or as reload_node_app_attach. RFC 7904 5.1. */
RELOAD_CHECKED int reload_sip_connect(struct reload_sip *sip,
                                      const struct reload_sip_destination *destination,
                                      uint16_t application, reload_time deadline,
                                      reload_sip_connect_fn *done, void *argument, reload_time now,
                                      uint32_t *link, uint64_t *attempt);

/* reload_sip_connect_cancel forgets an attempt; its function is not called. Unknown numbers, also
 * 0, are ignored. */
void reload_sip_connect_cancel(struct reload_sip *sip, uint64_t attempt);

/* reload_sip_peer tells who is at the end of |link|. Returns false when it is not up. */
RELOAD_CHECKED bool reload_sip_peer(const struct reload_sip *sip, uint32_t link,
                                    struct reload_sip_peer *peer);

/* reload_sip_send sends one whole SIP |message| (copied) on |link|.
 * Returns 0, RELOAD_E_CLOSED, RELOAD_E_TOO_LARGE (RELOAD_SIP_MESSAGE_MAX, or a DTLS record),
 * RELOAD_E_BUSY, RELOAD_E_NOMEM. */
RELOAD_CHECKED int reload_sip_send(struct reload_sip *sip, uint32_t link,
                                   struct reload_bytes message, reload_time now);

/* reload_sip_drop closes |link|: the peer does not answer on it. |lost| is not called. */
void reload_sip_drop(struct reload_sip *sip, uint32_t link, reload_time now);

#endif
