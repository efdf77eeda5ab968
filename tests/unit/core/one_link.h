/* one_link.h: a node with one link, whose other end is the test: what it sends and hears there.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TESTS_CORE_ONE_LINK_H
#define RELOAD_TESTS_CORE_ONE_LINK_H

#include "tests/unit/core/world.h"

#include <check.h>

static struct world *world;
static struct world_host *host, *peer, *other;
static uint32_t link_id;

static inline void
begin(enum reload_framing framing, reload_time rtt_ns)
{
    world = world_new(&world_single);
    host = world_add(world, 1);
    peer = world_add(world, 1);
    other = world_add(world, 1);
    ck_assert_int_eq(world_boot(host, &world_single), 0);
    link_id = world_link(host, peer, framing, rtt_ns);
    world_forget(host);
}

static inline struct reload_link *
the_link(void)
{
    return reload_link_find(host->node, link_id);
}

static inline struct reload_sender *
sender(void)
{
    return &the_link()->sender;
}

/* Says |size| octets, the first two of which are |word|. */
static inline void
say_word(size_t size, uint16_t word)
{
    struct reload_buffer *buffer =
        reload_buffer_get(&host->node->buffers, RELOAD_FRAME_HEADER_SIZE + size);
    memset(buffer->data + RELOAD_FRAME_HEADER_SIZE, 0x55, size);
    memcpy(buffer->data + RELOAD_FRAME_HEADER_SIZE, &word, size < 2 ? size : 2);
    buffer->size = (uint32_t)(RELOAD_FRAME_HEADER_SIZE + size);
    (void)reload_link_send(host->node, the_link(), buffer, world->now);
    world_turn(host);
}

/* Says something new. */
static inline void
say(size_t size)
{
    static uint16_t word;
    say_word(size, word++);
}

static inline uint32_t
sequence_of(size_t index)
{
    const struct world_sent *sent = &host->sent[index];
    ck_assert_uint_lt(index, host->sent_count);
    ck_assert_uint_eq(sent->bytes[0], RELOAD_FRAMED_MESSAGE_TYPE_DATA);
    return (uint32_t)sent->bytes[1] << 24 | (uint32_t)sent->bytes[2] << 16 |
           (uint32_t)sent->bytes[3] << 8 | sent->bytes[4];
}

static inline void
hear(struct reload_bytes bytes)
{
    (void)reload_node_recv(host->node, link_id, bytes, world->now);
    world_turn(host);
}

static inline void
acknowledge_masked(uint32_t sequence, uint32_t received)
{
    uint8_t ack[9] = {129,
                      (uint8_t)(sequence >> 24),
                      (uint8_t)(sequence >> 16),
                      (uint8_t)(sequence >> 8),
                      (uint8_t)sequence,
                      (uint8_t)(received >> 24),
                      (uint8_t)(received >> 16),
                      (uint8_t)(received >> 8),
                      (uint8_t)received};
    hear((struct reload_bytes){ack, sizeof ack});
}

static inline void
acknowledge(uint32_t sequence)
{
    acknowledge_masked(sequence, 0);
}

static inline void
wait(reload_time ns)
{
    world_advance(world, world->now + ns);
}

#endif
