/* buffer.c: a pool of octet buffers.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/buffer.h"

#include <assert.h>

#define SMALL_SIZE 1536 /* a frame on a link with Ethernet's MTU */
/* Free ones that are kept until the next trim. */
#define SMALL_KEPT 512
#define LARGE_KEPT 16

void
reload_buffers_init(struct reload_buffers *buffers, const struct reload_env *env,
                    size_t large_size)
{
    *buffers = (struct reload_buffers){.env = env, .large_size = large_size};
}

static void
free_list(struct reload_buffers *buffers, struct reload_buffer *buffer)
{
    while (buffer) {
        struct reload_buffer *next = buffer->next;
        (void)buffers->env->allocate(buffers->env->context, buffer, 0);
        buffer = next;
    }
}

void
reload_buffers_fini(struct reload_buffers *buffers)
{
    free_list(buffers, buffers->small);
    free_list(buffers, buffers->large);
    buffers->small = buffers->large = NULL;
    buffers->small_count = buffers->large_count = 0;
}

static struct reload_buffer *
take(struct reload_buffer **list, size_t *count, size_t *spare)
{
    struct reload_buffer *buffer = *list;
    if (buffer) {
        *list = buffer->next;
        (*count)--;
    }
    if (*count < *spare)
        *spare = *count;
    return buffer;
}

static void
trim(struct reload_buffers *buffers, struct reload_buffer **list, size_t *count, size_t *spare)
{
    for (; *spare > 0 && *list; --*spare) {
        struct reload_buffer *buffer = *list;
        *list = buffer->next;
        --*count;
        (void)buffers->env->allocate(buffers->env->context, buffer, 0);
    }
    *spare = *count;
}

void
reload_buffers_trim(struct reload_buffers *buffers)
{
    trim(buffers, &buffers->small, &buffers->small_count, &buffers->small_spare);
    trim(buffers, &buffers->large, &buffers->large_count, &buffers->large_spare);
}

struct reload_buffer *
reload_buffer_get(struct reload_buffers *buffers, size_t capacity)
{
    struct reload_buffer *buffer = NULL;
    if (capacity <= SMALL_SIZE) {
        capacity = SMALL_SIZE;
        buffer = take(&buffers->small, &buffers->small_count, &buffers->small_spare);
    } else if (capacity <= buffers->large_size) {
        capacity = buffers->large_size;
        buffer = take(&buffers->large, &buffers->large_count, &buffers->large_spare);
    }
    if (!buffer) {
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
    if (buffer->capacity == SMALL_SIZE && buffers->small_count < SMALL_KEPT) {
        buffer->next = buffers->small;
        buffers->small = buffer;
        buffers->small_count++;
    } else if (buffer->capacity == buffers->large_size && buffers->large_count < LARGE_KEPT) {
        buffer->next = buffers->large;
        buffers->large = buffer;
        buffers->large_count++;
    } else {
        (void)buffers->env->allocate(buffers->env->context, buffer, 0);
    }
}
