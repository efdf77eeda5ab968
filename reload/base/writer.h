/* writer.h: writes big-endian fields into a buffer of fixed size. A write that does not fit sets
 * |failed| and writes nothing more, so that a caller may check once, at the end.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_BASE_WRITER_H
#define RELOAD_BASE_WRITER_H

#include "reload/base/bytes.h"
#include "reload/base/error.h"

/* The caller owns |data|, of |capacity| bytes; |size| of them are written. */
struct reload_writer {
    uint8_t *data;
    size_t capacity;
    size_t size;
    bool failed;
};

static inline struct reload_writer
reload_writer_of(uint8_t *data, size_t capacity)
{
    return (struct reload_writer){data, capacity, 0, false};
}

/* reload_writer_error returns 0, or RELOAD_E_SPACE when something did not fit. */
static inline int
reload_writer_error(const struct reload_writer *writer)
{
    return writer->failed ? RELOAD_E_SPACE : 0;
}

/* reload_writer_written borrows what was written so far. */
static inline struct reload_bytes
reload_writer_written(const struct reload_writer *writer)
{
    return (struct reload_bytes){writer->data, writer->size};
}

/* reload_writer_reserve returns the place of the next |size| bytes and counts them as written, or
 * NULL when they do not fit (or nothing fits any more). */
static inline uint8_t *
reload_writer_reserve(struct reload_writer *writer, size_t size)
{
    if (writer->failed || writer->capacity - writer->size < size) {
        writer->failed = true;
        return NULL;
    }
    uint8_t *at = writer->data + writer->size;
    writer->size += size;
    return at;
}

/* reload_writer_uint writes |value| as an unsigned integer of |size| bytes, 1..8. A value that
 * does not fit into |size| bytes sets |failed|. */
static inline void
reload_writer_uint(struct reload_writer *writer, size_t size, uint64_t value)
{
    if (size < 8 && value >> (8 * size) != 0) {
        writer->failed = true;
        return;
    }
    uint8_t *at = reload_writer_reserve(writer, size);
    if (!at)
        return;
    for (size_t i = size; i-- > 0; value >>= 8)
        at[i] = (uint8_t)value;
}

static inline void
reload_writer_u8(struct reload_writer *writer, uint8_t value)
{
    reload_writer_uint(writer, 1, value);
}

static inline void
reload_writer_u16(struct reload_writer *writer, uint16_t value)
{
    reload_writer_uint(writer, 2, value);
}

static inline void
reload_writer_u32(struct reload_writer *writer, uint32_t value)
{
    reload_writer_uint(writer, 4, value);
}

static inline void
reload_writer_u64(struct reload_writer *writer, uint64_t value)
{
    reload_writer_uint(writer, 8, value);
}

static inline void
reload_writer_bytes(struct reload_writer *writer, struct reload_bytes bytes)
{
    uint8_t *at = reload_writer_reserve(writer, bytes.size);
    if (at && bytes.size)
        memcpy(at, bytes.data, bytes.size);
}

/* reload_writer_vector writes a length of |length_size| bytes and then |bytes|. */
static inline void
reload_writer_vector(struct reload_writer *writer, size_t length_size, struct reload_bytes bytes)
{
    reload_writer_uint(writer, length_size, bytes.size);
    reload_writer_bytes(writer, bytes);
}

/* reload_writer_vector_within is reload_writer_vector for a vector of |min| to |max| bytes; another
 * size sets |failed|. */
static inline void
reload_writer_vector_within(struct reload_writer *writer, size_t length_size, size_t min,
                            size_t max, struct reload_bytes bytes)
{
    if (bytes.size < min || bytes.size > max)
        writer->failed = true;
    reload_writer_vector(writer, length_size, bytes);
}

/* reload_writer_begin reserves a length field of |length_size| bytes and returns its place, to be
 * filled by reload_writer_end when all that it counts is written. */
static inline size_t
reload_writer_begin(struct reload_writer *writer, size_t length_size)
{
    size_t mark = writer->size;
    (void)reload_writer_reserve(writer, length_size);
    return mark;
}

/* reload_writer_end fills the length field at |mark| with the number of bytes written behind it;
 * more than |length_size| bytes can count sets |failed|. */
static inline void
reload_writer_end(struct reload_writer *writer, size_t mark, size_t length_size)
{
    if (writer->failed)
        return;
    uint64_t value = writer->size - mark - length_size;
    if (value >> (8 * length_size) != 0) {
        writer->failed = true;
        return;
    }
    for (size_t i = length_size; i-- > 0; value >>= 8)
        writer->data[mark + i] = (uint8_t)value;
}

#endif
