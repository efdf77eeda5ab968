/* record_batch.h: records that wait for the disk: the newest value under each key.
 *
 * D35. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_RUN_RECORD_BATCH_H
#define RELOAD_RUN_RECORD_BATCH_H

#include "reload/base/bytes.h"
#include "reload/base/error.h"

#include <sys/queue.h>

#define RECORD_BATCH_BUCKETS 1024

struct record {
    TAILQ_ENTRY(record) in_order;
    LIST_ENTRY(record) in_bucket;
    size_t key_size, value_size; /* a value of 0 octets: forget the key */
    uint8_t octets[];            /* key, then value */
};

TAILQ_HEAD(record_list, record);
LIST_HEAD(record_bucket, record);

/* In the order in which keys were first put. */
struct record_batch {
    struct record_list records;
    struct record_bucket buckets[RECORD_BATCH_BUCKETS];
    size_t count, size; /* octets of keys and values */
};

void record_batch_init(struct record_batch *batch);

/* record_batch_clear forgets all records. */
void record_batch_clear(struct record_batch *batch);

/* record_batch_put puts a copy of |value| under |key|, in place of an older one. Returns 0 or
 * RELOAD_E_NOMEM. */
RELOAD_CHECKED int record_batch_put(struct record_batch *batch, struct reload_bytes key,
                                    struct reload_bytes value);

/* record_batch_take_older moves into |batch| those records of |older| for whose keys it has no
 * newer one, and clears |older|. */
void record_batch_take_older(struct record_batch *batch, struct record_batch *older);

#endif
