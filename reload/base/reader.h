/* reader.h: a cursor over received bytes. Every read is checked; a failed read leaves the cursor
 * where it was. Byte order (big endian, RFC 6940 6.3.1) lives here and in writer.h, nowhere else.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_BASE_READER_H
#define RELOAD_BASE_READER_H

#include "reload/base/bytes.h"
#include "reload/base/error.h"

/* |at| is the next byte to read, |end| is behind the last. |start| is where the outermost buffer
 * began, so that an offset in the whole message can be told; sub-readers keep it. */
struct reload_reader {
    const uint8_t *at;
    const uint8_t *end;
    const uint8_t *start;
};

/* reload_reader_of returns a reader over |bytes|, which must stay valid while it is used. */
static inline struct reload_reader
reload_reader_of(struct reload_bytes bytes)
{
    const uint8_t *end = bytes.size ? bytes.data + bytes.size : bytes.data;
    return (struct reload_reader){bytes.data, end, bytes.data};
}

/* reload_reader_left returns the number of bytes not yet read. */
static inline size_t
reload_reader_left(const struct reload_reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

/* reload_reader_offset returns the offset of the next byte in the outermost buffer. */
static inline size_t
reload_reader_offset(const struct reload_reader *reader)
{
    return (size_t)(reader->at - reader->start);
}

/* reload_reader_rest returns what is not yet read, borrowed, without reading it. */
static inline struct reload_bytes
reload_reader_rest(const struct reload_reader *reader)
{
    return (struct reload_bytes){reader->at, reload_reader_left(reader)};
}

/* reload_reader_boolean reads a Boolean (RFC 6940 6.3.1.1): one byte, 0 or 1.
 * Returns 0, RELOAD_E_TRUNCATED or RELOAD_E_MALFORMED. */
static inline int
reload_reader_boolean(struct reload_reader *reader, bool *value)
{
    if (reload_reader_left(reader) < 1)
        return RELOAD_E_TRUNCATED;
    if (*reader->at > 1)
        return RELOAD_E_MALFORMED;
    *value = *reader->at++ == 1;
    return 0;
}

/* reload_reader_octets copies the next |size| bytes to |octets|. Returns 0 or RELOAD_E_TRUNCATED.
 */
static inline int
reload_reader_octets(struct reload_reader *reader, size_t size, uint8_t *octets)
{
    if (reload_reader_left(reader) < size)
        return RELOAD_E_TRUNCATED;
    memcpy(octets, reader->at, size);
    reader->at += size;
    return 0;
}

/* reload_reader_uint reads an unsigned integer of |size| bytes, 1..8.
 * Returns 0 or RELOAD_E_TRUNCATED. */
static inline int
reload_reader_uint(struct reload_reader *reader, size_t size, uint64_t *value)
{
    if (reload_reader_left(reader) < size)
        return RELOAD_E_TRUNCATED;
    uint64_t result = 0;
    for (size_t i = 0; i < size; i++)
        result = result << 8 | reader->at[i];
    reader->at += size;
    *value = result;
    return 0;
}

static inline int
reload_reader_u8(struct reload_reader *reader, uint8_t *value)
{
    if (reload_reader_left(reader) < 1)
        return RELOAD_E_TRUNCATED;
    *value = *reader->at++;
    return 0;
}

static inline int
reload_reader_u16(struct reload_reader *reader, uint16_t *value)
{
    if (reload_reader_left(reader) < 2)
        return RELOAD_E_TRUNCATED;
    *value = (uint16_t)(reader->at[0] << 8 | reader->at[1]);
    reader->at += 2;
    return 0;
}

static inline int
reload_reader_u24(struct reload_reader *reader, uint32_t *value)
{
    if (reload_reader_left(reader) < 3)
        return RELOAD_E_TRUNCATED;
    *value = (uint32_t)reader->at[0] << 16 | (uint32_t)reader->at[1] << 8 | reader->at[2];
    reader->at += 3;
    return 0;
}

static inline int
reload_reader_u32(struct reload_reader *reader, uint32_t *value)
{
    if (reload_reader_left(reader) < 4)
        return RELOAD_E_TRUNCATED;
    *value = (uint32_t)reader->at[0] << 24 | (uint32_t)reader->at[1] << 16 |
             (uint32_t)reader->at[2] << 8 | reader->at[3];
    reader->at += 4;
    return 0;
}

static inline int
reload_reader_u64(struct reload_reader *reader, uint64_t *value)
{
    return reload_reader_uint(reader, 8, value);
}

/* reload_reader_bytes borrows the next |size| bytes. Returns 0 or RELOAD_E_TRUNCATED. */
static inline int
reload_reader_bytes(struct reload_reader *reader, size_t size, struct reload_bytes *bytes)
{
    if (reload_reader_left(reader) < size)
        return RELOAD_E_TRUNCATED;
    *bytes = (struct reload_bytes){reader->at, size};
    reader->at += size;
    return 0;
}

/* reload_reader_vector borrows a vector: a length of |length_size| bytes (1..4), then so many
 * bytes. Returns 0 or RELOAD_E_TRUNCATED. */
static inline int
reload_reader_vector(struct reload_reader *reader, size_t length_size, struct reload_bytes *bytes)
{
    struct reload_reader copy = *reader;
    uint64_t size;
    int error = reload_reader_uint(&copy, length_size, &size);
    if (error == 0)
        error = reload_reader_bytes(&copy, (size_t)size, bytes);
    if (error == 0)
        *reader = copy;
    return error;
}

/* reload_reader_vector_within is reload_reader_vector for a vector of |min| to |max| bytes.
 * Returns 0, RELOAD_E_TRUNCATED or RELOAD_E_MALFORMED. */
static inline int
reload_reader_vector_within(struct reload_reader *reader, size_t length_size, size_t min,
                            size_t max, struct reload_bytes *bytes)
{
    struct reload_reader copy = *reader;
    struct reload_bytes found;
    int error = reload_reader_vector(&copy, length_size, &found);
    if (error)
        return error;
    if (found.size < min || found.size > max)
        return RELOAD_E_MALFORMED;
    *reader = copy;
    *bytes = found;
    return 0;
}

/* reload_reader_sub returns a reader over |bytes|, a part of the buffer |reader| reads, whose
 * offsets still count from that buffer's begin. */
static inline struct reload_reader
reload_reader_sub(const struct reload_reader *reader, struct reload_bytes bytes)
{
    struct reload_reader sub = reload_reader_of(bytes);
    sub.start = reader->start;
    return sub;
}

#endif
