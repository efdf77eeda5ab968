/* keyring.c: signing, verifying, and the cache of checked certificates.
 *
 * The cache is a chained hash table by SHA-256 of the certificate, whose entries are also in a list
 * from the least to the most recently used. It is much larger than what one message can bring, so
 * that an entry which the current turn has got is never the one that goes.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "certs/keyring_internal.h"

#include "certs/certificate.h"
#include "certs/key.h"

#include <assert.h>
#include <openssl/err.h>
#include <stdio.h>

#define CACHE_MAX 4096

/* ---- digests -------------------------------------------------------------------------------- */

static EVP_MD *
digest_of(const struct keyring *keyring, uint8_t hash_algorithm)
{
    return hash_algorithm <= HASH_SHA512 ? keyring->digests[hash_algorithm] : NULL;
}

static int
digest(struct reload_keyring *base, uint8_t hash_algorithm, const struct reload_bytes *parts,
       size_t count, uint8_t *out, size_t *size)
{
    struct keyring *keyring = keyring_of(base);
    EVP_MD *md = digest_of(keyring, hash_algorithm);
    if (!md)
        return RELOAD_E_USAGE;
    bool good = EVP_DigestInit_ex2(keyring->context, md, NULL) == 1;
    for (size_t i = 0; good && i < count; i++)
        good = EVP_DigestUpdate(keyring->context, parts[i].data, parts[i].size) == 1;
    unsigned length = 0;
    good = good && EVP_DigestFinal_ex(keyring->context, out, &length) == 1;
    *size = length;
    return good ? 0 : RELOAD_E_CRYPTO;
}

/* ---- the cache ------------------------------------------------------------------------------ */

static struct entry **
bucket(struct keyring *keyring, const uint8_t *hash)
{
    return &keyring->buckets[((size_t)hash[0] << 8 | hash[1]) % BUCKETS];
}

static void
list_remove(struct keyring *keyring, struct entry *entry)
{
    *(entry->older ? &entry->older->younger : &keyring->oldest) = entry->younger;
    *(entry->younger ? &entry->younger->older : &keyring->youngest) = entry->older;
    entry->older = entry->younger = NULL;
}

static void
list_append(struct keyring *keyring, struct entry *entry)
{
    entry->older = keyring->youngest;
    *(keyring->youngest ? &keyring->youngest->younger : &keyring->oldest) = entry;
    keyring->youngest = entry;
}

static void
touch(struct keyring *keyring, struct entry *entry)
{
    if (entry == keyring->youngest)
        return;
    list_remove(keyring, entry);
    list_append(keyring, entry);
}

static void
destroy(struct entry *entry)
{
    if (!entry)
        return;
    EVP_PKEY_free(entry->key);
    free(entry->der);
    free(entry);
}

static void
evict(struct keyring *keyring)
{
    struct entry *entry = keyring->oldest;
    if (entry == keyring->self) {
        touch(keyring, entry);
        entry = keyring->oldest;
    }
    struct entry **place = bucket(keyring, entry->identity.hash);
    while (*place != entry)
        place = &(*place)->next;
    *place = entry->next;
    list_remove(keyring, entry);
    keyring->count--;
    destroy(entry);
}

static struct entry *
find_sha256(struct keyring *keyring, const uint8_t *hash)
{
    struct entry *entry = *bucket(keyring, hash);
    while (entry && memcmp(entry->identity.hash, hash, sizeof entry->identity.hash) != 0)
        entry = entry->next;
    return entry;
}

static bool
is_bad(const struct reload_config *config, const struct reload_identity *identity)
{
    for (size_t i = 0; i < config->bad_node_count; i++)
        if (reload_identity_has(identity, &config->bad_nodes[i]))
            return true;
    return false;
}

/* What can change while a certificate is in the cache. */
static int
check_now(const struct keyring *keyring, const struct reload_identity *identity, uint64_t wall_ms)
{
    if (wall_ms < identity->not_before_ms || wall_ms > identity->not_after_ms)
        return RELOAD_E_EXPIRED;
    return is_bad(keyring->config, identity) ? RELOAD_E_CERTIFICATE : 0;
}

static int
make_entry(struct keyring *keyring, struct reload_bytes der, const uint8_t *hash, uint64_t wall_ms,
           struct entry **made)
{
    X509 *x509 = NULL;
    int error = reload_certificate_parse(der, &x509);
    if (error)
        return error;
    struct entry *entry = calloc(1, sizeof *entry);
    if (!entry)
        error = RELOAD_E_NOMEM;
    if (!error)
        error = reload_certificate_identify(x509, keyring->config, &entry->identity);
    if (!error)
        error = check_now(keyring, &entry->identity, wall_ms);
    if (!error)
        error = reload_certificate_check_chain(x509, keyring->store, keyring->config,
                                               &entry->identity, wall_ms);
    if (!error && !(entry->der = malloc(der.size)))
        error = RELOAD_E_NOMEM;
    if (!error) {
        memcpy(entry->der, der.data, der.size);
        entry->identity.certificate = (struct reload_bytes){entry->der, der.size};
        memcpy(entry->identity.hash, hash, sizeof entry->identity.hash);
        entry->key = X509_get_pubkey(x509);
    }
    X509_free(x509);
    ERR_clear_error();
    if (error) {
        destroy(entry);
        return error;
    }
    *made = entry;
    return 0;
}

static int
add(struct reload_keyring *base, struct reload_bytes der, uint64_t wall_ms,
    const struct reload_identity **identity)
{
    struct keyring *keyring = keyring_of(base);
    uint8_t hash[RELOAD_DIGEST_MAX];
    size_t size;
    int error = digest(base, HASH_SHA256, &der, 1, hash, &size);
    if (error)
        return error;
    struct entry *entry = find_sha256(keyring, hash);
    if (entry) {
        touch(keyring, entry);
        *identity = &entry->identity;
        return check_now(keyring, &entry->identity, wall_ms);
    }
    error = make_entry(keyring, der, hash, wall_ms, &entry);
    if (error)
        return error;
    if (keyring->count >= CACHE_MAX)
        evict(keyring);
    entry->next = *bucket(keyring, hash);
    *bucket(keyring, hash) = entry;
    list_append(keyring, entry);
    keyring->count++;
    *identity = &entry->identity;
    return 0;
}

/* Hashes that others chose are rare: the cache is searched for them from its young end on, where
 * the certificates of the message at hand are. */
static struct entry *
find_other(struct keyring *keyring, uint8_t hash_algorithm, struct reload_bytes hash)
{
    uint8_t out[RELOAD_DIGEST_MAX];
    size_t size, looked = 0;
    for (struct entry *entry = keyring->youngest; entry && looked < 64; entry = entry->older) {
        looked++;
        if (digest(&keyring->base, hash_algorithm, &entry->identity.certificate, 1, out, &size) ==
                0 &&
            reload_bytes_equal(hash, (struct reload_bytes){out, size}))
            return entry;
    }
    return NULL;
}

static const struct reload_identity *
find(struct reload_keyring *base, uint8_t hash_algorithm, struct reload_bytes hash,
     uint64_t wall_ms)
{
    struct keyring *keyring = keyring_of(base);
    struct entry *entry = NULL;
    if (hash_algorithm == HASH_SHA256 && hash.size == 32)
        entry = find_sha256(keyring, hash.data);
    else if (hash_algorithm == HASH_SHA384 || hash_algorithm == HASH_SHA512)
        entry = find_other(keyring, hash_algorithm, hash);
    if (!entry || check_now(keyring, &entry->identity, wall_ms) != 0)
        return NULL;
    touch(keyring, entry);
    return &entry->identity;
}

static const struct reload_identity *
self(struct reload_keyring *base)
{
    return &keyring_of(base)->self->identity;
}

/* ---- signatures ----------------------------------------------------------------------------- */

static int
sign(struct reload_keyring *base, const struct reload_bytes *parts, size_t count,
     uint8_t *signature, size_t *size)
{
    struct keyring *keyring = keyring_of(base);
    bool good = EVP_DigestSignInit(keyring->context, NULL, keyring->digests[HASH_SHA256], NULL,
                                   keyring->key) == 1;
    for (size_t i = 0; good && i < count; i++)
        good = EVP_DigestSignUpdate(keyring->context, parts[i].data, parts[i].size) == 1;
    *size = RELOAD_SIGNATURE_MAX;
    good = good && EVP_DigestSignFinal(keyring->context, signature, size) == 1;
    EVP_MD_CTX_reset(keyring->context);
    return good ? 0 : RELOAD_E_CRYPTO;
}

static int
verify(struct reload_keyring *base, const struct reload_identity *identity, uint8_t hash_algorithm,
       uint8_t signature_algorithm, const struct reload_bytes *parts, size_t count,
       struct reload_bytes signature)
{
    struct keyring *keyring = keyring_of(base);
    const struct entry *entry = (const struct entry *)identity;
    /* D16: nothing under SHA-256, and what the key is decides how it signs. */
    if (hash_algorithm < HASH_SHA256 || hash_algorithm > HASH_SHA512 ||
        signature_algorithm != identity->signature_algorithm || signature.size == 0)
        return RELOAD_E_SIGNATURE;
    bool good = EVP_DigestVerifyInit(keyring->context, NULL, keyring->digests[hash_algorithm], NULL,
                                     entry->key) == 1;
    for (size_t i = 0; good && i < count; i++)
        good = EVP_DigestVerifyUpdate(keyring->context, parts[i].data, parts[i].size) == 1;
    good = good && EVP_DigestVerifyFinal(keyring->context, signature.data, signature.size) == 1;
    EVP_MD_CTX_reset(keyring->context);
    if (!good)
        ERR_clear_error();
    return good ? 0 : RELOAD_E_SIGNATURE;
}

struct reload_bytes
reload_keyring_encode(X509 *x509, uint8_t *der, size_t capacity)
{
    int length = i2d_X509(x509, NULL);
    if (length <= 0 || (size_t)length > capacity)
        return (struct reload_bytes){0};
    uint8_t *at = der;
    return (struct reload_bytes){der, (size_t)i2d_X509(x509, &at)};
}

/* ---- life ----------------------------------------------------------------------------------- */

static const struct reload_keyring_ops ops = {
    .self = self,
    .add = add,
    .find = find,
    .sign = sign,
    .verify = verify,
    .digest = digest,
    .tls_configure = reload_keyring_tls_configure,
    .tls_peer = reload_keyring_tls_peer,
};

static bool
fetch_digests(struct keyring *keyring)
{
    static const struct {
        uint8_t algorithm;
        const char *name;
    } wanted[] = {{HASH_SHA1, "SHA1"},
                  {HASH_SHA256, "SHA256"},
                  {HASH_SHA384, "SHA384"},
                  {HASH_SHA512, "SHA512"}};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        keyring->digests[wanted[i].algorithm] = EVP_MD_fetch(NULL, wanted[i].name, NULL);
        if (!keyring->digests[wanted[i].algorithm])
            return false;
    }
    keyring->context = EVP_MD_CTX_new();
    return keyring->context != NULL;
}

static bool
is_listed_bad(const struct keyring *keyring)
{
    struct reload_identity identity;
    return reload_certificate_identify(keyring->certificate, keyring->config, &identity) == 0 &&
           is_bad(keyring->config, &identity);
}

static int
add_self(struct keyring *keyring, uint64_t wall_ms, char *message, size_t size)
{
    uint8_t der[RELOAD_CERTIFICATE_SIZE_MAX];
    const struct reload_identity *identity = NULL;
    const char *flaw;
    int error = add(&keyring->base, reload_keyring_encode(keyring->certificate, der, sizeof der),
                    wall_ms, &identity);
    if (error == RELOAD_E_EXPIRED)
        snprintf(message, size,
                 "the certificate is not valid now (expired, not valid yet, or the "
                 "clock is wrong); enrol again");
    else if (error && is_listed_bad(keyring))
        snprintf(message, size,
                 "the overlay %s has revoked the certificate: its Node-ID is a bad-node in the "
                 "configuration document; enrol with a new key",
                 keyring->config->instance_name);
    else if (error && (flaw = reload_certificate_flaw(keyring->certificate, keyring->config)))
        snprintf(message, size, "the certificate is not for the overlay %s: %s",
                 keyring->config->instance_name, flaw);
    else if (error)
        snprintf(message, size,
                 "the certificate is not for the overlay %s: none of its root certificates issued "
                 "it as that of a node",
                 keyring->config->instance_name);
    keyring->self = (struct entry *)identity;
    return error;
}

int
reload_keyring_new(EVP_PKEY *key, X509 *certificate, const struct reload_config *config,
                   uint64_t wall_ms, struct reload_keyring **made, char *message, size_t size)
{
    struct keyring *keyring = calloc(1, sizeof *keyring);
    if (!keyring) {
        snprintf(message, size, "out of memory");
        return RELOAD_E_NOMEM;
    }
    keyring->base.ops = &ops;
    keyring->config = config;
    int error = reload_certificate_store(config, &keyring->store);
    if (error)
        snprintf(message, size, "a root certificate in the configuration document is malformed");
    if (!error && !fetch_digests(keyring)) {
        snprintf(message, size, "libcrypto has no SHA-2");
        error = RELOAD_E_CRYPTO;
    }
    if (!error && X509_check_private_key(certificate, key) != 1) {
        snprintf(message, size, "the private key is not that of the certificate");
        error = RELOAD_E_CERTIFICATE;
    }
    if (!error && EVP_PKEY_up_ref(key) == 1)
        keyring->key = key;
    if (!error && X509_up_ref(certificate) == 1)
        keyring->certificate = certificate;
    if (!error)
        error = add_self(keyring, wall_ms, message, size);
    ERR_clear_error();
    if (error) {
        reload_keyring_free(&keyring->base);
        return error;
    }
    *made = &keyring->base;
    return 0;
}

/* Whether |keyring|'s own certificate would do under |config|. */
static int
check_self(const struct keyring *keyring, const struct reload_config *config, X509_STORE *store,
           uint64_t wall_ms)
{
    struct reload_identity identity;
    int error = reload_certificate_identify(keyring->certificate, config, &identity);
    if (!error && is_bad(config, &identity))
        error = RELOAD_E_CERTIFICATE;
    if (!error)
        error =
            reload_certificate_check_chain(keyring->certificate, store, config, &identity, wall_ms);
    ERR_clear_error();
    return error;
}

int
reload_keyring_reconfigure(struct reload_keyring *base, const struct reload_config *config,
                           uint64_t wall_ms)
{
    struct keyring *keyring = keyring_of(base);
    X509_STORE *store;
    int error = reload_certificate_store(config, &store);
    if (error)
        return error;
    error = check_self(keyring, config, store, wall_ms);
    if (error) {
        X509_STORE_free(store);
        return error;
    }
    /* Who was believed by the old trust anchors has to be checked by the new ones. */
    while (keyring->count > 1)
        evict(keyring);
    assert(keyring->oldest == keyring->self && keyring->youngest == keyring->self);
    X509_STORE_free(keyring->store);
    keyring->store = store;
    keyring->config = config;
    return 0;
}

void
reload_keyring_free(struct reload_keyring *base)
{
    if (!base)
        return;
    struct keyring *keyring = keyring_of(base);
    while (keyring->oldest) {
        struct entry *entry = keyring->oldest;
        list_remove(keyring, entry);
        destroy(entry);
    }
    for (size_t i = 0; i <= HASH_SHA512; i++)
        EVP_MD_free(keyring->digests[i]);
    EVP_MD_CTX_free(keyring->context);
    X509_STORE_free(keyring->store);
    X509_free(keyring->certificate);
    EVP_PKEY_free(keyring->key);
    free(keyring);
}

size_t
reload_keyring_cached(const struct reload_keyring *base)
{
    return ((const struct keyring *)base)->count;
}
