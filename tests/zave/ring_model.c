/* ring_model.c: the rules by which rings change.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "ring_model.h"
#include "ring_set.h"

#include <stddef.h>
#include <string.h>

/* ---- places --------------------------------------------------------------------------------- */

/* How far it is clockwise from |from| to |to|, 1..count; a whole turn to itself. */
static int
distance(const struct model *model, int from, int to)
{
    int way = (to - from + model->count) % model->count;
    return way ? way : model->count;
}

/* The |i|-th of |set| from |self| on, clockwise or the other way round; -1: so many are not in. */
static int
nth(const struct model *model, unsigned set, int self, int i, bool clockwise)
{
    unsigned left = seen_from(model->count, set, self) & ~1u;
    for (; i > 0; i--)
        left &= ~(clockwise ? lowest(left) : highest(left));
    unsigned found = clockwise ? lowest(left) : highest(left);
    return found ? __builtin_ctz(seen_back(model->count, found, self)) : -1;
}

/* The nearest of |set| on both sides of |self| (reload_chord_table_candidates). */
static unsigned
nearest(const struct model *model, unsigned set, int self)
{
    unsigned ahead = seen_from(model->count, set, self) & ~1u, behind = ahead, found = 0;
    for (int i = 0; i < MODEL_REACH; i++) {
        found |= lowest(ahead) | highest(behind);
        ahead &= ~lowest(ahead);
        behind &= ~highest(behind);
    }
    return seen_back(model->count, found, self);
}

static int
predecessor(const struct model *model, const struct model_state *state, int node)
{
    int found = nth(model, state->nodes[node].table, node, 0, false);
    return found >= 0 ? found : node;
}

static bool
is_peer(const struct model_state *state, int node)
{
    return state->nodes[node].status == MODEL_PEER;
}

/* Others may depend on it. */
static bool
lives(const struct model_state *state, int node)
{
    return is_peer(state, node) || state->nodes[node].status == MODEL_PLACED;
}

static unsigned
peers(const struct model *model, const struct model_state *state)
{
    unsigned set = 0;
    for (int i = 0; i < model->count; i++)
        set |= is_peer(state, i) ? bit(i) : 0;
    return set;
}

/* Clockwise from place |from| to place |to|, when node |i| is at place 2 |i|. */
static int
way(const struct model *model, int from, int to)
{
    return (to - from + 2 * model->count) % (2 * model->count);
}

/* Which peer a message of |from| for the place right behind |node| ends at; -1: it gets lost
 * (chord_route.c). */
static int
look_up(const struct model *model, const struct model_state *state, int from, int node)
{
    int place = 2 * node + 1;
    for (int hops = 0; hops <= model->count && is_peer(state, from); hops++) {
        unsigned table = state->nodes[from].table;
        int begin = 2 * predecessor(model, state, from);
        if (table == 0 || way(model, begin, place) <= way(model, begin, 2 * from))
            return from;
        int next = -1, farthest = 0;
        for (int i = 0; i < model->count; i++) {
            int there = way(model, 2 * from, 2 * i);
            if (has(table, i) && there < way(model, 2 * from, place) && there > farthest) {
                farthest = there;
                next = i;
            }
        }
        from = next >= 0 ? next : nth(model, table, from, 0, true);
    }
    return -1;
}

/* ---- links ---------------------------------------------------------------------------------- */

/* An Attach between two nodes, which completes when both live: they say whether they are peers. */
static void
attach(struct model_state *state, int a, int b)
{
    struct model_node *one = &state->nodes[a], *other = &state->nodes[b];
    one->links |= (uint8_t)bit(b);
    other->links |= (uint8_t)bit(a);
    one->table |= is_peer(state, b) ? (uint8_t)bit(b) : 0;
    other->table |= is_peer(state, a) ? (uint8_t)bit(a) : 0;
}

static void
enter(struct model_state *state, int node, int other)
{
    state->nodes[node].table |= (uint8_t)bit(other);
    state->nodes[node].links |= (uint8_t)bit(other);
}

static void
forget(struct model_state *state, int node, int other)
{
    state->nodes[node].table &= (uint8_t)~bit(other);
    state->nodes[node].links &= (uint8_t)~bit(other);
}

static bool
is_joining(const struct model_state *state, int node)
{
    return state->nodes[node].status >= MODEL_LINKED;
}

/* |node| hears of |named|: those that should be its neighbours are attached to (10.7.3). */
static void
hear(const struct model *model, struct model_state *state, int node, unsigned named)
{
    unsigned known = state->nodes[node].table;
    unsigned wanted = nearest(model, known | (named & ~bit(node)), node) & ~known;
    for (int i = 0; i < model->count; i++) {
        if (!has(wanted, i))
            continue;
        if (is_peer(state, i) || is_joining(state, i))
            attach(state, node, i);
        else if (model->fault == MODEL_ADOPTS_DEAD)
            enter(state, node, i);
    }
}

static unsigned
lists(const struct model *model, const struct model_state *state, int node)
{
    return nearest(model, state->nodes[node].table, node);
}

void
model_cut(struct model_state *state, int a, int b)
{
    forget(state, a, b);
    forget(state, b, a);
}

/* It looks for its admitting peer again; who entered it already finds that it is no peer. */
static void
begin_anew(const struct model *model, struct model_state *state, int node)
{
    state->nodes[node] = (struct model_node){.status = MODEL_ABSENT};
    for (int i = 0; i < model->count; i++)
        if (!has(state->nodes[i].table, node))
            state->nodes[i].links &= (uint8_t)~bit(node);
}

/* Whether somebody still has to do with an earlier life of |node|. */
static bool
is_remembered(const struct model *model, const struct model_state *state, int node)
{
    for (int i = 0; i < model->count; i++)
        if (has(state->nodes[i].links, node))
            return true;
    return false;
}

/* Whether |node| has links with all that |named| asks for: peers, or, when it is |placed|, whoever
 * lives. */
static bool
has_neighbors(const struct model *model, const struct model_state *state, int node, unsigned named,
              bool placed)
{
    unsigned known = state->nodes[node].table;
    unsigned wanted = nearest(model, known | (named & ~bit(node)), node);
    unsigned got = placed ? known | state->nodes[node].links : known;
    return (wanted & ~got) == 0;
}

/* ---- rules: each returns whether it changed anything ------------------------------------------
 */

/* SEEKING, LEARNING, LINKING: finds its admitting peer through |bootstrap|, and links with those
 * that it names (10.5, steps 1-4). */
static bool
seek(const struct model *model, struct model_state *state, int node, int bootstrap)
{
    int admitting = look_up(model, state, bootstrap, node);
    if (admitting < 0 || is_remembered(model, state, node))
        return false;
    unsigned named = lists(model, state, admitting) & ~bit(node);
    for (int i = 0; i < model->count; i++)
        if (has(named, i) && distance(model, node, i) < distance(model, node, admitting))
            return false; /* overtaken */
    struct model_node *own = &state->nodes[node];
    *own = (struct model_node){.status = MODEL_LINKED, .admitting = (uint8_t)admitting};
    attach(state, node, admitting);
    if (model->fault == MODEL_JOINS_WITH_ONE)
        return true;
    hear(model, state, node, named);
    if (has_neighbors(model, state, node, named, false))
        return true;
    begin_anew(model, state, node);
    return false;
}

/* The Join, and what the admitting peer does of it (10.5, steps 5-8; chord_admit.c). */
static bool
ask(const struct model *model, struct model_state *state, int node)
{
    int admitting = state->nodes[node].admitting;
    if (!is_peer(state, admitting))
        return false;
    int before = predecessor(model, state, admitting);
    bool fits = distance(model, before, node) < distance(model, before, admitting);
    if (!fits) {
        begin_anew(model, state, node);
        return true;
    }
    enter(state, admitting, node);
    state->nodes[node].status = MODEL_PLACED;
    return true;
}

/* PLACED -> JOINED: linked with all that the admitting peer names. */
static bool
become_peer(const struct model *model, struct model_state *state, int node)
{
    int admitting = state->nodes[node].admitting;
    if (!is_peer(state, admitting))
        return false;
    unsigned named = lists(model, state, admitting);
    if (model->fault != MODEL_JOINS_WITH_ONE && model->fault != MODEL_PLACED_TOO_EARLY) {
        hear(model, state, node, named);
        if (!has_neighbors(model, state, node, named, true))
            return false;
    }
    state->nodes[node].status = MODEL_PEER;
    state->nodes[node].admitting = 0;
    return true;
}

/* An Update (10.7.3; chord_update.c). */
static bool
update(const struct model *model, struct model_state *state, int from, int to)
{
    struct model_state before = *state;
    if (!is_peer(state, from) || state->nodes[to].status < MODEL_PEER ||
        !has(state->nodes[from].links, to) || !has(state->nodes[to].links, from))
        return false;
    enter(state, to, from);
    if (is_peer(state, to) && model->fault != MODEL_NEVER_LISTENS)
        hear(model, state, to, lists(model, state, from));
    return memcmp(&before, state, sizeof before) != 0;
}

/* |node| tells |other|, who sent it an Update, of a neighbour-to-be that it does not name (D52). */
static bool
remind(const struct model *model, struct model_state *state, int node, int other)
{
    unsigned known = state->nodes[other].table;
    unsigned more = known | (lists(model, state, node) & ~bit(other));
    return model->fault != MODEL_NEVER_REMINDS &&
           nearest(model, more, other) != nearest(model, known, other) &&
           update(model, state, node, other);
}

/* |node| notices that |other| is no peer any more (10.7.1; chord_stabilize.c). */
static bool
detect(const struct model *model, struct model_state *state, int node, int other)
{
    if (!has(state->nodes[node].links, other) || state->nodes[other].status > MODEL_DEAD)
        return false;
    if (model->fault == MODEL_KEEPS_DEAD && predecessor(model, state, node) == other)
        return false;
    forget(state, node, other);
    if (is_joining(state, node) && state->nodes[node].admitting == other)
        begin_anew(model, state, node);
    return true;
}

/* |node| closes a link that is of no use to it; the other end makes it again when it is to it. */
static bool
prune(const struct model *model, struct model_state *state, int node, int other)
{
    if (!is_peer(state, node) || !is_peer(state, other) || !has(state->nodes[node].table, other) ||
        has(lists(model, state, node), other))
        return false;
    if (has(nearest(model, state->nodes[other].table | bit(node), other), node))
        return false;
    model_cut(state, node, other);
    return true;
}

/* The search for other parts of the ring (10.7.4.4, D5; chord_partition.c). */
static bool
merge(const struct model *model, struct model_state *state, int node, int bootstrap)
{
    if (!model->merges || node == bootstrap || !is_peer(state, node))
        return false;
    int found = look_up(model, state, bootstrap, node);
    if (found < 0 || found == node || has(state->nodes[node].table, found))
        return false;
    attach(state, node, found);
    return true;
}

/* ---- faults --------------------------------------------------------------------------------- */

/* Whom |node| has or will have when the Updates that are on their way arrive: a peer tells
 * everybody that it is linked with of itself. */
static unsigned
known_to(const struct model *model, const struct model_state *state, int node)
{
    unsigned known = state->nodes[node].table;
    for (int i = 0; i < model->count; i++)
        if (is_peer(state, i) && has(state->nodes[i].links, node))
            known |= bit(i);
    return known;
}

static bool
has_live_successor(const struct model *model, const struct model_state *state, int node,
                   bool placed)
{
    for (int i = 0; i < MODEL_REACH; i++) {
        int successor = nth(model, known_to(model, state, node), node, i, true);
        if (successor >= 0 && (is_peer(state, successor) || (placed && lives(state, successor))))
            return true;
    }
    return false;
}

/* Whether |set| has two nodes or more. */
static bool
are_several(unsigned set)
{
    return (set & (set - 1)) != 0;
}

/* The assumption: two peers stay; deaths come at once or after the last ones are repaired, but
 * joins may be at any stage; and of those that die at once nobody takes the last live successor of
 * a list with it, as Zave has it. */
static bool
may_go(const struct model *model, const struct model_state *before, int node)
{
    struct model_state after = *before;
    if (!lives(before, node))
        return true;
    after.nodes[node] = (struct model_node){.status = MODEL_DEAD};
    if (is_peer(before, node) && !are_several(peers(model, &after)))
        return false;
    unsigned counted = peers(model, before);
    for (int i = 0; i < model->count; i++)
        if (before->nodes[i].status == MODEL_DEAD && is_remembered(model, before, i))
            counted |= bit(i);
    for (int i = 0; i < model->count; i++) {
        if (lives(&after, i) && !has_live_successor(model, &after, i, false))
            return false;
        if (is_peer(before, i) && lists(model, before, i) != nearest(model, counted & ~bit(i), i))
            return false;
    }
    return true;
}

static bool
fail(const struct model *model, struct model_state *state, int node)
{
    if (state->nodes[node].status <= MODEL_DEAD || !may_go(model, state, node))
        return false;
    state->nodes[node] = (struct model_node){.status = MODEL_DEAD};
    return true;
}

/* 10.9: each peer that it is linked with hears of its neighbours on the other side. */
static bool
leave(const struct model *model, struct model_state *state, int node)
{
    if (!is_peer(state, node) || !may_go(model, state, node))
        return false;
    unsigned told = state->nodes[node].table, named = lists(model, state, node);
    state->nodes[node] = (struct model_node){.status = MODEL_DEAD};
    for (int i = 0; i < model->count; i++) {
        if (!has(told, i) || !is_peer(state, i))
            continue;
        forget(state, i, node);
        hear(model, state, i, named);
    }
    return true;
}

static bool
restart(const struct model *model, struct model_state *state, int node)
{
    if (state->nodes[node].status != MODEL_DEAD || is_remembered(model, state, node))
        return false;
    begin_anew(model, state, node);
    return true;
}

/* ---- steps ---------------------------------------------------------------------------------- */

struct stepper {
    const struct model *model;
    const struct model_state *before;
    model_visit_fn *visit;
    void *argument;
};

#define STEP(stepper, rule)                                                                        \
    do {                                                                                           \
        struct model_state state = *(stepper)->before;                                             \
        if (rule)                                                                                  \
            (stepper)->visit((stepper)->argument, &state);                                         \
    } while (0)

static void
step_alone(const struct stepper *s, int node, bool changes)
{
    int status = s->before->nodes[node].status;
    if (status == MODEL_LINKED)
        STEP(s, ask(s->model, &state, node));
    if (status == MODEL_PLACED)
        STEP(s, become_peer(s->model, &state, node));
    if (!changes)
        return;
    STEP(s, fail(s->model, &state, node));
    STEP(s, leave(s->model, &state, node));
    STEP(s, restart(s->model, &state, node));
}

void
model_each_step(const struct model *model, const struct model_state *before, bool changes,
                model_visit_fn *visit, void *argument)
{
    struct stepper s = {model, before, visit, argument};
    for (int i = 0; i < model->count; i++) {
        step_alone(&s, i, changes);
        for (int j = 0; j < model->count; j++) {
            if (i == j)
                continue;
            STEP(&s, update(model, &state, i, j));
            STEP(&s, detect(model, &state, i, j));
            STEP(&s, prune(model, &state, i, j));
            if (changes && before->nodes[i].status == MODEL_ABSENT)
                STEP(&s, seek(model, &state, i, j));
            if (!changes && j == 0)
                STEP(&s, merge(model, &state, i, j));
        }
    }
}

void
model_settle(const struct model *model, struct model_state *state)
{
    bool changed = true;
    for (int rounds = 0; changed && rounds < 64; rounds++) {
        changed = false;
        for (int i = 0; i < model->count; i++) {
            if (state->nodes[i].status == MODEL_LINKED)
                begin_anew(model, state, i);
            if (state->nodes[i].status == MODEL_PLACED)
                changed |= become_peer(model, state, i);
            for (int j = 0; j < model->count; j++) {
                if (i == j)
                    continue;
                changed |= detect(model, state, i, j);
                /* 10.7.4.1: to its neighbours */
                if (has(lists(model, state, i), j)) {
                    changed |= update(model, state, i, j);
                    changed |= remind(model, state, j, i);
                }
                changed |= j == 0 && merge(model, state, i, j);
            }
        }
    }
}

/* ---- properties ----------------------------------------------------------------------------- */

/* The first successor that lives; -1: none. */
static int
live_successor(const struct model *model, const struct model_state *state, int node)
{
    return nth(model, known_to(model, state, node) & peers(model, state), node, 0, true);
}

/* The peers that one comes by, again and again, from |node| on. */
static unsigned
cycle_from(const struct model *model, const struct model_state *state, int node)
{
    for (int i = 0; i < model->count; i++)
        node = live_successor(model, state, node);
    unsigned cycle = 0;
    for (; !has(cycle, node); node = live_successor(model, state, node))
        cycle |= bit(node);
    return cycle;
}

/* Whether |node| is linked with as many as stand for each other, when no death is unnoticed; or,
 * where that counts, will be as soon as those that it is linked with tell of their neighbours. */
static bool
is_safe(const struct model *model, const struct model_state *state, int node)
{
    int known = 0, all = 0;
    unsigned links = state->nodes[node].links, told = links;
    for (int i = 0; i < model->count; i++)
        if (model->told_counts && has(links, i) && is_peer(state, i))
            told |= lists(model, state, i);
    for (int i = 0; i < model->count; i++) {
        if (state->nodes[i].status == MODEL_DEAD && is_remembered(model, state, i))
            return true;
        known += i != node && has(told, i) && lives(state, i);
        all += is_peer(state, i) && i != node;
    }
    return known >= (all < MODEL_REACH ? all : MODEL_REACH);
}

const char *
model_flaw(const struct model *model, const struct model_state *state)
{
    unsigned all = peers(model, state), cycle = 0;
    for (int i = 0; i < model->count && are_several(all); i++)
        if (has(all, i) && !has_live_successor(model, state, i, true))
            return "a peer without a live successor";
        else if (has(all, i) && !is_safe(model, state, i))
            return "a peer with too few links";
    for (int i = 0; i < model->count && are_several(all); i++) {
        unsigned own = has(all, i) ? cycle_from(model, state, i) : cycle;
        if (cycle && own != cycle)
            return "more than one ring";
        cycle = own;
    }
    for (int i = 0; i < model->count; i++)
        if (has(cycle, i) && nth(model, cycle, i, 0, true) != live_successor(model, state, i))
            return "a ring out of order";
    return NULL;
}

bool
model_is_ideal(const struct model *model, const struct model_state *state)
{
    unsigned all = peers(model, state);
    for (int i = 0; i < model->count; i++)
        if (has(all, i) && (lists(model, state, i) != nearest(model, all & ~bit(i), i) ||
                            (state->nodes[i].table & ~all)))
            return false;
    return true;
}

void
model_ideal(const struct model *model, struct model_state *state, unsigned members)
{
    for (int i = 0; i < model->count; i++) {
        if (!has(members, i))
            continue;
        uint8_t table = (uint8_t)nearest(model, members & ~bit(i), i);
        state->nodes[i] = (struct model_node){.status = MODEL_PEER, .table = table, .links = table};
    }
}
