/* transfer.c: one resource on its way to another peer.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/transfer.h"

#include "reload/core/answer_check.h"
#include "reload/core/fetch_check.h"
#include "reload/core/job.h"
#include "reload/core/node_internal.h"
#include "reload/core/push.h"

#include <assert.h>

/* Room in a message for all but the body and the certificates: header with a path of some hops,
 * contents' own fields, signature. */
#define MESSAGE_OVERHEAD (RELOAD_FORWARDING_HEADER_SIZE_MIN + 256 + 16 + RELOAD_SIGNATURE_MAX + 64)

enum phase {
    STORING,
    FETCHING,
    RETRYING,
};

struct transfer {
    struct reload_job job; /* must be first */
    enum phase phase;
    struct reload_node_id resource, target;
    size_t resource_size;
    bool to_target;
    uint8_t number;
    uint32_t link;        /* to |target|; 0: none */
    uint64_t since;       /* what it has already */
    uint64_t taken;       /* from this stamp on it came from the other side: not to be sent back */
    uint64_t begun_stamp; /* the resource's when the transfer began */
    int error;            /* RELOAD_E_TOO_LARGE: a value was left out */
    bool refused;         /* a part was, though it was not newer there */
    bool any;             /* a value was sent already: the last one is */
    uint32_t cursor_kind; /* of this Kind, with this key */
    uint8_t *cursor_key;
    size_t cursor_key_size;
    uint32_t part_kind; /* where the part in flight began: |cursor| as it was */
    bool part_any;
    uint8_t *part_key;
    size_t part_key_size;
    reload_transfer_fn *done;
    void *argument;
};

static void send_part(struct transfer *transfer, reload_time now);
static reload_result_fn stored;

static void
free_key(struct reload_node *node, uint8_t *key)
{
    if (key)
        (void)reload_node_allocate(node, key, 0);
}

static void
release(struct reload_job *job)
{
    struct transfer *transfer = (struct transfer *)job;
    free_key(job->node, transfer->cursor_key);
    free_key(job->node, transfer->part_key);
}

static struct reload_bytes
resource_id(const struct transfer *transfer)
{
    return (struct reload_bytes){transfer->resource.octets, transfer->resource_size};
}

/* The other side has all that is stored here, but for what has changed meanwhile. */
static void
note(const struct transfer *transfer, struct reload_resource *resource, reload_time now)
{
    struct reload_node *node = transfer->job.node;
    struct reload_holders *holders = &resource->holders;
    uint64_t since = transfer->since, had = reload_holders_stamp(holders, transfer->link);
    /* Replicas do not count: they go, too, when they are nobody's any more. */
    if (!transfer->to_target) {
        resource->elsewhere = transfer->begun_stamp;
        resource->elsewhere_at = now;
    }
    if (transfer->link && reload_node_link_to(node, &transfer->target) == transfer->link &&
        had >= since)
        reload_holders_note(holders, transfer->link, transfer->begun_stamp);
}

static void
finish(struct transfer *transfer, int error, reload_time now)
{
    struct reload_node *node = transfer->job.node;
    struct reload_resource *resource = reload_storage_find(&node->storage, resource_id(transfer));
    if (resource && error)
        reload_holders_forget(&resource->holders, transfer->link);
    else if (resource && !transfer->refused)
        note(transfer, resource, now);
    reload_transfer_fn *done = transfer->done;
    void *argument = transfer->argument;
    reload_job_free(&transfer->job);
    if (done)
        done(argument, resource, error, now);
}

/* ---- a part --------------------------------------------------------------------------------- */

/* What fits into one message. */
struct part {
    struct reload_writer writer;
    size_t budget; /* for body and certificates */
    size_t used;
    struct reload_bytes certificates[RELOAD_CERTIFICATES_MAX];
    size_t certificate_count, value_count;
    bool full;
    const struct reload_stored *last;
};

static size_t
message_budget(const struct reload_node *node)
{
    const struct reload_identity *self = node->keyring->ops->self(node->keyring);
    size_t overhead = MESSAGE_OVERHEAD + 3 + self->certificate.size;
    size_t max = node->config->max_message_size;
    return max > overhead ? max - overhead : 0;
}

static bool
is_wanted(const struct transfer *transfer, const struct reload_stored *value)
{
    if (transfer->taken && value->stamp >= transfer->taken)
        return false;
    return value->stamp > transfer->since;
}

/* Adds |value| if there is room; the first one always: if that is too much, the request says so. */
static void
add_value(struct transfer *transfer, struct part *part, const struct reload_stored *value,
          reload_time now)
{
    struct reload_node *node = transfer->job.node;
    const struct reload_identity *self = node->keyring->ops->self(node->keyring);
    size_t before = part->certificate_count;
    bool fits = reload_certificates_list(&node->storage.certificates, value->certificate,
                                         self->certificate, part->certificates,
                                         RELOAD_CERTIFICATES_MAX, &part->certificate_count);
    size_t cost = value->size;
    if (part->certificate_count > before)
        cost += 3 + value->certificate->size;
    if (!fits || (part->value_count > 0 && part->used + cost > part->budget)) {
        part->certificate_count = before;
        part->full = true;
        return;
    }
    reload_stored_write(value, &part->writer, now);
    part->used += cost;
    part->value_count++;
    part->last = value;
}

static void
add_kind(struct transfer *transfer, struct part *part, const struct reload_stored_kind *kind,
         const struct reload_stored *value, reload_time now)
{
    size_t begin = part->writer.size, count = part->value_count;
    reload_writer_u32(&part->writer, kind->row->kind);
    reload_writer_u64(&part->writer, kind->generation);
    size_t mark = reload_writer_begin(&part->writer, 4);
    part->used += part->writer.size - begin;
    for (; value && !part->full; value = reload_stored_after(kind, value->entry.key))
        if (is_wanted(transfer, value) && reload_stored_lifetime(value, now) > 0)
            add_value(transfer, part, value, now);
    reload_writer_end(&part->writer, mark, 4);
    if (part->value_count == count) /* nothing of this Kind after all */
        part->writer.size = begin;
}

/* Writes a StoreReq with the values behind the cursor. */
static void
write_part(struct transfer *transfer, const struct reload_resource *resource, struct part *part,
           reload_time now)
{
    reload_writer_vector(&part->writer, 1, resource_id(transfer));
    reload_writer_u8(&part->writer, transfer->number);
    size_t mark = reload_writer_begin(&part->writer, 4);
    part->used = part->writer.size;
    reload_certificates_begin(&transfer->job.node->storage.certificates);
    const struct reload_stored_kind *kind = resource->kinds;
    for (; kind && !part->full; kind = kind->next) {
        const struct reload_stored *value = NULL;
        if (transfer->any && kind->row->kind < transfer->cursor_kind)
            continue;
        if (transfer->any && kind->row->kind == transfer->cursor_kind)
            value = reload_stored_after(
                kind, (struct reload_bytes){transfer->cursor_key, transfer->cursor_key_size});
        else
            value = reload_stored_from(kind, (struct reload_bytes){0});
        if (value)
            add_kind(transfer, part, kind, value, now);
    }
    reload_writer_end(&part->writer, mark, 4);
}

/* Remembers |value| as the last one sent, and where this part began. */
static int
advance(struct transfer *transfer, const struct reload_stored *value)
{
    struct reload_node *node = transfer->job.node;
    struct reload_bytes key = value->entry.key;
    uint8_t *copy = reload_node_allocate(node, NULL, key.size + 1);
    if (!copy)
        return RELOAD_E_NOMEM;
    if (key.size)
        memcpy(copy, key.data, key.size);
    free_key(node, transfer->part_key);
    transfer->part_kind = transfer->cursor_kind;
    transfer->part_any = transfer->any;
    transfer->part_key = transfer->cursor_key;
    transfer->part_key_size = transfer->cursor_key_size;
    transfer->cursor_kind = value->kind->row->kind;
    transfer->any = true;
    transfer->cursor_key = copy;
    transfer->cursor_key_size = key.size;
    return 0;
}

/* Goes back to where the part in flight began. */
static void
go_back(struct transfer *transfer)
{
    free_key(transfer->job.node, transfer->cursor_key);
    transfer->cursor_kind = transfer->part_kind;
    transfer->any = transfer->part_any;
    transfer->cursor_key = transfer->part_key;
    transfer->cursor_key_size = transfer->part_key_size;
    transfer->part_key = NULL;
    transfer->part_key_size = 0;
}

static struct reload_route
route_of(struct transfer *transfer)
{
    return transfer->to_target ? reload_route_to_node(&transfer->target)
                               : reload_route_to_resource(resource_id(transfer));
}

/* Sends what comes next. Returns 0, RELOAD_E_NOT_FOUND (nothing is left) or why it does not go. */
static int
try_part(struct transfer *transfer, reload_time now)
{
    struct reload_node *node = transfer->job.node;
    const struct reload_resource *resource =
        reload_storage_find(&node->storage, resource_id(transfer));
    if (!resource)
        return RELOAD_E_NOT_FOUND;
    size_t size = node->config->max_message_size;
    struct reload_buffer *buffer = reload_buffer_get(&node->buffers, size);
    if (!buffer)
        return RELOAD_E_NOMEM;
    struct part part = {.writer = reload_writer_of(buffer->data, size),
                        .budget = message_budget(node)};
    write_part(transfer, resource, &part, now);
    int error = part.value_count == 0 ? RELOAD_E_NOT_FOUND : advance(transfer, part.last);
    if (!error && part.writer.failed)
        error = RELOAD_E_TOO_LARGE;
    if (!error) {
        struct reload_route route = route_of(transfer);
        error = reload_node_request_certified(
            node, &route, RELOAD_MESSAGE_STORE_REQ, reload_writer_written(&part.writer),
            part.certificates, part.certificate_count, stored, transfer, now);
    }
    reload_buffer_drop(&node->buffers, buffer);
    return error;
}

/* The same, but a value that is too large for a message, with the certificates that replicas need,
 * is left out. */
static int
send_next(struct transfer *transfer, reload_time now)
{
    int error;
    while ((error = try_part(transfer, now)) == RELOAD_E_TOO_LARGE)
        transfer->error = error;
    return error;
}

static void
send_part(struct transfer *transfer, reload_time now)
{
    int error = send_next(transfer, now);
    if (error == RELOAD_E_NOT_FOUND)
        finish(transfer, transfer->error, now);
    else if (error)
        finish(transfer, error, now);
}

/* ---- the other side has something newer -------------------------------------------------------
 */

/* RFC6940 7.4.1.1: the peer MUST use the newer data to replace its own copy. */
static void
take(void *argument, const struct reload_fetched *fetched, reload_time now)
{
    struct transfer *transfer = argument;
    struct reload_node *node = transfer->job.node;
    struct reload_storage *storage = &node->storage;
    struct reload_stage_kind *kind;
    struct reload_stage stage;
    if (!fetched->signer || fetched->generation == 0)
        return;
    if (reload_stage_begin(&stage, storage, resource_id(transfer), true, now) != 0)
        return;
    const struct reload_stored_kind *ours = reload_resource_kind(stage.resource, fetched->row);
    uint64_t generation = fetched->generation;
    if (ours && ours->generation > generation)
        generation = ours->generation;
    int error = reload_stage_kind(&stage, fetched->row, generation, &kind);
    if (!error)
        error = reload_stage_value(kind, fetched->value, fetched->signer);
    if (!error)
        error = reload_stage_prepare(&stage);
    if (error) {
        reload_stage_abort(&stage);
        return;
    }
    uint64_t before = stage.resource->stamp;
    const struct reload_resource *resource = reload_stage_commit(&stage);
    struct reload_node_id id = reload_node_id_of(resource_id(transfer));
    /* The other replicas may have the old one, too: it is as if it had been stored here. */
    if (resource && node->topology->is_responsible(node->topology_state, &id))
        reload_push_replicas(node, resource, before, now);
}

/* Asks for everything of the Kinds that are stored here, at most |max| of them. */
static size_t
specify(const struct transfer *transfer, struct reload_fetch_specifier *specifiers, size_t max)
{
    const struct reload_resource *resource =
        reload_storage_find(&transfer->job.node->storage, resource_id(transfer));
    size_t count = 0;
    const struct reload_stored_kind *kind = resource ? resource->kinds : NULL;
    for (; kind && count < max; kind = kind->next)
        specifiers[count++] = (struct reload_fetch_specifier){
            .kind = kind->row->kind, .last = UINT32_MAX, .all_keys = true};
    return count;
}

static void
fetched(void *argument, const struct reload_result *result, reload_time now)
{
    struct transfer *transfer = argument;
    struct reload_node *node = transfer->job.node;
    struct reload_fetch_specifier specifiers[RELOAD_FETCH_SPECIFIERS_MAX];
    int error = result->error;
    transfer->taken = node->storage.commits + 1;
    if (!error) {
        struct reload_fetch_check check = {.node = node,
                                           .resource = resource_id(transfer),
                                           .specifiers = specifiers,
                                           .each = take,
                                           .argument = transfer,
                                           .now = now};
        check.count = specify(transfer, specifiers, RELOAD_FETCH_SPECIFIERS_MAX);
        error = reload_fetch_check_answer(&check, result->message);
        reload_storage_arm(node);
    }
    if (error) {
        finish(transfer, error, now);
        return;
    }
    transfer->phase = RETRYING;
    go_back(transfer);
    send_part(transfer, now);
}

static int
start_fetch(struct transfer *transfer, reload_time now)
{
    struct reload_node *node = transfer->job.node;
    struct reload_fetch_specifier specifiers[RELOAD_FETCH_SPECIFIERS_MAX];
    size_t count = specify(transfer, specifiers, RELOAD_FETCH_SPECIFIERS_MAX);
    uint8_t body[RELOAD_FETCH_SPECIFIERS_MAX * 32 + 64];
    struct reload_writer writer = reload_writer_of(body, sizeof body);
    int error = reload_answer_request(node, resource_id(transfer), specifiers, count, &writer);
    if (error)
        return error;
    struct reload_route route = route_of(transfer);
    transfer->phase = FETCHING;
    return reload_node_request(node, &route, RELOAD_MESSAGE_FETCH_REQ,
                               reload_writer_written(&writer), fetched, transfer, now, NULL);
}

/* Who is responsible does not know us (D55): when we are linked it does, and the next try helps. */
static void
meet_responder(const struct transfer *transfer, const struct reload_result *result, reload_time now)
{
    struct reload_node *node = transfer->job.node;
    if (result->error == RELOAD_E_REFUSED && result->error_code == RELOAD_ERROR_FORBIDDEN &&
        !transfer->to_target && node->topology->meet)
        node->topology->meet(node->topology_state, &result->responder_id, now);
}

/* The answer to a part. */
static void
stored(void *argument, const struct reload_result *result, reload_time now)
{
    struct transfer *transfer = argument;
    bool newer = result->error == RELOAD_E_REFUSED &&
                 (result->error_code == RELOAD_ERROR_DATA_TOO_OLD ||
                  result->error_code == RELOAD_ERROR_GENERATION_COUNTER_TOO_LOW);
    int error = result->error;
    if (newer && transfer->phase == STORING) {
        error = start_fetch(transfer, now);
        if (!error)
            return;
    }
    if (newer && transfer->phase == RETRYING) {
        transfer->refused = true; /* it stays with what it has */
        error = 0;
    }
    if (error) {
        meet_responder(transfer, result, now);
        finish(transfer, error, now);
        return;
    }
    transfer->phase = STORING;
    send_part(transfer, now);
}

int
reload_transfer(struct reload_node *node, const struct reload_transfer_options *options,
                reload_time now)
{
    const struct reload_resource *resource = options->resource;
    void *job;
    int error = reload_job_new(node, sizeof(struct transfer), release, &job);
    if (error)
        return error;
    struct transfer *transfer = job;
    assert(options->number > 0);
    transfer->resource = reload_node_id_of(reload_resource_id(resource));
    transfer->resource_size = resource->id_size;
    transfer->to_target = options->target != NULL;
    if (options->target)
        transfer->target = *options->target;
    transfer->number = options->number;
    transfer->link = options->target ? reload_node_link_to(node, options->target) : 0;
    transfer->since = options->since;
    transfer->begun_stamp = resource->stamp;
    transfer->done = options->done;
    transfer->argument = options->argument;
    error = send_next(transfer, now);
    if (error == RELOAD_E_NOT_FOUND && transfer->error)
        error = transfer->error;
    if (error)
        reload_job_free(&transfer->job);
    return error;
}
