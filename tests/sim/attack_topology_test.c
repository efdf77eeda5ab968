/* attack_topology_test.c: Joins, Leaves and foundations that must not happen.
 *
 * RFC 6940 6.4.2, 10.5, 10.9. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"

#define RING 6

static struct sim *s;
static struct attacker mallory;

static void
begin(void)
{
    s = ring_of(RING, 1);
    mallory = attacker_at(s, 0);
}

static void
end(void)
{
    sim_run_for(s, SIM_SECONDS(30));
    ck_assert(sim_ring_is_whole(s, 0, stderr));
    sim_free(s);
}

/* A Join or Leave for |subject|, signed by |signer|, over |attacker|'s link. */
static uint16_t
claim_at(const struct attacker *attacker, uint16_t code, uint32_t signer,
         const struct reload_node_id *subject)
{
    uint8_t body[256];
    struct reload_wire wire = {.node_id_length = 16};
    struct reload_writer writer = reload_writer_of(body, sizeof body);
    if (code == RELOAD_MESSAGE_JOIN_REQ)
        reload_join_req_encode(&writer, &wire,
                               &(struct reload_join_req){.joining_peer_id = *subject});
    else
        reload_leave_req_encode(&writer, &wire,
                                &(struct reload_leave_req){.leaving_peer_id = *subject});
    ck_assert(!writer.failed);
    struct sim_draft *draft = sim_draft_new(s, signer, code, reload_writer_written(&writer));
    sim_draft_to_node(draft, sim_node_id(s, attacker->node));
    uint16_t error = ask(s, attacker, draft);
    sim_draft_free(draft);
    return error;
}

static uint16_t
claim(uint16_t code, uint32_t signer, const struct reload_node_id *subject)
{
    return claim_at(&mallory, code, signer, subject);
}

/* T1: a Join for a Node-ID that is not the signer's (6.4.2.1). */
START_TEST(t1_join_for_somebody_else)
{
    begin();
    struct reload_node_id other = *sim_node_id(s, mallory.self);
    other.octets[3] ^= 1;
    ck_assert_uint_eq(claim(RELOAD_MESSAGE_JOIN_REQ, mallory.self, &other), RELOAD_ERROR_FORBIDDEN);
    ck_assert_uint_eq(claim(RELOAD_MESSAGE_JOIN_REQ, mallory.self, sim_node_id(s, 2)),
                      RELOAD_ERROR_FORBIDDEN);
    end();
}
END_TEST

/* T2: a Join that its own node signed, over a link of another (6.4.2.1). */
START_TEST(t2_join_over_another_link)
{
    begin();
    uint32_t absent = sim_add_puppet(s, NULL);
    ck_assert_uint_eq(claim(RELOAD_MESSAGE_JOIN_REQ, absent, sim_node_id(s, absent)),
                      RELOAD_ERROR_FORBIDDEN);
    ck_assert_uint_eq(claim(RELOAD_MESSAGE_JOIN_REQ, 3, sim_node_id(s, 3)), RELOAD_ERROR_FORBIDDEN);
    end();
}
END_TEST

/* T3, D7: only the peer in whose range the joining node lies admits it, one at a time; a Join that
 * comes again is the same. */
START_TEST(t3_join_at_the_wrong_place)
{
    begin();
    uint32_t right = sim_responsible(s, 0, reload_node_id_bytes(sim_node_id(s, mallory.self), 16));
    for (uint32_t i = 0; i < RING; i++) {
        struct attacker there = {.self = mallory.self, .node = i};
        there.link = i == 0 ? mallory.link : sim_puppet_connect(s, mallory.self, i);
        ck_assert_uint_ne(there.link, 0);
        for (int again = 0; again < 2; again++)
            ck_assert_uint_eq(
                claim_at(&there, RELOAD_MESSAGE_JOIN_REQ, there.self, sim_node_id(s, there.self)),
                i == right ? 0 : RELOAD_ERROR_NOT_FOUND);
        sim_puppet_close(s, there.self, there.link);
    }
    end();
}
END_TEST

/* T3: somebody with the Node-ID of a member, and a certificate for it (a copied disk). The member
 * is told when it meets it; elsewhere the newest link counts; and when the other is gone the member
 * is what it was. */
START_TEST(t3_member_with_a_clone)
{
    const uint32_t member = 3;
    begin();
    ck_assert_int_eq(sim_store(s, 2, 1, "kept").error, 0);
    struct sim_node_options options = {.node_id = *sim_node_id(s, member)};
    struct attacker clone = {.self = sim_add_puppet(s, &options), .node = 0};
    ck_assert_uint_eq(sim_puppet_connect(s, clone.self, member), 0);
    ck_assert_uint_eq(sim_event_count(s, member, RELOAD_EVENT_CLONE), 1);
    clone.link = sim_puppet_connect(s, clone.self, 0);
    ck_assert_uint_ne(clone.link, 0);
    sim_run_for(s, SIM_MS(300));
    ck_assert_uint_eq(sim_link_count(s, 0, clone.self) + sim_link_count(s, 0, member), 1);
    uint32_t behind = sim_successor_of(s, member, 1); /* who would admit it */
    struct attacker joining = {.self = clone.self, .node = behind};
    joining.link = behind == 0 ? clone.link : sim_puppet_connect(s, clone.self, behind);
    ck_assert_uint_ne(joining.link, 0);
    ck_assert_uint_eq(
        claim_at(&joining, RELOAD_MESSAGE_JOIN_REQ, clone.self, sim_node_id(s, clone.self)), 0);
    sim_run_for(s, SIM_SECONDS(20));
    sim_kill(s, clone.self);
    wait_until_whole(s, SIM_SECONDS(60));
    for (uint32_t reader = 0; reader < RING; reader++) {
        struct sim_outcome outcome = sim_fetch(s, reader, 2, 1);
        ck_assert(sim_text(&outcome, "kept"));
    }
    end();
}
END_TEST

/* T4: a Leave for another node, or over another's link (6.4.2.2). */
START_TEST(t4_leave_for_somebody_else)
{
    begin();
    for (uint32_t i = 1; i < RING; i++)
        ck_assert_uint_eq(claim(RELOAD_MESSAGE_LEAVE_REQ, mallory.self, sim_node_id(s, i)),
                          RELOAD_ERROR_FORBIDDEN);
    ck_assert(sim_ring_is_whole(s, 0, stderr));
    end();
}
END_TEST

START_TEST(t4_leave_over_another_link)
{
    begin();
    for (uint32_t i = 1; i < RING; i++) {
        ck_assert_uint_eq(claim(RELOAD_MESSAGE_LEAVE_REQ, i, sim_node_id(s, i)),
                          RELOAD_ERROR_FORBIDDEN);
        ck_assert(sim_link(s, 0, i)); /* node 0 keeps its link to it */
    }
    ck_assert(sim_ring_is_whole(s, 0, stderr));
    end();
}
END_TEST

/* T7: who knows several bootstrap nodes is not kept in a ring of colluders that name nobody but
 * each other: the one after the other is asked who stands behind us (10.7.4.4). The colluders,
 * three of the four bootstrap nodes, run our own code and so become part of the ring that they hid.
 */
START_TEST(t7_several_bootstrap_nodes_end_an_eclipse)
{
    struct sim_options options = ring_options();
    uint32_t others = 0, hidden = 0;
    s = sim_new((uint64_t)_i, &options);
    (void)sim_add_node(s, NULL);
    for (uint32_t i = 1; i < 9; i++)
        (void)sim_add_node(s, &(struct sim_node_options){
                                  .founder = i == 1, .bootstrap_given = true, .bootstrap = i < 4});
    ck_assert(sim_run_until(s, sim_is_joined_all, NULL, SIM_SECONDS(60)));
    uint32_t victim = sim_add_node(s, NULL);
    ck_assert(sim_run_until(s, sim_is_joined_all, NULL, SIM_SECONDS(60)));
    for (uint32_t i = 0; i < victim; i++)
        if (sim_link(s, victim, i))
            *(i >= 1 && i < 4 ? &others : &hidden) += 1;
    ck_assert_uint_eq(others, 3); /* it met the colluders, */
    ck_assert_uint_eq(hidden, 0); /* and nobody else */
    wait_until_whole(s, SIM_MINUTES(4 * 15));
    sim_free(s);
}
END_TEST

/* T12, V11: only the first-node may found an overlay (6.4.2.1). */
START_TEST(t12_nobody_else_founds_an_overlay)
{
    struct sim_options options = ring_options();
    s = sim_new(1, &options);
    uint32_t lone = sim_add_node(s, &(struct sim_node_options){.lone = true});
    uint32_t dead = sim_add_puppet(s, NULL);
    sim_kill(s, dead);
    uint32_t knocking = sim_add_node(
        s, &(struct sim_node_options){.lone = true, .bootstrap_given = true, .bootstrap = dead});
    sim_run_for(s, SIM_MINUTES(20));
    ck_assert(!sim_is_joined(s, lone));
    ck_assert(!sim_is_joined(s, knocking));
    sim_free(s);
}
END_TEST

/* ... nor does one that was cut off from all others. */
START_TEST(t12_cut_off_peer_comes_back_to_the_same_overlay)
{
    begin();
    uint32_t alone = 4;
    sim_partition(s, alone, 1);
    sim_run_for(s, SIM_MINUTES(5));
    sim_heal_all(s);
    wait_until_whole(s, SIM_MINUTES(3));
    end();
}
END_TEST

static const struct named_test tests[] = {
    {&t1_join_for_somebody_else, 0, 0},
    {&t2_join_over_another_link, 0, 0},
    {&t3_join_at_the_wrong_place, 0, 0},
    {&t3_member_with_a_clone, 0, 0},
    {&t4_leave_for_somebody_else, 0, 0},
    {&t4_leave_over_another_link, 0, 0},
    {&t7_several_bootstrap_nodes_end_an_eclipse, 1, 4},
    {&t12_nobody_else_founds_an_overlay, 0, 0},
    {&t12_cut_off_peer_comes_back_to_the_same_overlay, 0, 0},
};

int
main(void)
{
    return run_tests("attack_topology", tests, sizeof tests / sizeof *tests);
}
