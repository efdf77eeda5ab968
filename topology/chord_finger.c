/* chord_finger.c: the search for fingers.
 *
 * A new peer looks once for each entry that its neighbours do not cover; the same again when the
 * ring has doubled, or the entry's peer was lost. Apart from that one invalid entry is looked for
 * every chord-ping-interval, earlier ones with more probability (10.7.4.2, first alternative).
 * The search asks who is responsible for a place in the entry's range; only somebody in that range
 * that we have no link with is attached to.
 *
 * RFC 6940 10.5, 10.7.2, 10.7.4.2, 10.7.4.3. SPDX-License-Identifier: BSD-2-Clause */
#include "topology/chord_finger.h"

#include "topology/chord_attempt.h"

#include <assert.h>

#define PAUSE (300 * RELOAD_MS) /* between two searches */

static bool
is_tried(const struct reload_chord *chord, unsigned i)
{
    struct reload_chord_place bit = reload_chord_power(i - 1);
    return (chord->fingers_tried.high & bit.high) || (chord->fingers_tried.low & bit.low);
}

static void
set_tried(struct reload_chord *chord, unsigned i, bool tried)
{
    struct reload_chord_place bit = reload_chord_power(i - 1);
    chord->fingers_tried.high = (chord->fingers_tried.high & ~bit.high) | (tried ? bit.high : 0);
    chord->fingers_tried.low = (chord->fingers_tried.low & ~bit.low) | (tried ? bit.low : 0);
}

/* How many entries are worth a search: when predecessors and successors meet, everybody is known.
 */
static unsigned
wanted(const struct reload_chord *chord)
{
    const struct reload_chord_table *table = &chord->table;
    if (table->count < 2 * table->reach || chord->phase < RELOAD_CHORD_LINKING ||
        chord->phase > RELOAD_CHORD_JOINED)
        return 0;
    return reload_chord_table_fingers_wanted(table);
}

static unsigned
next_untried(const struct reload_chord *chord)
{
    unsigned last = wanted(chord);
    for (unsigned i = 1; i <= last; i++)
        if (!is_tried(chord, i) && !reload_chord_table_finger(&chord->table, i))
            return i;
    return 0;
}

void
reload_chord_finger_changed(struct reload_chord *chord, reload_time now)
{
    double size = reload_chord_table_estimate(&chord->table);
    if (size > 2 * chord->fingers_size || size < chord->fingers_size / 2) {
        chord->fingers_size = size;
        chord->fingers_tried = (struct reload_chord_place){0, 0};
    }
    if (next_untried(chord))
        reload_chord_arm(chord, RELOAD_CHORD_TIMER_FINGER, now + reload_chord_jitter(chord, PAUSE));
}

void
reload_chord_finger_lost(struct reload_chord *chord, struct reload_chord_place place,
                         reload_time now)
{
    unsigned i = reload_chord_finger_of(chord->table.self, place);
    if (i == 0 || !reload_node_config(chord->node)->chord_reactive)
        return;
    set_tried(chord, i, false);
    reload_chord_finger_changed(chord, now);
}

/* ---- one search ----------------------------------------------------------------------------- */

static void
answered(void *argument, const struct reload_result *result, reload_time now)
{
    struct reload_chord *chord = argument;
    unsigned i = chord->finger_sought;
    chord->finger_sought = 0;
    if (next_untried(chord))
        reload_chord_arm(chord, RELOAD_CHORD_TIMER_FINGER, now + reload_chord_jitter(chord, PAUSE));
    if (result->error || i == 0)
        return;
    struct reload_chord_place found = reload_chord_place_of(&result->responder_id);
    if (reload_chord_finger_of(chord->table.self, found) == i)
        reload_chord_attempt_finger(chord, found, now);
}

/* Asks who is responsible for |place|, in the |i|-th range, by |code|: Ping or Probe. */
static void
search(struct reload_chord *chord, unsigned i, struct reload_chord_place place, uint16_t code,
       reload_time now)
{
    struct reload_node_id id = reload_chord_node_id_of(place);
    struct reload_route route =
        reload_route_to_resource(reload_node_id_bytes(&id, RELOAD_CHORD_ID_SIZE));
    const struct reload_wire *wire = reload_node_wire(chord->node);
    uint8_t data[16];
    struct reload_writer body = reload_writer_of(data, sizeof data);
    static const uint8_t uptime[] = {RELOAD_PROBE_INFORMATION_TYPE_UPTIME};
    struct reload_probe_req probe = {.requested_info = {uptime, sizeof uptime}};
    struct reload_ping_req ping = {0};
    if (code == RELOAD_MESSAGE_PROBE_REQ)
        reload_probe_req_encode(&body, wire, &probe);
    else
        reload_ping_req_encode(&body, wire, &ping);
    assert(!body.failed);
    if (reload_node_request(chord->node, &route, code, reload_writer_written(&body), answered,
                            chord, now, NULL) == 0)
        chord->finger_sought = i;
}

static struct reload_chord_place
random_place(struct reload_chord *chord, unsigned i)
{
    uint8_t random[RELOAD_CHORD_ID_SIZE];
    chord->env->random(chord->env->context, random, sizeof random);
    return reload_chord_finger_random(chord->table.self, i, random);
}

void
reload_chord_finger_due(struct reload_chord *chord, reload_time now)
{
    unsigned i = next_untried(chord);
    if (i == 0 || chord->finger_sought)
        return;
    set_tried(chord, i, true);
    /* 10.5: initial entries are the peers at n + 2^(128-i); later ones are random (10.7.4.2). */
    bool initial = reload_chord_is_joining(chord);
    search(chord, i,
           initial ? reload_chord_finger_start(chord->table.self, i) : random_place(chord, i),
           RELOAD_MESSAGE_PROBE_REQ, now);
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
            search(chord, i, random_place(chord, i), RELOAD_MESSAGE_PING_REQ, now);
            return;
        }
    }
}
