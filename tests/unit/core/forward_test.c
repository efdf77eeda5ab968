/* forward_test.c: messages that pass through: rewritten headers, fragments of fragments, nothing
 * allocated.
 *
 * RFC 6940 6.1.2, 6.3.2, 6.7. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/core/world.h"

#include "tests/suite.h"

static struct world *world;
static struct world_host *host, *from, *to;
static uint32_t in, out;
static const struct reload_wire wire = {.node_id_length = 16};

static void
begin_with(enum reload_framing framing, uint16_t mtu)
{
    world = world_new(&world_single);
    world->mtu = mtu;
    host = world_add(world, 1);
    from = world_add(world, 1);
    to = world_add(world, 1);
    ck_assert_int_eq(world_boot(host, &world_single), 0);
    in = world_link(host, from, RELOAD_FRAMING_NONE, 0);
    out = world_link(host, to, framing, 0);
    world_forget(host);
}

static void
hear(const uint8_t *data, size_t size)
{
    ck_assert_int_eq(
        reload_node_recv(host->node, in, (struct reload_bytes){data, size}, world->now), 0);
    world_turn(host);
}

static void
put_u32(uint8_t *at, uint32_t value)
{
    struct reload_writer writer = reload_writer_of(at, 4);
    reload_writer_u32(&writer, value);
}

/* The message inside what was sent as number |index|; its body. */
static struct reload_bytes
sent_message(size_t index, struct reload_forwarding_header *header)
{
    ck_assert_uint_lt(index, host->sent_count);
    const struct world_sent *sent = &host->sent[index];
    ck_assert_uint_eq(sent->link, out);
    struct reload_link *link = reload_link_find(host->node, out);
    size_t frame = link->framing == RELOAD_FRAMING_NONE ? 0 : RELOAD_FRAME_HEADER_SIZE;
    struct reload_reader reader =
        reload_reader_of((struct reload_bytes){sent->bytes + frame, sent->size - frame});
    ck_assert_int_eq(reload_forwarding_header_decode(&reader, &wire, header), 0);
    ck_assert_uint_eq(header->length, sent->size - frame);
    return reload_reader_rest(&reader);
}

START_TEST(headers_are_rewritten)
{
    uint8_t data[2048];
    begin_with(RELOAD_FRAMING_NONE, 1200);
    size_t size = world_message(world, &to->id, 1000, data, sizeof data);
    struct reload_forwarding_header before, after;
    struct reload_reader reader = reload_reader_of((struct reload_bytes){data, size});
    ck_assert_int_eq(reload_forwarding_header_decode(&reader, &wire, &before), 0);
    hear(data, size);
    ck_assert_uint_eq(host->sent_count, 1);
    struct reload_bytes body = sent_message(0, &after);
    ck_assert(reload_bytes_equal(body, reload_reader_rest(&reader)));
    ck_assert_uint_eq(after.ttl, before.ttl - 1); /* RFC6940-6.3.2 */
    ck_assert_uint_eq(after.transaction_id, before.transaction_id);
    ck_assert_uint_eq(after.fragment, RELOAD_FRAGMENT_WHOLE);
    ck_assert_uint_eq(after.via_list.size, 18); /* RFC6940-6.1.2 */
    ck_assert_mem_eq(after.via_list.data + 2, from->id.octets, 16);
    ck_assert(reload_bytes_equal(after.destination_list, before.destination_list));
    ck_assert_uint_eq(host->node->counters.messages_forwarded, 1);
    world_free(world);
}
END_TEST

/* R3, RFC6940 13.6.5: what comes round in a loop, and is multiplied by one peer in it, is let pass
 * twice; that one's route may lead by here twice. */
static const struct {
    unsigned times; /* we stand in the Via List */
    bool passes;
} rounds[] = {{0, true}, {1, true}, {2, false}, {25, false}};

START_TEST(what_goes_round_ends)
{
    uint8_t data[2048];
    begin_with(RELOAD_FRAMING_NONE, 1200);
    size_t size = world_message(world, &to->id, 100, data, sizeof data);
    size_t via = 2 * 18 * rounds[_i].times;
    memmove(data + 38 + via, data + 38, size - 38);
    for (uint8_t *at = data + 38; at < data + 38 + via; at += 2 * 18) {
        const struct reload_node_id *const ids[] = {&host->id, &to->id};
        for (size_t i = 0; i < 2; i++) {
            at[18 * i] = RELOAD_DESTINATION_TYPE_NODE;
            at[18 * i + 1] = 16;
            memcpy(at + 18 * i + 2, ids[i]->octets, 16);
        }
    }
    data[32] = (uint8_t)(via >> 8);
    data[33] = (uint8_t)via;
    size += via;
    put_u32(data + 16, (uint32_t)size);
    hear(data, size);
    ck_assert_uint_eq(host->node->counters.messages_forwarded, rounds[_i].passes);
    ck_assert_uint_eq(host->node->counters.dropped_ttl, !rounds[_i].passes);
    ck_assert_uint_eq(host->node->counters.dropped_malformed, 0);
    world_free(world);
}
END_TEST

/* Answers get no Via List (6.1.2), and we are taken out of the Destination List. */
START_TEST(answers_need_no_way_back)
{
    uint8_t data[2048], list[64];
    begin_with(RELOAD_FRAMING_NONE, 1200);
    size_t size = world_message(world, &to->id, 100, data, sizeof data);
    memcpy(list, data + 38, 18);
    memmove(data + 38 + 18, data + 38, size - 38); /* us, then |to| */
    memcpy(data + 40, host->id.octets, 16);
    size += 18;
    data[35] = 36;
    data[38 + 36 + 1] = RELOAD_MESSAGE_PING_ANS;
    put_u32(data + 16, (uint32_t)size);
    hear(data, size);
    struct reload_forwarding_header after;
    (void)sent_message(0, &after);
    ck_assert_uint_eq(after.via_list.size, 0);
    ck_assert_uint_eq(after.destination_list.size, 18);
    ck_assert_mem_eq(after.destination_list.data, list, 18);
    world_free(world);
}
END_TEST

/* Acknowledges all that was sent. */
static void
acknowledge_all(void)
{
    size_t count = host->sent_count;
    for (size_t i = 0; i < count; i++) {
        uint8_t ack[9] = {129};
        memcpy(ack + 1, host->sent[i].bytes + 1, 4);
        ck_assert_int_eq(
            reload_node_recv(host->node, out, (struct reload_bytes){ack, sizeof ack}, world->now),
            0);
        world_turn(host);
    }
}

/* Hears a message of |size| octets behind its header, from |offset| of a larger one on, and checks
 * how it went on. Returns in how many pieces. */
static size_t
check_pieces(size_t body_size, uint32_t offset, bool last, uint16_t mtu)
{
    static uint8_t data[16384];
    struct reload_forwarding_header header;
    world_forget(host);
    size_t size = world_message(world, &to->id, body_size, data, sizeof data);
    put_u32(data + 12, RELOAD_FRAGMENT_ALWAYS | (last ? RELOAD_FRAGMENT_LAST : 0) | offset);
    hear(data, size);
    size_t done = 0, least = SIZE_MAX, most = 0, header_size = 38 + 18 + 18;
    for (size_t i = 0; i < host->sent_count; i++) {
        struct reload_bytes piece = sent_message(i, &header);
        ck_assert_uint_eq(header.fragment & RELOAD_FRAGMENT_OFFSET, offset + done);
        ck_assert_mem_eq(piece.data, data + 38 + 18 + done, piece.size);
        done += piece.size;
        ck_assert_uint_eq((header.fragment & RELOAD_FRAGMENT_LAST) != 0, last && done == body_size);
        ck_assert(header.fragment & RELOAD_FRAGMENT_ALWAYS);
        ck_assert_uint_eq(header.via_list.size, 18);
        ck_assert_uint_eq(header.destination_list.size, 18);
        if (i + 1 < host->sent_count)
            least = piece.size < least ? piece.size : least;
        most = piece.size > most ? piece.size : most;
        if (host->sent_count > 1) {
            ck_assert_uint_ge(piece.size, 256); /* RFC6940-6.7 */
            ck_assert_uint_le(8 + header_size + piece.size, mtu - 32u);
            ck_assert_uint_le(most - piece.size, host->sent_count); /* equal-sized */
        }
    }
    ck_assert_uint_eq(done, body_size);
    size_t count = host->sent_count;
    acknowledge_all();
    return count;
}

START_TEST(fragments)
{
    static const uint16_t mtus[] = {700, 1200, 1452};
    uint16_t mtu = mtus[_i];
    begin_with(RELOAD_FRAMING_DATAGRAM, mtu);
    size_t fits = mtu - 8u - 38 - 18 - 18;
    ck_assert_uint_eq(check_pieces(fits, 0, true, mtu), 1);
    ck_assert_uint_eq(check_pieces(fits + 1, 0, true, mtu), 2);
    ck_assert_uint_eq(check_pieces(fits + 1, 0, false, mtu), 2);
    for (size_t size = 100; size < 4900; size += 97) {
        size_t pieces = check_pieces(size, 0, true, mtu);
        ck_assert_uint_eq(pieces, size <= fits ? 1 : (size + fits - 33) / (fits - 32));
    }
    /* A fragment is cut again, and keeps its place; its last piece is the last only if it was. */
    ck_assert_uint_eq(check_pieces(2 * (fits - 32), 1024, true, mtu), 2);
    ck_assert_uint_eq(check_pieces(2 * (fits - 32), 1024, false, mtu), 2);
    world_free(world);
}
END_TEST

/* RFC6940-6.7-01: equal chunks of 256 octets and more, or none at all: then the network fragments
 * (D63). A path that loses those (L16) still carries what can be cut. */
START_TEST(small_mtus_fragment_what_they_can)
{
    static const uint16_t mtus[] = {400, 450, 600};
    uint16_t mtu = mtus[_i];
    begin_with(RELOAD_FRAMING_DATAGRAM, mtu);
    size_t fits = mtu - 8u - 38 - 18 - 18, room = fits - 32, cut = 0;
    for (size_t size = 200; size < 3000; size += 13) {
        size_t count = (size + room - 1) / room;
        bool large_enough = size / count >= 256 && room >= 256;
        size_t pieces = check_pieces(size, 0, true, mtu);
        if (pieces > 1)
            ck_assert_uint_eq(pieces, count);
        else if (size > fits)
            ck_assert(!large_enough || size - (count - 1) * ((size + count - 1) / count) < 256);
        cut += pieces > 1;
    }
    ck_assert_uint_eq(cut > 0, room >= 256);
    ck_assert_uint_eq(check_pieces(fits, 0, true, mtu), 1);
    world_free(world);
}
END_TEST

/* A fragment that would end beyond what a message may have is nobody's. */
START_TEST(fragments_beyond_the_end)
{
    static const struct {
        uint32_t offset;
        unsigned sent;
    } rows[] = {{0, 1}, {4000, 0}, {0xffffff, 0}, {3800, 1}, {0xfffe00, 0}};
    uint8_t data[2048];
    begin_with(RELOAD_FRAMING_NONE, 1200);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        world_forget(host);
        size_t size = world_message(world, &to->id, 1000, data, sizeof data);
        put_u32(data + 12, RELOAD_FRAGMENT_ALWAYS | rows[i].offset);
        hear(data, size);
        ck_assert_uint_eq(host->sent_count, rows[i].sent);
    }
    world_free(world);
}
END_TEST

/* The path of a message that passes through allocates nothing, however much is on its way. */
START_TEST(nothing_is_allocated)
{
    static uint8_t data[8][2048];
    size_t size = 0;
    begin_with((enum reload_framing)_i, 1200);
    uint64_t before = 0;
    for (int round = 0; round < 1000; round++) {
        if (round == 10)
            before = world->allocations;
        for (int i = 0; i < 8; i++) {
            size = world_message(world, &to->id, 900, data[i], sizeof data[i]);
            hear(data[i], size);
        }
        ck_assert_uint_eq(host->sent_count, 8);
        if (_i == RELOAD_FRAMING_DATAGRAM)
            acknowledge_all();
        world_forget(host);
        if (round % 100 == 0) { /* also when the pool is trimmed */
            world->now += RELOAD_SECOND;
            reload_node_timeout(host->node, world->now);
        }
    }
    ck_assert_uint_eq(world->allocations, before);
    ck_assert_uint_eq(host->node->counters.messages_forwarded, 8000);
    world_free(world);
}
END_TEST

/* The way round: |to|, unless |nobody_else|. */
static bool nobody_else;

static size_t
other_hops(void *state, const struct reload_node_id *id, struct reload_node_id *hops, size_t max)
{
    (void)state, (void)id;
    ck_assert_uint_gt(max, 0);
    hops[0] = to->id;
    return !nobody_else;
}

/* What is done with a Ping to a node that is not linked and has its place in our range. */
static const struct {
    bool own, nobody_else;
    size_t sent;
} strays[] = {{true, false, 1}, {true, true, 0}, {false, false, 0}};

/* RFC6940-6.1.1: a Node-ID in our range that is not linked is nobody's, when others ask. But who
 * has just lost the link to its predecessor, and wants to be linked again, asks those who have not:
 * nobody else sends to us what is not ours. */
START_TEST(who_lost_its_neighbour_asks_others)
{
    static const uint8_t no_padding[2];
    uint8_t data[2048];
    struct reload_topology_ops ops = world_single;
    ops.first_hops = other_hops;
    world = world_new(&ops);
    host = world_add(world, 1);
    from = world_add(world, 1);
    to = world_add(world, 1);
    struct reload_node_id lost = world_add(world, 1)->id;
    ck_assert_int_eq(world_boot(host, &ops), 0);
    in = world_link(host, from, RELOAD_FRAMING_NONE, 0);
    out = world_link(host, to, RELOAD_FRAMING_NONE, 0);
    world_topology_of(host)->responsible = true;
    nobody_else = strays[_i].nobody_else;
    world_forget(host);
    struct reload_route route = reload_route_to_node(&lost);
    if (strays[_i].own)
        ck_assert_int_eq(reload_node_request(host->node, &route, RELOAD_MESSAGE_PING_REQ,
                                             (struct reload_bytes){no_padding, sizeof no_padding},
                                             NULL, NULL, world->now, NULL),
                         0);
    else
        hear(data, world_message(world, &lost, 100, data, sizeof data));
    world_turn(host);
    ck_assert_uint_eq(host->sent_count, strays[_i].sent);
    ck_assert_uint_eq(host->node->counters.dropped_destination, !strays[_i].sent);
    struct reload_forwarding_header header;
    for (size_t i = 0; i < host->sent_count; i++) {
        (void)sent_message(i, &header);
        ck_assert_uint_eq(header.destination_list.size, 18);
        ck_assert_mem_eq(header.destination_list.data + 2, lost.octets, 16);
    }
    world_free(world);
}
END_TEST

/* 6.2.1: who sends something along a route that cannot be is told so. */
START_TEST(routes_that_cannot_be)
{
    static const uint8_t resource[16], body[2];
    begin_with(RELOAD_FRAMING_NONE, 1200);
    struct reload_route routes[4] = {{.count = 0}};
    routes[1] = reload_route_to_resource((struct reload_bytes){resource, sizeof resource});
    ck_assert(reload_route_append_node(&routes[1], &to->id));
    routes[2] = reload_route_to_resource((struct reload_bytes){resource, 0});
    routes[2].entries[0].type = RELOAD_DESTINATION_TYPE_OPAQUE_ID_TYPE;
    routes[3] = reload_route_to_node(&to->id);
    for (size_t i = 0; i < 4; i++)
        for (uint16_t code = 22; code <= 24; code++)
            ck_assert_int_eq(reload_node_request(host->node, &routes[i], code,
                                                 (struct reload_bytes){body, sizeof body}, NULL,
                                                 NULL, world->now, NULL),
                             i == 3 && code == 23 ? 0 : RELOAD_E_USAGE);
    world_free(world);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("forward");
    TCase *tcase = tcase_create("forward");
    tcase_add_test(tcase, headers_are_rewritten);
    tcase_add_loop_test(tcase, what_goes_round_ends, 0, (int)(sizeof rounds / sizeof *rounds));
    tcase_add_test(tcase, answers_need_no_way_back);
    tcase_add_loop_test(tcase, fragments, 0, 3);
    tcase_add_loop_test(tcase, small_mtus_fragment_what_they_can, 0, 3);
    tcase_add_test(tcase, fragments_beyond_the_end);
    tcase_add_loop_test(tcase, nothing_is_allocated, RELOAD_FRAMING_NONE,
                        RELOAD_FRAMING_DATAGRAM + 1);
    tcase_add_loop_test(tcase, who_lost_its_neighbour_asks_others, 0,
                        (int)(sizeof strays / sizeof *strays));
    tcase_add_test(tcase, routes_that_cannot_be);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
