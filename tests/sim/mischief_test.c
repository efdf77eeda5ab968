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

/* What each liar holds itself is stored twice and fetched by two; and the liar is pinged and
 * probed. What is brought is right, or was. */
static void
approach(struct sim *s, const struct sim_liar *liar)
{
    static const uint8_t probe[] = {1, RELOAD_PROBE_INFORMATION_TYPE_UPTIME};
    for (uint32_t node = 0; node < RING; node++) {
        uint32_t owner = (node + 1) % RING;
        uint8_t slot = liar->lies[node] ? sim_slot_at(s, owner, node) : 0;
        if (slot == 0)
            continue;
        (void)sim_store(s, owner, slot, "first");
        (void)sim_store(s, owner, slot, "second");
        for (uint32_t step = 3; step < 5; step++) {
            struct sim_outcome outcome = sim_fetch(s, (node + step) % RING, owner, slot);
            ck_assert(!outcome.exists || sim_text(&outcome, "second") ||
                      (sim_text(&outcome, "first") && liar->lies[node] == SIM_LIE_STALE));
        }
        struct reload_route route = reload_route_to_node(sim_node_id(s, node));
        (void)sim_ping(s, owner, node);
        (void)sim_request(s, owner, &route, RELOAD_MESSAGE_PROBE_REQ,
                          (struct reload_bytes){probe, sizeof probe});
    }
}

/* On links of messages and on frames. */
START_TEST(liars)
{
    enum sim_lie lie = (enum sim_lie)(1 + _i % (SIM_LIES - 1));
    bool frames = _i >= SIM_LIES - 1;
    /* A Fetch answer with two certificates does not fit into one datagram. */
    bool large = lie == SIM_LIE_VALUES || lie == SIM_LIE_STALE;
    enum sim_links framed = large ? SIM_LINKS_STREAMS : SIM_LINKS_DATAGRAMS;
    struct sim *s = begin(frames ? framed : SIM_LINKS_MESSAGES);
    struct sim_guard guard;
    struct sim_liar liar;
    sim_guard_begin(&guard, s, (struct sim_finder){note, NULL});
    sim_liar_begin(&liar, s, 1);
    for (uint32_t i = 0; i < LIARS; i++)
        sim_liar_set(&liar, 2 + 5 * i, lie);
    unsigned right = use(s, &liar);
    approach(s, &liar);
    sim_run_for(s, SIM_MINUTES(2)); /* Updates are said now and then */
    right += use(s, &liar);
    if (lie != SIM_LIE_DEAF && !((lie == SIM_LIE_MISROUTED || lie == SIM_LIE_REPLAYS) && frames))
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

/* ---- what is stored, among those who lie about it ---- */

static struct sim_outcome
fetch_by_all_ways(struct sim *s, uint32_t reader, uint32_t owner, uint8_t slot)
{
    struct reload_route route = {.copies = 4, .replicas = RELOAD_REPLICAS_ALL};
    return sim_fetch_along(s, reader, owner, slot, &route);
}

/* A peer that lies about what it holds: asked alone it may bring nothing, or what is old; nothing
 * forged is accepted, and asked with the others it hides nothing. */
START_TEST(values_that_are_lied_about)
{
    static const enum sim_lie lies[] = {SIM_LIE_VALUES, SIM_LIE_STALE, SIM_LIE_ANSWERS,
                                        SIM_LIE_ECLIPSE};
    enum sim_lie lie = lies[_i % 4];
    struct sim *s = begin(_i < 4 ? SIM_LINKS_MESSAGES : SIM_LINKS_STREAMS);
    struct sim_liar liar;
    uint32_t holder = 4, old = 0, new = 0, by_all = 0, asked = 0;
    sim_liar_begin(&liar, s, 1);
    sim_liar_set(&liar, holder, SIM_LIE_STALE); /* listens */
    uint8_t slots[RING];
    for (uint32_t owner = 0; owner < RING; owner++) {
        slots[owner] = owner == holder ? 0 : sim_slot_at(s, owner, holder);
        if (slots[owner])
            ck_assert_int_eq(sim_store(s, owner, slots[owner], "old").error, 0);
    }
    sim_run_for(s, SIM_SECONDS(30)); /* the replicas */
    for (uint32_t owner = 0; owner < RING; owner++)
        if (slots[owner])
            ck_assert_int_eq(sim_store(s, owner, slots[owner], "new").error, 0);
    sim_run_for(s, SIM_SECONDS(30));
    sim_liar_set(&liar, holder, lie);
    for (uint32_t owner = 0; owner < RING; owner++) {
        uint32_t reader = (owner + 5) % RING;
        if (slots[owner] == 0 || reader == holder)
            continue;
        asked++;
        struct sim_outcome outcome = sim_fetch(s, reader, owner, slots[owner]);
        ck_assert(outcome.done);
        ck_assert(!outcome.exists || sim_text(&outcome, "old") || sim_text(&outcome, "new"));
        old += sim_text(&outcome, "old");
        new += sim_text(&outcome, "new");
        outcome = fetch_by_all_ways(s, reader, owner, slots[owner]);
        by_all += outcome.error == 0 && outcome.exists && outcome.value_size == 3 &&
                  memcmp(outcome.value, "new", 3) == 0;
    }
    ck_assert_uint_gt(asked, RING / 2);
    ck_assert_uint_eq(by_all, asked);
    if (lie == SIM_LIE_STALE)
        ck_assert_uint_eq(old, asked);
    else
        ck_assert_uint_eq(old, 0);
    if (lie != SIM_LIE_ECLIPSE)
        ck_assert_uint_lt(new, asked);
    ck_assert_int_eq(sim_liar_is_stale(&liar), true);
    sim_liar_end(&liar);
    sim_run_for(s, SIM_SECONDS(61));
    ck_assert_int_eq(sim_liar_is_stale(&liar), false);
    sim_free(s);
}
END_TEST

/* Stores that come again bring nothing old back, and change nothing. */
START_TEST(stores_that_are_said_again)
{
    struct sim *s = begin(SIM_LINKS_MESSAGES);
    struct sim_liar liar;
    sim_liar_begin(&liar, s, 1);
    for (uint32_t i = 0; i < LIARS; i++)
        sim_liar_set(&liar, 2 + 5 * i, SIM_LIE_REPLAYS);
    for (uint32_t version = 0; version < 3; version++)
        for (uint32_t owner = 0; owner < RING; owner++) {
            char value[32];
            snprintf(value, sizeof value, "version %u", version);
            ck_assert_int_eq(
                (version < 2 ? sim_store(s, owner, 1, value) : sim_remove(s, owner, 1)).error, 0);
        }
    uint64_t before = liar.told;
    sim_run_for(s, SIM_MINUTES(2));
    ck_assert_uint_gt(liar.told, before + 300);
    for (uint32_t owner = 0; owner < RING; owner++) {
        struct sim_outcome outcome = sim_fetch(s, (owner + 3) % RING, owner, 1);
        ck_assert_int_eq(outcome.error, 0);
        ck_assert(!outcome.exists);
    }
    sim_liar_end(&liar);
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
    {&liars, 0, 2 * (SIM_LIES - 1)},       {&values_that_are_lied_about, 0, 8},
    {&stores_that_are_said_again, 0, 0},   {&odd_drivers, 0, 2 * SIM_ODDITIES},
    {&oddities_are_seen, 0, SIM_ODDITIES}, {&what_is_not_durable_is_lost, 0, 0},
};

int
main(void)
{
    return run_tests("mischief", tests, sizeof tests / sizeof *tests);
}
