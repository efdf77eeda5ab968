/* turn_trial.c: which of the relays that we know are handed out: those that gave an address when
 * they were tried, best first, in turn.
 *
 *   found -> tried -> handed out <-> tried again, when credentials are renewed
 *              \          \-> doubted, when it failed an agent -> tried ...
 *               \-> of no use: tried again later and later, then let alone
 *
 * docs/turn.md. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/turn_state.h"

/* Who is asked for a trial has this time for it. */
#define TRIAL_TIME (30 * RELOAD_SECOND)
/* After the first failure in a row, then each time doubled; and how many there may be. */
#define TRY_AGAIN_PAUSE (10 * RELOAD_SECOND)
#define TRY_FAILURES 3
/* One that answers by TCP alone is slower than it may be: perhaps UDP was just out of order. */
#define HALF_PAUSE (60 * RELOAD_SECOND)
/* A relay that fails agents in spite of its trials is doubted longer and longer. */
#define DOUBT_PAUSE (10 * RELOAD_SECOND)
#define DOUBT_DOUBLINGS 5
/* Links fail for many reasons: that is no proof against a relay, and no reason to try it always. */
#define NO_LINK_PAUSE (30 * RELOAD_SECOND)

enum reload_relay_verdict
turn_verdict(const struct turn_relay *relay)
{
    return relay->ways[TURN_UDP] > relay->ways[TURN_TCP] ? relay->ways[TURN_UDP]
                                                         : relay->ways[TURN_TCP];
}

bool
turn_is_usable(const struct turn_relay *relay)
{
    return relay->used && turn_verdict(relay) >= RELOAD_RELAY_GIVES;
}

void
turn_trial_wanted(struct turn_relay *relay, reload_time at)
{
    if (relay->failed_trials == 0 && relay->try_due > at)
        relay->try_due = at;
}

reload_time
turn_trial_next(const struct reload_turn *turn)
{
    reload_time next = RELOAD_NEVER;
    for (size_t i = 0; i < TURN_PLACES && !turn->leaving; i++)
        if (turn->relays[i].used && turn->relays[i].try_due < next)
            next = turn->relays[i].try_due;
    return next;
}

void
turn_trial_timeout(struct reload_turn *turn, reload_time now)
{
    for (size_t i = 0; i < TURN_PLACES; i++) {
        struct turn_relay *relay = &turn->relays[i];
        if (!relay->used || relay->try_due > now)
            continue;
        relay->untried = true;
        relay->try_due = now + TRIAL_TIME;
    }
}

/* ---- trials -----------------------------------------------------------------------------------
 */

static void
fill_way(const struct turn_relay *relay, bool tcp, struct reload_ice_relay *way)
{
    *way = (struct reload_ice_relay){.address = relay->credential.address, .tcp = tcp};
    memcpy(way->username, relay->credential.username, sizeof relay->credential.username);
    memcpy(way->password, relay->credential.password, sizeof relay->credential.password);
}

/* By its credentials, too: somebody else may name the same server, but has no key for it. */
static struct turn_relay *
find_way(struct reload_turn *turn, const struct reload_ice_relay *way)
{
    for (size_t i = 0; i < TURN_PLACES; i++) {
        struct turn_relay *relay = &turn->relays[i];
        if (relay->used &&
            memcmp(&relay->credential.address, &way->address, sizeof way->address) == 0 &&
            strcmp(relay->credential.username, way->username) == 0 &&
            strcmp(relay->credential.password, way->password) == 0)
            return relay;
    }
    return NULL;
}

bool
reload_turn_service_untried(void *state, struct reload_ice_relay *way, reload_time now)
{
    struct reload_turn *turn = state;
    struct turn_relay *first = NULL;
    for (size_t i = 0; i < TURN_PLACES && !turn->leaving; i++) {
        struct turn_relay *relay = &turn->relays[i];
        if (relay->used && relay->untried && (!first || relay->tried_at < first->tried_at))
            first = relay;
    }
    if (!first)
        return false;
    first->untried = false;
    first->try_due = now + TRIAL_TIME;
    first->tried_at = now;
    first->results[TURN_UDP] = first->results[TURN_TCP] = RELOAD_RELAY_UNTRIED;
    fill_way(first, false, way);
    return true;
}

/* All results are there. */
static void
judge(struct turn_relay *relay, reload_time now)
{
    memcpy(relay->ways, relay->results, sizeof relay->ways);
    if (turn_is_usable(relay)) {
        relay->failed_trials = 0;
        relay->try_due = relay->ways[TURN_UDP] == RELOAD_RELAY_SILENT
                             ? turn_later(relay->turn, HALF_PAUSE, now)
                             : RELOAD_NEVER; /* until its credentials are renewed */
        turn_forgive(relay->turn, &relay->node_id);
        return;
    }
    relay->failed_trials++;
    if (relay->failed_trials >= TRY_FAILURES)
        relay->due = now; /* ask_again gives it up, once nobody is asked any more */
    relay->try_due = turn_later(relay->turn, TRY_AGAIN_PAUSE << (relay->failed_trials - 1), now);
    turn_search_soon(relay->turn, now);
}

bool
turn_is_given_up(const struct turn_relay *relay)
{
    return relay->failed_trials >= TRY_FAILURES;
}

void
reload_turn_service_tried(void *state, const struct reload_ice_relay *way,
                          enum reload_relay_verdict verdict, reload_time now)
{
    struct turn_relay *relay = find_way(state, way);
    if (!relay)
        return; /* has gone, or has other credentials: those are tried by themselves */
    relay->results[way->tcp ? TURN_TCP : TURN_UDP] = verdict;
    if (way->tcp || verdict == RELOAD_RELAY_WORKS)
        judge(relay, now);
}

void
reload_turn_service_used(void *state, const struct reload_ice_relay *way, enum reload_relay_use use,
                         reload_time now)
{
    struct turn_relay *relay = find_way(state, way);
    if (!relay || !turn_is_usable(relay))
        return;
    if (use == RELOAD_RELAY_GAVE) {
        relay->doubts = 0;
    } else if (use == RELOAD_RELAY_NO_LINK) {
        reload_time at = relay->tried_at + NO_LINK_PAUSE;
        turn_trial_wanted(relay, at > now ? at : now);
    } else {
        unsigned doublings = relay->doubts < DOUBT_DOUBLINGS ? relay->doubts : DOUBT_DOUBLINGS;
        relay->ways[TURN_UDP] = relay->ways[TURN_TCP] = RELOAD_RELAY_UNTRIED;
        relay->try_due = relay->doubts == 0 ? now : now + (DOUBT_PAUSE << (doublings - 1));
        relay->doubts++;
    }
}

/* ---- the list ---------------------------------------------------------------------------------
 */

/* A way that was not tried will do beside one that works: where UDP does, nobody tries TCP. */
static bool
is_open(const struct turn_relay *relay, bool tcp)
{
    enum reload_relay_verdict way = relay->ways[tcp ? TURN_TCP : TURN_UDP];
    return way >= RELOAD_RELAY_GIVES ||
           (tcp && way == RELOAD_RELAY_UNTRIED && relay->ways[TURN_UDP] == RELOAD_RELAY_WORKS);
}

/* The best one that was not handed out after |before|; of equals the one that was longest ago. */
static struct turn_relay *
best_relay(struct reload_turn *turn, uint64_t before)
{
    struct turn_relay *best = NULL;
    for (size_t i = 0; i < TURN_PLACES; i++) {
        struct turn_relay *relay = &turn->relays[i];
        if (!turn_is_usable(relay) || relay->handed > before)
            continue;
        if (!best || turn_verdict(relay) > turn_verdict(best) ||
            (turn_verdict(relay) == turn_verdict(best) && relay->handed < best->handed))
            best = relay;
    }
    return best;
}

size_t
reload_turn_service_relays(void *state, struct reload_ice_relay *relays, size_t max)
{
    struct reload_turn *turn = state;
    struct turn_relay *relay;
    size_t count = 0;
    uint64_t before = turn->handed;
    bool enough = false;
    /* One that works will do: each one more costs an allocation, and gathering waits for it. */
    while (!enough && count < max && (relay = best_relay(turn, before))) {
        enough = turn_verdict(relay) == RELOAD_RELAY_WORKS;
        relay->handed = ++turn->handed;
        for (int tcp = 0; tcp < 2 && count < max; tcp++)
            if (is_open(relay, tcp))
                fill_way(relay, tcp, &relays[count++]);
    }
    return count;
}

bool
reload_turn_service_next(const void *state, size_t *cursor, struct reload_turn_relay_info *info)
{
    const struct reload_turn *turn = state;
    while (*cursor < TURN_PLACES) {
        const struct turn_relay *relay = &turn->relays[(*cursor)++];
        if (!relay->used)
            continue;
        *info = (struct reload_turn_relay_info){.node_id = relay->node_id,
                                                .address = relay->credential.address,
                                                .username = relay->credential.username,
                                                .password = relay->credential.password,
                                                .expires = relay->expires,
                                                .verdict = turn_verdict(relay)};
        return true;
    }
    return false;
}
