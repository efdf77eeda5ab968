/* chores_test.c: the checks of appends, of requests with two Kinds, and of disks find what they are
 * there for.
 *
 * RFC 6940 6.2.1, 7.4.1. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/node_internal.h"
#include "tests/sim/fixture.h"
#include "tools/sim/sim_chord.h"
#include "tools/sim/sim_chores.h"
#include "tools/sim/sim_internal.h"
#include "tools/sim/sim_reload.h"

#define RING 8

static struct sim *s;
static struct sim_chores *chores;
static char found[16];

static void
note(void *argument, const char *invariant, const char *what)
{
    (void)argument;
    (void)what;
    snprintf(found, sizeof found, "%s", invariant);
}

static void
begin(void)
{
    struct sim_options options = ring_options();
    options.successors = sim_chord_successors;
    options.disks = true;
    s = sim_new(1, &options);
    ring_grow(s, RING);
    found[0] = 0;
    chores = sim_chores_begin(s, 1, 4, 40, sim_now(s) + SIM_SECONDS(20),
                              (struct sim_finder){note, NULL});
    sim_run_for(s, SIM_SECONDS(60));
}

static void
end(void)
{
    sim_chores_free(chores);
    sim_free(s);
}

START_TEST(honest_ring)
{
    begin();
    unsigned acknowledged = 0;
    for (size_t i = 0; i < chores->count; i++)
        acknowledged += chores->list[i].acknowledged;
    ck_assert_uint_ge(acknowledged, 38);
    sim_chores_audit(chores, true);
    ck_assert_str_eq(found, "");
    ck_assert_uint_gt(chores->checked_pairs, 4);
    ck_assert_uint_gt(chores->checked_appends, 10);
    end();
}
END_TEST

/* The texts of one owner's array: as they are, with one twice, without one. */
START_TEST(v10_appends)
{
    static const char *const expected[] = {"", "V10", "V10", ""};
    begin();
    char texts[SIM_APPENDS_MAX + 1][32] = {{0}};
    size_t count = 0;
    for (size_t i = 0; i < chores->count; i++)
        if (chores->list[i].owner == 0 && chores->list[i].appends)
            snprintf(texts[count++], 32, "chore %u of 0", (unsigned)chores->list[i].number);
    ck_assert_uint_gt(count, 1);
    if (_i == 3) /* some were cut off meanwhile */
        sim_chores_cut(chores, chores->list[0].begun_ns, sim_now(s));
    if (_i % 2 == 1)
        memcpy(texts[count++], texts[0], 32);
    if (_i == 2)
        count--;
    sim_chores_judge(chores, 0, texts, count, true);
    ck_assert_str_eq(found, expected[_i]);
    end();
}
END_TEST

/* A node that has half of a request: what it holds of one Kind is an earlier request's. */
START_TEST(v10_half_of_a_request)
{
    begin();
    uint32_t holder = SIM_NOBODY;
    struct reload_stored *stored = NULL;
    for (uint32_t i = 0; i < RING && holder == SIM_NOBODY; i++) {
        const struct reload_storage *storage = &sim_node(s, i)->storage;
        const struct reload_resource *resource =
            reload_storage_after(storage, (struct reload_bytes){0});
        for (; resource && !stored;
             resource = reload_storage_after(storage, reload_resource_id(resource)))
            for (const struct reload_stored_kind *kind = resource->kinds; kind; kind = kind->next)
                if (kind->row->kind == SIM_KIND_USER)
                    stored = reload_stored_from(kind, (struct reload_bytes){0});
        holder = stored ? i : SIM_NOBODY;
    }
    ck_assert_ptr_nonnull(stored);
    sim_chores_look(chores, holder, true);
    ck_assert_str_eq(found, "");
    uint8_t *digit = (uint8_t *)(uintptr_t)stored->payload.data + strlen("chore ");
    *digit = *digit == '9' ? '8' : (uint8_t)(*digit + 1);
    sim_chores_look(chores, holder, false);
    ck_assert_str_eq(found, ""); /* for a while */
    if (_i == 0) {
        sim_run_for(s, SIM_SECONDS(31));
        sim_chores_look(chores, holder, false);
    } else {
        sim_chores_look(chores, holder, true);
    }
    ck_assert_str_eq(found, "V10");
    end();
}
END_TEST

enum { V12_AS_IT_IS, V12_RECORD_LOST, V12_RECORD_SPOILED, V12_DISK_FAILED, V12_ROWS };

START_TEST(v12_disks)
{
    begin();
    uint32_t node = 0;
    while (node < RING && sim_host_of(s, node)->disk.count < 4)
        node++;
    ck_assert_uint_lt(node, RING);
    struct sim_disk *disk = &sim_host_of(s, node)->disk;
    size_t value = 0; /* a value's record: certificates may be there in vain */
    while (disk->records[value].key.data[0] != 'V')
        value++;
    struct reload_bytes key = disk->records[value].key;
    uint8_t copy[RELOAD_PERSIST_KEY_MAX];
    memcpy(copy, key.data, key.size);
    uint64_t trace = sim_trace_hash(s), memory = sim_memory(s, node);
    if (_i == V12_RECORD_LOST || _i == V12_DISK_FAILED)
        sim_disk_write(disk, (struct reload_bytes){copy, key.size}, (struct reload_bytes){0});
    if (_i == V12_RECORD_SPOILED)
        ((uint8_t *)(uintptr_t)disk->records[value].value.data)[20] ^= 1;
    if (_i == V12_DISK_FAILED) {
        sim_disk_fails(s, node, true);
        ck_assert_int_eq(sim_store(s, node, sim_slot_at(s, node, node), "lost").error, 0);
        trace = sim_trace_hash(s);
        memory = sim_memory(s, node);
    }
    struct sim_reload_result result = sim_reload(s, node);
    ck_assert_uint_gt(result.records, 2);
    ck_assert_int_eq(result.same, _i == V12_AS_IT_IS);
    ck_assert_int_eq(result.refused > 0, _i == V12_RECORD_SPOILED);
    ck_assert_int_eq(result.comparable, _i != V12_DISK_FAILED);
    ck_assert_uint_eq(sim_trace_hash(s), trace); /* nothing happened by that */
    ck_assert_uint_eq(sim_memory(s, node), memory);
    end();
}
END_TEST

static const struct named_test tests[] = {
    {&honest_ring, 0, 0},
    {&v10_appends, 0, 4},
    {&v10_half_of_a_request, 0, 2},
    {&v12_disks, 0, V12_ROWS},
};

int
main(void)
{
    return run_tests("chores", tests, sizeof tests / sizeof *tests);
}
