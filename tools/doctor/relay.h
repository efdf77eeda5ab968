/* relay.h: the overlay's relays as a node knows them, and trying them.
 *
 * RFC 8656; docs/turn.md. SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_DOCTOR_RELAY_H
#define TOOLS_DOCTOR_RELAY_H

#include "tools/doctor/checkup.h"

#define DOCTOR_RELAYS_MAX 4

struct doctor_relay {
    struct reload_address address;
    char username[256], password[256];
    bool own; /* the node's own: it has the role 'turn' */
};

/* doctor_relays asks the node for its relays, its own first. Returns how many; |reason|, of
 * SETTINGS_REASON_SIZE octets, says why there are none when the node did not answer, else "". */
size_t doctor_relays(const struct checkup *checkup, struct doctor_relay *relays, size_t max,
                     char *reason);

/* doctor_relay_try asks for an address at the relay, by TCP or UDP, sends a datagram to it, which
 * has to come back to us through the relay (by UDP only), and gives the address back. It takes 5 s
 * at most. */
struct reload_relay_outcome doctor_relay_try(const struct doctor_relay *relay, bool tcp);

enum doctor_knock {
    DOCTOR_KNOCK_SILENT,  /* nothing came: it says nothing of the NAT, the relay may be broken */
    DOCTOR_KNOCK_INVITED, /* something came once |descriptor| had written to that host */
    DOCTOR_KNOCK_HEARD,   /* before that */
};

/* doctor_relay_knock lets the relay's host write to |to| and tells what of it came to |descriptor|,
 * a UDP socket that has not written to that host; it takes 4 s at most, and the allocation 3. */
enum doctor_knock doctor_relay_knock(const struct doctor_relay *relay,
                                     const struct reload_address *to, int descriptor);

#endif
