/* reply.c: the way back for an answer.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/reply.h"

#include "reload/core/error_code.h"
#include "reload/core/forward.h"
#include "reload/core/message.h"
#include "reload/core/node_internal.h"

#include <assert.h>

void
reload_reply_options(struct reload_node *node, struct reload_bytes options,
                     struct reload_writer *writer)
{
    struct reload_reader reader = reload_reader_of(options);
    struct reload_forwarding_option option;
    while (reload_forwarding_option_next(&reader, &node->wire, &option)) {
        if (!(option.flags & RELOAD_FORWARDING_FLAG_RESPONSE_COPY))
            continue;
        option.flags = 0;
        reload_forwarding_option_encode(writer, &node->wire, &option);
    }
}

static bool
lists_link_peer(struct reload_node *node, const struct reload_incoming *incoming)
{
    struct reload_bytes via = incoming->message->header.via_list;
    size_t size = 2u + node->wire.node_id_length;
    return via.size >= size && via.data[via.size - size] == RELOAD_DESTINATION_TYPE_NODE &&
           via.data[via.size - size + 1] == node->wire.node_id_length &&
           memcmp(via.data + via.size - size + 2, incoming->link_id.octets,
                  node->wire.node_id_length) == 0;
}

struct reload_reply *
reload_reply_new(struct reload_node *node, const struct reload_incoming *incoming, bool remember)
{
    const struct reload_forwarding_header *header = &incoming->message->header;
    size_t list_size = 2u + node->wire.node_id_length + header->via_list.size;
    struct reload_reply *reply =
        reload_node_allocate(node, NULL, sizeof *reply + list_size + header->options.size);
    if (!reply)
        return NULL;
    *reply = (struct reload_reply){.transaction_id = header->transaction_id,
                                   .code = incoming->message->contents.message_code,
                                   .link = incoming->link,
                                   .max_response_length = header->max_response_length,
                                   .remember = remember,
                                   .signer_id = incoming->signer_id};
    uint8_t *lists = (uint8_t *)(reply + 1);
    struct reload_writer writer = reload_writer_of(lists, list_size);
    /* The Via List reversed, behind the node that the request came from (6.1.2, 6.2.2). */
    if (!lists_link_peer(node, incoming)) {
        reload_writer_u8(&writer, RELOAD_DESTINATION_TYPE_NODE);
        reload_writer_vector(&writer, 1,
                             reload_node_id_bytes(&incoming->link_id, node->wire.node_id_length));
    }
    reload_forward_reverse(node, header->via_list, &writer);
    assert(!writer.failed);
    reply->destination_list = reload_writer_written(&writer);
    writer = reload_writer_of(lists + list_size, header->options.size);
    reload_reply_options(node, header->options, &writer);
    reply->options = reload_writer_written(&writer);
    return reply;
}

int
reload_reply_digest(struct reload_node *node, struct reload_reply *reply,
                    const struct reload_incoming *incoming)
{
    struct reload_bytes part = incoming->message->contents_bytes;
    uint8_t digest[RELOAD_DIGEST_MAX];
    size_t size;
    int error = node->keyring->ops->digest(node->keyring, RELOAD_HASH_ALGORITHM_SHA256, &part, 1,
                                           digest, &size);
    if (!error)
        memcpy(reply->digest, digest, sizeof reply->digest);
    return error;
}

void
reload_reply_free(struct reload_node *node, struct reload_reply *reply)
{
    if (reply)
        (void)reload_node_allocate(node, reply, 0);
}

/* |limit| is the most that the message may have; 0: as it comes. */
static int
send(struct reload_node *node, const struct reload_reply *reply, const struct reload_draft *draft,
     uint32_t limit, reload_time now)
{
    struct reload_buffer *buffer;
    int error = reload_message_build(node, draft, &buffer);
    if (error)
        return error;
    uint32_t size = buffer->size - RELOAD_FRAME_HEADER_SIZE;
    if (limit && size > limit) {
        reload_buffer_drop(&node->buffers, buffer);
        return RELOAD_E_TOO_LARGE;
    }
    (void)reload_forward_own(node, buffer, reply->link, now);
    return 0;
}

static int
send_error(struct reload_node *node, const struct reload_reply *reply, struct reload_draft *draft,
           uint16_t error_code, struct reload_bytes info, reload_time now)
{
    /* 6.3.3.1: text for people, where the code does not say otherwise. */
    if (info.size == 0)
        info = reload_bytes_of_string(reload_error_text(reload_error_of_code(error_code)));
    struct reload_buffer *scratch = reload_buffer_get(&node->buffers, info.size + 4);
    if (!scratch)
        return RELOAD_E_NOMEM;
    struct reload_writer writer = reload_writer_of(scratch->data, scratch->capacity);
    struct reload_error_response refusal = {.error_code = error_code, .error_info = info};
    reload_error_response_encode(&writer, &node->wire, &refusal);
    draft->code = RELOAD_MESSAGE_ERROR;
    draft->body = reload_writer_written(&writer);
    draft->certificate_count = 0;
    node->counters.errors_sent++;
    /* What the error says beside its code may be left out; the error itself is owed (6.3.2). */
    int error = send(node, reply, draft, info.size ? reply->max_response_length : 0, now);
    if (error == RELOAD_E_TOO_LARGE && info.size) {
        draft->body.size = 4;
        scratch->data[2] = scratch->data[3] = 0;
        error = send(node, reply, draft, 0, now);
    }
    reload_buffer_drop(&node->buffers, scratch);
    return error;
}

static struct reload_draft
draft_of(const struct reload_reply *reply, struct reload_bytes body)
{
    return (struct reload_draft){.transaction_id = reply->transaction_id,
                                 .destination_list = reply->destination_list,
                                 .options = reply->options,
                                 .code = (uint16_t)(reply->code + 1),
                                 .body = body};
}

static void
answer_by(struct reload_node *node, const struct reload_reply *reply, uint16_t error_code,
          struct reload_draft *draft, reload_time now)
{
    if (reply->remember)
        reload_answer_cache_keep(node, &reply->signer_id, reply->transaction_id, reply->digest,
                                 error_code, draft->body);
    node->counters.requests_answered++;
    if (error_code) {
        (void)send_error(node, reply, draft, error_code, draft->body, now);
        return;
    }
    if (send(node, reply, draft, reply->max_response_length, now) == RELOAD_E_TOO_LARGE) {
        draft->extensions = (struct reload_bytes){0};
        (void)send_error(node, reply, draft, RELOAD_ERROR_RESPONSE_TOO_LARGE,
                         (struct reload_bytes){0}, now);
    }
}

void
reload_reply_send(struct reload_node *node, const struct reload_reply *reply, uint16_t error_code,
                  struct reload_bytes body, const struct reload_bytes *certificates,
                  size_t certificate_count, reload_time now)
{
    struct reload_draft draft = draft_of(reply, body);
    draft.certificates = certificates;
    draft.certificate_count = certificate_count;
    answer_by(node, reply, error_code, &draft, now);
}

void
reload_reply_answer(struct reload_node *node, const struct reload_reply *reply,
                    const struct reload_answer *answer, reload_time now)
{
    struct reload_draft draft = draft_of(reply, reload_writer_written(&answer->body));
    draft.certificates = answer->certificates;
    draft.certificate_count = answer->certificate_count;
    draft.extensions = reload_writer_written(&answer->extensions);
    /* What is remembered has no extensions: those are Ping's, which is not remembered. */
    assert(!reply->remember || draft.extensions.size == 0);
    answer_by(node, reply, 0, &draft, now);
}
