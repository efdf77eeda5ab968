/* turn_credential.h: credentials for a TURN server that hold for a while.
 *
 *   username = "EXPIRY:NODE-ID"    seconds since 1970, and who got them, in hex
 *   password = base64(HMAC-SHA1(secret, username))
 *
 * The server knows the secret only, no users (coturn: use-auth-secret). docs/turn.md.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_USAGES_TURN_CREDENTIAL_H
#define RELOAD_USAGES_TURN_CREDENTIAL_H

#include "reload/ice.h"
#include "reload/keyring.h"
#include "reload/wire/wire.h"

#define TURN_USERNAME_MAX 63
#define TURN_PASSWORD_MAX 127
#define TURN_LIFETIME_MIN_S 60
#define TURN_LIFETIME_MAX_S 86400

struct turn_credential {
    uint32_t lifetime_s; /* from when it was written */
    struct reload_address address;
    char username[TURN_USERNAME_MAX + 1], password[TURN_PASSWORD_MAX + 1];
};

/* turn_credential_make fills in username and password; |lifetime_s| and |address| are the
 * caller's. |secret| has at most 64 octets. Returns 0 or RELOAD_E_CRYPTO. */
RELOAD_CHECKED int turn_credential_make(struct turn_credential *credential,
                                        struct reload_keyring *keyring, struct reload_bytes secret,
                                        struct reload_bytes node_id, uint64_t wall_ms);

/* turn_credential_write and _read are the content of the MessageExtension in a PingAns. The second
 * returns 0 or RELOAD_E_MALFORMED: also for characters other than printable ones of ASCII, and for
 * sizes and lifetimes beyond the bounds above. */
void turn_credential_write(struct reload_writer *writer, const struct reload_wire *wire,
                           const struct turn_credential *credential);
RELOAD_CHECKED int turn_credential_read(struct reload_bytes content, const struct reload_wire *wire,
                                        struct turn_credential *credential);

#endif
