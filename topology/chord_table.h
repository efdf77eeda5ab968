/* chord_table.h: the peers that a peer may route through, around the ring from itself.
 *
 * One sorted table stands for the RFC's Neighbor Table and Finger Table: successors are its first
 * entries, predecessors its last ones, fingers those in between. A lost neighbour is thereby
 * replaced with the best match at once (10.7.1), lists are sorted and hold neither ourselves nor
 * anybody twice, and while the ring is small everybody is in it: a full mesh.
 * Only peers that said by an Update on their own link that they are peers may be entered (6.5.1).
 *
 * RFC 6940 10.1, 10.3, 10.7. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOPOLOGY_CHORD_TABLE_H
#define RELOAD_TOPOLOGY_CHORD_TABLE_H

#include "reload/base/error.h"
#include "reload/env.h"
#include "topology/chord_ring.h"

/* Neighbours kept on each side: at least three (10.7), and ceil(log2 N) + 1. */
#define RELOAD_CHORD_REACH_MIN 3
#define RELOAD_CHORD_REACH_MAX 16
#define RELOAD_CHORD_PEERS_MAX 512

struct reload_chord_peer {
    struct reload_chord_place distance; /* clockwise from ourselves; never 0 */
    uint32_t link;
    bool suspect;         /* not to be routed through for now (6.6.3.1) */
    bool opened;          /* the link was made by our own Attach */
    bool relies;          /* it named us among those who hold its replicas */
    bool misses;          /* it does not name a peer that it should: to be told of our neighbours */
    uint8_t repeats;      /* of Updates, since it last answered one */
    uint32_t told;        /* version of our neighbours that it was told of */
    reload_time told_at;  /* when it last was */
    reload_time asked_at; /* when that Update was sent, as long as it has not answered; or 0 */
    reload_time
        doubted_until; /* no peer any more without an Update before; RELOAD_NEVER: no doubt */
    reload_time surplus_since; /* of no use to us since; RELOAD_NEVER: useful */
};

/* |peers| is sorted by distance. */
struct reload_chord_table {
    struct reload_chord_place self;
    struct reload_chord_peer *peers;
    size_t count, capacity;
    size_t reach; /* neighbours on each side, MIN..MAX */
};

/* reload_chord_table_init makes an empty table around |self|. */
void reload_chord_table_init(struct reload_chord_table *table, struct reload_chord_place self);

void reload_chord_table_fini(struct reload_chord_table *table, const struct reload_env *env);

/* reload_chord_table_add enters |place|, which is not ourselves, or finds it; its link becomes
 * |link|. When the table is full a neighbour takes the place of a peer half around the ring.
 * Returns 0, RELOAD_E_BUSY or RELOAD_E_NOMEM. */
RELOAD_CHECKED int reload_chord_table_add(struct reload_chord_table *table,
                                          const struct reload_env *env,
                                          struct reload_chord_place place, uint32_t link);

/* reload_chord_table_remove takes |place| out, if it is in. */
void reload_chord_table_remove(struct reload_chord_table *table, struct reload_chord_place place);

/* reload_chord_table_find returns the entry of |place|, valid until the table changes, or NULL. */
struct reload_chord_peer *reload_chord_table_find(const struct reload_chord_table *table,
                                                  struct reload_chord_place place);

/* reload_chord_table_find_link returns the entry whose link is |link|, or NULL. */
struct reload_chord_peer *reload_chord_table_find_link(const struct reload_chord_table *table,
                                                       uint32_t link);

/* reload_chord_table_place returns where |peer| is. */
static inline struct reload_chord_place
reload_chord_table_place(const struct reload_chord_table *table,
                         const struct reload_chord_peer *peer)
{
    return reload_chord_add(table->self, peer->distance);
}

/* reload_chord_table_neighbors returns how many successors there are, and as many predecessors:
 * at most |reach|. In a small ring a peer is both. */
static inline size_t
reload_chord_table_neighbors(const struct reload_chord_table *table)
{
    return table->count < table->reach ? table->count : table->reach;
}

/* The |i|-th successor or predecessor, |i| from 0 and below the number of neighbours. */
struct reload_chord_place reload_chord_table_successor(const struct reload_chord_table *table,
                                                       size_t i);
struct reload_chord_place reload_chord_table_predecessor(const struct reload_chord_table *table,
                                                         size_t i);

/* reload_chord_table_is_neighbor tells whether |peer|, an entry, is among the neighbours. */
bool reload_chord_table_is_neighbor(const struct reload_chord_table *table,
                                    const struct reload_chord_peer *peer);

/* reload_chord_table_begins returns where our range begins: the first predecessor (we are
 * responsible for what is behind it up to ourselves), or ourselves when there is none. RFC
 * 6940 10.1. */
struct reload_chord_place reload_chord_table_begins(const struct reload_chord_table *table);

/* reload_chord_table_keeps tells whether |place| is ours or has its replica here: not more than two
 * predecessors lie between (10.7.3). */
bool reload_chord_table_keeps(const struct reload_chord_table *table,
                              struct reload_chord_place place);

/* reload_chord_table_finger returns the peer nearest to the begin of the |i|-th finger's range, |i|
 * 1..128; NULL when the entry is invalid. RFC 6940 10.7.4.2. */
const struct reload_chord_peer *reload_chord_table_finger(const struct reload_chord_table *table,
                                                          unsigned i);

/* reload_chord_table_fingers_wanted returns how many entries the finger table needs: up to the one
 * that holds the last successor (10.7.4.3); what lies nearer is known anyhow. */
unsigned reload_chord_table_fingers_wanted(const struct reload_chord_table *table);

/* reload_chord_table_estimate guesses how many peers the overlay has, from the density around us.
 */
double reload_chord_table_estimate(const struct reload_chord_table *table);

/* reload_chord_table_adjust sets |reach| to what the estimate asks for. It shrinks, if it may at
 * all, only by two or more at a time, so that it does not swing. */
void reload_chord_table_adjust(struct reload_chord_table *table, bool may_shrink);

/* reload_chord_table_candidates picks from |count| |places| that somebody told of those that would
 * be neighbours of ours if they were peers: not ourselves, not entered, nobody twice, at most
 * |reach| on each side. |picked| has room for 2 * RELOAD_CHORD_REACH_MAX. Returns how many. RFC
 * 6940 10.7.3. */
size_t reload_chord_table_candidates(const struct reload_chord_table *table,
                                     const struct reload_chord_place *places, size_t count,
                                     struct reload_chord_place *picked);

#endif
