/* offer.h: candidates between their form in messages and struct reload_offer. RFC 6940 6.5.1.1.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_OFFER_H
#define RELOAD_CORE_OFFER_H

#include "reload/ice.h"
#include "reload/wire/wire.h"

/* The IceExtension by which a host candidate says at which port of its address plain STUN Binding
 * requests are answered (D34): two octets, big-endian, not 0. Whoever does not know it ignores it
 * (6.5.1.1). */
#define RELOAD_OFFER_STUN_PORT "reload-stun-port"

/* reload_offer_encode writes |offer|'s candidates (the content of the vector). */
void reload_offer_encode(struct reload_writer *writer, const struct reload_wire *wire,
                         const struct reload_offer *offer);

/* reload_offer_decode reads a peer's offer. Candidates of unknown types or impossible addresses are
 * left out (P23), at most RELOAD_CANDIDATES_MAX are taken, best first.
 * Returns 0, or RELOAD_E_MALFORMED: none is left, ICE and No-ICE are mixed, or they are not of the
 * overlay's way (|no_ice|), or the credentials are not of the form ICE wants (P24). */
RELOAD_CHECKED int reload_offer_decode(const struct reload_wire *wire, struct reload_bytes ufrag,
                                       struct reload_bytes password, struct reload_bytes candidates,
                                       bool no_ice, struct reload_offer *offer);

#endif
