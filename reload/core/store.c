/* store.c: Store, answered: checked value by value, stored as a whole or not at all, then
 * replicated. RFC 6940 7.4.1.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/access.h"
#include "reload/core/message.h"
#include "reload/core/node_internal.h"

#include <assert.h>

/* One request at work. */
struct work {
    struct reload_node *node;
    const struct reload_incoming *incoming;
    struct reload_answer *answer;
    struct reload_store_req request;
    struct reload_node_id id; /* the resource, as topologies want it */
    bool is_replica;
    struct reload_stage stage;
    size_t same; /* values that are stored already */
    reload_time now;
};

/* ---- whose request is it -------------------------------------------------------------------- */

/* RFC6940 7.4.1.1: replica StoreReqs MUST come from nodes which are either in the known replica set
 * for a given resource or which are closer than some node in the replica set. The first case is the
 * one of a responsible peer that gets back, or takes over, what its replicas hold. */
static bool
may_replicate(struct reload_node *node, const struct reload_node_id *id,
              const struct reload_node_id *sender)
{
    const struct reload_topology_ops *topology = node->topology;
    if (topology->accepts_replica(node->topology_state, id, sender))
        return true;
    if (!topology->is_responsible(node->topology_state, id))
        return false;
    struct reload_node_id replicas[RELOAD_REPLICAS_MAX];
    size_t count = topology->replicas(node->topology_state, id, replicas);
    for (size_t i = 0; i < count; i++)
        if (reload_node_id_equal(&replicas[i], sender))
            return true;
    return false;
}

static int
check_request(struct work *work)
{
    struct reload_node *node = work->node;
    int error = reload_resource_check(node, work->request.resource, &work->id);
    if (error)
        return error;
    if (work->is_replica)
        return may_replicate(node, &work->id, &work->incoming->signer_id) ? 0 : RELOAD_E_FORBIDDEN;
    /* D7: not responsible: as with Find, try again later. */
    return node->topology->is_responsible(node->topology_state, &work->id) ? 0 : RELOAD_E_NOT_FOUND;
}

/* ---- Kinds ---------------------------------------------------------------------------------- */

/* The next StoreKindData of the request. All was checked when it was decoded: this only finds it.
 */
static bool
next_kind(struct work *work, struct reload_reader *reader, struct reload_store_kind_data *data)
{
    if (reload_reader_left(reader) == 0)
        return false;
    int error = reload_reader_u32(reader, &data->kind);
    if (!error)
        error = reload_reader_u64(reader, &data->generation_counter);
    if (!error)
        error = reload_reader_vector(reader, 4, &data->values);
    assert(!error);
    data->model = (uint8_t)reload_kinds_model(&work->node->kinds, data->kind);
    return true;
}

static int
check_unknown(struct work *work)
{
    struct reload_reader reader = reload_reader_of(work->request.kind_data);
    struct reload_store_kind_data data;
    int error = 0;
    while (next_kind(work, &reader, &data)) {
        if (data.model != 0)
            continue;
        reload_kinds_unknown(&work->answer->error_info, data.kind);
        error = RELOAD_E_UNKNOWN_KIND;
    }
    return error;
}

/* A StoreKindResponse for each Kind of the request (7.4.1.2). */
static void
write_responses(struct work *work, struct reload_writer *writer,
                const struct reload_node_id *replicas, size_t count)
{
    struct reload_node *node = work->node;
    const struct reload_resource *resource =
        reload_storage_find(&node->storage, work->request.resource);
    struct reload_reader reader = reload_reader_of(work->request.kind_data);
    struct reload_store_kind_data data;
    size_t mark = reload_writer_begin(writer, 2);
    while (next_kind(work, &reader, &data)) {
        const struct reload_stored_kind *kind =
            reload_resource_kind(resource, reload_kinds_find(&node->kinds, data.kind));
        reload_writer_u32(writer, data.kind);
        reload_writer_u64(writer, kind ? kind->generation : 0);
        size_t list = reload_writer_begin(writer, 2);
        for (size_t i = 0; i < count; i++)
            reload_node_id_encode(writer, &node->wire, &replicas[i]);
        reload_writer_end(writer, list, 2);
    }
    reload_writer_end(writer, mark, 2);
}

/* All Kinds are put on the stage before any value, so that a request that must fail does so before
 * it costs a signature. */
static int
stage_kinds(struct work *work)
{
    struct reload_reader reader = reload_reader_of(work->request.kind_data);
    struct reload_store_kind_data data;
    bool differs = false;
    int error = 0;
    while (!error && next_kind(work, &reader, &data)) {
        struct reload_stage_kind *kind;
        const struct reload_kind *row = reload_kinds_find(&work->node->kinds, data.kind);
        assert(row);
        error = reload_stage_kind(&work->stage, row, data.generation_counter, &kind);
        if (error == RELOAD_E_GENERATION) {
            differs = true;
            error = 0;
        }
    }
    if (error || !differs)
        return error;
    /* RFC6940 7.4.1.2: error_info MUST be a StoreAns with an empty replica list. */
    write_responses(work, &work->answer->error_info, NULL, 0);
    return RELOAD_E_GENERATION;
}

/* ---- values --------------------------------------------------------------------------------- */

static bool
same_certificate(const struct reload_identity *a, const struct reload_identity *b)
{
    return memcmp(a->hash, b->hash, sizeof a->hash) == 0;
}

/* RFC6940 7.3, 7.4.1.1: the signer of the value and, unless it is a replica, the signer of the
 * request MUST be authorised. */
static int
check_rights(struct work *work, const struct reload_kind *row, const struct reload_value *value,
             const struct reload_identity *signer, const struct reload_node_id *signer_id)
{
    const struct reload_incoming *incoming = work->incoming;
    struct reload_bytes resource = work->request.resource;
    int error = reload_access_check_value(work->node, row, resource, value, signer, signer_id);
    bool same = same_certificate(signer, incoming->signer) &&
                reload_node_id_equal(signer_id, &incoming->signer_id);
    if (!error && !work->is_replica && !same)
        error = reload_access_check_value(work->node, row, resource, value, incoming->signer,
                                          &incoming->signer_id);
    return error;
}

/* What this node signed and sent to itself a moment ago needs no verification. */
static bool
is_our_own(const struct work *work, const struct reload_identity *signer)
{
    struct reload_keyring *keyring = work->node->keyring;
    return work->incoming->link == 0 && same_certificate(signer, keyring->ops->self(keyring));
}

static int
stage_value(struct work *work, struct reload_stage_kind *kind, const struct reload_value *value)
{
    struct reload_node *node = work->node;
    const struct reload_identity *signer;
    struct reload_node_id signer_id;
    if (reload_value_unsigned(value)) /* 7.4.1.1, S9 */
        return RELOAD_E_FORBIDDEN;
    if (reload_stage_same(kind, value)) { /* D8: verified when it was stored */
        work->same++;
        return 0;
    }
    if (reload_signature_signer(node, &value->data.signature.identity,
                                work->incoming->message->security.certificates, &signer,
                                &signer_id) != 0)
        return RELOAD_E_FORBIDDEN;
    int error = check_rights(work, kind->row, value, signer, &signer_id);
    if (!error)
        error = reload_access_check_content(node, kind->row, value);
    if (!error)
        error = reload_stage_value(kind, value, signer);
    if (!error && !is_our_own(work, signer) &&
        reload_value_verify(node->keyring, signer, work->request.resource, kind->row->kind,
                            value) != 0)
        error = RELOAD_E_FORBIDDEN;
    return error;
}

static int
stage_values(struct work *work)
{
    const struct reload_wire *wire = &work->node->wire;
    struct reload_reader reader = reload_reader_of(work->request.kind_data);
    struct reload_store_kind_data data;
    struct reload_stage_kind *kind = work->stage.kinds;
    int error = 0;
    for (; !error && next_kind(work, &reader, &data); kind = kind->next) {
        struct reload_reader values = reload_reader_of(data.values);
        struct reload_value value;
        assert(kind && kind->row->kind == data.kind);
        while (!error && reload_value_next(&values, wire, data.model, &value))
            error = stage_value(work, kind, &value);
    }
    return error;
}

/* ---- the whole ------------------------------------------------------------------------------ */

static size_t
count_values(const struct reload_resource *resource)
{
    size_t count = 0;
    for (const struct reload_stored_kind *kind = resource->kinds; kind; kind = kind->next)
        count += kind->values.count;
    return count;
}

/* The sender of replicas has what it sent; |before| is the commit before this one. If it had the
 * rest, or there is none, it has all of |resource|. */
static void
note_sender(struct work *work, struct reload_resource *resource, size_t brought, uint64_t before)
{
    uint32_t link = reload_node_link_to(work->node, &work->incoming->signer_id);
    bool had_rest = reload_holders_stamp(&resource->holders, link) >= before;
    if (link && (had_rest || brought == count_values(resource)))
        reload_holders_note(&resource->holders, link, resource->stamp);
}

static void
commit(struct work *work)
{
    struct reload_node *node = work->node;
    struct reload_node_id replicas[RELOAD_REPLICAS_MAX];
    size_t stored = work->stage.count, count = 0;
    uint64_t before = work->stage.resource->stamp;
    bool responsible = node->topology->is_responsible(node->topology_state, &work->id);
    struct reload_resource *resource = reload_stage_commit(&work->stage);
    node->counters.values_stored += stored;
    if (!work->is_replica)
        count = node->topology->replicas(node->topology_state, &work->id, replicas);
    write_responses(work, &work->answer->body, replicas, count);
    reload_storage_arm(node);
    if (!resource)
        return;
    if (work->is_replica)
        note_sender(work, resource, stored + work->same, before);
    resource->leave_at = 0; /* the sender relies on us from now on, also for what we had before */
    if (stored == 0)
        return;
    if (!responsible) {
        reload_sweep_stored(node, resource, work->now);
        return;
    }
    /* 10.4; also of what another peer had and hands over to us. */
    reload_push_replicas(node, resource, before, work->now);
}

static int
store(struct work *work)
{
    struct reload_storage *storage = &work->node->storage;
    int error = reload_stage_begin(&work->stage, storage, work->request.resource, work->is_replica,
                                   work->now);
    if (error)
        return error;
    error = stage_kinds(work);
    if (!error)
        error = stage_values(work);
    if (!error)
        error = reload_stage_prepare(&work->stage);
    if (error)
        reload_stage_abort(&work->stage);
    else
        commit(work);
    return error;
}

int
reload_handle_store(struct reload_node *node, const struct reload_incoming *incoming,
                    struct reload_answer *answer, reload_time now)
{
    struct work work = {.node = node, .incoming = incoming, .answer = answer, .now = now};
    struct reload_reader reader = reload_reader_of(incoming->message->contents.message_body);
    int error = reload_store_req_decode(&reader, &node->wire, &work.request);
    if (!error && reload_reader_left(&reader))
        error = RELOAD_E_TRAILING;
    work.is_replica = work.request.replica_number != 0;
    if (!error)
        error = check_request(&work);
    if (!error)
        error = check_unknown(&work);
    if (!error) {
        reload_storage_expire(&node->storage, now);
        error = store(&work);
    }
    if (error)
        node->counters.values_rejected++;
    return error;
}
