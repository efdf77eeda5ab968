/* fuzz_certificate.c: certificates and signing requests of any octets.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "certs/authority.h"
#include "certs/certificate.h"
#include "tests/fuzz/structure.h"

#include <openssl/err.h>
#include <stdlib.h>

#define WALL_MS UINT64_C(1800000000000)

/* What is believed obeys what reload/keyring.h says of identities. */
static void
check_identity(const struct reload_identity *identity)
{
    if (identity->node_id_count < 1 || identity->node_id_count > RELOAD_IDENTITY_NODE_IDS_MAX ||
        !identity->user_name[0] || identity->user_name[RELOAD_USER_NAME_MAX])
        abort();
    for (size_t i = 0; i < identity->node_id_count; i++)
        if (reload_node_id_is_zero(&identity->node_ids[i]) ||
            reload_node_id_is_wildcard(&identity->node_ids[i], 16))
            abort();
}

static void
try_certificate(struct reload_bytes bytes)
{
    static const char *const names[] = {"overlay.example.org", "test.link"};
    X509 *x509;
    if (reload_certificate_parse(bytes, &x509) != 0)
        return;
    for (size_t i = 0; i < 2; i++) {
        struct reload_config config = {.node_id_length = 16,
                                       .self_signed_permitted = true,
                                       .self_signed_digest = 4,
                                       .root_certs = {bytes},
                                       .root_cert_count = 1};
        struct reload_identity identity;
        X509_STORE *store;
        strcpy(config.instance_name, names[i]);
        if (reload_certificate_identify(x509, &config, &identity) != 0)
            continue;
        check_identity(&identity);
        if (reload_certificate_store(&config, &store) != 0)
            continue;
        reload_ignore(reload_certificate_check_chain(x509, store, &config, &identity, WALL_MS));
        X509_STORE_free(store);
    }
    X509_free(x509);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reload_bytes bytes = {data, size};
    struct reload_csr csr;
    try_certificate(bytes);
    if (reload_csr_parse(bytes, &csr) == 0)
        reload_csr_fini(&csr);
    ERR_clear_error();
    return 0;
}
