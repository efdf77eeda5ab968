/* storage_stage.c: one request to store: checked and prepared as a whole, then committed without
 * failing. RFC 6940 7.4.1.1.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/storage.h"

#include "reload/core/record.h"

#include <assert.h>

#define APPENDS_KNOWN 64 /* last values of an array among which a retransmission is looked for */

/* ---- begin ---------------------------------------------------------------------------------- */

int
reload_stage_begin(struct reload_stage *stage, struct reload_storage *storage,
                   struct reload_bytes id, bool is_replica, reload_time now)
{
    *stage = (struct reload_stage){.storage = storage,
                                   .resource = reload_storage_find(storage, id),
                                   .is_replica = is_replica,
                                   .now = now,
                                   .wall_ms = storage->env->wall_ms(storage->env->context)};
    stage->kinds_end = &stage->kinds;
    assert(id.size <= RELOAD_NODE_ID_SIZE_MAX);
    if (stage->resource)
        return 0;
    if (storage->resources.count >= storage->resource_count_max)
        return RELOAD_E_TOO_LARGE;
    struct reload_resource *resource = reload_storage_allocate(storage, NULL, sizeof *resource);
    if (!resource)
        return RELOAD_E_NOMEM;
    *resource = (struct reload_resource){.id_size = (uint8_t)id.size};
    memcpy(resource->id, id.data, id.size);
    resource->entry.key = reload_resource_id(resource);
    resource->entry.priority = reload_prng_next(&storage->prng);
    stage->resource = resource;
    stage->made = true;
    stage->octets = sizeof *resource;
    return 0;
}

static struct reload_stored_kind *
prepare_kind(struct reload_stage *stage, const struct reload_kind *row)
{
    struct reload_storage *storage = stage->storage;
    struct reload_stored_kind *kind = reload_storage_allocate(storage, NULL, sizeof *kind);
    if (!kind)
        return NULL;
    *kind = (struct reload_stored_kind){.resource = stage->resource, .row = row};
    kind->entry.key = reload_resource_id(stage->resource);
    kind->entry.priority = reload_prng_next(&storage->prng);
    /* A counter goes on where the one of values gone has ended, or readers that compare it would
     * take new values for old ones. */
    struct reload_mark_place place = {.resource = reload_resource_id(stage->resource),
                                      .kind = row->kind,
                                      .type = RELOAD_MARK_GENERATION};
    kind->generation = reload_marks_get(&storage->marks, &place, stage->now);
    return kind;
}

static uint64_t
next_generation(uint64_t generation)
{
    return generation == UINT64_MAX ? 1 : generation + 1; /* S3: 0 means something else */
}

/* What the counter will be, and whether the request may go on with |wanted|. */
static int
choose_generation(struct reload_stage_kind *kind, uint64_t wanted)
{
    if (kind->stage->is_replica) {
        /* RFC6940 7.4.1.1: replica Stores MUST NOT use a generation counter of 0. */
        if (wanted == 0)
            return RELOAD_E_MALFORMED;
        kind->generation = wanted;
        return 0;
    }
    uint64_t current = kind->made ? 0 : kind->stored->generation;
    kind->generation = next_generation(kind->stored->generation);
    return wanted == 0 || wanted == current ? 0 : RELOAD_E_GENERATION;
}

int
reload_stage_kind(struct reload_stage *stage, const struct reload_kind *row, uint64_t generation,
                  struct reload_stage_kind **made)
{
    struct reload_storage *storage = stage->storage;
    for (struct reload_stage_kind *other = stage->kinds; other; other = other->next)
        if (other->row == row)
            return RELOAD_E_MALFORMED;
    struct reload_stage_kind *kind = reload_storage_allocate(storage, NULL, sizeof *kind);
    if (!kind)
        return RELOAD_E_NOMEM;
    *kind = (struct reload_stage_kind){
        .stage = stage, .row = row, .stored = reload_resource_kind(stage->resource, row)};
    if (!kind->stored) {
        kind->stored = prepare_kind(stage, row);
        kind->made = true;
        stage->octets += sizeof *kind->stored;
    }
    if (!kind->stored) {
        (void)reload_storage_allocate(storage, kind, 0);
        return RELOAD_E_NOMEM;
    }
    kind->existing = kind->stored->existing;
    kind->total = kind->stored->values.count;
    *stage->kinds_end = kind;
    stage->kinds_end = &kind->next;
    *made = kind;
    return choose_generation(kind, generation);
}

/* ---- values --------------------------------------------------------------------------------- */

static struct reload_stored *
staged(const struct reload_stage_kind *kind, struct reload_bytes key)
{
    return (struct reload_stored *)reload_ordered_find(&kind->values, key);
}

/* What will be at |key| if nothing is added. */
static struct reload_stored *
present(const struct reload_stage_kind *kind, struct reload_bytes key)
{
    struct reload_stored *stored = staged(kind, key);
    return stored ? stored : reload_stored_find(kind->stored, key);
}

static bool
is_append(const struct reload_stage_kind *kind, const struct reload_value *value)
{
    return kind->row->data_model == RELOAD_DATA_MODEL_ARRAY && !kind->stage->is_replica &&
           reload_value_index(value->key) == RELOAD_ARRAY_APPEND;
}

/* Whether |stored| is |value|, which was appended: the same octets but for lifetime and index. */
static bool
is_appended(const struct reload_stored *stored, const struct reload_value *value)
{
    struct reload_bytes raw = value->raw;
    size_t key = (size_t)(value->key.data - raw.data), content = RELOAD_VALUE_CONTENT_OFFSET;
    size_t behind = key + value->key.size;
    return stored->size == raw.size &&
           memcmp(stored->bytes, raw.data, RELOAD_VALUE_LIFETIME_OFFSET) == 0 &&
           memcmp(stored->bytes + content, raw.data + content, key - content) == 0 &&
           memcmp(stored->bytes + behind, raw.data + behind, raw.size - behind) == 0;
}

/* The answer to an append may be lost when the range changes hands: who is responsible then has the
 * value, but did not see the request. Nothing else tells a retransmission from another append: its
 * storage time hinders nothing at a new index (D105). The last ones are looked at. */
static bool
was_appended(const struct reload_stage_kind *kind, const struct reload_value *value)
{
    uint8_t octets[4];
    uint32_t length = reload_stored_length(kind->stored);
    uint32_t first = length > APPENDS_KNOWN ? length - APPENDS_KNOWN : 0;
    const struct reload_stored *stored =
        reload_stored_from(kind->stored, reload_value_index_key(first, octets));
    for (; stored; stored = reload_stored_after(kind->stored, stored->entry.key))
        if (is_appended(stored, value))
            return true;
    return false;
}

bool
reload_stage_same(const struct reload_stage_kind *kind, const struct reload_value *value)
{
    if (is_append(kind, value))
        return was_appended(kind, value);
    const struct reload_stored *stored = present(kind, value->key);
    return kind->stage->is_replica && stored &&
           reload_value_same(value->raw, (struct reload_bytes){stored->bytes, stored->size});
}

/* The key under which |value| will be found; |octets| is memory for it. */
static struct reload_bytes
final_key(const struct reload_stage_kind *kind, const struct reload_value *value, uint8_t octets[4])
{
    if (!is_append(kind, value))
        return value->key;
    uint32_t length = reload_stored_length(kind->stored);
    const struct reload_ordered_entry *last = reload_ordered_last(&kind->values);
    if (last && reload_value_index(last->key) >= length)
        length = reload_value_index(last->key) + 1;
    return reload_value_index_key(length, octets);
}

/* An array's length counts, gaps included, since readers get a value for each of them. Of a
 * dictionary's removed keys so many are remembered as there may be values. */
static bool
has_room(const struct reload_stage_kind *kind, struct reload_bytes key, bool exists)
{
    const struct reload_stored *old = present(kind, key);
    size_t existing = kind->existing - (old && old->exists) + exists;
    size_t total = kind->total + !old;
    switch (kind->row->data_model) {
    case RELOAD_DATA_MODEL_ARRAY:
        return reload_value_index(key) < kind->row->max_count;
    case RELOAD_DATA_MODEL_DICTIONARY:
        return existing <= kind->row->max_count && total <= 2 * (size_t)kind->row->max_count;
    default:
        return true;
    }
}

static int
check_value(const struct reload_stage_kind *kind, const struct reload_value *value,
            struct reload_bytes key)
{
    const struct reload_stage *stage = kind->stage;
    const struct reload_data_value *data = reload_value_data(&value->data);
    if (!data->exists && data->value.size > 0) /* RFC6940 7.4.1.3: value = {} */
        return RELOAD_E_MALFORMED;
    if (value->data.storage_time >= RELOAD_STORAGE_TIME_END)
        return RELOAD_E_MALFORMED;
    if (data->value.size > kind->row->max_size || !has_room(kind, key, data->exists))
        return RELOAD_E_TOO_LARGE;
    /* RFC6940 7.4.1.1: greater than that of any values which would be replaced. */
    const struct reload_stored *old = present(kind, key);
    if (old && old->storage_time >= value->data.storage_time)
        return RELOAD_E_TOO_OLD;
    struct reload_mark_place place = reload_storage_place(kind->stored, key);
    uint64_t mark = old ? 0 : reload_marks_get(&stage->storage->marks, &place, stage->now);
    return mark && mark >= value->data.storage_time ? RELOAD_E_TOO_OLD : 0;
}

/* D4: the lifetime is not signed: it ends with the certificate, and some day in any case. */
static reload_time
expiry(const struct reload_stage *stage, const struct reload_value *value,
       const struct reload_identity *signer)
{
    uint32_t lifetime_s = value->data.lifetime;
    if (lifetime_s > RELOAD_LIFETIME_MAX_S)
        lifetime_s = RELOAD_LIFETIME_MAX_S;
    reload_time lasts = lifetime_s * RELOAD_SECOND;
    uint64_t left_ms =
        signer->not_after_ms > stage->wall_ms ? signer->not_after_ms - stage->wall_ms : 0;
    if (left_ms < lasts / RELOAD_MS)
        lasts = left_ms * RELOAD_MS;
    return stage->now + lasts;
}

static struct reload_stored *
make(struct reload_stage_kind *kind, const struct reload_value *value, struct reload_bytes key,
     const struct reload_identity *signer)
{
    struct reload_storage *storage = kind->stage->storage;
    const struct reload_data_value *data = reload_value_data(&value->data);
    struct reload_stored *stored =
        reload_storage_allocate(storage, NULL, sizeof *stored + value->raw.size);
    if (!stored)
        return NULL;
    *stored = (struct reload_stored){.kind = kind->stored,
                                     .storage_time = value->data.storage_time,
                                     .expires = expiry(kind->stage, value, signer),
                                     .exists = data->exists,
                                     .size = value->raw.size};
    memcpy(stored->bytes, value->raw.data, value->raw.size);
    size_t key_offset = (size_t)(value->key.data - value->raw.data);
    if (key.data != value->key.data) /* the index that was appended at */
        memcpy(stored->bytes + key_offset, key.data, key.size);
    stored->entry.key = (struct reload_bytes){stored->bytes + key_offset, key.size};
    stored->entry.priority = reload_prng_next(&storage->prng);
    size_t payload_offset = (size_t)(value->payload.data - value->raw.data);
    stored->payload = (struct reload_bytes){stored->bytes + payload_offset, value->payload.size};
    stored->certificate =
        reload_certificates_hold(&storage->certificates, signer, reload_prng_next(&storage->prng));
    if (!stored->certificate) {
        (void)reload_storage_allocate(storage, stored, 0);
        return NULL;
    }
    return stored;
}

static size_t
octets_of(const struct reload_stored *stored)
{
    return sizeof *stored + stored->size;
}

/* A later value of the same request takes the place of an earlier one. */
static void
unstage(struct reload_stage_kind *kind, struct reload_stored *stored)
{
    struct reload_stage *stage = kind->stage;
    reload_ordered_remove(&kind->values, &stored->entry);
    stage->octets -= octets_of(stored);
    stage->count--;
    reload_storage_free(stage->storage, stored);
}

int
reload_stage_value(struct reload_stage_kind *kind, const struct reload_value *value,
                   const struct reload_identity *signer)
{
    uint8_t octets[4];
    struct reload_stage *stage = kind->stage;
    struct reload_bytes key = final_key(kind, value, octets);
    int error = check_value(kind, value, key);
    if (error)
        return error;
    struct reload_stored *stored = make(kind, value, key, signer);
    if (!stored)
        return RELOAD_E_NOMEM;
    const struct reload_stored *old = present(kind, key);
    kind->existing += stored->exists;
    kind->existing -= old && old->exists;
    kind->total += !old;
    struct reload_stored *earlier = staged(kind, key);
    if (earlier)
        unstage(kind, earlier);
    else if (old)
        stage->octets_replaced += octets_of(old);
    reload_ordered_insert(&kind->values, &stored->entry);
    stage->octets += octets_of(stored);
    stage->count++;
    return 0;
}

/* ---- end ------------------------------------------------------------------------------------ */

int
reload_stage_prepare(struct reload_stage *stage)
{
    struct reload_storage *storage = stage->storage;
    size_t octets = storage->octets + storage->certificates.octets;
    if (stage->octets > stage->octets_replaced &&
        octets + (stage->octets - stage->octets_replaced) > storage->octets_max)
        return RELOAD_E_TOO_LARGE;
    return reload_alarms_reserve(&storage->expiries, stage->count);
}

/* The prepared Kind becomes part of its resource. */
static void
link_kind(struct reload_stage *stage, struct reload_stored_kind *kind)
{
    struct reload_storage *storage = stage->storage;
    struct reload_stored_kind **place = &stage->resource->kinds;
    while (*place && (*place)->row->kind < kind->row->kind)
        place = &(*place)->next;
    kind->next = *place;
    *place = kind;
    reload_ordered_insert(reload_storage_by_kind(storage, kind->row), &kind->entry);
    storage->octets += sizeof *kind;
}

static void
commit_value(struct reload_stage_kind *kind, struct reload_stored *stored)
{
    struct reload_storage *storage = kind->stage->storage;
    struct reload_stored *old = reload_stored_find(kind->stored, stored->entry.key);
    if (old) {
        reload_ordered_remove(&kind->stored->values, &old->entry);
        kind->stored->existing -= old->exists;
        storage->octets -= octets_of(old);
        storage->value_count--;
    }
    reload_ordered_insert(&kind->stored->values, &stored->entry);
    kind->stored->existing += stored->exists;
    storage->octets += octets_of(stored);
    storage->value_count++;
    stored->stamp = storage->commits;
    int error = reload_alarm_set(&storage->expiries, &stored->alarm, stored->expires,
                                 reload_storage_expired);
    assert(error == 0); /* its place was reserved */
    (void)error;
    reload_record_value(storage, stored, true, kind->stage->now);
    if (!old)
        return;
    reload_record_certificate_leaves(storage, old->certificate);
    reload_storage_free(storage, old);
}

static void
commit_kind(struct reload_stage_kind *kind)
{
    struct reload_stage *stage = kind->stage;
    bool changed = kind->values.count > 0;
    if (!changed && kind->made) {
        (void)reload_storage_allocate(stage->storage, kind->stored, 0);
        return;
    }
    bool counted = kind->stored->generation != kind->generation;
    if (changed || stage->is_replica)
        kind->stored->generation = kind->generation;
    if (!changed && stage->is_replica && counted) /* one record bears it, at least */
        reload_record_value(stage->storage, (struct reload_stored *)kind->stored->values.root, true,
                            stage->now);
    if (kind->made)
        link_kind(stage, kind->stored);
    while (kind->values.root) {
        struct reload_stored *stored = (struct reload_stored *)kind->values.root;
        reload_ordered_remove(&kind->values, &stored->entry);
        commit_value(kind, stored);
    }
    assert(kind->stored->existing == kind->existing);
    assert(kind->stored->values.count == kind->total);
}

struct reload_resource *
reload_stage_commit(struct reload_stage *stage)
{
    struct reload_storage *storage = stage->storage;
    struct reload_resource *resource = stage->resource;
    storage->commits++;
    if (stage->made && stage->count > 0) {
        reload_ordered_insert(&storage->resources, &resource->entry);
        storage->octets += sizeof *resource;
    }
    if (stage->count > 0)
        resource->stamp = storage->commits;
    while (stage->kinds) {
        struct reload_stage_kind *kind = stage->kinds;
        stage->kinds = kind->next;
        commit_kind(kind);
        (void)reload_storage_allocate(storage, kind, 0);
    }
    if (resource->kinds)
        return resource;
    assert(stage->made);
    (void)reload_storage_allocate(storage, resource, 0);
    return NULL;
}

void
reload_stage_abort(struct reload_stage *stage)
{
    struct reload_storage *storage = stage->storage;
    while (stage->kinds) {
        struct reload_stage_kind *kind = stage->kinds;
        stage->kinds = kind->next;
        while (kind->values.root)
            unstage(kind, (struct reload_stored *)kind->values.root);
        if (kind->made)
            (void)reload_storage_allocate(storage, kind->stored, 0);
        (void)reload_storage_allocate(storage, kind, 0);
    }
    if (stage->made)
        (void)reload_storage_allocate(storage, stage->resource, 0);
}
