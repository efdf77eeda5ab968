/* node_attack_test.c: headers, contents and frames that nobody honest sends, at one node of a ring.
 * The names of the tests begin with the row of the table of attacks.
 *
 * RFC 6940 6.1, 6.3.2, 6.3.3, 6.6, 6.6.2. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/base/prng.h"
#include "tests/sim/fixture.h"

static struct sim *s;
static struct attacker mallory;

static void
begin(enum sim_links links)
{
    s = ring_of_links(4, 1, links);
    mallory = attacker_at(s, 0);
}

static void
end(void)
{
    ck_assert(sim_ring_is_whole(s, 0, stderr));
    sim_free(s);
}

/* What is sent reaches node 0 and is answered like this. */
static void
expect(struct sim_draft *draft, uint16_t code)
{
    ck_assert_uint_eq(ask(s, &mallory, draft), code);
    sim_draft_free(draft);
}

static struct sim_draft *
request(uint16_t code)
{
    static const uint8_t body[2];
    struct sim_draft *draft =
        sim_draft_new(s, mallory.self, code, (struct reload_bytes){body, sizeof body});
    sim_draft_to_node(draft, sim_node_id(s, 0));
    return draft;
}

/* P11: as many entries in the Via List as one may have: with the link's peer before them they make
 * one more than a Destination List may have, and the answer cannot be sent. */
START_TEST(p11_via_list_that_cannot_be_reversed)
{
    begin(SIM_LINKS_MESSAGES);
    uint32_t far = sim_successor_of(s, 0, 2);
    for (unsigned entries = 255; entries <= 257; entries++) {
        uint16_t codes[] = {RELOAD_MESSAGE_PING_REQ, 0x7fff};
        for (int i = 0; i < 3; i++) {
            struct sim_draft *draft = request(codes[i % 2]);
            for (unsigned e = 0; e < entries; e++)
                reload_writer_u16(&draft->via, (uint16_t)(0x8000 + e));
            draft->message.header.via_list = reload_writer_written(&draft->via);
            if (i == 2) { /* and one that is refused on the way */
                draft->destinations.size = 0;
                sim_draft_to_node(draft, sim_node_id(s, far));
                draft->message.header.ttl = 0;
            }
            (void)ask(s, &mallory, draft);
            sim_draft_free(draft);
            ck_assert(sim_is_alive(s, 0));
        }
    }
    expect(request(RELOAD_MESSAGE_PING_REQ), 0);
    end();
}
END_TEST

/* P5: RFC6940-6.3.2-04, D39. */
START_TEST(p5_other_versions)
{
    static const uint8_t versions[] = {0, 1, 9, 11, 0xff};
    begin(SIM_LINKS_MESSAGES);
    for (size_t i = 0; i < sizeof versions; i++) {
        struct sim_draft *draft = request(RELOAD_MESSAGE_PING_REQ);
        draft->message.header.version = versions[i];
        expect(draft, RELOAD_ERROR_INCOMPATIBLE_WITH_OVERLAY);
        draft = request(RELOAD_MESSAGE_PING_ANS); /* an answer gets no error */
        draft->message.header.version = versions[i];
        expect(draft, NO_ANSWER);
    }
    end();
}
END_TEST

/* P14: codes that are no request are dropped; odd ones that nobody knows are refused. */
static const struct {
    uint16_t code, expected;
} code_rows[] = {
    {0, NO_ANSWER},
    {0x8000, NO_ANSWER},
    {0x8001, NO_ANSWER},
    {0xfffe, NO_ANSWER},
    {0xffff, NO_ANSWER},
    {24, NO_ANSWER},
    {0x7ffe, NO_ANSWER},
    {99, RELOAD_ERROR_INVALID_MESSAGE},
    {0x7fff, RELOAD_ERROR_INVALID_MESSAGE},
};

START_TEST(p14_codes_of_nothing)
{
    begin(SIM_LINKS_MESSAGES);
    for (size_t i = 0; i < sizeof code_rows / sizeof *code_rows; i++)
        expect(request(code_rows[i].code), code_rows[i].expected);
    end();
}
END_TEST

static size_t
extension(bool critical, uint8_t *data, size_t capacity)
{
    struct reload_wire wire = {.node_id_length = 16};
    struct reload_writer writer = reload_writer_of(data, capacity);
    struct reload_message_extension value = {.type = 4711, .critical = critical};
    reload_message_extension_encode(&writer, &wire, &value);
    ck_assert(!writer.failed);
    return writer.size;
}

/* P15: RFC 6940 6.3.3. */
START_TEST(p15_unknown_extensions)
{
    begin(SIM_LINKS_MESSAGES);
    for (int critical = 0; critical < 2; critical++) {
        uint8_t data[64];
        size_t size = extension(critical, data, sizeof data);
        struct sim_draft *draft = request(RELOAD_MESSAGE_PING_REQ);
        draft->message.contents.extensions = (struct reload_bytes){data, size};
        expect(draft, critical ? RELOAD_ERROR_UNKNOWN_EXTENSION : 0);
    }
    end();
}
END_TEST

/* Answers Pings as |argument|, a draft's extensions, says. */
static void
answer_ping(struct sim *sim, uint32_t puppet, const struct sim_heard *heard, void *argument)
{
    static const uint8_t pong[16];
    struct reload_bytes *extensions = argument;
    if (sim_message_code(sim, heard) != RELOAD_MESSAGE_PING_REQ)
        return;
    struct sim_draft *draft = sim_draft_answer(sim, puppet, heard, RELOAD_MESSAGE_PING_ANS,
                                               (struct reload_bytes){pong, sizeof pong});
    draft->message.contents.extensions = *extensions;
    sim_puppet_say(sim, puppet, heard->link, sim_draft_seal(draft));
    sim_draft_free(draft);
}

/* P15: an answer that cannot be understood is none, and gets no error itself (D14). */
START_TEST(p15_unknown_extension_in_an_answer)
{
    uint8_t data[64];
    begin(SIM_LINKS_MESSAGES);
    struct reload_bytes extensions = {data, 0};
    sim_puppet_listen(s, mallory.self, answer_ping, &extensions);
    ck_assert_int_eq(sim_ping(s, 0, mallory.self).error, 0);
    extensions.size = extension(false, data, sizeof data);
    ck_assert_int_eq(sim_ping(s, 0, mallory.self).error, 0);
    extensions.size = extension(true, data, sizeof data);
    ck_assert_int_eq(sim_ping(s, 0, mallory.self).error, RELOAD_E_TIMEOUT);
    end();
}
END_TEST

/* Answers whatever it is asked with |argument|. */
static void
answer_with(struct sim *sim, uint32_t puppet, const struct sim_heard *heard, void *argument)
{
    const struct reload_bytes *body = argument;
    uint16_t code = sim_message_code(sim, heard);
    if (code != RELOAD_MESSAGE_FETCH_REQ && code != RELOAD_MESSAGE_STAT_REQ &&
        code != RELOAD_MESSAGE_FIND_REQ)
        return;
    struct sim_draft *draft = sim_draft_answer(sim, puppet, heard, (uint16_t)(code + 1), *body);
    sim_puppet_say(sim, puppet, heard->link, sim_draft_seal(draft));
    sim_draft_free(draft);
}

static unsigned answers;
static int answer_error;

static void
on_answer(void *argument, const struct reload_result *result, reload_time now)
{
    (void)argument, (void)now;
    answers++;
    answer_error = result->error;
}

/* P28: an answer over max-message-size is none: the request fails. */
START_TEST(p28_answers_that_are_too_large)
{
    static const uint16_t codes[] = {RELOAD_MESSAGE_FETCH_REQ, RELOAD_MESSAGE_STAT_REQ,
                                     RELOAD_MESSAGE_FIND_REQ};
    for (int i = 0; i < 6; i++) {
        static uint8_t octets[8000];
        struct reload_writer writer = reload_writer_of(octets, sizeof octets);
        uint16_t code = codes[i / 2];
        begin(SIM_LINKS_MESSAGES);
        /* A list of Kinds that nobody asked for, which would be left out. */
        size_t length_size = code == RELOAD_MESSAGE_FIND_REQ ? 2 : 4;
        size_t list = reload_writer_begin(&writer, length_size);
        while (writer.size < (i % 2 ? 7000u : 100u)) {
            reload_writer_u32(&writer, 0xf00000ff);
            if (code == RELOAD_MESSAGE_FIND_REQ) {
                reload_writer_u8(&writer, 0);
            } else {
                reload_writer_u64(&writer, 1);
                reload_writer_u32(&writer, 0);
            }
        }
        reload_writer_end(&writer, list, length_size);
        struct reload_bytes body = reload_writer_written(&writer);
        sim_puppet_listen(s, mallory.self, answer_with, &body);
        struct reload_route route = reload_route_to_node(sim_node_id(s, mallory.self));
        static const uint8_t question[16];
        answers = 0;
        ck_assert_int_eq(reload_node_request(sim_node(s, 0), &route, code,
                                             (struct reload_bytes){question, sizeof question},
                                             on_answer, NULL, sim_now(s), NULL),
                         0);
        sim_turn(s, 0);
        sim_run_for(s, SIM_SECONDS(16));
        ck_assert_uint_eq(answers, 1);
        ck_assert_msg((answer_error == 0) == (i % 2 == 0), "%d: %d", i, answer_error);
        end();
    }
}
END_TEST

/* P13: fragments with FORWARD_CRITICAL are not passed on either, though nobody is told. */
START_TEST(p13_forward_critical_on_a_later_fragment)
{
    begin(SIM_LINKS_MESSAGES);
    uint32_t far = sim_successor_of(s, 0, 2);
    for (int critical = 0; critical < 2; critical++) {
        static const uint8_t text[4];
        struct sim_draft *draft = request(RELOAD_MESSAGE_PING_REQ);
        struct watch watch;
        draft->destinations.size = 0;
        sim_draft_to_node(draft, sim_node_id(s, far));
        sim_draft_option(draft, 200, critical ? RELOAD_FORWARDING_FLAG_FORWARD_CRITICAL : 0,
                         (struct reload_bytes){text, sizeof text});
        struct reload_bytes sealed = sim_draft_seal(draft);
        uint8_t data[2048];
        memcpy(data, sealed.data, sealed.size);
        data[12] = 0x80; /* neither the last one nor the first */
        data[15] = 100;
        unsigned before = (unsigned)sim_counters(s, 0)->messages_forwarded;
        sim_puppet_say(s, mallory.self, mallory.link, (struct reload_bytes){data, sealed.size});
        watch_begin(s, &watch, draft->message.header.transaction_id);
        sim_run_for(s, SIM_SECONDS(1));
        ck_assert_uint_eq(sim_counters(s, 0)->messages_forwarded - before, critical ? 0 : 1);
        sim_draft_free(draft);
    }
    end();
}
END_TEST

/* P13: what a forwarder answers keeps the options that are to be copied (6.3.2.3). */
START_TEST(p13_forwarders_copy_options_too)
{
    static const uint8_t text[] = "option";
    begin(SIM_LINKS_MESSAGES);
    struct sim_draft *draft = request(RELOAD_MESSAGE_PING_REQ);
    sim_draft_option(draft, 200, RELOAD_FORWARDING_FLAG_RESPONSE_COPY,
                     (struct reload_bytes){text, 6});
    draft->destinations.size = 0;
    sim_draft_to_node(draft, sim_node_id(s, sim_successor_of(s, 0, 2)));
    draft->message.header.ttl = 0;
    const struct sim_heard *heard = sim_puppet_ask(s, mallory.self, mallory.link, draft);
    ck_assert_ptr_nonnull(heard);
    ck_assert_uint_eq(sim_error_code(s, heard), RELOAD_ERROR_TTL_EXCEEDED);
    struct reload_message answer;
    ck_assert(sim_decode(s, 0, heard->bytes, &answer));
    ck_assert_uint_eq(answer.header.options.size, 4 + 6);
    ck_assert_uint_eq(answer.header.options.data[1], 0);
    sim_draft_free(draft);
    end();
}
END_TEST

/* R11: a node with several Node-IDs that did not Attach may route Ping and Attach only (6.1.2). */
START_TEST(r11_several_node_ids_without_attach)
{
    s = ring_of(4, 1);
    struct sim_node_options options = {.extra_node_ids = 2};
    mallory = (struct attacker){.self = sim_add_puppet(s, &options)};
    mallory.link = sim_puppet_connect(s, mallory.self, 0);
    ck_assert_uint_ne(mallory.link, 0);
    uint32_t far = sim_successor_of(s, 0, 2);
    static const struct {
        uint16_t code, near, far;
    } rows[] = {
        {RELOAD_MESSAGE_PING_REQ, 0, 0},
        {RELOAD_MESSAGE_ATTACH_REQ, RELOAD_ERROR_INVALID_MESSAGE, RELOAD_ERROR_INVALID_MESSAGE},
        {RELOAD_MESSAGE_PROBE_REQ, RELOAD_ERROR_FORBIDDEN, RELOAD_ERROR_FORBIDDEN},
        {RELOAD_MESSAGE_FETCH_REQ, RELOAD_ERROR_FORBIDDEN, RELOAD_ERROR_FORBIDDEN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int is_far = 0; is_far < 2; is_far++) {
            struct sim_draft *draft = request(rows[i].code);
            draft->with_node_id_hash = true;
            draft->destinations.size = 0;
            sim_draft_to_node(draft, sim_node_id(s, is_far ? far : 0));
            expect(draft, is_far ? rows[i].far : rows[i].near);
        }
    end();
}
END_TEST

/* 6.3.2: what would be longer than the requester wants is replaced by the error that says so,
 * however short that "longer" is. */
START_TEST(answers_longer_than_wanted)
{
    static const struct {
        uint32_t limit;
        uint16_t expected;
    } rows[] = {{0, 0}, {5000, 0}, {100, RELOAD_ERROR_RESPONSE_TOO_LARGE}};
    begin(SIM_LINKS_MESSAGES);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sim_draft *draft = request(RELOAD_MESSAGE_PING_REQ);
        draft->message.header.max_response_length = rows[i].limit;
        expect(draft, rows[i].expected);
    }
    end();
}
END_TEST

/* P6: over max-message-size: an error, then the link is closed; without the error when the header
 * alone is too large; a length that is not true is dropped (6.3.2, 6.6). */
START_TEST(p6_messages_that_are_too_large)
{
    for (int big_header = 0; big_header < 2; big_header++) {
        static uint8_t body[8000];
        begin(SIM_LINKS_MESSAGES);
        size_t padding = big_header ? 0 : sizeof body - 2;
        body[0] = (uint8_t)(padding >> 8);
        body[1] = (uint8_t)padding;
        struct sim_draft *draft = sim_draft_new(s, mallory.self, RELOAD_MESSAGE_PING_REQ,
                                                (struct reload_bytes){body, padding + 2});
        sim_draft_to_node(draft, sim_node_id(s, 0));
        if (big_header)
            sim_draft_option(draft, 200, 0, (struct reload_bytes){body, sizeof body});
        expect(draft, big_header ? NO_ANSWER : RELOAD_ERROR_MESSAGE_TOO_LARGE);
        ck_assert(!sim_puppet_link_is_up(s, mallory.self, mallory.link));
        end();
    }
}
END_TEST

START_TEST(p6_length_that_lies)
{
    begin(SIM_LINKS_MESSAGES);
    for (int off = -1; off <= 1; off += 2) {
        struct sim_draft *draft = request(RELOAD_MESSAGE_PING_REQ);
        struct reload_bytes sealed = sim_draft_seal(draft);
        uint8_t data[2048];
        memcpy(data, sealed.data, sealed.size);
        data[19] = (uint8_t)(data[19] + off);
        uint64_t before = sim_counters(s, 0)->dropped_malformed;
        sim_puppet_say(s, mallory.self, mallory.link, (struct reload_bytes){data, sealed.size});
        sim_run_for(s, SIM_SECONDS(1));
        ck_assert_uint_eq(sim_counters(s, 0)->dropped_malformed, before + 1);
        ck_assert(sim_puppet_link_is_up(s, mallory.self, mallory.link));
        sim_draft_free(draft);
    }
    expect(request(RELOAD_MESSAGE_PING_REQ), 0);
    end();
}
END_TEST

/* P22: a bad frame closes a stream, and is dropped from a link of datagrams (6.6.2). */
static const struct {
    uint8_t bytes[16];
    size_t size;
} frame_rows[] = {
    {{0}, 1},
    {{127, 0, 0, 0, 0, 0, 0, 0}, 8},
    {{130, 0, 0, 0, 0, 0, 0, 0, 0}, 9},
    {{128, 0, 0, 0, 9, 0xff, 0xff, 0xff}, 8}, /* a length of 2^24-1 */
    {{128, 0, 0, 0, 9, 0, 0, 1}, 8},          /* shorter than it says */
    {{128, 0, 0, 0, 9, 0, 0, 0, 1}, 9},       /* longer than it says */
    {{129, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 10},   /* octets behind an ACK */
    {{129, 0, 0, 0, 0, 0, 0, 0}, 8},          /* too short for an ACK */
};

START_TEST(p22_bad_frames)
{
    for (size_t i = 0; i < sizeof frame_rows / sizeof *frame_rows; i++) {
        begin((enum sim_links)_i);
        struct reload_bytes bytes = {frame_rows[i].bytes, frame_rows[i].size};
        uint64_t before = sim_counters(s, 0)->dropped_frame;
        sim_puppet_say(s, mallory.self, mallory.link, bytes);
        sim_run_for(s, SIM_SECONDS(1));
        ck_assert_uint_eq(sim_counters(s, 0)->dropped_frame, before + 1);
        ck_assert(sim_puppet_link_is_up(s, mallory.self, mallory.link) ==
                  (_i == SIM_LINKS_DATAGRAMS));
        end();
    }
}
END_TEST

/* P26: answers stay small, whatever is asked (6.4.2.5, 6.5.3). */
START_TEST(p26_answers_stay_small)
{
    static uint8_t body[4002] = {4000 >> 8, 4000 & 0xff};
    begin(SIM_LINKS_MESSAGES);
    struct sim_draft *draft = sim_draft_new(s, mallory.self, RELOAD_MESSAGE_PING_REQ,
                                            (struct reload_bytes){body, sizeof body});
    sim_draft_to_node(draft, sim_node_id(s, 0));
    const struct sim_heard *heard = sim_puppet_ask(s, mallory.self, mallory.link, draft);
    ck_assert_ptr_nonnull(heard);
    ck_assert_uint_eq(sim_message_code(s, heard), RELOAD_MESSAGE_PING_ANS);
    ck_assert_uint_lt(heard->bytes.size, 1000);
    sim_draft_free(draft);
    uint8_t probe[256] = {255};
    memset(probe + 1, RELOAD_PROBE_INFORMATION_TYPE_UPTIME, 200);
    for (size_t i = 0; i < 55; i++)
        probe[201 + i] = (uint8_t)(200 + i);
    draft = sim_draft_new(s, mallory.self, RELOAD_MESSAGE_PROBE_REQ,
                          (struct reload_bytes){probe, sizeof probe});
    sim_draft_to_node(draft, sim_node_id(s, 0));
    heard = sim_puppet_ask(s, mallory.self, mallory.link, draft);
    ck_assert_ptr_nonnull(heard);
    struct reload_message answer;
    ck_assert(sim_decode(s, 0, heard->bytes, &answer));
    ck_assert_uint_eq(answer.contents.message_code, RELOAD_MESSAGE_PROBE_ANS);
    ck_assert_uint_eq(answer.contents.message_body.size, 2 + 1 + 1 + 4); /* one uptime */
    sim_draft_free(draft);
    end();
}
END_TEST

static void
random_entries(struct reload_writer *list, struct reload_prng *prng, size_t max)
{
    for (size_t i = reload_prng_below(prng, max + 1); i > 0; i--) {
        uint8_t octets[16];
        reload_prng_fill(prng, octets, sizeof octets);
        uint64_t type = reload_prng_below(prng, 5);
        if (type == 0) {
            reload_writer_u16(list, (uint16_t)(0x8000 | octets[0]));
            continue;
        }
        static const uint8_t types[] = {1, 1, 3, 77};
        size_t size = type < 3 ? 16 : octets[0] % 16;
        reload_writer_u8(list, types[type - 1]);
        reload_writer_u8(list, (uint8_t)(size + (type == 3)));
        if (type == 3) /* an opaque ID has a length of its own */
            reload_writer_u8(list, (uint8_t)size);
        reload_writer_bytes(list, (struct reload_bytes){octets, size});
    }
}

/* P7, P8, P11: the header is not signed: any of its octets may be any, along with a true signature.
 * No such message ends a node, nor a link. */
START_TEST(p7_headers_by_chance)
{
    begin(SIM_LINKS_MESSAGES);
    struct reload_prng prng = reload_prng_of(7);
    uint32_t far = sim_successor_of(s, 0, 2);
    for (int i = 0; i < 2000; i++) {
        struct sim_draft *draft = request((uint16_t)(reload_prng_below(&prng, 20) * 2 + 1));
        draft->destinations.size = 0;
        if (reload_prng_below(&prng, 2))
            sim_draft_to_node(draft, sim_node_id(s, reload_prng_below(&prng, 2) ? far : 0));
        random_entries(&draft->destinations, &prng, reload_prng_below(&prng, 4) ? 1 : 20);
        random_entries(&draft->via, &prng, reload_prng_below(&prng, 2) ? 3 : 300);
        draft->message.header.via_list = reload_writer_written(&draft->via);
        draft->message.header.destination_list = reload_writer_written(&draft->destinations);
        if (reload_prng_below(&prng, 4) == 0)
            sim_draft_option(draft, 9, (uint8_t)reload_prng_below(&prng, 8),
                             (struct reload_bytes){0});
        draft->message.header.max_response_length = (uint32_t)reload_prng_below(&prng, 1500);
        struct reload_bytes sealed = sim_draft_seal(draft);
        uint8_t data[SIM_DRAFT_SIZE_MAX];
        memcpy(data, sealed.data, sealed.size);
        if (reload_prng_below(&prng, 2))
            data[8 + reload_prng_below(&prng, 60)] ^= (uint8_t)(1 << reload_prng_below(&prng, 8));
        sim_puppet_say(s, mallory.self, mallory.link, (struct reload_bytes){data, sealed.size});
        sim_run_for(s, SIM_MS(20));
        sim_puppet_forget(s, mallory.self);
        sim_draft_free(draft);
        if (!sim_puppet_link_is_up(s, mallory.self, mallory.link)) /* one was too large */
            mallory = attacker_at(s, 0);
    }
    sim_run_for(s, SIM_SECONDS(60));
    expect(request(RELOAD_MESSAGE_PING_REQ), 0);
    end();
}
END_TEST

static const struct named_test tests[] = {
    {&p11_via_list_that_cannot_be_reversed, 0, 0},
    {&p5_other_versions, 0, 0},
    {&p14_codes_of_nothing, 0, 0},
    {&p15_unknown_extensions, 0, 0},
    {&p15_unknown_extension_in_an_answer, 0, 0},
    {&p13_forward_critical_on_a_later_fragment, 0, 0},
    {&p13_forwarders_copy_options_too, 0, 0},
    {&r11_several_node_ids_without_attach, 0, 0},
    {&answers_longer_than_wanted, 0, 0},
    {&p6_messages_that_are_too_large, 0, 0},
    {&p28_answers_that_are_too_large, 0, 0},
    {&p6_length_that_lies, 0, 0},
    {&p22_bad_frames, SIM_LINKS_DATAGRAMS, SIM_LINKS_STREAMS + 1},
    {&p26_answers_stay_small, 0, 0},
    {&p7_headers_by_chance, 0, 0},
};

int
main(void)
{
    return run_tests("node_attack", tests, sizeof tests / sizeof *tests);
}
