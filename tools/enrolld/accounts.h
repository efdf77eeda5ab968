/* accounts.h: the users of an overlay, and which Node-ID belongs to whom and to which key (D30), in
 * an sqlite file. RFC 6940 11.3.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_ENROLLD_ACCOUNTS_H
#define TOOLS_ENROLLD_ACCOUNTS_H

#include "reload/base/error.h"
#include "reload/keyring.h"
#include "tools/enrolld/password.h"

#define ACCOUNTS_KEY_DIGEST_SIZE 32

struct accounts;

/* accounts_open opens the file |path|; with |create| it makes it (0600), which fails when it
 * exists. Ended by accounts_close. On an error |message| says what. 0, RELOAD_E_IO, RELOAD_E_NOMEM.
 */
RELOAD_CHECKED int accounts_open(const char *path, bool create, struct accounts **accounts,
                                 char *message, size_t size);
void accounts_close(struct accounts *accounts);

/* The following return RELOAD_E_IO when the file cannot be read or written. Names are compared as
 * octets, but two that differ only in case cannot both exist. */

/* accounts_add makes the user |name| with the |password| of password_hash. RELOAD_E_DUPLICATE. */
RELOAD_CHECKED int accounts_add(struct accounts *accounts, const char *name, const char *password);

/* accounts_set_password changes a user's password. RELOAD_E_NOT_FOUND. */
RELOAD_CHECKED int accounts_set_password(struct accounts *accounts, const char *name,
                                         const char *password);

/* accounts_remove ends a user. Its Node-IDs stay taken for ever. RELOAD_E_NOT_FOUND. */
RELOAD_CHECKED int accounts_remove(struct accounts *accounts, const char *name);

/* accounts_password copies the hash of |name|'s password into |password| (PASSWORD_ENCODED_MAX
 * octets). RELOAD_E_NOT_FOUND. */
RELOAD_CHECKED int accounts_password(struct accounts *accounts, const char *name, char *password);

/* accounts_node_id finds the Node-ID of |user| and the key with |key_digest|, or gives them the
 * random |candidate|, unless |user| has |limit| of them already. The first |length| octets count.
 * RELOAD_E_BUSY (the limit), RELOAD_E_DUPLICATE (the candidate is taken). */
RELOAD_CHECKED int accounts_node_id(struct accounts *accounts, const char *user,
                                    const uint8_t *key_digest,
                                    const struct reload_node_id *candidate, uint8_t length,
                                    unsigned limit, struct reload_node_id *node_id);

/* accounts_each calls |fn| with each user, by name, and how many Node-IDs it has. */
typedef void accounts_fn(void *argument, const char *name, int64_t created_s, unsigned node_ids);
RELOAD_CHECKED int accounts_each(struct accounts *accounts, accounts_fn *fn, void *argument);

#endif
