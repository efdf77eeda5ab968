/* buffer.c: a pool of octet buffers.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/buffer.h"

#include <assert.h>

#define TINY_SIZE 64
#define FRAME_SIZE 1536 /* a frame on a link with Ethernet's MTU */
#define SHARE 8         /* of those asked for in a second or two are on their way at a time */

void
reload_buffers_init(struct reload_buffers *buffers, const struct reload_env *env, size_t large_size)
{
    *buffers =
        (struct reload_buffers){.env = env,
                                .classes = {{.capacity = TINY_SIZE, .kept_min = 2, .kept_max = 512},
                                            {.capacity = FRAME_SIZE, .kept_max = 512},
                                            {.capacity = (uint32_t)large_size, .kept_max = 16}}};
}

/* Frees |count| of the free ones of |class|. */
static void
give_back(struct reload_buffers *buffers, struct reload_buffer_class *class, size_t count)
{
    assert(count <= class->count);
    class->count -= count;
    while (count-- > 0) {
        struct reload_buffer *buffer = class->free;
        class->free = buffer->next;
        (void)buffers->env->allocate(buffers->env->context, buffer, 0);
    }
}

void
reload_buffers_fini(struct reload_buffers *buffers)
{
    for (size_t i = 0; i < RELOAD_BUFFER_CLASSES; i++)
        give_back(buffers, &buffers->classes[i], buffers->classes[i].count);
}

static size_t
kept_of(const struct reload_buffer_class *class)
{
    size_t kept = (class->asked + class->asked_before) / SHARE;
    if (kept < class->kept_min)
        return class->kept_min;
    return kept < class->kept_max ? kept : class->kept_max;
}

void
reload_buffers_trim(struct reload_buffers *buffers)
{
    for (size_t i = 0; i < RELOAD_BUFFER_CLASSES; i++) {
        struct reload_buffer_class *class = &buffers->classes[i];
        class->asked_before = class->asked;
        class->asked = 0;
        size_t kept = kept_of(class);
        if (class->count > kept)
            give_back(buffers, class, class->count - kept);
    }
}

/* The class for |capacity| octets; NULL when it is larger than all. */
static struct reload_buffer_class *
class_of(struct reload_buffers *buffers, size_t capacity)
{
    for (size_t i = 0; i < RELOAD_BUFFER_CLASSES; i++)
        if (capacity <= buffers->classes[i].capacity)
            return &buffers->classes[i];
    return NULL;
}

static struct reload_buffer *
take(struct reload_buffer_class *class)
{
    struct reload_buffer *buffer = class->free;
    class->asked++;
    if (buffer) {
        class->free = buffer->next;
        class->count--;
    }
    return buffer;
}

struct reload_buffer *
reload_buffer_get(struct reload_buffers *buffers, size_t capacity)
{
    struct reload_buffer_class *class = class_of(buffers, capacity);
    struct reload_buffer *buffer = class ? take(class) : NULL;
    if (!buffer) {
        if (class)
            capacity = class->capacity;
        buffer = buffers->env->allocate(buffers->env->context, NULL, sizeof *buffer + capacity);
        if (!buffer)
            return NULL;
        buffer->capacity = (uint32_t)capacity;
    }
    buffer->next = NULL;
    buffer->size = 0;
    buffer->holders = 1;
    buffer->tries = buffer->passed = 0;
    return buffer;
}

void
reload_buffer_hold(struct reload_buffer *buffer)
{
    assert(buffer->holders > 0);
    buffer->holders++;
}

void
reload_buffer_drop(struct reload_buffers *buffers, struct reload_buffer *buffer)
{
    if (!buffer)
        return;
    assert(buffer->holders > 0);
    if (--buffer->holders > 0)
        return;
    struct reload_buffer_class *class = class_of(buffers, buffer->capacity);
    if (class && class->capacity == buffer->capacity && class->count < kept_of(class)) {
        buffer->next = class->free;
        class->free = buffer;
        class->count++;
        return;
    }
    (void)buffers->env->allocate(buffers->env->context, buffer, 0);
}
