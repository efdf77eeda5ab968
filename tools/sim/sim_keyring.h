/* sim_keyring.h: a keyring that costs little: keyed digests in place of signatures, fake
 * certificates in place of X.509. It fails where the real one fails: wrong key, a flipped bit,
 * an unknown or foreign certificate, dates, bad nodes, algorithms that are refused. Digests are
 * real ones. The same inputs always give the same signature.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_KEYRING_H
#define RELOAD_TOOLS_SIM_KEYRING_H

#include "reload/config.h"
#include "tools/sim/sim_certificate.h"

/* A fake signature has the size that one of P-256 has. */
#define SIM_SIGNATURE_SIZE 72

/* So many certificates one node remembers; then it forgets all but its own. */
#define SIM_KEYRING_KNOWN_MAX 4096

struct sim_keyring {
    struct reload_keyring keyring; /* must be first */
    struct sim_certificates *table;
    const struct reload_config *config; /* bad nodes; may be NULL */
    const struct sim_certificate_entry *self;
    uint64_t key;       /* private */
    uint64_t authority; /* the only one that is trusted */
    uint32_t *known;    /* set of entry indices + 1, open addressing */
    size_t known_count, known_slots;
    void *context;
    void *(*allocate)(void *context, void *data, size_t size); /* realloc's contract */
    uint64_t signed_count, verified_count, refused_count;
};

/* sim_keyring_init makes a keyring with private key |key| and |certificate|, which need not fit
 * together (then nobody believes the signatures). It trusts the authority that sealed it. |table|
 * and |config| are borrowed. Returns 0 or RELOAD_E_CERTIFICATE. */
RELOAD_CHECKED int sim_keyring_init(struct sim_keyring *keyring, struct sim_certificates *table,
                                    const struct reload_config *config, uint64_t key,
                                    struct reload_bytes certificate, void *context,
                                    void *(*allocate)(void *context, void *data, size_t size));

/* sim_signature writes the signature of |parts|, in SIM_SIGNATURE_SIZE octets, that the key pair
 * with |public_key| makes: the digest of them under it. For keyrings, and for checkers. */
void sim_signature(uint64_t public_key, const struct reload_bytes *parts, size_t count,
                   uint8_t *signature);

/* sim_keyring_fini frees what |keyring| remembers. */
void sim_keyring_fini(struct sim_keyring *keyring);

#endif
