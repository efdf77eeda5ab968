/* keyring.h: who we are and whom we believe: signing, verifying, and a cache of certificates that
 * were parsed and checked once.
 *
 * The core and run/ use it; certs/ implements it on libcrypto, the simulator with fast keyed
 * digests that fail in the same ways. RFC 6940 6.3.4, 7.1, 11.3.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_KEYRING_H
#define RELOAD_KEYRING_H

#include "reload/base/bytes.h"
#include "reload/base/error.h"
#include "reload/base/writer.h"
#include "reload/wire/node_id.h"

#define RELOAD_IDENTITY_NODE_IDS_MAX 8
#define RELOAD_USER_NAME_MAX 255
#define RELOAD_SIGNATURE_MAX 512
#define RELOAD_DIGEST_MAX 64

/* A certificate that was parsed and whose chain was checked. It belongs to the keyring and stays
 * valid until the current turn of the node ends (the cache may then evict it); copy what must
 * last. |hash| is the SHA-256 of the DER bytes. */
struct reload_identity {
    struct reload_bytes certificate; /* DER */
    uint8_t hash[32];
    struct reload_node_id node_ids[RELOAD_IDENTITY_NODE_IDS_MAX];
    size_t node_id_count;                     /* 1..RELOAD_IDENTITY_NODE_IDS_MAX */
    char user_name[RELOAD_USER_NAME_MAX + 1]; /* rfc822Name, as in the certificate */
    uint64_t not_before_ms, not_after_ms;     /* wall clock */
    uint8_t signature_algorithm;              /* TLS SignatureAlgorithm: rsa 1, ecdsa 3 */
};

struct reload_keyring;
struct ssl_ctx_st;
struct ssl_st;

struct reload_keyring_ops {
    /* Our own identity; valid as long as the keyring. */
    const struct reload_identity *(*self)(struct reload_keyring *keyring);

    /* Parses |certificate| (DER), checks its chain to the overlay's trust anchors, its dates
     * against |wall_ms|, its Node-IDs and name (11.3), the bad-node list; caches it. A certificate
     * already cached is only checked against dates and the bad-node list.
     * RELOAD_E_CERTIFICATE, RELOAD_E_EXPIRED, RELOAD_E_NOMEM. */
    int (*add)(struct reload_keyring *keyring, struct reload_bytes certificate, uint64_t wall_ms,
               const struct reload_identity **identity);

    /* Finds a cached identity by the hash of its certificate (|hash_algorithm| is a TLS
     * HashAlgorithm: sha256 4, sha384 5, sha512 6); NULL when there is none, or when it is not
     * valid at |wall_ms|. */
    const struct reload_identity *(*find)(struct reload_keyring *keyring, uint8_t hash_algorithm,
                                          struct reload_bytes hash, uint64_t wall_ms);

    /* Signs the concatenation of |parts| with our own key and SHA-256. Writes the signature's
     * bytes into |signature|, of RELOAD_SIGNATURE_MAX bytes, and its length. RELOAD_E_CRYPTO. */
    int (*sign)(struct reload_keyring *keyring, const struct reload_bytes *parts, size_t count,
                uint8_t *signature, size_t *size);

    /* Verifies |signature| over the concatenation of |parts|. Weak or mismatched algorithms are
     * refused (D16). 0 or RELOAD_E_SIGNATURE. */
    int (*verify)(struct reload_keyring *keyring, const struct reload_identity *identity,
                  uint8_t hash_algorithm, uint8_t signature_algorithm,
                  const struct reload_bytes *parts, size_t count, struct reload_bytes signature);

    /* Digests the concatenation of |parts| with TLS HashAlgorithm |hash_algorithm| (sha1 2,
     * sha256 4, ...) into |digest|, of RELOAD_DIGEST_MAX bytes. 0, RELOAD_E_USAGE, _CRYPTO. */
    int (*digest)(struct reload_keyring *keyring, uint8_t hash_algorithm,
                  const struct reload_bytes *parts, size_t count, uint8_t *digest, size_t *size);

    /* Prepares an OpenSSL context (TLS or DTLS) with our key and certificate, the trust anchors
     * and mandatory verification of the peer's certificate. NULL in the simulator's keyring. */
    int (*tls_configure)(struct reload_keyring *keyring, struct ssl_ctx_st *context);

    /* After a handshake on |ssl|: the peer's identity, added as by |add|. NULL in the
     * simulator's keyring. */
    int (*tls_peer)(struct reload_keyring *keyring, struct ssl_st *ssl, uint64_t wall_ms,
                    const struct reload_identity **identity);
};

/* The implementation's struct begins with this one. */
struct reload_keyring {
    const struct reload_keyring_ops *ops;
};

/* reload_identity_has tells whether |node_id| is one of |identity|'s Node-IDs. */
static inline bool
reload_identity_has(const struct reload_identity *identity, const struct reload_node_id *node_id)
{
    for (size_t i = 0; i < identity->node_id_count; i++)
        if (memcmp(&identity->node_ids[i], node_id, sizeof *node_id) == 0)
            return true;
    return false;
}

#endif
