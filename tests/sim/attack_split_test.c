/* attack_split_test.c: the network falls into parts and is one again.
 *
 * RFC 6940 7.4.1.1, 10.7.4.4; D5, D53. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"

#include "tools/sim/sim_copies.h"

#define RING 12
#define HOLDERS 3

static struct sim *s;

/* Where each host stands while the network is split. */
static const struct {
    const char *name;
    uint8_t sides[RING];
    unsigned times; /* splits in a row */
    uint32_t split_s, whole_s;
} ways[] = {
    {"halves", {0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1}, 1, 300, 0},
    {"one alone", {0, 0, 0, 0, 0, 0, 0, 1}, 1, 300, 0},
    {"the first-node alone", {1, 0}, 1, 300, 0},
    {"three parts", {0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2}, 1, 300, 0},
    {"each alone", {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, 1, 120, 0},
    {"halves, six times", {0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1}, 6, 25, 12},
};

#define WAYS (sizeof ways / sizeof *ways)

static void
part(unsigned way, bool is_split)
{
    for (uint32_t i = 0; i < RING; i++)
        sim_partition(s, i, is_split ? ways[way].sides[i] : 0);
}

/* Everybody stores; who is in no ring at the moment cannot. Returns how many could. */
static unsigned
store_all(const char *text)
{
    unsigned stored = 0;
    for (uint32_t i = 0; i < RING; i++)
        stored += sim_is_joined(s, i) && sim_store(s, i, 1, text).error == 0;
    return stored;
}

/* All who should hold the newest version that there is of |owner|'s value do. */
static bool
holders_are_up_to_date(uint32_t owner)
{
    uint8_t octets[16];
    uint64_t newest = 0;
    sim_slot_resource(s, owner, 1, octets);
    struct reload_bytes resource = {octets, sizeof octets};
    (void)sim_copies(s, resource, 0, &newest);
    uint32_t first = sim_responsible(s, 0, resource);
    for (uint32_t k = 0; k < HOLDERS; k++)
        if (newest == 0 || sim_copy_at(s, sim_successor_of(s, first, k), resource) != newest)
            return false;
    return true;
}

static bool
all_are_up_to_date(struct sim *sim, void *unused)
{
    (void)sim, (void)unused;
    for (uint32_t i = 0; i < RING; i++)
        if (!holders_are_up_to_date(i))
            return false;
    return true;
}

/* One ring within a minute and the newest values at all who should hold them within two. */
START_TEST(t11_parts_become_one)
{
    unsigned way = (unsigned)_i % WAYS;
    s = ring_of_links(RING, 11 + (uint64_t)_i,
                      (unsigned)_i < WAYS ? SIM_LINKS_MESSAGES : SIM_LINKS_DATAGRAMS);
    ck_assert_uint_eq(store_all("before"), RING);
    bool newer[RING] = {false};
    for (unsigned time = 0; time < ways[way].times; time++) {
        part(way, true);
        sim_run_for(s, SIM_SECONDS(ways[way].split_s));
        ck_assert(!sim_is_whole(s, NULL));
        for (uint32_t i = 0; time == 0 && i < RING; i++)
            newer[i] = sim_is_joined(s, i) && sim_store(s, i, 1, "newer").error == 0;
        part(way, false);
        sim_run_for(s, SIM_SECONDS(ways[way].whole_s));
    }
    uint64_t healed = sim_now(s);
    wait_until_whole(s, SIM_SECONDS(60));
    ck_assert(sim_run_until(s, all_are_up_to_date, NULL, healed + SIM_SECONDS(120) - sim_now(s)));
    unsigned count = 0;
    for (uint32_t i = 0; i < RING; i++) {
        struct sim_outcome outcome = sim_fetch(s, (i + 5) % RING, i, 1);
        ck_assert_msg(sim_text(&outcome, newer[i] ? "newer" : "before"), "%s: node %u",
                      ways[way].name, i);
        count += newer[i];
    }
    ck_assert_uint_ge(count, 1); /* in some part one could store */
    sim_free(s);
}
END_TEST

static const struct named_test tests[] = {
    {&t11_parts_become_one, 0, 2 * WAYS},
};

int
main(void)
{
    return run_tests("attack_split", tests, sizeof tests / sizeof *tests);
}
