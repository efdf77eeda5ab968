/* reassembly.c: messages to us that came in fragments.
 *
 * Fragments are not signed and may have been cut differently on each hop and try (6.7), so pieces
 * may overlap; where they do, the octets must be the same (D13).
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/reassembly.h"

#include "reload/core/forward.h"
#include "reload/core/node_internal.h"

#include <assert.h>

/* Copies of a fragment that a link's retransmission made come within this; the answer to an
 * end-to-end retransmission, which may differ, comes later (6.2.1). */
#define LATE_COPIES (1 * RELOAD_SECOND)

#define FRAGMENT_FIELD 12 /* offset of |fragment| in the forwarding header, |length| follows */

static void
destroy(struct reload_node *node, struct reload_partial *partial)
{
    node->reassembly.octets -= sizeof *partial + partial->header_size + partial->capacity;
    (void)reload_node_allocate(node, partial->header, 0);
    (void)reload_node_allocate(node, partial->body, 0);
    (void)reload_node_allocate(node, partial, 0);
}

static void
take_out(struct reload_node *node, struct reload_partial **place)
{
    struct reload_reassembly *all = &node->reassembly;
    struct reload_partial *partial = *place;
    *place = partial->next;
    if (!partial->next)
        all->youngest_end = place;
    all->count--;
}

static void
evict(struct reload_node *node, struct reload_partial **place)
{
    struct reload_partial *partial = *place;
    take_out(node, place);
    destroy(node, partial);
    node->counters.dropped_fragment++;
}

void
reload_reassembly_fini(struct reload_node *node)
{
    while (node->reassembly.oldest)
        evict(node, &node->reassembly.oldest);
    reload_alarm_clear(&node->alarms, &node->reassembly.alarm);
}

void
reload_reassembly_forget_link(struct reload_node *node, uint32_t link)
{
    for (struct reload_partial **place = &node->reassembly.oldest; *place;) {
        if ((*place)->link == link)
            evict(node, place);
        else
            place = &(*place)->next;
    }
}

static void
expire(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    struct reload_node *node = owner;
    while (node->reassembly.oldest && node->reassembly.oldest->expires <= now)
        evict(node, &node->reassembly.oldest);
    if (node->reassembly.oldest)
        reload_ignore(
            reload_alarm_set(&node->alarms, alarm, node->reassembly.oldest->expires, expire));
}

static struct reload_partial **
find(struct reload_node *node, uint32_t link, uint64_t transaction_id)
{
    struct reload_partial **place = &node->reassembly.oldest;
    while (*place && ((*place)->link != link || (*place)->transaction_id != transaction_id))
        place = &(*place)->next;
    return place;
}

static size_t
octets_max(const struct reload_node *node)
{
    size_t enough = 8 * (size_t)node->config->max_message_size;
    return enough > RELOAD_REASSEMBLY_OCTETS_MAX ? enough : RELOAD_REASSEMBLY_OCTETS_MAX;
}

/* Makes room for |octets| more of |link|, and with |another| for one more message: what takes more
 * than its share loses its own oldest, else the oldest of all goes. |keep| stays. Returns false
 * when there is none to go. */
static bool
make_room(struct reload_node *node, uint32_t link, size_t octets, bool another,
          const struct reload_partial *keep)
{
    struct reload_reassembly *all = &node->reassembly;
    for (;;) {
        size_t count = 0, held = octets;
        struct reload_partial **own = NULL, **any = NULL;
        for (struct reload_partial **place = &all->oldest; *place; place = &(*place)->next) {
            const struct reload_partial *partial = *place;
            bool is_own = partial->link == link;
            count += is_own;
            held += is_own ? sizeof *partial + partial->header_size + partial->capacity : 0;
            if (!any && partial != keep)
                any = place;
            if (!own && is_own && partial != keep)
                own = place;
        }
        if (own &&
            (held > octets_max(node) / 4 || (another && count >= RELOAD_REASSEMBLIES_PER_LINK_MAX)))
            evict(node, own);
        else if (all->octets + octets <= octets_max(node) &&
                 !(another && all->count >= RELOAD_REASSEMBLIES_MAX))
            return true;
        else if (any)
            evict(node, any);
        else
            return false;
    }
}

static struct reload_partial *
begin(struct reload_node *node, uint32_t link, uint64_t transaction_id, struct reload_bytes header,
      reload_time now)
{
    struct reload_reassembly *all = &node->reassembly;
    if (!make_room(node, link, sizeof(struct reload_partial) + header.size, true, NULL))
        return NULL;
    struct reload_partial *partial = reload_node_allocate(node, NULL, sizeof *partial);
    if (!partial)
        return NULL;
    all->octets += sizeof *partial + header.size;
    *partial = (struct reload_partial){.link = link,
                                       .transaction_id = transaction_id,
                                       .expires = now + RELOAD_REQUEST_LIFETIME,
                                       .header_size = header.size};
    partial->header = reload_node_allocate(node, NULL, header.size);
    if (!partial->header || (!all->alarm.slot && reload_alarm_set(&node->alarms, &all->alarm,
                                                                  partial->expires, expire) != 0)) {
        destroy(node, partial);
        return NULL;
    }
    memcpy(partial->header, header.data, header.size);
    if (!all->youngest_end)
        all->youngest_end = &all->oldest;
    *all->youngest_end = partial;
    all->youngest_end = &partial->next;
    all->count++;
    return partial;
}

static int
reserve(struct reload_node *node, struct reload_partial *partial, size_t size)
{
    struct reload_reassembly *all = &node->reassembly;
    if (size <= partial->capacity)
        return 0;
    size_t capacity = partial->capacity ? 2 * partial->capacity : 4096;
    while (capacity < size)
        capacity *= 2;
    if (capacity > node->config->max_message_size)
        capacity = node->config->max_message_size; /* |size| is not more */
    if (!make_room(node, partial->link, capacity - partial->capacity, false, partial))
        return RELOAD_E_BUSY;
    uint8_t *body = reload_node_allocate(node, partial->body, capacity);
    if (!body)
        return RELOAD_E_NOMEM;
    all->octets += capacity - partial->capacity;
    partial->body = body;
    partial->capacity = capacity;
    return 0;
}

/* Octets of |bytes|, to stand at |offset|, that are there already are the same. */
static bool
agrees(const struct reload_partial *partial, uint32_t offset, struct reload_bytes bytes)
{
    uint32_t end = offset + (uint32_t)bytes.size;
    for (size_t i = 0; i < partial->piece_count; i++) {
        const struct reload_piece *piece = &partial->pieces[i];
        uint32_t from = piece->begin > offset ? piece->begin : offset;
        uint32_t to = piece->end < end ? piece->end : end;
        if (from < to && memcmp(partial->body + from, bytes.data + (from - offset), to - from) != 0)
            return false;
    }
    return true;
}

/* Adds [begin, end) to the pieces, merging those that touch it. False when there are too many. */
static bool
mark(struct reload_partial *partial, uint32_t begin, uint32_t end)
{
    size_t first = 0;
    while (first < partial->piece_count && partial->pieces[first].end < begin)
        first++;
    size_t behind = first;
    while (behind < partial->piece_count && partial->pieces[behind].begin <= end) {
        begin = partial->pieces[behind].begin < begin ? partial->pieces[behind].begin : begin;
        end = partial->pieces[behind].end > end ? partial->pieces[behind].end : end;
        behind++;
    }
    size_t count = partial->piece_count - (behind - first) + 1;
    if (count > RELOAD_FRAGMENTS_MAX)
        return false;
    memmove(&partial->pieces[first + 1], &partial->pieces[behind],
            (partial->piece_count - behind) * sizeof partial->pieces[0]);
    partial->pieces[first] = (struct reload_piece){begin, end};
    partial->piece_count = count;
    return true;
}

/* Takes the fragment in. Any error means that the whole message is given up. */
static int
add(struct reload_node *node, struct reload_partial *partial, uint32_t offset, bool last,
    struct reload_bytes bytes)
{
    size_t end = offset + bytes.size;
    if (bytes.size == 0 || end + partial->header_size > node->config->max_message_size)
        return RELOAD_E_TOO_LARGE;
    if (last) {
        if (partial->total && partial->total != end)
            return RELOAD_E_MALFORMED;
        partial->total = (uint32_t)end;
    }
    size_t known_end = partial->piece_count ? partial->pieces[partial->piece_count - 1].end : 0;
    if (partial->total && (end > partial->total || known_end > partial->total))
        return RELOAD_E_MALFORMED;
    if (!agrees(partial, offset, bytes))
        return RELOAD_E_MALFORMED;
    int error = reserve(node, partial, end);
    if (error)
        return error;
    memcpy(partial->body + offset, bytes.data, bytes.size);
    return mark(partial, offset, (uint32_t)end) ? 0 : RELOAD_E_BUSY;
}

static bool
complete(const struct reload_partial *partial)
{
    return partial->total && partial->piece_count == 1 && partial->pieces[0].begin == 0 &&
           partial->pieces[0].end == partial->total;
}

/* A late copy would be the begin of a message that never ends, and be mixed with the next answer to
 * the same transaction. */
static bool
is_late_copy(const struct reload_node *node, uint32_t link, uint64_t transaction_id,
             reload_time now)
{
    for (size_t i = 0; i < RELOAD_COMPLETED_MAX; i++) {
        const struct reload_completed *completed = &node->reassembly.completed[i];
        if (completed->link == link && completed->transaction_id == transaction_id &&
            now < completed->until)
            return true;
    }
    return false;
}

static void
note_completed(struct reload_node *node, const struct reload_partial *partial, reload_time now)
{
    struct reload_reassembly *all = &node->reassembly;
    all->completed[all->completed_next++ % RELOAD_COMPLETED_MAX] =
        (struct reload_completed){partial->link, partial->transaction_id, now + LATE_COPIES};
}

static void
put_u32(uint8_t *at, uint32_t value)
{
    struct reload_writer writer = reload_writer_of(at, 4);
    reload_writer_u32(&writer, value);
}

static void
deliver(struct reload_node *node, struct reload_link *link, struct reload_partial *partial,
        reload_time now)
{
    size_t size = partial->header_size + partial->total;
    struct reload_buffer *buffer = reload_buffer_get(&node->buffers, size);
    if (!buffer) {
        node->counters.dropped_busy++;
        destroy(node, partial);
        return;
    }
    memcpy(buffer->data, partial->header, partial->header_size);
    memcpy(buffer->data + partial->header_size, partial->body, partial->total);
    put_u32(buffer->data + FRAGMENT_FIELD, RELOAD_FRAGMENT_ALWAYS | RELOAD_FRAGMENT_LAST);
    put_u32(buffer->data + FRAGMENT_FIELD + 4, (uint32_t)size);
    destroy(node, partial);
    reload_deliver(node, link, (struct reload_bytes){buffer->data, size}, now);
    reload_buffer_drop(&node->buffers, buffer);
}

void
reload_reassemble(struct reload_node *node, struct reload_link *link,
                  const struct reload_forwarding_header *header, struct reload_bytes message,
                  struct reload_bytes body, reload_time now)
{
    uint32_t offset = header->fragment & RELOAD_FRAGMENT_OFFSET;
    bool last = (header->fragment & RELOAD_FRAGMENT_LAST) != 0;
    if (offset == 0 && last) {
        reload_deliver(node, link, message, now);
        return;
    }
    uint32_t id = link ? link->id : 0;
    struct reload_bytes head = {message.data, message.size - body.size};
    struct reload_partial **place = find(node, id, header->transaction_id);
    struct reload_partial *partial = *place;
    if (!partial && is_late_copy(node, id, header->transaction_id, now)) {
        node->counters.dropped_duplicate++;
        return;
    }
    bool fresh = !partial;
    if (fresh)
        partial = begin(node, id, header->transaction_id, head, now);
    if (!partial) {
        node->counters.dropped_busy++;
        return;
    }
    int error = add(node, partial, offset, last, body);
    place = find(node, id, header->transaction_id); /* older ones may have gone */
    assert(*place == partial);
    if (error) {
        evict(node, place);
        /* D13: the buffer is dropped; what does not fit to it may belong to a later try. */
        if (!fresh && error == RELOAD_E_MALFORMED)
            reload_reassemble(node, link, header, message, body, now);
    } else if (complete(partial)) {
        take_out(node, place);
        note_completed(node, partial, now);
        deliver(node, link, partial, now);
    }
}
