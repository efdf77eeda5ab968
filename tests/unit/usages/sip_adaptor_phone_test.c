/* sip_adaptor_phone_test.c: phones by TCP, with a password, and what cannot be configured.
 *
 * RFC 3261 18, 22. SPDX-License-Identifier: BSD-2-Clause */
#include "sip_world.h"

#include "tests/suite.h"
#include "usages/sip_adaptor_token.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ALICE "alice@dht.example.com"
#define BOB "bob@dht.example.com"

static struct world world;
static char text[TEXT_MAX];

/* Turns a phone into one that speaks TCP to |node|. */
static struct phone *
tcp_phone(struct node *node)
{
    struct phone *phone = world_phone(&world);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(node->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    close(phone->descriptor);
    phone->descriptor = socket(AF_INET, SOCK_STREAM, 0);
    int yes = 1; /* what is sent arrives at once, not in the host's time */
    setsockopt(phone->descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    ck_assert_int_eq(connect(phone->descriptor, (struct sockaddr *)&to, sizeof to), 0);
    return phone;
}

static void
tcp_send(struct phone *phone, const char *bytes)
{
    ck_assert_int_eq(send(phone->descriptor, bytes, strlen(bytes), MSG_NOSIGNAL),
                     (ssize_t)strlen(bytes));
}

struct reading {
    struct phone *phone;
    const char *begin;
};

static bool
has_arrived(void *argument)
{
    struct reading *reading = argument;
    char *in = reading->phone->text;
    ssize_t size = recv(reading->phone->descriptor, in, TEXT_MAX - 1, MSG_PEEK | MSG_DONTWAIT);
    in[size > 0 ? size : 0] = '\0';
    return strstr(in, reading->begin) && strstr(strstr(in, reading->begin), "\r\n\r\n");
}

/* Waits until a message that begins with |begin| is there, and takes everything. */
static const char *
tcp_expect(struct phone *phone, const char *begin)
{
    struct reading reading = {phone, begin};
    ck_assert_msg(virtual_loop_run(world.loop, 5 * RELOAD_SECOND, has_arrived, &reading),
                  "\"%s\" did not come, but: %s", begin, phone->text);
    ck_assert_int_gt(recv(phone->descriptor, phone->text, TEXT_MAX - 1, MSG_DONTWAIT), 0);
    return strstr(phone->text, begin);
}

static bool
is_closed(void *argument)
{
    struct phone *phone = argument;
    char octet;
    return recv(phone->descriptor, &octet, 1, MSG_DONTWAIT) == 0;
}

static void
tcp_register(struct phone *phone, const char *user)
{
    request_text(phone,
                 &(struct request){
                     .method = "REGISTER", .uri = "sip:dht.example.com", .from = user, .to = user},
                 text);
    memcpy(strstr(text, "/UDP"), "/TCP", 4);
    tcp_send(phone, text);
    tcp_expect(phone, "SIP/2.0 200");
}

START_TEST(call_by_tcp)
{
    world_begin(&world);
    struct node *a = world_node(&world, ALICE, NULL), *b = world_node(&world, BOB, NULL);
    struct phone *alice = tcp_phone(a), *bob = tcp_phone(b);
    tcp_register(alice, ALICE);
    tcp_register(bob, BOB);
    /* A ping, a message in two pieces. */
    request_text(alice, &(struct request){.method = "MESSAGE", .body = "hello"}, text);
    tcp_send(alice, "\r\n\r\n");
    char rest[TEXT_MAX];
    strcpy(rest, text + 30);
    text[30] = '\0';
    tcp_send(alice, text);
    world_run(&world, RELOAD_MS);
    tcp_send(alice, rest);
    const char *message = tcp_expect(bob, "MESSAGE ");
    ck_assert_ptr_nonnull(strstr(message, "\r\n\r\nhello"));
    char answer[8192] = "SIP/2.0 200 OK\r\n";
    copy_headers(message, "Via", NULL, answer);
    copy_headers(message, "From", NULL, answer);
    copy_headers(message, "To", NULL, answer);
    copy_headers(message, "Call-ID", NULL, answer);
    copy_headers(message, "CSeq", NULL, answer);
    strcat(answer, "Content-Length: 0\r\n\r\n");
    tcp_send(bob, answer);
    tcp_expect(alice, "SIP/2.0 200");
    ck_assert_uint_eq(reload_sip_adaptor_counters(a->adaptor)->retransmissions, 0);
    world_end(&world);
}
END_TEST

/* A stream that lies about its lengths is closed; a phone whose connection is gone is not there. */
START_TEST(broken_stream)
{
    world_begin(&world);
    struct node *a = world_node(&world, ALICE, NULL), *b = world_node(&world, BOB, NULL);
    struct phone *bob = tcp_phone(b), *alice = world_phone(&world);
    tcp_register(bob, BOB);
    tcp_send(bob, "MESSAGE sip:x SIP/2.0\r\nContent-Length: -1\r\n\r\n");
    ck_assert(virtual_loop_run(world.loop, RELOAD_SECOND, is_closed, bob));
    ck_assert_uint_eq(reload_sip_adaptor_counters(b->adaptor)->dropped_malformed, 1);
    phone_request(alice, a, &(struct request){.cseq = 1});
    phone_expect(alice, "SIP/2.0 480", 5 * RELOAD_SECOND);
    world_end(&world);
}
END_TEST

/* A phone that listens, and says so in its Contact, is called by a connection of the node's own;
 * one that does not listen any more is not there. */
START_TEST(connected_back)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    char contact[128];
    world_begin(&world);
    struct node *a = world_node(&world, ALICE, NULL), *b = world_node(&world, BOB, NULL);
    struct phone *alice = world_phone(&world), *bob = _i ? tcp_phone(b) : world_phone(&world);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, size), 0);
    ck_assert_int_eq(listen(listener, 4), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &size), 0);
    snprintf(contact, sizeof contact, "Contact: <sip:bob@127.0.0.1:%u;transport=TCP>\r\n",
             (unsigned)ntohs(at.sin_port));
    request_text(bob,
                 &(struct request){.method = "REGISTER",
                                   .uri = "sip:dht.example.com",
                                   .from = BOB,
                                   .to = BOB,
                                   .headers = contact},
                 text);
    /* The default Contact goes. */
    char *line = strstr(text, "Contact: <sip:x@");
    char *rest = strstr(line, "\r\n") + 2;
    memmove(line, rest, strlen(rest) + 1);
    if (_i) {
        tcp_send(bob, text);
        tcp_expect(bob, "SIP/2.0 200");
        shutdown(bob->descriptor, SHUT_RDWR); /* as sipp does between scenarios */
    } else {
        phone_send(bob, b, text);
        phone_expect(bob, "SIP/2.0 200", RELOAD_SECOND);
    }
    world_run(&world, RELOAD_SECOND);
    phone_request(alice, a, &(struct request){.method = "MESSAGE", .cseq = 1});
    world_run(&world, RELOAD_SECOND);
    close(bob->descriptor);
    bob->descriptor = accept(listener, NULL, NULL);
    ck_assert_int_ge(bob->descriptor, 0);
    tcp_expect(bob, "MESSAGE sip:bob@127.0.0.1");
    /* The same connection serves the next request; without a listener there is none. */
    phone_request(alice, a, &(struct request){.method = "MESSAGE", .cseq = 2});
    tcp_expect(bob, "MESSAGE sip:bob@127.0.0.1");
    close(listener);
    shutdown(bob->descriptor, SHUT_RDWR);
    world_run(&world, RELOAD_SECOND);
    while (*phone_wait(alice, 1))
        ;
    phone_request(alice, a, &(struct request){.cseq = 3});
    phone_expect(alice, "SIP/2.0 480", 5 * RELOAD_SECOND);
    world_end(&world);
}
END_TEST

static void
md5_hex(const char *input, char hex[33])
{
    unsigned char digest[16];
    ck_assert_int_eq(EVP_Digest(input, strlen(input), digest, NULL, EVP_md5(), NULL), 1);
    for (unsigned i = 0; i < 16; i++)
        sprintf(hex + 2 * i, "%02x", digest[i]);
}

/* The Authorization for the challenge in |challenge|, with |password|. */
static void
authorize(const char *challenge, const char *method, const char *uri, const char *password,
          char *header)
{
    char nonce[128], input[512], a1[33], a2[33], response[33];
    const char *at = strstr(challenge, "nonce=\"") + 7;
    snprintf(nonce, sizeof nonce, "%.*s", (int)strcspn(at, "\""), at);
    snprintf(input, sizeof input, "alice:dht.example.com:%s", password);
    md5_hex(input, a1);
    snprintf(input, sizeof input, "%s:%s", method, uri);
    md5_hex(input, a2);
    snprintf(input, sizeof input, "%s:%s:00000001:c1:auth:%s", a1, nonce, a2);
    md5_hex(input, response);
    sprintf(header,
            "%s: Digest username=\"alice\", realm=\"dht.example.com\", nonce=\"%s\", uri=\"%s\", "
            "response=\"%s\", algorithm=MD5, cnonce=\"c1\", qop=auth, nc=00000001\r\n",
            strcmp(method, "REGISTER") == 0 ? "Authorization" : "Proxy-Authorization", nonce, uri,
            response);
}

START_TEST(password)
{
    char header[1024];
    world_begin(&world);
    struct node *a = world_node(&world, ALICE, "secret");
    struct phone *alice = world_phone(&world);
    struct request request = {
        .method = "REGISTER", .uri = "sip:dht.example.com", .to = ALICE, .cseq = 1};
    phone_request(alice, a, &request);
    phone_expect(alice, "SIP/2.0 401", RELOAD_SECOND);
    authorize(alice->text, "REGISTER", request.uri, "guess", header);
    request.headers = header;
    request.cseq++;
    phone_request(alice, a, &request);
    phone_expect(alice, "SIP/2.0 401", RELOAD_SECOND);
    ck_assert_uint_eq(a->stores, 0);
    authorize(alice->text, "REGISTER", request.uri, "secret", header);
    request.cseq++;
    phone_request(alice, a, &request);
    phone_expect(alice, "SIP/2.0 200", RELOAD_SECOND);
    ck_assert_uint_eq(a->stores, 1);
    /* The same proof is worth nothing later. */
    world_run(&world, 400 * RELOAD_SECOND);
    request.cseq++;
    phone_request(alice, a, &request);
    phone_expect(alice, "SIP/2.0 401", RELOAD_SECOND);
    /* Calls need one too. */
    phone_request(alice, a, &(struct request){.cseq = 1});
    phone_expect(alice, "SIP/2.0 407", RELOAD_SECOND);
    authorize(alice->text, "INVITE", "sip:" BOB, "secret", header);
    phone_request(alice, a, &(struct request){.cseq = 2, .headers = header});
    phone_expect(alice, "SIP/2.0 404", RELOAD_SECOND);
    world_end(&world);
}
END_TEST

START_TEST(tokens)
{
    static const uint8_t secret[SIP_TOKEN_SECRET_SIZE] = {1}, other[SIP_TOKEN_SECRET_SIZE] = {2};
    struct sip_flow phone = {.type = SIP_FLOW_TCP,
                             .is_reliable = true,
                             .address = {.family = 4, .octets = {127, 0, 0, 1}, .port = 5062},
                             .connection = 77};
    struct sip_flow opened;
    struct reload_node_id node_id = {{9, 8, 7}}, found;
    char token[SIP_TOKEN_MAX];
    struct sip_message *message;
    world_begin(&world);
    struct phone *any = world_phone(&world);
    sip_library_init();
    request_text(any, &(struct request){.cseq = 1}, text);
    ck_assert_int_eq(sip_message_parse(reload_bytes_of_string(text), &message), 0);
    struct sip_parties parties = sip_parties_of(message, true);
    ck_assert_int_eq(sip_token_format(secret, &phone, &node_id, &parties, token), 0);
    ck_assert_int_eq(sip_token_parse(secret, token, &parties, &opened, &found), 0);
    ck_assert(sip_flow_equal(&phone, &opened));
    ck_assert(reload_node_id_equal(&node_id, &found));
    ck_assert_int_eq(sip_token_parse(other, token, &parties, &opened, &found), RELOAD_E_FORBIDDEN);
    struct sip_parties swapped = sip_parties_of(message, false);
    ck_assert_int_eq(sip_token_parse(secret, token, &swapped, &opened, &found), RELOAD_E_FORBIDDEN);
    for (size_t i = 0; token[i]; i++) {
        token[i] = token[i] == 'f' ? '0' : 'f';
        int error = sip_token_parse(secret, token, &parties, &opened, &found);
        ck_assert_int_eq(error, RELOAD_E_FORBIDDEN);
        ck_assert_int_eq(sip_token_format(secret, &phone, &node_id, &parties, token), 0);
    }
    ck_assert_int_eq(sip_token_parse(secret, "", &parties, &opened, &found), RELOAD_E_FORBIDDEN);
    sip_message_free(message);
    world_end(&world);
}
END_TEST

START_TEST(wrong_configuration)
{
    char reason[200];
    struct reload_sip_adaptor *adaptor = NULL;
    world_begin(&world);
    struct node *a = world_node(&world, ALICE, NULL);
    struct reload_sip_adaptor_options options = {.loop = world.loop,
                                                 .env = &world.env,
                                                 .overlay_ops = &world_overlay_ops,
                                                 .overlay = a,
                                                 .address = {.family = 4, .octets = {127, 0, 0, 1}},
                                                 .registrar = true};
    options.address.port = a->port;
    ck_assert_int_eq(reload_sip_adaptor_new(&options, reason, sizeof reason, &adaptor),
                     RELOAD_E_IO);
    ck_assert_ptr_nonnull(strstr(reason, "in use"));
    options.remote_phones = true;
    ck_assert_int_eq(reload_sip_adaptor_new(&options, reason, sizeof reason, &adaptor),
                     RELOAD_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(reason, "password"));
    options.remote_phones = options.registrar = false;
    ck_assert_int_eq(reload_sip_adaptor_new(&options, reason, sizeof reason, &adaptor),
                     RELOAD_E_CONFIG);
    options.proxy = true;
    options.address.family = 0;
    ck_assert_int_eq(reload_sip_adaptor_new(&options, reason, sizeof reason, &adaptor),
                     RELOAD_E_CONFIG);
    options.address = (struct reload_address){.family = 4};
    ck_assert_int_eq(reload_sip_adaptor_new(&options, reason, sizeof reason, &adaptor),
                     RELOAD_E_CONFIG);
    ck_assert_ptr_null(adaptor);
    world_end(&world);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("sip_adaptor_phone");
    TCase *tcase = tcase_create("sip_adaptor_phone");
    const TTest *const tests[] = {call_by_tcp, broken_stream, password, tokens,
                                  wrong_configuration};
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(tcase, tests[i]);
    tcase_add_loop_test(tcase, connected_back, 0, 2);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
