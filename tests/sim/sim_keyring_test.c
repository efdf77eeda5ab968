/* sim_keyring_test.c: the fast keyring fails where the real one fails.
 *
 * RFC 6940 6.3.4, 11.3. SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_keyring.h"

#include <check.h>
#include <stdlib.h>

#define NOW UINT64_C(1800000000000)
#define SHA1 2
#define SHA256 4
#define ECDSA 3

static struct sim_certificates *table;
static struct reload_config config;

static void *
allocate(void *context, void *data, size_t size)
{
    (void)context;
    if (size == 0) {
        free(data);
        return NULL;
    }
    return realloc(data, size);
}

static void
setup(void)
{
    table = sim_certificates_new();
    config = (struct reload_config){0};
}

static void
teardown(void)
{
    sim_certificates_free(table);
}

/* A certificate of node |number| with key |number|, of authority 1, valid around NOW. */
static struct sim_certificate
certificate_of(uint8_t number)
{
    struct sim_certificate certificate = {.authority = 1,
                                          .serial = number,
                                          .public_key = sim_key_public(number),
                                          .not_before_ms = NOW - 1000,
                                          .not_after_ms = NOW + 1000,
                                          .node_id_count = 1,
                                          .user_name = "alice@example.org",
                                          .signature_algorithm = ECDSA};
    memset(certificate.node_ids[0].octets, number, 16);
    return certificate;
}

static void
make(struct sim_keyring *keyring, const struct sim_certificate *certificate, uint64_t key)
{
    uint8_t bytes[SIM_CERTIFICATE_SIZE_MAX];
    size_t size = sim_certificate_encode(certificate, bytes);
    ck_assert_int_eq(sim_keyring_init(keyring, table, &config, key,
                                      (struct reload_bytes){bytes, size}, NULL, allocate),
                     0);
}

/* Lets |to| add |from|'s certificate at |wall_ms|. */
static int
introduce(struct sim_keyring *to, struct sim_keyring *from, uint64_t wall_ms,
          const struct reload_identity **identity)
{
    struct reload_bytes bytes = from->keyring.ops->self(&from->keyring)->certificate;
    return to->keyring.ops->add(&to->keyring, bytes, wall_ms, identity);
}

static int
verify(struct sim_keyring *by, const struct reload_identity *identity, uint8_t hash,
       uint8_t algorithm, const char *text, const uint8_t *signature, size_t size)
{
    struct reload_bytes part = reload_bytes_of_string(text);
    return by->keyring.ops->verify(&by->keyring, identity, hash, algorithm, &part, 1,
                                   (struct reload_bytes){signature, size});
}

START_TEST(signature_verifies_and_any_flipped_bit_does_not)
{
    struct sim_certificate one = certificate_of(1), two = certificate_of(2);
    struct sim_keyring a, b;
    make(&a, &one, 1);
    make(&b, &two, 2);
    const struct reload_identity *identity = NULL;
    ck_assert_int_eq(introduce(&b, &a, NOW, &identity), 0);
    uint8_t signature[RELOAD_SIGNATURE_MAX];
    size_t size = 0;
    struct reload_bytes parts[2] = {reload_bytes_of_string("over"), reload_bytes_of_string("lay")};
    ck_assert_int_eq(a.keyring.ops->sign(&a.keyring, parts, 2, signature, &size), 0);
    ck_assert_int_eq(verify(&b, identity, SHA256, ECDSA, "overlay", signature, size), 0);
    ck_assert_int_eq(verify(&b, identity, SHA256, ECDSA, "overlaz", signature, size),
                     RELOAD_E_SIGNATURE);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert_int_eq(verify(&b, identity, SHA256, ECDSA, "overlay", signature, size),
                         RELOAD_E_SIGNATURE);
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    ck_assert_int_eq(verify(&b, identity, SHA256, ECDSA, "overlay", signature, size - 1),
                     RELOAD_E_SIGNATURE);
    ck_assert_int_eq(verify(&b, identity, SHA256, ECDSA, "overlay", signature, 0),
                     RELOAD_E_SIGNATURE);
    sim_keyring_fini(&a);
    sim_keyring_fini(&b);
}
END_TEST

START_TEST(weak_and_mismatched_algorithms_are_refused)
{
    struct sim_certificate one = certificate_of(1);
    struct sim_keyring a;
    make(&a, &one, 1);
    const struct reload_identity *identity = a.keyring.ops->self(&a.keyring);
    uint8_t signature[RELOAD_SIGNATURE_MAX];
    size_t size = 0;
    struct reload_bytes part = reload_bytes_of_string("text");
    ck_assert_int_eq(a.keyring.ops->sign(&a.keyring, &part, 1, signature, &size), 0);
    ck_assert_int_eq(verify(&a, identity, SHA256, ECDSA, "text", signature, size), 0);
    for (uint8_t weak = 0; weak < SHA256; weak++)
        ck_assert_int_eq(verify(&a, identity, weak, ECDSA, "text", signature, size),
                         RELOAD_E_SIGNATURE);
    ck_assert_int_eq(verify(&a, identity, SHA256, 1, "text", signature, size), RELOAD_E_SIGNATURE);
    ck_assert_int_eq(verify(&a, identity, SHA256, 0, "text", signature, size), RELOAD_E_SIGNATURE);
    sim_keyring_fini(&a);
}
END_TEST

START_TEST(wrong_key_convinces_nobody)
{
    struct sim_certificate one = certificate_of(1);
    struct sim_keyring liar;
    make(&liar, &one, 77);
    uint8_t signature[RELOAD_SIGNATURE_MAX];
    size_t size = 0;
    struct reload_bytes part = reload_bytes_of_string("text");
    ck_assert_int_eq(liar.keyring.ops->sign(&liar.keyring, &part, 1, signature, &size), 0);
    ck_assert_int_eq(verify(&liar, liar.keyring.ops->self(&liar.keyring), SHA256, ECDSA, "text",
                            signature, size),
                     RELOAD_E_SIGNATURE);
    sim_keyring_fini(&liar);
}
END_TEST

START_TEST(certificates_expire_and_are_not_valid_early)
{
    struct sim_certificate one = certificate_of(1), two = certificate_of(2);
    struct sim_keyring a, b;
    make(&a, &one, 1);
    make(&b, &two, 2);
    const struct reload_identity *identity = NULL;
    ck_assert_int_eq(introduce(&b, &a, NOW + 1001, &identity), RELOAD_E_EXPIRED);
    ck_assert_int_eq(introduce(&b, &a, NOW - 1001, &identity), RELOAD_E_EXPIRED);
    ck_assert_ptr_null(identity);
    ck_assert_int_eq(introduce(&b, &a, NOW, &identity), 0);
    struct reload_bytes hash = {identity->hash, 32};
    ck_assert_ptr_eq(b.keyring.ops->find(&b.keyring, SHA256, hash, NOW), identity);
    ck_assert_ptr_null(b.keyring.ops->find(&b.keyring, SHA256, hash, NOW + 1001));
    ck_assert_int_eq(introduce(&b, &a, NOW + 1001, &identity), RELOAD_E_EXPIRED);
    sim_keyring_fini(&a);
    sim_keyring_fini(&b);
}
END_TEST

START_TEST(only_what_was_added_is_found)
{
    struct sim_certificate one = certificate_of(1), two = certificate_of(2);
    struct sim_keyring a, b;
    make(&a, &one, 1);
    make(&b, &two, 2);
    struct reload_bytes hash = {a.keyring.ops->self(&a.keyring)->hash, 32};
    ck_assert_ptr_null(b.keyring.ops->find(&b.keyring, SHA256, hash, NOW));
    ck_assert_ptr_nonnull(a.keyring.ops->find(&a.keyring, SHA256, hash, NOW));
    const struct reload_identity *identity = NULL;
    ck_assert_int_eq(introduce(&b, &a, NOW, &identity), 0);
    ck_assert_ptr_nonnull(b.keyring.ops->find(&b.keyring, SHA256, hash, NOW));
    ck_assert_ptr_null(b.keyring.ops->find(&b.keyring, SHA1, hash, NOW));
    hash.size = 31;
    ck_assert_ptr_null(b.keyring.ops->find(&b.keyring, SHA256, hash, NOW));
    sim_keyring_fini(&a);
    sim_keyring_fini(&b);
}
END_TEST

START_TEST(many_certificates_are_remembered_up_to_the_bound)
{
    struct sim_certificate one = certificate_of(1);
    struct sim_keyring a;
    make(&a, &one, 1);
    const struct reload_identity *identity = NULL;
    for (uint32_t i = 0; i < SIM_KEYRING_KNOWN_MAX + 10; i++) {
        struct sim_certificate other = certificate_of(2);
        other.serial = 1000 + i;
        uint8_t bytes[SIM_CERTIFICATE_SIZE_MAX];
        size_t size = sim_certificate_encode(&other, bytes);
        struct reload_bytes der = {bytes, size};
        ck_assert_int_eq(a.keyring.ops->add(&a.keyring, der, NOW, &identity), 0);
        ck_assert_uint_le(a.known_count, SIM_KEYRING_KNOWN_MAX);
        struct reload_bytes hash = {identity->hash, 32};
        ck_assert_ptr_eq(a.keyring.ops->find(&a.keyring, SHA256, hash, NOW), identity);
    }
    struct reload_bytes own = {a.keyring.ops->self(&a.keyring)->hash, 32};
    ck_assert_ptr_nonnull(a.keyring.ops->find(&a.keyring, SHA256, own, NOW));
    sim_keyring_fini(&a);
}
END_TEST

START_TEST(foreign_forged_and_cut_certificates_are_refused)
{
    struct sim_certificate one = certificate_of(1), foreign = certificate_of(2);
    struct sim_keyring a;
    make(&a, &one, 1);
    foreign.authority = 2;
    uint8_t bytes[SIM_CERTIFICATE_SIZE_MAX];
    size_t size = sim_certificate_encode(&foreign, bytes);
    struct reload_bytes der = {bytes, size};
    const struct reload_identity *identity = NULL;
    ck_assert_int_eq(a.keyring.ops->add(&a.keyring, der, NOW, &identity), RELOAD_E_CERTIFICATE);
    foreign.authority = 1;
    size = sim_certificate_encode(&foreign, bytes);
    ck_assert_int_eq(a.keyring.ops->add(&a.keyring, der, NOW, &identity), 0);
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 1;
        ck_assert_int_eq(a.keyring.ops->add(&a.keyring, der, NOW, &identity), RELOAD_E_CERTIFICATE);
        bytes[i] ^= 1;
        struct reload_bytes prefix = {bytes, i};
        ck_assert_int_eq(a.keyring.ops->add(&a.keyring, prefix, NOW, &identity),
                         RELOAD_E_CERTIFICATE);
    }
    sim_keyring_fini(&a);
}
END_TEST

START_TEST(bad_nodes_are_refused_and_no_longer_found)
{
    struct sim_certificate one = certificate_of(1), two = certificate_of(2);
    struct sim_keyring a, b;
    make(&a, &one, 1);
    make(&b, &two, 2);
    const struct reload_identity *identity = NULL;
    ck_assert_int_eq(introduce(&b, &a, NOW, &identity), 0);
    struct reload_bytes hash = {identity->hash, 32};
    config.bad_nodes[0] = one.node_ids[0];
    config.bad_node_count = 1;
    ck_assert_ptr_null(b.keyring.ops->find(&b.keyring, SHA256, hash, NOW));
    ck_assert_int_eq(introduce(&b, &a, NOW, &identity), RELOAD_E_CERTIFICATE);
    sim_keyring_fini(&a);
    sim_keyring_fini(&b);
}
END_TEST

START_TEST(digests_are_real)
{
    static const uint8_t abc[20] = {0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a, 0xba, 0x3e,
                                    0x25, 0x71, 0x78, 0x50, 0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d};
    struct sim_certificate one = certificate_of(1);
    struct sim_keyring a;
    make(&a, &one, 1);
    uint8_t digest[RELOAD_DIGEST_MAX];
    size_t size = 0;
    struct reload_bytes parts[2] = {reload_bytes_of_string("a"), reload_bytes_of_string("bc")};
    ck_assert_int_eq(a.keyring.ops->digest(&a.keyring, SHA1, parts, 2, digest, &size), 0);
    ck_assert_uint_eq(size, 20);
    ck_assert_mem_eq(digest, abc, 20);
    ck_assert_int_eq(a.keyring.ops->digest(&a.keyring, 1, parts, 2, digest, &size), RELOAD_E_USAGE);
    ck_assert_int_eq(a.keyring.ops->digest(&a.keyring, 200, parts, 2, digest, &size),
                     RELOAD_E_USAGE);
    struct reload_bytes whole = a.self->identity.certificate;
    ck_assert_int_eq(a.keyring.ops->digest(&a.keyring, SHA256, &whole, 1, digest, &size), 0);
    ck_assert_mem_eq(digest, a.self->identity.hash, 32);
    sim_keyring_fini(&a);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("sim_keyring");
    TCase *tests = tcase_create("keyring");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, signature_verifies_and_any_flipped_bit_does_not);
    tcase_add_test(tests, weak_and_mismatched_algorithms_are_refused);
    tcase_add_test(tests, wrong_key_convinces_nobody);
    tcase_add_test(tests, certificates_expire_and_are_not_valid_early);
    tcase_add_test(tests, only_what_was_added_is_found);
    tcase_add_test(tests, many_certificates_are_remembered_up_to_the_bound);
    tcase_add_test(tests, foreign_forged_and_cut_certificates_are_refused);
    tcase_add_test(tests, bad_nodes_are_refused_and_no_longer_found);
    tcase_add_test(tests, digests_are_real);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
