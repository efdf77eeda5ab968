/* store_test.c: Store, answered. RFC 6940 7.3, 7.4.1; D7, D8, D9; attack rows S1-S14, P29, C6, C7.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/core/storage_fixture.h"

static struct fixture *f;
static struct draft draft;
static struct question question;
static struct reload_bytes alice, none;
static uint8_t alice_octets[16];

static void
begin(void)
{
    f = fixture_new();
    alice = user_resource(f, "alice@example.org", alice_octets);
}

/* The usual request: one value of |kind|, signed and sent by alice. */
static int
store_as(uint8_t replica_number, uint64_t generation, uint32_t kind, struct reload_bytes key,
         const char *string, uint64_t time)
{
    draft_begin(&draft, f, alice, replica_number);
    draft_kind(&draft, kind, generation);
    draft_value(&draft, ALICE, kind, key, string, time, 3600);
    draft_kind_end(&draft);
    struct reload_bytes body = draft_end(&draft);
    ask(f, &question, reload_handle_store, ALICE, body, reload_writer_written(&draft.certificates));
    return question.error;
}

static int
store_single(uint64_t generation, const char *string, uint64_t time)
{
    return store_as(0, generation, KIND_SINGLE, none, string, time);
}

static const char *
single(void)
{
    return value_at(f, alice, KIND_SINGLE, none);
}

/* Counter and number of replicas that a StoreAns in |bytes| tells for its first Kind. */
static uint64_t
told_generation(struct reload_bytes bytes, size_t *replicas)
{
    const struct reload_wire *wire = &f->peers[STORER].node->wire;
    struct reload_store_ans answer;
    struct reload_store_kind_response response;
    struct reload_reader reader = reload_reader_of(bytes);
    ck_assert_int_eq(reload_store_ans_decode(&reader, wire, &answer), 0);
    ck_assert_uint_eq(reload_reader_left(&reader), 0);
    reader = reload_reader_of(answer.kind_responses);
    ck_assert(reload_store_kind_response_next(&reader, wire, &response));
    *replicas = response.replicas.size / 16;
    return response.generation_counter;
}

/* ---- storage times and counters ---------------------------------------------------------------
 */

/* RFC6940-7.4.1.1: greater than that of any values which would be replaced. */
START_TEST(s1_older_and_equal_storage_times)
{
    begin();
    ck_assert_int_eq(store_single(0, "one", 1000), 0);
    uint64_t before = fingerprint(f);
    ck_assert_int_eq(store_single(0, "two", 999), RELOAD_E_TOO_OLD);
    ck_assert_int_eq(store_single(0, "two", 1000), RELOAD_E_TOO_OLD);
    ck_assert_int_eq(store_single(0, "one", 1000), RELOAD_E_TOO_OLD); /* no replica: D8 */
    ck_assert_int_eq(store_as(1, 5, KIND_SINGLE, none, "two", 1000), RELOAD_E_TOO_OLD);
    ck_assert_uint_eq(fingerprint(f), before);
    ck_assert_int_eq(store_single(0, "two", 1001), 0);
    ck_assert_str_eq(single(), "two");
    fixture_free(f);
}
END_TEST

/* D8 (ii): the byte-identical value in a replica Store is a success, and nothing is verified again.
 */
START_TEST(s1_identical_replica)
{
    begin();
    ck_assert_int_eq(store_as(1, 5, KIND_SINGLE, none, "one", 1000), 0);
    uint64_t verified = f->peers[STORER].keyring.verified_count;
    reload_time expires = reload_storage_next_expiry(fixture_storage(f));
    f->now += 10 * RELOAD_SECOND;
    ck_assert_int_eq(store_as(1, 6, KIND_SINGLE, none, "one", 1000), 0);
    ck_assert_uint_eq(f->peers[STORER].keyring.verified_count, verified);
    ck_assert_uint_eq(generation_at(f, alice, KIND_SINGLE), 6);
    ck_assert_uint_eq(reload_storage_next_expiry(fixture_storage(f)), expires); /* D4 */
    fixture_free(f);
}
END_TEST

/* D9: later ones could never be replaced. */
START_TEST(s1_far_future)
{
    begin();
    ck_assert_int_eq(store_single(0, "one", UINT64_MAX), RELOAD_E_MALFORMED);
    ck_assert_int_eq(store_single(0, "one", UINT64_C(1) << 63), RELOAD_E_MALFORMED);
    ck_assert_int_eq(store_single(0, "one", (UINT64_C(1) << 63) - 2), 0);
    ck_assert_int_eq(store_single(0, "two", (UINT64_C(1) << 63) - 1), 0);
    fixture_free(f);
}
END_TEST

/* RFC6940-7.4.1.2: error_info MUST be a StoreAns with the correct counter and no replicas. */
START_TEST(s2_s3_generation_counters)
{
    size_t replicas;
    begin();
    f->peers[STORER].replica_count = 2;
    ck_assert_int_eq(store_single(0, "one", 1000), 0);
    ck_assert_uint_eq(told_generation(reload_writer_written(&question.answer.body), &replicas), 1);
    ck_assert_uint_eq(replicas, 2);
    ck_assert_int_eq(store_single(1, "two", 1001), 0);
    uint64_t before = fingerprint(f);
    ck_assert_int_eq(store_single(1, "three", 1002), RELOAD_E_GENERATION); /* lower */
    ck_assert_uint_eq(
        told_generation(reload_writer_written(&question.answer.error_info), &replicas), 2);
    ck_assert_uint_eq(replicas, 0);
    ck_assert_int_eq(store_single(3, "three", 1002), RELOAD_E_GENERATION); /* higher: D7 */
    ck_assert_uint_eq(
        told_generation(reload_writer_written(&question.answer.error_info), &replicas), 2);
    ck_assert_uint_eq(fingerprint(f), before);
    ck_assert_int_eq(store_single(2, "three", 1002), 0);
    ck_assert_uint_eq(generation_at(f, alice, KIND_SINGLE), 3);
    fixture_free(f);
}
END_TEST

/* 0 would mean that the counter is ignored. */
START_TEST(s3_the_counter_does_not_become_0)
{
    begin();
    ck_assert_int_eq(store_as(1, UINT64_MAX, KIND_SINGLE, none, "one", 1000), 0);
    ck_assert_uint_eq(generation_at(f, alice, KIND_SINGLE), UINT64_MAX);
    ck_assert_int_eq(store_single(UINT64_MAX, "two", 1001), 0);
    ck_assert_uint_eq(generation_at(f, alice, KIND_SINGLE), 1);
    fixture_free(f);
}
END_TEST

/* A counter for something that is not there. */
START_TEST(s3_counter_of_nothing)
{
    size_t replicas;
    begin();
    ck_assert_int_eq(store_single(1, "one", 1000), RELOAD_E_GENERATION);
    ck_assert_uint_eq(
        told_generation(reload_writer_written(&question.answer.error_info), &replicas), 0);
    ck_assert_str_eq(single(), "-");
    fixture_free(f);
}
END_TEST

/* RFC6940-7.4.1.1: replica Stores MUST NOT use a generation counter of 0, and set it otherwise. */
START_TEST(s4_replicas_and_counters)
{
    begin();
    ck_assert_int_eq(store_as(1, 0, KIND_SINGLE, none, "one", 1000), RELOAD_E_MALFORMED);
    ck_assert_str_eq(single(), "-");
    ck_assert_int_eq(store_as(1, 40, KIND_SINGLE, none, "one", 1000), 0);
    ck_assert_uint_eq(generation_at(f, alice, KIND_SINGLE), 40);
    ck_assert_int_eq(store_as(2, 30, KIND_SINGLE, none, "two", 1001), 0);
    ck_assert_uint_eq(generation_at(f, alice, KIND_SINGLE), 30);
    fixture_free(f);
}
END_TEST

/* ---- who may ask ---------------------------------------------------------------------------- */

START_TEST(s5_replicas_of_those_who_may_not)
{
    begin();
    f->peers[STORER].accepts_replica = f->peers[STORER].responsible = false;
    ck_assert_int_eq(store_as(1, 5, KIND_SINGLE, none, "one", 1000), RELOAD_E_FORBIDDEN);
    ck_assert_str_eq(single(), "-");
    /* The responsible peer takes back what a node of its replica set has, from no other. */
    f->peers[STORER].responsible = true;
    ck_assert_int_eq(store_as(1, 5, KIND_SINGLE, none, "one", 1000), RELOAD_E_FORBIDDEN);
    f->peers[STORER].replicas[0] = f->peers[ALICE].id;
    f->peers[STORER].replica_count = 1;
    ck_assert_int_eq(store_as(1, 5, KIND_SINGLE, none, "one", 1000), 0);
    fixture_free(f);
}
END_TEST

/* D7: not responsible is Error_Not_Found, which may be tried again. */
START_TEST(s6_not_responsible)
{
    begin();
    f->peers[STORER].responsible = false;
    ck_assert_int_eq(store_single(0, "one", 1000), RELOAD_E_NOT_FOUND);
    ck_assert_int_eq(store_as(1, 5, KIND_SINGLE, none, "one", 1000), 0); /* a replica may be */
    fixture_free(f);
}
END_TEST

/* One value of |kind| at |resource| by |signer| in a request of |sender|. */
static int
store_by(struct reload_bytes resource, uint32_t kind, struct reload_bytes key,
         enum peer_name signer, enum peer_name sender, uint8_t replica_number)
{
    static uint64_t time = 1000;
    draft_begin(&draft, f, resource, replica_number);
    draft_kind(&draft, kind, replica_number);
    draft_value(&draft, signer, kind, key, "v", time++, 3600);
    draft_kind_end(&draft);
    return store(&draft, sender);
}

struct permission {
    uint32_t kind;
    enum peer_name signer, sender;
    bool is_allowed; /* at alice's resource for this Kind; her first device's, where it matters */
};

/* RFC6940-7.3: both the signer of the StoredValue and of the StoreReq MUST conform to the policy.
 */
START_TEST(s7_policy_by_signer_and_sender)
{
    static const struct permission permissions[] = {
        {KIND_SINGLE, ALICE, ALICE, true},
        {KIND_SINGLE, ALICE_TOO, ALICE, true},
        {KIND_SINGLE, ALICE, ALICE_TOO, true},
        {KIND_SINGLE, ALICE, BOB, false},
        {KIND_SINGLE, BOB, ALICE, false},
        {KIND_SINGLE, BOB, BOB, false},
        {KIND_DEVICES, ALICE, ALICE, true},
        {KIND_DEVICES, ALICE_TOO, ALICE_TOO, false},
        {KIND_DEVICES, ALICE, ALICE_TOO, false},
        {KIND_DEVICES, ALICE_TOO, ALICE, false},
        {KIND_DEVICES, BOB, BOB, false},
        {KIND_NODE, ALICE, ALICE, true},
        {KIND_NODE, ALICE_TOO, ALICE_TOO, false},
        {KIND_NODE, ALICE, BOB, false},
        {KIND_NODE, BOB, ALICE, false},
        {KIND_MULTIPLE, ALICE, ALICE, true},
        {KIND_MULTIPLE, ALICE_TOO, ALICE_TOO, false},
        {KIND_MULTIPLE, BOB, BOB, false},
    };
    begin();
    struct reload_bytes device = {f->peers[ALICE].id.octets, 16};
    for (size_t i = 0; i < sizeof permissions / sizeof permissions[0]; i++) {
        const struct permission *p = &permissions[i];
        uint8_t octets[16];
        struct reload_bytes resource = alice;
        if (p->kind == KIND_NODE)
            resource = node_resource(f, ALICE, -1, octets);
        if (p->kind == KIND_MULTIPLE)
            resource = node_resource(f, ALICE, 2, octets);
        int error = store_by(resource, p->kind, device, p->signer, p->sender, 0);
        ck_assert_msg(error == (p->is_allowed ? 0 : RELOAD_E_FORBIDDEN), "row %zu: %d", i, error);
    }
    fixture_free(f);
}
END_TEST

START_TEST(s7_other_places)
{
    uint8_t octets[16];
    begin();
    /* Another device's key; a resource of somebody else; an iteration above the maximum. */
    struct reload_bytes key = {f->peers[BOB].id.octets, 16};
    ck_assert_int_eq(store_by(alice, KIND_DEVICES, key, ALICE, ALICE, 0), RELOAD_E_FORBIDDEN);
    ck_assert_int_eq(
        store_by(user_resource(f, "bob@example.org", octets), KIND_SINGLE, none, ALICE, ALICE, 0),
        RELOAD_E_FORBIDDEN);
    ck_assert_int_eq(
        store_by(node_resource(f, ALICE, 4, octets), KIND_MULTIPLE, none, ALICE, ALICE, 0),
        RELOAD_E_FORBIDDEN);
    /* A replica's sender need not be the owner; its signer must. */
    ck_assert_int_eq(store_by(alice, KIND_SINGLE, none, ALICE, BOB, 1), 0);
    ck_assert_int_eq(store_by(alice, KIND_SINGLE, none, BOB, BOB, 1), RELOAD_E_FORBIDDEN);
    fixture_free(f);
}
END_TEST

/* ---- signatures ----------------------------------------------------------------------------- */

/* Stores draft.writer's body, which is ended already, after a change at |offset| from its end. */
static int
store_garbled(size_t from_end, uint8_t change)
{
    struct reload_bytes body = reload_writer_written(&draft.writer);
    draft.octets[body.size - from_end] ^= change;
    ask(f, &question, reload_handle_store, ALICE, body, reload_writer_written(&draft.certificates));
    draft.octets[body.size - from_end] ^= change;
    return question.error;
}

static void
draft_single(uint64_t time)
{
    draft_begin(&draft, f, alice, 0);
    draft_kind(&draft, KIND_SINGLE, 0);
    draft_value(&draft, ALICE, KIND_SINGLE, none, "one", time, 3600);
    draft_kind_end(&draft);
    (void)draft_end(&draft);
}

/* From the end of the body: signature (72), its length (2), identity hash (32). */
START_TEST(s8_bad_signatures)
{
    begin();
    uint64_t before = fingerprint(f);
    draft_single(1000);
    ck_assert_int_eq(store_garbled(1, 1), RELOAD_E_FORBIDDEN);          /* the signature */
    ck_assert_int_eq(store_garbled(72 + 2 + 1, 1), RELOAD_E_FORBIDDEN); /* whose it is */
    ck_assert_uint_eq(fingerprint(f), before);
    ck_assert_int_eq(store_garbled(1, 0), 0);
    ck_assert_str_eq(single(), "one");
    fixture_free(f);
}
END_TEST

/* C7 for values: one that was signed for another Kind or another resource does not fit here. */
START_TEST(s8_signed_for_another_place)
{
    uint8_t octets[16];
    begin();
    draft_begin(&draft, f, alice, 0);
    draft_kind(&draft, KIND_SINGLE, 0);
    draft_value(&draft, ALICE, KIND_NODE, none, "one", 1000, 3600);
    draft_kind_end(&draft);
    ck_assert_int_eq(store(&draft, ALICE), RELOAD_E_FORBIDDEN);
    draft_begin(&draft, f, alice, 0);
    draft_kind(&draft, KIND_SINGLE, 0);
    memcpy(draft.resource, node_resource(f, ALICE, -1, octets).data, 16); /* signed for that */
    draft_value(&draft, ALICE, KIND_SINGLE, none, "one", 1000, 3600);
    draft_kind_end(&draft);
    ck_assert_int_eq(store(&draft, ALICE), RELOAD_E_FORBIDDEN);
    ck_assert_str_eq(single(), "-");
    fixture_free(f);
}
END_TEST

/* C6: algorithms that are not to be trusted, in a Store. */
START_TEST(c6_weak_algorithms)
{
    static const uint8_t weak[][2] = {{1, 3}, {2, 3}, {4, 1}, {4, 0}, {0, 3}};
    begin();
    draft_single(1000);
    /* Before the signature (72, 2) and the identity (1, 2, 1, 1, 32). */
    uint8_t *algorithm = draft.octets + draft.writer.size - 72 - 2 - 37 - 2;
    ck_assert_mem_eq(algorithm, "\4\3\1", 3);
    for (size_t i = 0; i < sizeof weak / sizeof weak[0]; i++) {
        memcpy(algorithm, weak[i], 2);
        ck_assert_int_eq(store_garbled(1, 0), RELOAD_E_FORBIDDEN);
    }
    memcpy(algorithm, "\4\3", 2);
    algorithm[2 + 3] = 2; /* the certificate by SHA-1 */
    ck_assert_int_eq(store_garbled(1, 0), RELOAD_E_FORBIDDEN);
    fixture_free(f);
}
END_TEST

/* RFC6940-7.4.1.1: identity "none" or algorithms {0, 0} MUST be rejected with Error_Forbidden. */
START_TEST(s9_unsigned_values)
{
    begin();
    draft_single(1000);
    uint8_t *algorithm = draft.octets + draft.writer.size - 72 - 2 - 37 - 2;
    memset(algorithm, 0, 2);
    ck_assert_int_eq(store_garbled(1, 0), RELOAD_E_FORBIDDEN);
    const struct reload_wire *wire = &f->peers[STORER].node->wire;
    for (uint8_t replica = 0; replica < 2; replica++) {
        draft_begin(&draft, f, alice, replica);
        draft_kind(&draft, KIND_SINGLE, replica);
        reload_value_absent(&draft.writer, wire, RELOAD_DATA_MODEL_SINGLE_VALUE, none);
        draft_kind_end(&draft);
        ck_assert_int_eq(store(&draft, ALICE), RELOAD_E_FORBIDDEN);
    }
    ck_assert_str_eq(single(), "-");
    fixture_free(f);
}
END_TEST

/* ---- Kinds ---------------------------------------------------------------------------------- */

/* RFC6940-7.4.1.2: the unknown Kinds are listed. */
START_TEST(s10_unknown_kinds)
{
    begin();
    draft_begin(&draft, f, alice, 0);
    draft_kind(&draft, KIND_SINGLE, 0);
    draft_value(&draft, ALICE, KIND_SINGLE, none, "one", 1000, 3600);
    draft_kind_end(&draft);
    draft_kind(&draft, KIND_UNKNOWN, 0);
    draft_kind_end(&draft);
    struct reload_bytes body = draft_end(&draft);
    ask(f, &question, reload_handle_store, ALICE, body, reload_writer_written(&draft.certificates));
    ck_assert_int_eq(question.error, RELOAD_E_UNKNOWN_KIND);
    ck_assert_uint_eq(question.answer.error_info.size, 5);
    ck_assert_mem_eq(question.info, "\4\xf0\0\0\xff", 5);
    ck_assert_str_eq(single(), "-");
    fixture_free(f);
}
END_TEST

/* RFC6940-7.4.1.1: the same Kind-ID MUST NOT be used twice. */
START_TEST(s11_a_kind_twice)
{
    begin();
    draft_begin(&draft, f, alice, 0);
    for (uint64_t i = 0; i < 2; i++) {
        draft_kind(&draft, KIND_SINGLE, 0);
        draft_value(&draft, ALICE, KIND_SINGLE, none, "one", 1000 + i, 3600);
        draft_kind_end(&draft);
    }
    ck_assert_int_eq(store(&draft, ALICE), RELOAD_E_MALFORMED);
    ck_assert_str_eq(single(), "-");
    fixture_free(f);
}
END_TEST

/* S12: the last value of a request of many Kinds spoils it all. */
static void
the_last_one_is_bad(enum peer_name signer, uint64_t time, const char *string, int wanted)
{
    begin();
    ck_assert_int_eq(store_one(f, ALICE, KIND_ARRAY, at(1), "before", 1000), 0);
    uint64_t before = fingerprint(f);
    draft_begin(&draft, f, alice, 0);
    draft_kind(&draft, KIND_SINGLE, 0);
    draft_value(&draft, ALICE, KIND_SINGLE, none, "one", 2000, 3600);
    draft_kind_end(&draft);
    draft_kind(&draft, KIND_DICTIONARY, 0);
    draft_value(&draft, ALICE, KIND_DICTIONARY, text("key"), "one", 2000, 3600);
    draft_kind_end(&draft);
    draft_kind(&draft, KIND_ARRAY, 0);
    draft_value(&draft, ALICE, KIND_ARRAY, at(0), "one", 2000, 3600);
    draft_value(&draft, signer, KIND_ARRAY, at(1), string, time, 3600);
    draft_kind_end(&draft);
    ck_assert_int_eq(store(&draft, ALICE), wanted);
    if (wanted)
        ck_assert_uint_eq(fingerprint(f), before);
    else
        ck_assert_str_eq(value_at(f, alice, KIND_ARRAY, at(1)), string);
    fixture_free(f);
}

START_TEST(s12_all_or_nothing)
{
    char longer[52];
    memset(longer, 'x', 51);
    longer[51] = '\0';
    the_last_one_is_bad(ALICE, 2000, "good", 0);
    the_last_one_is_bad(ALICE, 999, "old", RELOAD_E_TOO_OLD);
    the_last_one_is_bad(BOB, 2000, "bob's", RELOAD_E_FORBIDDEN);
    the_last_one_is_bad(ALICE, 2000, longer, RELOAD_E_TOO_LARGE);
}
END_TEST

/* ---- limits --------------------------------------------------------------------------------- */

/* RFC6940-13.5.2: values exceeding the size MUST be rejected. */
START_TEST(s13_sizes)
{
    char string[52];
    memset(string, 'x', 51);
    string[51] = '\0';
    begin();
    ck_assert_int_eq(store_single(0, string, 1000), RELOAD_E_TOO_LARGE);
    string[50] = '\0';
    ck_assert_int_eq(store_single(0, string, 1000), 0);
    fixture_free(f);
}
END_TEST

START_TEST(s13_counts)
{
    static const char *const keys[] = {"a", "b", "c", "d"};
    begin();
    for (uint64_t i = 0; i < 4; i++)
        ck_assert_int_eq(store_as(0, 0, KIND_DICTIONARY, text(keys[i]), "v", 1000 + i),
                         i < 3 ? 0 : RELOAD_E_TOO_LARGE);
    ck_assert_int_eq(store_as(0, 0, KIND_DICTIONARY, text("a"), "w", 2000), 0); /* replaced */
    draft_begin(&draft, f, alice, 0);
    draft_kind(&draft, KIND_DICTIONARY, 0);
    draft_removal(&draft, ALICE, KIND_DICTIONARY, text("b"), 2000, 3600);
    draft_value(&draft, ALICE, KIND_DICTIONARY, text("d"), "v", 2000, 3600);
    draft_kind_end(&draft);
    ck_assert_int_eq(store(&draft, ALICE), 0); /* one has gone */
    fixture_free(f);
}
END_TEST

/* Removals cost memory, too. */
START_TEST(s13_removals_are_counted)
{
    static const char *const keys[] = {"a", "b", "c", "d", "e", "f", "g"};
    begin();
    for (uint64_t i = 0; i < 7; i++) {
        draft_begin(&draft, f, alice, 0);
        draft_kind(&draft, KIND_DICTIONARY, 0);
        draft_removal(&draft, ALICE, KIND_DICTIONARY, text(keys[i]), 2000, 3600);
        draft_kind_end(&draft);
        ck_assert_int_eq(store(&draft, ALICE), i < 6 ? 0 : RELOAD_E_TOO_LARGE);
    }
    fixture_free(f);
}
END_TEST

/* An array is as long as its last index says, gaps included; it takes memory for what is in it. */
START_TEST(s13_gaps)
{
    begin();
    ck_assert_int_eq(store_as(0, 0, KIND_ARRAY, at(3), "v", 1000), 0);
    ck_assert_int_eq(store_as(0, 0, KIND_ARRAY, at(4), "v", 1000), RELOAD_E_TOO_LARGE);
    ck_assert_int_eq(store_as(0, 0, KIND_ARRAY, at(0xfffffffe), "v", 1000), RELOAD_E_TOO_LARGE);
    size_t octets = fixture_storage(f)->octets;
    ck_assert_int_eq(store_as(0, 0, KIND_SPARSE, at(0xfffffffe), "v", 1000), 0);
    ck_assert_uint_lt(fixture_storage(f)->octets, octets + 1000);
    /* Nothing fits behind the very last one. */
    ck_assert_int_eq(store_as(0, 0, KIND_SPARSE, at(RELOAD_ARRAY_APPEND), "v", 1001),
                     RELOAD_E_TOO_LARGE);
    fixture_free(f);
}
END_TEST

/* RFC6940-7.4.1.1: a store at index 0xffffffff places the new value at the end of the array. */
START_TEST(s14_appending)
{
    begin();
    ck_assert_int_eq(store_as(0, 0, KIND_ARRAY, at(RELOAD_ARRAY_APPEND), "0", 1000), 0);
    draft_begin(&draft, f, alice, 0);
    draft_kind(&draft, KIND_ARRAY, 0);
    draft_value(&draft, ALICE, KIND_ARRAY, at(RELOAD_ARRAY_APPEND), "1", 1000, 3600);
    draft_value(&draft, ALICE_TOO, KIND_ARRAY, at(RELOAD_ARRAY_APPEND), "2", 1000, 3600);
    draft_kind_end(&draft);
    ck_assert_int_eq(store(&draft, ALICE), 0); /* two appenders in one request */
    ck_assert_int_eq(store_as(0, 0, KIND_ARRAY, at(RELOAD_ARRAY_APPEND), "3", 500), 0);
    for (uint32_t i = 0; i < 4; i++) {
        char digit[2] = {(char)('0' + i), '\0'};
        ck_assert_str_eq(value_at(f, alice, KIND_ARRAY, at(i)), digit);
    }
    ck_assert_int_eq(store_as(0, 0, KIND_ARRAY, at(RELOAD_ARRAY_APPEND), "4", 2000),
                     RELOAD_E_TOO_LARGE); /* full */
    ck_assert_int_eq(store_as(1, 9, KIND_ARRAY, at(RELOAD_ARRAY_APPEND), "4", 2000),
                     RELOAD_E_TOO_LARGE); /* a replica has its index already */
    fixture_free(f);
}
END_TEST

/* Behind a gap, and behind a value of the same request. */
START_TEST(s14_appending_behind_a_gap)
{
    begin();
    draft_begin(&draft, f, alice, 0);
    draft_kind(&draft, KIND_ARRAY, 0);
    draft_value(&draft, ALICE, KIND_ARRAY, at(2), "2", 1000, 3600);
    draft_value(&draft, ALICE, KIND_ARRAY, at(RELOAD_ARRAY_APPEND), "3", 1000, 3600);
    draft_kind_end(&draft);
    ck_assert_int_eq(store(&draft, ALICE), 0);
    ck_assert_str_eq(value_at(f, alice, KIND_ARRAY, at(3)), "3");
    ck_assert_str_eq(value_at(f, alice, KIND_ARRAY, at(0)), "-");
    fixture_free(f);
}
END_TEST

/* Each value is processed in turn: the same key twice in one request. */
START_TEST(values_are_processed_in_turn)
{
    begin();
    for (uint64_t second = 1000; second <= 1001; second++) {
        draft_begin(&draft, f, alice, 0);
        draft_kind(&draft, KIND_DICTIONARY, 0);
        draft_value(&draft, ALICE, KIND_DICTIONARY, text("a"), "1", 1000, 3600);
        draft_value(&draft, ALICE, KIND_DICTIONARY, text("a"), "2", second, 3600);
        draft_kind_end(&draft);
        ck_assert_int_eq(store(&draft, ALICE), second == 1000 ? RELOAD_E_TOO_OLD : 0);
    }
    ck_assert_str_eq(value_at(f, alice, KIND_DICTIONARY, text("a")), "2");
    ck_assert_uint_eq(generation_at(f, alice, KIND_DICTIONARY), 1);
    fixture_free(f);
}
END_TEST

/* ---- form ----------------------------------------------------------------------------------- */

/* RFC6940-7.4.1.3: value = {} (0 length). */
START_TEST(p29_removal_with_a_value)
{
    struct reload_node *node;
    struct reload_stored_data_value content = {.model = RELOAD_DATA_MODEL_SINGLE_VALUE};
    begin();
    node = f->peers[ALICE].node;
    content.single_value_entry = (struct reload_data_value){false, text("not empty")};
    draft_begin(&draft, f, alice, 0);
    draft_kind(&draft, KIND_SINGLE, 0);
    draft_certificate(&draft, ALICE);
    ck_assert_int_eq(
        reload_value_sign(node, alice, KIND_SINGLE, 1000, 3600, &content, &draft.writer), 0);
    draft_kind_end(&draft);
    ck_assert_int_eq(store(&draft, ALICE), RELOAD_E_MALFORMED);
    fixture_free(f);
}
END_TEST

START_TEST(malformed_requests)
{
    begin();
    draft_single(1000);
    struct reload_bytes body = reload_writer_written(&draft.writer);
    for (size_t size = 0; size < body.size; size++) {
        ask(f, &question, reload_handle_store, ALICE, (struct reload_bytes){body.data, size},
            reload_writer_written(&draft.certificates));
        ck_assert_int_lt(question.error, 0);
    }
    body.size++; /* the buffer has more */
    ask(f, &question, reload_handle_store, ALICE, body, reload_writer_written(&draft.certificates));
    ck_assert_int_eq(question.error, RELOAD_E_TRAILING);
    ck_assert_uint_eq(reload_storage_resource_count(fixture_storage(f)), 0);
    fixture_free(f);
}
END_TEST

/* Octets changed at random: the request is refused and nothing has changed, or it was a good one.
 */
START_TEST(mutated_requests)
{
    struct reload_prng prng = reload_prng_of(11);
    uint64_t time = 1000;
    unsigned accepted = 0;
    begin();
    for (int i = 0; i < 4000; i++) {
        draft_begin(&draft, f, alice, (uint8_t)(i % 2));
        draft_kind(&draft, KIND_DICTIONARY, (uint64_t)(i % 2));
        draft_value(&draft, ALICE, KIND_DICTIONARY, text("a"), "one", ++time, 3600);
        draft_value(&draft, ALICE_TOO, KIND_DICTIONARY, text("b"), "two", ++time, 3600);
        draft_kind_end(&draft);
        draft_kind(&draft, KIND_ARRAY, (uint64_t)(i % 2));
        draft_value(&draft, ALICE, KIND_ARRAY, at(1), "three", ++time, 3600);
        draft_kind_end(&draft);
        struct reload_bytes body = draft_end(&draft);
        for (uint64_t j = reload_prng_below(&prng, 3); j < 3; j++)
            draft.octets[reload_prng_below(&prng, body.size)] ^=
                (uint8_t)(1u << reload_prng_below(&prng, 8));
        uint64_t before = fingerprint(f);
        ask(f, &question, reload_handle_store, ALICE, body,
            reload_writer_written(&draft.certificates));
        if (question.error)
            ck_assert_uint_eq(fingerprint(f), before);
        else
            accepted++;
    }
    ck_assert_uint_gt(accepted, 0); /* lifetimes, counters, indices may change */
    ck_assert_uint_lt(accepted, 1000);
    fixture_free(f);
}
END_TEST

/* D6: Resource-IDs have the overlay's size. */
START_TEST(resources_of_another_size)
{
    uint8_t octets[255] = {0};
    begin();
    for (size_t size = 0; size <= 255; size++) {
        uint8_t body[600];
        struct reload_writer writer = reload_writer_of(body, sizeof body);
        reload_writer_vector(&writer, 1, (struct reload_bytes){octets, size});
        reload_writer_u8(&writer, 0);
        reload_writer_u32(&writer, 0);
        ask(f, &question, reload_handle_store, ALICE, reload_writer_written(&writer), none);
        ck_assert_int_eq(question.error, size == 16 ? 0 : RELOAD_E_MALFORMED);
    }
    fixture_free(f);
}
END_TEST

int
main(void)
{
    return RUN_SUITE(
        "store", s1_older_and_equal_storage_times, s1_identical_replica, s1_far_future,
        s2_s3_generation_counters, s3_the_counter_does_not_become_0, s3_counter_of_nothing,
        s4_replicas_and_counters, s5_replicas_of_those_who_may_not, s6_not_responsible,
        s7_policy_by_signer_and_sender, s7_other_places, s8_bad_signatures,
        s8_signed_for_another_place, c6_weak_algorithms, s9_unsigned_values, s10_unknown_kinds,
        s11_a_kind_twice, s12_all_or_nothing, s13_sizes, s13_counts, s13_removals_are_counted,
        s13_gaps, s14_appending, s14_appending_behind_a_gap, values_are_processed_in_turn,
        p29_removal_with_a_value, malformed_requests, mutated_requests, resources_of_another_size);
}
