/* bootstrap.c: the way into the overlay.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/bootstrap.h"

#include "reload/core/node_internal.h"
#include "reload/core/restore.h"

#include <assert.h>

#define CONNECT_DEADLINE (10 * RELOAD_SECOND)
#define NEXT_AFTER (1 * RELOAD_SECOND) /* without an answer another one is tried besides */
#define JOIN_DEADLINE (40 * RELOAD_SECOND)
#define LEAVE_DEADLINE (3 * RELOAD_SECOND)
#define FAREWELL_DEADLINE (3 * RELOAD_SECOND / 2) /* of these, for the usages */
#define LEAVE_LOOK (20 * RELOAD_MS)               /* how often to see whether all is answered */
#define PAUSE_MIN (1 * RELOAD_SECOND)
#define PAUSE_DOUBLINGS_MAX 4 /* pauses of up to 24 s */
#define CANDIDATES_MAX 64

_Static_assert(CANDIDATES_MAX + RELOAD_BOOTSTRAP_KNOWN_MAX < UINT8_MAX, "ways are kept in octets");

static reload_alarm_fn wake;
static void attempt(struct reload_node *node, reload_time now);

static uint64_t
random_u64(struct reload_node *node)
{
    uint64_t value;
    node->env->random(node->env->context, &value, sizeof value);
    return value;
}

/* The alarm is set from reload_node_start on, sometimes for never: that cannot fail. */
static void
arm(struct reload_node *node, reload_time at)
{
    int error = reload_alarm_set(&node->alarms, &node->bootstrap.alarm, at, wake);
    assert(!error);
    (void)error;
}

static void
connect_deadline(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    struct reload_link *link =
        (struct reload_link *)((char *)alarm - offsetof(struct reload_link, deadline));
    reload_link_end(owner, link, RELOAD_E_TIMEOUT, true, now);
}

uint32_t
reload_bootstrap_connect(struct reload_node *node, const struct reload_candidate *candidate,
                         reload_time now)
{
    struct reload_link *link = reload_link_new(node, RELOAD_LINK_CONNECTING, 0);
    if (!link)
        return 0;
    struct reload_offer *remote = reload_node_allocate(node, NULL, sizeof *remote);
    if (remote) {
        *remote = (struct reload_offer){.candidate_count = 1};
        remote->candidates[0] = *candidate;
    }
    struct reload_effect_entry entry = {
        .type = RELOAD_EFFECT_CONNECT, .link = link->id, .offer = remote};
    link->bootstrap = true;
    uint32_t id = link->id;
    bool is_armed = remote && reload_alarm_set(&node->alarms, &link->deadline,
                                               now + CONNECT_DEADLINE, connect_deadline) == 0;
    if (!is_armed && remote)
        (void)reload_node_allocate(node, remote, 0);
    if (!is_armed || reload_effects_push(node, &entry) != 0) {
        link->bootstrap = false;
        reload_link_end(node, link, RELOAD_E_NOMEM, false, now);
        return 0;
    }
    return id;
}

/* No bootstrap node answered, or none is a peer: found the overlay if we may, or try again later.
 * Rings that were founded apart merge (D87). */
static void
fail(struct reload_node *node, int error, reload_time now)
{
    struct reload_bootstrap *bootstrap = &node->bootstrap;
    if (node->options.first_node && !node->options.client && error == RELOAD_E_UNREACHABLE) {
        bootstrap->state = RELOAD_BOOTSTRAP_JOINING;
        arm(node, now + JOIN_DEADLINE);
        node->topology->found(node->topology_state, now);
        return;
    }
    reload_effects_event(node, RELOAD_EVENT_JOIN_FAILED, 0, NULL, error);
    unsigned doublings =
        bootstrap->rounds < PAUSE_DOUBLINGS_MAX ? bootstrap->rounds : PAUSE_DOUBLINGS_MAX;
    bootstrap->rounds++;
    reload_time pause = PAUSE_MIN << doublings;
    pause = pause / 2 + random_u64(node) % pause; /* many restart at once: not all together */
    bootstrap->state = RELOAD_BOOTSTRAP_WAITING;
    arm(node, now + pause);
}

static bool
is_attempt(const struct reload_node *node, const struct reload_link *link)
{
    return link->bootstrap && link->state == RELOAD_LINK_CONNECTING &&
           !reload_bootstrap_searches(node, link->id);
}

static struct reload_link *
any_attempt(const struct reload_node *node)
{
    size_t cursor = 0;
    struct reload_link *link;
    while ((link = reload_link_walk(node, &cursor)))
        if (is_attempt(node, link))
            return link;
    return NULL;
}

/* A link to somebody whom the topology would send our messages through, as the last candidate:
 * bootstrap nodes may be gone, or be us, while peers are linked with us. 0: there is none. */
static uint32_t
linked_peer(struct reload_node *node)
{
    struct reload_node_id next;
    if (node->bootstrap.tried != reload_bootstrap_ways(&node->bootstrap))
        return 0;
    node->bootstrap.tried++; /* once a round */
    if (node->topology->next_hop(node->topology_state, &node->id, 0, &next) != RELOAD_HOP_LINK)
        return 0;
    const struct reload_link *link = reload_link_of_node(node, &next);
    return link && link->is_peer ? link->id : 0; /* others look for peers themselves */
}

/* The next way of this round. Those that were given up come last: who answered in their place may
 * have been no peer, and nobody founds an overlay who has not heard them all. */
static bool
next_way(struct reload_bootstrap *bootstrap, size_t *way)
{
    size_t ways = reload_bootstrap_ways(bootstrap);
    if (bootstrap->tried < ways) {
        *way = bootstrap->tried++;
        return true;
    }
    while (bootstrap->again_count > 0) {
        *way = bootstrap->again[--bootstrap->again_count];
        if (*way < ways) /* there may be fewer than there were */
            return true;
    }
    return false;
}

/* |link| is not needed as long as another one stands. Each time that this happens one way has
 * answered, so a round has an end. */
static void
put_back(struct reload_node *node, struct reload_link *link, reload_time now)
{
    struct reload_bootstrap *bootstrap = &node->bootstrap;
    if (link->way && bootstrap->again_count < RELOAD_BOOTSTRAP_ATTEMPTS_MAX)
        bootstrap->again[bootstrap->again_count++] = (uint8_t)(link->way - 1);
    reload_link_end(node, link, 0, true, now);
}

/* Each round begins with another bootstrap node: the one of before may be out of the overlay
 * itself, and waiting for us. One that says nothing does not keep us from the next. */
static void
attempt(struct reload_node *node, reload_time now)
{
    struct reload_bootstrap *bootstrap = &node->bootstrap;
    size_t way;
    bootstrap->state = RELOAD_BOOTSTRAP_CONNECTING;
    while (next_way(bootstrap, &way)) {
        struct reload_candidate candidate = reload_bootstrap_way(bootstrap, bootstrap->next, way);
        uint32_t id = reload_bootstrap_standing(node, &candidate);
        if (id) {
            reload_bootstrap_link_up(node, id, now);
            return;
        }
        id = reload_bootstrap_connect(node, &candidate, now);
        if (id) {
            reload_link_find(node, id)->way = (uint8_t)(way + 1);
            arm(node, now + NEXT_AFTER);
            return;
        }
    }
    arm(node, RELOAD_NEVER);
    if (any_attempt(node))
        return;
    uint32_t link = linked_peer(node);
    if (link)
        reload_bootstrap_link_up(node, link, now);
    else
        fail(node, RELOAD_E_UNREACHABLE, now);
}

static void
begin_round(struct reload_node *node, reload_time now)
{
    struct reload_bootstrap *bootstrap = &node->bootstrap;
    uint64_t random = random_u64(node); /* many who start at once: not all at the same one */
    bootstrap->tried = bootstrap->again_count = 0;
    if (bootstrap->candidate_count)
        bootstrap->next =
            (bootstrap->rounds == 0 ? random : bootstrap->next + 1) % bootstrap->candidate_count;
    attempt(node, now);
}

/* The topology leaves when the usages' requests are answered, or take too long. */
static bool
is_in_farewell(struct reload_node *node, reload_time now)
{
    struct reload_bootstrap *bootstrap = &node->bootstrap;
    if (bootstrap->farewells_done)
        return false;
    if (bootstrap->farewell_count > 0 && now < bootstrap->farewell_until)
        return true;
    bootstrap->farewells_done = true;
    node->topology->leave(node->topology_state, now);
    return false;
}

/* We have left when nobody owes us an answer any more, or when it takes too long. */
static void
finish_leaving(struct reload_node *node, reload_time now)
{
    bool waiting = is_in_farewell(node, now) ||
                   (node->transactions.count > 0 && now < node->bootstrap.leave_until);
    if (!waiting && reload_effects_event(node, RELOAD_EVENT_LEFT, 0, NULL, 0) == 0)
        node->bootstrap.state = RELOAD_BOOTSTRAP_LEFT;
    else /* also without memory for the event: the program waits for it */
        arm(node, now + LEAVE_LOOK);
}

static void
wake(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    (void)alarm;
    struct reload_node *node = owner;
    arm(node, RELOAD_NEVER);
    switch (node->bootstrap.state) {
    case RELOAD_BOOTSTRAP_CONNECTING:
        attempt(node, now);
        break;
    case RELOAD_BOOTSTRAP_WAITING:
        begin_round(node, now);
        break;
    case RELOAD_BOOTSTRAP_JOINING:
        fail(node, RELOAD_E_TIMEOUT, now);
        break;
    case RELOAD_BOOTSTRAP_LEAVING:
        finish_leaving(node, now);
        break;
    default:
        break;
    }
}

void
reload_bootstrap_link_up(struct reload_node *node, uint32_t id, reload_time now)
{
    struct reload_bootstrap *bootstrap = &node->bootstrap;
    if (reload_bootstrap_search_up(node, id, now))
        return;
    if (bootstrap->state != RELOAD_BOOTSTRAP_CONNECTING)
        return;
    bootstrap->state = RELOAD_BOOTSTRAP_JOINING;
    struct reload_link *other;
    while ((other = any_attempt(node)))
        put_back(node, other, now);
    reload_attach_begin_anew(node, now);
    arm(node, now + JOIN_DEADLINE);
    node->topology->join(node->topology_state, id, now);
}

void
reload_bootstrap_link_gone(struct reload_node *node, const struct reload_link *link,
                           reload_time now)
{
    struct reload_bootstrap *bootstrap = &node->bootstrap;
    if (link->is_peer)
        reload_bootstrap_remember(bootstrap, link);
    reload_bootstrap_search_gone(node, link, now);
    if (is_attempt(node, link) && bootstrap->state == RELOAD_BOOTSTRAP_CONNECTING)
        attempt(node, now);
    else if (link->state == RELOAD_LINK_UP && bootstrap->state == RELOAD_BOOTSTRAP_JOINED &&
             !reload_bootstrap_any_up(node))
        reload_effects_event(node, RELOAD_EVENT_DISCONNECTED, 0, NULL, 0);
}

void
reload_bootstrap_fini(struct reload_node *node)
{
    reload_alarm_clear(&node->alarms, &node->bootstrap.alarm);
    reload_alarm_clear(&node->alarms, &node->bootstrap.search.alarm);
    if (node->bootstrap.candidates)
        (void)reload_node_allocate(node, node->bootstrap.candidates, 0);
    node->bootstrap.candidates = NULL;
}

/* ---- verbs ---------------------------------------------------------------------------------- */

int
reload_node_start(struct reload_node *node, const struct reload_candidate *candidates, size_t count,
                  reload_time now)
{
    struct reload_bootstrap *bootstrap = &node->bootstrap;
    if (bootstrap->state >= RELOAD_BOOTSTRAP_LEAVING)
        return RELOAD_E_USAGE;
    reload_restore_end(node);
    if (count > CANDIDATES_MAX)
        count = CANDIDATES_MAX;
    if (!bootstrap->alarm.slot &&
        reload_alarm_set(&node->alarms, &bootstrap->alarm, RELOAD_NEVER, wake) != 0)
        return RELOAD_E_NOMEM;
    struct reload_candidate *copy = NULL;
    if (count) {
        copy = reload_node_allocate(node, NULL, count * sizeof *copy);
        if (!copy)
            return RELOAD_E_NOMEM;
        memcpy(copy, candidates, count * sizeof *copy);
    }
    if (bootstrap->candidates)
        (void)reload_node_allocate(node, bootstrap->candidates, 0);
    bootstrap->candidates = copy;
    bootstrap->candidate_count = count;
    if (bootstrap->state == RELOAD_BOOTSTRAP_IDLE || bootstrap->state == RELOAD_BOOTSTRAP_WAITING) {
        arm(node, RELOAD_NEVER);
        begin_round(node, now);
    }
    return 0;
}

void
reload_node_leave(struct reload_node *node, reload_time now)
{
    struct reload_bootstrap *bootstrap = &node->bootstrap;
    bool was_joined = bootstrap->state == RELOAD_BOOTSTRAP_JOINED;
    if (bootstrap->state >= RELOAD_BOOTSTRAP_LEAVING)
        return;
    bootstrap->state = RELOAD_BOOTSTRAP_LEAVING;
    bootstrap->leave_until = now + LEAVE_DEADLINE;
    bootstrap->farewell_until = now + FAREWELL_DEADLINE;
    bootstrap->farewells_done = !was_joined;
    if (bootstrap->alarm.slot)
        arm(node, was_joined ? now + LEAVE_LOOK : now);
    else /* never started */
        (void)reload_effects_event(node, RELOAD_EVENT_LEFT, 0, NULL, 0);
    if (!was_joined)
        return;
    bootstrap->in_farewell = true;
    for (size_t i = 0; i < node->options.usage_count; i++)
        if (node->options.usages[i]->leave)
            node->options.usages[i]->leave(node->usage_states[i], now);
    bootstrap->in_farewell = false;
    (void)is_in_farewell(node, now);
}

bool
reload_node_joined(const struct reload_node *node)
{
    return node->bootstrap.state == RELOAD_BOOTSTRAP_JOINED;
}

bool
reload_node_is_peer(const struct reload_node *node)
{
    return reload_node_joined(node) && !node->bootstrap.stays_client && !node->options.client;
}

/* ---- for topologies ------------------------------------------------------------------------- */

void
reload_topology_joined(struct reload_node *node, reload_time now)
{
    struct reload_bootstrap *bootstrap = &node->bootstrap;
    if (bootstrap->state == RELOAD_BOOTSTRAP_JOINED && bootstrap->stays_client)
        reload_effects_event(node, RELOAD_EVENT_JOINED, 0, &node->id, 0);
    bootstrap->stays_client = false;
    if (bootstrap->state >= RELOAD_BOOTSTRAP_JOINED)
        return;
    bootstrap->state = RELOAD_BOOTSTRAP_JOINED;
    bootstrap->rounds = 0;
    if (bootstrap->alarm.slot)
        arm(node, RELOAD_NEVER);
    reload_effects_event(node, RELOAD_EVENT_JOINED, 0, &node->id, 0);
    for (size_t i = 0; i < node->options.usage_count; i++)
        if (node->options.usages[i]->joined)
            node->options.usages[i]->joined(node->usage_states[i], now);
}

void
reload_topology_stays_client(struct reload_node *node, const struct reload_node_id *unreachable,
                             reload_time now)
{
    if (node->bootstrap.state >= RELOAD_BOOTSTRAP_LEAVING || node->bootstrap.stays_client)
        return;
    reload_effects_event(node, RELOAD_EVENT_JOIN_FAILED, 0, unreachable, RELOAD_E_UNREACHABLE);
    reload_topology_joined(node, now);
    node->bootstrap.stays_client = true;
}

void
reload_topology_failed(struct reload_node *node, int error, reload_time now)
{
    struct reload_bootstrap *bootstrap = &node->bootstrap;
    if (bootstrap->state != RELOAD_BOOTSTRAP_JOINING)
        return;
    if (error == RELOAD_E_UNREACHABLE && bootstrap->tried <= reload_bootstrap_ways(bootstrap))
        attempt(node, now);
    else
        fail(node, error, now);
}

void
reload_topology_rejoin(struct reload_node *node, reload_time now)
{
    struct reload_bootstrap *bootstrap = &node->bootstrap;
    if (bootstrap->state != RELOAD_BOOTSTRAP_JOINED && bootstrap->state != RELOAD_BOOTSTRAP_JOINING)
        return;
    bootstrap->state = RELOAD_BOOTSTRAP_WAITING;
    bootstrap->stays_client = false;
    bootstrap->rounds = bootstrap->rounds ? bootstrap->rounds : 1;
    arm(node, now + random_u64(node) % PAUSE_MIN);
}

bool
reload_topology_holds_data(const struct reload_node *node)
{
    return reload_storage_resource_count(&node->storage) > 0;
}

void
reload_topology_peer_met(struct reload_node *node, reload_time now)
{
    if (node->bootstrap.state == RELOAD_BOOTSTRAP_WAITING)
        arm(node, now + random_u64(node) % PAUSE_MIN);
}
