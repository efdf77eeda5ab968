/* stun_peers_test.c: peers are grouped by the address that they see us with; the groups are used in
 * turn; who says nothing is not used.
 *
 * RFC 6940 6.5.1.4, D34. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/base/error.h"
#include "reload/run/socket_address.h"
#include "reload/run/stun_peers.h"
#include "tests/suite.h"

static unsigned randoms;

static void
count_up(void *context, void *octets, size_t size)
{
    (void)context;
    memset(octets, (int)(++randoms & 0xff), size);
}

static const struct reload_env env = {.random = count_up};

static struct reload_address
host(uint8_t net, uint8_t last, uint16_t port)
{
    return (struct reload_address){.family = 4, .octets = {192, 0, net, last}, .port = port};
}

/* The servers 192.0.2.N with N from 1: the reflexive address that each sees, 0 for our own. */
static void
add_all(struct reload_stun_peers *peers, const uint8_t *seen, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct reload_address address = host(2, (uint8_t)(i + 1), 6084);
        reload_stun_peers_add(peers, &address, (uint32_t)i + 1, 0);
        const struct reload_stun_peer *asked = reload_stun_peers_ask(peers, &env, 0);
        ck_assert_ptr_nonnull(asked);
        ck_assert_uint_eq(asked->address.octets[3], i + 1);
        struct reload_address mapped = host(0, seen[i], (uint16_t)(1000 + i));
        ck_assert(reload_stun_peers_answered(peers, &address, asked->transaction, &mapped,
                                             seen[i] == 0, 0));
    }
}

/* RFC6940-6.5.1.4-01, -02: three reflexive addresses, seen through 3, 2 and 1 peers. */
START_TEST(groups_are_used_in_turn)
{
    static const uint8_t seen[] = {50, 50, 50, 60, 60, 70};
    struct reload_stun_peers peers = {0};
    add_all(&peers, seen, sizeof seen);
    unsigned of_group[100] = {0}, of_peer[7] = {0};
    for (int i = 0; i < 18; i++) {
        struct reload_address chosen = reload_stun_peers_choose(&peers);
        ck_assert_uint_eq(chosen.family, 4);
        of_group[seen[chosen.octets[3] - 1]]++;
        of_peer[chosen.octets[3]]++;
        /* In turn: no group is ever more than one ahead. */
        ck_assert_uint_le(of_group[50], of_group[60] + 1);
        ck_assert_uint_le(of_group[60], of_group[70] + 1);
    }
    ck_assert_uint_eq(of_group[50], 6);
    ck_assert_uint_eq(of_group[60], 6);
    ck_assert_uint_eq(of_group[70], 6);
    for (int i = 1; i < 4; i++)
        ck_assert_uint_eq(of_peer[i], 2);
}
END_TEST

/* RFC6940-6.5.1.4-03: a lost connection's peer is not used any more; another one of its group is.
 */
START_TEST(lost_peers_are_replaced)
{
    static const uint8_t seen[] = {50, 50};
    struct reload_stun_peers peers = {0};
    add_all(&peers, seen, sizeof seen);
    uint8_t first = reload_stun_peers_choose(&peers).octets[3];
    reload_stun_peers_remove(&peers, first);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(reload_stun_peers_choose(&peers).octets[3], 3 - first);
    reload_stun_peers_remove(&peers, 3u - first);
    ck_assert_uint_eq(reload_stun_peers_choose(&peers).family, 0);
    ck_assert_uint_eq(reload_stun_peers_next(&peers), RELOAD_NEVER);
}
END_TEST

START_TEST(without_a_nat_nobody_is_asked)
{
    static const uint8_t none[] = {0, 0}, one[] = {0, 50, 0};
    struct reload_stun_peers peers = {0};
    struct reload_address own = host(0, 0, 1), other = host(0, 9, 1);
    ck_assert(!reload_stun_peers_is_public(&peers, &own));
    add_all(&peers, none, sizeof none);
    ck_assert_uint_eq(reload_stun_peers_choose(&peers).family, 0);
    ck_assert(reload_stun_peers_is_public(&peers, &own));
    ck_assert(!reload_stun_peers_is_public(&peers, &other));
    peers = (struct reload_stun_peers){0};
    add_all(&peers, one, sizeof one);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(reload_stun_peers_choose(&peers).octets[3], 2);
    ck_assert(!reload_stun_peers_is_public(&peers, &own));
}
END_TEST

/* L9: what a relay says of our address is held against what all others have said. One of them may
 * lie, too; where nobody has said anything there is nothing to hold it against. */
START_TEST(addresses_are_confirmed)
{
    static const uint8_t seen[] = {50, 60};
    struct reload_stun_peers peers = {0};
    struct reload_address first = host(0, 50, 7), second = host(0, 60, 8), other = host(0, 70, 9);
    struct reload_address v6 = {.family = 6, .octets = {0x20, 1}, .port = 7};
    ck_assert(reload_stun_peers_confirm(&peers, &other));
    reload_stun_peers_add(&peers, &(struct reload_address){.family = 4, .octets = {192, 0, 2, 9}},
                          9, 0);
    ck_assert(reload_stun_peers_confirm(&peers, &other)); /* has not answered */
    peers = (struct reload_stun_peers){0};
    add_all(&peers, seen, sizeof seen);
    ck_assert(reload_stun_peers_confirm(&peers, &first));
    ck_assert(reload_stun_peers_confirm(&peers, &second));
    ck_assert(!reload_stun_peers_confirm(&peers, &other));
    ck_assert(reload_stun_peers_confirm(&peers, &v6));
    reload_stun_peers_remove(&peers, 2);
    ck_assert(!reload_stun_peers_confirm(&peers, &second));
}
END_TEST

/* Three times, then not for a minute; nobody uses it meanwhile. */
START_TEST(silent_servers_are_left_alone)
{
    struct reload_stun_peers peers = {0};
    struct reload_address address = host(2, 1, 6084);
    static const reload_time asked_at[] = {0, 500 * RELOAD_MS, 1500 * RELOAD_MS};
    reload_stun_peers_add(&peers, &address, 0, 0);
    ck_assert_uint_eq(reload_stun_peers_choose(&peers).family, 4); /* perhaps it answers */
    uint8_t transaction[RELOAD_STUN_TRANSACTION_SIZE];
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(reload_stun_peers_next(&peers), asked_at[i]);
        const struct reload_stun_peer *asked = reload_stun_peers_ask(&peers, &env, asked_at[i]);
        ck_assert_ptr_nonnull(asked);
        if (i > 0)
            ck_assert_mem_eq(asked->transaction, transaction, sizeof transaction);
        memcpy(transaction, asked->transaction, sizeof transaction);
        ck_assert_ptr_null(reload_stun_peers_ask(&peers, &env, asked_at[i]));
    }
    reload_time given_up = reload_stun_peers_next(&peers);
    ck_assert_uint_eq(given_up, 3500 * RELOAD_MS);
    ck_assert_ptr_null(reload_stun_peers_ask(&peers, &env, given_up));
    ck_assert_uint_eq(reload_stun_peers_choose(&peers).family, 0);
    ck_assert_uint_eq(reload_stun_peers_next(&peers), given_up + 60 * RELOAD_SECOND);
    /* Too late; but the next one counts. */
    struct reload_address seen = host(0, 50, 1);
    ck_assert(!reload_stun_peers_answered(&peers, &address, transaction, &seen, false, given_up));
    reload_time again = reload_stun_peers_next(&peers);
    const struct reload_stun_peer *asked = reload_stun_peers_ask(&peers, &env, again);
    ck_assert_mem_ne(asked->transaction, transaction, sizeof transaction);
    ck_assert(
        reload_stun_peers_answered(&peers, &address, asked->transaction, &seen, false, again));
    ck_assert_uint_eq(reload_stun_peers_choose(&peers).family, 4);
}
END_TEST

START_TEST(what_is_known_of_udp)
{
    struct reload_stun_peers peers = {0};
    struct reload_address one = host(2, 1, 6084), other = host(2, 2, 6084), seen = host(0, 50, 1);
    ck_assert_int_eq(reload_stun_peers_udp(&peers, 0), RELOAD_STUN_UDP_UNKNOWN);
    reload_stun_peers_add(&peers, &one, 0, 0);
    ck_assert_int_eq(reload_stun_peers_udp(&peers, RELOAD_SECOND), RELOAD_STUN_UDP_UNKNOWN);
    const struct reload_stun_peer *asked = reload_stun_peers_ask(&peers, &env, RELOAD_SECOND);
    ck_assert_int_eq(reload_stun_peers_udp(&peers, 2 * RELOAD_SECOND - 1), RELOAD_STUN_UDP_UNKNOWN);
    ck_assert_int_eq(reload_stun_peers_udp(&peers, 2 * RELOAD_SECOND), RELOAD_STUN_UDP_BLOCKED);
    reload_stun_peers_add(&peers, &other, 0, 2 * RELOAD_SECOND); /* perhaps this one */
    ck_assert_int_eq(reload_stun_peers_udp(&peers, 2 * RELOAD_SECOND), RELOAD_STUN_UDP_UNKNOWN);
    ck_assert(reload_stun_peers_answered(&peers, &one, asked->transaction, &seen, false,
                                         2 * RELOAD_SECOND));
    ck_assert_int_eq(reload_stun_peers_udp(&peers, 3 * RELOAD_SECOND), RELOAD_STUN_UDP_WORKS);
    /* It says nothing any more. */
    for (reload_time now = 302 * RELOAD_SECOND; now < 310 * RELOAD_SECOND;
         now = reload_stun_peers_next(&peers))
        while (reload_stun_peers_ask(&peers, &env, now))
            ;
    ck_assert_int_eq(reload_stun_peers_udp(&peers, 310 * RELOAD_SECOND), RELOAD_STUN_UDP_BLOCKED);
}
END_TEST

/* L13: answers of others, to other questions, or given twice. */
START_TEST(forged_answers_are_refused)
{
    struct reload_stun_peers peers = {0};
    struct reload_address address = host(2, 1, 6084), other = host(2, 2, 6084);
    struct reload_address seen = host(0, 50, 1);
    reload_stun_peers_add(&peers, &address, 7, 0);
    uint8_t transaction[RELOAD_STUN_TRANSACTION_SIZE], wrong[RELOAD_STUN_TRANSACTION_SIZE] = {0};
    ck_assert(!reload_stun_peers_answered(&peers, &address, wrong, &seen, false, 0));
    memcpy(transaction, reload_stun_peers_ask(&peers, &env, 0)->transaction, sizeof transaction);
    ck_assert(!reload_stun_peers_answered(&peers, &address, wrong, &seen, false, 1));
    ck_assert(!reload_stun_peers_answered(&peers, &other, transaction, &seen, false, 1));
    ck_assert(reload_stun_peers_answered(&peers, &address, transaction, &seen, false, 1));
    ck_assert(!reload_stun_peers_answered(&peers, &address, transaction, &seen, false, 1));
    ck_assert_uint_eq(reload_stun_peers_next(&peers), 300 * RELOAD_SECOND + 1);
}
END_TEST

START_TEST(the_table_is_bounded)
{
    struct reload_stun_peers peers = {0};
    for (unsigned i = 0; i < 1000; i++) {
        struct reload_address address = host((uint8_t)(i >> 8), (uint8_t)i, 6084);
        for (int twice = 0; twice < 2; twice++)
            reload_stun_peers_add(&peers, &address, i, 0);
    }
    ck_assert_uint_eq(peers.count, RELOAD_STUN_PEERS_MAX);
}
END_TEST

/* ---- messages ------------------------------------------------------------------------------- */

static const uint8_t transaction_of_rfc5769[] = {0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34,
                                                 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae};

/* RFC 5769 2.2 and 2.3, without MESSAGE-INTEGRITY and FINGERPRINT; SOFTWARE is padded. */
static const uint8_t answer4[] = {
    0x01, 0x01, 0x00, 0x1c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63,
    0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43};
static const uint8_t answer6[] = {0x01, 0x01, 0x00, 0x18, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7,
                                  0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae, 0x00, 0x20,
                                  0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa, 0xa5,
                                  0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9};

START_TEST(answers_are_read)
{
    uint8_t transaction[RELOAD_STUN_TRANSACTION_SIZE];
    struct reload_address seen;
    ck_assert_int_eq(
        reload_stun_answer((struct reload_bytes){answer4, sizeof answer4}, transaction, &seen), 0);
    ck_assert_mem_eq(transaction, transaction_of_rfc5769, sizeof transaction);
    struct reload_address expected = {.family = 4, .octets = {192, 0, 2, 1}, .port = 32853};
    ck_assert(reload_address_equal(&seen, &expected));
    ck_assert_int_eq(
        reload_stun_answer((struct reload_bytes){answer6, sizeof answer6}, transaction, &seen), 0);
    static const uint8_t address6[] = {0x20, 0x01, 0x0d, 0xb8, 0x12, 0x34, 0x56, 0x78,
                                       0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77};
    ck_assert_uint_eq(seen.family, 6);
    ck_assert_mem_eq(seen.octets, address6, sizeof address6);
    ck_assert_uint_eq(seen.port, 32853);
    /* MAPPED-ADDRESS will do when there is nothing better. */
    uint8_t plain[32];
    memcpy(plain, answer4, 20);
    plain[3] = 12;
    memcpy(plain + 20, (const uint8_t[]){0, 1, 0, 8, 0, 1, 0x17, 0xc4, 192, 0, 2, 9}, 12);
    ck_assert_int_eq(
        reload_stun_answer((struct reload_bytes){plain, sizeof plain}, transaction, &seen), 0);
    ck_assert_uint_eq(seen.octets[3], 9);
    ck_assert_uint_eq(seen.port, 6084);
}
END_TEST

/* L13: cut anywhere, changed anywhere. */
START_TEST(wrong_answers_are_refused)
{
    uint8_t transaction[RELOAD_STUN_TRANSACTION_SIZE], changed[sizeof answer4];
    struct reload_address seen;
    for (size_t size = 0; size < sizeof answer4; size++)
        ck_assert_int_eq(
            reload_stun_answer((struct reload_bytes){answer4, size}, transaction, &seen),
            RELOAD_E_MALFORMED);
    static const struct {
        size_t at;
        uint8_t value;
    } rows[] = {
        {0, 0},     {0, 0x81}, {1, 0x11}, {1, 0x02},  {2, 1},     {3, 0x18},  {3, 0x20},
        {4, 0x22},  {7, 0},    {22, 1},   {23, 0x0f}, {23, 0xff}, {36, 0x80}, {38, 1},
        {39, 0x14}, {39, 4},   {41, 0},   {41, 2},    {41, 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        memcpy(changed, answer4, sizeof changed);
        changed[rows[i].at] = rows[i].value;
        ck_assert_int_eq(
            reload_stun_answer((struct reload_bytes){changed, sizeof changed}, transaction, &seen),
            RELOAD_E_MALFORMED);
    }
    /* Port 0 is nobody's. */
    memcpy(changed, answer4, sizeof changed);
    changed[42] = 0x21;
    changed[43] = 0x12;
    ck_assert_int_eq(
        reload_stun_answer((struct reload_bytes){changed, sizeof changed}, transaction, &seen),
        RELOAD_E_MALFORMED);
}
END_TEST

START_TEST(requests_are_of_twenty_octets)
{
    uint8_t request[RELOAD_STUN_REQUEST_SIZE];
    reload_stun_request(transaction_of_rfc5769, request);
    static const uint8_t head[] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42};
    ck_assert_mem_eq(request, head, sizeof head);
    ck_assert_mem_eq(request + sizeof head, transaction_of_rfc5769, RELOAD_STUN_TRANSACTION_SIZE);
    ck_assert(!reload_stun_is_answer((struct reload_bytes){request, sizeof request}));
    ck_assert(reload_stun_is_answer((struct reload_bytes){answer4, sizeof answer4}));
    ck_assert(!reload_stun_is_answer((struct reload_bytes){NULL, 0}));
}
END_TEST

int
main(void)
{
    return RUN_SUITE("stun_peers", groups_are_used_in_turn, lost_peers_are_replaced,
                     without_a_nat_nobody_is_asked, addresses_are_confirmed,
                     silent_servers_are_left_alone, what_is_known_of_udp,
                     forged_answers_are_refused, the_table_is_bounded, answers_are_read,
                     wrong_answers_are_refused, requests_are_of_twenty_octets);
}
