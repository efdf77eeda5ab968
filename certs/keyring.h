/* keyring.h: struct reload_keyring on libcrypto: our key, the trust anchors, and a bounded cache of
 * certificates that were parsed and checked once.
 *
 * RFC 6940 6.3.4, 7.1, 11.3; D16. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CERTS_KEYRING_H
#define RELOAD_CERTS_KEYRING_H

#include "reload/config.h"
#include "reload/keyring.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

/* reload_keyring_new makes the keyring of a node with |key| and |certificate| (both borrowed: the
 * keyring takes references) in the overlay of |config|, which must outlive it. The certificate is
 * checked like any other at |wall_ms|. On an error |message| says what and what to do.
 * 0, RELOAD_E_CERTIFICATE, RELOAD_E_EXPIRED, RELOAD_E_CONFIG, RELOAD_E_NOMEM. */
RELOAD_CHECKED int reload_keyring_new(EVP_PKEY *key, X509 *certificate,
                                      const struct reload_config *config, uint64_t wall_ms,
                                      struct reload_keyring **keyring, char *message,
                                      size_t size);

/* reload_keyring_reconfigure makes |keyring| believe by |config|, a new document of the same
 * overlay, which must outlive it: trust anchors and bad nodes. All cached identities but our own
 * end, so call it between turns of the node. Nothing changes on an error. 0, RELOAD_E_CERTIFICATE
 * (our own certificate is not good there), RELOAD_E_CONFIG, RELOAD_E_NOMEM. */
RELOAD_CHECKED int reload_keyring_reconfigure(struct reload_keyring *keyring,
                                              const struct reload_config *config,
                                              uint64_t wall_ms);

/* reload_keyring_free ends |keyring|; NULL is allowed. */
void reload_keyring_free(struct reload_keyring *keyring);

/* reload_keyring_cached returns how many certificates are in the cache. */
size_t reload_keyring_cached(const struct reload_keyring *keyring);

#endif
