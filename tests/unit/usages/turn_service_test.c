/* turn_service_test.c: relays announce themselves in rings of simulated nodes, and are found.
 *
 * RFC 6940 9; attack row L13. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/suite.h"
#include "tests/unit/usages/turn_ring.h"

static struct sim *s;

static void
end(void)
{
    sim_free(s);
}

static void
set_density_beyond(struct reload_config *config, uint32_t overlay)
{
    (void)overlay;
    config->turn_density = 255;
}

/* More often than the document itself allows. */
static void
set_document_below(struct reload_config *config, uint32_t overlay)
{
    turn_ring_configure(config, overlay);
    config->kinds[config->kind_count++] =
        (struct reload_config_kind){.kind = RELOAD_KIND_TURN_SERVICE,
                                    .data_model = RELOAD_DATA_MODEL_SINGLE_VALUE,
                                    .access_policy = RELOAD_ACCESS_NODE_MULTIPLE,
                                    .max_count = 1,
                                    .max_size = 100,
                                    .max_node_multiple = DENSITY - 1};
}

static void
set_density_0(struct reload_config *config, uint32_t overlay)
{
    (void)overlay;
    config->turn_density = 0;
}

static void
begin(uint32_t count)
{
    s = turn_ring_of(count, turn_ring_configure);
}

static bool
same(const struct reload_address *a, const struct reload_address *b)
{
    return a->family == b->family && a->port == b->port && memcmp(a->octets, b->octets, 16) == 0;
}

/* |node| has a relay at 203.0.113.|node|. */
static size_t
ways(uint32_t node, struct reload_ice_relay *relays)
{
    return reload_turn_service_relays(turn_of(s, node), relays, RELOAD_ICE_RELAYS_MAX);
}

/* ---- announcements ----------------------------------------------------------------------------
 */

/* RFC6940-9-04: "for each value, called d, between 1 and turn-density". */
START_TEST(announced_as_often_as_the_density_says)
{
    begin(6);
    turn_lend(s, 2);
    sim_run_for(s, SIM_SECONDS(5));
    for (uint8_t i = 1; i <= DENSITY; i++) {
        struct sim_outcome outcome = turn_announcement(s, 4, 2, i);
        const uint8_t expected[] = {i, 1, 6, 203, 0, 113, 2, 3478 >> 8, 3478 & 255};
        ck_assert(outcome.exists);
        ck_assert_uint_eq(outcome.value_size, sizeof expected);
        ck_assert_mem_eq(outcome.value, expected, sizeof expected);
    }
    ck_assert_uint_eq(turn_announcements(s, 4, 2), DENSITY);
    ck_assert_uint_eq(reload_turn_service_counters(turn_of(s, 2)).announced, DENSITY);
    ck_assert_uint_eq(turn_announcements(s, 4, 3), 0);
}
END_TEST

/* RFC6940-9-04; "a maximum iteration of counter 20". */
START_TEST(announced_not_more_often_than_allowed)
{
    static const struct {
        void (*configure)(struct reload_config *config, uint32_t overlay);
        unsigned expected;
    } rows[] = {{set_density_beyond, RELOAD_TURN_ITERATIONS_MAX},
                {set_document_below, DENSITY - 1},
                {set_density_0, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        s = turn_ring_of(4, rows[i].configure);
        turn_lend(s, 2);
        sim_run_for(s, SIM_SECONDS(10));
        ck_assert_uint_eq(turn_announcements(s, 3, 2), rows[i].expected);
        if (i + 1 < sizeof rows / sizeof *rows)
            sim_free(s);
    }
}
END_TEST

START_TEST(announced_while_it_lasts)
{
    begin(5);
    turn_lend(s, 2);
    sim_run_for(s, SIM_SECONDS(5 * 3600));
    ck_assert_uint_eq(turn_announcements(s, 4, 2), DENSITY);
    reload_turn_service_end(turn_of(s, 2), sim_now(s));
    sim_turn(s, 2);
    sim_run_for(s, SIM_SECONDS(5));
    ck_assert_uint_eq(turn_announcements(s, 4, 2), 0);
    ck_assert_uint_eq(reload_turn_service_counters(turn_of(s, 2)).announced, 0);
    turn_lend(s, 2);
    sim_run_for(s, SIM_SECONDS(5));
    ck_assert_uint_eq(turn_announcements(s, 4, 2), DENSITY);
}
END_TEST

START_TEST(withdrawn_by_a_node_that_leaves)
{
    begin(6);
    turn_lend(s, 2);
    sim_run_for(s, SIM_SECONDS(5));
    sim_leave(s, 2);
    sim_run_for(s, SIM_SECONDS(5));
    ck_assert(!sim_is_alive(s, 2));
    ck_assert_uint_eq(turn_announcements(s, 4, 2), 0);
}
END_TEST

/* RFC6940-9-02, and what is further out of range. */
START_TEST(offers_that_nobody_would_take_are_refused)
{
    begin(3);
    struct reload_turn_offer offer = {.address = {.family = 4, .octets = {127, 0, 0, 1}, .port = 1},
                                      .secret = reload_bytes_of_string("a secret"),
                                      .lifetime_s = 3600};
    ck_assert_int_eq(reload_turn_service_begin(turn_of(s, 1), &offer, sim_now(s)),
                     RELOAD_E_FORBIDDEN);
    offer.address = turn_address_of(1);
    offer.lifetime_s = 59;
    ck_assert_int_eq(reload_turn_service_begin(turn_of(s, 1), &offer, sim_now(s)), RELOAD_E_USAGE);
    offer.lifetime_s = 86401;
    ck_assert_int_eq(reload_turn_service_begin(turn_of(s, 1), &offer, sim_now(s)), RELOAD_E_USAGE);
    offer.lifetime_s = 60;
    offer.secret.size = 0;
    ck_assert_int_eq(reload_turn_service_begin(turn_of(s, 1), &offer, sim_now(s)), RELOAD_E_USAGE);
    sim_run_for(s, SIM_SECONDS(5));
    ck_assert_uint_eq(turn_announcements(s, 2, 1), 0);
}
END_TEST

/* ---- finding them -----------------------------------------------------------------------------
 */

/* RFC6940-9-05. */
START_TEST(found_with_credentials_by_udp_and_tcp)
{
    begin(8);
    turn_lend(s, 2);
    turn_run(s, 8, NOBODY, 60);
    for (uint32_t node = 0; node < 8; node++) {
        struct reload_ice_relay relays[RELOAD_ICE_RELAYS_MAX];
        if (node == 2) { /* who lends one needs none */
            ck_assert_uint_eq(ways(node, relays), 0);
            continue;
        }
        ck_assert_uint_eq(ways(node, relays), 2);
        for (size_t i = 0; i < 2; i++) {
            struct reload_address address = turn_address_of(2);
            ck_assert(same(&relays[i].address, &address));
            ck_assert(relays[i].tcp == (i == 1));
            ck_assert_uint_eq(strlen(relays[i].password), 28);
            const char *colon = strchr(relays[i].username, ':');
            ck_assert_ptr_nonnull(colon);
            char id[33];
            for (size_t k = 0; k < 16; k++)
                snprintf(id + 2 * k, 3, "%02x", sim_node_id(s, node)->octets[k]);
            ck_assert_str_eq(colon + 1, id);
        }
    }
}
END_TEST

/* A node behind a NAT may need a relay to join at all. */
START_TEST(found_by_a_client)
{
    begin(6);
    turn_lend(s, 1);
    sim_run_for(s, SIM_SECONDS(5));
    uint32_t client = client_of(s);
    sim_run_for(s, SIM_SECONDS(20));
    ck_assert(turn_knows(s, client, 1));
}
END_TEST

START_TEST(some_are_kept_of_many)
{
    begin(10);
    for (uint32_t node = 1; node <= 6; node++)
        turn_lend(s, node);
    turn_run(s, 10, NOBODY, 120);
    struct reload_ice_relay relays[RELOAD_ICE_RELAYS_MAX];
    ck_assert_uint_eq(turn_known(s, 8), RELOAD_TURN_RELAYS_MAX);
    ck_assert_uint_eq(ways(8, relays), 2);
    ck_assert(same(&relays[0].address, &relays[1].address));
    ck_assert_uint_eq(reload_turn_service_relays(turn_of(s, 8), relays, 1), 1);
    ck_assert_uint_eq(reload_turn_service_relays(turn_of(s, 8), relays, 0), 0);
}
END_TEST

START_TEST(nothing_is_found_where_nothing_is)
{
    begin(5);
    sim_run_for(s, SIM_SECONDS(600));
    ck_assert_uint_eq(turn_known(s, 3), 0);
    turn_lend(s, 1);
    sim_run_for(s, SIM_SECONDS(900));
    ck_assert(turn_knows(s, 3, 1));
}
END_TEST

START_TEST(credentials_are_renewed)
{
    begin(5);
    turn_lend(s, 1);
    turn_run(s, 5, NOBODY, 30);
    struct reload_ice_relay before[RELOAD_ICE_RELAYS_MAX], after[RELOAD_ICE_RELAYS_MAX];
    ck_assert_uint_eq(ways(3, before), 2);
    sim_run_for(s, SIM_SECONDS(3 * 3600));
    ck_assert_uint_eq(ways(3, after), 2);
    ck_assert_str_ne(before[0].username, after[0].username);
    ck_assert_int_gt(strtoll(after[0].username, NULL, 10),
                     (long long)(SIM_WALL_BEGIN_MS / 1000 + 3 * 3600 + 1800));
}
END_TEST

START_TEST(a_dead_relay_is_given_up)
{
    begin(7);
    turn_lend(s, 1);
    turn_lend(s, 2);
    sim_run_for(s, SIM_SECONDS(60));
    ck_assert(turn_knows(s, 4, 1) && turn_knows(s, 4, 2));
    sim_kill(s, 1);
    sim_run_for(s, SIM_SECONDS(900));
    ck_assert(!turn_knows(s, 4, 1));
    ck_assert(turn_knows(s, 4, 2));
}
END_TEST

/* Its node lives, but gives no credentials any more. */
START_TEST(a_relay_that_ended_is_given_up)
{
    begin(5);
    turn_lend(s, 1);
    sim_run_for(s, SIM_SECONDS(30));
    ck_assert(turn_knows(s, 3, 1));
    reload_turn_service_end(turn_of(s, 1), sim_now(s));
    sim_turn(s, 1);
    sim_run_for(s, SIM_SECONDS(900));
    ck_assert(!turn_knows(s, 3, 1));
}
END_TEST

int
main(void)
{
    return RUN_SUITE_IN(NULL, end, "turn_service", announced_as_often_as_the_density_says,
                        announced_not_more_often_than_allowed, announced_while_it_lasts,
                        withdrawn_by_a_node_that_leaves, offers_that_nobody_would_take_are_refused,
                        found_with_credentials_by_udp_and_tcp, found_by_a_client,
                        some_are_kept_of_many, nothing_is_found_where_nothing_is,
                        credentials_are_renewed, a_dead_relay_is_given_up,
                        a_relay_that_ended_is_given_up);
}
