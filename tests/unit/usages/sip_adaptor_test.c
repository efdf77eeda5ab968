/* sip_adaptor_test.c: phones register and call each other through two adaptors.
 *
 * RFC 3261 16, 17; RFC 7904 3-5. SPDX-License-Identifier: BSD-2-Clause */
#include "sip_world.h"

#include "tests/suite.h"

#include <stdio.h>
#include <string.h>

#define ALICE "alice@dht.example.com"
#define BOB "bob@dht.example.com"

static struct world world;
static struct node *a, *b;
static struct phone *alice, *bob;

/* Two nodes, both phones registered. */
static void
begin(bool is_stream)
{
    world_begin(&world);
    world.is_stream = is_stream;
    a = world_node(&world, ALICE, NULL);
    b = world_node(&world, BOB, NULL);
    alice = world_phone(&world);
    bob = world_phone(&world);
    phone_register(alice, a, 600);
    phone_register(bob, b, 600);
}

static const char sdp[] = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\n";

/* Calls bob and lets him answer; the answer is in |alice->text|. */
static void
call(void)
{
    phone_request(alice, a, &(struct request){.body = sdp});
    phone_expect(alice, "SIP/2.0 100", RELOAD_SECOND);
    phone_expect(bob, "INVITE sip:x@127.0.0.1:", RELOAD_SECOND);
    phone_answer(bob, b, bob->text, "180 Ringing", "b1", "");
    phone_expect(alice, "SIP/2.0 180", RELOAD_SECOND);
    phone_answer(bob, b, bob->text, "200 OK", "b1", "");
    phone_expect(alice, "SIP/2.0 200", RELOAD_SECOND);
}

START_TEST(registers)
{
    world_begin(&world);
    a = world_node(&world, ALICE, NULL);
    alice = world_phone(&world);
    phone_register(alice, a, 600);
    ck_assert_ptr_nonnull(strstr(alice->text, ">;expires=599"));
    ck_assert_uint_eq(a->lifetime_s, 600);
    ck_assert_uint_eq(a->stores, 1);
    /* Again, with the longest lifetime there is; then removed. */
    phone_register(alice, a, 100000);
    ck_assert_uint_eq(a->lifetime_s, RELOAD_SIP_LIFETIME_MAX_S);
    phone_register(alice, a, 0);
    ck_assert_uint_eq(a->lifetime_s, 0);
    ck_assert_ptr_null(strstr(alice->text, "Contact:"));
    world_end(&world);
}
END_TEST

/* Several phones that register at the same moment. */
START_TEST(register_together)
{
    struct phone *phones[4];
    world_begin(&world);
    a = world_node(&world, ALICE, NULL);
    for (unsigned i = 0; i < 4; i++) {
        phones[i] = world_phone(&world);
        phone_request(phones[i], a,
                      &(struct request){.method = "REGISTER",
                                        .uri = "sip:dht.example.com",
                                        .to = ALICE,
                                        .call_id = (const char *[]){"a", "b", "c", "d"}[i]});
    }
    for (unsigned i = 0; i < 4; i++)
        phone_expect(phones[i], "SIP/2.0 200", RELOAD_SECOND);
    ck_assert_uint_eq(a->stores, 4);
    world_end(&world);
}
END_TEST

START_TEST(register_refused)
{
    struct request request = {
        .method = "REGISTER", .uri = "sip:dht.example.com", .to = ALICE, .cseq = 1};
    begin(false);
    /* Another user, third-party registration, too short, and what the overlay refuses. */
    phone_request(alice, b, &request);
    phone_expect(alice, "SIP/2.0 403", RELOAD_SECOND);
    request.from = BOB;
    request.cseq++;
    phone_request(alice, a, &request);
    phone_expect(alice, "SIP/2.0 403", RELOAD_SECOND);
    request.from = ALICE;
    request.cseq++;
    request.headers = "Expires: 1\r\n";
    phone_request(alice, a, &request);
    phone_expect(alice, "SIP/2.0 423", RELOAD_SECOND);
    ck_assert_ptr_nonnull(strstr(alice->text, "Min-Expires: "));
    request.headers = "";
    request.cseq++;
    a->store_error = RELOAD_E_TIMEOUT;
    phone_request(alice, a, &request);
    phone_expect(alice, "SIP/2.0 503", RELOAD_SECOND);
    request.cseq++;
    a->store_error = RELOAD_E_FORBIDDEN;
    phone_request(alice, a, &request);
    phone_expect(alice, "SIP/2.0 403", RELOAD_SECOND);
    world_end(&world);
}
END_TEST

START_TEST(calls)
{
    char routes[4096], headers[8192];
    begin(_i == 1);
    call();
    routes_of(alice->text, true, routes);
    ck_assert_ptr_nonnull(strstr(routes, ";gr="));
    phone_request(alice, a,
                  &(struct request){.method = "ACK",
                                    .uri = "sip:y@127.0.0.1",
                                    .to_tag = "b1",
                                    .branch = _i == 2 ? "z9hG4bKINVITE-0-call" : "z9hG4bKack",
                                    .headers = routes});
    const char *ack = phone_expect(bob, "ACK ", RELOAD_SECOND);
    ck_assert_ptr_null(strstr(ack, "\r\nRoute:"));
    /* Bob hangs up. */
    snprintf(headers, sizeof headers, "%s", routes);
    phone_request(alice, a,
                  &(struct request){.method = "BYE",
                                    .uri = "sip:y@127.0.0.1",
                                    .to_tag = "b1",
                                    .cseq = 2,
                                    .headers = headers});
    phone_expect(bob, "BYE ", RELOAD_SECOND);
    phone_answer(bob, b, bob->text, "200 OK", "", "");
    phone_expect(alice, "SIP/2.0 200", RELOAD_SECOND);
    ck_assert_uint_eq(reload_sip_adaptor_counters(a->adaptor)->calls_placed, 1);
    ck_assert_uint_eq(reload_sip_adaptor_counters(a->adaptor)->calls_answered, 1);
    ck_assert_uint_eq(reload_sip_adaptor_counters(a->adaptor)->unreachable, 0);
    ck_assert_uint_eq(reload_sip_adaptor_counters(a->adaptor)->requests_forwarded, 3);
    /* Nothing more, and everything is forgotten. */
    phone_expect_nothing(bob, 60 * RELOAD_SECOND);
    world_end(&world);
}
END_TEST

/* The called party's requests take the same way back, from its own dialog only. */
START_TEST(callee_hangs_up)
{
    char routes[4096];
    begin(_i == 1);
    phone_request(alice, a, &(struct request){.body = sdp});
    phone_expect(bob, "INVITE ", RELOAD_SECOND);
    routes_of(bob->text, false, routes);
    phone_answer(bob, b, bob->text, "200 OK", "b1", "");
    phone_expect(alice, "SIP/2.0 200", RELOAD_SECOND);
    struct request bye = {.method = "BYE",
                          .uri = "sip:x@127.0.0.1",
                          .from = BOB,
                          .to = ALICE,
                          .to_tag = "from1",
                          .headers = routes};
    phone_request(bob, b, &bye);
    phone_expect(alice, "BYE ", RELOAD_SECOND);
    phone_answer(alice, a, alice->text, "200 OK", "", "");
    phone_expect(bob, "SIP/2.0 200", RELOAD_SECOND);
    world_end(&world);
}
END_TEST

START_TEST(body_arrives_as_it_is)
{
    const char *odd = "--b\r\nContent-Type: text/plain\r\n\r\n\x01\xff odd\n--b--\r\nend";
    begin(false);
    phone_request(alice, a,
                  &(struct request){.method = "MESSAGE",
                                    .headers = "Content-Type: multipart/mixed;boundary=b\r\n"
                                               "X-Unknown: 1;2\r\n",
                                    .body = odd});
    const char *text = phone_expect(bob, "MESSAGE ", RELOAD_SECOND);
    ck_assert_str_eq(strstr(text, "\r\n\r\n") + 4, odd);
    ck_assert_ptr_nonnull(strcasestr(text, "X-Unknown: 1;2\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "Max-Forwards: 68\r\n"));
    phone_answer(bob, b, text, "200 OK", "t", "");
    phone_expect(alice, "SIP/2.0 200", RELOAD_SECOND);
    world_end(&world);
}
END_TEST

START_TEST(cancelled)
{
    begin(_i == 1);
    struct request request = {.branch = "z9hG4bKc"};
    phone_request(alice, a, &request);
    phone_expect(bob, "INVITE ", RELOAD_SECOND);
    static char invite[TEXT_MAX];
    strcpy(invite, bob->text);
    phone_answer(bob, b, invite, "180 Ringing", "b1", "");
    phone_expect(alice, "SIP/2.0 180", RELOAD_SECOND);
    request.method = "CANCEL";
    phone_request(alice, a, &request);
    phone_expect(alice, "SIP/2.0 200", RELOAD_SECOND);
    phone_expect(bob, "CANCEL ", RELOAD_SECOND);
    phone_answer(bob, b, bob->text, "200 OK", "b1", "");
    phone_answer(bob, b, invite, "487 Request Terminated", "b1", "");
    phone_expect(bob, "ACK ", RELOAD_SECOND);
    phone_expect(alice, "SIP/2.0 487", RELOAD_SECOND);
    request.method = "ACK";
    phone_request(alice, a, &request);
    phone_expect_nothing(alice, 40 * RELOAD_SECOND);
    phone_expect_nothing(bob, RELOAD_SECOND);
    world_end(&world);
}
END_TEST

/* CANCEL before anything was found: the lookup ends, the call with 487. */
START_TEST(cancelled_early)
{
    begin(false);
    struct request request = {.branch = "z9hG4bKc"};
    phone_request(alice, a, &request);
    phone_expect(alice, "SIP/2.0 100", RELOAD_SECOND);
    request.method = "CANCEL";
    phone_request(alice, a, &request);
    phone_expect(alice, "SIP/2.0 200", RELOAD_SECOND);
    phone_expect(alice, "SIP/2.0 487", RELOAD_SECOND);
    phone_expect_nothing(bob, RELOAD_SECOND);
    world_end(&world);
}
END_TEST

START_TEST(busy)
{
    begin(_i == 1);
    struct request request = {.branch = "z9hG4bKc"};
    phone_request(alice, a, &request);
    phone_expect(bob, "INVITE ", RELOAD_SECOND);
    phone_answer(bob, b, bob->text, "486 Busy Here", "b1", "");
    phone_expect(bob, "ACK ", RELOAD_SECOND);
    phone_expect(alice, "SIP/2.0 486", RELOAD_SECOND);
    /* Without an ACK it is repeated (timer G), until one comes. */
    phone_expect(alice, "SIP/2.0 486", RELOAD_SECOND);
    phone_expect(alice, "SIP/2.0 486", 2 * RELOAD_SECOND);
    request.method = "ACK";
    phone_request(alice, a, &request);
    phone_expect_nothing(alice, 40 * RELOAD_SECOND);
    world_end(&world);
}
END_TEST

START_TEST(unknown_address)
{
    begin(false);
    phone_request(alice, a, &(struct request){.to = "nobody@dht.example.com"});
    phone_expect(alice, "SIP/2.0 404", RELOAD_SECOND);
    phone_request(alice, a, &(struct request){.to = "bob@elsewhere.example", .cseq = 2});
    phone_expect(alice, "SIP/2.0 404", RELOAD_SECOND);
    phone_request(alice, a, &(struct request){.uri = "sip:dht.example.com", .cseq = 3});
    phone_expect(alice, "SIP/2.0 404", RELOAD_SECOND);
    ck_assert_uint_eq(reload_sip_adaptor_counters(a->adaptor)->not_found, 3);
    world_end(&world);
}
END_TEST

/* 480 within 15 s over lookup, AppAttach and handshake, whichever does not answer. */
START_TEST(unreachable)
{
    begin(_i == 4);
    a->silent_lookup = _i == 0;
    b->unreachable = _i == 1;
    b->deaf = _i >= 2;
    reload_time before = reload_loop_now(world.loop);
    phone_request(alice, a, &(struct request){.method = _i == 3 ? "MESSAGE" : "INVITE"});
    phone_expect(alice, "SIP/2.0 480", 15 * RELOAD_SECOND);
    ck_assert_uint_ge(reload_loop_now(world.loop) - before, 10 * RELOAD_SECOND);
    /* A link on which nothing comes back is not used again. */
    for (size_t i = 0; i < world.link_count; i++)
        ck_assert(!world.links[i].up);
    world_end(&world);
}
END_TEST

/* Registered, but no phone of bob's is there any more. */
START_TEST(phone_is_gone)
{
    begin(false);
    world_run(&world, 601 * RELOAD_SECOND);
    b->lifetime_s = 1; /* the overlay still says so */
    phone_request(alice, a, &(struct request){.cseq = 1});
    phone_expect(alice, "SIP/2.0 480", RELOAD_SECOND);
    world_end(&world);
}
END_TEST

/* The first datagrams on the link are lost: RFC 3261's timers bring the call through. */
START_TEST(losses)
{
    begin(false);
    a->lose = 2;
    b->lose = 2;
    phone_request(alice, a, &(struct request){.cseq = 1});
    phone_expect(bob, "INVITE ", 4 * RELOAD_SECOND);
    phone_answer(bob, b, bob->text, "200 OK", "b1", "");
    const char *text = phone_wait(alice, RELOAD_SECOND);
    while (strncmp(text, "SIP/2.0 200", 11) != 0) {
        /* The callee repeats its answer until the ACK comes. */
        world_run(&world, 500 * RELOAD_MS);
        phone_answer(bob, b, bob->text, "200 OK", "b1", "");
        text = phone_expect(alice, "SIP/2.0 ", RELOAD_SECOND);
    }
    ck_assert_uint_gt(reload_sip_adaptor_counters(a->adaptor)->retransmissions, 0);
    world_end(&world);
}
END_TEST

/* A link stands here, but the other node was started anew: the call goes through on a new one. */
START_TEST(link_is_dead)
{
    begin(false);
    call();
    world.links[0].dead = true;
    world_run(&world, RELOAD_SECOND);
    phone_request(alice, a, &(struct request){.call_id = "second"});
    phone_expect(bob, "INVITE ", 5 * RELOAD_SECOND);
    phone_answer(bob, b, bob->text, "200 OK", "b2", "");
    phone_expect(alice, "SIP/2.0 200", RELOAD_SECOND);
    ck_assert(!world.links[0].up);
    world_end(&world);
}
END_TEST

/* A phone that repeats its request gets the same answer, and the other phone rings once. */
START_TEST(repeated_request)
{
    begin(false);
    struct request request = {.method = "MESSAGE"};
    for (unsigned i = 0; i < 3; i++)
        phone_request(alice, a, &request);
    phone_expect(bob, "MESSAGE ", RELOAD_SECOND);
    phone_answer(bob, b, bob->text, "200 OK", "b1", "");
    phone_expect(alice, "SIP/2.0 200", RELOAD_SECOND);
    phone_request(alice, a, &request);
    phone_expect(alice, "SIP/2.0 200", RELOAD_SECOND);
    phone_expect_nothing(bob, RELOAD_SECOND);
    world_end(&world);
}
END_TEST

/* Two phones of bob's ring; one answers, the other stops. */
START_TEST(forks)
{
    begin(false);
    struct phone *second = world_phone(&world);
    static char invite[TEXT_MAX];
    phone_register(second, b, 600);
    phone_request(alice, a, &(struct request){.cseq = 1});
    phone_expect(bob, "INVITE ", RELOAD_SECOND);
    phone_expect(second, "INVITE ", RELOAD_SECOND);
    strcpy(invite, second->text);
    phone_answer(second, b, invite, "180 Ringing", "s1", "");
    phone_answer(bob, b, bob->text, "200 OK", "b1", "");
    phone_expect(second, "CANCEL ", RELOAD_SECOND);
    phone_answer(second, b, second->text, "200 OK", "s1", "");
    phone_answer(second, b, invite, "487 Request Terminated", "s1", "");
    phone_expect(second, "ACK ", RELOAD_SECOND);
    phone_expect(alice, "SIP/2.0 200", RELOAD_SECOND);
    ck_assert_ptr_nonnull(strstr(alice->text, "tag=b1"));
    world_end(&world);
}
END_TEST

/* Bob forwards to carol: her node gets her own address as target. */
START_TEST(forwarded)
{
    begin(false);
    struct node *c = world_node(&world, "carol@dht.example.com", NULL);
    struct phone *carol = world_phone(&world);
    phone_register(carol, c, 600);
    b->forward_to = "sip:carol@dht.example.com";
    phone_request(alice, a, &(struct request){.cseq = 1});
    phone_expect(carol, "INVITE sip:x@127.0.0.1", RELOAD_SECOND);
    phone_expect_nothing(bob, RELOAD_SECOND);
    world_end(&world);
}
END_TEST

/* One who calls the own address reaches the own phones. */
START_TEST(own_address)
{
    begin(false);
    struct phone *second = world_phone(&world);
    phone_register(second, a, 600);
    phone_request(alice, a, &(struct request){.method = "MESSAGE", .to = ALICE});
    phone_expect(second, "MESSAGE ", RELOAD_SECOND);
    world_end(&world);
}
END_TEST

/* 7904-5.1-06: who calls a sips address gets a link for SIPS. */
START_TEST(sips)
{
    begin(true);
    phone_request(alice, a, &(struct request){.uri = "sips:bob@dht.example.com"});
    phone_expect(bob, "INVITE ", RELOAD_SECOND);
    ck_assert_uint_eq(a->application, RELOAD_APPLICATION_SIPS);
    world_end(&world);
}
END_TEST

/* D31: one message is one record on DTLS; a stream takes more. */
START_TEST(large_message)
{
    static char body[60000];
    memset(body, 'b', sizeof body - 1);
    begin(_i == 1);
    phone_request(alice, a, &(struct request){.method = "MESSAGE", .body = body});
    if (_i == 1)
        phone_expect(bob, "MESSAGE ", RELOAD_SECOND);
    else
        phone_expect(alice, "SIP/2.0 513", RELOAD_SECOND);
    body[15000] = '\0';
    phone_request(alice, a, &(struct request){.method = "MESSAGE", .body = body, .cseq = 2});
    const char *text = phone_expect(bob, "MESSAGE ", RELOAD_SECOND);
    ck_assert_str_eq(strstr(text, "\r\n\r\n") + 4, body);
    world_end(&world);
}
END_TEST

START_TEST(hops_and_loops)
{
    begin(false);
    char headers[256];
    phone_request(alice, a, &(struct request){.max_forwards = -1, .method = "MESSAGE"});
    phone_expect(bob, "MESSAGE ", RELOAD_SECOND);
    static char text[TEXT_MAX];
    request_text(alice, &(struct request){.cseq = 2}, text);
    memcpy(strstr(text, "Max-Forwards: 70"), "Max-Forwards: 00", 16);
    phone_send(alice, a, text);
    phone_expect(alice, "SIP/2.0 483", RELOAD_SECOND);
    phone_request(alice, a, &(struct request){.cseq = 3, .headers = "Proxy-Require: magic\r\n"});
    phone_expect(alice, "SIP/2.0 420", RELOAD_SECOND);
    ck_assert_ptr_nonnull(strstr(alice->text, "Unsupported: magic"));
    phone_request(alice, a, &(struct request){.cseq = 4, .uri = "tel:+4930"});
    phone_expect(alice, "SIP/2.0 416", RELOAD_SECOND);
    /* What comes back with our own Via was here before. */
    phone_request(alice, a, &(struct request){.cseq = 5});
    phone_expect(bob, "INVITE ", RELOAD_SECOND);
    char via[4096] = "";
    copy_headers(bob->text, "Via", NULL, via);
    const char *ours = strstr(strstr(via, "\r\n") + 2, "Via:"); /* behind b's, a's */
    snprintf(headers, sizeof headers, "%.*s", (int)(strstr(ours, "\r\n") + 2 - ours), ours);
    request_text(alice, &(struct request){.cseq = 5, .branch = "z9hG4bKback", .headers = headers},
                 text);
    phone_send(alice, a, text);
    phone_expect(alice, "SIP/2.0 482", RELOAD_SECOND);
    phone_request(alice, a,
                  &(struct request){.method = "OPTIONS", .cseq = 6, .uri = "sip:127.0.0.1"});
    phone_expect(alice, "SIP/2.0 404", RELOAD_SECOND);
    snprintf(headers, sizeof headers, "sip:127.0.0.1:%u", (unsigned)a->port);
    phone_request(alice, a, &(struct request){.method = "OPTIONS", .cseq = 7, .uri = headers});
    phone_expect(alice, "SIP/2.0 200", RELOAD_SECOND);
    world_end(&world);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("sip_adaptor");
    TCase *tcase = tcase_create("sip_adaptor");
    const TTest *const plain[] = {registers,        register_together,
                                  register_refused, body_arrives_as_it_is,
                                  cancelled_early,  unknown_address,
                                  phone_is_gone,    losses,
                                  repeated_request, forks,
                                  forwarded,        own_address,
                                  hops_and_loops,   sips,
                                  link_is_dead};
    const TTest *const on_both[] = {callee_hangs_up, cancelled, busy, large_message};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        tcase_add_test(tcase, plain[i]);
    for (size_t i = 0; i < sizeof on_both / sizeof *on_both; i++)
        tcase_add_loop_test(tcase, on_both[i], 0, 2);
    tcase_add_loop_test(tcase, calls, 0, 3);
    tcase_add_loop_test(tcase, unreachable, 0, 5);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
