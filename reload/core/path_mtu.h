/* path_mtu.h: a path that carries no large datagrams any more: a route has changed, and routers on
 * the new one drop them, or their fragments, without a word (attack row L16).
 *
 * RFC 6940 6.7, RFC 8899 4.3. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_PATH_MTU_H
#define RELOAD_CORE_PATH_MTU_H

#include "reload/core/sender.h"

/* Frames that every path carries: 576 octets less IP, UDP, a relay's header and DTLS. */
#define RELOAD_MTU_NARROW 448

/* reload_path_mtu_look is called when |frame| is about to be sent again. When large frames are lost
 * while small ones get through, what follows is cut smaller. Returns whether a small frame is to be
 * sent as well, to find that out: or that the link lives. */
bool reload_path_mtu_look(struct reload_sender *sender, const struct reload_buffer *frame,
                          reload_time now);

/* reload_path_mtu_excuses tells whether |frame| was lost only since it was cut before the path was
 * known to be narrow: no reason to end the link. */
bool reload_path_mtu_excuses(const struct reload_sender *sender, const struct reload_buffer *frame,
                             reload_time now);

#endif
