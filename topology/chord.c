/* chord.c: the CHORD-RELOAD overlay algorithm, as the core sees it: what is asked of it goes from
 * here to the file of its noun.
 *
 * RFC 6940 10. SPDX-License-Identifier: BSD-2-Clause */
#include "topology/chord.h"

#include "topology/chord_admit.h"
#include "topology/chord_attempt.h"
#include "topology/chord_change.h"
#include "topology/chord_finger.h"
#include "topology/chord_join.h"
#include "topology/chord_leave.h"
#include "topology/chord_near.h"
#include "topology/chord_partition.h"
#include "topology/chord_print.h"
#include "topology/chord_query.h"
#include "topology/chord_replicate.h"
#include "topology/chord_route.h"
#include "topology/chord_stabilize.h"
#include "topology/chord_state.h"
#include "topology/chord_update.h"

#include "reload/base/json.h"

#include <assert.h>

#define DOUBT (5 * RELOAD_SECOND)

/* ---- small things --------------------------------------------------------------------------- */

uint64_t
reload_chord_random(struct reload_chord *chord)
{
    uint64_t value;
    chord->env->random(chord->env->context, &value, sizeof value);
    return value;
}

reload_time
reload_chord_jitter(struct reload_chord *chord, reload_time base)
{
    return base - base / 4 + reload_chord_random(chord) % (base / 2 + 1);
}

void
reload_chord_arm(struct reload_chord *chord, enum reload_chord_timer timer, reload_time at)
{
    if (at < chord->timers[timer])
        chord->timers[timer] = at;
}

uint32_t
reload_chord_link_to(const struct reload_chord *chord, struct reload_chord_place place)
{
    struct reload_node_id id = reload_chord_node_id_of(place);
    return reload_node_link_to(chord->node, &id);
}

void
reload_chord_log(struct reload_chord *chord, const char *text, struct reload_chord_place place)
{
    if (!chord->env->log)
        return;
    char line[128];
    struct reload_json json = reload_json_fixed(line, sizeof line);
    struct reload_node_id id = reload_chord_node_id_of(place);
    reload_json_begin_object(&json);
    reload_json_key(&json, "chord");
    reload_json_text(&json, text);
    reload_json_key(&json, "node_id");
    reload_json_hex(&json, reload_node_id_bytes(&id, RELOAD_CHORD_ID_SIZE));
    reload_json_end_object(&json);
    if (!json.failed)
        chord->env->log(chord->env->context, RELOAD_LOG_INFO, json.text);
}

/* ---- life ----------------------------------------------------------------------------------- */

static int
init(void *state, struct reload_node *node, reload_time now)
{
    struct reload_chord *chord = state;
    const struct reload_config *config = reload_node_config(node);
    if (config->node_id_length != RELOAD_CHORD_ID_SIZE)
        return RELOAD_E_CONFIG;
    chord->node = node;
    chord->env = reload_node_env(node);
    chord->started_at = chord->attempts_since = chord->queries_since = now;
    chord->version = 1;
    reload_chord_table_init(&chord->table, reload_chord_place_of(reload_node_id(node)));
    chord->view.begins = chord->table.self;
    for (size_t i = 0; i < RELOAD_CHORD_TIMERS; i++)
        chord->timers[i] = RELOAD_NEVER;
    for (size_t i = 0; i < RELOAD_CHORD_OPENED_MAX; i++)
        chord->opened[i] = chord->table.self; /* nobody */
    /* Full buckets. */
    chord->attempts_left = chord->queries_left = UINT16_MAX;
    return 0;
}

static void
fini(void *state)
{
    struct reload_chord *chord = state;
    reload_chord_table_fini(&chord->table, chord->env);
}

/* ---- routing -------------------------------------------------------------------------------- */

static bool
is_responsible(void *state, const struct reload_node_id *id)
{
    const struct reload_chord *chord = state;
    struct reload_chord_place place = reload_chord_place_of(id), self = chord->table.self;
    switch (chord->phase) {
    case RELOAD_CHORD_JOINED:
        return reload_chord_within(place, reload_chord_table_begins(&chord->table), self);
    case RELOAD_CHORD_ASKING:
    case RELOAD_CHORD_PLACED:
        /* The admitting peer stores here what will be ours. */
        return reload_chord_within(place, reload_chord_join_begins(chord), self);
    default:
        return false;
    }
}

/* A node that is no peer forwards nothing for others; its own messages go by a peer, or by the node
 * that it found the overlay through. */
static enum reload_hop
own_way(const struct reload_chord *chord, struct reload_chord_place place,
        struct reload_node_id *next)
{
    const struct reload_chord_peer *peer = reload_chord_route(&chord->table, place, 0);
    struct reload_chord_place way =
        peer ? reload_chord_table_place(&chord->table, peer) : chord->join.gateway;
    if (!reload_chord_link_to(chord, way))
        return RELOAD_HOP_NONE;
    *next = reload_chord_node_id_of(way);
    return RELOAD_HOP_LINK;
}

static enum reload_hop
next_hop(void *state, const struct reload_node_id *id, uint32_t from, struct reload_node_id *next)
{
    const struct reload_chord *chord = state;
    struct reload_chord_place place = reload_chord_place_of(id);
    if (is_responsible(state, id))
        return RELOAD_HOP_SELF;
    /* 10.3: directly connected, then the nearest before, then the first behind. */
    const struct reload_chord_peer *peer = reload_chord_table_find(&chord->table, place);
    bool is_peer = chord->phase == RELOAD_CHORD_JOINED || chord->phase == RELOAD_CHORD_LEAVING;
    if (!is_peer && from)
        return RELOAD_HOP_NONE;
    if (!peer || (from && peer->link == from)) {
        if (!is_peer)
            return own_way(chord, place, next);
        peer = reload_chord_route(&chord->table, place, from);
    }
    if (!peer)
        return RELOAD_HOP_NONE;
    assert(from == 0 || peer->link != from);
    *next = reload_chord_node_id_of(reload_chord_table_place(&chord->table, peer));
    return RELOAD_HOP_LINK;
}

static size_t
first_hops(void *state, const struct reload_node_id *id, struct reload_node_id *hops, size_t max)
{
    const struct reload_chord *chord = state;
    struct reload_chord_place ways[RELOAD_COPIES_MAX + 2];
    if (max > sizeof ways / sizeof ways[0])
        max = sizeof ways / sizeof ways[0];
    size_t count = reload_chord_route_ways(&chord->table, reload_chord_place_of(id), ways, max);
    for (size_t i = 0; i < count; i++)
        hops[i] = reload_chord_node_id_of(ways[i]);
    return count;
}

static bool
place_near(void *state, const struct reload_node_id *resource, unsigned i,
           struct reload_node_id *id, bool *is_before)
{
    struct reload_chord_place place, at = reload_chord_place_of(resource);
    if (!reload_chord_near_place(state, at, i, &place, is_before))
        return false;
    *id = reload_chord_node_id_of(place);
    return true;
}

static struct reload_node_id
place_before(void *state, const struct reload_node_id *id)
{
    (void)state;
    return reload_chord_node_id_of(
        reload_chord_subtract(reload_chord_place_of(id), (struct reload_chord_place){0, 1}));
}

static bool
is_nearer(void *state, const struct reload_node_id *resource, const struct reload_node_id *a,
          const struct reload_node_id *b)
{
    (void)state;
    return reload_chord_near_less(reload_chord_place_of(resource), reload_chord_place_of(a),
                                  reload_chord_place_of(b));
}

static int
query_answer(void *state, struct reload_bytes body, struct reload_node_id *next)
{
    return reload_chord_query_answer(state, body, next);
}

static bool
is_plausible(void *state, const struct reload_node_id *id, const struct reload_node_id *responder)
{
    const struct reload_chord *chord = state;
    return chord->phase != RELOAD_CHORD_JOINED ||
           reload_chord_route_plausible(&chord->table, reload_chord_place_of(id),
                                        reload_chord_place_of(responder));
}

/* 10.2: SHA-1, the first 128 bits. */
static int
resource_id(void *state, struct reload_bytes name, uint8_t *resource, size_t *size)
{
    const struct reload_chord *chord = state;
    struct reload_keyring *keyring = reload_node_keyring(chord->node);
    uint8_t digest[RELOAD_DIGEST_MAX];
    size_t digest_size;
    int error =
        keyring->ops->digest(keyring, RELOAD_HASH_ALGORITHM_SHA1, &name, 1, digest, &digest_size);
    if (error)
        return error;
    assert(digest_size >= RELOAD_CHORD_ID_SIZE);
    memcpy(resource, digest, RELOAD_CHORD_ID_SIZE);
    *size = RELOAD_CHORD_ID_SIZE;
    return 0;
}

static uint32_t
responsible_ppb(void *state)
{
    const struct reload_chord *chord = state;
    if (chord->phase != RELOAD_CHORD_JOINED)
        return 0;
    struct reload_chord_place begins = reload_chord_table_begins(&chord->table);
    struct reload_chord_place range = reload_chord_distance(begins, chord->table.self);
    double share = reload_chord_is_zero(range) ? 1 : reload_chord_share(range);
    return (uint32_t)(share * 1e9);
}

/* ---- links ---------------------------------------------------------------------------------- */

static void
link_up(void *state, uint32_t link, const struct reload_node_id *node_id, bool wants_update,
        reload_time now)
{
    struct reload_chord *chord = state;
    struct reload_chord_peer *peer =
        reload_chord_table_find(&chord->table, reload_chord_place_of(node_id));
    if (peer && peer->link != link) {
        /* A new link in the place of an old one (D27). If the node began anew it is no peer any
         * more; if it did not it says so by an Update, as we do below. */
        peer->link = link;
        peer->suspect = false;
        peer->doubted_until = now + DOUBT;
        reload_chord_arm(chord, RELOAD_CHORD_TIMER_PROBE, peer->doubted_until);
        /* In either case it may have less than it had (D82). */
        if (reload_chord_table_is_neighbor(&chord->table, peer))
            reload_topology_changed(chord->node, now);
    }
    /* It learns at once that we are a peer (10.7: peer_ready), or all that we know (6.4.2.3). A
     * node that is still joining does so when it has joined. */
    reload_chord_update_send(
        chord, link, node_id,
        wants_update ? RELOAD_CHORD_UPDATE_TYPE_FULL : RELOAD_CHORD_UPDATE_TYPE_PEER_READY, now);
    reload_chord_join_progress(chord, now);
}

static void
link_suspect(void *state, uint32_t link, const struct reload_node_id *node_id, bool suspect,
             reload_time now)
{
    struct reload_chord *chord = state;
    struct reload_chord_peer *peer =
        reload_chord_table_find(&chord->table, reload_chord_place_of(node_id));
    (void)now;
    if (peer && peer->link == link)
        peer->suspect = suspect;
}

/* ---- messages ------------------------------------------------------------------------------- */

static const struct {
    uint16_t code;
    int (*receive)(struct reload_chord *chord, const struct reload_incoming *incoming,
                   struct reload_writer *answer, reload_time now);
} methods[] = {
    {RELOAD_MESSAGE_JOIN_REQ, reload_chord_admit_received},
    {RELOAD_MESSAGE_LEAVE_REQ, reload_chord_leave_received},
    {RELOAD_MESSAGE_UPDATE_REQ, reload_chord_update_received},
    {RELOAD_MESSAGE_ROUTE_QUERY_REQ, reload_chord_query_received},
};

static int
receive(void *state, const struct reload_incoming *incoming, struct reload_writer *answer,
        reload_time now)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (methods[i].code == incoming->message->contents.message_code)
            return methods[i].receive(state, incoming, answer, now);
    return RELOAD_E_MALFORMED;
}

/* ---- time ----------------------------------------------------------------------------------- */

typedef void timer_fn(struct reload_chord *chord, reload_time now);

static timer_fn *const timer_functions[RELOAD_CHORD_TIMERS] = {
    [RELOAD_CHORD_TIMER_JOIN] = reload_chord_join_due,
    [RELOAD_CHORD_TIMER_ADMIT] = reload_chord_admit_due,
    [RELOAD_CHORD_TIMER_ATTEMPT] = reload_chord_attempt_due,
    [RELOAD_CHORD_TIMER_TELL_NEAR] = reload_chord_update_near_due,
    [RELOAD_CHORD_TIMER_TELL_ALL] = reload_chord_update_all_due,
    [RELOAD_CHORD_TIMER_PROBE] = reload_chord_probe_due,
    [RELOAD_CHORD_TIMER_STABILIZE] = reload_chord_stabilize_due,
    [RELOAD_CHORD_TIMER_FINGER] = reload_chord_finger_due,
    [RELOAD_CHORD_TIMER_PING] = reload_chord_finger_ping_due,
    [RELOAD_CHORD_TIMER_PARTITION] = reload_chord_partition_due,
    [RELOAD_CHORD_TIMER_PUSH] = reload_chord_replicate_due,
    [RELOAD_CHORD_TIMER_REPAIR] = reload_chord_repair_due,
    [RELOAD_CHORD_TIMER_PRUNE] = reload_chord_prune_due,
};

static reload_time
next_timeout(void *state)
{
    const struct reload_chord *chord = state;
    reload_time at = RELOAD_NEVER;
    for (size_t i = 0; i < RELOAD_CHORD_TIMERS; i++)
        at = chord->timers[i] < at ? chord->timers[i] : at;
    return at;
}

static void
timeout(void *state, reload_time now)
{
    struct reload_chord *chord = state;
    for (size_t i = 0; i < RELOAD_CHORD_TIMERS; i++) {
        if (chord->timers[i] > now)
            continue;
        chord->timers[i] = RELOAD_NEVER;
        timer_functions[i](chord, now);
    }
}

const struct reload_topology_ops reload_chord = {
    .name = "CHORD-RELOAD",
    .size = sizeof(struct reload_chord),
    .init = init,
    .fini = fini,
    .join = reload_chord_join_begin,
    .found = reload_chord_found,
    .leave = reload_chord_leave,
    .next_hop = next_hop,
    .first_hops = first_hops,
    .is_responsible = is_responsible,
    .is_plausible = is_plausible,
    .replicas = reload_chord_replicas,
    .accepts_replica = reload_chord_accepts_replica,
    .keeps = reload_chord_keeps,
    .owner = reload_chord_owner,
    .meet = reload_chord_meet,
    .copies_later = reload_chord_copies_later,
    .resource_id = resource_id,
    .responsible_ppb = responsible_ppb,
    .link_up = link_up,
    .link_down = reload_chord_link_down,
    .link_suspect = link_suspect,
    .recv = receive,
    .query_answer = query_answer,
    .place_near = place_near,
    .place_before = place_before,
    .is_nearer = is_nearer,
    .next_timeout = next_timeout,
    .timeout = timeout,
    .print = reload_chord_print,
};
