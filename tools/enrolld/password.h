/* password.h: passwords of accounts, kept as salted argon2id hashes. RFC 6940 11.3.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_ENROLLD_PASSWORD_H
#define TOOLS_ENROLLD_PASSWORD_H

#include "reload/base/bytes.h"
#include "reload/base/error.h"

#define PASSWORD_SIZE_MIN 8
#define PASSWORD_SIZE_MAX 1024
#define PASSWORD_ENCODED_MAX 128

/* password_hash writes a new salted hash of |password| and its parameters, as text, into |encoded|
 * of PASSWORD_ENCODED_MAX octets. RELOAD_E_USAGE (too short or too long), RELOAD_E_CRYPTO. */
RELOAD_CHECKED int password_hash(struct reload_bytes password, char *encoded);

/* password_matches tells whether |encoded| is a hash of |password|. With NULL for |encoded| (there
 * is no such account) it takes the same time and returns false. */
RELOAD_CHECKED bool password_matches(const char *encoded, struct reload_bytes password);

#endif
