/* store_test.c: Store, answered. RFC 6940 7.3, 7.4.1; D7, D8, D9; attack rows S1-S9, C6, C7.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/core/store_scene.h"

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

/* RFC 6940 7.4.1.1: greater than that of any values which would be replaced. */
/* RFC6940-7-01, RFC6940-13.5.3-01, RFC6940-13.5.3-02 */
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

/* RFC 6940 7.4.1.2: error_info MUST be a StoreAns with the correct counter and no replicas. */
/* RFC6940-7.4.1.1-13, RFC6940-7.4.1.1-18, RFC6940-7.4.1.2-01, RFC6940-7.4.1.2-02,
 * RFC6940-7.4.1.2-03 */
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
/* RFC6940-7.4.1.1-19 */
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

/* RFC 6940 7.4.1.1: replica Stores MUST NOT use a generation counter of 0, and set it otherwise. */
/* RFC6940-7.4.1.1-14, RFC6940-7.4.1.1-15 */
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

/* RFC6940-7.4.1.1-05, RFC6940-7.4.1.1-11, RFC6940-7.4.1.1-12 */
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
/* RFC6940-7.4.1.1-04 */
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

/* RFC 6940 7.3: both the signer of the StoredValue and of the StoreReq MUST conform to the policy.
 */
/* RFC6940-7.3-02, RFC6940-7.4.1.1-09, RFC6940-7.4.1.1-10, RFC6940-13.5.1-02 */
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

/* RFC6940-7.3-03 */
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
/* RFC6940-7.4.1.1-08, RFC6940-7.4.1.1-07 */
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

/* RFC 6940 7.4.1.1: identity "none" or algorithms {0, 0} MUST be rejected with Error_Forbidden. */
/* RFC6940-7.4.1.1-16 */
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

int
main(void)
{
    return RUN_SUITE("store", s1_older_and_equal_storage_times, s1_identical_replica, s1_far_future,
                     s2_s3_generation_counters, s3_the_counter_does_not_become_0,
                     s3_counter_of_nothing, s4_replicas_and_counters,
                     s5_replicas_of_those_who_may_not, s6_not_responsible,
                     s7_policy_by_signer_and_sender, s7_other_places, s8_bad_signatures,
                     s8_signed_for_another_place, c6_weak_algorithms, s9_unsigned_values);
}
