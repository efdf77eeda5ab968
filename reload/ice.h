/* ice.h: candidates, as the core sees them: addresses at which a node can be reached.
 *
 * Gathered by run/ (No-ICE), ice/ (ICE) or the simulator; carried by Attach and AppAttach.
 * RFC 6940 6.5.1.1, 6.5.1.11.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_ICE_H
#define RELOAD_ICE_H

#include "reload/base/bytes.h"

#define RELOAD_CANDIDATES_MAX 20
#define RELOAD_FOUNDATION_MAX 32
#define RELOAD_ICE_CREDENTIAL_MAX 256

/* An IP address and a port. |family| is 4 or 6; an IPv4 address is in the first 4 octets, the
 * rest is zero. Two equal addresses are equal octet by octet. */
struct reload_address {
    uint8_t family;
    uint8_t octets[16];
    uint16_t port;
};

struct reload_candidate {
    struct reload_address address;
    struct reload_address related; /* srflx and relay only; else all zero */
    uint32_t priority;             /* higher is better; not 0 */
    uint8_t overlay_link;          /* OverlayLinkType: 1 DTLS-UDP-SR, 3 and 4 No-ICE */
    uint8_t type;                  /* CandType: 1 host, 2 srflx, 4 relay */
    uint16_t stun_port;            /* host only: STUN is answered there (D34); 0: not said */
    char foundation[RELOAD_FOUNDATION_MAX + 1];
};

/* What one side of an Attach offers. */
struct reload_offer {
    struct reload_candidate candidates[RELOAD_CANDIDATES_MAX]; /* best first */
    size_t candidate_count;
    char ufrag[RELOAD_ICE_CREDENTIAL_MAX + 1];    /* empty with No-ICE */
    char password[RELOAD_ICE_CREDENTIAL_MAX + 1]; /* empty with No-ICE */
};

#endif
