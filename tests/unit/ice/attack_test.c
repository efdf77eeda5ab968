/* attack_test.c: offers and checks of somebody who means no good.
 *
 * RFC 8445 19; RFC 6940 6.5.1. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/socket_address.h"
#include "tests/suite.h"
#include "tests/unit/ice/agents.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Somebody who has nothing to do with it, at as many ports as an offer has candidates. */
struct victim {
    int descriptors[RELOAD_CANDIDATES_MAX];
    struct reload_address addresses[RELOAD_CANDIDATES_MAX];
    struct reload_watch *watches[RELOAD_CANDIDATES_MAX];
    struct reload_loop *loop;
    unsigned packets;
    bool met[RELOAD_ICE_LOCAL_MAX][RELOAD_CANDIDATES_MAX]; /* from which address, at which port */
    size_t octets;
    reload_time first_at, last_at;
};

static void
on_packet(void *argument, int descriptor, unsigned events)
{
    (void)events;
    struct victim *victim = argument;
    uint8_t packet[2048];
    struct sockaddr_in from = {0};
    socklen_t length = sizeof from;
    ssize_t got = recvfrom(descriptor, packet, sizeof packet, MSG_DONTWAIT,
                           (struct sockaddr *)&from, &length);
    if (got < 0)
        return;
    for (size_t i = 0; i < RELOAD_CANDIDATES_MAX; i++)
        if (victim->descriptors[i] == descriptor)
            victim->met[ntohl(from.sin_addr.s_addr) % RELOAD_ICE_LOCAL_MAX][i] = true;
    reload_time now = reload_loop_now(victim->loop);
    if (victim->packets == 0)
        victim->first_at = now;
    victim->last_at = now;
    victim->packets++;
    victim->octets += (size_t)got;
}

static void
victim_init(struct victim *victim, struct reload_loop *loop)
{
    memset(victim, 0, sizeof *victim);
    victim->loop = loop;
    for (size_t i = 0; i < RELOAD_CANDIDATES_MAX; i++) {
        struct reload_address any = {.family = 4, .octets = {127, 0, 0, 1}};
        victim->descriptors[i] = reload_socket_bind(SOCK_DGRAM, &any, &victim->addresses[i]);
        ck_assert_int_ge(victim->descriptors[i], 0);
        ck_assert_int_eq(reload_loop_watch(loop, victim->descriptors[i], RELOAD_WATCH_READ,
                                           on_packet, victim, &victim->watches[i]),
                         0);
    }
}

static void
victim_fini(struct victim *victim)
{
    for (size_t i = 0; i < RELOAD_CANDIDATES_MAX; i++) {
        reload_watch_free(victim->watches[i]);
        (void)close(victim->descriptors[i]);
    }
}

/* Pairs of addresses that the victim has heard. */
static unsigned
pairs_met(const struct victim *victim)
{
    unsigned count = 0;
    for (size_t i = 0; i < RELOAD_ICE_LOCAL_MAX; i++)
        for (size_t k = 0; k < RELOAD_CANDIDATES_MAX; k++)
            count += victim->met[i][k];
    return count;
}

/* An agent at |locals| addresses gets an offer whose candidates are all the victim's, and has given
 * up. */
static void
shoot_at(struct agents *agents, struct victim *victim, unsigned locals)
{
    victim_init(victim, agents->loop);
    agents->a.options.local_count = locals;
    for (unsigned i = 0; i < locals; i++)
        agents->a.options.local[i] =
            (struct reload_address){.family = 4, .octets = {127, 0, 0, (uint8_t)(1 + i)}};
    agents_open(agents);
    struct reload_offer *offer = &agents->b.offer;
    for (size_t i = 0; i < RELOAD_CANDIDATES_MAX; i++) {
        offer->candidates[i] = offer->candidates[0];
        offer->candidates[i].address = victim->addresses[i];
        offer->candidates[i].priority = 1000 + (uint32_t)i;
        snprintf(offer->candidates[i].foundation, RELOAD_FOUNDATION_MAX, "%zu", i);
    }
    offer->candidate_count = RELOAD_CANDIDATES_MAX;
    agents_check(&agents->a, &agents->b);
    ck_assert(agents_wait(agents, &agents->a.failed, &agents->a.failed, 20000));
    printf("%u pairs, %u packets, %zu octets in %.1f s\n", pairs_met(victim), victim->packets,
           victim->octets, (double)(victim->last_at - victim->first_at) / 1e9);
    ck_assert_uint_le(victim->octets, victim->packets * 200);
    unsigned before = victim->packets;
    agents_settle(agents, 300);
    ck_assert_uint_eq(victim->packets, before);
    agents_close(agents);
}

/* L10: all candidates of an offer are the victim's. What one Attach makes us send is bounded and
 * paced (D139), and ends. */
START_TEST(candidates_of_a_third_party)
{
    struct agents agents;
    struct victim victim;
    agents_init(&agents);
    shoot_at(&agents, &victim, 1);
    ck_assert_uint_eq(pairs_met(&victim), RELOAD_CANDIDATES_MAX);
    ck_assert_uint_le(victim.packets, 5 * RELOAD_CANDIDATES_MAX);
    /* 20 new pairs, 20 ms apart. */
    ck_assert_uint_ge(victim.last_at - victim.first_at, 19 * 20 * RELOAD_MS);
    victim_fini(&victim);
    agents_fini(&agents);
}
END_TEST

/* RFC 8445 6.1.2.5: a hundred pairs at most, also where sixteen addresses meet twenty. */
START_TEST(pairs_are_capped)
{
    struct agents agents;
    struct victim victim;
    agents_init(&agents);
    shoot_at(&agents, &victim, RELOAD_ICE_LOCAL_MAX);
    ck_assert_uint_ge(pairs_met(&victim), 2 * RELOAD_CANDIDATES_MAX);
    ck_assert_uint_le(pairs_met(&victim), 100);
    ck_assert_uint_le(victim.packets, 500);
    victim_fini(&victim);
    agents_fini(&agents);
}
END_TEST

/* ---- L9 ------------------------------------------------------------------------------------- */

/* RFC 8445 7.3.1.1: both say that they control; one gives way. */
START_TEST(role_conflict)
{
    struct agents agents;
    agents_init(&agents);
    for (int controlling = 0; controlling < 2; controlling++) {
        agents.a.options.controlling = agents.b.options.controlling = controlling == 1;
        agents_open(&agents);
        agents_connect(&agents);
        agents_talk(&agents);
        agents_close(&agents);
    }
    agents_fini(&agents);
}
END_TEST

/* One begins long before the other has its offer; and the other then has only an address that leads
 * nowhere, and has to learn the right one from the checks that come (peer-reflexive). */
START_TEST(late_candidates)
{
    struct agents agents;
    struct victim nobody;
    agents_init(&agents);
    victim_init(&nobody, agents.loop);
    for (int learnt = 0; learnt < 2; learnt++) {
        agents_open(&agents);
        if (learnt) {
            agents.b.offer.candidate_count = 1;
            agents.b.offer.candidates[0].address = nobody.addresses[0];
        }
        agents_check(&agents.b, &agents.a);
        agents_settle(&agents, 400);
        ck_assert(!agents.a.ready);
        agents_check(&agents.a, &agents.b);
        ck_assert(agents_wait(&agents, &agents.a.ready, &agents.b.ready, 5000));
        agents_talk(&agents);
        ck_assert_uint_eq(agents.a.pair.remote_type, learnt ? 2 : 1);
        agents_close(&agents);
    }
    victim_fini(&nobody);
    agents_fini(&agents);
}
END_TEST

static void
send_to(const struct victim *stranger, const struct agent_end *end, const void *data, size_t size)
{
    struct sockaddr_storage to;
    socklen_t length = reload_address_to_socket(&end->offer.candidates[0].address, AF_INET, &to);
    ck_assert_int_eq(
        sendto(stranger->descriptors[0], data, size, 0, (const struct sockaddr *)&to, length),
        (ssize_t)size);
}

/* A connectivity check as |from| would send it to |to|, with a MESSAGE-INTEGRITY of zeros or
 * without one. */
static size_t
forge_check(const struct agent_end *from, const struct agent_end *to, bool integrity,
            uint8_t *check)
{
    char username[64];
    size_t size =
        (size_t)snprintf(username, sizeof username, "%s:%s", to->offer.ufrag, from->offer.ufrag);
    size_t padded = (size + 3) / 4 * 4;
    static const uint8_t head[] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1,  2,
                                   3, 4, 5, 6, 7,    8,    9,    10,   11, 12};
    static const uint8_t rest[] = {0,    0x24, 0, 4, 0x6e, 0, 1, 0xff,             /* PRIORITY */
                                   0x80, 0x2a, 0, 8, 0,    0, 0, 0,    0, 0, 0, 1, /* control */
                                   0,    0x25, 0, 0,                               /* USE */
                                   0,    8,    0, 20};
    memset(check, 0, 256);
    memcpy(check, head, sizeof head);
    memcpy(check + 20, (const uint8_t[]){0, 6, 0, (uint8_t)size}, 4);
    memcpy(check + 24, username, size);
    memcpy(check + 24 + padded, rest, sizeof rest);
    size_t total = 24 + padded + sizeof rest + 20;
    if (!integrity)
        total -= 24;
    check[3] = (uint8_t)(total - 20);
    return total;
}

/* STUN without or with wrong integrity: no success is answered, no pair comes of it. */
START_TEST(checks_without_integrity)
{
    struct agents agents;
    struct victim stranger;
    uint8_t check[256], answer[512];
    agents_init(&agents);
    victim_init(&stranger, agents.loop);
    reload_watch_set(stranger.watches[0], 0);
    agents_open(&agents);
    for (int integrity = 0; integrity < 2; integrity++) {
        size_t size = forge_check(&agents.b, &agents.a, integrity == 1, check);
        send_to(&stranger, &agents.a, check, size);
        agents_settle(&agents, 100);
        ssize_t got = recv(stranger.descriptors[0], answer, sizeof answer, MSG_DONTWAIT);
        if (got > 1)
            ck_assert(answer[0] == 1 && answer[1] == 0x11);
    }
    ck_assert(!agents.a.ready && !agents.a.failed);
    agents_connect(&agents);
    agents_talk(&agents);
    agents_close(&agents);
    victim_fini(&stranger);
    agents_fini(&agents);
}
END_TEST

/* Anybody may send anything to an agent's port, before, while and after a pair is found: nothing of
 * it reaches the user, and nothing breaks. */
START_TEST(strangers_are_not_heard)
{
    struct agents agents;
    struct victim stranger;
    uint8_t check[256], junk[200];
    agents_init(&agents);
    victim_init(&stranger, agents.loop);
    agents_open(&agents);
    for (int phase = 0; phase < 3; phase++) {
        for (unsigned i = 0; i < 300; i++) {
            size_t size = forge_check(&agents.b, &agents.a, i % 2, check);
            check[i * 7 % size] ^= (uint8_t)(1u << i % 8);
            send_to(&stranger, &agents.a, check, i % 3 ? size : i % size + 1);
            memset(junk, (int)(20 + i % 44), sizeof junk); /* what DTLS begins with */
            send_to(&stranger, &agents.a, junk, sizeof junk);
            if (i % 50 == 0)
                agents_settle(&agents, 1);
        }
        if (phase == 0)
            agents_connect(&agents);
        agents_settle(&agents, 50);
    }
    ck_assert_uint_eq(agents.a.heard_count, 0);
    ck_assert(!agents.a.failed && !agents.b.failed);
    agents_talk(&agents);
    agents_close(&agents);
    victim_fini(&stranger);
    agents_fini(&agents);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("attack", candidates_of_a_third_party, pairs_are_capped, role_conflict,
                     late_candidates, checks_without_integrity, strangers_are_not_heard);
}
