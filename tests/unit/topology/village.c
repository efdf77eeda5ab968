/* village.c: what the tests of whole rings in a town have in common.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "village.h"

#include "topology/chord.h"

#include <check.h>

struct town *town;

void
village_setup(void)
{
    town = town_new(&reload_chord, 1);
}

void
village_teardown(void)
{
    town_free(town);
}

struct reload_chord *
chord_of(size_t node)
{
    return town->nodes[node].state;
}

struct reload_node_id
random_id(void)
{
    struct reload_node_id id = {{0}};
    reload_prng_fill(&town->prng, id.octets, 16);
    return id;
}

/* Founds a ring and lets |count| - 1 nodes join it, |pause| after each other. */
void
grow(size_t count, reload_time pause)
{
    if (town->count == 0)
        town_found(town, town_add(town, false));
    while (town->count < count) {
        town_join(town, town_add(town, false), 0);
        town_run(town, pause);
    }
}

/* All living peers have joined, each knows its right neighbours, and every place belongs to exactly
 * one of them. */
bool
is_whole(void)
{
    for (size_t i = 0; i < town->count; i++) {
        const struct reload_node *node = &town->nodes[i];
        if (!node->alive || node->client)
            continue;
        if (!node->joined)
            return false;
        struct reload_node_id behind =
            reload_chord_node_id_of(reload_chord_after(reload_chord_place_of(&node->id)));
        size_t successor = town_owner(town, &behind);
        const struct reload_chord_table *table = &chord_of(i)->table;
        if (successor == i) {
            if (table->count != 0)
                return false;
            continue;
        }
        if (table->count == 0)
            return false;
        struct reload_node_id id = reload_chord_node_id_of(reload_chord_table_successor(table, 0));
        if (!reload_node_id_equal(&id, &town->nodes[successor].id))
            return false;
        id =
            reload_chord_node_id_of(reload_chord_table_predecessor(&chord_of(successor)->table, 0));
        if (!reload_node_id_equal(&id, &node->id))
            return false;
    }
    return true;
}

/* Lookups from everywhere end where they should. */
void
check_lookups(unsigned rounds)
{
    for (unsigned round = 0; round < rounds; round++) {
        struct reload_node_id id = random_id();
        size_t start = reload_prng_below(&town->prng, town->count);
        unsigned hops;
        if (!town->nodes[start].alive)
            continue;
        ck_assert_uint_eq(town_walk(town, start, &id, &hops), town_owner(town, &id));
        ck_assert_uint_le(hops, 10);
    }
}

void
run_until_whole(reload_time limit)
{
    reload_time begun = town->now;
    while (!is_whole()) {
        ck_assert_msg(town->now < begun + limit, "the ring is not whole in time");
        town_run(town, 500 * RELOAD_MS);
    }
}

/* Picks a living peer, not the first node. */
size_t
random_peer(void)
{
    for (;;) {
        size_t node = 1 + reload_prng_below(&town->prng, town->count - 1);
        if (town->nodes[node].alive)
            return node;
    }
}
