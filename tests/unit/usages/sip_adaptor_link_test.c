/* sip_adaptor_link_test.c: links that break, or carry nothing any more, while requests are under
 * way: they arrive on other links, once (D100).
 *
 * RFC 3261 17.1, 17.2, 16.3; RFC 7904 5.1. SPDX-License-Identifier: BSD-2-Clause */
#include "sip_world.h"

#include "tests/suite.h"

#include <stdio.h>
#include <string.h>

#define ALICE "alice@dht.example.com"
#define BOB "bob@dht.example.com"

static struct world world;
static struct node *a, *b;
static struct phone *alice, *bob;
static char invite[TEXT_MAX], routes[4096];

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

static void
end(void)
{
    world_end(&world);
}

static void
ring(void)
{
    phone_request(alice, a, &(struct request){.branch = "z9hG4bKring"});
    phone_expect(bob, "INVITE ", RELOAD_SECOND);
    strcpy(invite, bob->text);
    phone_answer(bob, b, invite, "180 Ringing", "b1", "");
    phone_expect(alice, "SIP/2.0 180", RELOAD_SECOND);
}

static void
answer(void)
{
    phone_answer(bob, b, invite, "200 OK", "b1", "");
    phone_expect(alice, "SIP/2.0 200", RELOAD_SECOND);
    routes_of(alice->text, true, routes);
}

static size_t
links_up(void)
{
    size_t count = 0;
    for (size_t i = 0; i < world.link_count; i++)
        count += world.links[i].up;
    return count;
}

/* Nothing that comes to |phone| within |span| begins with |text|. */
static void
hears_no(struct phone *phone, const char *text, reload_time span)
{
    reload_time until = reload_loop_now(world.loop) + span;
    while (reload_loop_now(world.loop) < until &&
           *phone_wait(phone, until - reload_loop_now(world.loop)))
        ck_assert_int_ne(strncmp(phone->text, text, strlen(text)), 0);
}

/* The link breaks while bob's phone rings: it goes on ringing, once, and his answer arrives. */
START_TEST(broken_while_it_rings)
{
    begin(_i == 1);
    ring();
    for (int i = 0; i < 2; i++) {
        world_lose_link(&world, (uint32_t)world.link_count);
        hears_no(bob, "INVITE ", RELOAD_SECOND);
        ck_assert_uint_eq(links_up(), 1);
    }
    answer();
    hears_no(alice, "SIP/2.0 4", 40 * RELOAD_SECOND);
    ck_assert_uint_eq(reload_sip_adaptor_counters(a->adaptor)->unreachable, 0);
    end();
}
END_TEST

/* The same without a word: a NAT was started anew. He may answer before it is found out. */
START_TEST(silent_while_it_rings)
{
    begin(_i & 1);
    ring();
    world.links[0].dead = true;
    if (_i & 2) {
        phone_answer(bob, b, invite, "200 OK", "b1", "");
        phone_expect(alice, "SIP/2.0 200", 10 * RELOAD_SECOND);
    } else {
        hears_no(bob, "INVITE ", 10 * RELOAD_SECOND);
        answer();
    }
    ck_assert_uint_eq(links_up(), 1);
    ck_assert(!world.links[0].up);
    end();
}
END_TEST

/* A phone rings for three minutes: its node is asked for signs of life, and nobody notices. */
START_TEST(rings_long)
{
    begin(false);
    ring();
    unsigned sent = a->sent;
    hears_no(bob, "", 170 * RELOAD_SECOND);
    ck_assert_uint_gt(a->sent, sent + 30);
    ck_assert_uint_lt(a->sent, sent + 50);
    ck_assert_uint_eq(world.link_count, 1);
    answer();
    const struct reload_sip_adaptor_counters *counters = reload_sip_adaptor_counters(a->adaptor);
    ck_assert_uint_eq(counters->dropped_unsolicited, 0);
    ck_assert_uint_eq(reload_sip_adaptor_counters(b->adaptor)->refused, 0);
    sent = a->sent;
    world_run(&world, 60 * RELOAD_SECOND); /* once it is answered nobody is asked */
    ck_assert_uint_eq(a->sent, sent);
    end();
}
END_TEST

/* The call is over, but the link died during it: the BYE arrives nevertheless, once. */
START_TEST(hangs_up_on_a_dead_link)
{
    begin(false);
    ring();
    answer();
    world.links[0].dead = true;
    world_run(&world, 60 * RELOAD_SECOND);
    phone_request(alice, a,
                  &(struct request){.method = "BYE",
                                    .uri = "sip:y@127.0.0.1",
                                    .to_tag = "b1",
                                    .cseq = 2,
                                    .headers = routes});
    phone_expect(bob, "BYE ", 5 * RELOAD_SECOND);
    phone_answer(bob, b, bob->text, "200 OK", "", "");
    phone_expect(alice, "SIP/2.0 200", RELOAD_SECOND);
    hears_no(bob, "BYE ", 40 * RELOAD_SECOND);
    end();
}
END_TEST

/* A phone that takes its time over a MESSAGE gets it once, whatever becomes of the link. */
START_TEST(slow_phone)
{
    begin(false);
    phone_request(alice, a, &(struct request){.method = "MESSAGE"});
    phone_expect(bob, "MESSAGE ", RELOAD_SECOND);
    strcpy(invite, bob->text);
    reload_time until = reload_loop_now(world.loop) + 9 * RELOAD_SECOND;
    while (reload_loop_now(world.loop) < until)
        if (*phone_wait(bob, until - reload_loop_now(world.loop))) /* b's own repetitions */
            ck_assert_str_eq(bob->text, invite);
    phone_answer(bob, b, invite, "200 OK", "b1", "");
    phone_expect(alice, "SIP/2.0 200", RELOAD_SECOND);
    ck_assert_uint_eq(links_up(), 1);
    end();
}
END_TEST

/* Others' requests that went out on a link that is given up go on, too. */
START_TEST(two_calls_on_one_link)
{
    begin(false);
    ring();
    answer();
    world.links[0].dead = true;
    world_run(&world, 40 * RELOAD_SECOND);
    for (unsigned i = 0; i < 2; i++) {
        char id[16];
        snprintf(id, sizeof id, "second%u", i);
        phone_request(alice, a, &(struct request){.method = "MESSAGE", .call_id = id});
        world_run(&world, 700 * RELOAD_MS);
    }
    reload_time before = reload_loop_now(world.loop);
    phone_expect(bob, "MESSAGE ", 5 * RELOAD_SECOND);
    strcpy(invite, bob->text);
    phone_expect(bob, "MESSAGE ", RELOAD_SECOND);
    ck_assert_str_ne(bob->text, invite);
    ck_assert_uint_lt(reload_loop_now(world.loop) - before, 5 * RELOAD_SECOND);
    ck_assert(!world.links[0].up);
    end();
}
END_TEST

/* Links that end one after the other: it is given up, with an answer. */
START_TEST(every_link_breaks)
{
    begin(false);
    ring();
    for (int i = 0; i < 4; i++) {
        ck_assert_uint_eq(links_up(), 1);
        world_lose_link(&world, (uint32_t)world.link_count);
        world_run(&world, RELOAD_SECOND);
    }
    ck_assert_uint_eq(links_up(), 0);
    phone_expect(alice, "SIP/2.0 480", RELOAD_SECOND);
    end();
}
END_TEST

/* The other node is gone for good: an answer comes within 15 s, though the phone was ringing. */
START_TEST(gone_while_it_rings)
{
    begin(false);
    ring();
    b->unreachable = true;
    world_lose_link(&world, 1);
    phone_expect(alice, "SIP/2.0 480", 15 * RELOAD_SECOND);
    end();
}
END_TEST

/* Who hangs up while a new link is made: bob's phone stops ringing. */
START_TEST(cancelled_between_links)
{
    begin(false);
    ring();
    world_lose_link(&world, 1);
    struct request request = {.method = "CANCEL", .branch = "z9hG4bKring"};
    phone_request(alice, a, &request);
    phone_expect(alice, "SIP/2.0 200", RELOAD_SECOND);
    phone_expect(bob, "CANCEL ", 2 * RELOAD_SECOND);
    phone_answer(bob, b, bob->text, "200 OK", "b1", "");
    phone_answer(bob, b, invite, "487 Request Terminated", "b1", "");
    phone_expect(bob, "ACK ", RELOAD_SECOND);
    phone_expect(alice, "SIP/2.0 487", RELOAD_SECOND);
    end();
}
END_TEST

/* RFC 3261 16.3 step 3: OPTIONS that may go no further are answered; nothing else is. */
START_TEST(asked_for_a_sign_of_life)
{
    static const char text[] = "%s sip:dht.example.com SIP/2.0\r\n"
                               "Via: SIP/2.0/TLS dht.example.com;branch=z9hG4bKx%d\r\n"
                               "Max-Forwards: 0\r\nFrom: <sip:" ALICE ">;tag=1\r\n"
                               "To: <sip:dht.example.com>\r\nCall-ID: 1\r\nCSeq: 1 %s\r\n"
                               "Content-Length: 0\r\n\r\n";
    static const char *const methods[] = {"OPTIONS", "MESSAGE", "INVITE"};
    char request[1024];
    begin(false);
    uint32_t link = world_link(&world, a, b, ALICE);
    for (int i = 0; i < 3; i++) {
        unsigned sent = b->sent;
        uint64_t refused = reload_sip_adaptor_counters(b->adaptor)->refused;
        snprintf(request, sizeof request, text, methods[i], i, methods[i]);
        world_inject(&world, link, a, request);
        ck_assert_uint_eq(b->sent, sent + 1);
        ck_assert_uint_eq(reload_sip_adaptor_counters(b->adaptor)->refused, refused + (i > 0));
    }
    phone_expect_nothing(bob, RELOAD_SECOND);
    end();
}
END_TEST

static const struct named_test tests[] = {
    {&broken_while_it_rings, 0, 2},
    {&silent_while_it_rings, 0, 4},
    {&rings_long, 0, 0},
    {&hangs_up_on_a_dead_link, 0, 0},
    {&slow_phone, 0, 0},
    {&two_calls_on_one_link, 0, 0},
    {&every_link_breaks, 0, 0},
    {&gone_while_it_rings, 0, 0},
    {&cancelled_between_links, 0, 0},
    {&asked_for_a_sign_of_life, 0, 0},
};

int
main(void)
{
    return run_tests("sip_adaptor_link", tests, sizeof tests / sizeof *tests);
}
