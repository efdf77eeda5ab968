/* sip_attack_test.c: who else answers in the callee's place, and SIP where it does not belong, on
 * rings of real nodes in virtual time.
 *
 * RFC 7904 5.1; attack rows U5, U7. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/offer.h"
#include "tests/sim/fixture.h"
#include "tests/suite.h"
#include "usages/sip.h"

#include <string.h>

#define RING 6
#define CALLER 2
#define SIM_PORT 6084

static const char invite[] = "INVITE sip:user4@overlay0.sim SIP/2.0\r\nl: 0\r\n\r\n";

static struct sim *s;
static unsigned messages, ends;
static int last_error;

static void
receive(void *argument, const struct reload_sip_peer *peer, struct reload_bytes message,
        reload_time now)
{
    (void)argument, (void)peer, (void)message, (void)now;
    messages++;
}

static void
lost(void *argument, uint32_t link, int error, reload_time now)
{
    (void)argument, (void)link, (void)error, (void)now;
}

static struct reload_sip *
sip_of(uint32_t node)
{
    return reload_node_usage(sim_node(s, node), 0);
}

static void
begin(void)
{
    struct sim_options options = ring_options();
    options.usages[0] = &reload_sip_usage;
    options.usage_count = 1;
    s = sim_new(7904, &options);
    ring_grow(s, RING);
    for (uint32_t i = 0; i < RING; i++)
        reload_sip_set_handler(sip_of(i), &(struct reload_sip_handler){NULL, receive, lost});
    messages = ends = 0;
}

/* ---- U5 ------------------------------------------------------------------------------------- */

/* A callee played by the test; |signer| signs its answers to AppAttaches and has the address in
 * them. */
struct callee {
    struct attacker attacker;
    uint32_t signer;
    unsigned asked;
};

static void
answer(struct sim *sim, uint32_t puppet, const struct sim_heard *heard, void *argument)
{
    struct callee *callee = argument;
    uint8_t body[512], list[256];
    if (sim_message_code(sim, heard) != RELOAD_MESSAGE_APP_ATTACH_REQ)
        return;
    callee->asked++;
    struct reload_offer offer = {.candidate_count = 1};
    offer.candidates[0] = (struct reload_candidate){
        .address = {.family = 4, .octets = {10, 0, 0, (uint8_t)callee->signer}, .port = SIM_PORT},
        .priority = 2130706431,
        .overlay_link = 3,
        .type = 1,
        .foundation = "1"};
    const struct reload_wire *wire = reload_node_wire(sim_node(sim, CALLER));
    struct reload_writer candidates = reload_writer_of(list, sizeof list);
    struct reload_writer writer = reload_writer_of(body, sizeof body);
    reload_offer_encode(&candidates, wire, &offer);
    const struct reload_app_attach_ans ans = {.application = RELOAD_APPLICATION_SIP,
                                              .role = reload_bytes_of_string("active"),
                                              .candidates = reload_writer_written(&candidates)};
    reload_app_attach_ans_encode(&writer, wire, &ans);
    struct sim_draft *draft = sim_draft_answer(sim, puppet, heard, RELOAD_MESSAGE_APP_ATTACH_ANS,
                                               reload_writer_written(&writer));
    ck_assert_ptr_nonnull(draft);
    draft->signer = callee->signer;
    sim_puppet_say(sim, puppet, heard->link, sim_draft_seal(draft));
    sim_draft_free(draft);
}

static void
connected(void *argument, int error, const struct reload_sip_peer *peer, reload_time now)
{
    (void)argument, (void)peer, (void)now;
    ends++;
    last_error = error;
}

/* The caller connects to the callee, who is behind a node of the ring. */
static void
call(struct callee *callee)
{
    const struct reload_wire *wire = reload_node_wire(sim_node(s, CALLER));
    const struct reload_destination list[] = {
        {.type = RELOAD_DESTINATION_TYPE_NODE,
         .destination_data.node_id = *sim_node_id(s, callee->attacker.node)},
        {.type = RELOAD_DESTINATION_TYPE_NODE,
         .destination_data.node_id = *sim_node_id(s, callee->attacker.self)}};
    uint8_t octets[128];
    struct reload_writer writer = reload_writer_of(octets, sizeof octets);
    struct reload_sip_destination destination;
    uint32_t link;
    uint64_t attempt;
    for (size_t i = 0; i < 2; i++)
        reload_destination_encode(&writer, wire, &list[i]);
    ck_assert_int_eq(
        reload_sip_destination_parse(wire, reload_writer_written(&writer), &destination), 0);
    reload_time now = sim_now(s);
    ends = 0;
    ck_assert_int_eq(reload_sip_connect(sip_of(CALLER), &destination, RELOAD_APPLICATION_SIP,
                                        now + RELOAD_SIP_SETUP_TIME, connected, NULL, now, &link,
                                        &attempt),
                     0);
    sim_turn(s, CALLER);
    sim_run_for(s, SIM_SECONDS(16));
    ck_assert_uint_eq(ends, 1);
    ck_assert_uint_ge(callee->asked, 1);
}

/* An answer counts only when the node that the destination list ends with signed it. (Who connects
 * then must have its certificate: driver_test.c, another_node_comes_to_an_application.) */
START_TEST(u5_another_signer_than_the_callee)
{
    begin();
    struct callee callee = {.attacker = attacker_at(s, 4)};
    uint32_t other = sim_add_puppet(s, NULL);
    callee.signer = other;
    sim_puppet_listen(s, callee.attacker.self, answer, &callee);
    call(&callee);
    ck_assert_int_ne(last_error, 0);
    ck_assert_uint_gt(sim_counters(s, CALLER)->dropped_wrong_responder, 0);
    /* Signed by the callee itself the same answer is taken: what comes next is the link. */
    uint64_t before = sim_counters(s, CALLER)->dropped_wrong_responder;
    callee.signer = callee.attacker.self;
    call(&callee);
    ck_assert_uint_eq(sim_counters(s, CALLER)->dropped_wrong_responder, before);
    sim_free(s);
}
END_TEST

/* ---- U7 ------------------------------------------------------------------------------------- */

/* SIP on a link of the overlay is no message of RELOAD, and reaches no phone; nor can the usage
 * send there (RFC 7904 5.1: MUST NOT). */
START_TEST(u7_sip_on_an_overlay_link)
{
    begin();
    struct attacker mallory = attacker_at(s, 4);
    sim_puppet_say(s, mallory.self, mallory.link, reload_bytes_of_string(invite));
    sim_run_for(s, SIM_SECONDS(2));
    ck_assert_uint_eq(messages, 0);
    ck_assert_uint_eq(reload_sip_counters(sip_of(4))->messages_received, 0);
    ck_assert_uint_gt(sim_counters(s, 4)->dropped_malformed, 0);
    uint32_t link = sim_link(s, CALLER, sim_successor_of(s, CALLER, 1));
    ck_assert_uint_ne(link, 0);
    ck_assert_int_eq(
        reload_sip_send(sip_of(CALLER), link, reload_bytes_of_string(invite), sim_now(s)),
        RELOAD_E_CLOSED);
    ck_assert_int_eq(
        reload_node_app_send(sim_node(s, CALLER), link, reload_bytes_of_string(invite), sim_now(s)),
        RELOAD_E_CLOSED);
    ck_assert_int_eq(
        reload_node_app_recv(sim_node(s, CALLER), link, reload_bytes_of_string(invite), sim_now(s)),
        RELOAD_E_CLOSED);
    sim_free(s);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("sip_attack", u5_another_signer_than_the_callee, u7_sip_on_an_overlay_link);
}
