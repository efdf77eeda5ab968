/* find.c: Find, answered: the next resource that has a Kind. RFC 6940 7.4.4.
 *
 * "Closest" is the Resource-ID itself or the first one behind it, going round: the only reading by
 * which R_n+1 = nearest(1 + R_n) walks the overlay. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/node_internal.h"

static bool
next_kind(struct reload_reader *reader, uint32_t *kind)
{
    return reload_reader_left(reader) > 0 && reload_reader_u32(reader, kind) == 0;
}

/* RFC6940 7.4.4.1: each value MUST appear only once. At most 63 fit. */
static int
check_kinds(struct reload_bytes kinds)
{
    struct reload_reader reader = reload_reader_of(kinds);
    uint32_t kind, other;
    if (kinds.size % 4 != 0)
        return RELOAD_E_MALFORMED;
    for (size_t count = 0; next_kind(&reader, &kind); count++) {
        struct reload_reader earlier = reload_reader_of(kinds);
        for (size_t i = 0; i < count && next_kind(&earlier, &other); i++)
            if (kind == other)
                return RELOAD_E_MALFORMED;
    }
    return 0;
}

/* RFC6940 7.4.4.2: 0 when no Resource-ID, or not even the Kind, is known; D25: as zero octets. */
static void
answer_kind(struct reload_node *node, struct reload_bytes resource, uint32_t kind,
            struct reload_writer *body)
{
    static const uint8_t zero[RELOAD_NODE_ID_SIZE_MAX];
    const struct reload_kind *row = reload_kinds_find(&node->kinds, kind);
    const struct reload_resource *closest =
        row ? reload_storage_closest(&node->storage, row, resource) : NULL;
    struct reload_find_kind_data data = {.kind = kind, .closest = {zero, resource.size}};
    if (closest)
        data.closest = reload_resource_id(closest);
    reload_find_kind_data_encode(body, &node->wire, &data);
}

int
reload_handle_find(struct reload_node *node, const struct reload_incoming *incoming,
                   struct reload_answer *answer, reload_time now)
{
    struct reload_find_req request;
    struct reload_node_id id;
    struct reload_reader reader = reload_reader_of(incoming->message->contents.message_body);
    int error = reload_find_req_decode(&reader, &node->wire, &request);
    if (!error && reload_reader_left(&reader))
        error = RELOAD_E_TRAILING;
    if (!error)
        error = reload_resource_check(node, request.resource, &id);
    if (!error)
        error = check_kinds(request.kinds);
    if (error)
        return error;
    if (!node->topology->is_responsible(node->topology_state, &id))
        return RELOAD_E_NOT_FOUND;
    reload_storage_expire(&node->storage, now);
    size_t mark = reload_writer_begin(&answer->body, 2);
    uint32_t kind;
    for (reader = reload_reader_of(request.kinds); next_kind(&reader, &kind);)
        answer_kind(node, request.resource, kind, &answer->body);
    reload_writer_end(&answer->body, mark, 2);
    return 0;
}
