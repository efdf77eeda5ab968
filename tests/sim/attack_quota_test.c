/* attack_quota_test.c: users who store as much, and for as long, as they can.
 *
 * RFC 6940 7, 7.4.1, 13.5.2; D4. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/node_internal.h"
#include "tests/sim/fixture.h"

#include <string.h>

#define RING 10

static struct sim *s;

/* The dictionary of |owner|'s user has an entry for each of his Node-IDs; who writes is one. */
static struct reload_bytes
user_place(uint32_t owner, uint8_t octets[20])
{
    size_t size = 0;
    ck_assert_int_eq(reload_node_resource(sim_node(s, owner),
                                          reload_bytes_of_string(sim_user_name(s, owner)), octets,
                                          &size),
                     0);
    return (struct reload_bytes){octets, size};
}

static struct sim_outcome
store_entry(uint32_t owner, struct reload_bytes key, const char *text)
{
    uint8_t octets[20];
    struct reload_store_value value = {.kind = SIM_KIND_DICTIONARY,
                                       .key = key,
                                       .value = reload_bytes_of_string(text),
                                       .exists = true,
                                       .lifetime_s = 3600};
    return sim_store_value(s, owner, user_place(owner, octets), &value);
}

/* Entries of |owner|'s user, one by one: all together do not fit into a message. */
static unsigned
count_entries(uint32_t reader, uint32_t owner, uint32_t hosts)
{
    uint8_t octets[20];
    struct reload_bytes place = user_place(owner, octets);
    unsigned count = 0;
    for (uint32_t i = 0; i < hosts; i++) {
        struct reload_fetch_specifier specifier = {
            .kind = SIM_KIND_DICTIONARY,
            .key = reload_node_id_bytes(sim_node_id(s, owner + i), 16)};
        count += sim_fetch_value(s, reader, place, &specifier).exists;
    }
    return count;
}

/* One user with more Node-IDs than the Kind allows values: all have one quota, and nobody else's is
 * touched. What is stored already stays and can be changed. */
START_TEST(s18_one_user_with_many_node_ids)
{
    enum { MAX_COUNT = 16, HOSTS = 20 };
    s = ring_of(RING, 1);
    uint32_t first = sim_node_count(s);
    for (uint32_t i = 0; i < HOSTS; i++)
        (void)sim_add_node(
            s, &(struct sim_node_options){.user_name = "mallory@overlay0.sim", .client = true});
    ck_assert(sim_run_until(s, sim_is_joined_all, NULL, SIM_MINUTES(2)));
    for (uint32_t i = 0; i < HOSTS; i++) {
        struct reload_bytes key = reload_node_id_bytes(sim_node_id(s, first + i), 16);
        struct sim_outcome outcome = store_entry(first + i, key, "entry");
        ck_assert_uint_eq(outcome.error_code, i < MAX_COUNT ? 0 : RELOAD_ERROR_DATA_TOO_LARGE);
    }
    ck_assert_uint_eq(count_entries(0, first, HOSTS), MAX_COUNT);
    struct reload_bytes own = reload_node_id_bytes(sim_node_id(s, first), 16);
    ck_assert_int_eq(store_entry(first, own, "changed").error, 0);
    ck_assert_int_eq(store_entry(1, reload_node_id_bytes(sim_node_id(s, 1), 16), "mine").error, 0);
    sim_free(s);
}
END_TEST

/* Everybody fills one peer that has little room: it refuses what is new, keeps what it has, and
 * holds no more than that. */
START_TEST(s18_a_peer_that_is_full)
{
    static char large[SIM_VALUE_MAX];
    enum { ROOM = 30000 };
    s = ring_of(RING, 1);
    uint32_t full = 4;
    uint8_t mine = sim_slot_at(s, 1, full);
    ck_assert_uint_ne(mine, 0);
    ck_assert_int_eq(sim_store(s, 1, mine, "before").error, 0);
    struct reload_storage *storage = &sim_node(s, full)->storage;
    storage->octets_max = ROOM;
    memset(large, 'x', sizeof large - 1);
    size_t memory = sim_memory(s, full);
    unsigned refused = 0, stored = 0;
    for (uint32_t owner = 0; owner < RING; owner++)
        for (unsigned slot = 1; slot <= SIM_SLOTS_MAX; slot++) {
            uint8_t resource[16];
            sim_slot_resource(s, owner, (uint8_t)slot, resource);
            if (sim_responsible(s, 0, (struct reload_bytes){resource, 16}) != full ||
                (owner == 1 && slot == mine))
                continue;
            struct sim_outcome outcome = sim_store(s, owner, (uint8_t)slot, large);
            stored += outcome.error == 0;
            refused += outcome.error != 0;
            ck_assert_uint_eq(outcome.error_code, outcome.error ? RELOAD_ERROR_DATA_TOO_LARGE : 0);
        }
    ck_assert_uint_gt(stored, 5);
    ck_assert_uint_gt(refused, 20);
    ck_assert_uint_le(storage->octets + storage->certificates.octets, ROOM);
    ck_assert_uint_le(sim_memory(s, full), memory + 2 * ROOM);
    struct sim_outcome outcome = sim_fetch(s, 2, 1, mine);
    ck_assert(sim_text(&outcome, "before"));
    ck_assert_int_eq(sim_store(s, 1, mine, "after!").error, 0); /* no larger than before */
    sim_free(s);
}
END_TEST

static struct sim_outcome
store_for(uint32_t owner, uint8_t slot, uint32_t lifetime_s)
{
    uint8_t resource[16];
    sim_slot_resource(s, owner, slot, resource);
    struct reload_store_value value = {.kind = SIM_KIND_SLOT,
                                       .value = reload_bytes_of_string("text"),
                                       .exists = true,
                                       .lifetime_s = lifetime_s};
    return sim_store_value(s, owner, (struct reload_bytes){resource, 16}, &value);
}

/* The longest that any node will keep what |owner| stored there. */
static uint64_t
longest(uint32_t owner, uint8_t slot)
{
    uint8_t octets[16];
    uint64_t end = 0;
    sim_slot_resource(s, owner, slot, octets);
    for (uint32_t i = 0; i < RING; i++) {
        const struct reload_resource *resource = reload_storage_find(
            &sim_node(s, i)->storage, (struct reload_bytes){octets, sizeof octets});
        const struct reload_stored *stored =
            resource ? reload_stored_from(resource->kinds, (struct reload_bytes){0}) : NULL;
        if (stored && stored->expires > end)
            end = stored->expires;
    }
    return end;
}

/* Lifetimes from nothing to 136 years: kept until the certificate ends at the latest, by the
 * monotonic clock, and gone in time from every replica. */
START_TEST(s15_lifetimes)
{
    s = ring_of(RING, 1);
    (void)store_for(1, 1, 0);
    ck_assert_int_eq(store_for(1, 2, 60).error, 0);
    ck_assert_int_eq(store_for(1, 3, UINT32_MAX).error, 0);
    sim_run_for(s, SIM_SECONDS(5));
    uint64_t year = SIM_SECONDS(366 * (uint64_t)86400);
    ck_assert_uint_gt(longest(1, 3), sim_now(s) + year - SIM_MINUTES(10));
    ck_assert_uint_le(longest(1, 3), sim_now(s) + year);
    ck_assert(!sim_fetch(s, 5, 1, 1).exists);
    ck_assert(sim_fetch(s, 5, 1, 2).exists);
    for (uint32_t i = 0; i < RING; i += 2) /* half of them believe that it is long over */
        sim_set_skew(s, i, 86400 * (int64_t)1000);
    ck_assert(sim_fetch(s, 5, 1, 2).exists);
    sim_run_for(s, SIM_SECONDS(61));
    ck_assert(!sim_fetch(s, 5, 1, 2).exists);
    for (uint32_t i = 0; i < RING; i++)
        reload_storage_expire(&sim_node(s, i)->storage, sim_now(s));
    ck_assert_uint_eq(longest(1, 2), 0);
    sim_free(s);
}
END_TEST

static const struct named_test tests[] = {
    {&s18_one_user_with_many_node_ids, 0, 0},
    {&s18_a_peer_that_is_full, 0, 0},
    {&s15_lifetimes, 0, 0},
};

int
main(void)
{
    return run_tests("attack_quota", tests, sizeof tests / sizeof *tests);
}
