/* sip_register.c: keeping our own registration in the overlay.
 *
 * RFC 7904 3.1, 3.3; lifetimes RFC 6940 7. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/sip_state.h"

#include <assert.h>

/* After a failed Store: 2 s, then twice as long each time, but never longer than this. */
#define RETRY_FIRST (2 * RELOAD_SECOND)
#define RETRY_MAX (60 * RELOAD_SECOND)

/* What is left at the end of a registration is not worth another Store. */
#define REFRESH_MIN (30 * RELOAD_SECOND)

static int store(struct reload_sip *sip, reload_time now);
static void refresh(struct reload_alarm *alarm, void *owner, uint64_t now);

/* The alarm is set as long as a registration is wanted, so that setting it anew cannot fail. */
static void
arm(struct reload_sip *sip, reload_time at)
{
    int error = reload_alarm_set(&sip->alarms, &sip->own.again, at, refresh);
    assert(error == 0);
    (void)error;
}

static void
refresh(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    struct reload_sip *sip = owner;
    (void)alarm;
    if (!sip->own.wanted || now >= sip->own.until)
        return;
    arm(sip, now + RETRY_MAX);
    if (!sip->own.storing && store(sip, now) != 0)
        sip->counters.registrations_failed++;
}

/* A random moment when between a half and three quarters of |span| are over, so that nodes that
 * began together do not refresh together. */
static reload_time
jittered(struct reload_sip *sip, reload_time span)
{
    uint32_t random;
    sip->env->random(sip->env->context, &random, sizeof random);
    return span / 2 + (reload_time)((double)span / 4 * (random / 4294967296.0));
}

static reload_time
lifetime(const struct reload_sip *sip, reload_time now)
{
    reload_time left = sip->own.until > now ? sip->own.until - now : 0;
    reload_time most = RELOAD_SIP_LIFETIME_MAX_S * RELOAD_SECOND;
    return left < most ? left : most;
}

static int
meaning(const struct reload_result *result)
{
    if (result->error != RELOAD_E_REFUSED)
        return result->error;
    return result->error_code == RELOAD_ERROR_FORBIDDEN ? RELOAD_E_FORBIDDEN : RELOAD_E_REFUSED;
}

static void
schedule(struct reload_sip *sip, int error, reload_time now)
{
    struct reload_sip_own *own = &sip->own;
    if (!own->wanted || own->until <= now) {
        reload_alarm_clear(&sip->alarms, &own->again);
    } else if (error == 0) {
        reload_time left = lifetime(sip, now);
        own->failures = 0;
        arm(sip, left > REFRESH_MIN ? now + jittered(sip, left) : own->until);
    } else if (error != RELOAD_E_FORBIDDEN) {
        unsigned doublings = own->failures < 5 ? own->failures : 5;
        reload_time pause = RETRY_FIRST << doublings;
        own->failures++;
        arm(sip, now + jittered(sip, 2 * (pause < RETRY_MAX ? pause : RETRY_MAX)));
    }
}

static void
stored(void *argument, const struct reload_result *result, reload_time now)
{
    struct reload_sip *sip = argument;
    struct reload_sip_own *own = &sip->own;
    int error = meaning(result);
    own->storing = false;
    if (error)
        sip->counters.registrations_failed++;
    else
        sip->counters.registrations++;
    /* What is wanted changed while the Store was under way: say what is right now. */
    if (own->changed) {
        error = store(sip, now);
        if (error == 0)
            return;
    }
    schedule(sip, error, now);
    reload_sip_register_fn *done = own->done;
    own->done = NULL;
    if (done)
        done(own->argument, error, now);
}

/* Stores or removes what |sip->own| says. */
static int
store(struct reload_sip *sip, reload_time now)
{
    struct reload_sip_own *own = &sip->own;
    uint8_t resource[20];
    size_t size;
    const struct reload_wire *wire = reload_node_wire(sip->node);
    int error = reload_node_resource(sip->node, reload_aor_bytes(&sip->aor), resource, &size);
    if (error)
        return error;
    struct reload_store_value value = {
        .kind = RELOAD_KIND_SIP_REGISTRATION,
        .key = reload_node_id_bytes(reload_node_id(sip->node), wire->node_id_length),
        .value = own->wanted ? (struct reload_bytes){own->value, own->size}
                             : (struct reload_bytes){NULL, 0},
        .exists = own->wanted,
        /* A removal must outlive what it removes (RFC 6940 7.4.1.3). */
        .lifetime_s = own->wanted ? (uint32_t)(lifetime(sip, now) / RELOAD_SECOND)
                                  : RELOAD_SIP_LIFETIME_MAX_S,
    };
    own->changed = false;
    error = reload_node_store(sip->node, (struct reload_bytes){resource, size}, &value, 1, stored,
                              sip, now);
    own->storing = error == 0;
    return error;
}

/* Looks whether we may, makes sure that there is an alarm, and remembers |done|. */
static int
begin(struct reload_sip *sip, reload_sip_register_fn *done, void *argument, reload_time now)
{
    if (!sip->has_aor)
        return RELOAD_E_CONFIG;
    if (reload_aor_permitted(reload_node_config(sip->node), &sip->aor) != 0)
        return RELOAD_E_FORBIDDEN;
    if (sip->own.done)
        return RELOAD_E_BUSY;
    if (reload_alarm_set(&sip->alarms, &sip->own.again, now + RETRY_MAX, refresh) != 0)
        return RELOAD_E_NOMEM;
    sip->own.done = done;
    sip->own.argument = argument;
    return 0;
}

/* Stores now, or when the Store that is under way has ended. */
static int
commit(struct reload_sip *sip, reload_time now)
{
    int error = 0;
    if (sip->own.storing)
        sip->own.changed = true;
    else
        error = store(sip, now);
    if (error) {
        sip->own.done = NULL;
        schedule(sip, error, now);
    }
    return error;
}

static int
register_value(struct reload_sip *sip, uint32_t lifetime_s, const struct reload_writer *writer,
               reload_sip_register_fn *done, void *argument, reload_time now)
{
    if (lifetime_s == 0 || writer->failed)
        return RELOAD_E_USAGE;
    int error = begin(sip, done, argument, now);
    if (error)
        return error;
    memcpy(sip->own.value, writer->data, writer->size);
    sip->own.size = writer->size;
    sip->own.wanted = true;
    sip->own.until = now + lifetime_s * RELOAD_SECOND;
    return commit(sip, now);
}

int
reload_sip_register(struct reload_sip *sip, uint32_t lifetime_s, const char *contact_prefs,
                    reload_sip_register_fn *done, void *argument, reload_time now)
{
    const struct reload_wire *wire = reload_node_wire(sip->node);
    struct reload_sip_destination self =
        reload_sip_destination_of_node(wire, reload_node_id(sip->node));
    uint8_t value[RELOAD_SIP_REGISTRATION_MAX];
    struct reload_writer writer = reload_writer_of(value, sizeof value);
    if (strlen(contact_prefs) > 255)
        return RELOAD_E_USAGE;
    reload_sip_registration_write_route(&writer, wire, &self, contact_prefs);
    return register_value(sip, lifetime_s, &writer, done, argument, now);
}

int
reload_sip_register_forward(struct reload_sip *sip, uint32_t lifetime_s,
                            const struct reload_aor *aor, reload_sip_register_fn *done,
                            void *argument, reload_time now)
{
    uint8_t value[RELOAD_SIP_REGISTRATION_MAX];
    struct reload_writer writer = reload_writer_of(value, sizeof value);
    reload_sip_registration_write_uri(&writer, reload_node_wire(sip->node), aor);
    return register_value(sip, lifetime_s, &writer, done, argument, now);
}

int
reload_sip_unregister(struct reload_sip *sip, reload_sip_register_fn *done, void *argument,
                      reload_time now)
{
    int error = begin(sip, done, argument, now);
    if (error)
        return error;
    sip->own.wanted = false;
    return commit(sip, now);
}

/* One Store, or one more after the one under way; whoever waits for that one is still told. */
void
reload_sip_register_leave(struct reload_sip *sip, reload_time now)
{
    struct reload_sip_own *own = &sip->own;
    if (!own->wanted)
        return;
    own->wanted = false;
    if (own->storing)
        own->changed = true;
    else if (own->until > now)
        (void)!store(sip, now);
}

void
reload_sip_register_joined(struct reload_sip *sip, reload_time now)
{
    /* The ring may have lost what was stored while we were away; and a Store that failed for want
     * of a ring has its chance now. */
    if (sip->own.wanted && !sip->own.storing && sip->own.until > now)
        arm(sip, now);
}
