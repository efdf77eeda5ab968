/* media_test.c: links for media on rings of real nodes, in virtual time.
 *
 * D72. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/media.h"
#include "tests/sim/fixture.h"
#include "tests/suite.h"

#include <string.h>

#define RING 6

static struct sim *s;

/* What came to each node. */
static struct inbox {
    unsigned packets;
    struct reload_node_id peer;
    uint32_t stream;
    enum reload_media_type type;
    uint8_t octets[RELOAD_MEDIA_PACKET_MAX];
    size_t size;
} inboxes[RING];

static void
receive(void *argument, const struct reload_node_id *peer, uint32_t stream,
        enum reload_media_type type, struct reload_bytes packet, reload_time now)
{
    struct inbox *inbox = argument;
    (void)now;
    inbox->packets++;
    inbox->peer = *peer;
    inbox->stream = stream;
    inbox->type = type;
    inbox->size = packet.size;
    ck_assert_uint_le(packet.size, sizeof inbox->octets);
    memcpy(inbox->octets, packet.data, packet.size);
}

static void *
media_of(uint32_t node)
{
    return reload_node_usage(sim_node(s, node), 0);
}

static const struct reload_media_counters *
counters_of(uint32_t node)
{
    return reload_media_overlay.counters(media_of(node));
}

static void
begin(enum sim_links links)
{
    struct sim_options options = ring_options();
    options.usages[0] = &reload_media_usage;
    options.usage_count = 1;
    options.links = links;
    memset(inboxes, 0, sizeof inboxes);
    s = sim_new(5004, &options);
    ring_grow(s, RING);
    for (uint32_t i = 0; i < RING; i++)
        reload_media_overlay.set_handler(media_of(i),
                                         &(struct reload_media_handler){&inboxes[i], receive});
}

static int
open_waiting(uint32_t from, uint32_t to, bool waits)
{
    struct reload_sip_destination destination =
        reload_sip_destination_of_node(reload_node_wire(sim_node(s, from)), sim_node_id(s, to));
    int error = reload_media_overlay.open(media_of(from), &destination, waits, sim_now(s));
    sim_turn(s, from);
    return error;
}

static int
open_to(uint32_t from, uint32_t to)
{
    return open_waiting(from, to, false);
}

static int
send_to(uint32_t from, uint32_t to, uint32_t stream, enum reload_media_type type, const void *data,
        size_t size)
{
    int error = reload_media_overlay.send(media_of(from), sim_node_id(s, to), stream, type,
                                          (struct reload_bytes){data, size}, sim_now(s));
    sim_turn(s, from);
    return error;
}

static const enum sim_links kinds[] = {SIM_LINKS_MESSAGES, SIM_LINKS_DATAGRAMS, SIM_LINKS_STREAMS};

/* One link, asked for by one side, serves both; many packets at once keep their bounds. */
START_TEST(both_ways)
{
    static uint8_t big[RELOAD_MEDIA_PACKET_MAX];
    begin(kinds[_i]);
    memset(big, 7, sizeof big);
    ck_assert_int_eq(open_to(1, 4), 0);
    sim_run_for(s, SIM_SECONDS(5));
    ck_assert_int_eq(open_to(4, 1), 0);
    ck_assert_uint_eq(counters_of(1)->links_up, 1);
    ck_assert_uint_eq(counters_of(4)->links_up, 1);
    ck_assert_int_eq(send_to(1, 4, 4294967295, RELOAD_MEDIA_RTP, "voice", 5), 0);
    ck_assert_int_eq(send_to(4, 1, 1, RELOAD_MEDIA_RTCP, "report", 6), 0);
    sim_run_for(s, SIM_SECONDS(1));
    ck_assert_uint_eq(inboxes[4].packets, 1);
    ck_assert_uint_eq(inboxes[4].stream, 4294967295);
    ck_assert_int_eq(inboxes[4].type, RELOAD_MEDIA_RTP);
    ck_assert_mem_eq(inboxes[4].octets, "voice", 5);
    ck_assert(reload_node_id_equal(&inboxes[4].peer, sim_node_id(s, 1)));
    ck_assert_uint_eq(inboxes[1].packets, 1);
    ck_assert_int_eq(inboxes[1].type, RELOAD_MEDIA_RTCP);
    ck_assert_mem_eq(inboxes[1].octets, "report", 6);
    for (unsigned i = 0; i < 20; i++)
        ck_assert_int_eq(send_to(1, 4, i, RELOAD_MEDIA_RTP, big, i % 3 ? i : sizeof big), 0);
    sim_run_for(s, SIM_SECONDS(1));
    ck_assert_uint_eq(inboxes[4].packets, 21);
    ck_assert_uint_eq(inboxes[4].stream, 19);
    ck_assert_uint_eq(inboxes[4].size, 19);
    ck_assert_uint_eq(counters_of(4)->packets_received, 21);
    sim_free(s);
}
END_TEST

/* The called side waits for the caller's link, so that there are not two; but not for ever. */
START_TEST(one_waits)
{
    begin(SIM_LINKS_DATAGRAMS);
    ck_assert_int_eq(open_waiting(4, 1, true), 0);
    ck_assert_int_eq(open_to(1, 4), 0);
    ck_assert_int_eq(send_to(4, 1, 1, RELOAD_MEDIA_RTP, "a", 1), RELOAD_E_CLOSED);
    sim_run_for(s, SIM_SECONDS(30));
    ck_assert_uint_eq(counters_of(1)->links_up, 1);
    ck_assert_uint_eq(counters_of(4)->links_up, 1);
    ck_assert_int_eq(open_waiting(5, 2, true), 0);
    sim_run_for(s, SIM_SECONDS(2));
    ck_assert_int_eq(send_to(5, 2, 1, RELOAD_MEDIA_RTP, "a", 1), RELOAD_E_CLOSED);
    ck_assert_uint_eq(counters_of(5)->links_up, 0);
    sim_run_for(s, SIM_SECONDS(10));
    ck_assert_uint_eq(counters_of(5)->links_up, 1);
    sim_free(s);
}
END_TEST

/* It goes when no call needs it any more, and comes back when the next one does. */
START_TEST(idle)
{
    begin(SIM_LINKS_DATAGRAMS);
    ck_assert_int_eq(open_to(1, 4), 0);
    sim_run_for(s, SIM_SECONDS(5));
    ck_assert_int_eq(open_to(4, 1), 0);
    sim_run_for(s, 3 * RELOAD_MEDIA_IDLE);
    ck_assert_int_eq(send_to(1, 4, 1, RELOAD_MEDIA_RTP, "a", 1), 0);
    reload_media_overlay.close(media_of(1), sim_node_id(s, 4), sim_now(s));
    reload_media_overlay.close(media_of(4), sim_node_id(s, 1), sim_now(s));
    sim_run_for(s, RELOAD_MEDIA_IDLE / 2);
    ck_assert_int_eq(open_to(1, 4), 0);
    ck_assert_int_eq(send_to(1, 4, 1, RELOAD_MEDIA_RTP, "b", 1), 0);
    reload_media_overlay.close(media_of(1), sim_node_id(s, 4), sim_now(s));
    sim_run_for(s, 3 * RELOAD_MEDIA_IDLE);
    ck_assert_int_eq(open_to(4, 1), 0);
    sim_run_for(s, SIM_SECONDS(5));
    ck_assert_uint_eq(counters_of(4)->links_up, 2);
    sim_free(s);
}
END_TEST

/* The other node ends and comes back in the middle of a call: packets are lost, but not all. */
START_TEST(link_lost)
{
    begin(SIM_LINKS_DATAGRAMS);
    ck_assert_int_eq(open_to(1, 4), 0);
    sim_run_for(s, SIM_SECONDS(5));
    sim_kill(s, 4);
    sim_run_for(s, RELOAD_MEDIA_SILENCE + 2 * RELOAD_MEDIA_KEEP_ALIVE);
    ck_assert_int_eq(send_to(1, 4, 1, RELOAD_MEDIA_RTP, "a", 1), RELOAD_E_CLOSED);
    sim_restart(s, 4);
    sim_run_for(s, SIM_SECONDS(60));
    reload_media_overlay.set_handler(media_of(4),
                                     &(struct reload_media_handler){&inboxes[4], receive});
    for (unsigned i = 0; i < 100 && inboxes[4].packets == 0; i++) {
        (void)send_to(1, 4, 1, RELOAD_MEDIA_RTP, "b", 1);
        sim_run_for(s, SIM_SECONDS(1));
    }
    ck_assert_uint_eq(inboxes[4].packets, 1);
    /* Asking again and again costs little. */
    ck_assert_uint_le(counters_of(1)->links_failed, 30);
    sim_free(s);
}
END_TEST

/* Nobody relays there; there is no room. */
START_TEST(refused)
{
    begin(SIM_LINKS_DATAGRAMS);
    reload_media_overlay.set_handler(media_of(4), NULL);
    ck_assert_int_eq(open_to(1, 4), 0);
    sim_run_for(s, SIM_SECONDS(20));
    ck_assert_uint_ge(counters_of(1)->links_failed, 1);
    ck_assert_uint_le(counters_of(1)->links_failed, 4);
    ck_assert_uint_eq(counters_of(1)->links_up, 0);
    ck_assert_int_eq(send_to(1, 4, 1, RELOAD_MEDIA_RTP, "a", 1), RELOAD_E_CLOSED);
    for (unsigned i = 1; i < RELOAD_MEDIA_PEERS_MAX; i++) {
        struct reload_node_id nobody = {{1, (uint8_t)i}};
        struct reload_sip_destination destination =
            reload_sip_destination_of_node(reload_node_wire(sim_node(s, 1)), &nobody);
        ck_assert_int_eq(reload_media_overlay.open(media_of(1), &destination, false, sim_now(s)),
                         0);
    }
    ck_assert_int_eq(open_to(1, 5), RELOAD_E_BUSY);
    sim_run_for(s, SIM_SECONDS(60));
    /* Nor does it take another's link. */
    ck_assert_int_eq(open_to(5, 1), 0);
    sim_run_for(s, SIM_SECONDS(20));
    ck_assert_uint_eq(counters_of(5)->links_up, 0);
    sim_free(s);
}
END_TEST

static void
attached(void *argument, int error, uint32_t link, const struct reload_node_id *node_id,
         reload_time now)
{
    (void)node_id, (void)now;
    ck_assert_int_eq(error, 0);
    *(uint32_t *)argument = link;
}

/* A link that the test writes on itself. */
static uint32_t
raw_link(uint32_t from, uint32_t to)
{
    uint32_t link = 0;
    struct reload_route route = reload_route_to_node(sim_node_id(s, to));
    ck_assert_int_eq(reload_node_app_attach(sim_node(s, from), &route, RELOAD_APPLICATION_MEDIA,
                                            attached, &link, sim_now(s)),
                     0);
    sim_turn(s, from);
    sim_run_for(s, SIM_SECONDS(5));
    ck_assert_uint_ne(link, 0);
    return link;
}

static void
write_raw(uint32_t from, uint32_t link, const void *data, size_t size)
{
    ck_assert_int_eq(reload_node_app_send(sim_node(s, from), link,
                                          (struct reload_bytes){data, size}, sim_now(s)),
                     0);
    sim_turn(s, from);
    sim_run_for(s, SIM_SECONDS(1));
}

/* What is no packet is dropped; a stream that cannot be made sense of ends. */
START_TEST(malformed_records)
{
    static const uint8_t records[][8] = {"", "\0\0\0\1", "\0\0\0\1\377ab", "\0\0\0\1\3ab"};
    static uint8_t huge[RELOAD_MEDIA_HEADER_SIZE + RELOAD_MEDIA_PACKET_MAX + 1] = {0, 0, 0, 1, 1};
    begin(SIM_LINKS_DATAGRAMS);
    uint32_t link = raw_link(1, 4);
    for (unsigned i = 1; i < 4; i++)
        write_raw(1, link, records[i], i == 1 ? 4 : 7);
    write_raw(1, link, huge, sizeof huge);
    ck_assert_uint_eq(counters_of(4)->dropped_malformed, 4);
    ck_assert_uint_eq(inboxes[4].packets, 0);
    write_raw(1, link, huge, sizeof huge - 1);
    ck_assert_uint_eq(inboxes[4].packets, 1);
    sim_free(s);
}
END_TEST

START_TEST(malformed_stream)
{
    begin(SIM_LINKS_STREAMS);
    uint32_t link = raw_link(1, 4);
    for (unsigned i = 0; i < 9; i++) /* octet by octet */
        write_raw(1, link, &"\0\7\0\0\0\1\1hi"[i], 1);
    ck_assert_uint_eq(inboxes[4].packets, 1);
    ck_assert_mem_eq(inboxes[4].octets, "hi", 2);
    write_raw(1, link, "\0\0\0\6\0\0\0\2\1x", 10); /* nothing, and a packet */
    ck_assert_uint_eq(counters_of(4)->dropped_malformed, 1);
    ck_assert_uint_eq(inboxes[4].packets, 2);
    write_raw(1, link, "\377\377ab", 4);
    ck_assert_uint_eq(counters_of(4)->dropped_malformed, 2);
    sim_run_for(s, SIM_SECONDS(5));
    ck_assert_int_eq(
        reload_node_app_send(sim_node(s, 1), link, reload_bytes_of_string("x"), sim_now(s)),
        RELOAD_E_CLOSED);
    sim_free(s);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("media");
    TCase *tcase = tcase_create("media");
    tcase_add_loop_test(tcase, both_ways, 0, 3);
    tcase_add_test(tcase, one_waits);
    tcase_add_test(tcase, idle);
    tcase_add_test(tcase, link_lost);
    tcase_add_test(tcase, refused);
    tcase_add_test(tcase, malformed_records);
    tcase_add_test(tcase, malformed_stream);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
