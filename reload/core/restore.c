/* restore.c: what a peer stored comes back after a restart, as if a peer had stored it here.
 *
 * D35, D47. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/restore.h"

#include "reload/core/access.h"
#include "reload/core/message.h"
#include "reload/core/node_internal.h"
#include "reload/core/record.h"

#include <assert.h>

/* ---- certificates --------------------------------------------------------------------------- */

/* Held until the node starts, for the values to come. */
static int
restore_certificate(struct reload_node *node, const struct reload_record *record)
{
    struct reload_storage *storage = &node->storage;
    const struct reload_identity *identity;
    int error = node->keyring->ops->add(node->keyring, record->content, reload_node_wall_ms(node),
                                        &identity);
    if (error)
        return error == RELOAD_E_EXPIRED || error == RELOAD_E_NOMEM ? error : RELOAD_E_FORBIDDEN;
    if (memcmp(identity->hash, record->hash.data, sizeof identity->hash) != 0)
        return RELOAD_E_MALFORMED;
    if (reload_ordered_find(&storage->certificates.set, record->hash))
        return 0;
    struct reload_certificate *certificate = reload_certificates_hold(
        &storage->certificates, identity, reload_prng_next(&storage->prng));
    if (!certificate)
        return RELOAD_E_NOMEM;
    certificate->persisted = certificate->restored = true;
    return 0;
}

void
reload_restore_end(struct reload_node *node)
{
    struct reload_storage *storage = &node->storage;
    struct reload_ordered_entry *entry = reload_ordered_first(&storage->certificates.set);
    while (entry) {
        struct reload_certificate *certificate = (struct reload_certificate *)entry;
        entry = reload_ordered_after(&storage->certificates.set, entry->key);
        if (!certificate->restored)
            continue;
        certificate->restored = false;
        reload_record_certificate_leaves(storage, certificate);
        reload_certificates_drop(&storage->certificates, certificate);
    }
}

/* ---- marks ---------------------------------------------------------------------------------- */

/* How long |expires_ms| is off, 0 when it is over; never longer than anything is kept (S15). */
static reload_time
time_left(const struct reload_node *node, uint64_t expires_ms)
{
    uint64_t wall_ms = reload_node_wall_ms(node);
    uint64_t left_ms = expires_ms > wall_ms ? expires_ms - wall_ms : 0;
    const uint64_t max_ms = RELOAD_LIFETIME_MAX_S * UINT64_C(1000);
    return (left_ms < max_ms ? left_ms : max_ms) * RELOAD_MS;
}

static int
restore_mark(struct reload_node *node, const struct reload_record *record, reload_time now)
{
    reload_time left = time_left(node, record->expires_ms);
    struct reload_mark_place place = {.resource = record->resource,
                                      .kind = record->kind,
                                      .key = record->key,
                                      .type = record->mark_type};
    if (!reload_record_is_at(node, record, record->key))
        return RELOAD_E_MALFORMED;
    if (!reload_kinds_find(&node->kinds, record->kind) ||
        (record->mark_type == RELOAD_MARK_STORAGE_TIME &&
         record->number >= RELOAD_STORAGE_TIME_END))
        return RELOAD_E_FORBIDDEN;
    if (left == 0)
        return RELOAD_E_EXPIRED;
    reload_marks_note(&node->storage.marks, &place, record->number, now + left);
    return 0;
}

/* ---- values --------------------------------------------------------------------------------- */

/* One value at work. */
struct work {
    struct reload_node *node;
    const struct reload_record *record;
    const struct reload_kind *row;
    struct reload_value value;
    const struct reload_identity *signer;
    reload_time now;
};

static int
read_value(struct work *work)
{
    const struct reload_record *record = work->record;
    struct reload_reader reader = reload_reader_of(record->content);
    work->row = reload_kinds_find(&work->node->kinds, record->kind);
    if (!work->row)
        return RELOAD_E_FORBIDDEN;
    if (!reload_value_next(&reader, &work->node->wire, work->row->data_model, &work->value) ||
        reload_reader_left(&reader) > 0 || record->number == 0 ||
        !reload_record_is_at(work->node, record, work->value.key))
        return RELOAD_E_MALFORMED;
    return 0;
}

/* The signer's certificate came back before, and is checked again. */
static int
find_signer(struct work *work, struct reload_node_id *signer_id)
{
    struct reload_node *node = work->node;
    const struct reload_certificate *certificate =
        (const struct reload_certificate *)reload_ordered_find(&node->storage.certificates.set,
                                                               work->record->hash);
    if (!certificate)
        return RELOAD_E_FORBIDDEN;
    struct reload_bytes der = {certificate->der, certificate->size};
    int error =
        node->keyring->ops->add(node->keyring, der, reload_node_wall_ms(node), &work->signer);
    if (error)
        return error == RELOAD_E_EXPIRED || error == RELOAD_E_NOMEM ? error : RELOAD_E_FORBIDDEN;
    struct reload_buffer *buffer = reload_buffer_get(&node->buffers, der.size + 8);
    if (!buffer)
        return RELOAD_E_NOMEM;
    struct reload_writer bucket = reload_writer_of(buffer->data, der.size + 8);
    struct reload_generic_certificate generic = {.type = RELOAD_CERTIFICATE_TYPE_X509,
                                                 .certificate = der};
    reload_generic_certificate_encode(&bucket, &node->wire, &generic);
    assert(!bucket.failed);
    error = reload_signature_signer(node, &work->value.data.signature.identity,
                                    reload_writer_written(&bucket), &work->signer, signer_id);
    reload_buffer_drop(&node->buffers, buffer);
    return error ? RELOAD_E_FORBIDDEN : 0;
}

static int
check_value(struct work *work)
{
    struct reload_node *node = work->node;
    struct reload_node_id signer_id;
    struct reload_bytes resource = work->record->resource;
    if (reload_value_unsigned(&work->value))
        return RELOAD_E_FORBIDDEN;
    int error = find_signer(work, &signer_id);
    if (!error)
        error = reload_access_check_value(node, work->row, resource, &work->value, work->signer,
                                          &signer_id);
    if (!error)
        error = reload_access_check_content(node, work->row, &work->value);
    if (!error && reload_value_verify(node->keyring, work->signer, resource, work->row->kind,
                                      &work->value) != 0)
        error = RELOAD_E_FORBIDDEN;
    return error;
}

/* Stores it, without a word to the disk that it comes from. */
static int
put_back(struct work *work)
{
    struct reload_storage *storage = &work->node->storage;
    struct reload_stage stage;
    struct reload_stage_kind *kind;
    int error = reload_stage_begin(&stage, storage, work->record->resource, true, work->now);
    if (error)
        return error;
    const struct reload_stored_kind *there = reload_resource_kind(stage.resource, work->row);
    uint64_t generation = work->record->number;
    if (there && there->generation > generation)
        generation = there->generation;
    error = reload_stage_kind(&stage, work->row, generation, &kind);
    if (!error)
        error = reload_stage_value(kind, &work->value, work->signer);
    if (!error)
        error = reload_stage_prepare(&stage);
    if (error) {
        reload_stage_abort(&stage);
        return error;
    }
    reload_persist_fn *persist = storage->persist;
    storage->persist = NULL;
    (void)reload_stage_commit(&stage);
    storage->persist = persist;
    reload_storage_arm(work->node);
    return 0;
}

static int
restore_value(struct reload_node *node, const struct reload_record *record, reload_time now)
{
    struct work work = {.node = node, .record = record, .now = now};
    int error = read_value(&work);
    if (!error)
        error = check_value(&work);
    if (error)
        return error;
    uint64_t left_s = time_left(node, record->expires_ms) / RELOAD_SECOND;
    if (left_s < work.value.data.lifetime) /* else the clock was set back (S15) */
        work.value.data.lifetime = (uint32_t)left_s;
    if (work.value.data.lifetime > 0)
        return put_back(&work);
    /* It has ended while we were away, and stays so (S16). */
    struct reload_mark_place place = {.resource = record->resource,
                                      .kind = record->kind,
                                      .key = work.value.key,
                                      .type = RELOAD_MARK_STORAGE_TIME};
    reload_storage_mark(&node->storage, &place, work.value.data.storage_time, now);
    return RELOAD_E_EXPIRED;
}

/* ---- the verb ------------------------------------------------------------------------------- */

int
reload_node_restore(struct reload_node *node, struct reload_bytes key, struct reload_bytes value,
                    reload_time now)
{
    struct reload_record record;
    struct reload_node_id id;
    if (node->bootstrap.state != RELOAD_BOOTSTRAP_IDLE)
        return RELOAD_E_USAGE;
    int error = reload_record_decode(key, value, &record);
    if (error)
        return error;
    if (record.type == RELOAD_RECORD_CERTIFICATE)
        return restore_certificate(node, &record);
    error = reload_resource_check(node, record.resource, &id);
    if (error)
        return error;
    return record.type == RELOAD_RECORD_MARK ? restore_mark(node, &record, now)
                                             : restore_value(node, &record, now);
}
