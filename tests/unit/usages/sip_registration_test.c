/* sip_registration_test.c: SipRegistrations between bytes and meaning, GRUUs, the Kind's checks.
 *
 * RFC 7904 3.2, 3.3, 6. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/sip_registration.h"

#include "reload/base/prng.h"
#include "tests/suite.h"

#include <stdio.h>
#include <string.h>

static const struct reload_wire wire = {.node_id_length = 16};

/* The values inside of the vectors stored_data_dict_sip_route and stored_data_dict_sip_uri, made by
 * danpascu/reload. */
static const uint8_t route_value[] = {0x02, 0x00, 0x16, 0x00, 0x00, 0x00, 0x12, 0x01, 0x10,
                                      0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8,
                                      0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf};
static const uint8_t uri_value[] = "\x01\x00\x1c\x00\x1asip:alice@home.example.net";
static const uint8_t key[16] = {0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7,
                                0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf};

static struct reload_bytes
bytes(const void *data, size_t size)
{
    return (struct reload_bytes){data, size};
}

static int
check(const void *data, size_t size)
{
    return reload_sip_registration_check(&wire, bytes(key, sizeof key), bytes(data, size));
}

START_TEST(vectors)
{
    struct reload_sip_mapping mapping;
    ck_assert_int_eq(
        reload_sip_registration_read(&wire, bytes(route_value, sizeof route_value), &mapping), 0);
    ck_assert(mapping.is_route);
    ck_assert_mem_eq(mapping.destination.node_id.octets, key, sizeof key);
    ck_assert_uint_eq(mapping.application, RELOAD_APPLICATION_SIP);
    ck_assert_int_eq(check(route_value, sizeof route_value), 0);
    ck_assert_int_eq(
        reload_sip_registration_read(&wire, bytes(uri_value, sizeof uri_value - 1), &mapping), 0);
    ck_assert(!mapping.is_route);
    ck_assert_str_eq(mapping.aor.text, "alice@home.example.net");
    ck_assert_int_eq(check(uri_value, sizeof uri_value - 1), 0);
}
END_TEST

START_TEST(written_as_the_vectors)
{
    uint8_t buffer[RELOAD_SIP_REGISTRATION_MAX];
    struct reload_writer writer = reload_writer_of(buffer, sizeof buffer);
    struct reload_node_id node_id = reload_node_id_of(bytes(key, sizeof key));
    struct reload_sip_destination self = reload_sip_destination_of_node(&wire, &node_id);
    reload_sip_registration_write_route(&writer, &wire, &self, "");
    ck_assert(!writer.failed);
    ck_assert_uint_eq(writer.size, sizeof route_value);
    ck_assert_mem_eq(buffer, route_value, sizeof route_value);
    struct reload_aor aor;
    ck_assert_int_eq(reload_aor_parse(reload_bytes_of_string("bob@x.example"), &aor), 0);
    writer = reload_writer_of(buffer, sizeof buffer);
    reload_sip_registration_write_uri(&writer, &wire, &aor);
    ck_assert_uint_eq(writer.size, 18);
    ck_assert_mem_eq(buffer,
                     "\x01\x00\x0f\x00\x0d"
                     "bob@x.example",
                     18);
    struct reload_route route = reload_sip_destination_route(&wire, &self);
    ck_assert_uint_eq(route.count, 1);
    ck_assert_mem_eq(route.entries[0].destination_data.node_id.octets, key, sizeof key);
}
END_TEST

/* 7904-5.1-06, 7904-5.1-08: a callee that wants SIPS. */
START_TEST(preferences)
{
    static const struct {
        const char *prefs;
        uint16_t application;
    } rows[] = {{"", 5060},
                {"(sip.schemes=SIP)", 5060},
                {"(sip.schemes=SIPS)", 5061},
                {"(& (sip.audio=TRUE) (SIP.schemes=sips))", 5061}};
    struct reload_node_id node_id = reload_node_id_of(bytes(key, sizeof key));
    struct reload_sip_destination self = reload_sip_destination_of_node(&wire, &node_id);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t buffer[RELOAD_SIP_REGISTRATION_MAX];
        struct reload_writer writer = reload_writer_of(buffer, sizeof buffer);
        struct reload_sip_mapping mapping;
        reload_sip_registration_write_route(&writer, &wire, &self, rows[i].prefs);
        ck_assert_int_eq(
            reload_sip_registration_read(&wire, reload_writer_written(&writer), &mapping), 0);
        ck_assert_uint_eq(mapping.application, rows[i].application);
    }
}
END_TEST

/* Attack row U4. */
START_TEST(malformed_is_refused)
{
    static const struct {
        const char *octets;
        size_t size;
    } rows[] = {
        {"\x02\x00\x02\x00\x00", 5},                 /* no destination list */
        {"\x02\x00\x06\x00\x00\x00\x02\x80\x01", 9}, /* list shorter than 3 */
        {"\x02\x00\x04\x00\x00\x00\x00", 7},         /* empty list */
        {"\x01\x00\x02\x00\x00", 5},                 /* empty URI */
        {"\x01\x00\x07\x00\x05"
         "alice",
         10}, /* no AOR */
        {"\x01\x00\x0f\x00\x0e"
         "bob@x.example",
         18}, /* inner length lies */
        {"\x01\x00\x10\x00\x0d"
         "bob@x.example",
         18}, /* outer length lies */
        {"\x01\x00\x0f\x00\x0d"
         "bob@x.example!",
         19},                                                 /* more behind it */
        {"\x00\x00\x00", 3},                                  /* no type is 0 */
        {"\x02\x00\x0a\x00\x00\x00\x06\x02\x04\x03zzz", 13},  /* ends in a Resource-ID */
        {"\x02\x00\x08\x00\x00\x00\x04\x80\x01\x80\x02", 11}, /* ends in opaque IDs */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_msg(check(rows[i].octets, rows[i].size) == RELOAD_E_MALFORMED, "row %zu", i);
    for (size_t size = 0; size < sizeof route_value; size++)
        ck_assert_int_eq(check(route_value, size), RELOAD_E_MALFORMED);
    for (size_t size = 0; size < sizeof uri_value - 1; size++)
        ck_assert_int_eq(check(uri_value, size), RELOAD_E_MALFORMED);
    /* A type of the future passes ("this type can be extended"), but tells nothing. */
    struct reload_sip_mapping mapping;
    struct reload_bytes future = bytes("\x07\x00\x02hi", 5);
    ck_assert_int_eq(check(future.data, future.size), 0);
    ck_assert_int_eq(reload_sip_registration_read(&wire, future, &mapping), RELOAD_E_NOT_FOUND);
    /* A key that is no Node-ID. */
    ck_assert_int_eq(reload_sip_registration_check(&wire, bytes(key, 15),
                                                   bytes(route_value, sizeof route_value)),
                     RELOAD_E_MALFORMED);
}
END_TEST

/* D20: nobody and anybody cannot be called; more entries than a route holds neither. */
START_TEST(destinations)
{
    uint8_t list[18 * 9];
    struct reload_sip_destination destination;
    for (size_t i = 0; i < 9; i++) {
        memcpy(list + 18 * i, "\x01\x10", 2);
        memcpy(list + 18 * i + 2, key, sizeof key);
    }
    ck_assert_int_eq(reload_sip_destination_parse(&wire, bytes(list, 18 * 8), &destination), 0);
    ck_assert_uint_eq(reload_sip_destination_route(&wire, &destination).count, 8);
    ck_assert_int_eq(reload_sip_destination_parse(&wire, bytes(list, 18 * 9), &destination),
                     RELOAD_E_MALFORMED);
    memset(list + 2, 0, 16);
    ck_assert_int_eq(reload_sip_destination_parse(&wire, bytes(list, 18), &destination),
                     RELOAD_E_MALFORMED);
    memset(list + 2, 0xff, 16);
    ck_assert_int_eq(reload_sip_destination_parse(&wire, bytes(list, 18), &destination),
                     RELOAD_E_MALFORMED);
    /* A compressed opaque ID in front of the node is a peer's own business. */
    memcpy(list, "\x80\x05\x01\x10", 4);
    memcpy(list + 4, key, sizeof key);
    ck_assert_int_eq(reload_sip_destination_parse(&wire, bytes(list, 20), &destination), 0);
    ck_assert_mem_eq(destination.node_id.octets, key, sizeof key);
}
END_TEST

START_TEST(gruu)
{
    struct reload_node_id node_id = reload_node_id_of(bytes(key, sizeof key));
    struct reload_sip_destination self = reload_sip_destination_of_node(&wire, &node_id), found;
    char parameter[RELOAD_SIP_GRUU_PARAMETER_MAX], uri[400];
    reload_sip_gruu_format(&self, parameter);
    ck_assert_str_eq(parameter, "ARCgoaKjpKWmp6ipqqusra6v");
    snprintf(uri, sizeof uri, "sip:a;gr=no@x.example;lr;gr=%s;transport=tls", parameter);
    ck_assert_int_eq(reload_sip_gruu_parse(&wire, reload_bytes_of_string(uri), &found), 0);
    ck_assert_mem_eq(found.node_id.octets, key, sizeof key);
    struct reload_sip_mapping mapping;
    uint8_t value[400];
    struct reload_writer writer = reload_writer_of(value, sizeof value);
    reload_writer_u8(&writer, 1);
    reload_writer_u16(&writer, (uint16_t)(strlen(uri) + 2));
    reload_writer_vector(&writer, 2, reload_bytes_of_string(uri));
    ck_assert_int_eq(reload_sip_registration_read(&wire, reload_writer_written(&writer), &mapping),
                     0);
    ck_assert(mapping.is_route);
}
END_TEST

START_TEST(bad_gruus)
{
    static const char *const none[] = {"sip:a@x.example", "sip:a@x.example;gr",
                                       "sip:a@x.example;gr=", "sip:a@x.example;lr;great=ARCg"};
    static const char *const bad[] = {
        "gr=ARCgoaKjpKWmp6ipqqusra6",  /* not whole groups */
        "gr=ARCgoaKjpKWmp6ipqqusra6=", /* "=" is not its padding */
        "gr=ARCgoaKjpKWmp6ipqqusra~v", /* padding inside */
        "gr=~~~~",
        "gr=A~~~",
        "gr=AgQDenp6",                     /* a Resource-ID */
        "gr=AA~~",                         /* one octet */
        "gr=AB~~",                         /* bits behind the end */
        "gr=MDEyMzQ1Njc4OTAxMjM0NTY3ODk~", /* the RFC's example: digits, no destination list */
        "gr=!!!!",
    };
    struct reload_sip_destination found;
    char uri[200];
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        ck_assert_msg(reload_sip_gruu_parse(&wire, reload_bytes_of_string(none[i]), &found) ==
                          RELOAD_E_NOT_FOUND,
                      "%s", none[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(uri, sizeof uri, "sip:a@x.example;%s", bad[i]);
        ck_assert_msg(reload_sip_gruu_parse(&wire, reload_bytes_of_string(uri), &found) ==
                          RELOAD_E_MALFORMED,
                      "%s", uri);
    }
}
END_TEST

/* Whatever is read as a GRUU is written as the same. */
START_TEST(gruu_round_trip)
{
    struct reload_prng prng = reload_prng_of(7904);
    for (unsigned i = 0; i < 2000; i++) {
        struct reload_sip_destination destination = {.size = 0}, found;
        uint8_t opaque = (uint8_t)reload_prng_below(&prng, 4);
        for (uint8_t k = 0; k < opaque; k++) {
            destination.list[destination.size++] = 0x80;
            destination.list[destination.size++] = (uint8_t)reload_prng_next(&prng);
        }
        memcpy(destination.list + destination.size, "\x01\x10", 2);
        reload_prng_fill(&prng, destination.list + destination.size + 2, 16);
        destination.size += 18;
        char parameter[RELOAD_SIP_GRUU_PARAMETER_MAX], uri[400];
        reload_sip_gruu_format(&destination, parameter);
        snprintf(uri, sizeof uri, "sip:a@x.example;gr=%s", parameter);
        ck_assert_int_eq(reload_sip_gruu_parse(&wire, reload_bytes_of_string(uri), &found), 0);
        ck_assert_uint_eq(found.size, destination.size);
        ck_assert_mem_eq(found.list, destination.list, found.size);
    }
}
END_TEST

/* Attack row U1, 7904-3.3-02: who may register at all. */
START_TEST(permit)
{
    struct reload_config config = {.instance_name = "dht.example.com"};
    struct reload_identity signer = {.user_name = "alice@elsewhere.example"};
    ck_assert_int_eq(reload_sip_registration_permit(&config, &signer), 0);
    config.domain_restrictions_present = true;
    ck_assert_int_eq(reload_sip_registration_permit(&config, &signer), RELOAD_E_FORBIDDEN);
    strcpy(signer.user_name, "alice@dht.example.com");
    ck_assert_int_eq(reload_sip_registration_permit(&config, &signer), 0);
    strcpy(signer.user_name, "dht.example.com");
    ck_assert_int_eq(reload_sip_registration_permit(&config, &signer), RELOAD_E_FORBIDDEN);
    signer.user_name[0] = '\0';
    ck_assert_int_eq(reload_sip_registration_permit(&config, &signer), RELOAD_E_FORBIDDEN);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("sip_registration", vectors, written_as_the_vectors, preferences,
                     malformed_is_refused, destinations, gruu, bad_gruus, gruu_round_trip, permit);
}
