/* mischief_test.c: liars and unusual drivers: that they do what they are there for, and that a ring
 * bears it: what is stored is found again, nothing forged is accepted, and afterwards it is whole.
 *
 * RFC 6940 13.6. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"
#include "tools/sim/sim_chord.h"
#include "tools/sim/sim_disk.h"
#include "tools/sim/sim_guard.h"
#include "tools/sim/sim_liar.h"
#include "tools/sim/sim_oddity.h"

#include <string.h>

#define RING 16
#define LIARS 3

static unsigned found;
static char text[160];

static void
note(void *argument, const char *invariant, const char *what)
{
    (void)argument;
    found++;
    snprintf(text, sizeof text, "%s %s", invariant, what);
}

static struct sim *
begin(enum sim_links links)
{
    struct sim_options options = ring_options();
    options.successors = sim_chord_successors;
    options.links = links;
    struct sim *s = sim_new(1, &options);
    ring_grow(s, RING);
    found = 0;
    return s;
}

/* Everybody honest stores and looks up. Returns how many lookups brought the right text; a wrong
 * one is never brought. */
static unsigned
use(struct sim *s, const struct sim_liar *liar)
{
    unsigned right = 0;
    for (uint32_t i = 0; i < RING; i++) {
        char value[32];
        if (liar && liar->lies[i])
            continue;
        snprintf(value, sizeof value, "of %u", (unsigned)i);
        (void)sim_store(s, i, 1, value);
        struct sim_outcome outcome = sim_fetch(s, (i + 7) % RING, i, 1);
        ck_assert(outcome.done);
        if (outcome.error || !outcome.exists)
            continue;
        ck_assert(sim_text(&outcome, value));
        right++;
    }
    return right;
}

/* On links of messages and on frames. */
START_TEST(liars)
{
    enum sim_lie lie = (enum sim_lie)(1 + _i % (SIM_LIES - 1));
    bool frames = _i >= SIM_LIES - 1;
    struct sim *s = begin(frames ? SIM_LINKS_DATAGRAMS : SIM_LINKS_MESSAGES);
    struct sim_guard guard;
    struct sim_liar liar;
    sim_guard_begin(&guard, s, (struct sim_finder){note, NULL});
    sim_liar_begin(&liar, s, 1);
    for (uint32_t i = 0; i < LIARS; i++)
        sim_liar_set(&liar, 2 + 5 * i, lie);
    unsigned right = use(s, &liar);
    sim_run_for(s, SIM_MINUTES(2)); /* Updates are said now and then */
    right += use(s, &liar);
    if (lie != SIM_LIE_DEAF && !(lie == SIM_LIE_MISROUTED && frames))
        ck_assert_uint_gt(liar.told, 0);
    if (lie == SIM_LIE_SPOILED)
        ck_assert_uint_gt(guard.checked_rejections, 0);
    ck_assert_uint_ge(right, RING - LIARS); /* half, though a fifth of them lie */
    sim_liar_end(&liar);
    wait_until_whole(s, SIM_MINUTES(1));
    ck_assert_uint_eq(use(s, NULL), RING);
    ck_assert_msg(found == 0, "%s", text);
    sim_guard_end(&guard);
    sim_free(s);
}
END_TEST

START_TEST(odd_drivers)
{
    struct sim *s = begin(_i % 2 ? SIM_LINKS_MIXED : SIM_LINKS_MESSAGES);
    uint64_t usual = sim_trace_hash(s);
    sim_arm(s, 1u << _i / 2);
    ck_assert_uint_eq(use(s, NULL), RING);
    sim_kill(s, 5);
    sim_run_for(s, SIM_SECONDS(30));
    sim_restart(s, 5);
    wait_until_whole(s, SIM_MINUTES(2));
    ck_assert_uint_ge(use(s, NULL), RING - 1);
    ck_assert_uint_ne(sim_trace_hash(s), usual);
    sim_free(s);
}
END_TEST

/* The trace of a small ring in which links are made and something large is stored. */
static uint64_t
trace_of(uint32_t armed)
{
    static char large[900];
    struct sim_options options = ring_options();
    options.links = SIM_LINKS_DATAGRAMS;
    struct sim *s = sim_new(1, &options);
    ring_grow(s, 5);
    sim_arm(s, armed);
    for (uint32_t i = 0; i < 5; i++)
        (void)sim_add_node(s, NULL);
    sim_run_for(s, SIM_SECONDS(40));
    memset(large, 'x', sizeof large - 1);
    (void)sim_store(s, 7, 1, large);
    uint64_t trace = sim_trace_hash(s);
    sim_free(s);
    return trace;
}

/* Each oddity changes what happens; but a node that is woken for nothing does nothing. */
START_TEST(oddities_are_seen)
{
    bool same = trace_of(1u << _i) == trace_of(0);
    ck_assert_int_eq(same, _i == SIM_ODDITY_EARLY);
}
END_TEST

/* ---- disks ---- */

static void
write_record(struct sim_disk *disk, const char *key, const char *value, uint64_t now, uint64_t lag)
{
    struct reload_bytes name = reload_bytes_of_string(key);
    if (lag)
        sim_disk_lag(disk, name, now, lag);
    sim_disk_write(disk, name, reload_bytes_of_string(value));
}

static bool
has(const struct sim_disk *disk, const char *key, const char *value)
{
    for (size_t i = 0; i < disk->count; i++)
        if (reload_bytes_equal(disk->records[i].key, reload_bytes_of_string(key)))
            return reload_bytes_equal(disk->records[i].value, reload_bytes_of_string(value));
    return *value == 0;
}

START_TEST(what_is_not_durable_is_lost)
{
    struct sim_disk disk = {0};
    write_record(&disk, "a", "1", 0, 0);
    write_record(&disk, "a", "2", 10, 100);
    write_record(&disk, "b", "1", 20, 100);
    write_record(&disk, "a", "3", 50, 100);
    write_record(&disk, "b", "", 60, 100); /* forgotten */
    ck_assert(has(&disk, "a", "3") && has(&disk, "b", ""));
    sim_disk_crash(&disk, 125); /* the first two are durable */
    ck_assert(has(&disk, "a", "2"));
    ck_assert(has(&disk, "b", "1"));
    sim_disk_crash(&disk, 125); /* nothing is left to undo */
    ck_assert(has(&disk, "a", "2"));
    write_record(&disk, "c", "1", 200, 100);
    sim_disk_crash(&disk, 250);
    ck_assert(has(&disk, "c", ""));
    ck_assert_uint_eq(disk.count, 2);
    sim_disk_fini(&disk);
}
END_TEST

static const struct named_test tests[] = {
    {&liars, 0, 2 * (SIM_LIES - 1)},
    {&odd_drivers, 0, 2 * SIM_ODDITIES},
    {&oddities_are_seen, 0, SIM_ODDITIES},
    {&what_is_not_durable_is_lost, 0, 0},
};

int
main(void)
{
    return run_tests("mischief", tests, sizeof tests / sizeof *tests);
}
