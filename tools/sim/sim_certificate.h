/* sim_certificate.h: certificates of the simulator: small blobs that say what an X.509 certificate
 * of RELOAD says (RFC 6940 11.3), sealed by an authority, and a table of those that were parsed,
 * shared by all nodes of a process.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_CERTIFICATE_H
#define RELOAD_TOOLS_SIM_CERTIFICATE_H

#include "reload/keyring.h"

/* What a certificate says. |authority| sealed it; |public_key| is sim_key_public of the key. */
struct sim_certificate {
    uint64_t authority;
    uint64_t serial;
    uint64_t public_key;
    uint64_t not_before_ms, not_after_ms; /* wall clock */
    struct reload_node_id node_ids[RELOAD_IDENTITY_NODE_IDS_MAX];
    size_t node_id_count;
    char user_name[RELOAD_USER_NAME_MAX + 1];
    uint8_t signature_algorithm; /* TLS SignatureAlgorithm: rsa 1, ecdsa 3 */
};

/* An encoded certificate never exceeds this. It is padded to the size that one of P-256 has. */
#define SIM_CERTIFICATE_SIZE_MAX 768
#define SIM_CERTIFICATE_SIZE_MIN 448

/* sim_key_public returns the public key that belongs to private key |key|. */
uint64_t sim_key_public(uint64_t key);

/* sim_certificate_encode writes |certificate| with its authority's seal into |data|, of
 * SIM_CERTIFICATE_SIZE_MAX bytes. Returns its size. */
size_t sim_certificate_encode(const struct sim_certificate *certificate, uint8_t *data);

/* sim_certificate_decode parses |bytes| and checks the seal, not who the authority is. Returns 0 or
 * RELOAD_E_CERTIFICATE. */
RELOAD_CHECKED int sim_certificate_decode(struct reload_bytes bytes,
                                          struct sim_certificate *certificate);

/* A certificate that was parsed. It lives as long as the table. */
struct sim_certificate_entry {
    struct reload_identity identity; /* what keyrings hand out */
    uint64_t authority, public_key;
    uint32_t index; /* place in the table */
    uint8_t sha384[48], sha512[64];
    uint64_t fingerprint;
};

struct sim_certificates;

/* sim_certificates_new makes an empty table; sim_certificates_free ends it and all entries. */
struct sim_certificates *sim_certificates_new(void);
void sim_certificates_free(struct sim_certificates *table);

/* sim_certificates_add returns the entry of |bytes|, parsed now or before; NULL when they are not a
 * certificate with a true seal. */
const struct sim_certificate_entry *sim_certificates_add(struct sim_certificates *table,
                                                         struct reload_bytes bytes);

/* sim_certificates_find returns the entry whose hash by TLS HashAlgorithm |algorithm| (4, 5 or 6)
 * is |hash|; NULL when there is none. */
const struct sim_certificate_entry *
sim_certificates_find(struct sim_certificates *table, uint8_t algorithm, struct reload_bytes hash);

/* sim_certificates_digest is reload_keyring_ops' |digest|. */
RELOAD_CHECKED int sim_certificates_digest(struct sim_certificates *table, uint8_t algorithm,
                                           const struct reload_bytes *parts, size_t count,
                                           uint8_t *digest, size_t *size);

#endif
