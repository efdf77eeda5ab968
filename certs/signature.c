/* signature.c: what a signature says, by a certificate alone.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "certs/signature.h"

#include "certs/key.h"

static const EVP_MD *
digest_of(uint8_t algorithm)
{
    switch (algorithm) {
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

bool
reload_signature_hash_fits(uint8_t algorithm, struct reload_bytes hash, struct reload_bytes node_id,
                           struct reload_bytes der)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    const EVP_MD *md = digest_of(algorithm);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = md && context && EVP_DigestInit_ex(context, md, NULL) == 1 &&
                EVP_DigestUpdate(context, node_id.data, node_id.size) == 1 &&
                EVP_DigestUpdate(context, der.data, der.size) == 1 &&
                EVP_DigestFinal_ex(context, digest, &size) == 1;
    EVP_MD_CTX_free(context);
    return good && reload_bytes_equal(hash, (struct reload_bytes){digest, size});
}

bool
reload_signature_fits(const struct reload_signature *signature, EVP_PKEY *key,
                      const struct reload_bytes *parts, size_t count)
{
    const EVP_MD *md = digest_of(signature->algorithm.hash);
    uint8_t algorithm = reload_key_signature_algorithm(key);
    if (!md || algorithm == 0 || signature->algorithm.signature != algorithm)
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
