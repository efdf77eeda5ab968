/* ring_search.c: all states that a ring can get into, in the order of the steps that they need.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "ring_search.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* 4 bits of status and 6 of the table for each node, 6 of its links. |nodes| is never 0. */
struct packed {
    uint64_t nodes, links;
};

struct search {
    const struct model *model;
    struct packed *seen; /* open addressing; nodes 0: free */
    size_t capacity, count;
    struct packed *queue;
    size_t *parents; /* which entry of the queue each came from */
    size_t queued, room, parent;
};

static unsigned
code_of(const struct model_node *node, int turn, int count)
{
    if (node->status <= MODEL_PEER)
        return node->status + 1u;
    int admitting = node->admitting + turn;
    unsigned whom = (unsigned)(admitting < count ? admitting : admitting - count);
    return (node->status == MODEL_LINKED ? 4u : 10u) + whom;
}

/* |set| of nodes, when each is |turn| places further on. */
static uint64_t
turned(unsigned set, int turn, int count)
{
    set <<= turn;
    return (set | set >> count) & ((1u << count) - 1);
}

/* Statuses and tables when everybody is |turn| places further on, and links. */
static uint64_t
pack_nodes(const struct model *model, const struct model_state *state, int turn)
{
    uint64_t packed = 0;
    for (int i = 0, from = turn ? model->count - turn : 0; i < model->count; i++) {
        const struct model_node *node = &state->nodes[from];
        uint64_t code = code_of(node, turn, model->count);
        packed = packed << 10 | code << 6 | turned(node->table, turn, model->count);
        from = from + 1 < model->count ? from + 1 : 0;
    }
    return packed;
}

static uint64_t
pack_links(const struct model *model, const struct model_state *state, int turn)
{
    uint64_t packed = 0;
    for (int i = 0, from = turn ? model->count - turn : 0; i < model->count; i++) {
        packed = packed << 6 | turned(state->nodes[from].links, turn, model->count);
        from = from + 1 < model->count ? from + 1 : 0;
    }
    return packed;
}

/* Of all turns the least. Node 0, the bootstrap node of merges, is special: no turns then. */
static struct packed
canonical(const struct model *model, const struct model_state *state, bool turns)
{
    struct packed least = {pack_nodes(model, state, 0), pack_links(model, state, 0)};
    for (int turn = 1; turn < model->count && turns; turn++) {
        uint64_t nodes = pack_nodes(model, state, turn);
        if (nodes > least.nodes)
            continue;
        uint64_t links = pack_links(model, state, turn);
        if (nodes < least.nodes || links < least.links)
            least = (struct packed){nodes, links};
    }
    return least;
}

static struct model_state
unpack(const struct model *model, struct packed packed)
{
    struct model_state state = {0};
    for (int i = model->count - 1; i >= 0; i--) {
        struct model_node *node = &state.nodes[i];
        unsigned code = packed.nodes >> 6 & 15;
        node->table = packed.nodes & 63;
        node->links = packed.links & 63;
        packed.nodes >>= 10;
        packed.links >>= 6;
        if (code <= 3) {
            node->status = (uint8_t)(code - 1);
        } else {
            node->status = code < 10 ? MODEL_LINKED : MODEL_PLACED;
            node->admitting = (uint8_t)(code < 10 ? code - 4 : code - 10);
        }
    }
    return state;
}

static size_t
slot_of(const struct search *search, struct packed packed)
{
    uint64_t mixed =
        packed.nodes * UINT64_C(0x9e3779b97f4a7c15) ^ packed.links * UINT64_C(0xc2b2ae3d27d4eb4f);
    size_t slot = (size_t)(mixed ^ mixed >> 29) & (search->capacity - 1);
    while (search->seen[slot].nodes &&
           (search->seen[slot].nodes != packed.nodes || search->seen[slot].links != packed.links))
        slot = (slot + 1) & (search->capacity - 1);
    return slot;
}

static void
grow(struct search *search)
{
    struct packed *old = search->seen;
    size_t capacity = search->capacity;
    search->capacity = capacity ? 2 * capacity : 1 << 16;
    search->seen = calloc(search->capacity, sizeof *search->seen);
    assert(search->seen);
    for (size_t i = 0; i < capacity; i++)
        if (old[i].nodes)
            search->seen[slot_of(search, old[i])] = old[i];
    free(old);
}

struct visit {
    struct search *search;
    bool turns;
};

static void
visit(void *argument, const struct model_state *state)
{
    struct visit *visit = argument;
    struct search *search = visit->search;
    if (2 * search->count >= search->capacity)
        grow(search);
    struct packed packed = canonical(search->model, state, visit->turns);
    size_t slot = slot_of(search, packed);
    if (search->seen[slot].nodes)
        return;
    search->seen[slot] = packed;
    search->count++;
    if (search->queued == search->room) {
        search->room = search->room ? 2 * search->room : 1 << 16;
        search->queue = realloc(search->queue, search->room * sizeof *search->queue);
        search->parents = realloc(search->parents, search->room * sizeof *search->parents);
        assert(search->queue && search->parents);
    }
    search->parents[search->queued] = search->parent;
    search->queue[search->queued++] = packed;
}

static const char *
look(const struct model *model, const struct search_goal *goal, const struct model_state *state)
{
    const char *flaw = goal->always ? model_flaw(model, state) : NULL;
    if (flaw || !goal->settles)
        return flaw;
    struct model_state later = *state;
    model_settle(model, &later);
    return model_is_ideal(model, &later) ? NULL : "the ring does not heal";
}

static void
print(const struct model *model, const struct model_state *state)
{
    static const char *const words[] = {"absent", "dead", "peer", "linked", "placed"};
    for (int i = 0; i < model->count; i++) {
        const struct model_node *node = &state->nodes[i];
        printf("  %d %s", i, words[node->status]);
        if (node->status >= MODEL_LINKED)
            printf(" by %d", node->admitting);
        for (int j = 0; j < model->count; j++)
            if (node->table >> j & 1)
                printf(" %d", j);
        printf("\n");
    }
}

/* Prints how the state at |at| came about, if somebody wants to know. */
static void
tell_history(const struct search *search, size_t at)
{
    if (!getenv("ZAVE_LOG"))
        return;
    struct model_state state = unpack(search->model, search->queue[at]);
    if (search->parents[at] != at)
        tell_history(search, search->parents[at]);
    printf("--\n");
    print(search->model, &state);
}

struct search_result
search_states(const struct model *model, const struct search_goal *goal,
              const struct model_state *starts, size_t count)
{
    struct search search = {.model = model};
    struct visit into = {&search, goal->changes};
    struct search_result result = {.complete = true};
    for (size_t i = 0; i < count; i++) {
        search.parent = search.queued;
        visit(&into, &starts[i]);
    }
    for (size_t next = 0; next < search.queued && !result.flaw; next++) {
        if (goal->limit && next == goal->limit) {
            result.complete = false;
            break;
        }
        struct model_state state = unpack(model, search.queue[next]);
        result.flaw = look(model, goal, &state);
        result.states++;
        search.parent = next;
        if (!result.flaw)
            model_each_step(model, &state, goal->changes, visit, &into);
        else
            tell_history(&search, next);
    }
    free(search.seen);
    free(search.queue);
    free(search.parents);
    return result;
}
