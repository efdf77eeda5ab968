/* kind_test.c: which Kinds a node knows, and as what. RFC 6940 11.1, I7.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/kind.h"

#include "tests/suite.h"

static void *
allocate(void *context, void *data, size_t size)
{
    bool *fails = context;
    if (!size) {
        free(data);
        return NULL;
    }
    return *fails ? NULL : realloc(data, size);
}

static bool fails;
static const struct reload_env env = {.context = &fails, .allocate = allocate};

static const struct reload_kind rows[] = {
    {.kind = RELOAD_KIND_SIP_REGISTRATION,
     .name = "SIP-REGISTRATION",
     .data_model = RELOAD_DATA_MODEL_DICTIONARY,
     .access_policy = RELOAD_ACCESS_USER_NODE_MATCH,
     .max_count = 32,
     .max_size = 1000},
    {.kind = 0xf0000010,
     .name = "PRIVATE",
     .data_model = RELOAD_DATA_MODEL_ARRAY,
     .access_policy = RELOAD_ACCESS_USER_MATCH,
     .max_count = 5,
     .max_size = 10},
};
static const struct reload_usage_ops usage = {.name = "test", .kinds = rows, .kind_count = 2};
static const struct reload_usage_ops *const usages[] = {&usage};

static struct reload_config config;

static struct reload_config_kind *
require(uint32_t kind, uint8_t model, uint8_t policy)
{
    struct reload_config_kind *made = &config.kinds[config.kind_count++];
    *made = (struct reload_config_kind){
        .kind = kind, .data_model = model, .access_policy = policy, .max_count = 7, .max_size = 70};
    return made;
}

static int
build(struct reload_kinds *kinds)
{
    return reload_kinds_init(kinds, &env, &config, usages, 1);
}

static void
is_refused(void)
{
    struct reload_kinds kinds;
    ck_assert_int_eq(build(&kinds), RELOAD_E_CONFIG);
    ck_assert_ptr_null(kinds.rows);
    config.kind_count = 0;
}

START_TEST(document_and_usages)
{
    struct reload_kinds kinds;
    require(2000, RELOAD_DATA_MODEL_SINGLE_VALUE,
            RELOAD_ACCESS_NODE_MATCH); /* outside of private */
    ck_assert_int_eq(build(&kinds), 0);
    ck_assert_uint_eq(kinds.count, 3);
    ck_assert_int_eq(reload_kinds_model(&kinds, 2000), RELOAD_DATA_MODEL_SINGLE_VALUE);
    ck_assert_int_eq(reload_kinds_model(&kinds, 1), RELOAD_DATA_MODEL_DICTIONARY);
    ck_assert_int_eq(reload_kinds_model(&kinds, 0xf0000010), RELOAD_DATA_MODEL_ARRAY);
    ck_assert_int_eq(reload_kinds_model(&kinds, 2001), 0);
    ck_assert_ptr_null(reload_kinds_find(&kinds, 0));
    ck_assert_uint_eq(reload_kinds_find(&kinds, 1)->max_count, 32); /* the usage's */
    reload_kinds_fini(&kinds);
}
END_TEST

/* I7: the sample document of RFC 6940 itself gives SIP-REGISTRATION a wrong model and policy. */
START_TEST(registered_kinds_are_the_rfcs)
{
    struct reload_kinds kinds;
    require(RELOAD_KIND_SIP_REGISTRATION, RELOAD_DATA_MODEL_SINGLE_VALUE, RELOAD_ACCESS_USER_MATCH);
    require(RELOAD_KIND_TURN_SERVICE, RELOAD_DATA_MODEL_ARRAY, RELOAD_ACCESS_USER_MATCH);
    ck_assert_int_eq(build(&kinds), 0);
    const struct reload_kind *sip = reload_kinds_find(&kinds, RELOAD_KIND_SIP_REGISTRATION);
    ck_assert_uint_eq(sip->data_model, RELOAD_DATA_MODEL_DICTIONARY);
    ck_assert_uint_eq(sip->access_policy, RELOAD_ACCESS_USER_NODE_MATCH);
    ck_assert_uint_eq(sip->max_count, 7); /* the limits are the document's */
    ck_assert_uint_eq(sip->max_size, 70);
    const struct reload_kind *turn = reload_kinds_find(&kinds, RELOAD_KIND_TURN_SERVICE);
    ck_assert_uint_eq(turn->data_model, RELOAD_DATA_MODEL_SINGLE_VALUE);
    ck_assert_uint_eq(turn->access_policy, RELOAD_ACCESS_NODE_MULTIPLE);
    ck_assert_uint_eq(turn->max_node_multiple, 20);
    reload_kinds_fini(&kinds);
}
END_TEST

/* RFC6940-7.3-01, RFC6940-7.3.4-02 */
START_TEST(what_cannot_be_supported)
{
    require(2000, RELOAD_DATA_MODEL_SINGLE_VALUE, RELOAD_ACCESS_UNKNOWN);
    is_refused();
    require(2000, RELOAD_DATA_MODEL_SINGLE_VALUE, 99);
    is_refused();
    require(2000, 0, RELOAD_ACCESS_USER_MATCH);
    is_refused();
    require(2000, 4, RELOAD_ACCESS_USER_MATCH);
    is_refused();
    /* RFC6940 7.3.3: USER-NODE-MATCH may be used only with dictionary types. */
    require(2000, RELOAD_DATA_MODEL_ARRAY, RELOAD_ACCESS_USER_NODE_MATCH);
    is_refused();
    /* RFC6940 7.3.4: the maximum value of i MUST be specified. */
    require(2000, RELOAD_DATA_MODEL_ARRAY, RELOAD_ACCESS_NODE_MULTIPLE);
    is_refused();
    require(2000, RELOAD_DATA_MODEL_ARRAY, RELOAD_ACCESS_NODE_MULTIPLE)->max_node_multiple = 256;
    is_refused();
    require(2000, RELOAD_DATA_MODEL_ARRAY, RELOAD_ACCESS_USER_MATCH)->max_count = 0;
    is_refused();
    /* A usage's private Kind under another model. */
    require(0xf0000010, RELOAD_DATA_MODEL_DICTIONARY, RELOAD_ACCESS_USER_MATCH);
    is_refused();
    fails = true;
    struct reload_kinds kinds;
    ck_assert_int_eq(build(&kinds), RELOAD_E_NOMEM);
}
END_TEST

START_TEST(a_list_of_unknown_kinds)
{
    uint8_t data[1000];
    struct reload_writer info = reload_writer_of(data, sizeof data);
    for (uint32_t i = 0; i < 100; i++)
        reload_kinds_unknown(&info, 0x01020300 + i);
    ck_assert_uint_eq(info.size, 1 + 63 * 4); /* KindId unknown_kinds<0..2^8-1> */
    ck_assert_uint_eq(data[0], 252);
    ck_assert_mem_eq(data + 1, "\1\2\3\0\1\2\3\1", 8);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("kind", document_and_usages, registered_kinds_are_the_rfcs,
                     what_cannot_be_supported, a_list_of_unknown_kinds);
}
