/* attack_link_test.c: what the other end of a link can do to frames, fragments and Attaches.
 *
 * RFC 6940 6.5.1.2, 6.6.2, 6.6.3, 6.7. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"

#include "tools/sim/sim_random.h"

/* Where things stand in a message's header. */
enum { FRAGMENT_AT = 12, LENGTH_AT = 16 };

static struct sim *s;

static void
put_u32(uint8_t *at, uint32_t value)
{
    for (int i = 3; i >= 0; i--, value >>= 8)
        at[i] = (uint8_t)value;
}

/* ---- P21: fragments ---- */

/* Writes octets |from|..|upto| of what stands behind |sealed|'s header as a fragment. */
static struct reload_bytes
fragment_of(struct reload_bytes sealed, size_t from, size_t upto, uint8_t *data)
{
    struct reload_message message;
    ck_assert(sim_decode(s, 0, sealed, &message));
    size_t header = (size_t)(message.contents_bytes.data - sealed.data);
    size_t all = sealed.size - header;
    ck_assert(from < upto && upto <= all);
    memcpy(data, sealed.data, header);
    memcpy(data + header, sealed.data + header + from, upto - from);
    put_u32(data + FRAGMENT_AT,
            RELOAD_FRAGMENT_ALWAYS | (upto == all ? RELOAD_FRAGMENT_LAST : 0) | (uint32_t)from);
    put_u32(data + LENGTH_AT, (uint32_t)(header + upto - from));
    return (struct reload_bytes){data, header + upto - from};
}

static struct sim_draft *
padded_ping(uint32_t from, uint32_t to)
{
    uint8_t body[1202] = {1200 >> 8, 1200 & 0xff};
    struct sim_draft *draft =
        sim_draft_new(s, from, RELOAD_MESSAGE_PING_REQ, (struct reload_bytes){body, sizeof body});
    sim_draft_to_node(draft, sim_node_id(s, to));
    return draft;
}

static size_t
heard_answers(uint32_t puppet)
{
    size_t count = 0;
    for (size_t i = 0; i < sim_puppet_heard_count(s, puppet); i++)
        count += sim_message_code(s, sim_puppet_heard(s, puppet, i)) == RELOAD_MESSAGE_PING_ANS;
    return count;
}

/* Who says the false fragment, over which link. */
enum poison { POISON_NONE, POISON_OTHER_LINK, POISON_SAME_LINK, POISON_ROWS };

START_TEST(p21_fragments_of_two_links_are_kept_apart)
{
    s = ring_of(4, 1);
    struct attacker victim = attacker_at(s, 0), mallory = attacker_at(s, 0);
    struct sim_draft *draft = padded_ping(victim.self, 0);
    struct reload_bytes sealed = sim_draft_seal(draft);
    uint8_t first[4096], second[4096], third[4096], poison[4096];
    struct reload_bytes one = fragment_of(sealed, 0, 500, first);
    struct reload_bytes two = fragment_of(sealed, 500, 1000, second);
    struct reload_message message;
    ck_assert(sim_decode(s, 0, sealed, &message));
    size_t all = sealed.size - (size_t)(message.contents_bytes.data - sealed.data);
    struct reload_bytes three = fragment_of(sealed, 1000, all, third);
    memcpy(poison, second, two.size);
    memset(poison + two.size - 400, 0xee, 400);
    struct reload_bytes bad = {poison, two.size};
    uint64_t dropped = sim_counters(s, 0)->dropped_fragment;

    sim_puppet_say(s, victim.self, victim.link, one);
    sim_run_for(s, SIM_SECONDS(1));
    if (_i == POISON_OTHER_LINK)
        sim_puppet_say(s, mallory.self, mallory.link, bad);
    if (_i == POISON_SAME_LINK)
        sim_puppet_say(s, victim.self, victim.link, bad);
    sim_run_for(s, SIM_SECONDS(1));
    sim_puppet_say(s, victim.self, victim.link, two);
    sim_puppet_say(s, victim.self, victim.link, three);
    sim_run_for(s, SIM_SECONDS(1));
    ck_assert_uint_eq(heard_answers(victim.self), _i == POISON_SAME_LINK ? 0 : 1);
    ck_assert_uint_eq(sim_counters(s, 0)->dropped_fragment > dropped, _i == POISON_SAME_LINK);
    sim_draft_free(draft);
    sim_free(s);
}
END_TEST

/* P21, R7: a late copy of a fragment is no begin of a message that would be mixed with the next one
 * of the same transaction. */
START_TEST(p21_late_copies_do_not_poison_the_next_try)
{
    s = ring_of(4, 1);
    struct attacker peer = attacker_at(s, 0);
    struct sim_draft *tries[2] = {padded_ping(peer.self, 0), padded_ping(peer.self, 0)};
    tries[1]->message.header.transaction_id = tries[0]->message.header.transaction_id;
    tries[1]->body.data[500] ^= 1; /* answers to a request that was sent again may differ */
    for (size_t i = 0; i < 2; i++) {
        struct reload_message message;
        uint8_t first[4096], second[4096];
        struct reload_bytes sealed = sim_draft_seal(tries[i]);
        ck_assert(sim_decode(s, 0, sealed, &message));
        size_t all = sealed.size - (size_t)(message.contents_bytes.data - sealed.data);
        struct reload_bytes one = fragment_of(sealed, 0, 700, first);
        struct reload_bytes two = fragment_of(sealed, 700, all, second);
        sim_puppet_say(s, peer.self, peer.link, one);
        sim_puppet_say(s, peer.self, peer.link, two);
        sim_run_for(s, SIM_MS(300));
        sim_puppet_say(s, peer.self, peer.link, two);
        sim_run_for(s, SIM_SECONDS(3));
        ck_assert_uint_eq(heard_answers(peer.self), i + 1);
        sim_draft_free(tries[i]);
    }
    sim_free(s);
}
END_TEST

/* P20: fragments without end from one link leave room for the others. */
START_TEST(p20_half_messages_do_not_starve_others)
{
    s = ring_of(4, 1);
    struct attacker mallory = attacker_at(s, 0), honest = attacker_at(s, 0);
    uint8_t data[4096];
    size_t before = sim_memory(s, 0);
    for (int i = 0; i < 3000; i++) {
        struct sim_draft *draft = padded_ping(mallory.self, 0);
        sim_puppet_say(s, mallory.self, mallory.link,
                       fragment_of(sim_draft_seal(draft), 0, 500, data));
        sim_draft_free(draft);
    }
    struct sim_draft *draft = padded_ping(honest.self, 0);
    struct reload_bytes sealed = sim_draft_seal(draft);
    struct reload_message message;
    ck_assert(sim_decode(s, 0, sealed, &message));
    size_t all = sealed.size - (size_t)(message.contents_bytes.data - sealed.data);
    sim_puppet_say(s, honest.self, honest.link, fragment_of(sealed, 0, 500, data));
    sim_run_for(s, SIM_SECONDS(1));
    sim_puppet_say(s, honest.self, honest.link, fragment_of(sealed, 500, all, data));
    sim_run_for(s, SIM_SECONDS(1));
    ck_assert_uint_eq(heard_answers(honest.self), 1);
    ck_assert_uint_le(sim_memory(s, 0), before + (2u << 20));
    sim_run_for(s, SIM_SECONDS(20)); /* given up after 15 s */
    ck_assert_uint_le(sim_memory(s, 0), before + (256u << 10));
    sim_draft_free(draft);
    sim_free(s);
}
END_TEST

/* ---- L4, L5, L6: acknowledgements ---- */

/* Counts what |from| puts on the wire, by kind of frame. */
struct counts {
    uint32_t from, to;
    unsigned data, acks;
    bool drop_acks; /* of |to|, for |from| */
};

static bool
count_frames(struct sim *sim, struct sim_passing *passing, void *argument)
{
    struct counts *counts = argument;
    (void)sim;
    if (passing->size == 0 || passing->application)
        return true;
    bool is_ack = passing->bytes[0] == RELOAD_FRAMED_MESSAGE_TYPE_ACK;
    if (passing->from == counts->from && passing->to == counts->to) {
        counts->acks += is_ack;
        counts->data += !is_ack;
    }
    return !(counts->drop_acks && is_ack && passing->from == counts->to &&
             passing->to == counts->from);
}

/* L4: ACKs of what was never sent, with lies in their bitmasks: nothing is sent in turn, nothing
 * breaks; an ACK is never acknowledged. */
START_TEST(l4_flood_of_acks)
{
    s = ring_of_links(4, 1, (enum sim_links)_i);
    uint32_t peer = sim_successor_of(s, 0, 1);
    uint32_t link = sim_link(s, 0, peer);
    ck_assert_uint_ne(link, 0);
    struct counts counts = {.from = 0, .to = peer};
    struct sim_random random = sim_random_fork(1, 77);
    sim_tap(s, count_frames, &counts);
    size_t memory = sim_memory(s, 0);
    for (int i = 0; i < 10000; i++) {
        uint8_t frame[16];
        uint32_t sequence = (uint32_t)sim_random_next(&random);
        uint32_t received = i % 2 ? 0xffffffff : (uint32_t)sim_random_next(&random);
        size_t size = sim_frame_ack(i % 3 ? sequence : (uint32_t)i, received, frame, sizeof frame);
        sim_inject(s, 0, link, (struct reload_bytes){frame, size});
    }
    ck_assert_uint_eq(counts.acks, 0);
    ck_assert_uint_eq(counts.data, 0);
    ck_assert_uint_le(sim_memory(s, 0), memory + 4096);
    ck_assert_uint_eq(sim_link(s, 0, peer), link);
    sim_tap(s, NULL, NULL);
    ck_assert_int_eq(sim_ping(s, 0, peer).error, 0);
    sim_run_for(s, SIM_SECONDS(60));
    ck_assert_uint_eq(sim_link(s, 0, peer), link);
    sim_free(s);
}
END_TEST

/* A puppet on a link of datagrams that acknowledges what it gets and counts answers to Pings. */
struct framed {
    unsigned acks, answers;
    uint32_t acknowledged[64];
};

static void
take_frame(struct sim *sim, uint32_t puppet, const struct sim_heard *heard, void *argument)
{
    struct framed *framed = argument;
    struct reload_wire wire = {.node_id_length = 16};
    struct reload_reader reader = reload_reader_of(heard->bytes);
    struct reload_framed_message frame;
    struct reload_message message;
    uint8_t ack[16];
    ck_assert_int_eq(reload_framed_message_decode(&reader, &wire, &frame), 0);
    if (frame.type == RELOAD_FRAMED_MESSAGE_TYPE_ACK) {
        ck_assert_uint_lt(framed->acks, 64);
        framed->acknowledged[framed->acks++] = frame.ack.ack_sequence;
        return;
    }
    size_t size = sim_frame_ack(frame.data.sequence, 0, ack, sizeof ack);
    sim_puppet_say(sim, puppet, heard->link, (struct reload_bytes){ack, size});
    if (sim_decode(sim, 0, frame.data.message, &message))
        framed->answers += message.contents.message_code == RELOAD_MESSAGE_PING_ANS;
}

/* L5: sequence numbers wrap from 2^32-1 to 0, and jump. */
static const struct {
    uint32_t begin, step;
} sequence_rows[] = {
    {0xfffffff0, 1}, /* wraps after 16 */
    {0, 1},
    {5, 7},                   /* gaps */
    {0x7ffffff0, 1},          /* over the middle */
    {0xffffff00, 0x01000000}, /* great jumps, forward */
};

START_TEST(l5_sequence_numbers_wrap_and_jump)
{
    s = ring_of_links(2, 1, SIM_LINKS_DATAGRAMS);
    struct framed framed = {0};
    struct attacker peer = attacker_at(s, 0);
    sim_puppet_listen(s, peer.self, take_frame, &framed);
    uint32_t sequence = sequence_rows[_i].begin;
    for (unsigned i = 0; i < 40; i++, sequence += sequence_rows[_i].step) {
        uint8_t frame[2048];
        struct sim_draft *draft = ping_draft(s, &peer);
        sim_draft_to_node(draft, sim_node_id(s, 0));
        size_t size = sim_frame_data(sequence, sim_draft_seal(draft), frame, sizeof frame);
        sim_puppet_say(s, peer.self, peer.link, (struct reload_bytes){frame, size});
        sim_run_for(s, SIM_MS(200));
        ck_assert_uint_eq(framed.acks, i + 1);
        ck_assert_uint_eq(framed.acknowledged[i], sequence);
        ck_assert_uint_eq(framed.answers, i + 1);
        sim_draft_free(draft);
    }
    ck_assert(sim_puppet_link_is_up(s, peer.self, peer.link));
    sim_free(s);
}
END_TEST

/* L6: a peer that never acknowledges: at most five transmissions, then the link is closed; it is
 * not routed through from the third retransmission on (6.6.3.1). */
START_TEST(l6_peer_never_acknowledges)
{
    static const uint8_t body[2];
    s = ring_of_links(4, 1, SIM_LINKS_DATAGRAMS);
    uint32_t peer = sim_successor_of(s, 0, 1);
    sim_run_for(s, SIM_SECONDS(3));
    struct counts counts = {.from = 0, .to = peer, .drop_acks = true};
    unsigned down = sim_event_count(s, 0, RELOAD_EVENT_LINK_DOWN);
    sim_tap(s, count_frames, &counts);
    struct reload_route route = reload_route_to_node(sim_node_id(s, peer));
    ck_assert_int_eq(reload_node_request(sim_node(s, 0), &route, RELOAD_MESSAGE_PING_REQ,
                                         (struct reload_bytes){body, sizeof body}, NULL, NULL,
                                         sim_now(s), NULL),
                     0);
    sim_turn(s, 0);
    bool suspected = false;
    for (int i = 0; i < 400 && sim_event_count(s, 0, RELOAD_EVENT_LINK_DOWN) == down; i++) {
        struct reload_link_info info;
        sim_run_for(s, SIM_MS(50));
        for (size_t cursor = 0; reload_node_link_next(sim_node(s, 0), &cursor, &info);)
            if (reload_node_id_equal(&info.node_id, sim_node_id(s, peer)))
                suspected = suspected || info.suspect;
    }
    sim_tap(s, NULL, NULL);
    ck_assert_uint_gt(sim_event_count(s, 0, RELOAD_EVENT_LINK_DOWN), down);
    ck_assert(suspected);
    ck_assert_uint_ge(counts.data, 5);
    ck_assert_uint_le(counts.data, 40);   /* not for ever: a few frames, five times each */
    wait_until_whole(s, SIM_SECONDS(60)); /* and they meet again */
    sim_free(s);
}
END_TEST

/* ---- L11: both attach to each other at the same time (6.5.1.2) ---- */

struct glare {
    unsigned calls[2];
    int errors[2];
};

static void
on_first(void *argument, int error, uint32_t link, const struct reload_node_id *node_id,
         reload_time now)
{
    struct glare *glare = argument;
    (void)link, (void)node_id, (void)now;
    glare->calls[0]++;
    glare->errors[0] = error;
}

static void
on_second(void *argument, int error, uint32_t link, const struct reload_node_id *node_id,
          reload_time now)
{
    struct glare *glare = argument;
    (void)link, (void)node_id, (void)now;
    glare->calls[1]++;
    glare->errors[1] = error;
}

static void
attach(uint32_t from, uint32_t to, reload_attach_fn *done, struct glare *glare)
{
    struct reload_route route = reload_route_to_node(sim_node_id(s, to));
    int error = reload_node_attach(sim_node(s, from), &route, false, done, glare, sim_now(s));
    if (error)
        done(glare, error, 0, NULL, sim_now(s));
    else
        sim_turn(s, from);
}

START_TEST(l11_attach_glare)
{
    s = ring_of(1, (uint64_t)_i);
    uint32_t a = client_of(s), b = client_of(s);
    ck_assert_uint_eq(sim_link(s, a, b), 0);
    struct glare glare = {0};
    /* The second one begins 0 to 390 ms later: before, while and after the first one's Attach is on
     * its way. */
    attach(a, b, on_first, &glare);
    sim_run_for(s, SIM_MS(10 * (_i % 40)));
    attach(b, a, on_second, &glare);
    sim_run_for(s, SIM_SECONDS(30));
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(glare.calls[i], 1);
        ck_assert_msg(glare.errors[i] == 0 || glare.errors[i] == RELOAD_E_IN_PROGRESS, "%d: %s", i,
                      reload_error_text(glare.errors[i]));
    }
    ck_assert(glare.errors[0] == 0 || glare.errors[1] == 0);
    ck_assert_uint_ne(sim_link(s, a, b), 0);
    ck_assert_uint_ne(sim_link(s, b, a), 0);
    ck_assert_uint_eq(sim_link_count(s, a, b), 1);
    ck_assert_int_eq(sim_ping(s, a, b).error, 0);
    sim_free(s);
}
END_TEST

static const struct named_test tests[] = {
    {&p21_fragments_of_two_links_are_kept_apart, 0, POISON_ROWS},
    {&p21_late_copies_do_not_poison_the_next_try, 0, 0},
    {&p20_half_messages_do_not_starve_others, 0, 0},
    {&l4_flood_of_acks, SIM_LINKS_DATAGRAMS, SIM_LINKS_STREAMS + 1},
    {&l5_sequence_numbers_wrap_and_jump, 0, sizeof sequence_rows / sizeof *sequence_rows},
    {&l6_peer_never_acknowledges, 0, 0},
    {&l11_attach_glare, 0, 80},
};

int
main(void)
{
    return run_tests("attack_link", tests, sizeof tests / sizeof *tests);
}
