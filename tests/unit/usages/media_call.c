/* media_call.c: see media_call.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "media_call.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct world world;
struct node *a, *b;
struct phone *alice, *bob;
struct phone *alice_rtp, *alice_rtcp, *bob_rtp, *bob_rtcp;
char routes[4096];

void
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

const char *
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

uint16_t
audio_port(const char *text)
{
    const char *line = strstr(text, "m=audio ");
    ck_assert_ptr_nonnull(line);
    return (uint16_t)strtoul(line + 8, NULL, 10);
}

void
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

void
hear(struct phone *phone, const char *text)
{
    const char *packet = phone_wait(phone, RELOAD_SECOND);
    ck_assert_msg(strlen(packet) > 12 && strcmp(packet + 12, text) == 0, "instead of %s: %s", text,
                  packet);
}

struct request
invite(const char *sdp)
{
    return (struct request){.headers = SDP_HEADER, .body = sdp};
}

uint16_t to_a, to_b;

void
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
    phone_request(
        alice, a,
        &(struct request){
            .method = "ACK", .uri = "sip:y@127.0.0.1", .to_tag = "b1", .headers = routes});
    phone_expect(bob, "ACK ", RELOAD_SECOND);
}

void
plain_call(void)
{
    char offer[1024];
    strcpy(offer, sdp_of(alice_rtp, alice_rtcp, ""));
    call(offer, sdp_of(bob_rtp, bob_rtcp, ""));
}

struct request
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

const struct media_relay_counters *
counters_of(const struct node *node)
{
    return media_relay_counters(reload_sip_adaptor_relay(node->adaptor));
}

size_t
calls_of(const struct node *node)
{
    return media_relay_call_count(reload_sip_adaptor_relay(node->adaptor));
}

void
hang_up(void)
{
    struct request bye = within("BYE", 90, "");
    phone_request(alice, a, &bye);
    phone_expect(bob, "BYE ", RELOAD_SECOND);
    phone_answer(bob, b, bob->text, "200 OK", "", "");
    phone_expect(alice, "SIP/2.0 200", RELOAD_SECOND);
}
