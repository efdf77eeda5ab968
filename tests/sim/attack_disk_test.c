/* attack_disk_test.c: peers that come back with disks that are old, torn or another's, and values
 * that should not return.
 *
 * RFC 6940 7.4.1, 10.7; D4, D35. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"

#include "tools/sim/sim_internal.h"

#define RING 8
#define OWNER 2

static struct sim *s;
static uint32_t holder; /* who is responsible for */
static uint8_t slot;

/* A ring whose hosts have disks, with "first" stored and copied. */
static void
begin(uint64_t seed)
{
    struct sim_options options = ring_options();
    options.disks = true;
    s = sim_new(seed, &options);
    ring_grow(s, RING);
    for (holder = OWNER + 1; (slot = sim_slot_at(s, OWNER, holder)) == 0; holder++)
        ck_assert_uint_lt(holder, RING);
    ck_assert_int_eq(sim_store(s, OWNER, slot, "first").error, 0);
    sim_run_for(s, SIM_SECONDS(60));
    for (uint32_t i = 0; i < RING; i++)
        sim_snapshot(s, i);
}

static void
restart_all(enum sim_disk_state state, uint64_t other)
{
    for (uint32_t i = 0; i < RING; i++)
        if (sim_is_alive(s, i))
            sim_kill(s, i);
    sim_run_for(s, SIM_SECONDS(1));
    for (uint32_t i = 0; i < RING; i++)
        sim_restart_from(s, i, state, other + i);
    wait_until_whole(s, SIM_SECONDS(120));
    sim_run_for(s, SIM_SECONDS(60));
}

static void
everybody_finds(const char *text)
{
    for (uint32_t reader = 0; reader < RING; reader++) {
        struct sim_outcome outcome = sim_fetch(s, reader, OWNER, slot);
        ck_assert_int_eq(outcome.error, 0);
        ck_assert(text ? sim_text(&outcome, text) : !outcome.exists);
    }
}

/* What is acknowledged survives that all lose power. */
START_TEST(all_lose_power)
{
    begin(1);
    restart_all(SIM_DISK_KEPT, 0);
    everybody_finds("first");
    sim_free(s);
}
END_TEST

/* S17: one peer comes back with a disk from before: the newer value wins everywhere. */
START_TEST(s17_one_old_disk)
{
    begin(2);
    sim_kill(s, holder);
    sim_run_for(s, SIM_SECONDS(60));
    ck_assert_int_eq(sim_store(s, OWNER, slot, "second").error, 0);
    sim_restart_from(s, holder, SIM_DISK_SNAPSHOT, 0);
    wait_until_whole(s, SIM_SECONDS(60));
    sim_run_for(s, SIM_SECONDS(60));
    everybody_finds("second");
    sim_free(s);
}
END_TEST

/* S16: the same, when the value was removed meanwhile. */
START_TEST(s16_a_removed_value_on_an_old_disk)
{
    begin(3);
    sim_kill(s, holder);
    sim_run_for(s, SIM_SECONDS(60));
    ck_assert_int_eq(sim_remove(s, OWNER, slot).error, 0);
    sim_restart_from(s, holder, SIM_DISK_SNAPSHOT, 0);
    wait_until_whole(s, SIM_SECONDS(60));
    sim_run_for(s, SIM_SECONDS(60));
    everybody_finds(NULL);
    sim_free(s);
}
END_TEST

/* S17: everybody has the disk of a neighbour: values go to where they belong. */
START_TEST(s17_disks_of_others)
{
    begin(4);
    restart_all(SIM_DISK_FOREIGN, 3);
    everybody_finds("first");
    sim_free(s);
}
END_TEST

/* M8: records that are cut off or have a wrong bit: never a crash, never a wrong value, and what
 * one of three disks holds whole is found. */
START_TEST(m8_torn_disks)
{
    begin(10 + (uint64_t)_i);
    ck_assert_int_eq(sim_store(s, OWNER, slot, "second").error, 0);
    sim_run_for(s, SIM_SECONDS(5));
    for (uint64_t round = 0; round < 4; round++) {
        sim_kill(s, holder);
        sim_restart_from(s, holder, SIM_DISK_TORN, (uint64_t)_i * 40503 + round * 1000003);
        wait_until_whole(s, SIM_SECONDS(60));
    }
    sim_run_for(s, SIM_SECONDS(60));
    everybody_finds("second");
    sim_free(s);
}
END_TEST

/* M8: a disk that takes nothing more: the peer goes on, and is as after a new begin. */
START_TEST(m8_full_disk)
{
    begin(5);
    sim_disk_fails(s, holder, true);
    ck_assert_int_eq(sim_store(s, OWNER, slot, "second").error, 0);
    sim_run_for(s, SIM_SECONDS(5));
    sim_kill(s, holder);
    sim_restart_from(s, holder, SIM_DISK_KEPT, 0); /* "first" is on it */
    wait_until_whole(s, SIM_SECONDS(60));
    sim_run_for(s, SIM_SECONDS(60));
    everybody_finds("second");
    sim_free(s);
}
END_TEST

/* M8: a disk that can only be read: what is on it counts less than what others hold, however often
 * the peer comes back. */
START_TEST(m8_read_only_disk)
{
    begin(7);
    sim_disk_fails(s, holder, true);
    uint64_t written = 0;
    ck_assert_int_eq(sim_store(s, OWNER, slot, "second").error, 0);
    for (int round = 0; round < 3; round++) {
        sim_run_for(s, SIM_SECONDS(10));
        sim_kill(s, holder);
        sim_restart_from(s, holder, SIM_DISK_KEPT, 0);
        written = round == 0 ? sim_host_of(s, holder)->disk.sequence : written;
        wait_until_whole(s, SIM_SECONDS(60));
        sim_run_for(s, SIM_SECONDS(30));
        everybody_finds("second");
        ck_assert_uint_eq(sim_host_of(s, holder)->disk.sequence, written);
    }
    ck_assert_uint_gt(sim_host_of(s, holder)->disk.count, 0);
    sim_free(s);
}
END_TEST

/* ---- M8: power goes at every single write ---------------------------------------------------- */

#define CHANGES 8
#define PLACES 4

/* Where a value is stored. */
struct place {
    uint32_t owner;
    uint8_t slot;
};

/* The holder's host stops as soon as it has written so many records: what it would have written or
 * said after that it does not. */
struct stop {
    size_t at;
    bool torn; /* the last one is half there */
    bool is_due;
};

static size_t
writes(void)
{
    return sim_host_of(s, holder)->disk.undo_count;
}

static void
stop(struct sim *sim, void *argument)
{
    const struct stop *at = argument;
    struct sim_disk *disk = &sim_host_of(sim, holder)->disk;
    for (size_t i = 0; i < at->at; i++)
        disk->undo[i].durable_at = sim_now(sim);
    struct reload_bytes key = disk->undo[at->at - 1].key;
    for (size_t i = 0; at->torn && i < disk->count; i++)
        if (reload_bytes_equal(disk->records[i].key, key))
            disk->records[i].value.size /= 2;
    sim_kill(sim, holder);
}

static bool
is_still_there(struct sim *sim, struct sim_passing *passing, void *argument)
{
    struct stop *at = argument;
    if (passing->from != holder || writes() < at->at)
        return true;
    if (!at->is_due)
        sim_call(sim, sim_now(sim), stop, at);
    at->is_due = true;
    return false;
}

/* Three slots of the owner, but for |slot|, of which the holder has copies, and one of another
 * node, whose certificate is new to it. */
static void
choose_places(struct place *places)
{
    for (uint8_t k = 1, count = 0; count < PLACES - 1; k++) {
        uint8_t resource[16];
        ck_assert_uint_lt(k, SIM_SLOTS_MAX);
        sim_slot_resource(s, OWNER, k, resource);
        uint32_t first = sim_responsible(s, 0, (struct reload_bytes){resource, sizeof resource});
        if (k != slot && (first == holder || sim_successor_of(s, first, 1) == holder))
            places[count++] = (struct place){OWNER, k};
    }
    uint32_t other = (OWNER + 1) % RING == holder ? OWNER + 2 : OWNER + 1;
    places[PLACES - 1] = (struct place){other, sim_slot_at(s, other, holder)};
    ck_assert_uint_ne(places[PLACES - 1].slot, 0);
}

/* Owners store, replace and remove, until that or the holder's host is at an end. What was
 * acknowledged is then true for everybody, what was not may be. Returns whether it stopped. */
static bool
change_and_stop(struct stop *at)
{
    static const char *const texts[CHANGES] = {"a", "b", "e", "c", NULL, "d", NULL, NULL};
    static const uint8_t which[CHANGES] = {0, 1, 3, 0, 1, 2, 0, 3};
    const char *before[PLACES] = {0}, *after[PLACES] = {0};
    struct place places[PLACES];
    begin(8);
    choose_places(places);
    sim_disk_lags(s, holder, SIM_MINUTES(60));
    sim_tap(s, is_still_there, at);
    for (unsigned i = 0; i < CHANGES && sim_is_alive(s, holder); i++) {
        uint8_t k = which[i];
        struct sim_outcome outcome = texts[i]
                                         ? sim_store(s, places[k].owner, places[k].slot, texts[i])
                                         : sim_remove(s, places[k].owner, places[k].slot);
        before[k] = outcome.error ? after[k] : texts[i];
        after[k] = texts[i];
    }
    sim_run_for(s, SIM_SECONDS(2));
    sim_tap(s, NULL, NULL);
    sim_disk_lags(s, holder, 0);
    bool stopped = !sim_is_alive(s, holder);
    if (stopped)
        sim_restart_from(s, holder, SIM_DISK_KEPT, 0);
    wait_until_whole(s, SIM_SECONDS(60));
    sim_run_for(s, SIM_SECONDS(60));
    for (size_t k = 0; k < PLACES; k++)
        for (uint32_t reader = 0; reader < RING; reader++) {
            struct sim_outcome found = sim_fetch(s, reader, places[k].owner, places[k].slot);
            bool is_old = before[k] ? sim_text(&found, before[k]) : !found.exists;
            bool is_new = after[k] ? sim_text(&found, after[k]) : !found.exists;
            ck_assert_msg(found.error == 0 && (is_old || is_new), "write %zu, place %zu: %s",
                          at->at, k, found.exists ? (const char *)found.value : "nothing");
        }
    everybody_finds("first");
    sim_free(s);
    return stopped;
}

START_TEST(m8_stopped_at_every_write)
{
    struct stop at = {.at = 1, .torn = _i};
    while (change_and_stop(&at)) {
        at.at++;
        at.is_due = false;
    }
    ck_assert_uint_gt(at.at, CHANGES + 1); /* the certificate is a record, too */
}
END_TEST

/* S15: the wall clock of a holder jumps: what is stored ends by the monotonic clock. */
START_TEST(s15_clocks_that_jump)
{
    static const int64_t jumps_ms[] = {86400000, -86400000, 3600000};
    begin(6);
    for (uint32_t i = 0; i < RING; i++)
        if (i != OWNER)
            sim_set_skew(s, i, i % 2 ? jumps_ms[_i] : 0);
    sim_run_for(s, SIM_MINUTES(10));
    everybody_finds("first");
    ck_assert_int_eq(sim_store(s, OWNER, slot, "second").error, 0);
    everybody_finds("second");
    sim_run_for(s, SIM_MINUTES(60)); /* stored for an hour */
    everybody_finds(NULL);
    sim_free(s);
}
END_TEST

static const struct named_test tests[] = {
    {&all_lose_power, 0, 0},
    {&s17_one_old_disk, 0, 0},
    {&s16_a_removed_value_on_an_old_disk, 0, 0},
    {&s17_disks_of_others, 0, 0},
    {&m8_torn_disks, 0, 8},
    {&m8_full_disk, 0, 0},
    {&m8_read_only_disk, 0, 0},
    {&m8_stopped_at_every_write, 0, 2},
    {&s15_clocks_that_jump, 0, 3},
};

int
main(void)
{
    return run_tests("attack_disk", tests, sizeof tests / sizeof *tests);
}
