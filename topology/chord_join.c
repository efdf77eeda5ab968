/* chord_join.c: becoming a peer; for a client, being connected.
 *
 *                     a link to a bootstrap node stands
 *                                   |
 *                                   v
 *   +--- refused, lost, not ours --> SEEKING ----------------------------------+
 *   |  (a short pause each time)    |  Attach to Resource n+1, with send_update | client
 *   |                               v                                           v
 *   |                            LEARNING                                   CONNECTED
 *   |                               |  the admitting peer's Update: its neighbours are ours to be
 *   |                               v
 *   +--------------------------- LINKING <---------+
 *   |                               |  linked with   | it admits another: again later
 *   |                               v  all of them   |
 *   +---------------------------- ASKING -----------+
 *   |                               |  it stores our data here, then its Update names us
 *   |                               v
 *   +---------------------------- PLACED
 *                                   |  linked with all neighbours, those that came meanwhile too
 *                                   v
 *                                 JOINED  Updates to everybody
 *
 * A node that cannot be linked with its neighbours never places itself (10.5): it stays CONNECTED
 * for a while, as a client (chord_client.c). When anything else goes wrong the attempt fails, and
 * the core tries again later. Before JOINED it sends no Update at all, so nobody routes through it.
 *
 * RFC 6940 10.5, 11.4. SPDX-License-Identifier: BSD-2-Clause */
#include "topology/chord_join.h"

#include "topology/chord_attempt.h"
#include "topology/chord_change.h"
#include "topology/chord_client.h"
#include "topology/chord_finger.h"
#include "topology/chord_query.h"
#include "topology/chord_replicate.h"
#include "topology/chord_stabilize.h"

#include <assert.h>

#define DEADLINE (35 * RELOAD_SECOND)
/* No peer has said that it is one (10.7: peer_ready). */
#define NOBODY_DEADLINE (7 * RELOAD_SECOND)
#define PAUSE (100 * RELOAD_MS) /* doubled with each try */
#define PAUSE_DOUBLINGS_MAX 4
#define TRIES_MAX 24
#define LOOK_AGAIN (1 * RELOAD_SECOND)
#define ASK_PAUSE (2 * RELOAD_SECOND)
#define SILENCE (5 * RELOAD_SECOND) /* of a link that we need */

static reload_time
pause_after(struct reload_chord *chord)
{
    unsigned tries = chord->join.tries;
    unsigned doublings = tries < PAUSE_DOUBLINGS_MAX ? tries : PAUSE_DOUBLINGS_MAX;
    return reload_chord_jitter(chord, PAUSE << doublings);
}

/* Sets the timer to |at|, but not behind the deadline. */
static void
wake(struct reload_chord *chord, reload_time at)
{
    reload_time deadline = chord->join.deadline;
    chord->timers[RELOAD_CHORD_TIMER_JOIN] = at < deadline ? at : deadline;
}

void
reload_chord_join_abandon(struct reload_chord *chord)
{
    if (chord->join.request)
        reload_node_cancel(chord->node, chord->join.request);
    chord->join.request = 0;
    chord->timers[RELOAD_CHORD_TIMER_JOIN] = RELOAD_NEVER;
    chord->join.number++;
}

static void
fail(struct reload_chord *chord, int error, reload_time now)
{
    reload_chord_join_abandon(chord);
    if (reload_chord_client_stays_on(chord, now))
        return;
    chord->phase = RELOAD_CHORD_OFFLINE;
    if (error == RELOAD_E_UNREACHABLE || !chord->join.met)
        error = chord->join.met ? RELOAD_E_TIMEOUT : RELOAD_E_UNREACHABLE;
    if (reload_node_joined(chord->node))
        reload_topology_rejoin(chord->node, now);
    else
        reload_topology_failed(chord->node, error, now);
}

/* ---- SEEKING -------------------------------------------------------------------------------- */

/* Whom we look for our admitting peer through: the node that we came by, or any peer when that one
 * is none itself (it may have fallen out, as we have), or did not get us there. */
static uint32_t
pick_gateway(struct reload_chord *chord)
{
    const struct reload_chord_table *table = &chord->table;
    uint32_t link = reload_chord_link_to(chord, chord->join.gateway);
    bool is_peer = link && reload_chord_table_find(table, chord->join.gateway);
    if (table->count == 0 || (is_peer && chord->join.tries == 0))
        return link;
    const struct reload_chord_peer *peer = &table->peers[reload_chord_random(chord) % table->count];
    chord->join.gateway = reload_chord_table_place(table, peer);
    return peer->link;
}

/* Attaches to the peer that is responsible for n+1. */
static void
seek(struct reload_chord *chord, reload_time now)
{
    reload_chord_join_abandon(chord);
    chord->join.placed = false;
    chord->join.settle_at = 0;
    chord->join.known_count = 0;
    chord->join.known_from = (struct reload_chord_place){0}; /* nobody: an old list is none */
    chord->phase = RELOAD_CHORD_SEEKING;
    uint32_t link = pick_gateway(chord);
    if (!link) {
        fail(chord, RELOAD_E_UNREACHABLE, now);
        return;
    }
    wake(chord, chord->join.deadline);
    reload_topology_probe(chord->node, link, SILENCE, now);
    struct reload_chord_place behind = reload_chord_after(chord->table.self);
    if (reload_chord_attempt_join(chord, behind, link, now) != 0)
        wake(chord, now + pause_after(chord));
}

/* Seeks with all the time and all the tries that there are. */
static void
begin(struct reload_chord *chord, reload_time now)
{
    chord->join.deadline = now + DEADLINE;
    chord->join.tries = 0;
    seek(chord, now);
}

/* Begins again after a pause. */
static void
again(struct reload_chord *chord, int error, reload_time now)
{
    if (++chord->join.tries > TRIES_MAX || now >= chord->join.deadline) {
        fail(chord, error, now);
        return;
    }
    reload_chord_join_abandon(chord);
    chord->phase = RELOAD_CHORD_SEEKING;
    wake(chord, now + pause_after(chord));
}

void
reload_chord_join_begin(void *state, uint32_t link, reload_time now)
{
    struct reload_chord *chord = state;
    reload_chord_join_abandon(chord);
    reload_chord_attempt_forget(chord);
    uint32_t number = chord->join.number;
    chord->join = (struct reload_chord_join){
        .number = number,
        .met = chord->table.count > 0,
        .deadline = now + (chord->table.count ? DEADLINE : NOBODY_DEADLINE)};
    chord->join.brings_data = reload_topology_holds_data(chord->node);
    chord->founded = false;
    struct reload_link_info info;
    size_t cursor = 0;
    while (reload_node_link_next(chord->node, &cursor, &info))
        if (info.link == link)
            chord->join.gateway = reload_chord_place_of(&info.node_id);
    reload_chord_attempt_mark_ours(chord, chord->join.gateway);
    seek(chord, now);
}

void
reload_chord_join_met(struct reload_chord *chord, reload_time now)
{
    reload_time *timer = &chord->timers[RELOAD_CHORD_TIMER_JOIN], before = chord->join.deadline;
    if (!reload_chord_is_joining(chord) || chord->join.met)
        return;
    chord->join.met = true;
    chord->join.deadline = now + DEADLINE;
    if (*timer == before)
        *timer = chord->join.deadline;
}

void
reload_chord_join_left(struct reload_chord *chord, reload_time now)
{
    if (!reload_chord_is_joining(chord))
        return;
    if (chord->join.deadline > now + NOBODY_DEADLINE)
        chord->join.deadline = now + NOBODY_DEADLINE;
    wake(chord, chord->timers[RELOAD_CHORD_TIMER_JOIN]);
}

void
reload_chord_join_attached(struct reload_chord *chord, uint32_t number, int error,
                           const struct reload_node_id *node_id, reload_time now)
{
    struct reload_chord_join *join = &chord->join;
    if (chord->phase != RELOAD_CHORD_SEEKING || number != join->number)
        return;
    struct reload_chord_place place = reload_chord_place_of(node_id);
    if (error == RELOAD_E_UNREACHABLE && reload_chord_link_to(chord, join->gateway)) {
        reload_chord_client_stay(chord, join->gateway, place, now);
        return;
    }
    if (error) {
        again(chord, error, now);
        return;
    }
    if (reload_node_is_client(chord->node)) {
        chord->stays = 0;
        reload_chord_client_connected(chord, place, now);
        return;
    }
    join->admitting = join->gateway = place;
    chord->phase = RELOAD_CHORD_LEARNING;
    wake(chord, now + ASK_PAUSE);
    reload_chord_join_progress(chord, now);
}

/* ---- LEARNING ------------------------------------------------------------------------------- */

/* Asks |place| for its Update once more, by a RouteQuery (6.4.2.4). */
static void
ask_update(struct reload_chord *chord, struct reload_chord_place place, reload_time now)
{
    uint32_t link = reload_chord_link_to(chord, place);
    if (link) /* it may not know the link any more */
        reload_topology_probe(chord->node, link, SILENCE, now);
    if (!link || (chord->join.asked_at && now < chord->join.asked_at + LOOK_AGAIN))
        return;
    chord->join.asked_at = now;
    if (reload_chord_query_ask(chord, place, now) != 0)
        chord->join.asked_at = 0; /* ask again the next time */
}

static bool
lists_us(const struct reload_chord *chord, const struct reload_chord_lists *lists)
{
    for (size_t i = 0; i < lists->predecessor_count; i++)
        if (reload_chord_equal(lists->predecessors[i], chord->table.self))
            return true;
    return false;
}

static void
keep_known(struct reload_chord *chord, struct reload_chord_place signer,
           const struct reload_chord_lists *lists)
{
    struct reload_chord_join *join = &chord->join;
    join->known_from = signer;
    join->is_young = lists->uptime_s < RELOAD_CHORD_SETTLED_S;
    join->known_count = 0;
    for (size_t i = 0; i < RELOAD_CHORD_REACH_MAX && i < lists->predecessor_count; i++)
        join->known[join->known_count++] = lists->predecessors[i];
    join->known_predecessors = join->known_count;
    for (size_t i = 0; i < RELOAD_CHORD_REACH_MAX && i < lists->successor_count; i++)
        join->known[join->known_count++] = lists->successors[i];
}

/* Whether somebody that the admitting peer knows of stands between us and it: then we are not its
 * predecessor-to-be. */
static bool
is_overtaken(const struct reload_chord *chord)
{
    const struct reload_chord_join *join = &chord->join;
    for (size_t i = 0; i < join->known_count; i++)
        if (reload_chord_between(join->known[i], chord->table.self, join->admitting))
            return true;
    return false;
}

/* A client belongs to the peer that is responsible for its Node-ID, so that others find it (4.2.1).
 */
static void
client_learn(struct reload_chord *chord, struct reload_chord_place signer, reload_time now)
{
    if (chord->phase == RELOAD_CHORD_CONNECTED && !chord->stays &&
        reload_chord_equal(signer, chord->join.admitting) && is_overtaken(chord))
        begin(chord, now);
}

void
reload_chord_join_learn(struct reload_chord *chord, struct reload_chord_place signer, uint8_t type,
                        const struct reload_chord_lists *lists, reload_time now)
{
    struct reload_chord_join *join = &chord->join;
    bool of_admitting =
        chord->phase != RELOAD_CHORD_SEEKING && reload_chord_equal(signer, join->admitting);
    if (type != RELOAD_CHORD_UPDATE_TYPE_PEER_READY &&
        (of_admitting || chord->phase == RELOAD_CHORD_SEEKING))
        keep_known(chord, signer, lists);
    if (reload_node_is_client(chord->node)) {
        client_learn(chord, signer, now);
        return;
    }
    if (of_admitting)
        join->ask_at = now; /* whom it was admitting it has */
    /* Before we asked, our name in its list is a memory of an earlier life of ours. */
    bool asked = chord->phase == RELOAD_CHORD_ASKING || chord->phase == RELOAD_CHORD_PLACED;
    if (asked && of_admitting && lists_us(chord, lists)) {
        join->placed = true;
        chord->phase = RELOAD_CHORD_PLACED;
    }
    reload_chord_join_progress(chord, now);
}

/* ---- LINKING -------------------------------------------------------------------------------- */

/* Attaches to those whom the admitting peer knows near us and that |table| would have as
 * neighbours. Returns how many of them are not in our table yet, and which. */
static size_t
attach_to_neighbors(struct reload_chord *chord, const struct reload_chord_table *table,
                    struct reload_chord_place *missing, reload_time now)
{
    struct reload_chord_join *join = &chord->join;
    size_t count = reload_chord_table_candidates(table, join->known, join->known_count, missing);
    for (size_t i = 0; i < count; i++)
        reload_chord_attempt_neighbor(chord, missing[i], &join->admitting, now);
    return count;
}

/* Returns whether all that must be our neighbours are peers that we are linked with: three on each
 * side (10.5, 10.7); the farther ones follow when we are a peer, so that they do not hold up those.
 * Once we are placed, the link is enough after a while: two that were placed beside each other
 * would wait for each other's Update. |ask|: those who are slow to say that they are peers are
 * asked to, and the admitting peer whether it still knows those that we do not reach. */
static bool
link_neighbors(struct reload_chord *chord, bool ask, reload_time now)
{
    struct reload_chord_join *join = &chord->join;
    struct reload_chord_place picked[2 * RELOAD_CHORD_REACH_MAX];
    struct reload_chord_table nearest = chord->table;
    nearest.reach = RELOAD_CHORD_REACH_MIN;
    size_t count = attach_to_neighbors(chord, &nearest, picked, now);
    if (!reload_chord_table_find(&chord->table, join->admitting))
        return false;
    size_t silent = 0;
    for (size_t i = 0; i < count; i++)
        if (reload_chord_link_to(chord, picked[i])) {
            if (ask) /* linked, but it has not said that it is a peer */
                ask_update(chord, picked[i], now);
            silent++;
        }
    if (ask && silent < count) /* perhaps one has died */
        ask_update(chord, join->admitting, now);
    if (count == 0 || !join->placed || silent < count)
        return count == 0;
    if (join->settle_at == 0)
        join->settle_at = now + LOOK_AGAIN;
    return now >= join->settle_at;
}

void
reload_chord_join_unlinked(struct reload_chord *chord, struct reload_chord_place place, int error,
                           reload_time now)
{
    const struct reload_chord_join *join = &chord->join;
    struct reload_chord_place picked[2 * RELOAD_CHORD_REACH_MAX];
    struct reload_chord_table nearest = chord->table;
    nearest.reach = RELOAD_CHORD_REACH_MIN;
    /* No word from a neighbour says that it has died: others will notice. A link that cannot be
     * made although it answered says that there is no way to it. */
    if (error != RELOAD_E_UNREACHABLE || chord->phase != RELOAD_CHORD_LINKING)
        return;
    size_t count = reload_chord_table_candidates(&nearest, join->known, join->known_count, picked);
    for (size_t i = 0; i < count; i++)
        if (reload_chord_equal(picked[i], place) && !reload_chord_link_to(chord, place)) {
            reload_chord_client_stay(chord, join->admitting, place, now);
            return;
        }
}

/* ---- ASKING --------------------------------------------------------------------------------- */

static void
join_answered(void *argument, const struct reload_result *result, reload_time now)
{
    struct reload_chord *chord = argument;
    chord->join.request = 0;
    if (chord->phase != RELOAD_CHORD_ASKING || result->error == 0)
        return;
    if (result->error == RELOAD_E_REFUSED && result->error_code == RELOAD_ERROR_IN_PROGRESS &&
        ++chord->join.tries <= TRIES_MAX) {
        /* It is admitting another: whom it will tell us of. */
        chord->phase = RELOAD_CHORD_LINKING;
        chord->join.ask_at = now + pause_after(chord);
        wake(chord, chord->join.ask_at);
        return;
    }
    again(chord, result->error, now);
}

static void
send_join(struct reload_chord *chord, reload_time now)
{
    const struct reload_wire *wire = reload_node_wire(chord->node);
    struct reload_join_req join = {.joining_peer_id = *reload_node_id(chord->node)};
    uint8_t data[64];
    struct reload_writer body = reload_writer_of(data, sizeof data);
    reload_join_req_encode(&body, wire, &join);
    assert(!body.failed);
    struct reload_node_id id = reload_chord_node_id_of(chord->join.admitting);
    struct reload_route route = reload_route_to_node(&id);
    route.first_link = reload_chord_link_to(chord, chord->join.admitting);
    chord->phase = RELOAD_CHORD_ASKING;
    wake(chord, chord->join.deadline);
    int error = reload_node_request(chord->node, &route, RELOAD_MESSAGE_JOIN_REQ,
                                    reload_writer_written(&body), join_answered, chord, now,
                                    &chord->join.request);
    if (error)
        again(chord, error, now);
}

static void
become_peer(struct reload_chord *chord, reload_time now)
{
    struct reload_chord_place farther[2 * RELOAD_CHORD_REACH_MAX];
    reload_chord_join_abandon(chord);
    chord->phase = RELOAD_CHORD_JOINED;
    (void)attach_to_neighbors(chord, &chord->table, farther, now);
    chord->stays = 0;
    reload_chord_changed(chord, RELOAD_CHORD_CAUSE_JOINED, now);
    /* Its naming us is what confirms a successor. */
    chord->successor_confirmed =
        reload_chord_equal(reload_chord_table_successor(&chord->table, 0), chord->join.admitting);
    reload_chord_stabilize_begin(chord, now);
    if (chord->join.brings_data)
        reload_chord_replicate_brought(chord, now);
    reload_topology_joined(chord->node, now);
}

struct reload_chord_place
reload_chord_join_begins(const struct reload_chord *chord)
{
    struct reload_chord_place begins = reload_chord_table_begins(&chord->table);
    for (size_t i = 0; i < chord->join.known_count; i++)
        if (reload_chord_between(chord->join.known[i], begins, chord->table.self))
            begins = chord->join.known[i];
    return begins;
}

static void
progress(struct reload_chord *chord, bool ask, reload_time now)
{
    struct reload_chord_join *join = &chord->join;
    if (chord->phase == RELOAD_CHORD_LEARNING) {
        if (!reload_chord_equal(join->known_from, join->admitting) ||
            !reload_chord_table_find(&chord->table, join->admitting))
            return;
        chord->phase = RELOAD_CHORD_LINKING;
        reload_chord_finger_begin(chord, join->is_young, now);
    }
    bool linking = chord->phase == RELOAD_CHORD_LINKING;
    if (!linking && chord->phase != RELOAD_CHORD_ASKING && chord->phase != RELOAD_CHORD_PLACED)
        return;
    if (!join->placed && is_overtaken(chord)) {
        again(chord, RELOAD_E_NOT_FOUND, now);
        return;
    }
    if (!link_neighbors(chord, ask, now)) {
        wake(chord, now + LOOK_AGAIN);
        return;
    }
    if (join->placed)
        become_peer(chord, now);
    else if (linking && now >= join->ask_at)
        send_join(chord, now);
    else
        wake(chord, linking ? join->ask_at : join->deadline);
}

void
reload_chord_join_progress(struct reload_chord *chord, reload_time now)
{
    progress(chord, false, now);
}

/* ---- the rest ------------------------------------------------------------------------------- */

void
reload_chord_join_due(struct reload_chord *chord, reload_time now)
{
    if (chord->phase == RELOAD_CHORD_CONNECTED) {
        reload_chord_attempt_forget(chord); /* what failed may go well now */
        begin(chord, now);
        return;
    }
    if (now >= chord->join.deadline) {
        if (reload_chord_is_joining(chord))
            fail(chord, RELOAD_E_TIMEOUT, now);
        return;
    }
    switch (chord->phase) {
    case RELOAD_CHORD_SEEKING:
        seek(chord, now);
        break;
    case RELOAD_CHORD_LEARNING:
        ask_update(chord, chord->join.admitting, now);
        wake(chord, now + ASK_PAUSE);
        break;
    default:
        progress(chord, true, now);
        break;
    }
}

void
reload_chord_join_lost(struct reload_chord *chord, struct reload_chord_place place, reload_time now)
{
    struct reload_chord_join *join = &chord->join;
    bool joining = chord->phase >= RELOAD_CHORD_LEARNING && chord->phase <= RELOAD_CHORD_PLACED;
    if ((joining && reload_chord_equal(place, join->admitting)) ||
        (chord->phase == RELOAD_CHORD_SEEKING && reload_chord_equal(place, join->gateway))) {
        again(chord, RELOAD_E_CLOSED, now);
    } else if (chord->phase == RELOAD_CHORD_CONNECTED &&
               reload_chord_equal(place, join->admitting)) {
        if (chord->table.count) {
            begin(chord, now);
            return;
        }
        chord->phase = RELOAD_CHORD_OFFLINE;
        reload_topology_rejoin(chord->node, now);
    }
}

void
reload_chord_found(void *state, reload_time now)
{
    struct reload_chord *chord = state;
    reload_chord_join_abandon(chord);
    chord->founded = true;
    chord->phase = RELOAD_CHORD_JOINED;
    reload_chord_changed(chord, RELOAD_CHORD_CAUSE_JOINED, now);
    reload_chord_stabilize_begin(chord, now);
    reload_topology_joined(chord->node, now);
}
