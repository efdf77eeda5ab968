/* signature.h: what a signature says, by a certificate alone, without a keyring: whether it names
 * the certificate and whether it holds. RFC 6940 6.3.4.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CERTS_SIGNATURE_H
#define RELOAD_CERTS_SIGNATURE_H

#include "reload/wire/wire.h"

#include <openssl/evp.h>

/* reload_signature_hash_fits tells whether |hash| is the digest by |algorithm| (HashAlgorithm:
 * SHA-256, SHA-384 or SHA-512, the others are broken) of |node_id| (may be empty) followed by the
 * certificate |der|. */
bool reload_signature_hash_fits(uint8_t algorithm, struct reload_bytes hash,
                                struct reload_bytes node_id, struct reload_bytes der);

/* reload_signature_fits tells whether |signature| over |count| |parts|, one after the other, is
 * that of |key|, by the algorithms that it names. */
bool reload_signature_fits(const struct reload_signature *signature, EVP_PKEY *key,
                           const struct reload_bytes *parts, size_t count);

#endif
