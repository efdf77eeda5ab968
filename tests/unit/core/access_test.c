/* access_test.c: policy x signer x Kind: who may write where. RFC 6940 7.3, D25; attack row S7.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/access.h"

#include "tests/suite.h"

static const struct reload_node_id alice_node = {{1}}, bob_node = {{2}}, second_node = {{3}};
static const struct reload_identity alice = {
    .node_ids = {{{1}}}, .node_id_count = 1, .user_name = "alice@example.org"};
static const struct reload_identity bob = {
    .node_ids = {{{2}}}, .node_id_count = 1, .user_name = "bob@example.org"};
static const struct reload_identity several = {
    .node_ids = {{{1}}, {{3}}}, .node_id_count = 2, .user_name = "alice@example.org"};
static const struct reload_identity nameless = {.node_ids = {{{1}}}, .node_id_count = 1};

/* A hash that anybody can follow: the name's octets added up, and its size. */
static int
hash_name(void *state, struct reload_bytes name, uint8_t *resource, size_t *size)
{
    (void)state;
    memset(resource, 0, 20);
    for (size_t i = 0; i < name.size; i++)
        resource[i % 15] = (uint8_t)(resource[i % 15] * 31 + name.data[i]);
    resource[15] = (uint8_t)name.size;
    *size = 16;
    return 0;
}

static int
fail_to_hash(void *state, struct reload_bytes name, uint8_t *resource, size_t *size)
{
    (void)state, (void)name, (void)resource, (void)size;
    return RELOAD_E_CRYPTO;
}

static struct reload_access_hash hash = {.resource_id = hash_name, .node_id_length = 16};

static int
check(uint8_t policy, struct reload_bytes name, struct reload_bytes key,
      const struct reload_identity *identity, const struct reload_node_id *node_id)
{
    uint8_t resource[20];
    size_t size;
    struct reload_kind row = {.data_model = policy == RELOAD_ACCESS_USER_NODE_MATCH
                                                ? RELOAD_DATA_MODEL_DICTIONARY
                                                : RELOAD_DATA_MODEL_SINGLE_VALUE,
                              .access_policy = policy,
                              .max_node_multiple = 3};
    struct reload_access_signer signer = {identity, node_id};
    (void)hash_name(NULL, name, resource, &size);
    return reload_access_check(&hash, &row, (struct reload_bytes){resource, size}, key, &signer);
}

static const struct reload_bytes no_key = {0};

static struct reload_bytes
user(const char *name)
{
    return reload_bytes_of_string(name);
}

static struct reload_bytes
node(const struct reload_node_id *id)
{
    return reload_node_id_bytes(id, 16);
}

/* RFC6940 7.3.1 */
/* RFC6940-7.3.1-01 */
START_TEST(user_match)
{
    struct reload_bytes name = user("alice@example.org");
    uint8_t policy = RELOAD_ACCESS_USER_MATCH;
    ck_assert_int_eq(check(policy, name, no_key, &alice, &alice_node), 0);
    ck_assert_int_eq(check(policy, name, no_key, &several, &second_node), 0);
    ck_assert_int_eq(check(policy, name, no_key, &bob, &bob_node), RELOAD_E_FORBIDDEN);
    ck_assert_int_eq(check(policy, node(&alice_node), no_key, &alice, &alice_node),
                     RELOAD_E_FORBIDDEN);
    ck_assert_int_eq(check(policy, user(""), no_key, &nameless, &alice_node), RELOAD_E_FORBIDDEN);
}
END_TEST

/* RFC6940 7.3.2: the Node-ID MUST be the one indicated in the SignerIdentity. */
/* RFC6940-7.3.2-01 */
START_TEST(node_match)
{
    uint8_t policy = RELOAD_ACCESS_NODE_MATCH;
    ck_assert_int_eq(check(policy, node(&alice_node), no_key, &alice, &alice_node), 0);
    ck_assert_int_eq(check(policy, node(&alice_node), no_key, &bob, &bob_node), RELOAD_E_FORBIDDEN);
    ck_assert_int_eq(check(policy, node(&alice_node), no_key, &several, &second_node),
                     RELOAD_E_FORBIDDEN);
    ck_assert_int_eq(check(policy, user("alice@example.org"), no_key, &alice, &alice_node),
                     RELOAD_E_FORBIDDEN);
}
END_TEST

/* RFC6940 7.3.3 */
/* RFC6940-7.3.3-01, RFC6940-7.3.3-02 */
START_TEST(user_node_match)
{
    uint8_t policy = RELOAD_ACCESS_USER_NODE_MATCH;
    struct reload_bytes name = user("alice@example.org");
    ck_assert_int_eq(check(policy, name, node(&alice_node), &alice, &alice_node), 0);
    ck_assert_int_eq(check(policy, name, node(&second_node), &several, &second_node), 0);
    ck_assert_int_eq(check(policy, name, node(&alice_node), &several, &second_node),
                     RELOAD_E_FORBIDDEN);
    ck_assert_int_eq(check(policy, name, node(&bob_node), &alice, &alice_node), RELOAD_E_FORBIDDEN);
    ck_assert_int_eq(check(policy, name, node(&bob_node), &bob, &bob_node), RELOAD_E_FORBIDDEN);
    ck_assert_int_eq(check(policy, name, no_key, &alice, &alice_node), RELOAD_E_FORBIDDEN);
    /* A key that only begins with the Node-ID. */
    uint8_t longer[17] = {1};
    ck_assert_int_eq(check(policy, name, (struct reload_bytes){longer, 17}, &alice, &alice_node),
                     RELOAD_E_FORBIDDEN);
}
END_TEST

/* RFC6940 7.3.4, D25: Node-ID followed by i in one octet, i up to 3 here. */
/* RFC6940-7.3.4-01, RFC6940-7.3.4-03 */
START_TEST(node_multiple)
{
    uint8_t policy = RELOAD_ACCESS_NODE_MULTIPLE;
    uint8_t name[17] = {1};
    for (uint8_t i = 0; i < 10; i++) {
        name[16] = i;
        struct reload_bytes named = {name, 17};
        int wanted = i <= 3 ? 0 : RELOAD_E_FORBIDDEN;
        ck_assert_int_eq(check(policy, named, no_key, &alice, &alice_node), wanted);
        ck_assert_int_eq(check(policy, named, no_key, &bob, &bob_node), RELOAD_E_FORBIDDEN);
    }
    ck_assert_int_eq(check(policy, node(&alice_node), no_key, &alice, &alice_node),
                     RELOAD_E_FORBIDDEN);
}
END_TEST

START_TEST(nobody_by_unknown_policies)
{
    struct reload_bytes name = user("alice@example.org");
    ck_assert_int_eq(check(RELOAD_ACCESS_UNKNOWN, name, no_key, &alice, &alice_node),
                     RELOAD_E_FORBIDDEN);
    ck_assert_int_eq(check(200, name, no_key, &alice, &alice_node), RELOAD_E_FORBIDDEN);
    /* A Node-ID that is not in the certificate signs for nobody. */
    ck_assert_int_eq(check(RELOAD_ACCESS_USER_MATCH, name, no_key, &alice, &bob_node),
                     RELOAD_E_FORBIDDEN);
}
END_TEST

START_TEST(errors_of_the_hash_are_no_permission)
{
    hash.resource_id = fail_to_hash;
    for (uint8_t policy = RELOAD_ACCESS_USER_MATCH; policy <= RELOAD_ACCESS_NODE_MULTIPLE; policy++)
        ck_assert_int_ne(
            check(policy, user("alice@example.org"), node(&alice_node), &alice, &alice_node), 0);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("access", user_match, node_match, user_node_match, node_multiple,
                     nobody_by_unknown_policies, errors_of_the_hash_are_no_permission);
}
