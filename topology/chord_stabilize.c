/* chord_stabilize.c: what a peer does by itself.
 *
 * RFC 6940 10.7.1, 10.7.4. SPDX-License-Identifier: BSD-2-Clause */
#include "topology/chord_stabilize.h"

#include "topology/chord_attempt.h"
#include "topology/chord_leave.h"
#include "topology/chord_update.h"

#include <assert.h>

/* D23, D80: after such a silence the first neighbours, and all others, are known dead: within 5 s
 * and 35 s of their death, since their last words may have been under way. When one of the
 * neighbours is, the others of those that a joining node has to be linked with are asked. */
#define SILENCE_FIRST (4800 * RELOAD_MS)
#define SILENCE_FAR (34500 * RELOAD_MS)
#define DOUBT_LIMIT (5 * RELOAD_SECOND)
#define PROBE_PERIOD (2 * RELOAD_SECOND)
#define PROBE_FAR_ROUNDS 7

#define REPAIR_TRIES_MAX 6
#define REPAIR_PAUSE (2 * RELOAD_SECOND) /* doubled with each try */

#define PRUNE_PERIOD (10 * RELOAD_SECOND)
#define PRUNE_AFTER (8 * RELOAD_SECOND)
#define PRUNE_BATCH 8
#define SPARE_MAX 20 /* peers that are no neighbours are kept anyhow: they make ways shorter */

void
reload_chord_stabilize_begin(struct reload_chord *chord, reload_time now)
{
    const struct reload_config *config = reload_node_config(chord->node);
    reload_time update = config->chord_update_interval_s * RELOAD_SECOND;
    reload_time ping = config->chord_ping_interval_s * RELOAD_SECOND;
    reload_time *timers = chord->timers;
    timers[RELOAD_CHORD_TIMER_PROBE] = now + reload_chord_jitter(chord, PROBE_PERIOD);
    timers[RELOAD_CHORD_TIMER_STABILIZE] = now + reload_chord_jitter(chord, update / 4);
    timers[RELOAD_CHORD_TIMER_PING] = now + reload_chord_jitter(chord, ping);
    timers[RELOAD_CHORD_TIMER_PARTITION] = now + reload_chord_jitter(chord, update);
    timers[RELOAD_CHORD_TIMER_PRUNE] = now + reload_chord_jitter(chord, PRUNE_PERIOD);
}

/* 10.7.4.1: each neighbour once an interval, one after the other, so never all at once. */
void
reload_chord_stabilize_due(struct reload_chord *chord, reload_time now)
{
    const struct reload_chord_table *table = &chord->table;
    reload_time interval = reload_node_config(chord->node)->chord_update_interval_s * RELOAD_SECOND;
    if (chord->phase != RELOAD_CHORD_JOINED)
        return;
    size_t neighbors = 2 * reload_chord_table_neighbors(table);
    if (neighbors > table->count)
        neighbors = table->count;
    reload_time pause = neighbors ? interval / neighbors : interval;
    reload_chord_arm(chord, RELOAD_CHORD_TIMER_STABILIZE,
                     now + reload_chord_jitter(chord, pause ? pause : RELOAD_SECOND));
    if (neighbors == 0)
        return;
    /* Successors are the first entries, predecessors the last. */
    size_t next = chord->stabilize_next++ % neighbors;
    size_t ahead = reload_chord_table_neighbors(table);
    size_t at = next < ahead ? next : table->count - 1 - (next - ahead);
    const struct reload_chord_peer *peer = &table->peers[at];
    struct reload_node_id id = reload_chord_node_id_of(reload_chord_table_place(table, peer));
    reload_chord_update_send(chord, peer->link, &id, RELOAD_CHORD_UPDATE_TYPE_NEIGHBORS, now);
}

/* The |i|-th neighbours on both sides. Neither watching nor probing ends a link at once. */
static void
watch_neighbors(struct reload_chord *chord, size_t i, bool probe, reload_time now)
{
    const struct reload_chord_table *table = &chord->table;
    if (i >= table->count)
        return;
    uint32_t links[] = {table->peers[i].link, table->peers[table->count - 1 - i].link};
    for (size_t side = 0; side < 2; side++)
        if (probe)
            reload_topology_probe(chord->node, links[side], DOUBT_LIMIT, now);
        else
            reload_topology_watch(chord->node, links[side], SILENCE_FIRST, now);
}

void
reload_chord_stabilize_watch(struct reload_chord *chord, bool doubt, reload_time now)
{
    if (chord->phase != RELOAD_CHORD_JOINED)
        return;
    watch_neighbors(chord, 0, false, now);
    for (size_t i = 0; doubt && i < RELOAD_CHORD_REACH_MIN; i++)
        watch_neighbors(chord, i, true, now);
}

void
reload_chord_probe_due(struct reload_chord *chord, reload_time now)
{
    reload_chord_lose_doubted(chord, now);
    if (chord->phase != RELOAD_CHORD_JOINED)
        return;
    reload_chord_arm(chord, RELOAD_CHORD_TIMER_PROBE, now + PROBE_PERIOD);
    if (chord->probe_round++ % PROBE_FAR_ROUNDS == 0) {
        struct reload_link_info info;
        size_t cursor = 0;
        while (reload_node_link_next(chord->node, &cursor, &info))
            reload_topology_watch(chord->node, info.link, SILENCE_FAR, now);
    }
    reload_chord_stabilize_watch(chord, false, now);
}

/* ---- repair --------------------------------------------------------------------------------- */

static void
repair_answered(void *argument, const struct reload_result *result, reload_time now)
{
    struct reload_chord *chord = argument;
    if (result->error || chord->phase != RELOAD_CHORD_JOINED || chord->successor_confirmed)
        return;
    struct reload_chord_place found = reload_chord_place_of(&result->responder_id);
    reload_chord_attempt_neighbor(chord, found, NULL, now);
}

/* Our first successor was lost, and the next one that we know has not said that nobody is between:
 * ask any other peer who is responsible for what follows us. */
void
reload_chord_repair_due(struct reload_chord *chord, reload_time now)
{
    const struct reload_chord_table *table = &chord->table;
    if (chord->phase != RELOAD_CHORD_JOINED || chord->successor_confirmed || table->count == 0 ||
        chord->repair_tries >= REPAIR_TRIES_MAX)
        return;
    reload_chord_arm(chord, RELOAD_CHORD_TIMER_REPAIR,
                     now + reload_chord_jitter(chord, REPAIR_PAUSE << chord->repair_tries));
    chord->repair_tries++;
    const struct reload_chord_peer *peer = &table->peers[reload_chord_random(chord) % table->count];
    struct reload_node_id via = reload_chord_node_id_of(reload_chord_table_place(table, peer));
    struct reload_node_id behind = reload_chord_node_id_of(reload_chord_after(table->self));
    struct reload_route route = reload_route_to_node(&via);
    route.first_link = peer->link;
    route.any_responder = true; /* D5 */
    bool fits =
        reload_route_append_resource(&route, reload_node_id_bytes(&behind, RELOAD_CHORD_ID_SIZE));
    assert(fits);
    uint8_t data[8];
    struct reload_writer body = reload_writer_of(data, sizeof data);
    struct reload_ping_req ping = {0};
    reload_ping_req_encode(&body, reload_node_wire(chord->node), &ping);
    assert(!body.failed);
    int error =
        reload_node_request(chord->node, &route, RELOAD_MESSAGE_PING_REQ,
                            reload_writer_written(&body), repair_answered, chord, now, NULL);
    if (error) /* the timer tries again */
        reload_chord_log(chord, "could not look for a successor", table->self);
}

/* ---- links of no use ------------------------------------------------------------------------ */

/* Neighbours guess the ring's size each for itself: to one just beyond our reach we may be within
 * its own, and it would attach to us again. */
static bool
is_useful(const struct reload_chord_table *table, const struct reload_chord_peer *peer)
{
    struct reload_chord_place zero = {0, 0};
    size_t at = (size_t)(peer - table->peers);
    if (at == table->reach || table->count - 1 - at == table->reach)
        return true;
    unsigned finger = reload_chord_finger_of(zero, peer->distance);
    return reload_chord_table_is_neighbor(table, peer) ||
           reload_chord_table_finger(table, finger) == peer;
}

/* Closes a link that we made, that is neither a neighbour's nor a finger's any more. One that the
 * other side made may be of use to it. */
void
reload_chord_prune_due(struct reload_chord *chord, reload_time now)
{
    const struct reload_chord_table *table = &chord->table;
    uint32_t surplus[PRUNE_BATCH];
    size_t count = 0;
    if (chord->phase != RELOAD_CHORD_JOINED)
        return;
    reload_chord_arm(chord, RELOAD_CHORD_TIMER_PRUNE,
                     now + reload_chord_jitter(chord, PRUNE_PERIOD));
    for (size_t i = 0; i < table->count; i++) {
        struct reload_chord_peer *peer = &table->peers[i];
        if (!peer->opened || is_useful(table, peer))
            peer->surplus_since = RELOAD_NEVER;
        else if (peer->surplus_since == RELOAD_NEVER)
            peer->surplus_since = now;
        else if (now - peer->surplus_since > PRUNE_AFTER && count < PRUNE_BATCH &&
                 table->count - count > 2 * table->reach + SPARE_MAX)
            surplus[count++] = peer->link;
    }
    for (size_t i = 0; i < count; i++) /* with the first one the table changes */
        reload_node_close(chord->node, surplus[i], now);
}
