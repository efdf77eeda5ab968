/* storage_expiry.c: values that end: their time is over, or this peer must not keep them. RFC 6940
 * 7.4.1.3, 10.7.3; D4.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/storage.h"

#include "reload/core/record.h"

#include <assert.h>
#include <stddef.h>

static reload_time
mark_expiry(reload_time now)
{
    return now + RELOAD_LIFETIME_MAX_S * RELOAD_SECOND;
}

struct reload_mark_place
reload_storage_place(const struct reload_stored_kind *kind, struct reload_bytes key)
{
    return (struct reload_mark_place){.resource = kind->entry.key,
                                      .kind = kind->row->kind,
                                      .key = key,
                                      .type = RELOAD_MARK_STORAGE_TIME};
}

void
reload_storage_mark(struct reload_storage *storage, const struct reload_mark_place *place,
                    uint64_t number, reload_time now)
{
    reload_time expires = mark_expiry(now);
    reload_marks_note(&storage->marks, place, number, expires);
    /* What there is no memory for would never be forgotten on disk. */
    reload_record_mark(storage, place, reload_marks_get(&storage->marks, place, now), expires, now);
}

static void
remove_resource(struct reload_storage *storage, struct reload_resource *resource)
{
    assert(!resource->kinds);
    reload_ordered_remove(&storage->resources, &resource->entry);
    storage->octets -= sizeof *resource;
    (void)reload_storage_allocate(storage, resource, 0);
}

/* Takes out |kind|, which has no values left. */
static void
remove_kind(struct reload_storage *storage, struct reload_stored_kind *kind, reload_time now)
{
    struct reload_resource *resource = kind->resource;
    struct reload_mark_place place = reload_storage_place(kind, (struct reload_bytes){0});
    place.type = RELOAD_MARK_GENERATION;
    reload_storage_mark(storage, &place, kind->generation, now);
    reload_ordered_remove(reload_storage_by_kind(storage, kind->row), &kind->entry);
    struct reload_stored_kind **link = &resource->kinds;
    while (*link != kind)
        link = &(*link)->next;
    *link = kind->next;
    storage->octets -= sizeof *kind;
    (void)reload_storage_allocate(storage, kind, 0);
    if (!resource->kinds)
        remove_resource(storage, resource);
}

void
reload_storage_remove(struct reload_storage *storage, struct reload_stored *stored, uint64_t mark,
                      reload_time now)
{
    struct reload_stored_kind *kind = stored->kind;
    struct reload_mark_place place = reload_storage_place(kind, stored->entry.key);
    /* The mark first: at no moment is neither of them on disk. */
    reload_storage_mark(storage, &place, mark, now);
    reload_record_value(storage, stored, false, now);
    reload_ordered_remove(&kind->values, &stored->entry);
    kind->existing -= stored->exists;
    storage->octets -= sizeof *stored + stored->size;
    assert(storage->value_count > 0);
    storage->value_count--;
    reload_storage_free(storage, stored);
    if (kind->values.count == 0)
        remove_kind(storage, kind, now);
}

void
reload_storage_expired(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    struct reload_stored *stored =
        (struct reload_stored *)(void *)((uint8_t *)alarm - offsetof(struct reload_stored, alarm));
    struct reload_stored_kind *kind = stored->kind;
    bool stays = kind->values.count > 1;
    reload_storage_remove(owner, stored, stored->storage_time, now);
    /* Of the records of a Kind, one at least bears its generation counter. */
    if (stays)
        reload_record_value(owner, (struct reload_stored *)kind->values.root, true, now);
}

void
reload_storage_expire(struct reload_storage *storage, reload_time now)
{
    for (size_t i = 0; i < RELOAD_EXPIRIES_MAX && storage->expiries.count > 0; i++) {
        struct reload_alarm *alarm = storage->expiries.slots[0];
        if (alarm->at > now)
            return;
        reload_storage_expired(alarm, storage, now);
    }
}

reload_time
reload_storage_next_expiry(const struct reload_storage *storage)
{
    return reload_alarms_next(&storage->expiries);
}

void
reload_storage_drop(struct reload_storage *storage, struct reload_resource *resource,
                    reload_time now)
{
    /* A peer may become a replica again, of the same values; older ones stay out. */
    bool more = true;
    while (more) {
        struct reload_stored_kind *kind = resource->kinds;
        struct reload_stored *stored = (struct reload_stored *)kind->values.root;
        more = kind->values.count > 1 || kind->next;
        uint64_t mark = stored->storage_time ? stored->storage_time - 1 : 0;
        reload_storage_remove(storage, stored, mark, now);
    }
}
