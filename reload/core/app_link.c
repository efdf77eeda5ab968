/* app_link.c: applications' own links, past the routing. RFC 6940 6.5.2.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/app_link.h"

#include "reload/core/node_internal.h"

static struct reload_link *
find(const struct reload_node *node, uint32_t id)
{
    struct reload_link *link = reload_link_find(node, id);
    return link && link->application && link->state == RELOAD_LINK_UP ? link : NULL;
}

int
reload_node_app_recv(struct reload_node *node, uint32_t id, struct reload_bytes bytes,
                     reload_time now)
{
    struct reload_link *link = find(node, id);
    if (!link)
        return RELOAD_E_CLOSED;
    link->bytes_received += bytes.size;
    link->messages_received++;
    const struct reload_usage_ops *usage = node->options.usages[link->usage];
    usage->app_recv(node->usage_states[link->usage], id, bytes, now);
    return 0;
}

int
reload_node_app_send(struct reload_node *node, uint32_t id, struct reload_bytes bytes,
                     reload_time now)
{
    (void)now;
    struct reload_link *link = find(node, id);
    if (!link)
        return RELOAD_E_CLOSED;
    struct reload_buffer *buffer = reload_buffer_get(&node->buffers, bytes.size);
    if (!buffer)
        return RELOAD_E_NOMEM;
    if (bytes.size)
        memcpy(buffer->data, bytes.data, bytes.size);
    buffer->size = (uint32_t)bytes.size;
    link->bytes_sent += bytes.size;
    link->messages_sent++;
    return reload_effects_send(node, id, link->application, buffer);
}

bool
reload_node_app_link(const struct reload_node *node, uint32_t id, bool *is_stream,
                     struct reload_node_id *node_id)
{
    const struct reload_link *link = find(node, id);
    if (!link)
        return false;
    *is_stream = link->framing != RELOAD_FRAMING_DATAGRAM;
    *node_id = link->node_id;
    return true;
}
