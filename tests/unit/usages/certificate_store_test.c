/* certificate_store_test.c: every node's certificate is found under its Node-ID and its user's
 * name.
 *
 * RFC 6940 8. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"
#include "tests/suite.h"
#include "usages/certificate_store.h"

static struct sim *s;

static void
end(void)
{
    sim_free(s);
}

static void
begin(uint32_t count)
{
    struct sim_options options = ring_options();
    options.usages[0] = &reload_certificate_store_usage;
    options.usage_count = 1;
    s = sim_new(8, &options);
    ring_grow(s, count);
    sim_run_for(s, SIM_SECONDS(20));
}

static struct reload_bytes
certificate_of(uint32_t node)
{
    struct reload_keyring *keyring = reload_node_keyring(sim_node(s, node));
    return keyring->ops->self(keyring)->certificate;
}

/* What |reader| finds of |kind| under |name|, from index |first| to |last|. */
static struct sim_outcome
look_for(uint32_t reader, uint32_t kind, struct reload_bytes name, uint32_t first, uint32_t last)
{
    uint8_t resource[20];
    size_t size;
    struct reload_fetch_specifier everything = {.kind = kind, .first = first, .last = last};
    ck_assert_int_eq(reload_node_resource(sim_node(s, reader), name, resource, &size), 0);
    struct sim_outcome outcome =
        sim_fetch_value(s, reader, (struct reload_bytes){resource, size}, &everything);
    ck_assert(outcome.done);
    ck_assert_int_eq(outcome.error, 0);
    return outcome;
}

static struct sim_outcome
by_node(uint32_t reader, uint32_t node)
{
    return look_for(reader, RELOAD_KIND_CERTIFICATE_BY_NODE,
                    (struct reload_bytes){sim_node_id(s, node)->octets, 16}, 0, 3);
}

static struct sim_outcome
by_user(uint32_t reader, const char *user)
{
    return look_for(reader, RELOAD_KIND_CERTIFICATE_BY_USER, reload_bytes_of_string(user), 0, 3);
}

static void
is_certificate(const struct sim_outcome *outcome, uint32_t node)
{
    struct reload_bytes certificate = certificate_of(node);
    ck_assert_uint_eq(outcome->value_count, 1);
    ck_assert(outcome->exists);
    ck_assert_uint_eq(outcome->value_size, certificate.size);
    ck_assert_mem_eq(outcome->value, certificate.data, certificate.size);
}

/* RFC6940-8-01. */
START_TEST(kept_under_node_and_user)
{
    begin(5);
    for (uint32_t node = 0; node < 5; node++) {
        struct sim_outcome outcome = by_node((node + 1) % 5, node);
        is_certificate(&outcome, node);
        outcome = by_user((node + 2) % 5, sim_user_name(s, node));
        is_certificate(&outcome, node);
    }
}
END_TEST

START_TEST(renewed_in_its_place_while_the_node_runs)
{
    begin(4);
    sim_run_for(s, SIM_SECONDS(2 * 86400));
    struct sim_outcome outcome = by_node(2, 1);
    is_certificate(&outcome, 1);
    outcome = by_user(2, sim_user_name(s, 1));
    is_certificate(&outcome, 1);
}
END_TEST

/* Nobody renews it any more. */
START_TEST(gone_when_the_node_is_gone_for_long)
{
    begin(4);
    struct reload_node_id gone = *sim_node_id(s, 1);
    sim_kill(s, 1);
    sim_run_for(s, SIM_SECONDS(2 * 86400));
    struct sim_outcome outcome =
        look_for(2, RELOAD_KIND_CERTIFICATE_BY_NODE, (struct reload_bytes){gone.octets, 16}, 0, 3);
    ck_assert(!outcome.exists);
}
END_TEST

/* RFC 6940 8: "New certificates are stored at the end of the list." A user's second node. */
START_TEST(two_nodes_of_a_user_stand_side_by_side)
{
    begin(4);
    struct sim_node_options second = {.user_name = sim_user_name(s, 1)};
    sim_add_node(s, &second);
    sim_run_for(s, SIM_SECONDS(30));
    ck_assert_uint_eq(by_user(2, sim_user_name(s, 1)).value_count, 2);
    struct sim_outcome outcome = by_node(2, 4);
    is_certificate(&outcome, 4);
}
END_TEST

/* The list of a user's certificates has an end: the newest then takes the first place. */
START_TEST(a_full_list_still_takes_ours)
{
    begin(4);
    struct sim_node_options again = {.user_name = "many@overlay0.sim"};
    for (uint32_t i = 0; i < 33; i++) {
        again.not_before_ms = 1 + i;
        again.not_after_ms = UINT64_C(1) << 42;
        uint32_t node = sim_add_node(s, &again);
        sim_run_for(s, SIM_SECONDS(15));
        if (i < 32)
            sim_leave(s, node);
    }
    uint32_t last = sim_node_count(s) - 1;
    struct reload_bytes user = reload_bytes_of_string(again.user_name);
    struct sim_outcome outcome = look_for(2, RELOAD_KIND_CERTIFICATE_BY_USER, user, 30, 99);
    ck_assert_uint_eq(outcome.value_count, 2); /* 30 and 31 */
    outcome = look_for(2, RELOAD_KIND_CERTIFICATE_BY_USER, user, 0, 0);
    is_certificate(&outcome, last);
}
END_TEST

int
main(void)
{
    return RUN_SUITE_IN(NULL, end, "certificate_store", kept_under_node_and_user,
                        renewed_in_its_place_while_the_node_runs,
                        gone_when_the_node_is_gone_for_long, two_nodes_of_a_user_stand_side_by_side,
                        a_full_list_still_takes_ours);
}
