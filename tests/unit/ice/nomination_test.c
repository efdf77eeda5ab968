/* nomination_test.c: the other side may not know which pair was chosen. A NAT between two agents
 * sends one packet from another port than all others, as a Linux box does when the first packets of
 * both sides meet in it.
 *
 * RFC 8445 7.3.1.5, 8.1.1. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/socket_address.h"
#include "tests/suite.h"
#include "tests/unit/ice/agents.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BINDING_REQUEST 1

/* The ports of the NAT: where |b| sees |a|, where it sees one packet of it, and where |a| sees |b|.
 */
enum door {
    A_DOOR,
    A_OTHER_DOOR,
    B_DOOR,
    DOORS,
};

struct nat {
    struct agents agents;
    int descriptors[DOORS];
    struct reload_address doors[DOORS], a, b;
    struct reload_watch *watches[DOORS];
    bool strays;     /* the next request of |a| comes from the other door */
    bool deaf;       /* requests of |a| do not arrive */
    unsigned asked;  /* requests of |a| */
    unsigned asks;   /* and those of |b| */
    unsigned astray; /* what |b| sent to the other door */
};

static void
pass(struct nat *nat, enum door from, const struct reload_address *to, const uint8_t *packet,
     size_t size)
{
    struct sockaddr_storage address;
    socklen_t length = reload_address_to_socket(to, AF_INET, &address);
    (void)sendto(nat->descriptors[from], packet, size, 0, (const struct sockaddr *)&address,
                 length);
}

static void
on_packet(void *argument, int descriptor, unsigned events)
{
    (void)events;
    struct nat *nat = argument;
    uint8_t packet[2048];
    ssize_t got = recv(descriptor, packet, sizeof packet, MSG_DONTWAIT);
    if (got < 2)
        return;
    bool is_request = packet[0] == 0 && packet[1] == BINDING_REQUEST;
    if (descriptor != nat->descriptors[B_DOOR]) {
        nat->asks += is_request;
        nat->astray += descriptor == nat->descriptors[A_OTHER_DOOR];
        pass(nat, B_DOOR, &nat->a, packet, (size_t)got);
        return;
    }
    nat->asked += is_request;
    if (is_request && nat->deaf)
        return;
    bool strays = is_request && nat->strays;
    nat->strays &= !strays;
    pass(nat, strays ? A_OTHER_DOOR : A_DOOR, &nat->b, packet, (size_t)got);
}

/* Two agents that have gathered, each with the other's door for its only address. */
static void
nat_init(struct nat *nat)
{
    memset(nat, 0, sizeof *nat);
    agents_init(&nat->agents);
    for (int i = 0; i < DOORS; i++) {
        struct reload_address any = {.family = 4, .octets = {127, 0, 0, 1}};
        nat->descriptors[i] = reload_socket_bind(SOCK_DGRAM, &any, &nat->doors[i]);
        ck_assert_int_ge(nat->descriptors[i], 0);
        ck_assert_int_eq(reload_loop_watch(nat->agents.loop, nat->descriptors[i], RELOAD_WATCH_READ,
                                           on_packet, nat, &nat->watches[i]),
                         0);
    }
    agents_open(&nat->agents);
    struct reload_offer *a = &nat->agents.a.offer, *b = &nat->agents.b.offer;
    a->candidate_count = b->candidate_count = 1;
    nat->a = a->candidates[0].address;
    nat->b = b->candidates[0].address;
    a->candidates[0].address = nat->doors[A_DOOR];
    b->candidates[0].address = nat->doors[B_DOOR];
}

static void
nat_fini(struct nat *nat)
{
    agents_close(&nat->agents);
    for (int i = 0; i < DOORS; i++) {
        reload_watch_free(nat->watches[i]);
        (void)close(nat->descriptors[i]);
    }
    agents_fini(&nat->agents);
}

/* The check that chooses the pair comes from an address that nothing can be sent through: RFC 8445
 * 7.2.5.2.1. The other side's pair works, but is not chosen, and nothing would ever choose it. */
START_TEST(a_choice_that_went_astray_is_made_again)
{
    struct nat nat;
    nat_init(&nat);
    nat.strays = true;
    struct agent_end *a = &nat.agents.a, *b = &nat.agents.b;
    agents_check(b, a);
    agents_check(a, b);
    ck_assert(agents_wait(&nat.agents, &a->ready, &b->ready, 3000));
    ck_assert(!nat.strays);
    agents_talk(&nat.agents);
    agents_settle(&nat.agents, 200);
    ck_assert_uint_gt(nat.astray, 0); /* it was what this is about */
    ck_assert(!a->failed && !b->failed);
    nat_fini(&nat);
}
END_TEST

/* Who hears something from the other side knows that it has chosen as well. */
START_TEST(who_is_heard_has_chosen)
{
    struct nat nat;
    nat_init(&nat);
    agents_connect(&nat.agents);
    agents_talk(&nat.agents);
    unsigned asked = nat.asked, asks = nat.asks;
    agents_settle(&nat.agents, 400);
    ck_assert_uint_eq(nat.asked, asked);
    ck_assert_uint_eq(nat.asks, asks);
    nat_fini(&nat);
}
END_TEST

/* The other side says nothing: it is asked again at 0.1, 0.3 and 0.7 s; and it, which does not
 * choose, asks for nothing. */
START_TEST(silence_is_not_answered_by_a_flood)
{
    struct nat nat;
    nat_init(&nat);
    agents_connect(&nat.agents);
    unsigned asked = nat.asked, asks = nat.asks;
    nat.deaf = true;
    agents_settle(&nat.agents, 1000);
    ck_assert_uint_ge(nat.asked - asked, 2);
    ck_assert_uint_le(nat.asked - asked, 3);
    ck_assert_uint_eq(nat.asks, asks);
    ck_assert(!nat.agents.a.failed && !nat.agents.b.failed);
    nat_fini(&nat);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("nomination", a_choice_that_went_astray_is_made_again, who_is_heard_has_chosen,
                     silence_is_not_answered_by_a_flood);
}
