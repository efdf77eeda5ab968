/* sip_adaptor_media.c: relayed media, as far as SIP messages tell of it: which descriptions pass,
 * when calls begin and end.
 *
 * An offer that a phone sends gets labels; the answer has them, too, when the other node relays.
 * Without them in the answer nothing is relayed, and both descriptions stay what they were.
 *
 * RFC 3264, RFC 3261 13.2.1 (offers and answers in INVITE, 2xx, ACK), RFC 3311, RFC 3262.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "usages/sip_adaptor_state.h"

#include <stdlib.h>
#include <strings.h>

/* One message that passes between a phone here and another node. */
struct passing {
    struct media_relay *relay;
    struct sip_branch *branch;
    struct sip_message *message;
    bool outwards;  /* to the other node */
    bool is_answer; /* its description, if it has one */
    bool is_invite;
    bool is_final; /* an answer that stays */
    uint64_t call;
};

static bool
has_description(const struct sip_message *message)
{
    const osip_content_type_t *type = message->head->content_type;
    return message->body_size && type && type->type && type->subtype &&
           strcasecmp(type->type, "application") == 0 && strcasecmp(type->subtype, "sdp") == 0;
}

/* Whether a request of this phone to another node, or of another node to this phone. */
static bool
is_between(const struct sip_branch *branch)
{
    return branch->transaction->is_from_link != (branch->flow.type == SIP_FLOW_LINK);
}

static const struct reload_node_id *
peer_of(const struct sip_branch *branch)
{
    const struct sip_transaction *transaction = branch->transaction;
    return transaction->is_from_link ? &transaction->source.node_id : &branch->flow.node_id;
}

static const struct sip_flow *
phone_of(const struct sip_branch *branch)
{
    const struct sip_transaction *transaction = branch->transaction;
    return transaction->is_from_link ? &branch->flow : &transaction->source;
}

static int
make_key(const struct sip_branch *branch, const char *text, uint8_t key[MEDIA_KEY_SIZE])
{
    struct reload_bytes part = reload_bytes_of_string(text);
    _Static_assert(MEDIA_KEY_SIZE == SIP_TOKEN_SEAL_SIZE, "keys are seals");
    return sip_seal(branch->transaction->adaptor->secret, &part, 1, key);
}

/* The tag of the phone's side: From in its own requests and the answers to them, else To. */
static const char *
phone_tag(const struct passing *passing)
{
    const osip_message_t *head = passing->message->head;
    return sip_message_tag(passing->branch->transaction->is_from_link ? head->to : head->from);
}

static void
remember_tag(const struct passing *passing)
{
    uint8_t key[MEDIA_KEY_SIZE];
    const char *tag = phone_tag(passing);
    if (*tag && make_key(passing->branch, tag, key) == 0)
        media_call_set_tag(passing->relay, passing->call, key);
}

static void
find_call(struct passing *passing)
{
    const char *tag = phone_tag(passing);
    uint8_t dialog[MEDIA_KEY_SIZE], key[MEDIA_KEY_SIZE];
    passing->call = passing->branch->media;
    if (passing->call == 0 && *tag && make_key(passing->branch, tag, key) == 0 &&
        make_key(passing->branch, passing->message->head->call_id->number, dialog) == 0)
        passing->call = media_call_find(passing->relay, peer_of(passing->branch), dialog, key);
}

/* Begins a call, with the way to the other node as it was found. */
static void
new_call(struct passing *passing, reload_time now)
{
    struct sip_branch *branch = passing->branch;
    struct reload_sip_adaptor *adaptor = branch->transaction->adaptor;
    uint8_t dialog[MEDIA_KEY_SIZE];
    struct reload_sip_destination destination =
        branch->target
            ? branch->target->destination
            : reload_sip_destination_of_node(adaptor->ops->wire(adaptor->overlay), peer_of(branch));
    if (make_key(branch, passing->message->head->call_id->number, dialog) != 0)
        return;
    passing->call = branch->media =
        media_call_new(passing->relay, &destination, dialog, &phone_of(branch)->address,
                       branch->transaction->is_from_link, now);
}

/* Whether there is something in the description to begin a call for. */
static bool
wants_relay(const struct passing *passing)
{
    struct reload_sdp sdp;
    bool any = false;
    if (reload_sdp_read((struct reload_bytes){passing->message->body, passing->message->body_size},
                        &sdp) != 0 ||
        (passing->outwards && sdp.has_ice))
        return false;
    for (size_t i = 0; i < sdp.stream_count; i++)
        any |= passing->outwards ? sdp.streams[i].is_relayable : sdp.streams[i].label != 0;
    return any;
}

/* Writes the description anew. One that is not to be relayed stays as it is. */
static void
hand_through(struct passing *passing, reload_time now)
{
    struct sip_message *message = passing->message;
    struct reload_bytes text = {message->body, message->body_size};
    size_t capacity = text.size + RELOAD_SDP_GROWTH_MAX, size = 0;
    char *out = malloc(capacity);
    if (!out)
        return;
    int error =
        passing->outwards
            ? media_call_export(passing->relay, passing->call, text, now, out, capacity, &size)
            : media_call_import(passing->relay, passing->call, text, now, out, capacity, &size);
    if (error == 0) {
        free(message->body);
        message->body = (uint8_t *)out;
        message->body_size = size;
        return;
    }
    free(out);
    /* The other node does not relay, or does not any more. */
    if (!passing->outwards && error == RELOAD_E_NOT_FOUND &&
        (!passing->is_answer || passing->is_final))
        media_call_end(passing->relay, passing->call, now);
}

static void
pass_description(struct passing *passing, reload_time now)
{
    if (!has_description(passing->message))
        return;
    if (passing->is_answer && passing->outwards &&
        !media_call_is_relayed(passing->relay, passing->call))
        return; /* the offer was for somebody who looks for a way himself */
    if (passing->call == 0 && !passing->is_answer && passing->is_invite && wants_relay(passing)) {
        new_call(passing, now);
        remember_tag(passing);
    }
    if (passing->call)
        hand_through(passing, now);
}

void
sip_media_request(struct sip_branch *branch, struct sip_message *request, reload_time now)
{
    bool is_ack = sip_message_is(request, "ACK");
    struct passing passing = {.relay = branch->transaction->adaptor->relay,
                              .branch = branch,
                              .message = request,
                              .outwards = !branch->transaction->is_from_link,
                              .is_answer = is_ack || sip_message_is(request, "PRACK"),
                              .is_invite = branch->transaction->is_invite,
                              .is_final = is_ack};
    branch->offered = has_description(request);
    if (!passing.relay || !is_between(branch))
        return;
    find_call(&passing);
    if (sip_message_is(request, "BYE"))
        media_call_end(passing.relay, passing.call, now);
    else
        pass_description(&passing, now);
}

/* Another phone or node has answered: the sockets of the rest are not needed any more. */
static void
end_others(const struct sip_branch *branch, reload_time now)
{
    const struct sip_transaction *transaction = branch->transaction;
    for (size_t i = 0; i < transaction->branch_count; i++) {
        struct sip_branch *other = transaction->branches[i];
        if (other == branch || media_call_is_answered(transaction->adaptor->relay, other->media))
            continue;
        media_call_end(transaction->adaptor->relay, other->media, now);
        other->media = 0;
    }
}

void
sip_media_response(struct sip_branch *branch, int status, struct sip_message *response,
                   reload_time now)
{
    struct passing passing = {.relay = branch->transaction->adaptor->relay,
                              .branch = branch,
                              .message = response,
                              .outwards = branch->transaction->is_from_link,
                              .is_answer = branch->offered,
                              .is_invite = branch->transaction->is_invite,
                              .is_final = status / 100 == 2};
    if (!passing.relay)
        return;
    if (!response || status >= 300) {
        /* A call that was not answered; one that was stands whatever becomes of a request in it. */
        if (status >= 300 && passing.is_invite &&
            !media_call_is_answered(passing.relay, branch->media))
            media_call_end(passing.relay, branch->media, now);
        return;
    }
    if (!is_between(branch) || status <= 100)
        return;
    find_call(&passing);
    remember_tag(&passing);
    pass_description(&passing, now);
    if (passing.is_invite && passing.is_final) {
        media_call_answered(passing.relay, passing.call, now);
        end_others(branch, now);
    }
}
