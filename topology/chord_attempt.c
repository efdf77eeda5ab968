/* chord_attempt.c: Attaches to other peers.
 *
 * RFC 6940 10.6, 10.7.3. SPDX-License-Identifier: BSD-2-Clause */
#include "topology/chord_attempt.h"

#include "topology/chord_finger.h"
#include "topology/chord_join.h"
#include "topology/chord_query.h"

#include <assert.h>

#define FAILED_PAUSE (10 * RELOAD_SECOND)  /* before somebody who failed is tried again */
#define CROSSING_PAUSE (1 * RELOAD_SECOND) /* the same, when it is attaching to us, or busy */
#define FAR_PAUSE (2500 * RELOAD_MS) /* before a neighbour that is not among the nearest (D116) */
#define TRIES_MAX 3                  /* but for those that somebody keeps naming */
#define RETRY_PAUSE (4 * RELOAD_SECOND) /* once, then twice as long, and so on up to */
#define RETRY_PAUSE_MAX (20 * RELOAD_SECOND)
#define STUBBORN_MAX 8                   /* attempts beyond TRIES_MAX */
#define LOST_PAUSE (3 * RELOAD_SECOND)   /* before a lost neighbour is tried again */
#define LOST_WAITING_MAX 6               /* lost neighbours to be tried */
#define DOUBTFUL_RUNNING_MAX 2           /* at a time, so that new ones do not wait for dead ones */
#define HEARSAY_MAX 64                   /* Attaches in a row that Updates may cost us */
#define HEARSAY_REFILL (500 * RELOAD_MS) /* and one more each */

static void
remember_failure(struct reload_chord *chord, struct reload_chord_place place, reload_time until)
{
    struct reload_chord_failure *failure = &chord->failures[chord->failure_next];
    *failure = (struct reload_chord_failure){place, until};
    chord->failure_next = (chord->failure_next + 1) % RELOAD_CHORD_FAILURES_MAX;
}

/* When |place|, that may have failed lately, may be tried again. */
static reload_time
earliest(const struct reload_chord *chord, struct reload_chord_place place, reload_time now)
{
    reload_time at = now;
    for (size_t i = 0; i < RELOAD_CHORD_FAILURES_MAX; i++)
        if (chord->failures[i].until > at && reload_chord_equal(chord->failures[i].place, place))
            at = chord->failures[i].until;
    return at;
}

void
reload_chord_attempt_mark_ours(struct reload_chord *chord, struct reload_chord_place place)
{
    struct reload_chord_peer *peer = reload_chord_table_find(&chord->table, place);
    if (peer)
        peer->opened = true;
    chord->opened[chord->opened_next] = place;
    chord->opened_next = (chord->opened_next + 1) % RELOAD_CHORD_OPENED_MAX;
}

bool
reload_chord_attempt_was_ours(const struct reload_chord *chord, struct reload_chord_place place)
{
    for (size_t i = 0; i < RELOAD_CHORD_OPENED_MAX; i++)
        if (reload_chord_equal(chord->opened[i], place))
            return true;
    return false;
}

void
reload_chord_attempt_unmark(struct reload_chord *chord, struct reload_chord_place place)
{
    for (size_t i = 0; i < RELOAD_CHORD_OPENED_MAX; i++)
        if (reload_chord_equal(chord->opened[i], place))
            chord->opened[i] = (struct reload_chord_place){0, 0};
}

static bool
hearsay_allows(struct reload_chord *chord, reload_time now)
{
    reload_time periods = (now - chord->attempts_since) / HEARSAY_REFILL;
    if (periods > HEARSAY_MAX)
        periods = HEARSAY_MAX;
    chord->attempts_left += (unsigned)periods;
    if (chord->attempts_left > HEARSAY_MAX)
        chord->attempts_left = HEARSAY_MAX;
    if (periods)
        chord->attempts_since = now;
    if (chord->attempts_left == 0)
        return false;
    chord->attempts_left--;
    return true;
}

/* Whether |place| would be a neighbour of ours if it were linked, and a peer. */
static bool
is_wanted(const struct reload_chord *chord, struct reload_chord_place place)
{
    struct reload_chord_place picked[2 * RELOAD_CHORD_REACH_MAX];
    return chord->phase == RELOAD_CHORD_JOINED && !reload_chord_link_to(chord, place) &&
           reload_chord_table_candidates(&chord->table, &place, 1, picked) > 0;
}

/* Whether |place| would be one of the neighbours that a peer must have (10.7). */
static bool
is_near(const struct reload_chord *chord, struct reload_chord_place place)
{
    struct reload_chord_place picked[2 * RELOAD_CHORD_REACH_MAX];
    struct reload_chord_table nearest = chord->table;
    nearest.reach = RELOAD_CHORD_REACH_MIN;
    return reload_chord_table_candidates(&nearest, &place, 1, picked) > 0;
}

static bool
is_stubborn(const struct reload_chord_attempt *attempt)
{
    return attempt->state != RELOAD_CHORD_FREE && attempt->tries >= TRIES_MAX;
}

static size_t
count_stubborn(const struct reload_chord *chord)
{
    size_t found = 0;
    for (size_t i = 0; i < RELOAD_CHORD_ATTEMPTS_MAX; i++)
        found += is_stubborn(&chord->attempts[i]);
    return found;
}

/* Whether |attempt|, which failed, is worth another try: nobody will tell a peer of its neighbours
 * again soon. Every second try is routed conventionally: whom we know it from may have lost it. */
static bool
try_again(struct reload_chord *chord, struct reload_chord_attempt *attempt, reload_time now)
{
    bool neighbor =
        attempt->purpose == RELOAD_CHORD_FOR_NEIGHBOR || attempt->purpose == RELOAD_CHORD_FOR_LOST;
    unsigned tries = attempt->tries + 1;
    bool stubborn = attempt->is_named && count_stubborn(chord) < STUBBORN_MAX;
    if (!neighbor || (tries >= TRIES_MAX && !stubborn) || !is_wanted(chord, attempt->target) ||
        !hearsay_allows(chord, now))
        return false;
    attempt->tries = tries < UINT16_MAX ? tries : UINT16_MAX;
    reload_time pause = RETRY_PAUSE * attempt->tries;
    attempt->state = RELOAD_CHORD_WAITING;
    attempt->due = now + (pause < RETRY_PAUSE_MAX ? pause : RETRY_PAUSE_MAX);
    reload_chord_arm(chord, RELOAD_CHORD_TIMER_ATTEMPT, attempt->due);
    /* Whoever named it may say nothing for long: ask whether it does still (D119). */
    if (tries >= TRIES_MAX && reload_chord_query_ask(chord, attempt->via, now) == RELOAD_E_CLOSED)
        attempt->is_named = false;
    return true;
}

/* Who is attaching to us, or has too much to do at the moment, has not failed. */
static reload_time
pause_after_failure(int error)
{
    bool soon = error == RELOAD_E_IN_PROGRESS || error == RELOAD_E_BUSY;
    return soon ? CROSSING_PAUSE : FAILED_PAUSE;
}

static void
ended(void *argument, int error, uint32_t link, const struct reload_node_id *node_id,
      reload_time now)
{
    (void)link;
    struct reload_chord_attempt *attempt = argument;
    struct reload_chord *chord = attempt->chord;
    struct reload_chord_attempt copy = *attempt;
    assert(attempt->state >= RELOAD_CHORD_RUNNING);
    attempt->state = RELOAD_CHORD_FREE;
    reload_chord_arm(chord, RELOAD_CHORD_TIMER_ATTEMPT, now);
    if (error && copy.state == RELOAD_CHORD_FORGOTTEN)
        return;
    if (!error)
        reload_chord_attempt_mark_ours(chord, reload_chord_place_of(node_id));
    else if (!copy.to_resource && !try_again(chord, attempt, now))
        remember_failure(chord, copy.target, now + pause_after_failure(error));
    if (copy.purpose == RELOAD_CHORD_FOR_JOIN)
        reload_chord_join_attached(chord, copy.number, error, node_id, now);
    else
        reload_chord_join_progress(chord, now);
    if (copy.purpose == RELOAD_CHORD_FOR_FINGER)
        reload_chord_finger_attached(chord, copy.number, error, now);
    if (copy.purpose == RELOAD_CHORD_FOR_NEIGHBOR)
        reload_chord_join_unlinked(chord, copy.target, error, now);
}

static struct reload_route
route_of(struct reload_chord *chord, const struct reload_chord_attempt *attempt,
         struct reload_node_id *target)
{
    *target = reload_chord_node_id_of(attempt->target);
    struct reload_bytes resource = reload_node_id_bytes(target, RELOAD_CHORD_ID_SIZE);
    struct reload_route route;
    struct reload_chord_place through = attempt->via;
    bool sourced = attempt->has_via && attempt->tries % 2 == 0;
    uint32_t via = sourced ? reload_chord_link_to(chord, through) : 0;
    /* What lies in our own range is not routed anywhere: our predecessor may know better. */
    struct reload_chord_place begins = reload_chord_table_begins(&chord->table);
    if (!via && !attempt->to_resource && chord->table.count &&
        reload_chord_within(attempt->target, begins, chord->table.self)) {
        through = begins;
        via = reload_chord_link_to(chord, through);
    }
    if (via) {
        struct reload_node_id id = reload_chord_node_id_of(through);
        route = reload_route_to_node(&id);
        bool fits = attempt->to_resource ? reload_route_append_resource(&route, resource)
                                         : reload_route_append_node(&route, target);
        assert(fits);
        route.first_link = via;
        return route;
    }
    route =
        attempt->to_resource ? reload_route_to_resource(resource) : reload_route_to_node(target);
    route.first_link = attempt->first_link;
    return route;
}

static void
start(struct reload_chord *chord, struct reload_chord_attempt *attempt, reload_time now)
{
    struct reload_node_id target;
    struct reload_route route = route_of(chord, attempt, &target);
    attempt->state = RELOAD_CHORD_RUNNING;
    /* Who is a peer says so without being asked. The tables of a finger are of no use to us, nor,
     * as long as we join, those of others than the admitting peer. */
    bool send_update =
        attempt->purpose != RELOAD_CHORD_FOR_FINGER &&
        !(attempt->purpose == RELOAD_CHORD_FOR_NEIGHBOR && reload_chord_is_joining(chord));
    int error = reload_node_attach(chord->node, &route, send_update, ended, attempt, now);
    if (error) /* here it says that we have no way to send it */
        ended(attempt, error == RELOAD_E_UNREACHABLE ? RELOAD_E_CLOSED : error, 0, &target, now);
}

/* Those who may well be dead do not keep others waiting. */
static bool
is_doubtful(const struct reload_chord_attempt *attempt)
{
    return attempt->purpose == RELOAD_CHORD_FOR_LOST || is_stubborn(attempt);
}

/* How many attempts are in |state|: all, or only doubtful ones. */
static size_t
count(const struct reload_chord *chord, int state, bool only_doubtful)
{
    size_t found = 0;
    for (size_t i = 0; i < RELOAD_CHORD_ATTEMPTS_MAX; i++) {
        const struct reload_chord_attempt *attempt = &chord->attempts[i];
        found += (int)attempt->state == state && (!only_doubtful || is_doubtful(attempt));
    }
    return found;
}

/* Whether |attempt|, which waits, is of no use any more. Its target may have come to us while we
 * waited, or it is gone: who told of it has noticed, too. */
static bool
is_pointless(const struct reload_chord *chord, const struct reload_chord_attempt *attempt)
{
    if (attempt->to_resource)
        return false;
    return reload_chord_link_to(chord, attempt->target) ||
           (is_stubborn(attempt) && !attempt->is_named) ||
           ((is_doubtful(attempt) || attempt->is_far) && !is_wanted(chord, attempt->target));
}

/* Whether |attempt|, which waits, can start now. One that has become pointless is freed. */
static bool
may_start(struct reload_chord *chord, struct reload_chord_attempt *attempt, reload_time now)
{
    if (attempt->due > now) {
        reload_chord_arm(chord, RELOAD_CHORD_TIMER_ATTEMPT, attempt->due);
        return false;
    }
    if (is_pointless(chord, attempt)) {
        attempt->state = RELOAD_CHORD_FREE;
        return false;
    }
    return !is_doubtful(attempt) || count(chord, RELOAD_CHORD_RUNNING, true) < DOUBTFUL_RUNNING_MAX;
}

void
reload_chord_attempt_due(struct reload_chord *chord, reload_time now)
{
    for (size_t i = 0; i < RELOAD_CHORD_ATTEMPTS_MAX; i++) {
        struct reload_chord_attempt *attempt = &chord->attempts[i];
        if (count(chord, RELOAD_CHORD_RUNNING, false) >= RELOAD_CHORD_ATTEMPTS_RUNNING_MAX)
            return; /* the end of one sets the timer */
        if (attempt->state == RELOAD_CHORD_WAITING && may_start(chord, attempt, now))
            start(chord, attempt, now);
    }
}

void
reload_chord_attempt_forget(struct reload_chord *chord)
{
    for (size_t i = 0; i < RELOAD_CHORD_ATTEMPTS_MAX; i++) {
        struct reload_chord_attempt *attempt = &chord->attempts[i];
        if (attempt->state == RELOAD_CHORD_WAITING)
            attempt->state = RELOAD_CHORD_FREE;
        else if (attempt->state == RELOAD_CHORD_RUNNING)
            attempt->state = RELOAD_CHORD_FORGOTTEN;
        attempt->tries = 0;
    }
    memset(chord->failures, 0, sizeof chord->failures);
}

/* A slot to be filled; NULL when all are taken. */
static struct reload_chord_attempt *
reserve(struct reload_chord *chord, reload_time now)
{
    for (size_t i = 0; i < RELOAD_CHORD_ATTEMPTS_MAX; i++) {
        struct reload_chord_attempt *attempt = &chord->attempts[i];
        if (attempt->state != RELOAD_CHORD_FREE)
            continue;
        *attempt = (struct reload_chord_attempt){.chord = chord, .state = RELOAD_CHORD_WAITING};
        reload_chord_arm(chord, RELOAD_CHORD_TIMER_ATTEMPT, now);
        return attempt;
    }
    return NULL;
}

static bool
is_bad(const struct reload_chord *chord, struct reload_chord_place place)
{
    const struct reload_config *config = reload_node_config(chord->node);
    struct reload_node_id id = reload_chord_node_id_of(place);
    for (size_t i = 0; i < config->bad_node_count; i++)
        if (reload_node_id_equal(&config->bad_nodes[i], &id))
            return true;
    return false;
}

/* The attempt to attach to |place| that waits or is under way, or NULL. */
static struct reload_chord_attempt *
find(struct reload_chord *chord, struct reload_chord_place place)
{
    for (size_t i = 0; i < RELOAD_CHORD_ATTEMPTS_MAX; i++)
        if ((chord->attempts[i].state == RELOAD_CHORD_WAITING ||
             chord->attempts[i].state == RELOAD_CHORD_RUNNING) &&
            !chord->attempts[i].to_resource && reload_chord_equal(chord->attempts[i].target, place))
            return &chord->attempts[i];
    return NULL;
}

/* Whether there is a point in attaching to |place|. */
static bool
is_worth(struct reload_chord *chord, struct reload_chord_place place)
{
    return !reload_chord_equal(place, chord->table.self) && !reload_chord_link_to(chord, place) &&
           !is_bad(chord, place) && !find(chord, place);
}

/* |via|, a peer, names the target of |attempt|. */
static void
name(struct reload_chord_attempt *attempt, const struct reload_chord_place *via)
{
    if (!via || attempt->is_named)
        return;
    attempt->is_named = attempt->has_via = true;
    attempt->via = *via;
}

/* A slot for a neighbour; one that must not wait takes the slot of one that can. */
static struct reload_chord_attempt *
reserve_neighbor(struct reload_chord *chord, bool is_far, reload_time now)
{
    struct reload_chord_attempt *attempt = reserve(chord, now);
    for (size_t i = 0; !attempt && !is_far && i < RELOAD_CHORD_ATTEMPTS_MAX; i++) {
        struct reload_chord_attempt *other = &chord->attempts[i];
        if (other->state != RELOAD_CHORD_WAITING || !other->is_far)
            continue;
        other->state = RELOAD_CHORD_FREE;
        attempt = reserve(chord, now);
    }
    return attempt;
}

/* |attempt|, of a farther neighbour, need not wait any longer, unless it failed before. */
static void
hurry(struct reload_chord *chord, struct reload_chord_attempt *attempt, reload_time now)
{
    if (attempt->state != RELOAD_CHORD_WAITING || attempt->tries > 0)
        return;
    attempt->due = earliest(chord, attempt->target, now);
    reload_chord_arm(chord, RELOAD_CHORD_TIMER_ATTEMPT, attempt->due);
}

void
reload_chord_attempt_neighbor(struct reload_chord *chord, struct reload_chord_place place,
                              const struct reload_chord_place *via, reload_time now)
{
    struct reload_chord_attempt *attempt = find(chord, place);
    bool is_far = !is_near(chord, place);
    if (attempt) {
        name(attempt, via);
        if (attempt->is_far && !is_far)
            hurry(chord, attempt, now);
        attempt->is_far = attempt->is_far && is_far;
    }
    if (!is_worth(chord, place) || !hearsay_allows(chord, now))
        return;
    attempt = reserve_neighbor(chord, is_far, now);
    if (!attempt)
        return;
    attempt->purpose = RELOAD_CHORD_FOR_NEIGHBOR;
    attempt->target = place;
    attempt->is_far = is_far;
    attempt->due =
        earliest(chord, place, is_far ? now + reload_chord_jitter(chord, FAR_PAUSE) : now);
    name(attempt, via);
}

void
reload_chord_attempt_hurry(struct reload_chord *chord, reload_time now)
{
    for (size_t i = 0; i < RELOAD_CHORD_ATTEMPTS_MAX; i++)
        if (chord->attempts[i].state == RELOAD_CHORD_WAITING && chord->attempts[i].is_far)
            hurry(chord, &chord->attempts[i], now);
}

static bool
is_named_in(const struct reload_chord_lists *lists, struct reload_chord_place place)
{
    for (size_t i = 0; i < lists->predecessor_count; i++)
        if (reload_chord_equal(lists->predecessors[i], place))
            return true;
    for (size_t i = 0; i < lists->successor_count; i++)
        if (reload_chord_equal(lists->successors[i], place))
            return true;
    return false;
}

void
reload_chord_attempt_heard(struct reload_chord *chord, struct reload_chord_place signer,
                           const struct reload_chord_lists *lists)
{
    for (size_t i = 0; i < RELOAD_CHORD_ATTEMPTS_MAX; i++) {
        struct reload_chord_attempt *attempt = &chord->attempts[i];
        if (attempt->state != RELOAD_CHORD_FREE && attempt->is_named &&
            reload_chord_equal(attempt->via, signer))
            attempt->is_named = lists && is_named_in(lists, attempt->target);
    }
}

void
reload_chord_attempt_lost(struct reload_chord *chord, struct reload_chord_place place,
                          reload_time now)
{
    struct reload_chord_attempt *attempt = NULL;
    if (count(chord, RELOAD_CHORD_WAITING, true) < LOST_WAITING_MAX && is_worth(chord, place))
        attempt = reserve(chord, now);
    if (!attempt)
        return;
    attempt->purpose = RELOAD_CHORD_FOR_LOST;
    attempt->target = place;
    attempt->due = earliest(chord, place, now + LOST_PAUSE);
}

/* A slot for |place|, unless there is no point in it, or it failed lately. */
static struct reload_chord_attempt *
reserve_for(struct reload_chord *chord, struct reload_chord_place place,
            enum reload_chord_purpose purpose, reload_time now)
{
    struct reload_chord_attempt *attempt = NULL;
    if (is_worth(chord, place) && earliest(chord, place, now) <= now)
        attempt = reserve(chord, now);
    if (!attempt)
        return NULL;
    attempt->purpose = purpose;
    attempt->target = place;
    return attempt;
}

void
reload_chord_attempt_finger(struct reload_chord *chord, struct reload_chord_place place,
                            reload_time now)
{
    (void)reserve_for(chord, place, RELOAD_CHORD_FOR_FINGER, now);
}

int
reload_chord_attempt_entry(struct reload_chord *chord, unsigned i, reload_time now)
{
    struct reload_chord_attempt *attempt = reserve(chord, now);
    if (!attempt)
        return RELOAD_E_BUSY;
    attempt->purpose = RELOAD_CHORD_FOR_FINGER;
    attempt->to_resource = true;
    attempt->target = reload_chord_finger_start(chord->table.self, i);
    attempt->number = i;
    return 0;
}

size_t
reload_chord_attempt_fingers(const struct reload_chord *chord)
{
    size_t found = 0;
    for (size_t i = 0; i < RELOAD_CHORD_ATTEMPTS_MAX; i++)
        found += chord->attempts[i].state != RELOAD_CHORD_FREE &&
                 chord->attempts[i].purpose == RELOAD_CHORD_FOR_FINGER;
    return found;
}

void
reload_chord_attempt_merge(struct reload_chord *chord, struct reload_chord_place place,
                           struct reload_chord_place via, uint32_t first_link, reload_time now)
{
    struct reload_chord_attempt *attempt = reserve_for(chord, place, RELOAD_CHORD_FOR_MERGE, now);
    if (!attempt)
        return;
    attempt->has_via = true;
    attempt->via = via;
    attempt->first_link = first_link;
}

int
reload_chord_attempt_join(struct reload_chord *chord, struct reload_chord_place resource,
                          uint32_t first_link, reload_time now)
{
    struct reload_chord_attempt *attempt = reserve(chord, now);
    if (!attempt)
        return RELOAD_E_BUSY;
    attempt->purpose = RELOAD_CHORD_FOR_JOIN;
    attempt->to_resource = true;
    attempt->target = resource;
    attempt->first_link = first_link;
    attempt->number = chord->join.number;
    return 0;
}
