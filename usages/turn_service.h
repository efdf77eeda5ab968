/* turn_service.h: TURN servers that announce themselves in the overlay.
 *
 * RFC 6940 9. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_USAGES_TURN_SERVICE_H
#define RELOAD_USAGES_TURN_SERVICE_H

#include "reload/usage.h"

/* The Kind TURN-SERVICE. */
extern const struct reload_usage_ops reload_turn_service_usage;

/* reload_turn_service_check is the Kind's: |value| must be a TurnServer with an iteration of
 * 1..RELOAD_TURN_ITERATIONS_MAX and an address of a known type. 0 or RELOAD_E_MALFORMED. */
int reload_turn_service_check(const struct reload_wire *wire, struct reload_bytes key,
                              struct reload_bytes value);

#define RELOAD_TURN_ITERATIONS_MAX 20

#endif
