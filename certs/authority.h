/* authority.h: a certification authority for an overlay: its root, and certificates for nodes.
 * RFC 6940 11.3; I2, I9, D25.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CERTS_AUTHORITY_H
#define RELOAD_CERTS_AUTHORITY_H

#include "reload/base/bytes.h"
#include "reload/base/error.h"
#include "reload/keyring.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#define RELOAD_CSR_SIZE_MAX 16384

/* reload_authority_root makes the self-signed root certificate of |key| for |overlay|, valid from
 * an hour before |wall_ms| for |days|. Freed by X509_free. 0 or RELOAD_E_CRYPTO. */
RELOAD_CHECKED int reload_authority_root(EVP_PKEY *key, const char *overlay, uint64_t wall_ms,
                                         unsigned days, X509 **root);

/* reload_authority_server makes a certificate for an HTTPS server of |host| (a name or an address
 * literal) and of the name |overlay|, signed by |root|'s |root_key|. 0 or RELOAD_E_CRYPTO. */
RELOAD_CHECKED int reload_authority_server(EVP_PKEY *root_key, X509 *root, EVP_PKEY *key,
                                           const char *host, const char *overlay,
                                           uint64_t wall_ms, unsigned days, X509 **server);

/* What a CSR asks for. */
struct reload_csr {
    X509_REQ *request;
    EVP_PKEY *key;                            /* belongs to |request| */
    char user_name[RELOAD_USER_NAME_MAX + 1]; /* of its rfc822Name; empty when there is none */
};

/* reload_csr_parse reads and checks a PKCS#10 request in DER: signed by its own strong key, nothing
 * behind it, at most one rfc822Name. 0, RELOAD_E_CERTIFICATE, or RELOAD_E_FORBIDDEN for a name that
 * nobody can have (too long, or with a NUL); ended by reload_csr_fini. */
RELOAD_CHECKED int reload_csr_parse(struct reload_bytes der, struct reload_csr *csr);
void reload_csr_fini(struct reload_csr *csr);

/* reload_csr_make writes a request for |user_name| (NULL: none in it) signed by |key| as DER into
 * |*der|, to be freed by OPENSSL_free. 0 or RELOAD_E_CRYPTO. */
RELOAD_CHECKED int reload_csr_make(EVP_PKEY *key, const char *user_name, uint8_t **der,
                                   size_t *size);

/* reload_csr_key_digest writes the SHA-256 of |key|'s SubjectPublicKeyInfo into |digest| (32
 * octets), by which an enrolment server knows a key again (D30). 0 or RELOAD_E_CRYPTO. */
RELOAD_CHECKED int reload_csr_key_digest(const EVP_PKEY *key, uint8_t *digest);

/* reload_authority_issue makes a node's certificate for |key|: |node_ids| (|node_id_length| octets
 * of each count) and |user_name| in a critical SubjectAltName, an empty subject, a random serial
 * number, valid from an hour before |wall_ms| for |days| but not longer than |root|.
 * 0, RELOAD_E_USAGE (a user name no certificate may have), RELOAD_E_CRYPTO. */
RELOAD_CHECKED int reload_authority_issue(EVP_PKEY *root_key, X509 *root, EVP_PKEY *key,
                                          const struct reload_node_id *node_ids,
                                          size_t node_id_count, uint8_t node_id_length,
                                          const char *user_name, const char *overlay,
                                          uint64_t wall_ms, unsigned days, X509 **certificate);

/* reload_user_name_is_legal tells whether |name| may stand in a certificate: printable ASCII
 * without blanks, one '@' inside, at most RELOAD_USER_NAME_MAX octets (E3). */
bool reload_user_name_is_legal(struct reload_bytes name);

#endif
