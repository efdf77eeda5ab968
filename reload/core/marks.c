/* marks.c: numbers remembered by place.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/marks.h"

#include "reload/base/writer.h"

#include <assert.h>

/* The key of a mark: type, Kind-ID, the resource's size and octets, the value's key. */
#define PREFIX_SIZE 6
#define SMALL_KEY_SIZE 128 /* longer ones are written to memory of their own */

struct reload_mark {
    struct reload_ordered_entry entry;
    struct reload_mark *younger;
    uint64_t value;
    reload_time expires;
    uint8_t key[];
};

void
reload_marks_init(struct reload_marks *marks, const struct reload_env *env,
                  struct reload_prng *prng, size_t count_max, size_t octets_max)
{
    *marks = (struct reload_marks){
        .env = env, .prng = prng, .count_max = count_max, .octets_max = octets_max};
    marks->youngest_end = &marks->oldest;
}

static struct reload_mark *
mark_of(struct reload_ordered_entry *entry)
{
    return (struct reload_mark *)entry; /* its first member */
}

/* Where |mark| is; written by write_key. */
static struct reload_mark_place
place_of(const struct reload_mark *mark)
{
    const uint8_t *key = mark->key;
    size_t resource_size = key[PREFIX_SIZE - 1];
    size_t begin = PREFIX_SIZE + resource_size;
    return (struct reload_mark_place){.type = key[0],
                                      .kind = (uint32_t)key[1] << 24 | (uint32_t)key[2] << 16 |
                                              (uint32_t)key[3] << 8 | key[4],
                                      .resource = {key + PREFIX_SIZE, resource_size},
                                      .key = {key + begin, mark->entry.key.size - begin}};
}

static void
forget_oldest(struct reload_marks *marks)
{
    struct reload_mark *mark = marks->oldest;
    marks->oldest = mark->younger;
    if (!marks->oldest)
        marks->youngest_end = &marks->oldest;
    reload_ordered_remove(&marks->set, &mark->entry);
    marks->octets -= sizeof *mark + mark->entry.key.size;
    (void)marks->env->allocate(marks->env->context, mark, 0);
}

void
reload_marks_fini(struct reload_marks *marks)
{
    while (marks->oldest)
        forget_oldest(marks);
}

static size_t
key_size(const struct reload_mark_place *place)
{
    return PREFIX_SIZE + place->resource.size + place->key.size;
}

static void
write_key(const struct reload_mark_place *place, uint8_t *data)
{
    struct reload_writer writer = reload_writer_of(data, key_size(place));
    reload_writer_u8(&writer, (uint8_t)place->type);
    reload_writer_u32(&writer, place->kind);
    reload_writer_vector(&writer, 1, place->resource);
    reload_writer_bytes(&writer, place->key);
    assert(!writer.failed && writer.size == key_size(place));
}

static struct reload_mark *
find(const struct reload_marks *marks, const struct reload_mark_place *place)
{
    uint8_t small[SMALL_KEY_SIZE];
    size_t size = key_size(place);
    if (marks->set.count == 0)
        return NULL;
    uint8_t *key = small;
    if (size > sizeof small)
        key = marks->env->allocate(marks->env->context, NULL, size);
    if (!key)
        return NULL;
    write_key(place, key);
    struct reload_ordered_entry *entry =
        reload_ordered_find(&marks->set, (struct reload_bytes){key, size});
    if (key != small)
        (void)marks->env->allocate(marks->env->context, key, 0);
    return entry ? mark_of(entry) : NULL;
}

void
reload_marks_note(struct reload_marks *marks, const struct reload_mark_place *place, uint64_t value,
                  reload_time expires)
{
    struct reload_mark *mark = find(marks, place);
    if (value == 0)
        return;
    if (mark) {
        mark->value = value > mark->value ? value : mark->value;
        mark->expires = expires > mark->expires ? expires : mark->expires;
        return;
    }
    size_t size = sizeof *mark + key_size(place);
    if (size > marks->octets_max)
        return;
    while (marks->oldest &&
           (marks->set.count >= marks->count_max || marks->octets + size > marks->octets_max)) {
        struct reload_mark_place oldest = place_of(marks->oldest);
        if (marks->gone)
            marks->gone(marks->gone_context, &oldest);
        forget_oldest(marks);
    }
    mark = marks->env->allocate(marks->env->context, NULL, size);
    if (!mark)
        return;
    *mark = (struct reload_mark){.value = value, .expires = expires};
    write_key(place, mark->key);
    mark->entry.key = (struct reload_bytes){mark->key, key_size(place)};
    mark->entry.priority = reload_prng_next(marks->prng);
    reload_ordered_insert(&marks->set, &mark->entry);
    *marks->youngest_end = mark;
    marks->youngest_end = &mark->younger;
    marks->octets += size;
}

uint64_t
reload_marks_get(const struct reload_marks *marks, const struct reload_mark_place *place,
                 reload_time now)
{
    const struct reload_mark *mark = find(marks, place);
    return mark && mark->expires > now ? mark->value : 0;
}
