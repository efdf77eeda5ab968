/* turn_attack_test.c: those who lie about relays, and who want more of them than is good.
 *
 * RFC 6940 9, 7.3.4; attack row L13. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/suite.h"
#include "tests/unit/usages/turn_ring.h"

static struct sim *s;

static void
end(void)
{
    sim_free(s);
}

static void
begin(uint32_t count)
{
    s = turn_ring_of(count, turn_ring_configure);
}

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
    struct reload_turn_counters counters = reload_turn_service_counters(turn_of(s, node));
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
    ck_assert_uint_eq(turn_known(s, 3), 0);
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
    ck_assert_uint_eq(turn_known(s, 3), 0);
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
    ck_assert_uint_eq(turn_known(s, 3), 0);
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

/* ---- answers that are none --------------------------------------------------------------------
 */

/* What a relay that lies answers: the |cut| first octets of a good answer, each time one more, then
 * good ones with an address inside. */
static struct {
    size_t cut, whole;
    unsigned asked;
} liar;

static int
lying_ping(void *state, const struct reload_identity *signer,
           const struct reload_node_id *signer_id, struct reload_bytes content,
           struct reload_writer *answer, reload_time now)
{
    uint8_t octets[512];
    struct reload_writer good = reload_writer_of(octets, sizeof octets);
    int error = reload_turn_service_usage.ping(state, signer, signer_id, content, &good, now);
    if (error)
        return error;
    liar.asked++;
    liar.whole = good.size;
    if (liar.cut < good.size) {
        reload_writer_bytes(answer, (struct reload_bytes){octets, liar.cut++});
        return 0;
    }
    memcpy(octets + 4 + 2, (const uint8_t[]){127, 0, 0, 1}, 4); /* behind lifetime, type, length */
    reload_writer_bytes(answer, reload_writer_written(&good));
    return 0;
}

START_TEST(answers_cut_anywhere_or_with_addresses_inside_are_not_used)
{
    static struct reload_usage_ops ops; /* outlives the ring */
    ops = reload_turn_service_usage;
    ops.ping = lying_ping;
    memset(&liar, 0, sizeof liar);
    s = turn_ring_with(4, &ops, turn_ring_configure);
    turn_lend(s, 1);
    while (liar.whole == 0 || liar.asked < liar.whole + 10) {
        sim_run_for(s, SIM_SECONDS(300));
        ck_assert_uint_eq(turn_known(s, 0) + turn_known(s, 2) + turn_known(s, 3), 0);
        ck_assert_uint_lt(sim_now(s), SIM_TIME_BEGIN + SIM_SECONDS(1000000));
    }
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
    turn_lend(s, 1);
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
    turn_lend(s, 1);
    sim_run_for(s, SIM_SECONDS(5));
    ck_assert_uint_eq(ask_for_credentials(3, 1, 1, "x"), 0);
    ck_assert_uint_eq(ask_for_credentials(3, 1, 1, ""), 1);
}
END_TEST

START_TEST(nodes_without_a_relay_give_nothing)
{
    begin(4);
    ck_assert_uint_eq(ask_for_credentials(3, 1, 1, ""), 0);
    ck_assert_uint_eq(reload_turn_service_counters(turn_of(s, 1)).granted, 0);
}
END_TEST

int
main(void)
{
    return RUN_SUITE_IN(
        NULL, end, "turn_attack", announced_addresses_inside_are_not_used,
        an_announcement_without_a_relay_is_found_out, announcements_in_a_wrong_place_are_not_used,
        announcements_at_others_places_are_refused,
        answers_cut_anywhere_or_with_addresses_inside_are_not_used, who_asks_too_often_gets_nothing,
        questions_with_a_content_get_nothing, nodes_without_a_relay_give_nothing);
}
