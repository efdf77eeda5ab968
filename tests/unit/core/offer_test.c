/* offer_test.c: what a peer may offer in an Attach. RFC 6940 6.5.1.1; attack rows P23, P24.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/offer.h"

#include "tests/suite.h"

#include <stdio.h>

/* Behind an IPv4 address and port, the link type, a foundation of one octet and the priority. */
#define TYPE_AT (8 + 1 + 2 + 4)

static const struct reload_wire wire = {.node_id_length = 16};

static struct reload_candidate
candidate(uint8_t overlay_link, uint32_t priority, const char *address)
{
    struct reload_candidate c = {.priority = priority, .overlay_link = overlay_link, .type = 1};
    unsigned o[4], port;
    ck_assert_int_eq(sscanf(address, "%u.%u.%u.%u:%u", &o[0], &o[1], &o[2], &o[3], &port), 5);
    c.address.family = 4;
    for (int i = 0; i < 4; i++)
        c.address.octets[i] = (uint8_t)o[i];
    c.address.port = (uint16_t)port;
    strcpy(c.foundation, "1");
    return c;
}

static int
round_trip(const struct reload_offer *offer, bool no_ice, struct reload_offer *got)
{
    uint8_t data[16384];
    struct reload_writer writer = reload_writer_of(data, sizeof data);
    reload_offer_encode(&writer, &wire, offer);
    ck_assert(!writer.failed);
    return reload_offer_decode(&wire, reload_bytes_of_string(offer->ufrag),
                               reload_bytes_of_string(offer->password),
                               reload_writer_written(&writer), no_ice, got);
}

START_TEST(comes_back_best_first)
{
    struct reload_offer offer = {.candidate_count = 3}, got;
    offer.candidates[0] = candidate(3, 10, "192.0.2.1:6084");
    offer.candidates[1] = candidate(4, 30, "192.0.2.1:6085");
    offer.candidates[2] = candidate(3, 20, "127.0.0.1:6086");
    ck_assert_int_eq(round_trip(&offer, true, &got), 0);
    ck_assert_uint_eq(got.candidate_count, 3);
    ck_assert_uint_eq(got.candidates[0].address.port, 6085);
    ck_assert_uint_eq(got.candidates[1].address.port, 6086);
    ck_assert_mem_eq(&got.candidates[2], &offer.candidates[0], sizeof offer.candidates[0]);
}
END_TEST

START_TEST(addresses_of_nobody_are_left_out)
{
    const char *bad[] = {"0.0.0.0:1", "224.0.0.1:1", "255.255.255.255:1", "192.0.2.1:0"};
    for (size_t i = 0; i < 4; i++) {
        struct reload_offer offer = {.candidate_count = 2}, got;
        offer.candidates[0] = candidate(3, 20, bad[i]);
        offer.candidates[1] = candidate(3, 10, "192.0.2.1:6084");
        ck_assert_int_eq(round_trip(&offer, true, &got), 0);
        ck_assert_uint_eq(got.candidate_count, 1);
        offer.candidate_count = 1;
        ck_assert_int_eq(round_trip(&offer, true, &got), RELOAD_E_MALFORMED);
    }
}
END_TEST

/* IPv6: unspecified, multicast, link-local, and IPv4 in its guise. */
START_TEST(addresses_of_nobody_are_left_out_in_ipv6)
{
    static const struct {
        uint8_t octets[16];
        size_t kept;
    } rows[] = {{{0}, 0},
                {{0xff, 2, [15] = 1}, 0},
                {{0xff, 0xe, [15] = 1}, 0},
                {{0xfe, 0x80, [15] = 1}, 0},
                {{0xfe, 0xbf, [15] = 1}, 0},
                {{[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1}, 0},
                {{0xfe, 0xc0, [15] = 1}, 1},
                {{0xfd, [15] = 1}, 1},
                {{[15] = 1}, 1},
                {{0x20, 1, 0xd, 0xb8, [15] = 1}, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct reload_offer offer = {.candidate_count = 2}, got;
        offer.candidates[0] = candidate(3, 20, "192.0.2.1:6084");
        offer.candidates[1] = offer.candidates[0];
        offer.candidates[0].address.family = 6;
        memcpy(offer.candidates[0].address.octets, rows[i].octets, 16);
        ck_assert_int_eq(round_trip(&offer, true, &got), 0);
        ck_assert_uint_eq(got.candidate_count, 1 + rows[i].kept);
    }
}
END_TEST

/* RFC 6940 6.5.1.1: the foundation is ICE's production, 1*32ice-char. */
START_TEST(foundations_are_of_ices_form)
{
    static const struct {
        const char *foundation;
        size_t ice, no_ice; /* candidates that are kept */
    } rows[] = {{"1", 1, 1}, {"aZ09+/", 1, 1},  {"12345678901234567890123456789012", 1, 1},
                {"", 0, 1},  {"a b", 0, 0},     {"a\r\nb", 0, 0},
                {"-", 0, 0}, {"\xc3\xa4", 0, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int no_ice = 0; no_ice < 2; no_ice++) {
            struct reload_offer offer = {.candidate_count = 2}, got;
            strcpy(offer.ufrag, no_ice ? "" : "abcd");
            strcpy(offer.password, no_ice ? "" : "abcdefghijklmnopqrstuv");
            for (size_t k = 0; k < 2; k++)
                offer.candidates[k] = candidate(no_ice ? 3 : 1, 20, "192.0.2.1:6084");
            strcpy(offer.candidates[0].foundation, rows[i].foundation);
            ck_assert_int_eq(round_trip(&offer, no_ice, &got), 0);
            ck_assert_uint_eq(got.candidate_count, 1 + (no_ice ? rows[i].no_ice : rows[i].ice));
        }
}
END_TEST

START_TEST(foundations_with_nul_or_too_long)
{
    for (size_t size = 3; size <= 33; size += 30) {
        uint8_t data[1024];
        struct reload_writer writer = reload_writer_of(data, sizeof data);
        struct reload_bytes none = {0};
        const char *text = size == 3 ? "a\0b" : "123456789012345678901234567890123";
        struct reload_ice_candidate value = {
            .foundation = {(const uint8_t *)text, size},
            .overlay_link = 3,
            .priority = 1,
            .type = RELOAD_CAND_TYPE_HOST,
            .addr_port = {.type = RELOAD_ADDRESS_TYPE_IPV4_ADDRESS,
                          .v4addr_port = {.addr = 0xc0000201, .port = 6084}}};
        reload_ice_candidate_encode(&writer, &wire, &value);
        ck_assert(!writer.failed);
        struct reload_offer got;
        ck_assert_int_eq(
            reload_offer_decode(&wire, none, none, reload_writer_written(&writer), true, &got),
            RELOAD_E_MALFORMED);
    }
}
END_TEST

START_TEST(unknown_types_are_left_out)
{
    struct reload_offer offer = {.candidate_count = 2}, got;
    offer.candidates[0] = candidate(77, 20, "192.0.2.1:1");
    offer.candidates[1] = candidate(3, 10, "192.0.2.1:6084");
    ck_assert_int_eq(round_trip(&offer, true, &got), 0);
    ck_assert_uint_eq(got.candidate_count, 1);
    offer.candidates[0] = candidate(3, 0, "192.0.2.1:1"); /* priority 0 */
    ck_assert_int_eq(round_trip(&offer, true, &got), 0);
    ck_assert_uint_eq(got.candidate_count, 1);
}
END_TEST

/* CandType 0, 3 (reserved) and beyond: what follows it is not known, so the list cannot be read. */
START_TEST(unknown_candidate_types_are_refused)
{
    for (unsigned type = 0; type < 256; type++) {
        uint8_t data[256];
        struct reload_writer writer = reload_writer_of(data, sizeof data);
        struct reload_offer one = {.candidate_count = 1}, got;
        struct reload_bytes none = {0};
        one.candidates[0] = candidate(3, 1, "192.0.2.1:6084");
        reload_offer_encode(&writer, &wire, &one);
        ck_assert(!writer.failed);
        ck_assert_uint_eq(data[TYPE_AT], RELOAD_CAND_TYPE_HOST);
        data[TYPE_AT] = (uint8_t)type;
        int error =
            reload_offer_decode(&wire, none, none, reload_writer_written(&writer), true, &got);
        ck_assert_int_eq(error, type == RELOAD_CAND_TYPE_HOST ? 0 : RELOAD_E_MALFORMED);
    }
}
END_TEST

START_TEST(ice_and_no_ice_do_not_mix)
{
    struct reload_offer offer = {.candidate_count = 2,
                                 .ufrag = "abcd",
                                 .password = "abcdefghijklmnopqrstuv"},
                        got;
    offer.candidates[0] = candidate(1, 20, "192.0.2.1:1");
    offer.candidates[1] = candidate(3, 10, "192.0.2.1:2");
    ck_assert_int_eq(round_trip(&offer, true, &got), RELOAD_E_MALFORMED);
    ck_assert_int_eq(round_trip(&offer, false, &got), RELOAD_E_MALFORMED);
    offer.candidate_count = 1;
    ck_assert_int_eq(round_trip(&offer, false, &got), 0);
    ck_assert_str_eq(got.ufrag, "abcd");
    ck_assert_int_eq(round_trip(&offer, true, &got), RELOAD_E_MALFORMED);
}
END_TEST

START_TEST(credentials_are_of_ices_form)
{
    const char *ufrags[] = {"", "abc", "ab d", "abc\n"};
    for (size_t i = 0; i < 4; i++) {
        struct reload_offer offer = {.candidate_count = 1, .password = "abcdefghijklmnopqrstuv"};
        struct reload_offer got;
        strcpy(offer.ufrag, ufrags[i]);
        offer.candidates[0] = candidate(1, 20, "192.0.2.1:1");
        ck_assert_int_eq(round_trip(&offer, false, &got), RELOAD_E_MALFORMED);
        strcpy(offer.ufrag, "abcd");
        strcpy(offer.password, "tooshort");
        ck_assert_int_eq(round_trip(&offer, false, &got), RELOAD_E_MALFORMED);
    }
}
END_TEST

/* A long list costs no more than its bytes; the best are kept. */
START_TEST(keeps_the_best_of_many)
{
    uint8_t data[65536];
    struct reload_writer writer = reload_writer_of(data, sizeof data);
    for (uint32_t i = 1; i <= 1000; i++) {
        struct reload_offer one = {.candidate_count = 1};
        one.candidates[0] = candidate(3, i, "192.0.2.1:6084");
        reload_offer_encode(&writer, &wire, &one);
    }
    ck_assert(!writer.failed);
    struct reload_offer got;
    struct reload_bytes none = {0};
    ck_assert_int_eq(
        reload_offer_decode(&wire, none, none, reload_writer_written(&writer), true, &got), 0);
    ck_assert_uint_eq(got.candidate_count, RELOAD_CANDIDATES_MAX);
    for (uint32_t i = 0; i < RELOAD_CANDIDATES_MAX; i++)
        ck_assert_uint_eq(got.candidates[i].priority, 1000 - i);
}
END_TEST

/* D34: a host candidate says where STUN is answered; others have no business to. */
START_TEST(stun_port)
{
    struct reload_offer offer = {.candidate_count = 2}, got;
    offer.candidates[0] = candidate(3, 20, "192.0.2.1:6084");
    offer.candidates[0].stun_port = 3478;
    offer.candidates[1] = candidate(3, 10, "192.0.2.1:6084");
    offer.candidates[1].type = 2;
    offer.candidates[1].related = offer.candidates[0].address;
    offer.candidates[1].stun_port = 3478;
    ck_assert_int_eq(round_trip(&offer, true, &got), 0);
    ck_assert_uint_eq(got.candidate_count, 2);
    ck_assert_uint_eq(got.candidates[0].stun_port, 3478);
    ck_assert_uint_eq(got.candidates[1].stun_port, 0);
}
END_TEST

/* Candidates with these extensions keep their addresses, whatever the extensions are. */
static uint16_t
port_of(const struct reload_ice_extension *given, size_t count, uint8_t type)
{
    uint8_t data[256], extensions[128];
    struct reload_writer writer = reload_writer_of(extensions, sizeof extensions);
    for (size_t i = 0; i < count; i++)
        reload_ice_extension_encode(&writer, &wire, &given[i]);
    struct reload_ice_candidate value = {.overlay_link = 3,
                                         .priority = 1,
                                         .type = type,
                                         .extensions = reload_writer_written(&writer)};
    value.addr_port.type = value.rel_addr_port.type = RELOAD_ADDRESS_TYPE_IPV4_ADDRESS;
    value.addr_port.v4addr_port.addr = value.rel_addr_port.v4addr_port.addr = 0xc0000201;
    value.addr_port.v4addr_port.port = value.rel_addr_port.v4addr_port.port = 6084;
    writer = reload_writer_of(data, sizeof data);
    reload_ice_candidate_encode(&writer, &wire, &value);
    ck_assert(!writer.failed);
    struct reload_offer got;
    struct reload_bytes none = {0};
    ck_assert_int_eq(
        reload_offer_decode(&wire, none, none, reload_writer_written(&writer), true, &got), 0);
    ck_assert_uint_eq(got.candidate_count, 1);
    return got.candidates[0].stun_port;
}

START_TEST(malformed_stun_ports_are_ignored)
{
    const struct reload_bytes name = reload_bytes_of_string(RELOAD_OFFER_STUN_PORT);
    const uint8_t octets[] = {0x0d, 0x96, 0x00};
    const struct reload_ice_extension foreign = {reload_bytes_of_string("x"), {octets, 2}};
    const struct reload_ice_extension good = {name, {octets, 2}};
    const struct reload_ice_extension bad[] = {
        {name, {octets, 0}},
        {name, {octets, 1}},
        {name, {octets, 3}},
        {reload_bytes_of_string("reload-stun-por"), {octets, 2}},
        {reload_bytes_of_string(""), {octets, 2}},
    };
    ck_assert_uint_eq(port_of((const struct reload_ice_extension[]){foreign, good}, 2, 1), 3478);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_uint_eq(port_of(&bad[i], 1, 1), 0);
    ck_assert_uint_eq(port_of(&good, 1, 2), 0); /* not of a host */
    ck_assert_uint_eq(port_of((const struct reload_ice_extension[]){bad[1], good}, 2, 1), 0);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("offer", comes_back_best_first, addresses_of_nobody_are_left_out,
                     addresses_of_nobody_are_left_out_in_ipv6, foundations_are_of_ices_form,
                     foundations_with_nul_or_too_long, unknown_types_are_left_out,
                     unknown_candidate_types_are_refused, ice_and_no_ice_do_not_mix,
                     credentials_are_of_ices_form, keeps_the_best_of_many, stun_port,
                     malformed_stun_ports_are_ignored);
}
