/* certificates.h: the certificates of those who signed what is stored here, to be sent with it.
 * RFC 6940 6.3.4: "a peer storing data is obligated to retain certificates for the data that it
 * holds".
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_CERTIFICATES_H
#define RELOAD_CORE_CERTIFICATES_H

#include "reload/core/ordered.h"
#include "reload/keyring.h"

struct reload_env;

struct reload_certificate {
    struct reload_ordered_entry entry; /* its key is |hash| */
    uint8_t hash[32];                  /* SHA-256 of |der| */
    size_t holders;
    uint64_t stamp; /* the answer that it was last put into */
    bool persisted; /* whether it was told to be kept */
    bool restored;  /* one holder is the restoration */
    size_t size;
    uint8_t der[];
};

struct reload_certificates {
    const struct reload_env *env;
    struct reload_ordered set;
    size_t octets;  /* of memory */
    uint64_t stamp; /* of the answer being written */
};

void reload_certificates_init(struct reload_certificates *certificates,
                              const struct reload_env *env);
void reload_certificates_fini(struct reload_certificates *certificates);

/* reload_certificates_hold returns the copy of |identity|'s certificate with one holder more;
 * |priority| is random. NULL when there is no memory. */
struct reload_certificate *reload_certificates_hold(struct reload_certificates *certificates,
                                                    const struct reload_identity *identity,
                                                    uint64_t priority);

/* reload_certificates_drop takes a holder away; the last one frees it. */
void reload_certificates_drop(struct reload_certificates *certificates,
                              struct reload_certificate *certificate);

/* reload_certificates_begin starts a new list of certificates; reload_certificates_list adds
 * |certificate| to it, once, and never |self|, which every message carries anyway. Returns false
 * when there are |capacity| in it already. */
void reload_certificates_begin(struct reload_certificates *certificates);
RELOAD_CHECKED bool reload_certificates_list(struct reload_certificates *certificates,
                                             struct reload_certificate *certificate,
                                             struct reload_bytes self, struct reload_bytes *list,
                                             size_t capacity, size_t *count);

#endif
