/* transaction.c: requests of our own that wait for their answers.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/transaction.h"

#include "reload/core/copies.h"
#include "reload/core/error_code.h"
#include "reload/core/forward.h"
#include "reload/core/message.h"
#include "reload/core/node_internal.h"
#include "reload/core/walk.h"

#include <assert.h>

#define BUCKETS_INITIAL 16

/* ---- the table ------------------------------------------------------------------------------ */

static struct reload_transaction **
bucket(const struct reload_transactions *table, uint64_t id)
{
    return &table->buckets[id & (table->bucket_count - 1)];
}

static int
rehash(struct reload_node *node, size_t count)
{
    struct reload_transactions *table = &node->transactions;
    struct reload_transaction **buckets = reload_node_allocate(node, NULL, count * sizeof *buckets);
    if (!buckets)
        return RELOAD_E_NOMEM;
    memset(buckets, 0, count * sizeof *buckets);
    for (size_t i = 0; i < table->bucket_count; i++)
        for (struct reload_transaction *t = table->buckets[i]; t;) {
            struct reload_transaction *next = t->next;
            t->next = buckets[t->id & (count - 1)];
            buckets[t->id & (count - 1)] = t;
            t = next;
        }
    if (table->buckets)
        (void)reload_node_allocate(node, table->buckets, 0);
    table->buckets = buckets;
    table->bucket_count = count;
    return 0;
}

static int
insert(struct reload_node *node, struct reload_transaction *transaction)
{
    struct reload_transactions *table = &node->transactions;
    if (table->count >= RELOAD_TRANSACTIONS_MAX)
        return RELOAD_E_BUSY;
    int error = 0;
    if (table->bucket_count == 0)
        error = rehash(node, BUCKETS_INITIAL);
    else if (table->count >= table->bucket_count)
        error = rehash(node, 2 * table->bucket_count);
    if (error)
        return error;
    struct reload_transaction **place = bucket(table, transaction->id);
    transaction->next = *place;
    *place = transaction;
    table->count++;
    return 0;
}

static void
take_out(struct reload_node *node, struct reload_transaction *transaction)
{
    struct reload_transaction **place = bucket(&node->transactions, transaction->id);
    while (*place != transaction)
        place = &(*place)->next;
    *place = transaction->next;
    node->transactions.count--;
    if (transaction->farewell) {
        assert(node->bootstrap.farewell_count > 0);
        node->bootstrap.farewell_count--;
    }
}

struct reload_transaction *
reload_transaction_find(const struct reload_node *node, uint64_t id)
{
    const struct reload_transactions *table = &node->transactions;
    if (table->bucket_count == 0)
        return NULL;
    struct reload_transaction *t = *bucket(table, id);
    while (t && t->id != id)
        t = t->next;
    return t;
}

static void
destroy(struct reload_node *node, struct reload_transaction *transaction)
{
    reload_alarm_clear(&node->alarms, &transaction->alarm);
    reload_buffer_drop(&node->buffers, transaction->message);
    (void)reload_node_allocate(node, transaction, 0);
}

void
reload_transactions_fini(struct reload_node *node)
{
    struct reload_transactions *table = &node->transactions;
    for (size_t i = 0; i < table->bucket_count; i++)
        while (table->buckets[i]) {
            struct reload_transaction *transaction = table->buckets[i];
            table->buckets[i] = transaction->next;
            destroy(node, transaction);
        }
    if (table->buckets)
        (void)reload_node_allocate(node, table->buckets, 0);
    *table = (struct reload_transactions){0};
}

void
reload_transaction_complete(struct reload_node *node, struct reload_transaction *transaction,
                            const struct reload_result *result, reload_time now)
{
    reload_result_fn *done = transaction->done;
    void *argument = transaction->argument;
    bool farewell = transaction->farewell;
    take_out(node, transaction);
    destroy(node, transaction);
    if (!done)
        return;
    /* What is requested in there belongs to the same farewell. */
    bool outer = node->bootstrap.in_farewell;
    node->bootstrap.in_farewell |= farewell;
    done(argument, result, now);
    node->bootstrap.in_farewell = outer;
}

void
reload_node_cancel(struct reload_node *node, uint64_t request)
{
    struct reload_transaction *transaction = reload_transaction_find(node, request);
    if (!transaction) {
        reload_copies_cancel(node, request);
        reload_walk_cancel(node, request);
        return;
    }
    take_out(node, transaction);
    destroy(node, transaction);
}

/* ---- sending -------------------------------------------------------------------------------- */

/* Whether it is bound to a link that has gone. */
static bool
is_stranded(const struct reload_node *node, const struct reload_transaction *transaction)
{
    const struct reload_link *link = reload_link_find(node, transaction->first_link);
    return transaction->stays_on_link && !(link && link->state == RELOAD_LINK_UP);
}

static int
transmit(struct reload_node *node, struct reload_transaction *transaction, reload_time now)
{
    const struct reload_buffer *message = transaction->message;
    transaction->tries++; /* also one that fails here: a request has its time */
    if (is_stranded(node, transaction))
        return RELOAD_E_UNREACHABLE;
    struct reload_buffer *copy = reload_buffer_get(&node->buffers, message->size);
    if (!copy)
        return RELOAD_E_NOMEM;
    memcpy(copy->data, message->data, message->size);
    copy->size = message->size;
    return reload_forward_own(node, copy, transaction->first_link, now);
}

static void
time_out(struct reload_node *node, struct reload_transaction *transaction, int error,
         reload_time now)
{
    struct reload_result result = {.error = error, .elapsed_ns = now - transaction->sent_at};
    node->counters.requests_timed_out++;
    reload_transaction_complete(node, transaction, &result, now);
}

static void
retry(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    struct reload_node *node = owner;
    struct reload_transaction *transaction =
        (struct reload_transaction *)((char *)alarm - offsetof(struct reload_transaction, alarm));
    if (transaction->tries >= RELOAD_REQUEST_TRIES) {
        time_out(node, transaction, RELOAD_E_TIMEOUT, now);
        return;
    }
    if (is_stranded(node, transaction)) {
        time_out(node, transaction, RELOAD_E_UNREACHABLE, now);
        return;
    }
    node->counters.requests_retransmitted++;
    reload_time timer = node->config->overlay_reliability_timer_ms * RELOAD_MS;
    int error = reload_alarm_set(&node->alarms, alarm, now + timer, retry);
    assert(!error); /* its place has just become free */
    (void)error;
    (void)transmit(node, transaction, now);
}

/* Remembers what the answer is checked against: the last entry of the route. */
static void
note_target(struct reload_transaction *transaction, const struct reload_route *route)
{
    const struct reload_destination *last = &route->entries[route->count - 1];
    transaction->last_type = last->type;
    if (last->type == RELOAD_DESTINATION_TYPE_NODE)
        transaction->last = last->destination_data.node_id;
    else if (last->type == RELOAD_DESTINATION_TYPE_RESOURCE)
        transaction->last = reload_node_id_of(last->destination_data.resource_id);
    transaction->exempt = route->any_responder;
}

static int
build(struct reload_node *node, struct reload_transaction *transaction,
      const struct reload_route *route, const struct reload_request *request)
{
    uint8_t list[RELOAD_ROUTE_ENTRIES_MAX * 258];
    struct reload_writer writer = reload_writer_of(list, sizeof list);
    for (size_t i = 0; i < route->count; i++)
        reload_destination_encode(&writer, &node->wire, &route->entries[i]);
    if (writer.failed)
        return RELOAD_E_USAGE;
    struct reload_draft draft = {.transaction_id = transaction->id,
                                 .destination_list = reload_writer_written(&writer),
                                 .code = request->code,
                                 .body = request->body,
                                 .extensions = request->extensions,
                                 .certificates = request->certificates,
                                 .certificate_count = request->certificate_count};
    return reload_message_build(node, &draft, &transaction->message);
}

/* 6.3.2.2: Node-IDs, and perhaps a Resource-ID at the end. */
static bool
is_route(const struct reload_route *route)
{
    for (size_t i = 0; i < route->count; i++) {
        const struct reload_destination *entry = &route->entries[i];
        bool is_last = i + 1 == route->count;
        if (entry->type != RELOAD_DESTINATION_TYPE_NODE &&
            (entry->type != RELOAD_DESTINATION_TYPE_RESOURCE || !is_last))
            return false;
    }
    return route->count > 0;
}

static int
start(struct reload_node *node, const struct reload_route *route,
      const struct reload_request *request, struct reload_transaction **started, reload_time now)
{
    if (!is_route(route) || !reload_message_is_request(request->code))
        return RELOAD_E_USAGE;
    struct reload_transaction *transaction = reload_node_allocate(node, NULL, sizeof *transaction);
    if (!transaction)
        return RELOAD_E_NOMEM;
    *transaction = (struct reload_transaction){
        .code = request->code,
        .first_link = route->first_link,
        .stays_on_link = route->stays_on_link,
        .sent_at = now};
    node->env->random(node->env->context, &transaction->id, sizeof transaction->id);
    note_target(transaction, route);
    int error = build(node, transaction, route, request);
    reload_time timer = node->config->overlay_reliability_timer_ms * RELOAD_MS;
    if (!error)
        error = reload_alarm_set(&node->alarms, &transaction->alarm, now + timer, retry);
    if (!error)
        error = insert(node, transaction);
    if (error) {
        destroy(node, transaction);
        return error;
    }
    *started = transaction;
    node->counters.requests_sent++;
    return 0;
}

int
reload_transaction_start(struct reload_node *node, const struct reload_route *route,
                         const struct reload_request *request, reload_result_fn *done,
                         void *argument, reload_time now, uint64_t *number)
{
    struct reload_transaction *transaction = NULL;
    int error = start(node, route, request, &transaction, now);
    if (error)
        return error;
    transaction->done = done;
    transaction->argument = argument;
    transaction->farewell = node->bootstrap.in_farewell;
    node->bootstrap.farewell_count += transaction->farewell;
    if (number)
        *number = transaction->id;
    /* No route now may be one at the next try; the caller hears of it by |done| only. */
    (void)transmit(node, transaction, now);
    return 0;
}

int
reload_request_start(struct reload_node *node, const struct reload_route *route,
                     const struct reload_request *request, reload_result_fn *done, void *argument,
                     reload_time now, uint64_t *number)
{
    if (!reload_message_is_request(request->code))
        return RELOAD_E_USAGE;
    if (route->iterative)
        return reload_walk_start(node, route, request, done, argument, now, number);
    if (route->copies > 1)
        return reload_copies_request(node, route, request, done, argument, now, number);
    return reload_transaction_start(node, route, request, done, argument, now, number);
}

int
reload_node_request(struct reload_node *node, const struct reload_route *route, uint16_t code,
                    struct reload_bytes body, reload_result_fn *done, void *argument,
                    reload_time now, uint64_t *number)
{
    struct reload_request request = {.code = code, .body = body};
    return reload_request_start(node, route, &request, done, argument, now, number);
}

int
reload_node_request_certified(struct reload_node *node, const struct reload_route *route,
                              uint16_t code, struct reload_bytes body,
                              const struct reload_bytes *certificates, size_t certificate_count,
                              reload_result_fn *done, void *argument, reload_time now)
{
    struct reload_request request = {.code = code,
                                     .body = body,
                                     .certificates = certificates,
                                     .certificate_count = certificate_count};
    return reload_request_start(node, route, &request, done, argument, now, NULL);
}

/* ---- answers -------------------------------------------------------------------------------- */

/* RFC 6940 6.3.4: who may answer. */
static bool
may_answer(struct reload_node *node, const struct reload_transaction *transaction,
           const struct reload_node_id *responder)
{
    if (transaction->last_type == RELOAD_DESTINATION_TYPE_NODE)
        return reload_node_id_is_wildcard(&transaction->last, node->wire.node_id_length) ||
               reload_node_id_equal(&transaction->last, responder);
    if (transaction->last_type == RELOAD_DESTINATION_TYPE_RESOURCE && !transaction->exempt)
        return node->topology->is_plausible(node->topology_state, &transaction->last, responder);
    return true;
}

/* An error from a node on the way fails the check of 6.3.4, or any peer on the path could end any
 * request: it only makes the next try come sooner (D2). */
static void
hint(struct reload_node *node, struct reload_transaction *transaction, uint16_t code,
     reload_time now)
{
    bool from_the_way = code == RELOAD_ERROR_TTL_EXCEEDED ||
                        code == RELOAD_ERROR_UNSUPPORTED_FORWARDING_OPTION ||
                        code == RELOAD_ERROR_MESSAGE_TOO_LARGE;
    reload_time soon = now + node->config->overlay_reliability_timer_ms * RELOAD_MS / 4;
    /* Once: else whoever sees the request could make its time run out. */
    if (!from_the_way || transaction->hinted || transaction->alarm.at <= soon)
        return;
    transaction->hinted = true;
    reload_ignore(reload_alarm_set(&node->alarms, &transaction->alarm, soon, retry));
}

static unsigned
hops(const struct reload_node *node, const struct reload_incoming *incoming)
{
    uint8_t ttl = incoming->message->header.ttl;
    if (incoming->link == 0 || ttl > node->config->initial_ttl)
        return 0;
    return node->config->initial_ttl - ttl + 1u;
}

void
reload_transaction_answered(struct reload_node *node, const struct reload_incoming *incoming,
                            reload_time now)
{
    const struct reload_message_contents *contents = &incoming->message->contents;
    uint64_t id = incoming->message->header.transaction_id;
    struct reload_transaction *transaction = reload_transaction_find(node, id);
    bool is_error = contents->message_code == RELOAD_MESSAGE_ERROR;
    if (!transaction || (!is_error && contents->message_code != transaction->code + 1)) {
        node->counters.dropped_unsolicited++;
        return;
    }
    struct reload_result result = {.message = incoming->message,
                                   .responder = incoming->signer,
                                   .responder_id = incoming->signer_id,
                                   .link = incoming->link,
                                   .hops = hops(node, incoming),
                                   .elapsed_ns = now - transaction->sent_at};
    struct reload_error_response refusal = {0};
    if (is_error) {
        struct reload_reader reader = reload_reader_of(contents->message_body);
        if (reload_error_response_decode(&reader, &node->wire, &refusal) != 0 ||
            reload_reader_left(&reader) > 0) {
            node->counters.dropped_malformed++;
            return;
        }
        result.error = RELOAD_E_REFUSED;
        result.error_code = refusal.error_code;
        result.error_info = refusal.error_info;
    }
    if (!may_answer(node, transaction, &incoming->signer_id)) {
        node->counters.dropped_wrong_responder++;
        if (is_error)
            hint(node, transaction, refusal.error_code, now);
        return;
    }
    reload_transaction_complete(node, transaction, &result, now);
}

/* ---- routes --------------------------------------------------------------------------------- */

struct reload_route
reload_route_to_node(const struct reload_node_id *node_id)
{
    struct reload_route route = {0};
    bool fits = reload_route_append_node(&route, node_id);
    assert(fits);
    (void)fits;
    return route;
}

struct reload_route
reload_route_to_resource(struct reload_bytes resource)
{
    struct reload_route route = {0};
    bool fits = reload_route_append_resource(&route, resource);
    assert(fits);
    (void)fits;
    return route;
}

bool
reload_route_append_node(struct reload_route *route, const struct reload_node_id *node_id)
{
    if (route->count == RELOAD_ROUTE_ENTRIES_MAX)
        return false;
    struct reload_destination *entry = &route->entries[route->count++];
    *entry = (struct reload_destination){.type = RELOAD_DESTINATION_TYPE_NODE};
    entry->destination_data.node_id = *node_id;
    return true;
}

bool
reload_route_append_resource(struct reload_route *route, struct reload_bytes resource)
{
    if (route->count == RELOAD_ROUTE_ENTRIES_MAX)
        return false;
    struct reload_destination *entry = &route->entries[route->count++];
    *entry = (struct reload_destination){.type = RELOAD_DESTINATION_TYPE_RESOURCE};
    entry->destination_data.resource_id = resource;
    return true;
}
