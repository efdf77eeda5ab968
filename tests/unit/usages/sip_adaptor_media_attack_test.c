/* sip_adaptor_media_attack_test.c: who may not send into a relayed call, and how much others may.
 *
 * D73; attack row U13. SPDX-License-Identifier: BSD-2-Clause */
#include "media_call.h"

#include "tests/suite.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* The phone sends from another port than it named (symmetric RTP): the first packet says so, once;
 * a new description begins anew. */
START_TEST(latched_once)
{
    begin(true, true);
    plain_call();
    struct phone *other = world_phone(&world), *third = world_phone(&world);
    speak(other, to_a, "from another port");
    hear(bob_rtp, "from another port");
    speak(bob_rtp, to_b, "answer");
    hear(other, "answer");
    speak(third, to_a, "too late");
    speak(alice_rtp, to_a, "too late");
    phone_expect_nothing(bob_rtp, RELOAD_SECOND);
    ck_assert_uint_eq(counters_of(a)->dropped_source, 2);
    struct request request = within("INVITE", 2, sdp_of(third, alice_rtcp, ""));
    phone_request(alice, a, &request);
    phone_expect(bob, "INVITE ", RELOAD_SECOND);
    speak(bob_rtp, to_b, "now there");
    hear(third, "now there");
    world_end(&world);
}
END_TEST

/* What the phone's description names is no target unless it is the phone's own host. */
START_TEST(description_names_a_victim)
{
    static const char *const victims[] = {"192.0.2.1", "224.0.0.1", "255.255.255.255"};
    begin(true, true);
    char offer[512];
    snprintf(offer, sizeof offer, "v=0\r\nc=IN IP4 %s\r\nm=audio %u RTP/AVP 0\r\n", victims[_i],
             (unsigned)alice_rtp->port);
    char copy[1024];
    strcpy(copy, sdp_of(bob_rtp, bob_rtcp, ""));
    call(offer, copy);
    speak(bob_rtp, to_b, "hello");
    hear(alice_rtp, "hello"); /* the port, at the host that the SIP came from */
    world_end(&world);
}
END_TEST

/* Other nodes' packets count only for calls with them. */
START_TEST(other_nodes)
{
    begin(true, true);
    struct node *m = world_node(&world, "mallory@dht.example.com", NULL);
    plain_call();
    speak(alice_rtp, to_a, "hello");
    hear(bob_rtp, "hello");
    static const char packet[] = "\x80hhhhhhhhhhhinjected";
    struct reload_bytes bytes = {(const uint8_t *)packet, sizeof packet - 1};
    uint32_t labels = 0;
    /* All labels that the node could have given so far, and some others. */
    for (uint32_t label = 0; label < 1u << 25; label++, labels++) {
        b->media.receive(b->media.argument, &m->node_id, label, RELOAD_MEDIA_RTP, bytes,
                         reload_loop_now(world.loop));
    }
    phone_expect_nothing(bob_rtp, RELOAD_SECOND);
    ck_assert_uint_eq(counters_of(b)->dropped_stream, labels);
    /* The right node with a label of nothing. */
    for (uint32_t label = 0; label < 64; label++)
        b->media.receive(b->media.argument, &a->node_id, label, RELOAD_MEDIA_RTP, bytes,
                         reload_loop_now(world.loop));
    phone_expect_nothing(bob_rtp, RELOAD_SECOND);
    world_end(&world);
}
END_TEST

/* No RTP, too fast, too large. */
START_TEST(what_is_no_media)
{
    char big[RELOAD_MEDIA_PACKET_MAX + 100];
    begin(true, true);
    plain_call();
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(to_a), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    memset(big, 0x80, sizeof big);
    static const struct {
        size_t size;
        int first;
    } rows[] = {{0, 0}, {11, 0x80}, {100, 0x40}, {100, 0}, {100, 0x16}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        big[0] = (char)rows[i].first;
        (void)sendto(alice_rtp->descriptor, big, rows[i].size, 0, (struct sockaddr *)&to,
                     sizeof to);
    }
    big[0] = (char)0x80;
    (void)sendto(alice_rtp->descriptor, big, sizeof big, 0, (struct sockaddr *)&to, sizeof to);
    phone_expect_nothing(bob_rtp, RELOAD_SECOND);
    ck_assert_uint_eq(counters_of(a)->dropped_source, 5);
    ck_assert_uint_eq(counters_of(a)->dropped_rate, 1);
    for (unsigned i = 0; i < MEDIA_PACKETS_A_SECOND + 50; i++) {
        speak(alice_rtp, to_a, "x");
        if (i % 50 == 0)
            world_run(&world, 0);
    }
    world_run(&world, 0);
    ck_assert_uint_eq(counters_of(a)->dropped_rate, 51);
    world_end(&world);
}
END_TEST

/* Sockets of calls that nobody ends go after a long silence; one node may not take all. */
START_TEST(bounds)
{
    begin(true, true);
    plain_call();
    world_run(&world, MEDIA_SILENCE_ANSWERED - 60 * RELOAD_SECOND);
    ck_assert_uint_eq(calls_of(a) + calls_of(b), 2);
    speak(alice_rtp, to_a, "x");
    hear(bob_rtp, "x");
    world_run(&world, 120 * RELOAD_SECOND);
    ck_assert_uint_eq(calls_of(a) + calls_of(b), 2);
    world_run(&world, MEDIA_SILENCE_ANSWERED);
    ck_assert_uint_eq(calls_of(a) + calls_of(b), 0);
    phone_register(bob, b, 3600);
    for (unsigned i = 0; i < MEDIA_CALLS_PER_NODE_MAX + 2; i++) {
        char id[16];
        snprintf(id, sizeof id, "more%u", i);
        struct request request = invite(sdp_of(alice_rtp, alice_rtcp, ""));
        request.call_id = id;
        phone_request(alice, a, &request);
        phone_expect(bob, "INVITE ", RELOAD_SECOND);
        phone_answer(bob, b, bob->text, "180 Ringing", "b1", "");
        world_run(&world, RELOAD_SECOND);
    }
    ck_assert_uint_eq(calls_of(a), MEDIA_CALLS_PER_NODE_MAX);
    ck_assert_uint_eq(counters_of(a)->dropped_busy, 2);
    /* They end with the INVITEs. */
    world_run(&world, 600 * RELOAD_SECOND);
    ck_assert_uint_eq(calls_of(a) + calls_of(b), 0);
    world_end(&world);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("sip_adaptor_media_attack");
    TCase *tcase = tcase_create("sip_adaptor_media_attack");
    const TTest *const plain[] = {latched_once, other_nodes, what_is_no_media, bounds};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        tcase_add_test(tcase, plain[i]);
    tcase_add_loop_test(tcase, description_names_a_victim, 0, 3);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
