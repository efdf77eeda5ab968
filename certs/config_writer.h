/* config_writer.h: configuration documents, written and signed. RFC 6940 11.1.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CERTS_CONFIG_WRITER_H
#define RELOAD_CERTS_CONFIG_WRITER_H

#include "reload/base/error.h"
#include "reload/config.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

/* reload_config_write writes |config| as a document, signed by |signer_key| whose |signer|
 * certificate goes into the signature (NULL: unsigned), into |*document|, to be freed by free().
 * Registered Kinds are written by name; each kind-block is signed like the whole. 0,
 * RELOAD_E_NOMEM, RELOAD_E_CRYPTO. */
RELOAD_CHECKED int reload_config_write(const struct reload_config *config, EVP_PKEY *signer_key,
                                       X509 *signer, uint8_t **document, size_t *size);

#endif
