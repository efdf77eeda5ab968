/* sim_oracle.c: the policies and signatures of stored values, once more.
 *
 * RFC 6940 6.3.4, 7.1, 7.3. SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_oracle.h"

#include "reload/core/node_internal.h"
#include "tools/sim/sim_hash.h"
#include "tools/sim/sim_keyring.h"
#include "tools/sim/sim_random.h"

#include <openssl/evp.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CONTENT 16 /* octets of a StoredData before its value: length, time, lifetime */
#define TIME 4
#define IDENTITY_HASH_NODE_ID 2 /* SignerIdentityType cert_hash_node_id; else cert_hash */
#define HASH_SHA256 4
#define HASH_SHA512 6
#define AUTHORITY 1 /* of overlay 0 */

/* A StoredData, taken apart. */
struct parts {
    struct reload_bytes resource;
    struct reload_kind kind;
    struct reload_bytes key;      /* of a dictionary */
    struct reload_bytes value;    /* StoredDataValue */
    struct reload_bytes identity; /* SignerIdentity */
    uint8_t hash_algorithm, signature_algorithm;
    struct reload_bytes signature;
    uint8_t identity_type;
    struct reload_bytes certificate_hash;
};

/* ---- taking apart ---- */

static size_t
number_at(const uint8_t *octets, size_t size)
{
    size_t number = 0;
    for (size_t i = 0; i < size; i++)
        number = number << 8 | octets[i];
    return number;
}

/* The vector at |*at| behind its |width| octets of length; false when there is no room for it. */
static bool
vector_at(struct reload_bytes all, size_t *at, size_t width, struct reload_bytes *vector)
{
    if (all.size - *at < width)
        return false;
    size_t size = number_at(all.data + *at, width);
    *at += width;
    if (all.size - *at < size)
        return false;
    *vector = (struct reload_bytes){all.data + *at, size};
    *at += size;
    return true;
}

static bool
take_apart(struct reload_bytes all, struct parts *parts)
{
    struct reload_bytes data, identity;
    size_t at = CONTENT;
    if (all.size < CONTENT || number_at(all.data, 4) != all.size - 4)
        return false;
    if (parts->kind.data_model == RELOAD_DATA_MODEL_ARRAY)
        at += 4;
    if (parts->kind.data_model == RELOAD_DATA_MODEL_DICTIONARY &&
        !vector_at(all, &at, 2, &parts->key))
        return false;
    at++; /* exists */
    if (at > all.size || !vector_at(all, &at, 4, &data) || data.size > parts->kind.max_size ||
        all.size - at < 3)
        return false;
    parts->value = (struct reload_bytes){all.data + CONTENT, at - CONTENT};
    parts->hash_algorithm = all.data[at++];
    parts->signature_algorithm = all.data[at++];
    size_t begin = at;
    parts->identity_type = all.data[at++];
    if (!vector_at(all, &at, 2, &identity) || identity.size < 2)
        return false;
    parts->identity = (struct reload_bytes){all.data + begin, at - begin};
    size_t inner = 1;
    return vector_at(identity, &inner, 1, &parts->certificate_hash) && inner == identity.size &&
           vector_at(all, &at, 2, &parts->signature) && at == all.size;
}

/* ---- who may write there (7.3) ---- */

static bool
hashes_to(struct reload_bytes resource, const void *name, size_t size)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    return EVP_Digest(name, size, digest, NULL, EVP_sha1(), NULL) == 1 && resource.size == 16 &&
           memcmp(digest, resource.data, 16) == 0;
}

static bool
is_multiple(struct reload_bytes resource, const struct reload_node_id *node_id, uint32_t last)
{
    uint8_t name[17];
    memcpy(name, node_id->octets, 16);
    for (uint32_t i = 0; i <= last && i <= 255; i++) {
        name[16] = (uint8_t)i;
        if (hashes_to(resource, name, sizeof name))
            return true;
    }
    return false;
}

static bool
may_write(const struct parts *parts, const struct sim_certificate *signer,
          const struct reload_node_id *node_id)
{
    const char *user = signer->user_name;
    switch (parts->kind.access_policy) {
    case RELOAD_ACCESS_USER_MATCH:
        return *user && hashes_to(parts->resource, user, strlen(user));
    case RELOAD_ACCESS_NODE_MATCH:
        return hashes_to(parts->resource, node_id->octets, 16);
    case RELOAD_ACCESS_USER_NODE_MATCH:
        return *user && hashes_to(parts->resource, user, strlen(user)) && parts->key.size == 16 &&
               memcmp(parts->key.data, node_id->octets, 16) == 0;
    case RELOAD_ACCESS_NODE_MULTIPLE:
        return is_multiple(parts->resource, node_id, parts->kind.max_node_multiple);
    default:
        return false;
    }
}

/* ---- who signed it (6.3.4, 7.1) ---- */

/* Whether the SignerIdentity names |certificate|, and, by type, the Node-ID |node_id| in it. */
static bool
names(const struct parts *parts, struct reload_bytes certificate,
      const struct reload_node_id *node_id)
{
    uint8_t octets[16 + SIM_CERTIFICATE_SIZE_MAX], digest[EVP_MAX_MD_SIZE];
    size_t front = parts->identity_type == IDENTITY_HASH_NODE_ID ? 16 : 0;
    if (certificate.size > SIM_CERTIFICATE_SIZE_MAX || parts->certificate_hash.size != 32)
        return false;
    memcpy(octets, node_id->octets, front);
    memcpy(octets + front, certificate.data, certificate.size);
    return EVP_Digest(octets, front + certificate.size, digest, NULL, EVP_sha256(), NULL) == 1 &&
           memcmp(digest, parts->certificate_hash.data, 32) == 0;
}

/* The simulator's signatures are digests under the key pair that a certificate names. */
static bool
verifies(const struct parts *parts, struct reload_bytes time, const struct sim_certificate *signer)
{
    static const uint8_t zeros[4];
    bool is_array = parts->kind.data_model == RELOAD_DATA_MODEL_ARRAY;
    uint32_t kind = parts->kind.kind;
    uint8_t length = (uint8_t)parts->resource.size, expected[SIM_SIGNATURE_SIZE];
    uint8_t number[4] = {(uint8_t)(kind >> 24), (uint8_t)(kind >> 16), (uint8_t)(kind >> 8),
                         (uint8_t)kind};
    size_t skip = is_array ? sizeof zeros : 0; /* an array's index is signed as 0: D12 */
    const struct reload_bytes signed_parts[] = {
        {&length, 1},
        parts->resource,
        {number, sizeof number},
        time,
        {zeros, skip},
        {parts->value.data + skip, parts->value.size - skip},
        parts->identity,
    };
    sim_signature(signer->public_key, signed_parts, sizeof signed_parts / sizeof *signed_parts,
                  expected);
    return parts->signature_algorithm == signer->signature_algorithm &&
           parts->hash_algorithm >= HASH_SHA256 && parts->hash_algorithm <= HASH_SHA512 &&
           parts->signature.size == sizeof expected &&
           memcmp(parts->signature.data, expected, sizeof expected) == 0;
}

/* NULL, or what is wrong with |stored|. */
static const char *
fault_of(struct reload_bytes resource, const struct reload_kind *row,
         const struct reload_stored *stored)
{
    struct reload_bytes all = {stored->bytes, stored->size};
    struct reload_bytes certificate = {stored->certificate->der, stored->certificate->size};
    struct sim_certificate signer;
    struct parts parts = {.resource = resource, .kind = *row};
    bool named = false, allowed = false;
    if (!take_apart(all, &parts))
        return "is no value of its Kind";
    if (sim_certificate_decode(certificate, &signer) != 0 || signer.authority != AUTHORITY)
        return "has a certificate of nobody";
    for (size_t i = 0; i < signer.node_id_count && !allowed; i++) {
        bool is_it = names(&parts, certificate, &signer.node_ids[i]);
        named = named || is_it;
        allowed = is_it && may_write(&parts, &signer, &signer.node_ids[i]);
    }
    if (!named)
        return "names another certificate";
    if (!verifies(&parts, (struct reload_bytes){all.data + TIME, 8}, &signer))
        return "has a signature that does not verify";
    return allowed ? NULL : "belongs to somebody else";
}

/* ---- what was seen before ---- */

static struct sim_oracle_note *
slot_of(struct sim_oracle_note *notes, size_t capacity, uint64_t place)
{
    size_t at = (size_t)place & (capacity - 1);
    while (notes[at].place && notes[at].place != place)
        at = (at + 1) & (capacity - 1);
    return &notes[at];
}

/* The note of |place|; a new one is zero but for that. */
static struct sim_oracle_note *
note_of(struct sim_oracle *oracle, uint64_t place)
{
    if (2 * (oracle->count + 1) > oracle->capacity) {
        size_t capacity = oracle->capacity ? 2 * oracle->capacity : 256;
        struct sim_oracle_note *notes = calloc(capacity, sizeof *notes);
        if (!notes)
            abort();
        for (size_t i = 0; i < oracle->capacity; i++)
            if (oracle->notes[i].place)
                *slot_of(notes, capacity, oracle->notes[i].place) = oracle->notes[i];
        free(oracle->notes);
        oracle->notes = notes;
        oracle->capacity = capacity;
    }
    struct sim_oracle_note *note = slot_of(oracle->notes, oracle->capacity, place);
    oracle->count += note->place == 0;
    note->place = place;
    return note;
}

static uint64_t
hash_of(uint64_t a, uint64_t b, uint32_t kind, struct reload_bytes one, struct reload_bytes other)
{
    struct sim_hash hash = sim_hash_begin(0x02ac1e);
    sim_hash_add_u64(&hash, a);
    sim_hash_add_u64(&hash, b);
    sim_hash_add_u64(&hash, kind);
    sim_hash_add_u64(&hash, one.size);
    sim_hash_add(&hash, one.data, one.size);
    sim_hash_add(&hash, other.data, other.size);
    return sim_hash_result(&hash) | 1;
}

/* ---- V5 ---- */

static void
check_value(struct sim_oracle *oracle, uint32_t node, struct reload_bytes resource,
            const struct reload_kind *row, const struct reload_stored *stored)
{
    struct reload_bytes content = {stored->bytes + CONTENT, stored->size - CONTENT};
    struct reload_bytes certificate = {stored->certificate->hash, sizeof stored->certificate->hash};
    uint64_t place =
        hash_of(stored->storage_time, hash_of(0, 0, 0, certificate, (struct reload_bytes){0}),
                row->kind, resource, content);
    struct sim_oracle_note *note = note_of(oracle, place);
    if (note->time)
        return; /* looked at before, here or elsewhere */
    note->time = 1;
    oracle->checked_values++;
    const char *fault = fault_of(resource, row, stored);
    if (fault)
        sim_finding(&oracle->finder, "V5", "what node %" PRIu32 " stores of Kind %08" PRIx32 " %s",
                    node, row->kind, fault);
}

/* ---- V4 ---- */

static void
check_time(struct sim_oracle *oracle, uint32_t node, struct reload_bytes resource,
           const struct reload_kind *row, const struct reload_stored *stored)
{
    uint64_t life = (uint64_t)node << 32 | sim_life(oracle->sim, node);
    struct sim_oracle_note *note =
        note_of(oracle, hash_of(life, 1, row->kind, resource, stored->entry.key));
    struct reload_bytes content = {stored->bytes + CONTENT, stored->size - CONTENT};
    uint64_t digest = hash_of(0, 0, 0, content, (struct reload_bytes){0});
    bool forgetful = sim_starved(oracle->sim, node) > 0; /* no memory for what is gone */
    if (stored->storage_time < note->time && !forgetful)
        sim_finding(&oracle->finder, "V4",
                    "node %" PRIu32 " stores a value of Kind %08" PRIx32 " that is %" PRIu64
                    " ms older than what it had",
                    node, row->kind, note->time - stored->storage_time);
    if (stored->storage_time == note->time && digest != note->content && !forgetful)
        sim_finding(&oracle->finder, "V4",
                    "node %" PRIu32 " replaced a value of Kind %08" PRIx32
                    " by another of the same time",
                    node, row->kind);
    note->time = stored->storage_time;
    note->content = digest;
}

/* ---- looking ---- */

static void
look_at(struct sim_oracle *oracle, uint32_t node, const struct reload_resource *resource)
{
    for (const struct reload_stored_kind *kind = resource->kinds; kind; kind = kind->next) {
        const struct reload_stored *stored = reload_stored_from(kind, (struct reload_bytes){0});
        for (; stored; stored = reload_stored_after(kind, stored->entry.key)) {
            check_value(oracle, node, reload_resource_id(resource), kind->row, stored);
            check_time(oracle, node, reload_resource_id(resource), kind->row, stored);
            if (stored->entry.key.size == 0)
                break; /* the only one */
        }
    }
}

static void
grow(struct sim_oracle *oracle)
{
    uint32_t count = sim_node_count(oracle->sim);
    if (count <= oracle->hosts)
        return;
    oracle->commits = realloc(oracle->commits, count * sizeof *oracle->commits);
    if (!oracle->commits)
        abort();
    memset(oracle->commits + oracle->hosts, 0, (count - oracle->hosts) * sizeof *oracle->commits);
    oracle->hosts = count;
}

void
sim_oracle_look(struct sim_oracle *oracle, uint32_t node)
{
    struct reload_node *real = sim_is_alive(oracle->sim, node) ? sim_node(oracle->sim, node) : NULL;
    if (!real || sim_overlay_of(oracle->sim, node) != 0)
        return;
    grow(oracle);
    uint64_t now = sim_mix(real->storage.commits, sim_life(oracle->sim, node));
    if (oracle->commits[node] == now || real->storage.commits == 0)
        return;
    oracle->commits[node] = now;
    const struct reload_resource *resource =
        reload_storage_after(&real->storage, (struct reload_bytes){0});
    for (; resource; resource = reload_storage_after(&real->storage, reload_resource_id(resource)))
        look_at(oracle, node, resource);
}

void
sim_oracle_begin(struct sim_oracle *oracle, struct sim *sim, struct sim_finder finder)
{
    *oracle = (struct sim_oracle){.sim = sim, .finder = finder};
}

void
sim_oracle_end(struct sim_oracle *oracle)
{
    free(oracle->notes);
    free(oracle->commits);
    *oracle = (struct sim_oracle){0};
}
