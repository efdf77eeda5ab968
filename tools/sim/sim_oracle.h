/* sim_oracle.h: what nodes store, judged from outside of them and without their code: values are
 * taken apart, hashed (OpenSSL) and compared with what RFC 6940 allows.
 *
 *   V5  a value's certificate is one of the overlay, its signature verifies, and the signer may
 *       write there (7.1, 7.3);
 *   V4  what a node stores in one life never gets older, and no other value takes the place of one
 *       with the same storage time, also after it was gone for a while (7.4.1.1, D4).
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_ORACLE_H
#define RELOAD_TOOLS_SIM_ORACLE_H

#include "tools/sim/sim.h"
#include "tools/sim/sim_finding.h"

/* What one node stored last at one place, or a value that was found good. */
struct sim_oracle_note {
    uint64_t place; /* a hash; 0: the slot is free */
    uint64_t time;
    uint64_t content; /* a hash */
};

/* Looks at overlay 0. */
struct sim_oracle {
    struct sim *sim;
    struct sim_finder finder;
    struct sim_oracle_note *notes; /* open addressing */
    size_t count, capacity;
    uint64_t *commits; /* of each host's life, when last looked at */
    uint32_t hosts;
    uint64_t checked_values; /* that were verified */
};

void sim_oracle_begin(struct sim_oracle *oracle, struct sim *sim, struct sim_finder finder);
void sim_oracle_end(struct sim_oracle *oracle);

/* sim_oracle_look looks at what |node| stores, when that changed since the last time. */
void sim_oracle_look(struct sim_oracle *oracle, uint32_t node);

#endif
