/* app_link.h: an application's own link, made by AppAttach (RFC 6940 6.5.2, D31): authenticated
 * (D)TLS without RELOAD's framing.
 *
 * The link is made by the node's effects like any other; then its bytes go past the node's
 * routing: in by reload_node_app_recv, out by reload_node_app_send.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_APP_LINK_H
#define RELOAD_APP_LINK_H

#include "reload/node.h"

/* reload_node_app_recv is called by the driver with bytes that arrived on an application's |link|;
 * the usage that owns it gets them. */
int reload_node_app_recv(struct reload_node *node, uint32_t link, struct reload_bytes bytes,
                         reload_time now);

/* reload_node_app_send is called by a usage: |bytes| (copied) go out on |link| by a SEND effect
 * with its Application-ID. One call is one record on DTLS. Returns 0, RELOAD_E_CLOSED,
 * RELOAD_E_BUSY, RELOAD_E_NOMEM. */
RELOAD_CHECKED int reload_node_app_send(struct reload_node *node, uint32_t link,
                                        struct reload_bytes bytes, reload_time now);

/* reload_node_app_link tells whether |link| is an application link that is up, whether its
 * transport keeps order and loses nothing (TLS), and the peer's Node-ID. */
RELOAD_CHECKED bool reload_node_app_link(const struct reload_node *node, uint32_t link,
                                         bool *is_stream, struct reload_node_id *node_id);

#endif
