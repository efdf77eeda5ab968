/* reassembly_test.c: fragments of messages to us, honest ones and others.
 *
 * RFC 6940 6.7; D13. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/core/world.h"

#include "tests/suite.h"

#define BODY 3000

static struct world *world;
static struct world_host *host, *peer, *other;
static uint32_t link_id, other_id;
static uint8_t whole[8192];
static size_t whole_size;

/* A node gets a message of which nobody can read the body: it is complete when it is found to be
 * malformed. */
static void
begin(void)
{
    world = world_new(&world_single);
    host = world_add(world, 1);
    peer = world_add(world, 1);
    other = world_add(world, 1);
    ck_assert_int_eq(world_boot(host, &world_single), 0);
    link_id = world_link(host, peer, RELOAD_FRAMING_NONE, 0);
    other_id = world_link(host, other, RELOAD_FRAMING_NONE, 0);
    whole_size = world_message(world, &host->id, BODY, whole, sizeof whole);
}

#define HEADER (38u + 18u)

static void
put_u32(uint8_t *at, uint32_t value)
{
    struct reload_writer writer = reload_writer_of(at, 4);
    reload_writer_u32(&writer, value);
}

/* Feeds octets |from|..|upto| of the body with |flags| of the fragment field. */
static void
feed(uint32_t link, uint32_t from, uint32_t upto, uint32_t flags, bool spoiled)
{
    uint8_t data[8192];
    memcpy(data, whole, HEADER);
    memcpy(data + HEADER, whole + HEADER + from, upto - from);
    if (spoiled)
        data[HEADER + (upto - from) / 2] ^= 1;
    put_u32(data + 12, flags | from);
    put_u32(data + 16, HEADER + upto - from);
    (void)reload_node_recv(host->node, link, (struct reload_bytes){data, HEADER + upto - from},
                           world->now);
    world_turn(host);
}

#define MIDDLE RELOAD_FRAGMENT_ALWAYS
#define LAST (RELOAD_FRAGMENT_ALWAYS | RELOAD_FRAGMENT_LAST)
#define RESERVED 0x3f000000u

static unsigned
completed(void)
{
    return (unsigned)host->node->counters.dropped_malformed;
}

static unsigned
dropped(void)
{
    return (unsigned)host->node->counters.dropped_fragment;
}

static size_t
waiting(void)
{
    return host->node->reassembly.count;
}

START_TEST(in_any_order)
{
    static const uint8_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                         {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    begin();
    for (int i = 0; i < 3; i++) {
        uint32_t n = orders[_i][i];
        ck_assert_uint_eq(completed(), 0);
        feed(link_id, n * 1000, (n + 1) * 1000, (n == 2 ? LAST : MIDDLE) | RESERVED, false);
    }
    ck_assert_uint_eq(completed(), 1); /* P18: reserved bits do not count */
    ck_assert_uint_eq(waiting(), 0);
    ck_assert_uint_eq(host->node->reassembly.octets, 0);
    world_free(world);
}
END_TEST

/* P18: without the high bit it is nothing (6.7). */
START_TEST(high_bit)
{
    begin();
    feed(link_id, 0, 1000, 0, false);
    feed(link_id, 0, 1000, RELOAD_FRAGMENT_LAST, false);
    ck_assert_uint_eq(host->node->counters.dropped_malformed, 2);
    ck_assert_uint_eq(waiting(), 0);
    world_free(world);
}
END_TEST

/* P18, P19: a story each: fragments, and what comes of them. One that does not fit takes the place
 * of those before it. */
struct step {
    uint32_t from, upto, flags;
    bool spoiled;
};
static const struct {
    struct step steps[5];
    unsigned completed, dropped, waiting;
} stories[] = {
    {{{0, 1000, MIDDLE, false}, {2000, 3000, LAST, false}}, 0, 0, 1}, /* a hole */
    {{{0, 1000, MIDDLE, false}, {2000, 3000, LAST, false}, {1000, 2000, MIDDLE, false}}, 1, 0, 0},
    {{{1000, 2000, LAST, false}, {2000, 3000, LAST, false}}, 0, 1, 1}, /* two ends */
    {{{2000, 3000, LAST, false}, {1000, 2000, LAST, false}}, 0, 1, 1},
    {{{2000, 3000, MIDDLE, false}, {1000, 2000, LAST, false}}, 0, 1, 1}, /* behind the end */
    {{{1000, 2000, LAST, false}, {2000, 3000, MIDDLE, false}}, 0, 1, 1},
    {{{0, 1500, MIDDLE, false}, {0, 1500, MIDDLE, false}, {1500, 3000, LAST, false}}, 1, 0, 0},
    {{{0, 2000, MIDDLE, false}, {500, 2500, MIDDLE, false}, {1500, 3000, LAST, false}}, 1, 0, 0},
    {{{500, 2500, MIDDLE, false}, {0, 3000, MIDDLE, false}, {2999, 3000, LAST, false}}, 1, 0, 0},
    {{{0, 2000, MIDDLE, false}, {500, 2500, MIDDLE, true}}, 0, 1, 1}, /* not the same */
    {{{500, 2500, MIDDLE, true}, {0, 2000, MIDDLE, false}}, 0, 1, 1},
    {{{0, 2000, MIDDLE, false}, {1999, 2500, MIDDLE, true}}, 0, 0, 1}, /* only beside it */
    {{{0, 0, MIDDLE, false}}, 0, 1, 0},                                /* nothing in it */
    {{{0, 1, MIDDLE, false}, {1, 2, MIDDLE, false}, {2, 3000, LAST, false}}, 1, 0, 0},
};

START_TEST(overlaps_holes_and_ends)
{
    begin();
    for (size_t i = 0; i < 5 && stories[_i].steps[i].flags; i++) {
        const struct step *step = &stories[_i].steps[i];
        feed(link_id, step->from, step->upto, step->flags, step->spoiled);
    }
    ck_assert_uint_eq(completed(), stories[_i].completed);
    ck_assert_uint_eq(dropped(), stories[_i].dropped);
    ck_assert_uint_eq(waiting(), stories[_i].waiting);
    world_free(world);
}
END_TEST

/* P18: beyond max-message-size, header and all. */
START_TEST(beyond_the_size)
{
    static const struct {
        uint32_t offset;
        unsigned waiting;
    } rows[] = {{5000 - HEADER - 1000, 1}, {5000 - HEADER - 999, 0}, {0xfffc18, 0}, {0xffffff, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t data[2048];
        begin();
        size_t size = world_message(world, &host->id, 1000, data, sizeof data);
        put_u32(data + 12, MIDDLE | rows[i].offset);
        (void)reload_node_recv(host->node, link_id, (struct reload_bytes){data, size}, world->now);
        ck_assert_uint_eq(waiting(), rows[i].waiting);
        ck_assert_uint_le(host->node->reassembly.octets, 16384);
        world_free(world);
    }
}
END_TEST

/* D13, P21: fragments of two links are two messages. */
START_TEST(links_are_kept_apart)
{
    begin();
    feed(link_id, 0, 1500, MIDDLE, false);
    feed(other_id, 1500, 3000, LAST, true);
    ck_assert_uint_eq(waiting(), 2);
    reload_node_close(host->node, other_id, world->now); /* what it left goes with it */
    ck_assert_uint_eq(waiting(), 1);
    feed(link_id, 1500, 3000, LAST, false);
    ck_assert_uint_eq(completed(), 1);
    world_free(world);
}
END_TEST

/* RFC6940-6.7: 15 seconds. */
START_TEST(half_messages_are_given_up)
{
    begin();
    feed(link_id, 0, 1500, MIDDLE, false);
    world_advance(world, world->now + 14999 * RELOAD_MS);
    ck_assert_uint_eq(waiting(), 1);
    world_advance(world, world->now + RELOAD_MS);
    ck_assert_uint_eq(waiting(), 0);
    ck_assert_uint_eq(dropped(), 1);
    feed(link_id, 1500, 3000, LAST, false);
    ck_assert_uint_eq(completed(), 0);
    world_free(world);
}
END_TEST

/* P20: bounds, for one link and for all; one that sends too much loses its own. */
START_TEST(bounds)
{
    uint8_t data[4096];
    begin();
    world->config->max_message_size = _i ? 50000 : 5000;
    feed(other_id, 0, 1500, MIDDLE, false);
    for (int i = 0; i < 2000; i++) {
        size_t size = world_message(world, &host->id, 3500, data, sizeof data);
        put_u32(data + 12, MIDDLE | (_i ? 40000u : 0u));
        (void)reload_node_recv(host->node, link_id, (struct reload_bytes){data, size}, world->now);
        ck_assert_uint_le(waiting(), RELOAD_REASSEMBLIES_PER_LINK_MAX + 1);
        ck_assert_uint_le(host->node->reassembly.octets, RELOAD_REASSEMBLY_OCTETS_MAX / 4 + 8192);
    }
    ck_assert_uint_le(world->octets, (1u << 20));
    feed(other_id, 1500, 3000, LAST, false);
    ck_assert_uint_eq(completed(), 1);
    world_free(world);
}
END_TEST

START_TEST(many_links_have_bounds_too)
{
    uint8_t data[4096];
    begin();
    for (int l = 0; l < 40; l++) {
        uint32_t id = world_link(host, world_add(world, 1), RELOAD_FRAMING_NONE, 0);
        for (int i = 0; i < 60; i++) {
            size_t size = world_message(world, &host->id, 3500, data, sizeof data);
            put_u32(data + 12, MIDDLE);
            (void)reload_node_recv(host->node, id, (struct reload_bytes){data, size}, world->now);
        }
    }
    ck_assert_uint_le(waiting(), RELOAD_REASSEMBLIES_MAX);
    ck_assert_uint_le(host->node->reassembly.octets, RELOAD_REASSEMBLY_OCTETS_MAX);
    world_free(world);
}
END_TEST

/* Pieces too small and too many to keep in mind. */
START_TEST(too_many_pieces)
{
    begin();
    for (uint32_t i = 0; i < RELOAD_FRAGMENTS_MAX + 1; i++)
        feed(link_id, 2 * i, 2 * i + 1, MIDDLE, false);
    ck_assert_uint_eq(dropped(), 1);
    ck_assert_uint_eq(waiting(), 0);
    world_free(world);
}
END_TEST

/* No memory at the last moment: the message is lost, nothing else. */
START_TEST(memory_runs_out)
{
    for (uint64_t i = 1; i < 8; i++) {
        begin();
        world->fail_at = world->allocations + i;
        feed(link_id, 0, 1500, MIDDLE, false);
        feed(link_id, 1500, 3000, LAST, false);
        world->fail_at = 0;
        world_advance(world, world->now + 20 * RELOAD_SECOND);
        ck_assert_uint_eq(waiting(), 0);
        ck_assert_uint_eq(host->node->reassembly.octets, 0);
        world_free(world);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("reassembly");
    TCase *tcase = tcase_create("reassembly");
    tcase_add_loop_test(tcase, in_any_order, 0, 6);
    tcase_add_test(tcase, high_bit);
    tcase_add_loop_test(tcase, overlaps_holes_and_ends, 0, sizeof stories / sizeof *stories);
    tcase_add_test(tcase, beyond_the_size);
    tcase_add_test(tcase, links_are_kept_apart);
    tcase_add_test(tcase, half_messages_are_given_up);
    tcase_add_loop_test(tcase, bounds, 0, 2);
    tcase_add_test(tcase, many_links_have_bounds_too);
    tcase_add_test(tcase, too_many_pieces);
    tcase_add_test(tcase, memory_runs_out);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
