/* deliver.c: messages that are for us: verified, checked, handed to the method's handler or to the
 * transaction that waits for them. RFC 6940 6.3.2.1, 6.3.2.3, 6.3.3, 6.3.4.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/error_code.h"
#include "reload/core/forward.h"
#include "reload/core/message.h"
#include "reload/core/node_internal.h"
#include "reload/core/reply.h"

#include <assert.h>

/* ---- checks of a request, in the order in which they are made ----------------------------------
 */

/* 6.3.2.1, by arithmetic modulo 65535. */
static int
check_configuration(struct reload_node *node, const struct reload_incoming *incoming)
{
    uint16_t theirs = incoming->message->header.configuration_sequence;
    uint16_t ours = node->config->sequence;
    if (theirs == ours)
        return 0;
    uint32_t ahead = ((uint32_t)theirs + 65535 - ours) % 65535;
    return ahead != 0 && ahead <= 32767 ? RELOAD_E_CONFIG_NEW : RELOAD_E_CONFIG_OLD;
}

static int
check_options(struct reload_node *node, const struct reload_incoming *incoming)
{
    struct reload_reader reader = reload_reader_of(incoming->message->header.options);
    struct reload_forwarding_option option;
    while (reload_forwarding_option_next(&reader, &node->wire, &option))
        if (option.flags & RELOAD_FORWARDING_FLAG_DESTINATION_CRITICAL)
            return RELOAD_E_UNSUPPORTED_OPTION;
    return 0;
}

static bool
has_critical_extension(struct reload_node *node, const struct reload_message *message)
{
    struct reload_reader reader = reload_reader_of(message->contents.extensions);
    struct reload_message_extension extension;
    while (reload_message_extension_next(&reader, &node->wire, &extension))
        if (extension.critical &&
            !reload_ping_understands(node, message->contents.message_code, extension.type))
            return true;
    return false;
}

/* 6.1.2: a node with several Node-IDs has to say by an Attach which one it uses. */
static int
check_attached(struct reload_node *node, const struct reload_incoming *incoming,
               const struct reload_method *method)
{
    const struct reload_link *link = reload_link_find(node, incoming->link);
    bool unclear = link && link->several_ids && !link->attached;
    return unclear && !method->unattached ? RELOAD_E_FORBIDDEN : 0;
}

static int
check_request(struct reload_node *node, const struct reload_incoming *incoming,
              const struct reload_method *method)
{
    uint16_t code = incoming->message->contents.message_code;
    /* 6.3.2.1's exception: a ConfigUpdate with the sequence 65535 (D11). */
    bool any_configuration = code == RELOAD_MESSAGE_CONFIG_UPDATE_REQ &&
                             incoming->message->header.configuration_sequence == 65535;
    int error = any_configuration ? 0 : check_configuration(node, incoming);
    if (!error)
        error = check_options(node, incoming);
    if (!error && has_critical_extension(node, incoming->message))
        error = RELOAD_E_UNKNOWN_EXTENSION;
    if (!error && !method)
        error = RELOAD_E_MALFORMED;
    if (!error)
        error = check_attached(node, incoming, method);
    return error;
}

/* ---- requests ------------------------------------------------------------------------------- */

static int
handle(struct reload_node *node, const struct reload_incoming *incoming,
       const struct reload_method *method, const struct reload_reply *reply, reload_time now)
{
    size_t size = node->config->max_message_size;
    struct reload_buffer *body = reload_buffer_get(&node->buffers, size);
    size_t info_size = size < UINT16_MAX ? size : UINT16_MAX;
    struct reload_buffer *info = reload_buffer_get(&node->buffers, info_size);
    int error = RELOAD_E_NOMEM;
    if (!body || !info) {
        node->counters.dropped_busy++;
        if (reply->remember) /* nothing was done: a retransmission is welcome */
            reload_answer_cache_forget(node, &reply->signer_id, reply->transaction_id,
                                       reply->digest);
    } else {
        struct reload_answer answer = {.body = reload_writer_of(body->data, size),
                                       .error_info = reload_writer_of(info->data, info_size),
                                       .extensions = reload_writer_of(info->data, info_size)};
        error = method->handle(node, incoming, &answer, now);
        if (!error && (answer.body.failed || answer.extensions.failed))
            error = RELOAD_E_SPACE;
        if (error == 0)
            reload_reply_answer(node, reply, &answer, now);
        else if (error < 0 && reload_error_code_of(error))
            reload_reply_send(node, reply, reload_error_code_of(error),
                              reload_writer_written(&answer.error_info), NULL, 0, now);
    }
    reload_buffer_drop(&node->buffers, body);
    reload_buffer_drop(&node->buffers, info);
    return error;
}

/* Whether the request was seen before; a kept answer is sent again. */
static bool
is_repeated(struct reload_node *node, const struct reload_incoming *incoming,
            struct reload_reply *reply, reload_time now)
{
    if (reload_reply_digest(node, reply, incoming) != 0)
        return false;
    const struct reload_kept_answer *kept = NULL;
    switch (reload_answer_cache_look(node, &reply->signer_id, reply->transaction_id, reply->digest,
                                     &kept, now)) {
    case RELOAD_ANSWER_NEW:
        return false;
    case RELOAD_ANSWER_PENDING:
        node->counters.dropped_duplicate++;
        return true;
    case RELOAD_ANSWER_KEPT:
        break;
    }
    node->counters.dropped_duplicate++;
    reply->remember = false; /* it is kept already */
    reload_reply_send(node, reply, kept->error_code, (struct reload_bytes){kept->body, kept->size},
                      NULL, 0, now);
    return true;
}

static void
receive_request(struct reload_node *node, const struct reload_incoming *incoming, reload_time now)
{
    uint16_t code = incoming->message->contents.message_code;
    const struct reload_method *method = reload_method_find(code);
    struct reload_reply *reply = reload_reply_new(node, incoming, method && method->remember);
    if (!reply) {
        node->counters.dropped_busy++;
        return;
    }
    int error = check_request(node, incoming, method);
    if (error) {
        reply->remember = false;
        reload_reply_send(node, reply, reload_error_code_of(error), (struct reload_bytes){0}, NULL,
                          0, now);
    } else if (!reply->remember || !is_repeated(node, incoming, reply, now)) {
        (void)handle(node, incoming, method, reply, now);
    }
    reload_reply_free(node, reply);
}

/* ---- all messages --------------------------------------------------------------------------- */

/* Drops what 6.3.3 does not allow at all. */
static bool
is_sane(struct reload_node *node, const struct reload_message *message)
{
    uint16_t code = message->contents.message_code;
    if (code == 0 || (code >= 0x8000 && code != RELOAD_MESSAGE_ERROR))
        return false;
    if (reload_message_is_request(code))
        return true;
    if (has_critical_extension(node, message)) /* no error for an answer (D14) */
        return false;
    /* 6.3.2.3: the flags MUST NOT be set in a response. */
    struct reload_reader reader = reload_reader_of(message->header.options);
    struct reload_forwarding_option option;
    while (reload_forwarding_option_next(&reader, &node->wire, &option))
        if (option.flags &
            (RELOAD_FORWARDING_FLAG_FORWARD_CRITICAL | RELOAD_FORWARDING_FLAG_DESTINATION_CRITICAL |
             RELOAD_FORWARDING_FLAG_RESPONSE_COPY))
            return false;
    return true;
}

static bool
is_to_wildcard(struct reload_node *node, const struct reload_message *message)
{
    struct reload_reader reader = reload_reader_of(message->header.destination_list);
    struct reload_destination entry;
    bool wildcard = false;
    while (reload_destination_next(&reader, &node->wire, &entry))
        wildcard =
            entry.type == RELOAD_DESTINATION_TYPE_NODE &&
            reload_node_id_is_wildcard(&entry.destination_data.node_id, node->wire.node_id_length);
    return wildcard;
}

static bool
is_welcome(struct reload_node *node, struct reload_link *link, size_t way, reload_time now)
{
    if (!link || reload_junk_is_welcome(&link->junk, way, now))
        return true;
    node->counters.dropped_flood++;
    return false;
}

static void
count_failure(struct reload_node *node, struct reload_link *link, size_t way, int error)
{
    if (error == RELOAD_E_SIGNATURE)
        node->counters.dropped_signature++;
    else
        node->counters.dropped_certificate++;
    if (link && error != RELOAD_E_NOMEM)
        reload_junk_failed(&link->junk, way);
}

/* Fills |incoming| from the link and the checked signature. */
static int
identify(struct reload_node *node, const struct reload_link *link,
         const struct reload_message *message, struct reload_incoming *incoming)
{
    *incoming = (struct reload_incoming){.message = message, .link_id = node->id};
    incoming->to_wildcard = is_to_wildcard(node, message);
    if (!link) {
        /* Our own message to ourselves never left this process. */
        incoming->signer = node->keyring->ops->self(node->keyring);
        incoming->signer_id = node->id;
        incoming->from_signer = true;
        return 0;
    }
    incoming->link = link->id;
    incoming->link_id = link->node_id;
    int error = reload_message_verify(node, message, &incoming->signer, &incoming->signer_id);
    incoming->from_signer = reload_node_id_equal(&link->node_id, &incoming->signer_id);
    return error;
}

void
reload_deliver(struct reload_node *node, struct reload_link *link, struct reload_bytes bytes,
               reload_time now)
{
    struct reload_message message;
    int error = reload_message_decode(bytes, &node->wire, &message);
    if (error || !is_sane(node, &message)) {
        node->counters.dropped_malformed++;
        return;
    }
    bool is_request = reload_message_is_request(message.contents.message_code);
    /* An answer that nobody waits for is not worth a verification. */
    if (!is_request && !reload_transaction_find(node, message.header.transaction_id)) {
        node->counters.dropped_unsolicited++;
        return;
    }
    struct reload_incoming incoming;
    size_t way = reload_junk_way(message.header.via_list, node->wire.node_id_length);
    if (!is_welcome(node, link, way, now))
        return;
    error = identify(node, link, &message, &incoming);
    if (error) {
        count_failure(node, link, way, error);
        return;
    }
    if (is_request)
        receive_request(node, &incoming, now);
    else
        reload_transaction_answered(node, &incoming, now);
}
