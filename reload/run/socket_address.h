/* socket_address.h: addresses as the kernel, people and RELOAD write them, and which ones this host
 * has.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_RUN_SOCKET_ADDRESS_H
#define RELOAD_RUN_SOCKET_ADDRESS_H

#include "reload/base/error.h"
#include "reload/ice.h"

#include <netinet/in.h>
#include <sys/socket.h>

/* Room for "[address]:port" and a NUL. */
#define RELOAD_ADDRESS_TEXT_SIZE 56

/* reload_address_to_socket writes |address| for a socket of |family| (AF_INET, or AF_INET6, where
 * an IPv4 address becomes a mapped one). Returns its length, 0 when it does not fit the family. */
socklen_t reload_address_to_socket(const struct reload_address *address, int family,
                                   struct sockaddr_storage *socket_address);

/* reload_address_of_socket reads what the kernel wrote; a mapped IPv4 address becomes a plain one.
 * Returns 0 or RELOAD_E_USAGE. */
RELOAD_CHECKED int reload_address_of_socket(const struct sockaddr_storage *socket_address,
                                            struct reload_address *address);

/* reload_address_text writes "192.0.2.1:6084" or "[2001:db8::1]:6084" into |text|, which has
 * RELOAD_ADDRESS_TEXT_SIZE octets, and returns it. */
const char *reload_address_text(const struct reload_address *address, char *text);

/* reload_address_parse reads an address literal, IPv4 or IPv6 (in brackets or not), followed by
 * ":port" where |port| (the default) may stand for it; an IPv6 literal with a port needs the
 * brackets. Returns 0 or RELOAD_E_CONFIG. */
RELOAD_CHECKED int reload_address_parse(const char *text, uint16_t port,
                                        struct reload_address *address);

bool reload_address_equal(const struct reload_address *a, const struct reload_address *b);

/* Whether it is 0.0.0.0 or ::. */
bool reload_address_is_any(const struct reload_address *address);
bool reload_address_is_loopback(const struct reload_address *address);
/* Whether it is 169.254/16 or fe80::/10. */
bool reload_address_is_link_local(const struct reload_address *address);

/* reload_address_is_usable tells whether one can connect to it: a port, and not any, multicast or
 * broadcast (attack row P23). */
bool reload_address_is_usable(const struct reload_address *address);

/* reload_address_interfaces fills |addresses| with at most |max| addresses of this host's
 * interfaces that are up, with |port|: those of |family| (4, 6; 0 both), link-local ones left out,
 * loopback ones only when there are no others. Returns how many. */
size_t reload_address_interfaces(uint8_t family, uint16_t port, struct reload_address *addresses,
                                 size_t max);

/* reload_address_is_neighbour tells whether |address| is in the network of one of this host's
 * interfaces, by its netmask: reached without a router. */
bool reload_address_is_neighbour(const struct reload_address *address);

/* reload_socket_bind makes a socket of |type| (SOCK_STREAM, SOCK_DGRAM), not blocking, closed on
 * exec, bound to |address|. |*bound| gets the address with the port in use. Returns a descriptor,
 * or RELOAD_E_IO with errno set. */
RELOAD_CHECKED int reload_socket_bind(int type, const struct reload_address *address,
                                      struct reload_address *bound);

#endif
