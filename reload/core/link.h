/* link.h: the links of a node: the Connection Table of RFC 6940 6.1.2, overlay links and those of
 * applications, from the first wish to the last frame.
 *
 *   GATHERING -> SIGNALLING -> CONNECTING -> UP -> gone
 *
 * An Attach goes through all states; a link to a bootstrap node begins in CONNECTING; one that a
 * peer opened unannounced begins UP.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_LINK_H
#define RELOAD_CORE_LINK_H

#include "reload/base/alarm.h"
#include "reload/core/buffer.h"
#include "reload/core/junk.h"
#include "reload/core/limits.h"
#include "reload/core/sender.h"
#include "reload/node.h"

struct reload_attach;

enum reload_link_state {
    RELOAD_LINK_GATHERING,
    RELOAD_LINK_SIGNALLING,
    RELOAD_LINK_CONNECTING,
    RELOAD_LINK_UP,
};

/* Many links are most of what an idle node holds: small fields share their octets. */
struct reload_link {
    uint32_t id;
    enum reload_link_state state : 8;
    enum reload_framing framing : 8;
    uint8_t overlay_link;
    uint8_t local_type, remote_type; /* CandType of the pair in use; 0 without ICE */
    uint8_t usage;                   /* the usage that owns an application's link */
    uint8_t way;                     /* from 1: that bootstrap.c makes it by; 0: none */
    uint16_t application;            /* 0: an overlay link */
    bool attached : 1;               /* made by an Attach, which names the Node-ID in use (6.1.2) */
    bool several_ids : 1;            /* the peer's certificate has more than one Node-ID */
    bool wants_update : 1;           /* the peer set send_update (6.4.2.3) */
    bool incoming : 1;               /* the peer opened it */
    bool offered : 1;                /* our Attach asked for it, not the peer's */
    bool bootstrap : 1;              /* to a bootstrap node */
    bool is_peer : 1;                /* to a peer, as the topology says */
    int last_error;                  /* of the link to this node before this one, or 0 */
    struct reload_node_id node_id;   /* zero until known */
    struct reload_address address;
    struct reload_attach *attach; /* while it is being made; owned by attach.c */
    struct reload_alarm deadline; /* of making it; once it is up, of what its sender waits for */
    uint64_t not_after_ms;        /* the peer's certificate ends (C4) */
    reload_time up_at;
    struct reload_junk junk; /* what came by it and did not verify */
    struct reload_sender sender;
    struct reload_receiver receiver;
    uint64_t bytes_sent, bytes_received, messages_sent, messages_received;
};

/* Why the last link to a node ended, for people. */
struct reload_link_end {
    struct reload_node_id node_id;
    int error;
};

#define RELOAD_LINK_ENDS_MAX 16 /* remembered, the latest */

/* The table. |by_node| maps Node-IDs to slots of overlay links that are UP: open addressing, a slot
 * number plus 1, 0 when free. */
struct reload_links {
    struct reload_link **slots;
    uint32_t *generations;
    size_t capacity, count, next_slot;
    uint16_t *by_node;
    size_t by_node_size, by_node_count;
    struct reload_link_end *ends; /* a ring; NULL before the first */
    size_t end_count, next_end;
    struct reload_alarm expiry; /* no certificate of a link that is UP ends before */
    int64_t clock_offset_ms; /* of the wall clock, when the ends of certificates were looked at */
};

/* reload_links_follow_clock looks whether the wall clock was set: links end with their
 * certificates by the clock as it is now. Called about once a second. */
void reload_links_follow_clock(struct reload_node *node, reload_time now);

void reload_links_fini(struct reload_node *node);

/* reload_link_new makes a link in |state| for |application|. Returns NULL when there are too many
 * or no memory is left. */
struct reload_link *reload_link_new(struct reload_node *node, enum reload_link_state state,
                                    uint16_t application);

/* reload_link_find returns link |id|, or NULL when there is none (any more). */
struct reload_link *reload_link_find(const struct reload_node *node, uint32_t id);

/* reload_link_of_node returns the overlay link that is UP to |node_id|, or NULL. */
struct reload_link *reload_link_of_node(const struct reload_node *node,
                                        const struct reload_node_id *node_id);

/* reload_link_walk returns the next link of any state: start with |*cursor| 0; NULL at the end. */
struct reload_link *reload_link_walk(const struct reload_node *node, size_t *cursor);

/* reload_link_establish makes |link| UP with |peer| as |node_id|, replacing an older overlay link
 * to the same node (D27), and tells topology or usage. Returns 0 or RELOAD_E_NOMEM. */
int reload_link_establish(struct reload_node *node, struct reload_link *link,
                          const struct reload_link_peer *peer, const struct reload_node_id *node_id,
                          reload_time now);

/* reload_link_end removes |link|, completes what waits for it with |error| and tells topology or
 * usage when it was UP. With |close| the driver is asked to close it. */
void reload_link_end(struct reload_node *node, struct reload_link *link, int error, bool close,
                     reload_time now);

/* reload_link_through_nat tells whether a NAT may be on |link|'s way: links by ICE, and those to
 * the bootstrap nodes of overlays that use it. */
bool reload_link_through_nat(const struct reload_node *node, const struct reload_link *link);

/* reload_link_send sends the message in |buffer| (from RELOAD_FRAME_HEADER_SIZE on; a holder is
 * taken over) on |link|. Returns 0, RELOAD_E_BUSY, RELOAD_E_NOMEM. */
int reload_link_send(struct reload_node *node, struct reload_link *link,
                     struct reload_buffer *buffer, reload_time now);

#endif
