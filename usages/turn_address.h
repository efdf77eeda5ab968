/* turn_address.h: addresses that a relay may be at, and that it may relay to.
 *
 * A relay that lends its address to anybody who knows it must not lend it towards the insides of
 * its own network (the class of CVE-2020-26262); a node must not be sent there either by who
 * claims to be a relay. RFC 8656 21.1, RFC 6940 9.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_USAGES_TURN_ADDRESS_H
#define RELOAD_USAGES_TURN_ADDRESS_H

#include "reload/base/error.h"
#include "reload/ice.h"
#include "reload/wire/wire.h"

/* The addresses of |family| (4 or 6) whose first |bits| are those of |octets|; the rest of
 * |octets| is zero. */
struct reload_network {
    uint8_t family;
    uint8_t bits;
    uint8_t octets[16];
};

#define RELOAD_NETWORKS_MAX 16

/* Networks that are allowed though they are not public: laboratories, tests, and overlays that live
 * within one organisation. */
struct reload_networks {
    struct reload_network networks[RELOAD_NETWORKS_MAX];
    size_t count;
};

/* What is denied unless it is allowed: every network that is not the public internet's. The
 * documentation networks (RFC 5737, RFC 3849) are not among them: nothing is there. */
extern const struct reload_network reload_turn_denied[];
extern const size_t reload_turn_denied_count;

bool reload_network_has(const struct reload_network *network, const struct reload_address *address);

/* reload_turn_address_is_allowed tells whether |address| may be a relay's, or be relayed to: it has
 * a port and is in no denied network, or in one of |allow|. Never: port 0. */
bool reload_turn_address_is_allowed(const struct reload_address *address,
                                    const struct reload_networks *allow);

/* Between the form in messages and ours. The second returns 0 or RELOAD_E_MALFORMED. */
struct reload_ip_address_port reload_turn_address_encode(const struct reload_address *address);
RELOAD_CHECKED int reload_turn_address_decode(const struct reload_ip_address_port *value,
                                              struct reload_address *address);

#endif
