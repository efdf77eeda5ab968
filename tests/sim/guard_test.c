/* guard_test.c: what checks the runs of the simulator finds what it is there for: each test
 * lets the checker see something that must not be, and the same without it.
 *
 * RFC 6940 6.3, 10.3. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/node_internal.h"
#include "tests/sim/fixture.h"
#include "tools/sim/sim_chord.h"
#include "tools/sim/sim_guard.h"
#include "tools/sim/sim_internal.h"
#include "tools/sim/sim_fault_class.h"
#include "tools/sim/sim_trust.h"

#define RING 12

struct findings {
    unsigned count;
    char invariant[8];
};

static struct sim *s;
static struct sim_guard guard;
static struct findings findings;

static void
note(void *argument, const char *invariant, const char *what)
{
    struct findings *all = argument;
    (void)what;
    all->count++;
    snprintf(all->invariant, sizeof all->invariant, "%s", invariant);
}

static void
begin(void)
{
    struct sim_options options = ring_options();
    options.successors = sim_chord_successors;
    s = sim_new(1, &options);
    ring_grow(s, RING);
    findings = (struct findings){0};
    sim_guard_begin(&guard, s, (struct sim_finder){note, &findings});
}

static void
end(void)
{
    sim_guard_end(&guard);
    sim_free(s);
}

static void
expect(const char *invariant)
{
    if (!invariant)
        ck_assert_uint_eq(findings.count, 0);
    else
        ck_assert_str_eq(findings.invariant, invariant);
}

/* A quiet ring in which a little is stored and fetched. */
START_TEST(honest_ring)
{
    begin();
    sim_guard_calm(&guard);
    for (uint32_t i = 0; i < RING; i++) {
        ck_assert_int_eq(sim_store(s, i, 1, "x").error, 0);
        ck_assert_int_eq(sim_fetch(s, (i + 5) % RING, i, 1).error, 0);
        sim_guard_turn(&guard, i);
    }
    sim_run_for(s, SIM_MINUTES(5));
    sim_guard_judge(&guard);
    expect(NULL);
    ck_assert_uint_gt(guard.checked_hops, 0);
    ck_assert_uint_gt(guard.memory_peak, 1000);
    end();
}
END_TEST

/* A request that is forgotten: its begin is moved back. */
START_TEST(v6_requests)
{
    begin();
    sim_kill(s, 2);
    struct reload_node *node = sim_node(s, 3);
    struct reload_route route = reload_route_to_node(sim_node_id(s, 2));
    ck_assert_int_eq(
        reload_node_ping(node, &route, 0, (struct reload_bytes){0}, NULL, NULL, sim_now(s)), 0);
    sim_turn(s, 3);
    sim_run_for(s, SIM_SECONDS(1));
    ck_assert_uint_gt(node->transactions.count, 0);
    for (int late = 0; late < 2; late++) {
        for (size_t i = 0; i < node->transactions.bucket_count && late; i++)
            for (struct reload_transaction *at = node->transactions.buckets[i]; at; at = at->next)
                at->sent_at -= SIM_GUARD_REQUEST_NS;
        for (unsigned i = 0; i < SIM_GUARD_LOOKS; i++)
            sim_guard_turn(&guard, 3);
        expect(late ? "V6" : NULL);
    }
    end();
}
END_TEST

START_TEST(v7_memory)
{
    begin();
    guard.memory_max = sim_memory(s, 3);
    sim_guard_turn(&guard, 3);
    expect(NULL);
    guard.memory_max--;
    sim_guard_turn(&guard, 3);
    expect("V7");
    end();
}
END_TEST

START_TEST(v7_tables)
{
    begin();
    struct reload_node *node = sim_node(s, 3);
    size_t count = node->reassembly.count;
    node->reassembly.count = RELOAD_REASSEMBLIES_MAX;
    sim_guard_turn(&guard, 3);
    expect(NULL);
    node->reassembly.count++;
    sim_guard_turn(&guard, 3);
    expect("V7");
    node->reassembly.count = count;
    end();
}
END_TEST

/* Every table that has a bound: full it is right, fuller it is not. Its counter is moved by hand,
 * for the time of the look. */
START_TEST(v7_each_table)
{
    begin();
    struct reload_node *node = sim_node(s, 3);
    size_t cursor = 0;
    struct reload_link *link = reload_link_walk(node, &cursor);
    struct reload_storage *storage = &node->storage;
    ck_assert_ptr_nonnull(link);
    const struct {
        size_t *count, max;
    } tables[] = {
        {&node->links.count, RELOAD_LINKS_MAX},
        {&node->transactions.count, RELOAD_TRANSACTIONS_MAX},
        {&node->answers.count, RELOAD_ANSWERS_KEPT_MAX},
        {&node->answers.octets, RELOAD_ANSWERS_KEPT_OCTETS_MAX},
        {&node->reassembly.octets, RELOAD_REASSEMBLY_OCTETS_MAX},
        {&storage->resources.count, RELOAD_RESOURCES_MAX},
        {&storage->octets, RELOAD_STORAGE_OCTETS_MAX - storage->certificates.octets},
        {&storage->marks.set.count, RELOAD_HIGH_WATER_MAX},
        {&storage->marks.octets, RELOAD_MARKS_OCTETS_MAX},
        {&storage->seen.set.count, RELOAD_HIGH_WATER_MAX},
        {&storage->seen.octets, RELOAD_MARKS_OCTETS_MAX},
        {&node->effects.count, RELOAD_EFFECTS_MAX},
        {&node->pushes.job_count, RELOAD_JOBS_MAX},
        {&node->bootstrap.known_count, RELOAD_BOOTSTRAP_KNOWN_MAX},
    };
    ck_assert_uint_eq((unsigned)_i, (unsigned)_i % (sizeof tables / sizeof *tables));
    for (size_t over = 0; over < 2; over++) {
        size_t count = *tables[_i].count;
        *tables[_i].count = tables[_i].max + over;
        guard.turns = 0; /* not one of those at which requests are looked at */
        sim_guard_turn(&guard, 3);
        *tables[_i].count = count;
        expect(over ? "V7" : NULL);
    }
    end();
}
END_TEST
#define V7_TABLES 14

/* Likewise of each link. */
START_TEST(v7_links)
{
    begin();
    size_t cursor = 0;
    struct reload_sender *sender = &reload_link_walk(sim_node(s, 3), &cursor)->sender;
    for (int over = 0; over < 2; over++) {
        struct reload_sender before = *sender;
        if (_i == 0)
            sender->flight_count = (uint16_t)(RELOAD_WINDOW_MAX + over);
        else if (_i == 1)
            sender->queue_count = (uint16_t)(RELOAD_LINK_QUEUE_MAX + over);
        else
            sender->queued_octets = RELOAD_LINK_QUEUE_OCTETS_MAX + (uint32_t)over;
        guard.turns = SIM_GUARD_LOOKS - 1;
        sim_guard_turn(&guard, 3);
        *sender = before;
        expect(over ? "V7" : NULL);
    }
    end();
}
END_TEST

START_TEST(v7_values)
{
    begin();
    uint32_t responsible = sim_successor_of(s, 0, 3);
    uint8_t slot = sim_slot_at(s, 1, responsible);
    ck_assert_int_eq(sim_store(s, 1, slot, "x").error, 0);
    struct reload_stored_kind *kind =
        reload_storage_after(&sim_node(s, responsible)->storage, (struct reload_bytes){0})->kinds;
    for (size_t more = 0; more < 2; more++) {
        kind->existing += more; /* of a single value */
        guard.turns = SIM_GUARD_LOOKS - 1;
        sim_guard_turn(&guard, responsible);
        kind->existing -= more;
        expect(more ? "V7" : NULL);
    }
    end();
}
END_TEST

/* An answer that no node would give: the counter moves as if it had. */
START_TEST(v8_error_for_an_error)
{
    begin();
    static const uint8_t nothing[4];
    struct attacker mallory = attacker_at(s, 0);
    struct sim_draft *draft = sim_draft_new(s, mallory.self, RELOAD_MESSAGE_ERROR,
                                            (struct reload_bytes){nothing, sizeof nothing});
    sim_draft_to_node(draft, sim_node_id(s, 0));
    struct sim_arrival arrival = {.from = mallory.self, .to = 0, .bytes = sim_draft_seal(draft)};
    uint64_t checked = guard.checked_errors;
    for (int answered = 0; answered < 2; answered++) {
        s->inspect(s, &arrival, false, &guard);
        sim_node(s, 0)->counters.errors_sent += (uint64_t)answered;
        s->inspect(s, &arrival, true, &guard);
        expect(answered ? "V8" : NULL);
    }
    ck_assert_uint_eq(guard.checked_errors, checked + 2);
    sim_draft_free(draft);
    end();
}
END_TEST

/* What one peer forwards to another, for the resource just behind a third. */
static void
forward(uint32_t sender, uint32_t from, uint32_t to, uint32_t just_behind)
{
    struct attacker mallory = {sender, from, 0};
    struct sim_draft *draft = ping_draft(s, &mallory);
    struct reload_node_id resource = *sim_node_id(s, just_behind);
    resource.octets[15]++;
    sim_draft_via_node(draft, sim_node_id(s, sender));
    sim_draft_to_resource(draft, (struct reload_bytes){resource.octets, 16});
    struct sim_arrival arrival = {.from = from, .to = to, .bytes = sim_draft_seal(draft)};
    s->inspect(s, &arrival, false, &guard);
    s->inspect(s, &arrival, true, &guard);
    sim_draft_free(draft);
}

START_TEST(v8_hops)
{
    begin();
    sim_guard_calm(&guard);
    uint32_t ring[6];
    for (uint32_t i = 0; i < 6; i++)
        ring[i] = sim_successor_of(s, 0, i);
    forward(ring[0], ring[1], ring[3], ring[4]); /* nearer */
    forward(ring[0], ring[1], ring[5], ring[4]); /* who is responsible */
    forward(ring[3], ring[1], ring[0], ring[4]); /* not straight back to who is nearer */
    expect(NULL);
    ck_assert_uint_eq(guard.checked_hops, 2);
    forward(ring[0], ring[2], ring[1], ring[4]); /* away */
    expect("V8");
    end();
}
END_TEST

START_TEST(v8_hops_are_not_looked_at_before_the_ring_is_whole)
{
    begin();
    uint32_t a = sim_successor_of(s, 0, 1), b = sim_successor_of(s, 0, 2);
    forward(0, b, a, sim_successor_of(s, 0, 4));
    expect(NULL);
    end();
}
END_TEST

/* Hops are looked at when a ring that became whole has settled, and no more when something is
 * wrong. */
START_TEST(v8_hops_are_looked_at_when_the_ring_has_settled)
{
    begin();
    uint32_t ring[5];
    for (uint32_t i = 0; i < 5; i++)
        ring[i] = sim_successor_of(s, 0, i);
    sim_guard_hops(&guard, true);
    forward(ring[0], ring[2], ring[1], ring[4]);
    sim_run_for(s, SIM_GUARD_SETTLE_NS + 1);
    sim_guard_hops(&guard, false);
    forward(ring[0], ring[2], ring[1], ring[4]);
    sim_guard_hops(&guard, true);
    sim_run_for(s, SIM_GUARD_SETTLE_NS + 1);
    sim_guard_leaving(&guard, true);
    sim_run_for(s, SIM_GUARD_SETTLE_NS + 1);
    forward(ring[0], ring[2], ring[1], ring[4]);
    sim_guard_leaving(&guard, false);
    forward(ring[0], ring[2], ring[1], ring[4]);
    expect(NULL);
    ck_assert_uint_eq(guard.checked_hops, 0);
    sim_run_for(s, SIM_GUARD_SETTLE_NS + 1);
    forward(ring[0], ring[2], ring[1], ring[4]);
    expect("V8");
    end();
}
END_TEST

/* What nodes would say that never come to rest. */
static void
chatter(unsigned times)
{
    for (unsigned n = 0; n < times; n++) {
        for (uint32_t i = 0; i < RING; i++) {
            struct reload_route route = reload_route_to_node(sim_node_id(s, (i + 1) % RING));
            ck_assert_int_eq(reload_node_ping(sim_node(s, i), &route, 0, (struct reload_bytes){0},
                                              NULL, NULL, sim_now(s)),
                             0);
            sim_turn(s, i);
        }
        sim_run_for(s, SIM_MS(100));
    }
}

/* All peers begin anew at once; real datagrams, so that the probes of idle links count. In the
 * second row they have much to say afterwards. */
START_TEST(v8_restart_of_all)
{
    struct sim_options options = ring_options();
    options.successors = sim_chord_successors;
    options.links = SIM_LINKS_DATAGRAMS;
    options.disks = true;
    s = sim_new(1, &options);
    findings = (struct findings){0};
    ring_grow(s, RING);
    sim_run_for(s, SIM_MINUTES(5));
    sim_guard_begin(&guard, s, (struct sim_finder){note, &findings});
    uint64_t octets = sim_wire_bytes(s);
    sim_run_for(s, SIM_MINUTES(5));
    sim_guard_restart(&guard, (double)(sim_wire_bytes(s) - octets) / 300);
    for (uint32_t i = 0; i < RING; i++)
        sim_kill(s, i);
    for (uint32_t i = 0; i < RING; i++)
        sim_restart_from(s, i, SIM_DISK_KEPT, 0);
    sim_run_for(s, SIM_GUARD_RESTART_NS - SIM_MINUTES(1));
    chatter(_i ? 400 : 0);
    sim_run_for(s, guard.restart.at_ns + SIM_GUARD_RESTART_NS - sim_now(s));
    ck_assert(sim_is_whole(s, NULL));
    sim_guard_judge_restart(&guard);
    expect(_i ? "V8" : NULL);
    end();
}
END_TEST

/* What only answers for frames is not counted among what is said. */
START_TEST(v8_acknowledgements_are_no_messages)
{
    begin();
    uint8_t message[64] = {0}, data[128], ack[32];
    size_t size = sim_frame_data(1, (struct reload_bytes){message, sizeof message}, data, 128);
    size_t probe = sim_frame_data(2, (struct reload_bytes){0}, data + size, 128 - size);
    const struct reload_bytes frames[] = {
        {data, size}, {data + size, probe}, {ack, sim_frame_ack(1, 0, ack, sizeof ack)}};
    for (size_t i = 0; i < 3; i++) {
        struct sim_arrival arrival = {
            .from = 1, .to = 2, .bytes = frames[i], .framing = RELOAD_FRAMING_DATAGRAM};
        uint64_t before = guard.arrivals;
        s->inspect(s, &arrival, false, &guard);
        s->inspect(s, &arrival, true, &guard);
        ck_assert_uint_eq(guard.arrivals - before, i == 0);
    }
    expect(NULL);
    end();
}
END_TEST

START_TEST(v8_storm)
{
    begin();
    struct attacker mallory = attacker_at(s, 0);
    sim_guard_calm(&guard);
    for (int i = 0; i < 65 * (RING + 1) * SIM_GUARD_QUIET_MAX; i++) {
        struct sim_draft *draft = ping_draft(s, &mallory);
        sim_draft_to_node(draft, sim_node_id(s, 1));
        sim_puppet_say(s, mallory.self, mallory.link, sim_draft_seal(draft));
        sim_draft_free(draft);
        sim_run_for(s, SIM_MS(1));
        sim_puppet_forget(s, mallory.self);
    }
    sim_run_for(s, SIM_MINUTES(1));
    sim_guard_judge(&guard);
    expect("V8");
    end();
}
END_TEST

/* The state must differ by what a message did, and by nothing else. */
START_TEST(v9_rejected_message_that_changes_something)
{
    begin();
    uint32_t owner = 1, responsible = sim_successor_of(s, 0, 3);
    uint8_t slot = sim_slot_at(s, owner, responsible);
    ck_assert_uint_ne(slot, 0);
    static uint8_t octets[1];
    struct sim_arrival arrival = {
        .from = 0, .to = responsible, .spoiled = true, .bytes = {octets, sizeof octets}};
    s->inspect(s, &arrival, false, &guard);
    s->inspect(s, &arrival, true, &guard);
    expect(NULL);
    sim_inspect_fn *inspect = s->inspect;
    inspect(s, &arrival, false, &guard);
    sim_inspect(s, NULL, NULL); /* what happens now is the spoiled message's doing */
    ck_assert_int_eq(sim_store(s, owner, slot, "x").error, 0);
    inspect(s, &arrival, true, &guard);
    expect("V9");
    end();
}
END_TEST

/* ---- V13 ---- */

START_TEST(v13_levels)
{
    ck_assert_uint_eq(sim_trust_level(1, 20), 0);
    ck_assert_uint_eq(sim_trust_level(1, 19), 1);
    ck_assert_uint_eq(sim_trust_level(2, 10), 2);
    ck_assert_uint_eq(sim_trust_level(3, 14), SIM_TRUST_LEVELS);
    ck_assert_uint_eq(sim_trust_level(0, 1), 0);
}
END_TEST

/* Histories that keep what is promised by chance, and that do not. */
START_TEST(v13_promises)
{
    static const struct {
        size_t level;
        uint64_t asked, right;
        bool kept;
    } rows[] = {{0, 0, 0, true},          {0, 10, 9, true},         {0, 10, 8, false},
                {0, 10000, 9985, true},   {0, 10000, 9970, false},  {1, 1000, 985, true},
                {1, 1000, 970, false},    {2, 1000, 940, true},     {2, 1000, 920, false},
                {2, 100000, 94900, true}, {2, 100000, 94000, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sim_trust trust = {0};
        trust.asked[rows[i].level] = rows[i].asked;
        trust.right[rows[i].level] = rows[i].right;
        ck_assert_msg(sim_trust_is_kept(&trust, rows[i].level) == rows[i].kept, "row %zu", i);
    }
}
END_TEST

/* ---- scenarios ---- */

/* The second stream changes nothing of the first: not its faults, nor anything else. */
START_TEST(streams_are_apart)
{
    unsigned more = 0, alone = 0;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct sim_scenario scenario;
        sim_scenario_draw(seed, &scenario);
        size_t first = scenario.first_fault_count;
        ck_assert_uint_le(first, scenario.fault_count);
        more += scenario.fault_count > first;
        for (size_t i = 0; i < scenario.fault_count; i++)
            ck_assert_int_eq(scenario.faults[i].class >= SIM_FAULT_CLASSES_FIRST, i >= first);
        alone += first > 0 && scenario.faults[0].dropped;
        sim_scenario_plain(&scenario);
        for (size_t i = 0; i < scenario.fault_count; i++)
            ck_assert_int_eq(scenario.faults[i].dropped, i >= first);
    }
    ck_assert_uint_gt(more, 150);
    ck_assert_uint_lt(more, 280);
    ck_assert_uint_gt(alone, 5); /* liars alone */
}
END_TEST

static const struct named_test tests[] = {
    {&honest_ring, 0, 0},
    {&v6_requests, 0, 0},
    {&v7_memory, 0, 0},
    {&v7_tables, 0, 0},
    {&v7_each_table, 0, V7_TABLES},
    {&v7_links, 0, 3},
    {&v7_values, 0, 0},
    {&v8_error_for_an_error, 0, 0},
    {&v8_hops, 0, 0},
    {&v8_hops_are_not_looked_at_before_the_ring_is_whole, 0, 0},
    {&v8_hops_are_looked_at_when_the_ring_has_settled, 0, 0},
    {&v8_restart_of_all, 0, 2},
    {&v8_acknowledgements_are_no_messages, 0, 0},
    {&v8_storm, 0, 0},
    {&v9_rejected_message_that_changes_something, 0, 0},
    {&v13_levels, 0, 0},
    {&v13_promises, 0, 0},
    {&streams_are_apart, 0, 0},
};

int
main(void)
{
    return run_tests("guard", tests, sizeof tests / sizeof *tests);
}
