/* sip_adaptor_branch.c: the client side of forwarded requests: a link where one is needed, sending,
 * repeating, giving up, CANCEL and ACK.
 *
 *   CONNECTING -> CALLING -> PROCEEDING -> COMPLETED
 *
 * RFC 3261 17.1, 16.7, 16.8, 9.1. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/sip_adaptor_state.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* At the fourth transmission, after 3.5 s. */
#define SILENCE (4 * SIP_T1)
#define RETRIES_MAX 3 /* on other links */

static void start(struct sip_branch *branch, reload_time deadline, reload_time now);

static struct sip_branch *
owner_of_again(struct reload_alarm *alarm)
{
    return (struct sip_branch *)((char *)alarm - offsetof(struct sip_branch, again));
}

static struct sip_branch *
owner_of_giveup(struct reload_alarm *alarm)
{
    return (struct sip_branch *)((char *)alarm - offsetof(struct sip_branch, giveup));
}

/* An identifier that leads back here: transaction, place, and something nobody can guess. */
static void
make_id(struct sip_branch *branch, size_t place)
{
    struct sip_transaction *transaction = branch->transaction;
    struct reload_sip_adaptor *adaptor = transaction->adaptor;
    uint8_t loop[SIP_TOKEN_SEAL_SIZE], random[8];
    char loop_text[17], random_text[17];
    sip_loop_seal(adaptor, transaction->request, loop);
    adaptor->env->random(adaptor->env->context, random, sizeof random);
    sip_hex_format(loop, 8, loop_text);
    sip_hex_format(random, sizeof random, random_text);
    snprintf(branch->id, sizeof branch->id, "z9hG4bK%s-%llx-%zx-%s", loop_text,
             (unsigned long long)transaction->number, place, random_text);
}

struct sip_branch *
sip_branch_of_id(struct reload_sip_adaptor *adaptor, const char *id)
{
    unsigned long long number;
    size_t place;
    char random[17];
    if (sscanf(id, "z9hG4bK%*16[0-9a-f]-%llx-%zx-%16[0-9a-f]", &number, &place, random) != 3)
        return NULL;
    struct sip_transaction *transaction = sip_transaction_of_number(adaptor, number);
    if (!transaction || place >= transaction->branch_count ||
        strcmp(transaction->branches[place]->id, id) != 0)
        return NULL;
    return transaction->branches[place];
}

static void give_up(struct reload_alarm *alarm, void *owner, uint64_t now);

static struct sip_branch *
branch_new(struct sip_transaction *transaction, reload_time now)
{
    struct reload_sip_adaptor *adaptor = transaction->adaptor;
    if (transaction->branch_count == SIP_BRANCHES_MAX || !transaction->request)
        return NULL;
    struct sip_branch *branch = calloc(1, sizeof *branch);
    if (!branch ||
        reload_alarm_set(&adaptor->alarms, &branch->giveup, transaction->deadline, give_up) != 0) {
        free(branch);
        return NULL;
    }
    (void)now;
    branch->transaction = transaction;
    make_id(branch, transaction->branch_count);
    transaction->branches[transaction->branch_count++] = branch;
    return branch;
}

void
sip_branch_free(struct sip_branch *branch)
{
    struct reload_sip_adaptor *adaptor = branch->transaction->adaptor;
    adaptor->ops->connect_cancel(adaptor->overlay, branch->attempt);
    reload_alarm_clear(&adaptor->alarms, &branch->again);
    reload_alarm_clear(&adaptor->alarms, &branch->giveup);
    sip_message_free(branch->sent);
    free(branch->target);
    free(branch->wire);
    free(branch->ack);
    free(branch);
}

/* The alarm is set from the begin to the end of a branch, so this cannot fail. */
static void
give_up_at(struct sip_branch *branch, reload_time at)
{
    int error =
        reload_alarm_set(&branch->transaction->adaptor->alarms, &branch->giveup, at, give_up);
    assert(error == 0);
    (void)error;
}

static void
complete(struct sip_branch *branch, reload_time now)
{
    struct reload_sip_adaptor *adaptor = branch->transaction->adaptor;
    branch->state = SIP_BRANCH_COMPLETED;
    adaptor->ops->connect_cancel(adaptor->overlay, branch->attempt);
    branch->attempt = 0;
    reload_alarm_clear(&adaptor->alarms, &branch->again);
    give_up_at(branch, now + SIP_LIFE_MAX);
    sip_message_free(branch->sent);
    free(branch->wire);
    free(branch->target);
    branch->sent = NULL;
    branch->wire = NULL;
    branch->target = NULL;
}

/* Ends the branch with an answer of our own: |status|. */
static void
fail(struct sip_branch *branch, int status, reload_time now)
{
    complete(branch, now);
    sip_response_take(branch, status, NULL, now);
}

/* Nothing came in time. A link on which nothing comes back is of no use to the next call. */
static void
give_up(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    struct reload_sip_adaptor *adaptor = owner;
    struct sip_branch *branch = owner_of_giveup(alarm);
    struct reload_sip_peer peer;
    give_up_at(branch, now + SIP_LIFE_MAX);
    if (branch->state == SIP_BRANCH_COMPLETED)
        return;
    if (branch->state == SIP_BRANCH_PROCEEDING && branch->transaction->is_invite &&
        !branch->cancelled) {
        sip_branch_cancel(branch, now); /* timer C */
        return;
    }
    if (branch->state == SIP_BRANCH_CALLING && branch->flow.type == SIP_FLOW_LINK &&
        adaptor->ops->peer(adaptor->overlay, branch->flow.connection, &peer) &&
        peer.heard_at <= branch->sent_at)
        adaptor->ops->drop(adaptor->overlay, branch->flow.connection, now);
    if (branch->transaction->cancelled)
        fail(branch, 487, now);
    else
        fail(branch, branch->state == SIP_BRANCH_PROCEEDING ? 408 : 480, now);
}

static int
transmit(struct sip_branch *branch, const uint8_t *bytes, size_t size, reload_time now)
{
    return sip_adaptor_send(branch->transaction->adaptor, &branch->flow,
                            (struct reload_bytes){bytes, size}, now);
}

/* Whether the link that a request went out on brought nothing since, though a node answers an
 * INVITE at once (100): the other side may have been started anew, or a NAT, and know nothing of
 * the link. If it was only a phone that took its time, a new link does no harm. */
static bool
is_silent(const struct sip_branch *branch)
{
    struct reload_sip_adaptor *adaptor = branch->transaction->adaptor;
    struct reload_sip_peer peer;
    return branch->flow.type == SIP_FLOW_LINK && branch->state == SIP_BRANCH_CALLING &&
           branch->target && branch->retries == 0 && branch->interval >= SILENCE &&
           adaptor->ops->peer(adaptor->overlay, branch->flow.connection, &peer) &&
           peer.heard_at <= branch->sent_at;
}

/* Timers A and E. A CANCEL takes the place of the INVITE that it ends (9.1). */
static void
repeat(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    struct sip_branch *branch = owner_of_again(alarm);
    struct reload_sip_adaptor *adaptor = owner;
    bool calling = branch->transaction->is_invite && branch->state == SIP_BRANCH_CALLING;
    if (!branch->wire)
        return;
    if (is_silent(branch)) {
        sip_branch_drop_link(branch, now);
        return;
    }
    adaptor->counters.retransmissions++;
    (void)transmit(branch, branch->wire, branch->wire_size, now);
    branch->interval *= 2;
    if (!calling && (branch->interval > SIP_T2 || branch->state == SIP_BRANCH_PROCEEDING))
        branch->interval = SIP_T2;
    int error = reload_alarm_set(&adaptor->alarms, &branch->again, now + branch->interval, repeat);
    assert(error == 0); /* its own place in the heap was just given free */
    (void)error;
}

static void
repeat_from(struct sip_branch *branch, reload_time now)
{
    branch->interval = SIP_T1;
    if (!branch->flow.is_reliable)
        (void)!reload_alarm_set(&branch->transaction->adaptor->alarms, &branch->again, now + SIP_T1,
                                repeat);
}

/* Writes and sends the copy on |branch->flow|. */
static void
send_request(struct sip_branch *branch, reload_time now)
{
    struct sip_transaction *transaction = branch->transaction;
    sip_message_free(branch->sent);
    free(branch->wire);
    branch->sent = sip_forward_copy(branch);
    if (branch->sent)
        sip_media_request(branch, branch->sent, now);
    branch->wire = branch->sent ? sip_message_format(branch->sent, &branch->wire_size) : NULL;
    if (!branch->wire || !sip_transaction_charge(transaction, branch->wire_size)) {
        fail(branch, 500, now);
        return;
    }
    transaction->adaptor->counters.requests_forwarded++;
    branch->state = SIP_BRANCH_CALLING;
    branch->sent_at = now;
    int error = transmit(branch, branch->wire, branch->wire_size, now);
    if (transaction->is_ack) {
        fail(branch, 200, now);
        return;
    }
    if (error == RELOAD_E_TOO_LARGE)
        fail(branch, 513, now);
    else if (error)
        fail(branch, 480, now);
    else
        repeat_from(branch, now);
}

static void
use_link(struct sip_branch *branch, const struct reload_sip_peer *peer, reload_time now)
{
    branch->flow = (struct sip_flow){.type = SIP_FLOW_LINK,
                                     .is_reliable = peer->is_stream,
                                     .connection = peer->link,
                                     .node_id = peer->node_id};
    send_request(branch, now);
}

static void
connected(void *argument, int error, const struct reload_sip_peer *peer, reload_time now)
{
    struct sip_branch *branch = argument;
    struct reload_sip_adaptor *adaptor = branch->transaction->adaptor;
    branch->attempt = 0;
    if (error)
        fail(branch, branch->transaction->cancelled ? 487 : 480, now);
    else
        use_link(branch, peer, now);
    sip_adaptor_arm(adaptor);
}

static void
start(struct sip_branch *branch, reload_time deadline, reload_time now)
{
    struct reload_sip_adaptor *adaptor = branch->transaction->adaptor;
    struct reload_sip_peer peer;
    uint32_t link = 0;
    branch->state = SIP_BRANCH_CONNECTING;
    int error = adaptor->ops->connect(adaptor->overlay, &branch->target->destination,
                                      branch->target->application, deadline, connected, branch, now,
                                      &link, &branch->attempt);
    if (error == 0 && link && adaptor->ops->peer(adaptor->overlay, link, &peer))
        use_link(branch, &peer, now);
    else if (error || link)
        fail(branch, 480, now);
}

/* A branch that cannot be made counts as one that failed. */
static void
no_branch(struct sip_transaction *transaction, reload_time now)
{
    transaction->adaptor->counters.dropped_busy++;
    if (transaction->branch_count == 0)
        sip_transaction_answer(transaction, 503, NULL, now);
}

void
sip_branch_to_phone(struct sip_transaction *transaction, const struct sip_flow *flow,
                    const char *uri, reload_time now)
{
    struct sip_branch *branch = branch_new(transaction, now);
    if (!branch) {
        no_branch(transaction, now);
        return;
    }
    branch->flow = *flow;
    snprintf(branch->uri, sizeof branch->uri, "%s", uri);
    if (sip_phones_connect(transaction->adaptor->phones, &branch->flow) != 0)
        fail(branch, 480, now);
    else
        send_request(branch, now);
}

void
sip_branch_to_node(struct sip_transaction *transaction, const struct reload_sip_target *target,
                   bool retarget, reload_time now)
{
    struct sip_branch *branch = branch_new(transaction, now);
    if (branch)
        branch->target = malloc(sizeof *branch->target);
    if (!branch || !branch->target) {
        no_branch(transaction, now);
        return;
    }
    *branch->target = *target;
    if (retarget)
        sip_aor_uri(&target->aor, branch->uri);
    start(branch, transaction->deadline, now);
}

static void
send_derived(struct sip_branch *branch, const struct sip_message *response, uint8_t **bytes,
             size_t *size, reload_time now)
{
    struct sip_message *derived = sip_message_derive(branch->sent, response);
    uint8_t *formatted = derived ? sip_message_format(derived, size) : NULL;
    sip_message_free(derived);
    if (!formatted)
        return;
    free(*bytes);
    *bytes = formatted;
    (void)transmit(branch, *bytes, *size, now);
}

void
sip_branch_cancel(struct sip_branch *branch, reload_time now)
{
    bool first = !branch->cancelled;
    if (branch->state == SIP_BRANCH_COMPLETED || !branch->transaction->is_invite)
        return;
    branch->cancelled = true;
    if (branch->state == SIP_BRANCH_CONNECTING) {
        if (branch->retries == 0) /* else the other side knows of it, and is told */
            fail(branch, 487, now);
    } else if (branch->state == SIP_BRANCH_PROCEEDING && first) {
        reload_alarm_clear(&branch->transaction->adaptor->alarms, &branch->again);
        send_derived(branch, NULL, &branch->wire, &branch->wire_size, now);
        repeat_from(branch, now);
        give_up_at(branch, now + SIP_TIMEOUT);
    }
}

static void
take_provisional(struct sip_branch *branch, reload_time now)
{
    bool was_calling = branch->state == SIP_BRANCH_CALLING;
    branch->state = SIP_BRANCH_PROCEEDING;
    if (!branch->transaction->is_invite) {
        if (was_calling)
            give_up_at(branch, branch->sent_at + SIP_TIMEOUT);
        return;
    }
    if (was_calling)
        reload_alarm_clear(&branch->transaction->adaptor->alarms, &branch->again);
    if (!branch->cancelled) {
        give_up_at(branch, now + SIP_TIMER_C);
        sip_alive_watch(branch, now);
    } else if (was_calling) {
        branch->cancelled = false; /* it could not be sent before (9.1) */
        sip_branch_cancel(branch, now);
    }
}

/* The final answer's repetitions come until our ACK arrives (17.1.1.2), or are 2xx of a user agent
 * that waits for its own (RFC 6026). */
static void
take_late(struct sip_branch *branch, int status, struct sip_message *response, reload_time now)
{
    bool is_ours =
        branch->transaction->is_invite && strcmp(response->head->cseq->method, "INVITE") == 0;
    if (is_ours && status >= 300 && branch->ack)
        (void)transmit(branch, branch->ack, branch->ack_size, now);
    if (is_ours && status / 100 == 2)
        sip_response_take(branch, status, response, now);
    else
        sip_message_free(response);
}

void
sip_branch_receive(struct sip_branch *branch, const struct sip_flow *flow,
                   struct sip_message *response, reload_time now)
{
    int status = response->head->status_code;
    bool same_side = flow->type == branch->flow.type &&
                     (flow->type != SIP_FLOW_LINK ||
                      reload_node_id_equal(&flow->node_id, &branch->flow.node_id));
    if (!same_side || branch->state == SIP_BRANCH_CONNECTING) {
        branch->transaction->adaptor->counters.dropped_unsolicited++;
        sip_message_free(response);
        return;
    }
    /* The answer to our CANCEL: it need not be repeated. */
    if (strcmp(response->head->cseq->method, "CANCEL") == 0 && branch->transaction->is_invite) {
        if (status >= 200 && branch->state == SIP_BRANCH_PROCEEDING)
            reload_alarm_clear(&branch->transaction->adaptor->alarms, &branch->again);
        sip_message_free(response);
        return;
    }
    if (branch->state == SIP_BRANCH_COMPLETED) {
        take_late(branch, status, response, now);
        return;
    }
    if (strcmp(response->head->cseq->method, branch->sent->head->sip_method) != 0) {
        sip_message_free(response);
        return;
    }
    if (status < 200) {
        take_provisional(branch, now);
    } else {
        if (branch->transaction->is_invite && status >= 300)
            send_derived(branch, response, &branch->ack, &branch->ack_size, now);
        branch->succeeded = status < 300;
        complete(branch, now);
    }
    sip_response_take(branch, status, response, now);
}

void
sip_branch_drop_link(struct sip_branch *branch, reload_time now)
{
    struct reload_sip_adaptor *adaptor = branch->transaction->adaptor;
    const struct sip_flow flow = branch->flow;
    adaptor->ops->drop(adaptor->overlay, flow.connection, now);
    sip_adaptor_lost(adaptor, &flow, now);
}

/* The request goes out once more, on another link: to its receiver it is a repeated one, and
 * answered like that, if it came before (D100). */
void
sip_branch_lost(struct sip_branch *branch, reload_time now)
{
    struct sip_transaction *transaction = branch->transaction;
    if (branch->state == SIP_BRANCH_COMPLETED || branch->state == SIP_BRANCH_CONNECTING)
        return;
    reload_alarm_clear(&transaction->adaptor->alarms, &branch->again);
    bool rings = branch->state == SIP_BRANCH_PROCEEDING && transaction->is_invite;
    reload_time deadline = rings ? now + RELOAD_SIP_SETUP_TIME : transaction->deadline;
    bool waits = rings || branch->state == SIP_BRANCH_CALLING;
    if (waits && branch->target && branch->retries < RETRIES_MAX && now < deadline &&
        transaction->request && !transaction->cancelled) {
        branch->retries++;
        give_up_at(branch, deadline);
        start(branch, deadline, now);
    } else {
        fail(branch, transaction->cancelled ? 487 : 480, now);
    }
}
