/* sip_adaptor_media_test.c: calls whose media two nodes relay: phones with real sockets, RTP both
 * ways, and who may not send.
 *
 * D72; RFC 3264, RFC 4961. SPDX-License-Identifier: BSD-2-Clause */
#include "sip_world.h"

#include "tests/suite.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ALICE "alice@dht.example.com"
#define BOB "bob@dht.example.com"
#define SDP_HEADER "Content-Type: application/sdp\r\n"
#define LABEL "a=x-reload-relay:"

static struct world world;
static struct node *a, *b;
static struct phone *alice, *bob;
/* Where the two phones take RTP and RTCP. */
static struct phone *alice_rtp, *alice_rtcp, *bob_rtp, *bob_rtcp;
static char routes[4096], back[4096];

static void
begin(bool a_relays, bool b_relays)
{
    world_begin(&world);
    world.relays = a_relays;
    a = world_node(&world, ALICE, NULL);
    world.relays = b_relays;
    b = world_node(&world, BOB, NULL);
    alice = world_phone(&world);
    bob = world_phone(&world);
    alice_rtp = world_phone(&world);
    alice_rtcp = world_phone(&world);
    bob_rtp = world_phone(&world);
    bob_rtcp = world_phone(&world);
    phone_register(alice, a, 3600);
    phone_register(bob, b, 3600);
}

/* A description with one audio stream, |more| at its end. */
static const char *
sdp_of(const struct phone *rtp, const struct phone *rtcp, const char *more)
{
    static char texts[2][1024];
    static unsigned turn;
    char *text = texts[turn++ % 2];
    snprintf(text, sizeof texts[0],
             "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
             "m=audio %u RTP/AVP 0\r\na=rtcp:%u\r\n%s",
             (unsigned)rtp->port, (unsigned)rtcp->port, more);
    return text;
}

/* The port of the audio stream in |text|, a message. */
static uint16_t
audio_port(const char *text)
{
    const char *line = strstr(text, "m=audio ");
    ck_assert_ptr_nonnull(line);
    return (uint16_t)strtoul(line + 8, NULL, 10);
}

/* Sends |text| behind the header of an RTP packet to |port| of this host. */
static void
speak(const struct phone *from, uint16_t port, const char *text)
{
    char packet[256] = "\x80";
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    size_t size = 12 + strlen(text);
    memset(packet + 1, 'h', 11);
    memcpy(packet + 12, text, strlen(text));
    ck_assert_int_eq(sendto(from->descriptor, packet, size, 0, (struct sockaddr *)&to, sizeof to),
                     (ssize_t)size);
}

static void
hear(struct phone *phone, const char *text)
{
    const char *packet = phone_wait(phone, RELOAD_SECOND);
    ck_assert_msg(strlen(packet) > 12 && strcmp(packet + 12, text) == 0, "instead of %s: %s", text,
                  packet);
}

static struct request
invite(const char *sdp)
{
    return (struct request){.headers = SDP_HEADER, .body = sdp};
}

/* The ports that the phones were told, alice's and bob's. */
static uint16_t to_a, to_b;

/* alice calls bob, who answers: both with a description. Leaves the INVITE and the 200 in their
 * texts. */
static void
call(const char *offer, const char *answer)
{
    struct request request = invite(offer);
    phone_request(alice, a, &request);
    phone_expect(bob, "INVITE ", RELOAD_SECOND);
    to_b = audio_port(bob->text);
    phone_answer(bob, b, bob->text, "180 Ringing", "b1", "");
    phone_expect(alice, "SIP/2.0 180", RELOAD_SECOND);
    phone_answer_sdp(bob, b, bob->text, "200 OK", "b1", answer);
    phone_expect(alice, "SIP/2.0 200", RELOAD_SECOND);
    to_a = audio_port(alice->text);
    routes_of(alice->text, true, routes);
    routes_of(bob->text, false, back);
    phone_request(
        alice, a,
        &(struct request){
            .method = "ACK", .uri = "sip:y@127.0.0.1", .to_tag = "b1", .headers = routes});
    phone_expect(bob, "ACK ", RELOAD_SECOND);
}

static void
plain_call(void)
{
    char offer[1024];
    strcpy(offer, sdp_of(alice_rtp, alice_rtcp, ""));
    call(offer, sdp_of(bob_rtp, bob_rtcp, ""));
}

/* A later request in the call, by alice. */
static struct request
within(const char *method, unsigned cseq, const char *body)
{
    static char headers[sizeof routes + 64];
    snprintf(headers, sizeof headers, "%s%s", routes, *body ? SDP_HEADER : "");
    return (struct request){.method = method,
                            .uri = "sip:y@127.0.0.1",
                            .to_tag = "b1",
                            .cseq = cseq,
                            .headers = headers,
                            .body = body};
}

static const struct media_relay_counters *
counters_of(const struct node *node)
{
    return media_relay_counters(reload_sip_adaptor_relay(node->adaptor));
}

static size_t
calls_of(const struct node *node)
{
    return media_relay_call_count(reload_sip_adaptor_relay(node->adaptor));
}

static void
hang_up(void)
{
    struct request bye = within("BYE", 90, "");
    phone_request(alice, a, &bye);
    phone_expect(bob, "BYE ", RELOAD_SECOND);
    phone_answer(bob, b, bob->text, "200 OK", "", "");
    phone_expect(alice, "SIP/2.0 200", RELOAD_SECOND);
}

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
    Suite *suite = suite_create("sip_adaptor_media");
    TCase *tcase = tcase_create("sip_adaptor_media");
    const TTest *const plain[] = {
        both_hear,       ice_is_left_alone, offer_in_the_answer, not_answered, hold,
        several_streams, latched_once,      two_phones,          other_nodes,  what_is_no_media,
        bounds};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        tcase_add_test(tcase, plain[i]);
    tcase_add_loop_test(tcase, only_one_relays, 0, 2);
    tcase_add_loop_test(tcase, description_names_a_victim, 0, 3);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
