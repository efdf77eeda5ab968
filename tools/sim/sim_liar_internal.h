/* sim_liar_internal.h: what the liars' files share: what is said, and how something else is said in
 * its place.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_LIAR_INTERNAL_H
#define RELOAD_TOOLS_SIM_LIAR_INTERNAL_H

#include "tools/sim/sim_draft.h"
#include "tools/sim/sim_liar.h"

#define SIM_LIAR_SIGNERS_MAX 4

/* What passes, when it is a message. */
struct sim_said {
    struct sim_passing *passing;
    size_t skip; /* octets of its frame before it */
    struct reload_message message;
    struct reload_wire wire;
};

/* Whose certificates go along with values. */
struct sim_liar_signers {
    uint32_t hosts[SIM_LIAR_SIGNERS_MAX];
    size_t count;
};

/* Puts |bytes|, a message, in place of what was said, when they fit. */
void sim_liar_replace(struct sim_liar *liar, const struct sim_said *said,
                      struct reload_bytes bytes);

/* Puts a message of the liar's own with |code| and |body| in place of what was said. |signers| may
 * be NULL. */
void sim_liar_say_instead(struct sim_liar *liar, const struct sim_said *said, uint16_t code,
                          struct reload_bytes body, const struct sim_liar_signers *signers);

/* Sends |bytes| over the link from |from| to |to|, which must be there. */
void sim_liar_send(struct sim_liar *liar, uint32_t from, uint32_t to, struct reload_bytes bytes);

/* A host that |from| is linked with; SIM_NOBODY. */
uint32_t sim_liar_neighbor(struct sim_liar *liar, uint32_t from);

/* ---- sim_liar_value.c ---- */

/* Takes note of a Fetch or Store that a liar hears or sends. */
void sim_liar_remember(struct sim_liar *liar, const struct sim_said *said);

/* Lies in a Fetch answer of the liar's own. */
void sim_liar_lie_about_values(struct sim_liar *liar, const struct sim_said *said);

/* Answers a Fetch that reaches a liar, now and then, whoever it is for. Returns whether it did. */
bool sim_liar_intercept(struct sim_liar *liar, const struct sim_said *said);

/* ---- sim_liar_bulk.c ---- */

void sim_liar_forge_via(struct sim_liar *liar, const struct sim_said *said);
void sim_liar_send_huge(struct sim_liar *liar, uint32_t from);
void sim_liar_replay_store(struct sim_liar *liar, uint32_t from);

#endif
