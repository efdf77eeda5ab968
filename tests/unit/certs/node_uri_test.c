/* node_uri_test.c: Node-IDs in certificates.
 *
 * RFC 6940 11.3, 14.15; I2, D20. SPDX-License-Identifier: BSD-2-Clause */
#include "certs/node_uri.h"

#include "tests/suite.h"

#define OVERLAY "overlay.example.org"
#define ID "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"

static int
parse(const char *uri, uint8_t length, struct reload_node_id *node_id)
{
    return reload_node_uri_parse(reload_bytes_of_string(uri), OVERLAY, length, node_id);
}

START_TEST(format)
{
    struct reload_node_id node_id = {{0}}, again;
    char uri[RELOAD_NODE_URI_MAX];
    for (uint8_t i = 0; i < 16; i++)
        node_id.octets[i] = (uint8_t)(0xa0 + i);
    reload_node_uri_format(&node_id, 16, OVERLAY, uri);
    ck_assert_str_eq(uri, "reload://0110" ID "@" OVERLAY "/");
    ck_assert_int_eq(parse(uri, 16, &again), 0);
    ck_assert(reload_node_id_equal(&node_id, &again));
}
END_TEST

START_TEST(longest)
{
    char overlay[256], uri[RELOAD_NODE_URI_MAX];
    struct reload_node_id node_id, again;
    memset(overlay, 'o', 255);
    overlay[255] = 0;
    memset(&node_id, 0x5a, sizeof node_id);
    reload_node_uri_format(&node_id, 20, overlay, uri);
    ck_assert_uint_eq(strlen(uri), RELOAD_NODE_URI_MAX - 1);
    ck_assert_int_eq(reload_node_uri_parse(reload_bytes_of_string(uri), overlay, 20, &again), 0);
    ck_assert(reload_node_id_equal(&node_id, &again));
}
END_TEST

/* RFC6940-11.3-18 */
START_TEST(accepted)
{
    static const char *const uris[] = {
        "reload://0110" ID "@" OVERLAY "/",
        "reload://0110" ID "@" OVERLAY,
        "reload://" ID "@" OVERLAY "/",
        "reload://" ID "@" OVERLAY,
        "RELOAD://0110" ID "@OVERLAY.Example.ORG/",
        "reload://0110A0A1A2A3A4A5A6A7A8A9AAABACADAEAF@" OVERLAY "/",
    };
    for (size_t i = 0; i < sizeof uris / sizeof *uris; i++) {
        struct reload_node_id node_id;
        ck_assert_msg(parse(uris[i], 16, &node_id) == 0, "refused: %s", uris[i]);
        ck_assert_uint_eq(node_id.octets[0], 0xa0);
        ck_assert_uint_eq(node_id.octets[15], 0xaf);
        ck_assert_uint_eq(node_id.octets[16], 0);
    }
}
END_TEST

/* A bare Node-ID is told from a Destination List by its length, which the overlay says. */
START_TEST(lengths)
{
    struct reload_node_id node_id;
    ck_assert_int_eq(parse("reload://0111" ID "b0@" OVERLAY "/", 17, &node_id), 0);
    ck_assert_uint_eq(node_id.octets[16], 0xb0);
    ck_assert_int_ne(parse("reload://0111" ID "b0@" OVERLAY "/", 16, &node_id), 0);
    ck_assert_int_ne(parse("reload://0110" ID "@" OVERLAY "/", 17, &node_id), 0);
    /* 18 octets: a bare Node-ID there, a list with one of 16 here. */
    ck_assert_int_eq(parse("reload://0110" ID "@" OVERLAY "/", 18, &node_id), 0);
    ck_assert_uint_eq(node_id.octets[0], 0x01);
}
END_TEST

/* C5 */
START_TEST(refused)
{
    static const char *const uris[] = {
        "",
        "reload:",
        "reload://",
        "reload://@" OVERLAY "/",
        "reload://0110" ID,
        "reload://0110" ID "@",
        "reload://0110" ID "@/",
        "reload://0110" ID "@" OVERLAY "//",
        "reload://0110" ID "@" OVERLAY "/00", /* a value in a peer */
        "reload://0110" ID "@" OVERLAY "/ ",
        "reload://0110" ID "@other.example.org/", /* of another overlay */
        "reload://0110" ID "@sub." OVERLAY "/",
        "reload://0110" ID "@" OVERLAY ".evil/",
        "reload://0110" ID "0110" ID "@" OVERLAY "/", /* two entries */
        "reload://0210" ID "@" OVERLAY "/",           /* a resource */
        "reload://0310" ID "@" OVERLAY "/",           /* an opaque ID */
        "reload://8001@" OVERLAY "/",                 /* a short opaque ID */
        "reload://010f" ID "@" OVERLAY "/",           /* the length lies */
        "reload://0110a0a1@" OVERLAY "/",
        "reload://0110" ID "b0@" OVERLAY "/",
        "reload://0110a0a1a2a3a4a5a6a7a8a9aaabacadaea@" OVERLAY "/", /* half an octet */
        "reload://0110g0a1a2a3a4a5a6a7a8a9aaabacadaeaf@" OVERLAY "/",
        "reload://01 10" ID "@" OVERLAY "/",
        " reload://0110" ID "@" OVERLAY "/",
        "sip://0110" ID "@" OVERLAY "/",
        "reload://011000000000000000000000000000000000@" OVERLAY "/", /* D20 */
        "reload://0110ffffffffffffffffffffffffffffffff@" OVERLAY "/",
        "reload://ffffffffffffffffffffffffffffffff@" OVERLAY "/",
    };
    for (size_t i = 0; i < sizeof uris / sizeof *uris; i++) {
        struct reload_node_id node_id = {{0x77}};
        ck_assert_msg(parse(uris[i], 16, &node_id) == RELOAD_E_CERTIFICATE, "accepted: %s",
                      uris[i]);
        ck_assert_uint_eq(node_id.octets[0], 0x77); /* untouched */
    }
}
END_TEST

START_TEST(embedded_nul)
{
    static const char uri[] = "reload://0110" ID "@" OVERLAY "\0.evil.example/";
    struct reload_node_id node_id;
    struct reload_bytes bytes = {(const uint8_t *)uri, sizeof uri - 1};
    ck_assert_int_eq(reload_node_uri_parse(bytes, OVERLAY, 16, &node_id), RELOAD_E_CERTIFICATE);
}
END_TEST

/* Nothing is read behind any prefix. */
START_TEST(prefixes)
{
    static const char uri[] = "reload://0110" ID "@" OVERLAY "/";
    struct reload_node_id node_id;
    for (size_t size = 0; size < sizeof uri - 1; size++) {
        uint8_t *exact = malloc(size ? size : 1);
        memcpy(exact, uri, size);
        int error =
            reload_node_uri_parse((struct reload_bytes){exact, size}, OVERLAY, 16, &node_id);
        ck_assert_int_eq(error == 0, size == sizeof uri - 2); /* the slash may be missing */
        free(exact);
    }
}
END_TEST

int
main(void)
{
    return RUN_SUITE("node_uri", format, longest, accepted, lengths, refused, embedded_nul,
                     prefixes);
}
