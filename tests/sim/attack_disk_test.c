/* attack_disk_test.c: peers that come back with disks that are old, torn or another's, and values
 * that should not return.
 *
 * RFC 6940 7.4.1, 10.7; D4, D35. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"

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
    {&s15_clocks_that_jump, 0, 3},
};

int
main(void)
{
    return run_tests("attack_disk", tests, sizeof tests / sizeof *tests);
}
