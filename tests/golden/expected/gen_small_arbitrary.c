/* gen_small_arbitrary.c: makes random structures: small.
 *
 * RFC 9999. Made by tools/wiregen.py; do not edit.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/wire/gen_small.h"

#include "reload/wire/arbitrary.h"
#include "reload/wire/support.h"

/* Longer lists might not fit into a length of one octet. */
enum { LIST_SIZE_MAX = 240 };

struct reload_bytes
reload_name_list_arbitrary(struct reload_prng *prng, struct reload_writer *arena,
                           const struct reload_wire *wire, size_t size_min)
{
    (void)wire;
    struct reload_writer list = reload_arbitrary_split(arena);
    size_t count = reload_prng_below(prng, 4);
    for (size_t i = 0; i < count || list.size < size_min; i++) {
        size_t size = list.size;
        struct reload_bytes element;
        element = reload_arbitrary_bytes(prng, arena, 1, 255);
        reload_writer_vector_within(&list, 1, 1, 255, element);
        if (list.failed || list.size > LIST_SIZE_MAX) {
            list.size = size;
            break;
        }
    }
    return reload_writer_written(&list);
}

void
reload_point_arbitrary(struct reload_prng *prng, struct reload_writer *arena,
                       const struct reload_wire *wire, struct reload_point *value)
{
    (void)arena;
    (void)wire;
    *value = (struct reload_point){0};
    value->x = (uint16_t)reload_arbitrary_uint(prng, 2);
    reload_prng_fill(prng, value->wide, 16);
}

static void
make_pattern_arm(struct reload_prng *prng, struct reload_writer *arena,
                 const struct reload_wire *wire, struct reload_pattern *value)
{
    switch (value->colour) {
    case RELOAD_COLOUR_RED:
        return;
    case RELOAD_COLOUR_DARK_GREEN:
        value->shade.dark_green.names = reload_name_list_arbitrary(prng, arena, wire, 0);
        value->shade.dark_green.time = reload_arbitrary_uint(prng, 8);
        return;
    default:
        value->shade.unknown = reload_arbitrary_bytes(prng, arena, 0, 200);
    }
}

void
reload_pattern_arbitrary(struct reload_prng *prng, struct reload_writer *arena,
                         const struct reload_wire *wire, struct reload_pattern *value)
{
    *value = (struct reload_pattern){0};
    static const uint8_t tags[] = {
        RELOAD_COLOUR_RED,
        RELOAD_COLOUR_DARK_GREEN,
    };
    value->colour = reload_arbitrary_tag(prng, tags, sizeof tags, true);
    make_pattern_arm(prng, arena, wire, value);
}

struct reload_bytes
reload_pattern_list_arbitrary(struct reload_prng *prng, struct reload_writer *arena,
                              const struct reload_wire *wire, size_t size_min)
{
    struct reload_writer list = reload_arbitrary_split(arena);
    size_t count = reload_prng_below(prng, 4);
    for (size_t i = 0; i < count || list.size < size_min; i++) {
        size_t size = list.size;
        struct reload_pattern element;
        reload_pattern_arbitrary(prng, arena, wire, &element);
        reload_pattern_encode(&list, wire, &element);
        if (list.failed || list.size > LIST_SIZE_MAX) {
            list.size = size;
            break;
        }
    }
    return reload_writer_written(&list);
}

void
reload_carpet_arbitrary(struct reload_prng *prng, struct reload_writer *arena,
                        const struct reload_wire *wire, struct reload_carpet *value)
{
    *value = (struct reload_carpet){0};
    reload_point_arbitrary(prng, arena, wire, &value->corner);
    value->patterns = reload_pattern_list_arbitrary(prng, arena, wire, 0);
}
