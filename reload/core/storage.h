/* storage.h: what a peer stores: values by resource, Kind and key, in memory. RFC 6940 7; D4, D8,
 * D9.
 *
 *   storage -> resources (by Resource-ID) -> Kinds (by Kind-ID) -> values (by key)
 *           -> for each known Kind the resources that have it (Find)
 *           -> expiries (a heap), certificates (counted), marks of what is gone
 *
 * What is stored is put on a stage first, where all checks and allocations are made; committing
 * cannot fail, so a request is done whole or not at all (7.4.1.1). Knows nothing of messages,
 * responsibility and signatures: that is the handlers' business.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_STORAGE_H
#define RELOAD_CORE_STORAGE_H

#include "reload/base/alarm.h"
#include "reload/base/prng.h"
#include "reload/core/certificates.h"
#include "reload/core/holders.h"
#include "reload/core/kind.h"
#include "reload/core/limits.h"
#include "reload/core/marks.h"
#include "reload/core/ordered.h"
#include "reload/core/value.h"

/* No value is kept for longer without being stored again, whatever its lifetime (D4). */
#define RELOAD_LIFETIME_MAX_S (366u * 86400)
#define RELOAD_MARKS_OCTETS_MAX (8u << 20)
/* Values removed by one call of reload_storage_expire. */
#define RELOAD_EXPIRIES_MAX 1024
/* D9: later storage times could never be replaced. */
#define RELOAD_STORAGE_TIME_END (UINT64_C(1) << 63)

/* One value. |bytes| is its StoredData as it came, with its place in the array filled in. */
struct reload_stored {
    struct reload_ordered_entry entry; /* in its Kind's values, by its key; must be first */
    struct reload_alarm alarm;
    struct reload_stored_kind *kind;
    struct reload_certificate *certificate; /* of its signer; one holder is this value */
    struct reload_bytes payload;            /* the value, behind its four length octets */
    uint64_t storage_time;
    reload_time expires;
    uint64_t stamp; /* the commit that stored it */
    bool exists;
    size_t size;
    uint8_t bytes[];
};

/* The values of one Kind at one resource; never empty outside of a commit. */
struct reload_stored_kind {
    struct reload_ordered_entry entry; /* among all resources with this Kind; must be first */
    struct reload_stored_kind *next;   /* at the same resource, by Kind-ID */
    struct reload_resource *resource;
    const struct reload_kind *row;
    uint64_t generation; /* never 0 */
    struct reload_ordered values;
    size_t existing; /* how many of the values exist */
};

struct reload_resource {
    struct reload_ordered_entry entry; /* among all resources, by Resource-ID; must be first */
    struct reload_stored_kind *kinds;
    uint64_t stamp;                /* the last commit that changed something here */
    uint64_t elsewhere;            /* whoever is responsible has taken all up to this commit ... */
    reload_time elsewhere_at;      /* ... then */
    struct reload_holders holders; /* beside us */
    reload_time leave_at;          /* it must not be kept here, and may go then; 0: no */
    uint8_t id_size;
    uint8_t id[RELOAD_NODE_ID_SIZE_MAX];
};

/* Told about each value that is stored or gone (|value_count| 0), to keep it beyond this process.
 * Both are to be concatenated and are borrowed for the call. */
typedef void reload_persist_fn(void *context, const struct reload_bytes *key, size_t key_count,
                               const struct reload_bytes *value, size_t value_count);

#define RELOAD_PERSIST_PARTS_MAX 4

struct reload_storage {
    const struct reload_env *env;
    const struct reload_kinds *kinds;
    struct reload_prng prng; /* priorities */
    struct reload_ordered resources;
    struct reload_ordered *by_kind; /* as many as |kinds| has rows, in their order */
    struct reload_alarms expiries;
    struct reload_certificates certificates;
    struct reload_marks marks; /* of what is gone (D4) */
    struct reload_marks seen;  /* by this node as a reader, and as a writer (13.5.3) */
    size_t value_count, octets;
    size_t resource_count_max, octets_max;
    uint64_t commits;
    size_t resource_size;       /* of the overlay's Resource-IDs; 0 when not known yet */
    struct reload_alarm alarm;  /* the node's, for the next expiry */
    reload_persist_fn *persist; /* may be NULL */
    void *persist_context;
};

/* reload_storage_open makes an empty storage; all pointers are borrowed. |storage| must not move.
 * Returns 0 or RELOAD_E_NOMEM. */
RELOAD_CHECKED int reload_storage_open(struct reload_storage *storage, const struct reload_env *env,
                                       const struct reload_kinds *kinds, reload_persist_fn *persist,
                                       void *persist_context);

/* reload_storage_init opens the storage of |node|. Returns 0 or RELOAD_E_NOMEM. */
RELOAD_CHECKED int reload_storage_init(struct reload_storage *storage, struct reload_node *node);

void reload_storage_fini(struct reload_storage *storage);

/* reload_storage_arm sets the node's alarm to the next expiry: after every change. */
void reload_storage_arm(struct reload_node *node);

/* reload_resource_check tells whether |id| is of the size that the overlay's Resource-IDs have
 * (D6), and puts it into |*node_id|, as topologies want it. Returns 0 or RELOAD_E_MALFORMED. */
RELOAD_CHECKED int reload_resource_check(struct reload_node *node, struct reload_bytes id,
                                         struct reload_node_id *node_id);

/* ---- looking -------------------------------------------------------------------------------- */

/* How many resources have values here. */
size_t reload_storage_resource_count(const struct reload_storage *storage);

/* reload_storage_find returns the resource |id|, or NULL. */
struct reload_resource *reload_storage_find(const struct reload_storage *storage,
                                            struct reload_bytes id);

/* reload_storage_after returns the first resource whose Resource-ID is behind |id|, or NULL: in the
 * order of unsigned numbers. An empty |id| begins at the least, and means it, too. */
struct reload_resource *reload_storage_after(const struct reload_storage *storage,
                                             struct reload_bytes id);

/* reload_storage_closest returns the first resource with Kind |row| that is |id| or behind it,
 * going round; NULL when there is none. */
struct reload_resource *reload_storage_closest(const struct reload_storage *storage,
                                               const struct reload_kind *row,
                                               struct reload_bytes id);

static inline struct reload_bytes
reload_resource_id(const struct reload_resource *resource)
{
    return (struct reload_bytes){resource->id, resource->id_size};
}

/* reload_resource_kind returns the values of Kind |row|, or NULL when there are none. |resource|
 * may be NULL. */
struct reload_stored_kind *reload_resource_kind(const struct reload_resource *resource,
                                                const struct reload_kind *row);

/* reload_stored_find, _from and _after look for values by key, as in struct reload_value. |kind|
 * may be NULL. */
struct reload_stored *reload_stored_find(const struct reload_stored_kind *kind,
                                         struct reload_bytes key);
struct reload_stored *reload_stored_from(const struct reload_stored_kind *kind,
                                         struct reload_bytes key);
struct reload_stored *reload_stored_after(const struct reload_stored_kind *kind,
                                          struct reload_bytes key);

/* reload_stored_length returns the length of the array |kind|: one more than the last index. */
uint32_t reload_stored_length(const struct reload_stored_kind *kind);

/* reload_stored_lifetime returns the seconds that |stored| has left, rounded down. */
uint32_t reload_stored_lifetime(const struct reload_stored *stored, reload_time now);

/* reload_stored_write writes |stored| as StoredData, with the lifetime that is left. */
void reload_stored_write(const struct reload_stored *stored, struct reload_writer *writer,
                         reload_time now);

/* ---- storing -------------------------------------------------------------------------------- */

/* What one request does to one Kind of a resource. */
struct reload_stage_kind {
    struct reload_stage_kind *next;
    struct reload_stage *stage;
    const struct reload_kind *row;
    struct reload_stored_kind *stored; /* what is there, or what is prepared for it */
    bool made;                         /* |stored| is prepared */
    uint64_t generation;               /* after the commit */
    struct reload_ordered values;      /* struct reload_stored, new */
    size_t existing, total;            /* after the commit */
};

struct reload_stage {
    struct reload_storage *storage;
    struct reload_resource *resource; /* what is there, or what is prepared */
    bool made;
    bool is_replica;
    reload_time now;
    uint64_t wall_ms;
    struct reload_stage_kind *kinds, **kinds_end; /* in the order of the request */
    size_t octets, octets_replaced, count;
};

/* reload_stage_begin begins to store at the resource |id| (at most RELOAD_NODE_ID_SIZE_MAX octets).
 * Ended by reload_stage_commit or reload_stage_abort, also after an error of what follows; not
 * after one of its own: RELOAD_E_TOO_LARGE (too many resources), RELOAD_E_NOMEM. */
RELOAD_CHECKED int reload_stage_begin(struct reload_stage *stage, struct reload_storage *storage,
                                      struct reload_bytes id, bool is_replica, reload_time now);

/* reload_stage_kind adds a Kind of the request. |generation| is the request's: a replica takes it
 * over, else it must be the stored one or 0.
 * RELOAD_E_MALFORMED (the Kind for the second time; a replica with 0; S4, S11), RELOAD_E_GENERATION
 * (S2, S3; |*kind| is made all the same), RELOAD_E_NOMEM. */
RELOAD_CHECKED int reload_stage_kind(struct reload_stage *stage, const struct reload_kind *row,
                                     uint64_t generation, struct reload_stage_kind **kind);

/* reload_stage_same tells whether |value|, a replica or an append, is stored already, so that
 * nothing is to be done about it (D8, D105). */
bool reload_stage_same(const struct reload_stage_kind *kind, const struct reload_value *value);

/* reload_stage_value puts |value|, which |signer| signed, on the stage. Its signature and the right
 * to store it may be checked before or afterwards. RELOAD_E_MALFORMED (removal with a value, P29;
 * storage_time out of range, D9), RELOAD_E_TOO_LARGE (of the value or of their number, S13, S14),
 * RELOAD_E_TOO_OLD (S1), RELOAD_E_NOMEM. */
RELOAD_CHECKED int reload_stage_value(struct reload_stage_kind *kind,
                                      const struct reload_value *value,
                                      const struct reload_identity *signer);

/* reload_stage_prepare makes sure that all this can be stored.
 * RELOAD_E_TOO_LARGE (no room on this peer), RELOAD_E_NOMEM. */
RELOAD_CHECKED int reload_stage_prepare(struct reload_stage *stage);

/* reload_stage_commit stores what is on the prepared stage and ends it. Returns the resource, NULL
 * when nothing is stored there. The values that are new have the stamp storage->commits. */
struct reload_resource *reload_stage_commit(struct reload_stage *stage);

/* reload_stage_abort ends the stage; nothing has changed. */
void reload_stage_abort(struct reload_stage *stage);

/* ---- forgetting ----------------------------------------------------------------------------- */

/* reload_storage_expire removes values whose time is over, at most RELOAD_EXPIRIES_MAX. Called
 * before anything is looked for. When more than that end at once, the rest is gone a moment later;
 * until then they have no lifetime left. */
void reload_storage_expire(struct reload_storage *storage, reload_time now);

/* reload_storage_next_expiry returns when the next value expires, or RELOAD_NEVER. */
reload_time reload_storage_next_expiry(const struct reload_storage *storage);

/* reload_storage_drop forgets a resource that this peer must not keep any longer. */
void reload_storage_drop(struct reload_storage *storage, struct reload_resource *resource,
                         reload_time now);

/* ---- for the files of storage only ------------------------------------------------------------
 */

static inline void *
reload_storage_allocate(const struct reload_storage *storage, void *data, size_t size)
{
    return storage->env->allocate(storage->env->context, data, size);
}

/* reload_storage_mark remembers |number| at |place|, for this process and the next. */
void reload_storage_mark(struct reload_storage *storage, const struct reload_mark_place *place,
                         uint64_t number, reload_time now);

/* reload_storage_remove takes |stored| out and frees it; its Kind and resource go with the last. A
 * mark |mark| stays (0: none). */
void reload_storage_remove(struct reload_storage *storage, struct reload_stored *stored,
                           uint64_t mark, reload_time now);

/* reload_storage_free frees |stored|, which is in no set. */
void reload_storage_free(struct reload_storage *storage, struct reload_stored *stored);

/* The alarm function of a value. */
void reload_storage_expired(struct reload_alarm *alarm, void *owner, uint64_t now);

/* The set of resources that have Kind |row|. */
struct reload_ordered *reload_storage_by_kind(const struct reload_storage *storage,
                                              const struct reload_kind *row);

/* The place of a value, for marks. */
struct reload_mark_place reload_storage_place(const struct reload_stored_kind *kind,
                                              struct reload_bytes key);

#endif
