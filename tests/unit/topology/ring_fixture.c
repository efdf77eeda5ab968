/* ring_fixture.c: random rings for the tests of tables and routes.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "ring_fixture.h"

#include <assert.h>
#include <stdlib.h>

static void *
allocate(void *context, void *data, size_t size)
{
    (void)context;
    if (size == 0) {
        free(data);
        return NULL;
    }
    return realloc(data, size);
}

const struct reload_env ring_env = {.allocate = allocate};

struct reload_chord_place
at(uint64_t high, uint64_t low)
{
    return (struct reload_chord_place){high, low};
}

struct reload_chord_place
random_place(struct reload_prng *prng)
{
    uint64_t high = reload_prng_next(prng);
    return at(high, reload_prng_next(prng));
}

static int
compare(const void *a, const void *b)
{
    const struct reload_chord_place *one = a, *other = b;
    return reload_chord_less(*one, *other) ? -1 : reload_chord_less(*other, *one);
}

struct ring
random_ring(struct reload_prng *prng, size_t count)
{
    struct ring ring = {.count = count};
    assert(count <= RING_MAX);
    for (size_t i = 0; i < count; i++)
        ring.places[i] = random_place(prng);
    qsort(ring.places, count, sizeof ring.places[0], compare);
    return ring;
}

size_t
ring_owner(const struct ring *ring, struct reload_chord_place place)
{
    for (size_t i = 0; i < ring->count; i++)
        if (!reload_chord_less(ring->places[i], place))
            return i;
    return 0;
}

static void
enter(const struct ring *ring, size_t peer, struct reload_chord_table *table)
{
    int error = reload_chord_table_add(table, &ring_env, ring->places[peer], (uint32_t)peer + 1);
    assert(error == 0);
}

void
fill_table(const struct ring *ring, size_t self, struct reload_prng *prng,
           struct reload_chord_table *table)
{
    reload_chord_table_init(table, ring->places[self]);
    size_t reach = RELOAD_CHORD_REACH_MIN;
    for (size_t size = 1; size < ring->count; size *= 2)
        reach++;
    table->reach = reach < RELOAD_CHORD_REACH_MAX ? reach : RELOAD_CHORD_REACH_MAX;
    for (size_t i = 1; i <= table->reach && i < ring->count; i++) {
        enter(ring, (self + i) % ring->count, table);
        enter(ring, (self + ring->count - i) % ring->count, table);
    }
    for (unsigned i = 1; i <= 16; i++) {
        uint8_t random[RELOAD_CHORD_ID_SIZE];
        reload_prng_fill(prng, random, sizeof random);
        size_t peer = ring_owner(ring, reload_chord_finger_random(ring->places[self], i, random));
        if (reload_chord_finger_of(ring->places[self], ring->places[peer]) == i)
            enter(ring, peer, table);
    }
}
