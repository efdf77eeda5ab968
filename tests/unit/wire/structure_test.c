/* structure_test.c: single structures that must be refused, and those that must survive although
 * nobody here knows them.
 *
 * RFC 6940, RFC 7904. SPDX-License-Identifier: BSD-2-Clause */
#include <check.h>
#include <stdlib.h>

#include "reload/wire/structures.h"
#include "reload/wire/wire.h"

static struct reload_wire_error wire_error;
static const struct reload_wire wire = {.node_id_length = 16, .error = &wire_error};

/* Reads all of |size| octets as the structure |name|, from memory of that size. What is accepted
 * must encode to the same octets. */
static int
decode(const char *name, const void *octets, size_t size)
{
    const struct reload_structure *structure = reload_structure_find(name);
    struct reload_structure_value value;
    ck_assert_ptr_nonnull(structure);
    uint8_t *copy = malloc(2 * size + 1);
    ck_assert_ptr_nonnull(copy);
    uint8_t *exact = malloc(size ? size : 1);
    ck_assert_ptr_nonnull(exact);
    memcpy(exact, octets, size);
    struct reload_reader reader = reload_reader_of((struct reload_bytes){exact, size});
    int error = structure->decode(&reader, &wire, RELOAD_DATA_MODEL_SINGLE_VALUE, &value);
    if (error == 0 && reload_reader_left(&reader))
        error = RELOAD_E_TRAILING;
    if (error == 0) {
        struct reload_writer writer = reload_writer_of(copy, size);
        structure->encode(&writer, &wire, &value);
        ck_assert(!writer.failed);
        ck_assert_uint_eq(writer.size, size);
        ck_assert_mem_eq(copy, octets, size);
    }
    free(copy);
    free(exact);
    return error;
}

#define DECODE(name, octets) decode(name, octets, sizeof octets - 1)

/* P22 */
START_TEST(framed_messages)
{
    ck_assert_int_eq(DECODE("FramedMessage", "\x80\0\0\0\1\0\0\2hi"), 0);
    ck_assert_int_eq(DECODE("FramedMessage", "\x80\0\0\0\1\0\0\0"), 0);
    ck_assert_int_eq(DECODE("FramedMessage", "\x81\0\0\0\1\0\0\0\2"), 0);
    ck_assert_int_ne(DECODE("FramedMessage", "\x82\0\0\0\1\0\0\0\2"), 0);
    ck_assert_int_ne(DECODE("FramedMessage", "\x7f\0\0\0\1\0\0\0"), 0);
    ck_assert_int_ne(DECODE("FramedMessage", "\0\0\0\0\1\0\0\0"), 0);
    ck_assert_int_ne(DECODE("FramedMessage", "\x80\0\0\0\1\xff\xff\xffhi"), 0);
    ck_assert_int_eq(DECODE("FramedMessage", "\x81\0\0\0\1\0\0\0\2x"), RELOAD_E_TRAILING);
}
END_TEST

/* P23: RFC6940-6.3.1.1-01: the length must fit the type; other types are skipped by it. */
START_TEST(addresses)
{
    ck_assert_int_eq(DECODE("IpAddressPort", "\1\6\xc0\0\2\1\x17\xc4"), 0);
    ck_assert_int_ne(DECODE("IpAddressPort", "\1\5\xc0\0\2\1\x17"), 0);
    ck_assert_int_eq(DECODE("IpAddressPort", "\1\7\xc0\0\2\1\x17\xc4x"), RELOAD_E_TRAILING);
    ck_assert_int_ne(DECODE("IpAddressPort", "\1\x12\xc0\0\2\1\x17\xc4"), 0);
    ck_assert_int_ne(DECODE("IpAddressPort", "\2\6\xc0\0\2\1\x17\xc4"), 0);
    ck_assert_int_ne(DECODE("IpAddressPort", "\0\6\xc0\0\2\1\x17\xc4"), 0);
    ck_assert_int_eq(DECODE("IpAddressPort", "\7\3abc"), 0);
    ck_assert_int_eq(DECODE("IpAddressPort", "\7\0"), 0);
}
END_TEST

/* P24: the sizes that the structure itself allows; what ICE allows is the core's to check. */
START_TEST(attaches)
{
    static const char candidates[] = "\0\0\7passive"
                                     "\0\x13\1\6\x7f\0\0\1\x17\xc4\4\1"
                                     "1\0\0\0\1\1\0\0"
                                     "\0";
    uint8_t octets[64 + sizeof candidates];
    size_t size = sizeof candidates - 1;
    memcpy(octets, candidates, size);
    ck_assert_int_ne(decode("AttachReqAns", octets, size), 0);
    octets[11] = 0x12; /* the candidates' length was one too many */
    ck_assert_int_eq(decode("AttachReqAns", octets, size), 0);
    octets[size - 4] = 3; /* CandType 3 is reserved: no length to skip it by */
    ck_assert_int_ne(decode("AttachReqAns", octets, size), 0);
    octets[size - 4] = 1;
    octets[2] = 200; /* a role of 200 octets */
    ck_assert_int_ne(decode("AttachReqAns", octets, size), 0);
    octets[2] = 7;
    octets[size - 1] = 2; /* send_update */
    ck_assert_int_eq(decode("AttachReqAns", octets, size), RELOAD_E_MALFORMED);
}
END_TEST

/* P26 */
START_TEST(pings_and_probes)
{
    uint8_t *padding = calloc(1, 65537 + 1);
    ck_assert_ptr_nonnull(padding);
    padding[0] = padding[1] = 0xff;
    ck_assert_int_eq(decode("PingReq", padding, 65537), 0);
    ck_assert_int_eq(decode("PingReq", padding, 65536), RELOAD_E_TRUNCATED);
    ck_assert_int_eq(decode("PingReq", padding, 65538), RELOAD_E_TRAILING);
    memset(padding, 99, 256); /* 255 unknown kinds of information */
    padding[0] = 255;
    ck_assert_int_eq(decode("ProbeReq", padding, 256), 0);
    padding[200] = 0;
    ck_assert_int_eq(decode("ProbeReq", padding, 256), RELOAD_E_MALFORMED);
    free(padding);
    ck_assert_int_eq(DECODE("ProbeAns", "\0\6\1\4\0\0\0\5"), 0);
    ck_assert_int_eq(DECODE("ProbeAns", "\0\5\x63\3abc"), 0);
    ck_assert_int_ne(DECODE("ProbeAns", "\0\5\1\3abc"), 0);
}
END_TEST

/* P27: specifiers whose lengths lie. */
START_TEST(specifiers)
{
    /* Kind 16 (array), generation 0, 10 octets: one range */
    static const char range[] = "\0\0\0\x10\0\0\0\0\0\0\0\0\0\x0a\0\x08\0\0\0\0\xff\xff\xff\xff";
    uint8_t octets[sizeof range];
    memcpy(octets, range, sizeof range);
    size_t size = sizeof range - 1;
    ck_assert_int_eq(decode("StoredDataSpecifier", octets, size), 0);
    octets[15] = 7; /* no whole range */
    ck_assert_int_ne(decode("StoredDataSpecifier", octets, size), 0);
    octets[15] = 0;
    ck_assert_int_eq(decode("StoredDataSpecifier", octets, size), RELOAD_E_TRAILING);
    octets[15] = 9;
    ck_assert_int_ne(decode("StoredDataSpecifier", octets, size), 0);
    octets[15] = 8;
    octets[13] = 9;
    ck_assert_int_ne(decode("StoredDataSpecifier", octets, size), 0);
    octets[3] = 2; /* Kind 2 is a single value: its specifier is empty */
    octets[13] = 10;
    ck_assert_int_eq(decode("StoredDataSpecifier", octets, size), RELOAD_E_TRAILING);
}
END_TEST

/* D21: an unknown Kind never fails the decoder, what it holds is kept as it is. */
START_TEST(unknown_kinds)
{
    struct reload_store_kind_data data;
    static const char octets[] = "\xf0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\3abc";
    ck_assert_int_eq(DECODE("StoredDataSpecifier", "\xf0\0\0\1\0\0\0\0\0\0\0\0\0\3abc"), 0);
    ck_assert_int_eq(DECODE("StoreKindData", octets), 0);
    ck_assert_int_eq(DECODE("StatKindResponse", octets), 0);
    struct reload_reader reader =
        reload_reader_of((struct reload_bytes){(const uint8_t *)octets, sizeof octets - 1});
    ck_assert_int_eq(reload_store_kind_data_decode(&reader, &wire, &data), 0);
    ck_assert_uint_eq(data.model, 0);
    struct reload_stored_data value;
    struct reload_reader list = reload_reader_of(data.values);
    ck_assert(!reload_stored_data_next(&list, &wire, data.model, &value));
}
END_TEST

/* The same Kind as a known one: values that make no sense are refused. */
START_TEST(known_kinds)
{
    ck_assert_int_ne(DECODE("StoreKindData", "\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\3abc"), 0);
    ck_assert_int_eq(DECODE("StoreKindData", "\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0"), 0);
}
END_TEST

static int
private_model(const void *kinds, uint32_t kind_id)
{
    (void)kinds;
    return kind_id == 0xf0000001 ? RELOAD_DATA_MODEL_DICTIONARY : 0;
}

/* The document's Kinds count, not the registered ones, when there is a document. */
START_TEST(private_kinds)
{
    struct reload_wire with = wire;
    with.kind_model = private_model;
    ck_assert_uint_eq(reload_wire_kind_model(&with, 0xf0000001), RELOAD_DATA_MODEL_DICTIONARY);
    ck_assert_uint_eq(reload_wire_kind_model(&with, 1), 0);
    ck_assert_uint_eq(reload_wire_kind_model(&wire, 1), RELOAD_DATA_MODEL_DICTIONARY);
    ck_assert_uint_eq(reload_wire_kind_model(&wire, 2), RELOAD_DATA_MODEL_SINGLE_VALUE);
    ck_assert_uint_eq(reload_wire_kind_model(&wire, 3), RELOAD_DATA_MODEL_ARRAY);
    ck_assert_uint_eq(reload_wire_kind_model(&wire, 16), RELOAD_DATA_MODEL_ARRAY);
    ck_assert_uint_eq(reload_wire_kind_model(&wire, 4), 0);
}
END_TEST

/* P30 */
START_TEST(error_responses)
{
    uint8_t *octets = calloc(1, 65540);
    ck_assert_ptr_nonnull(octets);
    memcpy(octets, "\0\2\xff\xff\x1b[2J\n", 9);
    ck_assert_int_eq(decode("ErrorResponse", octets, 65539), 0);
    ck_assert_int_eq(decode("ErrorResponse", octets, 65538), RELOAD_E_TRUNCATED);
    free(octets);
}
END_TEST

/* U4: RFC 7904 3.2 */
START_TEST(sip_registrations)
{
    ck_assert_int_eq(DECODE("SipRegistration", "\1\0\7\0\5a@b.c"), 0);
    ck_assert_int_eq(DECODE("SipRegistration", "\2\0\x06\0\0\0\2\x80\1"), RELOAD_E_MALFORMED);
    ck_assert_int_eq(DECODE("SipRegistration", "\2\0\x08\0\0\0\4\x80\1\x80\2"), 0);
    ck_assert_int_ne(DECODE("SipRegistration", "\2\0\x07\0\0\0\3\x80\1\x80"), 0);
    ck_assert_int_ne(DECODE("SipRegistration", "\1\0\6\0\5a@b.c"), 0);
    ck_assert_int_ne(DECODE("SipRegistration", "\1\0\x08\0\5a@b.cx"), 0);
    ck_assert_int_eq(DECODE("SipRegistration", "\x09\0\2ab"), 0);
}
END_TEST

/* Node-IDs have the overlay's length. */
START_TEST(node_id_lengths)
{
    uint8_t octets[40] = {0};
    for (uint8_t length = 16; length <= 20; length++) {
        struct reload_wire with = wire;
        struct reload_chord_route_query_ans answer;
        with.node_id_length = length;
        struct reload_reader reader = reload_reader_of((struct reload_bytes){octets, 40});
        ck_assert_int_eq(reload_chord_route_query_ans_decode(&reader, &with, &answer), 0);
        ck_assert_uint_eq(reload_reader_offset(&reader), length);
    }
    struct reload_node_id ones = {{0}};
    memset(ones.octets, 0xff, 16);
    ck_assert(reload_node_id_is_wildcard(&ones, 16));
    ck_assert(!reload_node_id_is_wildcard(&ones, 17));
    ck_assert(!reload_node_id_is_zero(&ones));
    ones = (struct reload_node_id){{0}};
    ck_assert(reload_node_id_is_zero(&ones));
    ck_assert(!reload_node_id_is_wildcard(&ones, 16));
}
END_TEST

/* Every struct of RFC 6940 and RFC 7904 that is not only a variant inside of another. */
START_TEST(all_structures)
{
    static const char *const names[] = {"IPv4AddrPort",
                                        "IPv6AddrPort",
                                        "IpAddressPort",
                                        "ForwardingHeader",
                                        "Destination",
                                        "ForwardingOption",
                                        "MessageExtension",
                                        "MessageContents",
                                        "ErrorResponse",
                                        "GenericCertificate",
                                        "SecurityBlock",
                                        "SignerIdentity",
                                        "Signature",
                                        "JoinReq",
                                        "JoinAns",
                                        "LeaveReq",
                                        "RouteQueryReq",
                                        "ProbeReq",
                                        "ProbeInformation",
                                        "ProbeAns",
                                        "IceExtension",
                                        "IceCandidate",
                                        "AttachReqAns",
                                        "AppAttachReq",
                                        "AppAttachAns",
                                        "PingReq",
                                        "PingAns",
                                        "ConfigUpdateReq",
                                        "ConfigUpdateAns",
                                        "FramedMessage",
                                        "StoredData",
                                        "DataValue",
                                        "StoredDataValue",
                                        "ArrayEntry",
                                        "DictionaryEntry",
                                        "StoreKindData",
                                        "StoreReq",
                                        "StoreKindResponse",
                                        "StoreAns",
                                        "ArrayRange",
                                        "StoredDataSpecifier",
                                        "FetchReq",
                                        "FetchKindResponse",
                                        "FetchAns",
                                        "StatReq",
                                        "MetaData",
                                        "ArrayEntryMeta",
                                        "DictionaryEntryMeta",
                                        "MetaDataValue",
                                        "StoredMetaData",
                                        "StatKindResponse",
                                        "StatAns",
                                        "FindReq",
                                        "FindKindData",
                                        "FindAns",
                                        "TurnServer",
                                        "ChordUpdate",
                                        "ChordRouteQueryAns",
                                        "ChordLeaveData",
                                        "SipRegistration"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        ck_assert_msg(reload_structure_find(names[i]) != NULL, "%s is missing", names[i]);
}
END_TEST

START_TEST(names)
{
    ck_assert_str_eq(reload_message_code_name(RELOAD_MESSAGE_STORE_REQ), "store_req");
    ck_assert_str_eq(reload_error_code_name(RELOAD_ERROR_TTL_EXCEEDED), "TTL_Exceeded");
    ck_assert_str_eq(reload_message_code_name(0x7777), "unknown");
    ck_assert_str_eq(reload_overlay_link_type_name(3), "DTLS-UDP-SR-NO-ICE");
    ck_assert_ptr_null(reload_structure_find("Nothing"));
    ck_assert_ptr_null(reload_structure_of_message(5));
    ck_assert_str_eq(reload_structure_of_message(RELOAD_MESSAGE_UPDATE_REQ)->name, "ChordUpdate");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("structure");
    TCase *tests = tcase_create("all");
    tcase_add_test(tests, framed_messages);
    tcase_add_test(tests, addresses);
    tcase_add_test(tests, attaches);
    tcase_add_test(tests, pings_and_probes);
    tcase_add_test(tests, specifiers);
    tcase_add_test(tests, unknown_kinds);
    tcase_add_test(tests, known_kinds);
    tcase_add_test(tests, private_kinds);
    tcase_add_test(tests, error_responses);
    tcase_add_test(tests, sip_registrations);
    tcase_add_test(tests, node_id_lengths);
    tcase_add_test(tests, all_structures);
    tcase_add_test(tests, names);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
