/* disk.c: a disk of a test's own.
 *
 * D35, D47. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/core/disk.h"

#include "reload/core/record.h"

#include <stdio.h>

static struct reload_bytes
key_of(const struct disk_write *write)
{
    return (struct reload_bytes){write->octets, write->key_size};
}

void
disk_clear(struct disk *disk)
{
    for (size_t i = 0; i < disk->count; i++)
        free(disk->writes[i].octets);
    disk->count = 0;
}

void
disk_put(struct disk *disk, struct reload_bytes key, struct reload_bytes value)
{
    ck_assert_uint_lt(disk->count, DISK_WRITES_MAX);
    ck_assert_uint_le(key.size, RELOAD_PERSIST_KEY_MAX);
    struct disk_write *write = &disk->writes[disk->count++];
    *write = (struct disk_write){key.size, value.size, malloc(key.size + value.size + 1)};
    ck_assert_ptr_nonnull(write->octets);
    memcpy(write->octets, key.data, key.size);
    if (value.size)
        memcpy(write->octets + key.size, value.data, value.size);
}

void
disk_take(struct disk *disk, struct fixture *fixture)
{
    struct reload_effect effect;
    while (reload_node_poll(fixture->peers[STORER].node, &effect, fixture->now))
        if (effect.type == RELOAD_EFFECT_PERSIST)
            disk_put(disk, effect.key, effect.value);
}

/* The last of |count| writes under |key|. */
static const struct disk_write *
last_write(const struct disk *disk, size_t count, struct reload_bytes key)
{
    for (size_t i = count; i-- > 0;)
        if (reload_bytes_equal(key_of(&disk->writes[i]), key))
            return &disk->writes[i];
    return NULL;
}

bool
disk_next(const struct disk *disk, size_t count, struct reload_bytes *key,
          struct reload_bytes *value)
{
    struct reload_bytes behind = *key;
    for (;;) {
        const struct disk_write *next = NULL;
        for (size_t i = 0; i < count; i++) {
            struct reload_bytes at = key_of(&disk->writes[i]);
            if (reload_ordered_compare(at, behind) > 0 &&
                (!next || reload_ordered_compare(at, key_of(next)) < 0))
                next = &disk->writes[i];
        }
        if (!next)
            return false;
        behind = key_of(next);
        next = last_write(disk, count, behind);
        if (next->value_size == 0)
            continue;
        *key = key_of(next);
        *value = (struct reload_bytes){next->octets + next->key_size, next->value_size};
        return true;
    }
}

unsigned
disk_boot(struct disk *disk, size_t count, struct fixture *fixture)
{
    unsigned refused = 0;
    struct reload_bytes key = {0}, value;
    fixture_boot(fixture, STORER);
    while (disk_next(disk, count, &key, &value))
        refused += reload_node_restore(fixture->peers[STORER].node, key, value, fixture->now) != 0;
    return refused;
}

void
disk_check(struct reload_bytes key, uint8_t *value, size_t size)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    ck_assert_uint_ge(size, RELOAD_RECORD_CHECK_SIZE);
    for (size_t i = 0; i < key.size; i++)
        hash = (hash ^ key.data[i]) * UINT64_C(0x100000001b3);
    for (size_t i = 0; i < size - 8; i++)
        hash = (hash ^ value[i]) * UINT64_C(0x100000001b3);
    for (size_t i = 0; i < 8; i++)
        value[size - 8 + i] = (uint8_t)(hash >> (56 - 8 * i));
}

/* ---- what the peer holds -------------------------------------------------------------------- */

const char *
disk_dump(struct fixture *fixture, char *string)
{
    struct reload_storage *storage = fixture_storage(fixture);
    struct reload_resource *resource = reload_storage_after(storage, (struct reload_bytes){0});
    size_t size = 0;
    string[0] = '\0';
    for (; resource; resource = reload_storage_after(storage, reload_resource_id(resource)))
        for (struct reload_stored_kind *kind = resource->kinds; kind; kind = kind->next) {
            struct reload_stored *value = reload_stored_from(kind, (struct reload_bytes){0});
            for (; value; value = reload_stored_after(kind, value->entry.key)) {
                unsigned last =
                    value->entry.key.size ? value->entry.key.data[value->entry.key.size - 1] : 0;
                size += (size_t)snprintf(string + size, DISK_DUMP_SIZE - size,
                                         "%x %zu/%u %.*s %d@%llu\n", kind->row->kind & 0xff,
                                         value->entry.key.size, last, (int)value->payload.size,
                                         (const char *)value->payload.data, value->exists,
                                         (unsigned long long)value->storage_time);
                ck_assert_uint_lt(size, DISK_DUMP_SIZE);
            }
        }
    return string;
}

static bool
has_line(const char *values, const char *line, size_t size)
{
    for (; *values; values = strchr(values, '\n') + 1)
        if (strncmp(values, line, size) == 0)
            return true;
    return false;
}

void
disk_is_between(const char *values, const char *before, const char *after)
{
    for (const char *line = values; *line; line = strchr(line, '\n') + 1) {
        size_t size = (size_t)(strchr(line, '\n') - line) + 1;
        ck_assert_msg(has_line(before, line, size) || has_line(after, line, size), "%.*s",
                      (int)size, line);
    }
}

int
disk_store(struct fixture *fixture, struct reload_bytes resource, uint32_t kind,
           struct reload_bytes key, const char *string, uint64_t time, uint32_t lifetime_s)
{
    static struct draft draft;
    draft_begin(&draft, fixture, resource, 0);
    draft_kind(&draft, kind, 0);
    if (string)
        draft_value(&draft, ALICE, kind, key, string, time, lifetime_s);
    else
        draft_removal(&draft, ALICE, kind, key, time, lifetime_s);
    draft_kind_end(&draft);
    return store(&draft, ALICE);
}

int
disk_store_much(struct fixture *fixture, struct reload_bytes resource, struct reload_bytes long_key,
                uint64_t time)
{
    static struct draft draft;
    draft_begin(&draft, fixture, resource, 0);
    draft_kind(&draft, KIND_SINGLE, 0);
    draft_value(&draft, ALICE, KIND_SINGLE, (struct reload_bytes){0}, "single", time, 100);
    draft_kind_end(&draft);
    draft_kind(&draft, KIND_DICTIONARY, 0);
    draft_value(&draft, ALICE, KIND_DICTIONARY, text("a"), "A", time, 200);
    draft_value(&draft, ALICE_TOO, KIND_DICTIONARY, long_key, "B", time, 300);
    draft_removal(&draft, ALICE, KIND_DICTIONARY, text("c"), time, 300);
    draft_kind_end(&draft);
    draft_kind(&draft, KIND_ARRAY, 0);
    draft_value(&draft, ALICE, KIND_ARRAY, at(0), "0", time, 400);
    draft_value(&draft, ALICE_TOO, KIND_ARRAY, at(2), "2", time, 400);
    draft_kind_end(&draft);
    return store(&draft, ALICE);
}
