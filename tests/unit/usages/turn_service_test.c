/* turn_service_test.c: relays announce themselves in rings of simulated nodes, and are found.
 *
 * RFC 6940 9; attack row L13. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"
#include "tests/suite.h"
#include "usages/turn_service.h"

#define DENSITY 4

static struct sim *s;

static void
end(void)
{
    sim_free(s);
}

static void
set_density(struct reload_config *config, uint32_t overlay)
{
    (void)overlay;
    config->turn_density = DENSITY;
}

/* More often than the Kind allows. */
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
    set_density(config, overlay);
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
begin_with(uint32_t count, void (*configure)(struct reload_config *config, uint32_t overlay))
{
    static struct reload_turn_options use = {.use = true};
    struct sim_options options = ring_options();
    options.usages[0] = &reload_turn_service_usage;
    options.usage_arguments[0] = &use;
    options.usage_count = 1;
    options.configure = configure;
    s = sim_new(9, &options);
    ring_grow(s, count);
}

static void
begin(uint32_t count)
{
    begin_with(count, set_density);
}

static void *
usage(uint32_t node)
{
    return reload_node_usage(sim_node(s, node), 0);
}

static struct reload_address
address_of(uint8_t last)
{
    return (struct reload_address){.family = 4, .octets = {203, 0, 113, last}, .port = 3478};
}

static bool
same(const struct reload_address *a, const struct reload_address *b)
{
    return a->family == b->family && a->port == b->port && memcmp(a->octets, b->octets, 16) == 0;
}

/* |node| has a relay at 203.0.113.|node|. */
static void
lend(uint32_t node)
{
    struct reload_turn_offer offer = {.address = address_of((uint8_t)node),
                                      .secret = reload_bytes_of_string("a secret"),
                                      .lifetime_s = 3600};
    ck_assert_int_eq(reload_turn_service_begin(usage(node), &offer, sim_now(s)), 0);
    sim_turn(s, node);
}

/* Where |owner|'s announcement |iteration| belongs: RFC 6940 9, D25. */
static struct sim_outcome
announcement(uint32_t reader, uint32_t owner, uint8_t iteration)
{
    uint8_t resource[16];
    struct reload_fetch_specifier specifier = {.kind = RELOAD_KIND_TURN_SERVICE};
    sim_slot_resource(s, owner, iteration, resource);
    struct sim_outcome outcome =
        sim_fetch_value(s, reader, (struct reload_bytes){resource, 16}, &specifier);
    ck_assert(outcome.done);
    ck_assert_int_eq(outcome.error, 0);
    return outcome;
}

static unsigned
announcements(uint32_t reader, uint32_t owner)
{
    unsigned count = 0;
    for (uint8_t i = 0; i <= RELOAD_TURN_ITERATIONS_MAX; i++)
        count += announcement(reader, owner, i).exists;
    return count;
}

static size_t
ways(uint32_t node, struct reload_ice_relay *relays)
{
    return reload_turn_service_relays(usage(node), relays, RELOAD_ICE_RELAYS_MAX);
}

static bool
knows(uint32_t node, uint32_t server)
{
    size_t cursor = 0;
    struct reload_turn_relay_info info;
    while (reload_turn_service_next(usage(node), &cursor, &info))
        if (memcmp(&info.node_id, sim_node_id(s, server), sizeof info.node_id) == 0)
            return true;
    return false;
}

static size_t
known(uint32_t node)
{
    size_t cursor = 0, count = 0;
    struct reload_turn_relay_info info;
    while (reload_turn_service_next(usage(node), &cursor, &info))
        count++;
    return count;
}

/* ---- announcements ----------------------------------------------------------------------------
 */

/* RFC6940-9: "for each value, called d, between 1 and turn-density". */
START_TEST(announced_as_often_as_the_density_says)
{
    begin(6);
    lend(2);
    sim_run_for(s, SIM_SECONDS(5));
    for (uint8_t i = 1; i <= DENSITY; i++) {
        struct sim_outcome outcome = announcement(4, 2, i);
        const uint8_t expected[] = {i, 1, 6, 203, 0, 113, 2, 3478 >> 8, 3478 & 255};
        ck_assert(outcome.exists);
        ck_assert_uint_eq(outcome.value_size, sizeof expected);
        ck_assert_mem_eq(outcome.value, expected, sizeof expected);
    }
    ck_assert_uint_eq(announcements(4, 2), DENSITY);
    ck_assert_uint_eq(reload_turn_service_counters(usage(2)).announced, DENSITY);
    ck_assert_uint_eq(announcements(4, 3), 0);
}
END_TEST

/* RFC6940-9: "a maximum iteration of counter 20". */
START_TEST(announced_not_more_often_than_allowed)
{
    static const struct {
        void (*configure)(struct reload_config *config, uint32_t overlay);
        unsigned expected;
    } rows[] = {{set_density_beyond, RELOAD_TURN_ITERATIONS_MAX},
                {set_document_below, DENSITY - 1},
                {set_density_0, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin_with(4, rows[i].configure);
        lend(2);
        sim_run_for(s, SIM_SECONDS(10));
        ck_assert_uint_eq(announcements(3, 2), rows[i].expected);
        if (i + 1 < sizeof rows / sizeof *rows)
            sim_free(s);
    }
}
END_TEST

START_TEST(announced_while_it_lasts)
{
    begin(5);
    lend(2);
    sim_run_for(s, SIM_SECONDS(5 * 3600));
    ck_assert_uint_eq(announcements(4, 2), DENSITY);
    reload_turn_service_end(usage(2), sim_now(s));
    sim_turn(s, 2);
    sim_run_for(s, SIM_SECONDS(5));
    ck_assert_uint_eq(announcements(4, 2), 0);
    ck_assert_uint_eq(reload_turn_service_counters(usage(2)).announced, 0);
    lend(2);
    sim_run_for(s, SIM_SECONDS(5));
    ck_assert_uint_eq(announcements(4, 2), DENSITY);
}
END_TEST

START_TEST(withdrawn_by_a_node_that_leaves)
{
    begin(6);
    lend(2);
    sim_run_for(s, SIM_SECONDS(5));
    sim_leave(s, 2);
    sim_run_for(s, SIM_SECONDS(5));
    ck_assert(!sim_is_alive(s, 2));
    ck_assert_uint_eq(announcements(4, 2), 0);
}
END_TEST

START_TEST(offers_that_nobody_would_take_are_refused)
{
    begin(3);
    struct reload_turn_offer offer = {.address = {.family = 4, .octets = {127, 0, 0, 1}, .port = 1},
                                      .secret = reload_bytes_of_string("a secret"),
                                      .lifetime_s = 3600};
    ck_assert_int_eq(reload_turn_service_begin(usage(1), &offer, sim_now(s)), RELOAD_E_FORBIDDEN);
    offer.address = address_of(1);
    offer.lifetime_s = 59;
    ck_assert_int_eq(reload_turn_service_begin(usage(1), &offer, sim_now(s)), RELOAD_E_USAGE);
    offer.lifetime_s = 86401;
    ck_assert_int_eq(reload_turn_service_begin(usage(1), &offer, sim_now(s)), RELOAD_E_USAGE);
    offer.lifetime_s = 60;
    offer.secret.size = 0;
    ck_assert_int_eq(reload_turn_service_begin(usage(1), &offer, sim_now(s)), RELOAD_E_USAGE);
    sim_run_for(s, SIM_SECONDS(5));
    ck_assert_uint_eq(announcements(2, 1), 0);
}
END_TEST

/* ---- finding them -----------------------------------------------------------------------------
 */

START_TEST(found_with_credentials_by_udp_and_tcp)
{
    begin(8);
    lend(2);
    sim_run_for(s, SIM_SECONDS(60));
    for (uint32_t node = 0; node < 8; node++) {
        struct reload_ice_relay relays[RELOAD_ICE_RELAYS_MAX];
        if (node == 2) { /* who lends one needs none */
            ck_assert_uint_eq(ways(node, relays), 0);
            continue;
        }
        ck_assert_uint_eq(ways(node, relays), 2);
        for (size_t i = 0; i < 2; i++) {
            struct reload_address address = address_of(2);
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
    lend(1);
    sim_run_for(s, SIM_SECONDS(5));
    uint32_t client = client_of(s);
    sim_run_for(s, SIM_SECONDS(20));
    ck_assert(knows(client, 1));
}
END_TEST

START_TEST(some_are_kept_of_many)
{
    begin(10);
    for (uint32_t node = 1; node <= 6; node++)
        lend(node);
    sim_run_for(s, SIM_SECONDS(120));
    struct reload_ice_relay relays[RELOAD_ICE_RELAYS_MAX];
    ck_assert_uint_eq(known(8), RELOAD_TURN_RELAYS_MAX);
    ck_assert_uint_eq(ways(8, relays), RELOAD_ICE_RELAYS_MAX);
    ck_assert(same(&relays[0].address, &relays[1].address));
    ck_assert(!same(&relays[0].address, &relays[2].address));
    ck_assert_uint_eq(reload_turn_service_relays(usage(8), relays, 1), 1);
    ck_assert_uint_eq(reload_turn_service_relays(usage(8), relays, 0), 0);
}
END_TEST

START_TEST(nothing_is_found_where_nothing_is)
{
    begin(5);
    sim_run_for(s, SIM_SECONDS(600));
    ck_assert_uint_eq(known(3), 0);
    lend(1);
    sim_run_for(s, SIM_SECONDS(900));
    ck_assert(knows(3, 1));
}
END_TEST

START_TEST(credentials_are_renewed)
{
    begin(5);
    lend(1);
    sim_run_for(s, SIM_SECONDS(30));
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
    lend(1);
    lend(2);
    sim_run_for(s, SIM_SECONDS(60));
    ck_assert(knows(4, 1) && knows(4, 2));
    sim_kill(s, 1);
    sim_run_for(s, SIM_SECONDS(900));
    ck_assert(!knows(4, 1));
    ck_assert(knows(4, 2));
}
END_TEST

/* Its node lives, but gives no credentials any more. */
START_TEST(a_relay_that_ended_is_given_up)
{
    begin(5);
    lend(1);
    sim_run_for(s, SIM_SECONDS(30));
    ck_assert(knows(3, 1));
    reload_turn_service_end(usage(1), sim_now(s));
    sim_turn(s, 1);
    sim_run_for(s, SIM_SECONDS(900));
    ck_assert(!knows(3, 1));
}
END_TEST

/* ---- those who lie ----------------------------------------------------------------------------
 */

/* |liar| has no relay, but announces one: with |octets|, the first of which is the copy's number
 * when it is 0. */
static void
lie(uint32_t liar, const uint8_t *octets, size_t size)
{
    for (uint8_t i = 1; i <= DENSITY; i++) {
        uint8_t resource[16], text[32];
        sim_slot_resource(s, liar, i, resource);
        memcpy(text, octets, size);
        if (text[0] == 0)
            text[0] = i;
        struct reload_store_value value = {.kind = RELOAD_KIND_TURN_SERVICE,
                                           .value = {text, size},
                                           .exists = true,
                                           .lifetime_s = 3600};
        struct sim_outcome outcome =
            sim_store_value(s, liar, (struct reload_bytes){resource, 16}, &value);
        ck_assert_int_eq(outcome.error, 0);
    }
}

/* How often |node| was asked for credentials. */
static uint64_t
questions(uint32_t node)
{
    struct reload_turn_counters counters = reload_turn_service_counters(usage(node));
    return counters.granted + counters.refused;
}

/* L13: nobody is sent to addresses inside, nor even asks for credentials. */
START_TEST(announced_addresses_inside_are_not_used)
{
    static const uint8_t inside[][21] = {
        {0, 1, 6, 127, 0, 0, 1, 13, 150},
        {0, 1, 6, 10, 0, 0, 1, 13, 150},
        {0, 1, 6, 192, 168, 1, 1, 13, 150},
        {0, 1, 6, 169, 254, 169, 254, 0, 80},
        {0, 1, 6, 224, 0, 0, 1, 13, 150},
        {0, 1, 6, 0, 0, 0, 0, 13, 150},
        {0, 1, 6, 203, 0, 113, 1, 0, 0},
        {0, 2, 18, [18] = 1, 13, 150},
        {0, 2, 18, [13] = 0xff, 0xff, 127, 0, 0, 1, 13, 150},
        {0, 2, 18, 0xfe, 0x80, [18] = 1, 13, 150},
    };
    begin(5);
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
        lie(1, inside[i], inside[i][1] == 1 ? 9 : 21);
        sim_run_for(s, SIM_SECONDS(1000));
    }
    ck_assert_uint_eq(questions(1), 0);
    ck_assert_uint_eq(known(3), 0);
}
END_TEST

/* The control of the test above and the next: this one is believed, until it is asked. */
START_TEST(an_announcement_without_a_relay_is_found_out)
{
    static const uint8_t good[] = {0, 1, 6, 203, 0, 113, 1, 13, 150};
    begin(5);
    lie(1, good, sizeof good);
    sim_run_for(s, SIM_SECONDS(1000));
    ck_assert_uint_gt(questions(1), 0);
    ck_assert_uint_lt(questions(1), 4 * 12); /* it is let alone for a while */
    ck_assert_uint_eq(known(3), 0);
}
END_TEST

/* A copy that says it is another one. */
START_TEST(announcements_in_a_wrong_place_are_not_used)
{
    static const uint8_t wrong[] = {DENSITY + 1, 1, 6, 203, 0, 113, 1, 13, 150};
    begin(5);
    lie(1, wrong, sizeof wrong);
    sim_run_for(s, SIM_SECONDS(1000));
    ck_assert_uint_eq(questions(1), 0);
    ck_assert_uint_eq(known(3), 0);
}
END_TEST

/* RFC6940-7.3.4: nobody announces in another node's name. */
START_TEST(announcements_at_others_places_are_refused)
{
    static const uint8_t octets[] = {1, 1, 6, 203, 0, 113, 1, 13, 150};
    begin(5);
    uint8_t resource[16];
    sim_slot_resource(s, 2, 1, resource);
    struct reload_store_value value = {.kind = RELOAD_KIND_TURN_SERVICE,
                                       .value = {octets, sizeof octets},
                                       .exists = true,
                                       .lifetime_s = 3600};
    struct sim_outcome outcome = sim_store_value(s, 1, (struct reload_bytes){resource, 16}, &value);
    ck_assert_int_eq(outcome.error, RELOAD_E_REFUSED);
    ck_assert_uint_eq(outcome.error_code, RELOAD_ERROR_FORBIDDEN);
}
END_TEST

/* ---- credentials ------------------------------------------------------------------------------
 */

struct asked {
    unsigned done, given;
};

static void
on_answer(void *argument, const struct reload_result *result, reload_time now)
{
    struct asked *asked = argument;
    struct reload_bytes content;
    (void)now;
    ck_assert_int_eq(result->error, 0);
    asked->done++;
    asked->given += reload_message_extension(result->message, RELOAD_TURN_EXTENSION, &content);
}

static unsigned
ask_for_credentials(uint32_t node, uint32_t server, unsigned times, const char *question)
{
    struct asked asked = {0};
    struct reload_route route = reload_route_to_node(sim_node_id(s, server));
    for (unsigned i = 0; i < times; i++) {
        ck_assert_int_eq(reload_node_ping(sim_node(s, node), &route, RELOAD_TURN_EXTENSION,
                                          reload_bytes_of_string(question), on_answer, &asked,
                                          sim_now(s)),
                         0);
        sim_turn(s, node);
        sim_run_for(s, SIM_SECONDS(1));
    }
    ck_assert_uint_eq(asked.done, times);
    return asked.given;
}

START_TEST(who_asks_too_often_gets_nothing)
{
    begin(4);
    lend(1);
    sim_run_for(s, SIM_SECONDS(30));
    unsigned given = ask_for_credentials(3, 1, 30, "");
    ck_assert_uint_ge(given, 6); /* the node itself asks now and then */
    ck_assert_uint_le(given, 9);
    ck_assert_uint_ge(ask_for_credentials(2, 1, 1, ""), 1); /* others are not concerned */
    sim_run_for(s, SIM_SECONDS(130));
    ck_assert_uint_ge(ask_for_credentials(3, 1, 1, ""), 1);
}
END_TEST

START_TEST(questions_with_a_content_get_nothing)
{
    begin(4);
    lend(1);
    sim_run_for(s, SIM_SECONDS(5));
    ck_assert_uint_eq(ask_for_credentials(3, 1, 1, "x"), 0);
    ck_assert_uint_eq(ask_for_credentials(3, 1, 1, ""), 1);
}
END_TEST

START_TEST(nodes_without_a_relay_give_nothing)
{
    begin(4);
    ck_assert_uint_eq(ask_for_credentials(3, 1, 1, ""), 0);
    ck_assert_uint_eq(reload_turn_service_counters(usage(1)).granted, 0);
}
END_TEST

int
main(void)
{
    return RUN_SUITE_IN(
        NULL, end, "turn_service", announced_as_often_as_the_density_says,
        announced_not_more_often_than_allowed, announced_while_it_lasts,
        withdrawn_by_a_node_that_leaves, offers_that_nobody_would_take_are_refused,
        found_with_credentials_by_udp_and_tcp, found_by_a_client, some_are_kept_of_many,
        nothing_is_found_where_nothing_is, credentials_are_renewed, a_dead_relay_is_given_up,
        a_relay_that_ended_is_given_up, announced_addresses_inside_are_not_used,
        an_announcement_without_a_relay_is_found_out, announcements_in_a_wrong_place_are_not_used,
        announcements_at_others_places_are_refused, who_asks_too_often_gets_nothing,
        questions_with_a_content_get_nothing, nodes_without_a_relay_give_nothing);
}
