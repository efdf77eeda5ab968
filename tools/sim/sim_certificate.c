/* sim_certificate.c: encoding, sealing and the shared table of fake certificates.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_certificate.h"

#include "reload/base/reader.h"
#include "tools/sim/sim_hash.h"
#include "tools/sim/sim_pool.h"
#include "tools/sim/sim_random.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>

#define MAGIC "SIMCERT1"
#define DER_SEQUENCE 0x3082 /* its length follows in two octets */
#define HEAD_SIZE 4
#define MAGIC_SIZE 8
#define SEAL_SIZE 8
#define TABLE_MAX (1u << 20) /* certificates in one process */

enum { PURPOSE_PUBLIC = 0x7075, PURPOSE_SEAL = 0x7365 };

struct sim_certificates {
    struct sim_pool pool; /* of the entries */
    struct sim_certificate_entry **entries;
    size_t count, capacity;
    uint32_t *by_fingerprint; /* open addressing; index + 1 */
    uint32_t *by_sha256;
    size_t slots; /* a power of two, at least twice |capacity| */
    EVP_MD_CTX *context;
    EVP_MD *algorithms[7]; /* by TLS HashAlgorithm */
};

uint64_t
sim_key_public(uint64_t key)
{
    return sim_mix(key, PURPOSE_PUBLIC);
}

static uint64_t
seal_of(uint64_t authority, struct reload_bytes body)
{
    struct sim_hash hash = sim_hash_begin(sim_mix(authority, PURPOSE_SEAL));
    sim_hash_add(&hash, body.data, body.size);
    return sim_hash_result(&hash);
}

size_t
sim_certificate_encode(const struct sim_certificate *certificate, uint8_t *data)
{
    struct reload_writer writer = reload_writer_of(data, SIM_CERTIFICATE_SIZE_MAX);
    /* From outside it looks like a real one, which is a SEQUENCE in DER. */
    reload_writer_u16(&writer, DER_SEQUENCE);
    size_t mark = reload_writer_begin(&writer, 2);
    reload_writer_bytes(&writer, reload_bytes_of_string(MAGIC));
    reload_writer_u64(&writer, certificate->authority);
    reload_writer_u64(&writer, certificate->serial);
    reload_writer_u64(&writer, certificate->public_key);
    reload_writer_u64(&writer, certificate->not_before_ms);
    reload_writer_u64(&writer, certificate->not_after_ms);
    reload_writer_u8(&writer, certificate->signature_algorithm);
    reload_writer_u8(&writer, (uint8_t)certificate->node_id_count);
    for (size_t i = 0; i < certificate->node_id_count; i++)
        reload_writer_bytes(
            &writer, reload_node_id_bytes(&certificate->node_ids[i], RELOAD_NODE_ID_SIZE_MAX));
    reload_writer_vector(&writer, 2, reload_bytes_of_string(certificate->user_name));
    while (writer.size < SIM_CERTIFICATE_SIZE_MIN - SEAL_SIZE)
        reload_writer_u8(&writer, 0);
    reload_writer_u64(&writer, 0);
    reload_writer_end(&writer, mark, 2);
    writer.size -= SEAL_SIZE;
    reload_writer_u64(&writer, seal_of(certificate->authority, reload_writer_written(&writer)));
    assert(!writer.failed);
    return writer.size;
}

static int
read_node_ids(struct reload_reader *reader, struct sim_certificate *certificate)
{
    uint8_t count = 0;
    int error = reload_reader_u8(reader, &count);
    if (error || count == 0 || count > RELOAD_IDENTITY_NODE_IDS_MAX)
        return RELOAD_E_CERTIFICATE;
    certificate->node_id_count = count;
    for (size_t i = 0; i < count; i++) {
        struct reload_bytes octets;
        if (reload_reader_bytes(reader, RELOAD_NODE_ID_SIZE_MAX, &octets))
            return RELOAD_E_CERTIFICATE;
        certificate->node_ids[i] = reload_node_id_of(octets);
    }
    return 0;
}

static int
read_user_name(struct reload_reader *reader, struct sim_certificate *certificate)
{
    struct reload_bytes name;
    if (reload_reader_vector(reader, 2, &name) || name.size > RELOAD_USER_NAME_MAX)
        return RELOAD_E_CERTIFICATE;
    memset(certificate->user_name, 0, sizeof certificate->user_name);
    if (name.size)
        memcpy(certificate->user_name, name.data, name.size);
    return 0;
}

int
sim_certificate_decode(struct reload_bytes bytes, struct sim_certificate *certificate)
{
    if (bytes.size < HEAD_SIZE + MAGIC_SIZE + SEAL_SIZE || bytes.size > SIM_CERTIFICATE_SIZE_MAX ||
        memcmp(bytes.data + HEAD_SIZE, MAGIC, MAGIC_SIZE) != 0)
        return RELOAD_E_CERTIFICATE;
    struct reload_bytes body = {bytes.data, bytes.size - SEAL_SIZE};
    struct reload_reader end =
        reload_reader_of((struct reload_bytes){bytes.data + body.size, SEAL_SIZE});
    struct reload_reader reader = reload_reader_of((struct reload_bytes){
        bytes.data + HEAD_SIZE + MAGIC_SIZE, body.size - HEAD_SIZE - MAGIC_SIZE});
    uint64_t seal = 0;
    if (reload_reader_u64(&end, &seal) || reload_reader_u64(&reader, &certificate->authority) ||
        seal != seal_of(certificate->authority, body) ||
        reload_reader_u64(&reader, &certificate->serial) ||
        reload_reader_u64(&reader, &certificate->public_key) ||
        reload_reader_u64(&reader, &certificate->not_before_ms) ||
        reload_reader_u64(&reader, &certificate->not_after_ms) ||
        reload_reader_u8(&reader, &certificate->signature_algorithm))
        return RELOAD_E_CERTIFICATE;
    int error = read_node_ids(&reader, certificate);
    return error ? error : read_user_name(&reader, certificate);
}

/* ---- the table ---- */

struct sim_certificates *
sim_certificates_new(void)
{
    struct sim_certificates *table = calloc(1, sizeof *table);
    if (!table)
        abort();
    table->context = EVP_MD_CTX_new();
    table->algorithms[2] = EVP_MD_fetch(NULL, "SHA1", NULL);
    table->algorithms[4] = EVP_MD_fetch(NULL, "SHA256", NULL);
    table->algorithms[5] = EVP_MD_fetch(NULL, "SHA384", NULL);
    table->algorithms[6] = EVP_MD_fetch(NULL, "SHA512", NULL);
    if (!table->context || !table->algorithms[2] || !table->algorithms[4] ||
        !table->algorithms[5] || !table->algorithms[6])
        abort();
    return table;
}

void
sim_certificates_free(struct sim_certificates *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->count; i++)
        sim_pool_put(&table->pool, table->entries[i],
                     sizeof **table->entries + table->entries[i]->identity.certificate.size);
    sim_pool_fini(&table->pool);
    for (size_t i = 0; i < sizeof table->algorithms / sizeof *table->algorithms; i++)
        EVP_MD_free(table->algorithms[i]);
    EVP_MD_CTX_free(table->context);
    free(table->entries);
    free(table->by_fingerprint);
    free(table->by_sha256);
    free(table);
}

int
sim_certificates_digest(struct sim_certificates *table, uint8_t algorithm,
                        const struct reload_bytes *parts, size_t count, uint8_t *digest,
                        size_t *size)
{
    if (algorithm >= sizeof table->algorithms / sizeof *table->algorithms ||
        !table->algorithms[algorithm])
        return RELOAD_E_USAGE;
    unsigned written = 0;
    bool ok = EVP_DigestInit_ex(table->context, table->algorithms[algorithm], NULL) == 1;
    for (size_t i = 0; i < count && ok; i++)
        ok = EVP_DigestUpdate(table->context, parts[i].data, parts[i].size) == 1;
    if (!ok || EVP_DigestFinal_ex(table->context, digest, &written) != 1)
        return RELOAD_E_CRYPTO;
    *size = written;
    return 0;
}

/* The seal at the end is a hash already; whoever finds an entry by it compares all octets. */
static uint64_t
fingerprint_of(struct reload_bytes bytes)
{
    size_t size = bytes.size < SEAL_SIZE ? bytes.size : SEAL_SIZE;
    struct sim_hash hash = sim_hash_begin(bytes.size);
    sim_hash_add(&hash, bytes.data + (bytes.size - size), size);
    return sim_hash_result(&hash);
}

static uint64_t
prefix_of(const uint8_t *hash)
{
    uint64_t value = 0;
    for (size_t i = 0; i < 8; i++)
        value = value << 8 | hash[i];
    return value;
}

static void
insert(uint32_t *index, size_t slots, uint64_t key, uint32_t entry)
{
    size_t at = (size_t)key & (slots - 1);
    while (index[at])
        at = (at + 1) & (slots - 1);
    index[at] = entry + 1;
}

static void
index_entry(struct sim_certificates *table, const struct sim_certificate_entry *entry)
{
    insert(table->by_fingerprint, table->slots, entry->fingerprint, entry->index);
    insert(table->by_sha256, table->slots, prefix_of(entry->identity.hash), entry->index);
}

static void
grow(struct sim_certificates *table)
{
    size_t capacity = table->capacity ? 2 * table->capacity : 64;
    struct sim_certificate_entry **entries = realloc(table->entries, capacity * sizeof *entries);
    free(table->by_fingerprint);
    free(table->by_sha256);
    table->slots = 4 * capacity;
    table->by_fingerprint = calloc(table->slots, sizeof *table->by_fingerprint);
    table->by_sha256 = calloc(table->slots, sizeof *table->by_sha256);
    if (!entries || !table->by_fingerprint || !table->by_sha256)
        abort();
    table->entries = entries;
    table->capacity = capacity;
    for (size_t i = 0; i < table->count; i++)
        index_entry(table, table->entries[i]);
}

static void
hash_entry(struct sim_certificates *table, struct sim_certificate_entry *entry)
{
    size_t size = 0;
    const struct reload_bytes *whole = &entry->identity.certificate;
    if (sim_certificates_digest(table, 4, whole, 1, entry->identity.hash, &size) ||
        sim_certificates_digest(table, 5, whole, 1, entry->sha384, &size) ||
        sim_certificates_digest(table, 6, whole, 1, entry->sha512, &size))
        abort();
}

static struct sim_certificate_entry *
make_entry(struct sim_certificates *table, struct reload_bytes bytes,
           const struct sim_certificate *certificate)
{
    struct sim_certificate_entry *entry = sim_pool_get(&table->pool, sizeof *entry + bytes.size);
    memset(entry, 0, sizeof *entry);
    uint8_t *copy = (uint8_t *)(entry + 1);
    memcpy(copy, bytes.data, bytes.size);
    entry->authority = certificate->authority;
    entry->public_key = certificate->public_key;
    entry->index = (uint32_t)table->count;
    entry->fingerprint = fingerprint_of(bytes);
    struct reload_identity *identity = &entry->identity;
    identity->certificate = (struct reload_bytes){copy, bytes.size};
    memcpy(identity->node_ids, certificate->node_ids, sizeof identity->node_ids);
    identity->node_id_count = certificate->node_id_count;
    memcpy(identity->user_name, certificate->user_name, sizeof identity->user_name);
    identity->not_before_ms = certificate->not_before_ms;
    identity->not_after_ms = certificate->not_after_ms;
    identity->signature_algorithm = certificate->signature_algorithm;
    hash_entry(table, entry);
    return entry;
}

static const struct sim_certificate_entry *
find_bytes(const struct sim_certificates *table, struct reload_bytes bytes)
{
    if (table->slots == 0)
        return NULL;
    uint64_t fingerprint = fingerprint_of(bytes);
    for (size_t at = (size_t)fingerprint & (table->slots - 1); table->by_fingerprint[at];
         at = (at + 1) & (table->slots - 1)) {
        const struct sim_certificate_entry *entry = table->entries[table->by_fingerprint[at] - 1];
        if (entry->fingerprint == fingerprint &&
            reload_bytes_equal(entry->identity.certificate, bytes))
            return entry;
    }
    return NULL;
}

const struct sim_certificate_entry *
sim_certificates_add(struct sim_certificates *table, struct reload_bytes bytes)
{
    const struct sim_certificate_entry *known = find_bytes(table, bytes);
    if (known)
        return known;
    struct sim_certificate certificate = {0};
    if (sim_certificate_decode(bytes, &certificate) || table->count >= TABLE_MAX)
        return NULL;
    if (table->count == table->capacity)
        grow(table);
    struct sim_certificate_entry *entry = make_entry(table, bytes, &certificate);
    table->entries[table->count++] = entry;
    index_entry(table, entry);
    return entry;
}

/* The other hashes are rare: a walk is good enough. */
static const struct sim_certificate_entry *
find_long(const struct sim_certificates *table, uint8_t algorithm, struct reload_bytes hash)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct sim_certificate_entry *entry = table->entries[i];
        const uint8_t *own = algorithm == 5 ? entry->sha384 : entry->sha512;
        if (memcmp(own, hash.data, hash.size) == 0)
            return entry;
    }
    return NULL;
}

const struct sim_certificate_entry *
sim_certificates_find(struct sim_certificates *table, uint8_t algorithm, struct reload_bytes hash)
{
    static const size_t sizes[7] = {[4] = 32, [5] = 48, [6] = 64};
    if (algorithm > 6 || sizes[algorithm] == 0 || hash.size != sizes[algorithm] ||
        table->slots == 0)
        return NULL;
    if (algorithm != 4)
        return find_long(table, algorithm, hash);
    for (size_t at = (size_t)prefix_of(hash.data) & (table->slots - 1); table->by_sha256[at];
         at = (at + 1) & (table->slots - 1)) {
        const struct sim_certificate_entry *entry = table->entries[table->by_sha256[at] - 1];
        if (memcmp(entry->identity.hash, hash.data, hash.size) == 0)
            return entry;
    }
    return NULL;
}
