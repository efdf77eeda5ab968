/* media_record.c: see media_record.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "usages/media_record.h"

#include "reload/base/reader.h"
#include "reload/base/writer.h"

#include <assert.h>

int
media_record_read(struct reload_bytes bytes, struct media_record *record)
{
    struct reload_reader reader = reload_reader_of(bytes);
    uint8_t type;
    if (bytes.size > MEDIA_RECORD_MAX || reload_reader_u32(&reader, &record->stream) != 0 ||
        reload_reader_u8(&reader, &type) != 0 || type > RELOAD_MEDIA_RTCP)
        return RELOAD_E_MALFORMED;
    record->type = (enum reload_media_type)type;
    record->packet = reload_reader_rest(&reader);
    return 0;
}

size_t
media_record_write(const struct media_record *record, bool is_stream, uint8_t *octets)
{
    struct reload_writer writer = reload_writer_of(octets, MEDIA_LENGTH_SIZE + MEDIA_RECORD_MAX);
    if (is_stream)
        reload_writer_u16(&writer, (uint16_t)(RELOAD_MEDIA_HEADER_SIZE + record->packet.size));
    reload_writer_u32(&writer, record->stream);
    reload_writer_u8(&writer, (uint8_t)record->type);
    reload_writer_bytes(&writer, record->packet);
    assert(!writer.failed);
    return writer.size;
}

/* How much |buffer| has to hold next: the length, then as much as it says. */
static size_t
wanted(const struct media_buffer *buffer)
{
    if (buffer->size < MEDIA_LENGTH_SIZE)
        return MEDIA_LENGTH_SIZE;
    return MEDIA_LENGTH_SIZE + (size_t)(buffer->data[0] << 8 | buffer->data[1]);
}

int
media_buffer_fill(struct media_buffer *buffer, struct reload_bytes *bytes,
                  struct reload_bytes *record)
{
    if (buffer->size >= MEDIA_LENGTH_SIZE && buffer->size == wanted(buffer))
        buffer->size = 0; /* the last one was handed out */
    while (buffer->size < MEDIA_LENGTH_SIZE || buffer->size < wanted(buffer)) {
        size_t missing = wanted(buffer) - buffer->size;
        if (wanted(buffer) > MEDIA_LENGTH_SIZE + MEDIA_RECORD_MAX)
            return RELOAD_E_TOO_LARGE;
        if (bytes->size == 0)
            return RELOAD_E_TRUNCATED;
        size_t size = missing < bytes->size ? missing : bytes->size;
        memcpy(buffer->data + buffer->size, bytes->data, size);
        buffer->size += size;
        *bytes = (struct reload_bytes){bytes->data + size, bytes->size - size};
    }
    *record =
        (struct reload_bytes){buffer->data + MEDIA_LENGTH_SIZE, buffer->size - MEDIA_LENGTH_SIZE};
    return 0;
}
