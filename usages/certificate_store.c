/* certificate_store.c: the Certificate Store Usage: its Kinds, and a node's own certificate kept
 * under its Node-ID and its user's name.
 *
 *   joined -> (a moment) -> Stat what is there -> Store at our place in it, or behind its end
 *                ^-------------- (half the lifetime, or a minute when it failed) ----'
 *
 * RFC 6940 8. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/certificate_store.h"

#define DER_SEQUENCE 0x30

#define LIFETIME_S 86400u
/* A node that has just joined has other things to do; and not all store in the same moment. */
#define BEGIN_DELAY (2 * RELOAD_SECOND)
#define RETRY_DELAY (60 * RELOAD_SECOND)
#define END_OF_LIST UINT32_MAX

enum { RECORDS = 2 };

int
reload_certificate_check(const struct reload_wire *wire, struct reload_bytes key,
                         struct reload_bytes value)
{
    struct reload_reader reader = reload_reader_of(value);
    uint8_t tag, length;
    uint64_t size;
    (void)wire, (void)key;
    if (reload_reader_u8(&reader, &tag) || tag != DER_SEQUENCE ||
        reload_reader_u8(&reader, &length))
        return RELOAD_E_MALFORMED;
    size = length;
    if (length >= 0x80 && (length == 0x80 || length > 0x84 ||
                           reload_reader_uint(&reader, (size_t)(length & 0x7f), &size)))
        return RELOAD_E_MALFORMED;
    return size == reload_reader_left(&reader) ? 0 : RELOAD_E_MALFORMED;
}

enum { BY_NODE_MAX = 4, BY_USER_MAX = 32 };

/* An old and a new certificate stand side by side while certificates are renewed; a user has
 * several nodes. */
static const struct reload_kind kinds[] = {
    {
        .kind = RELOAD_KIND_CERTIFICATE_BY_NODE,
        .name = "CERTIFICATE_BY_NODE",
        .data_model = RELOAD_DATA_MODEL_ARRAY,
        .access_policy = RELOAD_ACCESS_NODE_MATCH,
        .max_count = BY_NODE_MAX,
        .max_size = 4096,
        .check = reload_certificate_check,
    },
    {
        .kind = RELOAD_KIND_CERTIFICATE_BY_USER,
        .name = "CERTIFICATE_BY_USER",
        .data_model = RELOAD_DATA_MODEL_ARRAY,
        .access_policy = RELOAD_ACCESS_USER_MATCH,
        .max_count = BY_USER_MAX,
        .max_size = 4096,
        .check = reload_certificate_check,
    },
};

/* ---- our own certificate -------------------------------------------------------------------- */

struct certificate_store;

/* One of the two places. */
struct record {
    struct certificate_store *store;
    uint32_t kind, max_count;
    uint8_t resource[20];
    size_t resource_size;
    uint32_t index; /* where it is to stand */
    uint32_t count; /* places that are taken */
    reload_time due;
    bool busy; /* a request is under way */
};

struct certificate_store {
    struct reload_node *node;
    struct record records[RECORDS];
};

static struct reload_bytes
own_certificate(const struct certificate_store *store)
{
    struct reload_keyring *keyring = reload_node_keyring(store->node);
    return keyring->ops->self(keyring)->certificate;
}

/* |delay| and up to as much again, by chance. */
static void
do_later(struct record *record, reload_time delay, reload_time now)
{
    const struct reload_env *env = reload_node_env(record->store->node);
    uint32_t chance;
    env->random(env->context, &chance, sizeof chance);
    record->busy = false;
    record->due = now + delay + delay / 1000 * (chance % 1000);
}

static void
stored(void *argument, const struct reload_result *result, reload_time now)
{
    do_later(argument, result->error ? RETRY_DELAY : LIFETIME_S / 4 * RELOAD_SECOND, now);
}

/* A list that is full of others' gives up its first place: the lifetimes of those that are not
 * renewed end soon enough, but ours is needed now. */
static void
looked(void *argument, const struct reload_result *result, reload_time now)
{
    struct record *record = argument;
    if (result->error) {
        do_later(record, RETRY_DELAY, now);
        return;
    }
    if (record->index == END_OF_LIST && record->count >= record->max_count)
        record->index = 0;
    struct reload_store_value value = {.kind = record->kind,
                                       .index = record->index,
                                       .value = own_certificate(record->store),
                                       .exists = true,
                                       .lifetime_s = LIFETIME_S};
    if (reload_node_store(record->store->node,
                          (struct reload_bytes){record->resource, record->resource_size}, &value, 1,
                          stored, record, now))
        do_later(record, RETRY_DELAY, now);
}

/* The digest is one of the value with its four length octets (7.4.3.2). */
static bool
is_own(const struct certificate_store *store, const struct reload_stat_value *value)
{
    struct reload_keyring *keyring = reload_node_keyring(store->node);
    struct reload_bytes certificate = own_certificate(store);
    uint8_t length[4], digest[RELOAD_DIGEST_MAX];
    struct reload_writer writer = reload_writer_of(length, sizeof length);
    reload_writer_u32(&writer, (uint32_t)certificate.size);
    const struct reload_bytes parts[] = {reload_writer_written(&writer), certificate};
    size_t size;
    return value->exists && value->value_size == certificate.size &&
           keyring->ops->digest(keyring, value->hash_algorithm, parts, 2, digest, &size) == 0 &&
           reload_bytes_equal(value->hash, (struct reload_bytes){digest, size});
}

static void
look_at(void *argument, const struct reload_stat_value *value, reload_time now)
{
    struct record *record = argument;
    (void)now;
    if (value->index >= record->max_count)
        return;
    if (value->index >= record->count)
        record->count = value->index + 1;
    if (is_own(record->store, value))
        record->index = value->index;
}

/* Stat, since a user's certificates together may be larger than a message. */
static void
renew(struct record *record, reload_time now)
{
    struct reload_fetch_specifier everything = {.kind = record->kind,
                                                .last = record->max_count - 1};
    record->due = RELOAD_NEVER;
    record->busy = true;
    record->index = END_OF_LIST;
    record->count = 0;
    if (reload_node_stat(record->store->node,
                         (struct reload_bytes){record->resource, record->resource_size},
                         &everything, 1, look_at, looked, record, now))
        do_later(record, RETRY_DELAY, now);
}

static int
init(void *state, struct reload_node *node, void *argument, reload_time now)
{
    struct certificate_store *store = state;
    (void)argument;
    (void)now;
    store->node = node;
    for (size_t i = 0; i < RECORDS; i++)
        store->records[i] = (struct record){.store = store,
                                            .kind = kinds[i].kind,
                                            .max_count = kinds[i].max_count,
                                            .due = RELOAD_NEVER};
    return 0;
}

static void
joined(void *state, reload_time now)
{
    struct certificate_store *store = state;
    struct reload_keyring *keyring = reload_node_keyring(store->node);
    const struct reload_bytes names[RECORDS] = {
        reload_node_id_bytes(reload_node_id(store->node),
                             reload_node_config(store->node)->node_id_length),
        reload_bytes_of_string(keyring->ops->self(keyring)->user_name)};
    for (size_t i = 0; i < RECORDS; i++) {
        struct record *record = &store->records[i];
        if (reload_node_resource(store->node, names[i], record->resource, &record->resource_size) ==
            0)
            do_later(record, BEGIN_DELAY, now);
    }
}

static reload_time
next_timeout(void *state)
{
    struct certificate_store *store = state;
    reload_time next = RELOAD_NEVER;
    for (size_t i = 0; i < RECORDS; i++)
        if (store->records[i].due < next)
            next = store->records[i].due;
    return next;
}

static void
timeout(void *state, reload_time now)
{
    struct certificate_store *store = state;
    for (size_t i = 0; i < RECORDS; i++)
        if (store->records[i].due <= now)
            renew(&store->records[i], now);
}

const struct reload_usage_ops reload_certificate_store_usage = {
    .name = "certificate-store",
    .kinds = kinds,
    .kind_count = sizeof kinds / sizeof *kinds,
    .size = sizeof(struct certificate_store),
    .init = init,
    .joined = joined,
    .next_timeout = next_timeout,
    .timeout = timeout,
};
