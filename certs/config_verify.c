/* config_verify.c: signatures of configuration documents. RFC 6940 11.1; I10, D25.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "certs/certificate.h"
#include "certs/config_internal.h"
#include "certs/key.h"

#include "reload/wire/wire.h"

#include <openssl/err.h>


static bool
is_configuration_signer(const struct reload_config *in_force,
                        const struct reload_identity *identity)
{
    for (size_t i = 0; i < in_force->configuration_signer_count; i++)
        if (reload_identity_has(identity, &in_force->configuration_signers[i]))
            return true;
    return false;
}

static const EVP_MD *
digest_of(uint8_t hash_algorithm)
{
    switch (hash_algorithm) {
    case RELOAD_HASH_ALGORITHM_SHA256:
        return EVP_sha256();
    case RELOAD_HASH_ALGORITHM_SHA384:
        return EVP_sha384();
    case RELOAD_HASH_ALGORITHM_SHA512:
        return EVP_sha512();
    default:
        return NULL;
    }
}

/* Whether |identity| of the signature names |der|. */
static bool
names(const struct reload_signer_identity *identity, struct reload_bytes der)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (identity->identity_type != RELOAD_SIGNER_IDENTITY_TYPE_CERT_HASH)
        return false;
    const EVP_MD *md = digest_of(identity->identity.cert_hash.hash_alg);
    return md && EVP_Digest(der.data, der.size, hash, &size, md, NULL) == 1 &&
           reload_bytes_equal(identity->identity.cert_hash.certificate_hash,
                              (struct reload_bytes){hash, size});
}

static bool
verifies(X509 *x509, const struct reload_signature *signature, const struct reload_bytes *parts,
         size_t count)
{
    const EVP_MD *md = digest_of(signature->algorithm.hash);
    EVP_PKEY *key = X509_get0_pubkey(x509);
    if (!md || signature->algorithm.signature != reload_key_signature_algorithm(key))
        return false;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context && EVP_DigestVerifyInit(context, NULL, md, NULL, key) == 1;
    for (size_t i = 0; good && i < count; i++)
        good = EVP_DigestVerifyUpdate(context, parts[i].data, parts[i].size) == 1;
    good = good && EVP_DigestVerifyFinal(context, signature->signature_value.data,
                                         signature->signature_value.size) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

static bool
signed_by(const struct reload_config_document *document, const struct reload_config *in_force,
          X509_STORE *store, const struct reload_signature *signature,
          struct reload_bytes certificate, uint64_t wall_ms)
{
    X509 *x509 = NULL;
    struct reload_identity identity;
    uint8_t data[512];
    struct reload_wire wire = {.node_id_length = in_force->node_id_length};
    struct reload_writer writer = reload_writer_of(data, sizeof data);
    reload_signer_identity_encode(&writer, &wire, &signature->identity);
    struct reload_bytes parts[] = {document->element, reload_writer_written(&writer)};
    if (!names(&signature->identity, certificate) ||
        reload_certificate_parse(certificate, &x509) != 0)
        return false;
    bool good = reload_certificate_identify(x509, in_force, &identity) == 0 &&
                wall_ms >= identity.not_before_ms && wall_ms <= identity.not_after_ms &&
                is_configuration_signer(in_force, &identity) &&
                reload_certificate_check_chain(x509, store, in_force, &identity, wall_ms) == 0 &&
                (verifies(x509, signature, parts, 2) || verifies(x509, signature, parts, 1));
    X509_free(x509);
    return good;
}

static bool
one_verifies(const struct reload_config_document *document, size_t index,
             const struct reload_config *in_force, X509_STORE *store, uint64_t wall_ms)
{
    struct reload_wire wire = {.node_id_length = in_force->node_id_length};
    struct reload_bytes bytes = {document->signatures[index], document->signature_sizes[index]};
    struct reload_reader reader = reload_reader_of(bytes);
    struct reload_security_block block;
    if (reload_security_block_decode(&reader, &wire, &block) != 0 ||
        reload_reader_left(&reader) > 0)
        return false;
    struct reload_reader list = reload_reader_of(block.certificates);
    struct reload_generic_certificate certificate;
    while (reload_generic_certificate_next(&list, &wire, &certificate))
        if (signed_by(document, in_force, store, &block.signature, certificate.certificate,
                      wall_ms))
            return true;
    return false;
}

enum reload_config_trust
reload_config_verify(const struct reload_config *config, const struct reload_config *in_force,
                     uint64_t wall_ms)
{
    const struct reload_config_document *document = (const struct reload_config_document *)config;
    if (document->signature_count == 0)
        return RELOAD_CONFIG_UNSIGNED;
    /* In a comment there could stand the signed bytes, and outside of it what was read. */
    if (document->ambiguous || document->element.size == 0)
        return RELOAD_CONFIG_BAD;
    X509_STORE *store;
    if (reload_certificate_store(in_force, &store) != 0)
        return RELOAD_CONFIG_BAD;
    bool good = false;
    for (size_t i = 0; !good && i < document->signature_count; i++)
        good = one_verifies(document, i, in_force, store, wall_ms);
    X509_STORE_free(store);
    ERR_clear_error();
    return good ? RELOAD_CONFIG_SIGNED : RELOAD_CONFIG_BAD;
}
