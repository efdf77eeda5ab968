/* ledger_test.c: what judges users' records, and the ring as a whole, finds what is there for it:
 * each test makes something happen to a small ring that must not be, and the same without it.
 *
 * RFC 6940 7.4, 10.4, 10.7. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"

#include "reload/core/node_internal.h"
#include "tools/sim/sim_chord.h"
#include "tools/sim/sim_copies.h"
#include "tools/sim/sim_fault_class.h"
#include "tools/sim/sim_fault_host.h"
#include "tools/sim/sim_internal.h"
#include "tools/sim/sim_ledger.h"
#include "topology/chord.h"

#include <string.h>

#define RING 8
#define OWNER 2

static struct sim *s;
static struct sim_scenario scenario;
static struct sim_verdict verdict;
static struct sim_trial trial;
static uint8_t place[16];
static const struct reload_bytes resource = {place, sizeof place};

/* A ring in which OWNER does |count| |deeds|, a second apart, to his one record. */
static void
begin(const enum sim_deed_type *deeds, size_t count)
{
    struct sim_options options = ring_options();
    options.disks = true;
    s = sim_new(1, &options);
    ring_grow(s, RING);
    scenario = (struct sim_scenario){
        .peers = RING, .record_count = 1, .owners = {OWNER}, .deed_count = count};
    for (size_t i = 0; i < count; i++)
        scenario.deeds[i] = (struct sim_deed){.type = deeds[i], .at_ns = SIM_SECONDS(i), .pick = 5};
    verdict = (struct sim_verdict){.recovery_ns = 0};
    trial = (struct sim_trial){.scenario = &scenario,
                               .sim = s,
                               .verdict = &verdict,
                               .peers = RING,
                               .begin_ns = sim_now(s) + 1};
    trial.ledger = sim_ledger_begin(&trial);
    sim_slot_resource(s, OWNER, trial.ledger->records[0].slot, place);
}

static void
end(void)
{
    sim_ledger_free(trial.ledger);
    sim_free(s);
}

/* What was found; "" for nothing. */
static void
expect(const char *invariant)
{
    const char *found = verdict.violation_count ? verdict.violations[0].invariant : "";
    ck_assert_msg(strcmp(found, invariant) == 0, "found %s: %s", found, verdict.violations[0].what);
}

static void
drop_at(uint32_t node)
{
    struct reload_storage *storage = &sim_node(s, node)->storage;
    struct reload_resource *found = reload_storage_find(storage, resource);
    if (found)
        reload_storage_drop(storage, found, sim_now(s));
}

/* Who holds the record, the responsible peer first. */
static size_t
find_holders(uint32_t holders[RING])
{
    size_t count = 0;
    uint32_t first = sim_responsible(s, 0, resource);
    for (uint32_t i = 0; i < RING; i++) {
        uint32_t node = sim_successor_of(s, first, i);
        if (sim_copy_at(s, node, resource) > 0)
            holders[count++] = node;
    }
    return count;
}

/* ---- V3 ---- */

enum {
    V3_AS_IT_IS,
    V3_REMOVED, /* a removal has copies like any value */
    V3_GONE,    /* and nobody died */
    V3_ONE_DIED_AND_GONE,
    V3_ALL_DIED,
    V3_ONLY_COPY_DIED,             /* though there should have been others */
    V3_ONLY_COPY_DIED_AFTER_A_CUT, /* which kept others from having one */
    V3_ONE_COPY,
    V3_NOT_WHERE_IT_IS_LOOKED_FOR,
    V3_REMOVAL_GONE,
    V3_ROWS
};

static void
kill_holder(uint32_t node)
{
    struct sim_death death = sim_ledger_dying(trial.ledger, node);
    sim_kill(s, node);
    sim_ledger_death(trial.ledger, &death);
}

static void
take_away(int row, const uint32_t *holders, size_t count)
{
    bool alone = row == V3_ONLY_COPY_DIED || row == V3_ONLY_COPY_DIED_AFTER_A_CUT;
    for (size_t i = 1; i < count && alone; i++)
        drop_at(holders[i]);
    if (row == V3_ONLY_COPY_DIED_AFTER_A_CUT)
        trial.lasted_until_ns = sim_now(s);
    if (alone)
        kill_holder(holders[0]);
    for (size_t i = 0; i < count && !alone; i++)
        if (row == V3_ALL_DIED || (row == V3_ONE_DIED_AND_GONE && i == 0))
            kill_holder(holders[i]);
        else if (row == V3_GONE || row == V3_ONE_DIED_AND_GONE || row == V3_REMOVAL_GONE ||
                 (row == V3_ONE_COPY && i > 0) || (row == V3_NOT_WHERE_IT_IS_LOOKED_FOR && i == 0))
            drop_at(holders[i]);
}

START_TEST(v3_records)
{
    static const char *const expected[V3_ROWS] = {"",   "", "V3", "V3", "",
                                                  "V3", "", "V3", "V3", "V3"};
    const enum sim_deed_type deeds[] = {SIM_DEED_STORE, SIM_DEED_STORE,
                                        _i == V3_REMOVED || _i == V3_REMOVAL_GONE ? SIM_DEED_REMOVE
                                                                                  : SIM_DEED_FETCH};
    uint32_t holders[RING];
    begin(deeds, 3);
    sim_run_for(s, SIM_SECONDS(60));
    ck_assert_uint_eq(verdict.deeds_succeeded, 3);
    size_t count = find_holders(holders);
    ck_assert_uint_eq(count, SIM_COPIES);
    for (size_t i = 0; i < count && _i == V3_ALL_DIED; i++)
        ck_assert_uint_ne(holders[i], OWNER);
    take_away(_i, holders, count);
    if (_i >= V3_ALL_DIED && _i <= V3_ONLY_COPY_DIED_AFTER_A_CUT)
        wait_until_whole(s, SIM_SECONDS(60));
    sim_ledger_audit(trial.ledger);
    expect(expected[_i]);
    bool lost = (_i >= V3_GONE && _i <= V3_ONLY_COPY_DIED_AFTER_A_CUT) || _i == V3_REMOVAL_GONE;
    ck_assert_uint_eq(verdict.records_lost, lost);
    end();
}
END_TEST

/* ---- V4 ---- */

/* A value as it was stored, to come back. */
static uint8_t before[1024];
static size_t before_size;

static struct reload_stored *
stored_at(uint32_t node)
{
    const struct reload_resource *at = reload_storage_find(&sim_node(s, node)->storage, resource);
    return reload_stored_from(at->kinds, (struct reload_bytes){0});
}

/* What no message can do: |node| has what it had before. */
static void
put_back(uint32_t node)
{
    struct reload_node *real = sim_node(s, node);
    struct reload_keyring *owner = &sim_host_of(s, OWNER)->keyring.keyring;
    struct reload_reader reader = reload_reader_of((struct reload_bytes){before, before_size});
    struct reload_stage stage;
    struct reload_stage_kind *kind;
    struct reload_value value;
    drop_at(node);
    reload_marks_fini(&real->storage.marks);
    ck_assert(reload_value_next(&reader, &real->wire, RELOAD_DATA_MODEL_SINGLE_VALUE, &value));
    ck_assert_int_eq(reload_stage_begin(&stage, &real->storage, resource, false, sim_now(s)), 0);
    ck_assert_int_eq(
        reload_stage_kind(&stage, reload_kinds_find(&real->kinds, SIM_KIND_SLOT), 0, &kind), 0);
    ck_assert_int_eq(reload_stage_value(kind, &value, owner->ops->self(owner)), 0);
    ck_assert_int_eq(reload_stage_prepare(&stage), 0);
    (void)reload_stage_commit(&stage);
}

enum {
    V4_AS_IT_IS,
    V4_VALUE_IS_BACK,   /* at the peer that is asked */
    V4_REMOVED_IS_BACK, /* likewise, what was removed */
    V4_ONE_OLD_COPY,    /* for which nobody asks */
    V4_ROWS
};

START_TEST(v4_records)
{
    static const char *const said[V4_ROWS] = {"", "version 1 is back, version 2",
                                              "version 1 is back, removal 2", "older than"};
    const enum sim_deed_type deeds[] = {SIM_DEED_STORE, _i == V4_REMOVED_IS_BACK ? SIM_DEED_REMOVE
                                                                                 : SIM_DEED_STORE};
    uint32_t holders[RING];
    bool is_said = _i == V4_AS_IT_IS;
    begin(deeds, 2);
    sim_run_for(s, SIM_MS(900));
    ck_assert_uint_eq(find_holders(holders), SIM_COPIES);
    const struct reload_stored *first = stored_at(holders[0]);
    before_size = first->size;
    memcpy(before, first->bytes, before_size);
    sim_run_for(s, SIM_SECONDS(30));
    ck_assert_uint_eq(verdict.deeds_succeeded, 2);
    if (_i != V4_AS_IT_IS)
        put_back(holders[_i == V4_ONE_OLD_COPY]);
    sim_ledger_audit(trial.ledger);
    expect(_i == V4_AS_IT_IS ? "" : "V4");
    for (size_t i = 0; i < verdict.violation_count; i++)
        is_said = is_said || strstr(verdict.violations[i].what, said[_i]);
    ck_assert(is_said);
    end();
}
END_TEST

/* ---- V4, V5: what readers got ---- */

enum {
    READ_AS_IT_IS,
    READ_SAME_AGAIN,
    READ_OLDER, /* than the same reader saw before */
    READ_OLDER_BY_ANOTHER,
    READ_OLDER_IN_ANOTHER_LIFE,
    READ_OLDER_REMOVAL,
    READ_OF_ANOTHER_SIGNER,
    READ_OF_ANOTHER_RECORD,
    READ_NEVER_STORED,
    READ_ROWS
};

START_TEST(v4_v5_readers)
{
    static const char *const expected[READ_ROWS] = {"", "", "V4", "", "", "V4", "V5", "V5", "V5"};
    static const enum sim_deed_type deeds[] = {SIM_DEED_STORE, SIM_DEED_STORE};
    begin(deeds, 2);
    sim_run_for(s, SIM_SECONDS(30));
    struct sim_record *record = &trial.ledger->records[0];
    struct reload_keyring *keyring = &sim_host_of(s, OWNER)->keyring.keyring;
    struct reload_fetched_value value = {.kind = SIM_KIND_SLOT,
                                         .value = reload_bytes_of_string("record 0 version 2"),
                                         .exists = true,
                                         .storage_time_ms = record->acknowledged_ms,
                                         .signer = keyring->ops->self(keyring)};
    uint32_t reader = 5;
    sim_ledger_read(trial.ledger, record, reader, &value);
    expect("");
    if (_i == READ_OLDER_BY_ANOTHER)
        reader = 6;
    if (_i == READ_OLDER_IN_ANOTHER_LIFE) {
        sim_kill(s, reader);
        sim_restart(s, reader);
    }
    if (_i >= READ_OLDER && _i <= READ_OLDER_REMOVAL)
        value.storage_time_ms--;
    value.exists = _i != READ_OLDER_REMOVAL;
    struct reload_keyring *other = &sim_host_of(s, OWNER + 1)->keyring.keyring;
    if (_i == READ_OF_ANOTHER_SIGNER)
        value.signer = other->ops->self(other);
    if (_i == READ_OF_ANOTHER_RECORD)
        value.value = reload_bytes_of_string("record 1 version 2");
    if (_i == READ_NEVER_STORED)
        value.value = reload_bytes_of_string("record 0 version 3");
    sim_ledger_read(trial.ledger, record, reader, &value);
    expect(expected[_i]);
    end();
}
END_TEST

/* ---- V2 ---- */

static void
ignore_death(void *state, uint32_t link, const struct reload_node_id *node_id, int error,
             reload_time now)
{
    (void)state, (void)link, (void)node_id, (void)error, (void)now;
}

/* Chord as it is, and one that takes no notice of deaths. */
static struct reload_topology_ops
chord(bool blind)
{
    struct reload_topology_ops ops = reload_chord;
    if (blind)
        ops.link_down = ignore_death;
    return ops;
}

static bool
no_successor(const void *state, struct reload_node_id *successor)
{
    (void)state, (void)successor;
    return false;
}

static uint8_t
class_named(const char *name)
{
    size_t class = 0;
    while (class < sim_fault_class_count && strcmp(sim_fault_classes[class].name, name) != 0)
        class ++;
    ck_assert_uint_lt(class, sim_fault_class_count);
    return (uint8_t) class;
}

enum { V2_AS_IT_IS, V2_DEATH_NOT_SEEN, V2_NEVER_A_RING, V2_ROWS };

START_TEST(v2_rings)
{
    struct reload_topology_ops ops = chord(_i == V2_DEATH_NOT_SEEN);
    struct sim_options options = ring_options();
    struct sim_random random = sim_random_fork(1, 1);
    options.topology = &ops;
    options.successors = sim_chord_successors;
    if (_i == V2_NEVER_A_RING)
        options.successor = no_successor;
    scenario =
        (struct sim_scenario){.seed = 1,
                              .peers = RING,
                              .gap_ns = SIM_MS(300),
                              .network = {.delay_min_ns = SIM_MS(5), .delay_max_ns = SIM_MS(60)},
                              .length_ns = SIM_SECONDS(100),
                              .fault_count = 1,
                              .first_fault_count = 1};
    struct sim_fault *fault = &scenario.faults[0];
    fault->class = class_named("a peer dies");
    sim_fault_classes[fault->class].draw(fault, &random, false);
    fault->duration_ns = 0; /* for good */
    fault->at_ns = SIM_SECONDS(5);
    fault->pick = 3;
    sim_trial_run(&scenario, &options, &verdict);
    expect(_i == V2_AS_IT_IS ? "" : "V2");
    ck_assert((verdict.recovery_ns == SIM_NEVER) == (_i != V2_AS_IT_IS));
}
END_TEST

static const struct named_test tests[] = {
    {&v2_rings, 0, V2_ROWS},
    {&v3_records, 0, V3_ROWS},
    {&v4_records, 0, V4_ROWS},
    {&v4_v5_readers, 0, READ_ROWS},
};

int
main(void)
{
    return run_tests("ledger", tests, sizeof tests / sizeof *tests);
}
