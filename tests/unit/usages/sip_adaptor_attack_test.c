/* sip_adaptor_attack_test.c: others' calls, others' names, and what is no SIP.
 *
 * D32; attack rows U8, U9, U10, U11. SPDX-License-Identifier: BSD-2-Clause */
#include "sip_world.h"

#include "reload/base/prng.h"
#include "tests/suite.h"
#include "usages/sip_adaptor_message.h"

#include <stdio.h>
#include <string.h>

#define ALICE "alice@dht.example.com"
#define BOB "bob@dht.example.com"

static struct world world;
static struct node *a, *b;
static struct phone *alice, *bob;
static char text[TEXT_MAX];

static void
begin(void)
{
    world_begin(&world);
    a = world_node(&world, ALICE, NULL);
    b = world_node(&world, BOB, NULL);
    alice = world_phone(&world);
    bob = world_phone(&world);
    phone_register(alice, a, 600);
    phone_register(bob, b, 600);
}

/* What bob's node sent on links, when |request| comes to it over one from |user|. */
static unsigned
inject(const char *user, const struct request *request)
{
    uint32_t link = world_link(&world, a, b, user);
    unsigned before = b->sent;
    request_text(alice, request, text);
    world_inject(&world, link, a, text);
    world.links[link - 1].up = false;
    return b->sent - before;
}

/* A phone may only speak for the node's user. */
START_TEST(phone_with_a_false_from)
{
    static const char *const froms[] = {BOB, "alice@other.example", "Alice@dht.example.com",
                                        "alice%40x@dht.example.com", "dht.example.com"};
    begin();
    for (unsigned i = 0; i < sizeof froms / sizeof *froms; i++) {
        phone_request(alice, a, &(struct request){.from = froms[i], .cseq = i + 1});
        phone_expect(alice, "SIP/2.0 403", RELOAD_SECOND);
    }
    /* A tag in To alone is no proof of a dialog. */
    phone_request(alice, a,
                  &(struct request){.method = "BYE", .from = BOB, .to_tag = "t", .cseq = 9});
    phone_expect(alice, "SIP/2.0 403", RELOAD_SECOND);
    phone_expect_nothing(bob, RELOAD_SECOND);
    ck_assert_uint_eq(reload_sip_adaptor_counters(a->adaptor)->refused, 6);
    /* The same name in another spelling is the same user. */
    phone_request(alice, a, &(struct request){.from = "%61lice@DHT.example.com", .cseq = 10});
    phone_expect(bob, "INVITE ", RELOAD_SECOND);
    world_end(&world);
}
END_TEST

/* A link may only speak for the user in its certificate. */
START_TEST(link_with_a_false_from)
{
    static const struct {
        const char *user, *from;
    } rows[] = {
        {"mallory@dht.example.com", ALICE},
        {"mallory@dht.example.com", "mallory@other.example"},
        {"", ALICE},
        {"", "mallory@dht.example.com"},
    };
    begin();
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_uint_eq(
            inject(rows[i].user, &(struct request){.from = rows[i].from, .cseq = i + 1}), 1);
    phone_expect_nothing(bob, RELOAD_SECOND);
    ck_assert_uint_eq(reload_sip_adaptor_counters(b->adaptor)->refused, 4);
    (void)inject(ALICE, &(struct request){.cseq = 9,
                                          .headers = "P-Asserted-Identity: <sip:boss@x>\r\n"
                                                     "Remote-Party-ID: <sip:boss@x>\r\n"});
    const char *invite = phone_expect(bob, "INVITE ", RELOAD_SECOND);
    ck_assert_ptr_null(strstr(invite, "boss"));
    world_end(&world);
}
END_TEST

#define GATEWAY "gateway@dht.example.com"

/* D32: who is outside may be spoken for by a gateway, and is marked; who is inside by nobody. */
START_TEST(gateway)
{
    static const struct {
        const char *user, *from;
        bool passes;
    } rows[] = {
        {GATEWAY, "carol@other.example", true},
        {"%67ateway@DHT.example.com", "carol@other.example", true},
        {GATEWAY, GATEWAY, true},
        {GATEWAY, ALICE, false},
        {GATEWAY, "nobody@DHT.example.com", false},
        {GATEWAY, "127.0.0.1", false},
        {"mallory@dht.example.com", "carol@other.example", false},
        {"", "carol@other.example", false},
    };
    begin();
    strcpy(world.config.gateways[world.config.gateway_count++], "gateway@DHT.example.com");
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)inject(rows[i].user, &(struct request){.from = rows[i].from, .cseq = i + 1});
        if (!rows[i].passes) {
            phone_expect_nothing(bob, RELOAD_SECOND);
            continue;
        }
        const char *invite = phone_expect(bob, "INVITE ", RELOAD_SECOND);
        ck_assert_int_eq(strstr(invite, "From: \"[unverified]") != NULL,
                         strcmp(rows[i].from, GATEWAY) != 0);
        phone_answer(bob, b, invite, "486 Busy Here", "b", "");
        phone_expect(bob, "ACK ", RELOAD_SECOND);
    }
    ck_assert_uint_eq(reload_sip_adaptor_counters(b->adaptor)->refused, 5);
    /* In an overlay of all domains nobody is foreign. */
    world.config.domain_restrictions_present = false;
    (void)inject(GATEWAY, &(struct request){.from = "carol@other.example", .cseq = 20});
    phone_expect_nothing(bob, RELOAD_SECOND);
    world_end(&world);
}
END_TEST

/* The gateway's own phone, a trunk to elsewhere, speaks for others; names are marked as such. */
START_TEST(gateway_phone)
{
    begin();
    struct node *g = world_node(&world, GATEWAY, NULL);
    strcpy(world.config.gateways[world.config.gateway_count++], GATEWAY);
    struct phone *trunk = world_phone(&world);
    phone_request(trunk, g, &(struct request){.from = "carol@other.example", .cseq = 1});
    const char *invite = phone_expect(bob, "INVITE ", RELOAD_SECOND);
    ck_assert_ptr_nonnull(strstr(invite, "From: \"[unverified] A\""));
    phone_answer(bob, b, invite, "200 OK", "b1", "");
    phone_expect(trunk, "SIP/2.0 200", RELOAD_SECOND);
    phone_request(trunk, g, &(struct request){.from = ALICE, .cseq = 2, .call_id = "x"});
    phone_expect(trunk, "SIP/2.0 403", RELOAD_SECOND);
    phone_expect_nothing(bob, RELOAD_SECOND);
    world_end(&world);
}
END_TEST

/* A node serves its own user, nobody else, and nobody registers over a link. */
START_TEST(link_asks_for_others)
{
    begin();
    (void)inject(ALICE, &(struct request){.to = "carol@dht.example.com"});
    (void)inject(ALICE, &(struct request){.uri = "sip:x@127.0.0.1:9", .cseq = 2});
    (void)inject(ALICE, &(struct request){.uri = "sip:127.0.0.1:9", .cseq = 3});
    ck_assert_uint_eq(reload_sip_adaptor_counters(b->adaptor)->not_found, 3);
    unsigned stores = b->stores;
    (void)inject(
        BOB, &(struct request){.method = "REGISTER", .from = BOB, .uri = "sip:dht.example.com"});
    ck_assert_uint_eq(b->stores, stores);
    ck_assert_uint_eq(reload_sip_adaptor_counters(b->adaptor)->requests_forwarded, 0);
    world_end(&world);
}
END_TEST

/* A dialog's later requests come from its two ends only: node, address and Call-ID are sealed. */
START_TEST(hijacked_dialog)
{
    static char routes[4096], broken[4096];
    begin();
    struct node *m = world_node(&world, "mallory@dht.example.com", NULL);
    phone_request(alice, a, &(struct request){.cseq = 1});
    phone_expect(bob, "INVITE ", RELOAD_SECOND);
    phone_answer(bob, b, bob->text, "200 OK", "b1", "");
    phone_expect(alice, "SIP/2.0 200", RELOAD_SECOND);
    routes_of(alice->text, true, routes);
    /* What arrives at bob's node has only its two Routes left, the last two lines. */
    char *gruu = strstr(strstr(strstr(routes, "\r\n") + 2, "\r\n") + 2, "Route:");
    uint32_t link = world_link(&world, m, b, NULL), own = world_link(&world, a, b, NULL);
    struct request bye = {
        .method = "BYE", .uri = "sip:y@127.0.0.1", .to_tag = "b1", .cseq = 2, .headers = gruu};
    request_text(alice, &bye, text);
    world_inject(&world, link, m, text); /* alice's BYE, from mallory's node */
    bye.from = "mallory@dht.example.com";
    bye.cseq = 3;
    request_text(alice, &bye, text);
    world_inject(&world, link, m, text); /* under the own name */
    bye.from = ALICE;
    bye.call_id = "another";
    request_text(alice, &bye, text);
    world_inject(&world, link, m, text);
    strcpy(broken, gruu);
    char *token = strrchr(broken, '@') - 1;
    *token = *token == '0' ? '1' : '0';
    bye.call_id = NULL;
    bye.uri = "sip:y@127.0.0.1:1";
    bye.headers = broken;
    bye.cseq = 4;
    request_text(alice, &bye, text);
    world_inject(&world, own, a, text); /* from the right node, with a changed token */
    phone_expect_nothing(bob, RELOAD_SECOND);
    bye.headers = gruu;
    bye.cseq = 5;
    request_text(alice, &bye, text);
    world_inject(&world, own, a, text);
    phone_expect(bob, "BYE ", RELOAD_SECOND);
    world_end(&world);
}
END_TEST

/* Answers to what was never asked, or from the wrong side. */
START_TEST(unsolicited_responses)
{
    begin();
    phone_request(alice, a, &(struct request){.cseq = 1});
    phone_expect(bob, "INVITE ", RELOAD_SECOND);
    static char ok[TEXT_MAX];
    strcpy(ok, "SIP/2.0 200 OK\r\n");
    copy_headers(bob->text, "Via", NULL, ok);
    copy_headers(bob->text, "From", NULL, ok);
    copy_headers(bob->text, "To", NULL, ok);
    copy_headers(bob->text, "Call-ID", NULL, ok);
    copy_headers(bob->text, "CSeq", NULL, ok);
    strcat(ok, "\r\n");
    uint64_t dropped = reload_sip_adaptor_counters(b->adaptor)->dropped_unsolicited;
    /* bob's answer, but over a link; then with a branch that was guessed. */
    world_inject(&world, world_link(&world, a, b, NULL), a, ok);
    char *branch = strstr(ok, "branch=z9hG4bK");
    branch[strcspn(branch, ";\r") - 1] ^= 1;
    phone_send(bob, b, ok);
    world_run(&world, RELOAD_SECOND);
    ck_assert_uint_eq(reload_sip_adaptor_counters(b->adaptor)->dropped_unsolicited, dropped + 2);
    phone_expect(alice, "SIP/2.0 100", 1);
    phone_expect_nothing(alice, RELOAD_SECOND);
    world_end(&world);
}
END_TEST

#define HEAD                                                                                       \
    "Via: SIP/2.0/UDP 127.0.0.1:1;branch=z9hG4bKm\r\nFrom: <sip:" ALICE ">;tag=1\r\n"              \
    "To: <sip:" BOB ">\r\nCall-ID: m\r\n"

/* In the manner of RFC 4475: every one is dropped or refused, none forwarded. */
static const char *const malformed[] = {
    "x",
    "INVITE\r\n\r\n",
    "INVITE sip:b@x SIP/2.0\r\n\r\n",
    "INVITE sip:b@x SIP/2.0\r\n" HEAD "\r\n",
    "INVITE sip:b@x SIP/7.0\r\n" HEAD "CSeq: 1 INVITE\r\n\r\n",
    "INVITE sip:b@x\r\n" HEAD "CSeq: 1 INVITE\r\n\r\n",
    "INVITE  SIP/2.0\r\n" HEAD "CSeq: 1 INVITE\r\n\r\n",
    "INVITE sip:b@x SIP/2.0\r\n" HEAD "CSeq: 1 BYE\r\n\r\n",
    "INVITE sip:b@x SIP/2.0\r\n" HEAD "CSeq: -1 INVITE\r\n\r\n",
    "INVITE sip:b@x SIP/2.0\r\n" HEAD "CSeq: 99999999999999 INVITE\r\n\r\n",
    "INVITE sip:b@x SIP/2.0\r\n" HEAD "CSeq: INVITE\r\n\r\n",
    "INVITE sip:b@x SIP/2.0\r\n" HEAD "CSeq: 1 INVITE\r\nContent-Length: 10\r\n\r\nshort",
    "INVITE sip:b@x SIP/2.0\r\n" HEAD "CSeq: 1 INVITE\r\nContent-Length: -5\r\n\r\n",
    "INVITE sip:b@x SIP/2.0\r\n" HEAD "CSeq: 1 INVITE\r\nl: 1\r\nl: 2\r\n\r\nab",
    "INVITE sip:b@x SIP/2.0\r\n" HEAD "CSeq: 1 INVITE",
    "INVITE sip:b@x SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\n",
    "SIP/2.0 999 Strange\r\n" HEAD "CSeq: 1 INVITE\r\n\r\n",
    "SIP/2.0 0 Strange\r\n" HEAD "CSeq: 1 INVITE\r\n\r\n",
    "SIP/2.0 OK\r\n" HEAD "CSeq: 1 INVITE\r\n\r\n",
    "SIP/2.0 200 OK\r\n" HEAD "\r\n",
    "SIP/2.0 200 OK\r\nVia: \r\n\r\n",
    "INVITE sip:b@x SIP/2.0\r\nVia: ;;;,;,,;\r\nVia: SIP/2.0/UDP\r\n" HEAD "CSeq: 1 INVITE\r\n\r\n",
    "INVITE sip:b@x SIP/2.0\r\nFrom: \"unbalanced <sip:a@x>\r\n" HEAD "CSeq: 1 INVITE\r\n\r\n",
    "\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "INVITE sip:b@x SIP/2.0\r\n" HEAD "Reply-To: <sip:a%00b@x>\r\nCSeq: 1 INVITE\r\n\r\n",
    "\x80\x02\x00\x00",
};

START_TEST(malformed_is_dropped)
{
    begin();
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        phone_send(alice, a, malformed[i]);
        world_run(&world, RELOAD_MS);
        uint32_t link = world_link(&world, a, b, NULL);
        world_inject(&world, link, a, malformed[i]);
        world.link_count--;
    }
    phone_send_bytes(alice, a, "INVITE sip:b\0@x SIP/2.0\r\n" HEAD "CSeq: 1 INVITE\r\n\r\n", 160);
    phone_send_bytes(alice, a, "", 0);
    phone_send_bytes(alice, a, "\0\0\0\0", 4);
    world_run(&world, RELOAD_SECOND);
    const struct reload_sip_adaptor_counters *counters = reload_sip_adaptor_counters(a->adaptor);
    ck_assert_uint_ge(counters->dropped_malformed, sizeof malformed / sizeof *malformed - 3);
    ck_assert_uint_eq(counters->requests_forwarded, 0);
    ck_assert_uint_eq(reload_sip_adaptor_counters(b->adaptor)->requests_forwarded, 0);
    /* It still works. */
    phone_request(alice, a, &(struct request){.method = "MESSAGE"});
    phone_expect(bob, "MESSAGE ", RELOAD_SECOND);
    world_end(&world);
}
END_TEST

/* Large and many: heads of many lines, long lines, many Vias. */
START_TEST(bombs)
{
    begin();
    static char bomb[65000];
    size_t size = 0;
    request_text(alice, &(struct request){.method = "MESSAGE"}, text);
    char *split = strstr(text, "From:");
    for (unsigned kind = 0; kind < 3; kind++) {
        static const char *const lines[] = {"X-A: b\r\n", "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\n",
                                            "Route: <sip:a;lr>,<sip:a;lr>,<sip:a;lr>\r\n"};
        size = (size_t)(split - text);
        memcpy(bomb, text, size);
        while (size < 60000 - strlen(split))
            size += (size_t)sprintf(bomb + size, "%s", lines[kind]);
        memcpy(bomb + size, split, strlen(split));
        size += strlen(split);
        phone_send_bytes(alice, a, bomb, size);
        world_run(&world, RELOAD_MS);
    }
    memset(bomb, 'a', sizeof bomb);
    memcpy(bomb, "INVITE sip:", 11);
    phone_send_bytes(alice, a, bomb, sizeof bomb);
    world_run(&world, RELOAD_SECOND);
    ck_assert_uint_eq(reload_sip_adaptor_counters(a->adaptor)->dropped_malformed, 4);
    /* It still works. */
    phone_request(alice, a, &(struct request){.method = "MESSAGE", .cseq = 2});
    phone_expect(bob, "MESSAGE ", RELOAD_SECOND);
    world_end(&world);
}
END_TEST

/* Changed at random: parsed or refused, and what is parsed can be written and parsed again. */
START_TEST(changed_at_random)
{
    struct reload_prng prng = reload_prng_of(4475);
    unsigned parsed = 0;
    begin();
    sip_library_init();
    request_text(alice,
                 &(struct request){.headers = "Route: <sip:a;lr>\r\nRecord-Route: <sip:b;lr>\r\n"
                                              "Authorization: Digest realm=\"x\", nonce=\"y\"\r\n"
                                              "Content-Type: multipart/mixed;boundary=b\r\n",
                                   .body = "--b\r\n\r\n--b--\r\n"},
                 text);
    size_t size = strlen(text);
    for (unsigned i = 0; i < 20000; i++) {
        static uint8_t copy[TEXT_MAX];
        memcpy(copy, text, size);
        size_t left =
            size - (size_t)(reload_prng_below(&prng, 4) ? 0 : reload_prng_below(&prng, size));
        for (uint64_t k = reload_prng_below(&prng, 4) + 1; k > 0; k--) {
            static const char odd[] = "\r\n\t <>;,:@\"\\%=?\x80[]()0";
            copy[reload_prng_below(&prng, size)] =
                (uint8_t)odd[reload_prng_below(&prng, sizeof odd)];
        }
        struct sip_message *message, *again;
        if (sip_message_parse((struct reload_bytes){copy, left}, &message) != 0)
            continue;
        size_t written;
        uint8_t *bytes = sip_message_format(message, &written);
        sip_message_free(message);
        parsed++;
        if (bytes && sip_message_parse((struct reload_bytes){bytes, written}, &again) == 0)
            sip_message_free(again);
        free(bytes);
        if (i % 40 == 0)
            phone_send_bytes(alice, a, copy, left);
        if (i % 400 == 0)
            world_run(&world, RELOAD_MS);
    }
    ck_assert_uint_gt(parsed, 1000);
    world_run(&world, 60 * RELOAD_SECOND);
    phone_request(alice, a, &(struct request){.method = "MESSAGE", .call_id = "after"});
    while (strncmp(phone_expect(bob, "", RELOAD_SECOND), "MESSAGE ", 8) != 0)
        ;
    world_end(&world);
}
END_TEST

/* More calls at a time than there is room for: some are refused, none is forgotten, and afterwards
 * there is room again. */
START_TEST(flood)
{
    begin();
    a->silent_lookup = true;
    for (unsigned i = 0; i < 9000; i++) {
        char call_id[16];
        snprintf(call_id, sizeof call_id, "f%u", i);
        phone_request(alice, a, &(struct request){.call_id = call_id});
        if (i % 50 == 49)
            world_run(&world, 0);
    }
    const struct reload_sip_adaptor_counters *counters = reload_sip_adaptor_counters(a->adaptor);
    ck_assert_uint_gt(counters->dropped_busy, 100);
    world_run(&world, 60 * RELOAD_SECOND);
    a->silent_lookup = false;
    uint64_t dropped = counters->dropped_busy;
    phone_request(alice, a, &(struct request){.call_id = "after"});
    phone_expect(bob, "INVITE ", RELOAD_SECOND);
    ck_assert_uint_eq(counters->dropped_busy, dropped);
    world_end(&world);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("sip_adaptor_attack", phone_with_a_false_from, link_with_a_false_from, gateway,
                     gateway_phone, link_asks_for_others, hijacked_dialog, unsolicited_responses,
                     malformed_is_dropped, bombs, changed_at_random, flood);
}
