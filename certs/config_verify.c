/* config_verify.c: signatures of configuration documents. RFC 6940 11.1; I10, D25.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "certs/certificate.h"
#include "certs/config_internal.h"
#include "certs/signature.h"

#include "reload/wire/wire.h"

#include <assert.h>
#include <openssl/err.h>

#define CERTIFICATES_MAX 16 /* looked at in one signature */

/* What is checked: |bytes|, by one of |signers| of the configuration |in_force|. */
struct claim {
    struct reload_bytes bytes;
    const struct reload_config *in_force;
    const struct reload_node_id *signers;
    size_t signer_count;
    X509_STORE *store;
    uint64_t wall_ms;
    struct reload_wire wire;
};

/* Whether |name| of the signature is the certificate |der| of |owner|, signing as a signer (6.3.4:
 * by the hash of the certificate when it has one Node-ID, else with the Node-ID in front). */
static bool
names_signer(const struct claim *claim, const struct reload_signer_identity *name,
             const struct reload_identity *owner, struct reload_bytes der)
{
    for (size_t i = 0; i < claim->signer_count; i++) {
        if (!reload_identity_has(owner, &claim->signers[i]))
            continue;
        if (name->identity_type == RELOAD_SIGNER_IDENTITY_TYPE_CERT_HASH &&
            owner->node_id_count == 1 &&
            reload_signature_hash_fits(name->identity.cert_hash.hash_alg,
                                       name->identity.cert_hash.certificate_hash,
                                       (struct reload_bytes){NULL, 0}, der))
            return true;
        if (name->identity_type == RELOAD_SIGNER_IDENTITY_TYPE_CERT_HASH_NODE_ID &&
            reload_signature_hash_fits(
                name->identity.cert_hash_node_id.hash_alg,
                name->identity.cert_hash_node_id.certificate_node_id_hash,
                reload_node_id_bytes(&claim->signers[i], claim->wire.node_id_length), der))
            return true;
    }
    return false;
}

static bool
is_bad_node(const struct reload_config *in_force, const struct reload_identity *identity)
{
    for (size_t i = 0; i < in_force->bad_node_count; i++)
        if (reload_identity_has(identity, &in_force->bad_nodes[i]))
            return true;
    return false;
}

static bool
signed_by(const struct claim *claim, const struct reload_signature *signature,
          struct reload_bytes certificate)
{
    X509 *x509 = NULL;
    struct reload_identity owner;
    uint8_t data[512];
    struct reload_writer writer = reload_writer_of(data, sizeof data);
    reload_signer_identity_encode(&writer, &claim->wire, &signature->identity);
    struct reload_bytes parts[] = {claim->bytes, reload_writer_written(&writer)};
    if (writer.failed || reload_certificate_parse(certificate, &x509) != 0)
        return false;
    EVP_PKEY *key = X509_get0_pubkey(x509);
    bool good = reload_certificate_identify(x509, claim->in_force, &owner) == 0 &&
                claim->wall_ms >= owner.not_before_ms && claim->wall_ms <= owner.not_after_ms &&
                names_signer(claim, &signature->identity, &owner, certificate) &&
                !is_bad_node(claim->in_force, &owner) &&
                reload_certificate_check_chain(x509, claim->store, claim->in_force, &owner,
                                               claim->wall_ms) == 0 &&
                (reload_signature_fits(signature, key, parts, 2) ||
                 reload_signature_fits(signature, key, parts, 1));
    X509_free(x509);
    return good;
}

/* Whether |signature| holds, by a certificate in it or in one of |others|. */
static bool
holds(const struct claim *claim, const struct reload_config_signature *signature,
      const struct reload_config_signature *others, size_t other_count)
{
    struct reload_reader reader =
        reload_reader_of((struct reload_bytes){signature->block, signature->size});
    struct reload_security_block block, source;
    if (reload_security_block_decode(&reader, &claim->wire, &block) != 0 ||
        reload_reader_left(&reader) > 0)
        return false;
    for (size_t i = 0; i <= other_count; i++) {
        const struct reload_config_signature *from = i == 0 ? signature : &others[i - 1];
        reader = reload_reader_of((struct reload_bytes){from->block, from->size});
        if (reload_security_block_decode(&reader, &claim->wire, &source) != 0)
            continue;
        struct reload_reader list = reload_reader_of(source.certificates);
        struct reload_generic_certificate certificate;
        for (size_t n = 0; n < CERTIFICATES_MAX; n++) {
            if (!reload_generic_certificate_next(&list, &claim->wire, &certificate))
                break;
            if (certificate.type == RELOAD_CERTIFICATE_TYPE_X509 &&
                signed_by(claim, &block.signature, certificate.certificate))
                return true;
        }
    }
    return false;
}

static bool
begin(struct claim *claim, const struct reload_config *in_force, struct reload_bytes bytes,
      uint64_t wall_ms)
{
    *claim = (struct claim){.bytes = bytes,
                            .in_force = in_force,
                            .wall_ms = wall_ms,
                            .wire = {.node_id_length = in_force->node_id_length}};
    return bytes.size > 0 && reload_certificate_store(in_force, &claim->store) == 0;
}

enum reload_config_trust
reload_config_verify(const struct reload_config *config, const struct reload_config *in_force,
                     uint64_t wall_ms)
{
    const struct reload_config_document *document = (const struct reload_config_document *)config;
    struct claim claim;
    if (document->signature_count == 0)
        return RELOAD_CONFIG_UNSIGNED;
    if (!begin(&claim, in_force, document->element, wall_ms))
        return RELOAD_CONFIG_BAD;
    claim.signers = in_force->configuration_signers;
    claim.signer_count = in_force->configuration_signer_count;
    bool good = false;
    for (size_t i = 0; !good && i < document->signature_count; i++)
        good = holds(&claim, &document->signatures[i], NULL, 0);
    X509_STORE_free(claim.store);
    ERR_clear_error();
    return good ? RELOAD_CONFIG_SIGNED : RELOAD_CONFIG_BAD;
}

enum reload_config_trust
reload_config_verify_kind(const struct reload_config *config, size_t index,
                          const struct reload_config *in_force, uint64_t wall_ms)
{
    const struct reload_config_document *document = (const struct reload_config_document *)config;
    struct claim claim;
    assert(index < config->kind_count);
    if (!document->kind_signatures[index].block)
        return RELOAD_CONFIG_UNSIGNED;
    if (!begin(&claim, in_force, config->kinds[index].block, wall_ms))
        return RELOAD_CONFIG_BAD;
    claim.signers = in_force->kind_signers;
    claim.signer_count = in_force->kind_signer_count;
    bool good = holds(&claim, &document->kind_signatures[index], document->signatures,
                      document->signature_count);
    X509_STORE_free(claim.store);
    ERR_clear_error();
    return good ? RELOAD_CONFIG_SIGNED : RELOAD_CONFIG_BAD;
}

bool
reload_config_kinds_hold(const struct reload_config *config, const struct reload_config *in_force,
                         uint64_t wall_ms, uint32_t *kind)
{
    for (size_t i = 0; i < config->kind_count; i++)
        if (reload_config_verify_kind(config, i, in_force, wall_ms) == RELOAD_CONFIG_BAD) {
            *kind = config->kinds[i].kind;
            return false;
        }
    return true;
}
