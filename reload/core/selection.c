/* selection.c: what a Fetch or a Stat asks for, and the frame of their answers.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/selection.h"

#include "reload/core/node_internal.h"

#include <assert.h>

#define LAST_ELEMENT 0xffffffffu /* 7.4.2.1: "0xffffffff is used to indicate the final element" */

/* ---- checks --------------------------------------------------------------------------------- */

/* RFC6940 7.4.2.1: first MUST be less than or equal to the second; ranges MUST NOT overlap. Indices
 * are unsigned here, whatever "int32" says: 0xffffffff would be less than 0. */
static int
check_ranges(const struct reload_wire *wire, struct reload_bytes indices)
{
    struct reload_array_range range, other;
    struct reload_reader reader = reload_reader_of(indices);
    for (size_t count = 0; reload_array_range_next(&reader, wire, &range); count++) {
        if (range.first > range.last || count >= RELOAD_RANGES_MAX)
            return RELOAD_E_MALFORMED;
        struct reload_reader earlier = reload_reader_of(indices);
        for (size_t i = 0; i < count && reload_array_range_next(&earlier, wire, &other); i++)
            if (range.first <= other.last && other.first <= range.last)
                return RELOAD_E_MALFORMED;
    }
    return 0;
}

static int
check_unknown(struct reload_selection *selection, struct reload_bytes specifiers)
{
    struct reload_node *node = selection->node;
    struct reload_reader reader = reload_reader_of(specifiers);
    struct reload_stored_data_specifier specifier;
    int error = 0;
    while (reload_stored_data_specifier_next(&reader, &node->wire, &specifier)) {
        if (reload_kinds_find(&node->kinds, specifier.kind))
            continue;
        reload_kinds_unknown(&selection->answer->error_info, specifier.kind);
        error = RELOAD_E_UNKNOWN_KIND;
    }
    return error;
}

/* All Kinds are known, so a list without repetition is short. */
static int
check_specifiers(struct reload_selection *selection, struct reload_bytes specifiers)
{
    struct reload_node *node = selection->node;
    struct reload_reader reader = reload_reader_of(specifiers);
    struct reload_stored_data_specifier specifier, other;
    size_t count = 0;
    for (; reload_stored_data_specifier_next(&reader, &node->wire, &specifier); count++) {
        if (count >= node->kinds.count)
            return RELOAD_E_MALFORMED;
        struct reload_reader earlier = reload_reader_of(specifiers);
        for (size_t i = 0; i < count; i++)
            if (reload_stored_data_specifier_next(&earlier, &node->wire, &other) &&
                other.kind == specifier.kind)
                return RELOAD_E_MALFORMED;
        int error = 0;
        if (specifier.model == RELOAD_DATA_MODEL_ARRAY)
            error = check_ranges(&node->wire, specifier.model_specifier.indices);
        if (error)
            return error;
    }
    return 0;
}

/* ---- data models ---------------------------------------------------------------------------- */

/* One Kind of the request, and what is stored of it (NULL: nothing). */
struct question {
    struct reload_selection *selection;
    const struct reload_kind *row;
    const struct reload_stored_kind *kind;
    const struct reload_stored_data_specifier *specifier;
};

static int
write(const struct question *question, struct reload_bytes key, const struct reload_stored *stored)
{
    struct reload_selection *selection = question->selection;
    int error = selection->write(selection, question->row, key, stored);
    return !error && selection->answer->body.failed ? RELOAD_E_SPACE : error;
}

static int
select_single(const struct question *question)
{
    struct reload_bytes key = {0};
    return write(question, key, reload_stored_find(question->kind, key));
}

/* Every element from |first| to |last|, gaps included: they end with the array, and the answer ends
 * where the message is full. */
static int
write_elements(const struct question *question, uint32_t first, uint32_t last)
{
    uint8_t octets[4];
    struct reload_bytes key = reload_value_index_key(first, octets);
    const struct reload_stored *stored = reload_stored_from(question->kind, key);
    for (uint64_t index = first; index <= last; index++) {
        key = reload_value_index_key((uint32_t)index, octets);
        bool here = stored && reload_bytes_equal(stored->entry.key, key);
        int error = write(question, key, here ? stored : NULL);
        if (error)
            return error;
        if (here)
            stored = reload_stored_after(question->kind, key);
    }
    return 0;
}

/* A range is cut at the array's end; one that lies behind it gets one value that says so. */
static int
select_range(const struct question *question, const struct reload_array_range *range)
{
    uint32_t length = reload_stored_length(question->kind);
    uint32_t first = range->first, last = range->last;
    if (length > 0 && first == LAST_ELEMENT)
        first = length - 1;
    if (first >= length)
        last = first;
    else if (last >= length)
        last = length - 1;
    /* "Everything" of an array that is empty is nothing. */
    if (length == 0 && range->last == LAST_ELEMENT)
        return 0;
    return write_elements(question, first, last);
}

static int
select_array(const struct question *question)
{
    const struct reload_wire *wire = &question->selection->node->wire;
    struct reload_reader reader = reload_reader_of(question->specifier->model_specifier.indices);
    struct reload_array_range range;
    int error = 0;
    while (!error && reload_array_range_next(&reader, wire, &range))
        error = select_range(question, &range);
    return error;
}

static int
select_all_keys(const struct question *question)
{
    const struct reload_stored *stored =
        reload_stored_from(question->kind, (struct reload_bytes){0});
    int error = 0;
    while (!error && stored) {
        error = write(question, stored->entry.key, stored);
        stored = reload_stored_after(question->kind, stored->entry.key);
    }
    return error;
}

static int
select_dictionary(const struct question *question)
{
    const struct reload_wire *wire = &question->selection->node->wire;
    struct reload_bytes keys = question->specifier->model_specifier.keys, key;
    if (keys.size == 0) /* 7.4.2.1: a wildcard fetch */
        return select_all_keys(question);
    struct reload_reader reader = reload_reader_of(keys);
    int error = 0;
    while (!error && reload_dictionary_key_next(&reader, wire, &key))
        error = write(question, key, reload_stored_find(question->kind, key));
    return error;
}

/* ---- the answer ----------------------------------------------------------------------------- */

static int
answer_kind(struct reload_selection *selection, const struct reload_resource *resource,
            const struct reload_stored_data_specifier *specifier)
{
    const struct reload_kind *row = reload_kinds_find(&selection->node->kinds, specifier->kind);
    struct question question = {.selection = selection, .row = row, .specifier = specifier};
    assert(row && row->data_model == specifier->model);
    question.kind = reload_resource_kind(resource, row);
    uint64_t generation = question.kind ? question.kind->generation : 0;
    struct reload_writer *body = &selection->answer->body;
    reload_writer_u32(body, row->kind);
    reload_writer_u64(body, generation);
    size_t mark = reload_writer_begin(body, 4);
    int error = 0;
    /* RFC6940 7.4.2.1: the counter matches: no values. */
    if (generation == 0 || generation != specifier->generation) {
        if (row->data_model == RELOAD_DATA_MODEL_ARRAY)
            error = select_array(&question);
        else if (row->data_model == RELOAD_DATA_MODEL_DICTIONARY)
            error = select_dictionary(&question);
        else
            error = select_single(&question);
    }
    reload_writer_end(body, mark, 4);
    return error;
}

int
reload_selection_answer(struct reload_selection *selection, struct reload_bytes resource,
                        struct reload_bytes specifiers)
{
    struct reload_node *node = selection->node;
    struct reload_node_id id;
    int error = reload_resource_check(node, resource, &id);
    if (!error)
        error = check_unknown(selection, specifiers);
    if (!error)
        error = check_specifiers(selection, specifiers);
    if (error)
        return error;
    reload_storage_expire(&node->storage, selection->now);
    const struct reload_resource *found = reload_storage_find(&node->storage, resource);
    struct reload_reader reader = reload_reader_of(specifiers);
    struct reload_stored_data_specifier specifier;
    size_t mark = reload_writer_begin(&selection->answer->body, 4);
    while (!error && reload_stored_data_specifier_next(&reader, &node->wire, &specifier))
        error = answer_kind(selection, found, &specifier);
    reload_writer_end(&selection->answer->body, mark, 4);
    if (error)
        return error;
    return selection->answer->body.failed ? RELOAD_E_SPACE : 0;
}
