/* sip_adaptor_media_test.c: calls whose media two nodes relay: phones with real sockets, RTP both
 * ways.
 *
 * D72; RFC 3264, RFC 4961. SPDX-License-Identifier: BSD-2-Clause */
#include "media_call.h"

#include "tests/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each phone is told its own node's ports, and hears the other; the call's end is the relay's. */
START_TEST(both_hear)
{
    begin(true, true);
    plain_call();
    ck_assert_ptr_null(strstr(alice->text, LABEL));
    ck_assert_ptr_null(strstr(bob->text, LABEL));
    ck_assert_ptr_null(strstr(alice->text, "a=rtcp:"));
    ck_assert_uint_ne(to_a, bob_rtp->port);
    ck_assert_uint_ne(to_b, alice_rtp->port);
    ck_assert_uint_eq(to_a % 2, 0);
    speak(alice_rtp, to_a, "hello, bob");
    hear(bob_rtp, "hello, bob");
    speak(bob_rtp, to_b, "hello, alice");
    hear(alice_rtp, "hello, alice");
    speak(alice_rtcp, (uint16_t)(to_a + 1), "report");
    hear(bob_rtcp, "report");
    speak(bob_rtcp, (uint16_t)(to_b + 1), "too");
    hear(alice_rtcp, "too");
    ck_assert_uint_eq(counters_of(a)->packets_from_phones, 2);
    ck_assert_uint_eq(counters_of(a)->packets_to_phones, 2);
    ck_assert_uint_eq(calls_of(a), 1);
    ck_assert_uint_eq(calls_of(b), 1);
    hang_up();
    ck_assert_uint_eq(calls_of(a) + calls_of(b), 0);
    ck_assert_uint_eq(a->media_opened + b->media_opened, 0);
    speak(alice_rtp, to_a, "still there?");
    phone_expect_nothing(bob_rtp, RELOAD_SECOND);
    world_end(&world);
}
END_TEST

/* The other node does not relay, or this one does not: nobody notices anything. */
START_TEST(only_one_relays)
{
    char offer[1024], answer[1024];
    begin(_i == 0, _i == 1);
    strcpy(offer, sdp_of(alice_rtp, alice_rtcp, "a=sendrecv\r\n"));
    strcpy(answer, sdp_of(bob_rtp, bob_rtcp, ""));
    call(offer, answer);
    ck_assert_uint_eq(to_a, bob_rtp->port);
    ck_assert_uint_eq(to_b, alice_rtp->port);
    ck_assert_ptr_nonnull(strstr(alice->text, answer));
    ck_assert_uint_eq(calls_of(_i == 0 ? a : b), 0);
    hang_up();
    world_end(&world);
}
END_TEST

/* Phones that speak ICE look for their way themselves: not a letter is changed. */
START_TEST(ice_is_left_alone)
{
    char offer[1024], answer[1024];
    begin(true, true);
    strcpy(offer, sdp_of(alice_rtp, alice_rtcp, "a=ice-ufrag:F7gI\r\na=ice-pwd:x9cml\r\n"));
    strcpy(answer, sdp_of(bob_rtp, bob_rtcp, ""));
    struct request request = invite(offer);
    phone_request(alice, a, &request);
    phone_expect(bob, "INVITE ", RELOAD_SECOND);
    ck_assert_ptr_nonnull(strstr(bob->text, offer));
    phone_answer_sdp(bob, b, bob->text, "200 OK", "b1", answer);
    phone_expect(alice, "SIP/2.0 200", RELOAD_SECOND);
    ck_assert_ptr_nonnull(strstr(alice->text, answer));
    ck_assert_uint_eq(calls_of(a) + calls_of(b), 0);
    world_end(&world);
}
END_TEST

/* INVITE without offer: the 200 has it, the ACK the answer. */
START_TEST(offer_in_the_answer)
{
    begin(true, true);
    phone_request(alice, a, &(struct request){.cseq = 1});
    phone_expect(bob, "INVITE ", RELOAD_SECOND);
    phone_answer_sdp(bob, b, bob->text, "200 OK", "b1", sdp_of(bob_rtp, bob_rtcp, ""));
    phone_expect(alice, "SIP/2.0 200", RELOAD_SECOND);
    to_a = audio_port(alice->text);
    routes_of(alice->text, true, routes);
    struct request ack = within("ACK", 1, sdp_of(alice_rtp, alice_rtcp, ""));
    phone_request(alice, a, &ack);
    phone_expect(bob, "ACK ", RELOAD_SECOND);
    to_b = audio_port(bob->text);
    speak(alice_rtp, to_a, "hello, bob");
    hear(bob_rtp, "hello, bob");
    speak(bob_rtp, to_b, "hello, alice");
    hear(alice_rtp, "hello, alice");
    hang_up();
    ck_assert_uint_eq(calls_of(a) + calls_of(b), 0);
    world_end(&world);
}
END_TEST

/* Early media; then a call that is refused, given up, or never answered: the sockets go. */
START_TEST(not_answered)
{
    begin(true, true);
    for (unsigned i = 0; i < 2; i++) {
        struct request request = invite(sdp_of(alice_rtp, alice_rtcp, ""));
        request.cseq = i + 1;
        request.call_id = i ? "y" : "x";
        phone_request(alice, a, &request);
        phone_expect(bob, "INVITE ", RELOAD_SECOND);
        static char ringing[TEXT_MAX];
        strcpy(ringing, bob->text);
        phone_answer_sdp(bob, b, ringing, "183 Session Progress", "b1",
                         sdp_of(bob_rtp, bob_rtcp, ""));
        phone_expect(alice, "SIP/2.0 183", RELOAD_SECOND);
        speak(bob_rtp, audio_port(ringing), "tut");
        hear(alice_rtp, "tut");
        ck_assert_uint_eq(calls_of(a) + calls_of(b), 2);
        if (i == 1) {
            request.method = "CANCEL";
            request.body = request.headers = NULL;
            request.branch = "z9hG4bKINVITE-2-y";
            phone_request(alice, a, &request);
            phone_expect(alice, "SIP/2.0 200", RELOAD_SECOND);
            phone_expect(bob, "CANCEL ", RELOAD_SECOND);
            phone_answer(bob, b, bob->text, "200 OK", "b1", "");
        }
        phone_answer(bob, b, ringing, i ? "487 Request Terminated" : "486 Busy Here", "b1", "");
        phone_expect(bob, "ACK ", RELOAD_SECOND);
        phone_expect(alice, i ? "SIP/2.0 487" : "SIP/2.0 486", RELOAD_SECOND);
        request.method = "ACK";
        request.to_tag = "b1";
        request.body = request.headers = NULL;
        request.branch = i ? "z9hG4bKINVITE-2-y" : "z9hG4bKINVITE-1-x";
        phone_request(alice, a, &request);
        world_run(&world, RELOAD_SECOND);
        ck_assert_uint_eq(calls_of(a) + calls_of(b), 0);
    }
    world_end(&world);
}
END_TEST

/* On hold by 0.0.0.0 bob sends nothing to alice, who gets nothing either; then back. */
START_TEST(hold)
{
    begin(true, true);
    plain_call();
    uint16_t before = to_b;
    struct request request =
        within("INVITE", 2, "v=0\r\nc=IN IP4 0.0.0.0\r\nm=audio 4000 RTP/AVP 0\r\na=sendonly\r\n");
    phone_request(alice, a, &request);
    phone_expect(bob, "INVITE ", RELOAD_SECOND);
    ck_assert_ptr_nonnull(strstr(bob->text, "c=IN IP4 0.0.0.0\r\n"));
    ck_assert_ptr_nonnull(strstr(bob->text, "a=sendonly\r\n"));
    ck_assert_uint_eq(audio_port(bob->text), before);
    phone_answer_sdp(bob, b, bob->text, "200 OK", "b1",
                     sdp_of(bob_rtp, bob_rtcp, "a=recvonly\r\n"));
    phone_expect(alice, "SIP/2.0 200", RELOAD_SECOND);
    ck_assert_uint_eq(audio_port(alice->text), to_a);
    speak(bob_rtp, to_b, "are you there?");
    phone_expect_nothing(alice_rtp, RELOAD_SECOND);
    speak(alice_rtp, to_a, "music");
    hear(bob_rtp, "music");
    request = within("ACK", 2, "");
    phone_request(alice, a, &request);
    phone_expect(bob, "ACK ", RELOAD_SECOND);
    request = within("INVITE", 3, sdp_of(alice_rtp, alice_rtcp, ""));
    phone_request(alice, a, &request);
    phone_expect(bob, "INVITE ", RELOAD_SECOND);
    /* It is refused: the call stands. */
    phone_answer(bob, b, bob->text, "491 Request Pending", "b1", "");
    phone_expect(alice, "SIP/2.0 491", RELOAD_SECOND);
    speak(bob_rtp, to_b, "back");
    hear(alice_rtp, "back");
    ck_assert_uint_eq(calls_of(a) + calls_of(b), 2);
    world_end(&world);
}
END_TEST

/* Two phones ring, one is silent: whoever answers is relayed, and nothing is left of the other. */
START_TEST(two_phones)
{
    begin(true, true);
    struct phone *silent = world_phone(&world);
    phone_register(silent, b, 3600);
    plain_call();
    ck_assert_uint_eq(calls_of(b), 1);
    speak(alice_rtp, to_a, "hello, bob");
    hear(bob_rtp, "hello, bob");
    speak(bob_rtp, to_b, "hello, alice");
    hear(alice_rtp, "hello, alice");
    hang_up();
    ck_assert_uint_eq(calls_of(a) + calls_of(b), 0);
    world_end(&world);
}
END_TEST

/* Behind the callee's contact somebody else answers than rang: the dialog of the 200 is the call.
 */
START_TEST(another_answers)
{
    begin(true, true);
    struct request request = invite(sdp_of(alice_rtp, alice_rtcp, ""));
    phone_request(alice, a, &request);
    phone_expect(bob, "INVITE ", RELOAD_SECOND);
    phone_answer(bob, b, bob->text, "180 Ringing", "b0", "");
    phone_expect(alice, "SIP/2.0 180", RELOAD_SECOND);
    phone_answer_sdp(bob, b, bob->text, "200 OK", "b1", sdp_of(bob_rtp, bob_rtcp, ""));
    phone_expect(alice, "SIP/2.0 200", RELOAD_SECOND);
    routes_of(alice->text, true, routes);
    ck_assert_uint_eq(calls_of(a) + calls_of(b), 2);
    hang_up();
    ck_assert_uint_eq(calls_of(a) + calls_of(b), 0);
    world_end(&world);
}
END_TEST

/* Audio, video on IPv6 (as the description says), what is not relayed, and what is unknown. */
START_TEST(several_streams)
{
    static const char more[] = "m=video 5004 RTP/AVP 96\r\nc=IN IP6 2001:db8::1\r\na=x:y\r\n"
                               "m=message 5000 TCP/MSRP *\r\n";
    begin(true, true);
    struct request request = invite(sdp_of(alice_rtp, alice_rtcp, more));
    phone_request(alice, a, &request);
    phone_expect(bob, "INVITE ", RELOAD_SECOND);
    const char *video = strstr(bob->text, "m=video ");
    ck_assert_ptr_nonnull(video);
    ck_assert_uint_ne(strtoul(video + 8, NULL, 10), 5004);
    ck_assert_ptr_nonnull(strstr(
        video, " RTP/AVP 96\r\nc=IN IP4 127.0.0.1\r\na=x:y\r\nm=message 5000 TCP/MSRP *\r\n"));
    phone_answer_sdp(
        bob, b, bob->text, "200 OK", "b1",
        sdp_of(bob_rtp, bob_rtcp, "m=video 0 RTP/AVP 96\r\nm=message 0 TCP/MSRP *\r\n"));
    phone_expect(alice, "SIP/2.0 200", RELOAD_SECOND);
    ck_assert_ptr_nonnull(strstr(alice->text, "m=video 0 RTP/AVP 96\r\n"));
    speak(alice_rtp, audio_port(alice->text), "hello");
    hear(bob_rtp, "hello");
    world_end(&world);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("sip_adaptor_media");
    TCase *tcase = tcase_create("sip_adaptor_media");
    const TTest *const plain[] = {
        both_hear, ice_is_left_alone, offer_in_the_answer, not_answered,
        hold,      two_phones,        another_answers,     several_streams};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        tcase_add_test(tcase, plain[i]);
    tcase_add_loop_test(tcase, only_one_relays, 0, 2);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
