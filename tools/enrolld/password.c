/* password.c: passwords of accounts, kept as salted argon2id hashes. RFC 6940 11.3.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/enrolld/password.h"

#include <argon2.h>
#include <assert.h>
#include <openssl/rand.h>

/* What OWASP names for argon2id: 19 MiB, two passes; some 20 ms. */
enum { MEMORY_KIB = 19456, PASSES = 2, LANES = 1, SALT_SIZE = 16, HASH_SIZE = 32 };

/* A hash that nothing matches, with our parameters: stands in for accounts that do not exist. */
static const char stand_in[] = "$argon2id$v=19$m=19456,t=2,p=1$"
                               "AAAAAAAAAAAAAAAAAAAAAA$"
                               "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

int
password_hash(struct reload_bytes password, char *encoded)
{
    uint8_t salt[SALT_SIZE];
    if (password.size < PASSWORD_SIZE_MIN || password.size > PASSWORD_SIZE_MAX)
        return RELOAD_E_USAGE;
    if (RAND_priv_bytes(salt, sizeof salt) != 1)
        return RELOAD_E_CRYPTO;
    int error = argon2id_hash_encoded(PASSES, MEMORY_KIB, LANES, password.data, password.size, salt,
                                      sizeof salt, HASH_SIZE, encoded, PASSWORD_ENCODED_MAX);
    assert(error != ARGON2_ENCODING_FAIL); /* PASSWORD_ENCODED_MAX fits our parameters */
    return error == ARGON2_OK ? 0 : RELOAD_E_CRYPTO;
}

bool
password_matches(const char *encoded, struct reload_bytes password)
{
    if (password.size > PASSWORD_SIZE_MAX)
        password.size = PASSWORD_SIZE_MAX + 1; /* matches nothing, and costs no more than others */
    bool matches = argon2id_verify(encoded != NULL ? encoded : stand_in, password.data,
                                   password.size) == ARGON2_OK;
    return matches && encoded != NULL;
}
