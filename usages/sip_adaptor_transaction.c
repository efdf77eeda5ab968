/* sip_adaptor_transaction.c: the server side of requests: found again, answered, answered again.
 *
 *   PROCEEDING --final--> COMPLETED --ACK--> CONFIRMED --time--> gone
 *        \--2xx to INVITE--------------------^
 *
 * RFC 3261 17.2, RFC 6026. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/sip_adaptor_state.h"

#include <assert.h>
#include <stdlib.h>

#define SLOT_BITS 14
_Static_assert(SIP_TRANSACTIONS_MAX == 1 << SLOT_BITS, "a number holds a slot");

static int
key_of(struct reload_sip_adaptor *adaptor, const struct sip_flow *source,
       const struct sip_message *request, uint8_t key[SIP_TOKEN_SEAL_SIZE])
{
    const osip_message_t *head = request->head;
    const osip_via_t *via = osip_list_get(&head->vias, 0);
    bool of_invite = sip_message_is(request, "ACK") || sip_message_is(request, "CANCEL");
    bool is_link = source->type == SIP_FLOW_LINK;
    struct reload_bytes parts[] = {
        reload_bytes_of_string(sip_message_branch(request)),
        reload_bytes_of_string(via->host),
        reload_bytes_of_string(via->port ? via->port : ""),
        reload_bytes_of_string(of_invite ? "INVITE" : head->sip_method),
        /* For branches that are not unique (RFC 2543), and against guessing ones that are. */
        reload_bytes_of_string(head->call_id->number),
        reload_bytes_of_string(head->cseq->number),
        reload_bytes_of_string(sip_message_tag(head->from)),
        {source->node_id.octets, is_link ? sizeof source->node_id.octets : 0},
    };
    return sip_seal(adaptor->secret, parts, sizeof parts / sizeof *parts, key);
}

static struct sip_transaction **
bucket_of(struct reload_sip_adaptor *adaptor, const uint8_t key[SIP_TOKEN_SEAL_SIZE])
{
    return &adaptor->buckets[(key[0] << 8 | key[1]) % SIP_BUCKETS];
}

struct sip_transaction *
sip_transaction_find(struct reload_sip_adaptor *adaptor, const struct sip_flow *source,
                     const struct sip_message *request)
{
    uint8_t key[SIP_TOKEN_SEAL_SIZE];
    if (key_of(adaptor, source, request, key) != 0)
        return NULL;
    struct sip_transaction *transaction = *bucket_of(adaptor, key);
    while (transaction && (transaction->is_ack || memcmp(transaction->key, key, sizeof key) != 0))
        transaction = transaction->next_in_bucket;
    return transaction;
}

struct sip_transaction *
sip_transaction_of_number(struct reload_sip_adaptor *adaptor, uint64_t number)
{
    struct sip_transaction *transaction = adaptor->slots[number & (SIP_TRANSACTIONS_MAX - 1)];
    return transaction && transaction->number == number ? transaction : NULL;
}

/* Answers to a datagram go to where it came from, at the port that its Via names unless it asks for
 * the one it came from (RFC 3581). */
static struct sip_flow
answer_flow(const struct sip_flow *source, const struct sip_message *request)
{
    struct sip_flow flow = *source;
    osip_via_t *via = osip_list_get(&request->head->vias, 0);
    osip_generic_param_t *rport = NULL;
    if (source->type != SIP_FLOW_UDP)
        return flow;
    osip_via_param_get_byname(via, (char *)"rport", &rport);
    if (!rport && sip_port(via->port))
        flow.address.port = sip_port(via->port);
    return flow;
}

static void end_reached(struct reload_alarm *alarm, void *owner, uint64_t now);

static size_t
free_slot(struct reload_sip_adaptor *adaptor)
{
    size_t slot = adaptor->next_slot;
    while (adaptor->slots[slot])
        slot = (slot + 1) % SIP_TRANSACTIONS_MAX;
    adaptor->next_slot = (slot + 1) % SIP_TRANSACTIONS_MAX;
    return slot;
}

/* What a transaction holds: libosip2's lists and strings take a few times what a head has on the
 * wire. After the answer that is gone; what stays is the answer, and branches without messages. */
static size_t
weight_before(const struct sip_message *request)
{
    return sizeof(struct sip_transaction) + 8192 + request->body_size;
}

static size_t
weight_after(const struct sip_transaction *transaction)
{
    return sizeof *transaction + transaction->response_size +
           transaction->branch_count * (sizeof(struct sip_branch) + 1024);
}

struct sip_transaction *
sip_transaction_new(struct reload_sip_adaptor *adaptor, const struct sip_flow *source,
                    struct sip_message *request, reload_time now)
{
    if (adaptor->transaction_count == SIP_TRANSACTIONS_MAX - 1 ||
        adaptor->octets + weight_before(request) > SIP_TRANSACTION_OCTETS_MAX)
        return NULL;
    struct sip_transaction *transaction = calloc(1, sizeof *transaction);
    if (!transaction || key_of(adaptor, source, request, transaction->key) != 0 ||
        reload_alarm_set(&adaptor->alarms, &transaction->end, now + SIP_LIFE_MAX, end_reached) !=
            0) {
        free(transaction);
        return NULL;
    }
    size_t slot = free_slot(adaptor);
    struct sip_transaction **bucket = bucket_of(adaptor, transaction->key);
    transaction->adaptor = adaptor;
    transaction->number = ++adaptor->generations[slot] << SLOT_BITS | slot;
    transaction->is_invite = sip_message_is(request, "INVITE");
    transaction->is_ack = sip_message_is(request, "ACK");
    transaction->is_from_link = source->type == SIP_FLOW_LINK;
    transaction->source = *source;
    transaction->back = answer_flow(source, request);
    transaction->request = request;
    transaction->begun_at = now;
    transaction->deadline = now + RELOAD_SIP_SETUP_TIME;
    transaction->octets = weight_before(request);
    adaptor->octets += transaction->octets;
    transaction->next_in_bucket = *bucket;
    *bucket = transaction;
    adaptor->slots[slot] = transaction;
    adaptor->transaction_count++;
    return transaction;
}

bool
sip_transaction_charge(struct sip_transaction *transaction, size_t octets)
{
    struct reload_sip_adaptor *adaptor = transaction->adaptor;
    if (adaptor->octets + octets > SIP_TRANSACTION_OCTETS_MAX)
        return false;
    adaptor->octets += octets;
    transaction->octets += octets;
    return true;
}

/* Lets go what is of no use after the final answer. */
static void
settle(struct sip_transaction *transaction)
{
    struct reload_sip_adaptor *adaptor = transaction->adaptor;
    adaptor->ops->lookup_cancel(adaptor->overlay, transaction->lookup);
    transaction->lookup = 0;
    sip_message_free(transaction->best);
    transaction->best = NULL;
    sip_message_free(transaction->request);
    transaction->request = NULL;
}

void
sip_transaction_free(struct sip_transaction *transaction)
{
    struct reload_sip_adaptor *adaptor = transaction->adaptor;
    struct sip_transaction **at = bucket_of(adaptor, transaction->key);
    while (*at != transaction)
        at = &(*at)->next_in_bucket;
    *at = transaction->next_in_bucket;
    adaptor->slots[transaction->number & (SIP_TRANSACTIONS_MAX - 1)] = NULL;
    adaptor->transaction_count--;
    assert(adaptor->octets >= transaction->octets);
    adaptor->octets -= transaction->octets;
    if (adaptor->registering == transaction)
        adaptor->registering = NULL;
    settle(transaction);
    for (size_t i = 0; i < transaction->branch_count; i++)
        sip_branch_free(transaction->branches[i]);
    reload_alarm_clear(&adaptor->alarms, &transaction->again);
    reload_alarm_clear(&adaptor->alarms, &transaction->end);
    free(transaction->response);
    free(transaction);
}

static struct sip_transaction *
owner_of_end(struct reload_alarm *alarm)
{
    return (struct sip_transaction *)((char *)alarm - offsetof(struct sip_transaction, end));
}

static struct sip_transaction *
owner_of_again(struct reload_alarm *alarm)
{
    return (struct sip_transaction *)((char *)alarm - offsetof(struct sip_transaction, again));
}

/* Timers H, I, J and L of RFC 3261 and 6026, all with one effect. */
static void
end_reached(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    (void)owner, (void)now;
    sip_transaction_free(owner_of_end(alarm));
}

/* The alarm is set from the begin, so this cannot fail. */
static void
end_at(struct sip_transaction *transaction, reload_time at)
{
    int error = reload_alarm_set(&transaction->adaptor->alarms, &transaction->end, at, end_reached);
    assert(error == 0);
    (void)error;
}

/* Timer G: the final answer again, until the ACK comes. */
static void
repeat_final(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    struct sip_transaction *transaction = owner_of_again(alarm);
    struct reload_sip_adaptor *adaptor = owner;
    sip_transaction_repeat(transaction, now);
    transaction->interval = transaction->interval * 2 < SIP_T2 ? transaction->interval * 2 : SIP_T2;
    int error = reload_alarm_set(&adaptor->alarms, &transaction->again, now + transaction->interval,
                                 repeat_final);
    assert(error == 0); /* its own place in the heap was just given free */
    (void)error;
}

void
sip_transaction_repeat(struct sip_transaction *transaction, reload_time now)
{
    if (!transaction->response)
        return;
    transaction->adaptor->counters.retransmissions++;
    (void)sip_adaptor_send(transaction->adaptor, &transaction->back,
                           (struct reload_bytes){transaction->response, transaction->response_size},
                           now);
}

void
sip_transaction_follow(struct sip_transaction *transaction, const struct sip_flow *flow)
{
    const struct sip_flow *source = &transaction->source;
    if (flow->type == SIP_FLOW_LINK && source->type == SIP_FLOW_LINK &&
        reload_node_id_equal(&flow->node_id, &source->node_id))
        transaction->source = transaction->back = *flow;
}

static void
complete(struct sip_transaction *transaction, int status, reload_time now)
{
    struct reload_sip_adaptor *adaptor = transaction->adaptor;
    bool needs_ack = transaction->is_invite && status >= 300;
    if (transaction->state != SIP_TRANSACTION_PROCEEDING)
        return;
    settle(transaction);
    /* Branches that have not ended keep what they sent, but not for long. */
    size_t left = weight_after(transaction);
    if (left < transaction->octets) {
        adaptor->octets -= transaction->octets - left;
        transaction->octets = left;
    }
    transaction->is_accepted = transaction->is_invite && status < 300;
    transaction->state =
        transaction->is_accepted ? SIP_TRANSACTION_CONFIRMED : SIP_TRANSACTION_COMPLETED;
    transaction->interval = SIP_T1;
    /* Without an alarm the answer is not repeated by itself, but when the request is. */
    if (needs_ack && !transaction->source.is_reliable)
        (void)!reload_alarm_set(&adaptor->alarms, &transaction->again, now + SIP_T1, repeat_final);
    end_at(transaction, now + SIP_TIMEOUT);
}

void
sip_transaction_answer(struct sip_transaction *transaction, int status,
                       struct sip_message *response, reload_time now)
{
    struct reload_sip_adaptor *adaptor = transaction->adaptor;
    char tag[17];
    bool late = transaction->state != SIP_TRANSACTION_PROCEEDING &&
                !(transaction->state == SIP_TRANSACTION_CONFIRMED && status / 100 == 2);
    if (transaction->is_ack && status >= 200)
        sip_transaction_finish(transaction, now);
    if (transaction->is_ack || late) {
        sip_message_free(response);
        return;
    }
    sip_hex_format(transaction->key + 8, 8, tag);
    if (!response)
        response = sip_message_response(transaction->request, status, status == 100 ? NULL : tag);
    size_t size = 0;
    uint8_t *bytes = response ? sip_message_format(response, &size) : NULL;
    sip_message_free(response);
    if (bytes) {
        free(transaction->response);
        transaction->response = bytes;
        transaction->response_size = size;
        (void)sip_adaptor_send(adaptor, &transaction->back, (struct reload_bytes){bytes, size},
                               now);
    }
    if (status >= 200)
        complete(transaction, status, now);
}

void
sip_transaction_acknowledge(struct sip_transaction *transaction, reload_time now)
{
    if (transaction->state != SIP_TRANSACTION_COMPLETED)
        return;
    transaction->state = SIP_TRANSACTION_CONFIRMED;
    reload_alarm_clear(&transaction->adaptor->alarms, &transaction->again);
    /* Timer I; the branches' own ACKs are no longer needed either after that. */
    (void)now;
}

void
sip_transaction_finish(struct sip_transaction *transaction, reload_time now)
{
    end_at(transaction, now);
}

void
sip_answer_stateless(struct reload_sip_adaptor *adaptor, const struct sip_flow *flow,
                     const struct sip_message *request, int status, reload_time now)
{
    uint8_t key[SIP_TOKEN_SEAL_SIZE];
    char tag[17];
    size_t size;
    if (sip_message_is(request, "ACK") || key_of(adaptor, flow, request, key) != 0)
        return;
    sip_hex_format(key + 8, 8, tag);
    struct sip_message *response = sip_message_response(request, status, tag);
    uint8_t *bytes = response ? sip_message_format(response, &size) : NULL;
    struct sip_flow back = answer_flow(flow, request);
    if (bytes)
        (void)sip_adaptor_send(adaptor, &back, (struct reload_bytes){bytes, size}, now);
    free(bytes);
    sip_message_free(response);
}
