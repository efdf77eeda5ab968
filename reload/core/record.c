/* record.c: the records by which what a peer stores outlives its process.
 *
 * D35, D47. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/record.h"

#include "reload/core/node_internal.h"

#include <assert.h>

#define HASH_SIZE 32

/* ---- writing -------------------------------------------------------------------------------- */

static uint64_t
wall_of(const struct reload_storage *storage, reload_time at, reload_time now)
{
    uint64_t wall_ms = storage->env->wall_ms(storage->env->context);
    return wall_ms + (at > now ? at - now : 0) / RELOAD_MS;
}

/* Tells |persist|: |value_count| 0 forgets the record. */
static void
tell(struct reload_storage *storage, char type, const struct reload_mark_place *place,
     const struct reload_bytes *value, size_t value_count)
{
    uint8_t head[2] = {(uint8_t)type, (uint8_t)place->resource.size}, tail[7];
    struct reload_writer writer = reload_writer_of(tail, sizeof tail);
    if (type == RELOAD_RECORD_MARK)
        reload_writer_u8(&writer, (uint8_t)place->type);
    reload_writer_u32(&writer, place->kind);
    reload_writer_u16(&writer, (uint16_t)place->key.size);
    assert(place->resource.size <= UINT8_MAX && place->key.size <= UINT16_MAX && !writer.failed);
    struct reload_bytes key[] = {
        {head, sizeof head}, place->resource, reload_writer_written(&writer), place->key};
    _Static_assert(sizeof key / sizeof key[0] == RELOAD_PERSIST_PARTS_MAX, "the parts of a place");
    storage->persist(storage->persist_context, key, RELOAD_PERSIST_PARTS_MAX, value, value_count);
}

static void
tell_certificate(struct reload_storage *storage, struct reload_certificate *certificate,
                 bool is_there)
{
    static const uint8_t type = RELOAD_RECORD_CERTIFICATE;
    struct reload_bytes key[] = {{&type, 1}, {certificate->hash, sizeof certificate->hash}};
    struct reload_bytes der = {certificate->der, certificate->size};
    certificate->persisted = is_there;
    storage->persist(storage->persist_context, key, 2, &der, is_there ? 1 : 0);
}

void
reload_record_certificate_leaves(struct reload_storage *storage,
                                 struct reload_certificate *certificate)
{
    if (storage->persist && certificate->persisted && certificate->holders == 1)
        tell_certificate(storage, certificate, false);
}

void
reload_record_value(struct reload_storage *storage, struct reload_stored *stored, bool is_there,
                    reload_time now)
{
    if (!storage->persist)
        return;
    uint8_t numbers[16];
    struct reload_writer writer = reload_writer_of(numbers, sizeof numbers);
    reload_writer_u64(&writer, wall_of(storage, stored->expires, now));
    reload_writer_u64(&writer, stored->kind->generation);
    struct reload_certificate *certificate = stored->certificate;
    struct reload_bytes value[] = {reload_writer_written(&writer),
                                   {certificate->hash, sizeof certificate->hash},
                                   {stored->bytes, stored->size}};
    struct reload_mark_place place = reload_storage_place(stored->kind, stored->entry.key);
    if (is_there && !certificate->persisted)
        tell_certificate(storage, certificate, true);
    tell(storage, RELOAD_RECORD_VALUE, &place, value, is_there ? 3 : 0);
    if (!is_there)
        reload_record_certificate_leaves(storage, certificate);
}

void
reload_record_mark(struct reload_storage *storage, const struct reload_mark_place *place,
                   uint64_t number, reload_time expires, reload_time now)
{
    if (!storage->persist || number == 0)
        return;
    uint8_t numbers[18];
    struct reload_writer writer = reload_writer_of(numbers, sizeof numbers);
    reload_writer_u64(&writer, wall_of(storage, expires, now));
    reload_writer_u64(&writer, number);
    reload_writer_u16(&writer, (uint16_t)place->key.size);
    struct reload_bytes value[] = {reload_writer_written(&writer), place->key};
    tell(storage, RELOAD_RECORD_MARK, place, value, 2);
}

void
reload_record_mark_gone(void *context, const struct reload_mark_place *place)
{
    struct reload_storage *storage = context;
    if (storage->persist)
        tell(storage, RELOAD_RECORD_MARK, place, NULL, 0);
}

/* ---- as effects ----------------------------------------------------------------------------- */

static uint64_t
fnv(uint64_t hash, struct reload_bytes bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        hash = (hash ^ bytes.data[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t
check_of(struct reload_bytes key, struct reload_bytes value)
{
    return fnv(fnv(UINT64_C(0xcbf29ce484222325), key), value);
}

static int
digest_key(struct reload_node *node, struct reload_bytes *key, uint8_t digest[RELOAD_DIGEST_MAX])
{
    if (key->size <= RELOAD_RECORD_KEY_WHOLE)
        return 0;
    size_t size;
    int error = node->keyring->ops->digest(node->keyring, RELOAD_HASH_ALGORITHM_SHA256, key, 1,
                                           digest, &size);
    *key = (struct reload_bytes){digest, size};
    return error;
}

static void
write_parts(struct reload_writer *writer, const struct reload_bytes *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        reload_writer_bytes(writer, parts[i]);
}

static size_t
size_of(const struct reload_bytes *parts, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += parts[i].size;
    return size;
}

/* A record that cannot be queued is lost for the next run of this node, not for this one; the
 * effects count it. */
void
reload_record_persist(void *context, const struct reload_bytes *key, size_t key_count,
                      const struct reload_bytes *value, size_t value_count)
{
    struct reload_node *node = context;
    struct reload_bytes parts[RELOAD_PERSIST_PARTS_MAX];
    uint8_t digest[RELOAD_DIGEST_MAX];
    assert(key_count > 0 && key_count <= RELOAD_PERSIST_PARTS_MAX);
    memcpy(parts, key, key_count * sizeof *parts);
    if (digest_key(node, &parts[key_count - 1], digest) != 0)
        return;
    size_t size = size_of(parts, key_count) + size_of(value, value_count);
    struct reload_buffer *buffer =
        reload_buffer_get(&node->buffers, size + RELOAD_RECORD_CHECK_SIZE);
    if (!buffer)
        return;
    struct reload_writer writer = reload_writer_of(buffer->data, size + RELOAD_RECORD_CHECK_SIZE);
    write_parts(&writer, parts, key_count);
    struct reload_bytes whole_key = reload_writer_written(&writer), content = {0};
    if (value_count > 0) {
        write_parts(&writer, value, value_count);
        content = (struct reload_bytes){buffer->data + whole_key.size, size - whole_key.size};
        reload_writer_u64(&writer, check_of(whole_key, content));
        content.size += RELOAD_RECORD_CHECK_SIZE;
    }
    assert(!writer.failed);
    reload_ignore(reload_effects_persist(node, whole_key, content));
    reload_buffer_drop(&node->buffers, buffer);
}

/* ---- reading -------------------------------------------------------------------------------- */

static int
read_place(struct reload_reader *reader, struct reload_record *record)
{
    uint16_t key_size = 0;
    uint8_t type = RELOAD_MARK_STORAGE_TIME;
    int error = reload_reader_vector(reader, 1, &record->resource);
    if (!error && record->type == RELOAD_RECORD_MARK)
        error = reload_reader_u8(reader, &type);
    if (!error)
        error = reload_reader_u32(reader, &record->kind);
    if (!error)
        error = reload_reader_u16(reader, &key_size);
    size_t left = reload_reader_left(reader);
    size_t wanted = key_size > RELOAD_RECORD_KEY_WHOLE ? HASH_SIZE : key_size;
    if (error || left != wanted || type > RELOAD_MARK_GENERATION)
        return RELOAD_E_MALFORMED;
    record->mark_type = type;
    return 0;
}

static int
read_value(struct reload_reader *reader, struct reload_record *record)
{
    int error = reload_reader_u64(reader, &record->expires_ms);
    if (!error)
        error = reload_reader_u64(reader, &record->number);
    if (!error && record->type == RELOAD_RECORD_MARK)
        error = reload_reader_vector(reader, 2, &record->key);
    if (!error && record->type == RELOAD_RECORD_VALUE)
        error = reload_reader_bytes(reader, HASH_SIZE, &record->hash);
    size_t left = reload_reader_left(reader);
    if (!error && record->type == RELOAD_RECORD_VALUE)
        error = reload_reader_bytes(reader, left, &record->content);
    return error || reload_reader_left(reader) > 0 ? RELOAD_E_MALFORMED : 0;
}

static bool
is_whole(struct reload_bytes key, struct reload_bytes *value)
{
    if (key.size == 0 || value->size < RELOAD_RECORD_CHECK_SIZE)
        return false;
    value->size -= RELOAD_RECORD_CHECK_SIZE;
    struct reload_reader reader = reload_reader_of(
        (struct reload_bytes){value->data + value->size, RELOAD_RECORD_CHECK_SIZE});
    uint64_t check;
    return reload_reader_u64(&reader, &check) == 0 && check == check_of(key, *value);
}

int
reload_record_decode(struct reload_bytes key, struct reload_bytes value,
                     struct reload_record *record)
{
    if (!is_whole(key, &value))
        return RELOAD_E_MALFORMED;
    *record =
        (struct reload_record){.type = (char)key.data[0], .place = {key.data + 1, key.size - 1}};
    struct reload_reader in_key = reload_reader_of(record->place);
    struct reload_reader in_value = reload_reader_of(value);
    switch (record->type) {
    case RELOAD_RECORD_CERTIFICATE:
        record->hash = record->place;
        record->content = value;
        return record->hash.size == HASH_SIZE ? 0 : RELOAD_E_MALFORMED;
    case RELOAD_RECORD_MARK:
    case RELOAD_RECORD_VALUE:
        return read_place(&in_key, record) == 0 ? read_value(&in_value, record)
                                                : RELOAD_E_MALFORMED;
    default:
        return RELOAD_E_MALFORMED;
    }
}

bool
reload_record_is_at(struct reload_node *node, const struct reload_record *record,
                    struct reload_bytes key)
{
    uint8_t digest[RELOAD_DIGEST_MAX], size[2] = {(uint8_t)(key.size >> 8), (uint8_t)key.size};
    size_t before = 1 + record->resource.size + (record->type == RELOAD_RECORD_MARK) + 4;
    assert(record->place.size >= before + sizeof size);
    struct reload_bytes there = {record->place.data + before, record->place.size - before};
    if (memcmp(there.data, size, sizeof size) != 0 || digest_key(node, &key, digest) != 0)
        return false;
    there = (struct reload_bytes){there.data + sizeof size, there.size - sizeof size};
    return reload_bytes_equal(there, key);
}
