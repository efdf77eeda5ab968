/* alarm.c: a binary min-heap of alarms.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/base/alarm.h"

#include <assert.h>

static bool
before(const struct reload_alarm *a, const struct reload_alarm *b)
{
    return a->at != b->at ? a->at < b->at : a->sequence < b->sequence;
}

static void
place(struct reload_alarms *alarms, struct reload_alarm *alarm, size_t index)
{
    alarms->slots[index] = alarm;
    alarm->slot = index + 1;
    if (index == 0)
        alarms->next = alarm->at;
}

static void
sift_up(struct reload_alarms *alarms, size_t index)
{
    struct reload_alarm *alarm = alarms->slots[index];
    while (index > 0) {
        size_t parent = (index - 1) / 2;
        if (!before(alarm, alarms->slots[parent]))
            break;
        place(alarms, alarms->slots[parent], index);
        index = parent;
    }
    place(alarms, alarm, index);
}

static void
sift_down(struct reload_alarms *alarms, size_t index)
{
    struct reload_alarm *alarm = alarms->slots[index];
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= alarms->count)
            break;
        if (child + 1 < alarms->count && before(alarms->slots[child + 1], alarms->slots[child]))
            child++;
        if (!before(alarms->slots[child], alarm))
            break;
        place(alarms, alarms->slots[child], index);
        index = child;
    }
    place(alarms, alarm, index);
}

void
reload_alarms_init(struct reload_alarms *alarms, void *owner, void *context,
                   void *(*allocate)(void *context, void *data, size_t size))
{
    *alarms = (struct reload_alarms){
        .next = UINT64_MAX, .owner = owner, .context = context, .allocate = allocate};
}

void
reload_alarms_fini(struct reload_alarms *alarms)
{
    if (alarms->slots)
        (void)alarms->allocate(alarms->context, alarms->slots, 0);
    alarms->slots = NULL;
    alarms->count = alarms->capacity = 0;
    alarms->next = UINT64_MAX;
}

int
reload_alarms_reserve(struct reload_alarms *alarms, size_t count)
{
    size_t wanted = alarms->count + count;
    if (wanted <= alarms->capacity)
        return 0;
    size_t capacity = alarms->capacity ? 2 * alarms->capacity : 8;
    if (capacity < wanted)
        capacity = wanted;
    struct reload_alarm **slots =
        alarms->allocate(alarms->context, alarms->slots, capacity * sizeof *slots);
    if (!slots)
        return RELOAD_E_NOMEM;
    alarms->slots = slots;
    alarms->capacity = capacity;
    return 0;
}

int
reload_alarm_set(struct reload_alarms *alarms, struct reload_alarm *alarm, uint64_t at,
                 reload_alarm_fn *fire)
{
    assert(fire);
    if (alarm->slot == 0) {
        int error = reload_alarms_reserve(alarms, 1);
        if (error)
            return error;
        place(alarms, alarm, alarms->count++);
    }
    assert(alarms->slots[alarm->slot - 1] == alarm);
    alarm->at = at;
    alarm->sequence = alarms->sequence++;
    alarm->fire = fire;
    sift_up(alarms, alarm->slot - 1);
    sift_down(alarms, alarm->slot - 1);
    return 0;
}

void
reload_alarm_clear(struct reload_alarms *alarms, struct reload_alarm *alarm)
{
    if (alarm->slot == 0)
        return;
    size_t index = alarm->slot - 1;
    assert(index < alarms->count && alarms->slots[index] == alarm);
    struct reload_alarm *last = alarms->slots[--alarms->count];
    alarm->slot = 0;
    if (alarms->count == 0)
        alarms->next = UINT64_MAX;
    if (last == alarm)
        return;
    place(alarms, last, index);
    sift_up(alarms, index);
    sift_down(alarms, last->slot - 1);
}

uint64_t
reload_alarms_next(const struct reload_alarms *alarms)
{
    return alarms->next;
}

void
reload_alarms_fire(struct reload_alarms *alarms, uint64_t now)
{
    while (alarms->count > 0 && alarms->next <= now) {
        struct reload_alarm *alarm = alarms->slots[0];
        reload_alarm_clear(alarms, alarm);
        alarm->fire(alarm, alarms->owner, now);
    }
}
