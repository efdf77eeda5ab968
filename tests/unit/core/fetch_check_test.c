/* fetch_check_test.c: answers to a Fetch that must not be believed. RFC 6940 7.4.2.2, 13.5.3; D15;
 * attack rows P28, S20, S21.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/fetch_check.h"
#include "tests/unit/core/storage_fixture.h"

#include <stdio.h>

static struct fixture *f;
static struct draft draft;
static struct reload_bytes alice, none;
static uint8_t alice_octets[16];
static const struct reload_wire *wire;

static void
begin(void)
{
    f = fixture_new();
    alice = user_resource(f, "alice@example.org", alice_octets);
    wire = &f->peers[STORER].node->wire;
}

/* ---- answers that must not be believed --------------------------------------------------------
 */

static char got[4096];

static void
take(void *argument, const struct reload_fetched *fetched, reload_time now)
{
    (void)argument, (void)now;
    const struct reload_data_value *data = reload_value_data(&fetched->value->data);
    size_t size = strlen(got);
    (void)snprintf(got + size, sizeof got - size, "%s%.*s ", fetched->signer ? "" : "?",
                   (int)data->value.size, (const char *)data->value.data);
}

static struct reload_writer answer;
static uint8_t answer_octets[65536];
static size_t answer_list, answer_values;

static void
answer_begin(void)
{
    /* The draft signs values and collects their certificates; its own list is not used. */
    draft_begin(&draft, f, alice, 0);
    answer = reload_writer_of(answer_octets, sizeof answer_octets);
    answer_list = reload_writer_begin(&answer, 4);
}

static void
answer_kind(uint32_t kind)
{
    reload_writer_u32(&answer, kind);
    reload_writer_u64(&answer, 1);
    answer_values = reload_writer_begin(&answer, 4);
    draft.writer.size = 0;
}

/* Ends a Kind with what the draft has signed since. */
static void
answer_kind_end(void)
{
    reload_writer_bytes(&answer, reload_writer_written(&draft.writer));
    reload_writer_end(&answer, answer_values, 4);
}

/* BOB checks the answer to |specifiers|. Returns how many values were discarded. */
static unsigned
check(const struct reload_fetch_specifier *specifiers, size_t count, bool with_certificates)
{
    struct peer *bob = &f->peers[BOB];
    struct reload_keyring *keyring = &bob->keyring.keyring;
    reload_writer_end(&answer, answer_list, 4);
    struct reload_message message = {.contents.message_body = reload_writer_written(&answer)};
    if (with_certificates)
        message.security.certificates = reload_writer_written(&draft.certificates);
    struct reload_reader reader = reload_reader_of(message.security.certificates);
    struct reload_generic_certificate certificate;
    const struct reload_identity *identity;
    while (reload_generic_certificate_next(&reader, wire, &certificate))
        ck_assert_int_eq(keyring->ops->add(keyring, certificate.certificate, f->wall_ms, &identity),
                         0);
    struct reload_fetch_check work = {.node = bob->node,
                                      .resource = alice,
                                      .specifiers = specifiers,
                                      .count = count,
                                      .each = take,
                                      .now = f->now};
    got[0] = '\0';
    ck_assert_int_eq(reload_fetch_check_answer(&work, &message), 0);
    return work.discarded;
}

static const struct reload_fetch_specifier one_key[] = {
    {.kind = KIND_DICTIONARY, .key = {(const uint8_t *)"a", 1}}};
static const struct reload_fetch_specifier elements[] = {
    {.kind = KIND_ARRAY, .first = 1, .last = 2}};

/* RFC6940-7.4.2.2-05 */
START_TEST(p28_keys_and_kinds_not_asked_for)
{
    begin();
    answer_begin();
    answer_kind(KIND_SINGLE);
    draft_value(&draft, ALICE, KIND_SINGLE, none, "unasked kind", 1000, 60);
    answer_kind_end();
    answer_kind(KIND_DICTIONARY);
    draft_value(&draft, ALICE, KIND_DICTIONARY, text("b"), "unasked key", 1000, 60);
    draft_value(&draft, ALICE, KIND_DICTIONARY, text("a"), "A", 1000, 60);
    draft_value(&draft, ALICE, KIND_DICTIONARY, text("a"), "again", 1001, 60);
    answer_kind_end();
    answer_kind(KIND_DICTIONARY);
    draft_value(&draft, ALICE, KIND_DICTIONARY, text("a"), "kind again", 1002, 60);
    answer_kind_end();
    ck_assert_uint_eq(check(one_key, 1, true), 4);
    ck_assert_str_eq(got, "A ");
    ck_assert_uint_eq(f->peers[BOB].node->counters.values_discarded, 4);
    fixture_free(f);
}
END_TEST

START_TEST(p28_indices_not_asked_for)
{
    begin();
    answer_begin();
    answer_kind(KIND_ARRAY);
    for (uint32_t i = 0; i < 4; i++)
        draft_value(&draft, ALICE, KIND_ARRAY, at(i), i % 2 ? "odd" : "even", 1000, 60);
    answer_kind_end();
    ck_assert_uint_eq(check(elements, 1, true), 2);
    ck_assert_str_eq(got, "odd even ");
    fixture_free(f);
}
END_TEST

START_TEST(p28_larger_than_allowed)
{
    char string[52];
    memset(string, 'x', 51);
    string[51] = '\0';
    begin();
    answer_begin();
    answer_kind(KIND_DICTIONARY);
    draft_value(&draft, ALICE, KIND_DICTIONARY, text("a"), string, 1000, 60);
    answer_kind_end();
    ck_assert_uint_eq(check(one_key, 1, true), 1);
    ck_assert_str_eq(got, "");
    fixture_free(f);
}
END_TEST

START_TEST(p28_no_answer_at_all)
{
    begin();
    struct reload_message message = {.contents.message_body = text("\0\0\0\0 rubbish")};
    struct reload_fetch_check work = {.node = f->peers[BOB].node,
                                      .resource = alice,
                                      .specifiers = one_key,
                                      .count = 1,
                                      .each = take,
                                      .now = f->now};
    message.contents.message_body = (struct reload_bytes){(const uint8_t *)"\0\0\0\0x", 5};
    ck_assert_int_eq(reload_fetch_check_answer(&work, &message), RELOAD_E_TRAILING);
    message.contents.message_body.size = 3;
    ck_assert_int_eq(reload_fetch_check_answer(&work, &message), RELOAD_E_TRUNCATED);
    fixture_free(f);
}
END_TEST

/* RFC 6940 7.4.2.2: values with invalid signatures MUST be discarded. */
/* RFC6940-7.4.2.2-03, RFC6940-7.4.2.2-04 */
START_TEST(signatures_are_verified)
{
    begin();
    answer_begin();
    answer_kind(KIND_DICTIONARY);
    draft_value(&draft, ALICE, KIND_DICTIONARY, text("a"), "A", 1000, 60);
    draft.octets[draft.writer.size - 1] ^= 1;
    answer_kind_end();
    ck_assert_uint_eq(check(one_key, 1, true), 1);
    ck_assert_str_eq(got, "");
    answer_begin();
    answer_kind(KIND_DICTIONARY);
    draft_value(&draft, BOB, KIND_DICTIONARY, text("a"), "bob's", 1000, 60); /* who may not */
    answer_kind_end();
    ck_assert_uint_eq(check(one_key, 1, true), 1);
    ck_assert_str_eq(got, "");
    fixture_free(f);
}
END_TEST

/* D15: "none" with a value, or with a signature, is a forgery; without, it says that nothing is
 * there. */
START_TEST(s20_synthesised_values)
{
    begin();
    struct reload_stored_data data = {.value.model = RELOAD_DATA_MODEL_DICTIONARY};
    data.value.dictionary_entry.key = text("a");
    data.signature.identity.identity_type = RELOAD_SIGNER_IDENTITY_TYPE_NONE;
    for (int i = 0; i < 5; i++) {
        struct reload_stored_data forged = data;
        struct reload_data_value *value = &forged.value.dictionary_entry.value;
        if (i == 1)
            *value = (struct reload_data_value){true, text("forged")};
        if (i == 2)
            *value = (struct reload_data_value){true, none};
        if (i == 3)
            forged.signature.signature_value = text("signature");
        if (i == 4)
            forged.signature.algorithm.hash = RELOAD_HASH_ALGORITHM_SHA256;
        answer_begin();
        answer_kind(KIND_DICTIONARY);
        reload_stored_data_encode(&draft.writer, wire, &forged);
        answer_kind_end();
        ck_assert_uint_eq(check(one_key, 1, true), i == 0 ? 0 : 1);
        ck_assert_str_eq(got, i == 0 ? "? " : "");
    }
    fixture_free(f);
}
END_TEST

START_TEST(s21_missing_certificates)
{
    begin();
    answer_begin();
    answer_kind(KIND_DICTIONARY);
    draft_value(&draft, ALICE, KIND_DICTIONARY, text("a"), "A", 1000, 60);
    answer_kind_end();
    ck_assert_uint_eq(check(one_key, 1, false), 1);
    ck_assert_str_eq(got, "");
    fixture_free(f);
}
END_TEST

/* RFC 6940 13.5.3: a storage time older than the result of the previous fetch is a rollback. */
START_TEST(rollbacks_are_seen)
{
    begin();
    for (uint64_t i = 0; i < 3; i++) {
        answer_begin();
        answer_kind(KIND_DICTIONARY);
        draft_value(&draft, ALICE, KIND_DICTIONARY, text("a"), "A", i == 2 ? 999 : 1000, 60);
        answer_kind_end();
        ck_assert_uint_eq(check(one_key, 1, true), i == 2 ? 1 : 0);
        ck_assert_str_eq(got, i == 2 ? "" : "A ");
    }
    fixture_free(f);
}
END_TEST

/* Values of a certificate that has ended (RFC 6940 7.1: "not considered valid"). */
/* RFC6940-7.4.2.2-04 */
START_TEST(expired_certificates)
{
    begin();
    answer_begin();
    answer_kind(KIND_DICTIONARY);
    draft_value(&draft, ALICE, KIND_DICTIONARY, text("a"), "A", 1000, 60);
    answer_kind_end();
    ck_assert_uint_eq(check(one_key, 1, true), 0);
    f->wall_ms += UINT64_C(801) * 86400000;
    answer = reload_writer_of(answer_octets, sizeof answer_octets);
    answer_begin();
    answer_kind(KIND_DICTIONARY);
    draft_value(&draft, ALICE, KIND_DICTIONARY, text("a"), "A", 2000, 60);
    answer_kind_end();
    ck_assert_uint_eq(check(one_key, 1, false), 1); /* bob knows it from before */
    ck_assert_str_eq(got, "");
    fixture_free(f);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("fetch_check", p28_keys_and_kinds_not_asked_for, p28_indices_not_asked_for,
                     p28_larger_than_allowed, p28_no_answer_at_all, signatures_are_verified,
                     s20_synthesised_values, s21_missing_certificates, rollbacks_are_seen,
                     expired_certificates);
}
