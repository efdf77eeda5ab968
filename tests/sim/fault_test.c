/* fault_test.c: faults of random scenarios do what they are there for, and a ring bears it.
 *
 * RFC 6940 10.5-10.7. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"

#include "tools/sim/sim_chord.h"
#include "tools/sim/sim_disk.h"
#include "tools/sim/sim_fault_class.h"
#include "tools/sim/sim_fault_host.h"
#include "tools/sim/sim_internal.h"
#include "tools/sim/sim_trial.h"

#define RING 12

/* ---- streams ---- */

/* Each stream draws from its own classes, and stands behind those before it. */
START_TEST(streams_draw_from_their_own_classes)
{
    unsigned by_stream[3] = {0}, multitudes = 0;
    for (uint64_t seed = 1; seed <= 4000; seed++) {
        struct sim_scenario scenario;
        unsigned before = 0;
        sim_scenario_draw(seed, &scenario);
        multitudes += scenario.peers > 256;
        ck_assert_uint_le(scenario.peers, 1000);
        for (size_t i = 0; i < scenario.fault_count; i++) {
            size_t class = scenario.faults[i].class;
            size_t second = SIM_FAULT_CLASSES_FIRST, third = second + SIM_FAULT_CLASSES_SECOND;
            unsigned stream = class >= third ? 2 : class >= second ? 1 : 0;
            ck_assert_uint_ge(stream, before);
            by_stream[before = stream]++;
        }
    }
    ck_assert_uint_gt(by_stream[0], by_stream[1]);
    ck_assert_uint_gt(by_stream[1], by_stream[2]);
    ck_assert_uint_gt(by_stream[2], 800);
    ck_assert_uint_ge(multitudes, 1);
    ck_assert_uint_le(multitudes, 20);
}
END_TEST

/* ---- hosts ---- */

static struct sim *
begin(enum sim_links links)
{
    struct sim_options options = ring_options();
    options.links = links;
    options.disks = true;
    struct sim *s = sim_new(1, &options);
    ring_grow(s, RING);
    return s;
}

/* Each of a host's next allocations fails in its turn, and no other: whatever it was for, the ring
 * goes on. */
START_TEST(one_allocation_fails)
{
    struct sim *s = begin(SIM_LINKS_MESSAGES);
    for (uint32_t nth = 1; nth <= 30; nth++) {
        uint64_t starved = sim_starved(s, 3);
        sim_starve_once(s, 3, nth);
        for (uint32_t i = 0; i < 40 && sim_starved(s, 3) == starved; i++)
            (void)sim_store(s, 3, 1 + (uint8_t)(i % 8), "again");
        ck_assert_uint_eq(sim_starved(s, 3), starved + 1);
    }
    sim_starve_once(s, 3, 1000000);
    sim_starve_once(s, 3, 0);
    uint64_t starved = sim_starved(s, 3);
    ck_assert_int_eq(sim_store(s, 3, 1, "at last").error, 0);
    struct sim_outcome outcome = sim_fetch(s, 8, 3, 1);
    ck_assert(sim_text(&outcome, "at last"));
    ck_assert_uint_eq(sim_starved(s, 3), starved);
    sim_free(s);
}
END_TEST

/* A disk that errs keeps a part of what it should, and gives back a part of that. */
START_TEST(disk_errs)
{
    struct sim *s = begin(SIM_LINKS_MESSAGES);
    struct sim_host *host = sim_host_of(s, 3);
    size_t before = host->disk.count;
    static const uint8_t value[1] = {1};
    sim_disk_errs(s, 3, 500000);
    for (uint8_t i = 0; i < 200; i++) {
        uint8_t key[2] = {0xee, i};
        sim_host_persist(host, (struct reload_bytes){key, 2}, (struct reload_bytes){value, 1});
    }
    ck_assert(host->disk_behind);
    ck_assert_uint_gt(host->disk.count, before + 60);
    ck_assert_uint_lt(host->disk.count, before + 140);
    size_t kept = host->disk.count;
    sim_kill(s, 3);
    sim_restart_from(s, 3, SIM_DISK_KEPT, 0);
    ck_assert_uint_lt(host->disk.count, kept * 3 / 4);
    sim_disk_errs(s, 3, 0);
    wait_until_whole(s, SIM_MINUTES(1));
    sim_free(s);
}
END_TEST

/* ---- lines ---- */

static const uint32_t pings = 60;

/* How many of so many pings are answered, and how long the slowest took. */
static unsigned
ping_all(struct sim *s, uint64_t *worst_ns)
{
    unsigned answered = 0;
    *worst_ns = 0;
    for (uint32_t i = 0; i < pings; i++) {
        struct sim_outcome outcome = sim_ping(s, i % RING, (i + 1 + i / RING) % RING);
        answered += outcome.error == 0;
        if (outcome.elapsed_ns > *worst_ns)
            *worst_ns = outcome.elapsed_ns;
    }
    return answered;
}

/* Jitter of half a second, and seconds for one message in twenty, on every kind of link. */
START_TEST(lines_are_uneven)
{
    struct sim *s = begin((enum sim_links)_i);
    uint64_t usual_ns, uneven_ns;
    ck_assert_uint_eq(ping_all(s, &usual_ns), pings);
    struct sim_network_options calm = *sim_network_now(s), lines = calm;
    lines.uneven_ns = SIM_MS(500);
    lines.spike_ns = SIM_SECONDS(5);
    lines.spike_ppm = 50000;
    sim_set_network(s, &lines);
    ck_assert_uint_ge(ping_all(s, &uneven_ns), pings - 2);
    ck_assert_uint_gt(uneven_ns, usual_ns + SIM_MS(500));
    sim_set_network(s, &calm);
    wait_until_whole(s, SIM_MINUTES(2));
    sim_free(s);
}
END_TEST

/* ---- whole scenarios ---- */

#define DRAWS 3

/* A scenario of |seed| to which nothing happens but a fault of |class|; with none, SIZE_MAX. */
static void
live_through(uint64_t seed, size_t class, struct sim_verdict *verdict)
{
    struct sim_scenario scenario;
    struct sim_options options = ring_options();
    struct sim_random random = sim_random_fork(seed, class);
    options.successors = sim_chord_successors;
    sim_scenario_draw(seed, &scenario);
    scenario.peers = RING;
    scenario.gentle = false;
    scenario.fault_count = class < sim_fault_class_count;
    scenario.faults[0] = (struct sim_fault){.class = (uint8_t) class, .at_ns = SIM_SECONDS(5)};
    scenario.faults[0].pick = sim_random_next(&random);
    if (scenario.fault_count > 0)
        sim_fault_classes[class].draw(&scenario.faults[0], &random, false);
    sim_trial_run(&scenario, &options, verdict);
}

/* Each fault of the third stream alone: it does something, and the ring bears it. */
START_TEST(later_faults)
{
    size_t first = SIM_FAULT_CLASSES_FIRST + SIM_FAULT_CLASSES_SECOND;
    ck_assert_uint_eq(sim_fault_class_count, first + SIM_FAULT_CLASSES_THIRD);
    size_t class = first + (size_t)_i;
    unsigned seen = 0;
    for (uint64_t seed = 1; seed <= DRAWS; seed++) {
        struct sim_verdict with, without;
        live_through(seed, class, &with);
        live_through(seed, SIZE_MAX, &without);
        ck_assert_uint_eq(without.violation_count, 0);
        ck_assert_msg(with.violation_count == 0, "%s: seed %u: %s %s",
                      sim_fault_classes[class].name, (unsigned)seed, with.violations[0].invariant,
                      with.violations[0].what);
        seen += with.trace_hash != without.trace_hash;
    }
    /* What is not written on a disk is seen when it is read. */
    if (sim_fault_classes[class].begin != sim_begin_bad_disk)
        ck_assert_uint_gt(seen, 0);
}
END_TEST

static const struct named_test tests[] = {
    {&streams_draw_from_their_own_classes, 0, 0},
    {&one_allocation_fails, 0, 0},
    {&disk_errs, 0, 0},
    {&lines_are_uneven, SIM_LINKS_MESSAGES, SIM_LINKS_MIXED + 1},
    {&later_faults, 0, SIM_FAULT_CLASSES_THIRD},
};

int
main(void)
{
    return run_tests("fault", tests, sizeof tests / sizeof *tests);
}
