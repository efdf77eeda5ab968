/* sim_map.c: open addressing with backward shift.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_map.h"

#include "tools/sim/sim_random.h"

#include <assert.h>
#include <string.h>

static size_t
home(const struct sim_map *map, uint32_t key)
{
    return (size_t)sim_mix(key, 0) & (map->capacity - 1);
}

static size_t
find(const struct sim_map *map, uint32_t key)
{
    size_t at = home(map, key);
    while (map->slots[at].key != 0 && map->slots[at].key != key)
        at = (at + 1) & (map->capacity - 1);
    return at;
}

void
sim_map_fini(struct sim_map *map)
{
    sim_pool_put(map->pool, map->slots, map->capacity * sizeof *map->slots);
    *map = (struct sim_map){.pool = map->pool};
}

static void
grow(struct sim_map *map)
{
    struct sim_map old = *map;
    map->capacity = old.capacity ? 2 * old.capacity : 8;
    map->slots = sim_pool_get(map->pool, map->capacity * sizeof *map->slots);
    memset(map->slots, 0, map->capacity * sizeof *map->slots);
    for (size_t i = 0; i < old.capacity; i++)
        if (old.slots[i].key)
            map->slots[find(map, old.slots[i].key)] = old.slots[i];
    sim_pool_put(map->pool, old.slots, old.capacity * sizeof *old.slots);
}

void
sim_map_set(struct sim_map *map, uint32_t key, uint32_t value)
{
    assert(key != 0);
    if (2 * (map->count + 1) > map->capacity)
        grow(map);
    size_t at = find(map, key);
    if (map->slots[at].key == 0)
        map->count++;
    map->slots[at] = (struct sim_map_slot){key, value};
}

bool
sim_map_get(const struct sim_map *map, uint32_t key, uint32_t *value)
{
    if (map->count == 0 || key == 0)
        return false;
    size_t at = find(map, key);
    if (map->slots[at].key == 0)
        return false;
    *value = map->slots[at].value;
    return true;
}

void
sim_map_remove(struct sim_map *map, uint32_t key)
{
    if (map->count == 0 || key == 0)
        return;
    size_t mask = map->capacity - 1, hole = find(map, key);
    if (map->slots[hole].key == 0)
        return;
    for (size_t at = (hole + 1) & mask; map->slots[at].key != 0; at = (at + 1) & mask) {
        size_t wanted = home(map, map->slots[at].key);
        if (((at - wanted) & mask) < ((at - hole) & mask))
            continue; /* it would land before its home */
        map->slots[hole] = map->slots[at];
        hole = at;
    }
    map->slots[hole].key = 0;
    map->count--;
}
