/* receive.c: frames that arrive, and links that come and go. RFC 6940 6.6.2.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/forward.h"
#include "reload/core/node_internal.h"

#define ACK_SIZE 9

static void
acknowledge(struct reload_node *node, struct reload_link *link, uint32_t sequence,
            uint32_t received)
{
    struct reload_buffer *buffer = reload_buffer_get(&node->buffers, ACK_SIZE);
    if (!buffer)
        return;
    struct reload_framed_message ack = {.type = RELOAD_FRAMED_MESSAGE_TYPE_ACK};
    ack.ack.ack_sequence = sequence;
    ack.ack.received = received;
    struct reload_writer writer = reload_writer_of(buffer->data, buffer->capacity);
    reload_framed_message_encode(&writer, &node->wire, &ack);
    buffer->size = (uint32_t)writer.size;
    link->bytes_sent += buffer->size;
    (void)reload_effects_send(node, link->id, 0, buffer);
}

static void
receive_message(struct reload_node *node, struct reload_link *link, struct reload_bytes message,
                reload_time now)
{
    link->messages_received++;
    node->counters.messages_received++;
    reload_forward_received(node, link, message, now);
}

static int
receive_frame(struct reload_node *node, struct reload_link *link, struct reload_bytes bytes,
              reload_time now)
{
    struct reload_reader reader = reload_reader_of(bytes);
    struct reload_framed_message frame;
    int error = reload_framed_message_decode(&reader, &node->wire, &frame);
    if (error || reload_reader_left(&reader) > 0) {
        node->counters.dropped_frame++;
        return error ? error : RELOAD_E_TRAILING;
    }
    reload_sender_heard(&link->sender, now);
    if (frame.type == RELOAD_FRAMED_MESSAGE_TYPE_ACK) {
        reload_sender_acknowledged(node, link, frame.ack.ack_sequence, frame.ack.received, now);
        return 0;
    }
    bool fresh;
    uint32_t received = reload_receiver_mark(&link->receiver, frame.data.sequence, &fresh);
    acknowledge(node, link, frame.data.sequence, received);
    if (!fresh)
        node->counters.dropped_duplicate++;
    else if (frame.data.message.size) /* an empty one only wants its acknowledgement (D23) */
        receive_message(node, link, frame.data.message, now);
    return 0;
}

int
reload_node_recv(struct reload_node *node, uint32_t id, struct reload_bytes bytes, reload_time now)
{
    struct reload_link *link = reload_link_find(node, id);
    if (!link || link->state != RELOAD_LINK_UP || link->application)
        return RELOAD_E_CLOSED;
    link->bytes_received += bytes.size;
    node->counters.bytes_received += bytes.size;
    if (link->framing == RELOAD_FRAMING_NONE) {
        receive_message(node, link, bytes, now);
        return 0;
    }
    int error = receive_frame(node, link, bytes, now);
    if (error && link->framing == RELOAD_FRAMING_STREAM) {
        /* A stream that has lost its frames does not find them again (P22). */
        reload_link_end(node, link, RELOAD_E_LINK, false, now);
        return RELOAD_E_LINK;
    }
    return 0;
}

/* The Node-ID that the peer uses on a link that nobody announced: with several, the first until an
 * Attach tells (6.1.2). */
static int
check_peer(struct reload_node *node, const struct reload_identity *identity)
{
    if (identity->node_id_count == 0 || reload_identity_has(identity, &node->id)) {
        if (identity->node_id_count)
            reload_effects_event(node, RELOAD_EVENT_CLONE, 0, &node->id, RELOAD_E_FORBIDDEN);
        return RELOAD_E_FORBIDDEN;
    }
    return 0;
}

static bool
is_bad_node(const struct reload_config *config, const struct reload_node_id *node_id)
{
    for (size_t i = 0; i < config->bad_node_count; i++)
        if (reload_node_id_equal(&config->bad_nodes[i], node_id))
            return true;
    return false;
}

void
reload_node_config_changed(struct reload_node *node, reload_time now)
{
    size_t cursor = 0;
    struct reload_link *link;
    while ((link = reload_link_walk(node, &cursor)))
        if (is_bad_node(node->config, &link->node_id))
            reload_link_end(node, link, RELOAD_E_CERTIFICATE, true, now);
}

int
reload_node_link_incoming(struct reload_node *node, const struct reload_link_peer *peer,
                          uint32_t *id, reload_time now)
{
    int error = check_peer(node, peer->identity);
    if (error)
        return error;
    struct reload_link *link = NULL;
    struct reload_node_id node_id = peer->identity->node_ids[0];
    for (size_t i = 0; i < peer->identity->node_id_count && !link; i++) {
        link = reload_attach_expected(node, &peer->identity->node_ids[i]);
        if (link)
            node_id = peer->identity->node_ids[i];
    }
    if (!link)
        link = reload_link_new(node, RELOAD_LINK_CONNECTING, 0);
    if (!link)
        return RELOAD_E_BUSY;
    link->incoming = true;
    *id = link->id;
    error = reload_link_establish(node, link, peer, &node_id, now);
    if (error && reload_link_find(node, *id))
        reload_link_end(node, link, error, false, now);
    return error;
}

int
reload_node_link_up(struct reload_node *node, uint32_t id, const struct reload_link_peer *peer,
                    reload_time now)
{
    struct reload_link *link = reload_link_find(node, id);
    if (!link || link->state != RELOAD_LINK_CONNECTING)
        return RELOAD_E_CLOSED;
    int error = check_peer(node, peer->identity);
    struct reload_node_id node_id = link->node_id;
    bool anybody = reload_node_id_is_zero(&node_id);
    if (anybody && !error)
        node_id = peer->identity->node_ids[0];
    /* 6.5.1.13: the certificate must be that of the node we attached to (L12). */
    if (!error && !reload_identity_has(peer->identity, &node_id))
        error = RELOAD_E_FORBIDDEN;
    if (!error)
        error = reload_link_establish(node, link, peer, &node_id, now);
    if (error && (link = reload_link_find(node, id)))
        reload_link_end(node, link, error, false, now);
    return error;
}

void
reload_node_link_down(struct reload_node *node, uint32_t id, int error, reload_time now)
{
    struct reload_link *link = reload_link_find(node, id);
    if (link)
        reload_link_end(node, link, error ? error : RELOAD_E_CLOSED, false, now);
}

void
reload_node_gathered(struct reload_node *node, uint32_t id, const struct reload_offer *offer,
                     reload_time now)
{
    struct reload_link *link = reload_link_find(node, id);
    if (link)
        reload_attach_gathered(node, link, offer, now);
}

void
reload_node_close(struct reload_node *node, uint32_t id, reload_time now)
{
    struct reload_link *link = reload_link_find(node, id);
    if (link)
        reload_link_end(node, link, RELOAD_E_CLOSED, true, now);
}
