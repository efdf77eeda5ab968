/* fetch_check.c: the asking side of Fetch.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/fetch_check.h"

#include "reload/core/access.h"
#include "reload/core/message.h"
#include "reload/core/node_internal.h"

#include <assert.h>

/* ---- asking --------------------------------------------------------------------------------- */

static int
write_specifier(struct reload_node *node, const struct reload_fetch_specifier *specifier,
                struct reload_writer *writer)
{
    const struct reload_kind *row = reload_kinds_find(&node->kinds, specifier->kind);
    if (!row)
        return RELOAD_E_UNKNOWN_KIND;
    reload_writer_u32(writer, specifier->kind);
    reload_writer_u64(writer, specifier->generation);
    size_t length = reload_writer_begin(writer, 2);
    if (row->data_model != RELOAD_DATA_MODEL_SINGLE_VALUE) {
        size_t list = reload_writer_begin(writer, 2);
        if (row->data_model == RELOAD_DATA_MODEL_ARRAY) {
            if (specifier->first > specifier->last)
                return RELOAD_E_USAGE;
            reload_writer_u32(writer, specifier->first);
            reload_writer_u32(writer, specifier->last);
        } else if (!specifier->all_keys) {
            reload_writer_vector(writer, 2, specifier->key);
        }
        reload_writer_end(writer, list, 2);
    }
    reload_writer_end(writer, length, 2);
    return 0;
}

int
reload_fetch_request(struct reload_node *node, struct reload_bytes resource,
                     const struct reload_fetch_specifier *specifiers, size_t count,
                     struct reload_writer *writer)
{
    int error = 0;
    reload_writer_vector(writer, 1, resource);
    size_t mark = reload_writer_begin(writer, 2);
    for (size_t i = 0; i < count && !error; i++) {
        for (size_t j = 0; j < i; j++)
            if (specifiers[j].kind == specifiers[i].kind)
                return RELOAD_E_USAGE;
        error = write_specifier(node, &specifiers[i], writer);
    }
    reload_writer_end(writer, mark, 2);
    if (error)
        return error;
    return writer->failed ? RELOAD_E_TOO_LARGE : 0;
}

/* ---- checking a value ----------------------------------------------------------------------- */

static bool
was_asked(const struct reload_fetch_specifier *specifier, const struct reload_kind *row,
          const struct reload_value *value)
{
    uint32_t index;
    switch (row->data_model) {
    case RELOAD_DATA_MODEL_ARRAY:
        index = reload_value_index(value->key);
        /* 0xffffffff as first is the last element, whatever its index. */
        return specifier->first == RELOAD_ARRAY_APPEND ||
               (index >= specifier->first && index <= specifier->last);
    case RELOAD_DATA_MODEL_DICTIONARY:
        return specifier->all_keys || reload_bytes_equal(specifier->key, value->key);
    default:
        return true;
    }
}

/* D15: "none" is for what does not exist, and then nothing is there at all. */
static bool
is_synthesised(const struct reload_value *value)
{
    const struct reload_signature *signature = &value->data.signature;
    const struct reload_data_value *data = reload_value_data(&value->data);
    return signature->identity.identity_type == RELOAD_SIGNER_IDENTITY_TYPE_NONE &&
           signature->algorithm.hash == RELOAD_HASH_ALGORITHM_NONE &&
           signature->algorithm.signature == RELOAD_SIGNATURE_ALGORITHM_ANONYMOUS &&
           signature->signature_value.size == 0 && !data->exists && data->value.size == 0;
}

static bool
may_store(const struct reload_fetch_check *check, const struct reload_kind *row,
          const struct reload_value *value, const struct reload_identity *signer,
          const struct reload_node_id *signer_id)
{
    struct reload_node *node = check->node;
    struct reload_access_hash hash = {.resource_id = node->topology->resource_id,
                                      .state = node->topology_state,
                                      .node_id_length = node->wire.node_id_length};
    struct reload_access_signer who = {signer, signer_id};
    struct reload_bytes key = {0};
    if (row->data_model == RELOAD_DATA_MODEL_DICTIONARY)
        key = value->key;
    return reload_access_check(&hash, row, check->resource, key, &who) == 0 &&
           (!row->permit || row->permit(node->config, signer) == 0);
}

static bool
is_well_formed(const struct reload_fetch_check *check, const struct reload_kind *row,
               const struct reload_value *value)
{
    const struct reload_data_value *data = reload_value_data(&value->data);
    struct reload_bytes key = {0};
    if (data->value.size > row->max_size || value->data.storage_time >= RELOAD_STORAGE_TIME_END)
        return false;
    if (!data->exists)
        return data->value.size == 0;
    if (row->data_model == RELOAD_DATA_MODEL_DICTIONARY)
        key = value->key;
    return !row->check || row->check(&check->node->wire, key, data->value) == 0;
}

static struct reload_mark_place
place_of(const struct reload_fetch_check *check, const struct reload_kind *row,
         const struct reload_value *value)
{
    return (struct reload_mark_place){.resource = check->resource,
                                      .kind = row->kind,
                                      .key = value->key,
                                      .type = RELOAD_MARK_STORAGE_TIME};
}

/* RFC6940 13.5.3: a storage time older than that of the previous fetch is a rollback. */
static bool
is_rollback(const struct reload_fetch_check *check, const struct reload_kind *row,
            const struct reload_value *value)
{
    struct reload_mark_place place = place_of(check, row, value);
    return value->data.storage_time <
           reload_marks_get(&check->node->storage.seen, &place, check->now);
}

/* All that is free of charge, then the signature. */
static bool
is_good(struct reload_fetch_check *check, const struct reload_message *answer,
        const struct reload_kind *row, const struct reload_value *value,
        const struct reload_identity **signer)
{
    struct reload_node *node = check->node;
    struct reload_node_id signer_id;
    *signer = NULL;
    if (reload_value_unsigned(value))
        return is_synthesised(value);
    if (!is_well_formed(check, row, value) || is_rollback(check, row, value))
        return false;
    if (reload_signature_signer(node, &value->data.signature.identity,
                                answer->security.certificates, signer, &signer_id) != 0)
        return false;
    if (!may_store(check, row, value, *signer, &signer_id) ||
        reload_value_verify(node->keyring, *signer, check->resource, row->kind, value) != 0)
        return false;
    struct reload_mark_place place = place_of(check, row, value);
    reload_marks_note(&node->storage.seen, &place, value->data.storage_time,
                      check->now + RELOAD_LIFETIME_MAX_S * RELOAD_SECOND);
    return true;
}

/* ---- checking an answer --------------------------------------------------------------------- */

/* The keys that came already, in |memory|. */
struct met {
    struct reload_ordered set;
    struct reload_ordered_entry *memory;
    size_t count; /* of entries that |memory| has */
};

static bool
meet(struct reload_fetch_check *check, struct met *met, struct reload_bytes key)
{
    if (reload_ordered_find(&met->set, key))
        return false;
    assert(met->set.count < met->count);
    struct reload_ordered_entry *entry = &met->memory[met->set.count];
    *entry = (struct reload_ordered_entry){
        .key = key, .priority = reload_prng_next(&check->node->storage.prng)};
    reload_ordered_insert(&met->set, entry);
    return true;
}

/* How many values |list| has; their lengths were checked when it was decoded. */
static size_t
count_values(struct reload_bytes list)
{
    struct reload_reader reader = reload_reader_of(list);
    struct reload_bytes value;
    size_t count = 0;
    while (reload_reader_left(&reader) > 0 && reload_reader_vector(&reader, 4, &value) == 0)
        count++;
    return count;
}

static int
check_values(struct reload_fetch_check *check, const struct reload_message *answer,
             const struct reload_fetch_specifier *specifier,
             const struct reload_fetch_kind_response *response)
{
    struct reload_node *node = check->node;
    struct reload_reader reader = reload_reader_of(response->values);
    struct reload_fetched fetched = {.row = reload_kinds_find(&node->kinds, response->kind),
                                     .generation = response->generation};
    struct reload_value value;
    struct met met = {.count = count_values(response->values)};
    assert(fetched.row && fetched.row->data_model == response->model);
    if (met.count == 0)
        return 0;
    met.memory = reload_node_allocate(node, NULL, met.count * sizeof *met.memory);
    if (!met.memory)
        return RELOAD_E_NOMEM;
    fetched.value = &value;
    while (reload_value_next(&reader, &node->wire, response->model, &value)) {
        if (was_asked(specifier, fetched.row, &value) && meet(check, &met, value.key) &&
            is_good(check, answer, fetched.row, &value, &fetched.signer))
            check->each(check->argument, &fetched, check->now);
        else
            check->discarded++;
    }
    (void)reload_node_allocate(node, met.memory, 0);
    return 0;
}

static const struct reload_fetch_specifier *
find_specifier(const struct reload_fetch_check *check, uint32_t kind)
{
    for (size_t i = 0; i < check->count; i++)
        if (check->specifiers[i].kind == kind)
            return &check->specifiers[i];
    return NULL;
}

int
reload_fetch_check_answer(struct reload_fetch_check *check, const struct reload_message *answer)
{
    struct reload_node *node = check->node;
    struct reload_fetch_ans decoded = {0};
    struct reload_reader reader = reload_reader_of(answer->contents.message_body);
    int error = reload_fetch_ans_decode(&reader, &node->wire, &decoded);
    if (!error && reload_reader_left(&reader))
        error = RELOAD_E_TRAILING;
    bool met[RELOAD_FETCH_SPECIFIERS_MAX] = {false};
    struct reload_fetch_kind_response response;
    assert(check->count <= RELOAD_FETCH_SPECIFIERS_MAX);
    reader = reload_reader_of(decoded.kind_responses);
    while (!error && reload_fetch_kind_response_next(&reader, &node->wire, &response)) {
        const struct reload_fetch_specifier *specifier = find_specifier(check, response.kind);
        if (!specifier || met[specifier - check->specifiers]) {
            check->discarded++;
            continue;
        }
        met[specifier - check->specifiers] = true;
        error = check_values(check, answer, specifier, &response);
    }
    node->counters.values_discarded += check->discarded;
    return error;
}
