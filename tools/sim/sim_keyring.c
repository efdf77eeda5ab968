/* sim_keyring.c: reload_keyring_ops on keyed digests. RFC 6940 6.3.4, 11.3.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_keyring.h"

#include "tools/sim/sim_hash.h"
#include "tools/sim/sim_random.h"

#include <assert.h>

#define HASH_SHA256 4
#define HASH_SHA512 6
#define PURPOSE_SIGN 0x7369

static struct sim_keyring *
of(struct reload_keyring *keyring)
{
    return (struct sim_keyring *)keyring;
}

static bool
is_bad_node(const struct sim_keyring *keyring, const struct reload_identity *identity)
{
    if (!keyring->config)
        return false;
    for (size_t i = 0; i < keyring->config->bad_node_count; i++)
        if (reload_identity_has(identity, &keyring->config->bad_nodes[i]))
            return true;
    return false;
}

/* What holds for a certificate at any time: who sealed it, and whether it is listed as bad. Then
 * the dates. */
static int
check(const struct sim_keyring *keyring, const struct sim_certificate_entry *entry,
      uint64_t wall_ms)
{
    if (entry->authority != keyring->authority || is_bad_node(keyring, &entry->identity))
        return RELOAD_E_CERTIFICATE;
    if (wall_ms < entry->identity.not_before_ms || wall_ms > entry->identity.not_after_ms)
        return RELOAD_E_EXPIRED;
    return 0;
}

/* ---- what this node knows ---- */

static bool
knows(const struct sim_keyring *keyring, uint32_t index)
{
    if (keyring->known_slots == 0)
        return false;
    size_t mask = keyring->known_slots - 1;
    for (size_t at = (size_t)sim_mix(index, 0) & mask; keyring->known[at]; at = (at + 1) & mask)
        if (keyring->known[at] == index + 1)
            return true;
    return false;
}

static void
insert(struct sim_keyring *keyring, uint32_t index)
{
    size_t mask = keyring->known_slots - 1;
    size_t at = (size_t)sim_mix(index, 0) & mask;
    while (keyring->known[at])
        at = (at + 1) & mask;
    keyring->known[at] = index + 1;
    keyring->known_count++;
}

static int
grow(struct sim_keyring *keyring)
{
    size_t slots = keyring->known_slots ? 2 * keyring->known_slots : 16;
    uint32_t *old = keyring->known;
    size_t old_slots = keyring->known_slots;
    uint32_t *known = keyring->allocate(keyring->context, NULL, slots * sizeof *known);
    if (!known)
        return RELOAD_E_NOMEM;
    memset(known, 0, slots * sizeof *known);
    keyring->known = known;
    keyring->known_slots = slots;
    keyring->known_count = 0;
    for (size_t i = 0; i < old_slots; i++)
        if (old[i])
            insert(keyring, old[i] - 1);
    if (old)
        (void)keyring->allocate(keyring->context, old, 0);
    return 0;
}

static int
learn(struct sim_keyring *keyring, const struct sim_certificate_entry *entry)
{
    if (knows(keyring, entry->index))
        return 0;
    if (keyring->known_count >= SIM_KEYRING_KNOWN_MAX) {
        memset(keyring->known, 0, keyring->known_slots * sizeof *keyring->known);
        keyring->known_count = 0;
        insert(keyring, keyring->self->index);
        if (entry == keyring->self)
            return 0;
    }
    if (2 * (keyring->known_count + 1) > keyring->known_slots) {
        int error = grow(keyring);
        if (error)
            return error;
    }
    insert(keyring, entry->index);
    return 0;
}

/* ---- the slots ---- */

static const struct reload_identity *
self(struct reload_keyring *keyring)
{
    return &of(keyring)->self->identity;
}

static int
add(struct reload_keyring *base, struct reload_bytes certificate, uint64_t wall_ms,
    const struct reload_identity **identity)
{
    struct sim_keyring *keyring = of(base);
    const struct sim_certificate_entry *entry = sim_certificates_add(keyring->table, certificate);
    int error = entry ? check(keyring, entry, wall_ms) : RELOAD_E_CERTIFICATE;
    if (error == 0)
        error = learn(keyring, entry);
    if (error == 0)
        *identity = &entry->identity;
    else
        keyring->refused_count++;
    return error;
}

static const struct reload_identity *
find(struct reload_keyring *base, uint8_t hash_algorithm, struct reload_bytes hash,
     uint64_t wall_ms)
{
    struct sim_keyring *keyring = of(base);
    const struct sim_certificate_entry *entry =
        sim_certificates_find(keyring->table, hash_algorithm, hash);
    if (!entry || !knows(keyring, entry->index) || check(keyring, entry, wall_ms))
        return NULL;
    return &entry->identity;
}

void
sim_signature(uint64_t public_key, const struct reload_bytes *parts, size_t count,
              uint8_t *signature)
{
    struct sim_hash hash = sim_hash_begin(sim_mix(public_key, PURPOSE_SIGN));
    for (size_t i = 0; i < count; i++)
        sim_hash_add(&hash, parts[i].data, parts[i].size);
    struct sim_random stream = {sim_hash_result(&hash)};
    sim_random_fill(&stream, signature, SIM_SIGNATURE_SIZE);
}

static int
sign(struct reload_keyring *base, const struct reload_bytes *parts, size_t count,
     uint8_t *signature, size_t *size)
{
    struct sim_keyring *keyring = of(base);
    keyring->signed_count++;
    sim_signature(sim_key_public(keyring->key), parts, count, signature);
    *size = SIM_SIGNATURE_SIZE;
    return 0;
}

static int
verify(struct reload_keyring *base, const struct reload_identity *identity, uint8_t hash_algorithm,
       uint8_t signature_algorithm, const struct reload_bytes *parts, size_t count,
       struct reload_bytes signature)
{
    struct sim_keyring *keyring = of(base);
    const struct sim_certificate_entry *entry = sim_certificates_find(
        keyring->table, HASH_SHA256, (struct reload_bytes){identity->hash, sizeof identity->hash});
    uint8_t expected[SIM_SIGNATURE_SIZE];
    keyring->verified_count++;
    bool ok = entry && hash_algorithm >= HASH_SHA256 && hash_algorithm <= HASH_SHA512 &&
              signature_algorithm == identity->signature_algorithm &&
              signature.size == SIM_SIGNATURE_SIZE;
    if (ok) {
        sim_signature(entry->public_key, parts, count, expected);
        ok = memcmp(expected, signature.data, sizeof expected) == 0;
    }
    if (!ok)
        keyring->refused_count++;
    return ok ? 0 : RELOAD_E_SIGNATURE;
}

static int
digest(struct reload_keyring *keyring, uint8_t hash_algorithm, const struct reload_bytes *parts,
       size_t count, uint8_t *out, size_t *size)
{
    return sim_certificates_digest(of(keyring)->table, hash_algorithm, parts, count, out, size);
}

static const struct reload_keyring_ops sim_keyring_ops = {
    .self = self,
    .add = add,
    .find = find,
    .sign = sign,
    .verify = verify,
    .digest = digest,
};

int
sim_keyring_init(struct sim_keyring *keyring, struct sim_certificates *table,
                 const struct reload_config *config, uint64_t key, struct reload_bytes certificate,
                 void *context, void *(*allocate)(void *context, void *data, size_t size))
{
    const struct sim_certificate_entry *entry = sim_certificates_add(table, certificate);
    if (!entry)
        return RELOAD_E_CERTIFICATE;
    *keyring = (struct sim_keyring){.keyring.ops = &sim_keyring_ops,
                                    .table = table,
                                    .config = config,
                                    .self = entry,
                                    .key = key,
                                    .authority = entry->authority,
                                    .context = context,
                                    .allocate = allocate};
    return learn(keyring, entry);
}

void
sim_keyring_fini(struct sim_keyring *keyring)
{
    if (keyring->known)
        (void)keyring->allocate(keyring->context, keyring->known, 0);
    keyring->known = NULL;
    keyring->known_slots = keyring->known_count = 0;
}
