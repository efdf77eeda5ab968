/* message.c: whole messages of ours, and the check of those of others.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/message.h"

#include "reload/core/node_internal.h"

#include <assert.h>

#define HASH_SHA256 RELOAD_HASH_ALGORITHM_SHA256

/* ---- identities ----------------------------------------------------------------------------- */

/* cert_hash_node_id's hash: H(NodeId || certificate) (6.3.4). */
static int
hash_node_certificate(struct reload_node *node, uint8_t hash_algorithm,
                      const struct reload_node_id *node_id, struct reload_bytes certificate,
                      uint8_t *digest, size_t *size)
{
    struct reload_bytes parts[] = {reload_node_id_bytes(node_id, node->wire.node_id_length),
                                   certificate};
    return node->keyring->ops->digest(node->keyring, hash_algorithm, parts, 2, digest, size);
}

void
reload_signature_identity(struct reload_node *node, struct reload_writer *writer)
{
    const struct reload_identity *self = node->keyring->ops->self(node->keyring);
    uint8_t digest[RELOAD_DIGEST_MAX];
    struct reload_signer_identity identity = {.identity_type =
                                                  RELOAD_SIGNER_IDENTITY_TYPE_CERT_HASH};
    if (self->node_id_count == 1) {
        identity.identity.cert_hash.hash_alg = HASH_SHA256;
        identity.identity.cert_hash.certificate_hash =
            (struct reload_bytes){self->hash, sizeof self->hash};
    } else {
        size_t size;
        if (hash_node_certificate(node, HASH_SHA256, &node->id, self->certificate, digest, &size) !=
            0) {
            writer->failed = true;
            return;
        }
        identity.identity_type = RELOAD_SIGNER_IDENTITY_TYPE_CERT_HASH_NODE_ID;
        identity.identity.cert_hash_node_id.hash_alg = HASH_SHA256;
        identity.identity.cert_hash_node_id.certificate_node_id_hash =
            (struct reload_bytes){digest, size};
    }
    reload_signer_identity_encode(writer, &node->wire, &identity);
}

static int
signer_by_hash(struct reload_node *node, uint8_t hash_algorithm, struct reload_bytes hash,
               const struct reload_identity **signer, struct reload_node_id *signer_id)
{
    const struct reload_identity *found =
        node->keyring->ops->find(node->keyring, hash_algorithm, hash, reload_node_wall_ms(node));
    /* D15: with several Node-IDs the plain hash does not tell which one signs. */
    if (!found || found->node_id_count != 1)
        return RELOAD_E_CERTIFICATE;
    *signer = found;
    *signer_id = found->node_ids[0];
    return 0;
}

static bool
signs_as(struct reload_node *node, const struct reload_identity *candidate, uint8_t hash_algorithm,
         struct reload_bytes hash, struct reload_node_id *signer_id)
{
    uint8_t digest[RELOAD_DIGEST_MAX];
    size_t size;
    for (size_t i = 0; i < candidate->node_id_count; i++) {
        if (hash_node_certificate(node, hash_algorithm, &candidate->node_ids[i],
                                  candidate->certificate, digest, &size) != 0)
            return false;
        if (reload_bytes_equal(hash, (struct reload_bytes){digest, size})) {
            *signer_id = candidate->node_ids[i];
            return true;
        }
    }
    return false;
}

static int
signer_by_node_hash(struct reload_node *node, uint8_t hash_algorithm, struct reload_bytes hash,
                    struct reload_bytes certificates, const struct reload_identity **signer,
                    struct reload_node_id *signer_id)
{
    struct reload_reader reader = reload_reader_of(certificates);
    struct reload_generic_certificate certificate;
    if (hash_algorithm < HASH_SHA256) /* D16 */
        return RELOAD_E_CERTIFICATE;
    while (reload_generic_certificate_next(&reader, &node->wire, &certificate)) {
        const struct reload_identity *candidate;
        if (certificate.type == RELOAD_CERTIFICATE_TYPE_X509 &&
            node->keyring->ops->add(node->keyring, certificate.certificate,
                                    reload_node_wall_ms(node), &candidate) == 0 &&
            signs_as(node, candidate, hash_algorithm, hash, signer_id)) {
            *signer = candidate;
            return 0;
        }
    }
    return RELOAD_E_CERTIFICATE;
}

int
reload_signature_signer(struct reload_node *node, const struct reload_signer_identity *identity,
                        struct reload_bytes certificates, const struct reload_identity **signer,
                        struct reload_node_id *signer_id)
{
    switch (identity->identity_type) {
    case RELOAD_SIGNER_IDENTITY_TYPE_CERT_HASH:
        return signer_by_hash(node, identity->identity.cert_hash.hash_alg,
                              identity->identity.cert_hash.certificate_hash, signer, signer_id);
    case RELOAD_SIGNER_IDENTITY_TYPE_CERT_HASH_NODE_ID:
        return signer_by_node_hash(node, identity->identity.cert_hash_node_id.hash_alg,
                                   identity->identity.cert_hash_node_id.certificate_node_id_hash,
                                   certificates, signer, signer_id);
    default:
        return RELOAD_E_CERTIFICATE;
    }
}

/* ---- building ------------------------------------------------------------------------------- */

static void
write_certificates(struct reload_node *node, const struct reload_draft *draft,
                   struct reload_writer *writer)
{
    const struct reload_identity *self = node->keyring->ops->self(node->keyring);
    size_t mark = reload_writer_begin(writer, 2);
    struct reload_generic_certificate certificate = {.type = RELOAD_CERTIFICATE_TYPE_X509,
                                                     .certificate = self->certificate};
    reload_generic_certificate_encode(writer, &node->wire, &certificate);
    for (size_t i = 0; i < draft->certificate_count; i++) {
        if (reload_bytes_equal(draft->certificates[i], self->certificate))
            continue;
        certificate.certificate = draft->certificates[i];
        reload_generic_certificate_encode(writer, &node->wire, &certificate);
    }
    reload_writer_end(writer, mark, 2);
}

static int
write_signature(struct reload_node *node, const struct reload_draft *draft,
                struct reload_bytes contents, struct reload_writer *writer)
{
    const struct reload_identity *self = node->keyring->ops->self(node->keyring);
    uint8_t head_data[12];
    struct reload_writer head = reload_writer_of(head_data, sizeof head_data);
    reload_writer_u32(&head, node->config->overlay);
    reload_writer_u64(&head, draft->transaction_id);

    reload_writer_u8(writer, HASH_SHA256);
    reload_writer_u8(writer, self->signature_algorithm);
    size_t begin = writer->size;
    reload_signature_identity(node, writer);
    if (writer->failed)
        return RELOAD_E_TOO_LARGE;
    struct reload_bytes parts[] = {
        reload_writer_written(&head), contents, {writer->data + begin, writer->size - begin}};
    uint8_t signature[RELOAD_SIGNATURE_MAX];
    size_t size = 0;
    int error = node->keyring->ops->sign(node->keyring, parts, 3, signature, &size);
    if (error)
        return error;
    reload_writer_vector(writer, 2, (struct reload_bytes){signature, size});
    return writer->failed ? RELOAD_E_TOO_LARGE : 0;
}

static void
write_header(struct reload_node *node, const struct reload_draft *draft,
             struct reload_writer *writer)
{
    struct reload_forwarding_header header = {
        .relo_token = RELOAD_TOKEN,
        .overlay = node->config->overlay,
        .configuration_sequence = node->config->sequence,
        .version = RELOAD_VERSION,
        .ttl = node->config->initial_ttl,
        .fragment = RELOAD_FRAGMENT_WHOLE,
        .transaction_id = draft->transaction_id,
        .max_response_length = draft->max_response_length,
        .destination_list = draft->destination_list,
        .options = draft->options,
    };
    reload_forwarding_header_encode(writer, &node->wire, &header);
}

static int
write_message(struct reload_node *node, const struct reload_draft *draft,
              struct reload_writer *writer)
{
    write_header(node, draft, writer);
    size_t begin = writer->size;
    struct reload_message_contents contents = {
        .message_code = draft->code, .message_body = draft->body, .extensions = draft->extensions};
    reload_message_contents_encode(writer, &node->wire, &contents);
    size_t end = writer->size;
    write_certificates(node, draft, writer);
    if (writer->failed)
        return RELOAD_E_TOO_LARGE;
    return write_signature(node, draft, (struct reload_bytes){writer->data + begin, end - begin},
                           writer);
}

/* An upper bound of what the message takes, so that small ones get small buffers. */
static size_t
estimate(struct reload_node *node, const struct reload_draft *draft)
{
    const struct reload_identity *self = node->keyring->ops->self(node->keyring);
    size_t size = RELOAD_FRAME_HEADER_SIZE + RELOAD_FORWARDING_HEADER_SIZE_MIN +
                  draft->destination_list.size + draft->options.size + 10 + draft->body.size +
                  draft->extensions.size + 2 + 3 + self->certificate.size + 2 + 3 + 1 + 1 +
                  RELOAD_DIGEST_MAX + 2 + RELOAD_SIGNATURE_MAX;
    for (size_t i = 0; i < draft->certificate_count; i++)
        size += 3 + draft->certificates[i].size;
    return size;
}

int
reload_message_build(struct reload_node *node, const struct reload_draft *draft,
                     struct reload_buffer **buffer)
{
    size_t size = estimate(node, draft);
    size_t limit = RELOAD_FRAME_HEADER_SIZE + (size_t)node->config->max_message_size;
    struct reload_buffer *made = reload_buffer_get(&node->buffers, size < limit ? size : limit);
    if (!made)
        return RELOAD_E_NOMEM;
    size_t capacity = made->capacity < limit ? made->capacity : limit;
    struct reload_writer writer = reload_writer_of(made->data, capacity);
    (void)reload_writer_reserve(&writer, RELOAD_FRAME_HEADER_SIZE);
    int error = write_message(node, draft, &writer);
    if (error) {
        reload_buffer_drop(&node->buffers, made);
        return error;
    }
    made->size = (uint32_t)writer.size;
    struct reload_writer length = reload_writer_of(made->data + RELOAD_FRAME_HEADER_SIZE + 16, 4);
    reload_writer_u32(&length, made->size - RELOAD_FRAME_HEADER_SIZE);
    *buffer = made;
    return 0;
}

/* ---- checking ------------------------------------------------------------------------------- */

/* Puts the bucket's certificates into the keyring's cache. One that is not acceptable does not
 * matter unless it is needed, then it will be missing. */
static int
add_certificates(struct reload_node *node, struct reload_bytes certificates)
{
    struct reload_reader reader = reload_reader_of(certificates);
    struct reload_generic_certificate certificate;
    size_t count = 0;
    uint64_t wall_ms = reload_node_wall_ms(node);
    while (reload_generic_certificate_next(&reader, &node->wire, &certificate)) {
        const struct reload_identity *identity;
        if (++count > RELOAD_CERTIFICATES_MAX + 1)
            return RELOAD_E_CERTIFICATE;
        if (certificate.type == RELOAD_CERTIFICATE_TYPE_X509)
            (void)node->keyring->ops->add(node->keyring, certificate.certificate, wall_ms,
                                          &identity);
    }
    return 0;
}

int
reload_message_verify(struct reload_node *node, const struct reload_message *message,
                      const struct reload_identity **signer, struct reload_node_id *signer_id)
{
    const struct reload_signature *signature = &message->security.signature;
    int error = add_certificates(node, message->security.certificates);
    if (!error)
        error = reload_signature_signer(node, &signature->identity, message->security.certificates,
                                        signer, signer_id);
    if (error)
        return error;
    uint8_t head[RELOAD_MESSAGE_SIGNED_HEAD_SIZE];
    struct reload_bytes parts[RELOAD_MESSAGE_SIGNED_PARTS];
    reload_message_signed_parts(message, head, parts);
    return node->keyring->ops->verify(node->keyring, *signer, signature->algorithm.hash,
                                      signature->algorithm.signature, parts,
                                      RELOAD_MESSAGE_SIGNED_PARTS, signature->signature_value);
}
