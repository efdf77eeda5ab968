/* marks.h: numbers remembered by place: the newest storage_time of a value that is gone, or of one
 * that was seen. RFC 6940 13.5.3, D4.
 *
 * A bounded memory: when it is full, the oldest mark is forgotten first.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_MARKS_H
#define RELOAD_CORE_MARKS_H

#include "reload/base/error.h"
#include "reload/base/prng.h"
#include "reload/core/ordered.h"
#include "reload/env.h"

/* What a place is marked with. */
enum reload_mark_type {
    RELOAD_MARK_STORAGE_TIME, /* of the value with |key| */
    RELOAD_MARK_GENERATION,   /* the Kind's generation counter; |key| is empty */
};

/* A place: a value's, or a Kind's at a resource. */
struct reload_mark_place {
    struct reload_bytes resource;
    uint32_t kind;
    struct reload_bytes key;
    enum reload_mark_type type;
};

struct reload_mark;

struct reload_marks {
    const struct reload_env *env;
    struct reload_prng *prng;
    struct reload_ordered set;
    struct reload_mark *oldest, **youngest_end;
    size_t count_max, octets, octets_max;
    /* Told before a mark is forgotten for want of room. May be NULL. */
    void (*gone)(void *context, const struct reload_mark_place *place);
    void *gone_context;
};

/* reload_marks_init makes an empty memory for |count_max| marks; |prng| is borrowed. */
void reload_marks_init(struct reload_marks *marks, const struct reload_env *env,
                       struct reload_prng *prng, size_t count_max, size_t octets_max);
void reload_marks_fini(struct reload_marks *marks);

/* reload_marks_note remembers |value| at |place| until |expires|, unless a greater one is known
 * there already. Without memory nothing is noted: the window that RFC 6940 7.4.1.3 admits stays
 * open. */
void reload_marks_note(struct reload_marks *marks, const struct reload_mark_place *place,
                       uint64_t value, reload_time expires);

/* reload_marks_get returns what is remembered at |place|, 0 when nothing is. Never 0 otherwise. */
uint64_t reload_marks_get(const struct reload_marks *marks, const struct reload_mark_place *place,
                          reload_time now);

#endif
