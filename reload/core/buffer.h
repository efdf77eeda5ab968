/* buffer.h: a pool of octet buffers for frames, so that forwarding does not allocate.
 *
 * A buffer may have two holders: the link that may have to send it again, and the SEND effect that
 * the driver has not fetched yet.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_BUFFER_H
#define RELOAD_CORE_BUFFER_H

#include "reload/base/bytes.h"
#include "reload/core/limits.h"

/* The framing header of a data frame: type, sequence, length (RFC 6940 6.6.2). Every buffer keeps
 * this much in front of the message. */
#define RELOAD_FRAME_HEADER_SIZE 8

struct reload_buffer {
    struct reload_buffer *next; /* in the pool or in a link's list */
    uint32_t capacity;
    uint32_t size;
    uint16_t holders;
    /* The rest is the sender's (sender.c). */
    uint8_t tries;
    uint8_t passed; /* later frames acknowledged since the last transmission */
    uint32_t sequences[RELOAD_FRAME_TRIES];
    reload_time sent_at[RELOAD_FRAME_TRIES]; /* before the first try: since when it waits */
    uint8_t data[];
};

/* The free buffers of one size. */
struct reload_buffer_class {
    uint32_t capacity;
    size_t kept_min, kept_max; /* free ones at a time; between them, by how many are asked for */
    struct reload_buffer *free;
    size_t count;
    size_t asked, asked_before; /* since the last trim, and between it and the one before */
};

#define RELOAD_BUFFER_CLASSES 3 /* ACKs and empty frames; frames; whole messages */

struct reload_buffers {
    const struct reload_env *env;
    struct reload_buffer_class classes[RELOAD_BUFFER_CLASSES]; /* smallest first */
};

/* reload_buffers_init makes an empty pool whose large buffers hold |large_size| octets. */
void reload_buffers_init(struct reload_buffers *buffers, const struct reload_env *env,
                         size_t large_size);

/* reload_buffers_fini frees what is in the pool. */
void reload_buffers_fini(struct reload_buffers *buffers);

/* reload_buffers_trim, called about every second, frees what is too much: an idle node keeps next
 * to none, one that passes on many messages as many as may be on their way at a time. */
void reload_buffers_trim(struct reload_buffers *buffers);

/* reload_buffer_get returns an empty buffer of at least |capacity| octets with one holder, or NULL
 * when there is no memory. */
struct reload_buffer *reload_buffer_get(struct reload_buffers *buffers, size_t capacity);

/* reload_buffer_hold adds a holder. */
void reload_buffer_hold(struct reload_buffer *buffer);

/* reload_buffer_drop takes a holder away; the last one returns |buffer| to the pool. NULL is
 * allowed. */
void reload_buffer_drop(struct reload_buffers *buffers, struct reload_buffer *buffer);

#endif
