/* ring_model.h: the rules by which rings of CHORD-RELOAD peers change, cut down to what matters for
 * the shape of the ring, so that every history of a few nodes can be looked at.
 *
 * After Pamela Zave, "Reasoning about identifier spaces: how to make Chord correct" (2017): her
 * system has successor lists and atomic queries; ours has tables of linked peers on both sides,
 * joins in steps, Updates, Attaches, and searches for other parts of the ring. Each function is a
 * rule; what it stands for in topology/ is said at it. RFC 6940 10.5-10.9.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TESTS_ZAVE_RING_MODEL_H
#define RELOAD_TESTS_ZAVE_RING_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define MODEL_NODES_MAX 6
#define MODEL_REACH 2 /* neighbours on each side: Zave's r */

/* Node |i| has the |i|-th Node-ID on the ring. */
enum model_status {
    MODEL_ABSENT, /* not there, or looking for its admitting peer */
    MODEL_DEAD,   /* others may not have noticed */
    MODEL_PEER,
    MODEL_LINKED, /* with all that it will have as neighbours, not placed (chord_join.c) */
    MODEL_PLACED, /* admitted, and not yet a peer to others */
};

struct model_node {
    uint8_t status;
    uint8_t admitting; /* LINKED, PLACED */
    uint8_t table; /* a bit for each peer: those that said so, and whose death it has not noticed */
    uint8_t links; /* a bit for each node that it is linked with; all of the table */
};

struct model_state {
    struct model_node nodes[MODEL_NODES_MAX];
};

/* What can be broken on purpose: a checker that finds nothing proves nothing. */
enum model_fault {
    MODEL_SOUND,
    MODEL_ADOPTS_DEAD,      /* enters whom an Update names without a link to it */
    MODEL_JOINS_WITH_ONE,   /* links with the admitting peer only, not with its whole list */
    MODEL_KEEPS_DEAD,       /* never removes a dead first predecessor */
    MODEL_PLACED_TOO_EARLY, /* a peer without links to all that the admitting peer names */
    MODEL_NEVER_LISTENS,    /* attaches to nobody whom an Update names */
    MODEL_NEVER_REMINDS,    /* does not tell others whom they miss (D52) */
    MODEL_FAULTS,
};

struct model {
    int count;   /* nodes, 2..MODEL_NODES_MAX */
    bool merges; /* other parts of the ring are searched for; otherwise there must not be any */
    /* A link counts from when the next Update will bring it: who joined while one whom it was named
     * was dying lacks it for that long. */
    bool told_counts;
    enum model_fault fault;
};

/* model_each_step calls |visit| with every state that |state| can become by one rule. |changes|: by
 * joins, failures, leaves and restarts, too; otherwise only by what heals, searches for partitions
 * among that. */
typedef void model_visit_fn(void *argument, const struct model_state *state);
void model_each_step(const struct model *model, const struct model_state *state, bool changes,
                     model_visit_fn *visit, void *argument);

/* model_settle lets everything heal that heals by itself when nothing changes any more. */
void model_settle(const struct model *model, struct model_state *state);

/* model_flaw returns what is wrong with the ring, or NULL: a peer without a live successor in its
 * list, or with fewer links than stand for each other although nobody has just died; more than one
 * ring; a ring out of order. */
const char *model_flaw(const struct model *model, const struct model_state *state);

/* model_is_ideal tells whether each peer knows its right neighbours, and nobody else as such. */
bool model_is_ideal(const struct model *model, const struct model_state *state);

/* model_ideal makes all nodes of |members| (bits) that are ABSENT the peers of one ideal ring. */
void model_ideal(const struct model *model, struct model_state *state, unsigned members);

/* model_cut removes the link between two nodes. */
void model_cut(struct model_state *state, int a, int b);

#endif
