/* ping.c: Ping with its extensions, Probe, and what is refused or handed to the topology. RFC 6940
 * 6.3.3, 6.4.2.5, 6.5.3.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/node_internal.h"

/* ---- Ping ----------------------------------------------------------------------------------- */

/* What the usages answer on Ping, by the type of the extension. */
static bool
usage_of_extension(const struct reload_node *node, uint16_t type, size_t *usage)
{
    for (size_t i = 0; i < node->options.usage_count && type; i++)
        if (node->options.usages[i]->ping_extension == type && node->options.usages[i]->ping) {
            *usage = i;
            return true;
        }
    return false;
}

bool
reload_ping_understands(const struct reload_node *node, uint16_t code, uint16_t type)
{
    size_t usage;
    return (code == RELOAD_MESSAGE_PING_REQ || code == RELOAD_MESSAGE_PING_ANS) &&
           usage_of_extension(node, type, &usage);
}

/* Writes the extension |type| of the answer, if the usage has one to give. */
static void
answer_extension(struct reload_node *node, const struct reload_incoming *incoming, size_t usage,
                 struct reload_bytes content, struct reload_writer *extensions, reload_time now)
{
    const struct reload_usage_ops *ops = node->options.usages[usage];
    struct reload_writer whole = *extensions;
    reload_writer_u16(&whole, ops->ping_extension);
    reload_writer_u8(&whole, false); /* not critical: the answer is one without it */
    size_t mark = reload_writer_begin(&whole, 4);
    if (!whole.failed && ops->ping(node->usage_states[usage], incoming->signer,
                                   &incoming->signer_id, content, &whole, now) != 0)
        return;
    reload_writer_end(&whole, mark, 4);
    if (!whole.failed)
        *extensions = whole;
}

/* Each usage is asked once, however often its extension stands there. */
static void
answer_extensions(struct reload_node *node, const struct reload_incoming *incoming,
                  struct reload_writer *extensions, reload_time now)
{
    for (size_t i = 0; i < node->options.usage_count; i++) {
        size_t usage;
        struct reload_bytes content;
        uint16_t type = node->options.usages[i]->ping_extension;
        if (usage_of_extension(node, type, &usage) && usage == i &&
            reload_message_extension(incoming->message, type, &content))
            answer_extension(node, incoming, i, content, extensions, now);
    }
}

/* RFC 6940 6.5.3.2: response_id is random, time is for the requester's clock to compare. */
int
reload_handle_ping(struct reload_node *node, const struct reload_incoming *incoming,
                   struct reload_answer *answer, reload_time now)
{
    struct reload_reader reader = reload_reader_of(incoming->message->contents.message_body);
    struct reload_ping_req request;
    int error = reload_ping_req_decode(&reader, &node->wire, &request);
    if (error || reload_reader_left(&reader) > 0)
        return RELOAD_E_MALFORMED;
    struct reload_ping_ans ping = {.time = reload_node_wall_ms(node)};
    node->env->random(node->env->context, &ping.response_id, sizeof ping.response_id);
    reload_ping_ans_encode(&answer->body, &node->wire, &ping);
    answer_extensions(node, incoming, &answer->extensions, now);
    return 0;
}

int
reload_node_ping(struct reload_node *node, const struct reload_route *route, uint16_t extension,
                 struct reload_bytes content, reload_result_fn *done, void *argument,
                 reload_time now)
{
    size_t size = 2 + 1 + 4 + content.size;
    if (content.size > node->config->max_message_size)
        return RELOAD_E_TOO_LARGE;
    struct reload_buffer *buffer = reload_buffer_get(&node->buffers, size);
    if (!buffer)
        return RELOAD_E_NOMEM;
    static const uint8_t no_padding[2] = {0};
    struct reload_writer writer = reload_writer_of(buffer->data, size);
    if (extension) {
        struct reload_message_extension value = {.type = extension, .extension_contents = content};
        reload_message_extension_encode(&writer, &node->wire, &value);
    }
    struct reload_request request = {.code = RELOAD_MESSAGE_PING_REQ,
                                     .body = {no_padding, sizeof no_padding},
                                     .extensions = reload_writer_written(&writer)};
    int error = reload_request_start(node, route, &request, done, argument, now, NULL);
    reload_buffer_drop(&node->buffers, buffer);
    return error;
}

bool
reload_message_extension(const struct reload_message *message, uint16_t type,
                         struct reload_bytes *content)
{
    static const struct reload_wire wire = {.node_id_length = RELOAD_NODE_ID_SIZE_MIN};
    struct reload_reader reader = reload_reader_of(message->contents.extensions);
    struct reload_message_extension extension;
    while (reload_message_extension_next(&reader, &wire, &extension))
        if (extension.type == type) {
            *content = extension.extension_contents;
            return true;
        }
    return false;
}

/* ---- Probe ---------------------------------------------------------------------------------- */

/* One kind of information, as asked for; false for those that we do not know. */
static bool
probe(struct reload_node *node, uint8_t type, reload_time now,
      struct reload_probe_information *information)
{
    *information = (struct reload_probe_information){.type = type};
    switch (type) {
    case RELOAD_PROBE_INFORMATION_TYPE_RESPONSIBLE_SET:
        information->value.responsible_ppb = node->topology->responsible_ppb(node->topology_state);
        return true;
    case RELOAD_PROBE_INFORMATION_TYPE_NUM_RESOURCES:
        information->value.num_resources = (uint32_t)reload_storage_resource_count(&node->storage);
        return true;
    case RELOAD_PROBE_INFORMATION_TYPE_UPTIME:
        information->value.uptime = (uint32_t)((now - node->started_at) / RELOAD_SECOND);
        return true;
    default:
        return false;
    }
}

int
reload_handle_probe(struct reload_node *node, const struct reload_incoming *incoming,
                    struct reload_answer *answer, reload_time now)
{
    struct reload_reader reader = reload_reader_of(incoming->message->contents.message_body);
    struct reload_probe_req request;
    int error = reload_probe_req_decode(&reader, &node->wire, &request);
    if (error || reload_reader_left(&reader) > 0)
        return RELOAD_E_MALFORMED;
    bool done[256] = {false}; /* each once, however often it was asked for (P26) */
    size_t mark = reload_writer_begin(&answer->body, 2);
    for (size_t i = 0; i < request.requested_info.size; i++) {
        uint8_t type = request.requested_info.data[i];
        struct reload_probe_information information;
        if (!done[type] && probe(node, type, now, &information))
            reload_probe_information_encode(&answer->body, &node->wire, &information);
        done[type] = true;
    }
    reload_writer_end(&answer->body, mark, 2);
    return 0;
}

/* ---- others --------------------------------------------------------------------------------- */

int
reload_handle_topology(struct reload_node *node, const struct reload_incoming *incoming,
                       struct reload_answer *answer, reload_time now)
{
    return node->topology->recv(node->topology_state, incoming, &answer->body, now);
}

/* Documents are not taken from the overlay yet: nobody may change ours (D11: the message is
 * accepted, its content refused). */
int
reload_handle_config_update(struct reload_node *node, const struct reload_incoming *incoming,
                            struct reload_answer *answer, reload_time now)
{
    (void)answer;
    (void)now;
    struct reload_reader reader = reload_reader_of(incoming->message->contents.message_body);
    struct reload_config_update_req request;
    int error = reload_config_update_req_decode(&reader, &node->wire, &request);
    return error || reload_reader_left(&reader) > 0 ? RELOAD_E_MALFORMED : RELOAD_E_FORBIDDEN;
}
