/* message_test.c: forwarding headers and whole messages that must be refused, and their like that
 * must not.
 *
 * RFC 6940 6.3. SPDX-License-Identifier: BSD-2-Clause */
#include <check.h>
#include <stdlib.h>

#include "reload/wire/wire.h"

enum { BUFFER_SIZE = 1 << 17 };

static struct reload_wire_error wire_error;
static const struct reload_wire wire = {.node_id_length = 16, .error = &wire_error};
static uint8_t buffer[BUFFER_SIZE], lists[BUFFER_SIZE];

/* ---- building ---------------------------------------------------------------------------------
 */

static struct reload_destination
node(uint8_t octet)
{
    struct reload_destination destination = {.type = RELOAD_DESTINATION_TYPE_NODE};
    memset(destination.destination_data.node_id.octets, octet, 16);
    return destination;
}

static struct reload_destination
resource(const char *name)
{
    return (struct reload_destination){.type = RELOAD_DESTINATION_TYPE_RESOURCE,
                                       .destination_data.resource_id =
                                           reload_bytes_of_string(name)};
}

static struct reload_destination
compressed(const char *octets)
{
    return (struct reload_destination){.compressed = true,
                                       .type = RELOAD_DESTINATION_TYPE_OPAQUE_ID_TYPE,
                                       .destination_data.opaque_id = {(const uint8_t *)octets, 2}};
}

/* Appends |destination| to the lists' memory. */
static struct reload_bytes
append(struct reload_bytes list, struct reload_destination destination)
{
    struct reload_writer writer = {lists, sizeof lists, list.size, false};
    reload_destination_encode(&writer, &wire, &destination);
    ck_assert(!writer.failed);
    return reload_writer_written(&writer);
}

/* A small message, to be spoiled: a Ping to node 0xbb.... */
static struct reload_message
ping(void)
{
    struct reload_message message = {0};
    message.header = (struct reload_forwarding_header){.relo_token = RELOAD_TOKEN,
                                                       .overlay = 0x9aa32b8d,
                                                       .version = RELOAD_VERSION,
                                                       .ttl = 100,
                                                       .fragment = RELOAD_FRAGMENT_WHOLE,
                                                       .transaction_id = 1};
    message.header.destination_list = append((struct reload_bytes){lists, 0}, node(0xbb));
    message.contents.message_code = RELOAD_MESSAGE_PING_REQ;
    message.contents.message_body = (struct reload_bytes){(const uint8_t *)"\0\0", 2};
    message.security.signature.identity.identity_type = RELOAD_SIGNER_IDENTITY_TYPE_NONE;
    return message;
}

static struct reload_bytes
encode(const struct reload_message *message)
{
    struct reload_writer writer = reload_writer_of(buffer, sizeof buffer);
    reload_message_encode(&writer, &wire, message);
    ck_assert(!writer.failed);
    return reload_writer_written(&writer);
}

/* Decodes a copy of |bytes| in memory of its size; |message| (may be NULL) borrows from |buffer|.
 */
static int
decode(struct reload_bytes bytes, struct reload_message *message)
{
    struct reload_message ignored;
    uint8_t *copy = malloc(bytes.size ? bytes.size : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes.data, bytes.size);
    int error = reload_message_decode((struct reload_bytes){copy, bytes.size}, &wire, &ignored);
    free(copy);
    if (message)
        ck_assert_int_eq(reload_message_decode(bytes, &wire, message), error);
    return error;
}

static int
decode_ping(const struct reload_message *message)
{
    return decode(encode(message), NULL);
}

static void
assert_refused_at(const struct reload_message *message, const char *structure, const char *field)
{
    ck_assert_int_ne(decode_ping(message), 0);
    ck_assert_str_eq(wire_error.structure, structure);
    ck_assert_str_eq(wire_error.field, field);
}

/* ---- whole messages ---------------------------------------------------------------------------
 */

START_TEST(good_message)
{
    struct reload_message message = ping(), found;
    struct reload_bytes bytes = encode(&message);
    ck_assert_int_eq(decode(bytes, &found), 0);
    ck_assert_uint_eq(found.header.length, bytes.size);
    ck_assert_uint_eq(found.contents.message_code, RELOAD_MESSAGE_PING_REQ);
    ck_assert(reload_security_block_equal(&found.security, &message.security));
}
END_TEST

/* The parts that a signature covers are where they stand in the message. RFC6940-6.3.4-06 */
START_TEST(signed_parts)
{
    struct reload_message message = ping(), found;
    message.header.transaction_id = 0x0102030405060708;
    ck_assert_int_eq(decode(encode(&message), &found), 0);
    uint8_t head[RELOAD_MESSAGE_SIGNED_HEAD_SIZE];
    struct reload_bytes parts[RELOAD_MESSAGE_SIGNED_PARTS];
    reload_message_signed_parts(&found, head, parts);
    ck_assert_mem_eq(head, "\x9a\xa3\x2b\x8d\1\2\3\4\5\6\7\x8", sizeof head);
    ck_assert_uint_eq(parts[0].size, 12);
    /* code, length of the body, body, length of the extensions */
    ck_assert_uint_eq(parts[1].size, 2 + 4 + 2 + 4);
    ck_assert_mem_eq(parts[1].data, "\0\x17\0\0\0\2\0\0\0\0\0\0", 12);
    ck_assert_uint_eq(parts[2].size, 3);
    ck_assert_mem_eq(parts[2].data, "\3\0\0", 3);
}
END_TEST

/* P3: RFC6940-6.3.2-01 */
START_TEST(wrong_token)
{
    struct reload_message message = ping();
    message.header.relo_token = 0x52454c4f;
    assert_refused_at(&message, "ForwardingHeader", "relo_token");
    ck_assert_uint_eq(wire_error.offset, 0);
    uint8_t garbage[64];
    memset(garbage, 0xab, sizeof garbage); /* lengths that lead nowhere */
    ck_assert_int_eq(
        reload_message_decode((struct reload_bytes){garbage, sizeof garbage}, &wire, &message),
        RELOAD_E_MALFORMED);
    ck_assert_str_eq(wire_error.field, "relo_token");
}
END_TEST

/* P5: RFC6940-6.3.2-04: other versions are told, with the header, so that an error can be answered.
 */
START_TEST(wrong_version)
{
    static const uint8_t versions[] = {0, 1, 0x09, 0x0b, 0xff};
    for (size_t i = 0; i < sizeof versions; i++) {
        struct reload_message message = ping(), found = {0};
        message.header.version = versions[i];
        ck_assert_int_eq(decode(encode(&message), &found), RELOAD_E_VERSION);
        ck_assert_uint_eq(found.header.transaction_id, 1);
        ck_assert_ptr_null(found.contents_bytes.data);
    }
}
END_TEST

/* P6: length must be the size that came; less than a header is refused. */
START_TEST(wrong_length)
{
    struct reload_message message = ping();
    struct reload_bytes bytes = encode(&message);
    const uint32_t lengths[] = {
        0, 37, 38, (uint32_t)bytes.size - 1, (uint32_t)bytes.size + 1, 0x7fffffff, 0xffffffff};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct reload_writer length = reload_writer_of(buffer + 16, 4);
        reload_writer_u32(&length, lengths[i]);
        ck_assert_int_eq(decode(bytes, NULL), RELOAD_E_MALFORMED);
        ck_assert_str_eq(wire_error.field, "length");
        ck_assert_uint_eq(wire_error.offset, 16);
    }
}
END_TEST

/* P7: lists that are longer than the message, whose sum wraps, or that end inside of an entry. */
START_TEST(wrong_list_lengths)
{
    static const uint16_t lengths[][3] = {
        {0xffff, 0xffff, 0xffff}, {0, 0xffff, 0},  {0, 19, 0}, {0, 17, 0},         {1, 18, 0},
        {0, 18, 0xffff},          {0xffff, 18, 0}, {0, 18, 1}, {0x8000, 0x8012, 0}};
    struct reload_message message = ping();
    struct reload_bytes bytes = encode(&message);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct reload_writer writer = reload_writer_of(buffer + 32, 6);
        for (size_t at = 0; at < 3; at++)
            reload_writer_u16(&writer, lengths[i][at]);
        ck_assert_int_ne(decode(bytes, NULL), 0);
    }
}
END_TEST

/* P18: what is no whole message; the reserved bits do not count. RFC6940-6.3.2-09,
 * RFC6940-6.3.2-10 */
START_TEST(fragments)
{
    static const uint32_t wrong[] = {0, 0x40000000, 0x80000000, 0xc0000001, 0xc0ffffff, 0x80000100};
    struct reload_message message = ping();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        message.header.fragment = wrong[i];
        assert_refused_at(&message, "ForwardingHeader", "fragment");
    }
    message.header.fragment = 0xff000000;
    ck_assert_int_eq(decode_ping(&message), 0);
}
END_TEST

/* ---- destinations -----------------------------------------------------------------------------
 */

static int
decode_destination(const char *octets, size_t size)
{
    struct reload_destination destination;
    uint8_t *copy = malloc(size ? size : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, octets, size);
    struct reload_reader reader = reload_reader_of((struct reload_bytes){copy, size});
    int error = reload_destination_decode(&reader, &wire, &destination);
    ck_assert(error || reload_reader_left(&reader) == 0);
    free(copy);
    return error;
}

/* P8: RFC6940-6.3.2.2-01, RFC6940-6.3.2.2-02, RFC6940-6.3.2.2-03 */
START_TEST(wrong_destinations)
{
    static const char node_id[] = "\1\x10"
                                  "aaaaaaaaaaaaaaaa";
    ck_assert_int_eq(decode_destination(node_id, 18), 0);
    ck_assert_int_ne(decode_destination("\0\0", 2), 0); /* type 0 */
    ck_assert_int_ne(decode_destination("\x80", 1), 0); /* half an opaque ID */
    ck_assert_int_ne(decode_destination("\1\x0f"
                                        "aaaaaaaaaaaaaaa",
                                        17),
                     0); /* Node-ID of 15 */
    ck_assert_int_ne(decode_destination("\1\x11"
                                        "aaaaaaaaaaaaaaaaa",
                                        19),
                     0); /* and of 17 */
    ck_assert_int_ne(decode_destination("\1\0", 2), 0);
    ck_assert_int_ne(decode_destination("\2\0", 2), 0);   /* no length of the Resource-ID */
    ck_assert_int_ne(decode_destination("\2\1\0", 3), 0); /* an empty one */
    ck_assert_int_ne(decode_destination("\2\2\2a", 4), 0);
    ck_assert_int_ne(decode_destination("\2\3\1ab", 5), 0); /* octets behind it */
    ck_assert_int_ne(decode_destination("\3\0", 2), 0);
    ck_assert_int_eq(decode_destination("\3\1\0", 3), 0);
    ck_assert_int_eq(decode_destination("\x8a\xbc", 2), 0);
    ck_assert_int_eq(decode_destination("\xff\xff", 2), 0);
    ck_assert_int_eq(decode_destination("\x64\3abc", 5), 0); /* unknown: skipped by its length */
    ck_assert_int_ne(decode_destination("\x64\4abc", 5), 0);
    char longest[258] = "\2\xff\xfe";
    ck_assert_int_eq(decode_destination(longest, 257), 0);
    longest[2] = '\xff'; /* a Resource-ID of 255 octets cannot stand in a length of 255 */
    ck_assert_int_ne(decode_destination(longest, 258), 0);
}
END_TEST

/* P8: an unknown type can be skipped, but nobody knows where a message to it goes. */
START_TEST(unknown_destination_first)
{
    struct reload_destination unknown = {.type = 100};
    struct reload_message message = ping();
    struct reload_bytes list = append((struct reload_bytes){lists, 0}, unknown);
    message.header.destination_list = list;
    assert_refused_at(&message, "ForwardingHeader", "destination_list");
    list = append(append((struct reload_bytes){lists, 0}, node(1)), unknown);
    message.header.destination_list = list;
    ck_assert_int_eq(decode_ping(&message), 0);
}
END_TEST

/* P9: RFC6940-6.3.2.2-04 */
START_TEST(misplaced_resources)
{
    struct reload_message message = ping();
    struct reload_bytes none = {lists, 0};
    message.header.destination_list = append(append(none, node(1)), resource("abc"));
    ck_assert_int_eq(decode_ping(&message), 0);
    message.header.destination_list = append(append(none, resource("abc")), node(1));
    assert_refused_at(&message, "ForwardingHeader", "destination_list");
    message.header.destination_list = append(append(none, resource("a")), resource("b"));
    assert_refused_at(&message, "ForwardingHeader", "destination_list");
    struct reload_bytes whole = append(append(none, resource("abc")), node(1));
    message.header.destination_list = append(none, resource("abc"));
    size_t size = message.header.destination_list.size;
    message.header.via_list = (struct reload_bytes){whole.data + size, whole.size - size};
    ck_assert_int_eq(decode_ping(&message), 0);
    message.header.via_list = message.header.destination_list;
    assert_refused_at(&message, "ForwardingHeader", "via_list");
}
END_TEST

/* P10 */
START_TEST(empty_destination_list)
{
    struct reload_message message = ping();
    message.header.destination_list.size = 0;
    assert_refused_at(&message, "ForwardingHeader", "destination_list");
}
END_TEST

/* P11: lists of 60 KB. */
START_TEST(list_bombs)
{
    struct reload_message message = ping();
    struct reload_bytes list = {lists, 0};
    for (int i = 0; i < RELOAD_DESTINATIONS_MAX; i++)
        list = append(list, compressed("\x80\x01"));
    message.header.destination_list = message.header.via_list = list;
    ck_assert_int_eq(decode_ping(&message), 0);
    message.header.via_list = append(list, compressed("\x80\x01"));
    assert_refused_at(&message, "ForwardingHeader", "via_list");
    for (int i = 0; i < 30000; i++)
        list = append(list, compressed("\x80\x01"));
    message.header.via_list.size = 0;
    message.header.destination_list = list;
    assert_refused_at(&message, "ForwardingHeader", "destination_list");
    message = ping();
    memset(lists + 1024, 0, 1024);
    for (size_t i = 0; i < 1024; i += 4)
        lists[1024 + i] = 1; /* options of type 1 without content */
    message.header.options = (struct reload_bytes){lists + 1024, 4 * RELOAD_FORWARDING_OPTIONS_MAX};
    ck_assert_int_eq(decode_ping(&message), 0);
    message.header.options.size += 4;
    assert_refused_at(&message, "ForwardingHeader", "options");
}
END_TEST

/* ---- contents ---------------------------------------------------------------------------------
 */

/* P14: the code is the receiver's to judge; it reads, and tells requests from answers. */
START_TEST(odd_message_codes)
{
    static const uint16_t codes[] = {0, 0x8000, 0x8001, 0xfffe, 5, 6};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct reload_message message = ping();
        message.contents.message_code = codes[i];
        ck_assert_int_eq(decode_ping(&message), 0);
    }
    ck_assert(reload_message_is_request(RELOAD_MESSAGE_PING_REQ));
    ck_assert(!reload_message_is_request(RELOAD_MESSAGE_PING_ANS));
    ck_assert(!reload_message_is_request(RELOAD_MESSAGE_ERROR));
    ck_assert(!reload_message_is_request(0));
    ck_assert(!reload_message_is_request(0x8001));
}
END_TEST

/* P15: 10^5 tiny extensions. */
START_TEST(too_many_extensions)
{
    struct reload_message message = ping();
    struct reload_writer writer = {lists, sizeof lists, 100, false};
    struct reload_message_extension extension = {.type = 0x1234};
    for (int i = 0; i < RELOAD_MESSAGE_EXTENSIONS_MAX; i++)
        reload_message_extension_encode(&writer, &wire, &extension);
    message.contents.extensions = (struct reload_bytes){lists + 100, writer.size - 100};
    ck_assert_int_eq(decode_ping(&message), 0);
    while (writer.size + 7 < 100000)
        reload_message_extension_encode(&writer, &wire, &extension);
    message.contents.extensions.size = writer.size - 100;
    assert_refused_at(&message, "MessageContents", "extensions");
}
END_TEST

/* P16: a Boolean is 0 or 1; the value 0 of an enum is invalid. */
START_TEST(wrong_booleans_and_enums)
{
    struct reload_message_extension extension;
    uint8_t octets[] = {0x12, 0x34, 0, 0, 0, 0, 0};
    struct reload_bytes bytes = {octets, sizeof octets};
    for (unsigned critical = 0; critical < 256; critical++) {
        struct reload_reader reader = reload_reader_of(bytes);
        octets[2] = (uint8_t)critical;
        int error = reload_message_extension_decode(&reader, &wire, &extension);
        ck_assert_int_eq(error, critical > 1 ? RELOAD_E_MALFORMED : 0);
    }
    memset(octets, 0, sizeof octets);
    struct reload_reader reader = reload_reader_of(bytes);
    ck_assert_int_eq(reload_message_extension_decode(&reader, &wire, &extension),
                     RELOAD_E_MALFORMED);
    ck_assert_str_eq(wire_error.field, "type");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("message");
    TCase *tests = tcase_create("all");
    tcase_add_test(tests, good_message);
    tcase_add_test(tests, signed_parts);
    tcase_add_test(tests, wrong_token);
    tcase_add_test(tests, wrong_version);
    tcase_add_test(tests, wrong_length);
    tcase_add_test(tests, wrong_list_lengths);
    tcase_add_test(tests, fragments);
    tcase_add_test(tests, wrong_destinations);
    tcase_add_test(tests, unknown_destination_first);
    tcase_add_test(tests, misplaced_resources);
    tcase_add_test(tests, empty_destination_list);
    tcase_add_test(tests, list_bombs);
    tcase_add_test(tests, odd_message_codes);
    tcase_add_test(tests, too_many_extensions);
    tcase_add_test(tests, wrong_booleans_and_enums);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
