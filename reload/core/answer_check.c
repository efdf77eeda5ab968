/* answer_check.c: what the asking sides of Fetch and Stat have in common.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/answer_check.h"

#include "reload/core/node_internal.h"
#include "reload/core/value.h"

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
reload_answer_request(struct reload_node *node, struct reload_bytes resource,
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

/* ---- checking ------------------------------------------------------------------------------- */

static bool
was_asked(const struct reload_fetch_specifier *specifier, const struct reload_kind *row,
          struct reload_bytes key)
{
    uint32_t index;
    switch (row->data_model) {
    case RELOAD_DATA_MODEL_ARRAY:
        index = reload_value_index(key);
        /* 0xffffffff as first is the last element, whatever its index. */
        return specifier->first == RELOAD_ARRAY_APPEND ||
               (index >= specifier->first && index <= specifier->last);
    case RELOAD_DATA_MODEL_DICTIONARY:
        return specifier->all_keys || reload_bytes_equal(specifier->key, key);
    default:
        return true;
    }
}

/* The keys that came already, in |memory|. */
struct met {
    struct reload_ordered set;
    struct reload_ordered_entry *memory;
    size_t count; /* of entries that |memory| has */
};

static bool
meet(struct reload_answer_check *check, struct met *met, struct reload_bytes key)
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

/* How many entries |list| has; their lengths were checked when it was decoded. */
static size_t
count_entries(struct reload_bytes list)
{
    struct reload_reader reader = reload_reader_of(list);
    struct reload_bytes entry;
    size_t count = 0;
    while (reload_reader_left(&reader) > 0 && reload_reader_vector(&reader, 4, &entry) == 0)
        count++;
    return count;
}

static int
check_entries(struct reload_answer_check *check, const struct reload_fetch_specifier *specifier,
              uint64_t generation, struct reload_bytes entries)
{
    struct reload_node *node = check->node;
    const struct reload_kind *row = reload_kinds_find(&node->kinds, specifier->kind);
    struct reload_reader reader = reload_reader_of(entries);
    struct met met = {.count = count_entries(entries)};
    struct reload_bytes key;
    assert(row); /* it was when we asked */
    if (met.count == 0)
        return 0;
    met.memory = reload_node_allocate(node, NULL, met.count * sizeof *met.memory);
    if (!met.memory)
        return RELOAD_E_NOMEM;
    while (check->form->next(&reader, &node->wire, row->data_model, check->entry, &key))
        if (!was_asked(specifier, row, key) || !meet(check, &met, key) ||
            !check->form->take(check, row, generation, check->entry))
            check->discarded++;
    (void)reload_node_allocate(node, met.memory, 0);
    return 0;
}

static const struct reload_fetch_specifier *
find_specifier(const struct reload_answer_check *check, uint32_t kind)
{
    for (size_t i = 0; i < check->count; i++)
        if (check->specifiers[i].kind == kind)
            return &check->specifiers[i];
    return NULL;
}

int
reload_answer_check_all(struct reload_answer_check *check, struct reload_bytes kind_responses)
{
    bool met[RELOAD_FETCH_SPECIFIERS_MAX] = {false};
    struct reload_reader reader = reload_reader_of(kind_responses);
    struct reload_bytes entries;
    uint32_t kind;
    uint64_t generation;
    int error = 0;
    assert(check->count <= RELOAD_FETCH_SPECIFIERS_MAX);
    while (!error && reload_reader_left(&reader) > 0) {
        error = reload_reader_u32(&reader, &kind);
        if (!error)
            error = reload_reader_u64(&reader, &generation);
        if (!error)
            error = reload_reader_vector(&reader, 4, &entries);
        assert(!error); /* checked when it was decoded */
        const struct reload_fetch_specifier *specifier = find_specifier(check, kind);
        if (!specifier || met[specifier - check->specifiers]) {
            check->discarded++;
            continue;
        }
        met[specifier - check->specifiers] = true;
        error = check_entries(check, specifier, generation, entries);
    }
    check->node->counters.values_discarded += check->discarded;
    return error;
}
