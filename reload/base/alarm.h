/* alarm.h: many timers in one heap, ordered by time and, when equal, by the order they were set.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_BASE_ALARM_H
#define RELOAD_BASE_ALARM_H

#include "reload/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reload_alarm;

/* Called once when the alarm is due; it is not set any more and may be set again or freed. */
typedef void reload_alarm_fn(struct reload_alarm *alarm, void *owner, uint64_t now);

/* Part of the struct whose timer it is. Zero-initialised it is not set. */
struct reload_alarm {
    uint64_t at;
    uint64_t sequence;
    size_t slot; /* place in the heap, counted from 1; 0 when not set */
    reload_alarm_fn *fire;
};

/* The heap. |allocate| has realloc's contract. */
struct reload_alarms {
    struct reload_alarm **slots;
    size_t count, capacity;
    uint64_t next; /* time of the first one, UINT64_MAX when there is none */
    uint64_t sequence;
    void *owner; /* handed to each alarm's function */
    void *context;
    void *(*allocate)(void *context, void *data, size_t size);
};

/* reload_alarms_init makes an empty heap whose alarms get |owner|. */
void reload_alarms_init(struct reload_alarms *alarms, void *owner, void *context,
                        void *(*allocate)(void *context, void *data, size_t size));

/* reload_alarms_fini frees the heap; the alarms are their owners'. */
void reload_alarms_fini(struct reload_alarms *alarms);

/* reload_alarms_reserve makes room so that |count| alarms more can be set without allocating.
 * Returns 0 or RELOAD_E_NOMEM. */
RELOAD_CHECKED int reload_alarms_reserve(struct reload_alarms *alarms, size_t count);

/* reload_alarm_set makes |alarm| call |fire| at time |at|, replacing an earlier setting.
 * Returns 0 or RELOAD_E_NOMEM; setting again an alarm that is set cannot fail. */
RELOAD_CHECKED int reload_alarm_set(struct reload_alarms *alarms, struct reload_alarm *alarm,
                                    uint64_t at, reload_alarm_fn *fire);

/* reload_alarm_clear unsets |alarm|, which may be unset already. */
void reload_alarm_clear(struct reload_alarms *alarms, struct reload_alarm *alarm);

/* reload_alarms_next returns the time of the earliest alarm, UINT64_MAX when there is none. */
uint64_t reload_alarms_next(const struct reload_alarms *alarms);

/* reload_alarms_fire calls all alarms that are due at |now|, those they set for |now| included. */
void reload_alarms_fire(struct reload_alarms *alarms, uint64_t now);

#endif
