/* certificate.h: certificates of nodes: what they must say, and who must have signed them.
 * RFC 6940 11.3, 11.3.1.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CERTS_CERTIFICATE_H
#define RELOAD_CERTS_CERTIFICATE_H

#include "reload/config.h"
#include "reload/keyring.h"

#include <openssl/x509.h>

#define RELOAD_CERTIFICATE_SIZE_MAX 8192

/* reload_certificate_parse reads |der| (nothing may follow it) into |*x509|, to be freed by
 * X509_free. 0 or RELOAD_E_CERTIFICATE. */
RELOAD_CHECKED int reload_certificate_parse(struct reload_bytes der, X509 **x509);

/* reload_certificate_read_pem reads the first certificate in the PEM file |path|. On an error
 * |message| says what, where and what to do. 0, RELOAD_E_IO, RELOAD_E_CONFIG. */
RELOAD_CHECKED int reload_certificate_read_pem(const char *path, X509 **x509, char *message,
                                               size_t size);

/* reload_certificate_check_key checks that |key|, read from the file |key_path|, is the private key
 * of |x509|, read from |path|. If not, |message| names both and says what to do.
 * 0 or RELOAD_E_CERTIFICATE. */
RELOAD_CHECKED int reload_certificate_check_key(X509 *x509, const char *path, EVP_PKEY *key,
                                                const char *key_path, char *message, size_t size);

/* reload_certificate_identify reads what |x509| says of its owner into |identity| (all but
 * |certificate| and |hash|): an empty subject (11.3), the Node-IDs, one rfc822Name, nothing else;
 * dates; a strong key. 0 or RELOAD_E_CERTIFICATE. */
RELOAD_CHECKED int reload_certificate_identify(X509 *x509, const struct reload_config *config,
                                               struct reload_identity *identity);

/* reload_certificate_flaw says in words for people why reload_certificate_identify refuses |x509|;
 * static text, NULL if it does not. */
const char *reload_certificate_flaw(X509 *x509, const struct reload_config *config);

/* reload_certificate_store makes the store of |config|'s root certificates, to be freed by
 * X509_STORE_free. 0, RELOAD_E_CONFIG (one is malformed), RELOAD_E_NOMEM. */
RELOAD_CHECKED int reload_certificate_store(const struct reload_config *config, X509_STORE **store);

/* reload_certificate_check_chain checks that |x509| was issued by a trust anchor in |store|
 * (BasicConstraints, keyUsage, path length), or, where |config| permits, is self-signed with
 * Node-IDs that are digests of its key. Dates are those of the anchors only at |wall_ms|; the
 * certificate's own are checked by the caller. 0 or RELOAD_E_CERTIFICATE. */
RELOAD_CHECKED int reload_certificate_check_chain(X509 *x509, X509_STORE *store,
                                                  const struct reload_config *config,
                                                  const struct reload_identity *identity,
                                                  uint64_t wall_ms);

#endif
