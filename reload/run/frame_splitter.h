/* frame_splitter.h: cuts a stream into framed messages (RFC 6940 6.6.2, 6.6.5): a data frame is
 * 128, a sequence number, a length of 3 octets and so much of a message; an acknowledgement is 129
 * and two numbers.
 *
 * On a stream nothing is lost, so whatever does not fit is the peer's fault and ends the link.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_RUN_FRAME_SPLITTER_H
#define RELOAD_RUN_FRAME_SPLITTER_H

#include "reload/base/bytes.h"
#include "reload/base/error.h"

/* Keeps the begin of a frame that is not complete. Belongs to the caller; all zero but
 * |message_max| at first. */
struct reload_frame_splitter {
    size_t message_max; /* octets that the message in a data frame may have */
    uint8_t *data;
    size_t size, capacity;
};

/* Gets one whole frame; false ends the work (the rest of the stream is not looked at). */
typedef bool reload_frame_fn(void *argument, struct reload_bytes frame);

/* reload_frame_measure tells the size of the frame that |stream| begins with, by |*size|; 0 when
 * too little is there to know it. Checks what there is: the type, the length against |message_max|,
 * the message's relo_token. Returns 0, RELOAD_E_MALFORMED or RELOAD_E_TOO_LARGE: close the link. */
RELOAD_CHECKED int reload_frame_measure(struct reload_bytes stream, size_t message_max,
                                        size_t *size);

/* reload_frame_splitter_feed hands each frame that |bytes| complete to |fn|. Memory grows with what
 * really arrived, not with what a length promises.
 * Returns 0, what reload_frame_measure returns, or RELOAD_E_NOMEM. */
RELOAD_CHECKED int reload_frame_splitter_feed(struct reload_frame_splitter *splitter,
                                              struct reload_bytes bytes, reload_frame_fn *fn,
                                              void *argument);

/* reload_frame_splitter_fini frees what is kept. */
void reload_frame_splitter_fini(struct reload_frame_splitter *splitter);

#endif
