/* view.c: what a test sees of messages on their way and of the peers that nodes know.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/view.h"

#include "tests/suite.h"

#define FRAME_HEADER_SIZE 8 /* of a frame of data (RFC 6940 6.6.2) */

static const struct reload_wire wire = {.node_id_length = 16};

const struct reload_chord *
chord_of(struct sim *s, uint32_t node)
{
    return reload_node_topology(sim_node(s, node));
}

bool
table_has(struct sim *s, uint32_t node, const struct reload_node_id *id)
{
    return reload_chord_table_find(&chord_of(s, node)->table, reload_chord_place_of(id)) != NULL;
}

struct reload_node_id
node_id_behind(struct sim *s, uint32_t node, int steps)
{
    struct reload_node_id id = *sim_node_id(s, node);
    int carry = steps;
    for (size_t i = 16; i-- > 0 && carry != 0;) {
        int octet = id.octets[i] + carry;
        carry = octet < 0 ? -1 : octet / 256;
        id.octets[i] = (uint8_t)octet;
    }
    return id;
}

bool
passing_message(struct sim *s, const struct sim_passing *passing, struct reload_message *message)
{
    uint32_t overlay = sim_overlay_of(s, passing->from);
    for (size_t skip = 0; skip <= FRAME_HEADER_SIZE; skip += FRAME_HEADER_SIZE) {
        struct reload_bytes bytes = {passing->bytes + skip, passing->size - skip};
        if (passing->application == 0 && passing->size > skip &&
            sim_decode(s, overlay, bytes, message))
            return true;
    }
    return false;
}

bool
first_destination(const struct reload_message *message, struct reload_destination *destination,
                  bool *is_last)
{
    struct reload_reader reader = reload_reader_of(message->header.destination_list);
    if (!reload_destination_next(&reader, &wire, destination))
        return false;
    *is_last = reload_reader_left(&reader) == 0;
    return true;
}

struct reload_bytes
neighbors_update(const struct reload_node_id *ids, size_t count, uint32_t uptime_s, uint8_t *data,
                 size_t capacity)
{
    static uint8_t octets[65536];
    struct reload_writer list = reload_writer_of(octets, sizeof octets);
    for (size_t i = 0; i < count; i++)
        reload_node_id_encode(&list, &wire, &ids[i]);
    struct reload_chord_update update = {.uptime = uptime_s,
                                         .type = RELOAD_CHORD_UPDATE_TYPE_NEIGHBORS,
                                         .neighbors.predecessors = reload_writer_written(&list)};
    struct reload_writer writer = reload_writer_of(data, capacity);
    reload_chord_update_encode(&writer, &wire, &update);
    ck_assert(!writer.failed && !list.failed);
    return reload_writer_written(&writer);
}
