/* chord_update.c: Updates, sent and received.
 *
 * RFC 6940 6.4.2.3, 10.7. SPDX-License-Identifier: BSD-2-Clause */
#include "topology/chord_update.h"

#include "topology/chord_admit.h"
#include "topology/chord_attempt.h"
#include "topology/chord_change.h"
#include "topology/chord_join.h"
#include "topology/chord_replicate.h"
#include "topology/chord_stabilize.h"

#include <assert.h>

/* Our own lists are at most so long: 2 * REACH_MAX neighbours, 128 fingers. */
#define LISTS_SIZE ((2 * RELOAD_CHORD_REACH_MAX + RELOAD_CHORD_BITS) * RELOAD_CHORD_ID_SIZE)
#define TELL_GAP (500 * RELOAD_MS) /* between two rounds of Updates to the neighbours */
#define TELL_BATCH 64              /* Updates sent in one go */
#define TELL_PAUSE (20 * RELOAD_MS)
#define REMIND_GAP (2 * RELOAD_SECOND)
#define REPEATS_MAX 2 /* of an Update that is not answered; the next one may be 10 minutes away */
/* Of somebody that we may not have noticed yet to be dead: after we have (chord_stabilize.c). */
#define REMIND_LATER (12 * RELOAD_SECOND)

/* ---- sending -------------------------------------------------------------------------------- */

static struct reload_bytes
write_list(struct reload_writer *arena, const struct reload_wire *wire,
           const struct reload_chord_place *places, size_t count)
{
    size_t begin = arena->size;
    for (size_t i = 0; i < count; i++) {
        struct reload_node_id id = reload_chord_node_id_of(places[i]);
        reload_node_id_encode(arena, wire, &id);
    }
    return (struct reload_bytes){arena->data + begin, arena->size - begin};
}

/* The fingers in numerically ascending order (10.7), each peer once. */
static size_t
list_fingers(const struct reload_chord_table *table, struct reload_chord_place *places)
{
    size_t count = 0;
    for (unsigned i = 1; i <= RELOAD_CHORD_BITS; i++) {
        const struct reload_chord_peer *peer = reload_chord_table_finger(table, i);
        if (!peer)
            continue;
        struct reload_chord_place place = reload_chord_table_place(table, peer);
        size_t at = count++;
        for (; at > 0 && reload_chord_less(place, places[at - 1]); at--)
            places[at] = places[at - 1];
        places[at] = place;
    }
    return count;
}

static void
write_update(struct reload_chord *chord, uint8_t type, struct reload_writer *body, reload_time now)
{
    const struct reload_wire *wire = reload_node_wire(chord->node);
    const struct reload_chord_table *table = &chord->table;
    struct reload_chord_place places[RELOAD_CHORD_BITS];
    uint8_t data[LISTS_SIZE];
    struct reload_writer arena = reload_writer_of(data, sizeof data);
    size_t neighbors = reload_chord_table_neighbors(table);
    for (size_t i = 0; i < neighbors; i++)
        places[i] = reload_chord_table_predecessor(table, i);
    struct reload_bytes predecessors = write_list(&arena, wire, places, neighbors);
    for (size_t i = 0; i < neighbors; i++)
        places[i] = reload_chord_table_successor(table, i);
    struct reload_bytes successors = write_list(&arena, wire, places, neighbors);

    struct reload_chord_update update = {
        .uptime = (uint32_t)((now - chord->started_at) / RELOAD_SECOND), .type = type};
    if (type == RELOAD_CHORD_UPDATE_TYPE_NEIGHBORS) {
        update.neighbors.predecessors = predecessors;
        update.neighbors.successors = successors;
    } else if (type == RELOAD_CHORD_UPDATE_TYPE_FULL) {
        update.full.predecessors = predecessors;
        update.full.successors = successors;
        update.full.fingers = write_list(&arena, wire, places, list_fingers(table, places));
    }
    assert(!arena.failed);
    reload_chord_update_encode(body, wire, &update);
}

/* |peer| is told once more if it is a neighbour: its link may have been bad for a while, and stand
 * nevertheless (D135). */
static void
repeat(struct reload_chord *chord, struct reload_chord_peer *peer, reload_time now)
{
    if (peer->repeats >= REPEATS_MAX || chord->phase != RELOAD_CHORD_JOINED ||
        !reload_chord_table_is_neighbor(&chord->table, peer))
        return;
    peer->repeats++;
    peer->told = 0;
    peer->misses = true;
    reload_chord_update_tell(chord, false, now + TELL_GAP, now);
}

/* An answer by another way is to an Update that did not come by the signer's own link: it was only
 * a hint (T5). */
static void
answered(void *argument, const struct reload_result *result, reload_time now)
{
    struct reload_chord *chord = argument;
    const struct reload_chord_table *table = &chord->table;
    reload_time sent_at = now - result->elapsed_ns;
    struct reload_chord_peer *peer =
        reload_chord_table_find(table, reload_chord_place_of(&result->responder_id));
    bool is_lost = result->error == RELOAD_E_TIMEOUT || result->error == RELOAD_E_UNREACHABLE;
    for (size_t i = 0; is_lost && i < table->count; i++)
        if (table->peers[i].asked_at == sent_at)
            repeat(chord, &table->peers[i], now);
    if (result->error || !peer || peer->asked_at != sent_at)
        return;
    peer->asked_at = 0;
    if (result->link != peer->link)
        repeat(chord, peer, now);
    else
        peer->repeats = 0;
}

void
reload_chord_update_send(struct reload_chord *chord, uint32_t link,
                         const struct reload_node_id *node_id, uint8_t type, reload_time now)
{
    if (chord->phase != RELOAD_CHORD_JOINED || link == 0)
        return;
    uint8_t data[LISTS_SIZE + 16];
    struct reload_writer body = reload_writer_of(data, sizeof data);
    write_update(chord, type, &body, now);
    assert(!body.failed);
    struct reload_route route = reload_route_to_node(node_id);
    route.first_link = link;
    /* On a later link it would say of us what was true before (D88). */
    route.stays_on_link = true;
    int error = reload_node_request(chord->node, &route, RELOAD_MESSAGE_UPDATE_REQ,
                                    reload_writer_written(&body), answered, chord, now, NULL);
    struct reload_chord_peer *peer =
        reload_chord_table_find(&chord->table, reload_chord_place_of(node_id));
    if (peer && !error) {
        peer->told_at = now;
        peer->misses = peer->misses && type == RELOAD_CHORD_UPDATE_TYPE_PEER_READY;
        if (type != RELOAD_CHORD_UPDATE_TYPE_PEER_READY) {
            peer->told = chord->version;
            peer->asked_at = now;
        }
    }
}

void
reload_chord_update_tell(struct reload_chord *chord, bool all, reload_time at, reload_time now)
{
    reload_time last = all ? chord->told_all_at : chord->told_near_at;
    reload_time earliest = last ? last + TELL_GAP : now;
    if (all)
        chord->tell_cursor = 0;
    reload_chord_arm(chord, all ? RELOAD_CHORD_TIMER_TELL_ALL : RELOAD_CHORD_TIMER_TELL_NEAR,
                     at > earliest ? at : earliest);
}

/* Whether |peer| is to have an Update in a round to |all| neighbours, or only to those that keep
 * replicas of ours, or whose replicas we keep. */
static bool
is_due(const struct reload_chord *chord, const struct reload_chord_peer *peer, bool all)
{
    const struct reload_chord_table *table = &chord->table;
    size_t ahead = (size_t)(peer - table->peers), behind = table->count - 1 - ahead;
    bool nearest = ahead < RELOAD_CHORD_REPLICAS || behind < RELOAD_CHORD_REPLICAS;
    return peer->told != chord->version && reload_chord_table_is_neighbor(table, peer) &&
           (all || nearest || peer->misses);
}

void
reload_chord_update_near_due(struct reload_chord *chord, reload_time now)
{
    const struct reload_chord_table *table = &chord->table;
    struct reload_chord_place places[2 * RELOAD_CHORD_REACH_MAX];
    size_t count = 0;
    for (size_t i = 0; i < table->count; i++)
        if (is_due(chord, &table->peers[i], chord->tell_neighbors))
            places[count++] = reload_chord_table_place(table, &table->peers[i]);
    chord->told_near_at = now;
    chord->tell_neighbors = false;
    /* Sending may end a link, and thereby change the table. */
    for (size_t i = 0; i < count; i++) {
        const struct reload_chord_peer *peer = reload_chord_table_find(table, places[i]);
        struct reload_node_id id = reload_chord_node_id_of(places[i]);
        if (peer)
            reload_chord_update_send(chord, peer->link, &id, RELOAD_CHORD_UPDATE_TYPE_NEIGHBORS,
                                     now);
    }
}

void
reload_chord_update_all_due(struct reload_chord *chord, reload_time now)
{
    chord->told_all_at = now;
    struct reload_link_info info;
    for (size_t sent = 0; sent < TELL_BATCH;) {
        if (!reload_node_link_next(chord->node, &chord->tell_cursor, &info))
            return;
        const struct reload_chord_peer *peer =
            reload_chord_table_find(&chord->table, reload_chord_place_of(&info.node_id));
        if (peer && peer->told == chord->version)
            continue;
        reload_chord_update_send(chord, info.link, &info.node_id,
                                 RELOAD_CHORD_UPDATE_TYPE_NEIGHBORS, now);
        sent++;
    }
    reload_chord_arm(chord, RELOAD_CHORD_TIMER_TELL_ALL, now + TELL_PAUSE);
}

/* ---- receiving ------------------------------------------------------------------------------ */

/* Takes up to RELOAD_CHORD_KNOWN_MAX of |list|; what cannot be a Node-ID is left out (D20). */
static size_t
read_list(const struct reload_wire *wire, struct reload_bytes list,
          struct reload_chord_place *places)
{
    struct reload_reader reader = reload_reader_of(list);
    struct reload_node_id id;
    size_t count = 0;
    while (count < RELOAD_CHORD_KNOWN_MAX && reload_node_id_next(&reader, wire, &id))
        if (!reload_node_id_is_zero(&id) && !reload_node_id_is_wildcard(&id, wire->node_id_length))
            places[count++] = reload_chord_place_of(&id);
    return count;
}

int
reload_chord_update_read(const struct reload_wire *wire, struct reload_bytes body,
                         struct reload_chord_lists *lists, uint8_t *type)
{
    struct reload_reader reader = reload_reader_of(body);
    struct reload_chord_update update;
    if (reload_chord_update_decode(&reader, wire, &update) != 0 || reload_reader_left(&reader) > 0)
        return RELOAD_E_MALFORMED;
    struct reload_bytes predecessors = {0}, successors = {0};
    if (update.type == RELOAD_CHORD_UPDATE_TYPE_NEIGHBORS) {
        predecessors = update.neighbors.predecessors;
        successors = update.neighbors.successors;
    } else if (update.type == RELOAD_CHORD_UPDATE_TYPE_FULL) {
        predecessors = update.full.predecessors;
        successors = update.full.successors;
    } else if (update.type != RELOAD_CHORD_UPDATE_TYPE_PEER_READY) {
        return RELOAD_E_MALFORMED;
    }
    lists->predecessor_count = read_list(wire, predecessors, lists->predecessors);
    lists->successor_count = read_list(wire, successors, lists->successors);
    lists->uptime_s = update.uptime;
    *type = update.type;
    return 0;
}

static bool
contains(const struct reload_chord_place *places, size_t count, struct reload_chord_place place)
{
    for (size_t i = 0; i < count; i++)
        if (reload_chord_equal(places[i], place))
            return true;
    return false;
}

/* Attaches to those of the list that should be neighbours of ours (10.7.3), through the peer that
 * told of them (10.6) if it is linked with us. */
static void
attach_to(struct reload_chord *chord, const struct reload_chord_place *places, size_t count,
          const struct reload_chord_place *via, reload_time now)
{
    struct reload_chord_place picked[2 * RELOAD_CHORD_REACH_MAX];
    size_t found = reload_chord_table_candidates(&chord->table, places, count, picked);
    for (size_t i = 0; i < found; i++)
        reload_chord_attempt_neighbor(chord, picked[i], via, now);
}

/* |place| is in the list, and nothing in it lies between |from| and |to|. */
static bool
is_next(const struct reload_chord_place *places, size_t count, struct reload_chord_place place,
        struct reload_chord_place from, struct reload_chord_place to)
{
    for (size_t i = 0; i < count; i++)
        if (reload_chord_between(places[i], from, to))
            return false;
    return contains(places, count, place);
}

/* |signer| takes us for its first predecessor, or first successor: nobody is between. */
static bool
follows_us(const struct reload_chord *chord, const struct reload_chord_lists *lists,
           struct reload_chord_place signer)
{
    struct reload_chord_place self = chord->table.self;
    return is_next(lists->predecessors, lists->predecessor_count, self, self, signer);
}

static bool
precedes_us(const struct reload_chord *chord, const struct reload_chord_lists *lists,
            struct reload_chord_place signer)
{
    struct reload_chord_place self = chord->table.self;
    return is_next(lists->successors, lists->successor_count, self, signer, self);
}

/* |signer| is our first successor, and takes us for its predecessor. */
static bool
confirms(const struct reload_chord *chord, const struct reload_chord_lists *lists,
         struct reload_chord_place signer)
{
    const struct reload_chord_table *table = &chord->table;
    return table->count > 0 && reload_chord_equal(reload_chord_table_successor(table, 0), signer) &&
           follows_us(chord, lists, signer);
}

/* |signer|, our first successor, names the same peer as its successor that we took for our second.
 */
static bool
names_second(const struct reload_chord *chord, const struct reload_chord_lists *lists)
{
    const struct reload_chord_table *table = &chord->table;
    if (reload_chord_table_neighbors(table) < 2)
        return true;
    struct reload_chord_place first = reload_chord_table_successor(table, 0);
    struct reload_chord_place second = reload_chord_table_successor(table, 1);
    return is_next(lists->successors, lists->successor_count, second, first, second);
}

static bool
is_named(const struct reload_chord_lists *lists, struct reload_chord_place place)
{
    return contains(lists->predecessors, lists->predecessor_count, place) ||
           contains(lists->successors, lists->successor_count, place);
}

/* Whether |place| would be among the first three of |places|, the neighbours of |signer| on one
 * side. */
static bool
belongs(const struct reload_chord_place *places, size_t count, struct reload_chord_place signer,
        struct reload_chord_place place, bool ahead)
{
    size_t nearer = 0;
    for (size_t i = 0; i < count; i++)
        nearer += ahead ? reload_chord_between(places[i], signer, place)
                        : reload_chord_between(places[i], place, signer);
    return nearer < RELOAD_CHORD_REACH_MIN;
}

/* Whether we are linked with a near neighbour of |signer| that it does not name: it may have lost
 * the link with it for a while, and believe that it is dead. */
static bool
misses(const struct reload_chord *chord, const struct reload_chord_lists *lists,
       struct reload_chord_place signer)
{
    const struct reload_chord_table *table = &chord->table;
    for (size_t i = 0; i < table->count; i++) {
        struct reload_chord_place place = reload_chord_table_place(table, &table->peers[i]);
        if (reload_chord_equal(place, signer) ||
            !reload_chord_table_is_neighbor(table, &table->peers[i]) || is_named(lists, place))
            continue;
        if (belongs(lists->successors, lists->successor_count, signer, place, true) ||
            belongs(lists->predecessors, lists->predecessor_count, signer, place, false))
            return true;
    }
    return false;
}

/* A neighbour that does not know us is told of us at once; so is, of our neighbours, a peer that
 * should know them, though it is no neighbour of ours, and nobody else may tell it. A neighbour
 * that does not know all of them may be right. */
static void
remind(struct reload_chord *chord, const struct reload_chord_lists *lists,
       struct reload_chord_place signer, reload_time now)
{
    struct reload_chord_peer *peer = reload_chord_table_find(&chord->table, signer);
    if (!peer || now < peer->told_at + REMIND_GAP)
        return;
    bool is_neighbor = reload_chord_table_is_neighbor(&chord->table, peer);
    if (is_neighbor ? !is_named(lists, chord->table.self) : misses(chord, lists, signer)) {
        struct reload_node_id id = reload_chord_node_id_of(signer);
        reload_chord_update_send(chord, peer->link, &id, RELOAD_CHORD_UPDATE_TYPE_NEIGHBORS, now);
    } else if (is_neighbor && reload_node_config(chord->node)->chord_reactive &&
               misses(chord, lists, signer)) {
        reload_chord_stabilize_watch(chord, true, now); /* it may be right */
        peer->told = 0;
        peer->misses = true;
        reload_chord_update_tell(chord, false, now + REMIND_LATER, now);
    }
}

/* Who counts us among its first successors has its replicas here, as it sees the ring (10.4). */
static void
note_reliance(struct reload_chord *chord, const struct reload_chord_lists *lists,
              struct reload_chord_place signer, reload_time now)
{
    struct reload_chord_peer *peer = reload_chord_table_find(&chord->table, signer);
    size_t count = lists->successor_count < RELOAD_CHORD_REPLICAS ? lists->successor_count
                                                                  : RELOAD_CHORD_REPLICAS;
    bool relies = contains(lists->successors, count, chord->table.self);
    if (!peer || peer->relies == relies)
        return;
    peer->relies = relies;
    if (!relies) /* what was kept for it may go */
        reload_topology_changed(chord->node, now);
}

/* What a peer's own Update of its neighbours means to a peer. */
static void
consider(struct reload_chord *chord, const struct reload_chord_lists *lists,
         struct reload_chord_place signer, reload_time now)
{
    reload_chord_attempt_heard(chord, signer, lists);
    note_reliance(chord, lists, signer, now);
    attach_to(chord, lists->predecessors, lists->predecessor_count, &signer, now);
    attach_to(chord, lists->successors, lists->successor_count, &signer, now);
    if (confirms(chord, lists, signer)) {
        chord->successor_confirmed = true;
        if (names_second(chord, lists))
            reload_chord_replicate_release(chord, now);
    }
    remind(chord, lists, signer, now);
}

/* The signer says on its own link that it is a peer: from now on we may route through it. */
static void
enter(struct reload_chord *chord, struct reload_chord_place signer, uint32_t link,
      const struct reload_chord_lists *lists, reload_time now)
{
    if (chord->phase == RELOAD_CHORD_LEAVING || reload_chord_admit_is_pending(chord, signer))
        return;
    bool known = reload_chord_table_find(&chord->table, signer);
    if (reload_chord_table_add(&chord->table, chord->env, signer, link) != 0)
        return; /* no room or memory: it stays linked */
    struct reload_chord_peer *peer = reload_chord_table_find(&chord->table, signer);
    peer->doubted_until = RELOAD_NEVER;
    reload_topology_mark_peer(chord->node, link, true);
    reload_chord_join_met(chord, now);
    if (chord->phase == RELOAD_CHORD_OFFLINE)
        reload_topology_peer_met(chord->node, now);
    if (known)
        return;
    peer->opened = reload_chord_attempt_was_ours(chord, signer);
    /* When its link came up, or when we joined, it was told that we are a peer. */
    peer->told_at = now;
    bool beside = follows_us(chord, lists, signer) || precedes_us(chord, lists, signer);
    reload_chord_changed(chord, beside ? RELOAD_CHORD_CAUSE_GREETED : RELOAD_CHORD_CAUSE_LEARNT,
                         now);
    /* Who has just joined got its data from its admitting peer. */
    if (lists->uptime_s >= RELOAD_CHORD_SETTLED_S && chord->phase == RELOAD_CHORD_JOINED)
        reload_chord_replicate_met(chord, signer, now);
}

int
reload_chord_update_received(struct reload_chord *chord, const struct reload_incoming *incoming,
                             struct reload_writer *answer, reload_time now)
{
    const struct reload_wire *wire = reload_node_wire(chord->node);
    struct reload_chord_lists lists;
    uint8_t type;
    int error =
        reload_chord_update_read(wire, incoming->message->contents.message_body, &lists, &type);
    if (error)
        return error;
    struct reload_chord_place signer = reload_chord_place_of(&incoming->signer_id);
    if (reload_chord_equal(signer, chord->table.self))
        return RELOAD_E_FORBIDDEN;
    struct reload_update_ans nothing = {0};
    reload_update_ans_encode(answer, wire, &nothing);
    if (!incoming->from_signer) {
        if (chord->phase == RELOAD_CHORD_JOINED) {
            attach_to(chord, &signer, 1, NULL, now);
            attach_to(chord, lists.predecessors, lists.predecessor_count, NULL, now);
            attach_to(chord, lists.successors, lists.successor_count, NULL, now);
        }
        return 0;
    }
    enter(chord, signer, incoming->link, &lists, now);
    if (chord->phase != RELOAD_CHORD_JOINED)
        reload_chord_join_learn(chord, signer, type, &lists, now);
    else if (type != RELOAD_CHORD_UPDATE_TYPE_PEER_READY)
        consider(chord, &lists, signer, now);
    return 0;
}
