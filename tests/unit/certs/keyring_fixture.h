/* keyring_fixture.h: a keyring under a root certificate, and certificates of others.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_UNIT_CERTS_KEYRING_FIXTURE_H
#define TESTS_UNIT_CERTS_KEYRING_FIXTURE_H

#include "certs/keyring.h"
#include "tests/unit/certs/pki.h"

/* What fixture_begin makes and fixture_end frees. */
struct keyring_fixture {
    struct reload_config config;
    X509 *root; /* of pki_key(1) */
    struct reload_keyring *keyring;
};

void fixture_begin(struct keyring_fixture *fixture);
void fixture_end(struct keyring_fixture *fixture);

/* fixture_issue returns bob's certificate of |key| for |uri| (NULL: PKI_URI_B) by the root. */
struct reload_bytes fixture_issue(const struct keyring_fixture *fixture, EVP_PKEY *key,
                                  const char *uri);

#endif
