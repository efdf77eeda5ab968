/* sdp_test.c: session descriptions: what is read, and what becomes of them.
 *
 * RFC 4566, RFC 3605; D72. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/base/prng.h"
#include "tests/suite.h"
#include "usages/sdp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define V4(a, b, c, d, p)                                                                          \
    {                                                                                              \
        .family = 4, .octets = {a, b, c, d}, .port = p                                             \
    }

static struct reload_sdp sdp;
static char out[RELOAD_SDP_SIZE_MAX + RELOAD_SDP_GROWTH_MAX];

static int
read_text(const char *text)
{
    return reload_sdp_read(reload_bytes_of_string(text), &sdp);
}

static const char *
write_text(const char *text, const struct reload_sdp_change *changes)
{
    size_t size;
    ck_assert_int_eq(read_text(text), 0);
    int error =
        reload_sdp_write(reload_bytes_of_string(text), &sdp, changes, out, sizeof out - 1, &size);
    ck_assert_int_eq(error, 0);
    out[size] = '\0';
    return out;
}

static const char call[] = "v=0\r\n"
                           "o=alice 1 1 IN IP4 10.0.0.5\r\n"
                           "s=-\r\n"
                           "c=IN IP4 10.0.0.5\r\n"
                           "t=0 0\r\n"
                           "m=audio 4000 RTP/AVP 0 8\r\n"
                           "b=AS:64\r\n"
                           "a=rtcp:4011 IN IP4 10.0.0.6\r\n"
                           "a=sendonly\r\n"
                           "x=unknown\r\n"
                           "m=video 5000 RTP/SAVPF 99\r\n"
                           "i=a title\r\n"
                           "c=IN IP6 2001:db8::5\r\n"
                           "a=rtcp-mux\r\n"
                           "m=audio 0 RTP/AVP 0\r\n"
                           "m=image 6000 udptl t38\r\n";

START_TEST(reads)
{
    static const struct reload_address audio = V4(10, 0, 0, 5, 4000),
                                       control = V4(10, 0, 0, 6, 4011);
    ck_assert_int_eq(read_text(call), 0);
    ck_assert(!sdp.has_ice);
    ck_assert_uint_eq(sdp.m_lines, 4);
    ck_assert_uint_eq(sdp.stream_count, 4);
    ck_assert_mem_eq(&sdp.streams[0].rtp, &audio, sizeof audio);
    ck_assert_mem_eq(&sdp.streams[0].rtcp, &control, sizeof control);
    ck_assert(sdp.streams[0].is_relayable && sdp.streams[1].is_relayable);
    ck_assert(!sdp.streams[2].is_relayable && !sdp.streams[3].is_relayable);
    ck_assert_uint_eq(sdp.streams[1].rtp.family, 6);
    ck_assert_uint_eq(sdp.streams[1].rtp.octets[0], 0x20);
    ck_assert_uint_eq(sdp.streams[1].rtcp.port, 5001);
    ck_assert_uint_eq(sdp.streams[1].rtcp.family, 6);
    for (size_t i = 0; i < 4; i++)
        ck_assert_uint_eq(sdp.streams[i].label, 0);
}
END_TEST

/* On its way to the other node: nothing changes but the labels. */
START_TEST(labels)
{
    static const struct reload_sdp_change changes[4] = {{.label = 4294967295}, {.label = 7}};
    const char *text = write_text(call, changes);
    ck_assert_ptr_nonnull(
        strstr(text, "b=AS:64\r\na=x-reload-relay:4294967295\r\na=rtcp:4011 IN IP4 10.0.0.6\r\n"));
    ck_assert_ptr_nonnull(
        strstr(text, "c=IN IP6 2001:db8::5\r\na=x-reload-relay:7\r\na=rtcp-mux\r\n"));
    char copy[sizeof out];
    strcpy(copy, text);
    ck_assert_int_eq(read_text(copy), 0);
    ck_assert_uint_eq(sdp.streams[0].label, 4294967295);
    ck_assert_uint_eq(sdp.streams[1].label, 7);
    ck_assert_uint_eq(sdp.streams[2].label, 0);
    /* Without them it is what it was. */
    static const struct reload_sdp_change none[4];
    ck_assert_str_eq(write_text(copy, none), call);
    /* A section without attributes. */
    ck_assert_str_eq(write_text("m=audio 1 RTP/AVP 0", changes),
                     "m=audio 1 RTP/AVP 0\r\na=x-reload-relay:4294967295\r\n");
}
END_TEST

/* On its way to the phone. */
START_TEST(redirects)
{
    static const struct reload_sdp_change changes[4] = {{.local = V4(127, 0, 0, 1, 30000)},
                                                        {.local = V4(127, 0, 0, 1, 30002)}};
    const char *text = write_text(call, changes);
    /* The third one is rejected, the fourth not relayed: the session's address stays for it. */
    ck_assert_ptr_nonnull(strstr(text, "s=-\r\nc=IN IP4 10.0.0.5\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "m=audio 30000 RTP/AVP 0 8\r\nc=IN IP4 127.0.0.1\r\n"
                                       "b=AS:64\r\na=sendonly\r\nx=unknown\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "m=video 30002 RTP/SAVPF 99\r\ni=a title\r\n"
                                       "c=IN IP4 127.0.0.1\r\nm=audio 0 RTP/AVP 0\r\n"
                                       "m=image 6000 udptl t38\r\n"));
    static const struct reload_sdp_change one[1] = {
        {.local = {.family = 6, .octets = {[15] = 1}, .port = 9}}};
    ck_assert_str_eq(
        write_text("v=0\nc=IN IP4 1.2.3.4\nm=audio 7 RTP/AVP 0\na=x-reload-relay:3\n", one),
        "v=0\nc=IN IP6 ::1\r\nm=audio 9 RTP/AVP 0\nc=IN IP6 ::1\r\n");
}
END_TEST

/* Hold: as the other side says it. */
START_TEST(holds)
{
    static const struct reload_sdp_change changes[1] = {{.local = V4(127, 0, 0, 1, 30000)}};
    const char *text = write_text("v=0\r\nc=IN IP4 0.0.0.0\r\nm=audio 7 RTP/AVP 0\r\n", changes);
    ck_assert(reload_sdp_is_any(&sdp.streams[0].rtp));
    ck_assert_str_eq(text, "v=0\r\nc=IN IP4 0.0.0.0\r\nm=audio 30000 RTP/AVP 0\r\n");
    text = write_text("v=0\r\nm=audio 7 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\n", changes);
    ck_assert_str_eq(text, "v=0\r\nm=audio 30000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\n");
}
END_TEST

START_TEST(ice)
{
    ck_assert_int_eq(read_text("v=0\r\na=ice-ufrag:F7gI\r\nm=audio 7 RTP/AVP 0\r\n"), 0);
    ck_assert(sdp.has_ice);
    ck_assert_int_eq(read_text("v=0\r\nm=audio 7 RTP/AVP 0\r\na=candidate:1 1 UDP 1 1.2.3.4 5\r\n"),
                     0);
    ck_assert(sdp.has_ice);
    ck_assert_int_eq(read_text("v=0\r\na=ice-lite\r\ns=a=ice-ufrag:x\r\n"), 0);
    ck_assert(!sdp.has_ice);
}
END_TEST

/* Found by fuzz_sdp: the port is what stands behind the first space, for reader and writer. */
START_TEST(odd_spaces)
{
    static const struct reload_sdp_change changes[1] = {{.label = 1}};
    static const char *const lines[] = {"m=audio\r7 RTP/A 0", "m=audio\t7 RTP/AVP 0",
                                        "m= 7 RTP/AVP 0", "m=audio  7 RTP/AVP 0",
                                        "m=audio 7\tRTP/AVP 0"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        ck_assert_int_eq(read_text(lines[i]), 0);
        ck_assert_msg(!sdp.streams[0].is_relayable, "%s", lines[i]);
        ck_assert_int_eq(strncmp(write_text(lines[i], changes), lines[i], strlen(lines[i])), 0);
    }
}
END_TEST

/* What is not understood is left alone, and bounded. */
START_TEST(odd)
{
    static const char *const not_relayed[] = {
        "m=audio",
        "m=audio RTP/AVP 0",
        "m=audio 70000 RTP/AVP 0",
        "m=audio 65535 RTP/AVP 0",
        "m=audio 7/2 RTP/AVP 0",
        "m=audio -1 RTP/AVP 0",
        "m=audio 7 TCP/RTP/AVP 0",
        "m= 7 RTP/AVP 0",
        "m=message 7 TCP/MSRP *",
    };
    static const char *const labels_of_nobody[] = {
        "", "0", "-1", "4294967296", "1x", "99999999999999999999", " 1", "+1"};
    static char big[RELOAD_SDP_SIZE_MAX + 2];
    for (size_t i = 0; i < sizeof not_relayed / sizeof *not_relayed; i++) {
        ck_assert_int_eq(read_text(not_relayed[i]), 0);
        ck_assert_msg(!sdp.streams[0].is_relayable, "%s", not_relayed[i]);
    }
    for (size_t i = 0; i < sizeof labels_of_nobody / sizeof *labels_of_nobody; i++) {
        char text[128];
        snprintf(text, sizeof text, "m=audio 7 RTP/AVP 0\r\na=x-reload-relay:%s\r\n",
                 labels_of_nobody[i]);
        ck_assert_int_eq(read_text(text), 0);
        ck_assert_msg(sdp.streams[0].label == 0, "%s", labels_of_nobody[i]);
    }
    ck_assert_int_eq(read_text("v=0\r\nhello\r\n"), RELOAD_E_MALFORMED);
    ck_assert_int_eq(reload_sdp_read((struct reload_bytes){(const uint8_t *)"s=a\0b", 5}, &sdp),
                     RELOAD_E_MALFORMED);
    memset(big, 'a', sizeof big - 1);
    big[1] = '=';
    ck_assert_int_eq(read_text(big), RELOAD_E_TOO_LARGE);
    big[RELOAD_SDP_SIZE_MAX] = '\0';
    ck_assert_int_eq(read_text(big), 0);
    /* More streams than are looked at. */
    ck_assert_int_eq(read_text("m=audio 1 RTP/AVP 0\nm=audio 2 RTP/AVP 0\nm=audio 3 RTP/AVP 0\n"
                               "m=audio 4 RTP/AVP 0\nm=audio 5 RTP/AVP 0\na=x-reload-relay:9\n"),
                     0);
    ck_assert_uint_eq(sdp.m_lines, 5);
    ck_assert_uint_eq(sdp.stream_count, RELOAD_SDP_STREAMS_MAX);
}
END_TEST

/* No room for what comes out. */
START_TEST(bounds)
{
    static const struct reload_sdp_change changes[4] = {{1, V4(127, 0, 0, 1, 65534)},
                                                        {2, V4(255, 255, 255, 255, 65534)}};
    size_t size, needed = strlen(write_text(call, changes));
    ck_assert_uint_le(needed, strlen(call) + RELOAD_SDP_GROWTH_MAX);
    for (size_t capacity = 0; capacity <= needed; capacity++) {
        char *room = malloc(capacity + 1);
        int error =
            reload_sdp_write(reload_bytes_of_string(call), &sdp, changes, room, capacity, &size);
        ck_assert_int_eq(error, capacity < needed ? RELOAD_E_TOO_LARGE : 0);
        free(room);
    }
}
END_TEST

/* Anything at all: read, written, and read the same again. */
START_TEST(random_changes)
{
    struct reload_prng prng = reload_prng_of(4566);
    static const struct reload_sdp_change changes[4] = {
        {.label = 5}, {.label = 6}, {.label = 7}, {.label = 8}};
    for (unsigned round = 0; round < 20000; round++) {
        char text[sizeof call];
        memcpy(text, call, sizeof call);
        for (unsigned i = 0; i < 4; i++)
            text[reload_prng_below(&prng, sizeof call - 1)] =
                "\r\nmca=: 0123456789IP"[reload_prng_below(&prng, 20)];
        text[reload_prng_below(&prng, sizeof call)] = '\0';
        if (read_text(text) != 0)
            continue;
        struct reload_sdp before = sdp;
        char *written = strdup(write_text(text, changes));
        ck_assert_int_eq(read_text(written), 0);
        ck_assert_uint_eq(sdp.m_lines, before.m_lines);
        for (size_t i = 0; i < before.stream_count; i++) {
            ck_assert_uint_eq(sdp.streams[i].label, changes[i].label);
            ck_assert_mem_eq(&sdp.streams[i].rtp, &before.streams[i].rtp,
                             sizeof before.streams[i].rtp);
        }
        free(written);
    }
}
END_TEST

int
main(void)
{
    return RUN_SUITE("sdp", reads, labels, redirects, holds, ice, odd_spaces, odd, bounds,
                     random_changes);
}
