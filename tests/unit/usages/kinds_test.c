/* kinds_test.c: the Kinds that the usages define, and what their values must look like.
 *
 * RFC 6940 8, 9, 14.6; RFC 7904 7. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/certificate_store.h"
#include "usages/sip.h"
#include "usages/turn_service.h"

#include "tests/suite.h"

#include <string.h>

static const struct reload_wire wire = {.node_id_length = 16};
static const struct reload_bytes none;

/* RFC 6940 14.6 and RFC 7904 9.1, by the registries' words. */
START_TEST(as_registered)
{
    static const struct {
        const struct reload_usage_ops *usage;
        size_t place;
        uint32_t kind;
        const char *name;
        uint8_t data_model, access_policy;
    } rows[] = {
        {&reload_sip_usage, 0, 0x1, "SIP-REGISTRATION", 3, RELOAD_ACCESS_USER_NODE_MATCH},
        {&reload_turn_service_usage, 0, 0x2, "TURN-SERVICE", 1, RELOAD_ACCESS_NODE_MULTIPLE},
        {&reload_certificate_store_usage, 0, 0x3, "CERTIFICATE_BY_NODE", 2,
         RELOAD_ACCESS_NODE_MATCH},
        {&reload_certificate_store_usage, 1, 0x10, "CERTIFICATE_BY_USER", 2,
         RELOAD_ACCESS_USER_MATCH},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_uint_lt(rows[i].place, rows[i].usage->kind_count);
        const struct reload_kind *kind = &rows[i].usage->kinds[rows[i].place];
        ck_assert_uint_eq(kind->kind, rows[i].kind);
        ck_assert_str_eq(kind->name, rows[i].name);
        ck_assert_uint_eq(kind->data_model, rows[i].data_model);
        ck_assert_uint_eq(kind->access_policy, rows[i].access_policy);
        ck_assert_uint_ge(kind->max_count, 1);
        ck_assert_ptr_nonnull(kind->check);
    }
    ck_assert_uint_eq(reload_turn_service_usage.kinds[0].max_node_multiple, 20);
    ck_assert_uint_eq(reload_sip_usage.application_count, 2);
    ck_assert_uint_eq(reload_sip_usage.applications[0], 5060);
    ck_assert_uint_eq(reload_sip_usage.applications[1], 5061);
}
END_TEST

static int
certificate(const char *octets, size_t size)
{
    return reload_certificate_check(&wire, none,
                                    (struct reload_bytes){(const uint8_t *)octets, size});
}

START_TEST(certificates)
{
    static char large[4 + 300] = "\x30\x82\x01\x2c";
    ck_assert_int_eq(certificate("\x30\x03\x02\x01\x05", 5), 0);
    ck_assert_int_eq(certificate("\x30\x81\x03\x02\x01\x05", 6), 0);
    ck_assert_int_eq(certificate(large, sizeof large), 0);
    for (size_t size = 0; size < sizeof large; size++)
        ck_assert_int_eq(certificate(large, size), RELOAD_E_MALFORMED);
    ck_assert_int_eq(certificate("\x31\x03\x02\x01\x05", 5), RELOAD_E_MALFORMED);
    ck_assert_int_eq(certificate("\x30\x02\x02\x01\x05", 5), RELOAD_E_MALFORMED);
    ck_assert_int_eq(certificate("\x30\x80\x02\x01\x05", 5), RELOAD_E_MALFORMED);
    ck_assert_int_eq(certificate("\x30\x85\x00\x00\x00\x00\x01\x05", 8), RELOAD_E_MALFORMED);
    ck_assert_int_eq(certificate("\x30\x84\xff\xff\xff\xff\x05", 7), RELOAD_E_MALFORMED);
}
END_TEST

static int
server(uint8_t iteration, uint8_t type, size_t cut, size_t more)
{
    uint8_t octets[64] = {0};
    struct reload_writer writer = reload_writer_of(octets, sizeof octets - 1);
    reload_writer_u8(&writer, iteration);
    reload_writer_u8(&writer, type);
    reload_writer_u8(&writer, type == 2 ? 18 : 6);
    while (writer.size < (type == 2 ? 21u : 9u))
        reload_writer_u8(&writer, 7);
    return reload_turn_service_check(&wire, none,
                                     (struct reload_bytes){octets, writer.size - cut + more});
}

START_TEST(turn_servers)
{
    ck_assert_int_eq(server(1, 1, 0, 0), 0);
    ck_assert_int_eq(server(20, 2, 0, 0), 0);
    ck_assert_int_eq(server(0, 1, 0, 0), RELOAD_E_MALFORMED);
    ck_assert_int_eq(server(21, 1, 0, 0), RELOAD_E_MALFORMED);
    ck_assert_int_eq(server(1, 3, 0, 0), RELOAD_E_MALFORMED);
    ck_assert_int_eq(server(1, 1, 0, 1), RELOAD_E_MALFORMED);
    for (size_t cut = 1; cut <= 9; cut++)
        ck_assert_int_eq(server(1, 1, cut, 0), RELOAD_E_MALFORMED);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("kinds", as_registered, certificates, turn_servers);
}
