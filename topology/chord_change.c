/* chord_change.c: what follows from a change of our neighbourhood.
 *
 *   what changed                | neighbours are told | everybody is told | data
 *   ----------------------------+---------------------+-------------------+----------------------
 *   the first predecessor       | at once             | at once           | grown: to our replicas
 *   (our range, 10.7.1, 10.7.3) |                     |                   | shrunk: to its owner
 *   the first successors        | at once             | gathered, 30 s    | ours, to new replicas
 *   a neighbour was lost        | at once             | gathered, 30 s    |
 *   the same, by a join beside  | the nearest two     | gathered, 30 s    | as above
 *   us; a farther one came      | gathered, 16 s      |                   |
 *
 * Who joins tells all whom it concerns by itself: what its neighbours have to add may wait for more
 * (D115), or a ring of N peers would send N log N Updates a join, and one that begins anew would
 * drown in them.
 *
 * RFC 6940 10.7.1, 10.7.3. SPDX-License-Identifier: BSD-2-Clause */
#include "topology/chord_change.h"

#include "topology/chord_attempt.h"
#include "topology/chord_finger.h"
#include "topology/chord_partition.h"
#include "topology/chord_replicate.h"
#include "topology/chord_stabilize.h"
#include "topology/chord_update.h"

#include <assert.h>

#define GATHER_NEAR (16 * RELOAD_SECOND)
#define GATHER_ALL (30 * RELOAD_SECOND)
/* 10.7.1: replicas are not created sooner after a successor was lost, unless an Update shows that
 * it is replaced by the right one. */
#define HOLD_DOWN (30 * RELOAD_SECOND)
#define REPAIR_FIRST (1 * RELOAD_SECOND)

static struct reload_chord_view
look(const struct reload_chord_table *table)
{
    struct reload_chord_view view = {.begins = reload_chord_table_begins(table)};
    size_t neighbors = reload_chord_table_neighbors(table);
    uint64_t digest = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < table->count; i++) {
        if (!reload_chord_table_is_neighbor(table, &table->peers[i]))
            continue;
        digest = (digest ^ table->peers[i].distance.high) * UINT64_C(0x100000001b3);
        digest = (digest ^ table->peers[i].distance.low) * UINT64_C(0x100000001b3);
    }
    view.digest = digest;
    view.replica_count = neighbors < RELOAD_CHORD_REPLICAS ? neighbors : RELOAD_CHORD_REPLICAS;
    for (size_t i = 0; i < view.replica_count; i++)
        view.replicas[i] = reload_chord_table_successor(table, i);
    return view;
}

static bool
has_replica(const struct reload_chord_view *view, struct reload_chord_place place)
{
    for (size_t i = 0; i < view->replica_count; i++)
        if (reload_chord_equal(view->replicas[i], place))
            return true;
    return false;
}

static bool
same_first_successor(const struct reload_chord_view *a, const struct reload_chord_view *b)
{
    if (a->replica_count == 0 || b->replica_count == 0)
        return a->replica_count == b->replica_count;
    return reload_chord_equal(a->replicas[0], b->replicas[0]);
}

/* Our range was (before->begins, self] and is (after->begins, self]. */
static void
move_range(struct reload_chord *chord, const struct reload_chord_view *before,
           const struct reload_chord_view *after, enum reload_chord_cause cause, reload_time now)
{
    struct reload_chord_place self = chord->table.self;
    bool had_all = reload_chord_equal(before->begins, self);
    bool shrunk = !reload_chord_equal(after->begins, self) &&
                  (had_all || reload_chord_between(after->begins, before->begins, self));
    if (!shrunk)
        reload_chord_replicate_grown(chord, after->begins, before->begins, now);
    else if (cause == RELOAD_CHORD_CAUSE_LEARNT || cause == RELOAD_CHORD_CAUSE_GREETED)
        reload_chord_replicate_handover(chord, after->begins, before->begins, now);
}

static void
move_replicas(struct reload_chord *chord, const struct reload_chord_view *before,
              const struct reload_chord_view *after, enum reload_chord_cause cause, reload_time now)
{
    reload_time due = cause == RELOAD_CHORD_CAUSE_LOST ? now + HOLD_DOWN : now;
    for (size_t i = 0; i < after->replica_count; i++)
        if (!has_replica(before, after->replicas[i]))
            reload_chord_replicate_all(chord, after->replicas[i], due);
}

static void
tell(struct reload_chord *chord, bool range, bool near, enum reload_chord_cause cause,
     reload_time now)
{
    bool joined = cause == RELOAD_CHORD_CAUSE_JOINED;
    bool beside = cause == RELOAD_CHORD_CAUSE_ADMITTED || cause == RELOAD_CHORD_CAUSE_GREETED;
    /* Without reactive recovery only a new range is told; the rest is stabilisation's. */
    if (!reload_node_config(chord->node)->chord_reactive && !joined && !range &&
        cause != RELOAD_CHORD_CAUSE_ADMITTED)
        return;
    bool urgent = joined || (range && !beside);
    bool at_once = urgent || (near && !beside) || cause == RELOAD_CHORD_CAUSE_LOST;
    chord->tell_neighbors |= at_once;
    reload_chord_update_tell(chord, false, at_once ? now : now + GATHER_NEAR, now);
    reload_chord_update_tell(chord, true, urgent ? now : now + GATHER_ALL, now);
}

void
reload_chord_changed(struct reload_chord *chord, enum reload_chord_cause cause, reload_time now)
{
    /* Those who died together are noticed one after the other: a list that shrinks on the way may
     * be left with those who are noticed last. */
    reload_chord_table_adjust(&chord->table, cause != RELOAD_CHORD_CAUSE_LOST);
    if (chord->phase != RELOAD_CHORD_JOINED)
        return;
    struct reload_chord_view before = chord->view, after = look(&chord->table);
    bool joined = cause == RELOAD_CHORD_CAUSE_JOINED;
    reload_chord_finger_changed(chord, now);
    reload_chord_stabilize_watch(chord, cause == RELOAD_CHORD_CAUSE_LOST, now);
    if (!joined && before.digest == after.digest)
        return;
    if (cause == RELOAD_CHORD_CAUSE_LOST)
        reload_chord_attempt_hurry(chord, now);
    chord->view = after;
    chord->version++;
    bool range = !reload_chord_equal(before.begins, after.begins);
    bool near = !same_first_successor(&before, &after);
    if (joined || near) {
        chord->successor_confirmed = false;
        chord->repair_tries = 0;
    }
    if (near && cause == RELOAD_CHORD_CAUSE_LOST)
        reload_chord_arm(chord, RELOAD_CHORD_TIMER_REPAIR, now + REPAIR_FIRST);
    /* Perhaps not it is gone, but the way to its part of the ring: do not wait for the next search.
     */
    if ((near || range) && cause == RELOAD_CHORD_CAUSE_LOST)
        reload_chord_partition_suspect(chord, now);
    tell(chord, range, near, cause, now);
    /* Who just joined is spared: its admitting peer and that one's successor have the data. */
    if (!joined) {
        if (range)
            move_range(chord, &before, &after, cause, now);
        move_replicas(chord, &before, &after, cause, now);
    }
    reload_topology_changed(chord->node, now);
}
