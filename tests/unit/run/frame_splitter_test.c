/* frame_splitter_test.c: frames are cut from a stream however it is chopped; what is no frame ends
 * the link (attack rows P22, P3 and P6 on streams).
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/frame_splitter.h"

#include "tests/suite.h"

#define MESSAGE_MAX 5000

static const uint8_t stream[] = {
    0x81, 0, 0, 0, 1, 0xff, 0, 0xff, 0,                                /* ack */
    0x80, 0, 0, 0, 2, 0,    0, 6,    0xd2, 0x45, 0x4c, 0x4f, 'a', 'b', /* data */
    0x80, 0, 0, 0, 3, 0,    0, 0,                                      /* a probe (D23) */
    0x80, 0, 0, 0, 4, 0,    0, 4,    0xd2, 0x45, 0x4c, 0x4f,           /* the token alone */
    0x81, 0, 0, 0, 4, 0,    0, 0,    0,
};
static const size_t sizes[] = {9, 14, 8, 12, 9};

struct taken {
    size_t count, octets;
    unsigned stop_after;
};

static bool
take(void *argument, struct reload_bytes frame)
{
    struct taken *taken = argument;
    ck_assert_uint_lt(taken->count, sizeof sizes / sizeof *sizes);
    ck_assert_uint_eq(frame.size, sizes[taken->count]);
    ck_assert_mem_eq(frame.data, stream + taken->octets, frame.size);
    taken->count++;
    taken->octets += frame.size;
    return taken->count != taken->stop_after;
}

/* RFC6940-6.6.2: every way to chop the stream in three gives the same frames. */
START_TEST(however_chopped)
{
    for (size_t first = 0; first <= sizeof stream; first++) {
        for (size_t second = first; second <= sizeof stream; second++) {
            struct reload_frame_splitter splitter = {.message_max = MESSAGE_MAX};
            struct taken taken = {0};
            const struct reload_bytes parts[] = {{stream, first},
                                                 {stream + first, second - first},
                                                 {stream + second, sizeof stream - second}};
            for (size_t i = 0; i < 3; i++)
                ck_assert_int_eq(reload_frame_splitter_feed(&splitter, parts[i], take, &taken), 0);
            ck_assert_uint_eq(taken.count, 5);
            ck_assert_uint_eq(splitter.size, 0);
            reload_frame_splitter_fini(&splitter);
        }
    }
}
END_TEST

START_TEST(octet_by_octet)
{
    struct reload_frame_splitter splitter = {.message_max = MESSAGE_MAX};
    struct taken taken = {0};
    for (size_t i = 0; i < sizeof stream; i++)
        ck_assert_int_eq(reload_frame_splitter_feed(&splitter, (struct reload_bytes){stream + i, 1},
                                                    take, &taken),
                         0);
    ck_assert_uint_eq(taken.count, 5);
    reload_frame_splitter_fini(&splitter);
}
END_TEST

START_TEST(stops_when_told)
{
    for (unsigned stop_after = 1; stop_after <= 5; stop_after++) {
        struct reload_frame_splitter splitter = {.message_max = MESSAGE_MAX};
        struct taken taken = {.stop_after = stop_after};
        ck_assert_int_eq(reload_frame_splitter_feed(
                             &splitter, (struct reload_bytes){stream, sizeof stream}, take, &taken),
                         0);
        ck_assert_uint_eq(taken.count, stop_after);
        reload_frame_splitter_fini(&splitter);
    }
}
END_TEST

/* Feeds |bytes| whole and octet by octet; both must end with |error|, before anything is taken. */
static void
expect(struct reload_bytes bytes, int error)
{
    for (size_t step = 1; step <= bytes.size; step += bytes.size - (bytes.size > 1)) {
        struct reload_frame_splitter splitter = {.message_max = MESSAGE_MAX};
        struct taken taken = {0};
        int result = 0;
        for (size_t at = 0; at < bytes.size && !result; at += step)
            result = reload_frame_splitter_feed(
                &splitter, (struct reload_bytes){bytes.data + at, step}, take, &taken);
        ck_assert_int_eq(result, error);
        ck_assert_uint_eq(taken.count, 0);
        ck_assert_uint_le(splitter.capacity, 2 * (MESSAGE_MAX + 8));
        reload_frame_splitter_fini(&splitter);
        if (bytes.size == 1)
            break;
    }
}

/* P22: any type but 128 and 129. */
START_TEST(unknown_types)
{
    for (unsigned type = 0; type < 256; type++) {
        uint8_t octets[16] = {(uint8_t)type};
        if (type != 128 && type != 129)
            expect((struct reload_bytes){octets, sizeof octets}, RELOAD_E_MALFORMED);
    }
}
END_TEST

/* P22, P6: a length of 2^24-1, and of one more than allowed: refused by the header alone. */
START_TEST(lengths_that_are_too_large)
{
    const uint8_t largest[] = {128, 0, 0, 0, 0, 0xff, 0xff, 0xff};
    const uint8_t one_more[] = {
        128, 0, 0, 0, 0, 0, (MESSAGE_MAX + 1) >> 8, (MESSAGE_MAX + 1) & 0xff};
    const uint8_t just_right[] = {128, 0, 0, 0, 0, 0, MESSAGE_MAX >> 8, MESSAGE_MAX & 0xff};
    expect((struct reload_bytes){largest, sizeof largest}, RELOAD_E_TOO_LARGE);
    expect((struct reload_bytes){one_more, sizeof one_more}, RELOAD_E_TOO_LARGE);
    expect((struct reload_bytes){just_right, sizeof just_right}, 0);
}
END_TEST

/* P3: a message that does not begin with the token, at each of its octets, refused before the rest
 * is there; P6: one too short to have a token. */
START_TEST(wrong_token)
{
    for (size_t i = 0; i < 4; i++) {
        uint8_t frame[] = {128, 0, 0, 0, 0, 0, 1, 0, 0xd2, 0x45, 0x4c, 0x4f};
        frame[8 + i] ^= 1;
        expect((struct reload_bytes){frame, sizeof frame}, RELOAD_E_MALFORMED);
        expect((struct reload_bytes){frame, 8 + i + 1}, RELOAD_E_MALFORMED);
    }
    for (uint8_t size = 1; size < 4; size++) {
        const uint8_t frame[] = {128, 0, 0, 0, 0, 0, 0, size, 0xd2, 0x45, 0x4c};
        expect((struct reload_bytes){frame, 8u + size}, RELOAD_E_MALFORMED);
    }
}
END_TEST

/* An acknowledgement has 9 octets; what follows is the next frame, and none if it does not look
 * like one (P22: trailing octets). */
START_TEST(octets_behind_an_acknowledgement)
{
    struct reload_frame_splitter splitter = {.message_max = MESSAGE_MAX};
    struct taken taken = {0};
    uint8_t octets[10];
    memcpy(octets, stream, 9);
    octets[9] = 0;
    ck_assert_int_eq(reload_frame_splitter_feed(
                         &splitter, (struct reload_bytes){octets, sizeof octets}, take, &taken),
                     RELOAD_E_MALFORMED);
    ck_assert_uint_eq(taken.count, 1);
    reload_frame_splitter_fini(&splitter);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("frame_splitter", however_chopped, octet_by_octet, stops_when_told,
                     unknown_types, lengths_that_are_too_large, wrong_token,
                     octets_behind_an_acknowledgement);
}
