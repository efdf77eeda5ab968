/* chord_table.c: the peers around the ring.
 *
 * RFC 6940 10.1, 10.7. SPDX-License-Identifier: BSD-2-Clause */
#include "topology/chord_table.h"

#include <assert.h>

#define CAPACITY_FIRST 8

void
reload_chord_table_init(struct reload_chord_table *table, struct reload_chord_place self)
{
    *table = (struct reload_chord_table){.self = self, .reach = RELOAD_CHORD_REACH_MIN};
}

void
reload_chord_table_fini(struct reload_chord_table *table, const struct reload_env *env)
{
    if (table->peers)
        (void)env->allocate(env->context, table->peers, 0);
    table->peers = NULL;
    table->count = table->capacity = 0;
}

/* The index of the first entry at |distance| or behind. */
static size_t
lower_bound(const struct reload_chord_table *table, struct reload_chord_place distance)
{
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (reload_chord_less(table->peers[middle].distance, distance))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool
holds(const struct reload_chord_table *table, size_t at, struct reload_chord_place distance)
{
    return at < table->count && reload_chord_equal(table->peers[at].distance, distance);
}

static int
grow(struct reload_chord_table *table, const struct reload_env *env)
{
    /* By a quarter: the table is a good part of a peer's memory. */
    size_t capacity = table->capacity ? table->capacity + table->capacity / 4 : CAPACITY_FIRST;
    if (capacity > RELOAD_CHORD_PEERS_MAX)
        capacity = RELOAD_CHORD_PEERS_MAX;
    assert(capacity > table->capacity);
    void *peers = env->allocate(env->context, table->peers, capacity * sizeof *table->peers);
    if (!peers)
        return RELOAD_E_NOMEM;
    table->peers = peers;
    table->capacity = capacity;
    return 0;
}

static void
remove_at(struct reload_chord_table *table, size_t at)
{
    assert(at < table->count);
    table->count--;
    memmove(&table->peers[at], &table->peers[at + 1], (table->count - at) * sizeof *table->peers);
}

int
reload_chord_table_add(struct reload_chord_table *table, const struct reload_env *env,
                       struct reload_chord_place place, uint32_t link)
{
    struct reload_chord_place distance = reload_chord_distance(table->self, place);
    assert(!reload_chord_is_zero(distance) && link != 0);
    size_t at = lower_bound(table, distance);
    if (holds(table, at, distance)) {
        table->peers[at].link = link;
        return 0;
    }
    if (table->count == RELOAD_CHORD_PEERS_MAX) {
        if (at >= table->reach && at <= table->count - table->reach)
            return RELOAD_E_BUSY;
        remove_at(table, table->count / 2);
        at = lower_bound(table, distance);
    }
    if (table->count == table->capacity) {
        int error = grow(table, env);
        if (error)
            return error;
    }
    memmove(&table->peers[at + 1], &table->peers[at], (table->count - at) * sizeof *table->peers);
    table->peers[at] = (struct reload_chord_peer){.distance = distance,
                                                  .link = link,
                                                  .doubted_until = RELOAD_NEVER,
                                                  .surplus_since = RELOAD_NEVER};
    table->count++;
    return 0;
}

void
reload_chord_table_remove(struct reload_chord_table *table, struct reload_chord_place place)
{
    struct reload_chord_place distance = reload_chord_distance(table->self, place);
    size_t at = lower_bound(table, distance);
    if (holds(table, at, distance))
        remove_at(table, at);
}

struct reload_chord_peer *
reload_chord_table_find(const struct reload_chord_table *table, struct reload_chord_place place)
{
    struct reload_chord_place distance = reload_chord_distance(table->self, place);
    size_t at = lower_bound(table, distance);
    return holds(table, at, distance) ? &table->peers[at] : NULL;
}

struct reload_chord_peer *
reload_chord_table_find_link(const struct reload_chord_table *table, uint32_t link)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->peers[i].link == link)
            return &table->peers[i];
    return NULL;
}

struct reload_chord_place
reload_chord_table_successor(const struct reload_chord_table *table, size_t i)
{
    assert(i < table->count);
    return reload_chord_table_place(table, &table->peers[i]);
}

struct reload_chord_place
reload_chord_table_predecessor(const struct reload_chord_table *table, size_t i)
{
    assert(i < table->count);
    return reload_chord_table_place(table, &table->peers[table->count - 1 - i]);
}

bool
reload_chord_table_is_neighbor(const struct reload_chord_table *table,
                               const struct reload_chord_peer *peer)
{
    size_t at = (size_t)(peer - table->peers);
    assert(at < table->count);
    return at < table->reach || table->count - at <= table->reach;
}

struct reload_chord_place
reload_chord_table_begins(const struct reload_chord_table *table)
{
    return table->count ? reload_chord_table_predecessor(table, 0) : table->self;
}

bool
reload_chord_table_keeps(const struct reload_chord_table *table, struct reload_chord_place place)
{
    if (table->count < 3)
        return true;
    return reload_chord_within(place, reload_chord_table_predecessor(table, 2), table->self);
}

const struct reload_chord_peer *
reload_chord_table_finger(const struct reload_chord_table *table, unsigned i)
{
    assert(i >= 1 && i <= RELOAD_CHORD_BITS);
    size_t at = lower_bound(table, reload_chord_power(RELOAD_CHORD_BITS - i));
    if (at == table->count)
        return NULL;
    const struct reload_chord_peer *peer = &table->peers[at];
    struct reload_chord_place zero = {0, 0};
    return reload_chord_finger_of(zero, peer->distance) == i ? peer : NULL;
}

unsigned
reload_chord_table_fingers_wanted(const struct reload_chord_table *table)
{
    size_t neighbors = reload_chord_table_neighbors(table);
    if (neighbors == 0)
        return 0;
    struct reload_chord_place zero = {0, 0};
    return reload_chord_finger_of(zero, table->peers[neighbors - 1].distance);
}

double
reload_chord_table_estimate(const struct reload_chord_table *table)
{
    size_t side = table->count / 2 < table->reach ? table->count / 2 : table->reach;
    if (side < RELOAD_CHORD_REACH_MIN)
        return (double)table->count + 1;
    struct reload_chord_place span = reload_chord_subtract(
        table->peers[side - 1].distance, table->peers[table->count - side].distance);
    double share = reload_chord_share(span);
    double estimate = share > 0 ? 2 * (double)side / share : 1e18;
    /* Never fewer than we know. */
    return estimate > (double)table->count + 1 ? estimate : (double)table->count + 1;
}

void
reload_chord_table_adjust(struct reload_chord_table *table, bool may_shrink)
{
    double estimate = reload_chord_table_estimate(table);
    size_t wanted = 1;
    for (double size = 1; size < estimate && wanted < RELOAD_CHORD_REACH_MAX; size *= 2)
        wanted++;
    if (wanted < RELOAD_CHORD_REACH_MIN)
        wanted = RELOAD_CHORD_REACH_MIN;
    if (wanted > table->reach || (may_shrink && wanted + 1 < table->reach))
        table->reach = wanted;
    assert(table->reach >= RELOAD_CHORD_REACH_MIN && table->reach <= RELOAD_CHORD_REACH_MAX);
}

/* One side's best so far: distances, sorted, at most |reach|. */
struct side {
    struct reload_chord_place best[RELOAD_CHORD_REACH_MAX];
    size_t count;
};

static void
side_offer(struct side *side, size_t reach, struct reload_chord_place distance)
{
    size_t at = side->count;
    while (at > 0 && reload_chord_less(distance, side->best[at - 1]))
        at--;
    if (at == reach || (at > 0 && reload_chord_equal(side->best[at - 1], distance)))
        return;
    if (side->count < reach)
        side->count++;
    memmove(&side->best[at + 1], &side->best[at], (side->count - 1 - at) * sizeof side->best[0]);
    side->best[at] = distance;
}

/* Appends |place| unless it is a peer already or picked. */
static void
pick(const struct reload_chord_table *table, struct reload_chord_place place,
     struct reload_chord_place *picked, size_t *count)
{
    if (reload_chord_table_find(table, place))
        return;
    for (size_t i = 0; i < *count; i++)
        if (reload_chord_equal(picked[i], place))
            return;
    picked[(*count)++] = place;
}

size_t
reload_chord_table_candidates(const struct reload_chord_table *table,
                              const struct reload_chord_place *places, size_t count,
                              struct reload_chord_place *picked)
{
    struct side ahead = {.count = 0}, behind = {.count = 0};
    size_t neighbors = reload_chord_table_neighbors(table);
    struct reload_chord_place zero = {0, 0};
    for (size_t i = 0; i < neighbors; i++) {
        const struct reload_chord_peer *last = &table->peers[table->count - 1 - i];
        side_offer(&ahead, table->reach, table->peers[i].distance);
        side_offer(&behind, table->reach, reload_chord_subtract(zero, last->distance));
    }
    for (size_t i = 0; i < count; i++) {
        struct reload_chord_place distance = reload_chord_distance(table->self, places[i]);
        if (reload_chord_is_zero(distance))
            continue;
        side_offer(&ahead, table->reach, distance);
        side_offer(&behind, table->reach, reload_chord_subtract(zero, distance));
    }
    size_t found = 0;
    for (size_t i = 0; i < table->reach; i++) {
        if (i < ahead.count)
            pick(table, reload_chord_add(table->self, ahead.best[i]), picked, &found);
        if (i < behind.count)
            pick(table, reload_chord_subtract(table->self, behind.best[i]), picked, &found);
    }
    assert(found <= 2 * table->reach);
    return found;
}
