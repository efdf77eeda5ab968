/* storage_test.c: what is stored: staged as a whole, expired, remembered, bounded. RFC
 * 6940 7.4.1.1, 7.4.1.3; D4, D8; attack rows S12, S13, S18.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/core/storage_fixture.h"

#include <stdio.h>

static struct fixture *f;
static struct draft draft;
static struct reload_bytes alice;
static uint8_t alice_octets[16];

static void
begin(void)
{
    f = fixture_new();
    alice = user_resource(f, "alice@example.org", alice_octets);
}

static const char *
single(void)
{
    return value_at(f, alice, KIND_SINGLE, (struct reload_bytes){0});
}

/* One value of KIND_SINGLE. */
static int
store_single(const char *string, uint64_t time, uint32_t lifetime_s, uint8_t replica_number)
{
    draft_begin(&draft, f, alice, replica_number);
    draft_kind(&draft, KIND_SINGLE, replica_number ? 9 : 0);
    draft_value(&draft, ALICE, KIND_SINGLE, (struct reload_bytes){0}, string, time, lifetime_s);
    draft_kind_end(&draft);
    return store(&draft, ALICE);
}

static void
wait(reload_time time)
{
    fixture_run(f, f->now + time);
}

START_TEST(values_end_with_their_lifetime)
{
    begin();
    ck_assert_int_eq(store_single("one", 1000, 10, 0), 0);
    wait(9 * RELOAD_SECOND);
    ck_assert_str_eq(single(), "one");
    wait(2 * RELOAD_SECOND);
    ck_assert_str_eq(single(), "-");
    ck_assert_uint_eq(reload_storage_resource_count(fixture_storage(f)), 0);
    ck_assert_uint_eq(fixture_storage(f)->octets, 0);
    ck_assert_uint_eq(fixture_storage(f)->certificates.octets, 0);
    fixture_free(f);
}
END_TEST

START_TEST(a_lifetime_of_nothing)
{
    begin();
    ck_assert_int_eq(store_single("one", 1000, 0, 0), 0);
    wait(1);
    ck_assert_str_eq(single(), "-");
    ck_assert_int_eq(store_single("old", 999, 10, 0), RELOAD_E_TOO_OLD);
    fixture_free(f);
}
END_TEST

/* D4: nobody brings back what has ended; the counter does not start again either. */
START_TEST(what_has_ended_stays_ended)
{
    begin();
    ck_assert_int_eq(store_single("one", 1000, 10, 0), 0);
    ck_assert_int_eq(store_single("two", 2000, 10, 0), 0);
    ck_assert_uint_eq(generation_at(f, alice, KIND_SINGLE), 2);
    wait(11 * RELOAD_SECOND);
    ck_assert_int_eq(store_single("one", 1000, 10, 1), RELOAD_E_TOO_OLD);
    ck_assert_int_eq(store_single("two", 2000, 10, 1), RELOAD_E_TOO_OLD);
    ck_assert_int_eq(store_single("three", 2001, 10, 0), 0);
    ck_assert_uint_eq(generation_at(f, alice, KIND_SINGLE), 3);
    fixture_free(f);
}
END_TEST

/* RFC6940 7.4.1.3, S16: removed values are values; when they end, the old ones stay out. */
/* RFC6940-7.4.1.3-02 */
START_TEST(removals_are_stored_and_end)
{
    begin();
    ck_assert_int_eq(store_single("one", 1000, 3600, 0), 0);
    draft_begin(&draft, f, alice, 0);
    draft_kind(&draft, KIND_SINGLE, 0);
    draft_removal(&draft, ALICE, KIND_SINGLE, (struct reload_bytes){0}, 2000, 10);
    draft_kind_end(&draft);
    ck_assert_int_eq(store(&draft, ALICE), 0);
    ck_assert_str_eq(single(), "x");
    ck_assert_int_eq(store_single("one", 1000, 3600, 1), RELOAD_E_TOO_OLD);
    wait(11 * RELOAD_SECOND);
    ck_assert_str_eq(single(), "-");
    ck_assert_int_eq(store_single("one", 1000, 3600, 1), RELOAD_E_TOO_OLD);
    fixture_free(f);
}
END_TEST

/* D4: not longer than a year, and not longer than the signer's certificate. */
START_TEST(lifetimes_are_bounded)
{
    begin();
    ck_assert_int_eq(store_single("one", 1000, UINT32_MAX, 0), 0);
    reload_time next = reload_storage_next_expiry(fixture_storage(f));
    ck_assert_uint_eq(next, f->now + RELOAD_LIFETIME_MAX_S * RELOAD_SECOND);
    f->wall_ms += UINT64_C(799) * 86400000; /* the certificate has a day left */
    ck_assert_int_eq(store_single("two", 2000, UINT32_MAX, 0), 0);
    next = reload_storage_next_expiry(fixture_storage(f));
    ck_assert_uint_eq(next, f->now + 86400 * RELOAD_SECOND);
    fixture_free(f);
}
END_TEST

/* A jump of the wall clock moves no expiry. */
START_TEST(expiry_is_monotonic)
{
    begin();
    ck_assert_int_eq(store_single("one", 1000, 10, 0), 0);
    f->wall_ms += 3600000;
    wait(5 * RELOAD_SECOND);
    ck_assert_str_eq(single(), "one");
    f->wall_ms -= 7200000;
    wait(6 * RELOAD_SECOND);
    ck_assert_str_eq(single(), "-");
    fixture_free(f);
}
END_TEST

/* RFC6940 7.4.1.1: a peer that hands a value on decrements its lifetime. */
/* RFC6940-7.4.1.1-20, RFC6940-7.4.1.1-21 */
START_TEST(lifetimes_run_down)
{
    uint8_t octets[512];
    begin();
    ck_assert_int_eq(store_single("one", 1000, 100, 0), 0);
    wait(30 * RELOAD_SECOND + RELOAD_SECOND / 2);
    struct reload_stored *stored =
        (struct reload_stored *)reload_storage_find(fixture_storage(f), alice)->kinds->values.root;
    struct reload_writer writer = reload_writer_of(octets, sizeof octets);
    reload_stored_write(stored, &writer, f->now);
    ck_assert_uint_eq(writer.size, stored->size);
    ck_assert_mem_eq(octets + RELOAD_VALUE_LIFETIME_OFFSET, "\0\0\0\105", 4); /* 69 */
    ck_assert(reload_value_same(reload_writer_written(&writer),
                                (struct reload_bytes){stored->bytes, stored->size}));
    fixture_free(f);
}
END_TEST

/* Three Kinds, six values, of two signers: a request with everything in it. */
static void
draft_much(uint8_t replica_number, uint64_t time)
{
    draft_begin(&draft, f, alice, replica_number);
    draft_kind(&draft, KIND_SINGLE, replica_number);
    draft_value(&draft, ALICE, KIND_SINGLE, (struct reload_bytes){0}, "single", time, 100);
    draft_kind_end(&draft);
    draft_kind(&draft, KIND_DICTIONARY, replica_number);
    draft_value(&draft, ALICE, KIND_DICTIONARY, text("a"), "A", time, 200);
    draft_value(&draft, ALICE_TOO, KIND_DICTIONARY, text("b"), "B", time, 300);
    draft_removal(&draft, ALICE, KIND_DICTIONARY, text("c"), time, 300);
    draft_kind_end(&draft);
    draft_kind(&draft, KIND_ARRAY, replica_number);
    draft_value(&draft, ALICE, KIND_ARRAY, at(0), "0", time, 400);
    draft_value(&draft, ALICE_TOO, KIND_ARRAY, at(2), "2", time, 400);
    draft_kind_end(&draft);
}

static void
is_all_there(void)
{
    ck_assert_str_eq(single(), "single");
    ck_assert_str_eq(value_at(f, alice, KIND_DICTIONARY, text("a")), "A");
    ck_assert_str_eq(value_at(f, alice, KIND_DICTIONARY, text("b")), "B");
    ck_assert_str_eq(value_at(f, alice, KIND_DICTIONARY, text("c")), "x");
    ck_assert_str_eq(value_at(f, alice, KIND_ARRAY, at(0)), "0");
    ck_assert_str_eq(value_at(f, alice, KIND_ARRAY, at(1)), "-");
    ck_assert_str_eq(value_at(f, alice, KIND_ARRAY, at(2)), "2");
}

/* S12: whichever allocation fails, all is stored or nothing has changed. */
static void
every_allocation_fails(uint64_t first, uint64_t second)
{
    for (size_t i = 1;; i++) {
        begin();
        if (first) {
            draft_much(0, first);
            ck_assert_int_eq(store(&draft, ALICE), 0);
        }
        uint64_t before = fingerprint(f);
        draft_much(0, second);
        (void)draft_end(&draft);
        f->allocations = 0;
        f->fail_at = i;
        static struct question question;
        ask(f, &question, reload_handle_store, ALICE, reload_writer_written(&draft.writer),
            reload_writer_written(&draft.certificates));
        bool failed = f->allocations >= i;
        f->fail_at = 0;
        if (question.error)
            ck_assert_int_eq(question.error, RELOAD_E_NOMEM);
        if (question.error)
            ck_assert_uint_eq(fingerprint(f), before);
        else
            is_all_there();
        fixture_free(f);
        if (!failed)
            break;
        ck_assert_uint_lt(i, 500);
    }
}

START_TEST(s12_no_memory_for_new_values)
{
    every_allocation_fails(0, 1000);
}
END_TEST

/* RFC6940-7.4.1.1-03 */
START_TEST(s12_no_memory_to_replace_values)
{
    every_allocation_fails(1000, 2000);
}
END_TEST

/* S18: the peer's own bounds refuse what is new and keep what is old. */
START_TEST(s18_octets_are_bounded)
{
    begin();
    ck_assert_int_eq(store_single("one", 1000, 100, 0), 0);
    struct reload_storage *storage = fixture_storage(f);
    storage->octets_max = storage->octets + storage->certificates.octets;
    uint64_t before = fingerprint(f);
    ck_assert_int_eq(store_single("longer", 2000, 100, 0), RELOAD_E_TOO_LARGE);
    ck_assert_int_eq(store_one(f, BOB, KIND_SINGLE, (struct reload_bytes){0}, "bob", 1000),
                     RELOAD_E_TOO_LARGE);
    ck_assert_uint_eq(fingerprint(f), before);
    ck_assert_int_eq(store_single("two", 2000, 100, 0), 0); /* as large as before */
    ck_assert_str_eq(single(), "two");
    fixture_free(f);
}
END_TEST

START_TEST(s18_resources_are_bounded)
{
    begin();
    fixture_storage(f)->resource_count_max = 1;
    ck_assert_int_eq(store_single("one", 1000, 100, 0), 0);
    ck_assert_int_eq(store_one(f, BOB, KIND_SINGLE, (struct reload_bytes){0}, "bob", 1000),
                     RELOAD_E_TOO_LARGE);
    ck_assert_int_eq(store_single("two", 2000, 100, 0), 0);
    fixture_free(f);
}
END_TEST

/* As many as there may be, one more is refused, and the least and the greatest are found. */
START_TEST(s18_all_resources_there_may_be)
{
    begin();
    struct reload_node *node = f->peers[STORER].node;
    struct reload_storage *storage = &node->storage;
    const struct reload_kind *row = reload_kinds_find(&node->kinds, KIND_SINGLE);
    struct reload_keyring *keyring = &f->peers[ALICE].keyring.keyring;
    struct reload_value value;
    draft_begin(&draft, f, alice, 0);
    draft.writer.size = 0;
    draft_value(&draft, ALICE, KIND_SINGLE, (struct reload_bytes){0}, "v", 1000, 3600);
    struct reload_reader reader = reload_reader_of(reload_writer_written(&draft.writer));
    ck_assert(reload_value_next(&reader, &node->wire, RELOAD_DATA_MODEL_SINGLE_VALUE, &value));
    for (uint32_t i = 0; i <= RELOAD_RESOURCES_MAX; i++) {
        uint8_t id[16] = {0};
        uint32_t number = i * 2654435761u; /* all different, in no order */
        memcpy(id, &number, 4);
        struct reload_bytes resource = {id, 16};
        struct reload_stage stage;
        struct reload_stage_kind *kind;
        int error = reload_stage_begin(&stage, storage, resource, false, f->now);
        ck_assert_int_eq(error, i < RELOAD_RESOURCES_MAX ? 0 : RELOAD_E_TOO_LARGE);
        if (error)
            break;
        ck_assert_int_eq(reload_stage_kind(&stage, row, 0, &kind), 0);
        ck_assert_int_eq(reload_stage_value(kind, &value, keyring->ops->self(keyring)), 0);
        ck_assert_int_eq(reload_stage_prepare(&stage), 0);
        ck_assert_ptr_nonnull(reload_stage_commit(&stage));
        ck_assert_ptr_nonnull(reload_storage_closest(storage, row, resource));
    }
    ck_assert_uint_eq(reload_storage_resource_count(storage), RELOAD_RESOURCES_MAX);
    uint8_t last[16];
    memset(last, 0xff, sizeof last);
    struct reload_resource *first = reload_storage_after(storage, (struct reload_bytes){0});
    ck_assert_ptr_eq(reload_storage_closest(storage, row, (struct reload_bytes){last, 16}), first);
    struct reload_effect effect;
    while (reload_node_poll(node, &effect, f->now))
        ;
    fixture_free(f);
}
END_TEST

/* A resource that is dropped because another peer has it may come back, but not an older one. */
START_TEST(what_is_dropped_may_come_back)
{
    begin();
    ck_assert_int_eq(store_single("one", 1000, 100, 0), 0);
    ck_assert_int_eq(store_single("two", 2000, 100, 0), 0);
    struct reload_storage *storage = fixture_storage(f);
    reload_storage_drop(storage, reload_storage_find(storage, alice), f->now);
    ck_assert_str_eq(single(), "-");
    ck_assert_uint_eq(storage->octets, 0);
    ck_assert_int_eq(store_single("one", 1000, 100, 1), RELOAD_E_TOO_OLD);
    ck_assert_int_eq(store_single("two", 2000, 100, 1), 0);
    ck_assert_str_eq(single(), "two");
    fixture_free(f);
}
END_TEST

/* Many values that end together end in steps, and all of them. */
START_TEST(many_end_at_once)
{
    static char name[3000][8];
    begin();
    struct reload_storage *storage = fixture_storage(f);
    ((struct reload_kind *)(void *)reload_kinds_find(storage->kinds, KIND_DICTIONARY))->max_count =
        5000;
    for (int i = 0; i < 3000; i++) {
        (void)snprintf(name[i], sizeof name[i], "%d", i);
        if (i % 100 == 0)
            draft_begin(&draft, f, alice, 0), draft_kind(&draft, KIND_DICTIONARY, 0);
        draft_value(&draft, ALICE, KIND_DICTIONARY, text(name[i]), "v", 1000, 10);
        if (i % 100 == 99) {
            draft_kind_end(&draft);
            ck_assert_int_eq(store(&draft, ALICE), 0);
        }
    }
    ck_assert_uint_eq(storage->value_count, 3000);
    f->now += 10 * RELOAD_SECOND;
    reload_node_timeout(f->peers[STORER].node, f->now);
    ck_assert_uint_eq(storage->value_count, 3000 - RELOAD_EXPIRIES_MAX);
    wait(RELOAD_SECOND);
    ck_assert_uint_eq(storage->value_count, 0);
    ck_assert_uint_eq(reload_storage_resource_count(storage), 0);
    fixture_free(f);
}
END_TEST

/* ---- what is to be kept beyond the process ----------------------------------------------------
 */

struct records {
    unsigned values, certificates, value_ends, certificate_ends;
};

static struct records
persisted(void)
{
    struct records records = {0};
    struct reload_effect effect;
    while (reload_node_poll(f->peers[STORER].node, &effect, f->now)) {
        if (effect.type != RELOAD_EFFECT_PERSIST)
            continue;
        bool ends = effect.value.size == 0;
        if (effect.key.data[0] == 'V')
            *(ends ? &records.value_ends : &records.values) += 1;
        if (effect.key.data[0] == 'C')
            *(ends ? &records.certificate_ends : &records.certificates) += 1;
    }
    return records;
}

START_TEST(each_commit_is_persisted)
{
    begin();
    draft_much(0, 1000);
    ck_assert_int_eq(store(&draft, ALICE), 0);
    struct records records = persisted();
    ck_assert_uint_eq(records.values, 6);
    ck_assert_uint_eq(records.certificates, 2);
    ck_assert_uint_eq(records.value_ends + records.certificate_ends, 0);
    f->now += 401 * RELOAD_SECOND;
    reload_node_timeout(f->peers[STORER].node, f->now);
    records = persisted();
    ck_assert_uint_eq(records.value_ends, 6);
    ck_assert_uint_eq(records.certificate_ends, 2);
    ck_assert_uint_eq(records.values, 3); /* to bear the counter, while others are left */
    ck_assert_uint_eq(records.certificates, 0);
    fixture_free(f);
}
END_TEST

/* The certificate of a signer goes with the last value of hers, also when another's takes its
 * place.
 */
START_TEST(certificates_go_with_their_values)
{
    begin();
    for (int i = 0; i < 2; i++) {
        enum peer_name signer = i ? ALICE_TOO : ALICE;
        draft_begin(&draft, f, alice, 0);
        draft_kind(&draft, KIND_SINGLE, 0);
        draft_value(&draft, signer, KIND_SINGLE, (struct reload_bytes){0}, "v", 1000 + (uint64_t)i,
                    60);
        draft_kind_end(&draft);
        ck_assert_int_eq(store(&draft, signer), 0);
        struct records records = persisted();
        ck_assert_uint_eq(records.certificates, 1);
        ck_assert_uint_eq(records.certificate_ends, (unsigned)i);
        ck_assert_uint_eq(records.value_ends, 0);
    }
    fixture_free(f);
}
END_TEST

START_TEST(what_is_refused_is_not_persisted)
{
    begin();
    draft_much(0, 1000);
    ck_assert_int_eq(store(&draft, BOB), RELOAD_E_FORBIDDEN);
    struct records records = persisted();
    ck_assert_uint_eq(records.values + records.certificates, 0);
    fixture_free(f);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("storage", values_end_with_their_lifetime, a_lifetime_of_nothing,
                     what_has_ended_stays_ended, removals_are_stored_and_end, lifetimes_are_bounded,
                     expiry_is_monotonic, lifetimes_run_down, s12_no_memory_for_new_values,
                     s12_no_memory_to_replace_values, s18_octets_are_bounded,
                     s18_resources_are_bounded, s18_all_resources_there_may_be,
                     what_is_dropped_may_come_back, many_end_at_once, each_commit_is_persisted,
                     certificates_go_with_their_values, what_is_refused_is_not_persisted);
}
