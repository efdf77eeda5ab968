/* fetch_check.c: the asking side of Fetch.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/fetch_check.h"

#include "reload/core/access.h"
#include "reload/core/answer_check.h"
#include "reload/core/message.h"
#include "reload/core/node_internal.h"

/* ---- checking a value ----------------------------------------------------------------------- */

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
is_well_formed(const struct reload_fetch_check *check, const struct reload_kind *row,
               const struct reload_value *value)
{
    const struct reload_data_value *data = reload_value_data(&value->data);
    if (data->value.size > row->max_size || value->data.storage_time >= RELOAD_STORAGE_TIME_END)
        return false;
    if (!data->exists)
        return data->value.size == 0;
    return reload_access_check_content(check->node, row, value) == 0;
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
is_good(struct reload_fetch_check *check, const struct reload_kind *row,
        const struct reload_value *value, const struct reload_identity **signer)
{
    struct reload_node *node = check->node;
    struct reload_node_id signer_id;
    *signer = NULL;
    if (reload_value_unsigned(value))
        return is_synthesised(value);
    if (!is_well_formed(check, row, value) || is_rollback(check, row, value))
        return false;
    if (reload_signature_signer(node, &value->data.signature.identity, check->certificates, signer,
                                &signer_id) != 0)
        return false;
    if (reload_access_check_value(node, row, check->resource, value, *signer, &signer_id) != 0 ||
        reload_value_verify(node->keyring, *signer, check->resource, row->kind, value) != 0)
        return false;
    struct reload_mark_place place = place_of(check, row, value);
    reload_marks_note(&node->storage.seen, &place, value->data.storage_time,
                      check->now + RELOAD_LIFETIME_MAX_S * RELOAD_SECOND);
    return true;
}

/* ---- checking an answer --------------------------------------------------------------------- */

static bool
next_value(struct reload_reader *list, const struct reload_wire *wire, uint8_t model, void *entry,
           struct reload_bytes *key)
{
    struct reload_value *value = entry;
    if (!reload_value_next(list, wire, model, value))
        return false;
    *key = value->key;
    return true;
}

static bool
take_value(struct reload_answer_check *frame, const struct reload_kind *row, uint64_t generation,
           const void *entry)
{
    struct reload_fetch_check *check = frame->context;
    struct reload_fetched fetched = {.row = row, .generation = generation, .value = entry};
    if (!is_good(check, row, fetched.value, &fetched.signer))
        return false;
    check->each(check->argument, &fetched, check->now);
    return true;
}

int
reload_fetch_check_answer(struct reload_fetch_check *check, const struct reload_message *answer)
{
    static const struct reload_answer_form form = {next_value, take_value};
    struct reload_fetch_ans decoded = {0};
    struct reload_value value;
    struct reload_reader reader = reload_reader_of(answer->contents.message_body);
    int error = reload_fetch_ans_decode(&reader, &check->node->wire, &decoded);
    if (!error && reload_reader_left(&reader))
        error = RELOAD_E_TRAILING;
    if (error)
        return error;
    struct reload_answer_check frame = {.node = check->node,
                                        .resource = check->resource,
                                        .specifiers = check->specifiers,
                                        .count = check->count,
                                        .form = &form,
                                        .entry = &value,
                                        .context = check,
                                        .now = check->now};
    check->certificates = answer->security.certificates;
    error = reload_answer_check_all(&frame, decoded.kind_responses);
    check->discarded = frame.discarded;
    return error;
}
