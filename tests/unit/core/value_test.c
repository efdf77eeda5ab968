/* value_test.c: signatures over values. RFC 6940 7.1, 7.4.2.2; I1, D12; attack rows C6, C7, S8.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/core/storage_fixture.h"

static struct fixture *f;
static uint8_t octets[1024], resource_octets[16];
static struct reload_value value;
static struct reload_bytes resource;

static const struct reload_identity *
identity(enum peer_name name)
{
    struct reload_keyring *keyring = &f->peers[name].keyring.keyring;
    return keyring->ops->self(keyring);
}

/* Signs as alice and takes the value apart again. */
static void
sign(uint32_t kind, const struct reload_stored_data_value *content)
{
    struct reload_writer writer = reload_writer_of(octets, sizeof octets);
    resource = user_resource(f, "alice@example.org", resource_octets);
    ck_assert_int_eq(
        reload_value_sign(f->peers[ALICE].node, resource, kind, 1234567, 3600, content, &writer),
        0);
    struct reload_reader reader = reload_reader_of(reload_writer_written(&writer));
    ck_assert(reload_value_next(&reader, &f->peers[STORER].node->wire, content->model, &value));
    ck_assert_uint_eq(reload_reader_left(&reader), 0);
}

static void
sign_dictionary(void)
{
    struct reload_stored_data_value content = {.model = RELOAD_DATA_MODEL_DICTIONARY};
    content.dictionary_entry.key = text("key");
    content.dictionary_entry.value = (struct reload_data_value){true, text("value")};
    sign(KIND_DICTIONARY, &content);
}

static int
verify(struct reload_bytes where, uint32_t kind, enum peer_name signer)
{
    struct reload_keyring *keyring = &f->peers[STORER].keyring.keyring;
    return reload_value_verify(keyring, identity(signer), where, kind, &value);
}

/* Reads |octets| again after a change. */
static bool
reread(void)
{
    struct reload_reader reader = reload_reader_of(value.raw);
    return reload_value_next(&reader, &f->peers[STORER].node->wire, value.data.value.model, &value);
}

START_TEST(parts_are_where_they_are)
{
    f = fixture_new();
    sign_dictionary();
    ck_assert(reload_bytes_equal(value.key, text("key")));
    ck_assert(reload_bytes_equal(value.payload, text("value")));
    ck_assert_uint_eq(value.content.size, 2 + 3 + 1 + 4 + 5);
    ck_assert_uint_eq(value.identity.data[0], RELOAD_SIGNER_IDENTITY_TYPE_CERT_HASH);
    ck_assert_uint_eq(value.identity.size, 1 + 2 + 1 + 1 + 32);
    ck_assert_uint_eq(value.data.storage_time, 1234567);
    ck_assert_uint_eq(value.data.lifetime, 3600);
    ck_assert(!reload_value_unsigned(&value));
    fixture_free(f);
}
END_TEST

START_TEST(resource_kind_and_signer_are_covered)
{
    uint8_t other[16];
    f = fixture_new();
    sign_dictionary();
    ck_assert_int_eq(verify(resource, KIND_DICTIONARY, ALICE), 0);
    ck_assert_int_eq(verify(resource, KIND_DICTIONARY, BOB), RELOAD_E_SIGNATURE);
    ck_assert_int_eq(verify(resource, KIND_DEVICES, ALICE), RELOAD_E_SIGNATURE);
    ck_assert_int_eq(verify(user_resource(f, "bob@example.org", other), KIND_DICTIONARY, ALICE),
                     RELOAD_E_SIGNATURE);
    fixture_free(f);
}
END_TEST

/* Every octet counts, but for the length (without it this is no StoredData), the lifetime (D4) and
 * the hash algorithm, which is a matter of the keyring. */
START_TEST(every_octet_is_covered)
{
    f = fixture_new();
    sign_dictionary();
    for (size_t i = RELOAD_VALUE_TIME_OFFSET; i < value.raw.size; i++) {
        if (i == RELOAD_VALUE_CONTENT_OFFSET + value.content.size)
            continue;
        bool is_lifetime = i >= RELOAD_VALUE_LIFETIME_OFFSET && i < RELOAD_VALUE_CONTENT_OFFSET;
        octets[i] ^= 1;
        if (reread())
            ck_assert_int_eq(verify(resource, KIND_DICTIONARY, ALICE),
                             is_lifetime ? 0 : RELOAD_E_SIGNATURE);
        octets[i] ^= 1;
        ck_assert(reread());
    }
    ck_assert_int_eq(verify(resource, KIND_DICTIONARY, ALICE), 0);
    fixture_free(f);
}
END_TEST

/* D12: the place in an array is not covered, its content is. */
START_TEST(an_arrays_index_is_not_covered)
{
    struct reload_stored_data_value content = {.model = RELOAD_DATA_MODEL_ARRAY};
    content.array_entry = (struct reload_array_entry){RELOAD_ARRAY_APPEND, {true, text("value")}};
    f = fixture_new();
    sign(KIND_ARRAY, &content);
    memset(octets + RELOAD_VALUE_CONTENT_OFFSET, 0, 4);
    ck_assert(reread());
    ck_assert_uint_eq(reload_value_index(value.key), 0);
    ck_assert_int_eq(verify(resource, KIND_ARRAY, ALICE), 0);
    octets[RELOAD_VALUE_CONTENT_OFFSET + 4 + 5] ^= 1;
    ck_assert(reread());
    ck_assert_int_eq(verify(resource, KIND_ARRAY, ALICE), RELOAD_E_SIGNATURE);
    fixture_free(f);
}
END_TEST

/* I1: java-reload signs the Resource-ID without its length. |with_length| is what the RFC says. */
static int
verify_signed_by_hand(bool with_length, bool garbled)
{
    struct reload_keyring *alice = &f->peers[ALICE].keyring.keyring;
    uint8_t length = 16, kind[4], signature[RELOAD_SIGNATURE_MAX];
    size_t size;
    sign_dictionary();
    struct reload_bytes parts[] = {{&length, with_length ? 1 : 0},
                                   resource,
                                   reload_value_index_key(KIND_DICTIONARY, kind),
                                   {octets + RELOAD_VALUE_TIME_OFFSET, 8},
                                   value.content,
                                   value.identity};
    length = garbled ? 17 : 16;
    ck_assert_int_eq(alice->ops->sign(alice, parts, 6, signature, &size), 0);
    ck_assert_uint_eq(size, value.data.signature.signature_value.size);
    memcpy(octets + value.raw.size - size, signature, size);
    ck_assert(reread());
    return verify(resource, KIND_DICTIONARY, ALICE);
}

START_TEST(both_forms_of_the_resource_are_accepted)
{
    f = fixture_new();
    ck_assert_int_eq(verify_signed_by_hand(true, false), 0);
    ck_assert_int_eq(verify_signed_by_hand(false, false), 0);
    ck_assert_int_eq(verify_signed_by_hand(true, true), RELOAD_E_SIGNATURE);
    fixture_free(f);
}
END_TEST

START_TEST(weak_algorithms_are_refused)
{
    static const uint8_t weak[][2] = {{0, 0}, {1, 1}, {2, 1}, {2, 3}, {0, 3}, {4, 0}, {4, 1}};
    f = fixture_new();
    sign_dictionary();
    uint8_t *algorithm = octets + RELOAD_VALUE_CONTENT_OFFSET + value.content.size;
    ck_assert_mem_eq(algorithm, "\4\3", 2);
    for (size_t i = 0; i < sizeof weak / sizeof weak[0]; i++) {
        memcpy(algorithm, weak[i], 2);
        ck_assert(reread());
        ck_assert_int_eq(verify(resource, KIND_DICTIONARY, ALICE), RELOAD_E_SIGNATURE);
        ck_assert_int_eq(reload_value_unsigned(&value), i == 0);
    }
    fixture_free(f);
}
END_TEST

START_TEST(only_lifetimes_may_differ)
{
    uint8_t copy[1024];
    f = fixture_new();
    sign_dictionary();
    memcpy(copy, octets, value.raw.size);
    struct reload_bytes other = {copy, value.raw.size};
    copy[RELOAD_VALUE_LIFETIME_OFFSET] ^= 0xff;
    ck_assert(reload_value_same(value.raw, other));
    copy[RELOAD_VALUE_TIME_OFFSET] ^= 1;
    ck_assert(!reload_value_same(value.raw, other));
    copy[RELOAD_VALUE_TIME_OFFSET] ^= 1;
    copy[other.size - 1] ^= 1;
    ck_assert(!reload_value_same(value.raw, other));
    other.size--;
    ck_assert(!reload_value_same(value.raw, other));
    fixture_free(f);
}
END_TEST

START_TEST(what_is_absent)
{
    struct reload_writer writer = reload_writer_of(octets, sizeof octets);
    f = fixture_new();
    const struct reload_wire *wire = &f->peers[STORER].node->wire;
    reload_value_absent(&writer, wire, RELOAD_DATA_MODEL_ARRAY, at(5));
    struct reload_reader reader = reload_reader_of(reload_writer_written(&writer));
    ck_assert(reload_value_next(&reader, wire, RELOAD_DATA_MODEL_ARRAY, &value));
    ck_assert_uint_eq(reload_value_index(value.key), 5);
    ck_assert(!reload_value_data(&value.data)->exists);
    ck_assert(reload_value_unsigned(&value));
    const struct reload_signature *signature = &value.data.signature;
    ck_assert_uint_eq(signature->identity.identity_type, RELOAD_SIGNER_IDENTITY_TYPE_NONE);
    ck_assert_uint_eq(signature->algorithm.hash + signature->algorithm.signature, 0);
    ck_assert_uint_eq(signature->signature_value.size, 0);
    fixture_free(f);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("value", parts_are_where_they_are, resource_kind_and_signer_are_covered,
                     every_octet_is_covered, an_arrays_index_is_not_covered,
                     both_forms_of_the_resource_are_accepted, weak_algorithms_are_refused,
                     only_lifetimes_may_differ, what_is_absent);
}
