/* mesh_test.c: the same town, without rings: the full-mesh topology of the tests.
 *
 * RFC 6940 6.4.1. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/mesh/mesh.h"
#include "tests/suite.h"
#include "town.h"

static size_t
responsible(const struct town *town, const struct reload_node_id *id)
{
    size_t found = SIZE_MAX;
    for (size_t i = 0; i < town->count; i++) {
        if (!town->nodes[i].alive || !town->ops->is_responsible(town->nodes[i].state, id))
            continue;
        ck_assert_uint_eq(found, SIZE_MAX);
        found = i;
    }
    return found;
}

static void
check_lookups(struct town *town)
{
    for (int round = 0; round < 100; round++) {
        struct reload_node_id id = {{0}};
        unsigned hops;
        reload_prng_fill(&town->prng, id.octets, 16);
        size_t start = reload_prng_below(&town->prng, town->count);
        if (!town->nodes[start].alive)
            continue;
        ck_assert_uint_eq(town_walk(town, start, &id, &hops), responsible(town, &id));
        ck_assert_uint_le(hops, 1);
    }
}

static struct town *
mesh_of(size_t count)
{
    struct town *town = town_new(&reload_mesh, 3);
    town_found(town, town_add(town, false));
    while (town->count < count)
        town_join(town, town_add(town, false), 0);
    town_run(town, 60 * RELOAD_SECOND);
    return town;
}

START_TEST(everybody_is_linked)
{
    for (size_t size = 1; size <= 12; size++) {
        struct town *town = mesh_of(size);
        for (size_t i = 0; i < size; i++) {
            ck_assert(town->nodes[i].joined);
            for (size_t j = 0; j < size; j++)
                ck_assert(i == j || reload_node_link_to(&town->nodes[i], &town->nodes[j].id) != 0);
        }
        check_lookups(town);
        town_free(town);
    }
}
END_TEST

START_TEST(members_go)
{
    struct town *town = mesh_of(8);
    town_kill(town, 3);
    town_run(town, 10 * RELOAD_SECOND);
    check_lookups(town);
    town_leave(town, 5);
    town_run(town, 10 * RELOAD_SECOND);
    check_lookups(town);
    town_free(town);
}
END_TEST

/* Without a member's link nobody is one, and the last is not alone in an overlay that it did not
 * found. */
START_TEST(left_alone)
{
    struct town *town = mesh_of(2);
    town_kill(town, 0);
    town_run(town, 20 * RELOAD_SECOND);
    ck_assert(!town->nodes[1].joined);
    ck_assert_uint_ge(town->nodes[1].rejoins, 1);
    town_free(town);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("mesh", everybody_is_linked, members_go, left_alone);
}
