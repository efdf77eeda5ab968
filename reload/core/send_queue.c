/* send_queue.c: frames that wait for the window.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/send_queue.h"

#include "reload/core/node_internal.h"

/* While a frame waits its first sent_at says since when. */
static reload_time
waits_since(const struct reload_buffer *frame)
{
    return frame->sent_at[0];
}

static struct reload_buffer *
pop(struct reload_sender *sender)
{
    struct reload_buffer *frame = sender->queue;
    sender->queue = frame->next;
    if (!sender->queue)
        sender->queue_end = &sender->queue;
    sender->queue_count--;
    return frame;
}

/* RFC 6940 6.2.1: a request is repeated by its sender after the overlay-reliability-timer, and over
 * after five of them. What has waited for half of that, with as long a way back, is late. */
static void
drop_late(struct reload_node *node, struct reload_sender *sender, reload_time now)
{
    reload_time life =
        RELOAD_REQUEST_TRIES * node->config->overlay_reliability_timer_ms * RELOAD_MS;
    while (sender->queue && now - waits_since(sender->queue) >= life / 2) {
        struct reload_buffer *frame = pop(sender);
        sender->queued_octets -= frame->size;
        node->counters.dropped_late++;
        reload_buffer_drop(&node->buffers, frame);
    }
}

/* What is repeated end-to-end comes in the same octets, by the same way: all of them are compared,
 * or somebody could keep another one's message out by its transaction id. */
static bool
waits_already(const struct reload_sender *sender, const struct reload_buffer *buffer)
{
    const struct reload_buffer *frame = sender->queue;
    for (; frame; frame = frame->next)
        if (frame->size == buffer->size &&
            memcmp(frame->data + RELOAD_FRAME_HEADER_SIZE, buffer->data + RELOAD_FRAME_HEADER_SIZE,
                   buffer->size - RELOAD_FRAME_HEADER_SIZE) == 0)
            return true;
    return false;
}

int
reload_send_queue_put(struct reload_node *node, struct reload_sender *sender,
                      struct reload_buffer *buffer, reload_time now)
{
    drop_late(node, sender, now);
    if (waits_already(sender, buffer)) {
        reload_buffer_drop(&node->buffers, buffer);
        node->counters.dropped_repeated++;
        return 0;
    }
    if (sender->queue_count >= RELOAD_LINK_QUEUE_MAX ||
        sender->queued_octets + buffer->size > RELOAD_LINK_QUEUE_OCTETS_MAX) {
        reload_buffer_drop(&node->buffers, buffer);
        node->counters.dropped_busy++;
        return RELOAD_E_BUSY;
    }
    buffer->sent_at[0] = now;
    buffer->next = NULL;
    *sender->queue_end = buffer;
    sender->queue_end = &buffer->next;
    sender->queue_count++;
    sender->queued_octets += buffer->size;
    return 0;
}

struct reload_buffer *
reload_send_queue_take(struct reload_node *node, struct reload_sender *sender, reload_time now)
{
    drop_late(node, sender, now);
    return sender->queue ? pop(sender) : NULL;
}
