/* media_call.h: alice calls bob, both nodes relay: what tests of relayed media begin with.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TESTS_MEDIA_CALL_H
#define RELOAD_TESTS_MEDIA_CALL_H

#include "sip_world.h"

#define ALICE "alice@dht.example.com"
#define BOB "bob@dht.example.com"
#define SDP_HEADER "Content-Type: application/sdp\r\n"
#define LABEL "a=x-reload-relay:"

extern struct world world;
extern struct node *a, *b;
extern struct phone *alice, *bob;
/* Where the two phones take RTP and RTCP. */
extern struct phone *alice_rtp, *alice_rtcp, *bob_rtp, *bob_rtcp;
extern char routes[4096];
/* The ports that the phones were told, alice's and bob's. */
extern uint16_t to_a, to_b;

/* Two nodes, of which each relays or not, and all phones. */
void begin(bool a_relays, bool b_relays);

/* A description with one audio stream, |more| at its end; valid until the next but one. */
const char *sdp_of(const struct phone *rtp, const struct phone *rtcp, const char *more);

/* The port of the audio stream in |text|, a message. */
uint16_t audio_port(const char *text);

/* Sends |text| behind the header of an RTP packet to |port| of this host. */
void speak(const struct phone *from, uint16_t port, const char *text);
/* Waits for |text| behind such a header. */
void hear(struct phone *phone, const char *text);

struct request invite(const char *sdp);

/* alice calls bob, who answers: both with a description. Leaves the INVITE and the 200 in their
 * texts. */
void call(const char *offer, const char *answer);
void plain_call(void);

/* A later request in the call, by alice. */
struct request within(const char *method, unsigned cseq, const char *body);

void hang_up(void);

const struct media_relay_counters *counters_of(const struct node *node);
size_t calls_of(const struct node *node);

#endif
