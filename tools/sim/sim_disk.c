/* sim_disk.c: what a host kept.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_disk.h"

#include <stdlib.h>
#include <string.h>

static size_t
find(const struct sim_disk *disk, struct reload_bytes key)
{
    for (size_t i = disk->count; i-- > 0;)
        if (disk->records[i].key.size == key.size &&
            memcmp(disk->records[i].key.data, key.data, key.size) == 0)
            return i;
    return disk->count;
}

static void
forget(struct sim_disk *disk, size_t at)
{
    free((void *)(uintptr_t)disk->records[at].key.data);
    memmove(&disk->records[at], &disk->records[at + 1],
            (disk->count - at - 1) * sizeof *disk->records);
    disk->count--;
}

void
sim_disk_write(struct sim_disk *disk, struct reload_bytes key, struct reload_bytes value)
{
    size_t at = find(disk, key);
    if (at < disk->count)
        forget(disk, at);
    if (value.size == 0)
        return;
    if (disk->count == disk->capacity) {
        size_t capacity = disk->capacity ? 2 * disk->capacity : 16;
        struct sim_disk_record *records = realloc(disk->records, capacity * sizeof *records);
        if (!records)
            abort();
        disk->records = records;
        disk->capacity = capacity;
    }
    uint8_t *copy = malloc(key.size + value.size);
    if (!copy)
        abort();
    memcpy(copy, key.data, key.size);
    memcpy(copy + key.size, value.data, value.size);
    disk->records[disk->count++] =
        (struct sim_disk_record){{copy, key.size}, {copy + key.size, value.size}, ++disk->sequence};
}

static void
forget_undo(struct sim_disk *disk, size_t at)
{
    free((void *)(uintptr_t)disk->undo[at].key.data);
    memmove(&disk->undo[at], &disk->undo[at + 1], (disk->undo_count - at - 1) * sizeof *disk->undo);
    disk->undo_count--;
}

void
sim_disk_lag(struct sim_disk *disk, struct reload_bytes key, uint64_t now, uint64_t lag_ns)
{
    while (disk->undo_count > 0 && disk->undo[0].durable_at <= now)
        forget_undo(disk, 0);
    if (disk->undo_count == disk->undo_capacity) {
        size_t capacity = disk->undo_capacity ? 2 * disk->undo_capacity : 16;
        struct sim_disk_undo *undo = realloc(disk->undo, capacity * sizeof *undo);
        if (!undo)
            abort();
        disk->undo = undo;
        disk->undo_capacity = capacity;
    }
    size_t at = find(disk, key);
    struct reload_bytes value =
        at < disk->count ? disk->records[at].value : (struct reload_bytes){0};
    uint8_t *copy = malloc(key.size + value.size);
    if (!copy)
        abort();
    memcpy(copy, key.data, key.size);
    if (value.size)
        memcpy(copy + key.size, value.data, value.size);
    disk->undo[disk->undo_count++] =
        (struct sim_disk_undo){{copy, key.size}, {copy + key.size, value.size}, now + lag_ns};
}

void
sim_disk_crash(struct sim_disk *disk, uint64_t now)
{
    while (disk->undo_count > 0) {
        const struct sim_disk_undo *last = &disk->undo[disk->undo_count - 1];
        if (last->durable_at > now)
            sim_disk_write(disk, last->key, last->value);
        forget_undo(disk, disk->undo_count - 1);
    }
}

void
sim_disk_copy(struct sim_disk *to, const struct sim_disk *from)
{
    for (size_t i = 0; i < from->count; i++)
        sim_disk_write(to, from->records[i].key, from->records[i].value);
}

void
sim_disk_tear(struct sim_disk *disk, size_t count, uint64_t random)
{
    for (size_t i = 0; i < count && i < disk->count; i++) {
        struct sim_disk_record *record = &disk->records[disk->count - 1 - i];
        record->value.size = (size_t)(random % record->value.size);
    }
    if (count >= disk->count)
        return;
    struct reload_bytes *value = &disk->records[disk->count - 1 - count].value;
    uint64_t bit = random % (8 * value->size);
    ((uint8_t *)(uintptr_t)value->data)[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

void
sim_disk_lose(struct sim_disk *disk, uint32_t ppm, struct sim_random *random)
{
    for (size_t i = disk->count; i-- > 0;)
        if (sim_random_below(random, 1000000) < ppm)
            forget(disk, i);
}

void
sim_disk_fini(struct sim_disk *disk)
{
    while (disk->undo_count > 0)
        forget_undo(disk, disk->undo_count - 1);
    free(disk->undo);
    while (disk->count > 0)
        forget(disk, disk->count - 1);
    free(disk->records);
    *disk = (struct sim_disk){0};
}
