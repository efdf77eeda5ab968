/* find_check.c: the asking side of Find.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/find_check.h"

#include "reload/core/node_internal.h"

#include <assert.h>

/* Whether |kind| was asked for and comes for the first time. */
static bool
meet(const struct reload_find_check *check, bool *met, uint32_t kind)
{
    for (size_t i = 0; i < check->count; i++)
        if (check->kinds[i] == kind) {
            bool is_first = !met[i];
            met[i] = true;
            return is_first;
        }
    return false;
}

/* D25: "0" is as many zero octets, or none at all. */
static bool
is_none(struct reload_bytes resource)
{
    for (size_t i = 0; i < resource.size; i++)
        if (resource.data[i])
            return false;
    return true;
}

int
reload_find_check_answer(struct reload_find_check *check, const struct reload_message *answer)
{
    struct reload_node *node = check->node;
    bool met[RELOAD_FIND_KINDS_MAX] = {false};
    struct reload_find_ans decoded = {0};
    struct reload_find_kind_data data;
    struct reload_reader reader = reload_reader_of(answer->contents.message_body);
    assert(check->count <= RELOAD_FIND_KINDS_MAX);
    int error = reload_find_ans_decode(&reader, &node->wire, &decoded);
    if (!error && reload_reader_left(&reader))
        error = RELOAD_E_TRAILING;
    if (error)
        return error;
    reader = reload_reader_of(decoded.results);
    while (reload_find_kind_data_next(&reader, &node->wire, &data)) {
        bool fits = data.closest.size == 0 || data.closest.size == check->resource_size;
        if (!fits || !meet(check, met, data.kind)) {
            check->discarded++;
            continue;
        }
        struct reload_bytes resource = data.closest;
        if (is_none(resource))
            resource.size = 0;
        if (check->each)
            check->each(check->argument, data.kind, resource, check->now);
    }
    node->counters.values_discarded += check->discarded;
    return 0;
}
