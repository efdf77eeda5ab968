/* vectors_signature_test.c: the signatures of the vectors verify, and no longer when an octet that
 * they cover changes.
 *
 * RFC 6940 6.3.4, 7.1; I1, I2. SPDX-License-Identifier: BSD-2-Clause */
#include "certs/certificate.h"
#include "certs/keyring.h"
#include "reload/core/value.h"
#include "reload/wire/wire.h"
#include "tests/suite.h"
#include "tests/unit/certs/pki.h"
#include "tests/unit/wire/vectors.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

static const struct reload_wire wire = {.node_id_length = 16};
static const uint8_t resource_octets[] = {0x0c, 0x51, 0xa9, 0x42, 0xf5, 0x0c, 0x82, 0x8a,
                                          0xef, 0x82, 0xa5, 0xaf, 0x83, 0xe8, 0xed, 0x59};
static const struct reload_bytes resource = {resource_octets, sizeof resource_octets};
static struct reload_config config;
static struct reload_keyring *keyring;

static const struct vector *
vector_of(const char *name)
{
    for (size_t i = 0; i < vector_count; i++)
        if (strcmp(vectors[i].name, name) == 0)
            return &vectors[i];
    ck_abort_msg("no vector %s", name);
}

static struct reload_message
message_of(const struct vector *vector)
{
    struct reload_message message;
    struct reload_bytes bytes = {vector->octets, vector->size};
    ck_assert_int_eq(reload_message_decode(bytes, &wire, &message), 0);
    return message;
}

static struct reload_bytes
certificate_of(const struct reload_message *message)
{
    struct reload_reader list = reload_reader_of(message->security.certificates);
    struct reload_generic_certificate certificate;
    ck_assert(reload_generic_certificate_next(&list, &wire, &certificate));
    return certificate.certificate;
}

/* The keyring of somebody in the vectors' overlay, whose trust anchors are its own root and the
 * self-signed certificate of the vectors. */
static void
begin(void)
{
    X509 *root = pki_root(pki_key(1), "CA");
    struct reload_message message = message_of(vector_of("ping_req"));
    pki_config(&config, root);
    config.root_certs[config.root_cert_count++] = certificate_of(&message);
    keyring = pki_keyring(&config, pki_key(1), root);
    X509_free(root);
}

static void
end(void)
{
    reload_keyring_free(keyring);
}

static const struct reload_identity *
signer_of(const struct reload_message *message)
{
    const struct reload_identity *identity = NULL;
    ck_assert_int_eq(keyring->ops->add(keyring, certificate_of(message), PKI_NOW, &identity), 0);
    return identity;
}

static int
verify(const struct reload_message *message, const struct reload_identity *signer)
{
    const struct reload_signature *signature = &message->security.signature;
    uint8_t head[RELOAD_MESSAGE_SIGNED_HEAD_SIZE];
    struct reload_bytes parts[RELOAD_MESSAGE_SIGNED_PARTS];
    reload_message_signed_parts(message, head, parts);
    return keyring->ops->verify(keyring, signer, signature->algorithm.hash,
                                signature->algorithm.signature, parts, RELOAD_MESSAGE_SIGNED_PARTS,
                                signature->signature_value);
}

/* The errors and one Ping of the vectors are not signed. */
static bool
is_signed_rsa(const struct vector *vector)
{
    if (vector->structure[0] || strcmp(vector->name, "ping_req_ecdsa") == 0)
        return false;
    struct reload_message message = message_of(vector);
    return message.security.signature.identity.identity_type != RELOAD_SIGNER_IDENTITY_TYPE_NONE;
}

/* The certificate's hash, or that of Node-ID and certificate, is what SignerIdentity says. */
static void
expect_named(const struct reload_message *message, const struct reload_identity *signer)
{
    const struct reload_signer_identity *name = &message->security.signature.identity;
    struct reload_bytes parts[] = {reload_node_id_bytes(&signer->node_ids[0], 16),
                                   signer->certificate};
    uint8_t digest[RELOAD_DIGEST_MAX];
    size_t size;
    if (name->identity_type == RELOAD_SIGNER_IDENTITY_TYPE_CERT_HASH) {
        ck_assert_ptr_eq(keyring->ops->find(keyring, name->identity.cert_hash.hash_alg,
                                            name->identity.cert_hash.certificate_hash, PKI_NOW),
                         signer);
        return;
    }
    ck_assert_uint_eq(name->identity_type, RELOAD_SIGNER_IDENTITY_TYPE_CERT_HASH_NODE_ID);
    ck_assert_int_eq(keyring->ops->digest(keyring, name->identity.cert_hash_node_id.hash_alg, parts,
                                          2, digest, &size),
                     0);
    ck_assert(reload_bytes_equal(name->identity.cert_hash_node_id.certificate_node_id_hash,
                                 (struct reload_bytes){digest, size}));
}

/* RFC6940-6.3.4-10, -11 */
START_TEST(messages)
{
    size_t count = 0;
    begin();
    for (size_t i = 0; i < vector_count; i++) {
        if (!is_signed_rsa(&vectors[i]))
            continue;
        struct reload_message message = message_of(&vectors[i]);
        const struct reload_identity *signer = signer_of(&message);
        ck_assert_str_eq(signer->user_name, "alice@dht.example.com");
        ck_assert_uint_eq(signer->node_ids[0].octets[15], 0xaf);
        ck_assert_msg(verify(&message, signer) == 0, "%s", vectors[i].name);
        expect_named(&message, signer);
        count++;
    }
    ck_assert_uint_eq(count, 35);
    end();
}
END_TEST

/* C1, C7: each octet that the signature covers, and those of the signature. */
START_TEST(changed_messages)
{
    begin();
    const struct vector *vector = vector_of("ping_req");
    const struct reload_message good = message_of(vector);
    const struct reload_identity *signer = signer_of(&good);
    struct reload_bytes covered[] = {{vector->octets + 4, 4},  /* overlay */
                                     {vector->octets + 20, 8}, /* transaction_id */
                                     good.contents_bytes,
                                     good.signer_identity_bytes,
                                     good.security.signature.signature_value};
    ck_assert_int_eq(verify(&good, signer), 0);
    for (size_t c = 0; c < sizeof covered / sizeof *covered; c++)
        for (size_t i = 0; i < covered[c].size; i++) {
            uint8_t copy[4096];
            struct reload_message message;
            ck_assert_uint_le(vector->size, sizeof copy);
            memcpy(copy, vector->octets, vector->size);
            copy[(size_t)(covered[c].data - vector->octets) + i] ^= 0x01;
            if (reload_message_decode((struct reload_bytes){copy, vector->size}, &wire, &message) ==
                0)
                ck_assert_int_eq(verify(&message, signer), RELOAD_E_SIGNATURE);
        }
    end();
}
END_TEST

START_TEST(unsigned_messages)
{
    size_t count = 0;
    begin();
    struct reload_message signed_one = message_of(vector_of("ping_req"));
    const struct reload_identity *signer = signer_of(&signed_one);
    for (size_t i = 0; i < vector_count; i++) {
        if (vectors[i].structure[0] || is_signed_rsa(&vectors[i]) ||
            strcmp(vectors[i].name, "ping_req_ecdsa") == 0)
            continue;
        struct reload_message message = message_of(&vectors[i]);
        ck_assert_uint_eq(message.security.certificates.size, 0);
        ck_assert_int_eq(verify(&message, signer), RELOAD_E_SIGNATURE);
        count++;
    }
    ck_assert_uint_eq(count, 16);
    end();
}
END_TEST

/* Its certificate is of another overlay and issued by another CA, with an Ed25519 key: no keyring
 * of ours believes it. The signature as such is good. */
START_TEST(ecdsa)
{
    begin();
    struct reload_message message = message_of(vector_of("ping_req_ecdsa"));
    const struct reload_signature *signature = &message.security.signature;
    const struct reload_identity *identity = NULL;
    struct reload_bytes der = certificate_of(&message), parts[RELOAD_MESSAGE_SIGNED_PARTS];
    uint8_t head[RELOAD_MESSAGE_SIGNED_HEAD_SIZE];
    X509 *x509;
    ck_assert_int_eq(keyring->ops->add(keyring, der, PKI_NOW, &identity), RELOAD_E_CERTIFICATE);
    ck_assert_int_eq(reload_certificate_parse(der, &x509), 0);
    ck_assert_uint_eq(signature->algorithm.hash, RELOAD_HASH_ALGORITHM_SHA256);
    ck_assert_uint_eq(signature->algorithm.signature, RELOAD_SIGNATURE_ALGORITHM_ECDSA);
    reload_message_signed_parts(&message, head, parts);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    ck_assert_int_eq(
        EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, X509_get0_pubkey(x509)), 1);
    for (size_t i = 0; i < RELOAD_MESSAGE_SIGNED_PARTS; i++)
        ck_assert_int_eq(EVP_DigestVerifyUpdate(context, parts[i].data, parts[i].size), 1);
    ck_assert_int_eq(EVP_DigestVerifyFinal(context, signature->signature_value.data,
                                           signature->signature_value.size),
                     1);
    EVP_MD_CTX_free(context);
    /* RFC6940-11.3-23: no node takes it, even in its own overlay, since its subject is not empty.
     */
    struct reload_identity named;
    strcpy(config.instance_name, "test.link");
    ck_assert_int_gt(X509_NAME_entry_count(X509_get_subject_name(x509)), 0);
    ck_assert_int_eq(reload_certificate_identify(x509, &config, &named), RELOAD_E_CERTIFICATE);
    X509_free(x509);
    end();
}
END_TEST

/* ---- values --------------------------------------------------------------------------------- */

/* Checks all values in |list|: good as they are, bad for another Kind or resource. */
static size_t
verify_values(struct reload_bytes list, uint8_t model, uint32_t kind,
              const struct reload_identity *signer, const char *name)
{
    struct reload_reader reader = reload_reader_of(list);
    struct reload_value value;
    uint8_t other[16];
    size_t count = 0;
    memcpy(other, resource_octets, sizeof other);
    other[15] ^= 1;
    while (reload_value_next(&reader, &wire, model, &value)) {
        ck_assert_msg(reload_value_verify(keyring, signer, resource, kind, &value) == 0, "%s",
                      name);
        ck_assert_int_eq(reload_value_verify(keyring, signer, resource, kind + 1, &value),
                         RELOAD_E_SIGNATURE);
        ck_assert_int_eq(reload_value_verify(keyring, signer,
                                             (struct reload_bytes){other, sizeof other}, kind,
                                             &value),
                         RELOAD_E_SIGNATURE);
        count++;
    }
    return count;
}

/* RFC6940-6.3.4-04 */
START_TEST(stores)
{
    static const char *const names[] = {"store_req_array", "store_req_dict_sip",
                                        "store_req_single"};
    size_t count = 0;
    begin();
    for (size_t i = 0; i < 3; i++) {
        struct reload_message message = message_of(vector_of(names[i]));
        const struct reload_identity *signer = signer_of(&message);
        struct reload_reader reader = reload_reader_of(message.contents.message_body);
        struct reload_store_req request;
        struct reload_store_kind_data data;
        ck_assert_int_eq(reload_store_req_decode(&reader, &wire, &request), 0);
        ck_assert(reload_bytes_equal(request.resource, resource));
        struct reload_reader kinds = reload_reader_of(request.kind_data);
        while (reload_store_kind_data_next(&kinds, &wire, &data))
            count += verify_values(data.values, data.model, data.kind, signer, names[i]);
    }
    ck_assert_uint_eq(count, 4);
    end();
}
END_TEST

START_TEST(fetched)
{
    size_t count = 0;
    begin();
    struct reload_message message = message_of(vector_of("fetch_ans_dict"));
    const struct reload_identity *signer = signer_of(&message);
    struct reload_reader reader = reload_reader_of(message.contents.message_body);
    struct reload_fetch_ans answer;
    struct reload_fetch_kind_response response;
    ck_assert_int_eq(reload_fetch_ans_decode(&reader, &wire, &answer), 0);
    struct reload_reader kinds = reload_reader_of(answer.kind_responses);
    while (reload_fetch_kind_response_next(&kinds, &wire, &response))
        count +=
            verify_values(response.values, response.model, response.kind, signer, "fetch_ans_dict");
    ck_assert_uint_ge(count, 1);
    end();
}
END_TEST

/* Values that stand alone. */
START_TEST(elements)
{
    static const struct {
        const char *name;
        uint32_t kind;
    } cases[] = {
        {"stored_data_array_cert", RELOAD_KIND_CERTIFICATE_BY_USER},
        {"stored_data_dict_sip_route", RELOAD_KIND_SIP_REGISTRATION},
        {"stored_data_dict_sip_uri", RELOAD_KIND_SIP_REGISTRATION},
        {"stored_data_single_turn", RELOAD_KIND_TURN_SERVICE},
    };
    begin();
    struct reload_message message = message_of(vector_of("ping_req"));
    const struct reload_identity *signer = signer_of(&message);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct vector *vector = vector_of(cases[i].name);
        struct reload_bytes list = {vector->octets, vector->size};
        ck_assert_uint_eq(verify_values(list, vector->model, cases[i].kind, signer, cases[i].name),
                          1);
    }
    end();
}
END_TEST

int
main(void)
{
    pki_begin();
    int result = RUN_SUITE("vectors_signature", messages, changed_messages, unsigned_messages,
                           ecdsa, stores, fetched, elements);
    pki_end();
    return result;
}
