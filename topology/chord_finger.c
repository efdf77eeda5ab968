/* chord_finger.c: the search for fingers.
 *
 *   an entry of our table                      | is set up by
 *   -------------------------------------------+--------------------------------------------------
 *   for the first time: while we join, or when | an Attach to n + 2^(128-i) (10.5), whose answer
 *   the ring has doubled                       | comes from whoever is responsible for that place
 *   again: its peer was lost (10.7.2)          | a Ping to a random place in its range, once
 *   still invalid (10.7.4.2)                   | likewise, one entry every chord-ping-interval,
 *                                              | earlier ones with more probability
 *
 * A joining node sends its first Attaches along with those to its neighbours-to-be, and does not
 * wait for the links: they are of use to routes, not to the ring. While everybody joins it waits a
 * little: most entries are then filled by those who attach to it (D117).
 *
 * RFC 6940 10.5, 10.7.2, 10.7.4.2, 10.7.4.3. SPDX-License-Identifier: BSD-2-Clause */
#include "topology/chord_finger.h"

#include "topology/chord_attempt.h"

#include <assert.h>

#define PAUSE (300 * RELOAD_MS) /* between two searches of a peer */
#define YOUNG_PAUSE (12 * RELOAD_SECOND)
#define AT_A_TIME 2    /* Attaches to n + 2^(128-i) */
#define WANTED_MAX 64  /* entries */
#define FAILURES_MAX 8 /* of them may fail and be sent again */

/* ---- which entries -------------------------------------------------------------------------- */

static bool
is_in(struct reload_chord_place set, unsigned i)
{
    struct reload_chord_place bit = reload_chord_power(i - 1);
    return (set.high & bit.high) || (set.low & bit.low);
}

static void
put(struct reload_chord_place *set, unsigned i, bool in)
{
    struct reload_chord_place bit = reload_chord_power(i - 1);
    set->high = (set->high & ~bit.high) | (in ? bit.high : 0);
    set->low = (set->low & ~bit.low) | (in ? bit.low : 0);
}

/* How far our neighbours reach ahead and back; while we join, those that the admitting peer named.
 * False when they meet, or are few: then everybody is known, and there is nothing to search for. */
static bool
neighborhood(const struct reload_chord *chord, struct reload_chord_place *ahead,
             struct reload_chord_place *back)
{
    const struct reload_chord_table *table = &chord->table;
    const struct reload_chord_join *join = &chord->join;
    struct reload_chord_place first, last;
    if (chord->phase == RELOAD_CHORD_JOINED && table->count >= 2 * table->reach) {
        last = reload_chord_table_successor(table, table->reach - 1);
        first = reload_chord_table_predecessor(table, table->reach - 1);
    } else if (chord->phase >= RELOAD_CHORD_LINKING && chord->phase < RELOAD_CHORD_JOINED &&
               join->known_predecessors >= RELOAD_CHORD_REACH_MIN &&
               join->known_count - join->known_predecessors >= RELOAD_CHORD_REACH_MIN) {
        last = join->known[join->known_count - 1];
        first = join->known[join->known_predecessors - 1];
    } else {
        return false;
    }
    *ahead = reload_chord_distance(table->self, last);
    *back = reload_chord_distance(first, table->self);
    return reload_chord_less(*ahead, reload_chord_distance(table->self, first));
}

/* How many entries are worth a search: those whose ranges begin behind our last successor. Who is
 * responsible for the begin of the others is a neighbour. */
static unsigned
wanted(const struct reload_chord *chord)
{
    struct reload_chord_place ahead, back, zero = {0, 0};
    if (!neighborhood(chord, &ahead, &back) || reload_chord_is_zero(ahead))
        return 0;
    unsigned last = reload_chord_finger_of(zero, ahead) - 1;
    return last < WANTED_MAX ? last : WANTED_MAX; /* whatever the admitting peer named */
}

/* Whether we have somebody for the |i|-th entry who is not just a predecessor, or need nobody. */
static bool
is_set(const struct reload_chord *chord, unsigned i)
{
    const struct reload_chord_table *table = &chord->table;
    struct reload_chord_place ahead, back, zero = {0, 0};
    struct reload_chord_place start = reload_chord_power(RELOAD_CHORD_BITS - i);
    if (!neighborhood(chord, &ahead, &back) ||
        !reload_chord_less(back, reload_chord_subtract(zero, start)))
        return true;
    const struct reload_chord_peer *peer = reload_chord_table_finger(table, i);
    return peer &&
           (chord->phase != RELOAD_CHORD_JOINED || !reload_chord_table_is_neighbor(table, peer));
}

static unsigned
next_untried(const struct reload_chord *chord)
{
    unsigned last = wanted(chord);
    for (unsigned i = 1; i <= last; i++)
        if (!is_in(chord->fingers_tried, i) && !is_set(chord, i))
            return i;
    return 0;
}

static unsigned
next_lost(const struct reload_chord *chord)
{
    unsigned last = wanted(chord);
    for (unsigned i = 1; i <= last; i++)
        if (is_in(chord->fingers_lost, i) && !is_set(chord, i))
            return i;
    return 0;
}

static void
go_on(struct reload_chord *chord, reload_time now)
{
    reload_time at = reload_chord_is_joining(chord) ? now : now + reload_chord_jitter(chord, PAUSE);
    if (next_untried(chord) || next_lost(chord))
        reload_chord_arm(chord, RELOAD_CHORD_TIMER_FINGER,
                         at > chord->fingers_from ? at : chord->fingers_from);
}

void
reload_chord_finger_begin(struct reload_chord *chord, bool is_young, reload_time now)
{
    chord->fingers_tried = chord->fingers_lost = (struct reload_chord_place){0, 0};
    chord->fingers_from = is_young ? now + reload_chord_jitter(chord, YOUNG_PAUSE) : now;
    chord->fingers_size = 0;
    chord->finger_failures = 0;
    go_on(chord, now);
}

void
reload_chord_finger_changed(struct reload_chord *chord, reload_time now)
{
    double size = reload_chord_table_estimate(&chord->table);
    bool other = size > 2 * chord->fingers_size || size < chord->fingers_size / 2;
    if (other && chord->fingers_size > 0) {
        chord->fingers_tried = (struct reload_chord_place){0, 0};
        chord->finger_failures = 0;
    }
    if (other)
        chord->fingers_size = size;
    go_on(chord, now);
}

void
reload_chord_finger_lost(struct reload_chord *chord, struct reload_chord_place place,
                         reload_time now)
{
    unsigned i = reload_chord_finger_of(chord->table.self, place);
    if (i == 0)
        return;
    put(&chord->fingers_tried, i, true); /* it was set up */
    if (!reload_node_config(chord->node)->chord_reactive)
        return;
    put(&chord->fingers_lost, i, true);
    go_on(chord, now);
}

/* ---- Attaches ------------------------------------------------------------------------------- */

static void
attach(struct reload_chord *chord, reload_time now)
{
    unsigned i;
    while ((i = next_untried(chord)) != 0 && reload_chord_attempt_fingers(chord) < AT_A_TIME &&
           reload_chord_attempt_entry(chord, i, now) == 0) {
        put(&chord->fingers_tried, i, true);
        put(&chord->fingers_lost, i, false);
    }
}

void
reload_chord_finger_attached(struct reload_chord *chord, unsigned i, int error, reload_time now)
{
    if (error && i && chord->finger_failures < FAILURES_MAX) {
        chord->finger_failures++;
        put(&chord->fingers_tried, i, false);
    }
    go_on(chord, now);
}

/* ---- Pings ---------------------------------------------------------------------------------- */

static void
answered(void *argument, const struct reload_result *result, reload_time now)
{
    struct reload_chord *chord = argument;
    unsigned i = chord->finger_sought;
    chord->finger_sought = 0;
    go_on(chord, now);
    if (result->error || i == 0)
        return;
    struct reload_chord_place found = reload_chord_place_of(&result->responder_id);
    if (reload_chord_finger_of(chord->table.self, found) == i)
        reload_chord_attempt_finger(chord, found, now);
}

static struct reload_chord_place
random_place(struct reload_chord *chord, unsigned i)
{
    uint8_t random[RELOAD_CHORD_ID_SIZE];
    chord->env->random(chord->env->context, random, sizeof random);
    return reload_chord_finger_random(chord->table.self, i, random);
}

/* Asks who is responsible for a random place in the |i|-th range. */
static void
search(struct reload_chord *chord, unsigned i, reload_time now)
{
    struct reload_node_id id = reload_chord_node_id_of(random_place(chord, i));
    struct reload_route route =
        reload_route_to_resource(reload_node_id_bytes(&id, RELOAD_CHORD_ID_SIZE));
    uint8_t data[16];
    struct reload_writer body = reload_writer_of(data, sizeof data);
    struct reload_ping_req ping = {0};
    reload_ping_req_encode(&body, reload_node_wire(chord->node), &ping);
    assert(!body.failed);
    if (reload_node_request(chord->node, &route, RELOAD_MESSAGE_PING_REQ,
                            reload_writer_written(&body), answered, chord, now, NULL) == 0)
        chord->finger_sought = i;
}

void
reload_chord_finger_due(struct reload_chord *chord, reload_time now)
{
    attach(chord, now);
    unsigned lost = next_lost(chord);
    if (lost && !chord->finger_sought) {
        put(&chord->fingers_lost, lost, false);
        search(chord, lost, now);
    }
}

void
reload_chord_finger_ping_due(struct reload_chord *chord, reload_time now)
{
    const struct reload_config *config = reload_node_config(chord->node);
    if (chord->phase != RELOAD_CHORD_JOINED)
        return;
    reload_time interval = config->chord_ping_interval_s * RELOAD_SECOND;
    reload_chord_arm(chord, RELOAD_CHORD_TIMER_PING,
                     now + reload_chord_jitter(chord, interval ? interval : RELOAD_SECOND));
    unsigned last = wanted(chord);
    uint64_t coins = reload_chord_random(chord);
    for (unsigned i = 1; i <= last && !chord->finger_sought; i++) {
        if (reload_chord_table_finger(&chord->table, i))
            continue;
        bool heads = coins & 1;
        coins >>= 1;
        if (heads) {
            search(chord, i, now);
            return;
        }
    }
}
