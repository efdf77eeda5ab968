/* signer_test.c: who a SignerIdentity names. RFC 6940 6.3.4; D15; attack row C5.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/message.h"
#include "tests/unit/core/world.h"

#include "tests/suite.h"

#define SHA1 RELOAD_HASH_ALGORITHM_SHA1
#define SHA256 RELOAD_HASH_ALGORITHM_SHA256

static struct world *world;
static struct world_host *self, *one, *many;

/* The certificates that came with the message at hand. */
static uint8_t octets[8192];
static struct reload_writer bucket;

static void
bring(const struct world_host *host)
{
    const struct reload_identity *identity;
    struct reload_generic_certificate certificate = {.type = RELOAD_CERTIFICATE_TYPE_X509,
                                                     .certificate = host->identity->certificate};
    ck_assert_int_eq(self->keyring.keyring.ops->add(&self->keyring.keyring, certificate.certificate,
                                                    reload_node_wall_ms(self->node), &identity),
                     0);
    reload_generic_certificate_encode(&bucket, &self->node->wire, &certificate);
    ck_assert(!bucket.failed);
}

static void
begin(void)
{
    world = world_new(&world_single);
    self = world_add(world, 1);
    one = world_add(world, 1);
    many = world_add(world, 3);
    ck_assert_int_eq(world_boot(self, &world_single), 0);
    bucket = reload_writer_of(octets, sizeof octets);
}

/* H(|node_id| || certificate of |host|), or without |node_id| H(certificate). */
static struct reload_bytes
hash_of(const struct world_host *host, const struct reload_node_id *node_id, uint8_t algorithm)
{
    static uint8_t digest[RELOAD_DIGEST_MAX];
    size_t size;
    struct reload_bytes parts[] = {node_id ? reload_node_id_bytes(node_id, 16)
                                           : (struct reload_bytes){NULL, 0},
                                   host->identity->certificate};
    ck_assert_int_eq(self->keyring.keyring.ops->digest(&self->keyring.keyring, algorithm, parts, 2,
                                                       digest, &size),
                     0);
    return (struct reload_bytes){digest, size};
}

/* What is said of a signer that is named by |hash|. */
static int
ask(bool with_node_id, uint8_t algorithm, struct reload_bytes hash, struct reload_node_id *node_id)
{
    struct reload_signer_identity identity = {.identity_type =
                                                  RELOAD_SIGNER_IDENTITY_TYPE_CERT_HASH};
    const struct reload_identity *signer;
    identity.identity.cert_hash.hash_alg = algorithm;
    identity.identity.cert_hash.certificate_hash = hash;
    if (with_node_id) {
        identity.identity_type = RELOAD_SIGNER_IDENTITY_TYPE_CERT_HASH_NODE_ID;
        identity.identity.cert_hash_node_id.hash_alg = algorithm;
        identity.identity.cert_hash_node_id.certificate_node_id_hash = hash;
    }
    return reload_signature_signer(self->node, &identity, reload_writer_written(&bucket), &signer,
                                   node_id);
}

/* C5, D15: the hash alone names a certificate, but of several Node-IDs none. */
START_TEST(c5_hash_of_a_certificate)
{
    struct reload_node_id id;
    begin();
    bring(one);
    bring(many);
    ck_assert_int_eq(ask(false, SHA256, hash_of(one, NULL, SHA256), &id), 0);
    ck_assert(reload_node_id_equal(&id, &one->id));
    ck_assert_int_eq(ask(false, SHA256, hash_of(many, NULL, SHA256), &id), RELOAD_E_CERTIFICATE);
    ck_assert_int_eq(ask(false, SHA1, hash_of(one, NULL, SHA1), &id), RELOAD_E_CERTIFICATE);
    struct reload_bytes cut = hash_of(one, NULL, SHA256);
    cut.size--;
    ck_assert_int_eq(ask(false, SHA256, cut, &id), RELOAD_E_CERTIFICATE);
    world_free(world);
}
END_TEST

/* C5: with a Node-ID in front, only the certificate's own ones. */
START_TEST(c5_hash_with_a_node_id)
{
    struct reload_node_id id;
    begin();
    bring(one);
    ck_assert_int_eq(ask(true, SHA256, hash_of(many, &many->id, SHA256), &id),
                     RELOAD_E_CERTIFICATE); /* the certificate did not come with it */
    bring(many);
    for (size_t i = 0; i < 3; i++) {
        const struct reload_node_id *own = &many->identity->node_ids[i];
        ck_assert_int_eq(ask(true, SHA256, hash_of(many, own, SHA256), &id), 0);
        ck_assert(reload_node_id_equal(&id, own));
        ck_assert_int_eq(ask(true, SHA1, hash_of(many, own, SHA1), &id),
                         RELOAD_E_CERTIFICATE); /* D16 */
    }
    ck_assert_int_eq(ask(true, SHA256, hash_of(one, &one->id, SHA256), &id), 0);
    ck_assert_int_eq(ask(true, SHA256, hash_of(many, &one->id, SHA256), &id), RELOAD_E_CERTIFICATE);
    ck_assert_int_eq(ask(true, SHA256, hash_of(one, &self->id, SHA256), &id), RELOAD_E_CERTIFICATE);
    ck_assert_int_eq(ask(true, SHA256, hash_of(one, NULL, SHA256), &id), RELOAD_E_CERTIFICATE);
    world_free(world);
}
END_TEST

START_TEST(nobody)
{
    struct reload_signer_identity identity = {.identity_type = RELOAD_SIGNER_IDENTITY_TYPE_NONE};
    const struct reload_identity *signer;
    struct reload_node_id id;
    begin();
    bring(one);
    ck_assert_int_eq(reload_signature_signer(self->node, &identity, reload_writer_written(&bucket),
                                             &signer, &id),
                     RELOAD_E_CERTIFICATE);
    world_free(world);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("signer", c5_hash_of_a_certificate, c5_hash_with_a_node_id, nobody);
}
