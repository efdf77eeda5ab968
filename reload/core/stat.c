/* stat.c: Stat, answered: what a Fetch would find, with digests in place of values. RFC 6940 7.4.3.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/node_internal.h"
#include "reload/core/selection.h"

/* RFC6940 7.4.3.2: a digest of the value, its four length octets included. What was never there has
 * none. */
static int
describe(struct reload_node *node, const struct reload_stored *stored,
         struct reload_meta_data *meta, uint8_t *digest)
{
    *meta = (struct reload_meta_data){.hash_algorithm = RELOAD_HASH_ALGORITHM_NONE};
    if (!stored)
        return 0;
    struct reload_bytes counted = {stored->payload.data - 4, 4 + stored->payload.size};
    size_t size;
    int error = node->keyring->ops->digest(node->keyring, RELOAD_HASH_ALGORITHM_SHA256, &counted, 1,
                                           digest, &size);
    meta->exists = stored->exists;
    meta->value_length = (uint32_t)stored->payload.size;
    meta->hash_algorithm = RELOAD_HASH_ALGORITHM_SHA256;
    meta->hash_value = (struct reload_bytes){digest, error ? 0 : size};
    return error;
}

static int
write_meta(struct reload_selection *selection, const struct reload_kind *row,
           struct reload_bytes key, const struct reload_stored *stored)
{
    uint8_t digest[RELOAD_DIGEST_MAX];
    struct reload_meta_data meta;
    int error = describe(selection->node, stored, &meta, digest);
    if (error)
        return error;
    struct reload_stored_meta_data data = {.metadata.model = row->data_model};
    if (stored) {
        data.storage_time = stored->storage_time;
        data.lifetime = reload_stored_lifetime(stored, selection->now);
    }
    switch (row->data_model) {
    case RELOAD_DATA_MODEL_ARRAY:
        data.metadata.array_entry.index = reload_value_index(key);
        data.metadata.array_entry.value = meta;
        break;
    case RELOAD_DATA_MODEL_DICTIONARY:
        data.metadata.dictionary_entry.key = key;
        data.metadata.dictionary_entry.value = meta;
        break;
    default:
        data.metadata.single_value_entry = meta;
        break;
    }
    reload_stored_meta_data_encode(&selection->answer->body, &selection->node->wire, &data);
    return 0;
}

int
reload_handle_stat(struct reload_node *node, const struct reload_incoming *incoming,
                   struct reload_answer *answer, reload_time now)
{
    struct reload_stat_req request;
    struct reload_reader reader = reload_reader_of(incoming->message->contents.message_body);
    int error = reload_stat_req_decode(&reader, &node->wire, &request);
    if (!error && reload_reader_left(&reader))
        error = RELOAD_E_TRAILING;
    if (error)
        return error;
    struct reload_selection selection = {
        .node = node, .answer = answer, .now = now, .write = write_meta};
    return reload_selection_answer(&selection, request.resource, request.specifiers);
}
