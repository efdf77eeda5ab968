/* turn_ring.h: a ring of simulated nodes that use relays, for the tests of the TURN server usage.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TESTS_USAGES_TURN_RING_H
#define RELOAD_TESTS_USAGES_TURN_RING_H

#include "tests/sim/fixture.h"
#include "usages/turn_service.h"

/* The overlay's turn-density. */
#define DENSITY 4

/* Sets DENSITY; may be called by another one. */
void turn_ring_configure(struct reload_config *config, uint32_t overlay);

/* A ring of |count| nodes that all look for relays; all nodes have |usage| in the second. */
struct sim *turn_ring_of(uint32_t count,
                         void (*configure)(struct reload_config *config, uint32_t overlay));

struct sim *turn_ring_with(uint32_t count, const struct reload_usage_ops *usage,
                           void (*configure)(struct reload_config *config, uint32_t overlay));

/* The usage's state at |node|. */
void *turn_of(struct sim *s, uint32_t node);

/* |node| has a relay from now on, at 203.0.113.|node|, port 3478. */
struct reload_address turn_address_of(uint32_t node);
void turn_lend(struct sim *s, uint32_t node);

/* What |reader| finds of |owner|'s announcement |iteration|, where RFC 6940 9 and D25 want it; how
 * many of them there are. */
struct sim_outcome turn_announcement(struct sim *s, uint32_t reader, uint32_t owner,
                                     uint8_t iteration);
unsigned turn_announcements(struct sim *s, uint32_t reader, uint32_t owner);

/* Carries out the trials that |node| wants now: those of |bad|'s relay tell SILENT, all others
 * WORKS. Returns how many. turn_run lets time pass and does so, for all nodes, each second. */
unsigned turn_try(struct sim *s, uint32_t node, uint32_t bad);
void turn_run(struct sim *s, uint32_t nodes, uint32_t bad, unsigned seconds);
#define NOBODY UINT32_MAX

/* Whether |node| has credentials of |server|; of how many. */
bool turn_knows(struct sim *s, uint32_t node, uint32_t server);
size_t turn_known(struct sim *s, uint32_t node);

#endif
