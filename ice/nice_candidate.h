/* nice_candidate.h: candidates between libnice's form and ours.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_ICE_NICE_CANDIDATE_H
#define RELOAD_ICE_NICE_CANDIDATE_H

#include "reload/ice.h"

#include <agent.h>

/* nice_address_from fills |nice| from |address|, and nice_address_to the other way; false for what
 * is neither IPv4 nor IPv6. */
bool nice_address_from(const struct reload_address *address, NiceAddress *nice);
bool nice_address_to(const NiceAddress *nice, struct reload_address *address);

/* nice_candidate_type returns the CandType of |type|; 0 for peer-reflexive ones, which RELOAD does
 * not send (3 is reserved). */
uint8_t nice_candidate_type(NiceCandidateType type);

/* nice_candidate_to copies |nice|. Returns false when it is not to be offered: TCP, peer-reflexive,
 * link-local, or loopback when that is not wanted. */
bool nice_candidate_to(const NiceCandidate *nice, bool loopback, uint8_t overlay_link,
                       struct reload_candidate *candidate);

/* nice_candidates_to fills |candidates| with at most |max| of the NiceCandidates in |list| that may
 * be offered, best first. When there are more, host addresses go before what servers gave us: one
 * of those is what a NAT leaves. Returns how many. */
size_t nice_candidates_to(const GSList *list, bool loopback, uint8_t overlay_link,
                          struct reload_candidate *candidates, size_t max);

/* nice_candidate_from makes libnice's form of |candidate|, to be freed by nice_candidate_free, or
 * returns NULL for one that cannot be (loopback when that is not wanted, an unknown type). */
NiceCandidate *nice_candidate_from(const struct reload_candidate *candidate, bool loopback,
                                   guint stream);

#endif
