/* turn_service.h: TURN servers that announce themselves in the overlay, and nodes that find and use
 * them.
 *
 * A node with a relay calls reload_turn_service_begin when the relay answers; the usage then keeps
 * the announcements in the overlay and gives credentials to members that ask for them. A node that
 * wants relays says so in its options; the usage keeps some, with credentials, and
 * reload_turn_service_relays hands them to the driver. docs/turn.md has the protocol.
 *
 * RFC 6940 9. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_USAGES_TURN_SERVICE_H
#define RELOAD_USAGES_TURN_SERVICE_H

#include "reload/ice_agent.h"
#include "reload/usage.h"
#include "usages/turn_address.h"

/* The Kind TURN-SERVICE. Its argument is a struct reload_turn_options, or NULL. */
extern const struct reload_usage_ops reload_turn_service_usage;

/* reload_turn_service_check is the Kind's: |value| must be a TurnServer with an iteration of
 * 1..RELOAD_TURN_ITERATIONS_MAX and an address of a known type. 0 or RELOAD_E_MALFORMED. */
int reload_turn_service_check(const struct reload_wire *wire, struct reload_bytes key,
                              struct reload_bytes value);

#define RELOAD_TURN_ITERATIONS_MAX 20

/* The MessageExtension "reload-turn-credentials" on Ping (D66). */
#define RELOAD_TURN_EXTENSION 0xf001

/* Copied by init. |state| is what reload_node_usage returns, in all that follows. */
struct reload_turn_options {
    bool use;                     /* look for relays */
    struct reload_networks allow; /* beside public addresses */
};

/* ---- a node with a relay ----------------------------------------------------------------------
 */

#define RELOAD_TURN_SECRET_MAX 64

/* |secret| is the relay's key for time-limited credentials; copied. */
struct reload_turn_offer {
    struct reload_address address; /* as others reach it, by UDP and TCP */
    struct reload_bytes secret;    /* 1..RELOAD_TURN_SECRET_MAX octets */
    uint32_t lifetime_s;           /* of credentials, 60..86400 */
};

/* reload_turn_service_begin announces the relay and begins to give credentials; called again it
 * replaces the offer. Returns 0, RELOAD_E_USAGE (an offer out of range), RELOAD_E_FORBIDDEN (nobody
 * would use that address) or RELOAD_E_NOMEM. */
RELOAD_CHECKED int reload_turn_service_begin(void *state, const struct reload_turn_offer *offer,
                                             reload_time now);

/* reload_turn_service_end withdraws the announcements; nobody gets credentials any more. */
void reload_turn_service_end(void *state, reload_time now);

struct reload_turn_counters {
    uint64_t granted, refused; /* credentials */
    size_t copies, announced;  /* of the announcement: wanted, and there now */
};
struct reload_turn_counters reload_turn_service_counters(const void *state);

/* ---- a node that uses relays ------------------------------------------------------------------
 */

/* Servers that are wanted; each is reached by UDP and by TCP. */
#define RELOAD_TURN_RELAYS_MAX 3

/* reload_turn_service_look tells that a link has come up: when there are no relays yet, it looks
 * for some at once, but not more often than once a minute. */
void reload_turn_service_look(void *state, reload_time now);

/* reload_turn_service_relays fills |relays| with at most |max| ways to relays whose credentials
 * hold and whose trials went well, and returns how many: what struct reload_driver_options wants.
 * One relay that works is enough; where none does, there are more. Each call begins with another
 * one of those that are equally good. */
size_t reload_turn_service_relays(void *state, struct reload_ice_relay *relays, size_t max);

/* Relays are handed out after a trial: somebody who can carry it out (the driver) asks
 * reload_turn_service_untried after each turn of the node, and tells the result by
 * reload_turn_service_tried. */

/* reload_turn_service_untried fills |way| with a relay that is to be tried now, by UDP; false when
 * there is none. */
bool reload_turn_service_untried(void *state, struct reload_ice_relay *way, reload_time now);

/* reload_turn_service_tried tells the |verdict| about |way|, by UDP and, unless it works by UDP,
 * then by TCP; or by TCP alone. Not RELOAD_RELAY_UNTRIED. */
void reload_turn_service_tried(void *state, const struct reload_ice_relay *way,
                               enum reload_relay_verdict verdict, reload_time now);

/* reload_turn_service_used tells what became of a |way| that was handed out: one that fails is
 * tried anew before it is handed out again. */
void reload_turn_service_used(void *state, const struct reload_ice_relay *way,
                              enum reload_relay_use use, reload_time now);

/* A relay, for people. */
struct reload_turn_relay_info {
    struct reload_node_id node_id;
    struct reload_address address;
    const char *username, *password; /* valid until the node's next turn */
    reload_time expires;
    enum reload_relay_verdict verdict; /* from RELOAD_RELAY_GIVES on it is handed out */
};

/* reload_turn_service_next walks the relays: start with |*cursor| 0. False at the end. */
RELOAD_CHECKED bool reload_turn_service_next(const void *state, size_t *cursor,
                                             struct reload_turn_relay_info *info);

#endif
