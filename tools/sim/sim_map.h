/* sim_map.h: a small map from numbers (not 0) to numbers: a host's link numbers to what is behind.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_MAP_H
#define RELOAD_TOOLS_SIM_MAP_H

#include "tools/sim/sim_pool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_map_slot {
    uint32_t key, value;
};

/* Zero-initialised but for |pool| it is empty. */
struct sim_map {
    struct sim_pool *pool; /* where the slots come from */
    struct sim_map_slot *slots;
    size_t count, capacity;
};

void sim_map_fini(struct sim_map *map);

/* sim_map_set makes |key| (not 0) stand for |value|. */
void sim_map_set(struct sim_map *map, uint32_t key, uint32_t value);

/* sim_map_get returns whether |key| is there, and what it stands for. */
bool sim_map_get(const struct sim_map *map, uint32_t key, uint32_t *value);

/* sim_map_remove forgets |key|, which may not be there. */
void sim_map_remove(struct sim_map *map, uint32_t key);

#endif
