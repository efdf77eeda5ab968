/* attack_forward_test.c: what a linked attacker can do with headers and routes, and what comes of
 * it: nothing. The names of the tests begin with the row of the table of attacks.
 *
 * RFC 6940 6.1, 6.2, 6.3.2, 6.3.4. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"

#define RING 6

static struct sim *s;
static struct attacker mallory;

/* A ring with an attacker at node 0; |far| is a peer that the attacker is not linked to. */
static uint32_t
begin(void)
{
    s = ring_of(RING, 1);
    mallory = attacker_at(s, 0);
    return sim_successor_of(s, 0, 2);
}

static void
end(void)
{
    ck_assert(sim_ring_is_whole(s, 0, stderr));
    sim_free(s);
}

START_TEST(honest_ping_is_answered)
{
    uint32_t far = begin();
    for (int i = 0; i < 2; i++) {
        struct sim_draft *draft = ping_draft(s, &mallory);
        sim_draft_to_node(draft, sim_node_id(s, i ? far : 0));
        ck_assert_uint_eq(ask(s, &mallory, draft), 0);
        sim_draft_free(draft);
    }
    end();
}
END_TEST

/* P4: a message of another overlay (6.1, 6.3.2). */
START_TEST(p4_wrong_overlay_is_not_passed_on)
{
    uint32_t far = begin();
    for (int i = 0; i < 2; i++) {
        uint64_t dropped = sim_counters(s, 0)->dropped_overlay;
        struct sim_draft *draft = ping_draft(s, &mallory);
        struct watch watch;
        draft->message.header.overlay ^= 0x100;
        sim_draft_to_node(draft, sim_node_id(s, i ? far : 0));
        watch_begin(s, &watch, draft->message.header.transaction_id);
        uint16_t code = ask(s, &mallory, draft);
        ck_assert(code == NO_ANSWER || code == RELOAD_ERROR_INCOMPATIBLE_WITH_OVERLAY);
        for (uint32_t node = 1; node < RING; node++)
            ck_assert_uint_eq(watch.to[node], 0);
        ck_assert_uint_eq(sim_counters(s, 0)->dropped_overlay, dropped + 1);
        ck_assert(sim_puppet_link_is_up(s, mallory.self, mallory.link));
        sim_draft_free(draft);
    }
    end();
}
END_TEST

/* P12: the via list grows beyond max-message-size on the way (6.6). */
START_TEST(p12_message_that_outgrows_the_limit_is_stopped)
{
    static const uint8_t padding[6000];
    uint32_t far = begin();
    size_t limit = sim_config(s, 0)->max_message_size;
    struct sim_draft *probe = ping_draft(s, &mallory);
    sim_draft_to_node(probe, sim_node_id(s, far));
    size_t empty = sim_draft_seal(probe).size;
    sim_draft_free(probe);
    for (int fits = 0; fits < 2; fits++) {
        /* Exactly at the limit when it leaves us; or small enough for three more hops. */
        size_t size = limit - empty - (fits ? 60 : 0);
        uint8_t body[6000];
        memcpy(body, padding, sizeof padding);
        body[0] = (uint8_t)(size >> 8);
        body[1] = (uint8_t)size;
        struct sim_draft *draft = sim_draft_new(s, mallory.self, RELOAD_MESSAGE_PING_REQ,
                                                (struct reload_bytes){body, size + 2});
        struct watch watch;
        sim_draft_to_node(draft, sim_node_id(s, far));
        ck_assert_uint_eq(sim_draft_seal(draft).size, limit - (fits ? 60 : 0));
        watch_begin(s, &watch, draft->message.header.transaction_id);
        uint16_t code = ask(s, &mallory, draft);
        ck_assert_uint_eq(code, fits ? 0 : RELOAD_ERROR_MESSAGE_TOO_LARGE);
        ck_assert_uint_eq(watch.to[far], fits ? 1 : 0);
        sim_draft_free(draft);
    }
    end();
}
END_TEST

/* P13: options that nobody knows (6.3.2.3). */
static const struct {
    uint8_t flags;
    bool far;
    uint16_t expected;
    bool arrives;
} options_rows[] = {
    {RELOAD_FORWARDING_FLAG_FORWARD_CRITICAL, true, RELOAD_ERROR_UNSUPPORTED_FORWARDING_OPTION,
     false},
    {RELOAD_FORWARDING_FLAG_DESTINATION_CRITICAL, true, RELOAD_ERROR_UNSUPPORTED_FORWARDING_OPTION,
     true},
    {RELOAD_FORWARDING_FLAG_DESTINATION_CRITICAL, false, RELOAD_ERROR_UNSUPPORTED_FORWARDING_OPTION,
     true},
    {RELOAD_FORWARDING_FLAG_RESPONSE_COPY, true, 0, true},
    {0, true, 0, true},
};

START_TEST(p13_unknown_options)
{
    static const uint8_t text[] = "option";
    uint32_t far = begin();
    struct sim_draft *draft = ping_draft(s, &mallory);
    struct watch watch;
    uint32_t to = options_rows[_i].far ? far : 0;
    sim_draft_option(draft, 200, options_rows[_i].flags, (struct reload_bytes){text, 6});
    sim_draft_to_node(draft, sim_node_id(s, to));
    watch_begin(s, &watch, draft->message.header.transaction_id);
    const struct sim_heard *heard = sim_puppet_ask(s, mallory.self, mallory.link, draft);
    ck_assert_ptr_nonnull(heard);
    ck_assert_uint_eq(sim_error_code(s, heard), options_rows[_i].expected);
    ck_assert_uint_eq(watch.to[to] > 0, options_rows[_i].arrives);
    struct reload_message answer;
    ck_assert(sim_decode(s, 0, heard->bytes, &answer));
    struct reload_wire wire = {.node_id_length = 16};
    struct reload_reader list = reload_reader_of(answer.header.options);
    struct reload_forwarding_option option;
    bool copied = reload_forwarding_option_next(&list, &wire, &option);
    ck_assert(copied == (options_rows[_i].flags == RELOAD_FORWARDING_FLAG_RESPONSE_COPY));
    if (copied)
        ck_assert(option.type == 200 && option.flags == 0 && option.option.size == 6);
    sim_draft_free(draft);
    end();
}
END_TEST

/* Answers each request that arrives at a puppet as |plan| says. */
struct plan {
    uint32_t signer; /* who signs; SIM_NOBODY: the puppet */
    uint8_t flags;   /* of an option in the answer, when not 0 */
    unsigned copies;
    unsigned skip;       /* requests that stay without an answer */
    uint32_t other_link; /* answer over this link of the puppet instead; 0: the same */
    bool spoiled;
    unsigned requests;
};

static void
answer_ping(struct sim *sim, uint32_t puppet, const struct sim_heard *heard, void *argument)
{
    static const uint8_t pong[16];
    struct plan *plan = argument;
    if (sim_message_code(sim, heard) != RELOAD_MESSAGE_PING_REQ)
        return;
    if (plan->requests++ < plan->skip)
        return;
    struct sim_draft *draft =
        sim_draft_answer(sim, plan->signer == SIM_NOBODY ? puppet : plan->signer, heard,
                         RELOAD_MESSAGE_PING_ANS, (struct reload_bytes){pong, sizeof pong});
    ck_assert_ptr_nonnull(draft);
    if (plan->flags)
        sim_draft_option(draft, 200, plan->flags, (struct reload_bytes){pong, 1});
    draft->spoiled = plan->spoiled;
    struct reload_bytes bytes = sim_draft_seal(draft);
    for (unsigned i = 0; i < plan->copies; i++)
        sim_puppet_say(sim, puppet, plan->other_link ? plan->other_link : heard->link, bytes);
    sim_draft_free(draft);
}

static struct sim_outcome
ping_mallory(struct plan *plan)
{
    sim_puppet_listen(s, mallory.self, answer_ping, plan);
    return sim_ping(s, 0, mallory.self);
}

START_TEST(puppets_answer_is_taken)
{
    begin();
    struct plan plan = {.signer = SIM_NOBODY, .copies = 1};
    ck_assert_int_eq(ping_mallory(&plan).error, 0);
    ck_assert_uint_eq(plan.requests, 1);
    end();
}
END_TEST

/* P13: criticality flags in an answer: it is dropped. */
START_TEST(p13_flags_in_an_answer)
{
    begin();
    struct plan plan = {.signer = SIM_NOBODY, .copies = 1, .flags = 2};
    struct sim_outcome outcome = ping_mallory(&plan);
    ck_assert_int_eq(outcome.error, RELOAD_E_TIMEOUT);
    ck_assert_uint_eq(plan.requests, 5);
    end();
}
END_TEST

/* R6: an answer to nothing; the same answer twice; an answer by another link. */
START_TEST(r6_answer_without_a_request)
{
    static const uint8_t pong[16];
    begin();
    uint64_t before = sim_counters(s, 0)->dropped_unsolicited;
    struct sim_draft *draft = sim_draft_new(s, mallory.self, RELOAD_MESSAGE_PING_ANS,
                                            (struct reload_bytes){pong, sizeof pong});
    sim_draft_to_node(draft, sim_node_id(s, 0));
    ck_assert_uint_eq(ask(s, &mallory, draft), NO_ANSWER);
    ck_assert_uint_eq(sim_counters(s, 0)->dropped_unsolicited, before + 1);
    sim_draft_free(draft);
    end();
}
END_TEST

START_TEST(r6_answer_twice)
{
    begin();
    uint64_t before = sim_counters(s, 0)->dropped_unsolicited;
    struct plan plan = {.signer = SIM_NOBODY, .copies = 2};
    ck_assert_int_eq(ping_mallory(&plan).error, 0);
    sim_run_for(s, SIM_SECONDS(1));
    ck_assert_uint_eq(sim_counters(s, 0)->dropped_unsolicited, before + 1);
    end();
}
END_TEST

START_TEST(r6_answer_by_another_link)
{
    uint32_t far = begin();
    uint32_t other = sim_puppet_connect(s, mallory.self, far);
    ck_assert_uint_ne(other, 0);
    struct plan plan = {.signer = SIM_NOBODY, .copies = 1, .other_link = other};
    ck_assert_int_eq(ping_mallory(&plan).error, 0);
    plan = (struct plan){.signer = SIM_NOBODY, .copies = 1, .other_link = other, .spoiled = true};
    ck_assert_int_eq(ping_mallory(&plan).error, RELOAD_E_TIMEOUT);
    end();
}
END_TEST

/* C11: an answer that somebody else signed: it is discarded, and the request goes on (6.3.4). */
START_TEST(c11_answer_of_the_wrong_node)
{
    begin();
    uint32_t other = sim_add_puppet(s, NULL);
    uint64_t before = sim_counters(s, 0)->dropped_wrong_responder;
    struct plan plan = {.signer = other, .copies = 1};
    ck_assert_int_eq(ping_mallory(&plan).error, RELOAD_E_TIMEOUT);
    ck_assert_uint_eq(plan.requests, 5);
    ck_assert_uint_eq(sim_counters(s, 0)->dropped_wrong_responder, before + 5);
    end();
}
END_TEST

/* R1: an entry stands twice in the Destination List (13.6.5). */
START_TEST(r1_destination_list_that_runs_in_circles)
{
    uint32_t far = begin();
    struct sim_draft *draft = ping_draft(s, &mallory);
    struct watch watch;
    for (int i = 0; i < 4; i++)
        sim_draft_to_node(draft, sim_node_id(s, i % 2 ? far : 0));
    watch_begin(s, &watch, draft->message.header.transaction_id);
    uint16_t code = ask(s, &mallory, draft);
    ck_assert_uint_eq(code, RELOAD_ERROR_INVALID_MESSAGE);
    ck_assert_uint_eq(watch.to[far], 0);
    sim_draft_free(draft);
    end();
}
END_TEST

/* R2: TTL used up, or above initial-ttl (6.3.2). */
static const uint8_t ttl_rows[] = {0, 101, 255};

START_TEST(r2_ttl)
{
    uint32_t far = begin();
    struct sim_draft *draft = ping_draft(s, &mallory);
    struct watch watch;
    draft->message.header.ttl = ttl_rows[_i];
    sim_draft_to_node(draft, sim_node_id(s, far));
    watch_begin(s, &watch, draft->message.header.transaction_id);
    ck_assert_uint_eq(ask(s, &mallory, draft), RELOAD_ERROR_TTL_EXCEEDED);
    ck_assert_uint_eq(watch.to[far], 0);
    sim_draft_free(draft);
    end();
}
END_TEST

START_TEST(r2_ttl_counts_down_to_the_end)
{
    uint32_t far = begin();
    struct sim_draft *draft = ping_draft(s, &mallory);
    draft->message.header.ttl = 1; /* the ring is a mesh: one hop behind node 0 */
    sim_draft_to_node(draft, sim_node_id(s, far));
    ck_assert_uint_eq(ask(s, &mallory, draft), 0);
    sim_draft_free(draft);
    draft = ping_draft(s, &mallory);
    draft->message.header.ttl = 0; /* for node 0 itself it is enough */
    sim_draft_to_node(draft, sim_node_id(s, 0));
    ck_assert_uint_eq(ask(s, &mallory, draft), 0);
    sim_draft_free(draft);
    end();
}
END_TEST

/* R7: a transaction id is used again: same signer, other content; other signer, same content. */
START_TEST(r7_transaction_id_used_again)
{
    begin();
    struct attacker trudy = attacker_at(s, 0);
    uint8_t padded[4] = {0, 2};
    struct sim_draft *first = ping_draft(s, &mallory);
    sim_draft_to_node(first, sim_node_id(s, 0));
    ck_assert_uint_eq(ask(s, &mallory, first), 0);
    struct sim_draft *content = sim_draft_new(s, mallory.self, RELOAD_MESSAGE_PING_REQ,
                                              (struct reload_bytes){padded, sizeof padded});
    struct sim_draft *signer = ping_draft(s, &trudy);
    content->message.header.transaction_id = first->message.header.transaction_id;
    signer->message.header.transaction_id = first->message.header.transaction_id;
    sim_draft_to_node(content, sim_node_id(s, 0));
    sim_draft_to_node(signer, sim_node_id(s, 0));
    ck_assert_uint_eq(ask(s, &mallory, content), 0);
    ck_assert_uint_eq(ask(s, &trudy, signer), 0);
    sim_draft_free(first);
    sim_draft_free(content);
    sim_draft_free(signer);
    end();
}
END_TEST

/* R9: the via list's last entry is not who sent it (6.1.2): the answer never goes there. */
START_TEST(r9_forged_via_is_not_believed)
{
    uint32_t victim = begin();
    struct sim_draft *draft = ping_draft(s, &mallory);
    struct watch watch;
    sim_draft_via_node(draft, sim_node_id(s, victim));
    sim_draft_to_node(draft, sim_node_id(s, 0));
    watch_begin(s, &watch, draft->message.header.transaction_id);
    (void)ask(s, &mallory, draft);
    /* Overwritten (6.1.2): the answer comes back to the attacker, if at all. */
    for (uint32_t node = 1; node < RING; node++)
        ck_assert_uint_eq(watch.to[node], 0);
    sim_draft_free(draft);
    end();
}
END_TEST

/* R10: a Node-ID that nobody has, in our own range (6.1.1): dropped in silence. */
START_TEST(r10_nobody_in_my_range)
{
    begin();
    struct reload_node_id ghost = *sim_node_id(s, 0);
    for (int i = 15; i >= 0 && ghost.octets[i]-- == 0; i--)
        continue; /* one before node 0: node 0's */
    const struct reload_counters *counters = sim_counters(s, 0);
    uint64_t before = counters->dropped_no_route + counters->dropped_destination;
    struct sim_draft *draft = ping_draft(s, &mallory);
    struct watch watch;
    sim_draft_to_node(draft, &ghost);
    watch_begin(s, &watch, draft->message.header.transaction_id);
    ck_assert_uint_eq(ask(s, &mallory, draft), NO_ANSWER);
    ck_assert_uint_eq(watch.all, 1); /* the attacker's own */
    ck_assert_uint_eq(counters->dropped_no_route + counters->dropped_destination, before + 1);
    sim_draft_free(draft);
    end();
}
END_TEST

/* R15: the wildcard is for whoever gets it, and goes no further (6.1.1). */
START_TEST(r15_wildcard_is_never_forwarded)
{
    begin();
    struct reload_node_id wildcard = {{0}};
    memset(wildcard.octets, 0xff, 16);
    struct sim_draft *draft = ping_draft(s, &mallory);
    struct watch watch;
    sim_draft_to_node(draft, &wildcard);
    watch_begin(s, &watch, draft->message.header.transaction_id);
    ck_assert_uint_eq(ask(s, &mallory, draft), 0);
    for (uint32_t node = 1; node < RING; node++)
        ck_assert_uint_eq(watch.to[node], 0);
    sim_draft_free(draft);
    end();
}
END_TEST

static const struct named_test tests[] = {
    {&honest_ping_is_answered, 0, 0},
    {&p4_wrong_overlay_is_not_passed_on, 0, 0},
    {&p12_message_that_outgrows_the_limit_is_stopped, 0, 0},
    {&p13_unknown_options, 0, sizeof options_rows / sizeof *options_rows},
    {&p13_flags_in_an_answer, 0, 0},
    {&puppets_answer_is_taken, 0, 0},
    {&r6_answer_without_a_request, 0, 0},
    {&r6_answer_twice, 0, 0},
    {&r6_answer_by_another_link, 0, 0},
    {&c11_answer_of_the_wrong_node, 0, 0},
    {&r1_destination_list_that_runs_in_circles, 0, 0},
    {&r2_ttl, 0, sizeof ttl_rows},
    {&r2_ttl_counts_down_to_the_end, 0, 0},
    {&r7_transaction_id_used_again, 0, 0},
    {&r9_forged_via_is_not_believed, 0, 0},
    {&r10_nobody_in_my_range, 0, 0},
    {&r15_wildcard_is_never_forwarded, 0, 0},
};

int
main(void)
{
    return run_tests("attack_forward", tests, sizeof tests / sizeof *tests);
}
