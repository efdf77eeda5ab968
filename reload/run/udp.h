/* udp.h: one UDP socket for many peers, demultiplexed by first octet (RFC 7983).
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_RUN_UDP_H
#define RELOAD_RUN_UDP_H

#include "reload/datagram.h"
#include "reload/loop.h"

struct reload_udp;

/* |bytes| are valid for the call. */
typedef void reload_udp_fn(void *argument, const struct reload_address *from,
                           struct reload_bytes bytes);

/* Who gets what; a NULL function drops. */
struct reload_udp_users {
    reload_udp_fn *dtls; /* 20..63 */
    reload_udp_fn *stun; /* 0..3 */
    void *argument, *stun_argument;
    bool one_peer; /* it will have one or few: save memory */
};

struct reload_udp_counters {
    uint64_t received, sent;
    uint64_t bytes_received, bytes_sent;
    uint64_t dropped_unknown; /* by first octet, empty ones and cut ones included */
    uint64_t dropped_sending; /* the kernel had no room or no way */
};

/* reload_udp_new binds a socket to |address| (port 0: a free one). |loop| must be one of
 * loop_libevent.h and outlive the socket. Returns 0, RELOAD_E_NOMEM, or RELOAD_E_IO with errno. */
RELOAD_CHECKED int reload_udp_new(struct reload_loop *loop, const struct reload_address *address,
                                  const struct reload_udp_users *users, struct reload_udp **udp);

/* reload_udp_free closes the socket, also from within a user's function. NULL is allowed. */
void reload_udp_free(struct reload_udp *udp);

/* reload_udp_set_argument changes what the users' functions get. */
void reload_udp_set_argument(struct reload_udp *udp, void *argument);

/* reload_udp_datagram returns the way out through this socket. What is sent while a function of the
 * loop runs goes out together, at the latest at the end of the turn. */
struct reload_datagram *reload_udp_datagram(struct reload_udp *udp);

/* reload_udp_address returns where the socket is bound, with the port in use. */
const struct reload_address *reload_udp_address(const struct reload_udp *udp);

const struct reload_udp_counters *reload_udp_counters(const struct reload_udp *udp);

#endif
