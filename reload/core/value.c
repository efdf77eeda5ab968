/* value.c: one stored value as bytes: its parts, its signature.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/value.h"

#include "reload/core/message.h"
#include "reload/core/node_internal.h"

#include <assert.h>

/* What a value's signature covers (7.1): resource_id || kind || storage_time || StoredDataValue ||
 * SignerIdentity, an array's index as zero (7.4.2.2, D12). */
#define SIGNED_PARTS 7

static const uint8_t zero_index[4];

/* ---- taking apart --------------------------------------------------------------------------- */

const struct reload_data_value *
reload_value_data(const struct reload_stored_data *data)
{
    switch (data->value.model) {
    case RELOAD_DATA_MODEL_ARRAY:
        return &data->value.array_entry.value;
    case RELOAD_DATA_MODEL_DICTIONARY:
        return &data->value.dictionary_entry.value;
    default:
        return &data->value.single_value_entry;
    }
}

/* Octets in front of the DataValue. */
static size_t
prefix_size(const struct reload_stored_data *data)
{
    switch (data->value.model) {
    case RELOAD_DATA_MODEL_ARRAY:
        return 4;
    case RELOAD_DATA_MODEL_DICTIONARY:
        return 2 + data->value.dictionary_entry.key.size;
    default:
        return 0;
    }
}

static void
take_apart(struct reload_value *value)
{
    const uint8_t *content = value->raw.data + RELOAD_VALUE_CONTENT_OFFSET;
    const struct reload_data_value *data = reload_value_data(&value->data);
    size_t prefix = prefix_size(&value->data);
    size_t size = prefix + 1 + 4 + data->value.size;
    value->content = (struct reload_bytes){content, size};
    value->key = (struct reload_bytes){content, 0};
    if (value->data.value.model == RELOAD_DATA_MODEL_ARRAY)
        value->key.size = 4;
    if (value->data.value.model == RELOAD_DATA_MODEL_DICTIONARY)
        value->key = (struct reload_bytes){content + 2, prefix - 2};
    value->payload = (struct reload_bytes){content + prefix + 5, data->value.size};
    /* Algorithm, identity, then the signature with its length. */
    size_t begin = RELOAD_VALUE_CONTENT_OFFSET + size + 2;
    size_t end = value->raw.size - 2 - value->data.signature.signature_value.size;
    assert(begin <= end && end <= value->raw.size);
    value->identity = (struct reload_bytes){value->raw.data + begin, end - begin};
}

bool
reload_value_next(struct reload_reader *list, const struct reload_wire *wire, uint8_t model,
                  struct reload_value *value)
{
    const uint8_t *begin = list->at;
    if (!reload_stored_data_next(list, wire, model, &value->data))
        return false;
    value->raw = (struct reload_bytes){begin, (size_t)(list->at - begin)};
    take_apart(value);
    return true;
}

bool
reload_value_same(struct reload_bytes a, struct reload_bytes b)
{
    assert(a.size >= RELOAD_VALUE_CONTENT_OFFSET);
    return a.size == b.size && memcmp(a.data, b.data, RELOAD_VALUE_LIFETIME_OFFSET) == 0 &&
           memcmp(a.data + RELOAD_VALUE_CONTENT_OFFSET, b.data + RELOAD_VALUE_CONTENT_OFFSET,
                  a.size - RELOAD_VALUE_CONTENT_OFFSET) == 0;
}

bool
reload_value_unsigned(const struct reload_value *value)
{
    const struct reload_signature *signature = &value->data.signature;
    return signature->identity.identity_type == RELOAD_SIGNER_IDENTITY_TYPE_NONE ||
           (signature->algorithm.hash == RELOAD_HASH_ALGORITHM_NONE &&
            signature->algorithm.signature == RELOAD_SIGNATURE_ALGORITHM_ANONYMOUS);
}

uint32_t
reload_value_index(struct reload_bytes key)
{
    assert(key.size == 4);
    return (uint32_t)key.data[0] << 24 | (uint32_t)key.data[1] << 16 | (uint32_t)key.data[2] << 8 |
           key.data[3];
}

struct reload_bytes
reload_value_index_key(uint32_t index, uint8_t octets[4])
{
    struct reload_writer writer = reload_writer_of(octets, 4);
    reload_writer_u32(&writer, index);
    return reload_writer_written(&writer);
}

/* ---- signatures ----------------------------------------------------------------------------- */

/* Fills |parts|; |head| (5 octets) gets the Resource-ID's length and the Kind-ID. */
static void
signed_parts(struct reload_bytes resource, uint32_t kind, bool is_array, struct reload_bytes time,
             struct reload_bytes content, struct reload_bytes identity, uint8_t *head,
             struct reload_bytes parts[SIGNED_PARTS])
{
    struct reload_writer writer = reload_writer_of(head, 5);
    reload_writer_u8(&writer, (uint8_t)resource.size);
    reload_writer_u32(&writer, kind);
    parts[0] = (struct reload_bytes){head, 1};
    parts[1] = resource;
    parts[2] = (struct reload_bytes){head + 1, 4};
    parts[3] = time;
    parts[4] = (struct reload_bytes){zero_index, is_array ? sizeof zero_index : 0};
    parts[5] = content;
    if (is_array)
        parts[5] = (struct reload_bytes){content.data + 4, content.size - 4};
    parts[6] = identity;
}

int
reload_value_verify(struct reload_keyring *keyring, const struct reload_identity *signer,
                    struct reload_bytes resource, uint32_t kind, const struct reload_value *value)
{
    const struct reload_signature *signature = &value->data.signature;
    struct reload_bytes time = {value->raw.data + RELOAD_VALUE_TIME_OFFSET, 8};
    struct reload_bytes parts[SIGNED_PARTS];
    uint8_t head[5];
    signed_parts(resource, kind, value->data.value.model == RELOAD_DATA_MODEL_ARRAY, time,
                 value->content, value->identity, head, parts);
    int error = keyring->ops->verify(keyring, signer, signature->algorithm.hash,
                                     signature->algorithm.signature, parts, SIGNED_PARTS,
                                     signature->signature_value);
    if (error) /* I1: the bare Resource-ID */
        error = keyring->ops->verify(keyring, signer, signature->algorithm.hash,
                                     signature->algorithm.signature, parts + 1, SIGNED_PARTS - 1,
                                     signature->signature_value);
    return error ? RELOAD_E_SIGNATURE : 0;
}

int
reload_value_sign(struct reload_node *node, struct reload_bytes resource, uint32_t kind,
                  uint64_t storage_time, uint32_t lifetime_s,
                  const struct reload_stored_data_value *content, struct reload_writer *writer)
{
    struct reload_keyring *keyring = node->keyring;
    size_t mark = reload_writer_begin(writer, 4);
    reload_writer_u64(writer, storage_time);
    reload_writer_u32(writer, lifetime_s);
    size_t content_begin = writer->size;
    reload_stored_data_value_encode(writer, &node->wire, content);
    size_t content_end = writer->size;
    reload_writer_u8(writer, RELOAD_HASH_ALGORITHM_SHA256);
    reload_writer_u8(writer, keyring->ops->self(keyring)->signature_algorithm);
    size_t identity_begin = writer->size;
    reload_signature_identity(node, writer);
    if (writer->failed)
        return RELOAD_E_TOO_LARGE;
    struct reload_bytes parts[SIGNED_PARTS];
    uint8_t head[5], signature[RELOAD_SIGNATURE_MAX];
    size_t size = 0;
    const uint8_t *data = writer->data;
    signed_parts(resource, kind, content->model == RELOAD_DATA_MODEL_ARRAY,
                 (struct reload_bytes){data + mark + RELOAD_VALUE_TIME_OFFSET, 8},
                 (struct reload_bytes){data + content_begin, content_end - content_begin},
                 (struct reload_bytes){data + identity_begin, writer->size - identity_begin}, head,
                 parts);
    int error = keyring->ops->sign(keyring, parts, SIGNED_PARTS, signature, &size);
    if (error)
        return error;
    reload_writer_vector(writer, 2, (struct reload_bytes){signature, size});
    reload_writer_end(writer, mark, 4);
    return writer->failed ? RELOAD_E_TOO_LARGE : 0;
}

void
reload_value_absent(struct reload_writer *writer, const struct reload_wire *wire, uint8_t model,
                    struct reload_bytes key)
{
    struct reload_stored_data data = {.value.model = model};
    data.signature.identity.identity_type = RELOAD_SIGNER_IDENTITY_TYPE_NONE;
    if (model == RELOAD_DATA_MODEL_ARRAY)
        data.value.array_entry.index = reload_value_index(key);
    if (model == RELOAD_DATA_MODEL_DICTIONARY)
        data.value.dictionary_entry.key = key;
    reload_stored_data_encode(writer, wire, &data);
}
