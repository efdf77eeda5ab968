/* fixture.h: what the tests that run overlays have in common.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TESTS_SIM_FIXTURE_H
#define RELOAD_TESTS_SIM_FIXTURE_H

#include "tests/suite.h"
#include "tools/sim/sim_draft.h"

/* A whole ring of |count| peers, numbers 0..count-1, over |links|. |options| may be NULL. */
struct sim *ring_of_links(uint32_t count, uint64_t seed, enum sim_links links);
struct sim *ring_of(uint32_t count, uint64_t seed);

/* Options with the topology under test filled in. */
struct sim_options ring_options(void);

/* Adds |count| peers to overlay 0 and waits until the ring is whole. */
void ring_grow(struct sim *s, uint32_t count);

/* Waits until all rings are whole; fails, saying why, when they are not within |limit_ns|. */
void wait_until_whole(struct sim *s, uint64_t limit_ns);

/* A client of overlay 0 that has connected. */
uint32_t client_of(struct sim *s);

/* Watches where a transaction goes: how many messages of |transaction_id| were sent to each host.
 */
struct watch {
    struct sim *sim;
    uint64_t transaction_id;
    unsigned to[256], from[256];
    unsigned all;
    bool drop; /* swallow them, too */
};
void watch_begin(struct sim *s, struct watch *watch, uint64_t transaction_id);

/* A puppet that is linked to |node|. */
struct attacker {
    uint32_t self, node, link;
};
struct attacker attacker_at(struct sim *s, uint32_t node);

/* A Ping without padding, from the attacker; no destination yet. */
struct sim_draft *ping_draft(struct sim *s, const struct attacker *attacker);

/* Asks, and tells the error code of the answer: 0 when an answer came that is no error, NO_ANSWER
 * when none came. */
#define NO_ANSWER 0xffff
uint16_t ask(struct sim *s, const struct attacker *attacker, struct sim_draft *draft);

#endif
