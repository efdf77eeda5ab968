/* sip_adaptor_socket.h: addresses of phones as the kernel writes them.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_USAGES_SIP_ADAPTOR_SOCKET_H
#define RELOAD_USAGES_SIP_ADAPTOR_SOCKET_H

#include "reload/ice.h"

#include <sys/socket.h>

/* sip_address_to_socket writes |address|. Returns its length. */
socklen_t sip_address_to_socket(const struct reload_address *address,
                                struct sockaddr_storage *storage);

struct reload_address sip_address_of_socket(const struct sockaddr_storage *storage);

/* sip_socket_bind makes a socket of |type| (SOCK_STREAM listens), not blocking, bound to
 * |address|, whose port becomes the one in use. Returns a descriptor, -1 with errno set. */
int sip_socket_bind(int type, struct reload_address *address);

/* sip_host_is_equal compares addresses without their ports. */
bool sip_host_is_equal(const struct reload_address *a, const struct reload_address *b);

/* sip_host_is_own tells whether |address| is one of this host's: whether a socket can be bound to
 * it. */
bool sip_host_is_own(const struct reload_address *address);

#endif
