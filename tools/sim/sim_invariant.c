/* sim_invariant.c: Zave's invariant.
 *
 * RFC 6940 10. SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_invariant.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Zave's r: successors in a list; one more principal than that is needed. */
#define LIST_LENGTH 3
#define PRINCIPALS_MIN (LIST_LENGTH + 1)
/* Smaller rings are full meshes; principals protect those that are larger. */
#define MESH_MAX (2 * LIST_LENGTH + 1)

/* The members in the order of their Node-IDs. */
struct place {
    const struct reload_node_id *node_id;
    const struct sim_member *member;
    uint32_t host;
    uint32_t next; /* place of the first live successor; SIM_NOBODY: none */
    bool skipped, on_cycle;
};

struct circle {
    struct place *places;
    uint32_t count;
};

void
sim_watch_exceed(struct sim_watch *watch, const char *reason)
{
    if (watch->beyond)
        return;
    watch->beyond = true;
    watch->beyond_at = sim_now(watch->sim);
    watch->beyond_reason = reason;
}

static bool
find(struct sim_watch *watch, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(watch->what, sizeof watch->what, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- what the members know ---- */

static int
by_node_id(const void *a, const void *b)
{
    const struct place *left = a, *right = b;
    return reload_node_id_compare(left->node_id, right->node_id);
}

static struct circle
survey(const struct sim_watch *watch)
{
    struct circle circle = {calloc(watch->member_count + 1, sizeof *circle.places), 0};
    if (!circle.places)
        abort();
    for (uint32_t i = 0; i < watch->member_count; i++)
        if (watch->members[i].joined)
            circle.places[circle.count++] =
                (struct place){sim_node_id(watch->sim, i), &watch->members[i], i, SIM_NOBODY, 0, 0};
    qsort(circle.places, circle.count, sizeof *circle.places, by_node_id);
    return circle;
}

/* The place of |node_id|, or, when it is no member, where it would be. */
static uint32_t
place_of(const struct circle *circle, const struct reload_node_id *node_id, bool *is_member)
{
    uint32_t low = 0, high = circle->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (reload_node_id_compare(circle->places[middle].node_id, node_id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *is_member = low < circle->count && reload_node_id_equal(circle->places[low].node_id, node_id);
    return low;
}

static unsigned __int128
number_of(const struct reload_node_id *node_id)
{
    unsigned __int128 number = 0;
    for (size_t i = 0; i < 16; i++)
        number = number << 8 | node_id->octets[i];
    return number;
}

/* How far it is clockwise. */
static unsigned __int128
distance(const struct reload_node_id *from, const struct reload_node_id *to)
{
    return number_of(to) - number_of(from);
}

/* ---- the invariant ---- */

static bool
lists_are_tidy(struct sim_watch *watch, const struct circle *circle)
{
    for (uint32_t i = 0; i < circle->count; i++) {
        const struct sim_member *member = circle->places[i].member;
        unsigned __int128 last = 0;
        for (size_t k = 0; k < member->count; k++) {
            unsigned __int128 next = distance(circle->places[i].node_id, &member->successors[k]);
            if (next <= last)
                return find(watch, "the successors of node %" PRIu32 " are in disorder",
                            circle->places[i].host);
            last = next;
        }
        last = 0;
        for (size_t k = 0; k < member->predecessor_count; k++) {
            unsigned __int128 next = distance(&member->predecessors[k], circle->places[i].node_id);
            if (next <= last)
                return find(watch, "the predecessors of node %" PRIu32 " are in disorder",
                            circle->places[i].host);
            last = next;
        }
    }
    return true;
}

static bool
all_have_live_successors(struct sim_watch *watch, struct circle *circle)
{
    for (uint32_t i = 0; i < circle->count && circle->count > 1; i++) {
        struct place *place = &circle->places[i];
        if (place->member->count == 0) /* alone, as far as it knows: its own successor */
            place->next = i;
        for (size_t k = 0; k < place->member->count && place->next == SIM_NOBODY; k++) {
            bool is_member = false;
            uint32_t next = place_of(circle, &place->member->successors[k], &is_member);
            if (is_member)
                place->next = next;
        }
        if (place->next == SIM_NOBODY)
            return find(watch, "node %" PRIu32 " has no live successor", place->host);
    }
    return true;
}

static void
skip_between(struct circle *circle, const struct reload_node_id *after,
             const struct reload_node_id *before)
{
    bool found = false;
    uint32_t at = place_of(circle, after, &found);
    unsigned __int128 gap = distance(after, before);
    for (uint32_t n = found ? 1 : 0; n < circle->count; n++) {
        struct place *place = &circle->places[(at + n) % circle->count];
        if (distance(after, place->node_id) >= gap)
            return;
        place->skipped = true;
    }
}

/* Who knows fewer than three behind it has its predecessors there, the way around: more than half
 * the ring away. That says nothing of those between. */
static bool
is_way_around(const struct reload_node_id *self, const struct reload_node_id *successor)
{
    return distance(self, successor) > distance(successor, self);
}

static uint32_t
count_principals(struct circle *circle)
{
    for (uint32_t i = 0; i < circle->count; i++) {
        const struct sim_member *member = circle->places[i].member;
        const struct reload_node_id *last = circle->places[i].node_id;
        for (size_t k = 0; k < member->count && k < LIST_LENGTH; last = &member->successors[k++]) {
            if (is_way_around(circle->places[i].node_id, &member->successors[k]))
                break;
            skip_between(circle, last, &member->successors[k]);
        }
    }
    uint32_t principals = 0;
    for (uint32_t i = 0; i < circle->count; i++)
        principals += !circle->places[i].skipped;
    return principals;
}

/* Before the ring was ever large and all of it were principals there is nothing to keep: then full
 * mesh is what protects, and the ring's order alone is asked for. */
static bool
has_principals(struct sim_watch *watch, struct circle *circle)
{
    uint32_t principals = count_principals(circle);
    if (circle->count > MESH_MAX && principals == circle->count)
        watch->principals_seen = true;
    else if (watch->principals_seen && principals < PRINCIPALS_MIN)
        return find(watch, "only %" PRIu32 " principals among %" PRIu32 " members", principals,
                    circle->count);
    return true;
}

static bool
is_one_ring(struct sim_watch *watch, struct circle *circle)
{
    if (circle->count < 2)
        return true;
    uint32_t at = 0, wraps = 0;
    for (uint32_t i = 0; i < circle->count; i++) /* whatever leads to the cycle is behind us then */
        at = circle->places[at].next;
    for (uint32_t begin = at, next;; at = next) {
        circle->places[at].on_cycle = true;
        next = circle->places[at].next;
        wraps += next <= at;
        if (next == begin)
            break;
    }
    if (wraps != 1)
        return find(watch, "the ring goes around %" PRIu32 " times", wraps);
    for (uint32_t i = 0; i < circle->count; i++) {
        at = i;
        for (uint32_t k = 0; k < circle->count && !circle->places[at].on_cycle; k++)
            at = circle->places[at].next;
        if (!circle->places[at].on_cycle)
            return find(watch, "there are two rings: node %" PRIu32 " is in another one",
                        circle->places[i].host);
    }
    return true;
}

static void
check(struct sim_watch *watch, bool is_death)
{
    struct circle circle = survey(watch);
    watch->checks++;
    if (is_death && circle.count == 1 && circle.places[0].member->count > 0)
        sim_watch_exceed(watch, "all that the last member knew died");
    bool live = all_have_live_successors(watch, &circle);
    bool principals = !live || has_principals(watch, &circle);
    if (is_death && !(live && principals)) {
        sim_watch_exceed(watch, live ? "too few principals were left alive"
                                     : "all successors of a member died");
    } else if (!(live && principals && is_one_ring(watch, &circle) &&
                 lists_are_tidy(watch, &circle))) {
        watch->broken = true;
        watch->broken_at = sim_now(watch->sim);
    }
    free(circle.places);
}

/* ---- watching ---- */

static void
grow(struct sim_watch *watch)
{
    uint32_t count = sim_node_count(watch->sim);
    if (count <= watch->member_count)
        return;
    watch->members = realloc(watch->members, count * sizeof *watch->members);
    if (!watch->members)
        abort();
    memset(watch->members + watch->member_count, 0,
           (count - watch->member_count) * sizeof *watch->members);
    watch->member_count = count;
}

static void
add_to_digest(uint64_t *digest, const struct reload_node_id *node_id)
{
    for (size_t k = 0; k < 8; k++)
        *digest = (*digest ^ node_id->octets[k]) * UINT64_C(0x100000001b3);
}

static struct sim_member
look(const struct sim_watch *watch, uint32_t node)
{
    sim_successors_fn *successors = sim_successors(watch->sim);
    sim_successors_fn *predecessors = sim_predecessors(watch->sim);
    struct sim_member member = {.joined = sim_is_alive(watch->sim, node) &&
                                          sim_is_joined(watch->sim, node)};
    struct reload_node *real = sim_node(watch->sim, node);
    if (!member.joined || !real || reload_node_is_client(real)) {
        member.joined = false;
        return member;
    }
    member.count = successors(reload_node_topology(real), member.successors, SIM_SUCCESSORS_MAX);
    if (predecessors)
        member.predecessor_count =
            predecessors(reload_node_topology(real), member.predecessors, SIM_SUCCESSORS_MAX);
    member.digest = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < member.count; i++)
        add_to_digest(&member.digest, &member.successors[i]);
    for (size_t i = 0; i < member.predecessor_count; i++)
        add_to_digest(&member.digest, &member.predecessors[i]);
    return member;
}

static bool
is_member(const struct sim_watch *watch, uint32_t node)
{
    return node < watch->member_count && watch->members[node].joined;
}

/* |node| has become a member without knowing any other: it founded the overlay. Its first peer may,
 * and there are two when it does so while others live that it cannot find: those that it could ask
 * (11.4) are out. */
static void
look_at_founding(struct sim_watch *watch, uint32_t node)
{
    bool others = false, could_ask = false;
    if (!sim_is_first_peer(watch->sim, node)) {
        watch->usurper = watch->usurper == SIM_NOBODY ? node : watch->usurper;
        watch->usurped_at = sim_now(watch->sim);
        return;
    }
    for (uint32_t i = 0; i < watch->member_count; i++) {
        others = others || (i != node && is_member(watch, i));
        could_ask =
            could_ask || (i != node && is_member(watch, i) && sim_is_bootstrap_node(watch->sim, i));
    }
    if (others && !could_ask)
        sim_watch_exceed(watch, "the first peer found no bootstrap node");
}

void
sim_watch_look(struct sim_watch *watch, uint32_t node)
{
    struct sim *sim = watch->sim;
    if (sim_overlay_of(sim, node) != 0)
        return;
    grow(watch);
    struct sim_member *old = &watch->members[node];
    struct sim_member now = look(watch, node);
    if (now.joined && !old->joined && now.count == 0)
        look_at_founding(watch, node);
    if (sim_false_deaths(sim) > 0)
        sim_watch_exceed(watch, "a live node was taken for dead");
    if (watch->beyond || watch->broken) {
        *old = now;
        return;
    }
    if (now.joined == old->joined && now.count == old->count &&
        now.predecessor_count == old->predecessor_count && now.digest == old->digest)
        return;
    bool is_death = old->joined && !now.joined;
    *old = now;
    check(watch, is_death);
}

void
sim_watch_begin(struct sim_watch *watch, struct sim *sim)
{
    *watch = (struct sim_watch){.sim = sim, .usurper = SIM_NOBODY};
}

void
sim_watch_end(struct sim_watch *watch)
{
    free(watch->members);
    watch->members = NULL;
    watch->member_count = 0;
}
