/* attach.h: the making of links by Attach and AppAttach: offers exchanged by messages, then a link
 * between the two nodes. RFC 6940 6.5.1, 6.5.2.
 *
 * The offerer gathers, sends the request and expects the peer (I8: it is the (D)TLS server); the
 * answerer gathers, answers and connects.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_ATTACH_H
#define RELOAD_CORE_ATTACH_H

#include "reload/node.h"

struct reload_link;
struct reload_reply;

/* What hangs on a link that is being made. */
struct reload_attach {
    bool offerer;
    bool send_update;
    bool to_node; /* the offerer's last entry is a Node-ID, |target| */
    struct reload_node_id target;
    struct reload_route route; /* the offerer's; its resource is in |resource| */
    uint8_t resource[256];
    uint64_t request;            /* the transaction, 0 when there is none */
    reload_time sent_at;         /* when it was sent */
    struct reload_offer *remote; /* the answerer's, until the driver takes it */
    struct reload_reply *reply;  /* the answerer's way back */
    reload_attach_fn *done;
    void *argument;
    struct reload_node *node;
    uint32_t link;
};

/* reload_attach_gathered goes on with the local |offer|, NULL when there is none. */
void reload_attach_gathered(struct reload_node *node, struct reload_link *link,
                            const struct reload_offer *offer, reload_time now);

/* reload_attach_expected finds the link that waits for a connection of |node_id|, or NULL. */
struct reload_link *reload_attach_expected(struct reload_node *node,
                                           const struct reload_node_id *node_id);

/* reload_attach_finish ends the attach of |link|, which is UP (|error| 0) or gone, and tells whom
 * it concerns. */
void reload_attach_finish(struct reload_node *node, struct reload_link *link, int error,
                          reload_time now);

/* reload_attach_begin_anew ends our Attaches that nobody has answered yet: the node finds the
 * overlay once more, and their requests went down with the links that it had before (D77). */
void reload_attach_begin_anew(struct reload_node *node, reload_time now);

/* reload_attach_abandon frees the attach of |link| without a word. */
void reload_attach_abandon(struct reload_node *node, struct reload_link *link);

#endif
