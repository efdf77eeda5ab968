/* chord_admit.c: the admitting peer's side of a join.
 *
 *   JoinReq --checks--> active --answer sent--> pushing its data --all stored--> it is our
 *   predecessor: an Update tells it so, then all others.
 *   Link lost, or no end in time: forgotten, nothing has changed.
 *
 * One node at a time: the next sees its new predecessor before it asks again, so that any number of
 * nodes may join at once. We keep what we gave away: we are its first replica now.
 *
 * RFC 6940 6.4.2.1, 10.5. SPDX-License-Identifier: BSD-2-Clause */
#include "topology/chord_admit.h"

#include "topology/chord_change.h"
#include "topology/chord_replicate.h"
#include "topology/chord_update.h"

#include <assert.h>

#define DEADLINE (25 * RELOAD_SECOND)
#define PUSH_PAUSE (200 * RELOAD_MS)

bool
reload_chord_admit_is_pending(const struct reload_chord *chord, struct reload_chord_place place)
{
    return chord->admission.active && reload_chord_equal(chord->admission.place, place);
}

void
reload_chord_admit_cancel(struct reload_chord *chord)
{
    if (chord->admission.active)
        reload_chord_log(chord, "gave up admitting", chord->admission.place);
    chord->admission = (struct reload_chord_admission){0};
    chord->timers[RELOAD_CHORD_TIMER_ADMIT] = RELOAD_NEVER;
}

/* Joins are between neighbours, over the link that is bound to the joining node (attack rows T1,
 * T2). */
static int
check(struct reload_chord *chord, const struct reload_incoming *incoming)
{
    const struct reload_wire *wire = reload_node_wire(chord->node);
    struct reload_reader reader = reload_reader_of(incoming->message->contents.message_body);
    struct reload_join_req request;
    if (reload_join_req_decode(&reader, wire, &request) != 0 || reload_reader_left(&reader) > 0)
        return RELOAD_E_MALFORMED;
    if (!reload_node_id_equal(&request.joining_peer_id, &incoming->signer_id) ||
        !incoming->from_signer || incoming->link == 0)
        return RELOAD_E_FORBIDDEN;
    return chord->phase == RELOAD_CHORD_JOINED ? 0 : RELOAD_E_IN_PROGRESS;
}

int
reload_chord_admit_received(struct reload_chord *chord, const struct reload_incoming *incoming,
                            struct reload_writer *answer, reload_time now)
{
    int error = check(chord, incoming);
    if (error)
        return error;
    struct reload_chord_place place = reload_chord_place_of(&incoming->signer_id);
    struct reload_chord_place self = chord->table.self;
    if (chord->admission.active && !reload_chord_admit_is_pending(chord, place))
        return RELOAD_E_IN_PROGRESS;
    if (!chord->admission.active) {
        /* Somebody who joins is no peer, whatever it was: it begins anew (T3). */
        if (reload_chord_table_find(&chord->table, place)) {
            reload_chord_table_remove(&chord->table, place);
            reload_chord_changed(chord, RELOAD_CHORD_CAUSE_LOST, now);
        }
        if (!reload_chord_between(place, reload_chord_table_begins(&chord->table), self))
            return RELOAD_E_NOT_FOUND;
        chord->admission = (struct reload_chord_admission){
            .active = true, .place = place, .deadline = now + DEADLINE};
        chord->timers[RELOAD_CHORD_TIMER_ADMIT] = now; /* once the answer is on its way */
    }
    struct reload_join_ans join = {0};
    reload_join_ans_encode(answer, reload_node_wire(chord->node), &join);
    return 0;
}

void
reload_chord_admit_due(struct reload_chord *chord, reload_time now)
{
    struct reload_chord_admission *admission = &chord->admission;
    if (!admission->active)
        return;
    if (now >= admission->deadline) {
        reload_chord_admit_cancel(chord);
        return;
    }
    struct reload_chord_place begins = reload_chord_table_begins(&chord->table);
    if (!admission->pushing) {
        admission->pushing = true;
        if (reload_chord_replicate_admit(chord, admission->place, begins, now) != 0)
            admission->pushing = false;
    }
    if (admission->active) /* an empty transfer may have ended already */
        reload_chord_arm(chord, RELOAD_CHORD_TIMER_ADMIT,
                         admission->pushing ? admission->deadline : now + PUSH_PAUSE);
}

void
reload_chord_admit_pushed(struct reload_chord *chord, struct reload_chord_place place, int error,
                          reload_time now)
{
    uint32_t link = reload_chord_link_to(chord, place);
    if (!reload_chord_admit_is_pending(chord, place))
        return;
    /* What it refuses to store must not keep it out: we keep it as its replica. */
    bool reached = link && error != RELOAD_E_TIMEOUT && error != RELOAD_E_UNREACHABLE &&
                   error != RELOAD_E_CLOSED;
    struct reload_chord_place begins = reload_chord_table_begins(&chord->table);
    bool fits = reload_chord_between(place, begins, chord->table.self);
    if (chord->phase != RELOAD_CHORD_JOINED || !reached || !fits ||
        reload_chord_table_add(&chord->table, chord->env, place, link) != 0) {
        reload_chord_admit_cancel(chord);
        return;
    }
    chord->admission = (struct reload_chord_admission){0};
    chord->timers[RELOAD_CHORD_TIMER_ADMIT] = RELOAD_NEVER;
    reload_chord_log(chord, "admitted", place);
    reload_chord_changed(chord, RELOAD_CHORD_CAUSE_ADMITTED, now);
    /* The joining node first (step 7), all others when their timer is due (step 8). */
    struct reload_node_id id = reload_chord_node_id_of(place);
    reload_chord_update_send(chord, link, &id, RELOAD_CHORD_UPDATE_TYPE_NEIGHBORS, now);
}
