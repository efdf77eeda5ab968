/* sip_state.h: what the SIP usage consists of, for its own files only.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_USAGES_SIP_STATE_H
#define RELOAD_USAGES_SIP_STATE_H

#include "reload/base/alarm.h"
#include "usages/sip.h"
#include "usages/sip_stream.h"

/* Our own registration: what is to be stored until |until|, and the Store under way. */
struct reload_sip_own {
    bool wanted;  /* stored, or to be stored; else it is being removed, or not there */
    bool storing; /* a Store is outstanding; |changed| since */
    bool changed;
    uint8_t value[RELOAD_SIP_REGISTRATION_MAX];
    size_t size;
    reload_time until; /* the registration's end */
    unsigned failures; /* in a row */
    struct reload_alarm again;
    reload_sip_register_fn *done;
    void *argument;
};

struct sip_lookup;
struct sip_connection;
struct sip_waiter;

/* |alarms| belongs to all of the usage. The lists are unordered; |last_number| numbers lookups and
 * connection attempts. */
struct reload_sip {
    struct reload_node *node;
    const struct reload_env *env;
    struct reload_sip_handler handler;
    bool has_aor;
    struct reload_aor aor;
    struct reload_alarms alarms;
    struct reload_sip_own own;
    struct sip_lookup *lookups;
    size_t lookup_count;
    struct sip_connection *connections;
    size_t connection_count;
    struct sip_waiter *waiters;
    size_t waiter_count;
    uint64_t last_number;
    struct reload_sip_counters counters;
};

static inline void *
reload_sip_allocate(struct reload_sip *sip, size_t size)
{
    void *memory = sip->env->allocate(sip->env->context, NULL, size);
    if (memory)
        memset(memory, 0, size);
    return memory;
}

static inline void
reload_sip_free(struct reload_sip *sip, void *memory)
{
    if (memory)
        (void)sip->env->allocate(sip->env->context, memory, 0);
}

/* sip_register.c, sip_lookup.c, sip_connect.c: parts of the usage's operations. */
void reload_sip_register_joined(struct reload_sip *sip, reload_time now);
void reload_sip_register_leave(struct reload_sip *sip, reload_time now);
void reload_sip_lookups_fini(struct reload_sip *sip);
bool reload_sip_connection_room(const struct reload_sip *sip, const struct reload_identity *peer);
void reload_sip_connections_fini(struct reload_sip *sip);
void reload_sip_connection_up(struct reload_sip *sip, uint16_t application, uint32_t link,
                              const struct reload_identity *identity, reload_time now);
void reload_sip_connection_down(struct reload_sip *sip, uint32_t link, int error, reload_time now);
void reload_sip_connection_recv(struct reload_sip *sip, uint32_t link, struct reload_bytes bytes,
                                reload_time now);

#endif
