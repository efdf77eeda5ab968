/* sip_lookup.c: lookups under way: a resolution fed by Fetches.
 *
 * RFC 7904 4. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/sip_state.h"

#include <assert.h>

struct sip_lookup;

/* One Fetch of a lookup. A Fetch cannot be recalled: a lookup that ended lives on, without its
 * function, until the last one is answered. */
struct sip_fetch {
    struct sip_lookup *lookup;
    size_t place;
};

struct sip_lookup {
    struct sip_lookup *next;
    struct reload_sip *sip;
    uint64_t number;
    reload_sip_lookup_fn *done; /* NULL when it ended */
    void *argument;
    struct reload_alarm deadline;
    unsigned outstanding;
    int error; /* the first that a Fetch had */
    struct reload_sip_resolution resolution;
    struct sip_fetch fetches[RELOAD_SIP_ASKED_MAX];
};

static void
release(struct sip_lookup *lookup)
{
    struct reload_sip *sip = lookup->sip;
    struct sip_lookup **at = &sip->lookups;
    reload_alarm_clear(&sip->alarms, &lookup->deadline);
    lookup->done = NULL;
    if (lookup->outstanding)
        return;
    while (*at != lookup)
        at = &(*at)->next;
    *at = lookup->next;
    sip->lookup_count--;
    reload_sip_free(sip, lookup);
}

/* Tells the result and lets the lookup go. What was found so far counts, also at the deadline. */
static void
finish(struct sip_lookup *lookup, int error, reload_time now)
{
    struct reload_sip *sip = lookup->sip;
    const struct reload_sip_resolution *resolution = &lookup->resolution;
    reload_sip_lookup_fn *done = lookup->done;
    sip->counters.registrations_ignored += resolution->ignored;
    if (resolution->target_count) {
        sip->counters.lookups_ok++;
        error = 0;
    }
    /* Nobody may cancel it from within |done|: it has ended. */
    lookup->done = NULL;
    lookup->number = 0;
    if (done)
        done(lookup->argument, error, resolution->targets, resolution->target_count, now);
    release(lookup);
}

static void
expire(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    struct reload_sip *sip = owner;
    struct sip_lookup *lookup = sip->lookups;
    while (&lookup->deadline != alarm)
        lookup = lookup->next;
    /* Nothing is outstanding when the result was there from the begin (a GRUU). */
    finish(lookup, lookup->outstanding ? RELOAD_E_TIMEOUT : lookup->error, now);
}

static void
take_value(void *argument, const struct reload_fetched_value *value, reload_time now)
{
    struct sip_fetch *fetch = argument;
    struct sip_lookup *lookup = fetch->lookup;
    (void)now;
    if (!lookup->done || !value->exists || value->kind != RELOAD_KIND_SIP_REGISTRATION)
        return;
    reload_sip_resolution_add(&lookup->resolution, fetch->place,
                              reload_node_wire(lookup->sip->node),
                              reload_node_config(lookup->sip->node), value->key, value->value,
                              value->signer ? value->signer->user_name : "");
}

static void fetch_more(struct sip_lookup *lookup, reload_time now);

static void
fetched(void *argument, const struct reload_result *result, reload_time now)
{
    struct sip_fetch *fetch = argument;
    struct sip_lookup *lookup = fetch->lookup;
    bool absent = result->error == RELOAD_E_REFUSED && result->error_code == RELOAD_ERROR_NOT_FOUND;
    lookup->outstanding--;
    if (!lookup->done) {
        release(lookup);
        return;
    }
    if (result->error && !absent && lookup->error == 0)
        lookup->error = result->error;
    fetch_more(lookup, now);
    if (lookup->outstanding == 0)
        finish(lookup, lookup->error ? lookup->error : RELOAD_E_NOT_FOUND, now);
}

/* Asks for all AORs that are known and not asked yet, without naming dictionary keys (4.2). */
static void
fetch_more(struct sip_lookup *lookup, reload_time now)
{
    struct reload_node *node = lookup->sip->node;
    const struct reload_fetch_specifier every = {.kind = RELOAD_KIND_SIP_REGISTRATION,
                                                 .all_keys = true};
    size_t place, size;
    while (reload_sip_resolution_next(&lookup->resolution, &place)) {
        uint8_t resource[20];
        struct sip_fetch *fetch = &lookup->fetches[place];
        *fetch = (struct sip_fetch){lookup, place};
        int error = reload_node_resource(node, reload_aor_bytes(&lookup->resolution.asked[place]),
                                         resource, &size);
        if (error == 0)
            error = reload_node_fetch(node, (struct reload_bytes){resource, size}, &every, 1,
                                      take_value, fetched, fetch, now);
        if (error == 0)
            lookup->outstanding++;
        else if (lookup->error == 0)
            lookup->error = error;
    }
}

static struct sip_lookup *
lookup_new(struct reload_sip *sip, reload_time deadline, reload_sip_lookup_fn *done, void *argument)
{
    if (sip->lookup_count == RELOAD_SIP_LOOKUPS_MAX)
        return NULL;
    struct sip_lookup *lookup = reload_sip_allocate(sip, sizeof *lookup);
    if (!lookup)
        return NULL;
    lookup->sip = sip;
    lookup->number = ++sip->last_number;
    lookup->done = done;
    lookup->argument = argument;
    if (reload_alarm_set(&sip->alarms, &lookup->deadline, deadline, expire) != 0) {
        reload_sip_free(sip, lookup);
        return NULL;
    }
    lookup->next = sip->lookups;
    sip->lookups = lookup;
    sip->lookup_count++;
    return lookup;
}

/* A GRUU names its destination: the result is there, and is told soon (4.1). */
static void
settle(struct sip_lookup *lookup, const struct reload_sip_destination *destination,
       const struct reload_aor *aor, reload_time now)
{
    struct reload_sip_target *target = &lookup->resolution.targets[0];
    target->destination = *destination;
    target->application = RELOAD_APPLICATION_SIP;
    target->aor = *aor;
    lookup->resolution.target_count = 1;
    int error = reload_alarm_set(&lookup->sip->alarms, &lookup->deadline, now, expire);
    assert(error == 0); /* it was set already */
    (void)error;
}

int
reload_sip_lookup(struct reload_sip *sip, struct reload_bytes uri, reload_time deadline,
                  reload_sip_lookup_fn *done, void *argument, reload_time now, uint64_t *number)
{
    struct reload_aor aor;
    struct reload_sip_destination destination;
    assert(done && number);
    int error = reload_aor_parse(uri, &aor);
    if (error)
        return error;
    int gruu = reload_sip_gruu_parse(reload_node_wire(sip->node), uri, &destination);
    if (gruu != 0 && gruu != RELOAD_E_NOT_FOUND)
        return gruu;
    if (reload_aor_permitted(reload_node_config(sip->node), &aor) != 0)
        return RELOAD_E_FORBIDDEN;
    struct sip_lookup *lookup = lookup_new(sip, deadline, done, argument);
    if (!lookup) {
        sip->counters.dropped_busy++;
        return RELOAD_E_BUSY;
    }
    sip->counters.lookups++;
    if (gruu == 0) {
        settle(lookup, &destination, &aor, now);
    } else {
        reload_sip_resolution_init(&lookup->resolution, &aor);
        fetch_more(lookup, now);
        if (lookup->outstanding == 0) {
            error = lookup->error;
            release(lookup);
            return error;
        }
    }
    *number = lookup->number;
    return 0;
}

void
reload_sip_lookup_cancel(struct reload_sip *sip, uint64_t number)
{
    for (struct sip_lookup *lookup = sip->lookups; number && lookup; lookup = lookup->next)
        if (lookup->number == number) {
            lookup->number = 0;
            release(lookup);
            return;
        }
}

void
reload_sip_lookups_fini(struct reload_sip *sip)
{
    while (sip->lookups) {
        struct sip_lookup *lookup = sip->lookups;
        lookup->outstanding = 0;
        release(lookup);
    }
}
