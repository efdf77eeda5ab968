/* media_record.h: a MediaPacket and its octets (see media.h), on DTLS and on TLS.
 *
 * D72; RFC 4571 2. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_USAGES_MEDIA_RECORD_H
#define RELOAD_USAGES_MEDIA_RECORD_H

#include "reload/base/bytes.h"
#include "reload/base/error.h"
#include "usages/media.h"

#define MEDIA_RECORD_MAX (RELOAD_MEDIA_HEADER_SIZE + RELOAD_MEDIA_PACKET_MAX)
#define MEDIA_LENGTH_SIZE 2 /* in front of it on TLS */

struct media_record {
    uint32_t stream;
    enum reload_media_type type;
    struct reload_bytes packet;
};

/* media_record_read reads one whole record; |record| borrows from it. Returns 0 or
 * RELOAD_E_MALFORMED. */
RELOAD_CHECKED int media_record_read(struct reload_bytes bytes, struct media_record *record);

/* media_record_write writes |record| into |octets|, which have room for MEDIA_LENGTH_SIZE and
 * MEDIA_RECORD_MAX octets. Returns the size. */
size_t media_record_write(const struct media_record *record, bool is_stream, uint8_t *octets);

/* The part of a TLS stream that is no whole record yet; |data| has as much room as above. */
struct media_buffer {
    uint8_t *data;
    size_t size;
};

/* media_buffer_fill takes octets off |bytes| until a record is whole: |*record| then borrows it
 * until the next call. Returns 0, RELOAD_E_TRUNCATED when there is none yet, RELOAD_E_TOO_LARGE
 * when the stream makes no sense. */
RELOAD_CHECKED int media_buffer_fill(struct media_buffer *buffer, struct reload_bytes *bytes,
                                     struct reload_bytes *record);

#endif
