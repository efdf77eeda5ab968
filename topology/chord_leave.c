/* chord_leave.c: leaving in good order, and others that leave or fail.
 *
 * RFC 6940 6.4.2.2, 10.7.1, 10.9. SPDX-License-Identifier: BSD-2-Clause */
#include "topology/chord_leave.h"

#include "topology/chord_admit.h"
#include "topology/chord_attempt.h"
#include "topology/chord_change.h"
#include "topology/chord_finger.h"
#include "topology/chord_join.h"
#include "topology/chord_replicate.h"

#include <assert.h>

#define LIST_SIZE (RELOAD_CHORD_REACH_MAX * RELOAD_CHORD_ID_SIZE)

/* ---- leaving -------------------------------------------------------------------------------- */

/* Writes the leave data for our predecessors (|to_predecessor|: we are their successor, they get
 * our successors) or for our successors. */
static struct reload_bytes
write_data(struct reload_chord *chord, bool to_predecessor, struct reload_writer *data)
{
    const struct reload_wire *wire = reload_node_wire(chord->node);
    uint8_t octets[LIST_SIZE];
    struct reload_writer list = reload_writer_of(octets, sizeof octets);
    size_t neighbors = reload_chord_table_neighbors(&chord->table);
    for (size_t i = 0; i < neighbors; i++) {
        struct reload_node_id id = reload_chord_node_id_of(
            to_predecessor ? reload_chord_table_successor(&chord->table, i)
                           : reload_chord_table_predecessor(&chord->table, i));
        reload_node_id_encode(&list, wire, &id);
    }
    assert(!list.failed);
    struct reload_chord_leave_data leave = {.type = to_predecessor
                                                        ? RELOAD_CHORD_LEAVE_TYPE_FROM_SUCC
                                                        : RELOAD_CHORD_LEAVE_TYPE_FROM_PRED};
    if (to_predecessor)
        leave.successors = reload_writer_written(&list);
    else
        leave.predecessors = reload_writer_written(&list);
    reload_chord_leave_data_encode(data, wire, &leave);
    assert(!data->failed);
    return reload_writer_written(data);
}

static void
send_leave(struct reload_chord *chord, struct reload_chord_place place, bool to_predecessor,
           reload_time now)
{
    const struct reload_wire *wire = reload_node_wire(chord->node);
    uint8_t octets[LIST_SIZE + 16], more[LIST_SIZE + 64];
    struct reload_writer data = reload_writer_of(octets, sizeof octets);
    struct reload_writer body = reload_writer_of(more, sizeof more);
    struct reload_leave_req leave = {.leaving_peer_id = *reload_node_id(chord->node),
                                     .overlay_specific_data =
                                         write_data(chord, to_predecessor, &data)};
    reload_leave_req_encode(&body, wire, &leave);
    assert(!body.failed);
    struct reload_node_id id = reload_chord_node_id_of(place);
    struct reload_route route = reload_route_to_node(&id);
    route.first_link = reload_chord_link_to(chord, place);
    route.stays_on_link = true;
    int error = reload_node_request(chord->node, &route, RELOAD_MESSAGE_LEAVE_REQ,
                                    reload_writer_written(&body), NULL, NULL, now, NULL);
    if (error) /* it will find the link closed */
        reload_chord_log(chord, "left without a word to", place);
}

/* Tells every peer that we are linked with (6.4.2.2, 10.9). Our data is at our replicas: the first
 * successor, who becomes responsible, is one of them. */
void
reload_chord_leave(void *state, reload_time now)
{
    struct reload_chord *chord = state;
    struct reload_chord_place places[RELOAD_CHORD_PEERS_MAX];
    size_t count = chord->phase == RELOAD_CHORD_JOINED ? chord->table.count : 0;
    reload_chord_join_abandon(chord);
    reload_chord_admit_cancel(chord);
    for (size_t i = 0; i < count; i++)
        places[i] = reload_chord_table_successor(&chord->table, i);
    chord->phase = RELOAD_CHORD_LEAVING;
    for (size_t timer = 0; timer < RELOAD_CHORD_TIMERS; timer++)
        chord->timers[timer] = RELOAD_NEVER;
    /* The nearer half of the table are our successors; a peer that is both counts by distance. */
    for (size_t i = 0; i < count; i++)
        send_leave(chord, places[i], i >= (count + 1) / 2, now);
}

/* ---- others --------------------------------------------------------------------------------- */

/* We are alone, and no peer any more: those who are linked with us, joining or not yet in our
 * table, may believe that we are one, and would wait for us (D88). */
static void
fall_out(struct reload_chord *chord, reload_time now)
{
    struct reload_chord_place places[RELOAD_CHORD_PEERS_MAX];
    struct reload_link_info info;
    size_t count = 0, cursor = 0;
    while (count < RELOAD_CHORD_PEERS_MAX && reload_node_link_next(chord->node, &cursor, &info))
        places[count++] = reload_chord_place_of(&info.node_id);
    reload_chord_log(chord, "no peer is left", chord->table.self);
    chord->phase = RELOAD_CHORD_OFFLINE;
    reload_chord_admit_cancel(chord);
    for (size_t i = 0; i < count; i++)
        send_leave(chord, places[i], true, now);
    reload_topology_rejoin(chord->node, now);
}

/* |place| is no peer any more (10.7.1, 10.7.2). */
static void
lose(struct reload_chord *chord, struct reload_chord_place place, reload_time now)
{
    reload_chord_table_remove(&chord->table, place);
    reload_chord_attempt_heard(chord, place, NULL);
    reload_chord_finger_lost(chord, place, now);
    reload_chord_changed(chord, RELOAD_CHORD_CAUSE_LOST, now);
    if (chord->table.count == 0)
        reload_chord_join_left(chord, now);
    /* Alone, and not the one who may be: look for the others (10.7.1; attack row T12). */
    if (chord->phase == RELOAD_CHORD_JOINED && chord->table.count == 0 && !chord->founded)
        fall_out(chord, now);
}

void
reload_chord_lose_doubted(struct reload_chord *chord, reload_time now)
{
    for (size_t i = 0; i < chord->table.count;) {
        const struct reload_chord_peer *peer = &chord->table.peers[i];
        if (peer->doubted_until > now) {
            reload_chord_arm(chord, RELOAD_CHORD_TIMER_PROBE, peer->doubted_until);
            i++;
            continue;
        }
        lose(chord, reload_chord_table_place(&chord->table, peer), now);
        i = 0; /* the table has changed */
    }
}

void
reload_chord_link_down(void *state, uint32_t link, const struct reload_node_id *node_id, int error,
                       reload_time now)
{
    struct reload_chord *chord = state;
    struct reload_chord_place place = reload_chord_place_of(node_id);
    (void)error;
    if (reload_chord_link_to(chord, place))
        return; /* replaced by another link */
    reload_chord_attempt_unmark(chord, place);
    if (reload_chord_admit_is_pending(chord, place))
        reload_chord_admit_cancel(chord);
    const struct reload_chord_peer *peer = reload_chord_table_find(&chord->table, place);
    if (peer && peer->link == link) {
        bool was_neighbor = reload_chord_table_is_neighbor(&chord->table, peer);
        lose(chord, place, now);
        if (was_neighbor && chord->phase == RELOAD_CHORD_JOINED)
            reload_chord_attempt_lost(chord, place, now);
    }
    reload_chord_join_lost(chord, place, now);
}

/* The signer's own leave, over its own link (attack row T4); what it says is only a hint. */
static int
read_leave(struct reload_chord *chord, const struct reload_incoming *incoming,
           struct reload_bytes *list, bool *from_successor)
{
    const struct reload_wire *wire = reload_node_wire(chord->node);
    struct reload_reader reader = reload_reader_of(incoming->message->contents.message_body);
    struct reload_leave_req request;
    if (reload_leave_req_decode(&reader, wire, &request) != 0 || reload_reader_left(&reader) > 0)
        return RELOAD_E_MALFORMED;
    if (!reload_node_id_equal(&request.leaving_peer_id, &incoming->signer_id) ||
        !incoming->from_signer || incoming->link == 0)
        return RELOAD_E_FORBIDDEN;
    struct reload_chord_leave_data data;
    reader = reload_reader_of(request.overlay_specific_data);
    if (reload_chord_leave_data_decode(&reader, wire, &data) != 0 ||
        reload_reader_left(&reader) > 0)
        return RELOAD_E_MALFORMED;
    *from_successor = data.type == RELOAD_CHORD_LEAVE_TYPE_FROM_SUCC;
    *list = *from_successor ? data.successors : data.predecessors;
    return 0;
}

static bool
is_replica(const struct reload_chord *chord, struct reload_chord_place place)
{
    size_t neighbors = reload_chord_table_neighbors(&chord->table);
    for (size_t i = 0; i < neighbors && i < RELOAD_CHORD_REPLICAS; i++)
        if (reload_chord_equal(reload_chord_table_successor(&chord->table, i), place))
            return true;
    return false;
}

/* Attaches to those that the leaving peer names as our neighbours-to-be. Returns whether its first
 * successor has its place among our own. */
static bool
follow(struct reload_chord *chord, struct reload_bytes list, bool from_successor, reload_time now)
{
    const struct reload_wire *wire = reload_node_wire(chord->node);
    struct reload_chord_place places[RELOAD_CHORD_KNOWN_MAX], nearest = chord->table.self;
    struct reload_chord_place picked[2 * RELOAD_CHORD_REACH_MAX];
    struct reload_reader reader = reload_reader_of(list);
    struct reload_node_id id;
    size_t count = 0;
    while (count < RELOAD_CHORD_KNOWN_MAX && reload_node_id_next(&reader, wire, &id)) {
        if (reload_node_id_is_zero(&id) || reload_node_id_is_wildcard(&id, wire->node_id_length))
            continue;
        places[count] = reload_chord_place_of(&id);
        if (reload_chord_between(places[count], chord->table.self, nearest))
            nearest = places[count];
        count++;
    }
    size_t found = reload_chord_table_candidates(&chord->table, places, count, picked);
    for (size_t i = 0; i < found; i++)
        reload_chord_attempt_neighbor(chord, picked[i], NULL, now);
    return from_successor && is_replica(chord, nearest);
}

static bool
names_only(const struct reload_chord *chord, struct reload_bytes list)
{
    struct reload_reader reader = reload_reader_of(list);
    struct reload_node_id id;
    while (reload_node_id_next(&reader, reload_node_wire(chord->node), &id))
        if (!reload_node_id_equal(&id, reload_node_id(chord->node)))
            return false;
    return true;
}

int
reload_chord_leave_received(struct reload_chord *chord, const struct reload_incoming *incoming,
                            struct reload_writer *answer, reload_time now)
{
    struct reload_bytes list;
    bool from_successor;
    int error = read_leave(chord, incoming, &list, &from_successor);
    if (error)
        return error;
    struct reload_leave_ans nothing = {0};
    reload_leave_ans_encode(answer, reload_node_wire(chord->node), &nothing);
    struct reload_chord_place place = reload_chord_place_of(&incoming->signer_id);
    if (reload_chord_admit_is_pending(chord, place))
        reload_chord_admit_cancel(chord);
    reload_topology_mark_peer(chord->node, incoming->link, false);
    if (!reload_chord_table_find(&chord->table, place))
        return 0;
    /* The only other peer says goodbye, and knows of nobody else: that is no split (T12). */
    if (chord->phase == RELOAD_CHORD_JOINED && chord->table.count == 1 && names_only(chord, list))
        chord->founded = true;
    lose(chord, place, now);
    if (chord->phase == RELOAD_CHORD_JOINED && follow(chord, list, from_successor, now))
        reload_chord_replicate_release(chord, now); /* we know who follows: no hold-down */
    return 0;
}
