/* keyring_fixture.c: a keyring under a root certificate, and certificates of others.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/certs/keyring_fixture.h"

void
fixture_begin(struct keyring_fixture *fixture)
{
    fixture->root = pki_root(pki_key(1), "CA");
    pki_config(&fixture->config, fixture->root);
    fixture->keyring = pki_keyring(&fixture->config, pki_key(1), fixture->root);
}

void
fixture_end(struct keyring_fixture *fixture)
{
    reload_keyring_free(fixture->keyring);
    X509_free(fixture->root);
}

struct reload_bytes
fixture_issue(const struct keyring_fixture *fixture, EVP_PKEY *key, const char *uri)
{
    X509 *x509 = pki_make(&(struct pki_spec){
        .key = key,
        .issuer_key = pki_key(1),
        .issuer = fixture->root,
        .names = {{GEN_URI, uri ? uri : PKI_URI_B, 0}, {GEN_EMAIL, "bob@dht.example.com", 0}}});
    struct reload_bytes der = pki_der(x509);
    X509_free(x509);
    return der;
}
