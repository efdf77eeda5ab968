/* record_batch.c: records that wait for the disk.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/record_batch.h"

#include <stdlib.h>
#include <string.h>

void
record_batch_init(struct record_batch *batch)
{
    TAILQ_INIT(&batch->records);
    for (size_t i = 0; i < RECORD_BATCH_BUCKETS; i++)
        LIST_INIT(&batch->buckets[i]);
    batch->count = batch->size = 0;
}

/* FNV-1a: keys are made by the core, nobody outside chooses them freely within one batch. */
static struct record_bucket *
bucket_of(struct record_batch *batch, const uint8_t *key, size_t size)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ key[i]) * 16777619u;
    return &batch->buckets[hash % RECORD_BATCH_BUCKETS];
}

static struct record *
find(struct record_batch *batch, const uint8_t *key, size_t size)
{
    struct record *record;
    LIST_FOREACH(record, bucket_of(batch, key, size), in_bucket)
    if (record->key_size == size && memcmp(record->octets, key, size) == 0)
        return record;
    return NULL;
}

static void
take_out(struct record_batch *batch, struct record *record)
{
    TAILQ_REMOVE(&batch->records, record, in_order);
    LIST_REMOVE(record, in_bucket);
    batch->count--;
    batch->size -= record->key_size + record->value_size;
}

static void
put_in(struct record_batch *batch, struct record *record)
{
    TAILQ_INSERT_TAIL(&batch->records, record, in_order);
    LIST_INSERT_HEAD(bucket_of(batch, record->octets, record->key_size), record, in_bucket);
    batch->count++;
    batch->size += record->key_size + record->value_size;
}

void
record_batch_clear(struct record_batch *batch)
{
    struct record *record;
    while ((record = TAILQ_FIRST(&batch->records))) {
        take_out(batch, record);
        free(record);
    }
}

int
record_batch_put(struct record_batch *batch, struct reload_bytes key, struct reload_bytes value)
{
    struct record *record = malloc(sizeof *record + key.size + value.size);
    if (!record)
        return RELOAD_E_NOMEM;
    record->key_size = key.size;
    record->value_size = value.size;
    memcpy(record->octets, key.data, key.size);
    if (value.size > 0)
        memcpy(record->octets + key.size, value.data, value.size);
    struct record *older = find(batch, key.data, key.size);
    if (older) {
        take_out(batch, older);
        free(older);
    }
    put_in(batch, record);
    return 0;
}

void
record_batch_take_older(struct record_batch *batch, struct record_batch *older)
{
    struct record *record;
    while ((record = TAILQ_FIRST(&older->records))) {
        take_out(older, record);
        if (find(batch, record->octets, record->key_size))
            free(record);
        else
            put_in(batch, record);
    }
}
