/* storage.c: resources, Kinds and values: made, found, written, ended.
 *
 * RFC 6940 7.2. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/storage.h"

#include "reload/core/node_internal.h"
#include "reload/core/record.h"

#include <assert.h>

/* ---- life ----------------------------------------------------------------------------------- */

int
reload_storage_open(struct reload_storage *storage, const struct reload_env *env,
                    const struct reload_kinds *kinds, reload_persist_fn *persist,
                    void *persist_context)
{
    *storage = (struct reload_storage){.env = env,
                                       .kinds = kinds,
                                       .resource_count_max = RELOAD_RESOURCES_MAX,
                                       .octets_max = RELOAD_STORAGE_OCTETS_MAX,
                                       .persist = persist,
                                       .persist_context = persist_context};
    uint64_t seed;
    env->random(env->context, &seed, sizeof seed);
    storage->prng = reload_prng_of(seed);
    reload_alarms_init(&storage->expiries, storage, env->context, env->allocate);
    reload_certificates_init(&storage->certificates, env);
    reload_marks_init(&storage->marks, env, &storage->prng, RELOAD_HIGH_WATER_MAX,
                      RELOAD_MARKS_OCTETS_MAX);
    storage->marks.gone = reload_record_mark_gone;
    storage->marks.gone_context = storage;
    reload_marks_init(&storage->seen, env, &storage->prng, RELOAD_HIGH_WATER_MAX,
                      RELOAD_MARKS_OCTETS_MAX);
    if (kinds->count == 0)
        return 0;
    size_t size = kinds->count * sizeof *storage->by_kind;
    storage->by_kind = env->allocate(env->context, NULL, size);
    if (!storage->by_kind)
        return RELOAD_E_NOMEM;
    memset(storage->by_kind, 0, size);
    return 0;
}

static void
free_kind(struct reload_storage *storage, struct reload_stored_kind *kind)
{
    while (kind->values.root) {
        struct reload_stored *stored = (struct reload_stored *)kind->values.root;
        reload_ordered_remove(&kind->values, &stored->entry);
        reload_storage_free(storage, stored);
    }
    (void)reload_storage_allocate(storage, kind, 0);
}

void
reload_storage_fini(struct reload_storage *storage)
{
    if (!storage->env)
        return;
    while (storage->resources.root) {
        struct reload_resource *resource = (struct reload_resource *)storage->resources.root;
        reload_ordered_remove(&storage->resources, &resource->entry);
        while (resource->kinds) {
            struct reload_stored_kind *kind = resource->kinds;
            resource->kinds = kind->next;
            free_kind(storage, kind);
        }
        (void)reload_storage_allocate(storage, resource, 0);
    }
    reload_certificates_fini(&storage->certificates);
    reload_marks_fini(&storage->marks);
    reload_marks_fini(&storage->seen);
    reload_alarms_fini(&storage->expiries);
    if (storage->by_kind)
        (void)reload_storage_allocate(storage, storage->by_kind, 0);
    *storage = (struct reload_storage){0};
}

void
reload_storage_free(struct reload_storage *storage, struct reload_stored *stored)
{
    reload_alarm_clear(&storage->expiries, &stored->alarm);
    reload_certificates_drop(&storage->certificates, stored->certificate);
    (void)reload_storage_allocate(storage, stored, 0);
}

/* ---- resources ------------------------------------------------------------------------------ */

size_t
reload_storage_resource_count(const struct reload_storage *storage)
{
    return storage->resources.count;
}

struct reload_resource *
reload_storage_find(const struct reload_storage *storage, struct reload_bytes id)
{
    return (struct reload_resource *)reload_ordered_find(&storage->resources, id);
}

struct reload_resource *
reload_storage_after(const struct reload_storage *storage, struct reload_bytes id)
{
    return (struct reload_resource *)reload_ordered_after(&storage->resources, id);
}

struct reload_ordered *
reload_storage_by_kind(const struct reload_storage *storage, const struct reload_kind *row)
{
    size_t at = (size_t)(row - storage->kinds->rows);
    assert(row >= storage->kinds->rows && at < storage->kinds->count);
    return &storage->by_kind[at];
}

struct reload_resource *
reload_storage_closest(const struct reload_storage *storage, const struct reload_kind *row,
                       struct reload_bytes id)
{
    const struct reload_ordered *set = reload_storage_by_kind(storage, row);
    struct reload_ordered_entry *entry = reload_ordered_from(set, id);
    if (!entry)
        entry = reload_ordered_first(set);
    return entry ? ((struct reload_stored_kind *)entry)->resource : NULL;
}

struct reload_stored_kind *
reload_resource_kind(const struct reload_resource *resource, const struct reload_kind *row)
{
    struct reload_stored_kind *kind = resource ? resource->kinds : NULL;
    while (kind && kind->row != row)
        kind = kind->next;
    return kind;
}

/* ---- values --------------------------------------------------------------------------------- */

struct reload_stored *
reload_stored_find(const struct reload_stored_kind *kind, struct reload_bytes key)
{
    return kind ? (struct reload_stored *)reload_ordered_find(&kind->values, key) : NULL;
}

struct reload_stored *
reload_stored_from(const struct reload_stored_kind *kind, struct reload_bytes key)
{
    return kind ? (struct reload_stored *)reload_ordered_from(&kind->values, key) : NULL;
}

struct reload_stored *
reload_stored_after(const struct reload_stored_kind *kind, struct reload_bytes key)
{
    return kind ? (struct reload_stored *)reload_ordered_after(&kind->values, key) : NULL;
}

uint32_t
reload_stored_length(const struct reload_stored_kind *kind)
{
    const struct reload_ordered_entry *last = kind ? reload_ordered_last(&kind->values) : NULL;
    return last ? reload_value_index(last->key) + 1 : 0;
}

uint32_t
reload_stored_lifetime(const struct reload_stored *stored, reload_time now)
{
    return stored->expires > now ? (uint32_t)((stored->expires - now) / RELOAD_SECOND) : 0;
}

void
reload_stored_write(const struct reload_stored *stored, struct reload_writer *writer,
                    reload_time now)
{
    uint8_t *at = reload_writer_reserve(writer, stored->size);
    if (!at)
        return;
    memcpy(at, stored->bytes, stored->size);
    struct reload_writer lifetime = reload_writer_of(at + RELOAD_VALUE_LIFETIME_OFFSET, 4);
    reload_writer_u32(&lifetime, reload_stored_lifetime(stored, now));
}

/* ---- in a node ------------------------------------------------------------------------------ */

int
reload_storage_init(struct reload_storage *storage, struct reload_node *node)
{
    int error = reload_sweep_init(node);
    if (error)
        return error;
    return reload_storage_open(storage, node->env, &node->kinds, reload_record_persist, node);
}

static void
expire(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    struct reload_node *node = owner;
    (void)alarm;
    reload_storage_expire(&node->storage, now);
    reload_storage_arm(node);
    /* The rest of many has to wait until the driver has fetched what these have caused. */
    if (node->storage.alarm.slot && node->storage.alarm.at <= now)
        reload_ignore(
            reload_alarm_set(&node->alarms, &node->storage.alarm, now + RELOAD_MS, expire));
}

void
reload_storage_arm(struct reload_node *node)
{
    struct reload_storage *storage = &node->storage;
    reload_time at = reload_storage_next_expiry(storage);
    if (at == RELOAD_NEVER)
        reload_alarm_clear(&node->alarms, &storage->alarm);
    else if (!storage->alarm.slot || storage->alarm.at != at)
        /* Without memory the next change tries again; what is over is not found until then. */
        reload_ignore(reload_alarm_set(&node->alarms, &storage->alarm, at, expire));
}

int
reload_resource_check(struct reload_node *node, struct reload_bytes id,
                      struct reload_node_id *node_id)
{
    size_t *size = &node->storage.resource_size;
    if (*size == 0) {
        uint8_t resource[RELOAD_NODE_ID_SIZE_MAX];
        int error = reload_node_resource(node, (struct reload_bytes){0}, resource, size);
        if (error)
            return error;
        assert(*size > 0 && *size <= RELOAD_NODE_ID_SIZE_MAX);
    }
    *node_id = reload_node_id_of(id);
    return id.size == *size ? 0 : RELOAD_E_MALFORMED;
}
