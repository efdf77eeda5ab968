/* stat_check.c: the asking side of Stat.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/stat_check.h"

#include "reload/core/answer_check.h"
#include "reload/core/node_internal.h"
#include "reload/core/value.h"

/* An entry, taken apart. */
struct entry {
    struct reload_stored_meta_data data;
    struct reload_bytes key; /* as in struct reload_value */
};

static const struct reload_meta_data *
meta_of(const struct entry *entry)
{
    switch (entry->data.metadata.model) {
    case RELOAD_DATA_MODEL_ARRAY:
        return &entry->data.metadata.array_entry.value;
    case RELOAD_DATA_MODEL_DICTIONARY:
        return &entry->data.metadata.dictionary_entry.value;
    default:
        return &entry->data.metadata.single_value_entry;
    }
}

static bool
next_entry(struct reload_reader *list, const struct reload_wire *wire, uint8_t model, void *memory,
           struct reload_bytes *key)
{
    struct entry *entry = memory;
    const uint8_t *begin = list->at;
    if (!reload_stored_meta_data_next(list, wire, model, &entry->data))
        return false;
    /* Up to the value it has the same layout as StoredData. */
    entry->key = (struct reload_bytes){begin + RELOAD_VALUE_CONTENT_OFFSET, 0};
    if (model == RELOAD_DATA_MODEL_ARRAY)
        entry->key.size = 4;
    if (model == RELOAD_DATA_MODEL_DICTIONARY)
        entry->key = entry->data.metadata.dictionary_entry.key;
    *key = entry->key;
    return true;
}

/* A digest of a size that its algorithm does not have says nothing. */
static bool
is_digest(uint8_t algorithm, size_t size)
{
    switch (algorithm) {
    case RELOAD_HASH_ALGORITHM_NONE:
        return size == 0;
    case RELOAD_HASH_ALGORITHM_SHA1:
        return size == 20;
    case RELOAD_HASH_ALGORITHM_SHA256:
        return size == 32;
    case RELOAD_HASH_ALGORITHM_SHA384:
        return size == 48;
    case RELOAD_HASH_ALGORITHM_SHA512:
        return size == 64;
    default:
        return true; /* not ours to judge */
    }
}

static bool
can_be_true(const struct reload_answer_check *check, const struct reload_kind *row,
            const struct entry *entry)
{
    const struct reload_meta_data *meta = meta_of(entry);
    uint64_t storage_time = entry->data.storage_time;
    if (!is_digest(meta->hash_algorithm, meta->hash_value.size) ||
        storage_time >= RELOAD_STORAGE_TIME_END)
        return false;
    if (meta->exists ? meta->value_length > row->max_size : meta->value_length != 0)
        return false;
    if (!meta->exists && storage_time == 0) /* it was never there */
        return true;
    struct reload_mark_place place = {.resource = check->resource,
                                      .kind = row->kind,
                                      .key = entry->key,
                                      .type = RELOAD_MARK_STORAGE_TIME};
    return storage_time >= reload_marks_get(&check->node->storage.seen, &place, check->now);
}

static bool
take_entry(struct reload_answer_check *frame, const struct reload_kind *row, uint64_t generation,
           const void *memory)
{
    const struct reload_stat_check *check = frame->context;
    const struct entry *entry = memory;
    const struct reload_meta_data *meta = meta_of(entry);
    if (!can_be_true(frame, row, entry))
        return false;
    struct reload_stat_value value = {.kind = row->kind,
                                      .generation = generation,
                                      .exists = meta->exists,
                                      .value_size = meta->value_length,
                                      .storage_time_ms = entry->data.storage_time,
                                      .lifetime_s = entry->data.lifetime};
    if (row->data_model == RELOAD_DATA_MODEL_ARRAY)
        value.index = reload_value_index(entry->key);
    if (row->data_model == RELOAD_DATA_MODEL_DICTIONARY)
        value.key = entry->key;
    if (meta->exists) {
        value.hash_algorithm = meta->hash_algorithm;
        value.hash = meta->hash_value;
    }
    if (check->each)
        check->each(check->argument, &value, check->now);
    return true;
}

int
reload_stat_check_answer(struct reload_stat_check *check, const struct reload_message *answer)
{
    static const struct reload_answer_form form = {next_entry, take_entry};
    struct reload_stat_ans decoded = {0};
    struct entry entry;
    struct reload_reader reader = reload_reader_of(answer->contents.message_body);
    int error = reload_stat_ans_decode(&reader, &check->node->wire, &decoded);
    if (!error && reload_reader_left(&reader))
        error = RELOAD_E_TRAILING;
    if (error)
        return error;
    struct reload_answer_check frame = {.node = check->node,
                                        .resource = check->resource,
                                        .specifiers = check->specifiers,
                                        .count = check->count,
                                        .form = &form,
                                        .entry = &entry,
                                        .context = check,
                                        .now = check->now};
    error = reload_answer_check_all(&frame, decoded.kind_responses);
    check->discarded = frame.discarded;
    return error;
}
