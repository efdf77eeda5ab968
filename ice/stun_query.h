/* stun_query.h: asks a STUN server how it sees us, for programs that look into NATs.
 *
 * RFC 8489 6, RFC 5780. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_ICE_STUN_QUERY_H
#define RELOAD_ICE_STUN_QUERY_H

#include "reload/base/error.h"
#include "reload/ice.h"

#define RELOAD_STUN_QUERY_MAX 64

/* One Binding request; libnice draws its transaction id. */
struct reload_stun_query {
    uint8_t octets[RELOAD_STUN_QUERY_MAX];
    size_t size;
};

/* reload_stun_query_write makes a request. With |change_port| the server is to answer from another
 * of its ports (CHANGE-REQUEST, RFC 5780 7.2). Returns 0 or RELOAD_E_CRYPTO. */
RELOAD_CHECKED int reload_stun_query_write(struct reload_stun_query *query, bool change_port);

/* reload_stun_query_read reads the answer to |query|; |*mapped| gets the address that the server
 * saw. Returns 0, RELOAD_E_MALFORMED (not an answer to it), RELOAD_E_REFUSED (an error answer). */
RELOAD_CHECKED int reload_stun_query_read(const struct reload_stun_query *query,
                                          struct reload_bytes answer,
                                          struct reload_address *mapped);

#endif
