/* sip_resolution.h: from an Address of Record to the nodes that answer for it: what to ask next,
 * and what the registrations found mean. No I/O, no time: lookups feed it.
 *
 * RFC 7904 4.2; forwarding loops, chains and fan-out are bounded (8.2.1, attack row U3).
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_USAGES_SIP_RESOLUTION_H
#define RELOAD_USAGES_SIP_RESOLUTION_H

#include "usages/sip_registration.h"

#define RELOAD_SIP_FORWARDS_MAX 5 /* AORs in a chain, behind the first */
#define RELOAD_SIP_ASKED_MAX 16   /* AORs looked up in all */
#define RELOAD_SIP_TARGETS_MAX 10 /* destinations */

/* One place where the user is reached. |aor| is the AOR that the registration was found at: the
 * one asked for, or the last that a call was forwarded to. |user| is who signed the registration.
 */
struct reload_sip_target {
    struct reload_sip_destination destination;
    uint16_t application;
    struct reload_aor aor;
    char user[RELOAD_USER_NAME_MAX + 1];
    struct reload_node_id signer; /* the dictionary key: whose registration it is */
};

/* |asked| are the AORs that were or will be fetched, in order, without duplicates. */
struct reload_sip_resolution {
    struct reload_aor asked[RELOAD_SIP_ASKED_MAX];
    uint8_t forwards[RELOAD_SIP_ASKED_MAX];
    size_t asked_count, begun;
    struct reload_sip_target targets[RELOAD_SIP_TARGETS_MAX];
    size_t target_count;
    unsigned ignored; /* registrations left out: malformed, outside of the overlay, over a bound */
};

/* reload_sip_resolution_init begins with |aor|. */
void reload_sip_resolution_init(struct reload_sip_resolution *resolution,
                                const struct reload_aor *aor);

/* reload_sip_resolution_next tells the next AOR to fetch: its place in |asked|. Returns false when
 * there is none at the moment. */
RELOAD_CHECKED bool reload_sip_resolution_next(struct reload_sip_resolution *resolution,
                                               size_t *place);

/* reload_sip_resolution_add takes one value that was fetched for |asked[place]|, with its
 * dictionary |key|, stored by |user|. Values that are of no use are counted and left out, the
 * others still count (U4). */
void reload_sip_resolution_add(struct reload_sip_resolution *resolution, size_t place,
                               const struct reload_wire *wire, const struct reload_config *config,
                               struct reload_bytes key, struct reload_bytes value,
                               const char *user);

#endif
