/* arbitrary.c: random values for tests.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/wire/arbitrary.h"

#include "reload/wire/support.h"
#include "reload/wire/wire.h"

uint64_t
reload_arbitrary_uint(struct reload_prng *prng, size_t size)
{
    uint64_t mask = size < 8 ? ((uint64_t)1 << 8 * size) - 1 : UINT64_MAX;
    uint64_t power = (uint64_t)1 << reload_prng_below(prng, 8 * size);
    switch (reload_prng_below(prng, 8)) {
    case 0:
        return 0;
    case 1:
        return mask;
    case 2:
        return power;
    case 3:
        return power - 1;
    default:
        return reload_prng_next(prng) & mask;
    }
}

struct reload_bytes
reload_arbitrary_bytes(struct reload_prng *prng, struct reload_writer *arena, size_t min,
                       size_t max)
{
    size_t usual = reload_prng_below(prng, 16) == 0 ? 200 : 24;
    size_t size = reload_prng_below(prng, usual + 1);
    size = size < min ? min : size > max ? max : size;
    size_t left = arena->capacity - arena->size;
    if (size > left)
        size = left;
    uint8_t *data = reload_writer_reserve(arena, size);
    reload_prng_fill(prng, data, size);
    return (struct reload_bytes){data, size};
}

struct reload_node_id
reload_arbitrary_node_id(struct reload_prng *prng, const struct reload_wire *wire)
{
    struct reload_node_id id = {{0}};
    reload_prng_fill(prng, id.octets, wire->node_id_length);
    return id;
}

uint32_t
reload_arbitrary_kind(struct reload_prng *prng)
{
    static const uint32_t kinds[] = {RELOAD_KIND_SIP_REGISTRATION, RELOAD_KIND_TURN_SERVICE,
                                     RELOAD_KIND_CERTIFICATE_BY_NODE,
                                     RELOAD_KIND_CERTIFICATE_BY_USER};
    uint64_t choice = reload_prng_below(prng, 5);
    return choice < 4 ? kinds[choice] : (uint32_t)reload_arbitrary_uint(prng, 4);
}

uint8_t
reload_arbitrary_tag(struct reload_prng *prng, const uint8_t *known, size_t count, bool is_open)
{
    if (is_open && reload_prng_below(prng, 8) == 0)
        return (uint8_t)(100 + reload_prng_below(prng, 20));
    return known[reload_prng_below(prng, count)];
}

struct reload_writer
reload_arbitrary_split(struct reload_writer *arena)
{
    size_t half = (arena->capacity - arena->size) / 2;
    arena->capacity -= half;
    return reload_writer_of(arena->data + arena->capacity, half);
}

/* A Via List: destinations that are no resources. */
static struct reload_bytes
settled_via_list(struct reload_bytes list, const struct reload_wire *wire)
{
    struct reload_reader rest = reload_reader_of(list);
    struct reload_destination entry;
    const uint8_t *end = list.data;
    while (reload_destination_next(&rest, wire, &entry) &&
           entry.type != RELOAD_DESTINATION_TYPE_RESOURCE)
        end = rest.at;
    return (struct reload_bytes){list.data, (size_t)(end - list.data)};
}

/* A Destination List: ends behind the first resource, and its first entry is of a known type. */
static struct reload_bytes
settled_destination_list(struct reload_prng *prng, struct reload_writer *arena,
                         const struct reload_wire *wire, struct reload_bytes list)
{
    struct reload_reader rest = reload_reader_of(list);
    struct reload_destination entry;
    size_t count = 0;
    for (; reload_destination_next(&rest, wire, &entry); count++) {
        if (count == 0 && entry.type > RELOAD_DESTINATION_TYPE_OPAQUE_ID_TYPE)
            break;
        list.size = (size_t)(rest.at - list.data);
        if (entry.type == RELOAD_DESTINATION_TYPE_RESOURCE)
            return list;
    }
    if (count > 0)
        return list;
    entry = (struct reload_destination){.type = RELOAD_DESTINATION_TYPE_NODE};
    entry.destination_data.node_id = reload_arbitrary_node_id(prng, wire);
    size_t start = arena->size;
    reload_destination_encode(arena, wire, &entry);
    return (struct reload_bytes){arena->data + start, arena->size - start};
}

void
reload_forwarding_header_settle(struct reload_prng *prng, struct reload_writer *arena,
                                const struct reload_wire *wire,
                                struct reload_forwarding_header *header)
{
    header->relo_token = RELOAD_TOKEN;
    header->version = RELOAD_VERSION;
    header->fragment |= RELOAD_FRAGMENT_ALWAYS;
    header->via_list = settled_via_list(header->via_list, wire);
    header->destination_list =
        settled_destination_list(prng, arena, wire, header->destination_list);
}
