/* frame_splitter.c: cuts a stream into framed messages. RFC 6940 6.6.2.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/frame_splitter.h"

#include <assert.h>
#include <stdlib.h>

#define FRAME_DATA 128
#define FRAME_ACK 129
#define DATA_HEADER_SIZE 8
#define ACK_SIZE 9
#define CAPACITY_FIRST 2048

static const uint8_t relo_token[4] = {0xd2, 0x45, 0x4c, 0x4f};

int
reload_frame_measure(struct reload_bytes stream, size_t message_max, size_t *size)
{
    const uint8_t *at = stream.data;
    *size = 0;
    if (stream.size == 0)
        return 0;
    if (at[0] == FRAME_ACK) {
        *size = ACK_SIZE;
        return 0;
    }
    if (at[0] != FRAME_DATA)
        return RELOAD_E_MALFORMED;
    if (stream.size < DATA_HEADER_SIZE)
        return 0;
    size_t length = (size_t)at[5] << 16 | (size_t)at[6] << 8 | at[7];
    if (length > message_max)
        return RELOAD_E_TOO_LARGE;
    /* An empty message is a probe (D23); any other begins with the token (6.3.2, fragments too). */
    size_t seen = stream.size - DATA_HEADER_SIZE;
    if (seen > length)
        seen = length;
    if (seen > sizeof relo_token)
        seen = sizeof relo_token;
    if (memcmp(at + DATA_HEADER_SIZE, relo_token, seen) != 0)
        return RELOAD_E_MALFORMED;
    if (length > 0 && length < sizeof relo_token)
        return RELOAD_E_MALFORMED;
    *size = DATA_HEADER_SIZE + length;
    return 0;
}

static int
keep(struct reload_frame_splitter *splitter, struct reload_bytes bytes)
{
    if (bytes.size == 0)
        return 0;
    size_t needed = splitter->size + bytes.size;
    if (needed > splitter->capacity) {
        size_t capacity = splitter->capacity ? splitter->capacity : CAPACITY_FIRST;
        while (capacity < needed)
            capacity *= 2;
        uint8_t *data = realloc(splitter->data, capacity);
        if (!data)
            return RELOAD_E_NOMEM;
        splitter->data = data;
        splitter->capacity = capacity;
    }
    memcpy(splitter->data + splitter->size, bytes.data, bytes.size);
    splitter->size = needed;
    return 0;
}

/* Completes the frame that is kept with the begin of |*bytes|, just as much as it needs. */
static int
complete(struct reload_frame_splitter *splitter, struct reload_bytes *bytes, size_t *size)
{
    *size = 0;
    while (bytes->size > 0) {
        int error = reload_frame_measure((struct reload_bytes){splitter->data, splitter->size},
                                         splitter->message_max, size);
        if (error)
            return error;
        size_t wanted = *size ? *size : DATA_HEADER_SIZE;
        /* The token is checked before anything behind it is kept. */
        size_t checked = DATA_HEADER_SIZE + sizeof relo_token;
        if (splitter->size < checked && wanted > checked)
            wanted = checked;
        size_t part = wanted - splitter->size < bytes->size ? wanted - splitter->size : bytes->size;
        if (part == 0)
            break;
        error = keep(splitter, (struct reload_bytes){bytes->data, part});
        if (error)
            return error;
        bytes->data += part;
        bytes->size -= part;
    }
    return reload_frame_measure((struct reload_bytes){splitter->data, splitter->size},
                                splitter->message_max, size);
}

int
reload_frame_splitter_feed(struct reload_frame_splitter *splitter, struct reload_bytes bytes,
                           reload_frame_fn *fn, void *argument)
{
    size_t size;
    if (splitter->size > 0) {
        int error = complete(splitter, &bytes, &size);
        if (error || size == 0 || splitter->size < size)
            return error;
        struct reload_frame_splitter kept = *splitter;
        *splitter = (struct reload_frame_splitter){.message_max = kept.message_max};
        bool go_on = fn(argument, (struct reload_bytes){kept.data, size});
        assert(kept.size == size);
        free(kept.data);
        if (!go_on)
            return 0;
    }
    while (bytes.size > 0) {
        int error = reload_frame_measure(bytes, splitter->message_max, &size);
        if (error)
            return error;
        if (size == 0 || size > bytes.size)
            return keep(splitter, bytes);
        if (!fn(argument, (struct reload_bytes){bytes.data, size}))
            return 0;
        bytes.data += size;
        bytes.size -= size;
    }
    return 0;
}

void
reload_frame_splitter_fini(struct reload_frame_splitter *splitter)
{
    free(splitter->data);
    splitter->data = NULL;
    splitter->size = splitter->capacity = 0;
}
