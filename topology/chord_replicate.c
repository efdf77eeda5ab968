/* chord_replicate.c: data moves with the ring.
 *
 *   FREE -> WAITING (until due, and until the core has room) -> RUNNING -> FREE
 *                ^--------- failed, target still there -----------'
 *
 * RFC 6940 10.4, 10.5, 10.7.3. SPDX-License-Identifier: BSD-2-Clause */
#include "topology/chord_replicate.h"

#include "topology/chord_admit.h"
#include "topology/chord_attempt.h"

#include <assert.h>

#define TRIES_MAX 5
#define RETRY_PAUSE (2 * RELOAD_SECOND) /* doubled with each try: 30 s in all */
#define GATHER (500 * RELOAD_MS)        /* a range that grows in steps is sent once */

static struct reload_chord_push *
reserve(struct reload_chord *chord, enum reload_chord_push_purpose purpose,
        struct reload_chord_place target, reload_time due)
{
    for (size_t i = 0; i < RELOAD_CHORD_PUSHES_MAX; i++) {
        struct reload_chord_push *push = &chord->pushes[i];
        if (push->state != RELOAD_CHORD_PUSH_FREE)
            continue;
        *push = (struct reload_chord_push){.chord = chord,
                                           .state = RELOAD_CHORD_PUSH_WAITING,
                                           .purpose = purpose,
                                           .target = target,
                                           .due = due};
        reload_chord_arm(chord, RELOAD_CHORD_TIMER_PUSH, due);
        return push;
    }
    return NULL;
}

static struct reload_chord_push *
find(struct reload_chord *chord, enum reload_chord_push_purpose purpose,
     struct reload_chord_place target)
{
    for (size_t i = 0; i < RELOAD_CHORD_PUSHES_MAX; i++) {
        struct reload_chord_push *push = &chord->pushes[i];
        if (push->state == RELOAD_CHORD_PUSH_WAITING && push->purpose == purpose &&
            reload_chord_equal(push->target, target))
            return push;
    }
    return NULL;
}

/* The place of |target| in our replica set, from 1; 0 when it is not in it. */
static uint8_t
replica_number(const struct reload_chord *chord, struct reload_chord_place target)
{
    size_t neighbors = reload_chord_table_neighbors(&chord->table);
    for (size_t i = 0; i < neighbors && i < RELOAD_CHORD_REPLICAS; i++)
        if (reload_chord_equal(reload_chord_table_successor(&chord->table, i), target))
            return (uint8_t)(i + 1);
    return 0;
}

/* ---- wishes --------------------------------------------------------------------------------- */

void
reload_chord_replicate_all(struct reload_chord *chord, struct reload_chord_place target,
                           reload_time due)
{
    struct reload_chord_push *push = find(chord, RELOAD_CHORD_PUSH_REPLICA, target);
    if (push) {
        push->due = due < push->due ? due : push->due;
        reload_chord_arm(chord, RELOAD_CHORD_TIMER_PUSH, push->due);
        return;
    }
    if (!reserve(chord, RELOAD_CHORD_PUSH_REPLICA, target, due))
        reload_chord_log(chord, "no room to copy data to", target);
}

void
reload_chord_replicate_grown(struct reload_chord *chord, struct reload_chord_place after,
                             struct reload_chord_place upto, reload_time now)
{
    size_t neighbors = reload_chord_table_neighbors(&chord->table);
    for (size_t i = 0; i < neighbors && i < RELOAD_CHORD_REPLICAS; i++) {
        struct reload_chord_place target = reload_chord_table_successor(&chord->table, i);
        struct reload_chord_push *push = find(chord, RELOAD_CHORD_PUSH_GROWN, target);
        if (push && reload_chord_equal(push->after, upto)) {
            push->after = after;
            continue;
        }
        push = reserve(chord, RELOAD_CHORD_PUSH_GROWN, target, now + GATHER);
        if (push) {
            push->after = after;
            push->upto = upto;
        } else {
            reload_chord_replicate_all(chord, target, now + GATHER);
        }
    }
}

void
reload_chord_replicate_handover(struct reload_chord *chord, struct reload_chord_place owner,
                                struct reload_chord_place after, reload_time now)
{
    struct reload_chord_push *push =
        reserve(chord, RELOAD_CHORD_PUSH_HANDOVER, owner, now + GATHER);
    if (!push)
        return; /* the core stores what it must not keep by the normal way */
    push->after = after;
    push->upto = owner;
}

void
reload_chord_replicate_met(struct reload_chord *chord, struct reload_chord_place place,
                           reload_time now)
{
    const struct reload_chord_table *table = &chord->table;
    size_t neighbors = reload_chord_table_neighbors(table);
    for (size_t i = 1; i <= RELOAD_CHORD_REPLICAS && i < neighbors; i++)
        if (reload_chord_equal(reload_chord_table_predecessor(table, i), place))
            reload_chord_replicate_handover(
                chord, place,
                i + 1 < table->count ? reload_chord_table_predecessor(table, i + 1) : table->self,
                now);
}

void
reload_chord_replicate_brought(struct reload_chord *chord, reload_time now)
{
    const struct reload_chord_table *table = &chord->table;
    size_t neighbors = reload_chord_table_neighbors(table);
    for (size_t i = 0; i < neighbors && i < RELOAD_CHORD_REPLICAS; i++) {
        bool last = i + 1 == table->count;
        reload_chord_replicate_all(chord, reload_chord_table_successor(table, i), now);
        reload_chord_replicate_handover(
            chord, reload_chord_table_predecessor(table, i),
            last ? table->self : reload_chord_table_predecessor(table, i + 1), now);
    }
}

void
reload_chord_replicate_release(struct reload_chord *chord, reload_time now)
{
    for (size_t i = 0; i < RELOAD_CHORD_PUSHES_MAX; i++) {
        struct reload_chord_push *push = &chord->pushes[i];
        if (push->state != RELOAD_CHORD_PUSH_WAITING || push->due <= now)
            continue;
        push->due = now;
        reload_chord_arm(chord, RELOAD_CHORD_TIMER_PUSH, now);
    }
}

/* ---- doing it ------------------------------------------------------------------------------- */

static void
ended(void *argument, int error, reload_time now)
{
    struct reload_chord_push *push = argument;
    struct reload_chord *chord = push->chord;
    struct reload_chord_push copy = *push;
    assert(push->state == RELOAD_CHORD_PUSH_RUNNING);
    push->state = RELOAD_CHORD_PUSH_FREE;
    if (copy.purpose == RELOAD_CHORD_PUSH_ADMIT) {
        reload_chord_admit_pushed(chord, copy.target, error, now);
        return;
    }
    /* Refused: it may not have noticed yet what we did. */
    bool again = error && copy.tries < TRIES_MAX && reload_chord_link_to(chord, copy.target) &&
                 copy.purpose != RELOAD_CHORD_PUSH_ABANDONED;
    if (error && !again)
        reload_chord_log(chord, "could not copy data to", copy.target);
    if (!again)
        return;
    push->state = RELOAD_CHORD_PUSH_WAITING;
    push->due = now + (RETRY_PAUSE << copy.tries) / 2;
    reload_chord_arm(chord, RELOAD_CHORD_TIMER_PUSH, push->due);
}

/* Hands |push| to the core. Returns 0 or why it does not take it. */
static int
run(struct reload_chord *chord, struct reload_chord_push *push, uint8_t number, reload_time now)
{
    struct reload_node_id target = reload_chord_node_id_of(push->target);
    struct reload_node_id after = reload_chord_node_id_of(push->after);
    struct reload_node_id upto = reload_chord_node_id_of(push->upto);
    push->state = RELOAD_CHORD_PUSH_RUNNING;
    push->tries++;
    int error = reload_topology_push(chord->node, &target, &after, &upto, number, ended, push, now);
    if (error)
        push->state = RELOAD_CHORD_PUSH_WAITING;
    return error;
}

/* Starts one whose time has come, if it still makes sense. */
static void
begin(struct reload_chord *chord, struct reload_chord_push *push, reload_time now)
{
    uint8_t number = replica_number(chord, push->target);
    bool handover = push->purpose == RELOAD_CHORD_PUSH_HANDOVER;
    bool sensible = chord->phase == RELOAD_CHORD_JOINED &&
                    reload_chord_link_to(chord, push->target) && (handover || number);
    if (!sensible) {
        push->state = RELOAD_CHORD_PUSH_FREE;
        return;
    }
    if (push->purpose == RELOAD_CHORD_PUSH_REPLICA) {
        push->after = reload_chord_table_begins(&chord->table);
        push->upto = chord->table.self;
    }
    if (run(chord, push, handover ? 0 : number, now) != 0)
        push->due = now + RETRY_PAUSE;
}

void
reload_chord_replicate_due(struct reload_chord *chord, reload_time now)
{
    for (size_t i = 0; i < RELOAD_CHORD_PUSHES_MAX; i++) {
        struct reload_chord_push *push = &chord->pushes[i];
        if (push->state == RELOAD_CHORD_PUSH_WAITING && push->due <= now)
            begin(chord, push, now);
        if (push->state == RELOAD_CHORD_PUSH_WAITING)
            reload_chord_arm(chord, RELOAD_CHORD_TIMER_PUSH, push->due);
    }
}

int
reload_chord_replicate_admit(struct reload_chord *chord, struct reload_chord_place place,
                             struct reload_chord_place begins, reload_time now)
{
    struct reload_chord_push *push = reserve(chord, RELOAD_CHORD_PUSH_ADMIT, place, RELOAD_NEVER);
    if (!push)
        return RELOAD_E_BUSY;
    push->after = begins;
    push->upto = place;
    int error = run(chord, push, 0, now);
    if (error)
        push->state = RELOAD_CHORD_PUSH_FREE;
    return error;
}

/* ---- what storage asks ---------------------------------------------------------------------- */

size_t
reload_chord_replicas(void *state, const struct reload_node_id *id, struct reload_node_id *node_ids)
{
    const struct reload_chord *chord = state;
    const struct reload_chord_table *table = &chord->table;
    size_t count = 0, neighbors = reload_chord_table_neighbors(table);
    if (chord->phase != RELOAD_CHORD_JOINED)
        return 0;
    /* What is stored while its next owner is being admitted reaches it too. */
    const struct reload_chord_admission *admission = &chord->admission;
    if (admission->active && admission->pushing &&
        reload_chord_within(reload_chord_place_of(id), reload_chord_table_begins(table),
                            admission->place))
        node_ids[count++] = reload_chord_node_id_of(admission->place);
    for (size_t i = 0; i < neighbors && i < RELOAD_CHORD_REPLICAS; i++)
        node_ids[count++] = reload_chord_node_id_of(reload_chord_table_successor(table, i));
    assert(count <= RELOAD_REPLICAS_MAX);
    return count;
}

bool
reload_chord_accepts_replica(void *state, const struct reload_node_id *id,
                             const struct reload_node_id *sender)
{
    const struct reload_chord *chord = state;
    const struct reload_chord_table *table = &chord->table;
    struct reload_chord_place place = reload_chord_place_of(id);
    struct reload_chord_place from = reload_chord_place_of(sender);
    if (chord->phase == RELOAD_CHORD_ASKING || chord->phase == RELOAD_CHORD_PLACED)
        return reload_chord_equal(from, chord->join.admitting);
    /* What is ours whoever was responsible for it before has to store here (6.4.2.3), when two
     * rings have become one perhaps somebody far: any peer that we are linked with (D55). */
    if (chord->phase == RELOAD_CHORD_JOINED &&
        reload_chord_within(place, reload_chord_table_begins(table), table->self))
        return reload_chord_table_find(table, from) != NULL;
    /* 10.4: from an appropriate predecessor, in a range that it is responsible for. Its view and
     * ours may differ by two peers that one of us has not lost or met yet. */
    size_t neighbors = reload_chord_table_neighbors(table);
    for (size_t i = 0; i < neighbors; i++) {
        if (!reload_chord_equal(reload_chord_table_predecessor(table, i), from))
            continue;
        if (i + 2 < neighbors)
            return i <= RELOAD_CHORD_REPLICAS &&
                   reload_chord_within(place, reload_chord_table_predecessor(table, i + 2), from);
        if (table->count <= table->reach)
            return true; /* a small ring: each of its peers may soon be the one before us */
        return i <= RELOAD_CHORD_REPLICAS && i + 1 < neighbors &&
               reload_chord_within(place, reload_chord_table_predecessor(table, i + 1), from);
    }
    return false;
}

/* Also what its responsible peer believes to be here, though we know of peers between that it does
 * not know: when they are gone, nobody would bring it again (D83). */
bool
reload_chord_keeps(void *state, const struct reload_node_id *id)
{
    const struct reload_chord *chord = state;
    struct reload_node_id owner;
    if (chord->phase != RELOAD_CHORD_JOINED ||
        reload_chord_table_keeps(&chord->table, reload_chord_place_of(id)))
        return true;
    if (!reload_chord_owner(state, id, &owner))
        return false;
    const struct reload_chord_peer *peer =
        reload_chord_table_find(&chord->table, reload_chord_place_of(&owner));
    return peer && peer->relies;
}

bool
reload_chord_owner(void *state, const struct reload_node_id *id, struct reload_node_id *owner)
{
    const struct reload_chord *chord = state;
    const struct reload_chord_table *table = &chord->table;
    struct reload_chord_place place = reload_chord_place_of(id);
    size_t neighbors = reload_chord_table_neighbors(table);
    if (chord->phase != RELOAD_CHORD_JOINED)
        return false;
    for (size_t i = 0; i < neighbors; i++) {
        struct reload_chord_place from = table->self;
        if (i + 1 < table->count)
            from = reload_chord_table_predecessor(table, i + 1);
        if (!reload_chord_within(place, from, reload_chord_table_predecessor(table, i)))
            continue;
        *owner = reload_chord_node_id_of(reload_chord_table_predecessor(table, i));
        return true;
    }
    return false;
}

void
reload_chord_meet(void *state, const struct reload_node_id *peer, reload_time now)
{
    struct reload_chord *chord = state;
    if (chord->phase == RELOAD_CHORD_JOINED)
        reload_chord_attempt_finger(chord, reload_chord_place_of(peer), now);
}

bool
reload_chord_copies_later(void *state, const struct reload_node_id *peer)
{
    const struct reload_chord *chord = state;
    struct reload_chord_place place = reload_chord_place_of(peer);
    for (size_t i = 0; i < RELOAD_CHORD_PUSHES_MAX; i++)
        if (chord->pushes[i].state != RELOAD_CHORD_PUSH_FREE &&
            reload_chord_equal(chord->pushes[i].target, place))
            return true;
    return false;
}
