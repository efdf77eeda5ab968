/* forward.c: the way of messages through this node.
 *
 * A message that goes on is read up to the end of its forwarding header only, and copied once, into
 * the buffer from which it is sent.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/forward.h"

#include "reload/core/error_code.h"
#include "reload/core/message.h"
#include "reload/core/node_internal.h"
#include "reload/core/reply.h"

#include <assert.h>

#define FIXED_SIZE 38u         /* the forwarding header up to its lists */
#define MARGIN 32u             /* room for the Via List to grow (6.7) */
#define FRAGMENT_BODY_MIN 256u /* of each, also of the last (6.7) */
#define DUPLICATES_CHECKED 16  /* entries of a Destination List that are compared (13.6.5) */
#define DATAGRAM_MAX 16384u    /* octets of a DTLS record: no network fragments more */

/* A message on its way: its header, and what of its lists goes out. */
struct transit {
    const uint8_t *fixed; /* the first FIXED_SIZE octets as received */
    struct reload_forwarding_header header;
    struct reload_bytes destination_list; /* what is left of it */
    struct reload_bytes body;             /* behind the header */
    struct reload_link *from;             /* NULL: our own */
    uint16_t code;                        /* the first fragment's; 0 of others */
    bool is_request;                      /* as far as the first fragment tells */
    bool first_fragment;
};

/* ---- out ------------------------------------------------------------------------------------ */

/* Writes one fragment, |size| octets of the body from |offset| on, and sends it on |link|. */
static int
send_piece(struct reload_node *node, const struct transit *transit, struct reload_bytes via,
           bool append_via, uint8_t ttl, struct reload_link *link, size_t offset, size_t size,
           reload_time now)
{
    const struct reload_forwarding_header *header = &transit->header;
    size_t own = append_via ? 2u + node->wire.node_id_length : 0;
    size_t total =
        FIXED_SIZE + via.size + own + transit->destination_list.size + header->options.size + size;
    struct reload_buffer *buffer =
        reload_buffer_get(&node->buffers, RELOAD_FRAME_HEADER_SIZE + total);
    if (!buffer)
        return RELOAD_E_NOMEM;
    struct reload_writer writer = reload_writer_of(buffer->data, buffer->capacity);
    (void)reload_writer_reserve(&writer, RELOAD_FRAME_HEADER_SIZE);
    reload_writer_bytes(&writer, (struct reload_bytes){transit->fixed, 11});
    reload_writer_u8(&writer, ttl);
    uint32_t base = header->fragment & RELOAD_FRAGMENT_OFFSET;
    uint32_t last =
        offset + size == transit->body.size ? header->fragment & RELOAD_FRAGMENT_LAST : 0;
    reload_writer_u32(&writer, RELOAD_FRAGMENT_ALWAYS | last | (base + (uint32_t)offset));
    reload_writer_u32(&writer, (uint32_t)total);
    reload_writer_u64(&writer, header->transaction_id);
    reload_writer_u32(&writer, header->max_response_length);
    reload_writer_u16(&writer, (uint16_t)(via.size + own));
    reload_writer_u16(&writer, (uint16_t)transit->destination_list.size);
    reload_writer_u16(&writer, (uint16_t)header->options.size);
    reload_writer_bytes(&writer, via);
    if (append_via) {
        reload_writer_u8(&writer, RELOAD_DESTINATION_TYPE_NODE);
        reload_writer_u8(&writer, node->wire.node_id_length);
        reload_writer_bytes(
            &writer, reload_node_id_bytes(&transit->from->node_id, node->wire.node_id_length));
    }
    reload_writer_bytes(&writer, transit->destination_list);
    reload_writer_bytes(&writer, header->options);
    reload_writer_bytes(&writer, (struct reload_bytes){transit->body.data + offset, size});
    assert(!writer.failed && writer.size == RELOAD_FRAME_HEADER_SIZE + total);
    buffer->size = (uint32_t)writer.size;
    return reload_link_send(node, link, buffer, now);
}

/* The size of the chunks into which a body of |body| octets is cut on |link|; |body| when it goes
 * in one piece: it fits, or equal chunks that fit would be too small, so that the network layer has
 * to fragment it. RFC 6940 6.7. */
static size_t
chunk_size(const struct reload_link *link, size_t header, size_t body)
{
    size_t frame = RELOAD_FRAME_HEADER_SIZE + header;
    if (link->framing != RELOAD_FRAMING_DATAGRAM || frame + body <= link->sender.mtu)
        return body;
    if (link->sender.mtu < frame + MARGIN + FRAGMENT_BODY_MIN)
        return body;
    size_t room = link->sender.mtu - frame - MARGIN;
    size_t count = (body + room - 1) / room;
    size_t chunk = (body + count - 1) / count;
    return body - (count - 1) * chunk < FRAGMENT_BODY_MIN ? body : chunk;
}

static bool
last_via_is(struct reload_node *node, struct reload_bytes via, const struct reload_node_id *id)
{
    uint8_t length = node->wire.node_id_length;
    size_t size = 2u + length;
    if (via.size < size)
        return false;
    const uint8_t *entry = via.data + via.size - size;
    return entry[0] == RELOAD_DESTINATION_TYPE_NODE && entry[1] == length &&
           memcmp(entry + 2, id->octets, length) == 0;
}

/* 13.6.5: whether this message came by here twice before. Once may be its route; each further turn
 * of a loop lets one peer in it, who sends everything more than once, multiply what goes round. */
static bool
goes_round(const struct reload_node *node, struct reload_bytes via)
{
    struct reload_reader reader = reload_reader_of(via);
    struct reload_destination entry;
    unsigned times = 0;
    while (times < 2 && reload_destination_next(&reader, &node->wire, &entry))
        times += entry.type == RELOAD_DESTINATION_TYPE_NODE &&
                 reload_node_id_equal(&entry.destination_data.node_id, &node->id);
    return times == 2;
}

static int
send_on(struct reload_node *node, const struct transit *transit, struct reload_link *link,
        reload_time now)
{
    struct reload_bytes via = transit->header.via_list;
    uint8_t ttl = transit->header.ttl;
    bool append_via = false;
    if (transit->from) {
        ttl--;
        /* A response needs no way back (6.1.2); whether a later fragment is one, nobody knows. */
        append_via = (transit->is_request || !transit->first_fragment) &&
                     !last_via_is(node, via, &transit->from->node_id);
    }
    size_t header = FIXED_SIZE + via.size + transit->destination_list.size +
                    transit->header.options.size +
                    (append_via ? 2u + node->wire.node_id_length : 0);
    size_t via_size = via.size + (append_via ? 2u + node->wire.node_id_length : 0);
    size_t end = (transit->header.fragment & RELOAD_FRAGMENT_OFFSET) + transit->body.size;
    if (via_size > UINT16_MAX || header + end > node->config->max_message_size)
        return RELOAD_E_TOO_LARGE;
    size_t chunk = chunk_size(link, header, transit->body.size);
    if (link->framing == RELOAD_FRAMING_DATAGRAM &&
        RELOAD_FRAME_HEADER_SIZE + header + chunk > DATAGRAM_MAX)
        return RELOAD_E_TOO_LARGE;
    uint32_t id = link->id;
    size_t offset = 0;
    do {
        size_t left = transit->body.size - offset;
        int error = send_piece(node, transit, via, append_via, ttl, link, offset,
                               left < chunk ? left : chunk, now);
        if (error)
            return error;
        offset += chunk;
        link = reload_link_find(node, id); /* sending can end it */
    } while (link && offset < transit->body.size);
    return 0;
}

/* ---- in ------------------------------------------------------------------------------------- */

void
reload_forward_reverse(struct reload_node *node, struct reload_bytes via_list,
                       struct reload_writer *writer)
{
    uint8_t *place = reload_writer_reserve(writer, via_list.size);
    if (!place)
        return;
    uint8_t *end = place + via_list.size;
    struct reload_reader reader = reload_reader_of(via_list);
    struct reload_destination entry;
    while (reload_reader_left(&reader) > 0) {
        const uint8_t *begin = reader.at;
        bool more = reload_destination_next(&reader, &node->wire, &entry);
        assert(more);
        (void)more;
        size_t size = (size_t)(reader.at - begin);
        end -= size;
        memcpy(end, begin, size);
    }
    assert(end == place);
}

/* Answers a request that we cannot forward with an error, unless we did so too often (the error is
 * a hint only, D2). */
static void
refuse(struct reload_node *node, const struct transit *transit, int error, reload_time now)
{
    if (!transit->from || !transit->is_request || !transit->first_fragment ||
        !reload_limiter_take(&node->refusals, now))
        return;
    uint8_t list[4096], options[4096];
    struct reload_writer writer = reload_writer_of(list, sizeof list);
    struct reload_writer copied = reload_writer_of(options, sizeof options);
    if (!last_via_is(node, transit->header.via_list, &transit->from->node_id)) {
        reload_writer_u8(&writer, RELOAD_DESTINATION_TYPE_NODE);
        reload_writer_vector(
            &writer, 1, reload_node_id_bytes(&transit->from->node_id, node->wire.node_id_length));
    }
    reload_forward_reverse(node, transit->header.via_list, &writer);
    reload_reply_options(node, transit->header.options, &copied);
    uint16_t code =
        error == RELOAD_E_TOO_LARGE ? RELOAD_ERROR_MESSAGE_TOO_LARGE : reload_error_code_of(error);
    uint8_t body[4] = {(uint8_t)(code >> 8), (uint8_t)code, 0, 0};
    struct reload_draft draft = {.transaction_id = transit->header.transaction_id,
                                 .destination_list = reload_writer_written(&writer),
                                 .options = reload_writer_written(&copied),
                                 .code = RELOAD_MESSAGE_ERROR,
                                 .body = {body, sizeof body}};
    struct reload_buffer *buffer;
    if (writer.failed || copied.failed || reload_message_build(node, &draft, &buffer) != 0)
        return;
    node->counters.errors_sent++;
    (void)reload_forward_own(node, buffer, transit->from->id, now);
}

enum verdict {
    FOR_US,
    GOES_ON, /* over |*link| */
    DROP,
};

static enum verdict
drop(uint64_t *counter)
{
    (*counter)++;
    return DROP;
}

/* The link of somebody who may know the node |id|, which would be next to us, and to which we have
 * no link (D146). Returns false when there is nobody. */
static bool
other_way(struct reload_node *node, const struct reload_node_id *id, struct reload_link **link)
{
    struct reload_node_id hop;
    if (!node->topology->first_hops ||
        node->topology->first_hops(node->topology_state, id, &hop, 1) == 0)
        return false;
    *link = reload_link_of_node(node, &hop);
    return *link != NULL;
}

static enum verdict
by_topology(struct reload_node *node, const struct transit *transit,
            const struct reload_node_id *id, bool is_resource, bool only_entry,
            struct reload_link **link)
{
    struct reload_node_id next;
    uint32_t from = transit->from ? transit->from->id : 0;
    switch (node->topology->next_hop(node->topology_state, id, from, &next)) {
    case RELOAD_HOP_SELF:
        /* 6.1.1: a Resource-ID must be the only entry; a Node-ID in our range that is neither ours
         * nor linked is nobody's. */
        if (is_resource && only_entry)
            return FOR_US;
        if (!is_resource && !transit->from && other_way(node, id, link))
            return GOES_ON;
        return drop(&node->counters.dropped_destination);
    case RELOAD_HOP_LINK:
        *link = reload_link_of_node(node, &next);
        if (*link)
            return GOES_ON;
        break;
    case RELOAD_HOP_NONE:
        break;
    }
    return drop(&node->counters.dropped_no_route);
}

/* Looks at the first entries of the Destination List, takes away those that are ourselves, and
 * tells what to do (6.1). */
static enum verdict
route(struct reload_node *node, struct transit *transit, struct reload_link **link)
{
    struct reload_reader reader = reload_reader_of(transit->destination_list);
    for (;;) {
        transit->destination_list = reload_reader_rest(&reader);
        struct reload_destination entry;
        if (!reload_destination_next(&reader, &node->wire, &entry))
            return drop(&node->counters.dropped_destination);
        bool only_entry = reload_reader_left(&reader) == 0;
        struct reload_node_id id;
        switch (entry.type) {
        case RELOAD_DESTINATION_TYPE_NODE:
            id = entry.destination_data.node_id;
            if (reload_node_id_is_wildcard(&id, node->wire.node_id_length))
                return FOR_US;
            if (reload_node_id_equal(&id, &node->id)) {
                if (only_entry)
                    return FOR_US;
                continue;
            }
            *link = reload_link_of_node(node, &id);
            return *link ? GOES_ON : by_topology(node, transit, &id, false, only_entry, link);
        case RELOAD_DESTINATION_TYPE_RESOURCE:
            id = reload_node_id_of(entry.destination_data.resource_id);
            return by_topology(node, transit, &id, true, only_entry, link);
        default:
            /* Opaque IDs: we hand none out, so none can be ours (6.3.2.2: silently dropped). */
            return drop(&node->counters.dropped_destination);
        }
    }
}

/* 13.6.5: the same entry twice in a Destination List is a loop on order. */
static bool
has_duplicates(struct reload_node *node, struct reload_bytes list)
{
    struct reload_bytes entries[DUPLICATES_CHECKED];
    size_t count = 0;
    struct reload_reader reader = reload_reader_of(list);
    struct reload_destination entry;
    const uint8_t *begin = reader.at;
    while (reload_destination_next(&reader, &node->wire, &entry)) {
        struct reload_bytes bytes = {begin, (size_t)(reader.at - begin)};
        for (size_t i = 0; i < count; i++)
            if (reload_bytes_equal(entries[i], bytes))
                return true;
        if (count == DUPLICATES_CHECKED)
            return true; /* longer than any sensible route */
        entries[count++] = bytes;
        begin = reader.at;
    }
    return false;
}

static bool
forward_critical(struct reload_node *node, struct reload_bytes options)
{
    struct reload_reader reader = reload_reader_of(options);
    struct reload_forwarding_option option;
    while (reload_forwarding_option_next(&reader, &node->wire, &option))
        if (option.flags & RELOAD_FORWARDING_FLAG_FORWARD_CRITICAL)
            return true; /* we understand none */
    return false;
}

/* What makes a message unfit to be sent on; 0 when nothing does. */
static int
unfit(struct reload_node *node, const struct transit *transit)
{
    const struct reload_forwarding_header *header = &transit->header;
    if (transit->from && (header->ttl == 0 || header->ttl > node->config->initial_ttl ||
                          goes_round(node, header->via_list)))
        return RELOAD_E_TTL;
    /* A fragment that does not tell what it is of may be a request; an answer may not have it. */
    if (transit->from && header->options.size && forward_critical(node, header->options))
        return RELOAD_E_UNSUPPORTED_OPTION;
    return 0;
}

static void
pass_on(struct reload_node *node, const struct transit *transit, struct reload_link *link,
        reload_time now)
{
    int error = unfit(node, transit);
    if (!error)
        error = send_on(node, transit, link, now);
    if (!error) {
        if (transit->from)
            node->counters.messages_forwarded++;
        return;
    }
    if (error == RELOAD_E_TTL)
        node->counters.dropped_ttl++;
    else
        node->counters.dropped_busy++;
    if (error != RELOAD_E_BUSY && error != RELOAD_E_NOMEM)
        refuse(node, transit, error, now);
}

static int
parse(struct reload_node *node, struct reload_link *from, struct reload_bytes message,
      struct transit *transit)
{
    *transit = (struct transit){.fixed = message.data, .from = from};
    struct reload_reader reader = reload_reader_of(message);
    int error = reload_forwarding_header_decode(&reader, &node->wire, &transit->header);
    if (error)
        return error;
    const struct reload_forwarding_header *header = &transit->header;
    transit->destination_list = header->destination_list;
    transit->body = reload_reader_rest(&reader);
    transit->first_fragment = (header->fragment & RELOAD_FRAGMENT_OFFSET) == 0;
    if (transit->first_fragment && transit->body.size >= 2) {
        transit->code = (uint16_t)(transit->body.data[0] << 8 | transit->body.data[1]);
        transit->is_request = reload_message_is_request(transit->code);
    }
    if (header->overlay != node->config->overlay)
        return RELOAD_E_OVERLAY;
    if (header->version != RELOAD_VERSION)
        return RELOAD_E_VERSION;
    if (header->length != message.size || !(header->fragment & RELOAD_FRAGMENT_ALWAYS))
        return RELOAD_E_MALFORMED;
    return 0;
}

/* 6.6: a message over max-message-size is answered with an error, and its link closed; without the
 * error when its header alone is too large. */
static void
end_oversized(struct reload_node *node, const struct transit *transit, size_t size, reload_time now)
{
    node->counters.dropped_malformed++;
    if (size - transit->body.size <= node->config->max_message_size)
        refuse(node, transit, RELOAD_E_TOO_LARGE, now);
    reload_link_end(node, transit->from, RELOAD_E_TOO_LARGE, true, now);
}

static bool
has_token(struct reload_bytes message)
{
    struct reload_reader reader = reload_reader_of(message);
    uint32_t token;
    return reload_reader_u32(&reader, &token) == 0 && token == RELOAD_TOKEN;
}

/* What is not a message of this overlay in this version ends here. Returns false then. */
static bool
accept(struct reload_node *node, struct reload_link *from, struct reload_bytes message,
       struct transit *transit, reload_time now)
{
    int error = parse(node, from, message, transit);
    switch (error) {
    case 0:
        break;
    case RELOAD_E_OVERLAY: /* nobody there would understand our error */
        node->counters.dropped_overlay++;
        return false;
    case RELOAD_E_VERSION:
        node->counters.dropped_overlay++;
        refuse(node, transit, error, now);
        return false;
    default:
        node->counters.dropped_malformed++;
        /* P3: what speaks on this stream is not RELOAD. */
        if (from && from->framing == RELOAD_FRAMING_STREAM && !has_token(message))
            reload_link_end(node, from, RELOAD_E_LINK, true, now);
        return false;
    }
    if (from && message.size > node->config->max_message_size) {
        end_oversized(node, transit, message.size, now);
        return false;
    }
    return true;
}

/* R11: to which of a peer's several Node-IDs answers go is known only after an Attach; but a
 * joining node has to come that far (6.1.2). */
static bool
lacks_attach(const struct reload_link *from, const struct transit *transit)
{
    return from->several_ids && !from->attached && transit->is_request &&
           transit->code != RELOAD_MESSAGE_PING_REQ && transit->code != RELOAD_MESSAGE_ATTACH_REQ;
}

void
reload_forward_received(struct reload_node *node, struct reload_link *from,
                        struct reload_bytes message, reload_time now)
{
    struct transit transit;
    if (!accept(node, from, message, &transit, now))
        return;
    struct reload_link *link = NULL;
    if (transit.is_request && has_duplicates(node, transit.destination_list)) {
        node->counters.dropped_destination++;
        refuse(node, &transit, RELOAD_E_MALFORMED, now);
        return;
    }
    switch (route(node, &transit, &link)) {
    case FOR_US:
        if (transit.header.ttl > node->config->initial_ttl) {
            node->counters.dropped_ttl++;
            refuse(node, &transit, RELOAD_E_TTL, now);
            return;
        }
        reload_reassemble(node, from, &transit.header, message, transit.body, now);
        return;
    case GOES_ON:
        if (from && lacks_attach(from, &transit)) {
            node->counters.dropped_destination++;
            refuse(node, &transit, RELOAD_E_FORBIDDEN, now);
            return;
        }
        pass_on(node, &transit, link, now);
        return;
    case DROP:
        return;
    }
}

int
reload_forward_own(struct reload_node *node, struct reload_buffer *buffer, uint32_t first_link,
                   reload_time now)
{
    struct reload_bytes message = {buffer->data + RELOAD_FRAME_HEADER_SIZE,
                                   buffer->size - RELOAD_FRAME_HEADER_SIZE};
    struct transit transit;
    struct reload_link *link = first_link ? reload_link_find(node, first_link) : NULL;
    int error = parse(node, NULL, message, &transit);
    if (error) { /* an answer along a Via List that makes no Destination List */
        node->counters.dropped_destination++;
        reload_buffer_drop(&node->buffers, buffer);
        return error;
    }
    enum verdict verdict = GOES_ON;
    if (!link || link->state != RELOAD_LINK_UP || link->application)
        verdict = route(node, &transit, &link);
    if (verdict == FOR_US) {
        buffer->next = NULL;
        *node->local_end = buffer;
        node->local_end = &buffer->next;
        return 0;
    }
    if (verdict == GOES_ON)
        error = send_on(node, &transit, link, now);
    else
        error = RELOAD_E_UNREACHABLE;
    reload_buffer_drop(&node->buffers, buffer);
    return error;
}
